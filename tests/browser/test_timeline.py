"""The Time machine in a real browser: everything moves with the slider, without a rerun."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

OpenPage = Callable[..., Page]

PIXELS = "() => document.querySelector('.mg-tl-grid canvas').toDataURL()"
COUNT_RERUNS = """() => {
  window.runs = 0;
  const begins = ({ target }) => target.dataset.testScriptState === 'running';
  new MutationObserver((all) => { window.runs += all.filter(begins).length; }).observe(
    document.querySelector('[data-testid=stApp]'), { attributes: true, attributeFilter: ['data-test-script-state'] });
}"""


def test_everything_moves_with_the_slider(open_page: OpenPage) -> None:
    page = open_page("timeline", lang="en", run="preparedTinyEn")
    step, loss, sample = (page.locator(f".mg-tl-{name}") for name in ("step", "loss", "sample"))
    expect(step).to_contain_text("step 500 of 500")
    page.evaluate(COUNT_RERUNS)
    late = (loss.inner_text(), sample.inner_text(), page.evaluate(PIXELS))
    page.locator(".mg-timeline input").focus()
    page.keyboard.press("Home")
    expect(step).to_contain_text("step 0 of 500")
    early = (loss.inner_text(), sample.inner_text(), page.evaluate(PIXELS))
    assert all(before != after for before, after in zip(early, late, strict=True))
    assert float(early[0]) > float(late[0])
    page.locator(".mg-tl-normal button").last.click()
    expect(page.locator(".mg-tl-normal button").last).to_have_attribute("aria-current", "true")
    page.locator(".mg-tl-play").click()
    expect(page.locator(".mg-tl-play")).to_contain_text("Hold")
    page.locator(".mg-tl-play").click()
    expect(page.locator(".mg-tl-play")).to_contain_text("Play")
    assert page.evaluate("window.runs") == 0
    page.locator(".mg-tl-normal button").first.click()
    there = step.inner_text()
    assert "step 500" not in there
    page.reload()
    expect(step).to_have_text(there)


def test_what_lies_beyond_the_curve_is_said_and_no_word_in_it_is_cut(open_page: OpenPage) -> None:
    page = open_page("timeline", lang="en", run="preparedDivergedEn")
    curve = page.locator(".mg-tl-curve")
    expect(curve.locator("text").nth(1)).to_contain_text("≥")
    chance = curve.locator("text").last
    expect(chance).to_have_text("pure chance")
    outer, inner = curve.bounding_box(), chance.bounding_box()
    assert outer and inner and inner["y"] + inner["height"] <= outer["y"] + outer["height"]
