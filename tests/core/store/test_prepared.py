"""The runs that come with the program: what is shipped is what it says it is, and nobody can change it."""

import json
import math
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import torch

from minigpt_core.__main__ import main
from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.data import prepare
from minigpt_core.errors import RunNotFound, StoreError
from minigpt_core.interpret.memorization import share_of_words, words_of
from minigpt_core.jobs.manager import JobManager
from minigpt_core.ngrams import baselines
from minigpt_core.presets import find_preset
from minigpt_core.store import prepared, schema
from minigpt_core.store.checkpoint_files import read_checkpoint
from minigpt_core.store.prepared import RECIPES, Recipe, adopt
from minigpt_core.store.runs import PREPARED, SHIPPED, FinishedRun, RunStore
from minigpt_core.tokenizer import CharTokenizer
from minigpt_core.training import EvaluatingEvent, MetricsEvent, strip_prefix

TWO_DECIMALS = 5e-3
every_run = pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.id)


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "home")


def facts(recipe: Recipe) -> dict[str, Any]:
    return json.loads((SHIPPED / recipe.id / prepared.DESCRIPTION).read_text("utf-8"))


def evaluate(recipe: Recipe, step: int) -> MetricsEvent:
    """What the trainer measures with the shipped weights."""
    trainer = prepared.make_trainer(recipe)
    weights = read_checkpoint(SHIPPED / recipe.id, step).tensors
    trainer.model.load_state_dict(strip_prefix(weights, "model."))
    measuring = trainer.evaluate()
    while True:
        try:
            assert isinstance(next(measuring), EvaluatingEvent)
        except StopIteration as end:
            return end.value


# What is shipped


def test_all_of_it_takes_less_than_3_megabytes() -> None:
    everything = [path for path in SHIPPED.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in everything) <= 4_000_000
    assert prepared.size() == sum(path.stat().st_size for path in everything)  # and nothing else lies there


