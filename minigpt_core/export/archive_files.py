"""The files in a run's archive: found under the names that a run gives them, and bounded before any of them is read.

A zip may come from anybody, and may have been unpacked and packed again on the way: Finder and Explorer put a folder
around everything, and files of their own beside it.
"""

import io
import re
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from minigpt_core.errors import UserError
from minigpt_core.store.explained import FULL, disk_full
from minigpt_core.store.runs import MAX_CHECKPOINTS
from minigpt_core.texts import corpus

RUN, TEXT, METRICS, STEPS = "run.json", "text.txt", "metrics.json", "steps.csv"
CHECKPOINT = re.compile(r"checkpoints/step-(\d{8,12})\.safetensors", re.ASCII)
FROM_THE_SYSTEM = re.compile(
    r"(.*/)?(__MACOSX/.*|\.DS_Store|\._[^/]*|Thumbs\.db|desktop\.ini)", re.IGNORECASE
)
"""What macOS and Windows put into folders."""

MAX_BYTES = {RUN: 2_000_000, TEXT: corpus.MAX_BYTES, METRICS: 20_000_000, STEPS: 100_000_000}
MAX_CHECKPOINT_BYTES = 2_000_000_000
MAX_TOTAL_BYTES = 4_000_000_000
MAX_RATIO, FREE_BYTES = 20, 50_000_000
"""An archive may unpack to so many times its size, and so much on top. Weights hardly shrink, curves to a third; a text
that repeats itself shrinks to nothing."""

MAX_ENTRIES = 3 * (len(MAX_BYTES) + MAX_CHECKPOINTS)  # with folders, and a file of macOS' own beside each
MAX_DIRECTORY_BYTES = 500 * MAX_ENTRIES  # what their names and sizes can take
END_OF_DIRECTORY = struct.Struct("<4s4H2LH")  # PKWARE's APPNOTE 4.3.16
COPIED_AT_ONCE = 1 << 20  # bytes


class ArchiveError(UserError):
    """An archive is damaged, comes from a newer version, or holds something that a run does not have."""


@contextmanager
def damaged() -> Iterator[None]:
    """What Python's readers raise on nonsense, as a sentence."""
    try:
        yield
    except (
        zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, NotImplementedError, RuntimeError, EOFError,
        OSError, UnicodeError, RecursionError, MemoryError, LookupError, TypeError, ValueError,
        AttributeError, ArithmeticError, AssertionError,
    ) as error:  # fmt: skip
        if isinstance(error, UserError):  # a sentence already
            raise
        if isinstance(error, OSError) and error.errno in FULL:  # what is unpacked has no room here
            raise disk_full(Path(tempfile.gettempdir())) from error
        raise ArchiveError(
            "This archive is damaged, or it is no run of mini-GPT. Export the run again, and copy the file as it is."
        ) from error


class ArchiveFiles:
    """What `opened` found in an archive. Reading raises `ArchiveError` for a damaged file."""

    def __init__(self, archive: zipfile.ZipFile, size: int) -> None:
        self._archive = archive
        self._entries = named_as_in_a_run(archive.infolist())
        check_sizes(self._entries, size)

    @property
    def checkpoints(self) -> dict[int, str]:
        """The steps whose weights are there, in order, with their files' names."""
        found = {int(match[1]): name for name in self._entries if (match := CHECKPOINT.fullmatch(name))}
        return dict(sorted(found.items()))

    def size(self, name: str) -> int:
        """How many bytes a file unpacks to; more are never read."""
        return self._entries[name].file_size

    def read(self, name: str) -> bytes:
        """A whole file."""
        with damaged():
            return self._archive.read(self._entries[name])

    def lines(self, name: str) -> Iterator[str]:
        """The lines of a file in ASCII, one after the other."""
        with damaged(), self._archive.open(self._entries[name]) as file:
            for line in io.TextIOWrapper(file, "ascii", newline="\n"):
                yield line.removesuffix("\n")

    def copy(self, name: str, target: Path) -> None:
        """Write a file to `target`, part by part."""
        with damaged(), self._archive.open(self._entries[name]) as file, target.open("wb") as copy:
            while part := file.read(COPIED_AT_ONCE):
                copy.write(part)


@contextmanager
def opened(source: Path | IO[bytes]) -> Iterator[ArchiveFiles]:
    """The files of an archive for as long as the block lasts. Raises `ArchiveError`."""
    try:
        file = source.open("rb") if isinstance(source, Path) else source
    except OSError as error:
        raise ArchiveError(
            "{file} cannot be read: {problem}. Name a run that was exported as a .zip, or the folder of a GPT-2.",
            file=source, problem=error.strerror or error,
        ) from error  # fmt: skip
    with file:
        with damaged():
            size = check_directory(file)
            archive = zipfile.ZipFile(file)
            files = ArchiveFiles(archive, size)
        with archive:
            yield files


def check_directory(file: IO[bytes]) -> int:
    """Refuse a list of contents that is too long, before Python reads all of it into memory.

    Returns:
        The size of the archive in bytes.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - END_OF_DIRECTORY.size - 0xFFFF))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0:
        raise zipfile.BadZipFile
    entries, directory = END_OF_DIRECTORY.unpack_from(tail, at)[4:6]
    if entries > MAX_ENTRIES or directory > MAX_DIRECTORY_BYTES:
        raise ArchiveError(
            "This archive holds more files than a run has. Only open what this program has exported."
        )
    file.seek(0)
    return size


def named_as_in_a_run(entries: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """The files that a run has, each once and plain, without the folder that somebody has put around them."""
    files = [entry for entry in entries if not is_of_the_system(entry)]
    tops = [
        e.filename.removesuffix(RUN) for e in files if e.filename == RUN or e.filename.endswith(f"/{RUN}")
    ]
    top = min(tops, key=len, default="")
    found: dict[str, zipfile.ZipInfo] = {}
    for entry in files:
        name = entry.filename.removeprefix(top)
        odd = stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG) or entry.flag_bits & 1
        packed = entry.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
        if not (name in MAX_BYTES or CHECKPOINT.fullmatch(name)) or name in found or odd or not packed:
            raise ArchiveError(
                "This archive holds {name}, which does not belong to a run: nothing of it is opened.",
                name=shown(entry.filename),
            )
        found[name] = entry
    if missing := MAX_BYTES.keys() - found:
        raise ArchiveError("This archive lacks {name}: it is no whole run.", name=", ".join(sorted(missing)))
    return found


def is_of_the_system(entry: zipfile.ZipInfo) -> bool:
    """Whether it is an empty entry for a folder, or what macOS or Windows has added: nothing of it is read."""
    return (entry.is_dir() and entry.file_size == 0) or FROM_THE_SYSTEM.fullmatch(entry.filename) is not None


def check_sizes(entries: dict[str, zipfile.ZipInfo], archive_size: int) -> None:
    """Raise `ArchiveError` for a file that is larger than it can be, or for more than the archive can hold."""
    for name, entry in entries.items():
        if entry.file_size > MAX_BYTES.get(name, MAX_CHECKPOINT_BYTES):
            raise ArchiveError(
                "This archive claims that {name} is larger than it can be: nothing of it is opened.",
                name=name,
            )
    total = sum(entry.file_size for entry in entries.values())
    if total > min(MAX_TOTAL_BYTES, MAX_RATIO * archive_size + FREE_BYTES):
        raise ArchiveError("This archive is larger than a run can be: nothing of it is opened.")


def shown(name: str) -> str:
    """The begin of a file's name, without what cannot be seen."""
    return "".join(c if c.isprintable() else "?" for c in name[:80])
