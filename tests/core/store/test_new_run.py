"""A run is checked against its text before anything is stored."""

from pathlib import Path
from typing import Any

import pytest

from minigpt_core.configs import TrainConfig
from minigpt_core.data import prepare
from minigpt_core.errors import ConfigError, TextError, UserError
from minigpt_core.interpret.microscope import trainer_at
from minigpt_core.jobs.worker import take_up
from minigpt_core.presets import PRESETS, find_preset
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import RunStore

TEXT = "un matin, le chat gris voit un oiseau. " * 5


def test_the_name_says_what_differs_from_the_preset(tmp_path: Path) -> None:
    store = RunStore(tmp_path)

    def name(**training: Any) -> str:
        fields = {"text": TEXT, "title": "chat", "model_fields": {"block_size": 32}}
        return new_run(store, **fields, training=TrainConfig(**training)).name

    assert name() == "TinyGPT"
    assert name(pace=60.0, eval_interval=3) == "TinyGPT (2)"  # these change no loss
    assert name(learning_rate=0.1, steps=50) == "TinyGPT, 50 steps, learning_rate 0.1"


@pytest.mark.parametrize("text", ["", " \n ", "aaaa", "abc"])
def test_an_unusable_text_registers_nothing(tmp_path: Path, text: str) -> None:
    store = RunStore(tmp_path)
    with pytest.raises(TextError):
        new_run(store, text=text, title="", model_fields={}, training=TrainConfig())
    assert store.runs() == []


def test_an_impossible_size_registers_nothing(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    with pytest.raises(ConfigError):
        new_run(store, text=TEXT, title="", model_fields={"n_embd": 0}, training=TrainConfig())
    assert store.runs() == []


def test_what_does_not_fit_into_memory_registers_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is a run trained or looked at that came from a larger machine."""
    monkeypatch.setenv("MINIGPT_MEMORY", "0.15")
    store, small = RunStore(tmp_path), {"block_size": 2, "n_embd": 8, "n_layer": 1}
    run = new_run(store, text=TEXT, title="", model_fields=small, training=TrainConfig())
    monkeypatch.setenv("MINIGPT_MEMORY", "0.05")
    with pytest.raises(ConfigError, match="GB of memory"):
        new_run(store, text=TEXT, title="", model_fields=small, training=TrainConfig())
    with pytest.raises(ConfigError, match="GB of memory"):
        take_up(store, run)
    with pytest.raises(ConfigError, match="GB of memory"):
        trainer_at(store, run, prepare(TEXT), 0)
    assert [stored.id for stored in store.runs()] == [run.id]


def test_every_preset_names_its_source() -> None:
    assert all(preset.source for preset in PRESETS.values())
    with pytest.raises(ConfigError, match="notebook"):
        find_preset("magic")


def test_an_error_survives_being_kept_with_a_run() -> None:
    error = TextError("The text has {length} characters.", length=3)
    again = UserError.from_json(error.to_json())
    assert (again.template, again.values, str(again)) == (error.template, error.values, str(error))
