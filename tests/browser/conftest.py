"""A running dashboard and a Chromium. Without a browser these tests skip, or fail if REQUIRE_BROWSER=1.

Every test begins as a class does: with visitors who were never here, each with a workspace of their own. After each
test nothing has complained in the browser, and nothing has asked another machine, neither a page nor the server.
"""

import os
import queue
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    CDPSession,
    ConsoleMessage,
    Error,
    Page,
    Playwright,
    WebSocket,
    expect,
    sync_playwright,
)

from minigpt_core.jobs.worker import Controls, train
from minigpt_core.presets import NOTEBOOK
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import RunStore
from minigpt_core.texts import corpus
from scripts.browser import (
    LOCALES,
    PATIENCE,
    VIEWPORT,
    Theme,
    address,
    find_chromium,
    go,
    launch,
    new_context,
    wait_until_idle,
)
from scripts.running_app import RunningApp, running_app
from ui.workspace import COOKIE

OpenPage = Callable[..., Page]
NewVisitor = Callable[..., Page]

expect.set_options(timeout=PATIENCE)

NOBODY_TRAINS = {"MINIGPT_WARM_WORKER": "0"}
"""What a server is started with that needs no worker, which would import torch once more."""

# Streamlit asks for these below the opened address first, to find where it is mounted, and shrugs at the 404.
_EXPECTED_404 = ("/_stcore/health", "/_stcore/host-config")

# Python imports a module named sitecustomize at every start, in the server and in each worker. Its audit hook
# sees every socket call, whichever library makes it. What would leave the machine is noted and refused.
_SPY = """
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


# `wait_until_idle` waits five seconds for a script that seems not to begin. One that took no time to speak of was never
# seen: it began and ended between two pictures. So whatever the server says counts as its answer, a little later.
HEAR = """(() => {
  const send = WebSocket.prototype.send;
  const hear = () => {
    const heardAt = performance.now();
    setTimeout(() => { window.changedAt = Math.max(window.changedAt ?? 0, heardAt); }, 700);
  };
  WebSocket.prototype.send = function (...data) {
    if (!this.listened) this.addEventListener('message', hear);
    this.listened = true;
    return send.apply(this, data);
  };
})()"""


_TURN = (
    "url => { history.pushState({}, '', url); dispatchEvent(new PopStateEvent('popstate', { state: {} })); }"
)


def turn_to(page: Page, url: str, page_name: str, **query: str) -> None:
    """Go to a page as the button does that leads back: a tab that is here already has Streamlit's scripts."""
    if not page.url.startswith(url):
        go(page, url, page_name, **query)
        return
    page.evaluate(_TURN, address(url, page_name, **query))
    wait_until_idle(page)


@dataclass(frozen=True)
class Spy:
    """Notes what the Python processes that start with `env` do on the network."""

    folder: Path

    @property
    def notes(self) -> Path:
        return self.folder / "notes.txt"

    @property
    def env(self) -> dict[str, str]:
        """What makes a process be watched, and those that it starts."""
        path = filter(None, [str(self.folder), os.environ.get("PYTHONPATH")])
        return {"PYTHONPATH": os.pathsep.join(path)}

    def lines(self, first: str) -> list[str]:
        """The notes that begin with this word: `start`, `inside` or `outside`."""
        return [line for line in self.notes.read_text("utf-8").splitlines() if line.startswith(first)]


class Visitors:
    """Hands out tabs, each as somebody who was never here.

    A tab that is given back forgets its cookies and what it stored, and is handed out again: a new one would have
    to compile all of Streamlit's JavaScript first, which takes longer than most tests.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._free: list[Page] = []
        self._speakers: dict[Page, CDPSession] = {}
        self.errors: list[str] = []
        self.asked: set[str] = set()
        """The hosts that pages have asked."""

    def come(self, lang: str, theme: Theme) -> Page:
        """A tab of a browser in this language, at 1280×720."""
        page = self._free.pop() if self._free else self._new_tab()
        self._speak(page, lang)
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        return page

    def _speak(self, page: Page, lang: str) -> None:
        """Its browser's language: that of the context would ask for another context, which has nothing compiled."""
        if page not in self._speakers:
            self._speakers[page] = page.context.new_cdp_session(page)
        agent = page.evaluate("navigator.userAgent")
        asked = {"userAgent": agent, "acceptLanguage": LOCALES[lang]}
        self._speakers[page].send("Emulation.setUserAgentOverride", asked)
        self._speakers[page].send("Emulation.setLocaleOverride", {"locale": LOCALES[lang].replace("-", "_")})

    def leave(self, page: Page) -> None:
        """Take a tab back."""
        try:
            for other in page.context.pages:
                if other != page:
                    other.close()
            page.evaluate("() => { localStorage.clear(); sessionStorage.clear() }")
            page.goto("about:blank")
            page.context.clear_cookies()
            page.set_viewport_size(VIEWPORT)
        except Error:  # closed, or nothing was opened in it
            page.context.close()
        else:
            self._free.append(page)

    def _new_tab(self) -> Page:
        context = new_context(self._browser, locale=None)
        context.add_init_script(HEAR)
        context.on("console", self._hear)
        context.on("weberror", lambda error: self.errors.append(str(error.error)))
        context.on("request", lambda request: self._asks(request.url))
        context.on("page", lambda page: page.on("websocket", self._connects))
        return context.new_page()

    def _hear(self, message: ConsoleMessage) -> None:
        where = message.location.get("url", "") if message.location else ""
        expected = "404" in message.text and where.endswith(_EXPECTED_404)
        if message.type == "error" and not expected:
            self.errors.append(f"{message.text} ({where})")

    def _connects(self, socket: WebSocket) -> None:
        self._asks(socket.url)

    def _asks(self, url: str) -> None:
        if not url.startswith(("data:", "blob:")):
            self.asked.add(urlsplit(url).hostname or "")


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    executable = find_chromium()
    if executable is None:
        sentence = "No Chromium or Chrome was found: install one, or give its path in CHROMIUM."
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    chromium = launch(playwright, executable)
    yield chromium
    chromium.close()


