"""The Training page in a real browser: one click to a moving chart, and nothing lost on the way."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from scripts.browser import go, start_training, wait_for_run, wait_until_idle
from scripts.running_app import RunningApp

OpenPage = Callable[..., Page]

LINE = ".mg-line"
POINTS = "() => document.querySelector('.mg-live-chart')?.data?.[0].x.length ?? 0"
CHART = "document.querySelector('.mg-live-chart')"


def button(page: Page, name: str) -> str:
    """A button of the transport row; with a tooltip it stands there twice, once for small screens."""
    return f".st-key-training_{name} button:visible"


def test_one_click_starts_and_a_reload_in_between_loses_nothing(
    app_server: RunningApp, open_page: OpenPage
) -> None:
    page = open_page("training", lang="fr")
    run = start_training(page)
    page.wait_for_function(f"({POINTS})() > 0")
    page.evaluate(f"{CHART}.dataset.mounted = 'once'")
    page.locator(button(page, "pause")).click()
    expect(page.locator(button(page, "resume"))).to_be_visible()
    held = wait_for_run(page, app_server.url, run, lambda live: live["status"] == "paused")["step"]
    page.locator(button(page, "step")).click()
    wait_for_run(page, app_server.url, run, lambda live: live["step"] == held + 1)
    assert page.evaluate(f"{CHART}.dataset.mounted") == "once"  # the same chart all along
    page.reload()
    wait_until_idle(page)
    page.wait_for_function(f"({POINTS})() > 0")
    page.locator(button(page, "resume")).click()
    expect(page.locator(button(page, "stop"))).to_be_enabled()
    page.locator(button(page, "stop")).click()
    stopped = wait_for_run(page, app_server.url, run, lambda live: live["status"] == "stopped")
    expect(page.locator(LINE).first).to_contain_text(f"les poids du pas {stopped['step']} sont gardés")
    expect(page.locator(".st-key-start button")).to_be_enabled()


def test_a_gpt_is_two_clicks_away(app_server: RunningApp, open_page: OpenPage) -> None:
    page = open_page("training", lang="fr")
    page.locator(".st-key-training_choose [data-testid=stSelectbox] input").click()
    page.get_by_role("option", name="Petit GPT", exact=True).click()
    expect(page.locator(".st-key-training_choose")).to_contain_text("104\u202f768 paramètres")
    wait_until_idle(page)
    run = start_training(page)
    live = wait_for_run(page, app_server.url, run, lambda live: live["step"] > 2)
    assert live["steps"] == 1000
    expect(page.locator(".mg-live-chart")).to_contain_text("triplets")
    page.locator(button(page, "stop")).click()
    wait_for_run(page, app_server.url, run, lambda live: live["status"] == "stopped")


def test_two_tabs_may_drive_one_run(app_server: RunningApp, open_page: OpenPage) -> None:
    page = open_page("training")
    run = start_training(page)
    other = page.context.new_page()
    go(other, app_server.url, "training", run=run)
    other.locator(button(other, "stop")).click()
    page_says, other_says = page.locator(LINE).first, other.locator(LINE).first
    expect(other_says).to_contain_text("are kept")
    expect(page_says).to_contain_text("are kept")
    page.locator(button(page, "restart")).click()
    page.wait_for_url(lambda url: run not in url)
    other.locator(button(other, "step")).click()  # of the first run
    wait_for_run(other, app_server.url, run, lambda live: live["status"] == "paused")
    for tab in (page, other):
        tab.locator(button(tab, "stop")).click()
        expect(tab.locator(LINE).first).to_contain_text("are kept")
        expect(tab.locator("[data-testid=stAlert]")).to_have_count(0)
