"""A run as a zip: the same run on another machine; and nothing at all of a damaged or hostile one."""

import io
import itertools
import json
import os
import queue
import random
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from minigpt_core.configs import TrainConfig
from minigpt_core.errors import StoreError, UserError
from minigpt_core.export import archive as archive_module
from minigpt_core.export.archive import export_run, import_run
from minigpt_core.export.archive_files import ArchiveError
from minigpt_core.jobs.recording import Recorder
from minigpt_core.jobs.worker import Controls, take_up, train
from minigpt_core.store import prepared
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.training import StepEvent

TEXT = "le chat curieux dort. le chat gris court. un matin, le chat voit un oiseau.\n" * 12
LAST = "checkpoints/step-00000007.safetensors"
Files = dict[str, bytes]


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "here")


@pytest.fixture
def there(tmp_path: Path) -> RunStore:
    """The store of another machine."""
    return RunStore(tmp_path / "there")


@pytest.fixture
def stopped(store: RunStore) -> Run:
    return stopped_run(store)


def stopped_run(store: RunStore) -> Run:
    """A run that was stopped after 7 of 20 steps, with a change on the way."""
    run = new_run(
        store, text=TEXT, title="chat", model_fields={"n_embd": 16, "block_size": 8, "n_layer": 1, "dropout": 0.1},
        training=TrainConfig(steps=20, eval_interval=5, sample_length=12, optimizer="muon"), status="running",
    )  # fmt: skip
    store.note(run.id, "a note")
    trainer = take_up(store, run)
    recorder = Recorder(store, run.id, trainer)
    for event in trainer.run():
        recorder.record(event)
        if isinstance(event, StepEvent) and event.step == 3:
            trainer.steering.change(learning_rate=0.01)
        if event.step == 7:
            trainer.steering.stop()
    store.set_status(run.id, "stopped")
    return store.run(run.id)


def go_on(store: RunStore, run: Run) -> list[float]:
    """All losses of a run after it was resumed to its end."""
    store.set_status(run.id, "running")
    train(store, run.id, Controls(queue.Queue(), lambda *_, **__: None))
    return [step.loss for step in store.steps_since(run.id)]


def test_everything_comes_back_and_goes_on_as_if_nothing_had_happened(
    store: RunStore, there: RunStore, stopped: Run
) -> None:
    copy = import_run(there, io.BytesIO(export_run(store, stopped)))
    for name in ("name", "note", "status", "step", "seconds", "characters", "lower", "model", "training", "preset",
                 "text_id", "text_title", "best_step", "best_val_loss"):  # fmt: skip
        assert getattr(copy, name) == getattr(stopped, name), name
    for read in ("steps_since", "evaluations", "samples", "changes"):
        assert getattr(there, read)(copy.id) == getattr(store, read)(stopped.id), read
    assert there.curve(copy.id) == store.curve(stopped.id)
    assert [c.step for c in there.checkpoints(copy.id)] == [c.step for c in store.checkpoints(stopped.id)]
    assert go_on(there, copy) == go_on(store, stopped)


def test_a_run_that_goes_on_is_archived_as_a_stopped_one(
    store: RunStore, there: RunStore, stopped: Run
) -> None:
    store.set_status(stopped.id, "running")
    assert import_run(there, io.BytesIO(export_run(store, store.run(stopped.id)))).status == "stopped"


def test_a_prepared_run_travels_as_weights_alone(store: RunStore, there: RunStore) -> None:
    prepared.adopt(store)
    ready = next(run for run in store.runs() if run.prepared and run.model.n_layer == 0)
    copy = import_run(there, io.BytesIO(export_run(store, ready)), workspace="somebody")
    assert (copy.workspace, copy.prepared, copy.status) == ("somebody", False, "done")
    ours, theirs = (s.load_checkpoint(r.id, model_only=True) for s, r in ((there, copy), (store, ready)))
    assert all(torch.equal(ours.tensors[name].float(), t.float()) for name, t in theirs.tensors.items())


# Damaged and hostile archives


def unpacked(archive: bytes) -> Files:
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        return {name: file.read(name) for name in file.namelist()}


