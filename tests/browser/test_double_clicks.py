"""Who presses twice wants it once: the second click of a double click never does something else than the first."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from minigpt_core.store.runs import RunStore
from scripts.browser import START, wait_for_run, wait_until_idle
from scripts.running_app import RunningApp
from tests.browser.conftest import OpenPage, workspace_of

Trained = Callable[..., str]
OWN = "Il était une fois un chat qui savait lire. " * 30

STILL_MS = 500
BETWEEN = [0, 150, 400]  # ms between the two clicks: the page is drawn after both, between them, or twice


def press_twice(page: Page, button: Locator, between: int) -> None:
    """Two clicks at one place, as a hand does."""
    aim(button)
    for n in (1, 2):
        page.mouse.down(click_count=n)
        page.mouse.up(click_count=n)
        if n == 1:
            page.wait_for_timeout(between)
    wait_until_idle(page)


def aim(button: Locator) -> None:
    """What is drawn after the script's end, such as a chart of another height, may still move it: a hand waits until it
    stands still, and is upon it."""
    before, box, is_there = None, button.bounding_box(), False
    while box != before or not is_there:
        button.page.wait_for_timeout(STILL_MS)
        before, box = box, button.bounding_box()
        button.hover()
        is_there = button.evaluate("button => button.matches(':hover')")


def shown(page: Page, *keys: str) -> Locator:
    return page.locator(", ".join(f".st-key-{key} button:visible" for key in keys)).first


@pytest.mark.parametrize("between", BETWEEN)
def test_training(app_server: RunningApp, open_page: OpenPage, between: int) -> None:
    page = open_page("training", settings="notebook~steps~100000")
    press_twice(page, page.locator(START).filter(visible=True), between)
    (run,) = RunStore(app_server.home).runs(workspace_of(page, app_server.url))
    wait_for_run(page, app_server.url, run.id, lambda live: live["status"] == "running" and live["step"] > 0)
    press_twice(page, shown(page, "training_hold"), between)
    wait_for_run(page, app_server.url, run.id, lambda live: live["status"] == "paused")
    press_twice(page, shown(page, "training_resume"), between)
    wait_for_run(page, app_server.url, run.id, lambda live: live["status"] == "running")
    press_twice(page, shown(page, "training_stop"), between)
    runs = RunStore(app_server.home).runs(workspace_of(page, app_server.url))
    assert [run.status for run in runs] == ["stopped"]


@pytest.mark.parametrize("between", BETWEEN)
def test_a_press_of_step_makes_one_at_most(app_server: RunningApp, open_page: OpenPage, between: int) -> None:
    page, store = open_page("training"), RunStore(app_server.home)
    press_twice(page, shown(page, "training_step"), between)
    (run,) = store.runs(workspace_of(page, app_server.url))
    made = wait_for_run(
        page, app_server.url, run.id, lambda live: live["step"] > 0 and live["status"] == "paused"
    )["step"]
    assert made in (1, 2)  # two presses before the page has answered may be heard as one
    shown(page, "training_step").click()
    wait_for_run(page, app_server.url, run.id, lambda live: live["step"] == made + 1)
    wait_until_idle(page)
    assert (store.run(run.id).step, store.run(run.id).status) == (made + 1, "paused")


@pytest.mark.parametrize("between", BETWEEN)
def test_delete(app_server: RunningApp, open_page: OpenPage, trained_run: Trained, between: int) -> None:
    page = open_page("home")
    for _ in range(3):
        trained_run(page, steps=5)
    workspace = workspace_of(page, app_server.url)
    page.goto(app_server.url + "/compare")
    wait_until_idle(page)
    press_twice(page, page.get_by_role("button", name="Delete", exact=True).filter(visible=True), between)
    expect(page.get_by_role("button", name="Undo").filter(visible=True)).to_have_count(1)
    wait_until_idle(page)
    assert len(RunStore(app_server.home).runs(workspace)) == 2


def test_use_this_text(open_page: OpenPage) -> None:
    page = open_page("vocabulary", lang="en")
    page.locator(".st-key-vocabulary_own button:visible").click()
    dialog = page.get_by_role("dialog")
    dialog.locator("textarea").fill(OWN)
    use = dialog.get_by_role("button", name="Use this text")
    expect(use).to_be_enabled()
    address = page.url
    press_twice(page, use, 400)
    expect(dialog).to_have_count(0)
    assert page.url != address and "/vocabulary" in page.url
