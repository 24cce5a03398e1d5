"""How soon the first character stands on the screen after a click, and how fast the text goes on: in Chromium, on the
Sampling page, with the prepared GPT.

    python -m benchmarks.first_character [--clicks 10]
"""

import argparse
import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from scripts.browser import find_chromium, go, launch, new_context
from scripts.running_app import running_app

# Milliseconds from the click to the first character on the screen, and characters a second from there to the last.
MEASURE = """() => new Promise((resolve) => {
  const shown = () => document.querySelectorAll('.mg-writes-text [data-place]').length;
  const clicked = performance.now();
  let emptied = false, first;
  document.querySelector('.mg-writes-button').click();
  const look = () => {
    const count = shown(), now = performance.now();
    if (!emptied) emptied = count < 100;
    if (emptied && first === undefined && count) first = now;
    if (first !== undefined && count === 300) resolve([first - clicked, 299 / ((now - first) / 1000)]);
    else requestAnimationFrame(look);
  };
  look();
})"""


def main() -> None:
    """Print the medians and the worst."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clicks", type=int, default=10)
    clicks = parser.parse_args().clicks
    executable = find_chromium()
    assert executable, "no Chromium was found"
    with tempfile.TemporaryDirectory() as folder, running_app(Path(folder)) as app, sync_playwright() as p:
        browser = launch(p, executable)
        page: Page = new_context(browser).new_page()
        go(page, app.url, "sampling", lang="en", text="the-curious-cat")
        page.wait_for_function(
            "() => document.querySelectorAll('.mg-writes-text [data-place]').length === 300"
        )
        waits, rates = [], []
        for seed in range(clicks):  # a text that nobody has asked for yet
            page.locator(".st-key-seed input").fill(str(seed))
            page.locator(".st-key-seed input").press("Enter")
            page.wait_for_timeout(1500)
            wait, rate = page.evaluate(MEASURE)
            waits.append(wait)
            rates.append(rate)
        browser.close()
    print(f"click to first character: median {statistics.median(waits):.0f} ms, worst {max(waits):.0f} ms")
    print(f"then {statistics.median(rates):.0f} characters/s (median), {min(rates):.0f} (least)")


if __name__ == "__main__":
    main()
