"""The Sampling page: what it shows is what the core computes, and every mistake is a sentence."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from minigpt_core.__main__ import main
from minigpt_core.checkpoint_files import weights_path
from minigpt_core.data import prepare
from minigpt_core.errors import ConfigError, UserError
from minigpt_core.ngrams import Baselines, NgramModel
from minigpt_core.runs import Run, RunStore
from minigpt_core.sampling import SampleSettings, generate, next_probabilities, predict
from minigpt_core.tokenizer import CharTokenizer
from tests.app.conftest import OpenPage
from ui import resources
from ui.i18n import percent, using
from ui.sampling import controls, words
from ui.sampling.drawing import CountedModel
from ui.sampling.recipe import MAX_PROMPT, Recipe
from ui.sampling.stream import ROUTES

MakeRun = Callable[..., Run]


@pytest.fixture
def trained(home: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """A short training of the notebook's model on the French story."""
    assert main(["train", "--set", "steps=20", "--set", "eval_interval=10", "--json"]) == 0
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


def prompt(page: AppTest) -> str:
    return page.text_input(key="prompt").value or ""


def reference(run: Run, prompt: str, length: int, **settings: float) -> str:
    """The same text straight from the core."""
    known = CharTokenizer.from_characters(run.characters)
    model = resources.model(run.id, run.step)
    steps = generate(
        model, known.encode(prompt), length, run.model.block_size,
        generator=torch.Generator().manual_seed(int(settings.pop("seed", 1337))),
        settings=SampleSettings(**settings),  # type: ignore[arg-type]
    )  # fmt: skip
    return known.decode([step.token for step in steps])


def streamed(client: TestClient, recipe: Recipe, length: int, **query: str) -> str:
    """What the component puts together from the stream's lines."""
    answer = client.get("/api/sample", params=recipe.to_query() | {"length": str(length)} | query)
    assert answer.status_code == 200, answer.text
    shown: dict[str, list[str]] = {}
    text = ""
    for line in map(json.loads, answer.text.splitlines()):
        shown |= line["names"]
        text += "".join("\n" if shown[str(i)][2] else shown[str(i)][0] for i, _p, _u in line["steps"])
    return text


# The page


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_without_a_run_counted_pairs_write_and_say_so(app: OpenPage, lang: str) -> None:
    page = app("sampling", lang=lang)
    assert not page.exception and not page.error
    assert {"en": "counted pairs", "fr": "paires comptées"}[lang] in markdown(page)
    assert prompt(page).lower() == {"en": "one morning,", "fr": "un matin,"}[lang]
    assert [link.proto.page for link in page.main.get("page_link")] == ["training"]
    known = prepare(resources.chosen_text(page.query_params["text"], True).text)
    loss = NgramModel(2, known.tokenizer.vocab_size).fit(known.train).loss(known.val)
    assert f"{loss:.2f}".replace(".", {"en": ".", "fr": ","}[lang]) in markdown(page)


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_the_draw_of_a_character_is_what_the_core_says(app: OpenPage, trained: Run, lang: str) -> None:
    page = app("sampling", lang=lang, prompt="le cha", temperature="1.5")
    known = CharTokenizer.from_characters(trained.characters)
    logits = predict(resources.model(trained.id, 20), known.encode("le cha"))
    u = torch.rand(1, generator=torch.Generator().manual_seed(1337), dtype=torch.float64).item()
    token = known.stoi[reference(trained, "le cha", 1, temperature=1.5)]
    after = next_probabilities(logits, SampleSettings(temperature=1.5))[token]
    assert {"en": f"u = {u:.2f}", "fr": f"u = {u:.2f}".replace(".", ",")}[lang] in html(page)
    with using(lang):
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


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_unknown_characters_are_named_and_left_out(app: OpenPage, trained: Run, lang: str) -> None:
    page = app("sampling", lang=lang, prompt="Le <script>😀\u202e chat")
    said = {"en": "Left out of the prompt", "fr": "Laissés hors de l’amorce"}[lang]
    (line,) = [line for line in markdown(page).splitlines() if said in line]
    assert "😀" in line and "RLO" in line and r"\<" in line
    assert not page.exception and "<script" not in html(page)


def test_an_empty_prompt_says_what_the_text_begins_after(app: OpenPage, trained: Run) -> None:
    page = app("sampling")
    page.text_input(key="prompt").set_value("").run()
    assert r"begins after\: new line" in markdown(page)


def test_the_prompt_follows_the_writer_until_somebody_types(app: OpenPage) -> None:
    page = app("sampling", text="additions")
    assert prompt(page).endswith("=")
    page.query_params["text"] = "the-curious-cat"
    assert prompt(page.run()).lower() == "one morning,"
    page.text_input(key="prompt").set_value("my own").run()
    page.query_params["text"] = "additions"
    assert prompt(page.run()) == "my own"


