"""Building a model by its drawing, in a real browser."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from scripts.browser import wait_until_idle

OpenPage = Callable[..., Page]


def press(page: Page, key: str) -> None:
    page.locator(f".st-key-model_{key} button").filter(visible=True).first.click()
    wait_until_idle(page)


def test_from_tinygpt_to_a_gpt_by_its_drawing(open_page: OpenPage) -> None:
    page = open_page("model", lang="fr", text="le-chat-curieux")
    drawing, total = page.locator(".st-key-model_drawing"), page.locator(".mg-totals .mg-n").first
    arrow = page.locator(".mg-arrow").nth(1)
    arrow.hover()
    tip = arrow.evaluate("a => getComputedStyle(a, '::after').content")
    assert "4 lignes × 32 caractères × 64 nombres pour chacun" in tip.replace("\u202f", " ").replace(
        "\xa0", " "
    )
    before = total.inner_text()
    press(page, "rung_dropout")
    expect(drawing.locator(".mg-arrow")).to_have_count(11)
    assert total.inner_text() != before
    assert drawing.evaluate("d => d.getBoundingClientRect().bottom") <= 720
    press(page, "n_layer_more")
    expect(drawing.locator(".mg-size").nth(1)).to_have_text("× 5")
    press(page, "open_softmax")
    expect(page.locator(".st-key-model_panel h2")).to_have_text("Softmax")
    main = page.locator('[data-testid="stMain"]')
    assert main.evaluate("main => main.scrollWidth <= main.clientWidth")
