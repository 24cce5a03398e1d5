"""What axe-core finds in what opens over a page: nothing that keeps somebody out; for pages, see test_shell. And what
things are called that have a name which somebody has written."""

import re

import pytest
from playwright.sync_api import Page, expect

from minigpt_core.lessons.catalogue import find_lesson
from scripts.accessibility import axe
from scripts.browser import go, wait_until_idle
from scripts.running_app import RunningApp
from tests.browser.conftest import NewVisitor, OpenPage
from ui.lessons.markup import plain
from ui.words.languages import LANGUAGES


def test_what_opens_in_the_dark_is_drawn_for_the_dark(
    app_server: RunningApp, new_visitor: NewVisitor
) -> None:
    page = new_visitor("en", "dark")
    go(page, app_server.url, "training", run="preparedStuckEn")
    page.get_by_role("button", name="Why? What next?").click()
    opened = page.get_by_test_id("stPopoverBody")
    expect(opened.locator("button").first).to_be_visible()
    assert opened.evaluate("box => getComputedStyle(box).colorScheme") == "dark"
    assert opened.evaluate("box => getComputedStyle(box).getPropertyValue('--mg-ground')")
    assert not axe(page)


NAMED_AS_MARKDOWN = re.compile(r"\\[^\w\s]|\*\*|:material/")
TITLE = "1.5 *stars* [of](x) a_b! $y$ :cat:"


def names(page: Page) -> list[str]:
    """What all that can be named on the page is called, as a screen reader has it."""
    nodes = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    return [str(node["name"]["value"]) for node in nodes if node.get("name", {}).get("value")]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_guess_is_called_as_it_is_asked(app_server: RunningApp, new_visitor: NewVisitor, lang: str) -> None:
    page = new_visitor(lang)
    for lesson, step in (
        ("numbers", 1),
        ("attention", 2),
        ("learning-rate", 3),
    ):  # a number, a choice, an order
        go(page, app_server.url, lesson=lesson, step=str(step), lang=lang)
        question = find_lesson(lesson, lang).steps[step - 1].question
        assert question
        asked = plain(question.words)
        page.wait_for_function(
            "said => document.querySelector(`[aria-label=${JSON.stringify(said)}]`)", arg=asked
        )
        found = names(page)
        assert asked in found
        assert not [name for name in found if NAMED_AS_MARKDOWN.search(name)]
        if question.kind == "choice":
            assert {*map(plain, question.options)} <= {*found}
            assert page.locator(".st-key-lesson_guess [data-testid=stWidgetLabel]").inner_text() == asked


def test_a_name_that_somebody_gave_is_called_so(open_page: OpenPage) -> None:
    page = open_page("vocabulary", lang="en")
    paste_text(page)
    chosen = page.locator(".st-key-vocabulary_text input:checked")
    expect(chosen).to_have_accessible_name(re.compile("^" + re.escape(TITLE)))
    found = names(page)
    assert not [name for name in found if NAMED_AS_MARKDOWN.search(name)]
    assert any(TITLE in name for name in found) and not [name for name in found if "\u2060" in name]


def test_what_a_shortcode_is_kept_from_becoming_a_picture_with_is_no_part_of_a_button(
    open_page: OpenPage,
) -> None:
    page = open_page("vocabulary", lang="en")
    paste_text(page)
    page.goto(page.url.replace("/vocabulary", "/attention"))
    wait_until_idle(page)
    button = page.locator(".st-key-inside_train button").first
    expect(button).to_have_accessible_name(re.compile(re.escape(TITLE)))
    assert TITLE in button.inner_text()


def test_after_a_text_was_brought_the_side_bar_begins_at_its_top(open_page: OpenPage) -> None:
    page = open_page("vocabulary", lang="en")
    page.set_viewport_size({"width": 1280, "height": 480})
    bar = page.get_by_test_id("stSidebarContent")
    bar.evaluate("bar => { bar.scrollTop = bar.scrollHeight; }")  # to the button below the list
    assert bar.evaluate("bar => bar.scrollTop") > 100
    paste_text(page)
    page.wait_for_function("() => document.querySelector('[data-testid=stSidebarContent]').scrollTop === 0")
    expect(page.locator(".st-key-vocabulary_text label").filter(has_text=TITLE)).to_be_in_viewport()


def paste_text(page: Page) -> None:
    """A text of one's own, with a title full of marks."""
    page.locator(".st-key-vocabulary_own button").click()
    page.locator(".st-key-vocabulary_paste textarea").fill("one and two and three, " * 40)
    page.locator(".st-key-vocabulary_paste_name input").fill(TITLE)
    page.locator(".st-key-vocabulary_paste_use button").click()
    page.wait_for_url(re.compile("[?&]text=[0-9a-f]{64}"))
    wait_until_idle(page)