def packed(files: Files) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in files.items():
            file.writestr(name, data)
    return target.getvalue()


def put(path: str, value: Any) -> Callable[[Files], None]:
    """`put("run.json/model/n_embd", 3)`: another value in one of the JSON files."""

    def change(files: Files) -> None:
        name, *keys = path.split("/")
        whole = json.loads(files[name])
        inner = whole
        for key in keys[:-1]:
            inner = inner[int(key) if isinstance(inner, list) else key]
        inner[int(keys[-1]) if isinstance(inner, list) else keys[-1]] = value
        files[name] = json.dumps(whole).encode()

    return change


def add(name: str, data: bytes = b"x") -> Callable[[Files], None]:
    return lambda files: files.update({name: data})


def drop(name: str) -> Callable[[Files], None]:
    def change(files: Files) -> None:
        del files[name]

    return change


def with_tensor(name: str, tensor: torch.Tensor | None) -> Callable[[Files], None]:
    """Another tensor in the last checkpoint, or one less."""

    def change(files: Files) -> None:
        head = int.from_bytes(files[LAST][:8], "little")
        state = json.loads(files[LAST][8 : 8 + head])["__metadata__"]
        tensors = safetensors.torch.load(files[LAST])
        assert name in tensors or tensor is not None
        kept = {key: value for key, value in tensors.items() if key != name}
        files[LAST] = safetensors.torch.save(kept | ({} if tensor is None else {name: tensor}), state)

    return change


