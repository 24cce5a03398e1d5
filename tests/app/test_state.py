"""What a tab remembers, what stands in the address, and what the shell does with it."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from minigpt_core.presets import NOTEBOOK
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.texts import corpus
from minigpt_core.training import MetricsEvent, Trainer
from tests.app.conftest import OpenPage
from tests.app.test_prepared import STORY, looks_into
from ui import resources, state
from ui.components.try_this import things
from ui.journey import STATIONS, Station
from ui.sidebar import run_html
from ui.style import DONE, PROBLEM, REFERENCE
from ui.words.i18n import _, using
from ui.words.languages import LANGUAGES
from ui.workspace import well_formed

RunMaker = Callable[..., Run]
WITHOUT_CODE = {"lessons"}  # it leads to things to do
TITLES = {
    "home": "Watch a mini-GPT learn to write",
    "puzzle": "A puzzle",
}


def sidebar_html(test: object) -> str:
    return "".join(html.value for html in test.sidebar.get("html"))  # type: ignore[attr-defined]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("station", STATIONS, ids=lambda station: station.name)
def test_every_page_opens_in_every_language(app: OpenPage, station: Station, lang: str) -> None:
    """All other tests need one language only, unless they are about words."""
    test = app(station.name, lang)
    assert not test.exception
    assert not test.error
    with using(lang):
        assert test.title[0].value == _(TITLES.get(station.name, station.title))
        assert corpus.BUNDLED[LANGUAGES[lang].story].title in sidebar_html(test)
        if station.name not in WITHOUT_CODE:
            the_code_and_what_to_try_can_be_unfolded(test, station.name)


def the_code_and_what_to_try_can_be_unfolded(test: AppTest, name: str) -> None:
    folded = [one for one in test.expander if one.label == _("Show the code")]
    to_try, shown = things(name).strip(), len(test.code)
    assert to_try not in [markdown.value.strip() for markdown in test.markdown]
    for key in (folded[0].proto.id.rsplit("-", 1)[1], f"{name}_try"):
        test.session_state[key] = True
    test.run()
    assert not test.exception and len(test.code) > shown
    assert to_try in [markdown.value.strip() for markdown in test.markdown]


def test_the_address_decides_the_language_and_the_text(app: OpenPage) -> None:
    test = app("vocabulary", address={"lang": "fr", "text": "additions"})
    assert "caractères" in sidebar_html(test)
    assert test.query_params["lang"] == "fr"
    assert test.query_params["text"] == "additions"


def test_the_address_is_written_back_on_the_next_page(app: OpenPage) -> None:
    test = app(address={"lang": "fr", "text": "additions"})
    test.query_params.clear()  # as navigation does
    test.switch_page("../pages/batches.py").run()
    assert (test.query_params["lang"], test.query_params["text"]) == ("fr", "additions")


@pytest.mark.parametrize("first", [state.VOCABULARY_TEXT, state.VOCABULARY_LOWER, state.LANGUAGE_SWITCH])
def test_a_click_that_still_has_the_old_address_takes_no_choice_back(app: OpenPage, first: str) -> None:
    """On a slow network a browser hears of its new address after the next click."""
    test = app("vocabulary", text="the-curious-cat", letters="original")
    old = dict(test.query_params)
    choose = {
        state.VOCABULARY_TEXT: lambda: test.radio(key=state.VOCABULARY_TEXT).set_value("additions"),
        state.VOCABULARY_LOWER: lambda: test.toggle(key=state.VOCABULARY_LOWER).set_value(True),
        state.LANGUAGE_SWITCH: lambda: test.button_group(key=state.LANGUAGE_SWITCH).set_value("fr"),
    }
    choose.pop(first)().run()
    chosen = dict(test.query_params)
    assert chosen != old
    for second in choose.values():
        test.query_params.clear()
        for name, value in old.items():
            test.query_params[name] = value
        second().run()
    assert (test.query_params["text"], test.query_params["lang"]) == ("additions", "fr")
    assert "letters" not in test.query_params
    assert test.radio(key=state.VOCABULARY_TEXT).value == "additions"


def test_the_language_switch(app: OpenPage) -> None:
    test = app("home", "en")
    switch = test.segmented_control(key=state.LANGUAGE_SWITCH)
    assert switch.options == [spoken.name for spoken in LANGUAGES.values()], (
        "each calls itself by its own name"
    )
    switch.set_value("fr").run()
    assert test.query_params["lang"] == "fr"
    assert "caractères" in sidebar_html(test)
    assert not test.exception


@pytest.mark.parametrize(
    "query", [{"lang": "xx"}, {"text": "../../etc/passwd"}, {"run": "<script>"}, {"letters": "?"}]
)
def test_nonsense_in_the_address_is_dropped(app: OpenPage, query: dict[str, str]) -> None:
    test = app(address=query)
    assert not test.exception
    assert not query.keys() & set(test.query_params)


def test_an_unknown_run_is_named_in_a_sentence(app: OpenPage) -> None:
    test = app("home", "en", run="abc123")
    assert "abc123" in test.warning[0].value
    assert "run" not in test.query_params


def test_an_unknown_text_is_said_in_a_sentence_without_its_64_digits(app: OpenPage) -> None:
    test = app("home", "en", text="0" * 64)
    assert "This text is not here" in test.warning[0].value and "00" not in test.warning[0].value
    assert "The Curious Cat" in sidebar_html(test)


@pytest.mark.parametrize(
    ("lang", "query", "said"),
    [
        ("en", {"text": "abc"}, "no text “abc” here"),
        ("fr", {"text": "<b>" * 50}, r"\<…"),
        ("en", {"run": "<b>"}, "There is no run"),
        ("en", {"lang": "de"}, ""),
    ],
)
def test_what_the_address_cannot_mean_is_said(
    app: OpenPage, lang: str, query: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = app("home", lang, address=query)
    assert [said in warning.value for warning in test.warning] == [True] * bool(said)
    assert len(test.run().warning) == bool(said)  # a page may draw itself anew before anybody has read it
    monkeypatch.setattr(state, "NOTICE_SECONDS", 0.0)
    assert not test.run().warning


def test_another_language_changes_the_story_of_newcomers_only(app: OpenPage, some_run: RunMaker) -> None:
    test = app("home", "en")
    test.get("segmented_control")[0].set_value("fr").run()
    assert "Le Chat Curieux" in sidebar_html(test)
    some_run()
    test.get("segmented_control")[0].set_value("en").run()
    assert "Le Chat Curieux" in sidebar_html(test) and test.query_params["text"] == "le-chat-curieux"


def test_a_spoiled_run_is_orange_in_the_sidebar(some_run: RunMaker, home: Path) -> None:
    run, store = some_run(), RunStore(home)
    ends = ((20, 3.0, DONE), (30, 3.69, REFERENCE), (40, 2e5, PROBLEM), (50, 2.0, DONE))
    for step, loss, colour in ends:  # pure chance costs 3.69
        event = MetricsEvent(step=step, train_loss=loss, val_loss=loss, val_accuracy=0.1)
        store.append(run.id, evaluations=[event])
        store.set_status(run.id, "done")
        assert colour in run_html(store.run(run.id))
    store.set_status(run.id, "diverged")
    assert PROBLEM in run_html(store.run(run.id))


def test_a_broken_gpt_is_looked_into_only_if_it_is_followed(some_run: RunMaker, home: Path) -> None:
    store, tiny = RunStore(home), some_run()
    gpt = store.create_run(
        text_id=tiny.text_id, text_title=tiny.text_title, characters=tiny.characters, lower=True, status="done",
        model=tiny.model.from_dict(tiny.model.to_dict() | {"n_layer": 1, "n_head": 1}), training=tiny.training,
    )  # fmt: skip
    trainer = Trainer(resources.run_dataset(gpt.id), gpt.model, gpt.training)
    store.save_checkpoint(gpt.id, trainer.checkpoint())
    assert looks_into("en") == gpt.id
    store.set_status(gpt.id, "diverged")
    assert looks_into("en") == STORY["en"]
    assert looks_into("en", run=gpt.id) == gpt.id


def test_an_unknown_page_is_named_in_a_sentence(app: OpenPage) -> None:
    test = app("home", "en", missing="nosuch")
    assert "nosuch" in test.warning[0].value
    assert "missing" not in test.query_params


def test_the_newest_run_is_followed_and_a_deleted_one_is_not(
    app: OpenPage, some_run: RunMaker, home: Path
) -> None:
    older, newer = some_run(name="older"), some_run(name="newer")
    assert "newer" in sidebar_html(app("home"))
    assert "older" in sidebar_html(app("home", run=older.id))
    RunStore(home).delete(newer.id)
    assert "older" in sidebar_html(app("home"))
    assert "“newer” was deleted" in app("home", run=newer.id).warning[0].value


def test_somebody_elses_run_can_be_watched(app: OpenPage, some_run: RunMaker) -> None:
    theirs = some_run(workspace="x" * 22, name="theirs")
    assert "theirs" not in sidebar_html(app("home"))
    assert "watching" in sidebar_html(app("home", run=theirs.id))


def test_a_runs_name_is_shown_and_never_run(app: OpenPage, some_run: RunMaker) -> None:
    some_run(name="<img src=x onerror=alert(1)>")
    shown = sidebar_html(app("home"))
    assert "<img" not in shown
    assert "&lt;img src=x" in shown


def test_a_damaged_store_is_a_sentence(app: OpenPage, some_run: RunMaker, home: Path) -> None:
    some_run()
    sqlite3.connect(home / "runs.sqlite3").close()
    (home / "runs.sqlite3-wal").unlink(missing_ok=True)
    (home / "runs.sqlite3").write_bytes(b"not a database" * 1000)
    test = app("home", "fr")
    assert not test.exception
    assert any("abîmé" in error.value for error in test.error)


def test_the_report_names_versions_and_folder(app: OpenPage, home: Path) -> None:
    test = app("home")
    test.session_state["corner"] = True
    report = test.run().code[-1].value
    assert "streamlit 1." in report
    assert str(home) in report


def test_visitors_are_not_told_the_folder(app: OpenPage, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIGPT_SERVE", "1")
    test = app("home")
    test.session_state["corner"] = True
    assert str(home) not in test.run().code[-1].value


def tab_workspaces(test: AppTest) -> list[str]:
    """The tokens that the tab is asked to keep."""
    return [
        json.loads(part.proto.json)["token"]
        for part in test.get("bidi_component")
        if "tab_workspace" in part.proto.component_name
    ]


def test_where_no_cookie_comes_the_tab_keeps_the_workspace(
    app: OpenPage, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tab_workspaces(app("home")) == []  # on loopback everybody has the same
    monkeypatch.setenv("MINIGPT_SERVE", "1")
    test = app("home")
    [token] = tab_workspaces(test)
    assert well_formed(token) and test.session_state["workspace"] == token
    assert tab_workspaces(test.run()) == [token]


def seed_of_next(test: AppTest) -> int:
    """What the controls of the Training page say."""
    return int(test.session_state["page.training.seed"])


def test_in_a_class_everybody_begins_with_another_seed_unless_a_lesson_or_a_link_says_one(
    app: OpenPage, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert seed_of_next(app("training")) == NOTEBOOK.training.seed
    monkeypatch.setenv("MINIGPT_SERVE", "1")
    one, other = app("training"), app("training")  # each without a cookie: a workspace of its own
    assert 1 <= seed_of_next(one) != seed_of_next(other) >= 1
    assert seed_of_next(one.run()) == seed_of_next(one)
    assert "settings" not in one.query_params, "it is the usual one"
    assert seed_of_next(app("training", settings="notebook~seed~77")) == 77
    assert seed_of_next(app("training", lesson="learning-rate", step="1")) == NOTEBOOK.training.seed


def test_the_glossary_has_the_same_words_in_both_languages() -> None:
    from ui.words import glossary
    from ui.words.i18n import using

    with using("en"):
        english = glossary.entries()
        assert glossary.word("loss") == "loss"
    with using("fr"):
        assert len(glossary.entries()) == len(english)
        assert glossary.word("loss") == "perte"
        assert "data-tip='À quel point" in glossary.term("loss")
        assert [term for term, _means in glossary.entries("echantillon")] == ["échantillon"]
        words = [term for term, _means in glossary.entries()]
    assert words.index("divergence") < words.index("échantillon") < words.index("encodage")
    assert glossary._entries("en").keys() == glossary._entries("fr").keys()
