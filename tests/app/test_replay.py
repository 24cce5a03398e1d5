"""A kept run played again on the Training page: marked as such, and nothing takes it for a training."""

from pathlib import Path

from minigpt_core.store.facts import FactStore
from minigpt_core.store.live_state import live_state, replay
from minigpt_core.store.runs import RunStore
from tests.app.conftest import OpenPage

RUN = "preparedGptEn"


def test_the_page_plays_a_run_again_and_steers_nothing(app: OpenPage, home: Path) -> None:
    before = RunStore(home).run(RUN)
    test = app("training", replay=RUN)
    assert not test.exception
    assert "Replay of" in " ".join(html.proto.body for html in test.get("html"))
    keys = {button.key for button in test.button}
    assert "training_replay_end" in keys and not keys & {"start", "training_step", "training_stop"}
    store = RunStore(home)
    assert store.run(RUN) == before and store.runs("local") == []
    assert not {"trained", "run"} & {
        name for name in ("trained", "run") if FactStore(home).facts("local", name)
    }
    test.button(key="training_replay_end").click().run()
    assert "start" in {button.key for button in test.button} and "replay" not in test.query_params


def test_one_click_plays_a_prepared_run(app: OpenPage) -> None:
    test = app("training")
    test.button(key=f"training_replay_{RUN}").click().run()
    assert test.query_params["replay"] in (RUN, [RUN])


def test_what_nobody_has_is_named(app: OpenPage) -> None:
    test = app("training", replay="nobodysRun")
    assert not test.exception and test.warning and "start" in {button.key for button in test.button}


def test_the_last_moment_of_a_replay_is_what_the_live_chart_shows(home: Path) -> None:
    store = RunStore(home)
    whole, now = replay(store, RUN), live_state(store, RUN)
    assert (whole["step"], whole["steps"], whole["changes"]) == (now["step"], now["steps"], now["changes"])
    assert whole["samples"][-1] == now["samples"][-1] and whole["evaluations"][-1]["val"] == round(
        now["val_loss"], 4
    )
    assert abs(whole["smooth"]["y"][-1] - now["loss"]) < 0.05
    assert [one["step"] for one in whole["evaluations"] if one["val"] is not None] == now["val"]["x"]
