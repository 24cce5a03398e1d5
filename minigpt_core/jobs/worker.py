"""`python -m minigpt_core.jobs.worker`: a process that trains one run at a time, driven over stdin.

Messages are JSON objects, one a line. In: `train` (with what was asked of the run before), `measure`, `pause`,
`resume`, `step`, `stop`, `change`, `park`, `watch`. Out: `ready`, `running`, `paused`, `changed`, `load`, `live`,
`measured`, `finished`; what they say of a run is in the store by then. Whatever else is printed goes to stderr. When
stdin closes, or a signal asks for the end, the worker saves a checkpoint and leaves; the run then counts as interrupted
and can be resumed.
"""

import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import torch

from minigpt_core.background import lower_priority, print_problem
from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.data import Dataset, prepare
from minigpt_core.data_home import data_home
from minigpt_core.devices import available_threads
from minigpt_core.distributed import Alone
from minigpt_core.errors import StoreError, UserError
from minigpt_core.jobs import elsewhere
from minigpt_core.jobs.launchers import LOG, Message
from minigpt_core.jobs.recording import Record, Recorder
from minigpt_core.jobs.speed import measure
from minigpt_core.memory_budget import check_memory
from minigpt_core.precision import remember_in
from minigpt_core.steering import Steering
from minigpt_core.store.explained import FULL, disk_full
from minigpt_core.store.live_state import encoded, live_state
from minigpt_core.store.locks import AtWork
from minigpt_core.store.runs import PARKED, Run, RunStore
from minigpt_core.store.schema import connections_kept
from minigpt_core.tokenizer import CharTokenizer
from minigpt_core.training import Checkpoint, DoneEvent, EvaluatingEvent, Event, Trainer

Inbox = queue.Queue[Message] | queue.SimpleQueue[Message]
LEAVE: Message = {"do": "leave"}
LOAD_SECONDS = 1.0  # over so long it is measured how much of a core a run fills at its pace
LOAD_DIFFERS = 0.1  # of a core: less is not worth saying
LEAVE_SECONDS = 2.5  # the server promises that nothing is left after 3 s


class Controls:
    """What the other side wants of the run in progress. Looked at before every step and between evaluation chunks.

    Args:
        inbox: where its messages come in.
        tell: says `running`, `paused` or `changed`.
        then: messages that are older than the run's beginning.
    """

    def __init__(self, inbox: Inbox, tell: Callable[..., None], then: Iterable[Message] = ()) -> None:
        self._inbox, self._tell, self._then = inbox, tell, list(then)
        self.paused = False
        self.leaving = False
        self.parking = False
        self._steps_allowed = 0
        self._changes = 0  # the number of the last change that was heard
        self._changes_told = 0
        self._load, self._measured_at, self._waited = 1.0, time.monotonic(), 0.0
        self._trainer: Trainer | None = None
        self._recorder: Recorder | None = None

    @property
    def wishes(self) -> list[str]:
        """What it was asked for and has not done yet."""
        return ["step"] * self._steps_allowed if self.paused else ["resume"]

    def drive(self, trainer: Trainer, recorder: Recorder) -> None:
        """Act on this trainer from now on, which begins."""
        self._trainer = trainer
        for message in self._then:
            self._handle(message)
        status = "paused" if self.paused else "running"
        recorder.begin(status)
        self._tell(status)
        self._recorder = recorder

    def tell_watchers(self, store: RunStore, run_id: str) -> None:
        """Say what is to be told to those who watch the run (see `store/live_state.py`)."""
        self._tell("live", state=encoded(live_state(store, run_id)).decode())

    def wait(self, steering: Steering) -> None:
        """Before a step: handle what comes, until the pace allows it, or for as long as the run is paused."""
        while True:
            self.listen()
            self.settle()
            if steering.stopping:
                return
            if self.paused and self._steps_allowed:
                self._steps_allowed -= 1
                return
            left = steering.seconds_until_due()
            if self.paused:
                self._hear(timeout=None)
                self._measured_at, self._waited = time.monotonic(), 0.0
            elif left > 0:
                began = time.monotonic()
                self._hear(timeout=left)
                self._waited += time.monotonic() - began
            else:
                return self._measure_load()

    def listen(self) -> None:
        """Handle what has come, without waiting."""
        while not self._inbox.empty():
            self._hear(timeout=0)

    def settle(self) -> None:
        """Between two steps: changes that were asked for come into force and are recorded, also while it is paused."""
        assert self._trainer is not None and self._recorder is not None
        for change in self._trainer.steering.changes_due(self._trainer.step):
            self._recorder.record(change)
        if self._changes_told != self._changes:
            self._changes_told = self._changes
            self._tell("changed", id=self._changes)

    def _measure_load(self) -> None:
        """How much of the time it does not wait for its pace: what it would take of a core of its own. A run for which
        the processor has no time does not wait."""
        passed = time.monotonic() - self._measured_at
        if passed >= LOAD_SECONDS:
            load = max(0.0, 1.0 - self._waited / passed)
            self._measured_at, self._waited = time.monotonic(), 0.0
            if abs(load - self._load) >= LOAD_DIFFERS:
                self._load = load
                self._tell("load", share=round(load, 2))

    def _hear(self, timeout: float | None) -> None:
        if self._recorder is not None and timeout != 0:
            self._recorder.rest(timeout)
        try:
            self._handle(self._inbox.get(timeout=timeout))
        except queue.Empty:
            pass

    def _handle(self, message: Message) -> None:
        assert self._trainer is not None
        match message["do"]:
            case "pause":
                self._hold(True)
            case "resume":
                self._hold(False)
            case "step":
                allowed = self._steps_allowed
                self._hold(True)
                self._steps_allowed = allowed + 1
            case "change":
                self._trainer.steering.change(**message["settings"])
                self._changes = message["id"]
            case "stop" | "leave":
                self.leaving = message == LEAVE
                self._trainer.steering.stop()
            case "watch":
                if self._recorder is not None:
                    self._recorder.watch()
            case "park":
                self.parking = True
                self._trainer.steering.stop()

    def _hold(self, paused: bool) -> None:
        """Pause, or go on. Single steps that were asked for before and not made yet are taken back."""
        self._steps_allowed = 0
        if self.paused != paused:
            self.paused = paused
            if self._recorder is not None:
                status = "paused" if paused else "running"
                self._recorder.turn(status)
                self._tell(status)


