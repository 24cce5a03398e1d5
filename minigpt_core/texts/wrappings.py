"""The text inside a file: without the tags of HTML, the commands of RTF, the colours of a terminal, or the licence of
Project Gutenberg."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser

from minigpt_core.errors import N_

HTML = re.compile(
    r"\A\ufeff?\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL
)
UNSEEN = re.compile("head|title|script|style|template|noscript|svg")
BLOCKS = re.compile(
    "p|div|br|li|tr|table|[uod]l|d[td]|h[1-6r]|blockquote|section|article|pre|header|footer|nav"
)

ANSI = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours, and where the cursor goes
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # the title of the window, links
    r"|\x1b[()][0-9A-Z]|\x1b[ -~]"
    r"|.\x08"  # a character that is struck again to be bold
)

GUTENBERG_BEGIN = re.compile(
    r"\*\*\*\s*START OF TH(?:E|IS) PROJECT GUTENBERG EBOOK[^*]*\*\*\*"
    r"|\*END\*?\s*THE SMALL PRINT[^\n]*"
)
GUTENBERG_END = re.compile(
    r"^\s*End of (?:the |this )?Project Gutenberg|\*\*\*\s*END OF TH(?:E|IS) PROJECT GUTENBERG EBOOK",
    re.MULTILINE,
)
GUTENBERG_CREDITS = re.compile(r"\A\s*(?:Produced by|E-text prepared by)\b.*?(?:\n\s*\n|\Z)", re.DOTALL)

RTF = re.compile(
    r"\\([a-z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-z])|([{}])|[\r\n]+|(.)", re.DOTALL
)
RTF_UNSEEN = re.compile(
    "(font|color|rsid|xmlns)tbl|stylesheet|info|pict|object|header|footer|footnote|themedata|list(override)?table|generator|"
    "datastore|latentstyles|fldinst"
)
RTF_SIGNS = {
    "par": "\n", "line": "\n", "sect": "\n", "page": "\n", "tab": "\t", "emdash": "—", "endash": "–", "lquote": "‘",
    "rquote": "’", "ldblquote": "“", "rdblquote": "”", "bullet": "•", "cell": "\t", "row": "\n",
}  # fmt: skip


@dataclass(frozen=True)
class Inside:
    """What a file holds beside what it is wrapped in."""

    text: str
    """The same as the whole if nothing was found."""

    found: tuple[str, ...]
    """What the text was wrapped in, in English sentences, to be translated."""


def inside(text: str) -> Inside:
    """The text inside `text`: what is left without what belongs to a file format or a licence."""
    found = []
    for sentence, unwrap in WRAPPINGS.items():
        within = unwrap(text)
        if within is not None and within.strip():
            found.append(sentence)
            text = within
    return Inside(text, tuple(found))


def from_html(text: str) -> str | None:
    """What a browser would show of a page."""
    if not HTML.match(text[:10_000]):
        return None
    page = _Page()
    page.feed(text)
    page.close()
    lines = (" ".join(line.split()) for line in "".join(page.pieces).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _Page(HTMLParser):
    """Collects the text between tags; a block begins a line."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._unseen = 0
        self._kept_lines = 0  # within <pre>

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._unseen += UNSEEN.fullmatch(tag) is not None
        self._kept_lines += tag == "pre"
        if BLOCKS.fullmatch(tag):
            self.pieces.append("\n")
        if tag == "body":
            self._unseen = 0  # whatever was left open before

    def handle_endtag(self, tag: str) -> None:
        self._unseen = max(self._unseen - (UNSEEN.fullmatch(tag) is not None), 0)
        self._kept_lines = max(self._kept_lines - (tag == "pre"), 0)
        if BLOCKS.fullmatch(tag):
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.pieces.append(data if self._kept_lines else re.sub(r"\s+", " ", data))


def from_rtf(text: str) -> str | None:
    """The paragraphs of a document of WordPad or TextEdit: https://en.wikipedia.org/wiki/Rich_Text_Format"""
    if not text.lstrip("\ufeff \r\n").startswith("{\\rtf"):
        return None
    page = re.search(r"\\ansicpg(\d+)", text)
    encoding = f"cp{page[1]}" if page else "cp1252"
    pieces: list[str] = []
    raw = bytearray()  # characters of the code page that wait for their second byte
    unseen, skip, open_groups = False, 0, []  # skip: what stands for a Unicode character that was read
    for word, number, byte, sign, brace, plain in RTF.findall(text):
        if raw and not byte:
            pieces.append(_in_code_page(bytes(raw), encoding))
            raw.clear()
        if brace == "{":
            open_groups.append(unseen)
        elif brace == "}":
            unseen = open_groups.pop() if open_groups else False
        elif RTF_UNSEEN.fullmatch(word) or sign == "*":
            unseen = True
        elif unseen:
            pass
        elif word == "u" and number:
            pieces.append(chr(int(number) % 0x10000))  # halves of an emoji are joined by `corpus.normalize`
            skip = 1
        elif skip and (byte or plain):
            skip -= 1
        elif word in RTF_SIGNS:
            pieces.append(RTF_SIGNS[word])
        elif byte:
            raw.append(int(byte, 16))
        elif sign in ("\\", "{", "}", "~"):
            pieces.append("\u00a0" if sign == "~" else sign)
        elif plain:
            pieces.append(plain)
    return "".join(pieces).strip()


def _in_code_page(raw: bytes, encoding: str) -> str:
    try:
        return raw.decode(encoding, "replace")
    except LookupError:
        return raw.decode("cp1252", "replace")


def without_colours(text: str) -> str | None:
    """The text of a terminal, as one reads it."""
    return ANSI.sub("", text) if "\x1b" in text or "\x08" in text else None


def without_licence(text: str) -> str | None:
    """Books of Project Gutenberg without their headers, the names of those who typed them, and their licences."""
    if not re.search("Project Gutenberg|PROJECT GUTENBERG|SMALL PRINT", text):
        return None
    pieces, books = GUTENBERG_END.split(text), []
    for i, piece in enumerate(pieces):
        begins = [found.end() for found in GUTENBERG_BEGIN.finditer(piece)]
        if begins or (i == 0 and len(pieces) > 1):  # else it is a licence
            books.append(GUTENBERG_CREDITS.sub("", piece[max(begins, default=0) :].lstrip("\r\n")).strip())
    return "\n\n".join(books) or None


WRAPPINGS: dict[str, Callable[[str], str | None]] = {
    N_("This is an HTML page."): from_html,
    N_("This is an RTF document, as word processors write it."): from_rtf,
    N_("This text holds the colours of a terminal."): without_colours,
    N_("This is a Project Gutenberg book with its header and its licence."): without_licence,
}
"""What a text may be wrapped in, and what finds the text inside it; None: it is not that."""
