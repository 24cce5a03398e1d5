"""How fast a model writes: with remembered keys and values, and reading the whole window again, in one run.

Both write the same characters. "from one character" ends when the window is full, "from half a window" begins with a
prompt of half its length; "beyond it" goes on from a full window, either read again for every character ("sliding",
exact) or cut down to its half whenever it is full ("halved"; both ways then read the same windows). Then: how long it
takes to find the losses of all characters of a text, and the spans of a sample that stand in a text of a million.

    python -m benchmarks.sampling [--threads 1] [--repeats 3]
"""

import argparse
import random
import time
from collections.abc import Callable, Iterator
from functools import partial
from string import ascii_lowercase

import torch
from torch import Tensor, nn

from minigpt_core.configs import ModelConfig
from minigpt_core.generation.streaming import stream
from minigpt_core.generation.token_losses import token_losses
from minigpt_core.interpret.memorization import TrainingText
from minigpt_core.model import build_model
from minigpt_core.presets import NANOGPT_CPU
from minigpt_core.sampling import SampleStep
from minigpt_core.weights import count_parameters

V = 65  # Tiny Shakespeare's
LARGE = {"n_layer": 6, "n_head": 6, "n_embd": 384, "block_size": 256}  # nanoGPT's, trained on a graphics card
READ = 10_000  # characters of a text whose losses are looked at


def main() -> None:
    """Print characters a second and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    for fields in (LARGE, {}):
        config = ModelConfig(vocab_size=V, **{**NANOGPT_CPU.model, **fields})
        model = build_model(config).eval()
        size = count_parameters(model) / 1e6
        print(f"\n{size:.1f} million parameters, block {config.block_size}, {options.threads} thread(s)")
        compare(model, config.block_size, options.repeats)
    ids = torch.randint(V, (READ,))
    seconds = best(lambda: token_losses(model, ids, config.block_size), options.repeats)
    print(f"surprise of {READ:,} characters: {seconds:.2f} s")
    rng = random.Random(1)
    words = ["".join(rng.choices(ascii_lowercase, k=rng.randint(1, 9))) for _ in range(2000)]
    text = " ".join(rng.choices(words, k=200_000))[:1_000_000]
    sample = " ".join(rng.choices(words, k=200))[:1000]
    seconds = best(lambda: TrainingText(text).memorized(sample, 15), options.repeats)
    print(f"stretches of {len(sample):,} characters in {len(text):,}: {seconds:.2f} s")


def compare(model: nn.Module, block_size: int, repeats: int) -> None:
    """Four ways to write, each with and without what is remembered."""
    start, full = torch.zeros(1, dtype=torch.int64), torch.randint(V, (block_size,))
    beyond = max(block_size // 4, 32)
    ways: dict[str, tuple[Tensor, int, int | None]] = {
        "from one character": (start, block_size, None),
        "from half a window": (full[: block_size // 2], block_size - block_size // 2, None),
        "beyond it, sliding": (full, beyond, None),
        "beyond it, halved": (full, 2 * block_size, block_size // 2),
    }
    for title, (prompt, length, keep) in ways.items():
        write = partial(written, model, prompt, length, block_size, keep)
        assert write(True) == write(False)
        quick, plain = (best(partial(write, cached), repeats) for cached in (True, False))
        print(
            f"{title:<20} remembered {length / quick:7.1f} characters/s   read again {length / plain:7.1f}"
            f"   ratio {plain / quick:5.2f}"
        )


def written(
    model: nn.Module, prompt: Tensor, length: int, block_size: int, keep: int | None, cached: bool
) -> list[int]:
    """The ids of a text."""
    generator = torch.Generator().manual_seed(1)
    steps: Iterator[SampleStep] = stream(
        model, prompt, length, block_size, generator=generator, use_cache=cached, keep=keep
    )
    return [step.token for step in steps]


def best(work: Callable[[], object], repeats: int) -> float:
    """Processor seconds of the quickest of several times."""
    seconds = []
    for _ in range(repeats):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return min(seconds)


if __name__ == "__main__":
    main()
