"""A preset through our `Trainer` against the textbook's loop, and against what its matrix products alone need.

    python -m benchmarks.training_speed [--preset nanogpt-cpu] [--rounds 12] [--threads 1]

Both loops take turns, a few steps each, with the same threads, so that a busy machine slows both; what is printed are
medians over the rounds. Each has a process of its own: the textbook's as anybody starts one, ours with the memory
habits of a worker. Both have the preset's model, without dropout, and its optimizer; the textbook takes torch's Muon.
`TINY_SHAKESPEARE` names the text of presets that have none of their own.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.textbook import Textbook
from minigpt_core.background import memory_habits
from minigpt_core.configs import ModelConfig
from minigpt_core.data import prepare
from minigpt_core.precision import has_bfloat16
from minigpt_core.presets import PRESETS, Preset
from minigpt_core.texts import corpus
from minigpt_core.texts.encodings import decode
from minigpt_core.training import StepEvent, Trainer

STEPS_A_TURN = 5
OF_TINYGPT = 40  # its steps take less than a millisecond


def steps_of(trainer: Trainer) -> Callable[[], object]:
    """Makes one step at each call; nothing is evaluated."""
    steps = (event for event in trainer.run() if isinstance(event, StepEvent))
    return lambda: next(steps)


def matrix_products(config: ModelConfig, batch_size: int, dtype: torch.dtype) -> Callable[[], None]:
    """All matrix products of one step, forward and backward, on random numbers: those of the linear layers in
    `dtype`, those of attention in float32."""
    rows, C, V = batch_size * config.block_size, config.n_embd, config.vocab_size
    layer = [(C, 3 * C), (C, C), (C, 4 * C), (4 * C, C)]
    linear = [
        (torch.randn(rows, i, dtype=dtype), torch.randn(o, i, dtype=dtype), torch.randn(rows, o, dtype=dtype))
        for i, o in [*layer * config.n_layer, (C, V)]
    ]
    heads = (batch_size * config.n_head, config.block_size)
    tall, square = torch.randn(*heads, config.head_size), torch.randn(*heads, config.block_size)

    def once() -> None:
        for x, weight, gradient in linear:
            x @ weight.T, gradient @ weight, gradient.T @ x
        for _ in range(config.n_layer):
            attention_products(tall, square)

    return once


def attention_products(tall: Tensor, square: Tensor) -> None:
    """q kᵀ and pattern · v forward, twice as many backward; `tall` (B * nh, T, hs), `square` (B * nh, T, T)."""
    for _ in range(3):
        torch.bmm(tall, tall.transpose(1, 2))
        torch.bmm(square, tall)


class Contestant:
    """One of them in a process of its own."""

    def __init__(self, name: str, preset: str, threads: int) -> None:
        asked = {"contestant": name, "preset": preset, "threads": str(threads)}
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                __spec__.name,
                *(part for k, v in asked.items() for part in (f"--{k}", v)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | ({} if name == "textbook" else memory_habits()),
        )

    def cpu_seconds(self) -> float:
        """CPU time of a step, over a turn."""
        assert self._process.stdin is not None and self._process.stdout is not None
        print("go", file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline())

    def close(self) -> None:
        """Let it end."""
        self._process.communicate()


def compete(step: Callable[[], object], steps: int) -> None:
    """What such a process does: a turn of so many steps for each line that it is given."""
    for _line in sys.stdin:
        started = time.process_time()
        for _ in range(steps):
            step()
        print((time.process_time() - started) / steps, flush=True)


def take_turns(contestants: dict[str, Contestant], rounds: int) -> dict[str, list[float]]:
    """CPU seconds a step of each, one figure a round."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(rounds + 1):
        for name, contestant in contestants.items():
            taken = contestant.cpu_seconds()
            if turn:  # the first one warms up
                seconds[name].append(taken)
    return seconds


def check_same_model(textbook: Textbook, trainer: Trainer) -> None:
    """With the same weights, both models say the same about the same batch."""
    textbook.model.load_state_dict(trainer.model.state_dict())
    x, y = textbook.get_batch()
    with torch.no_grad():
        difference = textbook.model(x, y)[1] - trainer.model(x, y)[1]
    assert difference.abs() < 1e-4, f"not the same model: the losses differ by {difference}"


def text_of(preset: Preset) -> str:
    """What the preset learns here, normalized as it asks."""
    if preset.corpus is not None:
        return corpus.normalize(corpus.load(preset.corpus).text, lower=preset.lower)
    text = decode(Path(os.environ["TINY_SHAKESPEARE"]).read_bytes()).text
    return corpus.normalize(text, lower=preset.lower)


def stepper(name: str, preset: Preset) -> Callable[[], object]:
    """What makes a step of the contestant with this name."""
    dataset = prepare(text_of(preset))
    fields = preset.model | {"dropout": 0.0}
    model = ModelConfig(vocab_size=dataset.tokenizer.vocab_size, **fields)
    training = replace(preset.training, eval_interval=10**6, eval_windows=1, sample_length=0, steps=10**6)
    what, _, precision = name.rpartition(" ")
    if what == "products":
        return matrix_products(model, training.batch_size, getattr(torch, precision))
    textbook = Textbook(model, training, dataset.train)
    if name == "textbook":
        return textbook.step
    asked = replace(training, precision=precision)
    trainer = Trainer(dataset, model, asked, wait=lambda _: None, precision=precision)
    check_same_model(textbook, trainer)
    return steps_of(trainer)


def main() -> int:
    """Print the medians and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--preset", choices=PRESETS, default="nanogpt-cpu")
    parser.add_argument("--contestant", help=argparse.SUPPRESS)
    options = parser.parse_args()
    preset = PRESETS[options.preset]
    if preset.corpus is None and "TINY_SHAKESPEARE" not in os.environ:
        print("Set TINY_SHAKESPEARE to the path of the text.", file=sys.stderr)
        return 2
    torch.set_num_threads(options.threads)
    if options.contestant:
        compete(
            stepper(options.contestant, preset), STEPS_A_TURN if preset.model.get("n_layer") else OF_TINYGPT
        )
        return 0
    precisions = ["float32", *(["bfloat16"] if has_bfloat16(torch.device("cpu")) else [])]
    names = [
        "textbook",
        *(f"{what} {precision}" for precision in precisions for what in ("ours", "products")),
    ]
    contestants = {name: Contestant(name, preset.name, options.threads) for name in names}
    report(take_turns(contestants, options.rounds))
    for contestant in contestants.values():
        contestant.close()
    return 0


def report(seconds: dict[str, list[float]]) -> None:
    """Milliseconds of CPU time, and ratios round by round."""
    book = seconds["textbook"]
    print(f"textbook's loop, float32: {1e3 * statistics.median(book):7.2f} ms of CPU time a step")
    for precision in ("float32", "bfloat16"):
        if f"ours {precision}" not in seconds:
            print(f"{precision}: this processor has no instructions for it")
            continue
        ours, products = seconds[f"ours {precision}"], seconds[f"products {precision}"]
        faster = [b / o for b, o in zip(book, ours, strict=True)]
        share = [p / o for p, o in zip(products, ours, strict=True)]
        print(
            f"our Trainer, {precision:<8}:      {1e3 * statistics.median(ours):7.2f} ms, "
            f"{statistics.median(faster):.2f} times as fast ({min(faster):.2f} to {max(faster):.2f}); its matrix "
            f"products alone {1e3 * statistics.median(products):.2f} ms, {statistics.median(share):.0%} of it"
        )


if __name__ == "__main__":
    sys.exit(main())
