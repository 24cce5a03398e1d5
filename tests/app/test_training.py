"""The Training page: what each state of a run shows, says and lets one press."""

import queue
import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from streamlit.testing.v1 import AppTest

from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.data import prepare
from minigpt_core.jobs import cluster_address, manager
from minigpt_core.jobs.elsewhere import hearing
from minigpt_core.jobs.launchers import Message
from minigpt_core.jobs.manager import JobManager
from minigpt_core.jobs.worker import Controls, train
from minigpt_core.ladder import NEEDS_LAYERS
from minigpt_core.model import build_model
from minigpt_core.ngrams import baselines
from minigpt_core.presets import NOTEBOOK, PRESETS
from minigpt_core.steering import ChangeEvent
from minigpt_core.store.facts import FactStore
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.texts import corpus
from minigpt_core.training import MetricsEvent
from minigpt_core.weights import count_parameters
from tests.app.conftest import OpenPage
from tests.core.jobs.puppets import Puppet
from ui import workspace
from ui.components import live_chart
from ui.runs import time_needed
from ui.runs.health import status_colour
from ui.runs.wording import run_title
from ui.settings.table import value_words
from ui.style import DONE
from ui.training import diagnosis, menu, settings, status_line, transport
from ui.training.run_state import RunState
from ui.words import i18n

RunMaker = Callable[..., Run]
REPEATING = "one morning the cat sat on the mat and looked at the dog. " * 40
STUCK = "".join(
    chr(97 + i % 26) + chr(65 + i * 7 % 20) for i in range(150)
)  # 46 distinct characters: ln 46 = 3.83
PATIENCE = 300.0  # seconds; this machine may be busy


def words(test: AppTest) -> str:
    """Everything in the main part that is written as HTML."""
    found: list[Any] = [*test.main.get("html")]
    return "".join(html.value for html in found)


def enabled(test: AppTest) -> set[str]:
    """The buttons of the transport row that can be pressed."""
    row = {"start", "training_hold", "training_resume", "training_step", "training_stop", "training_restart"}
    found = {button.key: button for button in test.main.button}
    on = {name.removeprefix("training_") for name in row if name in found and not found[name].disabled}
    assert ("training_hold" in found) != ("training_resume" in found), "in one place, in turn"
    return {"pause" if name == "hold" else name for name in on}


def press(test: AppTest, key: str) -> AppTest:
    test.button(key=key).click().run()
    assert not test.exception
    return test


def control(test: AppTest, kind: str, name: str) -> Any:
    """A control of the sidebar; "Advanced" is opened if it stands there."""
    try:
        return getattr(test.sidebar, kind)(key=f"page.training.{name}")
    except KeyError:
        test.session_state["training_advanced"] = True
        return getattr(test.run().sidebar, kind)(key=f"page.training.{name}")


@pytest.fixture
def trained(home: Path, some_run: RunMaker) -> Callable[..., Run]:
    """`trained(steps=20)`: a run on the English story that was really trained, to its end or until it diverged."""

    def make(**fields: object) -> Run:
        store, run = RunStore(home), some_run(**fields)
        train(store, run.id, Controls(queue.Queue(), lambda *said, **details: None))
        return store.run(run.id)

    return make


@pytest.fixture
def workers(home: Path, monkeypatch: pytest.MonkeyPatch) -> list[Puppet]:
    """The workers of this server, as they are started; each moves only when the test says so."""
    started: list[Puppet] = []

    def launch(store: RunStore, on_message: Any) -> Puppet:
        started.append(Puppet(store, on_message))
        return started[-1]

    monkeypatch.setattr(
        manager, "_shared", JobManager(RunStore(home), max_running=1, warm=False, launcher=launch)
    )
    return started


def test_a_fresh_page_is_ready_to_start_the_notebooks_run(app: OpenPage) -> None:
    test = app("training")
    assert not test.exception
    assert "Press Start training." in words(test)
    assert enabled(test) == {"start", "step"}
    with i18n.using("en"):
        assert control(test, "select_slider", "learning_rate").value == NOTEBOOK.training.learning_rate
    assert control(test, "number_input", "steps").value == NOTEBOOK.training.steps == 500
    assert control(test, "select_slider", "pace").value == 60


def test_a_setting_that_streamlit_lost_comes_back(app: OpenPage) -> None:
    test = app("training")
    control(test, "number_input", "steps").set_value(700).run()
    cut_short = app("home")
    cut_short.session_state["page.training.filled"] = True
    cut_short.session_state["page.training.kept"] = test.session_state["page.training.kept"]
    cut_short.switch_page("../pages/training.py").run()
    assert control(cut_short, "number_input", "steps").value == 700


def test_settings_of_the_next_run_are_in_the_address_until_they_are_the_usual_ones_again(
    app: OpenPage, trained: RunMaker
) -> None:
    test = app("training")
    assert "settings" not in test.query_params
    control(test, "select_slider", "learning_rate").set_value(0.01).run()
    control(test, "number_input", "steps").set_value(700).run()
    test = again = app("training", address=dict(test.query_params))
    assert (rate(again), control(again, "number_input", "steps").value) == (0.01, 700)
    press(test, "training_preset")
    assert rate(test) == NOTEBOOK.training.learning_rate and "settings" not in test.query_params
    followed = app("training", run=trained(steps=20).id)
    assert "settings" not in followed.query_params
    control(followed, "selectbox", "batch_size").set_value(8).run()
    followed = app("training", address=dict(followed.query_params))
    assert "steps 20" not in words(followed) and "batch size 4 → 8. Press Start training" in words(followed)
    press(followed, "training_back")
    assert "settings" not in followed.query_params


