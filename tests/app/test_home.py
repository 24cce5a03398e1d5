"""Home tells the truth about this text and this run, and always offers one thing to do next."""

import json
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from minigpt_core.configs import ModelConfig, SampleSettings, TrainConfig
from minigpt_core.data import prepare
from minigpt_core.generation.request import USUAL_TEMPERATURE, GenerationRequest
from minigpt_core.jobs.recording import Recorder
from minigpt_core.model import build_model
from minigpt_core.sampling import next_probabilities, predict
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import LIVE, Run, RunStore
from minigpt_core.texts import corpus
from minigpt_core.tokenizer import CharTokenizer
from minigpt_core.training import CheckpointEvent, Trainer
from minigpt_core.weights import count_parameters
from tests.app.conftest import OpenPage
from ui import resources
from ui.home import card_pictures, next_step, run_facts
from ui.runs.health import spoiled
from ui.runs.live_state import live_state
from ui.words import tokens
from ui.words.i18n import _, number, percent, using

TEXT_ID = {"en": "the-curious-cat", "fr": "le-chat-curieux"}
MakeRun = Callable[..., Run]


def html(page: AppTest) -> str:
    return "".join(element.proto.body for element in page.get("html"))


def card(page: AppTest, number_: int) -> str:
    """The HTML of a station, counted from 0 along the journey."""
    return [element.proto.body for element in page.get("html") if "mg-stop" in element.proto.body][number_]


def button(page: AppTest) -> str:
    return page.button(key="home_begin").label


def train(run: Run, until: int | None = None) -> Run:
    """Train a stored run to its end or the evaluation after a step, as a worker does."""
    store = RunStore()
    data = prepare(
        store.text(run.text_id).text, run.training.val_fraction, CharTokenizer.from_characters(run.characters)
    )
    trainer = Trainer(data, run.model, run.training)
    recorder = Recorder(store, run.id, trainer)
    for event in trainer.run():
        recorder.record(event)
        if isinstance(event, CheckpointEvent) and event.step == until:
            break
    recorder.flush()
    store.set_status(run.id, "done")
    return store.run(run.id)


@pytest.mark.parametrize("lang", TEXT_ID)
def test_before_the_first_training(app: OpenPage, lang: str) -> None:
    page = app("home", lang=lang)
    assert not page.exception and not page.error
    text = corpus.normalize(corpus.load(TEXT_ID[lang]).text)
    size = len(set(text))
    with using(lang):
        assert f">{number(len(text))}<" in card(page, 0)
        assert f">{number(size)}<" in card(page, 1) and f"({len(text)},)" in card(page, 1)
        parameters = count_parameters(build_model(ModelConfig(vocab_size=size, block_size=32, n_embd=64)))
        assert f">{number(parameters)}<" in card(page, 3)
    assert "(4, 32)" in card(page, 2)
    assert [("mg-done" in card(page, i), "mg-next" in card(page, i)) for i in range(7)] == [
        *[(True, False)] * 3, (False, True), *[(False, False)] * 3,
    ]  # fmt: skip
    assert ">…<" in card(page, 5) and ">…<" in card(page, 6)


def test_the_button_begins_a_training_with_the_settings_of_the_address_and_shows_it(app: OpenPage) -> None:
    page = app("home", settings="notebook~steps~700")
    assert button(page) == next_step.BEGIN.words
    page.button(key="home_begin").click().run()
    assert page.title[0].value == "Training" and not page.exception
    (run,) = RunStore().runs("local")
    assert page.query_params["run"] == run.id and "settings" not in page.query_params
    assert (run.training.steps, run.status in LIVE, run.text_title) == (700, True, "The Curious Cat")


def test_what_cannot_be_trained_is_said_where_the_button_stands(app: OpenPage) -> None:
    page = app("home", settings="chat-curieux-gpt~n_head~16~n_embd~8")
    page.button(key="home_begin").click().run()
    assert (
        page.title[0].value != "Training"
        and "“Numbers per character” = 8 cannot be shared out" in page.warning[0].value
    )
    assert RunStore().runs("local") == []


def test_after_a_training_its_numbers_are_there(app: OpenPage, some_run: MakeRun) -> None:
    run = train(some_run(steps=40))
    page = app("home", lang="fr", text="the-curious-cat")
    assert not page.exception and not page.error
    logits = predict(
        resources.model(run.id, 40), CharTokenizer.from_characters(run.characters).encode("one morning,")
    )
    best = next_probabilities(logits, SampleSettings()).max().item()
    with using("fr"):
        unseen = RunStore().evaluations(run.id)[-1].val_loss
        assert f">{number(unseen, 2)}<" in card(page, 3) and "40" in card(page, 3)
        assert _("on text it never saw (validation)") in card(page, 3)
        assert "one morning," in card(page, 4)
        assert percent(best, 1) in card(page, 5)
        assert button(page) == _(next_step.WRITE.words)
    request = GenerationRequest(run=run.id, step=40, prompt="one morning,", temperature=USUAL_TEMPERATURE)
    written = tokens.visible(resources.generated_text(request).text(60)).replace("\n", "⏎")
    assert f"<b>one morning,</b>{tokens.escape(written)}" in card(page, 6)
    assert "mg-done" in card(page, 3) and "mg-next" in card(page, 4)


