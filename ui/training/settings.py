"""The settings that the controls of this tab say: where they come from, and how they follow the run that goes on."""

from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Any

from minigpt_core.configs import STEERABLE, WITHOUT_LAYERS, ModelConfig, TrainConfig
from minigpt_core.errors import ConfigError, StoreError
from minigpt_core.jobs.manager import JobError
from minigpt_core.ladder import settings_that_cannot_matter
from minigpt_core.presets import NOTEBOOK, PRESETS, find_preset
from minigpt_core.sameness import HOW_IT_IS_WATCHED
from minigpt_core.store.runs import Run
from minigpt_core.texts import corpus
from minigpt_core.texts.downloads import SOURCES, is_here
from ui import resources, state
from ui.runs.health import spoiled
from ui.settings.address import decode, encode
from ui.settings.table import MODEL, SETTINGS, changes_losses, with_present
from ui.training import menu
from ui.training.run_state import RunState
from ui.words.i18n import _

WATCH_SECONDS = 10.0  # the notebook's 500 steps take no more at 60 steps/s, so that one can watch them
ADVANCED = "training_advanced"  # whether that part of the sidebar is open

Values = dict[str, Any]


def key(name: str) -> str:
    """The name under which this tab keeps a setting, and its control's key."""
    return state.page_key(f"training.{name}")


def of_preset(name: str = NOTEBOOK.name) -> Values:
    """A preset's settings, at a pace that can be watched."""
    return dict(_of_preset(name))


def at_first(name: str = NOTEBOOK.name) -> Values:
    """The same, as the controls say it at first: in a class with a seed of one's own, so that thirty curves differ."""
    own = state.own_seed()
    return of_preset(name) | ({} if own is None else {"seed": own})


@cache
def _of_preset(name: str) -> Values:
    preset = find_preset(name)
    model = ModelConfig(vocab_size=1, **preset.model)
    return all_of(model, preset.training) | {"pace": watchable_pace(model, preset.training.steps)}


def watchable_pace(model: ModelConfig, steps: int) -> float:
    """So slow that one can watch TinyGPT learn, 0 for a GPT: its steps take time anyway."""
    if model.n_layer:
        return 0.0
    return float(
        next((pace for pace in SETTINGS["pace"].values if pace and steps / pace <= WATCH_SECONDS), 0)
    )


def all_of(model: ModelConfig, training: TrainConfig) -> Values:
    values = training.to_dict() | model.to_dict()
    return {name: values[name] for name in SETTINGS}


def of_run(run: Run, pending: Mapping[str, float] | None = None) -> Values:
    """A run's settings as they are in force now, or were at its end; with the changes still `pending`."""
    values = all_of(run.model, run.in_force) | dict(pending or {})
    if run.training.eval_interval == 0 and values["eval_interval"] == run.training.evaluation_interval:
        values["eval_interval"] = 0  # it is the usual one
    return {
        name: type(usual)(values[name]) for name, usual in of_preset().items()
    }  # number fields want their type


def requested(run: Run) -> Values:
    """A run's settings, with those that were asked for and are still on their way."""
    pending = resources.jobs().pending(
        run.id
    )  # before the run is read: none that comes into force now is missed
    return of_run(resources.store().run(run.id), pending)


def of_tab() -> Values:
    """What the controls say, and what came with a run and has no control here, in the order of the sidebar."""
    first = None if state.page_state("training.filled", False) else of_address()
    return {
        name: state.page_state(f"training.{name}", value) for name, value in (first or at_first()).items()
    }


def of_address() -> Values | None:
    """What a reload brings back, or a link sets up; None if the address says nothing that can be meant."""
    found = decode(state.next_settings() or "")
    return at_first(found[0]) | found[1] if found else None


def fill(now: RunState) -> None:
    """Give the controls their first values: those of the address, else the shown run's if it was asked for or goes on,
    else the preset's; and keep in the address what a person changes."""
    state.keep_choices("training", [ADVANCED, *(f"training.{name}" for name in of_preset())])
    usual = requested(now.run) if now.run and (now.live or state.run_id()) else at_first()
    if not state.page_state("training.filled", False):
        take_over(of_address() or usual)
    restore_and_remember()
    if now.run is not None:
        follow(now.run, now.steerable)
    keep(usual)


