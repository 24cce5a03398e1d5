"""A backup is the data folder of one moment, also while a training writes; what is not whole is never restored."""

import hashlib
import json
import os
import queue
import shutil
import sqlite3
import stat
import sys
import threading
import zipfile
from collections import namedtuple
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TypeVar

import pytest

from minigpt_core.configs import TrainConfig
from minigpt_core.errors import UserError
from minigpt_core.jobs.worker import Controls, train
from minigpt_core.store.backup import MANIFEST, BackupError, Contents, Progress, opened, write_backup
from minigpt_core.store.new_run import new_run
from minigpt_core.store.restore import restore_backup
from minigpt_core.store.runs import MAX_CHECKPOINTS, Run, RunStore

Result = TypeVar("Result")
TEXT = "the cat sat on the mat. " * 30
SMALL = {"block_size": 8, "n_embd": 16}


def result(work: Generator[Progress, None, Result]) -> Result:
    """What a long work comes to; it tells on the way how far it is, and never less than before."""
    told: list[Progress] = []
    while True:
        try:
            told.append(next(work))
        except StopIteration as end:
            assert told and [p.done for p in told] == sorted(p.done for p in told)
            assert told[-1].done == told[-1].total
            value: Result = end.value
            return value


def a_run(store: RunStore, **training: int) -> Run:
    config = TrainConfig(**{"steps": 6, "eval_interval": 2, "eval_windows": 2, "sample_length": 5} | training)
    return new_run(store, text=TEXT, title="cat", model_fields=SMALL, training=config)


def trained(store: RunStore, run: Run) -> None:
    train(store, run.id, Controls(queue.Queue(), lambda *told, **more: None))


def losses(store: RunStore, run: Run) -> list[tuple[int, float]]:
    return [(event.step, event.loss) for event in store.steps_since(run.id, limit=10_000)]


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "home")


@pytest.fixture
def file(store: RunStore, tmp_path: Path) -> Path:
    """A backup of a trained run."""
    trained(store, a_run(store))
    result(write_backup(store.home, tmp_path / "backup.zip"))
    return tmp_path / "backup.zip"


def contents_of(folder: Path) -> dict[str, bytes]:
    """The files of a data folder but for locks and the database, whose pages may lie in another order."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.parent.name != "locks" and not path.name.startswith("runs.sqlite3")
    }


def test_all_that_is_stored_comes_back(store: RunStore, tmp_path: Path) -> None:
    run = a_run(store)
    trained(store, run)
    (store.home / "lessons").mkdir()
    (store.home / "lessons" / "à-moi.fr.md").write_text("# leçon")
    (store.home / "runs" / run.id / "step-00000099.safetensors.ab12.part").write_bytes(b"half")
    told = result(write_backup(store.home, tmp_path / "backup.zip"))
    assert (told.runs, told.damaged) == (1, ())

    again = tmp_path / "again"
    contents, earlier = result(restore_backup(tmp_path / "backup.zip", again))
    assert (contents.runs, earlier) == (1, None)
    whole = {name: data for name, data in contents_of(store.home).items() if not name.endswith(".part")}
    assert contents_of(again) == whole
    restored = RunStore(again)
    assert restored.runs() == store.runs()
    assert losses(restored, run) == losses(store, run)
    assert restored.checkpoints(run.id) == store.checkpoints(run.id)


def test_a_backup_made_while_a_training_writes_goes_on_to_the_same_losses(
    store: RunStore, tmp_path: Path
) -> None:
    run = a_run(store, steps=400, eval_interval=10)
    training = threading.Thread(target=trained, args=(store, run))
    training.start()
    while store.run(run.id).step < 30:
        pass
    result(write_backup(store.home, tmp_path / "backup.zip"))
    assert training.is_alive() and store.run(run.id).step < 400, "it was to be made in the middle"
    training.join()

    restored = RunStore(tmp_path / "again")
    result(restore_backup(tmp_path / "backup.zip", restored.home))
    then = restored.run(run.id)
    assert then.status == "interrupted" and 30 <= then.step < 400
    assert losses(restored, run) == losses(store, run)[: then.step]
    assert restored.load_checkpoint(run.id).step <= then.step
    trained(restored, run)
    assert losses(restored, run) == losses(store, run)


def test_weights_that_are_thinned_out_meanwhile_are_announced_no_longer(
    store: RunStore, tmp_path: Path
) -> None:
    run = a_run(store, steps=2 * MAX_CHECKPOINTS, eval_interval=2)
    trained(store, run)
    gone = store.checkpoints(run.id)[5].step
    work = write_backup(store.home, tmp_path / "backup.zip")
    next(work)
    folder = store.folder(run.id)
    with sqlite3.connect(store.home / "runs.sqlite3") as db:  # as `save_checkpoint` does it
        db.execute("DELETE FROM checkpoints WHERE step = ?", (gone,))
    (folder / f"step-{gone:08d}.safetensors").unlink()
    told = drained(work)
    assert told.damaged == ()
    restored = RunStore(tmp_path / "again")
    result(restore_backup(tmp_path / "backup.zip", restored.home))
    steps = [info.step for info in restored.checkpoints(run.id)]
    assert gone not in steps and len(steps) == MAX_CHECKPOINTS - 1
    for step in steps:
        assert restored.load_checkpoint(run.id, step).step == step


def drained(work: Generator[Progress, None, Result]) -> Result:
    """What is left of a work that has begun."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            value: Result = end.value
            return value


