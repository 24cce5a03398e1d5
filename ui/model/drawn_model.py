"""Which model the page draws, and which one the next training is to use.

Both are fields of `ModelConfig` without `vocab_size`, which comes from the text.
"""

from dataclasses import replace
from itertools import chain
from typing import Any

from minigpt_core import ladder
from minigpt_core.configs import CHOICES, RANGES, ModelConfig
from minigpt_core.errors import ConfigError
from minigpt_core.interpret.anatomy import model_parts
from minigpt_core.ladder import RUNGS, find_rung, settings_up_to
from minigpt_core.presets import NOTEBOOK
from minigpt_core.store.runs import Run
from ui import kept_choices, state
from ui.settings.address import BETWEEN, decode
from ui.settings.table import SETTINGS, names_of
from ui.training import settings as training
from ui.words.i18n import translate

Fields = dict[str, Any]

DRAWN, OPENED, PLACE, LAST = (
    state.DRAWN_MODEL,
    "model.opened",
    "model.place",
    "model.last",
)
BATCH_SIZE, OPTIMIZER = "model.batch_size", "model.optimizer"
FIRST_PLACE = 12  # far enough on that there is something to look back at

SIZES = ("n_embd", "block_size", "n_layer", "n_head")  # their controls are in the drawing
SETTINGS_OF: dict[
    str, tuple[str, ...]
] = {  # which settings stand with which part, those that are left with the layer
    "positions": ("positions",),
    "norm_1": ("norm",),
    "norm_2": ("norm",),
    "final_norm": ("norm",),
    "embedding": ("token_shift",),
    "attention": ("qk_norm",),
    "add_1": ("residual",),
    "add_2": ("residual",),
    "mlp": ("mlp",),
    "output": ("tie_weights",),
}
ELSEWHERE = {*SIZES, "positions", "qk_norm", "mlp", "tie_weights", "token_shift"}
SETTINGS_OF["layer"] = tuple(name for name in names_of("model") if name not in ELSEWHERE)
OPENS = {"tinygpt": "embedding", "one-head": "attention", "heads": "attention"}  # the part that a rung brings
CLASSIC = ModelConfig(vocab_size=1, **settings_up_to(RUNGS[-1].name)[0])
MODERN = {  # each modern part: the field, its modern value, what it is without
    rung.name: (name, value, getattr(CLASSIC, name))
    for rung in ladder.MODERN
    for name, value in rung.model.items()
}


def part_of(rung: str) -> str:
    """The part that a rung brings: where its setting stands."""
    changed = find_rung(rung).model
    places = (part for part, names in SETTINGS_OF.items() if not changed.keys().isdisjoint(names))
    return OPENS.get(rung) or next(places, "layer")


def fields_of(config: ModelConfig) -> Fields:
    """Everything but the vocabulary, which comes from the text."""
    return {name: value for name, value in config.to_dict().items() if name != "vocab_size"}


def usual() -> Fields:
    """The notebook's model."""
    return fields_of(ModelConfig(vocab_size=1, **NOTEBOOK.model))


# For the next training


def chosen_fields() -> Fields:
    """The model that the next training is to use: the notebook's, until another one was chosen here or there."""
    return training.model_fields()


def choose() -> None:
    """Use the drawn model for the next training."""
    training.use_model(drawn_fields())


# On the page


def restore() -> None:
    """What is drawn, as a reload finds it again. Before anything is drawn."""
    kept_choices.keep(DRAWN, chosen_fields(), _read, _write)
    kept_choices.keep(OPENED, "embedding", kept_choices.one_of(model_parts(CLASSIC, 1)))
    rows = kept_choices.whole_number(1, int(RANGES["batch_size"][1]))
    kept_choices.keep(BATCH_SIZE, training.of_tab()["batch_size"], rows)
    kept_choices.keep(OPTIMIZER, "", kept_choices.one_of(CHOICES["optimizer"]))
    kept_choices.keep(LAST, "", kept_choices.one_of(rung.name for rung in (*RUNGS, *ladder.MODERN)))


def _write(fields: Fields) -> str:
    """What differs from the notebook's model: n_layer:4:n_head:2."""
    pairs = ((name, str(value).lower()) for name, value in fields.items() if value != usual()[name])
    return ":".join(chain.from_iterable(pairs)) or "usual"


def _read(text: str) -> Fields | None:
    found = (
        decode(BETWEEN.join([NOTEBOOK.name, *text.split(":")])) if text != "usual" else (NOTEBOOK.name, {})
    )
    if found is None or not usual().keys() >= found[1].keys():
        return None
    fields = fitting(usual() | found[1])
    return fields if is_possible(fields) else None