def test_characters_that_are_equally_likely_are_not_told_apart(app: OpenPage, some_run: MakeRun) -> None:
    train(some_run(rung="zero-init", steps=5), until=0)
    page = app("home", text="the-curious-cat")
    size = len(set(corpus.normalize(corpus.load("the-curious-cat").text)))
    assert f"all {size} characters are equally likely, at step 0" in card(page, 5)
    assert f">{percent(1 / size, 0)}<" in card(page, 5)


def test_a_spoiled_run_is_no_success(app: OpenPage, some_run: MakeRun) -> None:
    run = train(some_run(steps=20, learning_rate=1000.0))
    assert spoiled(run) and run.status == "done"
    page = app("home", text="the-curious-cat")
    assert "mg-problem" in card(page, 3) and "mg-done" not in card(page, 3)
    assert "broke the model" in card(page, 3)
    with using("en"):
        assert button(page) == _(next_step.GO_ON.words)


def test_a_run_belongs_to_its_text_whatever_that_is_called(app: OpenPage) -> None:
    words = "the cat and the dog. " * 20
    text = resources.store().save_text(words, "first title")
    page = app("home", text=text)
    train(new_run(
        RunStore(), text=corpus.normalize(words), title="first title",
        model_fields={"block_size": 8, "n_embd": 8}, training=TrainConfig(steps=5),
    ))  # fmt: skip
    resources.store().save_text(words, "second title")
    resources.own_title.clear(text, "local")
    page = app("home", text=text)
    assert button(page) == next_step.WRITE.words and "second title" in card(page, 0)


def test_the_sampling_page_begins_with_the_text_of_the_home_page(app: OpenPage, some_run: MakeRun) -> None:
    run = train(some_run(steps=10))
    expected = run_facts.prediction(run)
    assert expected is not None
    page = app("sampling", text="the-curious-cat")
    written = [e.proto for e in page.get("bidi_component") if "typewriter" in e.proto.component_name]
    (sent,) = [json.loads(proto.json) for proto in written]
    request = GenerationRequest.from_query(
        {name: value[0] for name, value in parse_qs(urlsplit(sent["url"]).query).items()}
    )
    assert (
        request.run == run.id
        and resources.generated_text(request).text(run_facts.CONTINUED) == expected.continuation
    )


def test_a_sample_of_its_own_is_not_shown_as_what_follows_the_prompt(
    app: OpenPage, some_run: MakeRun
) -> None:
    run = train(some_run(steps=5))
    for path in RunStore().folder(run.id).glob("*.safetensors"):
        path.unlink()
    page = app("home", text="the-curious-cat")
    sample = live_state(run)["samples"][-1]["text"][:5].replace("\n", "⏎")
    assert tokens.escape(sample) in card(page, 6) and "without this prompt" in card(page, 6)


def test_a_run_without_a_step_shows_no_numbers_of_its_own(app: OpenPage, some_run: MakeRun) -> None:
    some_run(steps=40)
    page = app("home", text="the-curious-cat")
    assert not page.exception and not page.error
    assert ">–<" in card(page, 3) and ">…<" in card(page, 5)
    assert button(page) == next_step.GO_ON.words


def test_a_run_of_another_text_is_named_and_this_text_comes_next(app: OpenPage, some_run: MakeRun) -> None:
    train(some_run(steps=5))
    page = app("home", text="additions")
    assert "The Curious Cat" in card(page, 3) and "mg-next" in card(page, 3)
    assert button(page) == next_step.BEGIN.words


def test_missing_weights_are_a_sentence(app: OpenPage, some_run: MakeRun) -> None:
    run = train(some_run(steps=5))
    for path in RunStore().folder(run.id).glob("*.safetensors"):
        path.unlink()
    page = app("home", text="the-curious-cat")
    assert not page.exception and not page.error
    assert "mg-problem" in card(page, 4)


def test_a_text_that_is_too_short_comes_first(app: OpenPage) -> None:
    page = app("home", text=RunStore().save_text("a short text", "short"))
    assert not page.exception
    assert "mg-problem" in card(page, 2) and "33" in card(page, 2)
    assert button(page) == next_step.CHOOSE.words


def test_every_station_is_a_link(app: OpenPage) -> None:
    links = [link.proto.page for link in app("home").get("page_link") if not link.proto.query_string]
    assert links[:8] == [
        "lessons",
        "vocabulary",
        "vocabulary",
        "batches",
        "training",
        "sampling",
        "sampling",
        "sampling",
    ]
    assert links[8:] == ["vocabulary", "batches", "training", "sampling", "accessibility"]


def test_markup_is_shown_and_not_run(app: OpenPage) -> None:
    page = app("home", text=RunStore().save_text("<script>alert(1)</script> " * 20, "<img src=x>"))
    assert not page.exception
    assert "<script" not in html(page) and "<img" not in html(page)
    assert "<b>" not in card_pictures.card("<b>", "<b>", "<b>", "", "<b>")


@pytest.mark.parametrize(
    ("text", "shown"),
    [("un matin,", "matin,"), ("one morning,", "ning,"), ("a cat", "a cat"), ("87+37=", "87+37="), ("", "")],
)
def test_the_tiles_of_a_prompt_begin_with_a_word_where_there_is_room(text: str, shown: str) -> None:
    assert card_pictures.prompt_end(text) == shown
