"""`python -m minigpt_core.jobs.worker`: a process that trains one run at a time, driven over stdin.

Messages are JSON objects, one a line. In: `train`, `measure`, `pause`, `resume`, `step`, `stop`, `change`. Out:
`ready`, `started`, `paused`, `resumed`, `measured`, `finished`. When stdin closes, the server is gone: the worker
saves a checkpoint and leaves; the run then counts as interrupted and can be resumed.
"""

import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.data import prepare
from minigpt_core.devices import threads_here
from minigpt_core.errors import StoreError, UserError
from minigpt_core.jobs.recording import Recorder
from minigpt_core.jobs.speed import measure
from minigpt_core.memory_budget import check_memory
from minigpt_core.steering import Steering
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.tokenizer import CharTokenizer
from minigpt_core.training import DoneEvent, EvaluatingEvent, Trainer

Message = dict[str, Any]
LEAVE: Message = {"do": "leave"}
LEAVE_SECONDS = 2.5  # the server promises that nothing is left after 3 s


class Controls:
    """What the other side wants of the run in progress. Looked at before every step and between evaluation chunks."""

    def __init__(
        self, inbox: "queue.Queue[Message]", tell: Callable[..., None], paused: bool = False
    ) -> None:
        self._inbox, self._tell = inbox, tell
        self.paused = paused
        self.leaving = False
        self._steps_allowed = 0
        self._trainer: Trainer | None = None
        self._recorder: Recorder | None = None

    def drive(self, trainer: Trainer, recorder: Recorder) -> None:
        """Act on this trainer from now on."""
        self._trainer, self._recorder = trainer, recorder

    def wait(self, steering: Steering) -> None:
        """Before a step: handle what comes, until the pace allows it, or for as long as the run is paused."""
        while True:
            self.listen()
            if steering.stopping:
                return
            if self.paused and self._steps_allowed:
                self._steps_allowed -= 1
                return
            left = steering.seconds_until_due()
            if not self.paused and left <= 0:
                return
            self._hear(timeout=None if self.paused else left)

    def listen(self) -> None:
        """Handle what has come, without waiting."""
        while not self._inbox.empty():
            self._hear(timeout=0)

    def _hear(self, timeout: float | None) -> None:
        if self._recorder is not None and timeout != 0:
            self._recorder.flush()  # about to wait: nothing may be held back
        try:
            self._handle(self._inbox.get(timeout=timeout))
        except queue.Empty:
            pass

    def _handle(self, message: Message) -> None:
        assert self._trainer is not None and self._recorder is not None
        match message["do"]:
            case "pause":
                self._pause()
                self._steps_allowed = 0
            case "resume" if self.paused:
                self.paused, self._steps_allowed = False, 0
                self._recorder.pause()
                self._tell("resumed")
            case "step":
                self._pause()
                self._steps_allowed += 1
            case "change":
                self._trainer.steering.change(**message["settings"])
            case "stop" | "leave":
                self.leaving = message == LEAVE
                self._trainer.steering.stop()

    def _pause(self) -> None:
        assert self._recorder is not None
        if not self.paused:
            self.paused = True
            self._recorder.pause()
            self._tell("paused")


def train(store: RunStore, run_id: str, controls: Controls, threads: int = 1) -> str:
    """Train a run from its last checkpoint (or from the start) and return the status it ends with.

    Raises:
        StoreError: another process is training this run, or the store cannot be written.
    """
    run = store.run(run_id)
    torch.set_num_threads(threads_here(run.threads or threads))
    with store.lock(run_id):
        trainer = make_trainer(store, run, controls.wait)
        recorder = Recorder(store, run_id, trainer)
        controls.drive(trainer, recorder)
        problem = trainer.device_problem
        store.set_status(
            run_id,
            "paused" if controls.paused else "running",
            threads=torch.get_num_threads(),
            device=trainer.device.type,
            remark=problem.to_json() if problem else None,
        )
        status = "failed"
        for event in trainer.run():
            if isinstance(event, EvaluatingEvent):
                controls.listen()
                continue
            recorder.record(event)
            if isinstance(event, DoneEvent):
                status = event.status
        if controls.leaving and status == "stopped":
            return "interrupted"  # nothing to write: "running" without a lock means just that
        store.set_status(run_id, status)
    return status


