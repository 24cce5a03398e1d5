"""Exported programs: run as they are, without this project, they come to the losses of the run."""

import ast
import builtins
import csv
import io
import json
import queue
import re
import subprocess
import sys
import tokenize
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
import pytest

from minigpt_core import configs
from minigpt_core.__main__ import main
from minigpt_core.configs import ModelConfig, TrainConfig, usual_fields
from minigpt_core.export.metrics import COLUMNS, ExportError, export_csv, export_tensorboard, write_scalars
from minigpt_core.export.notebook import export_notebook
from minigpt_core.export.script import (
    ENGLISH,
    LONGEST_EMBEDDED,
    PARTS,
    export_parts,
    export_script,
    languages,
    opening,
    words_of,
)
from minigpt_core.jobs.recording import Recorder
from minigpt_core.jobs.worker import Controls, take_up, train
from minigpt_core.steering import ChangeEvent
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.texts import corpus
from minigpt_core.training import SampleEvent, StepEvent

TEXT = corpus.normalize(corpus.load("le-chat-curieux").text)[:5000]
ROUNDING = 1e-5  # of a loss: the program sums up in another order, and Muon's few digits carry that on
SHOW = "import json; print(json.dumps([losses, evaluations, text]))"
GPT = {"n_layer": 2, "n_head": 2, "residual": True, "mlp": "relu2", "norm": "rmsnorm", "dropout": 0.1}
MODERN = GPT | {"positions": "rotary", "bias": False, "qk_norm": True, "zero_init": True}
GPT2 = GPT | {"positions": "learned", "mlp": "gelu", "norm": "layernorm", "tie_weights": True}
MUON = {"optimizer": "muon", "weight_decay": 0.1, "schedule": "linear", "warmup_steps": 3, "grad_clip": 1.0}
ADAMW = {"weight_decay": 0.1, "schedule": "cosine", "grad_clip": 0.5, "beta2": 0.99}
SGD = {"optimizer": "sgd", "learning_rate": 0.1, "weight_decay": 0.01}

CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "tiny": ({}, {}),
    "modern": (MODERN, MUON | {"eval_windows": 5, "min_lr_share": 0.0}),
    "gpt2": (GPT2, ADAMW),
    "fewer digits": (MODERN, {"optimizer": "muon", "momentum": 0.8, "precision": "bfloat16"}),
    "epochs": (MODERN | {"token_shift": True}, MUON | {"windows": "epochs", "batch_size": 70}),
    "positions": ({"positions": "learned"}, {"val_fraction": 0.0, "weight_decay": 0.1}),
    "in parts": (MODERN, MUON | {"accumulation": 2, "precision": "bfloat16"}),
    "bare": ({"n_layer": 1, "n_head": 2}, SGD),
    "mlp": ({"n_layer": 1, "mlp": "gelu"}, {"optimizer": "muon"}),
    "zero": ({"n_layer": 1, "residual": True, "zero_init": True, "positions": "rotary"}, {"warmup_steps": 5}),
    "tied": ({"n_layer": 1, "residual": True, "zero_init": True, "tie_weights": True}, {"val_fraction": 0.001}),
    "norm": ({"n_layer": 1, "residual": True, "norm": "layernorm", "bias": False}, SGD | {"warmup_steps": 2}),
}  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "home")


def trained(
    store: RunStore, model: dict[str, Any], text: str = TEXT, begun_in: str | None = None, **training: Any
) -> Run:
    """A run of a small model, trained to its end, in the precision that it asks for or was begun in."""
    config = TrainConfig(**{"steps": 24, "batch_size": 3, "sample_length": 30, "eval_interval": 8} | training)
    fields = {"n_embd": 16, "block_size": 8} | model
    run = new_run(store, text=text, title="chat", model_fields=fields, training=config, status="running")
    store.set_status(run.id, "running", precision=begun_in or config.precision)
    train(store, run.id, Controls(queue.Queue(), lambda *_, **__: None))
    return store.run(run.id)


