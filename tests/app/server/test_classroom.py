"""A small class of robots goes through a lesson, as `benchmarks/classroom.py` does with thirty: nobody meets an error,
and nothing is lost. How long it takes is not asked here."""

import sys
from pathlib import Path

import pytest

from benchmarks.classroom import check, lesson
from scripts.running_app import running_app

PUPILS = 6


@pytest.mark.skipif(sys.platform == "win32", reason="a class is served from Linux or macOS")
def test_a_class_loses_nothing_and_meets_no_error(tmp_path: Path) -> None:
    with running_app(tmp_path / "home", env={"MINIGPT_SERVE": "1", "MINIGPT_LIMITS": "class"}) as app:
        register, runs = lesson(app, PUPILS, pausing=True)
        check(app, register, runs)
    assert len(runs) == PUPILS
    assert len(register.waits["first loss"]) == len(register.waits["done"]) == PUPILS
