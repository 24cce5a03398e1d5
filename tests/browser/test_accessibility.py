"""What axe-core finds on every page: nothing that keeps somebody out (WCAG 2.2, A and AA)."""

import pytest
from playwright.sync_api import expect

from scripts.accessibility import axe
from scripts.browser import Theme, go, wait_until_idle
from scripts.running_app import RunningApp
from tests.browser.conftest import NewVisitor
from ui.journey import STATIONS
from ui.words.languages import LANGUAGES

# Each page with something on it.
SHOWN = {"training": {"run": "preparedTinyEn"}, "timeline": {"run": "preparedTinyEn"}}
LOOKED_AT = {"author": "preparedGptEn"}


@pytest.mark.parametrize(("theme", "lang"), [*zip(("light", "dark"), LANGUAGES, strict=True)])
def test_nothing_serious_on_any_page(
    app_server: RunningApp, new_visitor: NewVisitor, theme: Theme, lang: str
) -> None:
    page = new_visitor(lang, theme)
    found = {}
    for station in STATIONS:
        go(page, app_server.url, station.name, lang=lang, **SHOWN.get(station.name, LOOKED_AT))
        found[station.name] = axe(page)
    assert not any(found.values()), {name: said for name, said in found.items() if said}


def test_nothing_serious_where_something_is_switched_off(
    app_server: RunningApp, new_visitor: NewVisitor
) -> None:
    page = new_visitor("en", "light")
    go(page, app_server.url, "ablation", **LOOKED_AT)
    page.get_by_role("button", name="head 1").first.click()
    wait_until_idle(page)
    assert not axe(page)


def test_what_opens_in_the_dark_is_drawn_for_the_dark(
    app_server: RunningApp, new_visitor: NewVisitor
) -> None:
    page = new_visitor("en", "dark")
    go(page, app_server.url, "training", run="preparedStuckEn")
    page.get_by_role("button", name="Why? What next?").click()
    opened = page.get_by_test_id("stPopoverBody")
    expect(opened.locator("button").first).to_be_visible()
    assert opened.evaluate("box => getComputedStyle(box).colorScheme") == "dark"
    assert opened.evaluate("box => getComputedStyle(box).getPropertyValue('--mg-ground')")
    assert not axe(page)
