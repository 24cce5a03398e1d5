"""Compare in a real browser: curves appear at a click without a rerun, a sweep is followed, files come out and in."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from scripts.browser import PATIENCE, wait_until_idle

OpenPage = Callable[..., Page]

LINES = "() => (document.querySelector('.mg-cmp-chart')?.data ?? []).filter(({ name }) => name).length"

LABELS = "() => document.querySelector('.mg-cmp-chart').layout.annotations.map(({ text }) => text).join()"


def test_tick_sweep_download_and_open_again(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page("compare", lang="en")
    page.wait_for_function(f"() => ({LINES})() === 2")  # the prepared ones of the language's story
    for view, line in [
        ("loss on unseen text", "counted pairs, on unseen"),
        ("loss of each batch", "lowest seeing one"),
    ]:
        page.get_by_text(view, exact=True).first.click()
        page.wait_for_function(f"() => ({LABELS})().includes('{line}')")
    rows = page.locator(".mg-cmp-table tbody tr")
    known = rows.count()
    boxes = page.locator(".mg-cmp-table input")
    assert [box.is_checked() for box in boxes.all()[:3]] == [True, True, False]  # what is drawn stands on top
    boxes.nth(0).uncheck() if boxes.nth(0).is_checked() else boxes.nth(0).check()
    page.wait_for_function(f"() => ({LINES})() !== 2")
    page.get_by_text("loss on unseen text", exact=True).first.click()
    page.wait_for_function(f"() => ({LINES})() !== 2")
    wait_until_idle(page)

    page.evaluate("document.querySelector('.mg-cmp-chart').dataset.mounted = 'once'")
    page.locator(".mg-cmp-name", has_text="TinyGPT on “The Curious Cat”").click()
    wait_until_idle(page)
    page.locator(".st-key-compare_sweep_box summary").click()
    train = page.locator(".st-key-compare_sweep button")
    expect(train).to_contain_text("Train 3 runs")
    train.click()
    expect(rows).to_have_count(known + 3)
    expect(page.locator(".mg-cmp-name").first).to_contain_text("TinyGPT · learning rate")
    expect(page.locator(".mg-cmp-status", has_text="finished").first).to_be_visible(timeout=2 * PATIENCE)
    expect(page.locator(".st-key-compare_sweep_box")).to_contain_text("does best")
    assert page.evaluate("document.querySelector('.mg-cmp-chart').dataset.mounted") == "once"

    with page.expect_download() as saved:
        page.get_by_role("button", name="Save the chart as a drawing").click()
    assert Path(saved.value.path()).read_text("utf-8").startswith("<svg")

    page.locator(".mg-cmp-name").first.click()
    wait_until_idle(page)
    page.locator(".st-key-compare_download button").first.click()
    with page.expect_download() as saved:
        page.locator(".st-key-compare_export_notebook button").click()
    assert len(json.loads(Path(saved.value.path()).read_text("utf-8"))["cells"]) == 3
    with page.expect_download() as saved:
        page.locator(".st-key-compare_export_zip button").click()
    archive = tmp_path / "run.zip"
    saved.value.save_as(archive)
    assert zipfile.is_zipfile(archive)
    page.keyboard.press("Escape")
    page.locator(".st-key-compare_open_box summary").click()
    page.locator(".st-key-compare_open_box input[type=file]").set_input_files(archive)
    expect(rows).to_have_count(known + 4)


def test_a_damaged_file_is_refused_in_a_sentence(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page("compare", lang="fr")
    hostile = tmp_path / "x.zip"
    with zipfile.ZipFile(hostile, "w") as archive:
        archive.writestr("../../passwd", "x")
    page.locator(".st-key-compare_open_box summary").click()
    page.locator(".st-key-compare_open_box input[type=file]").set_input_files(hostile)
    expect(page.get_by_text("rien n’en est ouvert")).to_be_visible()