def test_a_link_sets_up_a_training_and_the_model_page_draws_it(app: OpenPage) -> None:
    link = "chat-curieux-gpt~n_layer~3~learning_rate~0.01~qk_norm~false"
    test = app("training", settings=link)
    assert [control(test, "select_slider", name).value for name in ("n_layer", "learning_rate")] == [3, 0.01]
    assert not control(test, "toggle", "qk_norm").value
    assert control(test, "selectbox", "optimizer").value == "muon"
    drawn = app("model", settings=link)
    assert drawn.session_state["page.model.drawn"]["n_layer"] == 3
    assert drawn.query_params["settings"] == link


@pytest.mark.parametrize("nonsense", [
    "gpt5", "notebook~steps", "notebook~steps~0", "notebook~steps~9e9", "notebook~learning_rate~nan",
    "notebook~temperature~1", "notebook~mlp~swish", "notebook~bias~2", "<b>", "~" * 999,
])  # fmt: skip
def test_settings_that_cannot_be_are_not_taken_from_the_address(app: OpenPage, nonsense: str) -> None:
    test = app("training", settings=nonsense)
    assert not test.exception and rate(test) == NOTEBOOK.training.learning_rate
    assert "settings" not in test.query_params and enabled(test) == {"start", "step"}


def test_step_makes_a_run_of_one_step_that_holds(app: OpenPage, home: Path) -> None:
    test = press(app("training"), "training_step")
    run_id, store = test.query_params["run"], RunStore(home)
    deadline = time.monotonic() + PATIENCE
    while store.run(run_id).step < 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    run = store.run(run_id)
    assert (run.step, run.status, run.workspace) == (1, "paused", "local")
    assert run.model.n_embd == NOTEBOOK.model["n_embd"]
    test.run()
    assert enabled(test) == {"resume", "step", "stop", "restart"}
    assert "Paused" in words(test)
    other_tab = app("training", run=run_id)
    control(test, "select_slider", "learning_rate").set_value(0.01)
    press(test, "training_step")
    while store.run(run_id).step < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [step.learning_rate for step in store.steps_since(run_id)] == [
        NOTEBOOK.training.learning_rate,
        0.01,
    ]
    assert FactStore(home).facts("local", "stepped") == [{"run": run_id, "at": n} for n in (0, 1)]
    assert "→" not in words(test.run())  # it acts at once: nothing waits for a restart
    RunStore(home).append(run_id, changes=[ChangeEvent(step=2, name="pace", value=20.0)])
    other_tab.session_state["page.training.pace"] = 1.0  # from before this run
    other_tab.run()
    assert control(other_tab, "select_slider", "learning_rate").value == 0.01
    assert control(other_tab, "select_slider", "pace").value == 20
    assert "→" not in words(other_tab)


def after_three_steps(app: OpenPage, home: Path, workers: list[Puppet]) -> tuple[AppTest, str, RunStore]:
    test = press(app("training"), "start")
    run_id, store = test.query_params["run"], RunStore(home)
    while store.run(run_id).step < 3:
        workers[0].advance()
    return test, run_id, store


def rate(test: AppTest) -> float:
    return float(control(test, "select_slider", "learning_rate").value)


def test_a_change_is_shown_as_asked_for_and_settles_to_what_is_in_force(
    app: OpenPage, home: Path, workers: list[Puppet]
) -> None:
    """In this tab, in another one, and in one that comes later; also if the worker dies before it has stored it."""
    test, run_id, store = after_three_steps(app, home, workers)
    before, other = store.run(run_id).in_force.learning_rate, app("training", run=run_id)
    control(test, "select_slider", "learning_rate").set_value(0.01).run()
    assert store.run(run_id).in_force.learning_rate == before == rate(other)
    for tab in (test.run(), other.run(), app("training", run=run_id)):
        assert rate(tab) == 0.01
    while manager.shared().pending(run_id):
        workers[0].advance()
    assert store.run(run_id).in_force.learning_rate == 0.01
    for tab in (test.run(), other.run(), app("training", run=run_id)):
        assert rate(tab) == 0.01

    control(other, "select_slider", "learning_rate").set_value(0.03).run()
    workers[0].kill()
    assert store.run(run_id).in_force.learning_rate == 0.01
    assert rate(test.run()) == 0.03  # what the run will go on with
    press(other.run(), "training_resume")
    while manager.shared().pending(run_id):
        workers[1].advance()
    assert store.run(run_id).in_force.learning_rate == 0.03 == rate(test.run()) == rate(other.run())


def test_pause_is_heard_at_once_however_long_a_step_takes(
    app: OpenPage, home: Path, workers: list[Puppet]
) -> None:
    test, run_id, store = after_three_steps(app, home, workers)
    press(test.run(), "training_hold")
    assert store.run(run_id).status == "running"  # its worker has not looked yet
    assert test.button(key="training_hold").label == "Pausing …" and "It pauses as soon as" in words(test)
    assert enabled(test) == {"stop", "restart"}
    while store.run(run_id).status == "running":
        workers[0].advance()
    assert enabled(test.run()) == {"resume", "step", "stop", "restart"}
    press(test, "training_resume")
    while store.run(run_id).status == "paused":
        workers[0].advance()
    assert test.run().button(key="training_hold").label == "Pause" and "pause" in enabled(test)


