"""The projector mode, measured: letters, contrast and the one idea of every page at 1280×720, in every language."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from scripts.browser import VIEWPORT, Theme, go, wait_until_idle
from scripts.running_app import RunningApp
from tests.browser.conftest import NewVisitor, turn_to
from ui.journey import STATIONS
from ui.words.languages import LANGUAGES

MEASURE = Path(__file__).with_name("large_letters.js").read_text(encoding="utf-8")
HEAR = """(() => {
  const write = CanvasRenderingContext2D.prototype.fillText;
  CanvasRenderingContext2D.prototype.fillText = function (...said) {
    const size = parseFloat(/([\\d.]+)px/.exec(this.font)[1]) * this.getTransform().a;
    this.canvas.smallestLetters = Math.min(this.canvas.smallestLetters ?? Infinity, size);
    return write.apply(this, said);
  };
})()"""
LEAST_TEXT, LEAST_IN_CHARTS = 24, 18  # pixels
SIDE_BAR, BAR = '[data-testid="stSidebar"]', ".mg-projector"
CHART = ".js-plotly-plot"

ONE_IDEA = {
    "home": [f".st-key-station_{name} .mg-stop" for name in ("text", "training", "prompt", "generated")],
    "lessons": ["[class*=st-key-pathway_] button", "[class*=st-key-lesson_begin_] button"],
    "vocabulary": [".mg-tiles", ".mg-table"],
    "batches": [".mg-bar", ".mg-compact", ".st-key-batches_again button"],
    "model": [".st-key-model_drawing", ".st-key-model_panel h2"],
    "training": [
        ".st-key-start button",
        ".st-key-training_stop button",
        f".mg-live {CHART}",
        ".mg-live-sample",
        '[data-testid="stButtonGroup"] button:last-of-type',
    ],
    "sampling": [".st-key-temperature", ".mg-writes-text", CHART, ".mg-lot"],
    "ladder": [".mg-rung", ".mg-ladder-chart", ".st-key-ladder_rungs"],
    "compare": [".mg-cmp-chart", ".mg-cmp-table tbody tr"],
    "timeline": [".mg-tl-play", ".mg-tl-curve", ".mg-tl-sample", ".mg-tl-bars"],
    "attention": [".mg-att-strip", ".mg-att-grid", ".mg-att-map canvas"],
    "embeddings": [".mg-emb canvas", "input[type=range]"],
    "layers": [".mg-lens table"],
    "ablation": [".st-key-ablation_drawing", ".mg-without"],
    "puzzle": [".mg-ranks", ".mg-solves table"],
}
"""What must be in sight on each page: the first of each of these, from its top to its bottom."""


def out_of_sight(page: Page, name: str) -> list[str]:
    """What of the one idea does not stand within the window."""
    found = []
    for place in ONE_IDEA[name]:
        box = page.locator(place).filter(visible=True).first.bounding_box()
        assert box, place
        whole = box["y"] >= 0 and box["y"] + box["height"] <= VIEWPORT["height"]
        if not whole or box["x"] < 0 or box["x"] + box["width"] > VIEWPORT["width"]:
            found.append(f"{place}: {box}")
    return found


def faint(page: Page) -> list[str]:
    """Text whose contrast is below 4.5 : 1."""
    off = {"include": [["html"]], "exclude": [["[disabled]"], ['[aria-disabled="true"]']]}
    found = Axe().run(
        page, context=off, options={"runOnly": ["color-contrast"], "resultTypes": ["violations"]}
    )
    return [str(node["target"]) for violation in found.response["violations"] for node in violation["nodes"]]


@pytest.mark.parametrize(("theme", "lang"), [*zip(("light", "dark"), LANGUAGES, strict=True)])
def test_every_page_can_be_read_from_the_back_row(
    app_server: RunningApp, new_visitor: NewVisitor, theme: Theme, lang: str
) -> None:
    page = new_visitor(lang, theme)
    page.add_init_script(HEAR)
    found: dict[str, list[str]] = {}
    for station in STATIONS:
        turn_to(page, app_server.url, station.name, lang=lang, projector="1", run="preparedGptEn")
        expect(page.locator(SIDE_BAR)).to_be_hidden()
        page.wait_for_timeout(400)
        small = page.evaluate(MEASURE, {"text": LEAST_TEXT, "chart": LEAST_IN_CHARTS})
        found[station.name] = [*small, *out_of_sight(page, station.name), *faint(page)]
    assert not any(found.values()), "\n".join(f"{name}: {said}" for name, said in found.items() if said)


def test_in_and_out_by_key_button_and_link(app_server: RunningApp, new_visitor: NewVisitor) -> None:
    page = new_visitor("en")
    go(page, app_server.url, "sampling", lang="en")
    expect(page.locator(BAR)).to_have_count(0)
    page.locator('.st-key-prompt input, [aria-label="Prompt"]').first.focus()
    page.keyboard.press("p")  # a letter of a prompt
    page.locator("h1").click()
    expect(page.locator(BAR)).to_have_count(0)
    page.keyboard.press("p")
    expect(page.locator(SIDE_BAR)).to_be_hidden()
    wait_until_idle(page)
    assert "projector=1" in page.url
    page.reload()
    wait_until_idle(page)
    page.locator('[data-testid="stTopNavLink"]').nth(2).click()  # another page stays large
    wait_until_idle(page)
    assert "projector=1" in page.url
    page.locator(f"{BAR} button", has_text="FR").click()
    wait_until_idle(page)
    assert "lang=fr" in page.url
    page.locator(f"{BAR} button", has_text="☰").click()
    expect(page.locator(SIDE_BAR)).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(SIDE_BAR)).to_be_hidden()
    page.keyboard.press("Escape")
    expect(page.locator(BAR)).to_have_count(0)
    wait_until_idle(page)
    expect(page.locator(SIDE_BAR)).to_be_visible()
    assert "projector=" not in page.url
    page.locator(".mg-project:not(.mg-save)").click()
    expect(page.locator(BAR)).to_be_visible()
    go(page, app_server.url, "training", lang="en", projector="1", run="preparedGptEn", lesson="temperature")
    strip = page.locator(".st-key-lesson_panel").bounding_box()
    assert strip and strip["height"] < 70  # folded to its title and its buttons
    assert not out_of_sight(page, "training")
