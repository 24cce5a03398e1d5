"""What is open in a tab whose session ends, because the server was restarted or the connection was away for minutes."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from scripts.browser import go, wait_until_idle
from scripts.running_app import RunningApp, free_port, running_app
from tests.browser.conftest import NOBODY_TRAINS, NewVisitor, OpenPage, Spy

WORDS = "Un texte que quelqu’un a tapé avant la panne. "


class Restarted:
    """A dashboard that can be stopped and started again at its address, with its data."""

    def __init__(self, home: Path, env: dict[str, str]) -> None:
        self._home, self._env, self._port = home, env, free_port()
        self._running = ExitStack()
        self.app = self._start()

    def _start(self) -> RunningApp:
        return self._running.enter_context(running_app(self._home, env=self._env, port=self._port))

    def restart(self) -> None:
        self.stop()
        self.app = self._start()

    def stop(self) -> None:
        self._running.close()


@pytest.fixture
def server(spy: Spy, tmp_path: Path) -> Iterator[Restarted]:
    restarted = Restarted(tmp_path / "home", {**spy.env, **NOBODY_TRAINS})
    yield restarted
    restarted.stop()


def wait_until_renewed(page: Page) -> None:
    expect(page.locator('[data-testid="stApp"]')).to_have_attribute("data-test-connection-state", "CONNECTED")
    wait_until_idle(page, quiet=1500)


def open_dialog(page: Page) -> None:
    page.locator(".st-key-vocabulary_own button").click()
    expect(page.get_by_role("dialog").locator("textarea")).to_be_visible()
    wait_until_idle(page)


def test_what_was_open_works_after_the_server_was_restarted(
    server: Restarted, new_visitor: NewVisitor, console_errors: list[str]
) -> None:
    pasting, searching, reading, uploading = (new_visitor("en") for _ in range(4))
    go(pasting, server.app.url, "vocabulary", lang="en")
    open_dialog(pasting)
    pasting.get_by_role("dialog").locator("textarea").fill(WORDS * 20)
    go(searching, server.app.url, "vocabulary", text="the-curious-cat")
    searching.locator(".st-key-page-vocabulary-search input").fill("e")
    go(reading, server.app.url, "home", lang="en")
    reading.get_by_role("button", name="Something is wrong?").click()
    go(uploading, server.app.url, "vocabulary", lang="en")
    open_dialog(uploading)
    uploading.get_by_role("dialog").get_by_role("tab").nth(1).click()
    file = {"name": "conte.txt", "mimeType": "text/plain", "buffer": (WORDS * 20).encode()}
    uploading.locator("input[type=file]").set_input_files([file])
    expect(uploading.locator(".mg-quote")).to_have_count(1)

    server.restart()
    for page in (pasting, searching, reading, uploading):
        wait_until_renewed(page)
    expect(pasting.get_by_role("dialog").locator("textarea")).to_have_value(WORDS * 20)
    pasting.locator(".st-key-vocabulary_paste_use button").click()
    expect(pasting.get_by_role("dialog")).to_have_count(0)
    expect(pasting.locator(".st-key-vocabulary_text input:checked")).to_have_count(1)
    expect(pasting.locator(".mg-tiles").first).to_contain_text("’")
    expect(searching.get_by_text("1 character found")).to_be_visible()
    searching.locator(".st-key-page-vocabulary-search input").fill("zz")
    expect(searching.get_by_text("No character of this text fits “zz”.")).to_be_visible()
    expect(reading.get_by_text("data folder")).to_be_visible()
    expect(uploading.get_by_text("Press “Upload”, or drop a file on the field.")).to_be_visible()
    uploading.locator("input[type=file]").set_input_files([file])
    expect(uploading.locator(".mg-quote")).to_have_count(1)
    console_errors.clear()  # the browser says that nobody answered for a while


def test_a_dialog_that_was_closed_stays_closed(open_page: OpenPage) -> None:
    page = open_page("vocabulary")
    open_dialog(page)
    page.get_by_role("dialog").get_by_label("Close").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    wait_until_idle(page)
    page.reload()
    wait_until_idle(page)
    expect(page.get_by_role("dialog")).to_have_count(0)