def measured(store: RunStore, run: Run) -> tuple[list[float], list[tuple[float, ...]]]:
    """The losses of the stored run, and its evaluations, as the programs keep them."""
    evaluations = [(e.step, e.train_loss, e.val_loss) for e in store.evaluations(run.id)]
    return [step.loss for step in store.steps_since(run.id)], [
        tuple(value for value in row if value is not None) for row in evaluations
    ]


def run_alone(code: str, folder: Path) -> tuple[list[float], list[tuple[float, ...]], str, str]:
    """A program in a Python process that cannot see this project: losses, evaluations, its text, what it printed."""
    (folder / "program.py").write_bytes(f"{code}\n{SHOW}\n".encode())
    command = [sys.executable, "-I", "program.py"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, encoding="utf-8", env={"PYTHONUTF8": "1"}
    )
    assert done.returncode == 0, done.stderr
    printed, _, shown = done.stdout.rstrip("\n").rpartition("\n")
    losses, evaluations, text = json.loads(shown)
    return losses, [tuple(row) for row in evaluations], text, printed


def run_here(parts: Sequence[str]) -> dict[str, Any]:
    """The cells one after the other, as a notebook would."""
    names: dict[str, Any] = {"print": lambda *_: None}
    for code in parts:
        exec(compile(code, "cell", "exec"), names)
    return names


def test_every_part_of_a_model_has_a_case() -> None:
    of_the_usual_size = {"block_size", "n_embd"}
    assert {*usual_fields(ModelConfig)} == of_the_usual_size.union(
        *(model for model, _training in CASES.values())
    )


@pytest.mark.parametrize("case", CASES)
def test_every_kind_of_model_and_training_repeats_its_run(store: RunStore, case: str) -> None:
    model, training = CASES[case]
    run = trained(store, model, **training)
    names = run_here(list(export_parts(store, run).parts.values()))
    losses, evaluations = measured(store, run)
    assert names["losses"] == pytest.approx(losses, abs=ROUNDING)
    assert len(names["evaluations"]) == len(evaluations)
    for exported, stored in zip(names["evaluations"], evaluations, strict=True):
        assert exported == pytest.approx(stored, abs=ROUNDING)


@pytest.mark.parametrize("change", [{}, {"eval_interval": 8}])
def test_a_long_run_is_evaluated_at_the_same_steps(
    store: RunStore, monkeypatch: pytest.MonkeyPatch, change: dict[str, int]
) -> None:
    monkeypatch.setattr(configs, "FIRST_EVALUATION", 4)
    run = new_run(
        store, text=TEXT, title="chat", model_fields={"n_embd": 16, "block_size": 8},
        training=TrainConfig(steps=320, sample_length=0), status="running",
    )  # fmt: skip
    trainer = take_up(store, run)
    recorder = Recorder(store, run.id, trainer)
    for event in trainer.run():
        recorder.record(event)
        if isinstance(event, StepEvent) and event.step == 6 and change:
            trainer.steering.change(**change)
    store.set_status(run.id, "done")
    names = run_here(list(export_parts(store, store.run(run.id)).parts.values()))
    losses, evaluations = measured(store, run)
    assert names["losses"] == pytest.approx(losses, abs=ROUNDING)
    first = [0, 4, 8, 16]
    assert [row[0] for row in names["evaluations"]][:4] == [row[0] for row in evaluations][:4] == first
    assert len(names["evaluations"]) == len(evaluations)


def test_script_and_notebook_need_nothing_but_torch(store: RunStore, tmp_path: Path) -> None:
    model, training = CASES["modern"]
    run = trained(store, model, **training)
    script, files = export_script(store, run, "en")
    assert not files
    losses, evaluations, text, printed = run_alone(script, tmp_path)
    assert losses == pytest.approx(measured(store, run)[0], abs=ROUNDING)
    assert evaluations == [pytest.approx(row, abs=ROUNDING) for row in measured(store, run)[1]]
    assert text == TEXT
    sample = store.samples(run.id)[-1].text
    assert (
        sample[: run.model.block_size] in printed
    )  # behind its window, a sample forgets half of it at a time
    notebook, _ = export_notebook(store, run, "fr")
    cells = nbformat.reads(notebook, as_version=4).cells
    assert [cell.id for cell in cells] == list(PARTS)
    assert run_here([cell.source for cell in cells])["losses"] == losses
    imported = {
        name.name.split(".")[0]
        for node in ast.walk(ast.parse(script))
        if isinstance(node, ast.Import)
        for name in node.names
    }
    assert imported <= {"torch", "math"}


