"""What a run measured, for other programs: a table as CSV, TensorBoard's event files."""

import csv
import io
import math
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from minigpt_core.errors import UserError
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.training import MetricsEvent, StepEvent

EVALUATED = ("train_loss", "val_loss", "val_accuracy", "val_error")
COLUMNS = ("step", "loss", "learning_rate", "grad_norm", *EVALUATED)
AT_ONCE = 10_000  # steps read at a time


class ExportError(UserError):
    """A run cannot be written in this form."""


def all_steps(store: RunStore, run: Run) -> Iterator[StepEvent]:
    """Every step of a run, in order, whatever its length."""
    last = -1
    while steps := store.steps_since(run.id, last, AT_ONCE):
        yield from steps
        last = steps[-1].step


def export_csv(store: RunStore, run: Run, *, decimal_comma: bool = False) -> str:
    """One line a step: `COLUMNS`. What was not measured there, or was no finite number, is left empty.

    With `decimal_comma`, as spreadsheets expect it where one writes 0,5: semicolons between the columns.
    """
    evaluations = {evaluation.step: evaluation for evaluation in store.evaluations(run.id)}
    file = io.StringIO()
    table = csv.writer(file, lineterminator="\n", delimiter=";" if decimal_comma else ",")
    table.writerow(COLUMNS)
    lines = (line(None, evaluations.pop(step)) for step in [*evaluations] if step == 0)
    steps = (line(step, evaluations.pop(step.step, None)) for step in all_steps(store, run))
    for cells in chain(lines, steps):
        table.writerow([str(cell).replace(".", ",") for cell in cells] if decimal_comma else cells)
    return file.getvalue()


def line(step: StepEvent | None, evaluation: MetricsEvent | None) -> list[float | str]:
    """The cells of one step."""
    at = step or evaluation
    assert at is not None
    batch = (step.loss, step.learning_rate, step.grad_norm) if step else (None,) * 3
    whole = [getattr(evaluation, name) if evaluation else None for name in EVALUATED]
    return [at.step, *(v if v is not None and math.isfinite(v) else "" for v in (*batch, *whole))]


def export_tensorboard(store: RunStore, run: Run, folder: Path) -> None:
    """Write the run's curves and samples as event files into `folder`, which TensorBoard can open.

    Raises:
        ExportError: tensorboard is not installed, or the folder cannot be written.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ExportError(
            "TensorBoard's files are written by the package tensorboard, which is not installed here. Install it "
            "with: pip install tensorboard"
        ) from error
    try:
        with SummaryWriter(str(folder)) as writer:
            write_scalars(writer, store, run)
    except OSError as error:
        raise ExportError(
            "{folder} cannot be written: {problem}. Name another folder.",
            folder=folder,
            problem=error.strerror or error,
        ) from error


def write_scalars(writer: "SummaryWriter", store: RunStore, run: Run) -> None:  # type: ignore[name-defined]  # noqa: F821
    """Each curve under its name in the CSV, each sample as text; all at the time when the run began."""
    began = run.started or run.created
    for step in all_steps(store, run):
        for name in ("loss", "learning_rate", "grad_norm"):
            writer.add_scalar(name, getattr(step, name), step.step, walltime=began)
    for evaluation in store.evaluations(run.id):
        for name in EVALUATED:
            if (value := getattr(evaluation, name)) is not None:
                writer.add_scalar(name, value, evaluation.step, walltime=began)
    for sample in store.samples(run.id):
        writer.add_text("sample", preformatted(sample.text), sample.step, walltime=began)


def preformatted(text: str) -> str:
    """A text as a block of code in Markdown, which TensorBoard reads: no sign in it is a heading, a link or a list."""
    return "\n".join(f"    {line}" for line in text.split("\n"))
