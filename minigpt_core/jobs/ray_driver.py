"""`python -m minigpt_core.jobs.ray_driver HOME ADDRESS`: what stands between a server and a Ray cluster.

A process of its own, since Ray ends the one that it lives in when a cluster breaks down. It holds the lock of each run
that the cluster trains, and writes what the actors have recorded; so a run is interrupted as soon as this process ends,
as it is with a worker. Messages are JSON objects, one a line, as those of workers (see `worker.py`), with the number of
the worker. In besides: `start`, `leave`, `kill`. Out besides: `room`, of the whole cluster; `here`, twice a second, as
long as it is not stuck; `shut out`; `ended`.
"""

import json
import os
import queue
import signal
import socket
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import ray
from ray.exceptions import ActorUnavailableError, AuthenticationError, GetTimeoutError, RayError

import minigpt_core
from minigpt_core.background import memory_habits, print_problem
from minigpt_core.errors import UserError
from minigpt_core.jobs import elsewhere
from minigpt_core.jobs.launchers import Message
from minigpt_core.jobs.ray_actor import Actor
from minigpt_core.jobs.recording import LIVE_SECONDS, WATCHED_SECONDS
from minigpt_core.jobs.remote_record import Entry, Keeper
from minigpt_core.jobs.worker import LEAVE, explained, on_stdout
from minigpt_core.store.live_state import encoded, live_state
from minigpt_core.store.locks import AtWork
from minigpt_core.store.runs import RunStore

PATIENCE = 0.5  # seconds that an actor waits for something to tell
SILENCE_SECONDS = 4.0  # without an answer, an actor counts as lost,
UNREACHABLE_SECONDS = 2.5  # and so long where its node does not answer either
DOUBT_SECONDS = 1.0  # without an answer, it is looked whether its node is still there
AGAIN_SECONDS = 1.0  # a message that was not heard is sent again
PREPARE_SECONDS = 60.0
LEAVE_SECONDS = 1.8  # a step that takes longer is not waited for
LOOK_SECONDS = 0.5  # so often it is looked how many cores there are
HEAD_SECONDS = 3.0  # without an answer, the cluster's head counts as lost
MOST_TEXTS = 16  # that stay in the cluster

Say = Callable[..., None]


@dataclass(frozen=True, kw_only=True)
class Share:
    """What an actor gets of a node."""

    cores: float = 1.0
    cards: float = 0.0
    """Of a graphics card: a share, or some."""


class Cluster:
    """The cluster that this process belongs to.

    Args:
        address: of its head.
        share: what each training gets.

    Raises:
        ConnectionError: there is none.
    """

    def __init__(self, address: str, store: RunStore, share: Share) -> None:
        habits = {"OMP_NUM_THREADS": "1", "PYTHONUTF8": "1", **memory_habits()}
        package = str(Path(minigpt_core.__file__).parent)  # every node trains with this very code
        ray.init(
            address=address, namespace="minigpt", log_to_driver=False, logging_level="WARNING",
            runtime_env={"py_modules": [package], "env_vars": habits},
            _node_ip_address=own_address(address),
        )  # fmt: skip
        self._store, self._share = store, share
        self._texts: OrderedDict[str, ray.ObjectRef] = OrderedDict()
        self._lock = threading.Lock()
        self._kind = ray.remote(
            num_cpus=share.cores, num_gpus=share.cards, max_restarts=0, max_task_retries=0,
            concurrency_groups={"record": 1},
        )(Actor)  # fmt: skip

    def new_actor(self) -> Any:
        """An actor; it waits for a place if there is none."""
        return self._kind.remote()

    def text(self, text_id: str) -> "ray.ObjectRef":
        """A text, which goes to every node once, for all who learn from it."""
        with self._lock:
            if text_id not in self._texts:
                self._texts[text_id] = ray.put(self._store.text(text_id).text)
                if len(self._texts) > MOST_TEXTS:
                    self._texts.popitem(last=False)
            self._texts.move_to_end(text_id)
            return self._texts[text_id]

    def places(self, ours: int) -> dict[str, int]:
        """How many trainings of ours there are places for, beside those of other servers; bytes for all of them; and
        places in all.

        Args:
            ours: the actors that we have.
        """
        free, there = ray.available_resources(), ray.cluster_resources()
        all_places = self._fit(there)
        ours_and_free = min(all_places, ours + self._fit(free))  # what was just given away may count as free
        return {
            "cores": ours_and_free,
            "memory": int(there.get("memory", 0.0)),
            "all": all_places,
        }

    def _fit(self, resources: dict[str, float]) -> int:
        """How many trainings these resources are enough for."""
        counts = [resources.get("CPU", 0.0) / self._share.cores]
        if self._share.cards:
            counts.append(resources.get("GPU", 0.0) / self._share.cards)
        return int(min(counts))

    def host(self, node_id: str) -> "Host":
        """The machine that a node is."""
        node: dict[str, Any] = next((node for node in ray.nodes() if node["NodeID"] == node_id), {})
        address = node.get("NodeManagerAddress")
        name = str(node.get("NodeName") or address or node_id)
        return Host(name, (address, node["NodeManagerPort"]) if address else None)


