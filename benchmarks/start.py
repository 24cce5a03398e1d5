"""What the start takes, part by part: from the command to a server that answers, to Home's title in a browser.

Parts overlap: what is imported for the server is not imported again for the page. Medians of several tries in one run;
on a busy machine look at the shares.

    python -m benchmarks.start [tries]
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import sync_playwright

from scripts.browser import find_chromium, launch, new_context
from scripts.running_app import ROOT, running_app

IMPORTS = ("torch", "streamlit", "plotly", "pandas", "dashboard")
HOME = "h1:has-text('mini-GPT'), h1"


def median(of: Callable[[], float], tries: int) -> float:
    """The median of several measurements."""
    return statistics.median(of() for _ in range(tries))


def import_seconds(module: str) -> float:
    """A Python that imports this and ends."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"import {module}"], cwd=ROOT, check=True, capture_output=True)
    return time.perf_counter() - began


def start_seconds() -> dict[str, float]:
    """One start of everything, with an empty data folder."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        began = time.perf_counter()
        executable = find_chromium()
        assert executable, "no Chromium was found"
        browser = launch(playwright, executable)
        page = new_context(browser).new_page()
        parts = {"the browser's start": time.perf_counter() - began}
        began = time.perf_counter()
        with running_app(Path(folder) / "home") as app:
            parts["from the command until the server answers"] = time.perf_counter() - began
            page.goto(app.url)
            page.wait_for_selector(HOME)
            parts["from the command to Home's title"] = time.perf_counter() - began
            again = time.perf_counter()
            page.goto(app.url)
            page.wait_for_selector(HOME)
            parts["Home once more"] = time.perf_counter() - again
        browser.close()
    return parts


def main() -> None:
    """Print one line a part."""
    tries = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    bare = median(lambda: import_seconds("sys"), tries)
    for module in IMPORTS:
        print(f"import {module}: {median(lambda: import_seconds(module), tries) - bare:.2f} s")  # noqa: B023
    found = [start_seconds() for _ in range(tries)]
    whole = statistics.median(parts["from the command to Home's title"] for parts in found)
    for name in found[0]:
        taken = statistics.median(parts[name] for parts in found)
        print(f"{name}: {taken:.2f} s, {taken / whole:.0%} of the way to Home's title")


if __name__ == "__main__":
    main()
