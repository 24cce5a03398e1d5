"""The settings of a training: their words, their values in this tab, and what they make together."""

import hashlib
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import cache, partial
from typing import Any

from minigpt_core.configs import WITHOUT_LAYERS, ModelConfig, TrainConfig, check_fit
from minigpt_core.data import check_length
from minigpt_core.errors import ConfigError, UserError
from minigpt_core.jobs.manager import JobError
from minigpt_core.ladder import settings_that_cannot_matter
from minigpt_core.memory_budget import check_memory
from minigpt_core.presets import NOTEBOOK, PRESETS, find_preset
from minigpt_core.store.new_run import new_run, settings_changed
from minigpt_core.store.runs import MAX_NAME, Run
from minigpt_core.texts import corpus
from ui import resources, state
from ui.problems import spoken_errors
from ui.runs.health import spoiled
from ui.runs.wording import KINDS
from ui.training import menu
from ui.training.run_state import RunState
from ui.words.i18n import N_, _, n_, number, percent

PACES = (1, 5, 20, 60, 300, 0)  # steps per second, 0 as fast as it goes
WATCH_SECONDS = 10.0  # the notebook's 500 steps take no more at 60 steps/s, so that one can watch them
MOST_LISTED = 4
AT_ONCE = ("learning_rate", "pace", "eval_interval")
ADVANCED = "training_advanced"  # whether that part of the sidebar is open
TRAINING = tuple(field.name for field in fields(TrainConfig))
MODEL = tuple(field.name for field in fields(ModelConfig) if field.name != "vocab_size")  # that is the text's

Values = dict[str, Any]


def pace_words(value: float) -> str:
    """60 → "60 steps/s", 0 → "as fast as it goes"."""
    if not value:
        return _("as fast as it goes")
    return n_("{n} step/s", "{n} steps/s", int(value)).format(n=number(value))


def interval_words(value: float) -> str:
    """25 → "25", 0 → "20 times a run"."""
    return number(value) if value else _("20 times a run")


def windows_words(value: float) -> str:
    """64 → "64", 0 → "the whole part"."""
    return number(value) if value else _("the whole part")


def clip_words(value: float) -> str:
    """1 → "1", 0 → "no limit"."""
    return number(value) if value else _("no limit")


def kind_words(name: str, value: str) -> str:
    """How one of the choices of a setting is called."""
    return _(KINDS[name].get(value, value))


def switch_words(value: bool) -> str:
    """ "yes" or "no"."""
    return _("yes") if value else _("no")


def device_setting_words(value: str) -> str:
    """auto → "automatic", cpu → "CPU"."""
    return _("automatic") if value == "auto" else value.upper()


@dataclass(frozen=True)
class Setting:
    """How one setting is called and shown."""

    label: str
    words: Callable[[Any], str] = number


SETTINGS = {
    "learning_rate": Setting(N_("Learning rate")),
    "pace": Setting(N_("Pace"), pace_words),
    "steps": Setting(N_("Steps")),
    "batch_size": Setting(N_("Batch size")),
    "n_layer": Setting(N_("Layers")),
    "n_head": Setting(N_("Attention heads")),
    "n_embd": Setting(N_("Numbers per character")),
    "block_size": Setting(N_("Block size")),
    "positions": Setting(N_("Positions"), partial(kind_words, "positions")),
    "mlp": Setting(N_("Small network (MLP)"), partial(kind_words, "mlp")),
    "norm": Setting(N_("Norm"), partial(kind_words, "norm")),
    "dropout": Setting(N_("Dropout"), percent),
    "residual": Setting(N_("Residual connections"), switch_words),
    "tie_weights": Setting(N_("Tied weights"), switch_words),
    "bias": Setting(N_("Constants (bias)"), switch_words),
    "qk_norm": Setting(N_("QK norm"), switch_words),
    "zero_init": Setting(N_("Zero start"), switch_words),
    "optimizer": Setting(N_("Optimizer"), partial(kind_words, "optimizer")),
    "schedule": Setting(N_("Learning rate over time"), partial(kind_words, "schedule")),
    "warmup_steps": Setting(N_("Warm-up steps")),
    "min_lr_share": Setting(N_("Share of it left at the end"), percent),
    "beta1": Setting(N_("Memory of the gradients (β₁)")),
    "beta2": Setting(N_("Memory of their squares (β₂)")),
    "momentum": Setting(N_("Memory of Muon")),
    "weight_decay": Setting(N_("Weight decay")),
    "grad_clip": Setting(N_("Longest gradient"), clip_words),
    "device": Setting(N_("Device"), device_setting_words),
    "precision": Setting(N_("Precision"), partial(kind_words, "precision")),
    "seed": Setting(N_("Seed"), str),
    "eval_interval": Setting(N_("Steps between evaluations"), interval_words),
    "eval_windows": Setting(N_("Windows per evaluation"), windows_words),
    "patience": Setting(N_("Evaluations without progress"), clip_words),
    "sample_length": Setting(N_("Length of the samples")),
    "val_fraction": Setting(N_("Share kept for validation"), percent),
}


