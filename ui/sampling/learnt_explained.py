"""What a model has learnt by its losses, and so whether gibberish is normal, in sentences."""

import math
from dataclasses import dataclass

from minigpt_core.interpret.learning_stage import learning_stage
from minigpt_core.ngrams import Baselines
from ui.runs.health import broken, loss_number
from ui.words.i18n import N_, _, number

LEARNT = (  # by `learning_stage`
    N_("{measured}, and pure chance costs {chance}: it knows next to nothing yet, so gibberish is normal."),
    N_("{measured}: it knows which characters are frequent, hardly which follow which. Gibberish is normal."),
    N_("{measured}: it knows which characters follow each other, not words. So gibberish is normal."),
    N_("{measured}: it knows pieces of words and short words; sentences are still beyond it."),
    N_("{measured}: it knows many words. They need not make sense together yet."),
)
BY_HEART_WORDS = N_(
    "It nearly always guesses how the text that it learnt goes on (loss {seen} there), but not text it never saw "
    "({unseen}; pure chance costs {chance}). A longer text helps, or a shorter training."
)
VERY_SHORT_WORDS = N_("**The text is very short**: {n} characters (a text should have at least {least}).")
OVERFITTED_WORDS = N_(
    "It knows its own text (loss {seen} there) much better than what it never saw ({unseen}; pure chance costs "
    "{chance}): it has begun to learn by heart. A longer text helps, or a shorter training."
)
VERY_SHORT = 2000  # characters, about one page: a text with fewer shows most of its words once
BY_HEART = 0.2  # nats: below that, a text's characters are foreseen with 82 % and more, e to minus this
OVERFITTED = 0.7  # nats by which unseen text is guessed worse


@dataclass(frozen=True)
class Losses:
    """The losses of a model in nats per character; None where nothing was measured."""

    seen: float | None
    """On the text it learnt from."""

    unseen: float | None
    """On text it never saw."""


def how_short_its_text_is(length: int) -> str:
    """That so little can hardly be learnt from, if that is so: in Markdown; else nothing."""
    if length >= VERY_SHORT:
        return ""
    return _(VERY_SHORT_WORDS).format(n=number(length), least=number(VERY_SHORT))


def what_it_has_learnt(losses: Losses, vocab_size: int, known: Baselines | None) -> str:
    """Whether gibberish is normal at these losses, compared with what counting reaches on the same text."""
    seen, unseen, chance = losses.seen, losses.unseen, math.log(vocab_size)
    if seen is None:
        return _("Its loss was not measured at this step, so nobody can say what to expect.")
    loss, measured = (seen, _("Loss {loss} on the text it learnt from")) if unseen is None else (
        unseen, _("Loss {loss} on text it never saw"))  # fmt: skip
    values = {"measured": measured.format(loss=loss_number(loss)), "chance": number(chance, 2)}
    if broken(seen, vocab_size):
        return _("{measured}, and pure chance costs {chance}: the training broke this model.").format(
            **values
        )
    if unseen is not None and unseen > seen + OVERFITTED:
        words = BY_HEART_WORDS if seen < BY_HEART else OVERFITTED_WORDS
        return _(words).format(seen=number(seen, 2), unseen=loss_number(unseen), **values)
    return _(LEARNT[learning_stage(loss, vocab_size, known)]).format(**values)
