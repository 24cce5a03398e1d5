"""What processes beside the server are given on their way."""

import re
import subprocess
from pathlib import Path

import pytest

from minigpt_core.background import memory_habits

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
