"""Where a person's runs are."""

import os
from pathlib import Path

from platformdirs import user_data_dir


def data_home() -> Path:
    """The folder of all runs: `MINIGPT_HOME`, else the usual place for a program's data on this system."""
    chosen = os.environ.get("MINIGPT_HOME")
    return Path(chosen).expanduser() if chosen else Path(user_data_dir("mini-gpt", appauthor=False))
