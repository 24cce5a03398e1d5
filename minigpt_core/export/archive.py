"""A whole run as one `.zip`, to be opened on another machine: settings, text, curves, samples and weights.

    run.json                                  what it is, and its settings
    text.txt                                  what it learned from, as UTF-8
    metrics.json                              evaluations, samples, changed settings
    steps.csv                                 step, loss, learning rate and gradient norm, one line a step
    checkpoints/step-00000500.safetensors     weights and everything that the next step depends on

An archive may come from anybody. Nothing in it becomes a path, nothing is unpickled, every size is bounded before it
is read, and every value is checked before anything is stored.
"""

import csv
import io
import itertools
import json
import math
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from minigpt_core import limits
from minigpt_core.configs import CHOICES, STEERABLE, ModelConfig, TrainConfig, check_change, check_fit
from minigpt_core.data import Dataset, check_length, prepare
from minigpt_core.devices import available_threads
from minigpt_core.errors import StoreError
from minigpt_core.export.archive_files import (
    MAX_BYTES,
    METRICS,
    RUN,
    STEPS,
    TEXT,
    ArchiveError,
    ArchiveFiles,
    damaged,
    opened,
)
from minigpt_core.export.metrics import all_steps
from minigpt_core.memory_budget import check_weights_memory
from minigpt_core.model import build_model
from minigpt_core.presets import PRESETS
from minigpt_core.steering import ChangeEvent
from minigpt_core.store import checkpoint_files
from minigpt_core.store.metrics import finite
from minigpt_core.store.runs import (
    LIVE,
    LOCAL,
    Run,
    RunStore,
    checked_name,
    checked_note,
    new_run_id,
    numbered,
    text_id_of,
)
from minigpt_core.store.schema import storable
from minigpt_core.texts import corpus
from minigpt_core.tokenizer import CharTokenizer
from minigpt_core.training import Checkpoint, MetricsEvent, SampleEvent, StepEvent, Trainer, strip_prefix
from minigpt_core.weights import WithoutDrawing, parameters_of

FORMAT, VERSION = "mini-gpt run", 1
MAX_STEPS, MAX_EVALUATIONS, MAX_CHANGES = 2_000_000, 100_000, 10_000  # rows
WRITTEN_AT_ONCE = 5_000  # rows in one transaction: others write in between
LARGEST_LOSS = torch.finfo(torch.float32).max  # losses and gradients are calculated in 32 bits
LONGEST = 1e10  # seconds; and steps per second


@dataclass(frozen=True, kw_only=True)
class Archive:
    """What an archive holds, all of it checked. Steps and weights stay where they are until they are stored."""

    about: dict[str, Any]
    text: str
    model: ModelConfig
    training: TrainConfig
    evaluations: list[MetricsEvent]
    samples: list[SampleEvent]
    changes: list[ChangeEvent]


# Writing


def export_run(store: RunStore, run: Run) -> bytes:
    """The run as an archive. One that goes on is written as it is now, and will be a stopped one."""
    file = io.BytesIO()
    write_run(file, store, run)
    return file.getvalue()


