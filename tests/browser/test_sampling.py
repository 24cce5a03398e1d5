"""Sampling in a real browser: the text streams in, can be stopped, pointed at, and found again through its link."""

from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect

from scripts.browser import wait_until_idle

OpenPage = Callable[..., Page]
TEXT, LETTER, RING = ".mg-writes-text", ".mg-writes-text [data-place]", ".mg-writes-text .mg-ring"
STATE = "state => document.querySelector('.mg-writes').dataset.state === state"


def settled(page: Page, state: str = "done") -> None:
    wait_until_idle(page)
    page.wait_for_function(STATE, arg=state)


def test_a_text_is_written_stopped_continued_and_pointed_at(open_page: OpenPage) -> None:
    page = open_page("sampling", text="the-curious-cat", author="bigram")
    settled(page)
    at_once = page.locator(TEXT).inner_text()
    expect(page.locator(LETTER)).to_have_count(300)

    page.locator(".st-key-sampling_generate button").first.click()
    page.wait_for_function("document.querySelectorAll('.mg-writes-text [data-place]').length < 250")
    page.locator(".mg-writes-button").click()
    settled(page, "stopped")
    shown = page.locator(LETTER).count()
    page.wait_for_timeout(200)
    assert page.locator(LETTER).count() == shown < 300
    page.locator(".mg-writes-button").click()
    settled(page)
    assert page.locator(TEXT).inner_text() == at_once  # the same seed, the same text

    page.locator(LETTER).nth(40).click()
    expect(page.locator(".mg-label", has_text="Character 41 of 300")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".mg-label", has_text="Character 42 of 300")).to_be_visible()
    expect(page.locator(RING)).to_have_attribute("data-place", "41")
    page.locator(".st-key-sampling_back button").first.click()
    expect(page.locator(RING)).to_have_attribute("data-place", "40")


def test_in_a_narrow_window_the_newest_tiles_stay_in_sight(open_page: OpenPage) -> None:
    page = open_page("sampling", text="the-curious-cat", author="bigram")
    settled(page)
    page.set_viewport_size({"width": 900, "height": 600})
    drawn, frame = (page.locator(f".mg-tail {part}").last.bounding_box() for part in (".mg-ring", "> div"))
    assert drawn and frame
    assert drawn["x"] >= frame["x"] and drawn["x"] + drawn["width"] <= frame["x"] + frame["width"]


def test_a_long_paste_keeps_its_end(open_page: OpenPage) -> None:
    page = open_page("sampling", text="the-curious-cat", author="bigram")
    prompt = page.locator(".st-key-prompt input")
    prompt.fill("x" * 5000 + "the cat")
    prompt.press("Enter")
    settled(page)
    assert prompt.input_value() == "x" * 493 + "the cat"
    assert len(page.url) < 1000


def test_a_link_gives_the_same_text_to_somebody_else(
    open_page: OpenPage, new_visitor: Callable[..., BrowserContext]
) -> None:
    page = open_page("sampling", lang="fr", text="le-chat-curieux", length="60", author="bigram")
    prompt = page.locator(".st-key-prompt input")
    prompt.fill("Été <img src=x onerror=alert(1)> 😀 le")
    prompt.press("Enter")
    wait_until_idle(page)
    page.locator(".st-key-sampling_another button").first.click()
    settled(page)
    assert page.locator(TEXT).inner_text().startswith("été")
    assert page.locator(f"{TEXT} img").count() == 0
    link, text = page.url, page.locator(TEXT).inner_text()
    other = new_visitor("en").new_page()
    other.goto(link)
    settled(other)
    assert other.locator(TEXT).inner_text() == text
