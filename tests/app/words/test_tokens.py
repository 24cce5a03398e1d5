"""Tiles show every character there is, and run nothing."""

import re
import unicodedata
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as texts

from ui.words import tokens
from ui.words.i18n import using

ALLOWED = {"div", "span", "b", "i", "bdi", "style"}
EVIL = "<script>alert(1)</script>\x00\x07\u200b\u202eאבג e\u0301 👩‍👧 \ufe0f\u00a0&<b>'\"\ud800"
STOI = {character: i for i, character in enumerate(sorted("un chat\n"))}


class Structure(HTMLParser):
    """Collects the tags, the texts and the tooltips of some HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.bold: list[str] = []
        self._inside: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._inside.append(tag)
        self.attributes += attrs
        if tag == "b":
            self.bold.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._inside.pop() == tag

    def handle_data(self, data: str) -> None:
        if "b" in self._inside:
            self.bold[-1] += data

    def all_of(self, name: str) -> list[str]:
        return [value or "" for key, value in self.attributes if key == name]


@given(texts.text(max_size=40))
def test_whatever_is_typed_becomes_tiles_and_nothing_else(text: str) -> None:
    strip = Structure(tokens.strip(text, STOI, label=text))
    flow = Structure(tokens.coloured_by_probability(text, [0.5] * len(text), label=text))
    assert set(strip.tags) | set(flow.tags) <= ALLOWED
    assert len(strip.bold) == len(text)
    names = {name for name, _value in strip.attributes + flow.attributes}
    assert names <= {"class", "role", "aria-label", "data-tip", "style", "dir", "translate"}


def test_no_character_is_invisible_or_moves_its_neighbours() -> None:
    for character in EVIL:
        shown = tokens.face(character)
        assert shown.strip()
        assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zs", "Zl", "Zp") for c in shown)
        assert not unicodedata.combining(shown[0])


def test_a_tile_says_what_it_is() -> None:
    counts = {"a": 1, "t": 3}
    with using("en"):
        tips = Structure(tokens.strip("t", STOI, counts, label="")).all_of("data-tip")
    assert tips == [f"t · LATIN SMALL LETTER T · id {STOI['t']} · 3 times · 75.0\u202f%"]


def test_unknown_characters_are_marked() -> None:
    parts = Structure(tokens.strip("uz", STOI, label=""))
    tiles = [name for name in parts.all_of("class") if name.startswith("mg-t ")]
    assert ["mg-unknown" in name for name in tiles] == [False, True]


def test_a_picture_has_a_text_alternative() -> None:
    parts = Structure(tokens.strip("un\nchat", STOI, label="Begin"))
    assert parts.all_of("role") == ["img"]
    assert parts.all_of("aria-label") == ["Begin: un⏎chat"]


def test_rows_are_aligned() -> None:
    html = tokens.rows([tokens.Row("x", "un ch"), tokens.Row("y", "n cha", offset=1)], STOI, label="shifted")
    assert html.count("mg-gap") == 1
    assert html.count("<b>") + html.count("<b class") == 11


def test_only_a_window_of_a_long_text_is_drawn() -> None:
    assert tokens.strip("u" * 100_000, STOI, label="").count("data-tip") == tokens.MOST_TILES


@pytest.mark.parametrize(
    ("character", "kind"),
    [("é", "vowel"), ("œ", "vowel"), ("Y", "vowel"), ("ç", "consonant"), ("ж", "consonant"), ("\n", "space"),
     ("\u202f", "space"), ("7", "digit"), ("«", "mark"), ("👩", "mark"), ("\u0301", "mark")],
)  # fmt: skip
def test_kinds(character: str, kind: str) -> None:
    assert tokens.kind(character) == kind


@given(texts.floats(0, 1))
def test_coloured_characters_stay_readable(probability: float) -> None:
    """WCAG AA: a contrast of at least 4.5."""
    lights = []
    for colour in tokens.probability_colours(probability):
        lights.append(tokens.luminance(*(int(colour[i : i + 2], 16) for i in (1, 3, 5))))
    dark, light = sorted(lights)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


@given(texts.text(alphabet="*_`[]()#<>&!~$:|\\ab{}", max_size=20))
def test_markdown_is_escaped_sign_by_sign(text: str) -> None:
    escaped = tokens.escape_markdown(text)
    assert escaped.replace("\u2060", "").replace("\\\\", "\0").replace("\\", "").replace("\0", "\\") == text


@pytest.mark.parametrize("name", [":material/home:", "a :cat: b", ":+1:"])
def test_what_would_become_a_picture_stays_text(name: str) -> None:
    assert not re.search(r":(material/)?[\w+-]+:", re.sub(r"\\(.)", r"\1", tokens.escape_markdown(name)))


def test_a_cell_names_its_character_in_the_language_of_whoever_asks() -> None:
    for lang, space in (("en", "space"), ("fr", "espace"), ("en", "space")):
        with using(lang):
            assert tokens.cell(" ") == (" ", space, False, " ")
            assert (
                tokens.cell("\n")[2]
                and tokens.cell("\n")[0] == "⏎"
                and tokens.cell("e") == ("e", "e", False, "e")
            )


def test_the_parts_of_an_emoji_have_words() -> None:
    with using("en"):
        note = tokens.emoji_note("❤\ufe0f and 👩\u200d👧")
        assert "VS16" in note and "ZWJ" in note and "coloured" in note
        assert tokens.emoji_note("❤ and 👩") == ""
        assert "coloured" in tokens.description("\ufe0f", 3) and "VS16" in tokens.name("\ufe0f")
