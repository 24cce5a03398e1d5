"""Which learning rate the notebook's 500 steps should use: validation loss over several seeds, for each of several.

    python benchmarks/learning_rate.py [text files]

The bundled stories are always measured; `TINY_SHAKESPEARE`, if it is set, and files named here as well.
"""

import os
import statistics
import sys
from dataclasses import replace
from pathlib import Path

import torch

from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.data import Dataset, prepare
from minigpt_core.presets import NOTEBOOK
from minigpt_core.texts import corpus
from minigpt_core.texts.encodings import decode
from minigpt_core.training import MetricsEvent, Trainer

CANDIDATES = {
    "adamw": (3e-4, 1e-3, 2e-3, 3e-3, 5e-3, 1e-2, 3e-2, 1e-1, 1.0),
    "sgd": (0.03, 0.1, 0.3, 1.0, 3.0, 10.0),
}
SEEDS = (1, 2, 3, 4)


def final_loss(dataset: Dataset, config: TrainConfig) -> float:
    """Validation loss after the last step, or NaN if the run diverged."""
    model = ModelConfig(vocab_size=dataset.tokenizer.vocab_size, **NOTEBOOK.model)
    metrics = [e for e in Trainer(dataset, model, config).run() if isinstance(e, MetricsEvent)]
    return metrics[-1].val_loss or float("nan") if metrics[-1].step == config.steps else float("nan")


def main() -> None:
    """Print one line for each optimizer and rate."""
    torch.set_num_threads(1)
    texts = {name: text.text for name, text in corpus.BUNDLED.items() if text.language}
    for file in filter(None, [os.environ.get("TINY_SHAKESPEARE"), *sys.argv[1:]]):
        texts[Path(file).name] = decode(Path(file).read_bytes()).text
    for title, text in texts.items():
        dataset = prepare(corpus.normalize(text))
        print(f"{title}: validation loss after {NOTEBOOK.training.steps} steps, mean of {len(SEEDS)} seeds")
        for optimizer, rates in CANDIDATES.items():
            for rate in rates:
                config = replace(
                    NOTEBOOK.training, optimizer=optimizer, learning_rate=rate,
                    eval_interval=NOTEBOOK.training.steps, eval_windows=1000, sample_length=0,
                )  # fmt: skip
                found = [final_loss(dataset, replace(config, seed=seed)) for seed in SEEDS]
                print(f"  {optimizer:<6} {rate:<7g} {statistics.fmean(found):.3f}")


if __name__ == "__main__":
    main()
