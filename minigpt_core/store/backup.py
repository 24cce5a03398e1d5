"""The whole data folder as one file, written while others train and read: `write_backup`. What it holds is listed in
it with sizes and SHA-256, and read again before it gets its name. `restore.py` makes a data folder of it.

    backup.json      what it is, and of every other file its size, its SHA-256, and whether its owner alone may read it
    runs.sqlite3     one moment of the store, made by SQLite's own online backup
    texts/…, runs/…  the texts, and the weights that the store had announced by that moment; logs, lessons, secrets

The moment is that of the database. Weights that are thinned out while files are copied are no longer announced in it.
"""

import hashlib
import json
import os
import secrets
import sqlite3
import stat
import struct
import tempfile
import time
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from minigpt_core.errors import UserError
from minigpt_core.store.checkpoint_files import weights_path
from minigpt_core.store.explained import BUSY_SECONDS, explained
from minigpt_core.store.schema import PREPARED

FORMAT, VERSION = "mini-gpt data folder", 1
MANIFEST, DATABASE = "backup.json", "runs.sqlite3"
LEFT_OUT = ("locks/", "before-restore-", ".restore-", DATABASE)
"""How the names in the data folder begin that are no use elsewhere, or are copied in a way of their own."""

COPIED_AT_ONCE = 1 << 20  # bytes
MAX_MANIFEST_BYTES = MAX_DIRECTORY_BYTES = 64_000_000  # some hundred thousand files
MAX_FILE_BYTES = 1 << 40
END_OF_DIRECTORY = struct.Struct("<4s4H2LH")  # PKWARE's APPNOTE 4.3.16
LOCATOR, END_OF_LARGE_DIRECTORY = struct.Struct("<4sLQL"), struct.Struct("<4sQ2H2L4Q")  # 4.3.15 and 4.3.14
TEXT = "texts"


