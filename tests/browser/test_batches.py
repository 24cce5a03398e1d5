"""Drawing batches in a real browser."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from scripts.browser import wait_until_idle

OpenPage = Callable[..., Page]
PAIRS = ".mg-pairs ol"


def test_draw_again_changes_everything_and_back_brings_it_back(open_page: OpenPage) -> None:
    page = open_page("batches", lang="fr")
    first, places = page.locator(PAIRS).inner_text(), window_places(page)
    page.locator(".st-key-batches_again button").click()
    wait_until_idle(page)
    assert page.locator(PAIRS).inner_text() != first
    assert window_places(page) != places
    page.locator(".st-key-batches_back button").first.click()
    wait_until_idle(page)
    assert page.locator(PAIRS).inner_text() == first
    assert window_places(page) == places
    pointing_at_a_window_says_where_it_is(page)


def pointing_at_a_window_says_where_it_is(page: Page) -> None:
    window = page.locator(".mg-window").first
    expect(window).to_be_visible()
    window.hover()
    tip = window.evaluate("w => getComputedStyle(w, '::after').content")
    assert "caractères" in tip
    main = page.locator('[data-testid="stMain"]')
    assert main.evaluate("main => main.scrollWidth <= main.clientWidth")
    rows = page.locator(".mg-names .mg-rows")
    assert rows.evaluate("rows => rows.scrollWidth <= rows.clientWidth")


def test_no_window_covers_the_words_below_the_bar(open_page: OpenPage) -> None:
    page = open_page("batches", lang="fr")
    chosen, words = page.locator(".mg-bar .mg-chosen"), page.locator(".mg-apart")
    reach = chosen.evaluate("""w => {
      const style = getComputedStyle(w);
      return w.getBoundingClientRect().bottom + parseFloat(style.outlineWidth) + parseFloat(style.outlineOffset);
    }""")
    box = words.bounding_box()
    assert box is not None
    assert reach <= box["y"]


def window_places(page: Page) -> list[str]:
    return page.locator(".mg-window").evaluate_all("all => all.map(w => w.style.left)")
