"""The runs as rows of a table, in words; and which of them are shown."""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.sameness import deciding_settings
from minigpt_core.store.prepared import shows_trouble
from minigpt_core.store.runs import LIVE, Run
from minigpt_core.texts import corpus
from minigpt_core.weights import parameters_of
from ui import kept_choices, state
from ui.runs.automatic_name import model_words
from ui.runs.health import ending, kept_its_settings, loss_number
from ui.runs.names import distinct_titles
from ui.runs.wording import status_word, text_title
from ui.settings.table import SETTINGS, label_inside, value_words
from ui.words.i18n import _, cached_by_language, duration, language, n_, number, spoken, using

MOST_CHOSEN = 12
CHOSEN_AT_FIRST = 3
CHOSEN, FOCUS, REVISION = "compare.chosen", "compare.focus", "compare.revision"
USUAL, FOLLOWED = "compare.usual", "compare.followed"
TRIFLES = ("steps", "seed")  # two runs that differ in nothing else draw much the same curve


# Which runs are shown


def chosen(runs: Sequence[Run]) -> list[str]:
    """The ids of the runs in the chart; until somebody ticks others, the newest on one text."""
    known = {run.id for run in runs}
    read = kept_choices.several_of(known)
    kept: list[str] | None = kept_choices.keep(CHOSEN, None, read, kept_choices.joined)
    if kept is None:
        usual = at_first(runs)
        now = (usual, state.run_id())
        if now != state.page_state(USUAL, now):
            _ask_to_follow()
        state.set_page_state(USUAL, now)
        return usual
    followed = state.run_id()
    if followed != state.page_state(FOLLOWED, followed):  # begun on another page since these were ticked
        if any(run.id == followed and not run.prepared for run in runs):
            kept = [str(followed), *(run_id for run_id in kept if run_id != followed)]
        choose_from_here(kept, followed)
    return [run_id for run_id in kept if run_id in known][:MOST_CHOSEN]


def at_first(runs: Sequence[Run]) -> list[str]:
    """The followed run or the newest one, and the next ones that learned from the same text; no prepared run whose
    curve would lie on that of a run of one's own, or that shows a trouble, unless it is the followed one."""
    followed = next((run for run in runs if run.step and run.id == state.run_id()), None)
    own = [run for run in runs if run.step and not run.prepared]
    drawable = [
        run
        for run in runs
        if run.step and not shows_trouble(run.id) and not (run.prepared and has_twin(run, own))
    ]
    if not (followed or drawable):
        return []
    native = [
        run for run in drawable if not run.prepared or run.text_title == corpus.load(spoken().story).title
    ]
    first = followed or (native or drawable)[0]
    alike = [run for run in drawable if run.text_id == first.text_id and run.id != first.id]
    return [first.id, *(run.id for run in alike)][:CHOSEN_AT_FIRST]


def has_twin(run: Run, others: Sequence[Run]) -> bool:
    """Whether one of the others learned the same text with the same settings; its length and its seed do not count."""
    without = dict.fromkeys(TRIFLES)
    settled = decisive(run) | without
    return any(
        other.text_id == run.text_id and decisive(other) | without == settled and kept_its_settings(other)
        for other in others
    )


def focus(runs: Sequence[Run]) -> Run | None:
    """The run whose name, note and exports stand below the table: the one that was clicked, else the followed one,
    which the sidebar names, else the first shown."""
    by_id = {run.id: run for run in runs}
    wanted = [kept_choices.keep(FOCUS, None, kept_choices.one_of(by_id)), state.run_id(), *chosen(runs)]
    return next((by_id[run_id] for run_id in wanted if run_id in by_id), runs[0] if runs else None)


def choose(run_ids: Sequence[str], focused: str | None) -> None:
    """Show these runs, and this one below the table."""
    state.set_page_state(CHOSEN, list(run_ids)[:MOST_CHOSEN])
    state.set_page_state(FOCUS, focused)
    state.set_page_state(FOLLOWED, state.run_id())


