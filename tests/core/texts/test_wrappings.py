"""The text inside HTML, RTF, a terminal's output, and a book of Project Gutenberg."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigpt_core.texts import corpus
from minigpt_core.texts.wrappings import inside

HTML = """<!DOCTYPE html>
<html><head><title>Conte</title><style>p { color: red }</style></head>
<body><h1>Le chat</h1><p>Il était <b>une</b> fois&nbsp;: l&#39;&eacute;t&eacute;.
La suite.<script>if (a < b) { c }</script></p><pre>un
  deux</pre></body></html>"""
RTF = r"""{\rtf1\ansi\ansicpg1252{\fonttbl\f0\fswiss Helvetica;}{\*\generator Riched20;}
\f0\pard Il \'e9tait \b une\b0  fois \{un\} chat\endash \u233?t\u233?.\par Fin.\par }"""
RTF_RUSSIAN = r"{\rtf1\ansi\ansicpg1251 \'ea\'ee\'f2\par}"
RTF_JAPANESE = r"{\rtf1\ansi\ansicpg932 \'94\'4c\par}"
BOOK = """The Project Gutenberg eBook of Candide

This ebook is for the use of anyone anywhere.

*** START OF THE PROJECT GUTENBERG EBOOK CANDIDE, OR
OPTIMISM ***

Produced by Somebody
and Somebody Else

CANDIDE

Il y avait en Westphalie.

End of the Project Gutenberg EBook of Candide

*** END OF THE PROJECT GUTENBERG EBOOK CANDIDE ***
Updated editions will replace the previous one.
"""
OLD_BOOK = "*END*THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.04.29.93*END*\n\nOnce.\n\nEnd of Project Gutenberg's X\n"


@pytest.mark.parametrize(
    ("text", "expected", "called"),
    [
        (HTML, "Le chat\n\nIl était une fois : l'été. La suite.\n\nun\ndeux", "HTML"),
        (RTF, "Il était une fois {un} chat–été.\nFin.", "RTF"),
        (RTF_RUSSIAN, "кот", "RTF"),
        (RTF_JAPANESE, "猫", "RTF"),
        ("\x1b[1;31mrouge\x1b[0m, \x1b]0;titre\x07N\x08Noir", "rouge, Noir", "terminal"),
        (BOOK, "CANDIDE\n\nIl y avait en Westphalie.", "Gutenberg"),
        (OLD_BOOK, "Once.", "Gutenberg"),
        (
            BOOK + BOOK.replace("Westphalie", "France"),
            "CANDIDE\n\nIl y avait en Westphalie.\n\nCANDIDE\n\nIl y avait en France.",
            "Gutenberg",
        ),
    ],
)
def test_the_text_inside(text: str, expected: str, called: str) -> None:
    found = inside(text)
    assert found.text == expected
    assert len(found.found) == 1 and called in found.found[0]


def test_one_thing_within_another() -> None:
    page = "<html><body>" + BOOK.replace("\n", "<br>") + "</body></html>"
    assert inside(page).text.endswith("Il y avait en Westphalie.") and len(inside(page).found) == 2


@pytest.mark.parametrize(
    "text", [*(bundled.text for bundled in corpus.BUNDLED.values()), "a <b>bold</b> word", ""]
)
def test_a_plain_text_stays_as_it_is(text: str) -> None:
    assert inside(text).text == text and not inside(text).found


@given(
    st.text(),
    st.sampled_from(["<html>", "{\\rtf1 ", "\x1b[", "*** START OF THE PROJECT GUTENBERG EBOOK X ***", ""]),
)
def test_whatever_is_inside_there_is_a_text(text: str, begin: str) -> None:
    found = inside(begin + text)
    assert found.text.strip() or not (begin + text).strip()
    assert found.found or found.text == begin + text
