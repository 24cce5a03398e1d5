"""The Sampling page: what it shows is what the core computes, and every mistake is a sentence."""

import json
import queue
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import torch
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from minigpt_core.__main__ import main
from minigpt_core.configs import SampleSettings, TrainConfig
from minigpt_core.data import prepare
from minigpt_core.errors import UserError
from minigpt_core.generation.request import MAX_PROMPT, GenerationRequest
from minigpt_core.generation.streaming import stream
from minigpt_core.generation.token_losses import token_losses
from minigpt_core.interpret.diagnosis import diagnose
from minigpt_core.interpret.memorization import TrainingText, pieces_of
from minigpt_core.jobs.worker import Controls, train
from minigpt_core.ngrams import Baselines, NgramModel
from minigpt_core.presets import CHAT_CURIEUX_GPT
from minigpt_core.sampling import next_probabilities, predict
from minigpt_core.store.checkpoint_files import weights_path
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import LIVE, Run, RunStore
from minigpt_core.tokenizer import CharTokenizer
from minigpt_core.training import MetricsEvent
from tests.app.conftest import OpenPage
from ui import resources, state
from ui.runs.wording import run_title
from ui.sampling import views
from ui.sampling.generation_settings import CONTROLS
from ui.sampling.inputs import has_new_word
from ui.sampling.learning_explained import (
    LEARNED,
    VERY_SHORT,
    Losses,
    Written,
    how_short_its_text_is,
    what_it_has_learned,
)
from ui.sampling.memorization import better_known, sample_html, verdict
from ui.sampling.settings_explained import TEMPERATURES, always_likeliest, settings_words, temperature_words
from ui.server.generation_routes import ROUTES
from ui.words.i18n import _ as translated
from ui.words.i18n import number, percent, using
from ui.words.tokens import escape_markdown

MakeRun = Callable[..., Run]