@dataclass(frozen=True)
class Host:
    """A machine of the cluster."""

    name: str
    """Its address, unless it was given a name."""

    listens_at: tuple[str, int] | None
    """Address and port of the process that manages it; None if that is not known."""

    def state(self) -> Literal["here", "gone", "silent"]:
        """Whether somebody listens there, or nobody any more; silent, it may only be slow. Ray itself looks only every
        few seconds."""
        if self.listens_at is None:
            return "here"
        try:
            socket.create_connection(self.listens_at, timeout=0.5).close()
        except ConnectionRefusedError:
            return "gone"
        except OSError:
            return "silent"
        return "here"


class Line:
    """An actor, and what goes to it and comes from it: one thread asks for its record and stores it, another one passes
    on what it is asked.

    Args:
        say: reports an event of this worker to the server.
    """

    def __init__(self, cluster: Cluster, store: RunStore, say: Say) -> None:
        self._cluster, self._store, self._say = cluster, store, say
        self._inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._keeper = Keeper(store, say=self._said)
        self._held, self._holding = ExitStack(), threading.Lock()  # the lock of the run that it trains
        self._run_id: str | None = None
        self._over = self._leaving = self._preparing = False
        self._host = Host("", None)
        self._sending = threading.Lock()
        self._sent, self._unheard = 0, list[tuple[int, Message, float]]()  # number, message, when it was sent
        self._watched_at = self._told_at = -WATCHED_SECONDS
        self._untold = False
        self._actor: Any = None
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def send(self, message: Message) -> None:
        """Pass something on, in order."""
        self._inbox.put(message)

    def leave(self) -> None:
        """Have it save a checkpoint, and end it then; at the latest after `LEAVE_SECONDS`."""
        self._leaving = True
        if self._run_id is None:
            self.kill()
        else:
            self._inbox.put(LEAVE)
            timer = threading.Timer(LEAVE_SECONDS, self.kill)
            timer.daemon = True
            timer.start()

    def kill(self) -> None:
        """End it now."""
        self._over = self._leaving = True
        if (actor := self._actor) is not None:
            with suppress(Exception):  # Ray has lost it already
                ray.kill(actor)

    def join(self, seconds: float) -> None:
        """Wait until it has ended."""
        self._thread.join(seconds)

    # What comes

    def _serve(self) -> None:
        try:
            self._actor = self._cluster.new_actor()
            if self._over:
                raise RuntimeError("it is not wanted any more")
            self._host = self._cluster.host(ray.get(self._actor.node.remote()))
            threading.Thread(target=self._pass_on, daemon=True).start()
            self._listen()
        except Exception as error:
            if not self._leaving:
                problem = str(error).strip().splitlines()[0]
                sys.stderr.write(f"A training process of the cluster was lost: {problem}\n")
        self.kill()
        self._inbox.put({"do": "end"})
        with self._holding:  # from now on it takes none
            self._held.close()
        self._say("ended")

    def _listen(self) -> None:
        """Store what it records until it is over. Raises `RayError` or `GetTimeoutError` if it does not answer."""
        while not self._over:
            entries, heard = self._ask()
            try:
                self._keeper.keep(with_its_end(entries))
            except UserError as error:
                return self._cannot_store(error)
            self._untold |= bool(entries)
            self._tell_watchers()
            self._say_again(heard)

    def _ask(self) -> tuple[list[Entry], int]:
        """What has come since, and the last message that was heard; asked again while the line is only disturbed."""
        asked_at = time.monotonic()
        asked = self._ask_once()
        while True:
            try:
                answer: tuple[list[Entry], int] = ray.get(asked, timeout=DOUBT_SECONDS)
                return answer
            except GetTimeoutError:
                if self._is_lost(asked_at, SILENCE_SECONDS):
                    raise
            except ActorUnavailableError:
                if self._over or self._is_lost(asked_at, UNREACHABLE_SECONDS):
                    raise
                time.sleep(0.1)
                asked = self._ask_once()

    def _ask_once(self) -> "ray.ObjectRef":
        return self._actor.exchange.options(concurrency_group="record").remote(self._keeper.stored, PATIENCE)

    def _is_lost(self, asked_at: float, patience: float) -> bool:
        """Whether an actor that does not answer will not any more. One that gets ready may take its time, as long as
        its node is there."""
        node = self._host.state()
        if self._preparing and node == "here":
            patience = PREPARE_SECONDS
        return node == "gone" or time.monotonic() - asked_at > patience

    def _said(self, message: Message) -> None:
        """The actor has a message for the server, and everything before it is stored."""
        if message["event"] == "finished":
            self._let_go()
            self._over = self._leaving
        self._say(**message)

    def _let_go(self) -> None:
        self._run_id = None
        self._held.close()

    def _cannot_store(self, error: UserError) -> None:
        """The run fails, as that of a worker does that cannot write."""
        self._leaving = True
        if (run_id := self._run_id) is not None:
            self._fail(run_id, error)

    def _fail(self, run_id: str, error: UserError) -> None:
        if not isinstance(error, AtWork):  # else it is another one's run
            with suppress(UserError):
                self._store.set_status(run_id, "failed", error=error.to_json())
        self._let_go()
        self._say("finished", run=run_id, status="failed", error=error.to_json())

    def _tell_watchers(self) -> None:
        now, run_id = time.monotonic(), self._run_id
        watched = now - self._watched_at < WATCHED_SECONDS and now - self._told_at >= LIVE_SECONDS
        if run_id is not None and watched and self._untold:
            self._untold, self._told_at = False, now
            with suppress(UserError):
                self._say("live", state=encoded(live_state(self._store, run_id)).decode())

    # What goes

    def _pass_on(self) -> None:
        while not self._over:
            message = self._inbox.get()
            try:
                if message["do"] == "train":
                    self._hand_over(message)
                elif message["do"] == "watch":
                    self._watched_at, self._untold = time.monotonic(), True
                    self._tell(message)
                elif message["do"] != "end":
                    self._tell(message)
            except (RayError, GetTimeoutError):  # the other thread finds it lost
                with suppress(Exception):
                    ray.kill(self._actor)

    def _hand_over(self, message: Message) -> None:
        run_id = self._run_id = message["run"]
        try:
            with self._holding:
                if self._over:
                    return
                self._held.enter_context(self._store.lock(run_id))
            changes = self._prepare(run_id, message)
        except UserError as error:
            return self._fail(run_id, error)
        except (RayError, GetTimeoutError):
            raise
        except Exception as error:
            print_problem()
            return self._fail(run_id, explained(error))
        self._tell({"do": "train", "run": run_id, "changes": changes, "then": message.get("then", ())})

    def _prepare(self, run_id: str, message: Message) -> list[Any]:
        """Have the actor get ready; then the record ends where it goes on, as with a worker (see `worker.take_up`)."""
        elsewhere.forget(self._store, run_id)
        run = self._store.run(run_id)
        checkpoint = self._store.load_checkpoint(run_id) if self._store.checkpoints(run_id) else None
        threads = run.threads or message.get("threads", 1)
        text = self._cluster.text(run.text_id)
        self._preparing = True  # a long text may keep it busy
        try:
            ready = self._actor.prepare.remote(run, text, checkpoint, threads, self._host.name)
            problem = ray.get(ready, timeout=PREPARE_SECONDS)
        finally:
            self._preparing = False
        if problem is not None:
            raise problem
        self._keeper.run_id = run_id
        return self._store.rewind(run_id, checkpoint, message.get("settings"))

    def _tell(self, message: Message) -> None:
        with self._sending:
            self._sent += 1
            self._unheard.append((self._sent, message, time.monotonic()))
            self._actor.tell.remote(self._sent, message)

    def _say_again(self, heard: int) -> None:
        """What was lost on its way goes again, in order: an actor hears nothing that something else should precede."""
        with self._sending:
            now = time.monotonic()
            self._unheard = [sent for sent in self._unheard if sent[0] > heard]
            if self._unheard and now - self._unheard[0][2] > AGAIN_SECONDS:
                for number, message, _sent in self._unheard:
                    self._actor.tell.remote(number, message)
                self._unheard = [(number, message, now) for number, message, _sent in self._unheard]


