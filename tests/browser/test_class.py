"""A teacher and two pupils at a real server: who comes appears, what the teacher asks happens on every screen."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from scripts.browser import go, start_training, wait_until_idle
from scripts.running_app import RunningApp, running_app
from tests.browser.conftest import NewVisitor, Spy
from ui import teacher


@pytest.fixture(scope="module")
def served(browser: Browser, spy: Spy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    home: Path = tmp_path_factory.mktemp("class") / "home"
    teacher.keep_secret(home)
    with running_app(home, env={**spy.env, "MINIGPT_SERVE": "1"}) as app:
        yield app


def press(page: Page, key: str) -> None:
    page.locator(f".st-key-{key} button").first.click()
    wait_until_idle(page)


def test_a_lesson_with_a_teacher_and_two_pupils(served: RunningApp, new_visitor: NewVisitor) -> None:
    taught = new_visitor("en")
    taught.goto(teacher.link(served.url, teacher.keep_secret(served.home)))
    wait_until_idle(taught)
    assert taught.url == f"{served.url}/class", "the secret has left the address"
    pupils = [new_visitor("en"), new_visitor("fr", "dark")]
    for number, page in enumerate(pupils):
        go(page, served.url, "training")
        expect(taught.locator(".mg-pupil")).to_have_count(number + 1)
    start_training(pupils[1])
    press(taught, "hand_pause")
    expect(pupils[0].locator(".mg-teacher")).to_contain_text("Your teacher has paused all trainings")
    expect(pupils[1].locator(".mg-teacher")).to_contain_text(
        "Votre enseignant a mis tous les entraînements en pause"
    )
    press(taught, "hand_resume")
    for page in pupils:
        expect(page.locator(".mg-teacher")).to_have_count(0)

    taught.locator(".st-key-hand_look button").first.click()
    press(taught, "hand_look_now")
    for page, title in zip(pupils, ("Training", "Entraînement"), strict=True):
        expect(page.locator("h1")).to_have_text(title)
        expect(page.locator(".mg-teacher")).to_contain_text(title)

    wall = taught.context.new_page()
    wall.goto(f"{served.url}/wall")
    expect(wall.locator(".mg-wall .scatterlayer .trace")).to_have_count(1)
    expect(wall.locator(".mg-wall-samples figure")).to_have_count(0)
    expect(
        wall.locator(".mg-wall .scatterlayer .trace .point").first
    ).to_be_attached()  # not told by colour alone
    wall.close()
    taught.get_by_role("tab", name="Afterwards").click()  # the page was drawn before they came
    expect(taught.get_by_text("what 2 pupils have made")).to_be_visible()
    taught.get_by_role("tab", name="Who is here").click()
    wait_until_idle(taught)
    taught.locator(".mg-pupil button").nth(1).click()
    taught.get_by_role("dialog").wait_for()
    expect(taught.locator(".st-key-preview_allow button")).to_be_visible()
