"""The teacher's own pages at the front of the room, with a whole class on them: measured as all others are."""

from collections.abc import Iterator
from dataclasses import asdict
from itertools import count
from math import exp
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from minigpt_core.configs import TrainConfig
from minigpt_core.store.classes import ClassStore
from minigpt_core.store.facts import FactStore
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import RunStore
from minigpt_core.texts import corpus
from minigpt_core.training import MetricsEvent, SampleEvent, StepEvent
from scripts.browser import Theme, wait_until_idle
from scripts.running_app import RunningApp, running_app
from tests.browser.conftest import NOBODY_TRAINS, NewVisitor, Spy
from tests.browser.test_projector import HEAR, LEAST_IN_CHARTS, LEAST_TEXT, MEASURE, faint
from ui import people, teacher
from ui.classroom.approvals import Wall
from ui.lessons.class_guesses import Poll
from ui.words.languages import LANGUAGES

PUPILS, STEPS = 30, 500
CURVES = ".mg-wall-chart .scatterlayer .trace"
NICKNAME = "Maximilienne-Alexandrine"  # as long as a name can be
OUTSIDE = """places => [...document.querySelectorAll(places)].filter((e) => {
  const box = e.getBoundingClientRect(), window = { top: 0, bottom: innerHeight };
  const around = e.closest("svg")?.getBoundingClientRect() ?? window;
  return box.width && (box.bottom > Math.min(innerHeight, around.bottom) + 1 || box.top < Math.max(0, around.top) - 1
    || box.right > innerWidth + 1 || box.left < -1);
}).map((e) => e.textContent.slice(0, 40))"""
"""What does not stand whole within the window, and within its picture."""
CUT = """places => [...document.querySelectorAll(places)].filter((e) => e.scrollWidth > e.clientWidth + 1)
  .map((e) => e.textContent)"""
FAINT_IN_CHART = """() => {
  const light = (colour) => {
    const linear = (c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = colour.match(/[\\d.]+/g).map((c) => linear(c / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = light(getComputedStyle(document.querySelector(".stApp")).backgroundColor);
  return [...document.querySelectorAll(".js-plotly-plot svg text")].filter((e) => {
    const ink = light(getComputedStyle(e).fill), [low, high] = [ink, ground].sort((a, b) => a - b);
    return e.textContent && (high + 0.05) / (low + 0.05) < 4.5;
  }).map((e) => e.textContent);
}"""
"""What a chart says in a contrast below 4.5 : 1."""
ON_THE_WALL = (
    ".mg-wall-best li, .mg-wall-samples figure:not([hidden]), .mg-wall-asked, .mg-wall-chart svg text"
)


def fill(home: Path) -> None:
    """A class that has trained, with all that can stand on the wall."""
    pupils, runs, facts = ClassStore(home), RunStore(home), FactStore(home)
    stories = [corpus.normalize(corpus.load(name).text) for name in ("le-chat-curieux", "the-curious-cat")]
    samples, nicknames = {}, {}
    for n in range(PUPILS):
        workspace = f"{n:022d}"
        lang = [*LANGUAGES][n % 2]
        pupil = pupils.join(workspace, people.invented_names(lang, workspace))
        if n < 3:
            nicknames[str(pupil.number)] = NICKNAME[n:]
            pupils.call(workspace, NICKNAME[n:])
        facts.keep_guess(workspace, "attention", 1, float(n % 4 * 100))
        run = new_run(
            runs,
            text=stories[n == 5],
            title="Le Chat Curieux",
            model_fields={"block_size": 8, "n_embd": 8},
            training=TrainConfig(steps=STEPS),
            workspace=workspace,
        )
        end = 2.2 + n / 50
        losses = [end + 1.6 * exp(-step / 60) for step in range(1, STEPS + 1)]
        text = "un matin, le chat descendit à la rivière. « où vas-tu ? » dit la carpe. il ne répondit pas, "
        runs.append(
            run.id,
            steps=[
                StepEvent(step=step, loss=loss, learning_rate=0.003, grad_norm=1.0)
                for step, loss in zip(count(1), losses, strict=False)
            ],
            evaluations=[
                MetricsEvent(step=STEPS, train_loss=end, val_loss=end, val_accuracy=0.3, val_error=0.01)
            ],
            samples=[SampleEvent(step=STEPS, text=text * 3)],
            step=STEPS,
            best_val_loss=end,
        )
        runs.set_status(run.id, "diverged" if n == 7 else "stopped" if n == 3 else "done")
        if n < 3:
            samples[str(pupil.number)] = {"run": run.id, "step": STEPS, "loss": end, "text": text * 3}
    pupils.keep("wall", asdict(Wall(samples=samples, nicknames=nicknames)))