@every_run
def test_the_settings_are_those_of_the_preset_and_the_files_those_that_were_written(recipe: Recipe) -> None:
    shipped, preset, folder = facts(recipe), find_preset(recipe.preset), SHIPPED / recipe.id
    asked = preset.training.to_dict() | recipe.training | {"device": "cpu"}
    assert TrainConfig.from_dict(shipped["training"]) == TrainConfig.from_dict(asked)
    tokenizer = CharTokenizer.from_text(prepared.learned_text(recipe, find_preset(recipe.preset).lower))
    assert shipped["characters"] == tokenizer.characters
    model = ModelConfig(vocab_size=tokenizer.vocab_size, **preset.model | recipe.model)
    assert ModelConfig.from_dict(shipped["model"]) == model
    sums = {path.name: sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.safetensors")}
    assert sums == shipped["files"]
    last = {shipped["step"]} if shipped["status"] == "done" else set()
    best = {shipped["best_step"]} if recipe.keeps_best else set()
    assert {*recipe.moments} | last | best == set(shipped["checkpoints"])


@every_run
def test_the_weights_have_the_losses_that_were_recorded(recipe: Recipe) -> None:
    recorded = {evaluation["step"]: evaluation for evaluation in facts(recipe)["evaluations"]}
    for step in facts(recipe)["checkpoints"][-2:]:
        measured = evaluate(recipe, step)
        for name in ("train_loss", "val_loss"):
            expected = pytest.approx(recorded[step][name], abs=TWO_DECIMALS, rel=1e-3)
            assert getattr(measured, name) == expected


def test_training_one_again_writes_the_same(tmp_path: Path) -> None:
    """As far as machines agree: the losses of a short training, and what the files are made of."""
    recipe = next(recipe for recipe in RECIPES if recipe.preset == "notebook")
    torch.set_num_threads(1)
    for _event in prepared.write(recipe, tmp_path):
        pass
    again, before = json.loads((tmp_path / prepared.DESCRIPTION).read_text("utf-8")), facts(recipe)
    losses, losses_before = (
        [[e["step"], e["train_loss"], e["val_loss"]] for e in found["evaluations"]]
        for found in (again, before)
    )
    torch.testing.assert_close(torch.tensor(losses), torch.tensor(losses_before), atol=TWO_DECIMALS, rtol=0)
    for name in ("characters", "step", "status", "checkpoints"):
        assert again[name] == before[name]
    assert ModelConfig.from_dict(again["model"]) == ModelConfig.from_dict(before["model"])
    assert TrainConfig.from_dict(again["training"]) == TrainConfig.from_dict(before["training"])
    made = prepared.read(tmp_path, recipe)
    shipped = next(run for run in prepared.shipped() if run.columns["id"] == recipe.id)
    assert [step.learning_rate for step in made.steps] == [step.learning_rate for step in shipped.steps]
    assert [step.loss for step in made.steps] == pytest.approx(
        [step.loss for step in shipped.steps], abs=TWO_DECIMALS
    )


def test_extra_moments_change_no_loss() -> None:
    recipe = next(recipe for recipe in RECIPES if recipe.preset == "notebook")
    preset = find_preset(recipe.preset)
    losses = []
    for moments in ((), (0, 3, 7)):
        trainer = prepared.make_trainer(recipe)
        trainer.config = TrainConfig.from_dict(preset.training.to_dict() | {"steps": 12, "device": "cpu"})
        events = [vars(event) for event in prepared.with_moments(trainer, moments)]
        losses.append([event["loss"] for event in events if "loss" in event])
        evaluated = [event["step"] for event in events if "train_loss" in event]
        assert set(moments) <= set(evaluated)
    assert losses[0] == losses[1] and len(losses[0]) == 12


@pytest.mark.parametrize("recipe", [r for r in RECIPES if "Gpt" in r.id], ids=lambda recipe: recipe.id)
def test_the_small_gpts_beat_counted_triples_and_write_words(recipe: Recipe) -> None:
    shipped, text = facts(recipe), prepared.learned_text(recipe, lower=True)
    counted = baselines(prepare(text)).trigram_val
    assert counted is not None and shipped["evaluations"][-1]["val_loss"] < counted - 0.2
    last = [sample["text"] for sample in shipped["samples"]][-1]
    assert (share_of_words(last, words_of(text)) or 0) > 0.5


# In the store


def test_they_are_there_as_runs_of_their_own_workspace(store: RunStore) -> None:
    adopt(store)
    runs = store.runs(PREPARED)
    assert [run.id for run in runs] == [recipe.id for recipe in RECIPES]
    assert all(run.prepared for run in runs)
    ended = [run.id for run in runs if run.status == "done" and run.step == run.training.steps]
    assert ended == [recipe.id for recipe in RECIPES if "Diverged" not in recipe.id]
    assert store.runs("local") == []
    with pytest.raises(RunNotFound):
        store.find_run("last")
    for run, recipe in zip(runs, RECIPES, strict=True):
        assert store.find_run(run.id) == run
        assert store.text(run.text_id).text == prepared.learned_text(recipe, find_preset(recipe.preset).lower)
        assert [info.step for info in store.checkpoints(run.id)] == facts(recipe)["checkpoints"]
        curve = store.curve(run.id)
        assert curve.steps[-1] == run.step
        assert (curve.losses[-1] < curve.losses[0]) == (run.status == "done")
        assert len(store.samples(run.id)) == len(store.evaluations(run.id))
        weights = store.load_checkpoint(run.id, "best").tensors
        assert all(t.dtype == torch.float32 for t in weights.values())


def test_taking_them_in_again_changes_nothing(store: RunStore) -> None:
    adopt(store)
    before = store.runs(PREPARED)
    adopt(store)
    adopt(RunStore(store.home))
    assert store.runs(PREPARED) == before


def test_another_version_takes_the_place_of_an_old_one(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = prepared.shipped()
    old = [FinishedRun(**vars(run) | {"version": "old", "steps": run.steps[:3]}) for run in now[:1]]
    gone = FinishedRun(**vars(now[1]) | {"columns": now[1].columns | {"id": "preparedLongAgo"}})
    monkeypatch.setattr(prepared, "shipped", lambda: (*old, gone))
    adopt(store)
    assert {run.id for run in store.runs(PREPARED)} == {now[0].columns["id"], "preparedLongAgo"}
    monkeypatch.undo()
    adopt(store)
    assert [run.id for run in store.runs(PREPARED)] == [recipe.id for recipe in RECIPES]
    assert len(store.steps_since(now[0].columns["id"], limit=10_000)) == len(now[0].steps)


def test_nobody_can_change_one(store: RunStore) -> None:
    adopt(store)
    run = store.runs(PREPARED)[0]
    checkpoint = store.load_checkpoint(run.id)

    def hold() -> None:
        with store.lock(run.id):
            pass

    attempts = (
        lambda: store.rename(run.id, "mine", PREPARED), lambda: store.delete(run.id, PREPARED),
        lambda: store.note(run.id, "x", PREPARED), lambda: store.set_status(run.id, "queued"), hold,
        lambda: store.owned_run(run.id, PREPARED), lambda: store.append(run.id, step=1),
        lambda: store.save_checkpoint(run.id, checkpoint),
    )  # fmt: skip
    manager = JobManager(store, warm=False)
    try:
        for attempt in (*attempts, lambda: manager.submit(run.id), lambda: manager.resume(run.id)):
            with pytest.raises(StoreError, match="can be looked at, but not changed"):
                attempt()
    finally:
        manager.close()
    assert store.runs(PREPARED)[0] == run
    assert store.purge_deleted(older_than=0) == 0


def test_a_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(StoreError):
        adopt(RunStore(tmp_path / "home"))


def test_without_its_files_a_run_is_not_offered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(prepared, "SHIPPED", tmp_path)
    assert prepared.shipped.__wrapped__() == ()


def test_a_store_from_before_there_were_any_takes_them_in(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:1])
    text_id = store.save_text("un chat", "le mien")
    monkeypatch.undo()
    adopt(store)
    assert len(store.runs(PREPARED)) == len(RECIPES)
    assert store.text(text_id).title == "le mien"


def test_the_command_line_lists_them_and_lets_them_write(
    capsys: pytest.CaptureFixture[str], data_home: Path
) -> None:
    assert main(["runs"]) == 0
    listed = capsys.readouterr().out
    assert all(f"{recipe.id} " in listed and recipe.name in listed for recipe in RECIPES)
    assert listed.count(" prepared ") == len(RECIPES) and "No runs yet" in listed
    words = ["--prompt", "one morning,", "--tokens", "20", "--temperature", "0"]
    assert main(["sample", "--run", "preparedTinyEn", *words]) == 0
    assert capsys.readouterr().out.startswith("one morning,")
    assert main(["train", "--resume", "preparedTinyEn"]) == 2
    assert "can be looked at, but not changed" in capsys.readouterr().err


# The runs that show a trouble


def recipes_called(trouble: str) -> list[Recipe]:
    found = [recipe for recipe in RECIPES if recipe.id.startswith(f"prepared{trouble}")]
    assert [recipe.id[-2:] for recipe in found] == ["Fr", "En"]
    return found


@pytest.mark.parametrize("recipe", recipes_called("Overfit"), ids=lambda recipe: recipe.id)
def test_one_learns_by_heart(recipe: Recipe) -> None:
    evaluations = facts(recipe)["evaluations"]
    best = min(evaluations, key=lambda e: e["val_loss"])
    last = evaluations[-1]
    assert last["val_loss"] > best["val_loss"] + 0.1
    assert last["train_loss"] < best["train_loss"] - 0.1
    assert best["step"] in facts(recipe)["checkpoints"]  # its best weights can be looked at, too


@pytest.mark.parametrize("recipe", recipes_called("Diverged"), ids=lambda recipe: recipe.id)
def test_one_diverges(recipe: Recipe) -> None:
    evaluations = facts(recipe)["evaluations"]
    assert facts(recipe)["status"] == "diverged"
    assert evaluations[-1]["train_loss"] > 100 * evaluations[0]["train_loss"]


@pytest.mark.parametrize("recipe", recipes_called("Stuck"), ids=lambda recipe: recipe.id)
def test_one_is_stuck_near_chance(recipe: Recipe) -> None:
    chance = math.log(len(facts(recipe)["characters"]))
    assert chance - 0.5 < facts(recipe)["evaluations"][-1]["val_loss"] < chance