def test_changes_made_while_it_went_are_replayed(store: RunStore) -> None:
    run = new_run(
        store, text=TEXT, title="chat", model_fields={"n_embd": 16, "block_size": 8},
        training=TrainConfig(steps=30, sample_length=0, eval_interval=10), status="running",
    )  # fmt: skip
    trainer = take_up(store, run)
    recorder = Recorder(store, run.id, trainer)
    for event in trainer.run():
        recorder.record(event)
        if isinstance(event, StepEvent) and event.step == 12:
            trainer.steering.change(learning_rate=0.3, eval_interval=5, pace=10_000)
    store.set_status(run.id, "done")
    assert {change.name for change in store.changes(run.id)} == {"learning_rate", "eval_interval", "pace"}
    names = run_here(list(export_parts(store, store.run(run.id)).parts.values()))
    losses, evaluations = measured(store, run)
    assert names["losses"] == pytest.approx(losses, abs=ROUNDING)
    assert (
        [row[0] for row in names["evaluations"]] == [row[0] for row in evaluations] == [0, 10, 15, 20, 25, 30]
    )


def test_a_stopped_run_ends_where_it_ended(store: RunStore) -> None:
    run = new_run(
        store, text=TEXT, title="chat", model_fields={"n_embd": 16, "block_size": 8},
        training=TrainConfig(steps=30, schedule="linear"), status="running",
    )  # fmt: skip
    trainer = take_up(store, run)
    recorder = Recorder(store, run.id, trainer)
    for event in trainer.run():
        recorder.record(event)
        if event.step == 7:
            trainer.steering.stop()
    store.set_status(run.id, "stopped")
    script, _ = export_script(store, store.run(run.id))
    assert "stopped after 7 of its 30 steps" in script
    assert run_here([script])["losses"] == pytest.approx(measured(store, run)[0], abs=ROUNDING)


def test_a_run_that_was_trained_with_all_digits_although_fewer_were_asked_for(store: RunStore) -> None:
    model, training = CASES["fewer digits"]
    run = trained(store, model, **training, begun_in="float32")
    assert (run.training.precision, run.precision) == ("bfloat16", "float32")
    names = run_here(list(export_parts(store, run).parts.values()))
    assert names["losses"] == pytest.approx(measured(store, run)[0], abs=ROUNDING)


def test_a_run_that_ran_out_of_patience_ends_where_it_ended(store: RunStore) -> None:
    run = trained(store, {}, steps=400, patience=1, learning_rate=1.0)
    assert run.status == "done" and run.step < 400
    names = run_here(list(export_parts(store, run).parts.values()))
    assert names["losses"] == pytest.approx(measured(store, run)[0], abs=ROUNDING)


def test_a_diverged_run_diverges_again(store: RunStore) -> None:
    run = trained(store, {}, optimizer="sgd", learning_rate=1000.0, steps=200, eval_interval=9)
    assert run.status == "diverged"
    names = run_here(list(export_parts(store, run).parts.values()))
    losses, _ = measured(store, run)
    assert names["losses"] == pytest.approx(losses, rel=1e-5)