def keep(usual: Values) -> None:
    """Keep what the controls say in the address, unless it is what they say there anyway."""
    values = of_tab()
    preset = nearest(values)
    different = {name: value for name, (_usual, value) in changed(at_first(preset), values).items()}
    state.keep_next_settings(None if values == usual else encode(preset, different))


def restore_and_remember() -> None:
    """Give back what Streamlit has lost of what the controls say, which it can when a click on another page cuts short
    the run that draws them; and keep what they say now, for the next time."""
    for name, value in state.page_state("training.kept", {}).items():
        state.page_state(f"training.{name}", value)
    state.set_page_state("training.kept", of_tab())


def take_over(values: Values, run_id: str | None = None) -> None:
    """Put the controls to these values, and tell the run that goes on, if there is one."""
    state.set_page_state("training.filled", True)
    for name, value in values.items():
        state.set_page_state(f"training.{name}", value)
    if run_id is not None:
        apply(run_id, *at_once(resources.run(run_id)))


def nearest(values: Values) -> str:
    """The preset from which these settings differ least; the one with this very model, if there is one."""

    def distance(name: str) -> tuple[bool, bool, int]:
        usual = _of_preset(name)
        other_kind = bool(usual["n_layer"]) != bool(values["n_layer"])
        different = changed(usual, values).keys() - HOW_IT_IS_WATCHED
        return not different.isdisjoint(MODEL), other_kind, len(different)

    return min(PRESETS, key=distance)


def choice(values: Values) -> str:
    """The preset with this model, or `menu.OWN`."""
    name = nearest(values)
    return menu.OWN if not changed(_of_preset(name), values).keys().isdisjoint(MODEL) else name


def choose() -> None:
    """Take over the preset that was chosen. A run that goes on is another model: it is told nothing."""
    name = state.page_state("training.choice", NOTEBOOK.name)
    if name in PRESETS:
        take_over(at_first(name))


def use_model(fields: Mapping[str, Any]) -> None:
    """Make this the model of the next training. For the callbacks of other pages, before the page is drawn.

    A preset with just this model brings its way of training, too. Otherwise the settings of the training stay as
    they are in this tab, unless it trained a model of the other kind (TinyGPT or GPT) so far: then they come from
    the nearest preset.

    Args:
        fields: of `ModelConfig`, without `vocab_size`; those that are not named are TinyGPT's.
    """
    wanted = {name: value for name, value in ModelConfig(vocab_size=1).to_dict().items() if name in MODEL}
    wanted |= {name: value for name, value in fields.items() if name in MODEL}
    before = of_tab()
    values = before | wanted
    name = nearest(values)
    if choice(values) == name or bool(before["n_layer"]) != bool(wanted["n_layer"]):
        values = at_first(name) | wanted
    take_over(values)
    keep(at_first())


def model_fields() -> Values:
    """The model of the next training, as fields of `ModelConfig` without `vocab_size`."""
    values = of_tab()
    return {name: values[name] for name in MODEL}


def fit() -> None:
    """After a change: take out what cannot stand in the model any more and whose control is off now."""
    for name, value in fitting(of_tab()).items():
        state.set_page_state(f"training.{name}", value)


def fitting(values: Values) -> Values:
    """The settings without what needs layers if there are none, or residual connections."""
    if values["n_layer"] == 0:
        usual = ModelConfig(vocab_size=1).to_dict()
        positions = "none" if values["positions"] == "none" else "learned"
        return (
            values
            | {name: usual[name] for name in MODEL if name not in WITHOUT_LAYERS}
            | {"positions": positions}
        )
    if not values["residual"]:
        return values | {"zero_init": False}
    return values


def options(name: str) -> list[Any]:
    """What a setting can be in this model, as far as a slider or a menu offers it, the present value among it."""
    values, offered = of_tab(), SETTINGS[name].options()
    if SETTINGS[name].names is None:
        return with_present(offered, values[name])
    needs_layers = ("muon", "rotary")
    return [word for word in offered if values["n_layer"] or word not in needs_layers or word == values[name]]


