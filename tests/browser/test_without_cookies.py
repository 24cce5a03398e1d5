"""A class is served, and a browser takes no cookies: the tab keeps its own trainings all the same."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from minigpt_core.configs import TrainConfig
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import RunStore
from scripts.browser import _NOTE as NOTE
from scripts.browser import arguments, find_chromium, go, wait_until_idle
from scripts.running_app import RunningApp

BLOCKED = {"profile": {"default_content_setting_values": {"cookies": 2}}}
TEXT = "le chat curieux dort. le chat gris court. un matin, le chat voit un oiseau.\n" * 12


@pytest.fixture
def refusing(browser: Browser, tmp_path: Path) -> Iterator[BrowserContext]:
    """A visitor whose browser refuses cookies and everything that it could keep for a page."""
    (tmp_path / "Default").mkdir()
    (tmp_path / "Default" / "Preferences").write_text(json.dumps(BLOCKED))
    context = browser.browser_type.launch_persistent_context(
        str(tmp_path), executable_path=find_chromium(), args=arguments(), locale="en-GB"
    )
    context.add_init_script(NOTE)
    yield context
    context.close()


def test_ones_own_run_stays_ones_own_after_a_reload(app_server: RunningApp, refusing: BrowserContext) -> None:
    page = refusing.new_page()
    go(page, app_server.url, "compare")
    page.wait_for_function("window.name.startsWith('minigpt_workspace=')")
    token = re.fullmatch(r"minigpt_workspace=([\w-]{22})", page.evaluate("window.name"))
    assert token and not refusing.cookies()
    run = new_run(
        RunStore(app_server.home), text=TEXT, title="chat", model_fields={"block_size": 8},
        training=TrainConfig(steps=1), name="of this tab", workspace=token[1], status="stopped",
    )  # fmt: skip
    page.reload()
    wait_until_idle(page)
    expect(page.locator(".mg-cmp-name").filter(has_text="of this tab")).to_have_count(1)
    go(page, app_server.url, "compare", run=run.id)
    expect(page.locator("[class*=st-key-compare_delete] button").first).to_be_enabled()
    other = refusing.new_page()  # another tab is another visitor
    go(other, app_server.url, "compare")
    expect(other.locator(".mg-cmp-name").first).to_be_visible()
    expect(other.locator(".mg-cmp-name").filter(has_text="of this tab")).to_have_count(0)
