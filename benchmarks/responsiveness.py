"""How soon the dashboard answers, seen from the browser: clicks, reruns, a long paste.

Prints medians of several tries in one run of a real server and a real Chromium; on a busy machine only the order
of magnitude means something.

    python -m benchmarks.responsiveness                                 everything: several minutes
    python -m benchmarks.responsiveness --pages ladder,model --tries 5  these pages only
    python -m benchmarks.responsiveness --before FOLDER                 and an earlier version, in turns with this one
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from scripts.browser import PAGES, START, find_chromium, go, launch, new_context, wait_until_idle
from scripts.running_app import ROOT, free_port, running_app, stop

STOP = ".st-key-training_stop button"
WORDS = ".st-key-glossary button"  # a control that every page has

# Notes when a condition first holds after a click, in milliseconds of the page's own clock.
_CLICK_AND_WAIT = """(selector) => new Promise(resolve => {
  const holds = () => CONDITION;
  const started = performance.now();
  document.querySelector(selector).click();
  const look = () => holds() ? resolve(performance.now() - started) : requestAnimationFrame(look);
  look();
})"""

# A new run in the address, and a chart of its first steps (the run before has got beyond LATER_STEP).
FIRST_POINT = """location.search.match(/run=(\\w+)/)?.[1] !== window.runBefore
  && [...document.querySelectorAll('.js-plotly-plot')].some(plot =>
    plot.data.some(trace => trace.x?.length && trace.x.at(-1) > 0 && trace.x.at(-1) < LATER))"""
LATER_STEP = 100
# "stopping …" is the component's own word at the click; "stopped" is what the server says.
STOPPED = "/stopped/i.test(document.querySelector('.mg-live-status').textContent)"

# Notes when the page was last drawn anew: after each message of the server, and after each change of the document.
_WATCH = """(() => {
  window.drawnAt = 0;
  const drawn = () => requestAnimationFrame(() => setTimeout(() => window.drawnAt = performance.now()));
  const Plain = window.WebSocket;
  window.WebSocket = class extends Plain {
    constructor(...about) { super(...about); this.addEventListener('message', drawn); }
  };
  document.addEventListener('DOMContentLoaded', () => new MutationObserver(drawn).observe(
    document.body, { subtree: true, childList: true, attributes: true, characterData: true }));
})()"""
# From the key R, which reruns the whole page, or a click, to the last drawing before the page is quiet.
_RERUN = """([event, quiet]) => new Promise(resolve => {
  document.addEventListener(event, () => {
    const asked = performance.now();
    window.drawnAt = 0;
    const look = () => {
      if (window.drawnAt && performance.now() - window.drawnAt > quiet) resolve(window.drawnAt - asked);
      else setTimeout(look, 20);
    };
    look();
  }, { capture: true, once: true });
})"""
QUIET_MS = 400
NOTHING = "import streamlit\n\nstreamlit.button('nothing', key='glossary')\n"


def click_until(page: Page, selector: str, condition: str) -> float:
    """Milliseconds from a click until a JavaScript condition holds."""
    return float(page.evaluate(_CLICK_AND_WAIT.replace("CONDITION", condition), selector))


def start_and_stop(browser: Browser, url: str) -> tuple[float, float]:
    """From Start to the chart's first point, and from Stop until the page says so."""
    context = new_context(browser)
    page = context.new_page()
    go(page, url, "training")
    page.evaluate("window.runBefore = location.search.match(/run=(\\w+)/)?.[1]")
    first_point = click_until(page, START, FIRST_POINT.replace("LATER", str(LATER_STEP)))
    page.wait_for_function(
        f"() => parseInt(document.querySelector('.mg-live-big').textContent) > {LATER_STEP}"
    )
    stop = click_until(page, STOP, STOPPED)
    wait_until_idle(page)
    context.close()
    return first_point, stop


def watched_context(browser: Browser) -> BrowserContext:
    """A fresh visitor whose pages note when they were last drawn, as `reruns` needs it."""
    context = new_context(browser)
    context.add_init_script(_WATCH)
    return context


