"""The words of a lesson as HTML. They are anybody's: all is escaped, and four marks become bold, italic or code."""

import re

from ui.words.tokens import escape

CODE = re.compile(r"`([^`\n]+)`")
MARKS = (
    (re.compile(r"\[\[([^\[\]\n]+)\]\]"), r"<b class='mg-named'>\1</b>"),
    (re.compile(r"\*\*([^*\n]+)\*\*"), r"<b>\1</b>"),
    (re.compile(r"(?<!\*)\*([^*\n]+)\*(?!\*)"), r"<i>\1</i>"),
)


def in_one_line(text: str) -> str:
    """The text without its line breaks; the spaces that no line may break at stay."""
    return re.sub(r"[ \t\n]+", " ", text).strip(" ")


def inline(text: str) -> str:
    """One paragraph, or a part of one."""
    pieces = CODE.split(escape(in_one_line(text)))  # words and code by turns: in code, no mark means anything
    return "".join(
        f"<code translate='no'>{piece}</code>" if n % 2 else _marked(piece) for n, piece in enumerate(pieces)
    )


def _marked(shown: str) -> str:
    for mark, html in MARKS:
        shown = mark.sub(html, shown)
    return shown


def paragraphs(text: str) -> str:
    """Several, divided by empty lines."""
    return "".join(f"<p>{inline(part)}</p>" for part in re.split(r"\n\s*\n", text) if part.strip())


def plain(text: str) -> str:
    """The same without the marks: for a label that shows text as it is."""
    pieces = CODE.split(in_one_line(text))
    return "".join(piece if n % 2 else _bare(piece) for n, piece in enumerate(pieces))


def _bare(shown: str) -> str:
    for mark, _html in MARKS:
        shown = mark.sub(r"\1", shown)
    return shown
