"""What the settings, the prompt and the loss mean, in sentences."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from minigpt_core.configs import SampleSettings
from minigpt_core.ngrams import Baselines
from ui.runs.health import broken, loss_number
from ui.words.i18n import N_, _, number, percent
from ui.words.tokens import MARKS, name

NAMED = 8  # unknown characters that a sentence names
PLACES = 4  # of each of them

TEMPERATURES = (
    (0.0, N_("Always the likeliest: no chance at all, so the text goes round in circles.")),
    (0.6, N_("Cautious: what is likely becomes likelier still.")),
    (0.95, N_("A little cautious: close to what the model knows best.")),
    (1.0, N_("Exactly the model’s own probabilities.")),
    (1.4, N_("Daring: unlikely characters get more of a chance.")),
    (math.inf, N_("Wild: almost any character may come.")),
)
ONLY_ONE = N_(
    "Top-k 1: always the likeliest, whatever the temperature is, so the text goes round in circles."
)
NO_CHANGE = N_("Temperature 1 alone changes nothing.")

LEARNT = (
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
NOISY = 1.3  # a temperature above which the draw itself makes nonsense
SHORT_OF_TRIGRAM = 0.3  # nats below the counted trigram: longer stretches than three characters must be known


@dataclass(frozen=True)
class Losses:
    """The losses of a model in nats per character; None where nothing was measured."""

    seen: float | None
    """On the text it learnt from."""

    unseen: float | None
    """On text it never saw."""


def always_likeliest(settings: SampleSettings) -> bool:
    """Whether nothing is left to draw: random numbers change nothing."""
    return settings.temperature == 0 or settings.top_k == 1


def may_leave_out(settings: SampleSettings) -> bool:
    """Whether top-k or top-p can keep characters from being drawn."""
    return settings.top_k > 0 or settings.top_p < 1


def bends(settings: SampleSettings) -> bool:
    """Whether characters can be drawn with other probabilities than the model's own."""
    return settings.temperature != 1 or may_leave_out(settings)


def settings_words(settings: SampleSettings) -> str:
    """What temperature, top-k and top-p together do to the text."""
    if settings.temperature and settings.top_k == 1:
        return _(ONLY_ONE)
    said = [temperature_words(settings.temperature)]
    if settings.temperature and may_leave_out(settings):
        said = [_(NO_CHANGE)] if settings.temperature == 1 else said
        if settings.top_k:
            said.append(_("Top-k lets at most the {k} likeliest through.").format(k=number(settings.top_k)))
        if settings.top_p < 1:
            words = _("Top-p lets only the likeliest through that together reach {p}.")
            said.append(words.format(p=percent(settings.top_p)))
    return " ".join(said)


def temperature_words(temperature: float) -> str:
    """What this temperature alone does to the text."""
    return _(next(words for limit, words in TEMPERATURES if temperature <= limit + 1e-9))


def what_the_settings_do(settings: SampleSettings) -> str:
    """What is the settings' doing and not the model's: repetition without a draw, noise; else nothing."""
    if settings.temperature == 0:
        return _("At temperature 0, it is the temperature that makes the text repeat itself, not the model.")
    if settings.top_k == 1:
        return _("With top-k 1, it is top-k that makes the text repeat itself, not the model.")
    if settings.temperature > NOISY and not may_leave_out(settings):
        words = _(
            "At temperature {temperature}, much of the noise comes from the temperature, not the model."
        )
        return words.format(temperature=number(settings.temperature, 2))
    return ""


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
    place = sum(loss < limit for limit in limits(chance, known))
    return _(LEARNT[place]).format(**values)


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
    """Which characters of a text were left out, and where they stood. They are a person's: escape the sentence."""
    listed = [
        _("“{character}” (no. {places})").format(character=name(character), places=places_words(places))
        for character, places in list(unknown.items())[:NAMED]
    ]
    listed += ["…"] if len(unknown) > NAMED else []
    words = _("Left out, because this model has never seen them: {characters}")
    return words.format(characters=", ".join(listed))


def exchanged_words(exchanged: Mapping[str, str]) -> str:
    """Which signs of a text were exchanged for those of the model's text: some of `LOOK_ALIKES`. In Markdown."""
    listed = [f"{sign(typed)} → {sign(instead)}" for typed, instead in exchanged.items()]
    return _("Written as in this model’s text: {exchanged}").format(exchanged=", ".join(listed))


def sign(characters: str) -> str:
    """What it is called, since apostrophes look alike, and the sign itself. In Markdown."""
    if characters.isspace():
        return name(characters)
    return f"{_(MARKS[characters])} `{characters}`" if characters in MARKS else f"`{characters}`"


def places_words(places: Sequence[int]) -> str:
    """Where something stands, counted from 1."""
    shown = ", ".join(number(place + 1) for place in places[:PLACES])
    return shown + (", …" if len(places) > PLACES else "")


def start_words(character: str) -> str:
    """What the text begins after when there is no prompt."""
    words = _("Without a prompt, the text begins after: {character}. A model has to see something.")
    return words.format(character=name(character))
