"""On a phone, and on a page enlarged to 200 %."""

import pytest
from playwright.sync_api import Page, expect

from scripts.browser import wait_until_idle
from tests.browser.conftest import OpenPage
from ui.journey import STATIONS

WIDTHS = (390, 640)
# What the margins leave of a chart: with labels beside them, the curves of Compare had 75 pixels of 390.
SHARE = "() => document.querySelector('.js-plotly-plot')?._fullLayout?._size.w / innerWidth > 0.45"
BUTTONS = ".st-key-training_transport button:visible"
EDGES = "buttons => buttons.map(b => b.getBoundingClientRect()).map(b => [b.top, b.left, b.right])"
UNCUT = "buttons => buttons.every(b => b.scrollWidth <= b.clientWidth)"
ARROWS = "stops => stops.map(stop => getComputedStyle(stop, '::after').content)"
DRAWER = '[data-testid="stSidebar"]'


@pytest.fixture(params=WIDTHS)
def narrow_page(open_page: OpenPage, request: pytest.FixtureRequest) -> OpenPage:
    """`narrow_page("training")`: the page on a narrow screen, in the language with the longer words."""

    def open_narrow(name: str) -> Page:
        page = open_page(name, lang="fr", run="preparedGptFr")
        page.set_viewport_size({"width": request.param, "height": 844})
        wait_until_idle(page)
        return page

    return open_narrow


def test_the_buttons_of_a_training_stand_in_two_lines_and_none_is_cut(narrow_page: OpenPage) -> None:
    page = narrow_page("training")
    buttons = page.locator(BUTTONS)
    edges = buttons.evaluate_all(EDGES)
    assert len(edges) == 5 and len({round(top) for top, _left, _right in edges}) <= 2
    assert all(0 <= left < right <= page.evaluate("innerWidth") for _top, left, right in edges)
    assert buttons.evaluate_all(UNCUT)


@pytest.mark.parametrize("name", ["training", "compare"])
def test_the_curve_takes_most_of_the_width(narrow_page: OpenPage, name: str) -> None:
    narrow_page(name).wait_for_function(SHARE)


def test_the_arrows_of_home_point_to_the_next_card(narrow_page: OpenPage) -> None:
    arrows = narrow_page("home").locator('[class*="st-key-station_"]').evaluate_all(ARROWS)
    assert arrows == ['"↓"'] * 6 + ["none"]


def test_the_menu_names_every_page_and_closes_when_one_is_chosen(narrow_page: OpenPage) -> None:
    page = narrow_page("home")
    page.get_by_test_id("stExpandSidebarButton").click()
    links = page.get_by_test_id("stSidebarNavLink")
    expect(links).to_have_count(len(STATIONS))
    expect(links.last).to_be_visible()
    links.last.click()
    wait_until_idle(page)
    expect(page.locator("h1")).to_contain_text("énigme")
    page.wait_for_function(
        "(drawer) => document.querySelector(drawer).getBoundingClientRect().right <= 0", arg=DRAWER
    )