def test_what_was_damaged_before_is_told_and_the_rest_is_kept(store: RunStore, tmp_path: Path) -> None:
    run = a_run(store)
    trained(store, run)
    first, second, *_ = sorted(store.folder(run.id).glob("*.safetensors"))
    first.write_bytes(first.read_bytes()[:-1])
    second.unlink()
    text = next((store.home / "texts").iterdir())
    text.write_text("another text")
    told = result(write_backup(store.home, tmp_path / "backup.zip"))
    assert {Path(name).name for name in told.damaged} == {first.name, second.name, text.name}
    restored = RunStore(tmp_path / "again")
    result(restore_backup(tmp_path / "backup.zip", restored.home))
    assert len(restored.checkpoints(run.id)) == len(store.checkpoints(run.id)) - 1
    assert restored.load_checkpoint(run.id).step == 6


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.9, 0.999])
def test_a_cut_file_is_refused(file: Path, tmp_path: Path, share: float) -> None:
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * share)])
    refused(file, tmp_path, "damaged or incomplete")


def test_one_changed_byte_anywhere_in_a_file_is_refused(file: Path, tmp_path: Path) -> None:
    whole = file.read_bytes()
    with zipfile.ZipFile(file) as archive:
        places = {
            info.filename: info.header_offset + 200 for info in archive.infolist() if info.compress_size > 300
        }
    assert {Path(name).suffix for name in places} >= {".safetensors", ".sqlite3", ".json"}
    for place in [*places.values(), len(whole) - 300]:
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        refused(file, tmp_path, "damaged or incomplete")


def refused(file: Path, tmp_path: Path, says: str) -> None:
    """Nothing is restored, and nothing is left."""
    with pytest.raises(BackupError, match=says):
        result(restore_backup(file, tmp_path / "again"))
    assert not (tmp_path / "again").exists() or not list((tmp_path / "again").iterdir())


def changed(file: Path, change: Callable[[dict[str, bytes], dict[str, list[object]]], None]) -> None:
    """Write a backup anew with other files, their sizes and checksums as listed unless `change` forges them."""
    with zipfile.ZipFile(file) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    about = json.loads(files.pop(MANIFEST))
    change(files, about["files"])
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
        archive.writestr(MANIFEST, json.dumps(about))


NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # SHA-256 of no byte


@pytest.mark.parametrize(
    "name",
    ["../evil", "/evil", "runs/../../evil", "a\\..\\evil", "C:evil", "runs//evil", "locks/run-1.lock", "x/./y",
     "line\nbreak", "runs.sqlite3-wal", "n" * 256],
)  # fmt: skip
def test_no_name_leads_out_of_the_folder(file: Path, tmp_path: Path, name: str) -> None:
    def add(files: dict[str, bytes], listed: dict[str, list[object]]) -> None:
        files[name], listed[name] = b"", [0, NOTHING, False]

    changed(file, add)
    refused(file, tmp_path, "no file of a data folder")
    assert not [*tmp_path.rglob("*evil*")]


def test_what_is_not_listed_or_not_as_listed_is_refused(file: Path, tmp_path: Path) -> None:
    whole = file.read_bytes()

    def more(files: dict[str, bytes], listed: dict[str, list[object]]) -> None:
        files["extra"] = b""

    def fewer(files: dict[str, bytes], listed: dict[str, list[object]]) -> None:
        listed["texts/extra"] = [0, NOTHING, False]

    def twice(files: dict[str, bytes], listed: dict[str, list[object]]) -> None:
        for name in ("Lessons", "lessons"):
            files[name], listed[name] = b"", [0, NOTHING, False]

    def larger(files: dict[str, bytes], listed: dict[str, list[object]]) -> None:
        files["zeros"], listed["zeros"] = b"\0" * 1000, [1, NOTHING, False]

    def other(files: dict[str, bytes], listed: dict[str, list[object]]) -> None:
        files["zeros"], listed["zeros"] = b"\0" * 1000, [1000, NOTHING, False]

    for change in (more, fewer, twice, larger, other):
        file.write_bytes(whole)
        changed(file, change)
        refused(file, tmp_path, "damaged or incomplete")
    file.write_bytes(whole)
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(link, "/etc")
    refused(file, tmp_path, "damaged or incomplete")
    file.write_bytes(b"PK" + os.urandom(3000))
    refused(file, tmp_path, "damaged or incomplete")
    refused(tmp_path / "nowhere.zip", tmp_path, "cannot be read")


