"""The Ladder page in a real browser: followed without flicker, found again after a reload, stopped, linked."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from scripts.browser import wait_until_idle

OpenPage = Callable[..., Page]

LINES = "() => (document.querySelector('.mg-ladder-chart')?.data ?? []).filter(({ mode }) => mode === 'lines').length"
TRAIN, STOP = ".st-key-ladder_train button:visible", ".st-key-ladder_stop button:visible"
RUNG = ".mg-rung"
CELLS = "[...document.querySelectorAll('.mg-result > *')]"
WIDEST = f"() => Math.max(...{CELLS}.map((cell) => cell.getBoundingClientRect().right))"


def test_the_ladder_is_followed_stopped_and_found_again(open_page: OpenPage) -> None:
    page = open_page("ladder", lang="en", text="additions")
    expect(page.locator(RUNG)).to_have_count(9)
    page.get_by_text("300 steps", exact=True).click()
    expect(page.locator("[data-testid=stMain] [data-testid=stCaptionContainer]").first).to_contain_text(
        "300 steps"
    )
    expect(page).to_have_url(re.compile("choices=ladder.budget~300"))
    page.wait_for_selector(".mg-ladder-chart .main-svg")
    page.evaluate("document.querySelector('.mg-ladder-chart').dataset.mounted = 'once'")
    page.locator(TRAIN).click()
    expect(page.locator(STOP)).to_be_enabled()
    expect(page.locator(RUNG).first).to_contain_text("loss")
    page.wait_for_function(f"() => ({LINES})() > 0")
    assert page.evaluate("document.querySelector('.mg-ladder-chart').dataset.mounted") == "once"
    page.reload()
    expect(page.locator("[data-testid=stMain] [data-testid=stCaptionContainer]").first).to_contain_text(
        "300 steps"
    )
    expect(page.locator(RUNG).first).to_contain_text("loss")
    page.locator(STOP).click()
    expect(page.locator(TRAIN)).to_be_enabled()
    expect(page.locator(RUNG).last).to_contain_text("stopped")
    page.set_viewport_size({"width": 400, "height": 800})  # a phone: cards, and nothing beside the screen
    page.reload()
    expect(page.locator(".mg-result.mg-label")).to_be_hidden()
    page.wait_for_function(f"() => ({WIDEST})() <= 400")
    assert page.locator(".mg-says").first.evaluate("(text) => text.clientWidth") > 250
    page.locator(".st-key-ladder_results [data-testid=stPageLink-NavLink]:visible").first.click()
    expect(page).to_have_url(re.compile(r"/training\?(.*&)?run=\w+"))
    wait_until_idle(page)
    expect(page.locator(".mg-line").first).to_contain_text("Finished")
