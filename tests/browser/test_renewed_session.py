"""What is open in a tab whose session ends, because the server was restarted or the connection was away for minutes."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Dialog, Page, WebSocketRoute, expect

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

    def kill(self) -> None:
        """It ends as in a power cut, and begins again."""
        self.app.process.kill()
        self.restart()


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


@pytest.mark.parametrize(
    ("lang", "said"), [("en", "The server does not answer."), ("fr", "Le serveur ne répond pas.")]
)
def test_that_the_server_is_away_is_said_in_our_words(
    server: Restarted, new_visitor: NewVisitor, console_errors: list[str], lang: str, said: str
) -> None:
    page = new_visitor(lang)
    go(page, server.app.url, "home", lang=lang)
    server.stop()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(said, timeout=90_000)
    expect(dialog).not_to_contain_text("Streamlit")
    expect(dialog).not_to_contain_text("internet")
    server.restart()
    wait_until_renewed(page)
    console_errors.clear()  # the browser says that nobody answered for a while


@pytest.mark.parametrize("heard", [True, False])
def test_a_click_that_a_lost_connection_has_swallowed_is_said(
    open_page: OpenPage, console_errors: list[str], heard: bool
) -> None:
    page, cut = open_page("home", lang="en"), list[bool]()

    def between(browser: WebSocketRoute) -> None:
        server = browser.connect_to_server()
        browser.on_message(lambda message: None if cut else server.send(message))

        def end() -> None:
            cut.clear()
            browser.close()
            server.close()

        lines.append(end)

    lines: list[Callable[[], None]] = []
    page.route_web_socket("**/_stcore/stream", between)
    go(page, page.url.split("/?")[0], "vocabulary", lang="en", text="the-curious-cat")
    press = page.get_by_role("button", name="Use another text")
    if heard:
        press.click()
        expect(page.get_by_role("dialog")).to_be_visible()
        wait_until_idle(page)
    else:
        cut.append(True)
        press.click()
    lines[-1]()
    page.wait_for_timeout(500)
    wait_until_renewed(page)
    warning = page.get_by_text("“Use another text” was pressed just before the connection was lost")
    expect(warning).to_have_count(0 if heard else 1)
    expect(page.get_by_role("dialog")).to_have_count(1 if heard else 0)
    console_errors.clear()  # the browser says that a message found no connection


def test_a_dialog_that_was_closed_stays_closed(open_page: OpenPage) -> None:
    page = open_page("vocabulary")
    open_dialog(page)
    page.get_by_role("dialog").get_by_label("Close").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    wait_until_idle(page)
    page.reload()
    wait_until_idle(page)
    expect(page.get_by_role("dialog")).to_have_count(0)


PASTED, NAMED = ".st-key-vocabulary_paste textarea", ".st-key-vocabulary_paste_name input"
USE = ".st-key-vocabulary_paste_use button"


def reload(page: Page) -> None:
    page.reload()
    wait_until_idle(page)


def type_text(page: Page) -> None:
    page.locator(PASTED).fill(WORDS * 20)
    page.locator(NAMED).fill("Mon conte")


def expect_typed(page: Page) -> None:
    expect(page.locator(PASTED)).to_have_value(WORDS * 20)
    expect(page.locator(NAMED)).to_have_value("Mon conte")


def test_a_typed_text_outlasts_a_reload_until_it_is_used(open_page: OpenPage) -> None:
    page = open_page("vocabulary")
    open_dialog(page)
    type_text(page)
    reload(page)
    expect_typed(page)
    page.get_by_role("dialog").get_by_label("Close").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    wait_until_idle(page)
    open_dialog(page)
    expect_typed(page)
    page.locator(USE).click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator(".st-key-vocabulary_text input:checked")).to_have_count(1)
    expect(page.locator(".st-key-vocabulary_text")).to_contain_text("Mon conte")
    wait_until_idle(page)
    open_dialog(page)
    page.wait_for_timeout(500)  # longer than it takes to give something back
    expect(page.locator(PASTED)).to_have_value("")
    reload(page)
    expect(page.locator(PASTED)).to_have_value("")


def test_a_refused_text_outlasts_a_reload(open_page: OpenPage) -> None:
    page = open_page("vocabulary")
    open_dialog(page)
    page.locator(PASTED).fill("nnn")
    page.locator(USE).click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_be_visible()
    reload(page)
    expect(page.locator(PASTED)).to_have_value("nnn")


def test_a_typed_text_outlasts_the_end_of_the_server(
    server: Restarted, new_visitor: NewVisitor, console_errors: list[str]
) -> None:
    page, later = new_visitor("en"), new_visitor("en")
    for one in (page, later):
        go(one, server.app.url, "vocabulary", lang="en")
        open_dialog(one)
        type_text(one)
    server.kill()
    wait_until_renewed(page)
    expect_typed(page)
    reload(later)
    expect_typed(later)
    for one in (page, later):
        one.locator(USE).click()
        expect(one.locator(".st-key-vocabulary_text")).to_contain_text("Mon conte")
    console_errors.clear()  # the browser says that nobody answered for a while


def test_a_field_that_was_not_left_is_found_as_it_was(open_page: OpenPage) -> None:
    page = open_page("attention", author="preparedGptEn")
    field = page.locator(".st-key-page-inside-text textarea")
    field.fill("the cat sat")
    reload(page)
    expect(field).to_have_value("the cat sat")
    expect(field).to_be_focused()
    field.blur()
    page.wait_for_url("**inside.text**")
    wait_until_idle(page)
    reload(page)
    expect(field).to_have_value("the cat sat")


def test_a_text_that_no_address_holds_outlasts_a_reload(open_page: OpenPage) -> None:
    page = open_page("sampling", author="preparedGptEn", view="surprise")
    field, long = (
        page.locator(".st-key-page-sampling-surprise_text textarea"),
        "".join(map(chr, range(1000, 5000))),
    )
    usual = field.input_value()
    field.fill(long)
    field.blur()
    wait_until_idle(page)
    reload(page)
    expect(field).to_have_value(long)
    wait_until_idle(page)
    page.locator(".st-key-sampling_text_unseen button").click()
    expect(field).to_have_value(usual)
    wait_until_idle(page)
    reload(page)
    page.wait_for_timeout(500)
    expect(field).to_have_value(usual)


def test_who_comes_next_reads_nothing_of_it(open_page: OpenPage) -> None:
    page = open_page("vocabulary")
    open_dialog(page)
    type_text(page)
    page.wait_for_timeout(500)
    page.context.clear_cookies()
    reload(page)
    page.wait_for_timeout(500)
    expect(page.locator(PASTED)).to_have_value("")
    assert "conte" not in page.evaluate("JSON.stringify({...sessionStorage})")


def test_what_is_too_long_to_be_kept_is_asked_about(open_page: OpenPage) -> None:
    page, asked = open_page("vocabulary"), list[str]()

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    open_dialog(page)
    page.on("dialog", leave)
    page.locator(PASTED).click()
    page.locator(PASTED).fill("a b c d " * 600_000)
    reload(page)
    assert asked == ["beforeunload"]
    reload(page)
    assert asked == ["beforeunload"]


def test_more_than_the_server_takes_is_refused_where_it_is_pasted(open_page: OpenPage) -> None:
    page = open_page("vocabulary", lang="fr")
    open_dialog(page)
    page.locator(PASTED).fill("le chat dort. ")
    paste = """(field) => {
        field.focus();
        field.setSelectionRange(field.value.length, field.value.length);
        document.execCommand("insertText", false, "été ".repeat(5_200_000));
    }"""
    page.locator(PASTED).evaluate(paste)
    expect(page.get_by_role("alert").filter(has_text="31,2 Mo")).to_be_visible()
    expect(page.locator(PASTED)).to_have_value("le chat dort. ")
    page.locator(PASTED).press_sequentially("le chat court. " * 10)
    expect(page.locator(".mg-refused")).to_have_count(0)
    page.locator(USE).click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator('[data-testid="stApp"]')).to_have_attribute("data-test-connection-state", "CONNECTED")