@pytest.fixture
def trained(home: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """A short training of the notebook's model on the French story."""
    short = ["--set", "steps=20", "--set", "eval_interval=10", "--set", "sample_length=10"]
    assert main(["train", *short, "--json"]) == 0
    capsys.readouterr()
    return RunStore(home).find_run("last")


@pytest.fixture
def client(home: Path) -> Iterator[TestClient]:
    with TestClient(Starlette(routes=ROUTES)) as client:
        yield client


def html(page: AppTest) -> str:
    bodies = (element.proto.body for element in page.get("html"))
    return "".join(body for body in bodies if not body.startswith("<style>"))


def markdown(page: AppTest) -> str:
    return "\n".join(element.value for element in [*page.main.markdown, *page.main.caption])


def address_of(page: AppTest, name: str) -> str:
    """A value in the page's address."""
    value = page.query_params[name]
    return value[0] if isinstance(value, list) else value


def prompt(page: AppTest) -> str:
    return page.text_input(key="prompt").value or ""


def reference(run: Run, prompt: str, length: int, **settings: float) -> str:
    """The same text straight from the core."""
    known = CharTokenizer.from_characters(run.characters)
    model = resources.model(run.id, run.step)
    steps = stream(
        model, known.encode(prompt), length, run.model.block_size,
        generator=torch.Generator().manual_seed(int(settings.pop("seed", 1337))),
        settings=SampleSettings(**settings),
    )  # fmt: skip
    return known.decode([step.token for step in steps])


def streamed(client: TestClient, request: GenerationRequest, length: int, **query: str) -> str:
    """What the component puts together from the stream's lines."""
    answer = client.get("/api/sample", params=request.to_query() | {"length": str(length)} | query)
    assert answer.status_code == 200, answer.text
    shown: dict[str, list[str]] = {}
    text = ""
    for line in map(json.loads, answer.text.splitlines()):
        shown |= line["names"]
        text += "".join("\n" if shown[str(i)][2] else shown[str(i)][0] for i, _p, _u in line["steps"])
    return text


# The page


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_without_a_run_the_prepared_one_of_the_story_writes_and_says_so(app: OpenPage, lang: str) -> None:
    page = app("sampling", lang=lang)
    assert not page.exception and not page.error
    assert {"en": "comes with the program", "fr": "livré avec le programme"}[lang] in markdown(page)
    assert page.button(key="sampling_train")
    assert address_of(page, "author") == f"preparedGpt{lang.title()}"
    assert "run" not in page.query_params  # to look at it is not to follow it


def test_without_a_run_or_a_prepared_one_of_the_text_counted_pairs_write(app: OpenPage) -> None:
    page = app("sampling", text="additions")
    assert not page.exception and "counted pairs" in markdown(page)
    assert address_of(page, "author") == "bigram"


def test_counted_pairs_of_generated_lines_are_named_in_the_reader_s_language(app: OpenPage) -> None:
    said = markdown(app("sampling", lang="fr", author="bigram", text="reversed-words"))
    assert "*Mots à l’envers*" in said and "Reversed words" not in said


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_counted_pairs_say_what_they_are_and_how_to_train(app: OpenPage, lang: str) -> None:
    page = app("sampling", lang=lang, author="bigram")
    assert not page.exception and not page.error
    assert {"en": "counted pairs", "fr": "paires comptées"}[lang] in markdown(page)
    assert prompt(page).lower() == {"en": "one morning,", "fr": "un matin,"}[lang]
    train = page.button(key="sampling_train")
    known = prepare(resources.chosen_text(page.query_params["text"], True).text)
    loss = NgramModel(2, known.tokenizer.vocab_size).fit(known.train).loss(known.val)
    assert f"{loss:.2f}".replace(".", {"en": ".", "fr": ","}[lang]) in markdown(page)
    train.click().run()  # what it says is what happens
    assert RunStore().run(page.query_params["run"]).status in LIVE
    assert page.title[0].value == {"en": "Training", "fr": "Entraînement"}[lang]


def test_the_draw_of_a_character_is_what_the_core_says(app: OpenPage, trained: Run) -> None:
    page = app("sampling", prompt="le cha", temperature="1.5")
    known = CharTokenizer.from_characters(trained.characters)
    logits = predict(resources.model(trained.id, 20), known.encode("le cha"))
    u = torch.rand(1, generator=torch.Generator().manual_seed(1337), dtype=torch.float64).item()
    token = known.stoi[reference(trained, "le cha", 1, temperature=1.5)]
    after = next_probabilities(logits, SampleSettings(temperature=1.5))[token]
    assert f"u = {u:.2f}" in html(page)
    with using("en"):
        assert f"({percent(float(after), 1)}" in html(page)
    assert page.query_params["run"] == trained.id


def test_temperature_zero_has_no_draw(app: OpenPage, trained: Run) -> None:
    page = app("sampling", temperature="0")
    assert "no draw" in html(page) and "mg-needle" not in html(page)
    assert "Always the likeliest" in "".join(element.value for element in page.sidebar.caption)


def test_moving_the_temperature_moves_the_bars(app: OpenPage, trained: Run) -> None:
    page = app("sampling")
    before = json.loads(page.get("plotly_chart")[0].proto.spec)["data"]
    page.slider(key="temperature").set_value(2.0).run()
    after = json.loads(page.get("plotly_chart")[0].proto.spec)["data"]
    assert (
        before[0]["y"][:11] == after[0]["y"][:11]
    )  # the last bar may be there for the drawn character's sake
    assert after[1]["y"][0] < before[1]["y"][0]


def test_another_draw_is_the_next_seed(app: OpenPage, trained: Run) -> None:
    page = app("sampling", seed="7")
    page.button(key="sampling_another").click().run()
    assert page.number_input(key="seed").value == 8


def test_unknown_characters_are_named_and_left_out(app: OpenPage, trained: Run) -> None:
    page = app("sampling", prompt="Le <script>😀\u202e chat")
    said = "Left out, because"
    (line,) = [line for line in markdown(page).splitlines() if said in line]
    assert "😀" in line and "RLO" in line and r"\<" in line
    where = r"“😀” \(no\. 12\)"  # which, and where
    assert where in line.replace("\u00a0", " ")
    assert not page.exception and "<script" not in html(page)


@pytest.mark.parametrize("view", ["write", "surprise"])
def test_curly_apostrophes_are_read_as_the_text_writes_them(app: OpenPage, trained: Run, view: str) -> None:
    assert "'" in trained.characters and "’" not in trained.characters
    page = app("sampling", view=view, prompt="the cat’s ear")
    if view == "surprise":
        page.text_area(key=state.page_key("sampling.surprise_text")).set_value("the cat’s ear").run()
    assert "curly apostrophe `’` → apostrophe `'`" in markdown(page) and "Left out" not in markdown(page)
    assert not page.exception


def test_an_empty_prompt_says_what_the_text_begins_after(app: OpenPage, trained: Run) -> None:
    page = app("sampling")
    page.text_input(key="prompt").set_value("").run()
    assert r"begins after\: new line" in markdown(page)


def test_the_prompt_follows_the_writer_until_somebody_types(app: OpenPage) -> None:
    page = app("sampling", text="additions")
    assert prompt(page).endswith("=")
    page.query_params["text"], page.query_params["follow"] = "the-curious-cat", "1"
    assert prompt(page.run()).lower() == "one morning,"
    page.text_input(key="prompt").set_value("my own").run()
    page.query_params["text"], page.query_params["follow"] = "additions", "1"
    assert prompt(page.run()) == "my own"


def test_every_checkpoint_can_write(app: OpenPage, trained: Run) -> None:
    page = app("sampling")
    box = page.selectbox(key="sampling_checkpoint")
    assert [option.split(" · ")[0] for option in box.options[2:]] == ["step 20", "step 10", "step 0"]
    box.set_value("0").run()
    unseen = RunStore().evaluations(trained.id)[0].val_loss
    assert f"Loss {unseen:.2f} on text it never saw" in markdown(page)
    assert "next to nothing" in markdown(page) and page.query_params["checkpoint"] == "0"


def test_a_spoiled_training_is_said_and_earlier_weights_may_write(
    app: OpenPage, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = ["--set", "steps=20", "--set", "eval_interval=10", "--set", "sample_length=10"]
    assert main(["train", *short, "--set", "learning_rate=1000", "--json"]) == 0
    (run,) = RunStore(home).runs("local")
    page = app("sampling", run=run.id)
    assert not page.exception and not page.error
    assert "This training broke its model" in markdown(page)
    assert "the training broke this model." in markdown(page)
    assert [link.proto.page for link in page.main.get("page_link")] == ["training"]
    page = app("sampling", run=run.id, checkpoint="0")
    assert "broke its model later on" in markdown(page)


def test_a_long_prompt_keeps_its_end_and_says_so(app: OpenPage, trained: Run) -> None:
    page = app("sampling")
    said = f"its last {MAX_PROMPT} are used"
    page.text_input(key="prompt").set_value("x" * 5000 + "le chat").run()
    assert prompt(page) == "x" * (MAX_PROMPT - 7) + "le chat" and said in markdown(page)
    page.text_input(key="prompt").set_value("le chat").run()
    assert said not in markdown(page)
    page = app("sampling", prompt="y" * (MAX_PROMPT + 1))
    assert said in markdown(page) and not page.error


def test_a_step_that_is_not_kept_is_said(app: OpenPage, trained: Run) -> None:
    page = app("sampling", checkpoint="7")
    assert "Step 7 of this run is not kept" in "".join(element.value for element in page.sidebar.caption)
    assert not page.error


def test_counted_pairs_can_write_beside_a_run(app: OpenPage, trained: Run) -> None:
    page = app("sampling")
    page.selectbox(key="sampling_run").set_value("bigram").run()
    assert "counted pairs" in markdown(page) and page.query_params["author"] == "bigram"
    page.selectbox(key="sampling_run").set_value("trigram").run()
    assert "counted triples" in markdown(page) and page.query_params["author"] == "trigram"
    page.selectbox(key="sampling_run").set_value(trained.id).run()
    assert f"**{run_title(trained)}**, trained on" in markdown(page) and "author" not in page.query_params


def test_a_run_without_weights_is_a_sentence(app: OpenPage, some_run: MakeRun) -> None:
    page = app("sampling", run=some_run().id)
    assert "no saved weights yet" in page.error[0].value and not page.exception


def test_while_a_run_has_learned_nothing_yet_a_prepared_one_writes(
    app: OpenPage, some_run: MakeRun, home: Path
) -> None:
    store, run = RunStore(home), some_run()
    store.give(run.id)
    with store.queue_lock(run.id):
        page = app("sampling", run=run.id)
        assert not page.error and not page.exception
        assert page.selectbox(key="sampling_run").value.startswith("prepared")
        assert "has learned nothing yet" in "".join(element.value for element in page.sidebar.caption)
        assert page.query_params["run"] == run.id and "author" not in page.query_params


def test_a_missing_weights_file_is_a_sentence(app: OpenPage, home: Path, trained: Run) -> None:
    weights_path(RunStore(home).folder(trained.id), 20).unlink()
    page = app("sampling")
    assert len(page.error) == 1 and not page.exception
    page.selectbox(key="sampling_checkpoint").set_value("10").run()
    assert not page.error


def test_a_missing_text_only_costs_the_comparison(app: OpenPage, home: Path, trained: Run) -> None:
    shutil.rmtree(home / "texts")
    page = app("sampling")
    assert not page.error and not page.exception and "Is this normal?" in markdown(page)


def test_a_diverged_run_writes_with_its_last_good_weights(app: OpenPage, home: Path, trained: Run) -> None:
    RunStore(home).set_status(trained.id, "diverged")
    assert "last good weights" in markdown(app("sampling", run=trained.id))


def test_somebody_elses_run_may_write(app: OpenPage, home: Path, trained: Run) -> None:
    with RunStore(home)._database.writing() as db:
        db.execute("UPDATE runs SET workspace = 'another'")
    page = app("sampling", run=trained.id)
    assert not page.error and page.selectbox(key="sampling_run").options[0].startswith(run_title(trained))


def test_a_deleted_run_gives_way_to_the_prepared_one_by_name(app: OpenPage, home: Path, trained: Run) -> None:
    page = app("sampling")
    said = "is no longer there"
    assert said not in markdown(page)
    RunStore(home).delete(trained.id)
    page.run()
    assert not page.exception
    assert "comes with the program" in markdown(page)
    (line,) = [line for line in markdown(page).splitlines() if said in line]
    with using("en"):
        assert f"**{escape_markdown(run_title(resources.run(address_of(page, 'author'))))}**" in line
    assert said not in markdown(page.run())  # once


def test_a_prepared_run_that_nobody_has_is_said(app: OpenPage) -> None:
    page = app("sampling", author="preparedNobody")
    assert not page.exception and "is no longer there" in markdown(page)


@pytest.mark.parametrize(
    "query", [{"temperature": "99"}, {"temperature": "nan"}, {"top_p": "0"}, {"seed": "-3"}]
)
def test_settings_out_of_range_in_the_address_do_no_harm(
    app: OpenPage, trained: Run, query: dict[str, str]
) -> None:
    page = app("sampling", **query)
    assert not page.exception and "mg-lot" in html(page)


# The stream


def test_a_beginning_has_no_new_word_where_the_run_is_gone(trained: Run, home: Path) -> None:
    request = GenerationRequest(run=trained.id, step=20, prompt="un zébu,")
    assert has_new_word(request)
    RunStore(home).delete(trained.id)
    assert not has_new_word(request)


@pytest.mark.parametrize("fields", [{}, {"temperature": 0.5, "top_k": 5}, {"top_p": 0.9, "seed": 3}])
def test_the_stream_is_the_text_of_the_core(
    client: TestClient, trained: Run, fields: dict[str, float]
) -> None:
    request = GenerationRequest(run=trained.id, step=20, prompt="un matin,", **fields)
    expected = reference(trained, "un matin,", 120, **fields)
    assert streamed(client, request, 120) == expected
    assert streamed(client, request, 120, **{"from": "50"}) == expected[50:]
    assert resources.generated_text(request).text(120) == expected


def test_the_stream_and_the_command_line_agree(
    client: TestClient, trained: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        main(["sample", "--prompt", "un matin,", "--tokens", "80", "--temperature", "0.8", "--seed", "5"])
        == 0
    )
    request = GenerationRequest(run=trained.id, step=20, prompt="un matin,", temperature=0.8, seed=5)
    assert capsys.readouterr().out == f"un matin,{streamed(client, request, 80)}\n"


def test_the_command_line_can_cut_a_full_window_down(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shape = ["n_layer=1", "positions=learned", "block_size=8", "steps=2"]
    assert main(["train", *(part for field in shape for part in ("--set", field)), "--json"]) == 0
    capsys.readouterr()
    run = RunStore(home).find_run("last")
    known = CharTokenizer.from_characters(run.characters)
    steps = stream(
        resources.model(run.id, 2), known.encode("un matin,"), 40, 8, keep=3,
        generator=torch.Generator().manual_seed(1337), settings=SampleSettings(),
    )  # fmt: skip
    assert main(["sample", "--prompt", "un matin,", "--tokens", "40", "--keep", "3"]) == 0
    assert capsys.readouterr().out == f"un matin,{known.decode([step.token for step in steps])}\n"
    assert main(["sample", "--keep", "8"]) == 2
    assert "keep = 8" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"run": "0" * 24}, 404),
        ({"run": "../../etc"}, 404),
        ({"text": "no such text"}, 422),
        ({"text": "additions", "temperature": "-1"}, 422),
        ({"text": "additions", "temperature": "nan"}, 422),
        ({"text": "additions", "top_p": "0"}, 422),
        ({"text": "additions", "seed": "-1"}, 422),
        ({"text": "additions", "seed": "many"}, 422),
        ({"text": "additions", "prompt": "1" * (MAX_PROMPT + 1)}, 422),
    ],
)
def test_what_cannot_be_written_is_a_sentence(client: TestClient, query: dict[str, str], status: int) -> None:
    answer = client.get("/api/sample", params=query)
    assert answer.status_code == status and answer.json()["error"]


