"""`python rerun_probe.py LOG …`: `streamlit …`, with a line in LOG for each run of the main script: what it cost.

Knows nothing of the dashboard, so that it measures an earlier version as well. With a second file in the variable
`RERUN_PROFILE`, all runs after the signal SIGUSR1 are profiled into it.
"""

import cProfile
import json
import os
import signal
import sqlite3
import sys
import threading
import time
from typing import Any

from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.web import cli

LOG, PROFILE = sys.argv[1], os.environ.get("RERUN_PROFILE", "")
_counted = threading.local()
_plain_run, _plain_connect = ScriptRunner._run_script, sqlite3.connect
_profiling: list[cProfile.Profile] = []


def _count(_statement: str) -> None:
    _counted.queries = getattr(_counted, "queries", 0) + 1


def connect(*arguments: Any, **options: Any) -> sqlite3.Connection:
    """A connection whose statements are counted, by thread."""
    connection = _plain_connect(*arguments, **options)
    connection.set_trace_callback(_count)
    return connection


def run_script(runner: ScriptRunner, data: Any) -> None:
    """One run of the script, with a line in the log."""
    _counted.queries = 0
    if _profiling:
        _profiling[0].enable()
    began, cpu, everybody = time.perf_counter(), time.thread_time(), time.process_time()
    try:
        _plain_run(runner, data)
    finally:
        line = {
            "cpu": time.thread_time() - cpu, "wall": time.perf_counter() - began,
            "process": time.process_time() - everybody, "queries": _counted.queries,
        }  # fmt: skip
        if _profiling:
            _profiling[0].disable()
            _profiling[0].dump_stats(PROFILE)
        with open(LOG, "a") as log:
            log.write(json.dumps(line) + "\n")


def main() -> None:
    """Serve."""
    if PROFILE:
        signal.signal(signal.SIGUSR1, lambda *_: _profiling.append(cProfile.Profile()))
    sqlite3.connect = connect  # type: ignore[assignment]
    ScriptRunner._run_script = run_script  # type: ignore[assignment, method-assign]
    sys.argv = ["streamlit", *sys.argv[2:]]
    cli.main()


if __name__ == "__main__":
    main()
