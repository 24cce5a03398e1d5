"""Looking inside a trained model, in a real browser: layer by layer, and taken apart."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from scripts.accessibility import axe
from scripts.browser import wait_until_idle

OpenPage = Callable[..., Page]


def press(page: Page, key: str) -> None:
    page.locator(f".st-key-{key} button").filter(visible=True).first.click()
    wait_until_idle(page)


def fits(page: Page) -> bool:
    """Whether nothing sticks out of the page sideways."""
    main = page.locator('[data-testid="stMain"]')
    return bool(main.evaluate("main => main.scrollWidth <= main.clientWidth"))


def test_pointing_at_a_guess_shows_the_five_best(open_page: OpenPage) -> None:
    page = open_page("layers", lang="fr")
    table = page.locator(".mg-lens table")
    assert table.evaluate("t => t.getBoundingClientRect().bottom") < 500
    cell = table.locator("tr").nth(2).locator("td").nth(9)
    cell.hover()
    tip = str(cell.evaluate("cell => getComputedStyle(cell, '::after').content"))
    assert "Couche 1" in tip and tip.count("%") == 5
    field = page.locator("textarea").first
    field.fill("<img src=x onerror=alert(1)> le chat")
    page.keyboard.press("Control+Enter")
    expect(table.locator("tr").first.locator("td")).to_have_count(len("img srcx onerroralert le chat"))
    assert fits(page)


def test_a_part_is_switched_off_and_all_are_measured(open_page: OpenPage) -> None:
    page = open_page("ablation", lang="en", theme="dark")
    figures = page.locator(".mg-figures .mg-n")
    expect(figures.nth(2)).to_have_text("+0.000")
    press(page, "ablation_part_layer_1_0")
    expect(page.locator(".mg-without")).to_have_count(2)
    assert axe(page) == []
    assert figures.nth(0).inner_text() != figures.nth(1).inner_text()
    press(page, "ablation_measure")
    rows = page.locator(".mg-ranks i")
    expect(rows).to_have_count(page.locator('[class*="st-key-ablation_part_"]').count())
    expect(page.locator(".st-key-ablation_stop")).to_have_count(0)
    assert fits(page)


def test_tinygpts_table_is_edited(open_page: OpenPage) -> None:
    page = open_page("ablation", lang="fr")
    press(page, "ablation_other")
    press(page, "ablation_example_1")
    changed = page.locator(".mg-without").nth(1)
    expect(changed).to_contain_text("e!")
    press(page, "ablation_undo")
    expect(page.locator(".mg-without")).to_have_count(2)
    expect(page.locator(".mg-room")).to_have_count(1)
    assert fits(page)


def test_a_word_is_reversed_by_looking_back(open_page: OpenPage) -> None:
    page = open_page("puzzle", lang="fr")
    field = page.locator(".st-key-page-puzzle-question input")
    field.fill("gorita")
    field.press("Enter")
    expect(page.locator(".mg-answer .mg-last")).to_have_text("atirog")
    expect(page.locator(".mg-solves .mg-yes")).to_have_count(len("atirog"))
    cell = page.locator(".mg-solves .mg-settled").first
    cell.hover()
    assert "%" in str(cell.evaluate("cell => getComputedStyle(cell, '::after').content"))
    assert fits(page)