@pytest.fixture(scope="session")
def spy(tmp_path_factory: pytest.TempPathFactory) -> Spy:
    spy = Spy(tmp_path_factory.mktemp("spy"))
    (spy.folder / "sitecustomize.py").write_text(_SPY.format(notes=str(spy.notes)), encoding="utf-8")
    return spy


@pytest.fixture(scope="session")
def app_server(browser: Browser, spy: Spy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """One dashboard for all tests of this process, as a class shares it; at the end no process of it is left."""
    home = tmp_path_factory.mktemp("app") / "home"
    with running_app(home, env={**spy.env, "MINIGPT_SERVE": "1"}) as app:
        yield app
    assert_nothing_left(app)


@pytest.fixture(scope="session")
def visitors(browser: Browser) -> Visitors:
    return Visitors(browser)


@pytest.fixture
def console_errors(visitors: Visitors) -> list[str]:
    """What the browser complained about. A test that provokes a complaint on purpose clears the list."""
    visitors.errors.clear()
    return visitors.errors


@pytest.fixture
def new_visitor(visitors: Visitors, spy: Spy, console_errors: list[str]) -> Iterator[NewVisitor]:
    """`new_visitor("fr", "dark")`: the tab of somebody who was never here. Two visitors share nothing."""
    here: list[Page] = []
    visitors.asked.clear()

    def make(lang: str = "en", theme: Theme = "light") -> Page:
        here.append(visitors.come(lang, theme))
        return here[-1]

    yield make
    complaints = list(console_errors)
    for page in here:
        visitors.leave(page)
    assert not complaints, "\n".join(complaints)
    assert visitors.asked <= {"127.0.0.1"}
    assert not spy.notes.exists() or spy.lines("outside") == []


@pytest.fixture
def open_page(app_server: RunningApp, new_visitor: NewVisitor) -> OpenPage:
    """`open_page("training", lang="fr", run=…)`: a new visitor opens a page and waits until it is drawn."""

    def open_it(page_name: str = "home", lang: str = "en", theme: Theme = "light", **query: str) -> Page:
        page = new_visitor(lang, theme)
        go(page, app_server.url, page_name, lang=lang, **query)
        return page

    return open_it


def workspace_of(page: Page, url: str) -> str:
    """The workspace of a visitor, also of one who has not opened a page yet."""
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    if COOKIE not in cookies:
        page.request.get(url)
        cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    return cookies[COOKIE]


@pytest.fixture
def trained_run(app_server: RunningApp) -> Callable[..., str]:
    """`trained_run(page, steps=60)`: the notebook's run, trained at full speed for the visitor at `page`; its id."""

    def make(page: Page, text: str = "the-curious-cat", **changed: float) -> str:
        store, story = RunStore(app_server.home), corpus.load(text)
        run = new_run(
            store,
            text=corpus.normalize(story.text),
            title=story.title,
            model_fields=NOTEBOOK.model,
            training=replace(NOTEBOOK.training, **{"sample_length": 40} | changed),
            workspace=workspace_of(page, app_server.url),
        )
        train(store, run.id, Controls(queue.Queue(), lambda *said, **details: None))
        return run.id

    return make


def assert_nothing_left(app: RunningApp, patience: float = 60) -> None:
    """After the server has stopped, its workers are gone too."""
    deadline = time.monotonic() + patience
    while (left := app.left_over()) and time.monotonic() < deadline:
        time.sleep(0.1)
    log = Path(app.log).read_text(errors="replace")[-2000:]
    assert not left, f"still running: {left}\nThe end of the server's log:\n{log}"
