"""The first minute: a model writes before anything was trained, and its training can be looked at."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from scripts.browser import wait_until_idle

OpenPage = Callable[..., Page]


def test_a_prepared_model_writes_and_shows_how_it_learned(open_page: OpenPage) -> None:
    page = open_page("home", lang="fr")
    page.get_by_role("link", name="ou faire écrire un modèle préparé").click()
    page.wait_for_url(re.compile(r"/sampling\?(.*&)?author=preparedGptFr"))
    wait_until_idle(page)
    expect(page.locator(".st-key-sampling_run input")).to_have_value(
        re.compile("^GPT sur .*Le Chat Curieux.* .préparé.")
    )
    page.goto(re.sub(r"/sampling\?.*", "/training?lang=fr&run=preparedGptFr", page.url))
    wait_until_idle(page)
    expect(page.locator(".mg-line").first).to_contain_text("préparé et livré avec le programme")
    page.wait_for_selector(".mg-live-chart .main-svg")
    curves = page.evaluate("document.querySelector('.mg-live-chart').data.map(({ y }) => y.length)")
    assert max(curves) > 100  # every step it was trained for, as far as pixels can show
    expect(page.locator("[class*=st-key-training_delete] button").first).to_be_disabled()
    expect(page.locator(".st-key-start button").first).to_be_enabled()


def test_a_training_that_broke_its_model_shows_figures_that_one_can_use(open_page: OpenPage) -> None:
    page = open_page("training", run="preparedDivergedEn")
    unseen = page.locator(".mg-live-figure").nth(1)
    expect(unseen).to_contain_text("over 1,000,000")
    expect(unseen).to_contain_text("far beyond pure chance")
    expect(page.locator(".mg-live-figure").filter(has_text=re.compile(r"E\d|bits"))).to_have_count(0)
    expect(page.locator(".mg-live-sample").first).to_have_text("(nothing but spaces and line breaks)")


def test_the_curve_of_a_training_that_broke_stays_in_the_chart(open_page: OpenPage) -> None:
    """On a linear axis it would leave at the top after three steps: the axis is logarithmic, until somebody says no."""
    page = open_page("training", run="preparedDivergedEn")
    axis = "document.querySelector('.mg-live-chart')?._fullLayout?.yaxis"
    page.wait_for_function(f"() => {axis}?.type === 'log'")
    highest = "Math.max(...document.querySelector('.mg-live-chart').data[3].y)"
    assert page.evaluate(f"10 ** {axis}.range[1] >= {highest}") and page.evaluate(highest) > 1e6
    log = page.get_by_role("button", name="Logarithmic loss")
    expect(log).to_have_attribute("aria-pressed", "true")
    log.click()
    page.wait_for_function(f"() => {axis}.type === 'linear'")
    expect(log).to_have_attribute("aria-pressed", "false")
    page.goto(page.url.replace("preparedDivergedEn", "preparedTinyEn"))
    page.wait_for_function(f"() => {axis}?.type === 'linear'")
