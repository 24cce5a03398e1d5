"""Runs are the same when their losses are, not when all that can be set is."""

from dataclasses import replace
from typing import Any

import pytest

from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.data import prepare
from minigpt_core.ladder import settings_that_cannot_matter
from minigpt_core.sameness import (
    EVALUATIONS,
    HOW_IT_IS_WATCHED,
    deciding_settings,
    settings_without_effect,
    was_steered,
)
from minigpt_core.steering import ChangeEvent
from minigpt_core.training import StepEvent, Trainer

TEXT = "un matin, le chat voit un oiseau. il court, il saute, il dort.\n" * 8
MODEL = ModelConfig(vocab_size=prepare(TEXT).tokenizer.vocab_size, block_size=8, n_embd=8)
BASE = TrainConfig(steps=6, eval_interval=2, eval_windows=3, sample_length=1, learning_rate=0.03)
OTHER: dict[str, Any] = {
    "steps": 5, "batch_size": 3, "learning_rate": 0.02, "weight_decay": 0.3, "grad_clip": 0.01, "eval_interval": 3,
    "eval_windows": 1, "sample_length": 2, "val_fraction": 0.3, "seed": 2, "pace": 9999.0, "beta1": 0.5, "beta2": 0.9,
    "momentum": 0.5, "warmup_steps": 4, "min_lr_share": 0.9, "device": "cpu",
}  # fmt: skip
WAYS: dict[str, dict[str, Any]] = {
    "plain": {},
    "sgd": {"optimizer": "sgd"},
    "falling": {"schedule": "linear"},
}


def losses(training: TrainConfig) -> list[float]:
    events = Trainer(prepare(TEXT, training.val_fraction), MODEL, training).run()
    return [event.loss for event in events if isinstance(event, StepEvent)]


@pytest.mark.parametrize("way", WAYS)
def test_a_setting_is_without_effect_if_and_only_if_it_changes_no_loss(way: str) -> None:
    training = replace(BASE, **WAYS[way])
    before = losses(training)
    same = {name for name, value in OTHER.items() if losses(replace(training, **{name: value})) == before}
    assert same == settings_without_effect(training)


@pytest.mark.parametrize(("name", "values"), [("eval_interval", (1, 5)), ("eval_windows", (1, 2, 3, 4, 6))])
def test_with_patience_evaluations_decide_when_it_ends(name: str, values: tuple[int, ...]) -> None:
    patient = replace(BASE, patience=1, learning_rate=0.3, steps=40)
    assert name not in settings_without_effect(patient)
    assert len({len(losses(replace(patient, **{name: value}))) for value in values}) > 1


def test_what_the_controls_call_without_effect_is_so() -> None:
    for fields in (*WAYS.values(), {"patience": 1}):
        training = replace(BASE, **fields)
        said = settings_that_cannot_matter(MODEL, training).keys() & training.to_dict().keys()
        assert said == settings_without_effect(training) - HOW_IT_IS_WATCHED - EVALUATIONS


def test_evaluations_are_the_same_however_their_interval_was_given() -> None:
    one = replace(BASE, patience=3, steps=500, eval_interval=0)
    other = replace(one, eval_interval=25)
    assert deciding_settings(MODEL, one) == deciding_settings(MODEL, other)
    assert deciding_settings(MODEL, one) != deciding_settings(MODEL, replace(other, eval_interval=24))


def change(step: int, name: str, value: float) -> ChangeEvent:
    return ChangeEvent(step=step, name=name, value=value)


def test_a_run_was_steered_if_a_step_was_made_with_another_setting() -> None:
    rate, other = BASE.learning_rate, 2 * BASE.learning_rate
    assert was_steered(BASE, 10, [change(3, "learning_rate", other)])
    assert was_steered(BASE, 10, [change(3, "learning_rate", other), change(4, "learning_rate", rate)])
    assert not was_steered(BASE, 10, [change(3, "learning_rate", other), change(3, "learning_rate", rate)])
    assert not was_steered(BASE, 10, [change(10, "learning_rate", other)])  # after its last step
    assert not was_steered(BASE, 10, [change(3, "pace", 7.0), change(3, "eval_interval", 7)])
    assert was_steered(replace(BASE, patience=2), 10, [change(3, "eval_interval", 7)])
