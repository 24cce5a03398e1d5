"""A replay in a real browser: it goes on by itself, holds, and shows any moment as it was."""

import re

from playwright.sync_api import expect

from scripts.browser import go
from scripts.running_app import RunningApp
from tests.browser.conftest import NewVisitor


def test_a_prepared_run_plays_again(app_server: RunningApp, new_visitor: NewVisitor) -> None:
    page = new_visitor("en")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    go(page, app_server.url, "training", lang="en", replay="preparedGptEn")
    step = page.locator(".mg-live-big").first
    expect(step).to_have_text(re.compile(r"^[1-9]\d* / 1,200"))  # it has begun by itself
    expect(page.locator(".mg-live-chart")).to_contain_text("Replay")
    expect(page.locator(".mg-live-status")).to_have_text("Replay")
    page.locator(".mg-live-replay button").first.click()
    place = page.locator(".mg-live-replay input")
    place.fill("300")
    expect(step).to_have_text("300 / 1,200")
    expect(page.locator(".mg-live-writes")).to_contain_text("at step 300")
    place.fill("100")  # what came later is not there yet
    expect(page.locator(".mg-live-writes")).to_contain_text("at step 60")
    expect(page.locator(".mg-live-writes")).not_to_contain_text("step 300")
    page.locator(".mg-live-replay button").first.click()
    expect(step).not_to_have_text("100 / 1,200")
    assert len([url for url in asked if "/api/runs/preparedGptEn" in url]) == 1  # all of it in one answer
