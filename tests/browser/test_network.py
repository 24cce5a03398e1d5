"""No request leaves the machine: not from the page, not from the server, not from a worker.

Every test of this folder is watched (see conftest.py): together they visit every page, and somebody trains. Here the
watch itself is tested.
"""

import http.client
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from scripts.running_app import RunningApp
from tests.browser.conftest import OpenPage, Spy, Visitors


@pytest.mark.parametrize(
    "attempt", ["create_connection(('192.0.2.1', 9))", "getaddrinfo('elsewhere.example', 80)"]
)
def test_the_watch_refuses_what_python_asks_outside(spy: Spy, tmp_path: Path, attempt: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        (spy.folder / "sitecustomize.py").read_text("utf-8").replace(str(spy.folder), str(tmp_path)), "utf-8"
    )
    watched = Spy(tmp_path)
    code = f"import socket; socket.{attempt}"
    tried = subprocess.run([sys.executable, "-c", code], env=os.environ | watched.env, capture_output=True)
    assert tried.returncode == 1 and b"PermissionError" in tried.stderr
    assert len(watched.lines("outside")) == 1


def test_the_browser_lets_no_page_ask_outside_and_the_watch_sees_it_tried(
    open_page: OpenPage, visitors: Visitors, console_errors: list[str]
) -> None:
    page = open_page("home")
    page.evaluate("fetch('http://elsewhere.example/').catch(() => null)")
    page.wait_for_timeout(100)
    assert visitors.asked == {"127.0.0.1"}
    assert console_errors and all("Content Security Policy" in error for error in console_errors)
    console_errors.clear()
    page.route("http://elsewhere.example/**", lambda route: route.abort())
    with page.expect_event("requestfailed"):
        page.evaluate("location.href = 'http://elsewhere.example/'")
    page.unroute_all()
    assert visitors.asked == {"127.0.0.1", "elsewhere.example"}
    visitors.asked.clear()


def test_a_page_from_elsewhere_is_refused_without_asking_outside(app_server: RunningApp, spy: Spy) -> None:
    """Streamlit would ask the internet for this machine's public address, to compare the origin with it."""
    answer = _knock(app_server.url, origin="http://elsewhere.example")
    assert answer == 403
    assert spy.lines("outside") == []


def test_a_visitor_from_here_is_let_in(app_server: RunningApp) -> None:
    assert _knock(app_server.url, origin=app_server.url) == 101


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
