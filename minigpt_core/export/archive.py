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
import re
import stat
import struct
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from minigpt_core.configs import ModelConfig, TrainConfig, check_change, check_fit
from minigpt_core.data import Dataset, check_length, prepare
from minigpt_core.errors import StoreError, UserError
from minigpt_core.export.metrics import all_steps
from minigpt_core.model import build_model
from minigpt_core.steering import ChangeEvent
from minigpt_core.store import checkpoint_files
from minigpt_core.store.runs import (
    LIVE,
    LOCAL,
    MAX_CHECKPOINTS,
    Run,
    RunStore,
    checked_name,
    checked_note,
    new_run_id,
)
from minigpt_core.texts import corpus
from minigpt_core.tokenizer import CharTokenizer
from minigpt_core.training import Checkpoint, MetricsEvent, SampleEvent, StepEvent, Trainer, part

FORMAT, VERSION = "mini-gpt run", 1
RUN, TEXT, METRICS, STEPS = "run.json", "text.txt", "metrics.json", "steps.csv"
CHECKPOINT = re.compile(r"checkpoints/step-(\d{8,12})\.safetensors")
MAX_BYTES = {RUN: 2_000_000, TEXT: corpus.MAX_BYTES, METRICS: 20_000_000, STEPS: 100_000_000}
MAX_CHECKPOINT_BYTES = 2_000_000_000
MAX_TOTAL_BYTES = 4_000_000_000
MAX_ENTRIES = len(MAX_BYTES) + MAX_CHECKPOINTS
MAX_DIRECTORY_BYTES = 200 * MAX_ENTRIES  # what their names and sizes can take
END_OF_DIRECTORY = struct.Struct("<4s4H2LH")  # PKWARE's APPNOTE 4.3.16
WRITTEN_AT_ONCE = 10_000  # steps in one transaction
STATE = {
    "learning_rate": float, "pace": float, "eval_interval": float, "seconds": float, "evaluated_step": int,
}  # fmt: skip


class ArchiveError(UserError):
    """An archive is damaged, comes from a newer version, or holds something that a run does not have."""


@dataclass(frozen=True, kw_only=True)
class Archive:
    """What an archive holds, all of it checked."""

    about: dict[str, Any]
    text: str
    model: ModelConfig
    training: TrainConfig
    steps: list[StepEvent]
    evaluations: list[MetricsEvent]
    samples: list[SampleEvent]
    changes: list[ChangeEvent]
    checkpoints: list[Checkpoint]


# Writing


def export_run(store: RunStore, run: Run) -> bytes:
    """The run as an archive. One that goes on is written as it is now, and will be a stopped one."""
    file = io.BytesIO()
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
    return file.getvalue()


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
        "threads", "device", "created", "best_step", "best_val_loss",
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
            [e.step, e.train_loss if math.isfinite(e.train_loss) else None, e.val_loss, e.val_accuracy]
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


def import_run(store: RunStore, source: Path | io.BytesIO, workspace: str = LOCAL, name: str = "") -> Run:
    """A new run with everything that an archive holds.

    Raises:
        ArchiveError: it is damaged or holds what does not belong there; nothing is stored then.
        StoreError: the store cannot be written; nothing is kept then.
    """
    return store_archive(store, read_archive(source), workspace, name)


def read_archive(source: Path | io.BytesIO) -> Archive:
    """The content of an archive, checked from end to end. Raises `ArchiveError`."""
    try:
        file = source.open("rb") if isinstance(source, Path) else source
    except OSError as error:
        raise ArchiveError(
            "{file} cannot be read: {problem}. Name a run that was exported as a .zip.",
            file=source, problem=error.strerror or error,
        ) from error  # fmt: skip
    with file, damaged():
        check_directory(file)
        with zipfile.ZipFile(file) as archive:
            check_entries(archive)
            return checked(archive)


@contextmanager
def damaged() -> Iterator[None]:
    """What Python's readers raise on nonsense, as a sentence."""
    try:
        yield
    except (
        zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, EOFError, OSError, struct.error,
        UnicodeError, RecursionError, MemoryError, KeyError, IndexError, TypeError, ValueError, ArithmeticError,
    ) as error:  # fmt: skip
        if isinstance(error, UserError):  # a sentence already
            raise
        raise ArchiveError(
            "This archive is damaged, or it is no run of mini-GPT. Export the run again, and copy the file as it is."
        ) from error


def check_directory(file: Any) -> None:
    """Refuse a list of contents that is too long, before Python reads all of it into memory."""
    file.seek(0, io.SEEK_END)
    file.seek(max(0, file.tell() - END_OF_DIRECTORY.size - 0xFFFF))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0:
        raise zipfile.BadZipFile
    entries, size = END_OF_DIRECTORY.unpack_from(tail, at)[4:6]
    if entries > MAX_ENTRIES or size > MAX_DIRECTORY_BYTES:
        raise ArchiveError(
            "This archive holds more files than a run has. Only open what this program has exported."
        )
    file.seek(0)