def train(
    store: RunStore,
    run_id: str,
    controls: Controls,
    threads: int = 1,
    settings: Mapping[str, float] | None = None,
) -> str:
    """Train a run from its last checkpoint (or from the start) and return the status it ends with.

    Args:
        settings: that were asked for since, of those that can be changed on the way.

    Raises:
        StoreError: another process is training this run, or the store cannot be written.
    """
    with store.lock(run_id):
        elsewhere.forget(store, run_id)
        run = store.run(run_id)
        torch.set_num_threads(available_threads(run.threads or threads))
        trainer = take_up(store, run, settings, controls.wait)
        tell = partial(controls.tell_watchers, store, run_id)
        return carry_on(trainer, Recorder(store, run_id, trainer, tell), controls)


def recorded(trainer: Trainer, recorder: Recorder, controls: Controls) -> Iterator[Event]:
    """Train: every event once it is recorded. Between the windows of an evaluation, `controls` listen."""
    for event in trainer.run():
        if isinstance(event, EvaluatingEvent):
            controls.listen()
        else:
            recorder.record(event)
            yield event


def carry_on(trainer: Trainer, recorder: Recorder, controls: Controls) -> str:
    """Train until the end, or until somebody ends it, and return the status that the run ends with."""
    controls.drive(trainer, recorder)
    status = "failed"
    for event in recorded(trainer, recorder, controls):
        if isinstance(event, DoneEvent):
            status = event.status
    if status == "stopped":
        controls.settle()
        if controls.leaving:
            return "interrupted"  # nothing to write: "running" without a lock means just that
        if controls.parking:
            status = PARKED
    recorder.end(status)
    return status


def made(store: RunStore, message: Message, controls: Controls) -> str:
    """Train the run of a `train` message, and return the status that it ends with."""
    return train(store, message["run"], controls, message.get("threads", 1), message.get("settings"))


def take_up(
    store: RunStore,
    run: Run,
    settings: Mapping[str, float] | None = None,
    wait: Callable[[Steering], object] | None = None,
    team: Alone | None = None,
) -> Trainer:
    """A trainer that goes on from the run's last checkpoint, or begins. The run's record ends there now, and the
    settings last asked for are in force. Who calls it holds the run's lock.

    Raises what `beginning` raises; the record is as it was then.
    """
    dataset, checkpoint = beginning(store, run)
    changes = store.rewind(run.id, checkpoint, settings)
    return Trainer(
        dataset,
        run.model,
        run.training,
        checkpoint=checkpoint,
        changes=changes,
        wait=wait,
        precision=run.precision,
        team=team,
    )


def beginning(store: RunStore, run: Run) -> tuple[Dataset, Checkpoint | None]:
    """The run's text, encoded and split, and its last checkpoint if it has one.

    Raises:
        ConfigError: it needs more memory than there is, such as a run that was trained on a larger machine.
        StoreError: one of them cannot be read.
    """
    dataset = dataset_of(run, store.text(run.text_id).text)
    return dataset, store.load_checkpoint(run.id) if store.checkpoints(run.id) else None


