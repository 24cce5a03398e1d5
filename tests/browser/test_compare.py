"""Compare in a real browser: curves appear at a click without a rerun, a sweep is followed, files come out and in."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from minigpt_core.configs import TrainConfig
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import RunStore
from minigpt_core.texts import corpus
from scripts.browser import PATIENCE, go, wait_until_idle
from scripts.running_app import RunningApp
from ui.workspace import COOKIE

OpenPage = Callable[..., Page]

LINES = "() => (document.querySelector('.mg-cmp-chart')?.data ?? []).filter(({ name }) => name).length"

LABELS = "() => document.querySelector('.mg-cmp-chart').layout.annotations.map(({ text }) => text).join()"


def test_tick_sweep_download_and_open_again(
    app_server: RunningApp, open_page: OpenPage, trained_run: Callable[..., str], tmp_path: Path
) -> None:
    page = open_page("compare", lang="en")
    page.wait_for_function(f"() => ({LINES})() === 2")  # the prepared ones of the language's story
    for view, line in [
        ("loss on unseen text", "counted pairs, on unseen"),
        ("loss of each batch", "one character at best"),
    ]:
        page.get_by_text(view, exact=True).first.click()
        page.wait_for_function(f"() => ({LABELS})().includes('{line}')")
    table = page.locator(".mg-cmp-table")
    assert table.evaluate("(table) => table.scrollWidth <= table.clientWidth"), "no column is cut off"
    rows = table.locator("tbody tr")
    boxes = page.locator(".mg-cmp-table input")
    assert [box.is_checked() for box in boxes.all()[:3]] == [True, True, False]  # what is drawn stands on top
    boxes.nth(0).uncheck() if boxes.nth(0).is_checked() else boxes.nth(0).check()
    page.wait_for_function(f"() => ({LINES})() !== 2")
    page.get_by_text("loss on unseen text", exact=True).first.click()
    page.wait_for_function(f"() => ({LINES})() !== 2")
    wait_until_idle(page)

    go(page, app_server.url, "compare", lang="en", run=trained_run(page, steps=20))
    known = rows.count()
    page.evaluate("document.querySelector('.mg-cmp-chart').dataset.mounted = 'once'")
    page.locator(".st-key-compare_sweep_box summary").click()
    train = page.locator(".st-key-compare_sweep button")
    expect(train).to_contain_text("Train 3 runs")
    train.click()
    expect(rows).to_have_count(known + 3)
    expect(page.locator(".mg-cmp-name").first).to_contain_text("TinyGPT, 20 steps · learning rate")
    expect(page.locator(".mg-cmp-status", has_text="finished").first).to_be_visible(timeout=2 * PATIENCE)
    expect(page.locator(".st-key-compare_sweep_box")).to_contain_text("out lowest")
    assert page.evaluate("document.querySelector('.mg-cmp-chart').dataset.mounted") == "once"

    store = RunStore(app_server.home)
    for _ in range(100):  # each that ends draws the page anew
        if not any(run.status in ("queued", "running") for run in store.runs()):
            break
        page.wait_for_timeout(200)
    wait_until_idle(page)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save the chart as a drawing").click()
    assert Path(saved.value.path()).read_text("utf-8").startswith("<svg")

    page.locator(".mg-cmp-name").first.click()
    wait_until_idle(page)
    page.locator(".st-key-compare_download button").first.click()
    wait_until_idle(page)
    with page.expect_download() as saved:
        page.locator(".st-key-compare_export_notebook button").click()
    assert len(json.loads(Path(saved.value.path()).read_text("utf-8"))["cells"]) == 3
    with page.expect_download() as saved:
        page.locator(".st-key-compare_export_zip button").click()
    archive = tmp_path / "run.zip"
    saved.value.save_as(archive)
    assert zipfile.is_zipfile(archive)
    page.keyboard.press("Escape")
    wait_until_idle(page)
    page.locator(".st-key-compare_open_box summary").click()
    wait_until_idle(page)
    page.locator(".st-key-compare_open_box input[type=file]").set_input_files(archive)
    expect(rows).to_have_count(known + 4)


def test_the_axis_of_a_run_that_waits_is_as_long_as_it_will_be(
    app_server: RunningApp, open_page: OpenPage
) -> None:
    page = open_page("compare", lang="en")
    page.wait_for_function(f"() => ({LINES})() === 2")
    mine = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}[COOKIE]
    store, story = RunStore(app_server.home), corpus.load("the-curious-cat")
    run = new_run(
        store, text=corpus.normalize(story.text), title=story.title, model_fields={},
        training=TrainConfig(steps=700), name="waits", workspace=mine,
    )  # fmt: skip
    with store.queue_lock(run.id):
        page.reload()
        page.wait_for_function(f"() => ({LINES})() === 2")
        for _ in range(2):
            page.locator(".mg-cmp-table input:checked").first.click()
        page.get_by_role("checkbox", name="Show waits in the chart", exact=True).check()
        page.wait_for_function("() => document.querySelector('.mg-cmp-chart').layout.xaxis.range[1] === 700")
    store.delete(run.id, mine)


def test_a_damaged_file_is_refused_in_a_sentence(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page("compare", lang="fr")
    hostile = tmp_path / "x.zip"
    with zipfile.ZipFile(hostile, "w") as archive:
        archive.writestr("../../passwd", "x")
    page.locator(".st-key-compare_open_box summary").click()
    page.locator(".st-key-compare_open_box input[type=file]").set_input_files(hostile)
    expect(page.get_by_text("elle n’est pas ouverte")).to_be_visible()