def lanes_of(client: TestClient, requests: list[GenerationRequest], length: int) -> list[str]:
    """The texts that the component puts together from a stream of several."""
    query = {"recipes": json.dumps([request.to_query() for request in requests]), "length": str(length)}
    answer = client.get("/api/lanes", params=query)
    assert answer.status_code == 200, answer.text
    steps = [step for line in map(json.loads, answer.text.splitlines()) for step in line["steps"]]
    return [
        "".join(letters) for letters in zip(*([letter[0] for letter in step] for step in steps), strict=True)
    ]


def test_texts_side_by_side_are_those_that_each_request_gives_alone(client: TestClient, trained: Run) -> None:
    base = GenerationRequest(run=trained.id, step=20, prompt="un matin,")
    requests = [replace(base, temperature=t) for t in (0, 0.5, 2)]
    requests += [
        replace(base, seed=5),
        replace(base, step=0),
        GenerationRequest(text="additions", order=3, prompt="1"),
    ]
    assert lanes_of(client, requests, 40) == [
        resources.generated_text(request).text(40) for request in requests
    ]


@pytest.mark.parametrize(
    "recipes",
    ["", "{}", "[]", "[1]", '[{"run": 3}]', "[" + ",".join(["{}"] * 9) + "]", '[{"text":"x","order":"7"}]'],
)
def test_nonsense_instead_of_requests_is_a_sentence(client: TestClient, recipes: str) -> None:
    answer = client.get("/api/lanes", params={"recipes": recipes})
    assert answer.status_code == 422 and answer.json()["error"]


