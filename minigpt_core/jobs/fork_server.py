"""`python -m minigpt_core.jobs.fork_server HOME FD`: a process that has imported torch, and turns copies of itself into
workers and calculators. For each it gets, through the socket FD, what it is to be and the pipes that will be its stdin
and stdout (see `forked.py`)."""

import gc
import os
import signal
import socket
import sys
from pathlib import Path

import torch

from minigpt_core.background import BETWEEN, lower_priority
from minigpt_core.jobs import calculating, worker
from minigpt_core.jobs.forked import CALCULATOR


def main() -> None:
    """Fork a process for every pair of pipes."""
    home, ours = Path(sys.argv[1]), socket.socket(fileno=int(sys.argv[2]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is the server's to handle
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who ends is gone at once
    lower_priority(BETWEEN)
    torch.set_num_threads(1)  # threads would not be in the copies
    worker.warm_up()
    sys.stdout.flush()
    gc.collect()
    gc.freeze()  # what is here stays shared
    while True:
        message, pipes, _flags, _address = socket.recv_fds(ours, 16, 2)
        if not message:
            break
        if os.fork() == 0:
            ours.close()
            become(message.decode(), home, *pipes)
        for pipe in pipes:
            os.close(pipe)


def become(what: str, home: Path, stdin: int, stdout: int) -> None:
    """In the copy: what `python -m minigpt_core.jobs.worker` does, or a calculator."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for pipe, number in ((stdin, 0), (stdout, 1)):
        os.dup2(pipe, number)
        os.close(pipe)
    try:
        if what == CALCULATOR:
            calculating.serve(home)
        else:
            lower_priority()
            worker.serve(home)
    finally:
        os._exit(1)


if __name__ == "__main__":
    main()
