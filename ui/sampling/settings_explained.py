"""What temperature, top-k and top-p do to a text, in sentences."""

import math

from minigpt_core.configs import SampleSettings
from ui.words.i18n import N_, _, number, percent

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
NOISY = 1.3  # a temperature above which the draw itself makes nonsense


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