def test_the_scores_are_those_of_the_core(client: TestClient, trained: Run) -> None:
    ids = [3, 1, 4, 1, 5]
    query = GenerationRequest(run=trained.id, step=20).to_query() | {"ids": ",".join(map(str, ids))}
    logits = client.get("/api/scores", params=query).json()["logits"]
    assert logits == predict(resources.model(trained.id, 20), torch.tensor(ids)).double().tolist()


@pytest.mark.parametrize("ids", ["", "a", "1,,2", "-1", "99999", "1.5"])
def test_nonsense_instead_of_ids_is_a_sentence(client: TestClient, trained: Run, ids: str) -> None:
    answer = client.get(
        "/api/scores", params=GenerationRequest(run=trained.id, step=20).to_query() | {"ids": ids}
    )
    assert answer.status_code == 422 and answer.json()["error"]


# The other questions


def data_of(page: AppTest, key: str) -> dict[str, Any]:
    """What a component of the page was given."""
    (found,) = [e for e in page.get("bidi_component") if key in e.proto.id]
    data: dict[str, Any] = json.loads(found.proto.json)
    return data


VIEWS = ("next", "temperature", "models", "surprise", "copied")


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("view", VIEWS)
def test_every_question_opens_in_both_languages(app: OpenPage, trained: Run, view: str, lang: str) -> None:
    page = app("sampling", lang=lang, view=view)
    assert not page.exception and not page.error
    assert address_of(page, "view") == view
    question = next(known.question for known in views.VIEWS if known.name == view)
    with using(lang):
        assert (
            translated(question)
            in page.button_group(key=state.page_key(views.KEY)).options[VIEWS.index(view) + 1]
        )


