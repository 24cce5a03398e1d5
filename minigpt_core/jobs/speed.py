"""How long a training will take on this machine: a short one like it is measured, never a large one."""

import ctypes
import gc
import json
import sys
import time
from contextlib import suppress
from dataclasses import replace

import torch

from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.data import Dataset
from minigpt_core.devices import available_threads, choose_device, flops_per_step
from minigpt_core.memory import training_memory
from minigpt_core.precision import choose_precision
from minigpt_core.tokenizer import CharTokenizer
from minigpt_core.training import CheckpointEvent, MetricsEvent, SampleEvent, StepEvent, Trainer

MEASURED_SECONDS = 0.1  # of training steps, and one step in any case
CROWDED = 1.5  # from here on the machine counts as busy
MOST_SECONDS = 1.0  # of the clock for all of it, once there is a step to go by
MOST_OPERATIONS = 2e9  # of a measured step, and of an evaluation: a fraction of a second on one thread
MOST_BYTES = 100_000_000  # that a measured training keeps
MOST_CHARACTERS = 50  # of a measured sample
WINDOWS = 64  # of an evaluation that reads the whole text, whose length is not known here

Speed = dict[str, float]
"""Seconds of one `step` and of one `evaluation` with its sample; and its `crowding`: how much longer that was than the
processor needed, because other programs wanted it too."""


def speed_key(model: ModelConfig, training: TrainConfig, threads: int) -> str:
    """What decides how long a step and an evaluation take: for equal ones one measurement will do."""
    names = ("batch_size", "optimizer", "precision", "device", "eval_windows", "sample_length")
    kept = {name: value for name, value in training.to_dict().items() if name in names}
    return json.dumps([model.to_dict(), kept, bool(training.grad_clip), threads], sort_keys=True)