# Values


def key(name: str) -> str:
    """The name under which this tab keeps a setting, and its control's key."""
    return state.page_key(f"training.{name}")


def of_preset(name: str = NOTEBOOK.name) -> Values:
    """A preset's settings, at a pace that can be watched."""
    return dict(_of_preset(name))


@cache
def _of_preset(name: str) -> Values:
    preset = find_preset(name)
    model = ModelConfig(vocab_size=1, **preset.model)
    return _all(model, preset.training) | {"pace": watchable_pace(model, preset.training.steps)}


def watchable_pace(model: ModelConfig, steps: int) -> float:
    """So slow that one can watch TinyGPT learn, 0 for a GPT: its steps take time anyway."""
    if model.n_layer:
        return 0.0
    return float(next((pace for pace in PACES if pace and steps / pace <= WATCH_SECONDS), 0))


def _all(model: ModelConfig, training: TrainConfig) -> Values:
    values = training.to_dict() | model.to_dict()
    return {name: values[name] for name in dict.fromkeys((*SETTINGS, *TRAINING, *MODEL))}  # as in the sidebar


def of_run(run: Run, pending: Mapping[str, float] | None = None) -> Values:
    """A run's settings as they are in force now, or were at its end; with the changes still `pending`."""
    values = _all(run.model, run.in_force) | dict(pending or {})
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
    """What the controls say, and what came with a run and has no control here."""
    return {name: state.page_state(f"training.{name}", first) for name, first in of_preset().items()}


def fill(now: RunState) -> None:
    """Give the controls their first values: the shown run's if it was asked for or goes on, else the preset's."""
    state.keep_choices("training", [ADVANCED, *(f"training.{name}" for name in of_preset())])
    if not state.page_state("training.filled", False):
        state.set_page_state("training.filled", True)
        take_over(requested(now.run) if now.run and (now.live or state.run_id()) else of_preset())
    restore_lost()
    if now.run is not None:
        follow(now.run, now.steerable)


def restore_lost() -> None:
    """Streamlit can lose what the controls say when a click on another page cuts short the run that draws them."""
    for name, value in state.page_state("training.kept", {}).items():
        state.page_state(f"training.{name}", value)
    state.set_page_state("training.kept", of_tab())


def take_over(values: Values, run_id: str | None = None) -> None:
    """Put the controls to these values, and tell the run that goes on, if there is one."""
    for name, value in values.items():
        state.set_page_state(f"training.{name}", value)
    if run_id is not None:
        with spoken_errors():
            apply(run_id, *at_once(resources.run(run_id)))


def nearest(values: Values) -> str:
    """The preset from which these settings differ least; the one with this very model, if there is one."""

    def distance(name: str) -> tuple[bool, bool, int]:
        usual = _of_preset(name)
        other_kind = bool(usual["n_layer"]) != bool(values["n_layer"])
        different = changed(usual, values).keys() - {"pace"}
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
        take_over(of_preset(name))


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
        values = of_preset(name) | wanted
    take_over(values)
    state.set_page_state("training.filled", True)


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


