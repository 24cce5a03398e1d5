"""Two lessons as a pupil goes through them: from the link to the end, with the mouse and the keyboard."""

import re

from playwright.sync_api import Page, expect

from minigpt_core.lessons.catalogue import find_lesson
from scripts.browser import VIEWPORT, go, wait_until_idle
from scripts.running_app import RunningApp
from tests.browser.conftest import NewVisitor
from ui.words.languages import LANGUAGES

NEXT, TITLE, GUESS = ".st-key-lesson_next button", ".mg-lesson-title", ".st-key-lesson_guess"
DONE = f"{TITLE} .mg-tick"


def goes_on(page: Page, step: int) -> None:
    """The tick is there without any click on “next”; then that click leads to the step after it."""
    expect(page.locator(DONE)).to_be_visible()
    page.locator(NEXT).click()
    expect(page).to_have_url(re.compile(rf"[?&]step={step}(&|$)"))
    wait_until_idle(page)


def slide(page: Page, key: str, to: str) -> None:
    page.locator(f'.st-key-{key} input[type="range"]').focus()
    page.keyboard.press(to)
    wait_until_idle(page)


def test_temperature_in_english(app_server: RunningApp, new_visitor: NewVisitor) -> None:
    page = new_visitor("en")
    go(page, app_server.url, lesson="temperature", lang="en")
    expect(page).to_have_url(re.compile(r"/sampling\?"))
    expect(page.locator(DONE)).to_have_count(0)
    page.locator(f"{GUESS} label").filter(has_text=re.compile("^4$")).click()
    wait_until_idle(page)
    page.locator(".st-key-sampling_views button").nth(2).click()
    goes_on(page, 2)
    page.locator(f"{GUESS} input").fill("5")
    page.keyboard.press("Enter")
    wait_until_idle(page)
    slide(page, "temperature", "Home")
    expect(page.locator(".mg-guess")).to_contain_text("your guess 5 · result 1")
    goes_on(page, 3)
    page.locator(f"{GUESS} label").nth(1).click()
    slide(page, "temperature", "End")
    goes_on(page, 4)
    page.locator(f"{GUESS} label").nth(1).click()
    slide(page, "temperature", "ArrowLeft")
    page.locator(".st-key-prompt input, .st-key-prompt textarea").first.fill("two and two are")
    page.keyboard.press("Enter")
    expect(page.locator(DONE)).to_be_visible()
    page.locator(NEXT).click()
    wait_until_idle(page)
    expect(page.locator(".st-key-lesson_row_temperature")).to_contain_text("✓ done")


def test_tinygpt_in_french_with_a_real_training(app_server: RunningApp, new_visitor: NewVisitor) -> None:
    page = new_visitor("fr", "dark")
    go(page, app_server.url, lesson="tinygpt", lang="fr")
    page.locator(f"{GUESS} input").fill("2")
    page.keyboard.press("Enter")
    wait_until_idle(page)
    page.locator(".st-key-start button").click()
    expect(page.locator(DONE)).to_be_visible()  # once the run has ended; nobody reloads
    expect(page.locator(".mg-guess")).to_contain_text("résultat 2,3")
    goes_on(page, 2)
    assert find_lesson("tinygpt", "fr").steps[1].title in page.locator(TITLE).inner_text()
    expect(page.locator(".st-key-page-training-steps input")).to_have_value("5000")


def test_beside_a_lesson_the_chart_says_what_its_lines_are_and_what_is_veiled_stays_unseen(
    app_server: RunningApp, new_visitor: NewVisitor
) -> None:
    page = new_visitor("fr")
    go(page, app_server.url, lesson="tinygpt", lang="fr")
    words = page.locator(".mg-live-lines")
    expect(words).to_contain_text("hasard pur")
    said, cockpit = words.bounding_box(), page.locator(".mg-live").bounding_box()
    assert said and cockpit and said["y"] + said["height"] <= cockpit["y"] + cockpit["height"] + 1
    strip = page.locator(NEXT).bounding_box()
    assert strip and strip["y"] >= 60  # below the bar at the top
    go(page, app_server.url, lesson="tinygpt", step="5", lang="fr")
    row = page.locator(".st-key-ablation_editor")
    expect(row.locator("[data-testid='stWidgetLabel']").first).to_be_hidden()
    page.locator(f"{GUESS} label").filter(has=page.locator("input")).first.click()
    wait_until_idle(page)
    expect(row.locator("[data-testid='stWidgetLabel']").first).to_be_visible()


