"""Prepared runs: a few trainings that come with the program, so that there is a model to look into from the first
minute. `make prepared` trains them again and writes the same files.

    prepared_runs/<run id>/run.json                  settings, evaluations, samples, and the checksums of the others
    prepared_runs/<run id>/curve.safetensors         what every step measured
    prepared_runs/<run id>/step-00000500.safetensors weights in 16 bits, at several moments of the training

A run store takes them in as runs of a workspace of their own, which nobody can change.
"""

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.data import prepare
from minigpt_core.presets import find_preset
from minigpt_core.store.checkpoint_files import weights_path, write_whole
from minigpt_core.store.runs import PREPARED, SHIPPED, FinishedRun, RunStore
from minigpt_core.texts import corpus
from minigpt_core.tokenizer import CharTokenizer
from minigpt_core.training import (
    Checkpoint,
    CheckpointEvent,
    DoneEvent,
    EvaluatingEvent,
    Event,
    MetricsEvent,
    SampleEvent,
    StepEvent,
    Trainer,
)

DESCRIPTION, CURVE = "run.json", "curve.safetensors"
MEASURED = ("loss", "learning_rate", "grad_norm")  # of every step


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A run to prepare."""

    id: str
    """Begins with "prepared"; stays the same when the run is trained anew, so that links to it stay good."""

    name: str
    preset: str
    text: str
    """The id of a bundled text."""

    moments: tuple[int, ...]
    """After how many steps weights are kept, besides the last ones."""

    keeps_best: bool = False
    """Whether the weights with the lowest validation loss are kept, too."""

    model: dict[str, Any] = field(default_factory=dict)
    """Fields of `ModelConfig` that differ from the preset's."""

    training: dict[str, Any] = field(default_factory=dict)
    """Fields of `TrainConfig` that differ from the preset's."""


# The first part of a row stands in the ids of its runs, and so in links.
STORIES = (("Fr", "Le Chat Curieux", "le-chat-curieux"), ("En", "The Curious Cat", "the-curious-cat"))

RECIPES = (
    *(
        Recipe(
            id=f"preparedGpt{language}",
            name=f"GPT on {title}",
            preset="chat-curieux-gpt",
            text=text,
            moments=moments,
        )
        for (language, title, text), moments in zip(STORIES, ((0, 60, 240), (60, 240)), strict=True)
    ),
    *(
        Recipe(
            id=f"preparedTiny{language}",
            name=f"TinyGPT on {title}",
            preset="notebook",
            text=text,
            moments=(0, 10, 20, 50, 100, 150, 200, 300, 400),
        )
        for language, title, text in STORIES
    ),
    Recipe(
        id="preparedReversed",
        name="GPT that reverses words",
        preset="toy-reversed-words",
        text="reversed-words",
        moments=(),
    ),
    *(
        Recipe(
            id=f"preparedOverfit{language}",
            name=f"GPT that learns {title} by heart",
            preset="chat-curieux-gpt",
            text=text,
            moments=(),
            keeps_best=True,
            model={"n_embd": 64, "dropout": 0.0},
            training={
                "steps": 1200,
                "learning_rate": 2e-2,
                "schedule": "constant",
                "weight_decay": 0.0,
                "patience": 0,
                "val_fraction": 0.5,
            },  # half the story is soon known, and nothing keeps it from that
        )
        for language, title, text in STORIES
    ),
    *(
        Recipe(
            id=f"prepared{trouble}{language}",
            name=f"TinyGPT on {title}, {words}",
            preset="notebook",
            text=text,
            moments=moments,
            training=training,
        )
        for trouble, words, moments, training in (
            (
                "Diverged",
                "learning rate too high",
                (0, 5, 10, 20),
                {"optimizer": "sgd", "learning_rate": 10.0},
            ),
            ("Stuck", "learning rate too low", (0,), {"learning_rate": 3e-5}),
        )
        for language, title, text in STORIES
    ),
)
"""In the order in which lists show them."""


def shows_trouble(run_id: str) -> bool:
    """Whether it is one of the prepared runs in which something goes wrong on purpose."""
    return run_id.startswith(("preparedOverfit", "preparedDiverged", "preparedStuck"))


# Taking them in


def adopt(store: RunStore) -> None:
    """See to it that the store has the prepared runs of this version of the program; quick if it has.

    Raises `StoreError` if the store cannot be read, or lacks them and cannot be written.
    """
    offered = shipped()
    if store.prepared_versions() == {run.columns["id"]: run.version for run in offered}:
        return
    for run in offered:
        store.save_text(run.text, run.columns["text_title"], PREPARED)
    store.replace_prepared(offered)


@lru_cache
def shipped() -> tuple[FinishedRun, ...]:
    """The prepared runs as they were shipped; without those whose files somebody has removed."""
    folders = ((SHIPPED / recipe.id, recipe) for recipe in RECIPES)
    return tuple(read(folder, recipe) for folder, recipe in folders if (folder / DESCRIPTION).exists())


