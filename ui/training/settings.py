"""The settings of a training: their words, their values in this tab, and what they make together."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from minigpt_core import corpus
from minigpt_core.data import check_length
from minigpt_core.errors import UserError
from minigpt_core.model import ModelConfig
from minigpt_core.new_run import new_run, settings_changed
from minigpt_core.presets import NOTEBOOK
from minigpt_core.runs import MAX_NAME, Run
from minigpt_core.training import ChangeEvent, TrainConfig
from ui import resources, state
from ui.i18n import N_, _, number, percent
from ui.training.situation import Situation, spoken_errors

WATCHABLE_PACE = 60.0  # steps per second: the notebook's 500 steps take 8 seconds, so that one can watch them
AT_ONCE = ("learning_rate", "pace", "eval_interval")
TRAINING = tuple(field.name for field in fields(TrainConfig))
MODEL = tuple(field.name for field in fields(ModelConfig) if field.name != "vocab_size")  # that is the text's

Values = dict[str, Any]


def pace_words(value: float) -> str:
    """60 → "60 steps/s", 0 → "as fast as it goes"."""
    return _("{n} steps/s").format(n=number(value)) if value else _("as fast as it goes")


def interval_words(value: float) -> str:
    """25 → "25", 0 → "20 times a run"."""
    return number(value) if value else _("20 times a run")


def windows_words(value: float) -> str:
    """64 → "64", 0 → "the whole part"."""
    return number(value) if value else _("the whole part")


def clip_words(value: float) -> str:
    """1 → "1", 0 → "off"."""
    return number(value) if value else _("off")


def optimizer_words(value: str) -> str:
    """How the method is written."""
    return {"adamw": "AdamW", "sgd": "SGD", "muon": "Muon"}.get(value, value)


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
    "block_size": Setting(N_("Block size")),
    "n_embd": Setting(N_("Numbers per character")),
    "optimizer": Setting(N_("Optimizer"), optimizer_words),
    "weight_decay": Setting(N_("Weight decay")),
    "grad_clip": Setting(N_("Longest gradient"), clip_words),
    "eval_interval": Setting(N_("Steps between evaluations"), interval_words),
    "eval_windows": Setting(N_("Windows per evaluation"), windows_words),
    "sample_length": Setting(N_("Length of the samples")),
    "val_fraction": Setting(N_("Share kept for validation"), percent),
    "seed": Setting(N_("Seed"), str),
}


# Values


def key(name: str) -> str:
    """The name under which this tab keeps a setting, and its control's key."""
    return state.page_key(f"training.{name}")


def of_preset() -> Values:
    """The notebook's settings, at a pace that can be watched."""
    model = ModelConfig(vocab_size=1, **NOTEBOOK.model)
    return _all(model, NOTEBOOK.training) | {"pace": WATCHABLE_PACE}


def _all(model: ModelConfig, training: TrainConfig) -> Values:
    values = training.to_dict() | model.to_dict()
    return {name: values[name] for name in dict.fromkeys((*SETTINGS, *TRAINING, *MODEL))}  # as in the sidebar


def of_run(run: Run) -> Values:
    """A run's settings as they are in force now, or were at its end."""
    values = _all(run.model, run.training)
    changes = resources.store().changes(run.id)
    values |= {change.name: change.value for change in changes} | _on_the_way(run, changes)
    if run.training.eval_interval == 0 and values["eval_interval"] == run.training.evaluation_interval:
        values["eval_interval"] = 0  # it is the usual one
    return {
        name: type(usual)(values[name]) for name, usual in of_preset().items()
    }  # number fields want their type


def of_tab() -> Values:
    """What the controls say, and what came with a run and has no control here."""
    return {name: state.page_state(f"training.{name}", first) for name, first in of_preset().items()}


def fill(now: Situation) -> None:
    """Give the controls their first values: the shown run's if it was asked for or goes on, else the preset's."""
    if state.page_state("training.filled", False):
        return
    state.set_page_state("training.filled", True)
    take_over(of_run(now.run) if now.run and (now.live or state.run_id()) else of_preset())


def take_over(values: Values, run_id: str | None = None) -> None:
    """Put the controls to these values, and tell the run that goes on, if there is one."""
    for name, value in values.items():
        state.set_page_state(f"training.{name}", value)
    if run_id is not None:
        apply(run_id, *AT_ONCE)