def write_run(file: IO[bytes], store: RunStore, run: Run) -> None:
    """The same into a file that is open for writing."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        write_checkpoints(archive, store, run)  # before the metrics: those reach at least as far then
        parts = {
            RUN: json.dumps(about_run(run), ensure_ascii=False, indent=2),
            TEXT: store.text(run.text_id).text,
            METRICS: json.dumps(metrics_of(store, run), ensure_ascii=False),
            STEPS: steps_table(store, run),
        }
        for name, content in parts.items():
            data = content.encode()
            if len(data) > MAX_BYTES[name]:
                raise ArchiveError(
                    "This run is too long for an archive: its {name} has {size} bytes, and {limit} can be read.",
                    name=name, size=len(data), limit=MAX_BYTES[name],
                )  # fmt: skip
            archive.writestr(name, data)


def weights_size(store: RunStore, run: Run) -> int:
    """Bytes of all checkpoints of a run: about what its archive takes, for weights cannot be packed tighter."""
    sizes = []
    for info in store.checkpoints(run.id):
        with suppress(FileNotFoundError):
            sizes.append(checkpoint_files.weights_path(store.folder(run.id), info.step).stat().st_size)
    return sum(sizes)


def write_checkpoints(archive: zipfile.ZipFile, store: RunStore, run: Run) -> None:
    """All checkpoints; one that is thinned out at this very moment is left out."""
    for info in store.checkpoints(run.id):
        path = checkpoint_files.weights_path(store.folder(run.id), info.step)
        try:
            weights = path.read_bytes()
        except FileNotFoundError:
            continue
        archive.writestr(f"checkpoints/{path.name}", weights, zipfile.ZIP_STORED)


def about_run(run: Run) -> dict[str, Any]:
    """The content of run.json."""
    kept = (
        "name", "note", "preset", "text_title", "characters", "lower", "step", "seconds", "steps_per_second",
        "threads", "device", "precision", "created", "best_step", "best_val_loss",
    )  # fmt: skip
    return {
        "format": FORMAT,
        "version": VERSION,
        "status": "stopped" if run.status in (*LIVE, "interrupted") else run.status,
        "model": run.model.to_dict(),
        "training": run.training.to_dict(),
        **{name: getattr(run, name) for name in kept},
    }


def metrics_of(store: RunStore, run: Run) -> dict[str, Any]:
    """The content of metrics.json. What is no finite number stands as null."""
    return {
        "evaluations": [
            [e.step, finite(e.train_loss), e.val_loss, e.val_accuracy, e.val_error]
            for e in store.evaluations(run.id)
        ],
        "samples": [[sample.step, sample.text] for sample in store.samples(run.id)],
        "changes": [[change.step, change.name, change.value] for change in store.changes(run.id)],
    }


def steps_table(store: RunStore, run: Run) -> str:
    """The content of steps.csv: every digit of every number."""
    file = io.StringIO()
    table = csv.writer(file, lineterminator="\n")
    for step in all_steps(store, run):
        numbers = (step.loss, step.learning_rate, step.grad_norm)
        table.writerow([step.step, *(repr(n) if math.isfinite(n) else "" for n in numbers)])
    return file.getvalue()


# Reading


def import_run(
    store: RunStore, source: Path | IO[bytes], workspace: str = LOCAL, name: str = "", run_id: str = ""
) -> Run:
    """A new run with everything that an archive holds.

    Raises:
        ArchiveError: it is damaged or holds what does not belong there; nothing is stored then.
        ConfigError: its model is too large for this machine; nothing is stored then.
        StoreError: the store cannot be written; nothing is kept then.
    """
    with opened(source) as files:
        return store_archive(store, read_archive(files), files, workspace, name, run_id or new_run_id())


def read_archive(files: ArchiveFiles) -> Archive:
    """Everything in an archive, after looking at every value of it, also of those that stay there."""
    with damaged():
        about = read_json(files, RUN)
        check_version(about)
        model, training = settings(ModelConfig, about["model"]), settings(TrainConfig, about["training"])
        check_fit(model, training)
        check_weights_memory(model)
        text = files.read(TEXT).decode()
        dataset = dataset_of(text, about["characters"], model, training)
        metrics = read_json(files, METRICS)
        archive = Archive(
            about=checked_about(about, training),
            text=text,
            model=model,
            training=training,
            evaluations=[evaluation(row, training.steps) for row in in_order(metrics["evaluations"])],
            samples=[sample(row, training) for row in in_order(metrics["samples"])],
            changes=[change(row, training.steps) for row in in_order(metrics["changes"], False, MAX_CHANGES)],
        )
        for _step in read_steps(files, training.steps):
            pass
        for step in files.checkpoints:
            check_checkpoint(read_weights(files, step, model), archive, dataset)
    return archive


def dataset_of(text: str, characters: Any, model: ModelConfig, training: TrainConfig) -> Dataset:
    """The text as the run's model reads it, if they fit together."""
    corpus.check_text(text)
    if storable(typed(characters, str)) != characters:
        raise ValueError(characters)
    tokenizer = CharTokenizer.from_characters(characters)
    if tokenizer.vocab_size != model.vocab_size:
        raise ArchiveError("The model in this archive does not fit its vocabulary.")
    dataset = prepare(text, training.val_fraction, tokenizer)
    check_length(dataset.train, model.block_size)
    return dataset