class BackupError(UserError):
    """A backup cannot be written, or is damaged, or does not belong where it is to go."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """So many bytes of so many are copied and checked."""

    done: int
    total: int


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A file of a backup."""

    bytes: int
    sha256: str
    private: bool
    """Whether its owner alone may read it."""


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What is in a backup."""

    runs: int
    files: dict[str, Entry]
    damaged: tuple[str, ...] = ()
    """Names of texts and weights that were damaged, or missing, in the data folder already."""

    @property
    def bytes(self) -> int:
        """Of all files, unpacked."""
        return sum(entry.bytes for entry in self.files.values())


# Writing


def write_backup(home: Path, target: Path) -> Generator[Progress, None, Contents]:
    """Copy the data folder `home` into a new file, which only its owner may read.

    Raises:
        BackupError: there is no data folder, or the file is there already.
        StoreError: something cannot be read or written.
    """
    target, home = target.absolute(), home.absolute()
    if target.exists():
        raise BackupError("{file} is there already: name a new file.", file=target)
    if target.resolve().is_relative_to(home.resolve()):
        raise BackupError(
            "{file} lies in the data folder, and would be lost with it: name a file elsewhere.", file=target
        )
    if not (home / DATABASE).exists():
        raise BackupError("{path} holds no runs: there is nothing to back up.", path=home)
    part = target.with_name(f"{target.name}.{secrets.token_hex(4)}.part")
    try:
        with explained(target), tempfile.TemporaryDirectory(prefix=".backup-", dir=target.parent) as place:
            snapshot = Path(place) / DATABASE
            with explained(home / DATABASE):
                copy_database(home / DATABASE, snapshot)
            with private_file(part) as file:
                contents = yield from write_files(home, snapshot, file)
            with opened(part) as backup:
                yield from backup.check(done=contents.bytes, total=2 * contents.bytes)
            os.replace(part, target)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return contents


def copy_database(source: Path, target: Path) -> None:
    """One moment of a database that others write."""
    with (
        closing(sqlite3.connect(source, timeout=BUSY_SECONDS)) as live,
        closing(sqlite3.connect(target)) as copy,
    ):
        live.backup(copy)  # in one go: who writes meanwhile writes on into the log and holds nothing up


@contextmanager
def private_file(path: Path) -> Iterator[IO[bytes]]:
    """A new file that only its owner may read; on the disk when the block ends."""
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def write_files(home: Path, snapshot: Path, file: IO[bytes]) -> Generator[Progress, None, Contents]:
    """The files of the folder, the database with what of its weights was found, and the list of all."""
    announced = announced_weights(snapshot)
    found = {name: path for name, path in files_of(home) if is_kept(name, announced)}
    total = 2 * (sum(path.stat().st_size for path in found.values() if path.exists()) + size(snapshot))
    entries, damaged, done = dict[str, Entry](), list[str](), 0
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in found.items():
            with suppress(FileNotFoundError):  # thinned out, or deleted, since
                entries[name] = write_file(archive, name, path)
                if is_damaged(name, entries[name], path):
                    damaged.append(name)
                done += entries[name].bytes
                yield Progress(done=done, total=total)
        missing = announced - entries.keys()
        damaged += sorted(missing & announced_weights(home / DATABASE))
        runs = forget_weights(snapshot, missing)
        entries[DATABASE] = write_file(archive, DATABASE, snapshot)
        contents = Contents(runs=runs, files=entries, damaged=tuple(damaged))
        archive.writestr(MANIFEST, manifest(contents))
    yield Progress(done=contents.bytes, total=2 * contents.bytes)
    return contents


def files_of(home: Path) -> Iterator[tuple[str, Path]]:
    """The files below a folder, by their names with `/`; links are followed."""
    seen = set[str]()
    for folder, folders, names in os.walk(home, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:  # a link to a folder above
            folders.clear()
            continue
        seen.add(real)
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            with suppress(FileNotFoundError):
                if stat.S_ISREG(path.stat().st_mode):
                    yield path.relative_to(home).as_posix(), path


def is_kept(name: str, announced: set[str]) -> bool:
    """Whether a file goes into a backup: of weights, those that the store knows."""
    if name.startswith(LEFT_OUT) or name.endswith(".part") or not is_plain(name):
        return False
    path = PurePosixPath(name)
    weights = path.parts[0] == "runs" and path.name.startswith("step-")
    return not weights or str(path.with_suffix(".safetensors")) in announced


def announced_weights(database: Path) -> set[str]:
    """The names of the weights that a store lists, without those that come with the program."""
    query = "SELECT id, checkpoints.step FROM checkpoints JOIN runs ON run = key WHERE workspace != ?"
    with explained(database), closing(sqlite3.connect(database, timeout=BUSY_SECONDS)) as db:
        return {
            weights_path(Path("runs") / id, step).as_posix() for id, step in db.execute(query, (PREPARED,))
        }


def forget_weights(database: Path, names: set[str]) -> int:
    """List these weights no longer; returns how many runs the store has, without those that come with the program."""
    with explained(database), closing(sqlite3.connect(database)) as db:
        for name in names:
            _, run_id, file = name.split("/")
            step = int(file.removeprefix("step-").removesuffix(".safetensors"))
            db.execute(
                "DELETE FROM checkpoints WHERE step = ? AND run = (SELECT key FROM runs WHERE id = ?)",
                (step, run_id),
            )
        db.commit()
        count: int = db.execute("SELECT count(*) FROM runs WHERE workspace != ?", (PREPARED,)).fetchone()[0]
    return count


def write_file(archive: zipfile.ZipFile, name: str, path: Path) -> Entry:
    """Copy one file as long as it is now: a log may grow."""
    with path.open("rb") as file:
        facts = os.fstat(file.fileno())
        info = zipfile.ZipInfo(
            name, time.localtime(max(facts.st_mtime, 315_532_800))[:6]
        )  # zip begins in 1980
        weights = name.endswith(".safetensors")  # random digits do not shrink
        info.compress_type = zipfile.ZIP_STORED if weights else zipfile.ZIP_DEFLATED
        digest, left = hashlib.sha256(), facts.st_size
        with archive.open(info, "w", force_zip64=True) as copy:
            while left and (data := file.read(min(left, COPIED_AT_ONCE))):
                copy.write(data)
                digest.update(data)
                left -= len(data)
    private = os.name == "posix" and not facts.st_mode & 0o077
    return Entry(bytes=facts.st_size - left, sha256=digest.hexdigest(), private=private)


def is_damaged(name: str, entry: Entry, path: Path) -> bool:
    """Whether what a file says of its own content is not so. A text is called by its SHA-256; weights begin with how
    long they are."""
    if name.startswith(f"{TEXT}/") and name.endswith(".txt"):
        return PurePosixPath(name).stem != entry.sha256
    return name.endswith(".safetensors") and not is_whole(path, entry.bytes)


def is_whole(path: Path, size: int) -> bool:
    """Whether a safetensors file is as long as its header says."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(min(length, size)))
        ends = [entry["data_offsets"][1] for key, entry in header.items() if key != "__metadata__"]
    except FileNotFoundError:  # thinned out since it was copied
        return True
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, struct.error):
        return False
    return bool(size == 8 + length + max(ends, default=0))


def manifest(contents: Contents) -> bytes:
    """The list of all files."""
    listed = {name: [e.bytes, e.sha256, e.private] for name, e in contents.files.items()}
    about = {"format": FORMAT, "version": VERSION, "created": time.time(), "runs": contents.runs}
    return json.dumps(about | {"files": listed}, indent=0).encode()


def size(path: Path) -> int:
    """Bytes of a file."""
    return path.stat().st_size


# Reading


