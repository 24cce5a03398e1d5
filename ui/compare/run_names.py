"""What runs are called among each other: by what tells them apart."""

from collections import Counter
from collections.abc import Sequence

from minigpt_core.store.runs import Run
from ui.compare.table import decisive, shown_setting, varying
from ui.runs.names import without_twins
from ui.runs.wording import run_title
from ui.settings.table import label_inside
from ui.words.i18n import _, number


def names(shown: Sequence[Run]) -> dict[str, str]:
    """What runs are called among each other, by their ids: where one setting alone tells them apart, with its value;
    where nothing does, with the step that each has reached, or with a number."""
    called = _by_setting(shown)
    often = Counter(called.values())
    reached = {id_: {run.step for run in shown if called[run.id] == called[id_]} for id_ in called}
    by_step = {
        run.id: called[run.id]
        if often[called[run.id]] == 1 or len(reached[run.id]) == 1
        else _("{name}, step {step}").format(name=called[run.id], step=number(run.step))
        for run in shown
    }
    return without_twins(by_step, shown)


def _by_setting(shown: Sequence[Run]) -> dict[str, str]:
    differing = varying(shown)
    titles = {run.id: run_title(run) for run in shown}
    if len(differing) != 1:
        return titles
    label = label_inside(differing[0])
    values = {run.id: shown_setting(differing[0], decisive(run)[differing[0]]) for run in shown}
    return {
        run_id: title if says(title, values[run_id]) else f"{title} · {label} {values[run_id]}"
        for run_id, title in titles.items()
    }


def says(title: str, value: str) -> bool:
    """Whether a name tells the value of a setting already, as names do that were made here in either language."""
    return f" {value}, ".replace(",", ".") in f"{title}, ".replace(" ·", ",").replace(",", ".")