def read_json(files: ArchiveFiles, name: str) -> dict[str, Any]:
    """A JSON object of the archive. NaN and infinity are no JSON."""
    found = json.loads(files.read(name), parse_constant=refuse_constant)
    if not isinstance(found, dict):
        raise TypeError(name)
    return found


def refuse_constant(name: str) -> None:
    """Python's JSON reader would take NaN for a number."""
    raise ValueError(name)


def check_version(about: dict[str, Any]) -> None:
    """Raise `ArchiveError` if this program is too old for the archive."""
    if about["format"] != FORMAT:
        raise ValueError(about["format"])
    if typed(about["version"], int) > VERSION:
        raise ArchiveError(
            "This archive was written by a newer version of this program (format {found}, this one knows {known}). "
            "Update the program.",
            found=about["version"], known=VERSION,
        )  # fmt: skip


def typed(value: Any, kind: type) -> Any:
    """The value, if it is of this type and finite; a whole number will do for a float."""
    number_for_float = kind is float and type(value) is int
    if type(value) is not kind and not number_for_float:
        raise TypeError(value)
    if isinstance(value, int | float) and not math.isfinite(value):
        raise ValueError(value)
    return kind(value)


def number(value: Any, low: float, high: float) -> float:
    """A number from `low` to `high`."""
    found: float = typed(value, float)
    if not low <= found <= high:
        raise ValueError(value)
    return found


def optional(value: Any, low: float, high: float) -> float | None:
    """The same, or None."""
    return None if value is None else number(value, low, high)


def settings(cls: Callable[..., Any], found: Any) -> Any:
    """A `ModelConfig` or `TrainConfig` whose fields have the types that they should have."""
    if not isinstance(found, dict):
        raise TypeError(found)
    kinds = {field.name: field.type for field in fields(cls)}  # type: ignore[arg-type]
    for name, value in found.items():
        if name in kinds:  # a name that does not exist gets its own sentence
            typed(value, kinds[name])  # type: ignore[arg-type]
    return cls.from_dict(found)  # type: ignore[attr-defined]


def checked_about(about: dict[str, Any], training: TrainConfig) -> dict[str, Any]:
    """What the store keeps of run.json."""
    if about["status"] not in ("done", "stopped", "diverged", "failed"):
        raise ValueError(about["status"])
    kept = {
        "name": checked_name(typed(about["name"], str)),
        "note": checked_note(typed(about["note"], str)),
        "status": about["status"],
        "preset": about["preset"] if about["preset"] in PRESETS else None,
        "text_title": typed(about["text_title"], str)[:200],
        "characters": about["characters"],
        "lower": typed(about["lower"], bool),
        "threads": None
        if about["threads"] is None
        else available_threads(up_to(about["threads"], 1024) or 1),
        "device": typed(about["device"], str),
        "precision": about.get("precision", training.precision),  # older ones do not say it
        "step": up_to(about["step"], training.steps),
        "seconds": number(about["seconds"], 0, LONGEST),
        "steps_per_second": optional(about["steps_per_second"], 0, LONGEST),
        "best_step": None if about["best_step"] is None else up_to(about["best_step"], training.steps),
        "best_val_loss": optional(about["best_val_loss"], 0, LARGEST_LOSS),
    }
    if kept["device"] not in ("cpu", "cuda", "mps"):
        raise ValueError(kept["device"])
    if kept["precision"] not in (*CHOICES["precision"], None):
        raise ValueError(kept["precision"])
    return kept


def up_to(value: Any, last: int) -> int:
    """A whole number from 0 to `last`, such as a step of the run."""
    found: int = typed(value, int)
    if not 0 <= found <= last:
        raise ValueError(value)
    return found


def in_order(rows: Any, strictly: bool = True, most: int = MAX_EVALUATIONS) -> list[Any]:
    """Rows that begin with their step, each later than the one before."""
    if not isinstance(rows, list):
        raise TypeError(rows)
    if len(rows) > most:
        raise too_long()
    steps = [typed(row[0], int) for row in rows]
    if any(later < earlier + strictly for earlier, later in itertools.pairwise(steps)):
        raise ValueError(steps)
    return rows


def too_long() -> ArchiveError:
    """For more rows than can be stored while others wait."""
    return ArchiveError("This archive holds more steps, evaluations or changes than a run can have.")


