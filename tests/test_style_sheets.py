"""What a style sheet decides: how things look, and what the width of the screen leaves room for; not what is shown."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

UI = Path(__file__).parents[1] / "ui"
SHEETS = sorted(UI.rglob("*.css"))
PROJECTOR = UI / "projector.css"  # a mode of the whole page, as paper is
HIDES = re.compile(r"\b(display:\s*none|visibility:\s*hidden)")
WIDTH = re.compile(r"@(media|container) .*\b(min|max)-width")

# Away on every page and at any time; or decided elsewhere: by `hidden`, and by whether there is something to show.
AWAY = {
    ".mg-gap",  # where a row of tiles has none
    ".mg-compact .mg-t i", ".mg-small .mg-bar span",  # of pictures as small as a thumbnail
    ".mg-pipe-head-1 .mg-pipe-control span",  # its name stands above it, as the heading of the column
    ".st-key-to_top_page", ".st-key-to_top_sidebar",  # a script without a picture
    ".st-key-training_at_once [data-testid=\"stSliderTickBar\"]",  # the next label stands there
    # Streamlit's own hints, in English
    "[class*=\"st-key-vocabulary_\"] [data-testid=\"InputInstructions\"]",
    "[data-testid=\"stFileUploaderDropzoneInstructions\"]",
    ".stApp [data-testid=\"stHeader\"]",  # the speaker's window has a sheet of its own, and no menu
    ".mg-on-paper",
    # Streamlit's own drawer, slid out of sight: the Tab key must not go there
    "html:not([data-mg-aside]) [data-testid=\"stSidebar\"][data-collapsed=\"true\"] *",
}  # fmt: skip
ELSEWHERE = ("[hidden]", ":empty")

# Each styles what holds the thing that it asks for: a layout by what stands in it, a colour by its own.
HAS = {
    '[data-testid="stLayoutWrapper"]:has(> .st-key-live_above)',
    "[class*=\"st-key-station_\"]:has(.mg-done)::after",
    ".st-key-model_ladder > :has(~ * [data-testid=\"stBaseButton-primary\"]) button",
    ":is(.st-key-sampling_columns, .st-key-puzzle_columns) .stHorizontalBlock:has(> .stColumn)",
    ".st-key-lesson_body [data-testid=\"stHorizontalBlock\"]:has(> [data-testid=\"stColumn\"])",
    ".stHorizontalBlock[class*=\"st-key-training_line_\"]:has(> :nth-child(3))",
    ".stHorizontalBlock[class*=\"st-key-training_line_\"]:has(> :nth-child(3)) > :first-child",
    ".st-key-training_transport > :nth-child(n + 3) button "
    ":has(> [data-testid=\"stIconMaterial\"]):not(:has(p))",
}  # fmt: skip


def rules(text: str) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """The rules of a style sheet: the at-rules around each, its selector, and what it says."""
    text, around, at = re.sub(r"/\*.*?\*/", "", text, flags=re.S), list[str](), 0
    for found in re.finditer(r"[{}]", text):
        before, at = " ".join(text[at : found.start()].split()), found.end()
        if found[0] == "{":
            around.append(before.rpartition(";")[2].strip())
        elif (selector := around.pop()) and before:
            yield tuple(around), selector, before


def parts(selector: str) -> list[str]:
    """The selectors of a list, which has commas between them; those in brackets stay."""
    found, depth = [""], 0
    for letter in selector:
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and not depth:
            found.append("")
        else:
            found[-1] += letter
    return [part.strip() for part in found]


def test_rules_are_read_as_a_browser_does() -> None:
    sheet = """/* a { } */ @import "x"; a, b:is(c, d) { e: f; g: h }
    @media print { @container (width > 1px) { i { j: k; } } l {} }"""
    assert [*rules(sheet)] == [
        ((), "a, b:is(c, d)", "e: f; g: h"),
        (("@media print", "@container (width > 1px)"), "i", "j: k;"),
    ]
    assert parts("a, b:is(c, d[e=','])") == ["a", "b:is(c, d[e=','])"]


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.name)
def test_a_style_sheet_hides_nothing_for_what_was_chosen(path: Path) -> None:
    found = [
        part
        for around, selector, said in rules(path.read_text(encoding="utf-8"))
        if HIDES.search(said) and path != PROJECTOR
        if not any(WIDTH.match(at) or at == "@media print" for at in around)
        for part in parts(selector)
        if part not in AWAY and not part.endswith(ELSEWHERE)
    ]
    assert found == [], "leave it undrawn, or set `hidden`"


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.name)
def test_no_rule_asks_what_the_page_holds(path: Path) -> None:
    """In a browser, such a rule has all styled anew that it might mean, at every change."""
    found = [
        part
        for around, selector, _said in rules(path.read_text(encoding="utf-8"))
        if path != PROJECTOR and "@media print" not in around
        for part in parts(selector)
        if ":has(" in part and part not in HAS
    ]
    assert found == []


def test_every_exception_is_needed() -> None:
    written = {
        part
        for path in SHEETS
        for _at, selector, _said in rules(path.read_text("utf-8"))
        for part in parts(selector)
    }
    assert {*AWAY, *HAS} <= written
    assert not any(":has(" in part and part.startswith((".stApp", "html", "body")) for part in written)
