"""What the system refuses, as a sentence that names the true cause."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from minigpt_core.errors import StoreError
from minigpt_core.store.runs import RunStore

resource = pytest.importorskip("resource", reason="Windows has no such limit")


@contextmanager
def no_more_files() -> Iterator[None]:
    """The system opens none for this program."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.open(os.devnull, os.O_RDONLY)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_too_many_open_files_are_no_missing_permission(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    text = store.save_text("le chat", "chat")
    with no_more_files():
        for ask in (lambda: store.runs(), lambda: store.text(text), lambda: store.save_text("un chat", "")):
            with pytest.raises(StoreError) as error:
                ask()
            assert "as many files and connections open" in str(error.value)
    assert store.runs() == []
