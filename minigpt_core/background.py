"""Processes that work beside the server: how they find this package, and that they take what is left of the machine."""

import os
import sys
import traceback
from contextlib import suppress
from pathlib import Path

LOW = 10  # of the system's niceness: what takes what is left of the machine
BETWEEN = 5  # somebody waits for it, beside a page that shall stay quick


def import_path() -> dict[str, str]:
    """Lets such a process find this package, from whichever folder the server was started."""
    package_parent = str(Path(__file__).parents[1])
    return {"PYTHONPATH": os.pathsep.join(filter(None, [package_parent, os.environ.get("PYTHONPATH")]))}


def memory_habits() -> dict[str, str]:
    """Lets such a process keep what it has freed, since the next step needs as much again, and have its memory in
    large pages (2 MB): so the processor remembers where more of it is. To be set before it starts; only glibc heeds it.

    The same losses bit for bit, 4 to 9 % less processor time a step (`benchmarks/training_speed.py`).
    """
    habits = ("hugetlb=1", f"trim_threshold={128 << 20}", f"mmap_threshold={32 << 20}")
    chosen = ":".join(f"glibc.malloc.{habit}" for habit in habits)
    return {"GLIBC_TUNABLES": os.environ.get("GLIBC_TUNABLES", chosen)}


def print_problem() -> None:
    """What was just caught, into the log. That may lie on the full disk which is the problem: then nowhere."""
    with suppress(OSError):
        traceback.print_exc()


def lower_priority(to: int = LOW) -> None:
    """Let the page stay quick while this process takes what is left of the machine; where memory runs out, it ends
    before the server does.

    Args:
        to: `LOW` or `BETWEEN`; a process can go lower later, and never back.
    """
    if sys.platform == "win32":
        import ctypes

        below_normal = 0x4000  # BELOW_NORMAL_PRIORITY_CLASS
        ctypes.windll.kernel32.SetPriorityClass(ctypes.windll.kernel32.GetCurrentProcess(), below_normal)
    else:
        os.nice(max(0, to - os.nice(0)))
    with suppress(OSError):  # Linux alone has it
        Path("/proc/self/oom_score_adj").write_text("500")  # from -1000 to 1000, the highest first
