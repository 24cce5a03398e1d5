"""The command line, as a person types it, on a real store."""

import io
import json
import os
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from minigpt_core.__main__ import main
from minigpt_core.background import import_path
from minigpt_core.configs import TrainConfig
from minigpt_core.steering import ChangeEvent
from minigpt_core.store.runs import RunStore
from minigpt_core.texts import corpus
from tests.core.texts.test_pdf import document

SMALL = [
    "--set",
    "steps=30",
    "--set",
    "eval_interval=10",
    "--set",
    "sample_length=20",
    "--set",
    "eval_windows=4",
]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MINIGPT_HOME", str(tmp_path))
    return tmp_path


def run(*arguments: str, encoding: str = "utf-8", stdin: bytes = b"") -> str:
    """What the command prints into a file or a pipe of this encoding, in a process of its own: it must succeed."""
    done = subprocess.run(
        [sys.executable, "-m", "minigpt_core", *arguments],
        input=stdin,
        capture_output=True,
        timeout=120,
        env=os.environ | {"PYTHONIOENCODING": encoding, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr.decode(encoding, "replace")
    return done.stdout.decode(encoding).replace("\r\n", "\n")


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """The same as `run`, in this process: a new one takes seconds to start."""

    def run_here(*arguments: str) -> str:
        assert main(list(arguments)) == 0
        return capsys.readouterr().out

    return run_here


def test_train_sample_and_list(home: Path, here: Callable[..., str]) -> None:
    lines = [
        json.loads(line) for line in here("train", "--preset", "notebook", "--json", *SMALL).splitlines()
    ]
    metrics = [line for line in lines if line["event"] == "metrics"]
    assert [line["step"] for line in metrics] == [0, 10, 20, 30]
    assert metrics[-1]["train_loss"] < metrics[0]["train_loss"]
    assert metrics[-1]["val_loss"] < metrics[0]["val_loss"]
    done = lines[-1]
    assert (done["event"], done["status"], done["step"]) == ("done", "done", 30)
    stored = RunStore(home).run(done["run"])
    assert (stored.status, stored.training.steps, stored.workspace) == ("done", 30, "local")

    sample = ["sample", "--run", done["run"], "--prompt", "un matin,", "--tokens", "50"]
    sample += ["--temperature", "0.8"]
    first = run(*sample, "--top-k", "0", "--top-p", "1", "--seed", "1")
    assert first.startswith("un matin,")
    assert len(first.rstrip("\n")) <= 59
    assert here(*sample, "--seed", "1") == first
    assert here(*sample, "--seed", "2") != first
    listing = here("runs")
    assert done["run"] in listing
    assert "done" in listing


def test_the_progress_bar_names_loss_and_time_left(home: Path, here: Callable[..., str]) -> None:
    shown = here("train", *SMALL)
    assert "30/30" in shown
    assert "loss" in shown
    assert "s left" in shown
    last = RunStore().evaluations(RunStore().find_run("last").id)[-1]
    assert last.step == 30 and f"validation {last.val_loss:.3f}" in shown.split("\r")[-1]
    assert RunStore(home).find_run("last").id in shown


COMPILED = """
import sys, torch
from functools import partial
torch.compile = partial(torch.compile, backend="eager")  # the steps are traced, but need no C++ compiler
from minigpt_core.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def test_compiled_steps_are_the_same_and_what_they_cost_is_said(home: Path, here: Callable[..., str]) -> None:
    usual = ["train", "--json", *SMALL]
    compiled = subprocess.run(
        [sys.executable, "-c", COMPILED, *usual, "--compile"],
        capture_output=True, text=True, timeout=200, env=os.environ | import_path() | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert compiled.returncode == 0, compiled.stderr
    assert "up to a minute" in compiled.stderr
    losses = [
        [line["train_loss"] for line in map(json.loads, printed.splitlines()) if line["event"] == "metrics"]
        for printed in (compiled.stdout, here(*usual))
    ]
    assert len(losses[0]) == 4
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)


def test_a_text_of_ones_own(home: Path, here: Callable[..., str]) -> None:
    (home / "mine.txt").write_bytes("Où est la PÊCHE ?\n".encode("cp1252") * 40)
    here("train", "--text", str(home / "mine.txt"), "--set", "block_size=8", *SMALL)
    stored = RunStore(home).find_run("last")
    assert (stored.text_title, stored.lower) == ("mine.txt", True)
    assert set(stored.characters) == set("où est la pêche ?\n")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp932", "cp949"])
def test_nothing_that_is_printed_needs_more_than_the_console_has(home: Path, encoding: str) -> None:
    text = home / "Ω é 猫.txt"
    text.write_bytes("Ωμέγα – œuf 猫 고양이\n".encode() * 40)
    file = io.BytesIO()
    console = io.TextIOWrapper(file, encoding=encoding, write_through=True)  # as Python makes one: strict
    with redirect_stdout(console), redirect_stderr(console):
        assert main(["train", "--text", str(text), "--name", "Ω é 猫", "--set", "block_size=8", *SMALL]) == 0
        assert main(["sample", "--prompt", "ω猫é🐱"]) == 0
        assert main(["runs"]) == 0
    run = RunStore(home).find_run("last")
    shown = file.getvalue().decode(encoding)
    assert run.status == "done" and f"Run {run.id}: done at step 30" in shown


def test_a_file_is_read_as_it_was_written_and_that_is_said(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = "Однажды утром кот посмотрел в окно.\n"
    (home / "kot.txt").write_bytes(words.encode("koi8-r") * 40)
    assert main(["train", "--text", str(home / "kot.txt"), *SMALL]) == 0
    said = capsys.readouterr().err
    assert "KOI8-R" in said and words.strip() in said
    assert set(RunStore(home).find_run("last").characters) == set(words.lower())
    assert main(["train", "--text", str(home / "kot.txt"), "--encoding", "cp866", *SMALL]) == 0
    said = capsys.readouterr().err
    assert "Code page 866" in said and words.encode("koi8-r").decode("cp866").strip() in said
    assert main(["train", "--text", str(home / "kot.txt"), "--encoding", "klingon", *SMALL]) == 2
    assert "There is no encoding called klingon" in capsys.readouterr().err


def test_damaged_bytes_are_told_with_their_place(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "cut.txt").write_bytes(("été " * 600 + "é").encode()[:-1])
    assert main(["train", "--text", str(home / "cut.txt"), *SMALL]) == 0
    said = capsys.readouterr().err
    assert "read as UTF-8" in said and "character 2401:" in said
    assert set(RunStore(home).find_run("last").characters) == set("ét \ufffd")


def test_the_text_inside_is_taken_and_all_of_it_on_request(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "page.html").write_text("<!DOCTYPE html><body><p>" + "un chat dort " * 40 + "</p></body>")
    assert main(["train", "--text", str(home / "page.html"), *SMALL]) == 0
    said = capsys.readouterr().err
    assert "HTML" in said and "--as-is" in said
    assert set(RunStore(home).find_run("last").characters) == set("un chat dort ")
    assert main(["train", "--text", str(home / "page.html"), "--as-is", *SMALL]) == 0
    assert "HTML" not in capsys.readouterr().err
    assert "<" in RunStore(home).find_run("last").characters
    (home / "story.pdf").write_bytes(document("The cat sat on the mat. " * 20))
    assert main(["train", "--text", str(home / "story.pdf"), *SMALL]) == 0
    assert "PDF document, begins: The cat sat" in capsys.readouterr().err


def test_a_text_can_be_piped_in_and_a_bar_of_plain_signs_goes_out_where_there_are_no_blocks(
    home: Path,
) -> None:
    text = "Où est la pêche ?\n".encode("cp1252") * 40
    shown = run("train", "--text", "-", "--name", "Ω", *SMALL, encoding="cp1252", stdin=text)
    stored = RunStore(home).find_run("last")
    assert (stored.text_title, set(stored.characters)) == ("stdin", set("où est la pêche ?\n"))
    assert "########################" in shown


@pytest.mark.skipif(sys.platform == "win32", reason="reads /dev/zero")
@pytest.mark.parametrize("name", ["sparse", "/dev/zero"])
def test_a_file_of_any_size_is_refused_before_it_is_read(
    home: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    with (home / "sparse").open("wb") as file:
        file.truncate(3_000_000_000)
    tracemalloc.start()
    assert main(["train", "--text", str(home / name), *SMALL]) == 2
    assert tracemalloc.get_traced_memory()[1] < 2 * corpus.MAX_BYTES
    tracemalloc.stop()
    assert "must be less than 20 MB" in capsys.readouterr().err


def test_unknown_characters_of_a_prompt_are_named_and_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", *SMALL]) == 0
    capsys.readouterr()
    assert main(["sample", "--prompt", "Un kiwi 🐱", "--tokens", "5"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("un ii ")
    assert "'k', 'w', '🐱'" in err


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_ctrl_c_stops_with_a_checkpoint_and_the_run_can_go_on(home: Path, here: Callable[..., str]) -> None:
    arguments = ["train", "--json", "--set", "steps=400", "--set", "eval_interval=10", "--set", "pace=100"]
    process = subprocess.Popen(
        [sys.executable, "-m", "minigpt_core", *arguments], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    while json.loads(process.stdout.readline()).get("step") != 20:
        pass
    process.send_signal(signal.SIGINT)
    done = json.loads(process.communicate(timeout=60)[0].splitlines()[-1])
    assert done["status"] == "stopped"
    assert RunStore(home).load_checkpoint(done["run"]).step == done["step"]
    at_full_speed = ChangeEvent(step=done["step"], name="pace", value=0.0)
    RunStore(home).append(done["run"], changes=[at_full_speed])
    again = here("train", "--resume", done["run"], "--json").splitlines()
    assert json.loads(again[-1])["step"] == 400
    steps = [event.step for event in RunStore(home).steps_since(done["run"], limit=1000)]
    assert steps == list(range(1, 401))


@pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
@pytest.mark.parametrize("end", ["SIGTERM", "SIGHUP", "a closed pipe"])  # SIGHUP: the terminal was closed
def test_who_ends_the_program_keeps_the_steps_that_were_made(home: Path, end: str) -> None:
    arguments = ["train", "--json", "--set", "steps=4000", "--set", "eval_interval=20", "--set", "pace=100"]
    process = subprocess.Popen([sys.executable, "-m", "minigpt_core", *arguments], stdout=subprocess.PIPE)
    assert process.stdout is not None
    while json.loads(process.stdout.readline()).get("step") != 20:
        pass
    if end.startswith("SIG"):
        process.send_signal(signal.Signals[end])
    else:
        process.stdout.close()
    assert process.wait(timeout=60) == 0
    store = RunStore(home)
    run = store.find_run("last")
    assert run.status == "stopped" and run.step >= 20
    assert store.load_checkpoint(run.id).step == run.step


def test_divergence_has_an_exit_status_of_its_own() -> None:
    assert main(["train", "--set", "optimizer=sgd", "--set", "learning_rate=1000", "--json", *SMALL]) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["train", "--preset", "magic"], "The presets are"),
        (["train", "--set", "learning_rat=1"], "There is no setting called learning_rat"),
        (["train", "--set", "steps=many"], "steps = many"),
        (["train", "--set", "steps=0"], "steps = 0"),
        (["train", "--set", "steps"], "name=value"),
        (["train", "--set", "block_size=1000000"], "block_size"),
        (["train", "--text", "no-such-file.txt"], "no-such-file.txt cannot be read"),
        (["train", "--resume", "f00"], "No run"),
        (["sample", "--run", "f00"], "No run"),
        (["sample", "--temperature", "-1"], "temperature = -1"),
        (["sample", "--temperature", "nan"], "temperature = nan"),
        (["sample", "--top-p", "0"], "top_p = 0"),
        (["sample", "--tokens", "0"], "tokens = 0"),
        (["train", "--threads", "0"], "threads = 0"),
        (["train", "--threads", "-1"], "threads = -1"),
        (["train", "--threads", "9" * 30], "threads = 9"),
        (["train", "--set", "seed=-1"], "seed = -1"),
        (["train", "--set", f"seed={2**70}"], f"seed = {2**70}"),
    ],
)
def test_every_mistake_gets_a_sentence(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    assert main(arguments) == 2
    assert says in capsys.readouterr().err
    assert RunStore(home).runs() == []


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"aaaaaa", "one character"),
        (b"abab", "block size"),
        (b"\x00\x01\xff" * 50, "plain text"),
    ],
)
def test_an_unusable_text_registers_nothing(
    content: bytes, says: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "text.txt").write_bytes(content)
    assert main(["train", "--text", str(home / "text.txt")]) == 2
    assert says in capsys.readouterr().err
    assert RunStore(home).runs() == []


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--seed", "-1"),
        ("--seed", str(2**64)),
        ("--keep", "-1"),
        ("--tokens", "-1"),
        ("--top-k", "-1"),
        ("--checkpoint", "x"),
    ],
)
def test_what_a_sample_cannot_be_made_with_gets_a_sentence(
    option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", *SMALL]) == 0
    capsys.readouterr()
    assert main(["sample", option, value]) == 2
    out, err = capsys.readouterr()
    assert out == "" and value in err


def test_no_runs_yet_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs"]) == 0
    assert "No runs yet" in capsys.readouterr().out


def test_the_learning_rate_of_the_preset_is_the_default() -> None:
    assert main(["train", *SMALL]) == 0
    assert RunStore().find_run("last").training.learning_rate == TrainConfig().learning_rate


def test_the_bin_is_emptied_on_request(here: Callable[..., str], home: Path) -> None:
    here("train", *SMALL)
    store = RunStore(home)
    run = store.find_run("last")
    assert "Removed for good: 0 deleted runs, 0.0 MB." in here("runs", "--empty-bin")
    store.delete(run.id)
    assert "Removed for good: 1 deleted run, 0." in here("runs", "--empty-bin")
    assert not store.folder(run.id).exists() and store.runs("local", deleted=True) == []


def test_a_backup_becomes_a_data_folder_again(
    here: Callable[..., str], home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MINIGPT_HOME", str(home / "one"))
    here("train", *SMALL)
    run = RunStore(home / "one").find_run("last")
    assert "1 run, " in here("backup", str(home / "all.zip"))
    assert main(["restore", str(home / "all.zip")]) == 2
    assert "--replace" in capsys.readouterr().err
    assert "What was there before" in here("restore", str(home / "all.zip"), "--replace")
    monkeypatch.setenv("MINIGPT_HOME", str(home / "two"))
    assert "1 run, " in here("restore", str(home / "all.zip"))
    assert RunStore(home / "two").runs() == [run]
    (home / "cut.zip").write_bytes((home / "all.zip").read_bytes()[:-1])
    monkeypatch.setenv("MINIGPT_HOME", str(home / "three"))
    assert main(["restore", str(home / "cut.zip")]) == 2
    assert "damaged or incomplete" in capsys.readouterr().err