def test_beside_a_lesson_the_buttons_take_one_row_and_the_sentence_stands_above_its_own(
    app_server: RunningApp, new_visitor: NewVisitor
) -> None:
    for lang in LANGUAGES:
        page = new_visitor(lang)
        go(page, app_server.url, lesson="tinygpt", step="4", lang=lang)
        head, said, chart, figures = (
            page.locator(place).first.bounding_box()
            for place in (
                ".st-key-training_head",
                ".st-key-training_line_0 .mg-line",
                ".mg-live",
                ".mg-live-top",
            )
        )
        assert head and said and chart and figures and figures["height"] < 50  # “time left” beside the others
        assert head["height"] < 60 and said["height"] < 70  # one row; three lines at most
        assert chart["y"] < 240


def test_beside_a_lesson_a_small_gpt_is_drawn_with_all_that_it_costs(
    app_server: RunningApp, new_visitor: NewVisitor
) -> None:
    for lang in LANGUAGES:
        page = new_visitor(lang)
        go(page, app_server.url, lesson="notebook-to-gpt", step="5", lang=lang)
        expect(page.locator(".st-key-model_layer_there")).to_be_visible()
        table = page.locator(".mg-costs")
        column = table.evaluate("table => table.parentElement.getBoundingClientRect().width")
        assert table.evaluate("table => table.scrollWidth") <= column + 1


def test_the_lesson_covers_nothing_and_a_choice_by_hand_counts(
    app_server: RunningApp, new_visitor: NewVisitor
) -> None:
    page = new_visitor("en")
    go(page, app_server.url, lesson="notebook-to-gpt", step="4", lang="en")
    tile = page.locator(".mg-pipe-tile").nth(1)
    tile.click()
    folded = page.locator(".st-key-sampling_code")
    folded.scroll_into_view_if_needed()
    code, strip = folded.bounding_box(), page.locator('[data-testid="stBottom"]').bounding_box()
    assert code and strip and code["x"] + code["width"] <= strip["x"] + 1  # beside it
    page.set_viewport_size({"width": 640, "height": 800})
    wait_until_idle(page)
    page.locator('[data-testid="stMain"]').evaluate("main => { main.scrollTop = main.scrollHeight; }")
    code, strip = folded.bounding_box(), page.locator('[data-testid="stBottom"]').bounding_box()
    assert (
        code and strip and code["y"] + code["height"] <= strip["y"] + 1
    )  # below it, on a third of the screen
    assert strip["height"] <= 800 / 3 + 20
    page.set_viewport_size(VIEWPORT)
    folded.locator("summary").click()
    expect(page.locator(DONE)).to_be_visible()
    page.reload()
    wait_until_idle(page)
    expect(page.locator(DONE)).to_be_visible()


def test_another_language_in_the_middle_of_a_step_leaves_the_page_the_step_and_the_guess(
    app_server: RunningApp, new_visitor: NewVisitor
) -> None:
    page = new_visitor("en")
    go(page, app_server.url, lesson="attention", step="2", lang="en")
    chosen = page.locator(f"{GUESS} label").filter(has=page.locator("input")).nth(1)
    chosen.click()
    wait_until_idle(page)
    for lang in ("fr", "en"):
        page.locator(".st-key-language_switch").get_by_text(LANGUAGES[lang].name).click()
        title = find_lesson("attention", lang).steps[1].title
        expect(page.locator(TITLE)).to_contain_text(title.split("?")[0].strip())
        wait_until_idle(page)
        expect(page).to_have_url(re.compile(r"/puzzle\?.*[?&]step=2(&|$)"))
        expect(chosen.locator("input")).to_be_checked()
        expect(page.locator(".mg-deeds .mg-tick")).to_have_count(1)
        expect(page.locator(DONE)).to_have_count(0)
