"""Behind a proxy that speaks TLS and gives the dashboard a path among other programs, a class works as without one."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from scripts.browser import go, new_context, start_training, wait_for_run, wait_until_idle
from scripts.healthy import healthy
from scripts.running_app import RunningApp, free_port, running_app
from tests.browser.conftest import Spy
from tests.browser.proxy import proxy_before
from ui import teacher
from ui.workspace import COOKIE

PREFIX = "/school/gpt"
WRITTEN = ".mg-writes-text [data-place]"
NO_OPENSSL = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")


@pytest.fixture(scope="module")
def app(browser: Browser, spy: Spy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    home: Path = tmp_path_factory.mktemp("proxied") / "home"
    teacher.keep_secret(home)
    with running_app(home, env={**spy.env, "MINIGPT_SERVE": "1"}, base=PREFIX) as app:
        yield app


def test_its_health_can_be_asked(app: RunningApp) -> None:
    port = urlsplit(app.url).port
    assert port is not None
    assert healthy(port, PREFIX)
    assert not healthy(port, "/elsewhere") and not healthy(free_port())


@NO_OPENSSL
def test_a_class_behind_tls_and_a_path(app: RunningApp, browser: Browser, spy: Spy, tmp_path: Path) -> None:
    port, complaints = urlsplit(app.url).port, list[str]()
    assert port is not None
    with proxy_before(port, PREFIX, tmp_path) as (url, proxy):
        page, taught = (visitor(browser, complaints) for _ in range(2))
        pupil_trains(page, url)
        unknown_pages_are_told(page, url)
        the_teacher_comes(taught, url, app.home)
        for tab, name in ((page, COOKIE), (taught, COOKIE), (taught, teacher.COOKIE)):
            (cookie,) = (cookie for cookie in tab.context.cookies() if cookie["name"] == name)
            assert (cookie["secure"], cookie["path"]) == (True, PREFIX)
        sockets = [line for line in proxy.asked if "/_stcore/stream" in line]
        assert sockets and all(line.split()[1].startswith(PREFIX) for line in sockets)
        assert [text for text in complaints if "404" not in text] == []
        for tab in (page, taught):
            tab.context.close()
    assert not spy.notes.exists() or spy.lines("outside") == []


def visitor(browser: Browser, complaints: list[str]) -> Page:
    """A browser of somebody who was never here, and takes the certificate."""
    page = new_context(browser, ignore_https_errors=True).new_page()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page


def pupil_trains(page: Page, url: str) -> None:
    """A run is drawn live, and a text is written character by character."""
    go(page, url, "training")
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
    expect(page.locator(".mg-pupil")).to_have_count(1)
