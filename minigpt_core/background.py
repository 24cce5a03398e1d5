"""What the server and the processes beside it ask of the machine: how these find this package, that they take what is
left of the machine, and how memory is kept."""

import ctypes
import os
import sys
import traceback
from contextlib import suppress
from pathlib import Path

LOW = 19  # of the system's niceness: to Linux eight of these weigh an eighth of what the server does; at 10, as much
M_ARENA_MAX = -8  # the number of this setting in glibc's <malloc.h>
ARENAS = 2
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


def share_arenas() -> bool:
    """Have the threads of this process, of which every script run is a new one, share two of glibc's arenas: each would
    keep what was freed in one of its own. Measured with ten robots, three trainings, two cores: 30 MB less of 360.

    Returns:
        Whether the C library heeds it: only glibc does.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # not every C library has it
    return mallopt is not None and mallopt(M_ARENA_MAX, ARENAS) == 1


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