def test_odd_texts_come_through_as_they_are(
    store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = 'a"""b\\n\\x41 {x} $y %z #? tiny\n# 2. Train: it\u200b\u202e\u2028\x0b\x07é\u0301😀\u00a0fin"' * 20
    for text in (corpus.normalize(odd, lower=False), "ab" * (LONGEST_EMBEDDED // 2 + 10) + "\r"):
        run = trained(store, {}, text=text, steps=1)
        script, files = export_script(store, run)
        monkeypatch.chdir(tmp_path)
        for name, data in files.items():
            Path(name).write_bytes(data)
        assert bool(files) == (len(text) > LONGEST_EMBEDDED)
        assert run_here([script])["text"] == text
        assert not any(c in script for c in "\u200b\u202e\u2028\x0b\x07")


ATTACKS = {
    "a part of the template": "abc\n#% prepare\nimport builtins\nbuiltins.attacked = True\n#",
    "another part": "abc\n#% train\nimport builtins\nbuiltins.attacked = True\n#% generate\nmore\n",
    "no part of it": "abc\n#% word\nmore\n#% \n",
    "a gap of the template": "abc $name ${text} $changes $$ %s {x} {text!r}\n",
    "a condition": "abc\nbuiltins.attacked = True  #? tiny\n    #? !tiny\n",
    "an end of the string": 'abc""" + __import__("os").system("x") + """ \\""" \\\\""" \\',
    "only quotes": '"' * 7 + "a" + '"' * 5,
}


@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS)
def test_a_text_is_never_code(store: RunStore, tmp_path: Path, text: str) -> None:
    whole = corpus.normalize(text * (1 + 60 // len(text)), lower=False)
    run = trained(store, {"block_size": 4}, text=whole, steps=2)
    store.rename(run.id, text)
    for language in languages():
        script, _files = export_script(store, store.run(run.id), language)
        names = run_here([script])
        assert names["text"] == whole
        assert names["losses"] == pytest.approx(measured(store, run)[0], abs=ROUNDING)
        notebook, _files = export_notebook(store, store.run(run.id), language)
        cells = nbformat.reads(notebook, as_version=4).cells
        assert run_here([cell.source for cell in cells])["text"] == whole
        assert [cell.id for cell in cells] == list(PARTS)
    assert not vars(builtins).pop("attacked", False)


def test_a_name_is_never_code(store: RunStore, tmp_path: Path) -> None:
    run = trained(store, {}, steps=1)
    named = 'x\u2028import os\rprint("no") $text ${steps} #? tiny'
    store.rename(run.id, named)
    script, _files = export_script(store, store.run(run.id))
    assert '# Its name: x import os print("no") $text ${steps} #? tiny' in script.splitlines()


def test_a_name_does_not_say_how_the_program_is_encoded(store: RunStore, tmp_path: Path) -> None:
    """Python looks for "coding: …" in the first two lines (PEP 263); in UTF-7, +AAo- is the end of a line."""
    run = trained(store, {}, text=TEXT[:500] + "+AAo-raise SystemExit(3)+AAo-", steps=1)
    store.rename(run.id, "coding: utf_7")
    script, _files = export_script(store, store.run(run.id))
    assert run_alone(script, tmp_path)[2].endswith("+AAo-raise SystemExit(3)+AAo-")
    assert tokenize.detect_encoding(io.BytesIO(script.encode()).readline)[0] == "utf-8"


OTHERS = languages()[1:]


@pytest.mark.parametrize("language", OTHERS)
def test_every_comment_is_translated(store: RunStore, language: str) -> None:
    left = set()
    for model, training in CASES.values():
        run = trained(store, model, **training | {"steps": 1})
        pair = [export_script(store, run, code)[0].split('"""')[::2] for code in (ENGLISH, language)]
        english, translated = ("".join(parts).splitlines() for parts in pair)
        for line, other in zip(english, translated, strict=True):
            words = line.partition("# ")[2]
            if words and line == other and not words.startswith("(") and run.name not in line:
                left.add(line)
    assert not left
    gaps = re.compile(r"\$(last_step|steps|name)")
    assert all("’" not in english and "$" not in gaps.sub("", english) for english in words_of(language))


def test_a_language_without_words_of_its_own_gets_the_english_ones(store: RunStore) -> None:
    run = trained(store, {}, steps=1)
    assert export_script(store, run, "../words/fr") == export_script(store, run, ENGLISH)


def test_the_command_line_writes_and_reads_every_form(
    store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MINIGPT_HOME", str(store.home))
    run = trained(store, {}, steps=3)
    for form, ending in (("notebook", "ipynb"), ("script", "py"), ("csv", "csv"), ("zip", "zip")):
        target = str(tmp_path / f"run.{ending}")
        assert main(["export", "--format", form, "--language", "fr", target]) == 0
        assert main(["export", "--format", form, target]) == 2  # it is there already
        assert "name a new file" in capsys.readouterr().err
    assert "# 2. Entraîner" in (tmp_path / "run.py").read_text("utf-8")
    assert main(["import", str(tmp_path / "run.zip"), "--name", "copy"]) == 0
    copy = store.find_run("last")
    assert (copy.name, copy.step, copy.id == run.id) == ("copy", 3, False)
    assert main(["import", str(tmp_path / "run.csv")]) == 2
    assert "damaged" in capsys.readouterr().err


def test_csv_holds_every_number(store: RunStore) -> None:
    run = trained(store, {})
    rows = list(csv.DictReader(io.StringIO(export_csv(store, run))))
    assert tuple(rows[0]) == COLUMNS
    assert [float(row["loss"]) for row in rows if row["loss"]] == measured(store, run)[0]
    found = [(int(r["step"]), float(r["train_loss"]), float(r["val_loss"])) for r in rows if r["train_loss"]]
    assert found == measured(store, run)[1]


def test_csv_for_spreadsheets_that_write_0_5_with_a_comma(store: RunStore) -> None:
    run = trained(store, {}, steps=3)
    usual = list(csv.reader(io.StringIO(export_csv(store, run))))
    french = list(csv.reader(io.StringIO(export_csv(store, run, decimal_comma=True)), delimiter=";"))
    assert [[cell.replace(",", ".") for cell in row] for row in french] == usual
    assert not any("." in cell for row in french for cell in row)


def test_csv_leaves_out_what_was_no_number(store: RunStore) -> None:
    run = trained(store, {}, steps=2)
    store.append(run.id, changes=[ChangeEvent(step=1, name="pace", value=2.0)])
    with store._database.writing() as db:
        db.execute("UPDATE steps SET loss = NULL WHERE step = 2")
    last = export_csv(store, run).splitlines()[-1].split(",")
    assert last[:2] == ["2", ""]


def test_tensorboard_is_asked_for_in_a_sentence(
    store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained(store, {}, steps=1)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)  # as if it were not installed
    with pytest.raises(ExportError, match="pip install tensorboard"):
        export_tensorboard(store, run, tmp_path / "events")
    assert not (tmp_path / "events").exists()


class Written:
    """What TensorBoard's writer is given."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def add_scalar(self, *_: Any, **__: Any) -> None:
        pass

    def add_text(self, _name: str, text: str, *_: Any, **__: Any) -> None:
        self.texts.append(text)


def test_a_sample_is_no_markdown_in_tensorboard(store: RunStore) -> None:
    run, odd = trained(store, {}, steps=1, sample_length=0), "# un matin\n[x](y) <b>\n\n- *chat*\n```"
    store.append(run.id, samples=[SampleEvent(step=1, text=odd)])
    written = Written()
    write_scalars(written, store, run)
    lines = written.texts[-1].split("\n")
    assert all(line.startswith("    ") for line in lines)
    assert "\n".join(line[4:] for line in lines) == odd


def test_tensorboard_reads_what_was_written(store: RunStore, tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run = trained(store, {})
    export_tensorboard(store, run, tmp_path / "events")
    read = accumulator.EventAccumulator(str(tmp_path / "events")).Reload()
    assert [event.value for event in read.Scalars("loss")] == pytest.approx(
        measured(store, run)[0], abs=ROUNDING
    )
    assert [event.step for event in read.Scalars("val_loss")] == [e.step for e in store.evaluations(run.id)]


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("un matin, le chat dort", "un matin, le"),
        ("Anticonstitutionnellement, incompréhensiblement, oui", "Anticonstitutionnellement,"),
        ("x" * 50, "x" * 30),
        ("\nab", "\n"),
    ],
)
def test_the_prompt_of_a_program_ends_with_a_whole_word(text: str, prompt: str) -> None:
    assert opening(text) == prompt
