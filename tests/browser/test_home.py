"""One click from Home to a running training, and the way through the stations."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from scripts.browser import wait_until_idle

OpenPage = Callable[..., Page]
CARD = ".st-key-station_{name} .mg-stop"


def test_one_click_leads_to_a_running_training_and_home_follows_it(open_page: OpenPage) -> None:
    page = open_page("home", lang="fr")
    training = page.locator(CARD.format(name="training"))
    expect(training).to_have_class(re.compile("mg-next"))
    page.locator(".st-key-home_begin button").click()
    page.wait_for_url(re.compile(r"/training\?.*run=\w"))
    wait_until_idle(page)
    page.locator('[data-testid="stTopNavLink"]').first.click()
    expect(page.locator(".st-key-station_generated .mg-says")).to_be_visible()
    step = training.locator(".mg-s")
    seen = step.inner_text()
    assert re.search(r"pas .* sur 500", seen)
    if "mg-next" in (training.get_attribute("class") or ""):  # still training: the step goes on by itself
        expect(step).not_to_have_text(seen)
    assert_nothing_is_cut(page)
    a_station_is_a_link_that_keeps_the_session(page)


@pytest.mark.parametrize("wait", [0, 250])
def test_a_click_on_home_right_after_begin_leaves_no_empty_page(open_page: OpenPage, wait: int) -> None:
    page = open_page("home")
    page.locator(".st-key-home_begin button").click()
    page.wait_for_timeout(wait)
    page.locator('[data-testid="stTopNavLink"]').first.click()
    wait_until_idle(page)
    expect(page.locator("h1")).to_have_count(1)
    expect(page.locator("h1")).to_be_visible()


def a_station_is_a_link_that_keeps_the_session(page: Page) -> None:
    page.evaluate("window.sameVisit = true")
    page.locator(".st-key-station_batches").click()
    page.wait_for_url(re.compile("/batches"))
    wait_until_idle(page)
    assert page.evaluate("window.sameVisit")
    assert "lang=fr" in page.url


def assert_nothing_is_cut(page: Page) -> None:
    """No number of a station wraps or is cut off, and nothing has to be scrolled sideways."""
    figures = page.locator(".mg-stop .mg-n")
    assert figures.evaluate_all(
        "all => all.every(n => n.scrollWidth <= n.clientWidth && n.clientHeight < 40)"
    )
    main = page.locator('[data-testid="stMain"]')
    assert main.evaluate("main => main.scrollWidth <= main.clientWidth")