def test_the_question_stays_when_the_language_changes(app: OpenPage, trained: Run) -> None:
    page = app("sampling", lang="en", view="temperature", rows="draws")
    page.query_params["lang"], page.query_params["follow"] = "fr", "1"
    page.run()
    assert "déterministe" in markdown(page) and address_of(page, "view") == "temperature"


def test_the_pipeline_is_given_the_scores_and_random_numbers_of_the_text(app: OpenPage, trained: Run) -> None:
    page = app("sampling", view="next", prompt="le cha", temperature="1.5", top_k="7", seed="9")
    data = data_of(page, "pipeline")
    known = CharTokenizer.from_characters(trained.characters)
    assert data["ids"] == known.encode("le cha").tolist()
    logits = predict(resources.model(trained.id, 20), known.encode("le cha"))
    assert data["logits"] == logits.double().tolist()
    u = torch.rand(1000, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    assert data["us"] == u.tolist()
    assert data["settings"] == {"temperature": 1.5, "top_k": 7, "top_p": 1.0}


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ({}, [0, 0.5, 0.8, 1, 1.5, 2]),
        ({"temperatures": "1_0.2_1"}, [0.2, 1]),
        ({"temperatures": "9_1..2_1.2"}, [1.2]),
        ({"temperatures": "9"}, [0, 0.5, 0.8, 1, 1.5, 2]),
    ],
)
def test_only_the_temperature_differs_from_row_to_row(
    app: OpenPage, trained: Run, address: dict[str, str], expected: list[float]
) -> None:
    page = app("sampling", view="temperature", seed="4", **address)
    requests = requests_in(data_of(page, "sampling_temperatures"))
    assert [request.temperature for request in requests] == expected
    assert len({replace(request, temperature=1) for request in requests}) == 1 and requests[0].seed == 4


def test_beside_a_lesson_the_rows_are_shorter_so_that_the_last_stands_in_view(
    app: OpenPage, trained: Run
) -> None:
    address = {"view": "temperature", "rows": "draws"}
    assert data_of(app("sampling", **address), "sampling_draws")["length"] == 120
    beside = data_of(app("sampling", lesson="temperature", step="1", **address), "sampling_draws")
    assert beside["length"] == 72 and beside["compact"]


def test_only_the_seed_differs_between_draws_and_the_last_repeats_the_first(
    app: OpenPage, trained: Run
) -> None:
    page = app("sampling", view="temperature", rows="draws", temperature="1")
    requests = requests_in(data_of(page, "sampling_draws"))
    assert [request.seed for request in requests] == [1337, 1338, 1339, 1340, 1337]
    assert "**No**" in markdown(page)
    page.slider(key="temperature").set_value(0.0).run()
    assert "**Yes**" in markdown(page)


def test_a_run_is_compared_with_an_earlier_checkpoint_or_whom_one_chooses(
    app: OpenPage, trained: Run
) -> None:
    page = app("sampling", view="models")
    one, other = requests_in(data_of(page, "sampling_models"))
    assert (one.run, one.step, other.run, other.step) == (trained.id, 20, trained.id, 0)
    assert replace(other, step=20) == one
    page.selectbox(key="sampling_against").set_value("trigram").run()
    _one, other = requests_in(data_of(page, "sampling_models"))
    assert (other.run, other.text, other.order) == ("", trained.text_id, 3)
    assert page.query_params["against"] == "trigram"


@pytest.mark.parametrize(
    ("against", "said"),
    [("preparedTinyEn:500", "A lower loss is better"), ("preparedGptFr:1200", "belong to different texts")],
)
def test_losses_on_different_texts_are_not_compared(app: OpenPage, against: str, said: str) -> None:
    page = app("sampling", view="models", author="preparedGptEn", against=against)
    assert any("same random numbers" in one.value and said in one.value for one in page.markdown)


@pytest.mark.parametrize("against", ["nobody:3", "trigram", "preparedGptEn:1"])
def test_a_link_may_name_any_other_or_nobody(app: OpenPage, trained: Run, against: str) -> None:
    page = app("sampling", view="models", against=against)
    assert not page.exception and not page.error and data_of(page, "sampling_models")


