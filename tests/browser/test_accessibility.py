"""What axe-core finds in what opens over a page: nothing that keeps somebody out. For pages, see test_shell."""

from playwright.sync_api import expect

from scripts.accessibility import axe
from scripts.browser import go
from scripts.running_app import RunningApp
from tests.browser.conftest import NewVisitor


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