def reruns(page: Page, tries: int, event: str = "keydown") -> list[float]:
    """From the key R (or from a click on the glossary) until the page is drawn, in milliseconds.

    The page is one of a `watched_context`, and nothing on it moves by itself.
    """
    assert page.evaluate("'drawnAt' in window"), "the page is none of a watched_context"
    found = []
    for _ in range(tries):
        page.evaluate(f"arguments => {{ window.rerun = ({_RERUN})(arguments); }}", [event, QUIET_MS])
        if event == "keydown":
            page.keyboard.press("r")
        else:
            page.evaluate(f"document.querySelector('{WORDS}').click()")
        found.append(float(page.evaluate("window.rerun")))
        wait_until_idle(page)
    return found


@contextmanager
def streamlit_alone(folder: Path) -> Iterator[str]:
    """The address of a Streamlit script that does nothing: what lies below no page can reach."""
    script, port = folder / "nothing.py", free_port()
    script.write_text(NOTHING, encoding="utf-8")
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port)]
    process = subprocess.Popen([*command, "--server.headless", "true"], stdout=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(process)


def report(what: str, milliseconds: list[float]) -> None:
    """One line: the median, and the range."""
    low, high = min(milliseconds), max(milliseconds)
    print(f"{what:<52} median {statistics.median(milliseconds):6.0f} ms   {low:.0f} to {high:.0f}")


@dataclass
class Version:
    """A version of the dashboard that is served, and a tab on it."""

    name: str
    url: str
    page: Page


def training(browser: Browser, versions: list[Version], tries: int) -> None:
    """How soon the Training page answers Start and Stop."""
    pairs = [[start_and_stop(browser, version.url) for version in versions] for _ in range(tries)]
    for version, found in zip(versions, zip(*pairs, strict=True), strict=True):
        report(f"{version.name}Start → first point of the chart", [first for first, _ in found])
        report(f"{version.name}Stop → the run has stopped, and the page says so", [stop for _, stop in found])


def page_again(versions: list[Version], name: str, tries: int) -> None:
    """How long a page takes to be drawn again, all of it and one small part."""
    for version in versions:
        go(version.page, version.url, name, lang="en")
        wait_until_idle(version.page, quiet=1500)
    for event, what in (("keydown", "the whole page again"), ("click", "opening the glossary")):
        found: dict[str, list[float]] = {version.name: [] for version in versions}
        for _ in range(tries):
            for version in versions:
                version.page.bring_to_front()
                found[version.name] += reruns(version.page, 1, event)
        for version in versions:
            report(f"{version.name}{name}: {what}", found[version.name])


def streamlit_itself(page: Page, folder: Path, tries: int) -> None:
    """What a page takes that has nothing of ours."""
    with streamlit_alone(folder) as alone:
        time.sleep(4)
        page.goto(alone)
        wait_until_idle(page, quiet=1500)
        report("a Streamlit page with one button", reruns(page, tries))


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pages", default="", help="names, with commas, and no Start and Stop; all")
    parser.add_argument("--tries", type=int, default=8)
    parser.add_argument("--before", type=Path, help="the folder of an earlier version that has these pages")
    options = parser.parse_args()
    executable = find_chromium()
    assert executable, "needs Chromium"
    names = options.pages.split(",") if options.pages else list(PAGES)
    roots = [("now: ", ROOT), ("before: ", options.before)] if options.before else [("", ROOT)]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright, ExitStack() as stack:
        browser = launch(playwright, executable)
        versions = []
        for label, root in roots:
            app = stack.enter_context(running_app(Path(folder) / (label[:-2] or "now"), root=root))
            versions.append(Version(label, app.url, watched_context(browser).new_page()))
        time.sleep(6)  # the warm workers are ready
        if not options.pages:
            training(browser, versions, options.tries)
        for name in names:
            page_again(versions, name, options.tries)
        if not options.pages:
            streamlit_itself(versions[0].page, Path(folder), options.tries)
        print("load", *(f"{load:.1f}" for load in os.getloadavg()))
        browser.close()


if __name__ == "__main__":
    main()
