"""A class of robots at one server, with the real protocol: each joins, chooses a text, presses Start, watches, pauses
and goes on, and lets its model write. What do they wait for, and what does it cost?

    python -m benchmarks.classroom                 30 pupils, each goes through it twice
    python -m benchmarks.classroom 8 --times 1     8 pupils, once
    python -m benchmarks.classroom 30 --sampling 6 --trainings 2 --seconds 120
                             30 open a page every 3 to 9 seconds, while 6 others sample and 2 train
    python -m benchmarks.classroom 30 --sampling 0 --trainings 8 --seconds 1800
                             half an hour with eight trainings at any time: is the server's memory flat?
    python -m benchmarks.classroom 200 --lecture --seconds 60
                             200 watch the lecturer's run by its link; the lecturer opens pages

`--root FOLDER` serves an earlier version that lies there instead.

The server is the one of `make serve`, bound to this machine. Times depend on whatever else the machine does: the load
is printed beside them. (Linux)
"""

import argparse
import http.client
import json
import os
import random
import statistics
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

from streamlit.proto.WidgetStates_pb2 import WidgetState

from minigpt_core.store.runs import RunStore
from scripts.running_app import ROOT, RunningApp, running_app
from scripts.visitor import Visitor

LOOKED_AT = ("", "vocabulary", "batches", "model", "training", "sampling", "compare", "attention")
PREPARED_GPT = "preparedGptFr"
TEXTS = ("le-chat-curieux", "the-curious-cat")
POLL_SECONDS = 0.25
PATIENCE = 300.0  # seconds that a pupil waits for the end of a training
WRITTEN = 300  # characters
PAUSE_SECONDS = 1.0
FIVE_MINUTES = 300.0  # seconds
ENDED = ("done", "stopped", "diverged", "failed", "interrupted")