class Driver:
    """Starts actors when the server asks, and passes on what it says to them."""

    def __init__(self, cluster: Cluster, store: RunStore, say: Say) -> None:
        self._cluster, self._store, self._say = cluster, store, say
        self._lines: dict[int, Line] = {}
        self._lock = threading.Lock()
        self._seen_at = time.monotonic()
        self._told: dict[str, int] | None = None

    def follow(self) -> None:
        """Do what comes in on stdin until it closes; then have all leave."""
        with suppress(ValueError):  # a line that was cut: the server has died while it spoke
            for line in sys.stdin:
                self._do(json.loads(line))
        lines = list(self._lines.values())
        for line in lines:
            line.leave()
        for line in lines:
            line.join(LEAVE_SECONDS)

    def _do(self, message: Message) -> None:
        number = message.pop("worker")
        if message["do"] == "start":
            line = Line(self._cluster, self._store, partial(self._of, number))
            with self._lock:
                self._lines[number] = line
        elif (line := self._lines.get(number)) is not None:  # type: ignore[assignment]
            ends = {"leave": line.leave, "kill": line.kill}.get(message["do"])
            if ends is None:
                line.send(message)
            else:  # a head that hangs holds up nobody else
                threading.Thread(target=ends, daemon=True).start()

    def _of(self, number: int, event: str, **details: Any) -> None:
        if event == "ended":
            with self._lock:
                self._lines.pop(number, None)
        self._say(event, worker=number, **details)

    def look(self) -> None:
        """Say how much room there is, whenever that is another; end the process if the cluster is another one."""
        head = head_of_cluster()
        while True:
            with suppress(Exception):  # Ray has many for a head that does not answer
                if head_of_cluster() != head:
                    sys.stderr.write("The cluster has another head now.\n")
                    os._exit(3)
                with self._lock:
                    ours = len(self._lines)
                self._tell_room(self._cluster.places(ours))
                self._seen_at = time.monotonic()
            time.sleep(LOOK_SECONDS)

    def notice_silence(self) -> None:
        """Say that there is no room while the head does not answer. What is trained goes on."""
        while True:
            time.sleep(LOOK_SECONDS)
            self._say("here")
            if time.monotonic() - self._seen_at > HEAD_SECONDS:
                self._tell_room({"cores": 0, "memory": 0, "all": 0})

    def _tell_room(self, room: dict[str, int]) -> None:
        if room != self._told:
            self._told = room
            self._say("room", **room)


