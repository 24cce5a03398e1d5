"""What runs are called side by side."""

from collections.abc import Callable

import pytest

from minigpt_core.store.runs import MAX_NAME, Run, RunStore
from minigpt_core.training import MetricsEvent
from tests.app.conftest import OpenPage
from ui.runs.names import distinct_titles, menu_labels, narrow_titles, shortened, title_among
from ui.runs.wording import run_title
from ui.words.i18n import _, number, using

RunMaker = Callable[..., Run]
SHOWN = 20  # characters that a closed menu in the side bar surely shows


def evaluated(run: Run, loss: float) -> Run:
    event = MetricsEvent(step=2, train_loss=loss, val_loss=loss, val_accuracy=0.1)
    RunStore().append(run.id, evaluations=[event])
    return run


def test_a_new_run_gets_a_name_that_no_other_has(some_run: RunMaker, home: object) -> None:
    assert [some_run(name=name).name for name in ("mine", "mine", "mine (2)", "mine", "yours")] == [
        "mine", "mine (2)", "mine (3)", "mine (4)", "yours",
    ]  # fmt: skip
    assert some_run(name="mine", workspace="w" * 22).name == "mine"
    first, second = some_run(name="old"), some_run(name="new")
    RunStore().rename(second.id, "old", "local")
    RunStore().rename(first.id, "old", "local")  # its own name
    assert [RunStore().run(run.id).name for run in (first, second)] == ["old", "old (2)"]
    RunStore().delete(first.id, "local")
    assert some_run(name="old").name == "old"
    RunStore().undelete(first.id, "local")
    assert RunStore().run(first.id).name == "old (3)"
    long = "x" * MAX_NAME
    names = [some_run(name=long).name for _again in range(2)]
    assert names[0] == long and names[1].endswith(" (2)") and len(names[1]) == MAX_NAME


def test_a_menu_tells_runs_apart_and_says_how_good_they_are(some_run: RunMaker) -> None:
    good, bad, twin = (evaluated(some_run(), loss) for loss in (2.41, 99.0, 2.41))
    for run in (good, bad, twin):
        RunStore().rename(run.id, "", "local")
    runs = [RunStore().run(run.id) for run in (twin, bad, good)]
    with using("fr"):
        labels = menu_labels(runs)
        assert len({label[:SHOWN] for label in labels.values()}) == 3
        assert "The Curious Cat" in labels[bad.id] and _("broken") in labels[bad.id]
        assert number(2.41, 2) in labels[good.id]
    called = "TinyGPT"
    assert distinct_titles(runs) == {good.id: called, bad.id: f"{called} (2)", twin.id: f"{called} (3)"}
    assert title_among(runs[0], runs) == f"{called} (3)" and title_among(runs[0], runs[:1]) == called
    assert not any(run.id[:6] in label for run in runs for label in labels.values())


@pytest.mark.parametrize("kind", ["learning rate {n}", "apprentissage : taux {n}", "{n} steps"])
def test_what_differs_is_seen_in_a_narrow_menu(kind: str) -> None:
    titles = [f"TinyGPT on a long story, {kind.format(n=n)}" for n in (0.003, 0.01, 0.1)]
    short = shortened([*titles, "GPT"])
    assert short["GPT"] == "GPT" and len({label[:SHOWN] for label in short.values()}) == 4
    assert all(label.endswith(title[-8:].split(" ")[-1]) for title, label in short.items())


def test_a_list_shows_what_differs_and_whole_names_where_they_fit(some_run: RunMaker) -> None:
    rates = [f"TinyGPT, learning rate {n}" for n in (0.003, 0.01)]
    runs = [some_run(name=name) for name in (*rates, "GPT")]
    assert list(narrow_titles(runs, 18).values()) == ["TinyGPT … 0.003", "TinyGPT … 0.01", "GPT"]
    assert list(narrow_titles(runs, 32).values()) == [*rates, "GPT"]


def test_no_page_shows_an_id_where_nobody_asked_for_one(app: OpenPage, some_run: RunMaker) -> None:
    run, named = some_run(), some_run(name="mine")
    RunStore().rename(run.id, "", "local")
    for page in ("home", "training", "compare"):
        shown = app(page, "en", run=run.id)
        words = "".join(element.proto.body for element in shown.get("html"))
        labels = [button.label for button in shown.button]
        assert not any(each.id[:6] in text for each in (run, named) for text in (words, *labels))
    assert run_title(RunStore().run(run.id)) == "TinyGPT"
