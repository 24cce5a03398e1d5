"""Every page in a language of long, accented words: adding a language is adding a folder, nothing is left untranslated
and everything has room on a classroom's projector."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from minigpt_core.lessons.catalogue import SOURCE, lessons
from minigpt_core.lessons.lesson import Lesson
from minigpt_core.texts import corpus
from scripts.browser import address, new_context, wait_until_idle
from scripts.running_app import RunningApp, running_app
from tests.browser import pseudo
from tests.browser.conftest import HEAR, NOBODY_TRAINS, assert_nothing_left, turn_to
from ui import teacher
from ui.journey import ABOUT, STATIONS
from ui.sampling.views import VIEWS
from ui.words.languages import LANGUAGES

# What is the same in every language, and names that people give.
NAMES = [
    "mini-GPT", "TinyGPT", "GPT", "MLP", "LayerNorm", "RMSNorm", "ReLU²", "Softmax", "dropout", "top-k", "top-p",
    "AdamW", "SGD", "Muon", "CPU", "float32", "PNG", "SVG", "CSV", "ZIP", "TensorBoard", "Streamlit",
    "Shakespeare", "min", "kB", "MB",
    *(text.title for text in corpus.BUNDLED.values() if text.language),
    *(words for one in lessons(SOURCE) if isinstance(one, Lesson) for words in (one.title, one.about, one.idea)),
    *(language.name for language in LANGUAGES.values()),
]  # fmt: skip
WHOLE = [rf"\b{re.escape(name)}(?!\w)" for name in sorted(NAMES, key=len, reverse=True)]
NO_WORDS = re.compile("|".join(["[“…][^”]*”", r"\S+\.py", r"\w+\(\)", *WHOLE]))
# Texts, characters and code are marked, fields hold what was typed. Buttons with names of functions and with the
# puzzle's words cannot be marked, nor tables whose description ends in a text.
DATA = (
    '[translate="no"], bdi, code, pre, textarea, script, style, noscript, table.mg-lens, .mg-lens table, '
    '[class*="_code "] [data-testid="stButtonGroup"], [class*="st-key-puzzle_try_"]'
)
LOOK = """data => {
  const seen = (element) => element?.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const ours = (element) => seen(element) && !element.closest(data);
  const words = [], cut = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const { data: text, parentElement } = walker.currentNode;
    if (text.trim() && ours(parentElement)) words.push(text.trim());
  }
  for (const name of ["aria-label", "placeholder", "title"])
    for (const element of document.querySelectorAll(`[${name}]:not([role="img"])`))
      if (ours(element)) words.push(element.getAttribute(name));
  for (const box of document.querySelectorAll("button, button *, a, label, summary, [role=tab]")) {
    const clips = box.clientWidth > 1 && getComputedStyle(box).overflowX !== "visible";
    if (clips && seen(box) && box.scrollWidth > box.clientWidth + 1) cut.push(box.textContent.trim());
  }
  for (const text of document.querySelectorAll("svg text")) {
    let frame = text.ownerSVGElement;
    while (frame.parentElement.closest("svg")) frame = frame.parentElement.closest("svg");
    const box = text.getBoundingClientRect(), room = frame.getBoundingClientRect();
    if (seen(text) && box.width && (box.left < room.left - 1 || box.right > room.right + 1)) cut.push(text.textContent);
  }
  const wide = [...document.querySelectorAll('html, [data-testid="stMain"], [data-testid="stSidebarContent"]')]
    .filter((box) => box.getBoundingClientRect().right > 0 && box.scrollWidth > box.clientWidth + 1)
    .map((box) => box.dataset.testid ?? "page");
  return { words, cut: cut.filter(Boolean), wide };
}"""
# The code is shown in the same way everywhere: on Home, that stands for all, it is opened, too.
FOLDED = 'details:not([open]) > summary:not([class*="_code "]:not(.st-key-home_code) *)'

OPEN_ALL = """folded => {
  const seen = (one) => one.checkVisibility({ visibilityProperty: true });
  const closed = [...document.querySelectorAll(folded)].filter(seen);
  for (const one of closed) one.click();
  return closed.length;
}"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program with one language more."""
    return pseudo.checkout(tmp_path_factory.mktemp("pseudo"))


