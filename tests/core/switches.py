"""The switches of a model: whoever adds one has it tested wherever all of them are."""

from typing import Any

from minigpt_core.configs import ModelConfig, usual_fields
from minigpt_core.ladder import RUNGS, settings_up_to

CLASSIC: dict[str, Any] = settings_up_to(RUNGS[-1].name)[0]
SWITCHES = [name for name, usual in usual_fields(ModelConfig).items() if isinstance(usual, bool)]


def turned(name: str) -> dict[str, Any]:
    """The classic GPT with one switch as it is not there."""
    return CLASSIC | {name: not CLASSIC.get(name, usual_fields(ModelConfig)[name])}
