"""Words for things of the core that more than one page names."""

from minigpt_core.errors import UserError
from minigpt_core.runs import Run
from ui.i18n import N_, _, translate
from ui.style import DONE, PROBLEM, REFERENCE, TRAIN, VALIDATION

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

KINDS = {  # what the settings with a choice of words can be
    "positions": {"none": N_("none"), "learned": N_("learned"), "rotary": N_("rotary")},
    "mlp": {"none": N_("none"), "gelu": "GELU", "relu2": "ReLU²"},
    "norm": {"none": N_("none"), "layernorm": "LayerNorm", "rmsnorm": "RMSNorm"},
    "schedule": {
        "constant": N_("constant"),
        "cosine": N_("falling as a cosine"),
        "linear": N_("falling evenly"),
    },
    "optimizer": {"adamw": "AdamW", "sgd": "SGD", "muon": "Muon"},
}

TOY_TITLES = {
    "Additions": N_("Additions"),
    "Reversed words": N_("Reversed words"),
    "Balanced brackets": N_("Balanced brackets"),
}


def text_title(title: str) -> str:
    """A text's title; those of the generated texts in the reader's language."""
    return _(TOY_TITLES[title]) if title in TOY_TITLES else title


def status_word(status: str) -> str:
    """What a run is doing, in one word."""
    return _(STATUSES[status])


def run_title(run: Run) -> str:
    """The run's name; without one, its text and the begin of its id. A person's words: escape them."""
    return run.name or f"{text_title(run.text_title)} · {run.id[:6]}"


def run_error(run: Run) -> str | None:
    """Why a run failed, in the reader's language."""
    if not run.error:
        return None
    try:
        return translate(UserError.from_json(run.error))
    except (ValueError, KeyError, TypeError):  # written by another version
        return run.error