def kinds(name: str) -> list[str]:
    """What a setting with a choice of words can be in this model, the present one among them."""
    needs_layers = ("muon", "rotary")
    values = of_tab()
    return [
        kind for kind in KINDS[name] if values["n_layer"] or kind not in needs_layers or kind == values[name]
    ]


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
    with spoken_errors():
        run = resources.run(run_id)
        take_over(requested(run), run_id)
        if fingerprint(state.chosen_text().text) != run.text_id:
            bundled = (name for name in corpus.BUNDLED if _is_text_of(run, name))
            state.choose_text(next(bundled, run.text_id))
            state.choose_letters(run.lower)


def _is_text_of(run: Run, text_id: str) -> bool:
    return fingerprint(resources.chosen_text(text_id, run.lower).text) == run.text_id


def fingerprint(text: str) -> str:
    """The id under which the store would keep a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def last_good(run: Run) -> Values:
    """The settings of the newest run here that ended well, else the notebook's."""
    other = _ended_well(run.workspace)
    return of_run(other) if other else of_preset()


def tries_something_else(run: Run) -> bool:
    """Whether a run has the model of the last one here that ended well, and other settings. The pace is none."""
    other = _ended_well(run.workspace)
    found = set(changed(of_run(other), of_run(run))) - {"pace"} if other else set()
    return bool(found) and found.isdisjoint(MODEL)


def _ended_well(workspace: str) -> Run | None:
    runs = resources.store().runs(workspace)
    return next((run for run in runs if run.status == "done" and not spoiled(run)), None)


# At once


def apply(run_id: str, *names: str) -> None:
    """Ask a run that is trained here for what the controls say about settings that act at once."""
    with spoken_errors(), suppress(JobError):  # it has just ended by itself
        if changes := different(run_id, *names):
            resources.jobs().change(run_id, **changes)


def different(run_id: str, *names: str) -> dict[str, float]:
    """What the controls say otherwise than a run about settings that act at once, as the run takes it."""
    run, now = resources.run(run_id), of_tab()
    before = requested(run)
    usual = {"eval_interval": run.training.evaluation_interval}
    return {name: now[name] or usual.get(name, 0) for name in names if now[name] != before[name]}


def at_once(run: Run) -> tuple[str, ...]:
    """What a run that is taken up again takes from the controls: nothing if they are about another model."""
    return () if changed(of_run(run), of_tab()).keys() & set(MODEL) else AT_ONCE


def follow(run: Run, steerable: bool) -> None:
    """Move the controls of what acts at once along with a run, which may have been changed from another tab: always
    while it can be steered from here, else where they still say what the run said when this tab looked last."""
    values, seen = requested(run), state.page_state(f"training.seen.{run.id}", {})
    for name in at_once(run):
        if steerable or of_tab()[name] == seen.get(name):
            state.set_page_state(f"training.{name}", values[name])
    state.set_page_state(f"training.seen.{run.id}", {name: values[name] for name in AT_ONCE})


# What they make together


@dataclass(frozen=True)
class Plan:
    """The run that Start would make, or why it cannot."""

    text: resources.ChosenText
    model: ModelConfig | None
    training: TrainConfig | None
    problem: UserError | None = None


def plan() -> Plan:
    """Check text and settings together, before anything is started."""
    text, values = state.chosen_text(), of_tab()
    try:
        training = TrainConfig(**{name: values[name] for name in TRAINING})
        vocab_size = resources.tokenizer(text.id, text.lower).vocab_size
        if vocab_size < 2:
            corpus.check_text(text.text)
        model = ModelConfig(vocab_size=vocab_size, **{name: values[name] for name in MODEL})
        check_fit(model, training)
        check_memory(model, training)
        check_length(resources.dataset(text.id, text.lower, training.val_fraction).train, model.block_size)
    except UserError as error:
        return Plan(text, None, None, _in_our_words(error))
    return Plan(text, model, training)


