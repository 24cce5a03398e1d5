"""Where others put the dashboard: below a path of a larger server, and into a frame of another page."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import expect

from scripts.running_app import RunningApp, running_app
from tests.browser.conftest import NewVisitor, Spy
from ui.server.security import FRAMES

WRITTEN = ".mg-writes-text [data-place]"
APP = '[data-testid="stApp"]'


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, *about: object) -> None:
        pass


@contextmanager
def other_server(folder: Path) -> Iterator[str]:
    """Another origin that serves the files of a folder."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def moodle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A page's server that may show the dashboard in a frame, and its folder."""
    folder = tmp_path_factory.mktemp("moodle")
    with other_server(folder) as url:
        yield url, folder


@pytest.fixture(scope="module")
def app(moodle: tuple[str, Path], spy: Spy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """A dashboard below `/lab/gpt`, that the page at `moodle` may show."""
    home = tmp_path_factory.mktemp("base") / "home"
    with running_app(home, env={**spy.env, FRAMES: moodle[0]}, base="/lab/gpt") as app:
        yield app


def framed(folder: Path, url: str) -> None:
    (folder / "index.html").write_text(
        f"<iframe src='{url}' width=1270 height=700></iframe>", encoding="utf-8"
    )
    (folder / "favicon.ico").touch()


def test_a_page_that_is_allowed_to_shows_it_in_a_frame(
    app: RunningApp, moodle: tuple[str, Path], new_visitor: NewVisitor
) -> None:
    url, folder = moodle
    framed(folder, f"{app.url}/sampling?author=bigram&length=50")
    page = new_visitor("en")
    page.goto(url)
    inside = page.frame_locator("iframe")
    expect(inside.locator(APP)).to_be_visible()
    expect(inside.locator(WRITTEN)).to_have_count(50)


def test_any_other_page_shows_nothing_of_it(
    app: RunningApp, new_visitor: NewVisitor, console_errors: list[str], tmp_path: Path
) -> None:
    framed(tmp_path, f"{app.url}/training")
    page = new_visitor("en")
    with other_server(tmp_path) as url:
        page.goto(url)
        page.wait_for_timeout(1000)
        assert [frame.locator(APP).count() for frame in page.frames] == [0, 0]
    assert any("frame-ancestors" in error for error in console_errors)
    console_errors.clear()