def check_entries(archive: zipfile.ZipFile) -> None:
    """Only the files that a run has, each once, plain, and not larger than such a file can be."""
    seen: set[str] = set()
    for entry in archive.infolist():
        limit = (
            MAX_CHECKPOINT_BYTES if CHECKPOINT.fullmatch(entry.filename) else MAX_BYTES.get(entry.filename)
        )
        odd = stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG) or entry.flag_bits & 1
        if limit is None or entry.filename in seen or odd:
            raise ArchiveError(
                "This archive holds {name}, which does not belong to a run: nothing of it is opened.",
                name=shown(entry.filename),
            )
        if entry.file_size > limit:
            raise ArchiveError(
                "This archive claims that {name} is larger than it can be: nothing of it is opened.",
                name=entry.filename,
            )
        seen.add(entry.filename)
    if missing := MAX_BYTES.keys() - seen:
        raise ArchiveError("This archive lacks {name}: it is no whole run.", name=", ".join(sorted(missing)))
    if sum(entry.file_size for entry in archive.infolist()) > MAX_TOTAL_BYTES:
        raise ArchiveError("This archive is larger than a run can be: nothing of it is opened.")


def shown(name: str) -> str:
    """The begin of a file's name, without what cannot be seen."""
    return "".join(c if c.isprintable() else "?" for c in name[:80])


def checked(archive: zipfile.ZipFile) -> Archive:
    """Everything in the archive, after looking at every value of it."""
    about = read_json(archive, RUN)
    check_version(about)
    model, training = settings(ModelConfig, about["model"]), settings(TrainConfig, about["training"])
    text = archive.read(TEXT).decode()
    corpus.check_text(text)
    tokenizer = CharTokenizer.from_characters(typed(about["characters"], str))
    if tokenizer.vocab_size != model.vocab_size:
        raise ArchiveError("The model in this archive does not fit its vocabulary.")
    dataset = prepare(text, training.val_fraction, tokenizer)
    check_fit(model, training)
    check_length(dataset.train, model.block_size)
    metrics = read_json(archive, METRICS)
    return Archive(
        about=checked_about(about, training),
        text=text,
        model=model,
        training=training,
        steps=read_steps(archive.read(STEPS).decode("ascii"), training.steps),
        evaluations=[evaluation(row, training.steps) for row in in_order(metrics["evaluations"])],
        samples=[sample(row, training) for row in in_order(metrics["samples"])],
        changes=[change(row, training.steps) for row in in_order(metrics["changes"], strictly=False)],
        checkpoints=read_checkpoints(archive, dataset, model, training, about["status"] == "done"),
    )


def read_json(archive: zipfile.ZipFile, name: str) -> dict[str, Any]:
    """A JSON object of the archive. NaN and infinity are no JSON."""
    found = json.loads(archive.read(name), parse_constant=refuse_constant)
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


def optional(value: Any, kind: type) -> Any:
    """The same, or None."""
    return None if value is None else typed(value, kind)


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
        "preset": optional(about["preset"], str),
        "text_title": typed(about["text_title"], str)[:200],
        "characters": about["characters"],
        "lower": typed(about["lower"], bool),
        "threads": optional(about["threads"], int),
        "device": typed(about["device"], str),
        "step": up_to(about["step"], training.steps),
        "seconds": max(0.0, typed(about["seconds"], float)),
        "steps_per_second": optional(about["steps_per_second"], float),
        "best_step": None if about["best_step"] is None else up_to(about["best_step"], training.steps),
        "best_val_loss": optional(about["best_val_loss"], float),
    }
    if kept["device"] not in ("cpu", "cuda", "mps") or not 1 <= (kept["threads"] or 1) <= 1024:
        raise ValueError(kept["device"])
    return kept


def up_to(value: Any, last: int) -> int:
    """A step of the run: 0 … `last`."""
    step: int = typed(value, int)
    if not 0 <= step <= last:
        raise ValueError(step)
    return step


def in_order(rows: Any, strictly: bool = True) -> list[Any]:
    """Rows that begin with their step, each later than the one before."""
    if not isinstance(rows, list):
        raise TypeError(rows)
    steps = [typed(row[0], int) for row in rows]
    if any(later < earlier + strictly for earlier, later in itertools.pairwise(steps)):
        raise ValueError(steps)
    return rows


