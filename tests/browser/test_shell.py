"""What every page shares, in a real browser: navigation, languages, deep links, and no error anywhere."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from scripts.browser import LOCALES, PAGES, go, wait_until_idle
from scripts.running_app import RunningApp

OpenPage = Callable[..., Page]
ERROR = '[data-testid="stException"]'
LINK = '[data-testid="stTopNavLink"]'


@pytest.mark.parametrize("page_name", PAGES)
def test_a_link_opens_every_page_in_every_language(
    app_server: RunningApp, new_visitor: Callable[..., BrowserContext], page_name: str
) -> None:
    page = new_visitor().new_page()
    titles = set()
    for lang in LOCALES:
        go(page, app_server.url, page_name, lang=lang)
        expect(page.locator("h1")).to_be_visible()
        expect(page.locator(ERROR)).to_have_count(0)
        expect(page).to_have_url(re.compile(rf"[?&]lang={lang}(&|$)"))
        assert _fits(page)
        titles.add(page.locator("h1").inner_text())
    assert len(titles) == len(LOCALES)


def test_the_browser_chooses_the_language_at_first(
    app_server: RunningApp, new_visitor: Callable[..., BrowserContext]
) -> None:
    for lang in LOCALES:
        page = new_visitor(lang).new_page()
        go(page, app_server.url)
        at_first = page.locator(LINK).all_inner_texts()
        for asked in LOCALES:
            go(page, app_server.url, lang=asked)
            assert (page.locator(LINK).all_inner_texts() == at_first) == (asked == lang)


@pytest.mark.parametrize("lang", LOCALES)
def test_the_navigation_leads_to_every_page_and_keeps_the_language(open_page: OpenPage, lang: str) -> None:
    page = open_page("home", lang=lang)
    links = page.locator(LINK)
    expect(links).to_have_count(len(PAGES))
    for number, path in enumerate(PAGES.values()):
        links.nth(number).click()
        expect(page).to_have_url(re.compile(rf"{re.escape(path)}\?(.*&)?lang={lang}(&|$)"))
        wait_until_idle(page)
        expect(page.locator(ERROR)).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_theme_follows_the_system(open_page: OpenPage, theme: str) -> None:
    page = open_page("home", theme=theme)
    color = page.locator('[data-testid="stApp"]').evaluate("app => getComputedStyle(app).backgroundColor")
    red, green, blue = map(int, re.findall(r"\d+", color)[:3])
    assert (red + green + blue > 3 * 128) == (theme == "light")


def _fits(page: Page) -> bool:
    """Whether nothing has to be scrolled sideways at 1280 pixels."""
    main = page.locator('[data-testid="stMain"]')
    return bool(main.evaluate("main => main.scrollWidth <= main.clientWidth"))