def make_trainer(store: RunStore, run: Run, wait: Callable[[Steering], object] | None = None) -> Trainer:
    """The run's trainer, at its last checkpoint if it has one, with the changes made since then.

    Raises:
        ConfigError: it needs more memory than there is, such as a run that was trained on a larger machine.
    """
    check_memory(run.model, run.training)
    tokenizer = CharTokenizer.from_characters(run.characters)
    dataset = prepare(store.text(run.text_id).text, run.training.val_fraction, tokenizer)
    checkpoint = store.load_checkpoint(run.id) if store.checkpoints(run.id) else None
    changes = store.changes(run.id, since_step=checkpoint.step if checkpoint else 0)
    return Trainer(dataset, run.model, run.training, checkpoint=checkpoint, changes=changes, wait=wait)


def warm_up() -> None:
    """One throw-away step: the first one of a process imports hundreds of modules."""
    measure(ModelConfig(vocab_size=2), TrainConfig(steps=1, sample_length=1))


def lower_priority() -> None:
    """Let the page stay quick while training takes what is left of the machine; where memory runs out, a training ends
    before the server does."""
    if sys.platform == "win32":
        import ctypes

        below_normal = 0x4000  # BELOW_NORMAL_PRIORITY_CLASS
        ctypes.windll.kernel32.SetPriorityClass(ctypes.windll.kernel32.GetCurrentProcess(), below_normal)
    else:
        os.nice(10)
    with suppress(OSError):  # Linux alone has it
        Path("/proc/self/oom_score_adj").write_text("500")  # from -1000 to 1000, the highest first


def read_messages(inbox: "queue.Queue[Message]") -> None:
    """Put stdin's messages into the inbox (pipes can't be polled on Windows, so a thread reads them)."""
    for line in sys.stdin:
        inbox.put(json.loads(line))
    inbox.put(LEAVE)
    time.sleep(LEAVE_SECONDS)
    os._exit(1)  # a step that takes longer than this; the last checkpoint stays


class Worker:
    """The loop around the jobs: read a message, train or measure, report."""

    def __init__(self, home: Path) -> None:
        self._store = RunStore(home)
        self._inbox: queue.Queue[Message] = queue.Queue()

    def work(self) -> None:
        """Serve until stdin closes."""
        warm_up()
        threading.Thread(target=read_messages, args=(self._inbox,), daemon=True).start()
        self._say("ready")
        while (message := self._inbox.get()) != LEAVE:
            if message["do"] == "train" and self._train(message):
                break
            if message["do"] == "measure":
                self._measure(message)

    def _train(self, message: Message) -> bool:
        """Train one run; True if the server has gone meanwhile."""
        run_id = message["run"]

        def tell(event: str) -> None:
            self._store.set_status(run_id, "paused" if event == "paused" else "running")
            self._say(event, run=run_id)

        controls = Controls(self._inbox, tell, paused=message.get("paused", False))
        try:
            keep_errors_with(self._store.folder(run_id))
            self._say("started", run=run_id)
            self._say(
                "finished", run=run_id, status=train(self._store, run_id, controls, message.get("threads", 1))
            )
        except Exception as error:
            traceback.print_exc()
            self._fail(run_id, error)
        return controls.leaving

    def _fail(self, run_id: str, error: Exception) -> None:
        """Say why a run ended, in the store if it can still be written, and to the server in any case."""
        if not isinstance(error, UserError):
            problem = f"{type(error).__name__}: {error}"
            error = StoreError(
                "Training stopped because of an unexpected problem: {problem}", problem=problem
            )
        try:
            self._store.set_status(run_id, "failed", error=error.to_json())
        except StoreError:
            traceback.print_exc()
        self._say("finished", run=run_id, status="failed", error=error.to_json())

    def _measure(self, message: Message) -> None:
        model, training = ModelConfig.from_dict(message["model"]), TrainConfig.from_dict(message["training"])
        self._say("measured", id=message["id"], seconds=measure(model, training, message["threads"]))

    def _say(self, event: str, **details: Any) -> None:
        try:
            sys.stdout.write(json.dumps({"event": event} | details) + "\n")
            sys.stdout.flush()
        except BrokenPipeError:  # the server is gone; the inbox says so too
            pass


def keep_errors_with(folder: Path) -> None:
    """From now on stderr goes to the run's own log, so that a crash can be explained later."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "worker.log").open("ab") as log:
        os.dup2(log.fileno(), sys.stderr.fileno())


def main() -> None:
    """Start a worker on the store in the folder given as the only argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is the server's to handle
    lower_priority()
    torch.set_num_threads(1)
    Worker(Path(sys.argv[1])).work()


if __name__ == "__main__":
    main()