@dataclass
class Register:
    """What happened to whom: seconds by what was waited for, and what went wrong."""

    waits: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Take down how long this takes."""
        began = time.monotonic()
        yield
        self.add(what, time.monotonic() - began)

    def add(self, what: str, seconds: float) -> None:
        """Take down how long something took."""
        with self.lock:
            self.waits[what].append(seconds)


class Pupil(threading.Thread):
    """One of the class, in a tab of its own.

    Args:
        number: counted from 0.
        times: how often it goes through everything.
        spread: seconds within which the class presses Start.
        pausing: whether it pauses on the way.
    """

    def __init__(
        self, app: RunningApp, register: Register, number: int, times: int, spread: float, pausing: bool
    ) -> None:
        super().__init__(daemon=True)
        self._app, self._register, self._number, self._times = app, register, number, times
        self._spread, self._pausing = spread, pausing
        self._web = http.client.HTTPConnection(urlsplit(app.url).netloc, timeout=120)
        self.runs: list[str] = []

    def run(self) -> None:
        """Go through it; what fails is taken down."""
        try:
            with self._register.timed("join"):
                self._tab = Visitor(self._app.url)
                self._tab.open("")
            for time_ in range(self._times):
                self._go_through(self._spread * self._number if time_ == 0 else 0.0)
            self._tab.close()
        except Exception as error:
            self._register.errors.append(f"pupil {self._number}: {type(error).__name__}: {error}")

    def _go_through(self, wait: float) -> None:
        text = TEXTS[self._number % len(TEXTS)]
        for page in ("vocabulary", "training"):
            with self._register.timed("page"):
                self._tab.open(page, text=text, lang="fr")
        time.sleep(wait)
        run_id = self._start(text)
        self.runs.append(run_id)
        self._watch(run_id, text)
        with self._register.timed("page"):
            self._tab.open("sampling", run=run_id, lang="fr")
        self._write(run_id)

    def _start(self, text: str) -> str:
        store, workspace = RunStore(self._app.home), self._tab.workspace
        known = {run.id for run in store.runs(workspace)}
        self._pressed = time.monotonic()
        self._press("start", text=text)
        return next(run.id for run in store.runs(workspace) if run.id not in known)

    def _press(self, key: str, **query: str) -> None:
        with self._register.timed("click"):
            states = [WidgetState(id=self._tab.widget(key), trigger_value=True)]
            self._tab.send_widgets(*states, page="training", lang="fr", **query)

    def _hold(self, run_id: str, text: str, key: str) -> None:
        """Pause, or Resume."""
        with self._register.timed("page"):
            self._tab.open("training", text=text, run=run_id, lang="fr")
        self._press(key, text=text, run=run_id)

    def _watch(self, run_id: str, text: str) -> None:
        """Ask as the chart does, until the end; pause once on the way."""
        tag, seen, paused = "", False, not self._pausing
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            began = time.monotonic()
            answer = self._get(f"/api/runs/{run_id}", {"If-None-Match": tag})
            body, tag = answer.read(), answer.headers.get("ETag", "")
            self._register.add("poll", time.monotonic() - began)
            assert answer.status in (200, 304), answer.status
            if answer.status == 200:
                state = json.loads(body)
            if not seen and state["step"]:
                seen = True
                self._register.add("first loss", time.monotonic() - self._pressed)
            if state["status"] in ENDED:
                assert state["status"] == "done", state["status"]
                return self._register.add("done", time.monotonic() - self._pressed)
            if not paused and state["status"] == "running" and state["step"] > 50:
                paused = True
                self._hold(run_id, text, "training_hold")
            elif state["status"] == "paused":
                time.sleep(PAUSE_SECONDS)
                self._hold(run_id, text, "training_resume")
            time.sleep(max(0.0, POLL_SECONDS - (time.monotonic() - began)))
        raise TimeoutError(f"run {run_id} does not come to its end")

    def _get(self, path: str, headers: dict[str, str]) -> http.client.HTTPResponse:
        """Ask once more where the server has closed a line that nobody used for a while, as browsers do."""
        try:
            self._web.request("GET", path, headers=self._tab.cookies | headers)
            return self._web.getresponse()
        except ConnectionResetError:
            self._web.close()
            self._web.request("GET", path, headers=self._tab.cookies | headers)
            return self._web.getresponse()

    def _write(self, run_id: str) -> None:
        last = RunStore(self._app.home).checkpoints(run_id)[-1].step
        with self._register.timed(f"{WRITTEN} characters"):
            path = f"/api/sample?run={run_id}&step={last}&length={WRITTEN}&prompt={quote('le ')}&lang=fr"
            answer = self._get(f"{path}&seed={self._number}", {})
            assert answer.status == 200, answer.status
            answer.read()


class Looker(threading.Thread):
    """Opens one page after the other, every few seconds.

    Args:
        over: set when it is to stop.
    """

    def __init__(self, app: RunningApp, register: Register, number: int, over: threading.Event) -> None:
        super().__init__(daemon=True)
        self._app, self._register, self._over = app, register, over
        self._random = random.Random(number)

    def run(self) -> None:
        """Look around."""
        try:
            tab, began = Visitor(self._app.url), time.monotonic()
            tab.open("")
            while not self._over.wait(self._random.uniform(3, 9)):
                page = self._random.choice(LOOKED_AT)
                since = int((time.monotonic() - began) / FIVE_MINUTES) * 5
                with (
                    self._register.timed("page"),
                    self._register.timed(f"  {page or 'home'}"),
                    self._register.timed(f"page from {since:02} min"),
                ):
                    tab.open(page, lang="fr")
            tab.close()
        except Exception as error:
            self._register.errors.append(f"{type(error).__name__}: {error}")


class Writer(threading.Thread):
    """Has the prepared GPT write, again and again.

    Args:
        over: set when it is to stop.
    """

    def __init__(self, app: RunningApp, register: Register, number: int, over: threading.Event) -> None:
        super().__init__(daemon=True)
        self._app, self._register, self._over, self._seed = app, register, over, 1000 * number
        self._run = RunStore(app.home).run(PREPARED_GPT)

    def run(self) -> None:
        """Sample."""
        tab = Visitor(self._app.url)
        web = http.client.HTTPConnection(urlsplit(self._app.url).netloc, timeout=120)
        while not self._over.is_set():
            self._seed += 1
            with self._register.timed(f"{WRITTEN} characters"):
                path = f"/api/sample?run={PREPARED_GPT}&step={self._run.step}&length={WRITTEN}&prompt={quote('le ')}"
                web.request("GET", f"{path}&seed={self._seed}", headers=tab.cookies)
                answer = web.getresponse()
                assert answer.status == 200, answer.status
                answer.read()


class Listener(threading.Thread):
    """Opens a run by its link and watches it, asking as often as it is told to.

    Args:
        over: set when it is to stop.
    """

    def __init__(self, app: RunningApp, register: Register, run_id: str, over: threading.Event) -> None:
        super().__init__(daemon=True)
        self._app, self._register, self._run_id, self._over = app, register, run_id, over
        self.changes = 0
        """How often it has seen something new."""

    def run(self) -> None:
        """Watch."""
        try:
            tab = Visitor(self._app.url)
            with self._register.timed("link opened"):
                tab.open("training", run=self._run_id, lang="fr")
            web = http.client.HTTPConnection(urlsplit(self._app.url).netloc, timeout=120)
            tag = ""
            while not self._over.is_set():
                with self._register.timed("poll"):
                    web.request(
                        "GET", f"/api/runs/{self._run_id}", headers=tab.cookies | {"If-None-Match": tag}
                    )
                    answer = web.getresponse()
                    answer.read()
                assert answer.status in (200, 304), answer.status
                self.changes += answer.status == 200
                tag = answer.headers.get("ETag", "")
                self._over.wait(int(answer.headers["Ask-Again"]) / 1000)
            tab.close()
        except Exception as error:
            self._register.errors.append(f"{type(error).__name__}: {error}")


def lecture(app: RunningApp, listeners: int, seconds: float) -> Register:
    """A lecturer trains, and opens a page every three seconds; all the others watch. What they waited for, once all
    had opened the link."""
    register, opening, over = Register(), Register(), threading.Event()
    lecturer = Visitor(app.url)
    lecturer.open("training", settings="notebook~steps~20000", lang="fr")
    start = WidgetState(id=lecturer.widget("start"), trigger_value=True)
    lecturer.send_widgets(start, page="training", settings="notebook~steps~20000", lang="fr")
    (run,) = RunStore(app.home).runs(lecturer.workspace)
    members = [Listener(app, opening, run.id, over) for _ in range(listeners)]
    for member in members:
        member.start()
    while len(opening.waits["link opened"]) + len(opening.errors) < listeners:
        over.wait(0.1)
    polls, seen, began = len(opening.waits["poll"]), [m.changes for m in members], time.monotonic()
    while time.monotonic() - began < seconds:
        for page in ("training", "sampling", "model"):
            with register.timed("lecturer's page"), register.timed(f"  {page}"):
                lecturer.open(page, run=run.id, lang="fr")
            over.wait(3)
    passed = time.monotonic() - began
    each = [(m.changes - before) / passed for m, before in zip(members, seen, strict=True)]
    over.set()
    for member in members:
        member.join(60)
    register.errors = opening.errors
    register.waits |= {"link opened": opening.waits["link opened"], "poll": opening.waits["poll"][polls:]}
    print(f"New charts a second: {min(each):.1f} to {max(each):.1f} for each of {listeners}")
    return register


def looking_around(app: RunningApp, pupils: int, sampling: int, trainings: int, seconds: float) -> Register:
    """Some look, some sample, some train for so long; what they waited for."""
    register, over, many = Register(), threading.Event(), 1000
    members: list[threading.Thread] = [Looker(app, register, n, over) for n in range(pupils)]
    members += [Writer(app, register, n, over) for n in range(sampling)]
    for number in range(trainings):
        Pupil(app, register, number, many, 0.0, False).start()  # ends with the server
    for member in members:
        member.start()
    over.wait(seconds)
    over.set()
    for member in members:
        member.join(60)
    so_far = Register(
        dict(register.waits), list(register.errors)
    )  # who still trains is cut off with the server
    return so_far


def lesson(
    app: RunningApp, pupils: int, times: int = 1, spread: float = 0.0, pausing: bool = False
) -> tuple[Register, list[str]]:
    """A class goes through everything; what it waited for, and the runs it made."""
    register = Register()
    members = [Pupil(app, register, n, times, spread / pupils, pausing) for n in range(pupils)]
    for member in members:
        member.start()
    for member in members:
        member.join()
    return register, [run for member in members for run in member.runs]


def check(app: RunningApp, register: Register, runs: list[str]) -> None:
    """Raise `AssertionError` unless nobody met an error, every run is done, and none of its steps is missing."""
    assert not register.errors, register.errors
    store = RunStore(app.home)
    for run in map(store.run, runs):
        assert run.status == "done", (run.id, run.status)
        assert [step.step for step in store.steps_since(run.id, limit=10**6)] == list(range(1, run.step + 1))


class Watch(threading.Thread):
    """Looks at the server's processes: processor seconds and the most memory (MB) of the server and of the others."""

    def __init__(self, app: RunningApp) -> None:
        super().__init__(daemon=True)
        self._app, self._over = app, threading.Event()
        self.seconds: dict[int, float] = {}
        self.memory = {"server": 0.0, "workers": 0.0}
        self.most_processes = 0
        self.server_memory: list[float] = []
        """MB, as time goes by: every five minutes, from the fifth minute on."""
        self._began = time.monotonic()
        self._before = self._look()

    def run(self) -> None:
        """Look twice a second."""
        while not self._over.wait(0.5):
            self._look()

    def _look(self) -> float:
        server, memory, pids = self._app.process.pid, {"server": 0.0, "workers": 0.0}, self._app.left_over()
        if time.monotonic() - self._began >= FIVE_MINUTES * (len(self.server_memory) + 1):
            self.server_memory.append(own_memory(server))
        for pid in pids:
            try:
                self.seconds[pid] = processor_seconds(pid)
                memory["server" if pid == server else "workers"] += own_memory(pid)
            except OSError:  # it has just ended
                continue
        self.memory = {name: max(self.memory[name], memory[name]) for name in memory}
        self.most_processes = max(self.most_processes, len(pids))
        return self.seconds.get(server, 0.0)

    def end(self) -> dict[str, float]:
        """Processor seconds of the server since the beginning, and of all others."""
        self._over.set()
        self.join()
        server = self._app.process.pid
        others = sum(seconds for pid, seconds in self.seconds.items() if pid != server)
        return {"server": self.seconds[server] - self._before, "workers": others}


