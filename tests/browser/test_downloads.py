"""Fetching a larger text: the real code, asked to look for its address on this machine."""

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from minigpt_core.texts.downloads import TINY_MOLIERE, TINY_SHAKESPEARE
from scripts.browser import go, wait_until_idle
from scripts.running_app import RunningApp, running_app
from tests.browser.conftest import NOBODY_TRAINS

# Python imports a module of this name at every start. It sends what would go to the text's host to the test's server.
REDIRECT = """
import urllib.request

ask = urllib.request.OpenerDirector.open

def ask_here(self, request, *rest, **options):
    request.full_url = request.full_url.replace("https://raw.githubusercontent.com", {url!r})
    return ask(self, request, *rest, **options)

urllib.request.OpenerDirector.open = ask_here
"""


@dataclass
class Elsewhere:
    """What stands at the public addresses: `answers[path]`; while `go_on` is not set, half of it."""

    answers: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    go_on: threading.Event = field(default_factory=threading.Event)
    url: str = ""
    close: Callable[[], None] = lambda: None


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Elsewhere]:
    there = Elsewhere()
    there.go_on.set()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            there.asked.append(self.path)
            if self.path not in there.answers:
                self.send_error(404)
                return
            body = there.answers[self.path]
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            try:
                self.wfile.write(body[: len(body) // 2])
                there.go_on.wait(60)
                self.wfile.write(body[len(body) // 2 :])
            except OSError:  # cancelled
                pass

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.daemon_threads = True
    there.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    def close() -> None:
        server.shutdown()
        server.server_close()

    there.close = close
    yield there
    close()


@pytest.fixture(scope="module")
def app(
    browser: Browser, elsewhere: Elsewhere, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningApp]:
    folder = tmp_path_factory.mktemp("fetch")
    (folder / "sitecustomize.py").write_text(REDIRECT.format(url=elsewhere.url), encoding="utf-8")
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    with running_app(
        folder / "home", env={**NOBODY_TRAINS, "PYTHONPATH": path, "no_proxy": "127.0.0.1"}
    ) as running:
        yield running


def open_downloads(page: Page) -> None:
    page.locator(".st-key-vocabulary_own button").click()
    page.get_by_role("dialog").get_by_role("tab").nth(2).click()
    expect(page.locator(".st-key-fetch_tiny_shakespeare")).to_be_visible()
    wait_until_idle(page)


def path_of(address: str) -> str:
    return "/" + address.split("/", 3)[3]


def test_errors_are_said_then_the_text_is_fetched_once_and_there_for_everyone(
    app: RunningApp, elsewhere: Elsewhere, new_visitor: Callable[..., Page]
) -> None:
    given = os.environ.get("TINY_SHAKESPEARE")
    if not given:
        pytest.skip("TINY_SHAKESPEARE names no file.")
    path, real = path_of(TINY_SHAKESPEARE.address), Path(given).read_bytes()
    page = new_visitor("fr")
    go(page, app.url, "vocabulary", lang="fr")
    open_downloads(page)
    assert elsewhere.asked == []  # nothing leaves before the click
    button = page.locator(".st-key-vocabulary_fetch_tiny_shakespeare button")

    button.click()  # there is nothing at this address
    expect(page.get_by_role("alert")).to_contain_text("erreur 404")
    elsewhere.answers[path] = real[:-1] + b"?"
    button.click()
    expect(page.get_by_role("alert")).to_contain_text("somme de contrôle")

    elsewhere.answers[path] = real
    elsewhere.go_on.clear()
    button.click()
    expect(page.locator(".stProgress")).to_contain_text("558\u202fko sur 1,1\u202fMo")
    page.locator(".st-key-vocabulary_fetch_cancel button").click()
    expect(button).to_be_enabled()
    expect(page.locator(".st-key-vocabulary_text")).not_to_contain_text("Tiny Shakespeare")

    elsewhere.go_on.set()
    button.click()
    page.wait_for_url(lambda url: TINY_SHAKESPEARE.sha256 in url)
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator(".st-key-vocabulary_text input:checked")).to_have_count(1)
    assert set(elsewhere.asked) == {path}  # and nothing else
    asked = len(elsewhere.asked)

    other = new_visitor("en")  # somebody else on this machine
    go(other, app.url, "vocabulary", lang="en")
    expect(other.locator(".st-key-vocabulary_text")).to_contain_text("Tiny Shakespeare")
    open_downloads(other)
    other.locator(".st-key-vocabulary_use_tiny_shakespeare button").click()
    other.wait_for_url(lambda url: TINY_SHAKESPEARE.sha256 in url)
    assert len(elsewhere.asked) == asked  # it was here already


def test_a_refused_connection_is_said_and_the_bundled_texts_go_on(
    app: RunningApp, elsewhere: Elsewhere, new_visitor: Callable[..., Page]
) -> None:
    page = new_visitor("en")
    go(page, app.url, "vocabulary", lang="en")
    open_downloads(page)
    elsewhere.answers[path_of(TINY_MOLIERE.address)] = b"\0" * (TINY_MOLIERE.size + 1)
    button = page.locator(".st-key-vocabulary_fetch_tiny_moliere button")
    button.click()
    expect(page.get_by_role("alert")).to_contain_text("larger than the text that was expected")
    elsewhere.close()  # from now on nobody listens there
    button.click()
    expect(page.get_by_role("alert")).to_contain_text("The connection to")
    page.keyboard.press("Escape")
    expect(page.locator(".mg-tiles").first).to_be_visible()
