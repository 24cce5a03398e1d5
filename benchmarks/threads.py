"""From which size of a model on a second thread helps: steps per second on 1 and on all cores, smallest model first.

    python benchmarks/threads.py

Run it on an idle machine. `minigpt_core.devices.WORTH_A_THREAD` stands on it.
"""

import os
import statistics
from typing import Any

import torch

from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.data import Dataset, prepare
from minigpt_core.devices import best_thread_count, flops_per_step
from minigpt_core.ladder import settings_up_to
from minigpt_core.texts import corpus
from minigpt_core.training import StepEvent, Trainer

STEPS = 12
GPT = settings_up_to("layernorm")[0]
SHAPES: tuple[tuple[dict[str, Any], int], ...] = (  # (settings of the model, batch size)
    ({}, 4),
    ({}, 64),
    (GPT | {"n_layer": 1}, 4),
    (GPT | {"n_layer": 2}, 16),
    (GPT | {"n_embd": 96, "block_size": 48}, 8),
    (GPT | {"n_embd": 128, "block_size": 64}, 12),
    (GPT | {"n_embd": 160, "block_size": 128}, 16),
)


def seconds_per_step(dataset: Dataset, model: ModelConfig, batch_size: int, threads: int) -> float:
    """The median time of a training step."""
    torch.set_num_threads(threads)
    config = TrainConfig(steps=STEPS, batch_size=batch_size, eval_windows=1, sample_length=0, device="cpu")
    times, before = [], 0.0
    trainer = Trainer(dataset, model, config)
    for event in trainer.run():
        if isinstance(event, StepEvent):
            times.append(trainer.seconds - before)
            before = trainer.seconds
    return statistics.median(times[2:])


def main() -> None:
    """Print a line for each shape."""
    cores = os.cpu_count() or 1
    dataset = prepare(corpus.normalize(corpus.load("the-curious-cat").text))
    print(f"operations a step   1 thread   {cores} threads   ratio   chosen")
    for fields, batch_size in SHAPES:
        model = ModelConfig(vocab_size=dataset.tokenizer.vocab_size, **fields)
        rounds = [[seconds_per_step(dataset, model, batch_size, n) for n in (1, cores)] for _ in range(3)]
        one, all_cores = (min(times) * 1e3 for times in zip(*rounds, strict=True))
        print(
            f"{flops_per_step(model, batch_size):17.2e} {one:8.2f} ms {all_cores:8.2f} ms {one / all_cores:7.2f} "
            f"{best_thread_count(model, batch_size, cores):8}",
            flush=True,
        )


if __name__ == "__main__":
    main()