def own_address(head: str) -> str | None:
    """This machine's address in the cluster, where Ray would not find it: several nodes on one machine."""
    host = head.rpartition(":")[0]
    return host if host.startswith("127.") else None


def with_its_end(entries: list[Entry]) -> list[Entry]:
    """Without a last entry that says that the run has ended: it waits for the message that follows, so that the run can
    be taken up again as soon as it shows as ended."""
    last = entries[-1] if entries else None
    ends = last is not None and last.do == "set_status" and last.what["status"] not in ("running", "paused")
    return entries[:-1] if ends else entries


def head_of_cluster() -> str | None:
    """The id of the node that the cluster began with."""
    heads = [
        node["NodeID"]
        for node in ray.nodes()
        if node["Alive"] and "node:__internal_head__" in node["Resources"]
    ]
    return heads[0] if heads else None


def main() -> None:
    """Connect, and serve until stdin closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is the server's to handle
    say = on_stdout()
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115  Ray prints pages there of what a lost node has last done
    home, address, cards = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    store = RunStore(home, patient=True)
    try:
        cluster = Cluster(address, store, Share(cards=cards))
    except Exception as error:
        problem = (str(error).strip() or type(error).__name__).splitlines()[0]
        if AuthenticationError.__name__ in str(error.__cause__):
            problem = "it asks for a token, and this server has none, or another one."
            say("shut out")
        sys.stderr.write(f"The Ray cluster {address} cannot be reached: {problem}\n")
        os._exit(2)
    driver = Driver(cluster, store, say)
    threading.Thread(target=driver.look, daemon=True).start()
    threading.Thread(target=driver.notice_silence, daemon=True).start()
    driver.follow()
    with suppress(Exception):
        ray.shutdown()
    os._exit(0)


if __name__ == "__main__":
    main()