def read(folder: Path, recipe: Recipe) -> FinishedRun:
    """A prepared run from its folder."""
    description = (folder / DESCRIPTION).read_bytes()
    facts = json.loads(description)
    text = learned_text(recipe, facts["lower"])
    curve = safetensors.torch.load_file(folder / CURVE)
    values = zip(*(curve[name].tolist() for name in MEASURED), strict=True)
    return FinishedRun(
        text=text,
        columns=columns(recipe, facts) | {"text_id": hashlib.sha256(text.encode()).hexdigest()},
        steps=[
            StepEvent(step=step, **dict(zip(MEASURED, measured, strict=True)))
            for step, measured in enumerate(values, start=1)
        ],
        evaluations=[MetricsEvent(**evaluation) for evaluation in facts["evaluations"]],
        samples=[SampleEvent(**sample) for sample in facts["samples"]],
        checkpoints={step: weights_path(folder, step).stat().st_size for step in facts["checkpoints"]},
        version=hashlib.sha256(description).hexdigest(),
    )


def columns(recipe: Recipe, facts: dict[str, Any]) -> dict[str, Any]:
    """The run's row of the table `runs`."""
    now = time.time()
    return {
        "id": recipe.id, "workspace": PREPARED, "name": recipe.name, "note": "", "preset": facts["preset"],
        "status": facts["status"], "created": now, "started": now, "finished": now,
        "text_title": corpus.load(recipe.text).title, "lower": facts["lower"], "characters": facts["characters"],
        "model": json.dumps(facts["model"]), "training": json.dumps(facts["training"]),
        "step": facts["step"], "threads": 1, "device": "cpu", "precision": facts["training"]["precision"],
        "best_step": facts["best_step"], "best_val_loss": facts["best_val_loss"],
    }  # fmt: skip


def learned_text(recipe: Recipe, lower: bool) -> str:
    """The text of a run as its model reads it."""
    return corpus.normalize(corpus.load(recipe.text).text, lower=lower)


# Making them


def write(recipe: Recipe, folder: Path) -> Iterator[Event]:
    """Train a run and write its files into `folder`, yielding the trainer's events."""
    steps: list[StepEvent] = []
    kept: dict[int, Checkpoint] = {}
    facts: dict[str, Any] = {"evaluations": [], "samples": []}
    trainer = make_trainer(recipe)
    for event in with_moments(trainer, recipe.moments):
        match event:
            case StepEvent():
                steps.append(event)
            case MetricsEvent():
                facts["evaluations"].append(asdict(event))
            case SampleEvent():
                facts["samples"].append(asdict(event))
            case CheckpointEvent():
                kept[event.step] = event.checkpoint
            case DoneEvent():
                facts |= {"status": event.status, "step": event.step}
        yield event
    best = min(facts["evaluations"], key=lambda e: (e["val_loss"], e["step"]))
    wanted = {*recipe.moments} | ({best["step"]} if recipe.keeps_best else set())
    if facts["status"] != "diverged":  # then its last weights are worth nothing
        wanted.add(trainer.step)
    checkpoints = sorted(wanted & kept.keys())
    files = {weights_path(folder, step).name: in_16_bits(kept[step]) for step in checkpoints}
    files[CURVE] = safetensors.torch.save(
        {name: torch.tensor([getattr(step, name) for step in steps]) for name in MEASURED}
    )
    facts |= {
        "best_step": best["step"],
        "best_val_loss": best["val_loss"],
        "preset": recipe.preset,
        "lower": find_preset(recipe.preset).lower,
        "characters": trainer.dataset.tokenizer.characters,
        "model": trainer.model_config.to_dict(),
        "training": trainer.config.to_dict(),
        "checkpoints": checkpoints,
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())},
    }
    files[DESCRIPTION] = json.dumps(facts, ensure_ascii=False, indent=1).encode()
    for old in folder.glob("*"):
        old.unlink()
    for name, data in files.items():
        write_whole(folder / name, data)


def make_trainer(recipe: Recipe) -> Trainer:
    """What trains this run, on the processor: other devices round differently."""
    preset = find_preset(recipe.preset)
    text = learned_text(recipe, preset.lower)
    tokenizer = CharTokenizer.from_text(text)
    config = TrainConfig.from_dict(preset.training.to_dict() | recipe.training | {"device": "cpu"})
    model = ModelConfig(vocab_size=tokenizer.vocab_size, **preset.model | recipe.model)
    return Trainer(prepare(text, config.val_fraction, tokenizer), model, config)


def with_moments(trainer: Trainer, moments: tuple[int, ...]) -> Iterator[Event]:
    """The events of the run, with an evaluation at these moments too: that changes no loss."""
    for event in trainer.run():
        if isinstance(event, StepEvent):
            trainer.steering.eval_interval = (
                1 if event.step in moments else trainer.config.evaluation_interval
            )
        if not isinstance(event, EvaluatingEvent):
            yield event


def in_16_bits(checkpoint: Checkpoint) -> bytes:
    """The weights as a safetensors file of half the size; losses stay the same to two decimals."""
    weights = {name: t.half() for name, t in checkpoint.tensors.items() if name.startswith("model.")}
    return safetensors.torch.save(weights, {"state": "{}"})


def size() -> int:
    """Bytes of everything that is shipped."""
    files = chain.from_iterable((SHIPPED / recipe.id).glob("*") for recipe in RECIPES)
    return sum(file.stat().st_size for file in files)
