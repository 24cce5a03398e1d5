"""What the presets reach: validation loss over the whole split, and the processor time of their training beside that
of the textbook's `nanogpt-cpu`.

    python -m benchmarks.presets fast-shakespeare [more presets] [--threads 1] [--text le-chat-curieux]
        [--precision float32] [--seeds 1337 1 2] [--compare]

`TINY_SHAKESPEARE` names the text of presets that have none of their own; `--text` another one, bundled or a file. With
`--compare`, the first lines tell what counted n-grams and the textbook's whole loop come to on it. The loss is the
mean over every position of windows of the model's own block that lie side by side. The time counts all threads,
without evaluations. What 2,000 steps of the textbook's loop take is measured in the same run: it makes a few steps
again and again between those of the preset, so that a busy machine slows both.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import torch

from benchmarks.textbook import Textbook
from minigpt_core.configs import CHOICES, ModelConfig
from minigpt_core.data import Dataset, evaluation_starts, prepare, windows
from minigpt_core.interpret.puzzles import SPLITS, Puzzle, exact_match, unseen_puzzles
from minigpt_core.ngrams import NgramLM, NgramModel
from minigpt_core.presets import NANOGPT_CPU, PRESETS, Preset, find_preset
from minigpt_core.texts import corpus
from minigpt_core.texts.encodings import decode
from minigpt_core.training import DoneEvent, Event, MetricsEvent, StepEvent, Trainer
from minigpt_core.weights import parameters_of

INTERRUPTIONS = 30  # a run is interrupted so many times
TEXTBOOK_STEPS = 4  # for so many steps of the textbook's


@dataclass
class Result:
    """What one preset came to."""

    seconds: float = 0.0
    """CPU time of all steps."""

    textbook_seconds: list[float] | None = None
    """CPU time of one step of the textbook's, measured now and then."""

    loss: float = float("nan")
    """Validation loss over the whole split, after the last step."""

    best_loss: float | None = None
    """The lowest that an evaluation measured, on the preset's own number of windows."""

    best_step: int | None = None

    ended: int = 0
    """The last step."""

    @property
    def budget(self) -> float:
        """CPU time of the whole textbook run."""
        assert self.textbook_seconds
        return NANOGPT_CPU.training.steps * sum(self.textbook_seconds) / len(self.textbook_seconds)


@cache
def shakespeare() -> str:
    """Tiny Shakespeare as it is in the file."""
    return decode(Path(os.environ["TINY_SHAKESPEARE"]).read_bytes()).text


@cache
def textbook() -> Textbook:
    """The textbook's loop on Tiny Shakespeare."""
    return textbook_on(prepare(corpus.normalize(shakespeare(), lower=False)))


def textbook_on(dataset: Dataset) -> Textbook:
    """The textbook's loop on any text."""
    model = ModelConfig(vocab_size=dataset.tokenizer.vocab_size, **NANOGPT_CPU.model)
    return Textbook(model, NANOGPT_CPU.training, dataset.train)


def dataset_of(preset: Preset, text: str | None) -> Dataset:
    """The text that was asked for, else the preset's own, else Tiny Shakespeare; as the preset reads it."""
    name = text or preset.corpus
    if name is None:
        found = shakespeare()
    else:
        found = corpus.load(name).text if name in corpus.BUNDLED else decode(Path(name).read_bytes()).text
    return prepare(corpus.normalize(found, lower=preset.lower))


def compare(dataset: Dataset) -> None:
    """What counting and the textbook's loop come to on this text: validation losses over the whole part."""
    V = dataset.tokenizer.vocab_size
    counted = [NgramModel(n, V).fit(dataset.train).loss(dataset.val) for n in (1, 2, 3, 4)]
    print(f"{V} characters; counted, 1 to 4:", "  ".join(f"{loss:.3f}" for loss in counted), flush=True)
    loop = textbook_on(dataset)
    seconds = loop.cpu_seconds(NANOGPT_CPU.training.steps)
    loss = textbook_loss(loop, dataset.val)
    print(f"the textbook's loop: {seconds:.1f} CPU s  validation loss {loss:.4f}", flush=True)


@torch.no_grad()
def textbook_loss(loop: Textbook, data: torch.Tensor) -> float:
    """Mean over every position of windows of `data`, (N,), that lie side by side."""
    T = loop.config.block_size
    starts = evaluation_starts(data, T, 0, seed=0)  # (W,)
    total = 0.0
    for few in starts.split(64):
        x, y = windows(data, few, T)  # (·, T) each, views of one tensor
        total += loop.model(x, y.contiguous())[1].item() * len(few)
    return total / len(starts)


