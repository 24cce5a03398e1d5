"""Pages on A4: light also in the dark, without what is for clicking, nothing beside the paper."""

import re

from playwright.sync_api import expect

from scripts.running_app import RunningApp
from tests.browser.conftest import NewVisitor, turn_to

A4 = (595, 842)  # points
CLICKED = (
    '[data-testid="stSidebar"], [data-testid="stHeader"], [data-testid="stSlider"], '
    ".mg-live-axes, details:not([open])"
)
PRINTED = '[data-testid="stMain"] :is(p, table, canvas, svg.main-svg, .mg-line, .mg-live-sample, h1)'
BESIDE = """(printed) => {
  const edge = document.querySelector('[data-testid="stMainBlockContainer"]').getBoundingClientRect().right + 1;
  const there = [...document.querySelectorAll(printed)].filter((one) => one.checkVisibility());
  return there.filter((one) => one.getBoundingClientRect().right > edge).map((one) => one.outerHTML.slice(0, 80));
}"""
MEDIA_BOX = re.compile(rb"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]")


def test_pages_fit_on_paper(app_server: RunningApp, new_visitor: NewVisitor) -> None:
    page = new_visitor("fr", "dark")
    for name in ("training", "attention", "vocabulary"):
        turn_to(page, app_server.url, name, lang="fr", run="preparedGptFr")
        page.locator(".js-plotly-plot, .mg-att canvas").first.wait_for()
        page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        page.emulate_media(media="print")
        for one in page.locator(CLICKED).all():
            expect(one).to_be_hidden()
        app = page.locator(".stApp")
        expect(app).to_have_css("background-color", "rgb(255, 255, 255)")
        expect(app).to_have_css("color", "rgb(30, 36, 48)")
        assert page.evaluate(BESIDE, PRINTED) == []
        page.emulate_media(media="screen")
        page.evaluate("window.dispatchEvent(new Event('afterprint'))")
        pdf = page.pdf(prefer_css_page_size=True, print_background=True)
        assert 1 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 2
        assert {tuple(round(float(x)) for x in size) for size in MEDIA_BOX.findall(pdf)} == {A4}
