"""The Batches page shows exactly what `get_batch` draws."""

import re
from collections.abc import Callable
from html import unescape

import torch
from streamlit.testing.v1 import AppTest

from minigpt_core.data import get_batch, prepare
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.texts import corpus
from tests.app.conftest import OpenPage
from ui.batches import batch_pictures
from ui.words.i18n import number, using

BLOCK, BATCH = "page.batches.block_size", "page.batches.batch_size"
TEXT = corpus.normalize(corpus.load("the-curious-cat").text)


def html(page: AppTest) -> str:
    return "".join(element.proto.body for element in page.get("html"))


def code(page: AppTest) -> str:
    """What is printed as at a Python prompt."""
    bodies = [element.proto.body for element in page.get("html") if "mg-printed" in element.proto.body]
    return unescape(re.sub("<.*?>", "", "\n".join(bodies)))


def press(page: AppTest, key: str) -> AppTest:
    return page.button(key=key).click().run()


def test_it_shows_the_draw_of_get_batch(app: OpenPage) -> None:
    page = app("batches", lang="fr", text="the-curious-cat")
    assert not page.exception and not page.error
    x, y = get_batch(prepare(TEXT).train, 32, 4, torch.Generator().manual_seed(1337))
    assert str(x) in code(page) and str(y) in code(page)
    with using("fr"):
        assert f"{number(len(prepare(TEXT).train))}" in html(page)


def test_every_pair_of_the_chosen_row_is_there(app: OpenPage) -> None:
    page = app("batches", text="the-curious-cat")
    dataset = prepare(TEXT)
    x, y = get_batch(dataset.train, 32, 4, torch.Generator().manual_seed(1337))
    page.segmented_control(key="page.batches.row_4").set_value(3).run()
    decode = dataset.tokenizer.decode
    assert batch_pictures.pairs(decode(x[2]), decode(y[2])) in html(page)
    assert html(page).count("<li>") == 32


def said(page: AppTest) -> str:
    return " ".join(markdown.value for markdown in page.markdown)


def test_it_starts_with_the_sizes_of_the_followed_run(app: OpenPage, some_run: Callable[..., Run]) -> None:
    run = some_run(batch_size=12)
    page = app("batches", run=run.id, text="the-curious-cat")
    assert "torch.Size([12, 32])" in code(page)
    assert "**12 stretches** of **32 characters**" in said(page) and "current run" not in said(page)
    page.select_slider(key=BATCH).set_value(2).run()
    assert not page.exception and "torch.Size([2, 32])" in code(page)
    assert "The current run picks 12 stretches of 32 characters" in said(page)
    page.query_params["run"], page.query_params["follow"] = (
        some_run(batch_size=8).id,
        "1",
    )  # as a link to it does
    assert "torch.Size([8, 32])" in code(page.run())


def test_a_batch_too_large_for_the_page_is_cut_and_this_is_said(
    app: OpenPage, some_run: Callable[..., Run]
) -> None:
    page = app("batches", run=some_run(batch_size=200).id, text="the-curious-cat")
    assert not page.exception and "torch.Size([64, 32])" in code(page)
    assert "200" in said(page) and "at most" in said(page)


def test_one_character_is_in_the_singular() -> None:
    with using("fr"):
        assert "1 caractère," in batch_pictures.bar_legend(6, 7)
        assert "6 caractères," in batch_pictures.bar_legend(6, 7)


def test_places_in_the_text_are_counted_from_1() -> None:
    with using("en"):
        assert "characters 1 to 4 of the text" in batch_pictures.window_words(TEXT, 0, 0, 4)


def test_draw_again_and_back(app: OpenPage) -> None:
    page = app("batches", text="the-curious-cat")
    first = code(page)
    assert page.button(key="batches_back").disabled
    second = code(press(page, "batches_again"))
    assert second != first
    assert code(press(page, "batches_back")) == first
    assert code(press(page, "batches_again")) == second


