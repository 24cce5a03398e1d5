"""The Training page in a real browser: one click to a moving chart, and nothing lost on the way."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, Route, expect

from minigpt_core.configs import ModelConfig
from minigpt_core.presets import PRESETS
from minigpt_core.texts import corpus
from minigpt_core.weights import parameters_of
from scripts.browser import START, go, start_training, wait_for_run, wait_until_idle
from scripts.running_app import RunningApp
from tests.browser.conftest import Spy, Visitors
from ui.words.languages import LANGUAGES

OpenPage = Callable[..., Page]

LINE = ".mg-line"
POINTS = "() => document.querySelector('.mg-live-chart')?.data?.[0].x.length ?? 0"
CHART = "document.querySelector('.mg-live-chart')"

LONG = "notebook~steps~100000"  # on a busy machine, too, it has not ended before it is looked at

# Where the change of the learning rate is named, and where its line stands
SIGN = f"{CHART}.layout.annotations.find(one => one.text === 'taux 0,001')?.x"
MARK = f"{CHART}.layout.shapes.find(one => one.xref === 'x')?.x0"

# From now on, in every picture that the browser draws: where Stop stands.
WATCH_STOP = """() => {
  window.stopStoodAt = new Set();
  const look = () => {
    const button = [...document.querySelectorAll('.st-key-training_stop button')].find(one => one.offsetParent);
    const { x, y } = button.getBoundingClientRect();
    window.stopStoodAt.add(`${x} ${y}`);
    requestAnimationFrame(look);
  };
  look();
}"""


def button(page: Page, name: str) -> str:
    """A button of the transport row; with a tooltip it stands there twice, once for small screens. Of Pause and Resume,
    the one that can be seen: the other one may still stand behind it while the page is drawn."""
    names = ("hold", "resume") if name == "hold" else (name,)
    return ", ".join(f".st-key-training_{one} button:visible" for one in names) + " >> nth=0"


def test_one_click_starts_and_a_reload_in_between_loses_nothing(
    app_server: RunningApp, open_page: OpenPage, spy: Spy, visitors: Visitors
) -> None:
    page = open_page("training", lang="fr", settings=LONG)
    run = start_training(page)
    page.wait_for_function(f"() => ({POINTS})() > 0")
    page.evaluate(f"{CHART}.dataset.mounted = 'once'")
    page.locator(slider(page, "learning_rate")).press("ArrowLeft")
    page.locator(button(page, "hold")).click()
    expect(page.locator(button(page, "hold"))).to_have_text(re.compile("Reprendre"))
    held = wait_for_run(page, app_server.url, run, lambda live: live["status"] == "paused")["step"]
    page.locator(button(page, "step")).click()
    wait_for_run(page, app_server.url, run, lambda live: live["step"] == held + 1)
    assert page.evaluate(f"{CHART}.dataset.mounted") == "once"  # the same chart all along
    page.wait_for_function(f"() => {SIGN} === {MARK}")
    page.get_by_role("button", name="Pas logarithmiques").click()
    page.wait_for_function(f"() => {SIGN} === Math.log10({MARK})")
    page.reload()
    wait_until_idle(page)
    page.wait_for_function(f"() => ({POINTS})() > 0")
    page.locator(button(page, "hold")).click()
    page.locator(button(page, "stop")).click()  # at once
    stopped = wait_for_run(page, app_server.url, run, lambda live: live["status"] == "stopped")
    expect(page.locator(LINE).first).to_contain_text(f"les poids du pas {stopped['step']} sont gardés")
    expect(page.locator(".st-key-start button")).to_be_enabled()
    assert visitors.asked == {"127.0.0.1"}
    assert any("minigpt_core.jobs." in line for line in spy.lines("start"))  # its worker is watched, too
    assert "inside\tsocket.bind\t127.0.0.1" in spy.lines("inside")


def test_no_button_moves_away_from_under_a_finger(app_server: RunningApp, open_page: OpenPage) -> None:
    page = open_page("training", settings=LONG)
    run = start_training(page)
    wait_for_run(page, app_server.url, run, lambda live: live["status"] == "running")
    wait_until_idle(page)
    page.evaluate(WATCH_STOP)
    for name, status in (("hold", "paused"), ("hold", "running"), ("stop", "stopped"), ("hold", "running")):
        page.locator(button(page, name)).click()
        wait_for_status(page, app_server.url, run, status)
        wait_until_idle(page)
    page.locator(button(page, "hold")).click()
    wait_for_run(page, app_server.url, run, lambda live: live["status"] == "paused")
    expect(page.locator(button(page, "hold"))).to_have_text(re.compile("Resume"))
    page.mouse.move(*middle_of(page, "hold"))
    page.mouse.down()
    page.mouse.up()
    page.mouse.move(*middle_of(page, "stop"))  # as quickly as a hand can be: the page is still being drawn
    page.mouse.down()
    page.wait_for_timeout(60)
    page.mouse.up()
    wait_for_run(page, app_server.url, run, lambda live: live["status"] == "stopped")
    assert len(page.evaluate("[...window.stopStoodAt]")) == 1


# Time goes by with the answers about a run, however long they take to come: a second with each.
A_SECOND_AN_ANSWER = """() => {
  const ask = window.fetch;
  let answers = 0;
  window.fetch = async (...asked) => {
    const answer = await ask(...asked);
    if (answer.url.includes('/api/runs/')) answers++;
    return answer;
  };
  performance.now = () => 1e6 + 1000 * answers;
}"""


def test_where_to_look_when_something_is_wrong_stands_in_view(open_page: OpenPage) -> None:
    """At 1280×720, in every language, also beside a run with a long name."""
    for lang in LANGUAGES:
        page = open_page("training", lang=lang, run="preparedGptFr")
        place = page.locator(".st-key-corner button").bounding_box()
        assert place and place["y"] + place["height"] <= 720, lang


def test_the_time_left_follows_the_mean_speed(app_server: RunningApp, open_page: OpenPage) -> None:
    """The server says the speed of the last second, which leaps on a busy machine: 400, 20, 400 … steps a second."""
    page = open_page("training", settings=LONG)
    run = start_training(page)
    answer = wait_for_run(page, app_server.url, run, lambda live: bool(live["raw"]["x"]))
    asked = 0

    def at_100_steps_a_second(route: Route) -> None:
        nonlocal asked
        asked += 1
        rate, step = (400, 20)[asked // 4 % 2], 100 * asked
        now = {"step": step, "steps": 100_000, "rate": rate, "seconds_left": (100_000 - step) / rate}
        route.fulfill(json=answer | now)

    page.evaluate(A_SECOND_AN_ANSWER)
    page.route(f"**/api/runs/{run}", at_100_steps_a_second)
    left = page.locator(".mg-live-figure").nth(4)
    for answers in range(5, 17):  # at both speeds, and from one to the other
        while asked < answers:
            page.wait_for_timeout(20)
        minutes = int(left.inner_text().split()[0])
        assert 12 <= minutes <= 26  # 1,000 s; at the speeds that are said 4 or 83 minutes
    page.unroute(f"**/api/runs/{run}")
    page.locator(button(page, "stop")).click()
    wait_for_status(page, app_server.url, run, "stopped")


def wait_for_status(page: Page, url: str, run: str, status: str) -> None:
    wait_for_run(page, url, run, lambda live: live["status"] == status)


def middle_of(page: Page, name: str) -> tuple[float, float]:
    """Where a hand presses a button."""
    box = page.locator(button(page, name)).bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_gpt_is_two_clicks_away(app_server: RunningApp, open_page: OpenPage) -> None:
    page = open_page("training", lang="fr")
    page.locator(".st-key-training_choose [data-testid=stSelectbox] input").click()
    page.get_by_role("option", name="Petit GPT", exact=True).click()
    text = corpus.normalize(corpus.load("le-chat-curieux").text)
    model = ModelConfig(vocab_size=len(set(text)), **PRESETS["chat-curieux-gpt"].model)
    size = f"{parameters_of(model):,}".replace(",", "\u202f")
    expect(page.locator(".st-key-training_choose")).to_contain_text(f"{size} paramètres")
    wait_until_idle(page)
    run = start_training(page)
    live = wait_for_run(page, app_server.url, run, lambda live: live["step"] > 2)
    assert live["steps"] == PRESETS["chat-curieux-gpt"].training.steps
    expect(page.locator(".mg-live-chart")).to_contain_text("triplets")
    page.locator(button(page, "stop")).click()
    wait_for_run(page, app_server.url, run, lambda live: live["status"] == "stopped")


def test_two_tabs_may_drive_one_run(app_server: RunningApp, open_page: OpenPage) -> None:
    page = open_page("training", settings=LONG)
    run = start_training(page)
    other = page.context.new_page()
    go(other, app_server.url, "training", run=run)
    other.locator(button(other, "stop")).click()
    page_says, other_says = page.locator(LINE).first, other.locator(LINE).first
    expect(other_says).to_contain_text("are kept")
    expect(page_says).to_contain_text("are kept")
    expect(page.locator(button(page, "restart"))).to_be_disabled()  # it has ended: Start begins anew
    other.locator(button(other, "hold")).click()
    expect(page.locator(button(page, "hold"))).to_have_text(re.compile("Pause"))  # without a click there
    page.locator(button(page, "stop")).click()
    expect(other_says).to_contain_text("are kept")
    expect(page_says).to_contain_text("are kept")
    page.locator(START).filter(visible=True).click()
    page.wait_for_url(lambda url: run not in url)
    other.locator(button(other, "step")).click()  # of the first run
    wait_for_run(other, app_server.url, run, lambda live: live["status"] == "paused")
    for tab in (page, other):
        tab.locator(button(tab, "stop")).click()
        expect(tab.locator(LINE).first).to_contain_text("are kept")
        expect(tab.locator("[data-testid=stAlert]")).to_have_count(0)


def slider(page: Page, name: str) -> str:
    return f".st-key-page-training-{name} input"


def test_settings_of_the_next_run_survive_a_reload_in_each_tab_by_itself(open_page: OpenPage) -> None:
    page = open_page("training")
    other = page.context.new_page()
    go(other, page.url, "training")
    for tab, key, words in ((page, "ArrowRight", "0.01"), (other, "ArrowLeft", "0.001")):
        tab.locator(slider(tab, "learning_rate")).press(key)
        expect(tab.locator(slider(tab, "learning_rate"))).to_have_attribute("aria-valuetext", words)
        wait_until_idle(tab)
        tab.wait_for_url(re.compile(r"[?&]settings=notebook~learning_rate~"))
    for tab, words in ((page, "0.01"), (other, "0.001")):
        tab.reload()
        expect(tab.locator(slider(tab, "learning_rate"))).to_have_attribute("aria-valuetext", words)
        wait_until_idle(tab)
    page.locator(".st-key-training_preset button").click()
    expect(page.locator(slider(page, "learning_rate"))).to_have_attribute("aria-valuetext", "0.003")
    page.wait_for_url(lambda url: "settings=" not in url)