def choose_from_here(run_ids: Sequence[str], focused: str | None) -> None:
    """The same, not asked for in the table: it has to follow."""
    choose(run_ids, focused)
    _ask_to_follow()


def _ask_to_follow() -> None:
    state.set_page_state(REVISION, state.page_state(REVISION, 0) + 1)


# Rows


def rows(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """What the table shows of each run, in words."""
    with using(language()):  # settled once, not for every word of a hundred runs
        labels, called = {name: label_inside(name) for name in varying(runs)}, distinct_titles(runs)
        return [row(run, called[run.id], labels) for run in runs]


def row(run: Run, called: str, labels: Mapping[str, str]) -> dict[str, Any]:
    """One line; `labels` are those of the settings that are not the same everywhere."""
    values, last, last_step = decisive(run), ending(run).val_loss, ending(run).step
    return {
        "id": run.id,
        "name": called,
        "note": run.note,
        "status": run.status,
        "word": status_words(run),
        "colour": ending(run).colour,
        "live": run.status in LIVE,
        "text": text_title(run.text_title),
        "model": model_words(run.model),
        "about": parameters_words(run.model),
        "loss": run.best_val_loss,
        "loss_words": loss_number(run.best_val_loss),
        "last": last if last is not None and math.isfinite(last) else None,
        "last_words": loss_number(last),
        "last_step": _("step {step}").format(step=number(last_step))
        if ended_elsewhere(run, last_step)
        else "",
        "measured": {"loss": measured(run.best_val_loss, run.best_step), "last": measured(last, last_step)},
        "broke": broke(run),
        "prepared": run.prepared,
        "seconds": run.seconds,
        "time": duration(run.seconds) if run.seconds else duration(None),
        "settings": {label: shown_setting(name, values[name]) for name, label in labels.items()},
    }


def ended_elsewhere(run: Run, step: int | None) -> bool:
    """Whether the last loss is of another step than the one that the run was to end at."""
    return step is not None and step != run.training.steps


def measured(loss: float | None, step: int | None) -> str:
    """A loss in bits per character, and the step at which it was measured."""
    bits = in_bits(loss)
    return (
        _("{loss}, at step {step}").format(loss=bits, step=number(step))
        if bits and step is not None
        else bits
    )


def in_bits(loss: float | None) -> str:
    """A loss in nats per character (as a loss is everywhere) in bits per character, in words; "" without one."""
    if loss is None or not math.isfinite(loss):
        return ""
    return _("{n} bits per character").format(n=number(loss / math.log(2), 2))


@cached_by_language(2048)
def shown_setting(name: str, value: Any) -> str:
    return "–" if value is None else value_words(name, value)


def status_words(run: Run) -> str:
    """What a run is doing, or how it ended, in a word."""
    if run.prepared:
        return _("prepared")
    return _("broke down") if run.status == "done" and broke(run) else status_word(run.status)


def broke(run: Run) -> bool:
    """Whether the training broke its model, whatever its status."""
    return run.status not in LIVE and ending(run).spoiled


def decisive(run: Run) -> dict[str, Any]:
    """The settings of a run by name, None for those that change none of its losses. Not to be modified."""
    return _decisive(run.model, run.training)


@lru_cache(maxsize=1024)
def _decisive(model: ModelConfig, training: TrainConfig) -> dict[str, Any]:
    values = deciding_settings(model, training)
    del values["vocab_size"]  # the text's
    return values


def varying(runs: Sequence[Run]) -> list[str]:
    """The settings that are not the same in all of these runs where they matter, the best known first."""
    all_values = [decisive(run) for run in runs]
    names = [*SETTINGS, *(all_values[0] if all_values else ())]
    return [
        name
        for name in dict.fromkeys(names)
        if all_values and name in all_values[0] and len({v[name] for v in all_values} - {None}) > 1
    ]


def parameters_words(model: ModelConfig) -> str:
    """ "6,012 parameters"."""
    size = _parameters(model)
    return n_("{n} parameter", "{n} parameters", size).format(n=number(size))


@lru_cache(maxsize=1024)
def _parameters(model: ModelConfig) -> int:
    return parameters_of(model)
