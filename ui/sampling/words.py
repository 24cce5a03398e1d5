"""What the settings, the prompt and the loss mean, in sentences."""

import math
from collections.abc import Mapping, Sequence

from minigpt_core.ngrams import Baselines
from ui.i18n import N_, _, number
from ui.sampling.drawing import Draw
from ui.tokens import name

NAMED = 8  # unknown characters that a sentence names

TEMPERATURES = (
    (0.0, N_("Always the likeliest: no chance at all, so the text goes round in circles.")),
    (0.6, N_("Cautious: what is likely becomes likelier still.")),
    (0.95, N_("A little cautious: close to what the model knows best.")),
    (1.0, N_("Exactly the model’s own probabilities.")),
    (1.4, N_("Daring: unlikely characters get more of a chance.")),
    (math.inf, N_("Wild: almost any character may come.")),
)

LEARNT = (
    N_("Loss {loss}, and pure chance costs {chance}: it knows next to nothing yet, so gibberish is normal."),
    N_(
        "Loss {loss}: it knows which characters are frequent, hardly which follow which. Gibberish is normal."
    ),
    N_("Loss {loss}: it knows which characters follow each other, not words. So gibberish is normal."),
    N_("Loss {loss}: it knows pieces of words and short words; sentences are still beyond it."),
    N_("Loss {loss}: it knows many words. They need not make sense together yet."),
)
SHORT_OF_TRIGRAM = 0.3  # nats below the counted trigram: longer stretches than three characters must be known


def temperature_words(temperature: float) -> str:
    """What this temperature does to the text."""
    return _(next(words for limit, words in TEMPERATURES if temperature <= limit + 1e-9))


def what_it_has_learnt(loss: float | None, vocab_size: int, known: Baselines | None) -> str:
    """Whether gibberish is normal at this loss, compared with what counting reaches on the same text."""
    if loss is None or not math.isfinite(loss):
        return _("Its loss was not measured at this step, so nobody can say what to expect.")
    chance = math.log(vocab_size)
    place = sum(loss < limit for limit in limits(chance, known))
    return _(LEARNT[place]).format(loss=number(loss, 2), chance=number(chance, 2))


def limits(chance: float, known: Baselines | None) -> Sequence[float]:
    """Losses between one stage and the next, falling: half way from each counted model to the following one."""
    if known is None:
        return [0.9 * chance]
    uniform, unigram = known.uniform, known.unigram_val or known.unigram_train
    bigram, trigram = known.bigram_val or known.bigram_train, known.trigram_val or known.trigram_train
    return [
        (uniform + unigram) / 2,
        (unigram + bigram) / 2,
        (bigram + trigram) / 2,
        trigram - SHORT_OF_TRIGRAM,
    ]


def unknown_words(unknown: Mapping[str, Sequence[int]]) -> str:
    """Which characters of the prompt were left out. The characters are a person's: escape the sentence."""
    listed = ", ".join(
        _("“{character}”").format(character=name(character)) for character in list(unknown)[:NAMED]
    )
    listed += ", …" if len(unknown) > NAMED else ""
    return _("Left out of the prompt, because this model has never seen them: {characters}").format(
        characters=listed
    )


def start_words(draw: Draw) -> str:
    """What the text begins after when there is no prompt."""
    return _("Without a prompt, the text begins after: {character}. A model has to see something.").format(
        character=name(draw.start)
    )