def test_every_checkpoint_can_write(app: OpenPage, trained: Run) -> None:
    page = app("sampling")
    box = page.selectbox(key="sampling_checkpoint")
    assert [option.split(" · ")[0] for option in box.options[2:]] == ["step 20", "step 10", "step 0"]
    box.set_value("0").run()
    unseen = RunStore().evaluations(trained.id)[0].val_loss
    assert f"Loss {unseen:.2f} on text it never saw" in markdown(page)
    assert "next to nothing" in markdown(page) and page.query_params["checkpoint"] == "0"


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_a_spoiled_training_is_said_and_earlier_weights_may_write(
    app: OpenPage, home: Path, capsys: pytest.CaptureFixture[str], lang: str
) -> None:
    assert main(["train", "--set", "steps=20", "--set", "learning_rate=1000", "--json"]) == 0
    page = app("sampling", lang=lang)
    assert not page.exception and not page.error
    assert {"en": "This training broke its model", "fr": "Cet entraînement a cassé son modèle"}[
        lang
    ] in markdown(page)
    assert {"en": "the training broke this model.", "fr": "l’entraînement a cassé ce modèle."}[
        lang
    ] in markdown(page)
    assert [link.proto.page for link in page.main.get("page_link")] == ["training"]
    page = app("sampling", lang=lang, checkpoint="0")
    assert {"en": "broke its model later on", "fr": "par la suite"}[lang] in markdown(page)


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_a_long_prompt_keeps_its_end_and_says_so(app: OpenPage, trained: Run, lang: str) -> None:
    page = app("sampling", lang=lang)
    said = {"en": f"its last {MAX_PROMPT} are used", "fr": f"les {MAX_PROMPT} derniers servent"}[lang]
    page.text_input(key="prompt").set_value("x" * 5000 + "le chat").run()
    assert prompt(page) == "x" * (MAX_PROMPT - 7) + "le chat" and said in markdown(page)
    page.text_input(key="prompt").set_value("le chat").run()
    assert said not in markdown(page)
    page = app("sampling", lang=lang, prompt="y" * (MAX_PROMPT + 1))
    assert said in markdown(page) and not page.error


def test_a_step_that_is_not_kept_is_said(app: OpenPage, trained: Run) -> None:
    page = app("sampling", checkpoint="7")
    assert "Step 7 of this run is not kept" in "".join(element.value for element in page.sidebar.caption)
    assert not page.error


def test_counted_pairs_can_write_beside_a_run(app: OpenPage, trained: Run) -> None:
    page = app("sampling")
    page.selectbox(key="sampling_run").set_value(controls.COUNTED).run()
    assert "counted pairs" in markdown(page) and page.query_params["author"] == "bigram"
    page.selectbox(key="sampling_run").set_value(trained.id).run()
    assert "A model trained on" in markdown(page) and "author" not in page.query_params


def test_a_run_without_weights_is_a_sentence(app: OpenPage, some_run: MakeRun) -> None:
    page = app("sampling", run=some_run().id)
    assert "no saved weights yet" in page.error[0].value and not page.exception


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_a_missing_weights_file_is_a_sentence(app: OpenPage, home: Path, trained: Run, lang: str) -> None:
    weights_path(RunStore(home).folder(trained.id), 20).unlink()
    page = app("sampling", lang=lang)
    assert len(page.error) == 1 and not page.exception
    page.selectbox(key="sampling_checkpoint").set_value("10").run()
    assert not page.error


def test_a_missing_text_only_costs_the_comparison(app: OpenPage, home: Path, trained: Run) -> None:
    shutil.rmtree(home / "texts")
    page = app("sampling")
    assert not page.error and not page.exception and "gibberish" in markdown(page)


def test_a_diverged_run_writes_with_its_last_good_weights(app: OpenPage, home: Path, trained: Run) -> None:
    RunStore(home).set_status(trained.id, "diverged")
    assert "last good weights" in markdown(app("sampling"))


def test_somebody_elses_run_may_write(app: OpenPage, home: Path, trained: Run) -> None:
    with RunStore(home)._database.writing() as db:
        db.execute("UPDATE runs SET workspace = 'another'")
    page = app("sampling", run=trained.id)
    assert not page.error and trained.id[:6] in page.selectbox(key="sampling_run").options[0]


def test_a_deleted_run_gives_way_to_counted_pairs(app: OpenPage, home: Path, trained: Run) -> None:
    page = app("sampling")
    RunStore(home).delete(trained.id)
    page.run()
    assert not page.exception and "counted pairs" in markdown(page)


@pytest.mark.parametrize(
    "query", [{"temperature": "99"}, {"temperature": "nan"}, {"top_p": "0"}, {"seed": "-3"}]
)
def test_settings_out_of_range_in_the_address_do_no_harm(
    app: OpenPage, trained: Run, query: dict[str, str]
) -> None:
    page = app("sampling", **query)
    assert not page.exception and "mg-lot" in html(page)


# The stream


@pytest.mark.parametrize("fields", [{}, {"temperature": 0.5, "top_k": 5}, {"top_p": 0.9, "seed": 3}])
def test_the_stream_is_the_text_of_the_core(
    client: TestClient, trained: Run, fields: dict[str, float]
) -> None:
    recipe = Recipe(run=trained.id, step=20, prompt="un matin,", **fields)  # type: ignore[arg-type]
    expected = reference(trained, "un matin,", 120, **fields)
    assert streamed(client, recipe, 120) == expected
    assert streamed(client, recipe, 120, **{"from": "50"}) == expected[50:]
    assert resources.draw(recipe).text(120) == expected


