"""Bringing a text of one's own, and trying a sentence, in a real browser."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from scripts.browser import wait_until_idle

OpenPage = Callable[..., Page]
PAINTED = """blue => [...document.querySelectorAll('.js-plotly-plot .point path')]
  .some(bar => getComputedStyle(bar).fill === blue)"""
NASTY = "<script>window.ran = 1</script><img src=x onerror='window.ran = 1'> **bold** 🐱"


def open_dialog(page: Page) -> None:
    page.locator(".st-key-vocabulary_own button").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    wait_until_idle(page)


def test_a_refused_text_stays_in_its_field_and_a_good_one_is_chosen(open_page: OpenPage) -> None:
    page = open_page("vocabulary", lang="fr")
    open_dialog(page)
    field, use = (
        page.get_by_role("dialog").locator("textarea"),
        page.locator(".st-key-vocabulary_paste_use button"),
    )
    field.fill("aaaa")
    use.click()
    expect(page.get_by_role("alert")).to_contain_text("Le Chat Curieux")
    expect(field).to_have_value("aaaa")
    field.fill((NASTY + " Voilà un texte. ") * 20)
    use.click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.wait_for_url(re.compile(r"text=[0-9a-f]{64}"))
    wait_until_idle(page)
    page.reload()
    wait_until_idle(page)
    expect(page.locator(".st-key-vocabulary_text input:checked")).to_have_count(1)
    expect(page.locator(".mg-tiles").first).to_contain_text("<")
    assert page.evaluate("window.ran") is None


def test_a_sentence_is_marked_and_a_file_shows_how_it_was_read(open_page: OpenPage) -> None:
    page = open_page("vocabulary", lang="en", text="the-curious-cat")
    page.get_by_role("tab").nth(2).click()
    page.wait_for_url("**choices=vocabulary_questions~own**")
    page.reload()
    expect(page.get_by_role("tab", selected=True)).to_have_text("Try it yourself")
    page.locator(".st-key-page-vocabulary-sentence input").fill(NASTY)
    unknown = page.locator(".mg-stranger")
    expect(unknown.filter(has_text="LESS-THAN SIGN")).to_be_visible()
    expect(unknown.filter(has_text="CAT FACE")).to_be_visible()
    assert page.evaluate("window.ran") is None
    open_dialog(page)
    page.get_by_role("dialog").get_by_role("tab").nth(1).click()
    raw = "Titre\nLa pêche de l’élève, à Noël".encode("cp1252")
    page.locator("input[type=file]").set_input_files(
        {"name": "conte.txt", "mimeType": "text/plain", "buffer": raw}
    )
    expect(page.locator(".mg-quote").nth(1)).to_have_text("La pêche de l’élève, à Noël")
    page.locator(".st-key-vocabulary_file_use button").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator(".mg-tiles").first).to_contain_text("ê")


def test_blue_is_lighter_on_the_dark_ground(open_page: OpenPage) -> None:
    page = open_page("vocabulary", theme="light")
    bars = page.locator(".js-plotly-plot .point path")
    expect(bars.first).to_be_visible()
    for theme, blue in (("light", "rgb(0, 114, 178)"), ("dark", "rgb(86, 180, 233)")):
        page.emulate_media(color_scheme=theme)
        page.wait_for_function(PAINTED, arg=blue)
        tile = page.locator(".mg-tiles .mg-vowel").first
        named = tile.evaluate("tile => getComputedStyle(tile).getPropertyValue('--k')")
        painted = tile.evaluate(
            "(tile, named) => { tile.style.color = named; return getComputedStyle(tile).color; }", named
        )
        assert painted == blue
