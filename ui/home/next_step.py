"""How far this visitor has come, and what to do next."""

from dataclasses import dataclass

from minigpt_core.data import Dataset
from minigpt_core.errors import TextError
from minigpt_core.store.runs import Run
from ui import resources
from ui.home import run_facts
from ui.resources import ChosenText
from ui.runs.health import spoiled
from ui.words.i18n import N_

WATCHED = ("queued", "running", "paused")


@dataclass(frozen=True)
class NextStep:
    """The one thing to do next: what its button says, where it leads, and which station it belongs to."""

    words: str
    """In English; translate it where it is shown."""

    icon: str
    page: str
    station: str


CHOOSE = NextStep(N_("Choose another text"), ":material/sort_by_alpha:", "vocabulary", "text")
BEGIN = NextStep(N_("Begin: train the model"), ":material/play_arrow:", "training", "training")
WATCH = NextStep(N_("Watch it learn"), ":material/show_chart:", "training", "training")
GO_ON = NextStep(N_("Back to the training"), ":material/play_arrow:", "training", "training")
WRITE = NextStep(N_("Let it write"), ":material/edit_note:", "sampling", "prompt")


def next_step(chosen: ChosenText, dataset: Dataset, run: Run | None) -> NextStep:
    """What the one obvious button of the Home page offers."""
    used = run_facts.configs(run, dataset.tokenizer.vocab_size)
    if isinstance(run_facts.batch_starts(dataset, used), TextError):
        return CHOOSE
    if run is None or run.prepared or not is_about(run, chosen):
        return BEGIN
    if run.status in WATCHED:
        return WATCH
    return WRITE if run.status in ("done", "stopped") and run.step and not spoiled(run) else GO_ON


def is_about(run: Run, chosen: ChosenText) -> bool:
    """Whether the run was trained on the chosen text."""
    return (run.text_id, run.lower) == (resources.fingerprint(chosen.id, chosen.lower), chosen.lower)
