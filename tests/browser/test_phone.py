"""On a phone, and on a page enlarged to 200 %."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from scripts.browser import go, wait_until_idle
from scripts.running_app import RunningApp
from tests.browser.conftest import OpenPage
from ui.journey import STATIONS
from ui.words.i18n import _, using

WIDTHS = (390, 640)
# What the margins leave of a chart: with labels beside them, the curves of Compare had 75 pixels of 390.
SHARE = "() => document.querySelector('.js-plotly-plot')?._fullLayout?._size.w / innerWidth > 0.45"
BUTTONS = ".st-key-training_transport button:visible"
EDGES = "buttons => buttons.map(b => b.getBoundingClientRect()).map(b => [b.top, b.left, b.right])"
UNCUT = "buttons => buttons.every(b => b.scrollWidth <= b.clientWidth)"
ARROWS = "stops => stops.map(stop => getComputedStyle(stop, '::after').content)"
DRAWER = '[data-testid="stSidebar"]'


@pytest.fixture(params=["fr", "en"])
def lang(request: pytest.FixtureRequest) -> str:
    """The language with the longer words, and the one in which Streamlit has words of its own."""
    return str(request.param)


@pytest.fixture
def narrow(open_page: OpenPage, lang: str) -> Callable[[str], Iterator[Page]]:
    """`narrow("training")`: the page on each narrow screen."""

    def open_narrow(name: str) -> Iterator[Page]:
        page = open_page(name, lang=lang, run="preparedGptFr")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 844})
            wait_until_idle(page)
            yield page

    return open_narrow


def test_the_curve_takes_most_of_the_width_and_no_button_is_cut(
    narrow: Callable[[str], Iterator[Page]],
) -> None:
    for page in narrow("training"):
        page.wait_for_function(SHARE)
        buttons = page.locator(BUTTONS)
        edges = buttons.evaluate_all(EDGES)
        assert len(edges) == 5 and len({round(top) for top, _left, _right in edges}) <= 2  # lines
        assert all(0 <= left < right <= page.evaluate("innerWidth") for _top, left, right in edges)
        assert buttons.evaluate_all(UNCUT)
        if page.evaluate("innerWidth") < 520:  # words at the lines would hide the curve
            assert sorted(page.locator(".mg-live-chart .annotation-text").all_text_contents()) == [*"abcd"]
            expect(page.locator(".mg-live-lines span")).to_have_count(4)


def test_lines_that_a_logarithmic_axis_puts_together_have_one_letter_where_they_are(
    open_page: OpenPage, lang: str
) -> None:
    page = open_page("training", lang=lang, run="preparedDivergedFr")
    page.set_viewport_size({"width": 390, "height": 844})
    label = page.locator(".mg-live-chart .annotation-text")
    expect(label).to_have_text(["a–c"])
    expect(page.locator(".mg-live-lines span")).to_have_count(3)
    lines = page.locator(".mg-live-chart .shapelayer path").evaluate_all(
        "paths => paths.map((path) => path.getBoundingClientRect()).map(({ y, height }) => y + height / 2)"
    )
    box = label.bounding_box()
    assert box and lines and min(lines) - 8 <= box["y"] + box["height"] / 2 <= max(lines) + 8
    assert box["x"] + box["width"] <= 390


def test_texts_side_by_side_have_the_width_to_themselves(open_page: OpenPage, lang: str) -> None:
    page = open_page("sampling", lang=lang, view="models")
    page.set_viewport_size({"width": 390, "height": 844})
    texts = page.locator(".mg-lane-text")
    expect(texts).to_have_count(2)
    box = texts.first.bounding_box()
    assert box and box["width"] > 300


def test_no_page_is_wider_than_the_screen(open_page: OpenPage, app_server: RunningApp) -> None:
    page = open_page("home", lang="fr")
    page.set_viewport_size({"width": 390, "height": 844})
    for station in STATIONS:
        go(page, app_server.url, station.name, lang="fr")
        widths = "[document.documentElement, document.querySelector('[data-testid=stMain]')].map((e) => e.scrollWidth)"
        assert max(page.evaluate(widths)) <= 390, station.name


def test_the_curves_of_compare_take_most_of_the_width(narrow: Callable[[str], Iterator[Page]]) -> None:
    for page in narrow("compare"):
        page.wait_for_function(SHARE)


def test_the_menu_names_every_page_and_closes_when_one_is_chosen(
    narrow: Callable[[str], Iterator[Page]], lang: str
) -> None:
    for page in narrow("home"):
        arrows = page.locator('[class*="st-key-station_"]').evaluate_all(ARROWS)
        assert arrows == ['"↓"'] * 6 + ["none"]  # to the next card
    page.get_by_test_id("stExpandSidebarButton").click()
    links = page.get_by_test_id("stSidebarNavLink")
    expect(links).to_have_count(len(STATIONS))
    expect(links.last).to_be_visible()
    links.last.click()
    wait_until_idle(page)
    with using(lang):
        expect(page.locator("h1")).to_contain_text(_(STATIONS[-1].title))
    page.wait_for_function(
        "(drawer) => document.querySelector(drawer).getBoundingClientRect().right <= 0", arg=DRAWER
    )


def test_the_closed_drawer_takes_no_focus(open_page: OpenPage) -> None:
    page = open_page("sampling", lang="en")
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.locator(f"{DRAWER}[data-collapsed='true']")).to_have_count(1)
    for _press in range(6):
        page.keyboard.press("Tab")
        assert page.evaluate("!document.activeElement.closest('[data-testid=stSidebar]')")
    page.get_by_test_id("stExpandSidebarButton").press("Enter")
    expect(page.get_by_test_id("stSidebarNavLink").first).to_be_visible()


def test_the_ring_around_what_has_the_focus_in_a_lesson_is_whole(open_page: OpenPage) -> None:
    page = open_page("sampling", lang="en", lesson="temperature", step="1")
    page.set_viewport_size({"width": 390, "height": 844})
    wait_until_idle(page)
    asked = page.locator(".st-key-lesson_guess input").first
    expect(asked).to_be_visible()
    room = "(field) => field.closest('label').getBoundingClientRect().left"
    cut = "() => document.querySelector('.st-key-lesson_panel').getBoundingClientRect().left"
    assert asked.evaluate(room) - page.evaluate(cut) >= 3  # as wide as a ring
