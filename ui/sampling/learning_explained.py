"""What a model has learned by its losses, and so whether gibberish is normal, in sentences."""

import math
from dataclasses import dataclass

from minigpt_core.interpret.learning_stage import learning_stage
from minigpt_core.interpret.memorization import knowledge
from minigpt_core.ngrams import Baselines
from ui.runs.health import broken, loss_number
from ui.words.i18n import N_, _, number, percent

LEARNED = (  # by `learning_stage`
    N_("{measured}, and pure chance costs {chance}: it knows next to nothing yet, so gibberish is normal."),
    N_("{measured}: it knows which characters are frequent, hardly which follow which. Gibberish is normal."),
    N_("{measured}: it knows which characters follow each other, not words. So gibberish is normal."),
    N_("{measured}: it knows pieces of words and short words."),
    N_("{measured}: it knows many words. They need not make sense together yet."),
)
FEW_WORDS, MOST_WORDS = 0.5, 0.9  # shares of the letters of what it wrote
WRITTEN = (  # by the share of words in what it wrote
    (
        FEW_WORDS,
        N_(
            "{measured}: of what it wrote at step {step}, {share} are words of its text. The others it made up: "
            "gibberish is normal."
        ),
    ),
    (
        MOST_WORDS,
        N_(
            "{measured}: of what it wrote at step {step}, {share} are words of its text. Some it made up, and few "
            "sentences hold together: that is normal."
        ),
    ),
    (
        math.inf,
        N_(
            "{measured}: of what it wrote at step {step}, {share} are words of its text. What they say together need "
            "not make sense: it knows how its text goes, not what it means."
        ),
    ),
)
MUCH_COPIED = 0.5  # of what it wrote
COPIED_WORDS = N_(
    "{copied} of it stands word for word in that text: what reads well is largely copied (see “Invented or copied?”)."
)
BY_HEART_WORDS = N_(
    "It nearly always guesses how the text that it learned goes on (loss {seen} there), but not text it never saw "
    "({unseen}; pure chance costs {chance}). A longer text helps, or a shorter training."
)
VERY_SHORT_WORDS = N_("**The text is very short**: {n} characters (a text should have at least {least}).")
BETTER_WORDS = N_(
    "It knows its own text (loss {seen} there) better than what it never saw ({unseen}; pure chance costs {chance}): "
    "it has begun to learn by heart. A longer text helps, or a shorter training."
)
VERY_SHORT = 2000  # characters, about one page: a text with fewer shows most of its words once
KNOWLEDGE_WORDS = {"better": BETTER_WORDS, "by_heart": BY_HEART_WORDS}
WORDS_STAGE = 2  # of `learning_stage`: from here on, a model writes pieces of words


@dataclass(frozen=True)
class Losses:
    """The losses of a model in nats per character; None where nothing was measured."""

    seen: float | None
    """On the text it learned from."""

    unseen: float | None
    """On text it never saw."""


def how_short_its_text_is(length: int) -> str:
    """That so little can hardly be learned from, if that is so: in Markdown; else nothing."""
    if length >= VERY_SHORT:
        return ""
    return _(VERY_SHORT_WORDS).format(n=number(length), least=number(VERY_SHORT))


@dataclass(frozen=True)
class Written:
    """What a model wrote by itself during its training, at temperature 1."""

    step: int
    words: float
    """The share of its letters that stand in words of the model's text."""

    copied: float
    """The share of it that stands word for word in what the model learned from, in long stretches."""


def what_it_has_learned(
    losses: Losses, vocab_size: int, known: Baselines | None, written: Written | None = None
) -> str:
    """Whether gibberish is normal: by the losses, compared with what counting reaches on the same text, and by what
    the model really wrote."""
    seen, unseen, chance = losses.seen, losses.unseen, math.log(vocab_size)
    if seen is None:
        return _("Its loss was not measured at this step, so nobody can say what to expect.")
    loss, measured = (seen, _("Loss {loss} on the text it learned from")) if unseen is None else (
        unseen, _("Loss {loss} on text it never saw (validation)"))  # fmt: skip
    values = {"measured": measured.format(loss=loss_number(loss)), "chance": number(chance, 2)}
    if broken(seen, vocab_size):
        return _("{measured}, and pure chance costs {chance}: the training broke this model.").format(
            **values
        )
    said = [what_it_knows(learning_stage(loss, vocab_size, known), values, written)]
    if unseen is not None and (how := knowledge(seen, unseen)) != "alike":
        said.append(
            _(KNOWLEDGE_WORDS[how]).format(seen=number(seen, 2), unseen=loss_number(unseen), **values)
        )
    return " ".join(said)


def what_it_knows(stage: int, values: dict[str, str], written: Written | None) -> str:
    """What to expect of a model at this stage; beyond the first ones, by what it wrote."""
    if written is None or stage < WORDS_STAGE:
        return _(LEARNED[stage]).format(**values)
    words = next(words for below, words in WRITTEN if written.words < below)
    said = _(words).format(step=number(written.step), share=percent(written.words), **values)
    if written.copied < MUCH_COPIED:
        return said
    return f"{said} {_(COPIED_WORDS).format(copied=percent(written.copied))}"