@pytest.fixture(scope="module")
def full_class(browser: Browser, spy: Spy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    home: Path = tmp_path_factory.mktemp("full") / "home"
    teacher.keep_secret(home)
    fill(home)
    with running_app(home, env={**spy.env, **NOBODY_TRAINS, "MINIGPT_SERVE": "1"}) as app:
        yield app


@pytest.fixture
def taught(full_class: RunningApp, new_visitor: NewVisitor) -> NewVisitor:
    """A tab of the teacher's."""

    def come(lang: str = "en", theme: Theme = "light") -> Page:
        page = new_visitor(lang, theme)
        page.add_init_script(HEAR)
        page.goto(teacher.link(full_class.url, teacher.keep_secret(full_class.home)))
        wait_until_idle(page)
        return page

    return come


def show(page: Page, url: str, at: str, lang: str, drawn: str, projector: str = "&projector=1") -> None:
    """Open a page and wait until everybody is on it: who asks a server that has just begun waits for its answer."""
    page.goto(f"{url}/{at}?lang={lang}{projector}")
    wait_until_idle(page)
    expect(page.locator(drawn)).to_have_count(PUPILS)
    page.wait_for_timeout(400)


def hard_to_read(page: Page) -> list[str]:
    """What is too small or too faint for the back row."""
    small = page.evaluate(MEASURE, {"text": LEAST_TEXT, "chart": LEAST_IN_CHARTS})
    return [*small, *faint(page), *page.evaluate(FAINT_IN_CHART)]


@pytest.mark.parametrize(("theme", "lang"), [*zip(("light", "dark"), LANGUAGES, strict=True)])
def test_the_wall_can_be_read_from_the_back_row(
    full_class: RunningApp, taught: NewVisitor, theme: Theme, lang: str
) -> None:
    page = taught(lang, theme)
    show(page, full_class.url, "wall", lang, CURVES)
    samples = page.locator(".mg-wall-samples")
    expect(samples.locator("figure:not([hidden])").first).to_be_visible()
    assert samples.evaluate("e => e.scrollHeight <= e.clientHeight + 1")  # no line is cut
    assert not [*hard_to_read(page), *page.evaluate(OUTSIDE, ON_THE_WALL)]
    poll = Poll(lesson="attention", step=1, language=lang, shown=True)
    ClassStore(full_class.home).keep("guesses", asdict(poll))
    expect(page.locator(".mg-wall-asked")).to_be_visible()
    expect(page.locator(".mg-wall-asked b")).to_have_count(4)
    assert not [*hard_to_read(page), *page.evaluate(OUTSIDE, ON_THE_WALL)]
    ClassStore(full_class.home).keep("guesses", asdict(Poll()))


def test_no_word_of_the_wall_s_chart_is_cut_on_a_narrow_screen(
    full_class: RunningApp, taught: NewVisitor
) -> None:
    page = taught()
    for lang in LANGUAGES:
        show(page, full_class.url, "wall", lang, CURVES, projector="")
        for width, height in ((640, 800), (640, 600), (1280, 720)):
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_timeout(1000)
            assert not page.evaluate(OUTSIDE, ".mg-wall-chart svg text"), (lang, width, height)


@pytest.mark.parametrize(("theme", "lang"), [*zip(("dark", "light"), LANGUAGES, strict=True)])
def test_the_class_page_can_be_read_from_the_back_row(
    full_class: RunningApp, taught: NewVisitor, theme: Theme, lang: str
) -> None:
    page = taught(lang, theme)
    show(page, full_class.url, "class", lang, ".mg-pupil")
    assert not [*hard_to_read(page), *page.evaluate(OUTSIDE, ".mg-class-sum, .mg-pupil, .st-key-hand button")]
    for tab in range(1, 5):
        page.get_by_role("tab").nth(tab).click()
        wait_until_idle(page)
        assert not [*hard_to_read(page), *page.evaluate(CUT, "button p, .mg-join div")], tab
        if code := page.locator(".mg-join-code").filter(visible=True).all():
            sizes = [
                float(one.evaluate("e => parseFloat(getComputedStyle(e).fontSize)"))
                for one in (*code, page.locator(".mg-join-address"))
            ]
            assert min(sizes) >= 2 * LEAST_TEXT  # it is typed from there