def test_a_run_in_the_queue_says_when_it_begins_and_what_to_look_at_meanwhile(
    app: OpenPage, home: Path, some_run: RunMaker, monkeypatch: Any
) -> None:
    jobs = JobManager(RunStore(home), max_running=1, warm=False, launcher=Puppet)
    monkeypatch.setattr(manager, "_shared", jobs)
    first, second = some_run(steps=1000), some_run(steps=1000)
    jobs.submit(first.id)
    jobs.submit(second.id)
    test = app("training", run=second.id)
    assert "as soon as it is its turn" in words(test)  # nobody knows how fast the first one is
    assert test.button(key="training_meanwhile").label == "Meanwhile: let a prepared model write"
    measured = {"step": 0.02, "evaluation": 0.01, "crowding": 1.0}
    monkeypatch.setattr(jobs, "speed", lambda *_given, **_more: measured)
    assert "Number 1 in the queue: it begins by itself in about 20\u202fs" in words(
        app("training", run=second.id)
    )


def test_a_run_in_the_queue_takes_what_the_controls_say(app: OpenPage, home: Path, monkeypatch: Any) -> None:
    jobs = JobManager(RunStore(home), max_running=1, warm=False, launcher=Puppet)
    monkeypatch.setattr(manager, "_shared", jobs)
    press(app("training"), "start")
    text = corpus.normalize(corpus.load("the-curious-cat").text)
    settings_of_it: dict[str, Any] = {"model_fields": NOTEBOOK.model, "training": NOTEBOOK.training}
    second = new_run(RunStore(home), text=text, title="", **settings_of_it)
    jobs.submit(second.id)
    test = app("training", run=second.id)
    control(test, "select_slider", "learning_rate").set_value(0.01).run()
    assert jobs.pending(second.id) == {"learning_rate": 0.01}
    assert rate(app("training", run=second.id)) == 0.01


