"""The loop of a worker without its process: what it hears, what it does."""

import errno
import io
import queue
import sys
from pathlib import Path
from typing import Any

import pytest

from minigpt_core.configs import TrainConfig
from minigpt_core.errors import StoreError, UserError
from minigpt_core.jobs import elsewhere
from minigpt_core.jobs.worker import LEAVE, Controls, Worker, train, warm_up
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import Run, RunStore

TEXT = "le chat curieux dort. le chat gris court. un matin, le chat voit un oiseau.\n" * 12


class Script(queue.Queue[Any]):
    """What the other side says before each turn of the loop; Stop as soon as the run waits for more."""

    def __init__(self, *turns: list[str]) -> None:
        super().__init__()
        self._turns = list(turns)

    def empty(self) -> bool:
        for word in self._turns.pop(0) if self._turns else []:
            self.put({"do": word})
        return super().empty()

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        return {"do": "stop"} if super().empty() else super().get(block, timeout)


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path)


def make_run(store: RunStore, **training: Any) -> Run:
    config = TrainConfig(
        **({"steps": 40, "eval_interval": 40, "sample_length": 0, "eval_windows": 1} | training)
    )
    return new_run(
        store, text=TEXT, title="chat", model_fields={"block_size": 8, "n_embd": 16}, training=config
    )


@pytest.mark.parametrize(
    ("words", "made"),
    [
        (["pause"], 0),
        (["step"], 1),
        (["step", "step"], 2),
        (["step", "pause"], 0),
        (["step", "resume", "pause"], 0),
        (["step", "resume", "step"], 1),
    ],
)
def test_a_held_run_makes_the_steps_that_were_asked_for_since(
    store: RunStore, words: list[str], made: int
) -> None:
    run = make_run(store)
    assert train(store, run.id, Controls(Script([], [], words), lambda *_, **__: None)) == "stopped"
    assert store.run(run.id).step == made


def test_a_worker_is_not_reached_by_what_a_killed_command_line_has_left(store: RunStore) -> None:
    run = make_run(store)
    left = store.folder(run.id) / elsewhere.FILE
    left.parent.mkdir(parents=True, exist_ok=True)
    left.touch()
    assert not elsewhere.reaches(store, run.id), "nobody trains it"
    reached = list[bool]()
    controls = Controls(
        queue.Queue(), lambda *_told, **_more: reached.append(elsewhere.reaches(store, run.id))
    )
    with store.lock(run.id):
        assert elsewhere.reaches(store, run.id)
    assert train(store, run.id, controls) == "done"
    assert reached and not any(reached) and not left.exists()


class Unwritable:
    """A record on a disk that takes nothing any more."""

    def set_status(self, run_id: str, status: str, **columns: Any) -> None:
        raise StoreError("The disk is full.")


class FullLog(io.StringIO):
    """Where a worker prints to lies on that disk, too."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    "caught", [StoreError("The disk is full."), OSError(errno.ENOSPC, "No space left on device")]
)
def test_that_a_disk_is_full_is_said_though_its_log_lies_there(
    monkeypatch: pytest.MonkeyPatch, caught: Exception
) -> None:
    said: list[dict[str, Any]] = []
    inbox: Any = queue.SimpleQueue()
    for message in ({"do": "train", "run": "r"}, LEAVE):
        inbox.put(message)

    def make(message: object, controls: Controls) -> str:
        raise caught

    worker = Worker(
        Unwritable(), inbox, lambda event, **details: said.append({"event": event} | details), make
    )
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", FullLog())
        worker.work()
    assert [each["event"] for each in said] == ["ready", "finished"]
    assert "full" in str(UserError.from_json(said[1]["error"]))


def test_what_is_copied_for_each_training_has_asked_for_no_card(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has looked for a graphics card cannot be forked any more: its copies would train without one."""

    def asked() -> bool:
        raise AssertionError("it looked for a card")

    monkeypatch.setattr("torch.cuda.is_available", asked)
    monkeypatch.setattr("torch.cuda.device_count", asked)
    warm_up()
