"""Sampling in a real browser: the text streams in, can be stopped, pointed at, and found again through its link."""

import math
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Browser, Page, expect

from minigpt_core.configs import SampleSettings, TrainConfig
from minigpt_core.data import prepare
from minigpt_core.sampling import next_probabilities, token_at
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import RunStore
from minigpt_core.training import Trainer
from scripts.browser import go, wait_until_idle
from scripts.running_app import RunningApp
from tests.browser.conftest import NewVisitor, workspace_of
from ui.sampling import pipeline

OpenPage = Callable[..., Page]
TEXT, LETTER, RING = ".mg-writes-text", ".mg-writes-text [data-place]", ".mg-writes-text .mg-ring"
STOP = WRITE = ".mg-writes-bar .mg-writes-button >> nth=0"  # one button
STATE = "state => document.querySelector('.mg-writes').dataset.state === state"


def settled(page: Page, state: str = "done") -> None:
    wait_until_idle(page)
    page.wait_for_function(STATE, arg=state)


def test_a_text_is_written_stopped_continued_and_pointed_at(open_page: OpenPage) -> None:
    page = open_page("sampling", text="the-curious-cat", author="bigram")
    settled(page)
    at_once = page.locator(TEXT).inner_text()
    expect(page.locator(LETTER)).to_have_count(300)

    page.locator(WRITE).click()
    page.wait_for_function("() => document.querySelectorAll('.mg-writes-text [data-place]').length < 250")
    page.locator(STOP).click()
    settled(page, "stopped")
    shown = page.locator(LETTER).count()
    page.wait_for_timeout(200)
    assert page.locator(LETTER).count() == shown < 300
    page.locator(STOP).click()
    settled(page)
    assert page.locator(TEXT).inner_text() == at_once  # the same seed, the same text

    page.locator(LETTER).nth(40).click()
    expect(page.locator(".mg-label", has_text="Character 41 of 300")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".mg-label", has_text="Character 42 of 300")).to_be_visible()
    expect(page.locator(RING)).to_have_attribute("data-place", "41")
    page.locator(".st-key-sampling_back button").first.click()
    expect(page.locator(RING)).to_have_attribute("data-place", "40")

    with page.expect_download() as download:
        page.locator(".mg-writes-button", has_text="Download").click()
    saved = Path(download.value.path()).read_text(encoding="utf-8")
    assert len(saved) == 300 + len("one morning,") and saved.startswith("one morning,")
    page.evaluate(
        "navigator.clipboard.writeText = (text) => { window.taken = text; return Promise.resolve(); }"
    )
    page.locator(".mg-writes-button", has_text="Copy").click()
    page.wait_for_function("() => window.taken !== undefined")
    assert page.evaluate("window.taken") == saved


def test_another_language_in_the_middle_of_a_text_leaves_it_as_far_as_it_is(open_page: OpenPage) -> None:
    page = open_page("sampling", text="the-curious-cat", author="bigram", length="1000")
    settled(page)
    page.locator(WRITE).click()
    page.wait_for_function("() => document.querySelectorAll('.mg-writes-text [data-place]').length < 900")
    page.get_by_role("radio", name="Français").filter(visible=True).click()
    expect(page.locator(STOP)).to_contain_text("Arrêter")
    assert page.locator(LETTER).count() < 1000  # still at its pace
    page.locator(STOP).click()
    settled(page, "stopped")
    shown, text = page.locator(LETTER).count(), page.locator(TEXT).inner_text()
    space = page.locator(".mg-writes-text [data-place]", has_text=re.compile("^ $")).first
    expect(space).to_have_attribute("data-tip", re.compile("^espace"))
    page.get_by_role("radio", name="English").filter(visible=True).click()
    expect(page.locator(STOP)).to_contain_text("Go on")
    settled(page, "stopped")
    assert (page.locator(LETTER).count(), page.locator(TEXT).inner_text()) == (shown, text)
    expect(space).to_have_attribute("data-tip", re.compile("^space"))


def test_a_long_paste_keeps_its_end_and_has_room_on_narrow_screens(open_page: OpenPage) -> None:
    page = open_page("sampling", lang="fr", text="le-chat-curieux", author="bigram")
    prompt = page.locator(".st-key-prompt input")
    prompt.fill("x" * 5000 + "le chat")
    prompt.press("Enter")
    settled(page)
    assert prompt.input_value() == "x" * 493 + "le chat"
    assert len(page.url) < 1000
    page.set_viewport_size({"width": 900, "height": 600})
    drawn, frame = (page.locator(f".mg-tail {part}").last.bounding_box() for part in (".mg-ring", "> div"))
    assert drawn and frame
    assert drawn["x"] >= frame["x"], "the newest tiles stay in sight"
    assert drawn["x"] + drawn["width"] <= frame["x"] + frame["width"]
    page.set_viewport_size({"width": 400, "height": 800})  # a phone
    settled(page)
    field = prompt.bounding_box()
    assert field and field["x"] >= 0 and field["x"] + field["width"] <= 400
    button = page.locator(".st-key-sampling_another button:visible").bounding_box()
    assert button, "nothing covers the prompt"
    assert button["y"] >= field["y"] + field["height"] or button["x"] >= field["x"] + field["width"]


