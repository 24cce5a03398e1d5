"""What the teacher asks of all reaches every pupil's page, says so there, and can be taken back."""

import queue
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from minigpt_core.errors import UserError
from minigpt_core.jobs.elsewhere import hearing
from minigpt_core.store.classes import ClassStore
from minigpt_core.store.runs import Run, RunStore
from ui import orders, people, sidebar, state, teacher
from ui.components import class_news
from ui.training import menu

App = Callable[..., AppTest]


@pytest.fixture(autouse=True)
def served(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIGPT_SERVE", "1")
    teacher.keep_secret(home)


def said(page: AppTest) -> str:
    return " ".join(
        str(html.proto.body)
        for html in page.get("html")
        if "mg-teacher" in html.proto.body and "<style>" not in html.proto.body
    )


def asked(page: AppTest, name: str) -> str:
    value = page.query_params[name]
    return value if isinstance(value, str) else str(value[0])


def title(page: AppTest) -> str:
    return str(page.title[0].value) if page.title else ""


def test_what_was_asked_is_known_after_a_restart(home: Path) -> None:
    before = orders.board().now.version
    orders.board().give(frozen=True, look={"page": "training"}, looks=1)
    again = orders.Board(ClassStore(home)).now
    assert again == orders.board().now and again.version == before + 1


def test_every_screen_goes_where_the_teacher_says_once(app: App) -> None:
    page = app("vocabulary")
    assert said(page) == ""
    orders.board().give(look={"page": "batches"}, looks=1)
    page.run()
    assert title(page) == "Batches" and "look at: Batches" in said(page)
    page.switch_page("../pages/model.py").run()
    assert title(page) == "Model", "after that, everybody may go on"
    orders.board().give(look={}, looks=2)
    page.run()
    assert title(page) == "Model" and said(page) == ""


def test_where_all_shall_stay_nobody_goes_elsewhere(app: App) -> None:
    orders.board().give(look={"page": "batches", "stay": "yes"}, looks=1)
    page = app("vocabulary")
    assert title(page) == "Batches"
    page.switch_page("../pages/model.py").run()
    assert title(page) == "Batches" and "stay here" in said(page)


def test_a_run_on_every_screen_leaves_ones_own_where_it_was(app: App, some_run: Callable[..., Run]) -> None:
    own, shown = some_run(), some_run(workspace="T" * 22)
    page = app("training", run=own.id)
    orders.board().give(look={"page": "training", "run": shown.id}, looks=1)
    page.run()
    assert asked(page, "run") == shown.id
    orders.board().give(look={}, looks=2)
    page.run()
    assert asked(page, "run") == own.id


def test_all_get_the_same_text_and_settings_and_have_theirs_again(app: App) -> None:
    page = app("training", text="additions", settings="notebook~steps~700")
    orders.board().give(
        gift={"text": "balanced-brackets", "letters": "lower", "settings": "toy-brackets"}, gifts=1
    )
    page.run()
    assert asked(page, "text") == "balanced-brackets" and "given everybody" in said(page)
    assert page.session_state["page.training.n_layer"] > 0
    orders.board().give(gift={}, gifts=2)
    page.run()
    assert asked(page, "text") == "additions"
    assert page.session_state["page.training.steps"] == 700


def test_a_locked_text_stays_whatever_a_page_asks(app: App) -> None:
    orders.board().give(gift={"text": "balanced-brackets", "letters": "lower", "locked": "yes"}, gifts=1)
    page = app("vocabulary", text="additions")
    assert asked(page, "text") == "balanced-brackets" and "chosen the text" in said(page)
    page.query_params["text"], page.query_params["follow"] = "additions", "1"
    page.run()
    assert asked(page, "text") == "balanced-brackets"
    assert page.radio[0].proto.disabled and page.button(key="vocabulary_own").disabled


def test_who_is_paused_by_the_teacher_is_not_told_to_press_what_cannot_be_pressed(
    app: App, home: Path, some_run: Callable[..., Run]
) -> None:
    page, store = app("training"), RunStore(home)
    run = some_run(workspace=page.session_state[state.WORKSPACE])
    page.query_params["run"] = run.id
    with store.lock(run.id), hearing(store.folder(run.id), queue.SimpleQueue()):
        store.set_status(run.id, "paused")
        for held, offered in ((None, True), ([run.id], False)):
            orders.board().give(held=held)
            page.query_params["follow"] = "1"
            words = " ".join(str(html.proto.body) for html in page.run().get("html"))
            assert "nothing is lost" in words and ("Resume goes on" in words) is offered


def test_one_language_for_all(app: App) -> None:
    page = app("vocabulary")
    orders.board().give(language="fr")
    page.run()
    assert title(page) == "Vocabulaire" and "langue" in said(page)


@pytest.mark.parametrize("order", [{"frozen": True}, {"held": []}])
def test_nothing_begins_while_it_may_not(app: App, home: Path, order: dict[str, Any]) -> None:
    page = app("training")
    orders.board().give(**order)
    page.button(key="start").click().run()
    runs = [run for run in RunStore(home).runs() if not run.prepared]
    assert runs == [] and said(page) and any("Your teacher" in warning.value for warning in page.warning)
    with pytest.raises(UserError):
        orders.refuse_start()
    for name, key in (("training", "start"), ("home", "home_begin"), ("ladder", "ladder_train")):
        button = app(name).button(key=key)
        assert button.disabled and "Your teacher" in button.help


def test_who_is_served_by_nobody_obeys_nobody(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    orders.board().give(frozen=True, language="fr", look={"page": "batches"}, looks=1)
    monkeypatch.delenv("MINIGPT_SERVE")
    page = app("vocabulary")
    assert title(page) == "Vocabulary" and said(page) == ""
    orders.refuse_start()


def test_a_lesson_step_opens_on_every_screen(app: App) -> None:
    page = app("model")
    orders.board().give(look={"page": "training", "lesson": "loss", "step": "2"}, looks=1)
    page.run()
    assert asked(page, "lesson") == "loss" and asked(page, "step") == "2"
    assert title(page) != "Model"


def test_pupils_are_offered_the_presets_that_the_teacher_chose(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINIGPT_LIMITS", "class")
    page = app("training")
    offered = page.selectbox(key="page.training.choice").options
    assert menu.title("nanogpt-gpu") not in offered, "above what a pupil may use"
    orders.board().give(hidden_presets=["nanogpt-cpu"])
    page.run()
    assert len(page.selectbox(key="page.training.choice").options) == len(offered) - 1


def test_a_removed_class_is_over_until_somebody_begins_anew(app: App) -> None:
    page = app("training")
    ((pupil, _seen),) = people.roll().everybody()
    people.roll().leave(pupil.workspace)
    orders.board().remove([pupil.workspace])
    for _ in range(2):
        page.run()
        assert title(page) == "This class is over"
    assert people.roll().everybody() == [], "nobody joins by himself"
    page.button(key="begin_anew").click().run()
    assert title(page) == "Training" and len(people.roll().everybody()) == 1


def test_what_comes_while_a_page_is_drawn_is_news_for_it(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page says which orders it began with: the class listens for others."""
    heard: list[str] = []
    show, listen, before = sidebar.head, class_news.listen, orders.board().now.version

    def slowly(page: str) -> None:
        show(page)
        orders.board().give(frozen=True)

    def noted(version: str) -> None:
        heard.append(version)
        listen(version)

    monkeypatch.setattr(sidebar, "head", slowly)
    monkeypatch.setattr(class_news, "listen", noted)
    app("vocabulary")
    assert heard == [str(before)] and orders.board().now.version == before + 1


def test_no_ladder_begins_while_nothing_may(app: App, home: Path) -> None:
    page = app("ladder")
    orders.board().give(frozen=True)
    page.button(key="ladder_train").click().run()
    assert [run for run in RunStore(home).runs() if not run.prepared] == []
    assert any("Your teacher" in warning.value for warning in page.warning)