def dataset_of(run: Run, text: str) -> Dataset:
    """The run's text, encoded and split. Raises `ConfigError`: it needs more memory than this machine has."""
    check_memory(run.model, run.training)
    return prepare(text, run.training.val_fraction, CharTokenizer.from_characters(run.characters))


def warm_up() -> None:
    """One throw-away step: the first one of a process imports hundreds of modules."""
    measure(ModelConfig(vocab_size=2), TrainConfig(steps=1, sample_length=1))


def read_messages(inbox: Inbox) -> None:
    """Put stdin's messages into the inbox (pipes can't be polled on Windows, so a thread reads them)."""
    with suppress(ValueError):  # a line that was cut: the server has died while it spoke
        for line in sys.stdin:
            inbox.put(json.loads(line))
    inbox.put(LEAVE)
    time.sleep(LEAVE_SECONDS)
    os._exit(1)  # a step that takes longer than this; the last checkpoint stays


class Worker:
    """The loop around the jobs: read a message, train or measure, report.

    Args:
        record: where it is written down that a run failed.
        inbox: where messages come in.
        say: reports an event and its details.
        make: trains the run of a `train` message, as its controls want it; returns the status that it ends with.
    """

    def __init__(
        self,
        record: Record,
        inbox: Inbox,
        say: Callable[..., None],
        make: Callable[[Message, Controls], str],
    ) -> None:
        self._record, self._inbox, self._say, self._make = record, inbox, say, make

    def work(self) -> None:
        """Serve until it is told to leave."""
        self._say("ready", pid=os.getpid())
        while (message := self._inbox.get()) != LEAVE:
            if message["do"] == "train" and self._train(message):
                break
            if message["do"] == "measure":
                self._measure(message)

    def _train(self, message: Message) -> bool:
        """Train one run; True if the worker is to leave."""
        run_id = message["run"]
        controls = Controls(self._inbox, partial(self._say, run=run_id), message.get("then", ()))
        try:
            status = self._make(message, controls)
            self._say("finished", run=run_id, status=status, wishes=controls.wishes)
        except Exception as error:
            print_problem()
            self._fail(run_id, error)
        return controls.leaving

    def _fail(self, run_id: str, error: Exception) -> None:
        """Say why a run ended, in the store if it can still be written, and to the server in any case."""
        error = explained(error)
        try:
            if not isinstance(error, AtWork):  # else it is another one's run
                self._record.set_status(run_id, "failed", error=error.to_json())
        except StoreError:
            print_problem()
        self._say("finished", run=run_id, status="failed", error=error.to_json())

    def _measure(self, message: Message) -> None:
        model, training = ModelConfig.from_dict(message["model"]), TrainConfig.from_dict(message["training"])
        self._say("measured", id=message["id"], seconds=measure(model, training, message["threads"]))


def explained(error: Exception) -> UserError:
    """The error as a sentence."""
    if isinstance(error, UserError):
        return error
    if isinstance(error, OSError) and error.errno in FULL:
        return disk_full(data_home())
    problem = f"{type(error).__name__}: {error}"
    return StoreError("Training stopped because of an unexpected problem: {problem}", problem=problem)


def keep_output_with(folder: Path) -> None:
    """From now on what is printed goes to the run's own log, so that a crash can be explained later."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOG).open("ab") as log:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            os.dup2(log.fileno(), stream.fileno())


def on_stdout() -> Callable[..., None]:
    """What reports an event on stdout. Whatever else is printed goes to stderr from now on."""
    messages = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    messages.write("\n")  # ends the line that something may have begun
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def say(event: str, **details: Any) -> None:
        try:
            messages.write(json.dumps({"event": event} | details) + "\n")
            messages.flush()
        except BrokenPipeError:  # the server is gone; the inbox says so too
            pass

    return say


def serve(home: Path) -> None:
    """Work on the store in this folder until the end of the process; torch has made its first step."""
    say = on_stdout()
    inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()  # a signal's handler may put into it
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):  # Windows has no SIGHUP
            signal.signal(getattr(signal, name), lambda *_: inbox.put(LEAVE))
    remember_in(home)
    threading.Thread(target=read_messages, args=(inbox,), daemon=True).start()
    store = RunStore(home, patient=True)

    def make(message: Message, controls: Controls) -> str:
        keep_output_with(store.folder(message["run"]))
        with connections_kept():  # a run writes several times a second
            return made(store, message, controls)

    Worker(store, inbox, say, make).work()
    os._exit(0)  # a thread may still be reading stdin, and Python would wait for it


def main() -> None:
    """Start a worker on the store in the folder given as the only argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is the server's to handle
    lower_priority()
    torch.set_num_threads(1)
    warm_up()
    serve(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