def _in_our_words(error: UserError) -> UserError:
    """Call a setting by the name that stands on its control."""
    setting = SETTINGS.get(str(error.values.get("name")))
    return UserError(error.template, **error.values | {"name": _(setting.label)}) if setting else error


def in_our_words(sentence: str) -> str:
    """The same for all settings that a sentence of the core calls by their names in the code."""
    names = "|".join(name if "_" in name else f"{name}(?= = )" for name in SETTINGS)
    return re.sub(
        rf"\b({names})\b", lambda found: _("“{name}”").format(name=_(SETTINGS[found[0]].label)), sentence
    )


def create(planned: Plan, parent: str | None = None) -> Run:
    """Store the planned run. Raises what `new_run` raises."""
    if planned.problem is not None:
        raise planned.problem
    assert planned.model is not None and planned.training is not None
    model = planned.model.to_dict()
    return new_run(
        resources.store(),
        text=planned.text.text,
        title=planned.text.title,
        model_fields={name: model[name] for name in MODEL},
        training=planned.training,
        lower=planned.text.lower,
        preset=nearest(of_tab()),
        name=name_of(planned.model, planned.training),
        workspace=state.workspace(),
        parent=parent,
    )


def name_of(model: ModelConfig, training: TrainConfig) -> str:
    """The preset and what differs from it, or the model alone where that is much; in the language of who starts it."""
    preset = nearest(_all(model, training))
    changes = settings_changed(preset, model, training)
    if len(changes) > MOST_LISTED:
        return model_words(model)
    parts = [_said(name, value) for name, value in changes.items()]
    return ", ".join([menu.title(preset), *parts])[:MAX_NAME]


def _said(name: str, value: Any) -> str:
    """ "learning rate 0.1", but "50 steps": "steps 50" would read as a place in the run."""
    if name == "steps":
        return n_("{n} step", "{n} steps", value).format(n=number(value))
    return f"{label(name)} {shown(name, value)}"


# Differences


def model_words(model: ModelConfig) -> str:
    """ "TinyGPT" or "GPT, 2 layers"."""
    if model.n_layer == 0:
        return "TinyGPT"
    return n_("GPT, {n} layer", "GPT, {n} layers", model.n_layer).format(n=number(model.n_layer))


def label(name: str) -> str:
    """What a setting is called inside a sentence; one without a control keeps its name in the code."""
    if name not in SETTINGS:
        return name
    words = _(SETTINGS[name].label)
    return words if words[:2].isupper() else words[0].lower() + words[1:]  # "QK norm" stays


def shown(name: str, value: Any) -> str:
    """A setting's value in words."""
    return SETTINGS[name].words(value) if name in SETTINGS else str(value)


def differences(run: Run, text: resources.ChosenText) -> list[str]:
    """What the controls say otherwise than the run: "learning rate 0.003 → 0.01". The pace changes no result."""
    before, after = of_run(run), of_tab()
    found = changed(before, after)
    lines = []
    if nearest(before) != nearest(after):  # what comes with the choice of a model is not listed one by one
        usual = of_preset(nearest(after))
        found = {name: values for name, values in found.items() if after[name] != usual[name]}
        titles = {"before": menu.title(choice(before)), "after": menu.title(choice(after))}
        lines.append(_("model {before} → {after}").format(**titles))
    found.pop("pace", None)
    listed = list(found.items())[:MOST_LISTED]
    lines += [f"{label(name)} {shown(name, old)} → {shown(name, new)}" for name, (old, new) in listed]
    if more := len(found) - len(listed):
        lines.append(_("{n} more").format(n=number(more)))
    if fingerprint(text.text) != run.text_id:
        lines.insert(0, _("text {before} → {after}").format(before=run.text_title, after=text.title))
    return lines


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The settings with different values, with both of them."""
    return {name: (value, after[name]) for name, value in before.items() if value != after[name]}
