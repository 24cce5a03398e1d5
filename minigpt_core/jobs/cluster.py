"""Trainings on a Ray cluster, as the server sees them: workers behind a process between the two (`ray_driver.py`)."""

import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from minigpt_core.background import import_path
from minigpt_core.jobs.cluster_address import ClusterAddress
from minigpt_core.jobs.launchers import Message, OnMessage, WorkerProcess, parsed
from minigpt_core.jobs.turns import Places
from minigpt_core.store.runs import RunStore

AGAIN_SECONDS = 1.0  # until a lost cluster is looked for again; longer each time it is not found,
LONGEST_SECONDS = 10.0  # and not longer than this
SILENT_SECONDS = 15  # of the process between, which says twice a second that it is there: it is stuck
CONNECT_SECONDS = "5"  # that Ray tries to reach a head which listens
NOWHERE = Places(cores=0, memory=0)


class RemoteWorker:
    """A worker on some node of the cluster."""

    def __init__(self, cluster: "Cluster", number: int, on_message: OnMessage) -> None:
        self._cluster, self._number, self._on_message = cluster, number, on_message
        self._ended = threading.Event()

    @property
    def alive(self) -> bool:
        return not self._ended.is_set()

    def send(self, message: Message) -> None:
        self._cluster.send({**message, "worker": self._number})

    def close(self) -> None:
        self.send({"do": "leave"})

    def join(self, seconds: float) -> None:
        if not self._ended.wait(seconds):
            self.send({"do": "kill"})

    def hear(self, message: Message) -> None:
        """It has said something."""
        if message["event"] == "ended":
            if self._ended.is_set():
                return
            self._ended.set()
        self._on_message(self, message)


class Outbox:
    """Writes messages to a process, in order. Nobody who sends waits for it: it may be stuck."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._messages = queue.SimpleQueue[Message | None]()
        threading.Thread(target=self._write, daemon=True).start()

    def put(self, message: Message) -> None:
        """Have a message written; silently lost if the process has ended."""
        self._messages.put(message)

    def close(self) -> None:
        """Close its stdin after what is still to be written."""
        self._messages.put(None)

    def _write(self) -> None:
        stdin = self._process.stdin
        assert stdin is not None
        with suppress(OSError), stdin:
            while (message := self._messages.get()) is not None:
                stdin.write(json.dumps(message).encode() + b"\n")
                stdin.flush()


class Cluster:
    """Keeps the process that speaks with the cluster: started anew when it has ended, as when the cluster is restarted.

    Args:
        where: which cluster.
        store: whose runs are trained there.
        on_change: called when there is another number of places.
    """

    def __init__(self, where: ClusterAddress, store: RunStore, on_change: Callable[[], None]) -> None:
        self._where, self._store, self._on_change = where, store, on_change
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._outbox: Outbox | None = None
        self._heard = False  # since it was last looked whether the process between is stuck
        self._workers: dict[int, RemoteWorker] = {}
        self._number = 0
        self._room = NOWHERE
        self.away = True
        """It cannot be reached, or has no core: not so where there is no room as others have all."""
        self.shut_out = False
        """It asks for a token that this server does not have."""
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._keep_connected, daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int | None:
        """Of the process between, if there is one."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    @property
    def room(self) -> Places:
        """What trainings may take together; nothing while the cluster cannot be reached."""
        return self._room

    def worker(self, _store: RunStore, on_message: OnMessage) -> WorkerProcess:
        """A new worker, on whichever node has a place."""
        with self._lock:
            self._number += 1
            worker = self._workers[self._number] = RemoteWorker(self, self._number, on_message)
        worker.send({"do": "start"})
        return worker

    def send(self, message: Message) -> None:
        """Hand a message over; silently lost if the process between has ended, as its workers have then."""
        with self._lock:
            if self._outbox is not None:
                return self._outbox.put(message)
        threading.Thread(target=self._lose, args=([message["worker"]],), daemon=True).start()

    def close(self, seconds: float) -> None:
        """Have all actors leave, and end the process between, after `seconds` by force."""
        self._closed.set()
        with self._lock:
            process, outbox = self._process, self._outbox
            if process is None or outbox is None:
                return
            outbox.close()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        self._thread.join(1)

    def _keep_connected(self) -> None:
        pause = AGAIN_SECONDS
        while not self._closed.is_set():
            if not answers(self._where.address):  # a process for nothing would take seconds of a core
                self._closed.wait(AGAIN_SECONDS)
                continue
            if self._connect_and_listen():
                pause = AGAIN_SECONDS
            self.away = True
            self._set_room(NOWHERE)
            self._lose(list(self._workers))
            self._closed.wait(pause)
            pause = min(2 * pause, LONGEST_SECONDS)

    def _connect_and_listen(self) -> bool:
        """Until the process between has ended; whether it had found the cluster."""
        process, found = started(self._where, self._store), False
        assert process.stdout is not None
        with self._lock:
            if self._closed.is_set():
                process.kill()
            self._process, self._outbox = process, Outbox(process)
        for line in process.stdout:
            if (message := parsed(line)) is not None:
                if not found and message["event"] == "room":
                    found = True
                    threading.Thread(target=self._end_if_stuck, args=(process,), daemon=True).start()
                self._hear(message)
        process.kill()
        process.wait()
        with self._lock:
            self._process = self._outbox = None
        return found

    def _end_if_stuck(self, process: subprocess.Popen[bytes]) -> None:
        """Its runs go on with the next one then. Seconds are counted here, so that it is not ended for a time in which
        this very process stood still."""
        silent = 0
        while silent < SILENT_SECONDS and process.poll() is None:
            time.sleep(1)
            silent = 0 if self._heard else silent + 1
            self._heard = False
        process.kill()

    def _hear(self, message: Message) -> None:
        self._heard = True
        if message["event"] == "here":
            return
        self.shut_out = message["event"] == "shut out"
        if self.shut_out:
            return
        if message["event"] == "room":
            self.away = message["all"] == 0
            self._set_room(Places(cores=message["cores"], memory=message["memory"]))
            return
        number = message.pop("worker")
        worker = self._workers.get(number)
        if worker is not None:
            if message["event"] == "ended":
                self._workers.pop(number, None)
            worker.hear(message)

    def _lose(self, numbers: list[int]) -> None:
        for number in numbers:
            if (worker := self._workers.pop(number, None)) is not None:
                worker.hear({"event": "ended"})

    def _set_room(self, room: Places) -> None:
        if room != self._room:
            self._room = room
            if not self._closed.is_set():
                self._on_change()


def answers(address: str) -> bool:
    """Whether anybody listens there."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=AGAIN_SECONDS).close()
    except OSError:
        return False
    return True


def started(where: ClusterAddress, store: RunStore) -> subprocess.Popen[bytes]:
    """The process between."""
    quiet = {"RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"}
    patience = {"RAY_gcs_server_port_wait_time_s": CONNECT_SECONDS}
    return subprocess.Popen(
        [
            sys.executable, "-m", "minigpt_core.jobs.ray_driver", str(store.home), where.address,
            str(where.cards),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=patience | os.environ | quiet | import_path(),
    )  # fmt: skip