def reasons(values: Values) -> dict[str, str]:
    """Settings whose change can do nothing beside the others, each with the reason."""
    parts = {name: values[name] for name in ("n_layer", "positions", "residual")}
    methods = TrainConfig(**{name: values[name] for name in ("optimizer", "schedule")})
    try:
        found = settings_that_cannot_matter(ModelConfig(vocab_size=1, **parts), methods)
    except ConfigError:  # no such model, so nothing is known of its parts
        found = settings_that_cannot_matter(ModelConfig(vocab_size=1, n_layer=1, residual=True), methods)
    found.pop("block_size", None)  # here it also decides how many examples a step has
    return {name: _(reason) for name, reason in found.items()}


def back_to(run_id: str) -> None:
    """Put controls and text back to those of a run."""
    run = resources.run(run_id)
    take_over(requested(run), run_id)
    if resources.fingerprint(state.text_id(), state.lower()) != run.text_id:
        state.choose_text(_text_of(run))
        state.choose_letters(run.lower)


def _text_of(run: Run) -> str:
    """The text that the run's was made of, with its capitals, if it is offered here; else the one kept with the run."""
    store = resources.store()
    fetched = (source.sha256 for source in SOURCES if is_here(source, store))
    return next(
        (
            name
            for name in (*corpus.BUNDLED, *fetched, *store.own_texts(state.workspace()))
            if _becomes(name, run)
        ),
        run.text_id,
    )


def _becomes(text_id: str, run: Run) -> bool:
    with suppress(StoreError):  # one that is damaged
        return resources.fingerprint(text_id, run.lower) == run.text_id
    return False


def last_good(run: Run) -> Values:
    """The settings of the newest run here that ended well, else the notebook's."""
    other = _ended_well(run.workspace)
    return of_run(other) if other else at_first()


def tries_something_else(run: Run) -> bool:
    """Whether a run has the model of the last one here that ended well, and other settings that matter."""
    other = _ended_well(run.workspace)
    found = changed(of_run(other), of_run(run)) if other else {}
    decisive = {name for name in found if changes_losses(name, run.training)}
    return bool(decisive) and decisive.isdisjoint(MODEL)


def _ended_well(workspace: str) -> Run | None:
    runs = resources.store().runs(workspace)
    return next((run for run in runs if run.status == "done" and not spoiled(run)), None)


# At once


def apply(run_id: str, *names: str) -> None:
    """Ask a run that is trained here for what the controls say about settings that act at once."""
    with suppress(JobError):  # it has just ended by itself
        if changes := different(run_id, *names):
            state.steer(run_id).change(run_id, **changes)


def different(run_id: str, *names: str) -> dict[str, float]:
    """What the controls say otherwise than a run about settings that act at once, as the run takes it."""
    run, now = resources.run(run_id), of_tab()
    before = requested(run)
    usual = {"eval_interval": run.training.evaluation_interval}
    return {name: now[name] or usual.get(name, 0) for name in names if now[name] != before[name]}


def at_once(run: Run) -> tuple[str, ...]:
    """What a run that is taken up again takes from the controls: nothing if they are about another model."""
    return () if changed(of_run(run), of_tab()).keys() & set(MODEL) else STEERABLE


def follow(run: Run, steerable: bool) -> None:
    """Move the controls of what acts at once along with a run, which may have been changed from another tab: always
    while it can be steered from here, else where they still say what the run said when this tab looked last."""
    values, seen = requested(run), state.page_state(f"training.seen.{run.id}", {})
    now = of_tab()
    for name in at_once(run):
        if steerable or now[name] == seen.get(name):
            state.set_page_state(f"training.{name}", values[name])
    state.set_page_state(f"training.seen.{run.id}", {name: values[name] for name in STEERABLE})


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The settings with different values, with both of them."""
    return {name: (value, after[name]) for name, value in before.items() if value != after[name]}
