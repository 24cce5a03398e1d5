"""Processes such as torchrun starts them, each a copy of one that has imported torch: they begin at once."""

import multiprocessing
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType


def work(arguments: list[str], variables: dict[str, str], said: Path) -> None:
    """What one of them does; what it prints goes to two files."""
    os.environ.update(variables)
    for number, name in ((1, "out"), (2, "err")):
        with said.with_suffix(f".{name}").open("wb") as file:
            os.dup2(file.fileno(), number)
    from minigpt_core.__main__ import main

    sys.exit(main(arguments))


class Rank:
    """One of the processes."""

    def __init__(self, process: BaseProcess, said: Path) -> None:
        self._process, self._said = process, said

    def send_signal(self, number: int) -> None:
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    def ended(self) -> int:
        """How it ended, by itself."""
        self._process.join(timeout=90)
        assert self._process.exitcode is not None, "it goes on"
        return self._process.exitcode

    def kill(self) -> None:
        self._process.kill()
        self._process.join()

    @property
    def out(self) -> str:
        return self._said.with_suffix(".out").read_text()

    @property
    def err(self) -> str:
        return self._said.with_suffix(".err").read_text()


@contextmanager
def no_main_module() -> Iterator[None]:
    """A process that is started runs the main module again: that of a page's test is a script of Streamlit's."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextmanager
def team_of(size: int, folder: Path, *arguments: str) -> Iterator[list[Rank]]:
    """`python -m minigpt_core train …` in several processes, without torchrun itself."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["minigpt_core.__main__"])
    command, ranks = ["train", "--json", "--threads", "1", *arguments], list[Rank]()
    everybody = {
        "WORLD_SIZE": str(size), "LOCAL_WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(a_free_port()), "MINIGPT_HOME": os.environ["MINIGPT_HOME"],
    }  # fmt: skip
    for rank in range(size):
        own = {"RANK": str(rank), "LOCAL_RANK": str(rank)}
        said = folder / f"rank-{rank}"
        process = context.Process(target=work, args=(command, everybody | own, said))
        with no_main_module():
            process.start()
        ranks.append(Rank(process, said))
    try:
        yield ranks
    finally:
        for one in ranks:
            one.kill()


def a_free_port() -> int:
    """For the processes to meet."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
