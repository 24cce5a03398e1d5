"""The runs that come with the program, as the pages show them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from minigpt_core.configs import TrainConfig
from minigpt_core.ladder import settings_up_to
from minigpt_core.store.prepared import RECIPES, shows_trouble
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.training import Trainer
from tests.app.conftest import OpenPage
from tests.app.test_home import train
from ui import resources
from ui.runs.wording import run_title
from ui.words.i18n import using

IDS = [
    recipe.id for recipe in RECIPES if not (shows_trouble(recipe.id) and recipe.text == "le-chat-curieux")
]  # of troubles, those on the English story
STORY = {"fr": "preparedGptFr", "en": "preparedGptEn"}
MakeRun = Callable[..., Run]


@pytest.fixture(scope="session")
def first_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Empty: here the pages take the prepared runs in themselves."""
    return tmp_path_factory.mktemp("first")


def looks_into(lang: str, **session: str) -> str | None:
    """The run that a page would show the inside of."""

    def page() -> None:
        import streamlit as st

        from ui import state
        from ui.inside.inspected_model import run_to_inspect
        from ui.words.i18n import speak

        speak(state.asked_language())
        run = run_to_inspect()
        st.text(run.id if run else "")

    test = AppTest.from_function(page)
    test.context = {"locale": lang}
    for name, value in session.items():
        test.session_state[name] = value
    return test.run().text[0].value or None


def test_they_are_there_from_the_first_minute_behind_ones_own(some_run: MakeRun) -> None:
    assert [run.id for run in resources.visible_runs("local")] == IDS
    own = [some_run(), some_run()]
    some_run(workspace="somebody-elses-workspace")
    found = [run.id for run in resources.visible_runs("local")]
    assert found == [own[1].id, own[0].id, *IDS]
    assert [run.id for run in RunStore().runs("local")] == found[:2]


def test_a_data_folder_that_takes_no_texts_only_lacks_them(home: Path, some_run: MakeRun) -> None:
    own = some_run()
    for text in (home / "texts").iterdir():
        text.unlink()
    (home / "texts").rmdir()
    (home / "texts").write_text("")
    assert [run.id for run in resources.visible_runs("local")] == [own.id]


@pytest.mark.parametrize("lang", STORY)
def test_a_page_looks_into_the_gpt_of_its_language(some_run: MakeRun, lang: str) -> None:
    assert looks_into(lang) == STORY[lang]
    train(some_run(steps=2))  # a TinyGPT, without attention to look at: the GPT on its text is
    assert looks_into(lang) == STORY["en"]
    assert looks_into(lang, run="preparedReversed") == "preparedReversed"


def test_a_page_looks_into_ones_own_gpt_first(some_run: MakeRun, home: Path) -> None:
    store, tiny = RunStore(home), some_run()
    gpt = store.create_run(
        text_id=tiny.text_id, text_title=tiny.text_title, characters=tiny.characters, lower=True, status="done",
        model=tiny.model.from_dict(tiny.model.to_dict() | settings_up_to("mlp")[0]), training=TrainConfig(),
    )  # fmt: skip
    assert looks_into("en") == STORY["en"]  # it has no weights yet
    trainer = Trainer(resources.run_dataset(gpt.id), gpt.model, gpt.training)
    store.save_checkpoint(gpt.id, trainer.checkpoint())
    assert looks_into("en") == gpt.id


def test_the_training_page_shows_one_and_starts_another_like_it(app: OpenPage, home: Path) -> None:
    page = app("training", "fr", run="preparedGptFr", text="le-chat-curieux")
    assert not page.exception and not page.error
    shown = resources.run("preparedGptFr")
    title = "GPT sur «\u00a0Le Chat Curieux\u00a0» (préparé)"
    with using("en"):
        assert run_title(shown) == "GPT on “Le Chat Curieux” (prepared)"
    name = page.text_input(key="page.training.name.preparedGptFr")
    assert name.value == title and name.disabled
    assert page.button(key="training_delete_preparedGptFr").disabled
    assert all(
        page.button(key=key).disabled for key in ("training_step", "training_stop", "training_restart")
    )
    with using("fr"):
        page.button(key="start").click().run()
    assert not page.exception and not page.error
    own = RunStore(home).runs("local")
    assert len(own) == 1 and page.query_params["run"] == own[0].id
    assert own[0].model == shown.model
    assert own[0].training.to_dict() | {"device": "cpu"} == shown.training.to_dict()
    resources.jobs().stop(own[0].id)
    assert resources.run("preparedGptFr") == shown


def test_home_offers_one_to_who_has_trained_nothing(app: OpenPage, some_run: MakeRun) -> None:
    def offered(page: AppTest) -> list[str]:
        assert not page.exception
        return [
            link.proto.query_string for link in page.get("page_link") if "prepared" in link.proto.query_string
        ]

    page = app("home", "fr")
    assert offered(page) == ["author=preparedGptFr&view=write"]
    assert "Begin" in app("home", "en", run="preparedGptEn").button(key="home_begin").label
    train(some_run(steps=2))
    assert offered(app("home", "en")) == []


def test_a_prepared_run_that_diverged_says_so(app: OpenPage) -> None:
    page = app("training", run="preparedDivergedEn")
    said = "\n".join(part.value for part in page.main.markdown) + "\n".join(
        part.proto.body for part in page.main.get("html")
    )
    assert "Diverged after step" in said and "This training was prepared" in said