def test_a_link_gives_the_same_text_to_somebody_else(
    open_page: OpenPage, new_visitor: Callable[..., Page]
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
    other = new_visitor("en")
    other.goto(link)
    settled(other)
    assert other.locator(TEXT).inner_text() == text


# The pipeline of one character


ARITHMETIC = """async ([source, cases]) => {
  const { chances, landing } = await import('data:text/javascript;charset=utf-8,' + encodeURIComponent(source));
  return cases.map(({ logits, settings, us }) => {
    const { probabilities } = chances(logits.map((score) => score ?? -Infinity), settings);
    return { probabilities, tokens: us.map((u) => landing(probabilities, u)) };
  });
}"""
SETTINGS = [
    {"temperature": temperature, "top_k": top_k, "top_p": top_p}
    for temperature in (0.0, 0.05, 0.8, 1.0, 2.0)
    for top_k in (0, 1, 3, 100)
    for top_p in (0.05, 0.5, 0.95, 1.0)
]


def test_the_browser_calculates_as_the_core_does(browser: Browser) -> None:
    generator = torch.Generator().manual_seed(1)
    rows = [3 * torch.randn(40, generator=generator, dtype=torch.float64) for _ in range(3)]
    rows += [torch.tensor([1.0, 0, 0, 1, -math.inf, 0]).double(), torch.tensor([900.0, -900, 899]).double()]
    us = [0.0, *torch.rand(50, generator=generator, dtype=torch.float64).tolist(), 1 - 1e-6]
    cases = [
        {"logits": [x if math.isfinite(x) else None for x in row.tolist()], "settings": how, "us": us}
        for row in rows
        for how in SETTINGS
    ]
    source = (Path(pipeline.__file__).parent / "arithmetic.js").read_text(encoding="utf-8")
    page = browser.new_page()
    found = page.evaluate(ARITHMETIC, [source, cases])
    page.close()
    expected = [next_probabilities(row, SampleSettings(**how)) for row in rows for how in SETTINGS]
    for result, probabilities in zip(found, expected, strict=True):
        assert result["probabilities"] == pytest.approx(probabilities.tolist(), abs=1e-12)
        assert result["tokens"] == [token_at(probabilities, u) for u in us]


def row_numbers(page: Page) -> dict[int, tuple[float, float]]:
    """Score and probability of each shown character, in full."""
    rows = page.locator(".mg-pipe-row[data-id]").all()
    read = [[row.get_attribute(f"data-{name}") for name in ("id", "logit", "p")] for row in rows]
    return {int(i or 0): (float(logit or 0), float(p or 0)) for i, logit, p in read}


def drawn_text(page: Page) -> str:
    return page.locator(".mg-pipe-text").inner_text().removesuffix("?")


def test_the_columns_move_at_once_and_step_by_step_the_text_is_written(open_page: OpenPage) -> None:
    page = open_page("sampling", lang="en", text="the-curious-cat", view="next")
    page.wait_for_selector(".mg-pipe[data-ready=true] .mg-pipe-row[data-id]")
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    slider, top_k = page.locator(".mg-pipe-head-1 input"), page.locator(".mg-pipe-head-2 input").first
    slider.fill("1.5")
    top_k.fill("3")
    shown = row_numbers(page)  # no answer of the server was needed
    assert not [url for url in requests if "/api/" in url]
    three = sorted((score for score, _p in shown.values()), reverse=True)[:3]
    share = torch.tensor(three, dtype=torch.float64).div(1.5).softmax(-1).tolist()
    assert sorted((p for _score, p in shown.values() if p), reverse=True) == pytest.approx(share)
    wait_until_idle(page)
    page.wait_for_url("**temperature=1.5**")  # and the address follows
    page.wait_for_url("**top_k=3**")

    before = drawn_text(page)
    draw, back = page.locator("button.mg-pipe-draw"), page.locator("button.mg-pipe-back")
    token = page.locator(".mg-pipe-token").inner_text()
    draw.click()
    page.wait_for_selector(".mg-pipe[data-ready=true]")
    assert drawn_text(page).replace(" ", "␣") == before.replace(" ", "␣") + token
    back.click()
    assert drawn_text(page) == before

    chosen = page.locator(".mg-pipe-row[data-id] .mg-pipe-tile").nth(4)  # one that top-k has left out
    letter = chosen.inner_text()
    chosen.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".mg-pipe-chosen")).to_have_text(letter.replace("␣", " "))
    page.wait_for_selector(".mg-pipe[data-ready=true]")
    page.keyboard.press("ArrowLeft")
    assert drawn_text(page) == before