def test_counted_pairs_are_compared_with_triples(app: OpenPage) -> None:
    page = app("sampling", view="models", author="bigram", text="additions")
    one, other = requests_in(data_of(page, "sampling_models"))
    assert (one.order, other.order) == (2, 3) and replace(other, order=2) == one


def requests_in(data: dict[str, Any]) -> list[GenerationRequest]:
    """The requests whose texts a component reads."""
    query = parse_qs(urlsplit(data["url"]).query)
    return [GenerationRequest.from_query(request) for request in json.loads(query["recipes"][0])]


def test_the_surprise_of_a_text_and_its_mean_are_the_models(app: OpenPage, trained: Run) -> None:
    page = app("sampling", view="surprise")
    page.text_area(key=state.page_key("sampling.surprise_text")).set_value(
        "Le chat 😀 dort, et la souris danse.\n" * 3
    ).run()
    text = "le chat  dort, et la souris danse.\n" * 3
    known = CharTokenizer.from_characters(trained.characters)
    found = token_losses(resources.model(trained.id, 20), known.encode(text), trained.model.block_size)
    data = data_of(page, "token_losses")
    assert data["ids"] == known.encode(text).tolist()
    assert data["losses"] == pytest.approx(found.losses.tolist(), abs=1e-4)
    assert data["likeliest"] == found.likeliest.flatten().tolist()
    with using("en"):
        shown = number(found.loss, 4)
    assert html(page).count(f"{shown} nats") == 2  # the mean, and the model's own loss
    assert "😀" in markdown(page)


@pytest.mark.parametrize("text", ["", "a", "😀😀"])
def test_too_little_text_for_a_surprise_is_a_sentence(app: OpenPage, trained: Run, text: str) -> None:
    page = app("sampling", view="surprise")
    page.text_area(key=state.page_key("sampling.surprise_text")).set_value(text).run()
    assert not page.exception and "at least two characters" in page.info[0].value


def test_a_long_text_is_read_up_to_the_limit_and_says_so(app: OpenPage, trained: Run) -> None:
    page = app("sampling", view="surprise", author="trigram")
    page.text_area(key=state.page_key("sampling.surprise_text")).set_value("le chat dort. " * 800).run()
    assert "11,200" in markdown(page) and len(data_of(page, "token_losses")["ids"]) == 10_000


def test_what_was_copied_is_what_the_core_finds(app: OpenPage, trained: Run) -> None:
    page = app("sampling", view="copied", least="5", length="200", temperature="0.5")
    known, unseen = resources.text_parts(trained.text_id, True, 0.1)
    sample = reference(trained, prompt(page), 200, temperature=0.5)
    copied = TrainingText(known).memorized(sample, 5)
    shares = [TrainingText(known).memorized(piece, 5).share for piece in pieces_of(unseen, 200)]
    assert f"<b>{percent(copied.share)}</b>" in html(page)
    assert f"<b>{percent(sum(shares) / len(shares))}</b>" in html(page)
    assert html(page).count("mg-copied-place") == min(len(copied.longest(4)), 4) > 0


def test_marks_stand_where_the_stretches_are() -> None:
    known = TrainingText("the cat sat on the mat and slept")
    sample = "a cat sat on<b>\nthe mat"
    copied = known.memorized(sample, 5)
    shown = sample_html(sample, copied, copied.longest(1))
    assert "<sup>1</sup> cat sat on</span>" in shown and "&lt;b&gt;⏎\n" in shown
    assert "<span class='mg-copied-some'>the mat</span>" in shown


def test_a_share_is_only_called_copied_beyond_what_the_text_repeats_itself() -> None:
    known = TrainingText("abcdefghij")
    half = known.memorized("abcdefghij" + "z" * 10, 5)
    with using("en"):
        as_much = verdict(half, [0.4, 0.45, 0.5])
        assert "repeats its phrases again and again" in as_much
        assert "again and again" not in verdict(known.memorized("abcde" + "z" * 95, 5), [0.04, 0.05, 0.06])
        assert "About as much as this text repeats itself" in as_much and "chance" not in as_much
        assert "45% stands word for word in the rest as well (40% to 50%" in as_much.replace("\u202f", "")
        assert "Less than this text repeats itself" in verdict(half, [0.9])
        assert "cannot tell" in verdict(known.memorized("abcdefghij", 5), [1.0, 1.0])
        assert "does not show" in as_much
        assert "does not show" not in verdict(half, [0.4, 0.45, 0.5], "The losses tell.")
        assert "Copied" in verdict(half, [0.2])
        assert "Invented" in verdict(known.memorized("zzz", 2), [0.4])
        assert "no unseen text" in verdict(half, [])


def test_pieces_that_repeat_alike_are_given_one_share() -> None:
    half = TrainingText("abcdefghij").memorized("abcdefghij" + "z" * 10, 5)
    with using("en"):
        assert "100% stands word for word in the rest as well." in verdict(half, [1.0, 1.0]).replace(
            "\u202f", ""
        )
        assert " to " not in verdict(half, [1.0, 1.0, 1.0])


