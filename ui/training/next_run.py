"""The run that Start would make: its settings checked together with the text, its name, and how it differs."""

from dataclasses import dataclass

from minigpt_core import limits
from minigpt_core.configs import ModelConfig, TrainConfig, check_fit
from minigpt_core.data import check_length
from minigpt_core.errors import UserError
from minigpt_core.memory_budget import check_memory
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import Run
from minigpt_core.texts import corpus
from ui import resources, state
from ui.runs import wording
from ui.settings import table
from ui.training import menu, settings
from ui.words.i18n import _, number

MOST_LISTED = 4


@dataclass(frozen=True)
class Plan:
    """The run that Start would make, or why it cannot."""

    text: resources.ChosenText
    model: ModelConfig | None
    training: TrainConfig | None
    problem: UserError | None = None


def plan() -> Plan:
    """Check text and settings together, before anything is started."""
    text, values = state.chosen_text(), settings.of_tab()
    try:
        training = TrainConfig(**{name: values[name] for name in table.TRAINING})
        vocab_size = resources.tokenizer(text.id, text.lower).vocab_size
        if vocab_size < 2:
            corpus.check_text(text.text)
        model = ModelConfig(vocab_size=vocab_size, **{name: values[name] for name in table.MODEL})
        check_fit(model, training)
        check_memory(model, training)
        check_limits(model, training, text.text)
        check_length(resources.dataset(text.id, text.lower, training.val_fraction).train, model.block_size)
    except UserError as error:
        return Plan(text, None, None, _in_labels(error))
    return Plan(text, model, training)


def check_limits(model: ModelConfig, training: TrainConfig, text: str) -> None:
    """Raise `UserError` for what is more than this class may use; see `minigpt_core/limits.py`."""
    store = resources.store()
    if (most := limits.in_force(store.home)) is not None:
        limits.check_text(most, len(text))
        limits.check_training(most, model, training)
        limits.check_kept(most, *store.kept_by(state.workspace()))


def _in_labels(error: UserError) -> UserError:
    """Call a setting by the name that stands on its control."""
    name = str(error.values.get("name"))
    return (
        UserError(error.template, **error.values | {"name": table.label(name)})
        if name in table.SETTINGS
        else error
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
        model_fields={name: model[name] for name in table.MODEL},
        training=planned.training,
        lower=planned.text.lower,
        preset=settings.nearest(settings.of_tab()),
        workspace=state.workspace(),
        parent=parent,
    )


def taken_by_resume(run: Run) -> list[str]:
    """What of the differences a run takes over where it goes on: "learning rate 0.1"."""
    taken = settings.different(run.id, *settings.at_once(run))
    return [f"{table.label_inside(name)} {table.value_words(name, value)}" for name, value in taken.items()]


def differences(run: Run, text: resources.ChosenText) -> list[str]:
    """What the controls say otherwise than the run: "learning rate 0.003 → 0.01". The pace changes no result."""
    before, after = settings.of_run(run), settings.of_tab()
    found = settings.changed(before, after)
    lines = []
    if settings.nearest(before) != settings.nearest(
        after
    ):  # what comes with the choice of a model is not listed one by one
        usual = settings.of_preset(settings.nearest(after))
        found = {name: values for name, values in found.items() if after[name] != usual[name]}
        titles = {"before": menu.title(settings.choice(before)), "after": menu.title(settings.choice(after))}
        lines.append(_("model {before} → {after}").format(**titles))
    found.pop("pace", None)
    listed = list(found.items())[:MOST_LISTED]
    words = table.value_words
    lines += [
        f"{table.label_inside(name)} {words(name, old)} → {words(name, new)}" for name, (old, new) in listed
    ]
    if more := len(found) - len(listed):
        lines.append(_("{n} more").format(n=number(more)))
    if resources.fingerprint(text.id, text.lower) != run.text_id:
        titles = {"before": wording.text_title(run.text_title), "after": wording.text_title(text.title)}
        lines.insert(0, _("text “{before}” → “{after}”").format(**titles))
    return lines