def test_of_thousands_of_characters_the_bar_tells_the_likeliest_apart(
    app_server: RunningApp, new_visitor: NewVisitor
) -> None:
    page, store = new_visitor("en"), RunStore(app_server.home)
    text = "".join(chr(0x4E00 + n % 5000) for n in range(12_000))
    run = new_run(
        store, text=text, title="many", model_fields={"n_embd": 8}, training=TrainConfig(steps=1), status="stopped",
        workspace=workspace_of(page, app_server.url),
    )  # fmt: skip
    store.save_checkpoint(run.id, Trainer(prepare(text), run.model, run.training).checkpoint())
    go(page, app_server.url, "sampling", lang="en", run=run.id, view="next")
    page.wait_for_selector(".mg-pipe[data-ready=true] .mg-pipe-row[data-id]")
    parts = page.locator(".mg-pipe-part").evaluate_all(
        "parts => parts.map(part => [parseFloat(part.style.top), parseFloat(part.style.height), part.dataset.tip])"
    )
    assert 60 <= len(parts) <= 2 * 61 + 1
    assert sum(height for _top, height, _tip in parts) == pytest.approx(100, abs=0.01)
    for (top, height, _tip), (following, _height, _other) in pairwise(parts):
        assert top + height == pytest.approx(following, abs=0.001)
    told = sum(int(n) if (n := tip.split(" others")[0]).isdecimal() else 1 for _top, _height, tip in parts)
    assert told > 4900, "the others are counted"


def test_keep_drawing_writes_the_text_of_the_same_address(open_page: OpenPage) -> None:
    query = {"lang": "fr", "text": "le-chat-curieux", "temperature": "1.1", "seed": "3", "length": "60"}
    page = open_page("sampling", view="next", **query)
    page.wait_for_selector(".mg-pipe[data-ready=true]")
    page.locator(".mg-pipe-bar input").fill("20")
    page.locator(".mg-pipe-play").click()
    page.wait_for_function("() => document.querySelectorAll('.mg-pipe-drawn').length >= 25")
    page.locator(".mg-pipe-play").click()
    written = drawn_text(page)
    page.reload()
    page.wait_for_selector(".mg-pipe[data-ready=true]")
    assert drawn_text(page) == written
    page.locator(".st-key-sampling_views button").first.click()
    settled(page)
    shown = page.locator(TEXT).inner_text()
    both = min(len(shown), len(written))
    assert shown[:both] == written[:both] and both > 30


# The other questions


def test_rows_are_written_stopped_and_written_again(open_page: OpenPage) -> None:
    page = open_page("sampling", view="temperature", text="the-curious-cat", temperatures="0_0.5_2")
    page.wait_for_selector(".mg-lanes[data-state=done]")
    texts = page.locator(".mg-lane-text").all_inner_texts()
    assert len(set(texts)) == 3
    parted = int(page.locator(".mg-lane-parts").nth(1).get_attribute("data-parted") or 0)
    given = len("one morning,")
    assert texts[0][: given + parted] == texts[1][: given + parted]
    assert texts[0][given + parted] != texts[1][given + parted]
    entropies = [
        float(e.get_attribute("data-entropy") or 0) for e in page.locator(".mg-lane-open span").all()
    ]
    assert entropies[0] == 0 and entropies[1] < entropies[2]
    page.locator(".mg-lanes .mg-writes-button").click()
    page.wait_for_selector(".mg-lanes[data-state=done]")
    assert page.locator(".mg-lane-text").all_inner_texts() == texts


def test_pointing_at_a_character_says_what_was_expected(open_page: OpenPage) -> None:
    page = open_page("sampling", lang="en", view="surprise", text="the-curious-cat", author="trigram")
    area = page.locator(".st-key-page-sampling-surprise_text textarea")
    area.fill("the cat <b> xq")
    area.press("Control+Enter")
    wait_until_idle(page)
    cells = page.locator(".mg-surprise-text [data-place]")
    losses = [float(cell.get_attribute("data-nats") or 0) for cell in cells.all()]
    mean = page.locator(".mg-sums .mg-n").nth(4).inner_text()
    assert float(mean.split()[0]) == pytest.approx(sum(losses) / len(losses), abs=1e-4)
    cells.nth(0).hover()
    expect(page.locator(".mg-surprise-head b")).to_have_text("h")
    cells.nth(1).click()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".mg-surprise-head b")).to_have_text("␣")
    page.reload()
    expect(page.locator(".mg-surprise-head b")).to_have_text("␣")
    expect(area).to_have_value("the cat <b> xq")
    chances = [float(row.get_attribute("data-p") or 0) for row in page.locator(".mg-surprise-row").all()]
    assert len(chances) == 5 and chances == sorted(chances, reverse=True)