def test_what_a_sample_does_not_show_is_told_by_the_losses() -> None:
    with using("en"):
        said = better_known(Losses(0.86, 1.58))
        assert "0.86" in said and "1.58" in said and "its own text better" in said
        for seen, unseen in ((1.2, 1.46), (2.29, 2.28), (None, 1.0), (1.0, None)):
            assert not better_known(Losses(seen, unseen))


# Behind them


def test_scores_that_are_not_numbers_are_a_sentence(home: Path, trained: Run) -> None:
    request = GenerationRequest(run=trained.id, step=20)
    with torch.no_grad():
        next(resources.model(trained.id, 20).parameters()).fill_(torch.nan)
    for _again in range(2):
        with pytest.raises(UserError, match="not numbers"):
            resources.generated_text(request).token(0)


def test_every_stage_of_learning_has_its_sentence() -> None:
    known = Baselines(4.0, 3.0, 3.0, 2.4, 2.4, 2.0, 2.0, 2.3)
    with using("en"):
        stages = [Losses(loss, loss) for loss in (4.2, 3.0, 2.4, 1.9, 1.2)]
        said = [what_it_has_learned(losses, 55, known) for losses in stages]
        assert len(set(said)) == len(LEARNED)
        assert "not words" in said[2]
        assert "not measured" in what_it_has_learned(Losses(None, None), 55, known)
        assert "the text it learned from" in what_it_has_learned(Losses(2.4, None), 55, known)


def test_what_it_wrote_is_looked_at_before_its_text_is_called_gibberish() -> None:
    """A text of few phrases: the counted triples foresee it as well as the model, whose sentences are flawless."""
    known = Baselines(3.3, 2.8, 2.8, 0.9, 0.9, 0.3, 0.3, 0.9)
    with using("en"):
        flawless = what_it_has_learned(Losses(0.13, 0.13), 27, known, Written(600, 1.0, 0.96))
        assert "100\u202f% are words of its text" in flawless and "gibberish" not in flawless
        assert "96\u202f% of it stands word for word" in flawless and "by heart" not in flawless
        half = what_it_has_learned(
            Losses(1.9, 1.9), 27, Baselines(4, 3, 3, 2.4, 2.4, 2, 2, 2.3), Written(9, 0.4, 0)
        )
        assert "gibberish is normal" in half and "word for word" not in half
        untrained = what_it_has_learned(Losses(3.3, 3.3), 27, known, Written(0, 0.1, 0.0))
        assert "next to nothing" in untrained and "at step" not in untrained


def test_a_model_that_writes_flawless_sentences_is_not_told_that_they_are_beyond_it(
    app: OpenPage, home: Path
) -> None:
    """Really trained, on a text that says the same again and again."""
    text = "one morning the cat sat on the mat and looked at the dog. " * 60
    config = TrainConfig(
        steps=150, batch_size=8, learning_rate=1e-2, optimizer="muon", sample_length=120, eval_interval=150
    )
    fields = CHAT_CURIEUX_GPT.model | {"block_size": 32, "n_embd": 32, "dropout": 0.0}
    run = new_run(
        RunStore(home), text=text, title="Mine", model_fields=fields, training=config, status="running"
    )
    train(RunStore(home), run.id, Controls(queue.Queue(), lambda *_told: None))
    said = markdown(app("sampling", run=run.id))
    assert "are words of its text" in said and "stands word for word in that text" in said
    assert "gibberish is normal" not in said and "beyond it" not in said


@pytest.mark.parametrize("losses", [(0.13, 0.13), (0.15, 4.1), (0.86, 1.58), (1.3, 1.5)])
def test_training_and_sampling_judge_learning_by_heart_alike(losses: tuple[float, float]) -> None:
    """What one calls known by heart, or better than other text, the other does not call unproven."""
    seen, unseen = losses
    curve = [
        MetricsEvent(step=n, train_loss=seen + 0.5**n, val_loss=unseen + 0.5**n, val_accuracy=None)
        for n in range(20)
    ]
    found = diagnose(
        curve, status="done", training=TrainConfig(steps=20), sees_one_character=False,
        baselines=Baselines(4.0, 3.0, 3.0, 2.4, 2.4, 2.0, 2.0, 2.3),
    )  # fmt: skip
    sampling = better_known(Losses(seen, unseen))
    with using("en"):
        expected = what_it_has_learned(Losses(seen, unseen), 55, None)
    assert (
        (found.kind == "gap")
        == bool(sampling)
        == ("text that it learned" in expected or "by heart" in expected)
    )


def test_a_very_short_text_is_said_to_be_one() -> None:
    with using("fr"):
        assert "très court" in how_short_its_text_is(758) and "758" in how_short_its_text_is(758)
        assert not how_short_its_text_is(VERY_SHORT)


