"""Processes that work beside the server: how they find this package, and that they take what is left of the machine."""

import os
import sys
from contextlib import suppress
from pathlib import Path


def import_path() -> dict[str, str]:
    """Lets such a process find this package, from whichever folder the server was started."""
    package_parent = str(Path(__file__).parents[1])
    return {"PYTHONPATH": os.pathsep.join(filter(None, [package_parent, os.environ.get("PYTHONPATH")]))}


def lower_priority() -> None:
    """Let the page stay quick while this process takes what is left of the machine; where memory runs out, it ends
    before the server does."""
    if sys.platform == "win32":
        import ctypes

        below_normal = 0x4000  # BELOW_NORMAL_PRIORITY_CLASS
        ctypes.windll.kernel32.SetPriorityClass(ctypes.windll.kernel32.GetCurrentProcess(), below_normal)
    else:
        os.nice(10)
    with suppress(OSError):  # Linux alone has it
        Path("/proc/self/oom_score_adj").write_text("500")  # from -1000 to 1000, the highest first