@pytest.fixture(scope="module")
def app(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    with running_app(tmp_path_factory.mktemp("alone") / "home", root=root, env=NOBODY_TRAINS) as app:
        yield app
    assert_nothing_left(app)


@pytest.fixture(scope="module")
def served(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """The same with a class."""
    home = tmp_path_factory.mktemp("class") / "home"
    teacher.keep_secret(home)
    with running_app(home, root=root, env={**NOBODY_TRAINS, "MINIGPT_SERVE": "1"}) as app:
        yield app
    assert_nothing_left(app)


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    context = new_context(browser)
    context.add_init_script(HEAR)
    yield context.new_page()
    context.close()


PAGES = [
    *((station.name, "") for station in (*STATIONS, *ABOUT)),
    *(("sampling", view.name) for view in VIEWS[1:]),
]


def show(page: Page, url: str, name: str, view: str) -> None:
    """A page, or one of the views of a page, which is there already if another one was looked at before."""
    if not (view and page.url.startswith(address(url, name))):
        turn_to(page, url, name, lang=pseudo.CODE, run="preparedGptEn", text="the-curious-cat")
    if view:
        page.locator(".st-key-sampling_views button").nth([one.name for one in VIEWS].index(view)).click()
        page.wait_for_url(f"**view={view}**")
        wait_until_idle(page)


@pytest.mark.parametrize(("name", "view"), PAGES)
def test_a_page_is_all_translated_and_has_room(app: RunningApp, page: Page, name: str, view: str) -> None:
    """With all that is folded opened."""
    show(page, app.url, name, view)
    look_at(page, words=20)


def look_at(page: Page, words: int, names: str = "$") -> None:
    """Open all that is folded; there are more than so many pieces of text, none of them plain but for these names (a
    pattern), none cut or too wide."""
    expect(page.locator("h1").first).to_be_visible()
    while page.evaluate(OPEN_ALL, FOLDED):
        wait_until_idle(page)
    found: dict[str, Any] = page.evaluate(LOOK, DATA)
    assert len(found["words"]) > words and page.evaluate("document.documentElement.lang") == pseudo.CODE
    left = [re.sub(names, "", NO_WORDS.sub("", words)) for words in found["words"]]
    assert [words for words in left if re.search("[A-Za-z]{2}", words)] == []
    assert found["cut"] == []
    assert found["wide"] == []


def test_what_a_teacher_sees_is_all_translated_and_has_room(served: RunningApp, page: Page) -> None:
    """The page of the class with all that is behind its tabs, the wall, and the speaker's notes, which wait."""
    key = teacher.keep_secret(served.home)
    names = rf"\b{teacher.class_code(key)}\b|https?://\S+"
    page.goto(teacher.link(served.url, key))
    turn_to(page, served.url, "classroom", lang=pseudo.CODE)
    tabs = page.locator(".st-key-classroom_tabs [role=tab]")
    expect(tabs).to_have_count(5)
    for tab in tabs.all():
        tab.click()
        wait_until_idle(page)
        look_at(page, 20, names)
    for name, words in (("wall", 10), ("notes", 1)):
        turn_to(page, served.url, name, lang=pseudo.CODE)
        look_at(page, words, names)


def test_what_a_translator_leaves_as_it_is() -> None:
    sentence = "See **{n} steps** of `train()`, :red[<b>at</b>] [home](https://x.org) :material/home:."
    kept = ("{n}", "**", "`train()`", ":red[", "<b>", "</b>", "](https://x.org)", ":material/home:")
    assert all(part in pseudo.pseudo(sentence) for part in kept)
    assert pseudo.pseudo("Start") == "Šţááŕţ"
