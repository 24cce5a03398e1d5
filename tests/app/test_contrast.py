"""Letters on canvases and charts, where no browser's tool looks: their colours on the ground of each theme."""

import json
import re
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

from ui.ladder.ladder_chart import ON_DARK, ON_LIGHT
from ui.style import KIND_COLOURS, PROBABILITY_SCALE

ROOT = Path(__file__).parents[2]
ENOUGH, ENOUGH_FOR_LINES = 4.5, 3.0  # WCAG 2.2, 1.4.3 and 1.4.11

Colour = tuple[float, float, float]
THEMES = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text("utf-8"))["theme"]


def of_hex(colour: str) -> Colour:
    return (int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16))


def mixed(below: Colour, above: Colour, share: float) -> Colour:
    r, g, b = (x + (y - x) * share for x, y in zip(below, above, strict=True))
    return r, g, b


def luminance(colour: Colour) -> float:
    parts = [c / 255 for c in colour]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: Colour, other: Colour) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def script(path: str) -> str:
    return (ROOT / "ui" / path).read_text("utf-8")


def colours_in(path: str, name: str) -> list[Colour]:
    """The colours that a script gives a name to."""
    (found,) = re.findall(rf"const {name} = ([\[{{].*?[\]}}]);", script(path), re.DOTALL)
    return [of_hex(colour) for colour in re.findall(r"#[0-9A-F]{6}", found)]


def number_in(path: str, name: str) -> float:
    (found,) = re.findall(rf"const {name} = ([0-9.]+);", script(path))
    return float(found)


def ground(theme: str) -> Colour:
    return of_hex(THEMES[theme]["backgroundColor"])


@pytest.mark.parametrize(
    ("path", "name", "theme"),
    [
        ("components/js/colours.js", "KINDS_WRITTEN", "light"),
        ("components/js/colours.js", "KINDS_DARK", "dark"),
        ("classroom/wall.js", "LIGHT", "light"),
        ("classroom/wall.js", "DARK", "dark"),
    ],
)
def test_letters_in_colours_can_be_read(path: str, name: str, theme: str) -> None:
    found = colours_in(path, name)
    assert len(found) >= len(KIND_COLOURS)
    assert min(contrast(colour, ground(theme)) for colour in found) >= ENOUGH


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_faint_letters_can_be_read(theme: str) -> None:
    ink = of_hex(THEMES[theme]["textColor"])
    for share in (
        number_in("components/js/heat_map.js", "FAINT"),
        number_in("embeddings/points.js", "FAINTEST_LETTER"),
    ):
        assert contrast(mixed(ground(theme), ink, share), ground(theme)) >= ENOUGH


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_letters_upon_a_share_of_attention_can_be_read(theme: str) -> None:
    """`inkOn` takes black or white at a luminance of 0.179, where both are as good."""
    (ramp,) = re.findall(rf"{theme}: (\[\[.*\]\]),", script("attention/shades.js"))
    stops = json.loads(ramp)
    for low, high in pairwise(stops):
        for tenth in range(11):
            colour = mixed(low, high, tenth / 10)
            ink: Colour = (0, 0, 0) if luminance(colour) > 0.179 else (255, 255, 255)
            assert contrast(colour, ink) >= ENOUGH


def test_numbers_upon_a_surprise_can_be_read() -> None:
    (border, dark, light) = re.findall(
        r'at > (\d+) \? "(#\w{6})" : "(#\w{6})"', script("training/microscope.js")
    )[0]
    for at, colour in enumerate(PROBABILITY_SCALE):
        assert contrast(colour, of_hex(dark if at > int(border) else light)) >= ENOUGH


@pytest.mark.parametrize(("palette", "theme"), [(ON_LIGHT, "light"), (ON_DARK, "dark")])
def test_the_lines_of_the_ladder_stand_out(palette: list[str], theme: str) -> None:
    assert min(contrast(of_hex(colour), ground(theme)) for colour in palette) >= ENOUGH_FOR_LINES