def test_learning_by_heart_and_breaking_have_their_sentences() -> None:
    with using("en"):
        by_heart = what_it_has_learned(Losses(0.15, 4.13), 12, None)
        assert "nearly always guesses" in by_heart and "(loss 0.15 there)" in by_heart
        assert "(4.13; pure chance costs 2.48)" in by_heart
        assert "begun to learn by heart" in what_it_has_learned(Losses(0.25, 4.13), 12, None)
        assert "begun to learn by heart" in what_it_has_learned(Losses(1.2, 2.0), 12, None)
        for loss in (3.1, 57_902_724.0, float("nan")):
            assert "broke this model" in what_it_has_learned(Losses(loss, loss), 12, None)
        assert "over 1,000,000 on text it never saw" in what_it_has_learned(
            Losses(57_902_724.0, 57_902_724.0), 12, None
        )


def test_what_the_temperature_does_is_not_put_down_to_the_model(app: OpenPage, trained: Run) -> None:
    for temperature, blamed in (("0", 1), ("0.8", 0), ("1.3", 0), ("1.6", 1)):
        said = markdown(app("sampling", temperature=temperature))
        assert (
            said.count("the temperature, not the model") + (said.count("repeat itself, not the model"))
            == blamed
        )


def test_every_temperature_has_its_words() -> None:
    with using("en"):
        said = [temperature_words(t) for t in (0, 0.3, 0.8, 1, 1.2, 2)]
    assert len(set(said)) == len(TEMPERATURES)


@pytest.mark.parametrize(("top_k", "top_p"), [(1, 1.0), (3, 1.0), (0, 0.5), (3, 0.5)])
def test_probabilities_are_only_called_the_models_own_if_nothing_bends_them(top_k: int, top_p: float) -> None:
    with using("en"):
        own = settings_words(SampleSettings())
        assert "model’s own" in own
        said = settings_words(SampleSettings(top_k=top_k, top_p=top_p))
        assert "own" not in said
        assert ("Top-k" in said) == (top_k > 0) and ("Top-p" in said) == (top_p < 1)
    assert always_likeliest(SampleSettings(top_k=top_k, top_p=top_p)) == (top_k == 1)


def test_what_was_drawn_names_all_that_changed_it(app: OpenPage, trained: Run) -> None:
    page = app("sampling", temperature="1", top_k="1")
    plain = ", as the model says)"
    bent = "after temperature, top-k and top-p"
    again = "Another draw” changes that"
    assert bent in html(page) and plain not in html(page) and again not in markdown(page)
    bars = json.loads(page.get("plotly_chart")[0].proto.spec)["data"]
    settings = "after the settings"
    assert bars[1]["name"] == settings and settings in bars[1]["hovertext"][0]
    page = app("sampling", temperature="1")
    assert plain in html(page) and bent not in html(page) and again in markdown(page)


def test_with_top_k_1_every_draw_is_the_same_and_said_to_be(app: OpenPage, trained: Run) -> None:
    page = app("sampling", view="temperature", rows="draws", temperature="1", top_k="1")
    assert "Here it is" in markdown(page) and "**No**" not in markdown(page)


def test_a_run_that_still_waits_does_not_take_the_place_of_one_with_weights(
    app: OpenPage, trained: Run, home: Path
) -> None:
    RunStore(home).create_run(
        text_id=trained.text_id, text_title=trained.text_title, characters=trained.characters, lower=True,
        model=trained.model, training=trained.training, status="stopped",
    )  # fmt: skip
    page = app("sampling", lang="fr")
    assert not page.exception
    assert address_of(page, "author") == trained.id and "run" not in page.query_params  # only looked at


# The controls of a question


@pytest.mark.parametrize(
    ("view", "query", "drawn"),
    [
        ("write", {}, {"temperature", "top_k", "top_p", "length", "seed"}),
        ("models", {}, {"temperature", "top_k", "top_p", "length", "seed"}),
        ("next", {}, {"seed"}),
        ("temperature", {}, {"top_k", "top_p", "seed"}),
        ("temperature", {"rows": "draws"}, {"temperature", "top_k", "top_p", "seed"}),
        ("surprise", {}, set()),
    ],
)
def test_only_the_controls_that_a_question_uses_are_drawn(
    app: OpenPage, view: str, query: dict[str, str], drawn: set[str]
) -> None:
    page = app("sampling", author="bigram", view=view, **query)
    assert not page.exception
    assert {w.key for w in [*page.slider, *page.number_input]} & {*CONTROLS} == drawn


def test_what_is_not_drawn_keeps_its_value_and_its_place_in_the_address(app: OpenPage) -> None:
    page = app("sampling", author="bigram", temperature="1.5", top_k="3")
    page.number_input(key="length").set_value(120).run()
    page.slider(key="temperature").set_value(0.4).run()
    page.button_group(key=state.page_key(views.KEY)).set_value("surprise").run()
    assert not page.number_input and not page.exception
    assert {name: address_of(page, name) for name in ("temperature", "top_k", "length")} == {
        "temperature": "0.4",
        "top_k": "3",
        "length": "120",
    }
    page.button_group(key=state.page_key(views.KEY)).set_value("write").run()
    values = {name: page.number_input(key=name).value for name in ("top_k", "length", "seed")}
    assert values == {"top_k": 3, "length": 120, "seed": 1337} and page.slider(key="temperature").value == 0.4
    page.slider(key="temperature").set_value(0.8).run()
    assert "temperature" not in page.query_params and address_of(page, "top_k") == "3"