def read_steps(files: ArchiveFiles, last: int) -> Iterator[StepEvent]:
    """The lines of steps.csv, one after the other."""
    before = -1
    for count, line in enumerate(files.lines(STEPS)):
        with damaged():
            if count >= MAX_STEPS:
                raise too_long()
            step, loss, rate, norm = line.split(",")
            event = StepEvent(
                step=up_to(int(step), last),
                loss=cell(loss),
                learning_rate=number(float(rate), 0, 1000),
                grad_norm=cell(norm),
            )
            if event.step <= before:
                raise ValueError(step)
        before = event.step
        yield event


def cell(text: str) -> float:
    """A number; an empty cell was no finite one."""
    return number(float(text), 0, LARGEST_LOSS) if text else math.nan


def evaluation(row: list[Any], last: int) -> MetricsEvent:
    """A row of metrics.json's evaluations."""
    step, train_loss, val_loss, val_accuracy, *later = row
    (val_error,) = later or (None,)  # earlier versions measured none
    return MetricsEvent(
        step=up_to(step, last),
        train_loss=math.nan if train_loss is None else number(train_loss, 0, LARGEST_LOSS),
        val_loss=optional(val_loss, 0, LARGEST_LOSS),
        val_accuracy=optional(val_accuracy, 0, 1),
        val_error=optional(val_error, 0, LARGEST_LOSS),
    )


def sample(row: list[Any], training: TrainConfig) -> SampleEvent:
    """A row of metrics.json's samples."""
    step, text = row
    if len(typed(text, str)) > training.sample_length:
        raise ValueError(step)
    return SampleEvent(step=up_to(step, training.steps), text=text)


def change(row: list[Any], last: int) -> ChangeEvent:
    """A row of metrics.json's changes."""
    step, name, value = row
    check_change(typed(name, str), typed(value, float))
    return ChangeEvent(step=up_to(step, last), name=name, value=float(value))


# Weights


def read_weights(files: ArchiveFiles, step: int, model: ModelConfig) -> Checkpoint:
    """A checkpoint, read where nothing else lies. Its file cannot be larger than what such a model needs."""
    name = files.checkpoints[step]
    with damaged(), tempfile.TemporaryDirectory() as folder:
        if files.size(name) > most_bytes(model):
            raise ArchiveError(
                "This archive claims that {name} is larger than it can be: nothing of it is opened.",
                name=name,
            )
        files.copy(name, checkpoint_files.weights_path(Path(folder), step))
        try:
            return checkpoint_files.read_checkpoint(Path(folder), step)
        except StoreError as error:
            raise ValueError(step) from error  # its sentence names a file that is gone


def most_bytes(model: ModelConfig) -> int:
    """How large a checkpoint of such a model can be: weights, two running averages of each, names and generators."""
    return 12 * parameters_of(model) + 1000 * len(shapes(model)) + 100_000


def check_checkpoint(checkpoint: Checkpoint, archive: Archive, dataset: Dataset) -> None:
    """The weights fit, and a trainer takes the rest over. Those of a prepared run, which is done, are weights alone."""
    up_to(checkpoint.step, archive.training.steps)
    check_weights(checkpoint, shapes(archive.model))
    alone = not checkpoint.state and all(name.startswith("model.") for name in checkpoint.tensors)
    if archive.about["status"] == "done" and alone:
        return
    check_state(checkpoint, archive.training)
    here = replace(archive.training, device="cpu", precision="float32")
    check_optimizer(Trainer(dataset, archive.model, here, checkpoint=checkpoint), checkpoint)


def shapes(model: ModelConfig) -> dict[str, torch.Size]:
    """The shape of every weight of such a model, without making room for them."""
    with torch.device("meta"), WithoutDrawing():
        return {name: weight.shape for name, weight in build_model(model).state_dict().items()}


def check_weights(checkpoint: Checkpoint, expected: dict[str, torch.Size]) -> None:
    """Raise `ArchiveError` unless these are the weights of just this model, and all of them numbers."""
    weights = strip_prefix(checkpoint.tensors, "model.")
    fitting = weights.keys() == expected.keys() and all(
        is_like(weights[name], shape) for name, shape in expected.items()
    )
    if not fitting:
        raise ArchiveError(
            "The weights after step {step} in this archive do not fit the model that it describes.",
            step=checkpoint.step,
        )


