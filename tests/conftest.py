"""What every test gets: a data folder of its own, one thread, and reproducible hypothesis runs."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # two threads on a busy core wait asleep

MEMORY, ENOUGH = Path("/dev/shm"), 2**29  # bytes


def is_good_for_tests(folder: Path) -> bool:
    """Whether the tests can write here as much as they like, and start what they wrote."""
    if sys.platform != "linux" or not os.access(folder, os.W_OK):
        return False
    return shutil.disk_usage(folder).free > ENOUGH and not os.statvfs(folder).f_flag & os.ST_NOEXEC


# A store waits for the disk at every write, and the tests write some ten thousand times: Linux lends them its memory.
if is_good_for_tests(MEMORY):
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

# No deadline: a test asserts what is true, not how fast a machine is. Derandomized: CI never fails by chance.
settings.register_profile(
    "project", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
settings.load_profile("project")


TESTS = Path(__file__).parent
WHOLE_PAGES = {"app", "browser"}  # fixtures
# Here trainings reach a known loss, exported programs are run, and processes are started and killed.
LONG = [
    "browser", "app/server/test_attacks.py", "app/server/test_classroom.py", "app/server/test_restart.py",
    "app/server/test_teacher.py", "core/jobs", "core/export",
    "core/generation/test_streaming.py", "core/interpret/test_diagnosis.py", "core/lessons/test_shipped.py",
    "core/store/test_prepared.py", "core/store/test_runs.py", "core/store/test_written_before.py",
    "core/test_command_line.py", "core/test_distributed.py", "core/test_notebook.py", "core/test_precision.py",
    "core/test_presets.py",
]  # fmt: skip


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--quick` is what `make quick` asks for."""
    parser.addoption("--quick", action="store_true", help="leave out whole pages and what takes long")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The files that take longest come first: run side by side, they end at about the same moment."""
    if config.getoption("quick"):
        config.hook.pytest_deselected(items=[item for item in items if takes_long(item)])
        items[:] = [item for item in items if not takes_long(item)]
    rooms = ("browser", "app", "core")
    place = {room: number for number, room in enumerate(rooms)}
    items.sort(
        key=lambda item: (min(place.get(part, len(rooms)) for part in item.path.parts), not takes_long(item))
    )


def takes_long(item: pytest.Item) -> bool:
    """Whether it needs a browser or a whole page, or is among the `LONG` ones."""
    whole = not WHOLE_PAGES.isdisjoint(getattr(item, "fixturenames", ()))
    return whole or any(item.path.is_relative_to(TESTS / place) for place in LONG)


@pytest.fixture(autouse=True)
def data_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """No test touches the runs of the person who starts it."""
    home = tmp_path / "minigpt-home"
    monkeypatch.setenv("MINIGPT_HOME", str(home))
    yield home


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte, where this process may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    if (
        mount is None
        or subprocess.run(
            [mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True
        ).returncode
    ):
        pytest.skip("mounting a small file system is not allowed here")
    yield disk
    subprocess.run(["umount", disk], check=True)