def read_steps(table: str, last: int) -> list[StepEvent]:
    """The lines of steps.csv."""
    rows = in_order([[int(row[0]), *row[1:]] for row in csv.reader(io.StringIO(table))])
    return [
        StepEvent(
            step=up_to(step, last), loss=cell(loss), learning_rate=typed(float(rate), float), grad_norm=cell(norm)
        )
        for step, loss, rate, norm in rows
    ]  # fmt: skip


def cell(text: str) -> float:
    """A number; an empty cell was no finite one."""
    return float(typed(float(text), float)) if text else math.nan


def evaluation(row: list[Any], last: int) -> MetricsEvent:
    """A row of metrics.json's evaluations."""
    step, train_loss, val_loss, val_accuracy = row
    return MetricsEvent(
        step=up_to(step, last),
        train_loss=math.nan if train_loss is None else typed(train_loss, float),
        val_loss=optional(val_loss, float),
        val_accuracy=optional(val_accuracy, float),
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


def read_checkpoints(
    archive: zipfile.ZipFile, dataset: Dataset, model: ModelConfig, training: TrainConfig, done: bool
) -> list[Checkpoint]:
    """The checkpoints, each of them tried: a trainer takes it over. Those of a prepared run, which is `done`, are
    weights alone."""
    expected = shapes(model)
    found = []
    for entry in sorted(archive.infolist(), key=lambda entry: entry.filename):
        if name := CHECKPOINT.fullmatch(entry.filename):
            step = up_to(int(name[1]), training.steps)
            checkpoint = read_weights(archive.read(entry), step)
            check_weights(checkpoint, expected)
            found.append(checkpoint)
            if done and not checkpoint.state and all(n.startswith("model.") for n in checkpoint.tensors):
                continue
            check_state(checkpoint, training)
            check_optimizer(Trainer(dataset, model, training, checkpoint=checkpoint), checkpoint)
    return found


def shapes(model: ModelConfig) -> dict[str, torch.Size]:
    """The shape of every weight of such a model, without making room for them."""
    with torch.device("meta"):
        return {name: weight.shape for name, weight in build_model(model).state_dict().items()}


def read_weights(data: bytes, step: int) -> Checkpoint:
    """A checkpoint, read where nothing else lies. Raises `StoreError` if its file is damaged."""
    with tempfile.TemporaryDirectory() as folder:
        checkpoint_files.weights_path(Path(folder), step).write_bytes(data)
        try:
            return checkpoint_files.read_checkpoint(Path(folder), step)
        except StoreError as error:
            raise ValueError(step) from error  # its sentence names a file that is gone


def check_weights(checkpoint: Checkpoint, expected: dict[str, torch.Size]) -> None:
    """Raise `ArchiveError` unless these are the weights of just this model, and all of them numbers."""
    weights = part(checkpoint.tensors, "model.")
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
    for name, kind in STATE.items():
        typed(state[name], kind)
    typed(state.get("evaluations_without_gain", 0), int)
    check_change("learning_rate", state["learning_rate"])
    check_change("pace", state["pace"])
    check_change("eval_interval", state["eval_interval"])
    if state["best_step"] is not None:
        up_to(state["best_step"], training.steps)
        typed(state["best_val_loss"], float)
    if not all(name.startswith(("model.", "optimizer.", "rng.")) for name in checkpoint.tensors):
        raise KeyError
    for name in ("rng.batches", "rng.torch"):
        if checkpoint.tensors[name].dtype != torch.uint8:
            raise TypeError(name)


def check_optimizer(trainer: Trainer, checkpoint: Checkpoint) -> None:
    """The optimizers' running averages have the shapes of the weights they belong to."""
    weights = [w for o in trainer._optimizers for group in o.param_groups for w in group["params"]]
    for key, value in part(checkpoint.tensors, "optimizer.").items():
        number, name = key.split(".", 1)
        shape = torch.Size() if name == "step" else weights[int(number)].shape
        if name not in ("step", "exp_avg", "exp_avg_sq", "momentum_buffer") or not is_like(value, shape):
            raise ValueError(key)


# Storing


def store_archive(store: RunStore, archive: Archive, workspace: str, name: str) -> Run:
    """Keep a checked archive as a run of this workspace; nothing of it, if that fails."""
    about, run_id = dict(archive.about), new_run_id()
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
            store.append(
                run_id,
                evaluations=archive.evaluations,
                samples=archive.samples,
                changes=archive.changes,
                step=step,
                seconds=seconds,
                **progress,
            )
            for begin in range(0, len(archive.steps), WRITTEN_AT_ONCE):
                store.append(run_id, steps=archive.steps[begin : begin + WRITTEN_AT_ONCE])
            for checkpoint in archive.checkpoints:
                store.save_checkpoint(run_id, checkpoint)
            store.set_status(run_id, status)
        except BaseException:
            store.remove(run_id)
            raise
    return store.run(run_id)
