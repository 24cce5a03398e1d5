"""Words for things of the core that more than one page names."""

import unicodedata

from minigpt_core.errors import UserError
from minigpt_core.store.runs import Run
from ui.runs.automatic_name import automatic_name, is_named
from ui.style import DONE, PROBLEM, REFERENCE, TRAIN, VALIDATION
from ui.words.i18n import N_, _, translate

STATUSES = {
    "queued": N_("waiting"),
    "running": N_("training"),
    "paused": N_("paused"),
    "done": N_("finished"),
    "stopped": N_("stopped"),
    "diverged": N_("diverged"),
    "failed": N_("failed"),
    "interrupted": N_("interrupted"),
}
STATUS_COLOURS = {
    "queued": REFERENCE,
    "running": TRAIN,
    "paused": VALIDATION,
    "done": DONE,
    "stopped": REFERENCE,
    "diverged": PROBLEM,
    "failed": PROBLEM,
    "interrupted": PROBLEM,
}

TURNING = ("R", "AL", "RLE", "RLO", "RLI", "LRE", "LRO", "LRI", "FSI", "PDF", "PDI")  # Unicode's bidi classes

TOY_TITLES = {
    "Additions": N_("Additions"),
    "Reversed words": N_("Reversed words"),
    "Balanced brackets": N_("Balanced brackets"),
}


PREPARED_TITLE = N_("{model} on “{text}” (prepared)")
PREPARED_TITLES = {  # by the beginning of their ids, of those that show a trouble
    "preparedOverfit": N_("{model}, learned by heart (prepared)"),
    "preparedDiverged": N_("{model}, rate too high (prepared)"),
    "preparedStuck": N_("{model}, rate too low (prepared)"),
}


def text_title(title: str) -> str:
    """A text's title; those of the generated texts in the reader's language."""
    return _(TOY_TITLES[title]) if title in TOY_TITLES else own_words(title)


def status_word(status: str) -> str:
    """What a run is doing, in one word."""
    return _(STATUSES[status])


def run_title(run: Run) -> str:
    """The run's name; without one, its preset and what differs from it. A person's words: escape them."""
    kind, text = "GPT" if run.model.n_layer else "TinyGPT", text_title(run.text_title)
    if run.prepared:
        return _(PREPARED_TITLES.get(run.id[:-2], PREPARED_TITLE)).format(model=kind, text=text)
    given = own_words(run.name) if is_named(run) else ""
    return given or automatic_name(run) or _("{model} on “{text}”").format(model=kind, text=text)


def own_words(name: str) -> str:
    """A name that a person gave, as it may stand in a line of ours: "" if nothing of it can be seen.

    One that is read from right to left, or turns the direction round, is isolated: the words beside it stay in place.
    """
    if not any(unicodedata.category(c)[0] in "LMNPS" for c in name):
        return ""
    turns = any(unicodedata.bidirectional(c) in TURNING for c in name)
    return f"\u2068{name}\u2069" if turns else name


def run_error(run: Run) -> str | None:
    """Why a run failed, in the reader's language."""
    return _stored_sentence(run.error) if run.error else None


def run_remark(run: Run) -> str | None:
    """What could not be done as asked, though the run went on, in the reader's language."""
    return _stored_sentence(run.remark) if run.remark else None


def _stored_sentence(stored: str) -> str:
    try:
        return translate(UserError.from_json(stored))
    except (ValueError, KeyError, TypeError):  # written by another version
        return stored