HOSTILE: dict[str, Callable[[Files], None]] = {
    "a path upwards": add("../../runs.sqlite3"),
    "a path upwards inside": add("checkpoints/../../x.safetensors"),
    "an absolute path": add("/etc/passwd"),
    "a Windows path": add("C:\\x.txt"),
    "a folder": add("checkpoints/"),
    "an unexpected file": add("checkpoints/step-00000001.pkl"),
    "a number that is none": add("checkpoints/step-000000٣3.safetensors"),
    "too many files": lambda files: files.update({f"checkpoints/step-{n:08d}.safetensors": b"" for n in range(99)}),
    "no text": drop("text.txt"),
    "no metrics": drop("metrics.json"),
    "another text encoding": add("text.txt", b"\xff\xfe"),
    "a text of unknown characters": add("text.txt", b"ZZZZ" * 100),
    "an empty text": add("text.txt", b""),
    "no JSON": add("run.json", b"{"),
    "a list for an object": add("run.json", b"[]"),
    "deep JSON": add("metrics.json", b"[" * 1_000_000),
    "NaN in JSON": put("metrics.json/evaluations/0/1", float("nan")),
    "infinity": put("run.json/seconds", 1e999),
    "a huge number": put("run.json/step", 10**400),
    "a newer version": put("run.json/version", 99),
    "another format": put("run.json/format", "zip"),
    "a live status": put("run.json/status", "running"),
    "a size out of range": put("run.json/model/n_embd", 10**9),
    "a size of another type": put("run.json/model/n_embd", "64"),
    "half a layer": put("run.json/model/n_layer", 1.5),
    "an unknown setting": put("run.json/model/n_experts", 4),
    "a larger model": put("run.json/model/n_embd", 32),
    "a deeper model": put("run.json/model/n_layer", 2),
    "another optimizer": put("run.json/training/optimizer", "pickle"),
    "an optimizer with other averages": put("run.json/training/optimizer", "adamw"),
    "another vocabulary": put("run.json/characters", "ab"),
    "an unsorted vocabulary": lambda files: put("run.json/characters", "".join(sorted(set(TEXT), reverse=True)))(files),
    "a step beyond the end": put("run.json/step", 21),
    "an evaluation beyond the end": put("metrics.json/evaluations/0/0", 21),
    "evaluations out of order": put("metrics.json/evaluations/1/0", 0),
    "a sample that is too long": put("metrics.json/samples/0/1", "x" * 100),
    "a change of what cannot change": put("metrics.json/changes/0/1", "__class__"),
    "a long name": put("run.json/name", "x" * 1000),
    "steps out of order": add("steps.csv", b"2,1.0,0.1,1.0\n1,1.0,0.1,1.0\n"),
    "a step of words": add("steps.csv", b"one,1.0,0.1,1.0\n"),
    "a step without cells": add("steps.csv", b"1\n"),
    "a step of 200 kB": add("steps.csv", b"1," + b"1" * 200_000 + b",0.1,1.0\n"),
    "an open quote": add("steps.csv", b'1,"1.0,0.1,1.0\n'),
    "a bare carriage return": add("steps.csv", b"1,1.0,0.1,1.0\r2,1.0,0.1,1.0\n"),
    "a step twice": add("steps.csv", b"1,1.0,0.1,1.0\n1,1.0,0.1,1.0\n"),
    "a loss that no run can have": add("steps.csv", b"1,1e308,0.1,1.0\n"),
    "a learning rate that no run can have": add("steps.csv", b"1,1.0,1e300,1.0\n"),
    "an evaluation that no run can have": put("metrics.json/evaluations/0/1", 1e308),
    "an accuracy above 1": put("metrics.json/evaluations/0/3", 1.5),
    "a best loss that no run can have": put("run.json/best_val_loss", 1e300),
    "a time of 1e308 s": put("run.json/seconds", 1e308),
    "a speed of 1e308": put("run.json/steps_per_second", 1e308),
    "a time below 0": put("run.json/seconds", -1.0),
    "1025 threads": put("run.json/threads", 1025),
    "too many changes": lambda files: put("metrics.json/changes", [[1, "pace", 1.0]] * 40_000)(files),
    "half a character more": lambda files: put(
        "run.json/characters", json.loads(files["run.json"])["characters"] + "\ud83d"
    )(files),
    "a loss that is no number": add("steps.csv", b"1,nan,0.1,1.0\n"),
    "weights that are none": add(LAST, b"\x80\x04pickle"),
    "a safetensors header beyond the file": add(LAST, (10**15).to_bytes(8, "little") + b"{}"),
    "a weight missing": with_tensor("model.lm_head.weight", None),
    "a weight of another shape": with_tensor("model.lm_head.weight", torch.zeros(1)),
    "a weight that is no number": with_tensor("model.lm_head.bias", torch.full((21,), torch.nan)),
    "a weight more": with_tensor("model.extra", torch.zeros(1)),
    "another tensor": with_tensor("code", torch.zeros(1)),
    "a generator of another length": with_tensor("rng.batches", torch.zeros(3, dtype=torch.uint8)),
    "no generator": with_tensor("rng.torch", None),
    "averages of another shape": with_tensor("optimizer.0.momentum_buffer", torch.zeros(2)),
    "averages of a weight that is not there": with_tensor("optimizer.99.exp_avg", torch.zeros(2)),
    "a checkpoint beyond the end": lambda files: files.update({LAST.replace("07", "99"): files[LAST]}),
}  # fmt: skip


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    store = RunStore(tmp_path_factory.mktemp("archive"))
    return export_run(store, stopped_run(store))


def nothing_in(store: RunStore) -> bool:
    """Whether nothing at all was kept."""
    left = [path for path in store.home.rglob("*") if path.is_file()] if store.home.exists() else []
    return not left


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_archives_are_refused_in_a_sentence(archive: bytes, there: RunStore, what: str) -> None:
    files = unpacked(archive)
    HOSTILE[what](files)
    with pytest.raises(UserError) as refused:
        import_run(there, io.BytesIO(packed(files)))
    assert str(refused.value).endswith(".")
    assert nothing_in(there)


def test_links_doubles_and_locked_files_are_refused(archive: bytes, there: RunStore) -> None:
    files = unpacked(archive)
    link = zipfile.ZipInfo("text.txt")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with_link, twice = io.BytesIO(), io.BytesIO(packed(files))
    with zipfile.ZipFile(with_link, "w") as file:
        for name, data in files.items():
            file.writestr(
                link if name == "text.txt" else name, b"/etc/passwd" if name == "text.txt" else data
            )
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(twice, "a") as file:
        file.writestr("text.txt", files["text.txt"])
    for odd in (with_link.getvalue(), twice.getvalue()):
        with pytest.raises(ArchiveError, match=r"text\.txt"):
            import_run(there, io.BytesIO(odd))
    assert nothing_in(there)


