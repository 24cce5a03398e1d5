"""Pointing, choosing and calculating on the Attention page, in a real browser and without asking the server."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from scripts.browser import wait_until_idle

OpenPage = Callable[..., Page]

SCRIPT_RUNS = """() => {
  window.scriptRuns = 0;
  const app = document.querySelector('[data-testid="stApp"]');
  new MutationObserver(() => { if (app.dataset.testScriptState === 'running') window.scriptRuns++; })
    .observe(app, { attributes: true, attributeFilter: ['data-test-script-state'] });
}"""


def shares(page: Page) -> float:
    """The sum of the percentages in the table of the calculation, without the last line."""
    cells = page.locator(".mg-att-table tbody tr:not(.mg-att-total) .mg-att-share span").all_inner_texts()
    return sum(float(re.sub(r"[^\d.,]", "", cell).replace(",", ".")) for cell in cells)


def test_pointing_choosing_and_calculating_ask_nobody(open_page: OpenPage) -> None:
    page = open_page("attention", "fr")
    page.evaluate(SCRIPT_RUNS)
    cells, said = page.locator(".mg-att-c"), page.locator(".mg-att-side")
    cells.nth(5).hover()
    expect(said).to_contain_text("place 6")
    expect(page.locator(".mg-att-here")).to_have_count(1)
    expect(page.locator(".mg-att-out")).to_have_count(cells.count() - 6)
    cells.nth(20).click()
    tiles = page.locator(".mg-att-tile")
    tiles.nth(5).click()
    expect(said).to_contain_text("Couche 2, tête 2")
    page.locator(".mg-att-go").click()
    rows = page.locator(".mg-att-table tbody tr")
    expect(rows.filter(has_text="−∞")).to_have_count(2)
    assert abs(shares(page) - 100) < 5  # rounded shares
    page.locator(".mg-att-go").click()
    page.locator(".mg-att-choice button").nth(2).click()
    expect(said).to_contain_text("Moyenne des 8 têtes")
    assert page.evaluate("window.scriptRuns") == 0


def test_the_head_the_character_and_the_way_of_looking_survive_a_reload(open_page: OpenPage) -> None:
    page = open_page("attention", "fr")
    tiles, said = page.locator(".mg-att-tile"), page.locator(".mg-att-side")
    tiles.nth(5).click()
    page.locator(".mg-att-c").nth(20).click()
    page.locator(".mg-att-choice button").last.click()
    title = said.locator(".mg-att-title").first.inner_text()
    page.reload()
    wait_until_idle(page)
    expect(said.locator(".mg-att-title").first).to_have_text(title)
    expect(page.locator(".mg-att-here")).to_have_attribute("data-place", "20")
    expect(page.locator(".mg-att-choice button").last).to_have_attribute("aria-pressed", "true")


def test_arrow_keys_lead_through_heads_and_text(open_page: OpenPage) -> None:
    page = open_page("attention", theme="dark")
    main = page.locator('[data-testid="stMain"]')
    assert main.evaluate("main => main.scrollWidth <= main.clientWidth")
    page.locator(".mg-att-tile[tabindex='0']").focus()
    before = page.locator(".mg-att-side .mg-att-title").first.inner_text()
    page.keyboard.press("ArrowRight" if before.endswith(("1", "2", "3")) else "ArrowLeft")
    assert page.locator(".mg-att-side .mg-att-title").first.inner_text() != before
    page.locator(".mg-att-text").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".mg-att .mg-hidden")).to_contain_text("(place 2)")


def test_markup_in_a_text_is_shown_and_never_run(open_page: OpenPage) -> None:
    page = open_page("attention")
    page.locator("textarea").fill("the <img src=x onerror=alert(1)> cat")
    page.keyboard.press("Control+Enter")
    wait_until_idle(page)
    expect(page.get_by_text("Left out, because this model has never seen them")).to_be_visible()
    assert page.locator(".mg-att img").count() == 0


def test_the_map_of_the_rows_moves_through_the_training(open_page: OpenPage) -> None:
    page = open_page("embeddings", "fr")
    page.evaluate(SCRIPT_RUNS)
    when = page.locator(".mg-emb-when")
    last = when.inner_text()
    page.locator(".mg-emb-slot input").focus()
    page.keyboard.press("ArrowLeft")
    assert when.inner_text() != last
    page.locator(".mg-emb-play").click()
    expect(when).to_have_text(last)
    page.locator(".mg-emb-row").first.click()
    page.locator(".mg-emb-choice button").filter(has_text="tableau").click()
    expect(page.locator(".mg-emb-ramp")).to_be_visible()
    assert page.evaluate("window.scriptRuns") == 0
    main = page.locator('[data-testid="stMain"]')
    assert main.evaluate("main => main.scrollWidth <= main.clientWidth")


def test_a_reload_brings_the_map_back_as_it_was(open_page: OpenPage) -> None:
    page = open_page("embeddings", "fr")
    when, side = page.locator(".mg-emb-when"), page.locator(".mg-emb-side")
    page.locator(".mg-emb-row").last.click()
    page.locator(".mg-emb-slot input").focus()
    page.keyboard.press("ArrowLeft")
    page.locator(".mg-emb-choice button").filter(has_text="tableau").click()
    expect(page.locator(".mg-emb-ramp")).to_be_visible()
    moment, said = when.inner_text(), side.inner_text()
    page.reload()
    wait_until_idle(page)
    expect(page.locator(".mg-emb-ramp")).to_be_visible()
    assert (when.inner_text(), side.inner_text()) == (moment, said)
