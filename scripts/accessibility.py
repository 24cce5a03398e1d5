"""Looks at every page as those do who cannot see it, use no mouse or read it large: `python -m scripts.accessibility`.

    python -m scripts.accessibility --only training class --lang fr --theme dark
    python -m scripts.accessibility --look headings keyboard

In both languages and both themes: what axe-core finds (WCAG 2.2, A and AA), headings that jump a level, controls that
Tab does not reach or that do not show that they are reached, and what a page loses at 200 % and 400 % of its size.
What was found stands on one line each; the program ends with 1 if something was.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from scripts.browser import (
    LOCALES,
    PAGES,
    VIEWPORT,
    find_chromium,
    go,
    launch,
    new_context,
    wait_until_idle,
)
from scripts.running_app import RunningApp, running_app
from scripts.screenshots import THEMES
from ui import teacher

SERIOUS = ("serious", "critical")
# Streamlit greys out the label of a control that is off. WCAG asks for no contrast there; axe can't see that it is off.
LABEL = '[data-testid="stWidgetLabel"]'
OFF = f'{LABEL}[disabled], {LABEL}:has(~ * [disabled], ~ * [aria-disabled="true"])'
# Each page with something on it; a page with several views, in each of them.
TRAINED, INSPECTED = {"run": "preparedTinyEn"}, {"author": "preparedGptEn"}
SHOWN: dict[str, dict[str, str]] = {
    **dict.fromkeys(PAGES, INSPECTED),
    "training": TRAINED,
    "timeline": TRAINED,
    **{
        f"sampling {view}": INSPECTED | {"view": view}
        for view in ("next", "temperature", "models", "surprise")
    },
    "accessibility": {},
    "class": {},
    "wall": {},
}
ZOOMS = {640: "200 %", 320: "400 %"}
MOST_STOPS = 250
SETTLE = 60  # ms; colours move

LOOKS_AT = (Path(__file__).parent / "accessibility.js").read_text(encoding="utf-8")


def axe(page: Page) -> list[str]:
    """What axe-core finds serious."""
    found = Axe().run(
        page, context={"include": [["html"]], "exclude": [[OFF]]}, options={"resultTypes": ["violations"]}
    )
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in found.response["violations"]
        if violation["impact"] in SERIOUS
        for node in violation["nodes"]
    ]


def ask(page: Page, what: str) -> Any:
    """What `accessibility.js` finds on the page."""
    return page.evaluate(f"window.mgLooks.{what}()")


def headings(page: Page) -> list[str]:
    """Levels that are left out on the way down, and a page without exactly one title."""
    found = ask(page, "headings")
    levels = [level for level, _words in found]
    jumps = [f"from {levels[n - 1]} to {level} at “{words}”" for n, (level, words) in enumerate(found)
             if n and level > levels[n - 1] + 1]  # fmt: skip
    return jumps + ([] if levels.count(1) == 1 else [f"{levels.count(1)} titles"])


def keyboard(page: Page) -> list[str]:
    """What Tab does not reach, or reaches unseen."""
    page.evaluate("() => { document.activeElement?.blur(); window.scrollTo(0, 0) }")
    found, before = [], ("", "")
    for _stop in range(MOST_STOPS):
        page.keyboard.press("Tab")
        page.wait_for_timeout(SETTLE)
        if before[0] and ask(page, "look") == before[1]:
            found.append(f"no focus seen: {before[0]}")
        here = ask(page, "focused")
        if here is None or here["again"]:
            break
        if not here["seen"]:
            found.append(f"focus on something hidden: {here['what']}")
        before = (here["what"], ask(page, "look"))
    else:
        found.append(f"no end after {MOST_STOPS} stops")
    return found + [f"not reached: {one}" for one in dict.fromkeys(ask(page, "unreached"))]


def zoom(page: Page) -> list[str]:
    """What lies beyond the edge where the page is read at 200 % and at 400 %."""
    found = []
    for width, name in ZOOMS.items():
        page.set_viewport_size({"width": width, "height": 720 * width // 1280})
        page.wait_for_timeout(10 * SETTLE)
        found += [f"{name}: {one}" for one in ask(page, "beyond")]
    page.set_viewport_size(VIEWPORT)
    page.wait_for_timeout(10 * SETTLE)
    return found


def targets(page: Page) -> list[str]:
    """What is smaller than 24 pixels."""
    return list(dict.fromkeys(ask(page, "small")))


LOOKS: dict[str, Callable[[Page], list[str]]] = {
    "axe": axe, "headings": headings, "targets": targets, "zoom": zoom, "keyboard": keyboard,
}  # fmt: skip


def pages(browser: Browser, app: RunningApp, options: argparse.Namespace) -> Iterator[tuple[str, Page]]:
    """Each page that was asked for, drawn, in each language and theme."""
    for lang in options.lang:
        for theme in options.theme:
            context = new_context(browser, lang, theme)
            context.add_init_script(LOOKS_AT)
            page = context.new_page()
            page.goto(teacher.link(app.url, teacher.keep_secret(app.home)))
            for name in options.only:
                opened = name.partition(" ")[0]
                if opened in PAGES:
                    go(page, app.url, opened, lang=lang, **SHOWN[name])
                else:
                    page.goto(f"{app.url}/{opened}?lang={lang}")
                    wait_until_idle(page)
                page.wait_for_timeout(500)
                yield f"{name} {lang} {theme}", page
            context.close()


def main() -> int:
    """Look at the pages that the command line asks for; how much was found."""
    options = _options()
    executable = find_chromium()
    if executable is None:
        raise SystemExit("No Chromium or Chrome was found: install one, or give its path in CHROMIUM.")
    count = 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, sync_playwright() as playwright:
        home = Path(folder)
        teacher.keep_secret(home)
        with running_app(home, env={"MINIGPT_SERVE": "1"}) as app:
            browser = launch(playwright, executable)
            for where, page in pages(browser, app, options):
                for name in options.look:
                    wait_until_idle(page)  # what is drawn anew is pale
                    for said in LOOKS[name](page):
                        count += 1
                        print(f"{where}: {name}: {said}", flush=True)
            browser.close()
    print(f"{count} found")
    return count


def _options() -> Any:
    parser = argparse.ArgumentParser(prog="scripts.accessibility", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", nargs="+", choices=SHOWN, default=list(SHOWN), metavar="PAGE")
    parser.add_argument("--lang", nargs="+", choices=LOCALES, default=list(LOCALES))
    parser.add_argument("--theme", nargs="+", choices=THEMES, default=list(THEMES))
    parser.add_argument("--look", nargs="+", choices=LOOKS, default=list(LOOKS))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
