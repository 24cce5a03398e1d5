"""What a person may ask of a machine that a class shares."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from minigpt_core import limits
from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.data import prepare
from minigpt_core.errors import ConfigError, StoreError, UserError
from minigpt_core.limits import Limits
from minigpt_core.presets import NOTEBOOK, PRESETS
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.tokenizer import CharTokenizer
from minigpt_core.training import Trainer

TEXT = "le chat curieux dort. le chat gris court. un matin, le chat voit un oiseau.\n" * 12
SMALL = {"block_size": 8, "n_embd": 16}


def run_of(store: RunStore, **training: Any) -> Run:
    return new_run(
        store,
        text=TEXT,
        title="chat",
        model_fields=SMALL,
        training=TrainConfig(**training),
        workspace="pupil",
    )


def test_alone_nobody_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MINIGPT_LIMITS", raising=False)
    assert limits.in_force(tmp_path) is None is limits.parsed("off", tmp_path)
    run_of(RunStore(tmp_path), steps=10_000_000)


def test_a_class_gets_what_suits_the_machine_and_the_teacher_changes_it(tmp_path: Path) -> None:
    usual = limits.parsed("class", tmp_path)
    assert usual == limits.for_this_machine(tmp_path / "not yet there")
    assert usual and limits.parsed("class,minutes=2.5, runs=20", tmp_path) == replace(
        usual, minutes=2.5, runs=20
    )
    for wrong in ("minuets=3", "runs=many", "runs=-1", "runs=0.5", "runs", "parameters=inf"):
        with pytest.raises(ConfigError, match="is no limit"):
            limits.parsed(wrong, tmp_path)


def test_what_is_offered_for_short_texts_fits_into_a_class(tmp_path: Path) -> None:
    usual = limits.parsed("class,minutes=10", tmp_path)
    for preset in PRESETS.values():
        if preset.name not in ("shakespeare-ten-minutes", "nanogpt-gpu"):
            limits.check_training(usual, ModelConfig(vocab_size=65, **preset.model), preset.training)


def test_a_training_that_asks_for_too_much_is_told_what_fits(tmp_path: Path) -> None:
    most = Limits(minutes=1, parameters=6000, block_size=64, characters=100, megabytes=1)
    model = ModelConfig(vocab_size=40, **NOTEBOOK.model)
    with pytest.raises(ConfigError, match="steps it fits") as refused:
        limits.check_training(most, model, TrainConfig(steps=1_000_000))
    fitting = int(refused.value.values["fitting"])
    limits.check_training(most, model, TrainConfig(steps=fitting))
    with pytest.raises(ConfigError, match="steps it fits"):
        limits.check_training(most, model, TrainConfig(steps=fitting + 1))
    with pytest.raises(ConfigError, match="6000 at most"):
        limits.check_training(most, replace(model, vocab_size=200), TrainConfig())
    with pytest.raises(ConfigError, match="at most 64"):
        limits.check_training(most, replace(model, block_size=128), TrainConfig())
    with pytest.raises(ConfigError, match="Take a part of it"):
        limits.check_text(most, 101)


def test_who_keeps_as_much_as_fits_makes_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = RunStore(tmp_path)
    first = run_of(store)
    assert store.kept_by("pupil") == (1, 0) and store.kept_by("another") == (0, 0)
    tokenizer = CharTokenizer.from_characters(first.characters)
    store.save_checkpoint(
        first.id, Trainer(prepare(TEXT, 0.1, tokenizer), first.model, first.training).checkpoint()
    )
    size = store.kept_by("pupil")[1]
    assert size == sum(info.bytes for info in store.checkpoints(first.id)) > 0
    monkeypatch.setenv("MINIGPT_LIMITS", "runs=2")
    second = run_of(store)
    with pytest.raises(StoreError, match="as many as fit"):
        run_of(store)
    store.delete(second.id, "pupil")
    run_of(store)
    with pytest.raises(StoreError, match="as much as fits"):
        limits.check_kept(Limits(minutes=1, megabytes=1), 1, 1_000_000)


def test_nothing_is_stored_of_what_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIGPT_LIMITS", "class,minutes=1")
    store = RunStore(tmp_path)
    with pytest.raises(UserError):
        run_of(store, steps=10_000_000)
    assert store.runs() == []
