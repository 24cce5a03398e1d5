"""The chart and what stands around it, in a real browser: logarithmic axes, the verdict, the microscope, the table."""

import math
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from scripts.browser import go
from scripts.running_app import RunningApp
from tests.browser.conftest import NewVisitor, OpenPage

TABS = "[class*='st-key-page-training-tab'] button"
AXES = ".mg-live-axes button"
LAYOUT = "document.querySelector('.mg-live-chart').layout"
BOTH_LOGARITHMIC = f"['xaxis', 'yaxis'].every(axis => {LAYOUT}?.[axis].type === 'log')"

LABELS = "[...document.querySelectorAll('.mg-live-chart .annotation-text-g')].map(one => one.getBoundingClientRect())"
OVERLAP = f"""() => {{
  const boxes = {LABELS}.sort((a, b) => a.top - b.top);
  return boxes.length < 2 || boxes.slice(1).some((box, n) => box.top < boxes[n].bottom);
}}"""

# Of each bar around a middle: the number beside it, and how far to the right of the middle the bar itself lies
SIDES = """tracks => tracks.map(track => {
  const [whole, bar] = [track, track.firstChild].map(one => one.getBoundingClientRect());
  const value = Number(track.nextSibling.textContent.replace('\u2212', '-').match(/-?[0-9.]+/)[0]);
  return [value, Math.round(bar.left + bar.right - whole.left - whole.right)];
})"""


def test_a_step_is_taken_apart(
    new_visitor: NewVisitor, app_server: RunningApp, trained_run: Callable[..., str]
) -> None:
    page = new_visitor("en")
    go(page, app_server.url, "training", lang="en", run=trained_run(page))
    page.locator(TABS).nth(2).click()
    parts = page.locator(".mg-scope-tab")
    expect(parts).to_have_count(5)
    parts.nth(2).click()
    shown = page.locator(".mg-scope-say").inner_text()
    mean = float(re.search(r"is (\d\.\d+): the loss", shown)[1])
    tiles = page.locator(".mg-scope-tile i").all_inner_texts()
    assert len(tiles) == 4 * 32
    assert abs(sum(map(float, tiles)) / len(tiles) - mean) < 0.05  # each tile shows one decimal
    title = page.locator(".mg-scope-title")
    before = title.inner_text()
    page.locator(".mg-scope-button").nth(1).click()  # one step forward
    expect(title).not_to_have_text(before)
    parts.nth(3).click()
    bars = page.locator(".mg-scope-centred")
    assert bars.count() > 2
    sides = bars.evaluate_all(SIDES)
    assert min(value for value, _side in sides) < 0
    assert all(value * side >= 0 for value, side in sides)  # above 0 to the right, below it to the left
    expect(page.get_by_text("Almost at its floor")).to_be_visible()
    page.get_by_role("button", name="Why? What next?").click()
    expect(page.get_by_text("It is almost at its floor")).to_be_visible()
    page.locator(".st-key-training_next_run_above button").click()
    expect(page.get_by_text("Press Start training to use them")).to_be_visible()
    expect(page.get_by_text("It is almost at its floor")).not_to_be_visible()


def test_logarithmic_axes_stay_and_the_learned_table_answers_the_pointer(
    open_page: OpenPage, app_server: RunningApp, trained_run: Callable[..., str]
) -> None:
    page = open_page("training", lang="fr", theme="dark")
    for n, name in enumerate(("Pas logarithmiques", "Perte logarithmique")):
        page.get_by_role("button", name=re.compile(name)).press("Enter")
        expect(page.locator(AXES).nth(n)).to_have_attribute("aria-pressed", "true")
    page.wait_for_function(f"() => {BOTH_LOGARITHMIC}")
    go(page, app_server.url, "training", lang="fr", run=trained_run(page, "le-chat-curieux", steps=60))
    page.wait_for_function(
        f"() => {BOTH_LOGARITHMIC} && {LAYOUT}.xaxis.range[1] === Math.log10(60)"
    )  # this tab remembers
    lines, words = (
        page.evaluate(f"{LAYOUT}.{name}.map(one => one.{y})")
        for name, y in (("shapes", "y0"), ("annotations", "y"))
    )
    assert sorted(map(math.log10, lines)) == pytest.approx(sorted(words))
    page.wait_for_function(f"() => !({OVERLAP})()")  # no label covers another
    assert all(abs(moved) <= 40 for moved in page.evaluate(f"{LAYOUT}.annotations.map(one => one.ay)"))
    page.set_viewport_size({"width": 900, "height": 720})  # its legend takes more lines here
    page.wait_for_function(f"() => !({OVERLAP})()")
    page.locator(TABS).nth(3).click()
    learned = page.locator(".mg-learned canvas").first
    learned.hover(position={"x": 200, "y": 200})
    expect(page.locator(".mg-learned-say")).to_have_text(re.compile(r"Après «.+\d.% appris"))
