"""Wherever figures of unseen text stand, it is said once that they mean little, if they do."""

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from minigpt_core.store.runs import Run, RunStore
from minigpt_core.training import MetricsEvent
from tests.app.conftest import OpenPage
from tests.app.small_runs import GPT, STORY, small_run
from ui import resources
from ui.classroom import pupils

TINY: dict[str, Any] = {"n_embd": 16, "block_size": 16}
PASTED = STORY[:600]
PAGES = ["home", "training", "timeline", "layers", "ablation", "sampling", "compare"]


def trained(text: str, model: dict[str, Any]) -> Run:
    run, store = small_run(model, 20, text, "pasted"), RunStore()
    event = MetricsEvent(step=20, train_loss=2.5, val_loss=2.6, val_accuracy=0.2, val_error=0.2)
    store.append(run.id, evaluations=[event], step=20)
    return store.run(run.id)


def doubts(page: AppTest) -> list[str]:
    assert not page.exception and not page.error
    return [caption.value for caption in page.caption if "validation part" in caption.value]


@pytest.mark.parametrize("name", PAGES)
def test_a_short_unseen_part_is_named_once_a_page(app: OpenPage, name: str) -> None:
    run = trained(PASTED, GPT)
    (said,) = doubts(app(name, text=run.text_id, run=run.id))
    assert "has 60 of the 500 characters" in said


def test_so_it_is_where_a_table_is_taken_apart_and_nowhere_without_reason(app: OpenPage) -> None:
    run = trained(PASTED, TINY)
    assert len(doubts(app("ablation", run=run.id))) == 1
    long = trained(STORY * 2, GPT)
    assert "stands word for word" in doubts(app("layers", run=long.id))[0]
    assert doubts(app("attention", run=run.id)) == []
    for name in PAGES:
        assert doubts(app(name, run="preparedGptEn")) == []


@pytest.mark.parametrize("view", ["write", "next", "copied"])
def test_the_views_of_sampling_say_it_once(app: OpenPage, view: str) -> None:
    run = trained(PASTED, GPT)
    assert len(doubts(app("sampling", run=run.id, view=view))) == 1
    assert len(doubts(app("sampling", text=run.text_id, author="bigram", view=view))) == 1


def test_the_loss_on_a_pupils_card_is_called_rough(home: object) -> None:
    assert pupils.about_run(trained(PASTED, TINY))["rough"]
    assert not pupils.about_run(resources.run("preparedGptEn"))["rough"]
