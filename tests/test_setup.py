"""Starting on a fresh machine: what is missing is named in a sentence, and the class gets a real address."""

import ipaddress
import os
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from minigpt_core.jobs.cluster_address import ADDRESS, AUTH_MODE, CARDS, LAUNCHER
from scripts.serve import addresses, is_head, open_cluster, use_cluster

ROOT = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.skipif(os.name == "nt", reason="make and sh are not used on Windows")


def find_python(python: str) -> subprocess.CompletedProcess[str]:
    """Let the script of `make run` look at this Python only."""
    return subprocess.run(
        ["sh", "scripts/find_python.sh"],
        cwd=ROOT,
        env={**os.environ, "PYTHON": python},
        capture_output=True,
        text=True,
    )


def pretend_python(folder: Path, version: str, is_new: bool) -> str:
    """A program that answers the script's three questions as a Python without venv would."""
    program = folder / f"python{version}"
    program.write_text(
        f'#!/bin/sh\ncase "$2" in\n*print*) echo {version} ;;\n*version_info*) exit {int(not is_new)} ;;\n'
        "*) exit 1 ;;\nesac\n"
    )
    program.chmod(0o755)
    return str(program)


def test_a_python_that_fits_is_found() -> None:
    found = find_python(sys.executable)
    assert (found.returncode, found.stdout.strip(), found.stderr) == (0, sys.executable, "")


def test_no_python_an_old_one_and_one_without_venv_are_each_named(tmp_path: Path) -> None:
    for python, words in [
        ("no-such-python", "does not start"),
        (pretend_python(tmp_path, "3.9", is_new=False), "needs Python 3.11 or newer"),
        (pretend_python(tmp_path, "3.12", is_new=True), "python3.12-venv"),
    ]:
        found = find_python(python)
        assert (found.returncode, found.stdout) == (1, "")
        assert words in found.stderr
        assert found.stderr.count("\n") == 1


def test_the_address_for_the_class_is_not_this_machine_alone() -> None:
    found = [ipaddress.IPv4Address(address) for address in addresses()]
    assert len(set(found)) == len(found)
    assert not any(address.is_loopback or address.is_unspecified for address in found)


def test_the_clusters_head_and_the_classs_address_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (LAUNCHER, ADDRESS, CARDS):
        monkeypatch.setenv(name, "")
    assert is_head("10.0.0.5:6379") and not is_head("https://lab.example:8443/gpt")
    use_cluster(Namespace(address=["https://lab.example/gpt"], launcher=None, cards=None))
    assert [os.environ[name] for name in (LAUNCHER, ADDRESS, CARDS)] == ["", "", ""]
    both = ["10.0.0.5:6379", "https://lab.example/gpt"]
    use_cluster(Namespace(address=both, launcher="ray", cards="0.25"))
    assert [os.environ[name] for name in (LAUNCHER, ADDRESS, CARDS)] == ["ray", both[0], "0.25"]


def test_a_cluster_that_asks_for_no_token_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray", reason="Ray is an extra: requirements-ray.txt")
    monkeypatch.setenv(LAUNCHER, "local")
    assert open_cluster() is None
    monkeypatch.setenv(LAUNCHER, "ray")
    monkeypatch.setenv(ADDRESS, "10.0.0.5:6379")
    monkeypatch.setenv(AUTH_MODE, "token")
    assert open_cluster() is None
    monkeypatch.delenv(AUTH_MODE)
    assert "can run any program on them" in (open_cluster() or "")
