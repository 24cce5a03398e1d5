"""What every page shares, in a real browser: navigation, languages, deep links, and no error anywhere."""

import re

from playwright.sync_api import Page, expect

from scripts.accessibility import axe
from scripts.browser import LOCALES, PAGES, go, start_training, wait_for_run, wait_until_idle
from scripts.running_app import RunningApp
from tests.browser.conftest import NewVisitor, OpenPage
from ui.journey import STATIONS, Station
from ui.words.i18n import _, using

ERROR = '[data-testid="stException"]'
LINK = '[data-testid="stTopNavLink"]'
MENU = '[data-testid="stTopNavSection"]'
# So that each page has something on it
SHOWN = {"run": "preparedTinyEn", "author": "preparedGptEn"}
MENU_LINK = '[data-testid="stTopNavDropdownLink"]'


def test_a_click_in_the_bar_or_its_menus_leads_to_every_page_and_none_keeps_somebody_out(
    open_page: OpenPage,
) -> None:
    """In English and light; in French and dark by links."""
    page = open_page("home", lang="en", **SHOWN)
    titles, found = set(), []
    for station in (*STATIONS[1:], STATIONS[0]):
        follow(page, station, "en")
        expect(page).to_have_url(re.compile(rf"{re.escape(PAGES[station.name])}\?(.*&)?lang=en(&|$)"))
        wait_until_idle(page)
        titles.add(title_of_whole_page(page))
        found += axe(page)
    assert len(titles) == len(PAGES)
    assert found == []


def test_a_link_opens_every_page(app_server: RunningApp, new_visitor: NewVisitor) -> None:
    page = new_visitor("en", "dark")
    with using("fr"):
        words = re.compile(rf"{_(STATIONS[1].title)}$")
    found = []
    for name, path in PAGES.items():
        go(page, app_server.url, name, lang="fr", **SHOWN)
        title_of_whole_page(page)
        expect(page).to_have_url(re.compile(rf"{re.escape(path)}\?(.*&)?lang=fr(&|$)"))
        expect(page.locator(LINK).nth(1)).to_have_text(words)
        found += axe(page)
    assert found == []


def test_the_browser_chooses_the_language_at_first(app_server: RunningApp, new_visitor: NewVisitor) -> None:
    for lang in LOCALES:
        page = new_visitor(lang)
        go(page, app_server.url)
        with using(lang):
            expect(page.locator(LINK).nth(1)).to_have_text(re.compile(rf"{_(STATIONS[1].title)}$"))


def test_back_leads_to_the_page_before(app_server: RunningApp, new_visitor: NewVisitor) -> None:
    page = new_visitor("en")
    go(page, app_server.url, lang="en", run="preparedGptEn")
    for station in STATIONS[1:3]:
        follow(page, station, "en")
        wait_until_idle(page)
        expect(page).to_have_url(re.compile(rf"{PAGES[station.name]}\?.*run=preparedGptEn"))
    for name in (STATIONS[1].name, STATIONS[0].name):
        page.go_back()
        expect(page).to_have_url(re.compile(rf"{re.escape(PAGES[name])}\?.*run=preparedGptEn"))
        wait_until_idle(page)


def test_a_training_is_in_sight_from_every_page_and_lets_its_own_model_write(
    app_server: RunningApp, new_visitor: NewVisitor
) -> None:
    page = new_visitor("en")
    go(page, app_server.url, "sampling", lang="en", author="bigram", view="surprise")
    at = {station.name: station for station in STATIONS}
    follow(page, at["vocabulary"], "en")
    wait_until_idle(page)
    title, place = page.locator("h1"), "title => title.getBoundingClientRect().top"
    top = title.evaluate(place)
    follow(page, at["training"], "en")
    pace = page.locator(".st-key-page-training-pace input")
    pace.press("ArrowLeft")  # it must not end before the other page is there
    pace.press("ArrowLeft")
    wait_until_idle(page)
    run = start_training(page)
    follow(page, at["vocabulary"], "en")
    wait_until_idle(page)
    link = page.locator(f".st-key-live_run_{run} a")
    expect(page.locator(f".st-key-live_run_{run}")).to_contain_text("%")
    above, size = page.locator(f".st-key-live_run_{run}_above"), page.viewport_size
    expect(above).to_be_hidden()
    assert title.evaluate(place) == top and size is not None
    page.set_viewport_size({"width": 390, "height": 844})  # the list beside the page is in a drawer
    expect(above).to_be_in_viewport()
    expect(above).to_contain_text("%")
    page.set_viewport_size(size)
    expect(above).to_be_hidden()
    link.click()
    pace.press("End")  # as fast as it goes
    wait_for_run(page, app_server.url, run, lambda live: bool(live["status"] == "done"))
    page.locator(".st-key-training_write button").click()
    page.wait_for_url(re.compile(r"/sampling"))
    wait_until_idle(page)
    expect(page).to_have_url(re.compile(rf"run={run}"))
    expect(page.locator(".st-key-sampling_views button[aria-checked=true]")).to_have_text(
        "What does it write?"
    )
    assert "author=" not in page.url and page.locator(f".st-key-live_run_{run}").count() == 0


def test_the_theme_follows_the_system_until_another_is_chosen(open_page: OpenPage) -> None:
    page = open_page("home", theme="dark")
    assert not is_bright(page)
    for chosen in ("Light", "Dark"):
        page.get_by_test_id("stMainMenuButton").click()
        page.get_by_test_id(f"stMainMenuItem-theme-{chosen}").click()
        assert is_bright(page) == (chosen == "Light")
        page.keyboard.press("Escape")


def is_bright(page: Page) -> bool:
    color = page.locator('[data-testid="stApp"]').evaluate("app => getComputedStyle(app).backgroundColor")
    red, green, blue = map(int, re.findall(r"\d+", color)[:3])
    return red + green + blue > 3 * 128


def follow(page: Page, station: Station, lang: str) -> None:
    """Go to a page as a person does: by its word in the bar, or in the menu that it stands in."""
    with using(lang):
        title, section = _(station.title), _(station.section) if station.section else ""
    links = page.locator(LINK)
    if section:
        page.locator(MENU).filter(has_text=section).click()
        links = page.locator(MENU_LINK)
    links.filter(has_text=re.compile(rf"{re.escape(title)}$")).click()


def title_of_whole_page(page: Page) -> str:
    """The title of a page that is there without an error, and with nothing to be scrolled to sideways."""
    expect(page.locator("h1")).to_be_visible()
    expect(page.locator(ERROR)).to_have_count(0)
    main = page.locator('[data-testid="stMain"]')
    assert main.evaluate("main => main.scrollWidth <= main.clientWidth"), page.url
    return page.locator("h1").inner_text()
