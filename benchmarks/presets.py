"""What a preset reaches: validation loss over the whole split, and the processor time its training took.

    python benchmarks/presets.py lecture-bigram [more presets] [--threads 1]

`TINY_SHAKESPEARE` names the text. The loss is the mean over every position of windows that lie side by side; the
time counts all threads, without evaluations.
"""

import argparse
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import torch

from minigpt_core import corpus
from minigpt_core.data import Dataset, prepare
from minigpt_core.model import ModelConfig, parameters_of
from minigpt_core.presets import Preset, find_preset
from minigpt_core.training import MetricsEvent, StepEvent, TrainConfig, Trainer


def whole_run(dataset: Dataset, model: ModelConfig, config: TrainConfig) -> tuple[float, float]:
    """Validation loss after the last step, and CPU seconds of all steps."""
    config = replace(config, eval_windows=0, eval_interval=config.steps, sample_length=0)
    seconds, started, loss = 0.0, 0.0, float("nan")
    for event in Trainer(dataset, model, config, wait=lambda trainer: None).run():
        if isinstance(event, StepEvent):
            seconds += time.process_time() - started
        if isinstance(event, MetricsEvent) and event.val_loss is not None:
            loss = event.val_loss
        started = time.process_time()
    return loss, seconds


def report(preset: Preset, text: str) -> None:
    """Train one preset and print a line about it."""
    dataset = prepare(corpus.normalize(text, lower=preset.lower))
    model = ModelConfig(vocab_size=dataset.tokenizer.vocab_size, **preset.model)
    loss, seconds = whole_run(dataset, model, preset.training)
    size = parameters_of(model) / 1e6
    print(
        f"{preset.name:<24} {size:6.3f} M parameters  {preset.training.steps:>6} steps  {seconds:7.1f} CPU s  "
        f"validation loss {loss:.4f}",
        flush=True,
    )


def main() -> int:
    """Train the presets named on the command line, one after the other."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("presets", nargs="+", metavar="PRESET")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    if "TINY_SHAKESPEARE" not in os.environ:
        print("Set TINY_SHAKESPEARE to the path of the text.", file=sys.stderr)
        return 2
    torch.set_num_threads(options.threads)
    text = corpus.decode(Path(os.environ["TINY_SHAKESPEARE"]).read_bytes()).text
    for name in options.presets:
        report(find_preset(name), text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
