"""What a run is called that nobody gave a name: its preset and what differs from it, in the reader's language.

The store has the same in the words of the code (`new_run.default_name`), for the command line.
"""

import re
from typing import Any

from minigpt_core.configs import ModelConfig
from minigpt_core.presets import PRESETS, find_preset
from minigpt_core.store.new_run import default_name, settings_changed
from minigpt_core.store.runs import MAX_NAME, Run
from ui import state
from ui.settings import table
from ui.words.i18n import _, n_, number

NUMBER = re.compile(r" \(\d+\)$")  # of a name that others have too
MOST_LISTED = 4  # differences from a preset that the name of a run lists


def automatic_name(run: Run) -> str:
    """ "TinyGPT, learning rate 0.1 (2)"; the model alone where much differs; "" for a preset of another version. A
    seed that the program has given to its owner is no difference."""
    if run.preset not in PRESETS:
        return ""
    changes = settings_changed(run.preset, run.model, run.training)
    if changes.get("seed") == state.seed_of(run.workspace):
        del changes["seed"]
    other_kind = bool(find_preset(run.preset).model.get("n_layer")) != bool(run.model.n_layer)
    if len(changes) > MOST_LISTED or other_kind:
        said = [model_words(run.model)]
    else:
        said = [_(PRESETS[run.preset].title), *(_said(name, value) for name, value in changes.items())]
    return ", ".join(said)[:MAX_NAME] + "".join(NUMBER.findall(run.name))


def is_named(run: Run) -> bool:
    """Whether somebody has given it a name."""
    if not run.name or run.preset not in PRESETS:
        return bool(run.name)
    usual = default_name(run.preset, run.model, run.training)
    return usual not in (run.name, NUMBER.sub("", run.name))


def model_words(model: ModelConfig) -> str:
    """ "TinyGPT" or "GPT, 2 layers"."""
    if model.n_layer == 0:
        return "TinyGPT"
    return n_("GPT, {n} layer", "GPT, {n} layers", model.n_layer).format(n=number(model.n_layer))


def _said(name: str, value: Any) -> str:
    """ "learning rate 0.1", but "50 steps": "steps 50" would read as a place in the run."""
    if name == "steps":
        return n_("{n} step", "{n} steps", value).format(n=number(value))
    return f"{table.label_inside(name)} {table.value_words(name, value)}"