def test_the_stream_and_the_command_line_agree(
    client: TestClient, trained: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        main(["sample", "--prompt", "un matin,", "--tokens", "80", "--temperature", "0.8", "--seed", "5"])
        == 0
    )
    recipe = Recipe(run=trained.id, step=20, prompt="un matin,", temperature=0.8, seed=5)
    assert capsys.readouterr().out == f"un matin,{streamed(client, recipe, 80)}\n"


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


def test_a_recipe_survives_the_address() -> None:
    recipe = Recipe(
        run="ab", step=3, lower=False, prompt="é & ?\n", temperature=0.05, top_k=4, top_p=0.35, seed=9
    )
    assert Recipe.from_query(recipe.to_query()) == recipe
    with pytest.raises(ConfigError, match="at most"):
        Recipe(prompt="x" * (MAX_PROMPT + 1))


# Behind them


def test_counted_pairs_are_wrapped_exactly() -> None:
    counts = NgramModel(2, 3).fit(torch.tensor([0, 1, 2, 0, 1, 1, 2, 0]))
    model = CountedModel(counts)
    for last in range(3):
        drawn_from = next_probabilities(predict(model, torch.tensor([last])), SampleSettings())
        torch.testing.assert_close(drawn_from, counts.probabilities([last]))


def test_a_draw_is_computed_only_as_far_as_it_is_asked_for(home: Path) -> None:
    draw = resources.draw(Recipe(text="additions", prompt="12+7="))
    draw.letter(4)
    assert len(draw._letters) == 5
    choice = draw.choice(4)
    assert choice.context == "12+7=" + draw.text(4)
    assert choice.after[choice.letter.token] == choice.letter.probability


def test_scores_that_are_not_numbers_are_a_sentence(home: Path, trained: Run) -> None:
    recipe = Recipe(run=trained.id, step=20)
    with torch.no_grad():
        next(resources.model(trained.id, 20).parameters()).fill_(torch.nan)
    for _again in range(2):
        with pytest.raises(UserError, match="not numbers"):
            resources.draw(recipe).letter(0)


def test_every_stage_of_learning_has_its_sentence() -> None:
    known = Baselines(4.0, 3.0, 3.0, 2.4, 2.4, 2.0, 2.0, 2.3)
    with using("en"):
        stages = [words.Losses(loss, loss) for loss in (4.2, 3.0, 2.4, 1.9, 1.2)]
        said = [words.what_it_has_learnt(losses, 55, known) for losses in stages]
        assert len(set(said)) == len(words.LEARNT)
        assert "not words" in said[2]
        assert "not measured" in words.what_it_has_learnt(words.Losses(None, None), 55, known)
        assert "the text it learnt from" in words.what_it_has_learnt(words.Losses(2.4, None), 55, known)


def test_learning_by_heart_and_breaking_have_their_sentences() -> None:
    with using("en"):
        by_heart = words.what_it_has_learnt(words.Losses(0.25, 4.13), 12, None)
        assert "by heart (loss 0.25 there)" in by_heart and "(4.13; pure chance costs 2.48)" in by_heart
        assert "begun to learn by heart" in words.what_it_has_learnt(words.Losses(1.2, 2.0), 12, None)
        for loss in (3.1, 57_902_724.0, float("nan")):
            assert "broke this model" in words.what_it_has_learnt(words.Losses(loss, loss), 12, None)
        assert "57,902,724 on text it never saw" in words.what_it_has_learnt(
            words.Losses(57_902_724.0, 57_902_724.0), 12, None
        )


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_what_the_temperature_does_is_not_put_down_to_the_model(
    app: OpenPage, trained: Run, lang: str
) -> None:
    for temperature, blamed in (("0", 1), ("0.8", 0), ("1.3", 0), ("1.6", 1)):
        said = markdown(app("sampling", lang=lang, temperature=temperature))
        assert (
            said.count({"en": "the temperature, not the model", "fr": "la température, pas du modèle"}[lang])
            + (
                said.count(
                    {"en": "repeat itself, not the model", "fr": "tourner le texte en rond, pas le modèle"}[
                        lang
                    ]
                )
            )
            == blamed
        )


def test_every_temperature_has_its_words() -> None:
    with using("en"):
        said = [words.temperature_words(t) for t in (0, 0.3, 0.8, 1, 1.2, 2)]
    assert len(set(said)) == len(words.TEMPERATURES)


def test_a_run_that_still_waits_does_not_take_the_place_of_one_with_weights(
    app: OpenPage, trained: Run, home: Path
) -> None:
    RunStore(home).create_run(
        text_id=trained.text_id, text_title=trained.text_title, characters=trained.characters, lower=True,
        model=trained.model, training=trained.training, status="stopped",
    )  # fmt: skip
    page = app("sampling", lang="fr")
    assert not page.exception
    assert page.query_params["run"] in (trained.id, [trained.id])