def is_like(tensor: Tensor, shape: torch.Size) -> bool:
    """Whether a tensor has this shape and holds finite numbers of 32 or 16 bits."""
    kind = tensor.dtype in (torch.float32, torch.float16)
    return tensor.shape == shape and kind and bool(tensor.isfinite().all())


def check_state(checkpoint: Checkpoint, training: TrainConfig) -> None:
    """The settings in force and the random generators' states are what a trainer expects."""
    state = checkpoint.state
    for name in STEERABLE:
        check_change(name, typed(state[name], float))
    number(state["seconds"], 0, LONGEST)
    number(typed(state["evaluated_step"], int), -1, training.steps)
    number(typed(state.get("evaluations_without_gain", 0), int), 0, training.steps + 1)
    if state["best_step"] is not None:
        up_to(state["best_step"], training.steps)
        number(state["best_val_loss"], 0, LARGEST_LOSS)
    if not all(name.startswith(("model.", "optimizer.", "rng.")) for name in checkpoint.tensors):
        raise KeyError
    for name in ("rng.batches", "rng.torch"):
        if checkpoint.tensors[name].dtype != torch.uint8:
            raise TypeError(name)


def check_optimizer(trainer: Trainer, checkpoint: Checkpoint) -> None:
    """The optimizers' running averages have the shapes of the weights they belong to."""
    weights = [w for o in trainer._optimizers for group in o.param_groups for w in group["params"]]
    for key, value in strip_prefix(checkpoint.tensors, "optimizer.").items():
        number, name = key.split(".", 1)
        shape = torch.Size() if name == "step" else weights[int(number)].shape
        if name not in ("step", "exp_avg", "exp_avg_sq", "momentum_buffer") or not is_like(value, shape):
            raise ValueError(key)


# Storing


def store_archive(
    store: RunStore, archive: Archive, files: ArchiveFiles, workspace: str, name: str, run_id: str
) -> Run:
    """Keep a checked archive as a run of this workspace; nothing of it, if that fails."""
    if (most := limits.in_force(store.home)) is not None:
        limits.check_text(most, len(archive.text))
        limits.check_training(most, archive.model, archive.training)
        limits.check_kept(most, *store.kept_by(workspace))
    about = dict(archive.about)
    about["text_title"] = told_apart(store, archive, workspace)
    status, step, seconds = about.pop("status"), about.pop("step"), about.pop("seconds")
    progress = {key: about.pop(key) for key in ("steps_per_second", "best_step", "best_val_loss")}
    with store.lock(run_id):
        try:
            store.create_run(
                run_id=run_id,
                status="running",
                workspace=workspace,
                text_id=store.save_text(archive.text, about["text_title"], workspace),
                model=archive.model,
                training=archive.training,
                **about | {"name": name or about["name"]},
            )
            for evaluations in portions(archive.evaluations):
                store.append(run_id, evaluations=evaluations)
            for samples in portions(archive.samples):
                store.append(run_id, samples=samples)
            for changes in portions(archive.changes):
                store.append(run_id, changes=changes)
            for steps in portions(read_steps(files, archive.training.steps)):
                store.append(run_id, steps=steps)
            for at in files.checkpoints:
                store.save_checkpoint(run_id, read_weights(files, at, archive.model))
            store.append(run_id, step=step, seconds=seconds, **progress)
            store.set_status(run_id, status)
        except BaseException:
            store.remove(run_id)
            raise
    return store.run(run_id)


def told_apart(store: RunStore, archive: Archive, workspace: str) -> str:
    """What the archive's text is called here: with a number if runs on another text have this title. (A run on the same
    text in small letters has another text, and rightly the same title.)"""
    here, lower = text_id_of(archive.text), archive.about["lower"]
    others = (run for run in store.runs(workspace) if run.lower == lower and run.text_id != here)
    return numbered(archive.about["text_title"], {run.text_title for run in others})


def portions(rows: Iterable[Any]) -> Iterator[list[Any]]:
    """As many rows at a time as are written in one transaction."""
    left = iter(rows)
    while part := list(itertools.islice(left, WRITTEN_AT_ONCE)):
        yield part
