"""The words of the field, each explained in one sentence: `<language>/glossary.toml`.

It also fixes the French terms: `term("loss")` is "loss" in English and "perte" in French.
"""

import tomllib
import unicodedata
from functools import cache

from ui.words.i18n import language
from ui.words.languages import LANGUAGES
from ui.words.tokens import escape


@cache
def _entries(code: str) -> dict[str, dict[str, str]]:
    with LANGUAGES[code].file("glossary.toml").open("rb") as file:
        return tomllib.load(file)


def word(key: str) -> str:
    """What the thing is called in the reader's language."""
    return _entries(language())[key]["term"]


def help(key: str) -> str:
    """Its definition, as plain text for a widget's `help=`."""
    return _entries(language())[key]["means"]


def term(key: str, shown: str | None = None) -> str:
    """HTML for `st.html`: the word with its definition on hover and on keyboard focus.

    Args:
        shown: other words for the same thing, such as a plural.
    """
    text, meaning = escape(shown or word(key)), escape(help(key))
    return f"<abbr class='mg-term' tabindex='0' data-tip='{meaning}' aria-label='{text}: {meaning}'>{text}</abbr>"


def entries(part: str = "") -> list[tuple[str, str]]:
    """The words that contain `part`, and what they mean, in alphabetical order; an accent makes no other letter."""
    all_words = ((e["term"], e["means"]) for e in _entries(language()).values())
    return sorted((e for e in all_words if _plain(part) in _plain(e[0])), key=lambda e: _plain(e[0]))


def _plain(term: str) -> str:
    """ "echantillon" for "Échantillon"."""
    letters = unicodedata.normalize("NFD", term.lower())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
