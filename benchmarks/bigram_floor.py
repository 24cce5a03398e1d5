"""How many steps the notebook's model needs to come within 0.05 of what one character can tell.

TinyGPT with the notebook's settings, trained on the whole of a bundled story (no validation part); its loss over
all of that text stands beside the exact minimum for a model that sees one character.

    python benchmarks/bigram_floor.py [--corpus the-curious-cat] [--margin 0.05]
"""

import argparse
from dataclasses import replace

import torch

from minigpt_core.configs import ModelConfig
from minigpt_core.data import prepare
from minigpt_core.ngrams import one_character_minimum
from minigpt_core.presets import NOTEBOOK
from minigpt_core.texts import corpus
from minigpt_core.training import MetricsEvent, Trainer

MOST_STEPS = 20_000


def main() -> None:
    """Train until the loss is near enough, and print the way there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", default="le-chat-curieux")
    parser.add_argument("--margin", type=float, default=0.05)
    options = parser.parse_args()
    torch.set_num_threads(1)

    dataset = prepare(corpus.normalize(corpus.load(options.corpus).text), val_fraction=0.0)
    minimum = one_character_minimum(dataset.train, dataset.tokenizer.vocab_size)
    model = ModelConfig(vocab_size=dataset.tokenizer.vocab_size, **NOTEBOOK.model)
    config = replace(
        NOTEBOOK.training,
        steps=MOST_STEPS,
        eval_interval=50,
        eval_windows=0,
        sample_length=0,
        val_fraction=0.0,
    )
    print(
        f"{options.corpus}: {len(dataset.train)} characters, exact one-character minimum {minimum:.4f} nats"
    )
    for event in Trainer(dataset, model, config).run():
        if isinstance(event, MetricsEvent):
            above = event.train_loss - minimum
            if event.step % 250 == 0 or above <= options.margin:
                print(
                    f"step {event.step:>6}  loss over the whole text {event.train_loss:.4f}  above it {above:.4f}"
                )
            if above <= options.margin:
                return
    raise SystemExit(f"not within {options.margin} after {MOST_STEPS} steps")


if __name__ == "__main__":
    main()
