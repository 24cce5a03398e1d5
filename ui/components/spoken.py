"""Sentences that say what a picture shows, for those who hear the page: `js/spoken.js` fills them in."""

from ui.words.i18n import _


def curve_words() -> str:
    """A curve of losses: where it begins, ends, and is lowest."""
    return _(
        "{name}: from {first} at step {from} to {last} at step {to}; the lowest is {lowest}, at step {where}."
    )