def measured_settings(model: ModelConfig, training: TrainConfig) -> tuple[ModelConfig, TrainConfig]:
    """The same, or as little less as takes a fraction of a second and little memory: first fewer windows in a batch,
    then fewer layers, then shorter rows and a smaller vocabulary."""
    training = replace(training, steps=10_000_000, eval_interval=10_000_000, pace=0.0, patience=0)
    training = replace(training, warmup_steps=0, sample_length=min(training.sample_length, MOST_CHARACTERS))
    while is_large(model, training):
        if training.batch_size > 1:
            training = replace(training, batch_size=training.batch_size // 2)
        elif model.n_layer > 1:
            model = replace(model, n_layer=model.n_layer // 2)
        elif model.vocab_size > 2 * model.n_embd:
            model = replace(model, vocab_size=model.vocab_size // 2)
        else:
            model = replace(model, n_embd=model.n_embd // 2, n_head=1)
    windows = min(training.eval_windows or WINDOWS, int(3 * MOST_OPERATIONS / flops_per_step(model, 1)))
    return model, replace(training, eval_windows=max(1, windows))


def is_large(model: ModelConfig, training: TrainConfig) -> bool:
    """Whether one step takes too long, or too much memory, to be measured by the way."""
    memory = training_memory(model, training.batch_size, training.optimizer).total
    return memory > MOST_BYTES or flops_per_step(model, training.batch_size) > MOST_OPERATIONS


def measure(model: ModelConfig, training: TrainConfig, threads: int = 1) -> Speed:
    """How long one step and one evaluation of such a training take on this machine now, on so many threads.

    What is too large to be tried is estimated from something smaller, by the operations that both take. An evaluation
    of the whole text counts as one of `WINDOWS` windows.
    """
    before, several = torch.get_num_threads(), available_threads(threads)
    began, seconds = time.perf_counter(), MOST_SECONDS / min(2, several)
    torch.set_num_threads(several)
    try:
        found = scaled(model, training, *measured_settings(model, training), until=began + seconds)
        if several > 1 and found["crowding"] > CROWDED:
            torch.set_num_threads(1)
            alone = scaled(model, training, *measured_settings(model, training), until=began + MOST_SECONDS)
            found = with_one_thread(found, alone)
        return found
    finally:
        torch.set_num_threads(before)
        give_memory_back()


def with_one_thread(several: Speed, one: Speed) -> Speed:
    """What several threads take on a crowded machine. They wait for each other without leaving the processor, so how
    long they take alone is not seen there: no longer than one thread needs."""
    step = min(several["step"] / several["crowding"], one["step"] / one["crowding"])
    crowding = several["step"] / step
    evaluation = min(several["evaluation"] / several["crowding"], one["evaluation"] / one["crowding"])
    return {"step": several["step"], "evaluation": crowding * evaluation, "crowding": crowding}


def scaled(
    model: ModelConfig, training: TrainConfig, less: ModelConfig, tried: TrainConfig, *, until: float
) -> Speed:
    """The times of `less`, as they would be for `model`; `until` as in `try_out`."""
    found = try_out(less, replace(tried, precision=precision_here(model, training)), until)
    work = flops_per_step(model, training.batch_size) / flops_per_step(less, tried.batch_size)
    a_window = flops_per_step(model, 1) / flops_per_step(less, 1)
    windows = (training.eval_windows or WINDOWS) / tried.eval_windows
    characters = training.sample_length / max(1, tried.sample_length)
    return {
        "step": found["step"] * work,
        "evaluation": a_window * (found["windows"] * windows + found["sample"] * characters)
        + found["checkpoint"],
        "crowding": found["crowding"],
    }


def precision_here(model: ModelConfig, training: TrainConfig) -> str:
    """The precision that a run of such a model would choose on this machine."""
    device = choose_device(training.device, flops_per_step(model, training.batch_size))
    return choose_precision(training.precision, device, model, training.batch_size)[0]


def try_out(model: ModelConfig, training: TrainConfig, until: float) -> dict[str, float]:
    """Seconds of a step, and of an evaluation's windows, sample and checkpoint, of a training that begins now.

    On a processor, what each of them took of it counts, and how crowded it was is one figure for all: a step that had
    to wait for others once would make a whole training ten times as long.

    Args:
        until: when the clock (`time.perf_counter`) says so, no further step is made.
    """
    trainer = Trainer(random_text(model, training), model, training, precision=training.precision)
    alone = processor_seconds if trainer.device.type == "cpu" else time.perf_counter
    started, began = time.perf_counter(), alone()
    seconds: dict[type, float] = {}
    at, in_steps, steps, is_first = began, 0.0, 0, True
    for event in trainer.run():
        now = alone()
        if isinstance(event, StepEvent):
            if not is_first or now - at >= MEASURED_SECONDS:  # the first one makes room
                in_steps, steps = in_steps + now - at, steps + 1
            is_first = False
            if in_steps >= MEASURED_SECONDS or time.perf_counter() > until:
                break
        elif isinstance(event, MetricsEvent | SampleEvent | CheckpointEvent):
            seconds[type(event)] = now - at
        at = now
    used = alone() - began
    crowding = max(1.0, (time.perf_counter() - started) / used) if used else 1.0
    return {
        "step": crowding * (in_steps / steps if steps else now - at),
        "windows": crowding * seconds.get(MetricsEvent, 0.0),
        "sample": crowding * seconds.get(SampleEvent, 0.0),
        "checkpoint": crowding * seconds.get(CheckpointEvent, 0.0),
        "crowding": crowding,
    }


def processor_seconds() -> float:
    """What this process has had of each processor that its threads use."""
    return time.process_time() / torch.get_num_threads()


def random_text(model: ModelConfig, training: TrainConfig) -> Dataset:
    """Ids to train on, as many as an evaluation reads."""
    V, length = model.vocab_size, training.eval_windows * model.block_size + 2
    tokenizer = CharTokenizer.from_characters("".join(map(chr, range(0x10000, 0x10000 + V))))
    ids = torch.randint(V, (length,), generator=torch.Generator().manual_seed(0))
    return Dataset(tokenizer=tokenizer, train=ids, val=ids)


def give_memory_back() -> None:
    """Return what was freed to the system: the C library would keep it for itself."""
    gc.collect()
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # not every C library has it
            ctypes.CDLL(None).malloc_trim(0)