class Backup:
    """A backup that `opened` has found to be one: its list of contents is checked, its files are not yet."""

    def __init__(self, archive: zipfile.ZipFile, contents: Contents, path: Path) -> None:
        self._archive, self.contents, self._path = archive, contents, path

    def check(self, done: int = 0, total: int = 0) -> Iterator[Progress]:
        """Read every file and compare it with the list. Raises `BackupError` for the first that differs."""
        for name, entry in self.contents.files.items():
            for _ in self.parts(name):
                pass
            done += entry.bytes
            yield Progress(done=done, total=total or self.contents.bytes)

    def parts(self, name: str) -> Iterator[bytes]:
        """A file, part by part. Raises `BackupError` at its end at the latest if it is not as listed."""
        entry, digest = self.contents.files[name], hashlib.sha256()
        with damaged(self._path), self._archive.open(name) as file:
            while data := file.read(COPIED_AT_ONCE):
                digest.update(data)
                yield data
        if digest.hexdigest() != entry.sha256:
            raise no_backup(self._path)


@contextmanager
def opened(path: Path) -> Iterator[Backup]:
    """A backup, for as long as the block lasts. Raises `BackupError` for anything else."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise BackupError(
            "{file} cannot be read: {problem}. Name a file that backup has written.",
            file=path, problem=error.strerror or error,
        ) from error  # fmt: skip
    with file:
        with damaged(path):
            check_directory(file)
            archive = zipfile.ZipFile(file)
            backup = Backup(archive, read_contents(archive, path), path)
        with archive:
            yield backup


def check_directory(file: IO[bytes]) -> None:
    """Refuse a list of names that is too long, before Python reads all of it into memory."""
    end = file.seek(0, os.SEEK_END)
    start = file.seek(max(0, end - END_OF_DIRECTORY.size - LOCATOR.size - 0xFFFF))
    tail = file.read()
    at = tail.rindex(b"PK\x05\x06")
    size = END_OF_DIRECTORY.unpack_from(tail, at)[5]
    if at >= LOCATOR.size and tail.startswith(b"PK\x06\x07", at - LOCATOR.size):
        place = LOCATOR.unpack_from(tail, at - LOCATOR.size)[2]
        file.seek(min(place, start + at))
        size = max(
            size % 0xFFFFFFFF, END_OF_LARGE_DIRECTORY.unpack(file.read(END_OF_LARGE_DIRECTORY.size))[8]
        )
    if size > MAX_DIRECTORY_BYTES:
        raise zipfile.BadZipFile
    file.seek(0)


def read_contents(archive: zipfile.ZipFile, path: Path) -> Contents:
    """What the list says, if the file holds just that, each file once, under a name that stays below a folder."""
    infos = archive.infolist()
    sizes = {info.filename: info.file_size for info in infos}
    if sizes.get(MANIFEST, MAX_MANIFEST_BYTES) >= MAX_MANIFEST_BYTES:
        raise zipfile.BadZipFile
    about: dict[str, Any] = json.loads(archive.read(MANIFEST))
    if about["format"] != FORMAT:
        raise zipfile.BadZipFile
    if about["version"] > VERSION:
        raise BackupError(
            "{file} was written by a newer version of this program. Update the program, then restore it.",
            file=path,
        )
    files = {
        str(name): Entry(bytes=int(length), sha256=str(digest), private=bool(private))
        for name, (length, digest, private) in about["files"].items()
    }
    odd = any(i.flag_bits & 1 or stat.S_IFMT(i.external_attr >> 16) not in (0, stat.S_IFREG) for i in infos)
    listed = {name: entry.bytes for name, entry in files.items()} | {MANIFEST: sizes[MANIFEST]}
    same_on_some_disk = {name.casefold() for name in sizes}
    if odd or listed != sizes or len(same_on_some_disk) != len(infos) or DATABASE not in files:
        raise zipfile.BadZipFile
    for name, entry in files.items():
        if not is_plain(name) or name.startswith(("locks/", f"{DATABASE}-")) or entry.bytes > MAX_FILE_BYTES:
            raise BackupError(
                "{file} holds {name}, which is no file of a data folder: nothing of it is used.",
                file=path, name=shown(name),
            )  # fmt: skip
    return Contents(runs=int(about["runs"]), files=files)


def is_plain(name: str) -> bool:
    """Whether a name, put behind a folder, names a file below it on every system."""
    parts = name.split("/")
    return all(part and part not in (".", "..") and len(part.encode()) <= 255 for part in parts) and not any(
        c in '\\:*?"<>|' or not c.isprintable() for c in name
    )


def shown(name: str) -> str:
    """The begin of a file's name, without what cannot be seen."""
    return "".join(c if c.isprintable() else "?" for c in name[:80])


@contextmanager
def damaged(path: Path) -> Iterator[None]:
    """What Python's readers raise on nonsense, as a sentence."""
    try:
        yield
    except (
        zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, NotImplementedError, RuntimeError, EOFError,
        OSError, UnicodeError, RecursionError, MemoryError, LookupError, TypeError, ValueError, AttributeError,
        ArithmeticError, AssertionError,
    ) as error:  # fmt: skip
        if isinstance(error, UserError):
            raise
        raise no_backup(path) from error


def no_backup(path: Path) -> BackupError:
    """The sentence for a file that is not, or no longer, what backup has written."""
    return BackupError(
        "{file} is damaged or incomplete, or it is no backup of mini-GPT: nothing of it is used. Copy it again from "
        "where it was made.",
        file=path,
    )