def test_a_bomb_is_not_unpacked(archive: bytes, there: RunStore) -> None:
    files = unpacked(archive)
    bombs = {
        "larger than it can be": {"text.txt": b"\0" * 30_000_000},  # 30 kB in the archive
        "larger than a run can be": {"steps.csv": b"\0" * 60_000_000},
        "step-00000007.safetensors is larger than it can be": {LAST: files[LAST] + b"\0" * 1_000_000},
    }
    for said, larger in bombs.items():
        with pytest.raises(ArchiveError, match=said):
            import_run(there, io.BytesIO(packed(files | larger)))
    assert nothing_in(there)


def test_a_model_that_does_not_fit_is_refused_before_room_is_made(
    archive: bytes, there: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = unpacked(archive)
    put("run.json/model/n_embd", 1024)(files)
    put("run.json/model/n_layer", 48)(files)
    monkeypatch.setenv("MINIGPT_MEMORY", "2")
    with pytest.raises(UserError, match=r"takes about 4\.8 GB of memory, and here it may take 2\.0 GB"):
        import_run(there, io.BytesIO(packed(files)))
    assert nothing_in(there)


def in_a_folder(files: Files, folder: str) -> Files:
    return {f"{folder}/{name}": data for name, data in files.items()}


def folders_of(files: Files) -> Files:
    """The entries that a program writes for the folders themselves."""
    parents = {f"{parent}/" for name in files for parent in map(str, Path(name).parents) if parent != "."}
    return dict.fromkeys(sorted(parents), b"")


def by_finder(files: Files) -> Files:
    inside = in_a_folder(files, "le chat curieux")
    beside = {f"__MACOSX/le chat curieux/._{Path(name).name}": b"\0\5\x16\7" for name in files}
    return folders_of(inside) | {"le chat curieux/.DS_Store": b"\0\0\0\1Bud1"} | inside | beside


def by_explorer(files: Files) -> Files:
    return in_a_folder(files, "chat") | {"chat/desktop.ini": b"[x]", "chat/checkpoints/Thumbs.db": b"x"}


PACKED_AGAIN: dict[str, Callable[[Files], Files]] = {
    "Finder": by_finder,
    "Explorer": by_explorer,
    "with entries for folders": lambda files: folders_of(files) | files,
    "two folders": lambda files: in_a_folder(in_a_folder(files, "chat"), "Téléchargements"),
    "in another order": lambda files: dict(reversed(files.items())),
}


@pytest.mark.parametrize("how", PACKED_AGAIN)
def test_an_archive_that_was_unpacked_and_packed_again(
    store: RunStore, archive: bytes, there: RunStore, how: str
) -> None:
    copy = import_run(there, io.BytesIO(packed(PACKED_AGAIN[how](unpacked(archive)))))
    original = import_run(store, io.BytesIO(archive))
    assert there.steps_since(copy.id) == store.steps_since(original.id)
    assert [c.step for c in there.checkpoints(copy.id)] == [c.step for c in store.checkpoints(original.id)]


def test_what_is_opened_again_is_told_apart_by_its_name(archive: bytes, there: RunStore) -> None:
    name = json.loads(unpacked(archive)["run.json"])["name"]
    copies = [import_run(there, io.BytesIO(archive)) for _again in range(3)]
    assert [copy.name for copy in copies] == [name, f"{name} (2)", f"{name} (3)"]
    assert {copy.text_title for copy in copies} == {"chat"}  # the same text
    elsewhere = import_run(there, io.BytesIO(archive), workspace="somebody")
    assert elsewhere.name == name


def test_another_text_of_the_same_title_is_told_apart(archive: bytes, there: RunStore) -> None:
    mine = new_run(
        there,
        text=TEXT * 2,
        title="chat",
        model_fields={"n_embd": 16, "block_size": 8},
        training=TrainConfig(steps=1),
    )
    copies = [import_run(there, io.BytesIO(archive)) for _again in range(2)]
    assert [run.text_title for run in (mine, *copies)] == ["chat", "chat (2)", "chat (2)"]
    assert there.text_title(copies[0].text_id) == "chat (2)" and there.text_title(mine.text_id) == "chat"


def test_two_runs_in_one_archive_are_no_run(archive: bytes, there: RunStore) -> None:
    files = unpacked(archive)
    for both in (in_a_folder(files, "a") | in_a_folder(files, "b"), files | in_a_folder(files, "b")):
        with pytest.raises(ArchiveError, match="does not belong to a run"):
            import_run(there, io.BytesIO(packed(both)))


def test_it_goes_on_on_no_more_threads_than_there_are_cores(archive: bytes, there: RunStore) -> None:
    files = unpacked(archive)
    put("run.json/threads", 1024)(files)
    assert import_run(there, io.BytesIO(packed(files))).threads == os.cpu_count()


class Watched(RunStore):
    """A store that counts the rows of each transaction."""

    written: list[int]

    def append(self, run_id: str, **rows: Any) -> None:
        kinds = ("steps", "evaluations", "samples", "changes")
        self.written = [*getattr(self, "written", []), sum(len(rows.get(kind, ())) for kind in kinds)]
        super().append(run_id, **rows)


def test_others_write_between_the_portions_of_a_long_run(archive: bytes, tmp_path: Path) -> None:
    files, there = unpacked(archive), Watched(tmp_path / "there")
    put("run.json/training/steps", 30_000)(files)
    files["steps.csv"] = b"".join(b"%d,1.0,0.1,1.0\n" % step for step in range(1, 12_001))
    put("metrics.json/changes", [[step, "pace", 1.0] for step in range(6000)])(files)
    copy = import_run(there, io.BytesIO(packed(files)))
    assert max(there.written) <= archive_module.WRITTEN_AT_ONCE
    assert len(there.changes(copy.id)) == 6000 and len(there.steps_since(copy.id, limit=99_999)) == 12_000


def damaged_places(archive: bytes) -> list[int]:
    """Some bytes of every region: each file's header, name and contents, the list of contents, the end."""
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        begins = [*sorted(entry.header_offset for entry in file.infolist()), file.start_dir, len(archive)]
    random_places = random.Random(1)
    return [
        random_places.randrange(begin, end)
        for begin, end in itertools.pairwise(begins)
        for _ in range(12)
    ]  # fmt: skip


def test_any_flipped_bit_is_noticed_or_means_nothing(archive: bytes, there: RunStore) -> None:
    packed_again = packed(unpacked(archive))  # the weights too
    bits = random.Random(1)
    expected: dict[str, Any] = {}
    for place in damaged_places(packed_again):
        broken = bytearray(packed_again)
        broken[place] ^= 1 << bits.randrange(8)
        try:
            copy = import_run(there, io.BytesIO(bytes(broken)))
        except UserError:
            continue
        same = {"model": copy.model, "training": copy.training, "steps": there.steps_since(copy.id)}
        assert same == (expected or same)  # a date, say
        expected = same
        there.remove(copy.id)
    assert not there.runs()


def test_cut_archives_and_other_files_are_refused(archive: bytes, there: RunStore) -> None:
    cuts = [archive[: len(archive) * n // 20] for n in range(20)]
    for junk in (*cuts, b"PK", b"PK\x05\x06" + b"\0" * 18, b"<html>" * 100):
        with pytest.raises(ArchiveError):
            import_run(there, io.BytesIO(junk))
    assert nothing_in(there)


def test_a_store_that_fails_halfway_keeps_nothing(
    archive: bytes, there: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StoreError("The disk is full.")

    monkeypatch.setattr(there, "save_checkpoint", full)
    with pytest.raises(StoreError, match="full"):
        import_run(there, io.BytesIO(archive))
    assert not there.runs()


def test_no_room_to_unpack_is_no_damage(
    archive: bytes, there: RunStore, tiny_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tiny_disk))
    (tiny_disk / "ballast").write_bytes(b"x" * (shutil.disk_usage(tiny_disk).free - 4096))
    with pytest.raises(StoreError, match=r"disk that holds .* is full"):
        import_run(there, io.BytesIO(archive))
    assert nothing_in(there)


def test_a_missing_file_is_named(there: RunStore, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="nowhere"):
        import_run(there, tmp_path / "nowhere.zip")
