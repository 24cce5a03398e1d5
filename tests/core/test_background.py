"""What processes beside the server are given on their way."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from minigpt_core.background import ARENAS, import_path, memory_habits

LOADER = Path("/lib64/ld-linux-x86-64.so.2")  # of glibc: lists what it makes of the environment


@pytest.mark.skipif(not LOADER.exists(), reason="another C library, or another processor")
def test_the_c_library_takes_over_the_memory_habits() -> None:
    command = [str(LOADER), "--list-tunables"]
    listed = subprocess.run(command, env=memory_habits(), capture_output=True, text=True).stdout
    if "glibc.malloc.hugetlb" not in listed:
        pytest.skip("glibc before 2.35")
    values = dict(re.findall(r"^(\S+): (\w+)", listed, re.MULTILINE))
    for habit in memory_habits()["GLIBC_TUNABLES"].split(":"):
        name, chosen = habit.split("=")
        assert int(values[name], 0) == int(chosen)


def test_habits_that_somebody_has_chosen_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.perturb=1")
    assert memory_habits() == {"GLIBC_TUNABLES": "glibc.malloc.perturb=1"}


ARENAS_OF_THREADS = """
import ctypes, sys, threading
from minigpt_core.background import share_arenas
if sys.argv[1] == "shared":
    assert share_arenas()
together, libc = threading.Barrier(8), ctypes.CDLL(None)
def allocate():
    together.wait()
    kept = [bytes(5000) for _ in range(2000)]
    together.wait()
threads = [threading.Thread(target=allocate) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc.fopen.restype = ctypes.c_void_p
file = libc.fopen(b"/dev/stdout", b"w")
libc.malloc_info(0, ctypes.c_void_p(file))
libc.fclose(ctypes.c_void_p(file))
"""


@pytest.mark.skipif(not LOADER.exists(), reason="another C library, or another processor")
def test_the_threads_of_a_process_share_arenas() -> None:
    arenas = {
        how: subprocess.run(
            [sys.executable, "-c", ARENAS_OF_THREADS, how], env=os.environ | import_path(),
            capture_output=True, text=True, check=True,
        ).stdout.count("<heap nr=")
        for how in ("shared", "usual")
    }  # fmt: skip
    assert arenas["shared"] == ARENAS < arenas["usual"]