def test_a_typed_seed_draws_what_it_always_draws(app: OpenPage) -> None:
    page = app("batches", text="the-curious-cat")
    page.number_input[0].set_value(42).run()
    x, _y = get_batch(prepare(TEXT).train, 32, 4, torch.Generator().manual_seed(42))
    assert str(x) in code(page)
    press(page, "batches_again")
    assert page.number_input[0].value == 43
    press(page, "batches_back")
    assert page.number_input[0].value == 42


def test_the_largest_batch_shows_a_part_of_itself(app: OpenPage) -> None:
    page = app("batches", text="the-curious-cat")
    page.select_slider(key=BLOCK).set_value(256)
    page.select_slider(key=BATCH).set_value(64).run()
    assert not page.exception and not page.error
    page.slider(key="page.batches.row_64").set_value(64).run()
    assert not page.exception
    assert html(page).count("<li>") == 256
    assert "torch.Size([64, 256])" in code(page)
    assert len(html(page)) < 400_000


def test_the_validation_part_is_the_end_of_the_text(app: OpenPage) -> None:
    page = app("batches", text="the-curious-cat")
    page.radio(key="page.batches.part").set_value("val").run()
    x, _y = get_batch(prepare(TEXT).val, 32, 4, torch.Generator().manual_seed(1337))
    assert str(x) in code(page)
    words = said(page) + html(page)
    assert "Nothing is learned from this part" in words
    assert "At each step of the training" not in words and "in a single step" not in words


def test_a_text_that_is_too_short_is_said_at_once_with_both_numbers(app: OpenPage) -> None:
    short = RunStore().save_text("a" * 10 + "b" * 10, "short")
    page = app("batches", text=short)
    assert not page.exception
    assert "18" in page.warning[0].value and "33" in page.warning[0].value
    assert (
        "1 stretch" not in said(page)
        and "4 stretches" not in said(page)
        and page.button(key="batches_again").disabled
    )
    page.radio(key="page.batches.part").set_value("val").run()
    assert page.warning and "Here are" not in said(page)
    page.radio(key="page.batches.part").set_value("train").run()
    with using("en"):  # AppTest words the choices anew
        page.select_slider(key=BLOCK).set_value(4).run()
    assert not page.warning and code(page)


def test_a_row_longer_than_the_picture_says_that_it_scrolls(app: OpenPage) -> None:
    page = app("batches", text="the-curious-cat")
    assert not any("sideways" in caption.value for caption in page.caption)
    page.select_slider(key=BLOCK).set_value(128).run()
    assert any("sideways" in caption.value for caption in page.caption)


def test_markup_in_a_text_is_shown_and_not_run(app: OpenPage) -> None:
    text_id = RunStore().save_text("<script>alert(1)</script>\u200b\u202e $x$ **b** " * 20, "<b>markup</b>")
    page = app("batches", text=text_id)
    assert not page.exception and not page.error
    assert "<script" not in html(page) and "<b>markup" not in html(page)


def test_numbers_above_the_bar_do_not_cover_each_other() -> None:
    levels = batch_pictures.flag_levels([500, 503, 10, 510], 1000)
    assert levels[2] == 0 and len({levels[0], levels[1], levels[3]}) == 3


def test_another_language_keeps_the_part(app: OpenPage) -> None:
    page = app("batches")
    page.session_state["page.batches.part"] = "val"
    page.run()
    assert page.radio(key="page.batches.part").options[1] == "validation part"
    page.session_state["language"] = "fr"
    page.query_params["lang"] = "fr"
    page.run()
    assert not page.exception
    assert page.radio(key="page.batches.part").options[1] != "validation part"
    assert page.session_state["page.batches.part"] == "val"


def test_a_validation_part_that_says_little_is_told_where_the_split_is_shown(app: OpenPage) -> None:
    repeated = RunStore().save_text("one cat, two dogs. " * 1000, "repeated")
    for page in ("batches", "vocabulary"):
        captions = " ".join(caption.value for caption in app(page, text=repeated).caption)
        assert "100% of the validation part" in captions and "1,900 characters" in captions
        assert not any("validation part" in c.value for c in app(page, text="the-curious-cat").caption)