def drawn_fields() -> Fields:
    """The model on the screen."""
    return dict(state.page_state(DRAWN, chosen_fields()))


def draw(fields: Fields) -> None:
    """Put this model on the screen, without what cannot stand in it; one that cannot be is refused in a sentence."""
    wanted = fitting(fields)
    try:
        ModelConfig(vocab_size=1, **wanted)
    except ConfigError as error:
        state.notify(translate(error))
    else:
        state.set_page_state(DRAWN, wanted)


def draw_model_of(run: Run) -> None:
    """Put the model of a run on the screen, with its batch size and optimizer."""
    draw(fields_of(run.model))
    state.set_page_state(BATCH_SIZE, run.training.batch_size)
    state.set_page_state(OPTIMIZER, run.training.optimizer)


def is_model_of(run: Run) -> bool:
    """Whether the screen shows the model of a run, with its batch size and optimizer."""
    shown = (drawn_fields(), batch_size(), optimizer())
    return shown == (fields_of(run.model), run.training.batch_size, run.training.optimizer)


def batch_size() -> int:
    """How many rows the batch has; that of the next training to begin with."""
    return int(state.page_state(BATCH_SIZE, training.of_tab()["batch_size"]))


def optimizer() -> str:
    """What trains the drawn model: that of the run whose model was drawn, else that of the next training."""
    return str(state.page_state(OPTIMIZER, "") or training.of_tab()["optimizer"])


def opened() -> str:
    """The part whose formula, parameters and code are shown."""
    return str(state.page_state(OPENED, "embedding"))


def open_part(name: str) -> None:
    """Show the formula, the parameters and the code of this part."""
    state.set_page_state(OPENED, name)


def climb(rung: str) -> None:
    """Switch on the parts of a rung and of all below it, none above it; the width and the context stay."""
    kept = {name: drawn_fields()[name] for name in ("n_embd", "block_size")}
    draw(usual() | kept | settings_up_to(rung)[0])
    state.set_page_state(OPTIMIZER, "")
    open_part(part_of(rung))
    state.set_page_state(LAST, rung)


def switch_modern(name: str) -> None:
    """Turn one modern part on, or back to its classic counterpart."""
    fields = drawn_fields()
    field, modern, classic = MODERN[name]
    draw(fields | {field: classic if fields[field] == modern else modern})
    open_part(part_of(name))
    state.set_page_state(LAST, name)


def last_chosen() -> str:
    """The rung or modern part that was chosen last."""
    return str(state.page_state(LAST, ""))


def is_modern(config: ModelConfig, name: str) -> bool:
    """Whether a modern part is switched on."""
    field, modern, _classic = MODERN[name]
    return bool(getattr(config, field) == modern)


def classic(config: ModelConfig) -> ModelConfig:
    """The same with the classic counterparts of all modern parts."""
    fields: Fields = {
        field: classic for name, (field, _modern, classic) in MODERN.items() if is_modern(config, name)
    }
    return replace(config, **fields)


def change(**fields: Any) -> None:
    """Change some fields of the drawn model."""
    draw(drawn_fields() | fields)


def step_size(name: str, direction: int) -> None:
    """Make `n_layer`, `n_head` or `n_embd` one step larger (1) or smaller (-1), as far as there is one."""
    value = next_size(drawn_fields(), name, direction)
    if value is not None:
        draw(drawn_fields() | {name: value})


def next_size(fields: Fields, name: str, direction: int) -> int | None:
    """The nearest larger or smaller value that fits the other fields; None at the end."""
    further = [value for value in SETTINGS[name].drawn if (value - fields[name]) * direction > 0]
    for value in further if direction > 0 else reversed(further):
        if name == "n_layer" or is_possible(fields | {name: value}):
            return value
    return None


def is_possible(fields: Fields) -> bool:
    """Whether there can be such a model."""
    try:
        ModelConfig(vocab_size=1, **fields)
    except ConfigError:
        return False
    return True


def fitting(fields: Fields) -> Fields:
    """The fields, without what cannot work together with the rest: nothing stands in layers that are not there."""
    if fields["n_layer"] == 0:
        kept = {name: fields[name] for name in ("n_embd", "block_size")}
        positions = "none" if fields["positions"] == "none" else "learned"
        return usual() | kept | {"positions": positions}
    if not fields["residual"]:
        return fields | {"zero_init": False}
    return fields


def place() -> int:
    """Which character of the first row is looked at, counted from 0."""
    return int(state.page_state(PLACE, FIRST_PLACE)) - 1