def processor_seconds(pid: int) -> float:
    """Processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def own_memory(pid: int) -> float:
    """Memory (MB) of a process, that which it shares counted in parts."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))


def main() -> None:
    """Print what a class waits for, and what it costs."""
    parser = argparse.ArgumentParser(prog="benchmarks.classroom")
    parser.add_argument("pupils", type=int, nargs="?", default=30)
    parser.add_argument("--times", type=int, default=2)
    parser.add_argument("--spread", type=float, default=10.0, help="seconds within which all press Start")
    parser.add_argument("--sampling", type=int, help="so many sample all the time; the pupils open pages")
    parser.add_argument("--trainings", type=int, default=2, help="so many train meanwhile")
    parser.add_argument("--lecture", action="store_true", help="all watch one run by its link")
    parser.add_argument("--seconds", type=float, default=60.0, help="for so long")
    parser.add_argument("--root", type=Path, default=ROOT, help="the folder of the version that is served")
    parser.add_argument("--pausing", action="store_true", help="everyone pauses once on the way")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        running_app(Path(folder) / "home", root=options.root, env={"MINIGPT_SERVE": "1"}) as app,
    ):
        Visitor(app.url).open("training")  # what is imported and prepared once
        at_first = own_memory(app.process.pid)
        watch, began = Watch(app), time.monotonic()
        watch.start()
        runs: list[str] = []
        if options.lecture:
            register = lecture(app, options.pupils, options.seconds)
        elif options.sampling is None:
            register, runs = lesson(app, options.pupils, options.times, options.spread, options.pausing)
        else:
            about = options.pupils, options.sampling, options.trainings, options.seconds
            register = looking_around(app, *about)
        passed, spent = time.monotonic() - began, watch.end()
        for what, waits in sorted(register.waits.items()):
            late = statistics.quantiles(waits, n=20)[-1] if len(waits) > 1 else waits[0]
            print(
                f"{what:<16} {len(waits):>6}  p50 {statistics.median(waits):7.3f} s  p95 {late:7.3f} s  "
                f"most {max(waits):7.3f} s"
            )
        print(
            f"{options.pupils} pupils, {len(runs)} trainings in {passed:.0f} s. Of one core: the server "
            f"{spent['server'] / passed:.0%}, its workers {spent['workers'] / passed:.0%}. Memory: the server "
            f"{watch.memory['server']:.0f} MB ({(watch.memory['server'] - at_first) / options.pupils:.1f} a pupil), "
            f"the others {watch.memory['workers']:.0f} MB in at most "
            f"{watch.most_processes - 1} processes. Load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors."
        )
        if watch.server_memory:
            print("The server's memory every five minutes:", *(f"{mb:.0f} MB" for mb in watch.server_memory))
        said = app.log.read_text("utf-8", errors="replace")
        assert "Traceback" not in said, said[said.index("Traceback") :][:5000]
        assert not register.errors, register.errors
        print("Nobody met an error.")
        if runs:
            check(app, register, runs)
            print("No step of any training is missing.")


if __name__ == "__main__":
    main()