def test_a_run_waits_for_a_cluster_that_is_away_and_can_be_stopped(
    app: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray", reason="Ray is an extra: requirements-ray.txt")
    monkeypatch.setenv(cluster_address.LAUNCHER, "ray")
    monkeypatch.setenv(cluster_address.ADDRESS, "127.0.0.1:9")  # nobody listens there
    test = press(app("training"), "start").run()
    assert "The machines that train cannot be reached right now" in words(test)
    assert enabled(test) == {"stop", "restart"}
    control(test, "number_input", "steps").set_value(700).run()
    assert "The machines that train cannot be reached right now" in words(test) and "Settings now: " in words(
        test
    )
    control(test, "number_input", "steps").set_value(500).run()
    assert enabled(press(test, "training_stop").run()) == {"start", "resume", "step"}


def test_a_text_shorter_than_the_block_is_refused_before_the_start(app: OpenPage, home: Path) -> None:
    short = RunStore(home).save_text("le chat dort ici, ou là", "court")
    test = app("training", "fr", text=short)
    assert not test.exception
    assert "20 caractères" in words(test)
    assert "au moins 33" in words(test)
    assert enabled(test) == set()


def test_a_setting_out_of_range_is_named_as_on_its_control(app: OpenPage) -> None:
    test = app("training", "fr")
    control(test, "number_input", "steps").set_value(0)
    with i18n.using("fr"):
        test.run()
    assert not test.exception
    assert "Pas = 0" in words(test)
    assert "Lancer" not in words(test)  # it is off
    assert enabled(test) == set()


def test_what_a_class_does_not_afford_is_said_before_the_start(
    app: OpenPage, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINIGPT_LIMITS", "class,minutes=1")
    assert "start" in enabled(app("training"))
    test = app("training", "fr")
    control(test, "number_input", "steps").set_value(900_000)
    with i18n.using("fr"):
        test.run()
    assert not test.exception and enabled(test) == set()
    assert "dans cette classe un entraînement peut en prendre 1" in words(test)
    assert not RunStore(home).runs("local")


def test_what_does_not_fit_into_memory_is_said_before_the_start(
    app: OpenPage, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINIGPT_MEMORY", "0.05")
    test = app("training", "fr")
    assert not test.exception
    assert "Go de mémoire" in words(test)
    assert "n_embd" not in words(test) and "block_size" not in words(
        test
    )  # they are called as on their controls
    assert enabled(test) == set()
    assert "sur cette machine" not in words(test)  # nor is it measured


@pytest.mark.parametrize(
    ("losses", "said"),
    [
        (
            [3.83] * 6,
            ["Nothing learned: the loss is that of pure chance"],
        ),
        ([3.83, 3.8, 3.7, 3.0, 900.0, 2e5], ["broke the model", "200,000"]),
        ([3.9, 3.3, 3.1, 3.0, 3.0, 3.0], ["Settled too high: counting pairs reaches"]),
        ([3.83], ["Finished."]),
        ([3.83, 3.83], ["hardly changed (3.83 before, 3.83 now)"]),
        ([3.83, 3.83, 3.8, 3.81], ["fell from 3.83 to 3.81"]),
        ([3.5, 3.6], ["rose from 3.50 to 3.60"]),
    ],
)
def test_no_bad_end_is_green(
    app: OpenPage, home: Path, some_run: RunMaker, losses: list[float], said: list[str]
) -> None:
    run, store = some_run(text=STUCK, steps=120, rung="heads"), RunStore(home)
    store.append(
        run.id,
        step=120,
        evaluations=[
            MetricsEvent(step=24 * n, train_loss=loss, val_loss=loss, val_accuracy=0.02)
            for n, loss in enumerate(losses)
        ],
    )
    store.set_status(run.id, "done")
    test = app("training", run=run.id)
    line = next(html.value for html in test.main.get("html") if "mg-line" in html.value)
    assert [part for part in said if part not in line] == [] and "Nothing wrong" not in words(test)
    assert DONE not in line
    if losses[-1] > 3.7:
        assert status_colour(store.run(run.id)) != DONE
        assert test.button(key=f"training_run_{run.id}").proto.icon != ":material/check_circle:"


@pytest.mark.parametrize(
    ("first", "last", "error", "said"),
    [
        (3.829, 3.831, None, "hardly changed (3.83 before, 3.83 now)"),
        (3.80, 3.83, 0.05, "hardly changed (3.80 before, 3.83 now)"),
        (3.80, 3.83, 0.01, "rose from 3.80 to 3.83"),
        (3.83, 2.50, 0.05, "fell from 3.83 to 2.50"),
    ],
)
def test_what_cannot_be_seen_or_told_is_no_change(
    app: OpenPage, home: Path, some_run: RunMaker, first: float, last: float, error: float | None, said: str
) -> None:
    app("training")
    run, store = some_run(steps=20), RunStore(home)
    store.append(
        run.id,
        evaluations=[
            MetricsEvent(step=step, train_loss=loss, val_loss=loss, val_accuracy=0.1, val_error=error)
            for step, loss in ((0, first), (20, last))
        ],
    )
    with i18n.using("en"):
        assert said in status_line._done(RunState(store.run(run.id)), store.run(run.id)).text


@pytest.mark.parametrize("losses", [(3.83, 2.5), (3.83, 3.5, 3.0, 2.8)], ids=len)
def test_a_short_run_that_learned_is_green(
    app: OpenPage, home: Path, some_run: RunMaker, losses: tuple[float, ...]
) -> None:
    app("training")
    run, store = some_run(text=STUCK, steps=120), RunStore(home)
    store.append(
        run.id,
        step=120,
        evaluations=[
            MetricsEvent(step=30 * n, train_loss=loss, val_loss=loss, val_accuracy=0.1)
            for n, loss in enumerate(losses)
        ],
    )
    store.set_status(run.id, "done")
    with i18n.using("en"):
        assert status_line.happened(RunState(store.run(run.id))).colour == DONE


@pytest.mark.parametrize(("last", "said"), [(3.82, "hardly changed"), (3.78, "fell from"), (3.86, "rose")])
def test_without_unseen_text_a_change_is_one_beyond_what_a_verdict_calls_one(
    app: OpenPage, home: Path, some_run: RunMaker, last: float, said: str
) -> None:
    app("training")
    run, store = some_run(steps=20, val_fraction=0), RunStore(home)
    store.append(
        run.id,
        evaluations=[
            MetricsEvent(step=step, train_loss=loss, val_loss=None, val_accuracy=None)
            for step, loss in ((0, 3.83), (20, last))
        ],
    )
    with i18n.using("en"):
        assert said in status_line._done(RunState(store.run(run.id)), store.run(run.id)).text


def test_a_finished_run_says_what_it_has_reached(app: OpenPage, home: Path, trained: RunMaker) -> None:
    run = trained(steps=20)
    test = app("training", run=run.id)
    evaluations = RunStore(home).evaluations(run.id)
    first, last = evaluations[0], evaluations[-1]
    assert f"text it never saw, the loss fell from {first.val_loss:.2f} to {last.val_loss:.2f}." in words(
        test
    )
    assert f"{round(100 * (last.val_accuracy or 0))}\u202f%" in words(test)
    test.session_state["page.training.why"] = True
    test.run()
    listed = test.button(key=f"training_run_{run.id}").label
    assert f"· loss on unseen text {last.val_loss:.2f} ·" in listed.replace("\\", "")
    assert ("a little easier" in words(test)) == (round(last.val_loss or 0, 2) < round(last.train_loss, 2))
    assert enabled(test) == {"start"}
    assert "made all its steps" in test.button(key="training_step").help


def test_of_many_runs_the_newest_are_listed_with_their_losses(
    app: OpenPage, home: Path, trained: RunMaker
) -> None:
    for _n in range(7):
        run = trained(steps=2)
    RunStore(home).rename(run.id, "a name " * 12, "local")
    test = app("training", run=run.id)
    listed = test.button(key=f"training_run_{run.id}").label
    assert "a nam… · loss on unseen text" in listed
    links = [link.proto.label for link in test.get("page_link")]
    assert "All 7 trainings: on the page Compare" in links


def test_the_value_at_the_end_of_an_automatic_name_is_listed(app: OpenPage, trained: RunMaker) -> None:
    run = trained(steps=2, learning_rate=0.3)
    for lang, value in (("en", "learning rate 0.3"), ("fr", "taux d’apprentissage 0,3")):
        listed = app("training", lang, run=run.id).button(key=f"training_run_{run.id}").label
        assert value in listed.replace("\\", "")


def test_another_device_is_named_in_the_reader_s_language(app: OpenPage, trained: RunMaker) -> None:
    test = app("training", "fr", run=trained(steps=2, device="cpu").id)
    test.session_state["page.training.device"] = "auto"
    with i18n.using("fr"):
        test.run()
    assert "appareil CPU → automatique" in words(test)


def test_after_a_finished_run_the_next_thing_is_to_let_it_write(app: OpenPage, trained: RunMaker) -> None:
    run = trained(steps=20)
    test = app("training", run=run.id)
    assert test.button(key="training_write").proto.type == "primary"
    assert test.button(key="start").proto.type == "secondary"
    press(test, "training_write")
    assert test.title[0].value == "Sampling"
    assert test.query_params["run"] == run.id


def test_a_run_that_ends_worse_than_chance_is_no_success(app: OpenPage, trained: RunMaker) -> None:
    good = trained(steps=4)
    run = trained(steps=20, learning_rate=1000.0)
    assert run.status == "done"
    test = app("training", run=run.id)
    with i18n.using("en"):
        assert "This training broke the model: at step 20 its loss on the text it learns from is" in words(
            test
        )
        assert "fell from" not in words(test) and "est passée de" not in words(test)
        assert "training_write" not in [button.key for button in test.button]
        assert test.button(key=f"training_run_{run.id}").proto.icon == ":material/error:"
        press(test, "training_good")
        assert control(test, "select_slider", "learning_rate").value == settings.of_run(good)["learning_rate"]


def test_with_a_problem_nothing_is_said_about_changed_settings(app: OpenPage, trained: RunMaker) -> None:
    test = app("training", run=trained(steps=4).id)
    control(test, "number_input", "steps").set_value(0).run()
    assert "Steps = 0 cannot be used" in words(test).replace("”", "").replace("“", "")
    assert "→" not in words(test)


def test_the_address_is_given_only_where_it_leads_somewhere(
    app: OpenPage, some_run: RunMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = some_run(steps=4)
    test = app("training", run=run.id)
    captions = " ".join(caption.value for caption in test.main.caption)
    assert "make serve" in captions and "python -m scripts.serve" in captions
    assert not any(run.id in code.value for code in test.main.code)
    monkeypatch.setattr("ui.workspace.serving", lambda: True)
    options = {"browser.serverAddress": "192.168.1.7"}
    monkeypatch.setattr("ui.workspace.config.get_option", options.get)
    assert workspace.address("http://localhost:8501/training?x=1") == "http://192.168.1.7:8501/training"
    assert workspace.address("https://gpt.example.org/training") == "https://gpt.example.org/training"


def test_a_loss_above_chance_at_step_0_is_called_normal(
    app: OpenPage, home: Path, some_run: RunMaker
) -> None:
    store = RunStore(home)
    for loss, normal in ((3.9, True), (3.5, False)):
        run = some_run()
        event = MetricsEvent(step=0, train_loss=loss, val_loss=loss, val_accuracy=0.1)
        store.append(run.id, evaluations=[event])
        with i18n.using("en"):
            assert (
                "That is normal" in " ".join(status_line._worse_than_chance_yet(store.run(run.id)))
            ) == normal
        assert not app("training", run=run.id).exception


def test_the_verdict_stands_above_the_chart_and_sets_up_the_next_run(
    app: OpenPage, home: Path, some_run: RunMaker
) -> None:
    run, store = some_run(steps=20), RunStore(home)
    losses = [(3.5, 3.5), (2.5, 2.6), (2.0, 2.4), (1.5, 2.6), (1.0, 3.0), (0.5, 3.6)]
    evaluations = [
        MetricsEvent(step=2 * n, train_loss=train, val_loss=val, val_accuracy=0.3)
        for n, (train, val) in enumerate(losses)
    ]
    store.append(run.id, evaluations=evaluations)
    store.set_status(run.id, "done")
    assert diagnosis.verdict(replace(store.run(run.id), status="running")) is None
    test = app("training", "fr", run=run.id)
    assert "Surapprentissage\u00a0: le meilleur pas était 4." in words(test)
    with i18n.using("fr"):
        test.session_state["page.training.why"] = True
        press(test.run(), "training_next_run_above")
        assert control(test, "number_input", "steps").value == 4
    assert not test.session_state["page.training.why"]


def test_what_learns_by_heart_is_not_sent_to_more_steps(
    app: OpenPage, home: Path, some_run: RunMaker
) -> None:
    run, store = some_run(steps=100, rung="mlp"), RunStore(home)
    store.append(
        run.id,
        evaluations=[
            MetricsEvent(
                step=5 * n, train_loss=0.6 + 3 * 0.85**n, val_loss=1.5 + 2.1 * 0.7**n, val_accuracy=0.3
            )
            for n in range(21)
        ],
    )
    store.set_status(run.id, "done")
    test = app("training", "fr", run=run.id)
    with i18n.using("fr"):
        test.session_state["page.training.why"] = True
        test.run()
    assert all(
        part in words(test) for part in ("Il apprend par cœur", "de −0,15, jusqu’à 0,72", "jusqu’à 1,50")
    )
    assert "training_next_run_above" not in [button.key for button in test.button]


def test_near_its_floor_the_distance_is_named(app: OpenPage, home: Path) -> None:
    test = app("training", "fr", run="preparedTinyEn")
    last = RunStore(home).evaluations("preparedTinyEn")[-1]
    floor = baselines(prepare(corpus.normalize(corpus.load("the-curious-cat").text))).one_character_minimum
    distance = round(round(last.train_loss, 2) - round(floor, 2), 2)
    assert 0 < distance < 0.1
    said = f"Presque à son plancher\u00a0: {distance:.2f} au-dessus du minimum possible.".replace("0.", "0,")
    assert said in words(test)


def test_why_unseen_text_is_easier_where_it_is_known_already(
    app: OpenPage, home: Path, trained: RunMaker
) -> None:
    run, store = trained(steps=20, text=REPEATING), RunStore(home)
    lower = replace(store.evaluations(run.id)[-1], train_loss=2.5, val_loss=2.4)
    store.append(run.id, evaluations=[lower])
    test = app("training", run=run.id)
    with i18n.using("en"):
        test.session_state["page.training.why"] = True
        test.run()
    assert "One reason: 100\u202f% of it" in words(test)


def test_dropout_is_named_where_the_losses_are_explained(app: OpenPage) -> None:
    for run, named in (("preparedGptEn", True), ("preparedTinyEn", False)):
        test = app("training", run=run)
        test.session_state["page.training.why"] = True
        assert ("With 10\u202f% dropout" in words(test.run())) == named


def test_changed_settings_are_listed_and_can_be_taken_back(app: OpenPage, trained: RunMaker) -> None:
    run = trained(steps=20)
    test = app("training", run=run.id)
    assert "→" not in words(test)
    control(test, "select_slider", "learning_rate").set_value(0.01)
    control(test, "selectbox", "batch_size").set_value(8)
    test.run()
    assert "learning rate 0.003 → 0.01 · batch size 4 → 8. Press Start training" in words(test)
    press(test, "training_back")
    assert "→" not in words(test)
    assert control(test, "number_input", "steps").value == 20


def test_another_text_counts_as_a_change(app: OpenPage, trained: RunMaker) -> None:
    test = app("training", run=trained(steps=2).id, text="additions")
    assert "text “The Curious Cat” → “Additions”" in words(test)
    press(test, "training_back")
    assert test.query_params["text"] == "the-curious-cat"
    assert "→" not in words(test)


def test_generated_texts_are_called_in_the_reader_s_language(
    app: OpenPage, home: Path, trained: RunMaker
) -> None:
    store, run = RunStore(home), trained(steps=2)
    other = new_run(
        store, text="lomira>arimol\n" * 40, title="Reversed words", model_fields={"block_size": 8},
        training=TrainConfig(), name="envers", status="stopped",
    )  # fmt: skip
    test = app("training", "fr", run=run.id, text="reversed-words")
    assert "texte «\u00a0The Curious Cat\u00a0» → «\u00a0Mots à l’envers\u00a0»" in words(test)
    assert test.button(key=f"training_run_{other.id}").label.startswith("envers · Mots à l’envers")


def test_back_to_the_settings_of_a_run_chooses_ones_own_text_with_its_capitals(
    app: OpenPage, home: Path, some_run: RunMaker
) -> None:
    store, mine = RunStore(home), "Un Chat et une Souris.\n" * 20
    own = store.save_text(mine, "Mine")
    store.keep_text(own)
    run = some_run(text=corpus.normalize(mine))
    assert run.text_id != own
    test = app("training", run=run.id, text="additions")
    press(test, "training_back")
    assert test.query_params["text"] == own
    assert "→" not in words(test)


def test_after_a_diverged_run_one_click_leads_back(app: OpenPage, trained: RunMaker) -> None:
    trained(steps=4)
    run = trained(steps=60, optimizer="sgd", learning_rate=1000.0)
    assert run.status == "diverged"
    test = app("training", run=run.id)
    assert f"Diverged after step {run.step}" in words(test)
    assert "no number any more; the weights of step" in words(test)
    assert enabled(test) == {"start"}
    press(test, "training_good")
    assert control(test, "number_input", "steps").value == 4
    assert control(test, "selectbox", "optimizer").value == "adamw"
    assert "resume" in enabled(test)  # with a smaller learning rate it may go on


def test_a_stopped_run_names_the_kept_step(app: OpenPage, some_run: RunMaker) -> None:
    test = app("training", run=some_run(steps=20).id)
    assert "Stopped at step 0; no weights were kept yet." in words(test)
    assert enabled(test) == {"start", "resume", "step"}


def test_somebody_elses_run_can_only_be_watched(app: OpenPage, some_run: RunMaker) -> None:
    test = app("training", run=some_run(workspace="somebody-else").id)
    assert "only they can steer it" in words(test)
    assert enabled(test) == set()
    assert all(slider.disabled for slider in test.sidebar.select_slider)
    press(test, "training_own")
    assert enabled(test) == {"start", "step"}


def test_a_run_trained_elsewhere_can_be_watched_and_another_one_started(
    app: OpenPage, home: Path, some_run: RunMaker
) -> None:
    run, store = some_run(), RunStore(home)
    with store.lock(run.id):
        store.set_status(run.id, "running")
        test = app("training")
        assert "trained outside this dashboard" in words(test)
        assert enabled(test) == {"start"}


def test_a_run_of_the_command_line_is_held_and_stopped_here(
    app: OpenPage, home: Path, some_run: RunMaker
) -> None:
    run, store, heard = some_run(), RunStore(home), queue.SimpleQueue[Message]()
    with store.lock(run.id), hearing(store.folder(run.id), heard):
        store.set_status(run.id, "running")
        test = app("training")
        assert "outside this dashboard" in words(test)
        assert enabled(test) == {"start", "pause", "step", "stop"}
        press(test, transport.HOLD)
        assert heard.get(timeout=10)["do"] == "pause"
        store.set_status(run.id, "paused")
        press(app("training"), transport.GO_ON)
        assert [heard.get(timeout=10)["do"] for _ in range(2)] == ["change", "resume"]
        store.set_status(run.id, "running")
        press(app("training"), "training_stop")
        assert heard.get(timeout=10)["do"] == "stop"


def choose(test: AppTest, preset: str) -> AppTest:
    control(test, "selectbox", "choice").set_value(preset).run()
    assert not test.exception
    return test


def test_choosing_a_model_fills_the_settings_and_is_what_start_trains(app: OpenPage, home: Path) -> None:
    test = choose(app("training"), "chat-curieux-gpt")
    preset = PRESETS["chat-curieux-gpt"]
    vocab_size = len(set(corpus.normalize(corpus.load("the-curious-cat").text)))
    size = count_parameters(build_model(ModelConfig(vocab_size=vocab_size, **preset.model)))
    described = "".join(html.value for html in test.sidebar.get("html"))
    assert f"{size:,} parameters" in described
    assert f"sees up to {preset.model['block_size']} characters" in described
    assert control(test, "number_input", "steps").value == preset.training.steps
    assert control(test, "select_slider", "pace").value == 0
    assert control(test, "selectbox", "optimizer").value == "muon"
    assert control(test, "toggle", "qk_norm").value
    press(test, "training_step")
    run = RunStore(home).run(test.query_params["run"])
    assert (run_title(run), run.preset) == ("Small GPT", "chat-curieux-gpt")
    assert run.model == ModelConfig(vocab_size=vocab_size, **preset.model)
    assert run.training == preset.training


def kinds_of(test: AppTest, *keys: str) -> list[str]:
    """Which of these buttons are the thing to press."""
    return [test.button(key=key).proto.type for key in keys]


def test_what_is_set_up_for_the_next_run_makes_start_the_thing_to_press(
    app: OpenPage, home: Path, trained: RunMaker
) -> None:
    test = app("training", run=trained(steps=20).id)
    assert kinds_of(test, "start", "training_write") == ["secondary", "primary"]
    choose(test, "chat-curieux-gpt")
    assert kinds_of(test, "start", "training_write", "training_back") == ["primary", "secondary", "secondary"]
    assert words(test).count("mg-line") == 1
    assert "it was still learning" in words(test) and "model TinyGPT → Small GPT" in words(test)


def test_how_a_run_was_interrupted_is_said_where_other_settings_are_set_up(
    app: OpenPage, home: Path, trained: RunMaker
) -> None:
    run = trained(steps=20)
    RunStore(home).set_status(run.id, "running")  # and nobody is at work on it
    test = choose(app("training", run=run.id), "chat-curieux-gpt")
    assert words(test).count("mg-line") == 1
    assert "Interrupted at step 20: its process ended before its time" in words(test)
    assert "model TinyGPT → Small GPT" in words(test)


def test_a_run_stopped_by_hand_may_write(app: OpenPage, home: Path, trained: RunMaker) -> None:
    run, store = trained(steps=20), RunStore(home)
    store.set_status(run.id, "stopped")
    test = app("training", run=run.id)
    assert kinds_of(test, "training_resume", "training_write") == ["primary", "secondary"]
    assert "training_good" not in [button.key for button in test.button]
    trained(steps=20, learning_rate=0.001)
    test = app("training", run=run.id)
    press(test, "training_good")  # it tried another learning rate than the last run that ended well
    assert control(test, "select_slider", "learning_rate").value == 0.001
    assert kinds_of(test, "start", "training_resume") == ["primary", "secondary"]


def test_what_resume_takes_of_other_settings_is_said(app: OpenPage, some_run: RunMaker) -> None:
    run = some_run(steps=400)
    RunStore().set_status(run.id, "stopped")
    test = app("training", run=run.id)
    control(test, "select_slider", "learning_rate").set_value(0.1).run()
    assert "Settings now" in words(test) and "Resume takes over only" not in words(test)
    control(test, "number_input", "steps").set_value(20).run()
    assert "Resume takes over only: learning rate 0.1." in words(test)


def test_another_model_is_one_difference(app: OpenPage, trained: RunMaker) -> None:
    test = choose(app("training", run=trained(steps=2).id), "chat-curieux-gpt")
    assert "Settings now: model TinyGPT → Small GPT. Press Start training" in words(test)
    control(test, "select_slider", "n_layer").set_value(3).run()
    assert "model TinyGPT → A model of your own · layers 0 → 3. Press" in words(test)
    control(test, "select_slider", "n_head").set_value(16).run()
    control(test, "select_slider", "n_embd").set_value(8).run()
    assert "cannot be shared out" in words(test)
    assert "Press Start training" not in words(test)  # which is off
    press(test, "training_back")
    assert enabled(test) == {"start"}
    choose(test, "chat-curieux-gpt")
    control(test, "select_slider", "n_layer").set_value(3).run()
    assert control(test, "selectbox", "choice").value == menu.OWN


def test_what_cannot_matter_is_off_and_says_why(app: OpenPage) -> None:
    test = app("training")
    heads = control(test, "select_slider", "n_head")
    assert heads.disabled
    assert heads.help == NEEDS_LAYERS["n_head"]
    assert control(test, "number_input", "min_lr_share").disabled
    assert "muon" not in [kind.lower() for kind in control(test, "selectbox", "optimizer").options]
    choose(test, "chat-curieux-gpt")
    assert not control(test, "select_slider", "n_head").disabled
    control(test, "select_slider", "n_layer").set_value(0).run()
    assert control(test, "select_slider", "n_head").value == 1
    assert "Optimizer” = muon is made for the matrices inside layers" in words(test)
    assert enabled(test) == set()


def test_an_impossible_model_is_refused_at_once(app: OpenPage) -> None:
    test = app("training")
    with i18n.using("en"):
        choose(test, "chat-curieux-gpt")
        control(test, "select_slider", "n_embd").set_value(2).run()
    assert not test.exception
    assert "“Numbers per character” = 2 cannot be shared" in words(test).replace("\u00a0", " ")
    assert enabled(test) == set()


def test_a_model_from_another_page_is_what_the_next_run_trains(home: Path) -> None:
    def page() -> None:
        from minigpt_core.presets import PRESETS
        from ui.training import settings

        settings.use_model(PRESETS["chat-curieux-gpt"].model | {"n_layer": 3})

    test = AppTest.from_function(page).run()
    assert not test.exception
    kept = {
        name: test.session_state[f"page.training.{name}"]
        for name in ("n_layer", "norm", "optimizer", "steps")
    }
    assert kept == {
        "n_layer": 3,
        "norm": "rmsnorm",
        "optimizer": "muon",
        "steps": PRESETS["chat-curieux-gpt"].training.steps,
    }


def test_a_run_of_another_version_is_named_and_the_others_stay(
    app: OpenPage, home: Path, some_run: RunMaker
) -> None:
    known, odd = some_run(name="known"), some_run(name="odd")
    with sqlite3.connect(home / "runs.sqlite3") as db:
        db.execute("UPDATE runs SET training = json_set(training, '$.magic', 1) WHERE id = ?", (odd.id,))
    test = app("training")
    assert not test.exception
    assert test.text_input(key=f"page.training.name.{known.id}").value == "known"
    assert any("odd cannot be shown" in caption.value for caption in test.main.caption)
    test = app("training", run=odd.id)
    assert "run" not in test.query_params
    assert enabled(test) == {"start", "resume", "step"}


def test_a_gpt_is_compared_with_counted_triples_too(app: OpenPage) -> None:
    text = corpus.normalize(corpus.load("the-curious-cat").text)
    known = baselines(prepare(text))
    assert [line.value for line in live_chart.references(known, 35)] == [
        known.uniform, known.one_character_minimum, known.unigram_train
    ]  # fmt: skip
    triples = live_chart.references(known, 35, looks_back=True)[-2]
    assert triples.value == known.trigram_val
    assert f"{known.trigram_val:.2f}" in triples.label


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_every_preset_has_a_name_and_says_where_it_comes_from(lang: str) -> None:
    with i18n.using(lang):
        titles = [menu.title(name) for name in menu.names(menu.OWN)]
        sources = [menu.about(name, None) for name in menu.names(menu.OWN)]
    assert len(set(titles)) == len(titles) == len(PRESETS) + 1
    assert len(set(sources)) == len(sources)


def test_a_watchable_pace_is_only_for_quick_steps() -> None:
    assert {name: settings.of_preset(name)["pace"] for name in ("notebook", "lecture-bigram", "chat-curieux-gpt")} == {
        "notebook": 60, "lecture-bigram": 300, "chat-curieux-gpt": 0,
    }  # fmt: skip


def test_an_unknown_run_is_a_sentence_and_the_page_works(app: OpenPage) -> None:
    test = app("training", run="0" * 24)
    assert not test.exception
    assert "run" not in test.query_params
    assert enabled(test) == {"start", "step"}


def test_markup_in_a_name_is_shown_and_a_deleted_run_comes_back(app: OpenPage, some_run: RunMaker) -> None:
    run = some_run(name="<b>**bold**</b>")
    test = app("training", run=run.id)
    label = test.button(key=f"training_run_{run.id}").label
    assert r"\*\*bold" in label
    press(test, f"training_delete_{run.id}")
    assert "Press Start training" in words(test)
    press(test, "training_undo")
    assert test.query_params["run"] == run.id
    name = test.text_input(key=f"page.training.name.{run.id}")
    assert name.value == "<b>**bold**</b>"
    name.set_value("mine").run()
    assert RunStore().run(run.id).name == "mine"


def test_the_expected_time_is_the_work_or_what_the_pace_demands() -> None:
    measured = {"step": 0.001, "evaluation": 0.01, "crowding": 2.0}
    work = 0.5 + 21 * 0.01
    assert time_needed.seconds_expected(TrainConfig(steps=500), measured) == pytest.approx((work / 2, work))
    assert time_needed.seconds_expected(TrainConfig(steps=500, pace=50), measured) == pytest.approx((10, 10))
    slow = {"step": 1.0, "evaluation": 0.0, "crowding": 1.0}
    assert time_needed.seconds_expected(TrainConfig(steps=500, pace=50), slow) == pytest.approx((500, 500))


def test_the_time_is_one_figure_and_a_busy_machine_is_named() -> None:
    training, measured = TrainConfig(steps=500), {"step": 0.02, "evaluation": 0.0, "crowding": 1.0}
    with i18n.using("en"):
        assert time_needed.in_words(training, measured) == "about 10\u202fs on this machine"
        busy = time_needed.in_words(training, measured | {"step": 0.2, "crowding": 10.0})
        elsewhere = time_needed.in_words(training, measured | {"crowding": 10.0}, on_cluster=True)
    assert busy == "about 10\u202fs; longer now, the machine is busy"
    assert elsewhere == "about 1\u202fs on a machine as fast as this one"


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_every_value_has_words(lang: str) -> None:
    with i18n.using(lang):
        assert all(value_words(name, value) for name, value in settings.of_preset().items())
        assert value_words("pace", 0) in ("as fast as it goes", "au plus vite")


def test_a_run_without_progress_ends_early_and_says_where_it_was_best(
    app: OpenPage, trained: RunMaker
) -> None:
    said = "It ended early, at step {step}: since step {best} that loss has not become better"
    run = trained(steps=900, learning_rate=0.1, eval_interval=5, eval_windows=16, patience=1)
    assert run.best_step is not None
    assert (run.status, run.step) == ("done", run.best_step + 5)
    assert run.step < run.training.steps
    page = app("training", run=run.id, text="the-curious-cat")
    text = words(page).replace("\u202f", " ").replace("\u00a0", " ")
    assert said.format(step=run.step, best=run.best_step) in text
    assert said.split("{")[0] not in words(app("training", run=trained(steps=2).id))


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_a_device_that_failed_is_named_beside_the_run(app: OpenPage, trained: RunMaker) -> None:
    said = "cuda cannot train this model"
    test = app("training", run=trained(steps=2, device="cuda").id)
    captions = [caption.value for caption in test.main.get("caption")]
    assert any(said in caption and "CPU" in caption for caption in captions)
    test = app("training", run=trained(steps=2).id)
    assert not any(said in caption.value for caption in test.main.get("caption"))
