"""A running dashboard and a Chromium. Without a browser these tests skip, or fail if REQUIRE_BROWSER=1."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from scripts.browser import PATIENCE, Theme, find_chromium, go, launch, new_context
from scripts.running_app import RunningApp, running_app

OpenPage = Callable[..., Page]

expect.set_options(timeout=PATIENCE)

# Streamlit asks for these below the opened address first, to find where it is mounted, and shrugs at the 404.
_EXPECTED_404 = ("/_stcore/health", "/_stcore/host-config")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = find_chromium()
    if executable is None:
        sentence = "No Chromium or Chrome was found: install one, or give its path in CHROMIUM."
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    with sync_playwright() as playwright:
        chromium = launch(playwright, executable)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def app_server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """One dashboard for all browser tests, with data of its own; at the end no process of it is left."""
    with running_app(tmp_path_factory.mktemp("app") / "home") as app:
        yield app
    assert_nothing_left(app)


@pytest.fixture
def console_errors() -> list[str]:
    """What the browser complained about. A test that provokes a complaint on purpose clears the list."""
    return []


@pytest.fixture
def new_visitor(browser: Browser, console_errors: list[str]) -> Iterator[Callable[..., BrowserContext]]:
    """Makes visitors: each call is a browser with cookies of its own, `lang` and `theme`, at 1280×720."""
    visitors: list[BrowserContext] = []

    def make(lang: str = "en", theme: Theme = "light") -> BrowserContext:
        context = new_context(browser, lang, theme)
        context.on("console", lambda message: _collect(console_errors, message))
        context.on("weberror", lambda error: console_errors.append(str(error.error)))
        visitors.append(context)
        return context

    yield make
    for context in visitors:
        context.close()
    assert not console_errors, "\n".join(console_errors)


@pytest.fixture
def open_page(app_server: RunningApp, new_visitor: Callable[..., BrowserContext]) -> OpenPage:
    """`open_page("training", lang="fr", run=…)`: a new visitor opens a page and waits until it is drawn."""

    def open_it(page_name: str = "home", lang: str = "en", theme: Theme = "light", **query: str) -> Page:
        page = new_visitor(lang, theme).new_page()
        go(page, app_server.url, page_name, lang=lang, **query)
        return page

    return open_it


def assert_nothing_left(app: RunningApp, patience: float = 10) -> None:
    """After the server has stopped, its workers are gone too."""
    deadline = time.monotonic() + patience
    while (left := app.left_over()) and time.monotonic() < deadline:
        time.sleep(0.1)
    log = Path(app.log).read_text(errors="replace")[-2000:]
    assert not left, f"still running: {left}\nThe end of the server's log:\n{log}"


def _collect(errors: list[str], message: ConsoleMessage) -> None:
    where = message.location.get("url", "") if message.location else ""
    expected = "404" in message.text and where.endswith(_EXPECTED_404)
    if message.type == "error" and not expected:
        errors.append(f"{message.text} ({where})")