def test_a_store_that_is_none_is_refused(file: Path, tmp_path: Path) -> None:
    """Also one that would act by itself, or whose ids would become paths elsewhere."""
    whole = file.read_bytes()
    for statement, says in [
        ("UPDATE texts SET id = '../../evil'", "damaged"),
        ("UPDATE runs SET id = '../evil'", "damaged"),
        ("CREATE TRIGGER t AFTER INSERT ON runs BEGIN DELETE FROM texts; END", "damaged"),
        ("DROP TABLE runs", "damaged"),
        ("PRAGMA user_version = 9999", "newer version"),
    ]:
        file.write_bytes(whole)
        place = tmp_path / "changed.sqlite3"
        shutil.rmtree(place, ignore_errors=True)

        def spoil(
            files: dict[str, bytes],
            listed: dict[str, list[object]],
            place: Path = place,
            statement: str = statement,
        ) -> None:
            place.write_bytes(files["runs.sqlite3"])
            with sqlite3.connect(place) as db:
                db.execute(statement)
            db.close()
            data = files["runs.sqlite3"] = place.read_bytes()
            listed["runs.sqlite3"] = [len(data), hashlib.sha256(data).hexdigest(), False]

        changed(file, spoil)
        refused(file, tmp_path, says)


def test_a_used_folder_is_replaced_on_request_alone_and_kept(file: Path, tmp_path: Path) -> None:
    other = RunStore(tmp_path / "other")
    mine = a_run(other)
    before = contents_of(other.home)
    with pytest.raises(BackupError, match="--replace"):
        result(restore_backup(file, other.home))
    assert contents_of(other.home) == before and [run.id for run in other.runs()] == [mine.id]

    _, earlier = result(restore_backup(file, other.home, replace=True))
    assert earlier is not None and earlier.parent == other.home
    assert len(other.runs()) == 1 and other.runs()[0].id != mine.id
    assert [run.id for run in RunStore(earlier).runs()] == [mine.id]
    told = result(write_backup(other.home, tmp_path / "second.zip"))
    assert not [name for name in told.files if name.startswith("before-restore-")]


def test_a_folder_where_somebody_is_at_work_is_left_alone(file: Path, store: RunStore) -> None:
    run = store.runs()[0]
    before = contents_of(store.home)
    with store.lock(run.id), pytest.raises(BackupError, match="at work"):
        result(restore_backup(file, store.home, replace=True))
    assert contents_of(store.home) == before


def test_a_disk_that_is_too_small_is_told_before_anything_is_written(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9 - 1, 1))
    refused(file, tmp_path, "has 0 MB left")


@pytest.mark.skipif(sys.platform == "win32", reason="asks for POSIX permissions")
def test_secrets_stay_with_their_owner(store: RunStore, tmp_path: Path) -> None:
    a_run(store)
    secret = store.home / "teacher-secret"
    secret.write_text("key")
    secret.chmod(0o600)
    result(write_backup(store.home, tmp_path / "backup.zip"))
    result(restore_backup(tmp_path / "backup.zip", tmp_path / "again"))
    for path in (tmp_path / "backup.zip", tmp_path / "again" / "teacher-secret"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "again" / "runs.sqlite3").stat().st_mode) & 0o077


def test_a_backup_that_fails_leaves_nothing(store: RunStore, tmp_path: Path) -> None:
    def refused_with(home: Path, target: Path, says: str) -> None:
        before = {*tmp_path.rglob("*")}
        with pytest.raises(UserError, match=says):
            result(write_backup(home, target))
        assert {*tmp_path.rglob("*")} == before

    refused_with(store.home, tmp_path / "backup.zip", "nothing to back up")
    a_run(store)
    refused_with(store.home, store.home / "backup.zip", "lost with it")
    refused_with(store.home, tmp_path / "nowhere" / "backup.zip", "nowhere")
    (tmp_path / "there.zip").write_bytes(b"")
    refused_with(store.home, tmp_path / "there.zip", "there already")
    work = write_backup(store.home, tmp_path / "backup.zip")
    next(work)
    work.close()  # Ctrl-C
    assert not [path for path in tmp_path.iterdir() if "backup" in path.name]


def test_a_list_of_names_without_end_is_not_read(file: Path) -> None:
    data = bytearray(file.read_bytes())
    at = data.rindex(b"PK\x05\x06")
    data[at + 12 : at + 16] = (2**31).to_bytes(4, "little")
    file.write_bytes(data)
    with pytest.raises(BackupError, match="damaged"), opened(file):
        pass


def test_the_contents_can_be_looked_at(file: Path) -> None:
    with opened(file) as backup:
        contents: Contents = backup.contents
        assert contents.runs == 1 and "runs.sqlite3" in contents.files
        assert [*backup.check()][-1].done == contents.bytes