def whole_run(preset: Preset, dataset: Dataset, beside: Textbook | None) -> tuple[Result, Trainer]:
    """Train it to its end, the textbook's loop between its steps."""
    model = ModelConfig(vocab_size=dataset.tokenizer.vocab_size, **preset.model)
    config = replace(preset.training, sample_length=0)
    trainer = Trainer(dataset, model, config, wait=lambda _: None)
    if beside is not None:
        beside.cpu_seconds(TEXTBOOK_STEPS)  # warm up
    result = Result(textbook_seconds=[])
    for event, seconds in timed(trainer.run()):
        if isinstance(event, StepEvent):
            result.seconds += seconds
            if beside is not None and event.step % max(1, config.steps // INTERRUPTIONS) == 0:
                assert result.textbook_seconds is not None
                result.textbook_seconds.append(beside.cpu_seconds(TEXTBOOK_STEPS) / TEXTBOOK_STEPS)
        elif isinstance(event, DoneEvent):
            result.ended = event.step
    result.best_loss, result.best_step = trainer.best_val_loss, trainer.best_step
    result.loss = whole_validation_loss(trainer)
    return result, trainer


def whole_validation_loss(trainer: Trainer) -> float:
    """Mean over every position of all windows of the validation part that lie side by side."""
    trainer.config = replace(trainer.config, eval_windows=0)
    dataset, T = trainer.dataset, trainer.model_config.block_size
    trainer.dataset = Dataset(
        dataset.tokenizer, dataset.val[: T + 1], dataset.val
    )  # the training part takes long
    measuring = trainer.evaluate()
    try:
        while True:
            next(measuring)
    except StopIteration as end:
        metrics: MetricsEvent = end.value
    trainer.dataset = dataset
    assert metrics.val_loss is not None
    return metrics.val_loss


def timed(events: Iterator[Event]) -> Iterator[tuple[Event, float]]:
    """Each event with the CPU seconds that went into it."""
    while True:
        started = time.process_time()
        event = next(events, None)
        if event is None:
            return
        yield event, time.process_time() - started


def report(preset: Preset, text: str | None, threads: int) -> None:
    """Train one preset and print a line about it."""
    dataset = dataset_of(preset, text)
    result, trainer = whole_run(preset, dataset, textbook() if "TINY_SHAKESPEARE" in os.environ else None)
    size = parameters_of(trainer.model_config) / 1e6
    line = (
        f"{preset.name:<24} {size:6.3f} M parameters  {result.ended:>5} steps  {result.seconds:7.1f} CPU s on "
        f"{threads} thread(s), {trainer.precision}, seed {preset.training.seed}  validation loss {result.loss:.4f}"
    )
    if result.best_step != result.ended:
        line += f" (best {result.best_loss:.4f} at step {result.best_step})"
    if result.textbook_seconds:
        line += f"  {result.seconds / result.budget:.3f} of the textbook's {result.budget:.1f} CPU s"
    print(line, flush=True)
    name = text or preset.corpus
    if name in SPLITS:
        report_puzzles(name, dataset, trainer)


def report_puzzles(name: str, dataset: Dataset, trainer: Trainer) -> None:
    """Share of unseen puzzles that are solved without a mistake, by the model and by counted pairs."""
    tokenizer = dataset.tokenizer
    puzzles = unseen_puzzles(name, tokenizer.decode(dataset.train), tokenizer.decode(dataset.val))
    pairs = NgramLM(NgramModel(2, tokenizer.vocab_size).fit(dataset.train))
    T = trainer.model_config.block_size
    solved = [exact_match(model, tokenizer, puzzles, T) for model in (trainer.model, pairs)]
    print(f"    solves {solved[0]:.1%} of {len(puzzles)} unseen puzzles; counted pairs {solved[1]:.1%}")
    if name == "additions":
        report_turned_sums(dataset, puzzles, trainer)


def report_turned_sums(dataset: Dataset, puzzles: list[Puzzle], trainer: Trainer) -> None:
    """The same for sums that were not seen the other way round either."""
    seen = dataset.tokenizer.decode(dataset.train).split("\n")
    known = {line.partition("=")[0] for line in seen}
    new = [p for p in puzzles if "+".join(p.question[:-1].split("+")[::-1]) not in known]
    solved = exact_match(trainer.model, dataset.tokenizer, new, trainer.model_config.block_size)
    print(f"    solves {solved:.1%} of the {len(new)} sums that it has not seen the other way round either")


def main() -> int:
    """Train the presets named on the command line, one after the other."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("presets", nargs="+", metavar="PRESET", choices=PRESETS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--text", help="a bundled text, or a file")
    parser.add_argument(
        "--compare",
        action="store_true",
        help="with counting and the textbook's loop, on the first preset's text",
    )
    parser.add_argument(
        "--precision",
        choices=CHOICES["precision"],
        help="float32: as on a machine where bfloat16 is no faster",
    )
    parser.add_argument("--seeds", type=int, nargs="+", help="default: the preset's")
    options = parser.parse_args()
    presets = [find_preset(name) for name in options.presets]
    if "TINY_SHAKESPEARE" not in os.environ and not options.text and any(not p.corpus for p in presets):
        print("Set TINY_SHAKESPEARE to the path of the text.", file=sys.stderr)
        return 2
    torch.set_num_threads(options.threads)
    if options.compare:
        compare(dataset_of(presets[0], options.text))
    for preset in presets:
        training = replace(preset.training, precision=options.precision or preset.training.precision)
        for seed in options.seeds or [training.seed]:
            report(replace(preset, training=replace(training, seed=seed)), options.text, options.threads)
    return 0


if __name__ == "__main__":
    sys.exit(main())
