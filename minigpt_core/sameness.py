"""What makes two trainings the same: which settings decide their losses, and whether a run kept to its own."""

from collections.abc import Iterable
from typing import Any

from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.steering import ChangeEvent

HOW_IT_IS_WATCHED = frozenset({"pace", "sample_length", "device"})
EVALUATIONS = frozenset({"eval_interval", "eval_windows"})  # with `patience`, they decide when it ends


def settings_without_effect(training: TrainConfig) -> frozenset[str]:
    """The settings of a training that change none of its losses, as the others stand: the one list of them.

    Another device, like another processor, may change last digits.
    """
    return HOW_IT_IS_WATCHED.union(
        EVALUATIONS if training.patience == 0 else (),
        ("beta1", "beta2") if training.optimizer == "sgd" else (),  # no running averages
        ("momentum",) if training.optimizer != "muon" else (),
        ("min_lr_share",) if training.schedule == "constant" else (),
    )


def deciding_settings(model: ModelConfig, training: TrainConfig) -> dict[str, Any]:
    """All settings by their names; None for those `settings_without_effect`. On the same text, equal ones give equal
    losses."""
    values = model.to_dict() | training.to_dict() | {"eval_interval": training.evaluation_interval}
    return values | dict.fromkeys(settings_without_effect(training))


def was_steered(training: TrainConfig, steps_made: int, changes: Iterable[ChangeEvent]) -> bool:
    """Whether steps were made with other settings than these: then the losses are not theirs.

    Args:
        steps_made: by the run. What was changed after its last step has changed nothing.
        changes: in the order in which they were made. Of several before one step, the last one counted.
    """
    own = deciding_settings(ModelConfig(vocab_size=1), training)
    in_force = {(change.step, change.name): change.value for change in changes if change.step < steps_made}
    return any(own[name] is not None and own[name] != value for (_step, name), value in in_force.items())
