"""No request leaves the machine: not from the page, not from the server, not from a worker."""

import http.client
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext

from scripts.browser import LOCALES, PAGES, go, start_training, wait_for_run
from scripts.running_app import RunningApp, running_app

# Python imports a module named sitecustomize at every start, in the server and in each worker. Its audit hook
# sees every socket call, whichever library makes it. What would leave the machine is noted and refused.
SPY = """
import os, sys

NOTES = {notes!r}
LOOPBACK = {{"localhost", "127.0.0.1", "::1", "", None}}
EVENTS = {{"socket.connect": 1, "socket.sendto": 1, "socket.sendmsg": 1, "socket.bind": 1,
          "socket.getaddrinfo": 0, "socket.gethostbyname": 0, "socket.gethostbyaddr": 0}}

def note(*words):
    with open(NOTES, "a", encoding="utf-8") as notes:
        notes.write("\\t".join(map(str, words)) + "\\n")

def watch(event, args):
    if event not in EVENTS:
        return
    target = args[EVENTS[event]]
    if isinstance(target, (str, bytes)) and EVENTS[event] == 1:
        return  # the path of a Unix socket
    host = target[0] if isinstance(target, tuple) else target
    outside = host not in LOOPBACK
    note("outside" if outside else "inside", event, host)
    if outside:
        raise PermissionError(f"{{event}} to {{host}}")

note("start", " ".join(sys.orig_argv))
sys.addaudithook(watch)
"""


@dataclass(frozen=True)
class SpiedApp:
    app: RunningApp
    notes: Path

    def lines(self, first: str) -> list[str]:
        """The notes that begin with this word: `start`, `inside` or `outside`."""
        return [line for line in self.notes.read_text("utf-8").splitlines() if line.startswith(first)]


@pytest.fixture(scope="module")
def spied(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SpiedApp]:
    folder = tmp_path_factory.mktemp("spy")
    notes = folder / "notes.txt"
    (folder / "sitecustomize.py").write_text(SPY.format(notes=str(notes)), encoding="utf-8")
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    with running_app(folder / "home", env={"PYTHONPATH": path}) as app:
        yield SpiedApp(app, notes)


def test_nothing_leaves_the_machine_while_somebody_visits_every_page_and_trains(
    spied: SpiedApp, new_visitor: Callable[..., BrowserContext]
) -> None:
    asked: list[str] = []
    for lang in LOCALES:
        visitor = new_visitor(lang)
        visitor.on("request", lambda request: asked.append(request.url))
        page = visitor.new_page()
        page.on("websocket", lambda socket: asked.append(socket.url))
        for page_name in PAGES:
            go(page, spied.app.url, page_name, lang=lang)
    go(page, spied.app.url, "training")
    run = start_training(page)
    wait_for_run(page, spied.app.url, run, lambda live: live["status"] == "done")
    here = urlsplit(spied.app.url).netloc
    hosts = {urlsplit(url).netloc for url in asked if not url.startswith(("data:", "blob:"))}
    assert hosts == {here}
    assert any("minigpt_core.worker" in line for line in spied.lines("start"))
    assert f"inside\tsocket.bind\t{urlsplit(spied.app.url).hostname}" in spied.lines("inside")
    assert spied.lines("outside") == []


def test_a_page_from_elsewhere_is_refused_without_asking_outside(spied: SpiedApp) -> None:
    """Streamlit would ask the internet for this machine's public address, to compare the origin with it."""
    answer = _knock(spied.app.url, origin="http://elsewhere.example")
    assert answer == 403
    assert spied.lines("outside") == []


def test_a_visitor_from_here_is_let_in(spied: SpiedApp) -> None:
    assert _knock(spied.app.url, origin=spied.app.url) == 101


def _knock(url: str, origin: str) -> int:
    """Ask for the websocket that a page of `origin` would open; the status of the answer."""
    host = urlsplit(url)
    connection = http.client.HTTPConnection(host.hostname or "", host.port, timeout=60)
    headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Origin": origin}
    headers |= {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13"}
    connection.request("GET", "/_stcore/stream", headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status
