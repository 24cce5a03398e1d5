"""How fast a text becomes numbers: the tokenizer's look-up table beside the notebook's plain Python, in one run.

The last line but one is the limit of the ratio: how long it takes only to fill a new tensor of so many ids.

python benchmarks/encode.py [megabytes]
"""

import resource
import sys
import time
from collections.abc import Callable

import torch

from minigpt_core.texts import corpus
from minigpt_core.tokenizer import CharTokenizer

REPEATS = 3
PLAIN_SHARE = 20  # the plain loops get a twentieth of the text: a list of all of it would fill the memory


def main() -> None:
    """Print seconds, memory and both ratios."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    story = corpus.normalize(corpus.load("le-chat-curieux").text)
    text = story * (megabytes * 1_000_000 // len(story.encode()) + 1)
    tokenizer = CharTokenizer.from_text(story)
    stoi = tokenizer.stoi

    seconds = [timed(lambda: tokenizer.encode(text)) for _ in range(REPEATS)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    part = text[: len(text) // PLAIN_SHARE]
    share = len(text) / len(part)
    as_list = min(timed(lambda: [stoi[c] for c in part]) for _ in range(REPEATS)) * share
    as_tensor = min(timed(lambda: torch.tensor([stoi[c] for c in part])) for _ in range(REPEATS)) * share
    written = min(timed(lambda: torch.full((len(text),), 1)) for _ in range(REPEATS))
    assert torch.equal(tokenizer.encode(part), torch.tensor([stoi[c] for c in part]))

    print(
        f"{len(text) / 1e6:.1f} million characters ({megabytes} MB) become {len(text) * 8 / 1e6:.0f} MB of ids"
    )
    print(f"look-up table: first time {seconds[0]:.2f} s, best of {REPEATS} {min(seconds):.2f} s")
    print(f"[stoi[c] for c in text]: {as_list:.2f} s, {as_list / min(seconds):.1f} times as long")
    print(
        f"torch.tensor([stoi[c] for c in text]): {as_tensor:.2f} s, {as_tensor / min(seconds):.1f} times as long"
    )
    print(
        f"filling a new tensor of so many ids: {written:.2f} s; the list takes {as_list / written:.1f} times as long"
    )
    print(f"peak memory while encoding {peak:.0f} MB")


def timed(action: Callable[[], object]) -> float:
    """Seconds that it takes once; what it returns is freed afterwards."""
    started = time.perf_counter()
    kept = action()
    seconds = time.perf_counter() - started
    del kept
    return seconds


if __name__ == "__main__":
    main()
