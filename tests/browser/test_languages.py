"""Which language a page is in: for the reader, for the browser and its translator, for screen readers."""

import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from minigpt_core.store.runs import RunStore
from scripts.browser import LOCALES, START, start_training, wait_for_run, wait_until_idle
from scripts.running_app import RunningApp
from tests.browser.conftest import OpenPage
from ui.components.streamlit_words import WORDS
from ui.words.i18n import _, number, using
from ui.words.languages import LANGUAGES, SOURCE

OTHERS = [lang for lang in LOCALES if lang != SOURCE]
# What a browser's translator does: it puts each text into elements of its own, and leaves alone what is marked.
TRANSLATE = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), texts = [];
  while (walker.nextNode()) if (walker.currentNode.data.trim()) texts.push(walker.currentNode);
  for (const text of texts) {
    if (text.parentElement.closest('[translate="no"], script, style')) continue;
    const outer = document.createElement("font"), inner = document.createElement("font");
    inner.textContent = text.data.toUpperCase();
    outer.append(inner);
    text.replaceWith(outer);
  }
}"""

WAITS = """() => document.body.append(
  Object.assign(document.createElement("p"), { id: "wait", textContent: "(1.5 seconds)" }))"""


def test_what_a_click_opens_speaks_the_language_of_its_tab(open_page: OpenPage) -> None:
    """Words and report are fragments: a click on them runs neither the shell nor the page."""
    visitors = {lang: open_page("home", lang=lang) for lang in LOCALES}
    for lang, page in (*visitors.items(), *visitors.items()):
        with using(lang):
            words, searched = _("Words"), _("Search the words")
        page.get_by_role("button", name=words).click()
        expect(page.get_by_placeholder(searched)).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_placeholder(searched)).to_have_count(0)
    peoples_words_are_not_taken_for_streamlits(visitors[OTHERS[0]])


def test_streamlits_own_words_follow_the_language_and_no_setting_changes(
    app_server: RunningApp, open_page: OpenPage
) -> None:
    page = open_page("training", lang=SOURCE)
    pace, rate = (page.locator(f".st-key-page-training-{name} input") for name in ("pace", "learning_rate"))
    pace.press("ArrowLeft")
    pace.press("ArrowLeft")
    wait_until_idle(page)
    for n, lang in enumerate((SOURCE, *OTHERS, SOURCE)):
        if n:
            page.locator(".st-key-language_switch").get_by_text(LANGUAGES[lang].name).click()
            wait_until_idle(page)
        with using(lang):
            expect(page.get_by_test_id("stSkipToContent")).to_have_text(_("Skip to main content"))
            expect(page.get_by_role("navigation", name=_("App pages"), exact=True)).to_be_visible()
            help_for_pace = _("Help for {label}").format(label=_("Pace"))
        expect(page.locator(".st-key-page-training-pace").get_by_label(help_for_pace)).to_be_visible()
        expect(page.locator("html")).to_have_attribute("lang", lang)
        with using(lang):
            expect(pace).to_have_attribute("aria-valuetext", re.compile(f"^{number(5, 0)}\\s"))
            expect(rate).to_have_attribute("aria-valuetext", number(0.003, 3))
        with using(lang):
            expect(no_model_called(page, "zzz")).to_have_text(_("No results"))
        page.keyboard.press("Escape")
    run = start_training(page)
    wait_for_run(page, app_server.url, run, lambda live: live["step"] >= 1)
    page.locator(".st-key-training_stop button:visible").click()
    wait_for_run(page, app_server.url, run, lambda live: live["status"] == "stopped")
    training = RunStore(app_server.home).run(run).training
    assert (training.pace, training.learning_rate, training.steps) == (5, 0.003, 500)


def test_why_a_file_was_refused_is_said_in_the_reader_s_language(open_page: OpenPage, tmp_path: Path) -> None:
    story = tmp_path / "conte.txt"
    story.write_bytes(b"x" * 4700)
    page = open_page("compare", lang="fr")
    page.locator(".st-key-compare_open_box summary").click()
    page.locator(".st-key-compare_open_box input[type=file]").set_input_files(story)
    refused = page.get_by_test_id("stFileChip")
    expect(refused).to_contain_text("4,7\u202fko")
    said = refused.get_by_role("alert")
    expect(said).to_have_text("Erreur\u00a0: Un fichier de ce genre (text/plain) ne convient pas ici.")
    box = said.bounding_box()
    assert box and box["width"] > 100, "it is only read aloud"
    page.evaluate(WAITS)
    expect(page.locator("#wait")).to_have_text("(1,5 s)")  # as it stands beside a wheel that turns


def test_sliders_show_decimals_as_their_reader_writes_them(open_page: OpenPage) -> None:
    for lang in OTHERS:
        page = open_page("sampling", lang=lang, temperature="0.8")
        with using(lang):
            shown = number(0.8, 2)
        expect(page.locator(".st-key-temperature").get_by_test_id("stSliderThumbValue")).to_have_text(shown)


def no_model_called(page: Page, name: str) -> Locator:
    page.locator(".st-key-page-training-choice input").fill(name)
    return page.get_by_role("listbox")


def peoples_words_are_not_taken_for_streamlits(page: Page) -> None:
    assert "Search" in WORDS
    page.evaluate("""() => {
      for (const place of ["stMarkdownContainer", "stBidiComponentRegular"]) {
        const made = document.createElement("p");
        made.className = "people";
        document.querySelector(`[data-testid=${place}]`).append(made);
        made.append("Search");
      }
      const button = document.createElement("button");
      button.className = "streamlit";
      document.body.append(button);
      button.append("Search");
    }""")
    with using(OTHERS[0]):
        expect(page.locator("button.streamlit")).to_have_text(_("Search"))
    assert page.locator(".people").all_inner_texts() == ["Search", "Search"]


def test_live_figures_survive_the_browsers_translator(open_page: OpenPage) -> None:
    page = open_page("training", lang="en")
    page.evaluate(TRANSLATE)
    figure = page.locator(".mg-live-big > span")
    assert figure.inner_text() == "0"
    page.locator(START).filter(visible=True).click()
    expect(figure).to_have_text("500")
    label = page.locator(".mg-live .mg-label").first
    page.evaluate(TRANSLATE)
    translated = label.inner_html()
    assert "<font>" in translated
    page.wait_for_timeout(700)  # two answers of the server, which bring nothing new
    assert label.inner_html() == translated
    assert figure.inner_text() == "500"
