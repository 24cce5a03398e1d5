"""Where others put the dashboard: below a path of a larger server, behind a proxy that speaks TLS, and into a frame of
another page. A class works there as it does without."""

import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, expect

from scripts.browser import (
    find_chromium,
    go,
    launch,
    new_context,
    start_training,
    wait_for_run,
    wait_until_idle,
)
from scripts.healthy import healthy
from scripts.running_app import RunningApp, free_port, running_app
from tests.browser.conftest import NewVisitor, Spy
from tests.browser.proxy import proxy_before
from ui import teacher
from ui.server.security import FRAMES
from ui.workspace import COOKIE

PREFIX = "/school/gpt"
WRITTEN = ".mg-writes-text [data-place]"
APP = '[data-testid="stApp"]'
# Streamlit looks for its base path below the page's; and no page has that name.
LOOKED_FOR = re.compile(r"status of 404 .*(/_stcore/(health|host-config)|/no-such-page)\)$")
NO_OPENSSL = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")


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
def app(
    browser: Browser, moodle: tuple[str, Path], spy: Spy, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningApp]:
    """A dashboard that serves a class below `PREFIX`, and that the page at `moodle` may show."""
    home: Path = tmp_path_factory.mktemp("proxied") / "home"
    teacher.keep_secret(home)
    with running_app(home, env={**spy.env, "MINIGPT_SERVE": "1", FRAMES: moodle[0]}, base=PREFIX) as app:
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
        with page.expect_console_message(lambda said: "frame-ancestors" in said.text):
            page.goto(url)
        assert [frame.locator(APP).count() for frame in page.frames] == [0, 0]
    assert any("frame-ancestors" in error for error in console_errors)
    console_errors.clear()


def test_its_health_can_be_asked(app: RunningApp) -> None:
    port = urlsplit(app.url).port
    assert port is not None
    assert healthy(port, PREFIX)
    assert not healthy(port, "/elsewhere") and not healthy(free_port())


@NO_OPENSSL
def test_a_class_behind_tls_and_a_path(
    app: RunningApp, playwright: Playwright, spy: Spy, tmp_path: Path
) -> None:
    port, complaints = urlsplit(app.url).port, list[str]()
    assert port is not None
    with proxy_before(port, PREFIX, tmp_path) as (url, proxy, trust):
        browser = launch(playwright, str(find_chromium()), trust)
        page, taught = (visitor(browser, complaints) for _ in range(2))
        pupil_trains(page, url)
        unknown_pages_are_told(page, url)
        the_teacher_comes(taught, url, app.home)
        for tab, name in ((page, COOKIE), (taught, COOKIE), (taught, teacher.COOKIE)):
            (cookie,) = (cookie for cookie in tab.context.cookies() if cookie["name"] == name)
            assert (cookie["secure"], cookie["path"]) == (True, PREFIX)
        sockets = [line for line in proxy.asked if "/_stcore/stream" in line]
        assert sockets and all(line.split()[1].startswith(PREFIX) for line in sockets)
        assert [text for text in complaints if not LOOKED_FOR.search(text)] == []
        browser.close()
    assert not spy.notes.exists() or spy.lines("outside") == []


def visitor(browser: Browser, complaints: list[str]) -> Page:
    """A browser of somebody who was never here. What a test asks beside the browser takes any certificate."""
    page = new_context(browser, ignore_https_errors=True).new_page()
    page.on("console", lambda message: complaints.append(told(message)) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page


def told(message: ConsoleMessage) -> str:
    return f"{message.text} ({message.location.get('url')})"


def pupil_trains(page: Page, url: str) -> None:
    """A run is drawn live, and a text is written character by character."""
    go(page, url, "training")
    pace = page.locator(".st-key-page-training-pace input")
    pace.press("ArrowLeft")  # it must not end before it was looked at
    wait_until_idle(page)
    run = start_training(page)
    wait_for_run(page, url, run, lambda live: live["step"] > 20)
    page.wait_for_function("() => parseInt(document.querySelector('.mg-live-big').textContent) > 20")
    page.locator(".st-key-training_stop button:visible").click()
    wait_for_run(page, url, run, lambda live: live["status"] == "stopped")
    go(page, url, "sampling", author="bigram", length="50")
    expect(page.locator(WRITTEN)).to_have_count(50)


def unknown_pages_are_told(page: Page, url: str) -> None:
    page.goto(f"{url}/no-such-page")
    wait_until_idle(page)
    expect(page.get_by_text("There is no page “no-such-page” here.")).to_be_visible()
    assert page.url.startswith(f"{url}/")


def the_teacher_comes(page: Page, url: str, home: Path) -> None:
    page.goto(teacher.link(url, teacher.keep_secret(home)))
    wait_until_idle(page)
    assert page.url == f"{url}/class"
    expect(page.locator(".mg-pupil").filter(has_text="stopped")).to_have_count(1)  # others only looked
