"""Pictures of every page, in both languages and both themes, at 1280×720: `make screenshots`.

    make screenshots ARGS="--only training --lang fr --theme dark --full-page"
    make screenshots ARGS="--url http://127.0.0.1:8501"      of a dashboard that runs already

The Training page is taken during a run and after it; Home and Sampling show that run.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

from playwright.sync_api import Browser, Page, sync_playwright

from scripts.browser import (
    LOCALES,
    PAGES,
    Theme,
    find_chromium,
    go,
    launch,
    new_context,
    start_training,
    wait_for_run,
)
from scripts.running_app import ROOT, running_app

THEMES: tuple[Theme, ...] = get_args(Theme)
WITH_A_RUN = {"home", "training", "sampling"}
SETTLE = 700  # ms; for what is drawn by the browser after the page is there: charts, fonts
CHARTS_DRAWN = """() => [...document.querySelectorAll('.mg-live-chart')].every(
  (chart) => chart.querySelector('.main-svg')
)"""


def main() -> None:
    """Take the pictures that the command line asks for."""
    options = parsed(sys.argv[1:])
    executable = find_chromium()
    if executable is None:
        raise SystemExit("No Chromium or Chrome was found: install one, or give its path in CHROMIUM.")
    options.out.mkdir(parents=True, exist_ok=True)
    with _dashboard(options.url) as url, sync_playwright() as playwright:
        browser = launch(playwright, executable)
        for lang in options.lang:
            for theme in options.theme:
                take(browser, url, lang, theme, options)
        browser.close()


def take(browser: Browser, url: str, lang: str, theme: Theme, options: argparse.Namespace) -> None:
    """The pages that were asked for, as one visitor sees them."""
    context = new_context(browser, lang, theme)
    page = context.new_page()

    def picture(name: str) -> None:
        path = options.out / f"{name}-{lang}-{theme}.png"
        page.screenshot(path=path, full_page=options.full_page)
        print(path)

    query = {"lang": lang}
    if options.run or WITH_A_RUN.intersection(options.only):
        query["run"] = options.run or train(page, url, lang, picture if "training" in options.only else None)
    for page_name in options.only:
        go(page, url, page_name, **query)
        page.wait_for_function(CHARTS_DRAWN)
        page.wait_for_timeout(SETTLE)
        picture(page_name)
    context.close()


def train(page: Page, url: str, lang: str, picture: Callable[[str], None] | None) -> str:
    """Start a run as a visitor does, watch it to its end, and return its id."""
    go(page, url, "training", lang=lang)
    run = start_training(page)
    if picture:
        wait_for_run(page, url, run, lambda live: live["step"] >= 0.4 * live["steps"])
        page.wait_for_timeout(SETTLE)
        picture("training-running")
    wait_for_run(page, url, run, lambda live: live["status"] == "done")
    return run


@contextmanager
def _dashboard(url: str | None) -> Iterator[str]:
    if url:
        yield url.rstrip("/")
        return
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, running_app(Path(folder)) as app:
        yield app.url


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """Which pictures a command line asks for."""
    parser = argparse.ArgumentParser(prog="scripts.screenshots", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", nargs="+", choices=PAGES, default=list(PAGES), metavar="PAGE")
    parser.add_argument("--lang", nargs="+", choices=LOCALES, default=list(LOCALES))
    parser.add_argument("--theme", nargs="+", choices=THEMES, default=list(THEMES))
    parser.add_argument("--full-page", action="store_true", help="the whole page, not what a projector shows")
    parser.add_argument("--url", help="a dashboard that runs already")
    parser.add_argument("--run", help="show this run there instead of training one")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "screenshots")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
