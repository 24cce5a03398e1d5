"""Opens the dashboard in the system's Chromium with Playwright: for tests, screenshots and benchmarks."""

import os
import re
import shutil
import time
from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import parse_qs, urlencode, urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, Playwright, ViewportSize

from ui.journey import ABOUT, SPEAKERS, STATIONS, TEACHERS
from ui.words.languages import LANGUAGES

Theme = Literal["light", "dark"]

PAGES = {station.name: station.path for station in STATIONS}
PATHS = PAGES | {page.name: page.path for page in (*ABOUT, *TEACHERS, *SPEAKERS)}
LOCALES = {code: language.locale for code, language in LANGUAGES.items()}
VIEWPORT: ViewportSize = {"width": 1280, "height": 720}  # a classroom's projector
START = ".st-key-start button"  # the same in every language
PATIENCE = 120_000  # ms; generous, tests do not measure time

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
)
# Chromium heeds one such list: this is Playwright's. The last two draw what drops down from the field for addresses,
# in a process for each window that nobody sees: together a second of the processor.
_OFF = (
    "AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable", "LensOverlay", "MediaRouter", "PaintHolding", "ThirdPartyStoragePartitioning",
    "AvoidCorsURLLoaderRestartOnRedirect", "TcpPortRandomizationWin", "OptimizationHints",
    "NetworkTimeServiceQuerying", "AimEnabled", "PreconnectToSearch", "WebUIOmniboxPopup", "WebUIOmniboxAimPopup",
)  # fmt: skip
_QUIET = (  # a browser that asks nobody anything by itself
    f"--disable-features={','.join(_OFF)}",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
)

# Streamlit says on its root element whether a script is running, but the rerun that a click causes begins some time
# after the click: seconds, on a busy machine. So a page notes when it last said something to the server, and when
# a script last began or ended.
_NOTE = """(() => {
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (...data) {
    window.saidAt = performance.now();
    return send.apply(this, data);
  };
  const note = new MutationObserver(() => { window.changedAt = performance.now(); });
  note.observe(document, { subtree: true, attributes: true, attributeFilter: ['data-test-script-state'] });
})()"""

# Idle means: no script runs, what was said has been answered (some things are said that need no answer: after
# five seconds they got none), and it has been quiet for a while.
_IDLE = """quiet => {
  const app = document.querySelector('[data-testid="stApp"]');
  const busy = !app || app.dataset.testScriptState !== 'notRunning'
    || document.querySelector('[data-testid="stSkeleton"], [data-stale="true"]');
  const now = performance.now(), { saidAt = 0, changedAt = 0 } = window;
  if (busy || !window.quietSince) window.quietSince = busy ? 0 : now;
  const answered = changedAt >= saidAt || now - saidAt > 5000;
  return !busy && answered && now - Math.max(window.quietSince, saidAt, changedAt) >= quiet;
}"""


def find_chromium() -> str | None:
    """The browser to drive: CHROMIUM from the environment, or one found on this machine."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    found = (shutil.which(name) for name in _NAMES)
    return next((path for path in (*found, *_PLACES) if path and os.path.exists(path)), None)


def arguments() -> list[str]:
    """What a browser is started with."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0  # Chromium's sandbox refuses root
    return [*_QUIET, *(["--no-sandbox"] if is_root else [])]


def launch(playwright: Playwright, executable: str, *more: str) -> Browser:
    """Start a browser without a window, with `more` of its arguments."""
    return playwright.chromium.launch(executable_path=executable, args=[*arguments(), *more])


def new_context(browser: Browser, lang: str = "en", theme: Theme = "light", **options: Any) -> BrowserContext:
    """A fresh visitor: own cookies, language and theme, on a screen of 1280×720."""
    options = {"locale": LOCALES[lang], "color_scheme": theme} | options
    context = browser.new_context(viewport=VIEWPORT, reduced_motion="reduce", **options)
    context.set_default_timeout(PATIENCE)
    context.add_init_script(_NOTE)
    return context


def address(url: str, page_name: str = "home", **query: str) -> str:
    """The address of a page, with what belongs into it (`lang`, `text`, `run`)."""
    return url + PATHS[page_name] + (f"?{urlencode(query)}" if query else "")


def go(page: Page, url: str, page_name: str = "home", **query: str) -> None:
    """Open a page of the dashboard at `url` and wait until it is drawn."""
    page.goto(address(url, page_name, **query))
    wait_until_idle(page)


def wait_until_idle(page: Page, quiet: int = 300) -> None:
    """Wait until no script has been running for `quiet` milliseconds."""
    page.evaluate("window.quietSince = 0")
    page.wait_for_function(_IDLE, arg=quiet, polling=50)


def start_training(page: Page) -> str:
    """Press Start on the Training page and wait for the run that begins: its id, from the address."""
    page.locator(START).filter(visible=True).click()
    page.wait_for_url(re.compile(r"[?&]run=\w"))
    wait_until_idle(page)
    return parse_qs(urlsplit(page.url).query)["run"][0]


def wait_for_run(page: Page, url: str, run: str, reached: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Wait until what the server says about a run is enough for `reached`; that state."""
    deadline = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < deadline:
        live: dict[str, Any] = page.request.get(f"{url}/api/runs/{run}").json()
        if reached(live):
            return live
        page.wait_for_timeout(100)
    raise TimeoutError(f"run {run} got no further than {live['status']} at step {live['step']}")
