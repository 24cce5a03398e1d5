"""Words that axe-core does not judge, on charts, faded tiles and in code: they stand out (WCAG AA: 4.5)."""

import pytest

from scripts.browser import go, wait_until_idle
from scripts.running_app import RunningApp
from tests.browser.conftest import NewVisitor

# How far each word stands out, from its colour, all that fades it, and the grounds that lie below it
_FAINT = r"""([selector, least]) => {
  const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const read = (colour) => known.get(colour) ?? known.set(colour, asNumbers(colour)).get(colour);
  const asNumbers = (colour) => {
    paint.clearRect(0, 0, 1, 1);
    paint.fillStyle = colour;
    paint.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = paint.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => [...[0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3])), 1];
  const parents = (e) => e ? [e, ...parents(e.parentElement)] : [];
  const ground = (e) => parents(e).map(one => read(getComputedStyle(one).backgroundColor))
    .reduceRight((below, top) => over(top, below), [255, 255, 255, 1]);
  const light = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  };
  return [...document.querySelectorAll(selector)].filter(e => e.textContent.trim()).flatMap(e => {
    const style = getComputedStyle(e), colour = read(e instanceof SVGElement ? style.fill : style.color);
    const fading = parents(e).reduce((all, one) => all * Number(getComputedStyle(one).opacity), 1);
    const below = ground(e), seen = light(over([...colour.slice(0, 3), colour[3] * fading], below));
    const contrast = Math.max(seen, light(below)) / Math.min(seen, light(below));
    return contrast < least ? [`${e.textContent} ${contrast.toFixed(2)}`] : [];
  });
}"""
WORDS = {
    "vocabulary": "[data-testid='stPlotlyChart'] .main-svg text",
    "layers": "[data-testid='stPlotlyChart'] .main-svg text",
    "batches": ".mg-faint :is(b, i)",
    "puzzle": ".mg-solves th b",
}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_word_is_too_faint_to_be_read(app_server: RunningApp, new_visitor: NewVisitor, theme: str) -> None:
    page = new_visitor("en", theme)
    for name, selector in WORDS.items():
        go(page, app_server.url, name, lang="en")
        page.wait_for_selector(selector)
        assert not page.evaluate(_FAINT, [selector, 4.5]), name


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_code_can_be_read(app_server: RunningApp, new_visitor: NewVisitor, theme: str) -> None:
    page = new_visitor("en", theme)
    go(page, app_server.url, "model", lang="en")
    page.locator(".st-key-model_code summary").click()
    page.wait_for_selector("[data-testid='stCode'] .token")
    wait_until_idle(page)
    assert not page.evaluate(_FAINT, ["[data-testid='stCode'] .token", 4.5])
