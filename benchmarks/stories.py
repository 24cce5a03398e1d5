"""What the bundled stories are like beside real books, and what models make of them.

    python -m benchmarks.stories [--trained]

`TINY_SHAKESPEARE` and `TINY_MOLIERE`, if they are set, name the books: measured whole, and in pieces as long as a
story (mean, lowest to highest). The last tenth of each text is the validation part, the rest is counted and learned;
losses in nats per character, everything in small letters. `--trained` adds what takes processor time, with float32
on one thread: TinyGPT, the preset for stories, that preset without dropout and patience, what learns a story by
heart soonest of what was tried (one core of an AMD Zen 4: the validation loss turns after 30 to 35 s of its time and
stands about 0.1 higher after 60 to 65), and the same with the preset's dropout and patience. It ends with 1 unless that
one learns by heart, as the validation loss shows, and neither the last one nor the preset does.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.data import Dataset, prepare
from minigpt_core.interpret.memorization import TrainingText
from minigpt_core.interpret.validation import COPIED
from minigpt_core.ngrams import baselines
from minigpt_core.presets import CHAT_CURIEUX_GPT, NOTEBOOK
from minigpt_core.texts import corpus
from minigpt_core.texts.encodings import decode
from minigpt_core.training import MetricsEvent, StepEvent, Trainer

STORIES = [name for name, bundled in corpus.BUNDLED.items() if bundled.language]
PIECE = 70_000  # characters: as long as a story
PIECES = 12  # of a book, evenly spread
RISE = 0.1  # of the validation loss: so much shows that a text is learned by heart
COLUMNS = ("copied", "bigram train", "val", "trigram train", "val")
BY_HEART = {"n_embd": 96, "n_head": 3, "block_size": 32, "dropout": 0.0}
BY_HEART_TRAINING = replace(
    CHAT_CURIEUX_GPT.training, steps=1700, batch_size=32, learning_rate=8e-3, schedule="constant", momentum=0.9,
    weight_decay=0.0, patience=0,
)  # fmt: skip


@dataclass(frozen=True)
class Figures:
    """A text without any training."""

    characters: int
    distinct: int
    measured: tuple[float, ...]
    """The values of `COLUMNS`."""


def figures(text: str) -> Figures:
    """Measure a text in small letters."""
    n = int(0.9 * len(text))
    copied = TrainingText(text[:n]).memorized(text[n:], COPIED).share
    counted = baselines(prepare(text))
    assert counted.bigram_val is not None and counted.trigram_val is not None
    losses = (counted.bigram_train, counted.bigram_val, counted.trigram_train, counted.trigram_val)
    return Figures(len(text), len(set(text)), (copied, *losses))


def report(title: str, found: Sequence[Figures]) -> None:
    """One line: the text, or the mean and the range of its pieces."""
    cells: list[str] = []
    for values in zip(*(one.measured for one in found), strict=True):
        form = "{:.1%}" if len(cells) == 0 else "{:.3f}"
        cell = form.format(fmean(values))
        if len(found) > 1:
            cell += f" ({form.format(min(values))} to {form.format(max(values))})"
        cells.append(cell)
    size = f"{found[0].characters:>9,} characters, {found[0].distinct} distinct"
    print(f"{title:<30} {size}  " + "  ".join(f"{n} {c}" for n, c in zip(COLUMNS, cells, strict=True)))


def pieces(text: str) -> list[str]:
    """`PIECES` stretches of a book, as long as a story, evenly spread over it."""
    step = (len(text) - PIECE) // (PIECES - 1)
    return [text[i * step : i * step + PIECE] for i in range(PIECES)]


def books() -> dict[str, str]:
    """The books that the environment names, in small letters."""
    named = {"Tiny Shakespeare": "TINY_SHAKESPEARE", "Tiny Molière": "TINY_MOLIERE"}
    return {
        title: corpus.normalize(decode(Path(os.environ[name]).read_bytes()).text)
        for title, name in named.items()
        if name in os.environ
    }


def train(title: str, dataset: Dataset, model: dict[str, Any], config: TrainConfig) -> list[MetricsEvent]:
    """Train, evaluate over both parts as a whole, and print how both losses went."""
    config = replace(config, eval_windows=0, sample_length=0)
    trainer = Trainer(
        dataset, ModelConfig(vocab_size=dataset.tokenizer.vocab_size, **model), config, wait=lambda _: None
    )
    found, seconds, last = [], 0.0, time.process_time()
    for event in trainer.run():
        if isinstance(event, StepEvent):
            seconds += time.process_time() - last
        elif isinstance(event, MetricsEvent):
            found.append(event)
        last = time.process_time()
    best = min(found, key=lambda event: event.val_loss or 0.0)
    end = found[-1]
    assert best.val_loss is not None and end.val_loss is not None
    print(
        f"  {title:<38} step {end.step:>5}: train {end.train_loss:.3f}  val {end.val_loss:.3f}   best val "
        f"{best.val_loss:.3f} at step {best.step:>5} (train {best.train_loss:.3f})   since then val "
        f"{end.val_loss - best.val_loss:+.3f}, train {end.train_loss - best.train_loss:+.3f}   {seconds:.0f} CPU s",
        flush=True,
    )
    return found


def report_trained(story: str) -> bool:
    """TinyGPT; the preset for stories and what learns by heart, each with what holds it back from that and without.

    Returns whether one sees in the validation loss what learns by heart, and that what is held back does not.
    """
    dataset = prepare(corpus.normalize(corpus.load(story).text))
    print(corpus.load(story).title)
    train("TinyGPT (notebook)", dataset, NOTEBOOK.model, NOTEBOOK.training)
    preset = CHAT_CURIEUX_GPT
    usual = train(preset.name, dataset, preset.model, preset.training)
    bare = replace(preset.training, patience=0)
    train(f"{preset.name}, no dropout", dataset, preset.model | {"dropout": 0.0}, bare)
    free = train("learns by heart", dataset, preset.model | BY_HEART, BY_HEART_TRAINING)
    held_back = preset.model | BY_HEART | {"dropout": preset.model["dropout"]}
    patient = replace(BY_HEART_TRAINING, patience=preset.training.patience)
    held = train("the same, dropout and patience", dataset, held_back, patient)
    rises = [rise(found) for found in (free, held, usual)]
    print("  val since its best: {:+.3f} by heart, {:+.3f} held back, {:+.3f} preset".format(*rises))
    return rises[0] >= RISE and max(rises[1:]) < RISE


def rise(found: list[MetricsEvent]) -> float:
    """How much higher than its lowest the validation loss ends."""
    losses = [event.val_loss for event in found if event.val_loss is not None]
    return losses[-1] - min(losses)


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trained", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for story in STORIES:
        loaded = corpus.load(story)
        report(loaded.title, [figures(corpus.normalize(loaded.text))])
    for title, text in books().items():
        report(title, [figures(text)])
        report(f"  {PIECES} pieces of it", [figures(piece) for piece in pieces(text)])
    if options.trained:
        as_said = [report_trained(story) for story in STORIES]
        return 0 if all(as_said) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
