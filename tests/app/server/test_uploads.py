"""What somebody has uploaded goes to the disk, or a sentence says why it does not."""

import shutil
import tempfile
from pathlib import Path

import pytest
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec

from minigpt_core.errors import StoreError
from ui.server import uploads


def uploaded(data: bytes) -> UploadedFile:
    return UploadedFile(UploadedFileRec("1", "run.zip", "application/zip", data), FileURLs())


def test_a_file_is_on_disk_for_as_long_as_it_is_used() -> None:
    with uploads.on_disk(uploaded(b"abc")) as path:
        assert path.read_bytes() == b"abc"
    assert not path.exists()


def test_a_full_disk_is_named(tiny_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tiny_disk))
    with pytest.raises(StoreError, match="is full"), uploads.on_disk(uploaded(b"x" * 2_000_000)):
        pass
    assert not list(tiny_disk.iterdir())
    (tiny_disk / "ballast").write_bytes(b"x" * shutil.disk_usage(tiny_disk).free)
    with pytest.raises(StoreError, match="is full"), uploads.on_disk(uploaded(b"abc")):
        pass