def back_to(run_id: str) -> None:
    """Put controls and text back to those of a run."""
    with spoken_errors():
        run = resources.run(run_id)
        take_over(of_run(run), run_id)
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
    ended_well = (other for other in resources.store().runs(run.workspace) if other.status == "done")
    other = next(ended_well, None)
    return of_run(other) if other else of_preset()


# At once


def apply(run_id: str, *names: str) -> None:
    """Send what the controls say about settings that act at once to a run that is trained here."""
    jobs = resources.jobs()
    if not jobs.controls(run_id) or jobs.position(run_id) is not None:
        return
    with spoken_errors():
        run, wanted = resources.run(run_id), of_tab()
        in_force = of_run(run)
        changes = resources.store().changes(run_id)
        for name in names:
            if wanted[name] != in_force[name]:
                jobs.change(run_id, **{name: wanted[name] or _when_zero(name, run)})
                _sent()[run_id, name] = (wanted[name], _count(changes, name))


def _when_zero(name: str, run: Run) -> float:
    return run.training.evaluation_interval if name == "eval_interval" else 0


def _sent() -> dict[tuple[str, str], tuple[Any, int]]:
    """What this tab has asked a run for: (value, how many such changes the store knew then)."""
    asked: dict[tuple[str, str], tuple[Any, int]] = state.page_state("training.sent", {})
    return asked


def differ_at_once(run: Run) -> bool:
    """Whether the controls say otherwise than the run about settings that act at once."""
    return not changed(of_run(run), of_tab()).keys().isdisjoint(AT_ONCE)


def forget_asked(run_id: str) -> None:
    """The run begins to be trained anew: it knows nothing of what it was asked for and did not record."""
    for name in AT_ONCE:
        _sent().pop((run_id, name), None)


def _on_the_way(run: Run, changes: list[ChangeEvent]) -> Values:
    """What was asked for and is not recorded yet: a change is recorded at the run's next step."""
    asked = {name: _sent().get((run.id, name)) for name in AT_ONCE}
    return {name: sent[0] for name, sent in asked.items() if sent and _count(changes, name) <= sent[1]}


def _count(changes: list[ChangeEvent], name: str) -> int:
    return sum(change.name == name for change in changes)


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
        check_length(resources.dataset(text.id, text.lower, training.val_fraction).train, model.block_size)
    except UserError as error:
        return Plan(text, None, None, _in_our_words(error))
    return Plan(text, model, training)


def _in_our_words(error: UserError) -> UserError:
    """Call a setting by the name that stands on its control."""
    setting = SETTINGS.get(str(error.values.get("name")))
    return UserError(error.template, **error.values | {"name": _(setting.label)}) if setting else error


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
        name=name_of(planned.model, planned.training),
        workspace=state.workspace(),
        parent=parent,
    )


def name_of(model: ModelConfig, training: TrainConfig) -> str:
    """The model, and what differs from the notebook, in the language of who starts it."""
    parts = [f"{label(name)} {shown(name, value)}"
             for name, value in settings_changed(NOTEBOOK.name, model, training).items()]  # fmt: skip
    return ", ".join(["GPT" if model.n_layer else "TinyGPT", *parts])[:MAX_NAME]


# Differences


def label(name: str) -> str:
    """What a setting is called inside a sentence; one without a control keeps its name in the code."""
    return _(SETTINGS[name].label).lower() if name in SETTINGS else name


def shown(name: str, value: Any) -> str:
    """A setting's value in words."""
    return SETTINGS[name].words(value) if name in SETTINGS else str(value)


def differences(run: Run, text: resources.ChosenText) -> list[str]:
    """What the controls say otherwise than the run: "learning rate 0.003 → 0.01". The pace changes no result."""
    lines = [
        f"{label(name)} {shown(name, before)} → {shown(name, after)}"
        for name, (before, after) in changed(of_run(run), of_tab()).items()
        if name != "pace"
    ]
    if fingerprint(text.text) != run.text_id:
        lines.insert(0, _("text {before} → {after}").format(before=run.text_title, after=text.title))
    return lines


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The settings with different values, with both of them."""
    return {name: (value, after[name]) for name, value in before.items() if value != after[name]}
