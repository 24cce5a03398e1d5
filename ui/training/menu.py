"""What the presets are called on the page, and where each comes from, in a few words."""

from dataclasses import dataclass

from minigpt_core.configs import ModelConfig
from minigpt_core.presets import PRESETS
from minigpt_core.weights import parameters_of
from ui.words.i18n import N_, _, n_, number

OWN = "own"  # no preset has this model


@dataclass(frozen=True)
class Entry:
    """A model that can be chosen."""

    title: str
    source: str


ENTRIES = {
    "notebook": Entry("TinyGPT", N_("the notebook’s model")),
    "chat-curieux-gpt": Entry(N_("Small GPT"), N_("for short stories")),
    "lecture-bigram": Entry(
        N_("Lecture’s bigram"),
        N_("Karpathy’s lecture “Let’s build GPT”, its table of pairs as a product of two"),
    ),
    "nanogpt-cpu": Entry(N_("nanoGPT for a CPU"), N_("nanoGPT’s README, “I only have a macbook”")),
    "fast-shakespeare": Entry(N_("Fast GPT"), N_("for longer texts, about ten seconds")),
    "best-in-two-minutes": Entry(N_("Two-minute GPT"), N_("for longer texts, about two minutes")),
    "shakespeare-ten-minutes": Entry(N_("Ten-minute GPT"), N_("for longer texts, about ten minutes")),
    "toy-reversed-words": Entry(N_("GPT: reversed words"), N_("for the text “Reversed words”")),
    "toy-brackets": Entry(N_("GPT: brackets"), N_("for the text “Balanced brackets”")),
    "toy-additions": Entry(N_("GPT: additions"), N_("for the text “Additions”")),
    OWN: Entry(N_("A model of your own"), N_("made under Advanced or on the Model page")),
}
ORDER = (
    "notebook", "chat-curieux-gpt", "fast-shakespeare", "best-in-two-minutes", "shakespeare-ten-minutes",
    "toy-reversed-words", "toy-brackets", "toy-additions", "lecture-bigram", "nanogpt-cpu",
)  # fmt: skip


def names(present: str) -> list[str]:
    """What can be chosen, the notebook's model first; a model of one's own only where it is the present one."""
    others = [name for name in PRESETS if name not in ORDER]
    return [*(name for name in ORDER if name in PRESETS), *others, *([OWN] if present == OWN else [])]


def title(name: str) -> str:
    """What a preset is called."""
    return _(ENTRIES[name].title) if name in ENTRIES else name


def about(name: str, model: ModelConfig | None) -> str:
    """Its size, what it can see, and where it comes from, in one line."""
    parts = []
    if model is not None:
        size = parameters_of(model)
        parts = [n_("{n} parameter", "{n} parameters", size).format(n=number(size)), sees(model)]
    if name in ENTRIES:
        parts.append(_(ENTRIES[name].source))
    return " · ".join(parts)


def sees(model: ModelConfig) -> str:
    """How much of the text before it a guess can use."""
    if model.n_layer:
        words = n_("sees {n} character", "sees up to {n} characters", model.block_size)
        return words.format(n=number(model.block_size))
    if model.positions == "none":
        return _("sees one character")
    return _("sees one character and its place")
