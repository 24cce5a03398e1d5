"""Which language a page is in: for the reader, for the browser and its translator, for screen readers."""

from playwright.sync_api import Locator, Page, expect

from scripts.browser import LOCALES, START, go, wait_until_idle
from scripts.running_app import RunningApp
from tests.browser.conftest import NewVisitor, OpenPage
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


def test_streamlits_own_words_follow_the_language(app_server: RunningApp, new_visitor: NewVisitor) -> None:
    page = new_visitor("en")
    for lang in (SOURCE, *OTHERS, SOURCE):
        if page.url == "about:blank":
            go(page, app_server.url, "training", lang=lang)
        else:
            page.locator(".st-key-language_switch").get_by_text(LANGUAGES[lang].name).click()
            wait_until_idle(page)
        with using(lang):
            expect(page.get_by_test_id("stSkipToContent")).to_have_text(_("Skip to main content"))
            expect(page.get_by_role("navigation", name=_("App pages"), exact=True)).to_be_visible()
            help_for_pace = _("Help for {label}").format(label=_("Pace"))
        expect(page.locator(".st-key-page-training-pace").get_by_label(help_for_pace)).to_be_visible()
        expect(page.locator("html")).to_have_attribute("lang", lang)
        with using(lang):
            expect(no_model_called(page, "zzz")).to_have_text(_("No results"))
        page.keyboard.press("Escape")


def test_sliders_show_decimals_as_their_reader_writes_them(open_page: OpenPage) -> None:
    for lang in (SOURCE, *OTHERS):
        page = open_page("sampling", lang=lang, temperature="0.8")
        with using(lang):
            shown = number(0.8, 2)
        expect(page.locator(".st-key-temperature").get_by_test_id("stSliderThumbValue")).to_have_text(shown)


def no_model_called(page: Page, name: str) -> Locator:
    page.locator(".st-key-page-training-choice input").fill(name)
    return page.get_by_role("listbox")


def test_peoples_words_are_not_taken_for_streamlits(open_page: OpenPage) -> None:
    page = open_page("home", lang=OTHERS[0])
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
