"""How long it takes to look inside: the cached pass beside the plain one, a rerun of a page, the table of all parts.

python -m benchmarks.inspection [tries]
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from playwright.sync_api import Page, sync_playwright

from benchmarks.responsiveness import report
from minigpt_core.interpret.ablation import ablation_table, components_of, held_out_windows
from minigpt_core.interpret.activations import run_with_cache
from minigpt_core.jobs.worker import beginning, take_up
from minigpt_core.model import GPT, build_model
from minigpt_core.presets import NANOGPT_CPU
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.texts import corpus
from minigpt_core.weights import count_parameters
from scripts.browser import find_chromium, go, launch, new_context, wait_until_idle
from scripts.running_app import running_app

LENGTH = 256

# The lengths of the script runs that follow, as Streamlit's root element shows them, in milliseconds.
WATCH_RERUNS = """() => {
  const app = document.querySelector('[data-testid="stApp"]');
  window.reruns = []; let started = 0;
  new MutationObserver(() => {
    const now = performance.now();
    if (app.dataset.testScriptState === 'running') started = started || now;
    else if (started) { window.reruns.push(now - started); started = 0; }
  }).observe(app, { attributes: true, attributeFilter: ['data-test-script-state'] });
}"""

STORY = corpus.normalize(corpus.load("the-curious-cat").text)
MODEL = NANOGPT_CPU.model | {
    "block_size": LENGTH
}  # nanoGPT's shape, 0.8 million parameters, with a longer context


def untrained_run(home: Path, block_size: int) -> Run:
    """A stored run with its first weights: what they are does not matter to the time."""
    store = RunStore(home)
    model = MODEL | {"block_size": block_size}
    run = new_run(
        store, text=STORY, title="story", model_fields=model, training=NANOGPT_CPU.training, status="stopped"
    )
    with store.lock(run.id):
        store.save_checkpoint(run.id, take_up(store, run).checkpoint())
    return run


def seconds(action: Callable[[], object], tries: int) -> float:
    """The median of several tries."""
    taken = []
    for _ in range(tries):
        started = time.perf_counter()
        action()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def cached_pass(home: Path, tries: int) -> None:
    """`run_with_cache` beside `model(idx)`, which calculates the same logits."""
    model = build_model(untrained_run(home, LENGTH).model).eval()
    assert isinstance(model, GPT)
    print(f"{count_parameters(model):,} parameters, {LENGTH} characters")
    idx = torch.randint(model.config.vocab_size, (1, LENGTH))
    with torch.no_grad():
        plain = seconds(lambda: model(idx), 10 * tries)
    cached = seconds(lambda: run_with_cache(model, idx), 10 * tries)
    words = f"{1000 * plain:.1f} ms plain, {1000 * cached:.1f} ms with everything kept"
    print(f"run_with_cache: {words}: {cached / plain:.2f} times as long (at most 3)")


def whole_table(home: Path, block_size: int) -> None:
    """The table of all parts on the held-out text."""
    store, run = RunStore(home), untrained_run(home, block_size)
    text = held_out_windows(beginning(store, run)[0], block_size)
    model = build_model(run.model).eval()
    started = time.perf_counter()
    *_steps, last = ablation_table(model, text)
    taken = time.perf_counter() - started
    parts = len(components_of(run.model))
    print(
        f"ablation table, block size {block_size}: {parts} parts on {text.characters:,} characters, {last.total} "
        f"passes in {taken:.1f} s on {torch.get_num_threads()} threads (at most 30)"
    )


def page_reruns(page: Page, url: str, name: str, run: Run, tries: int) -> None:
    """The script runs of a page after another text of 256 characters was typed."""
    go(page, url, name, lang="en", run=run.id)
    page.evaluate(WATCH_RERUNS)
    field = page.locator("textarea").first
    for number in range(tries):
        field.fill(STORY[1000 + 300 * number :][:LENGTH])
        page.keyboard.press("Control+Enter")
        wait_until_idle(page)
    report(f"{name}: script run for {LENGTH} characters", [float(x) for x in page.evaluate("window.reruns")])


def main() -> None:
    """Print every figure."""
    tries = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    executable = find_chromium()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        cached_pass(home, tries)
        for block_size in (64, LENGTH):
            whole_table(home, block_size)
        run = untrained_run(home, LENGTH)
        if executable is None:
            print("No Chromium: the page was not measured.")
            return
        with running_app(home) as app, sync_playwright() as playwright:
            browser = launch(playwright, executable)
            page_reruns(new_context(browser).new_page(), app.url, "layers", run, tries)
            browser.close()


if __name__ == "__main__":
    main()
