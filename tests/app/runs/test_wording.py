"""Words for what a person named."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from minigpt_core.store.runs import Run, RunStore
from tests.app.conftest import OpenPage
from ui import state
from ui.runs.wording import own_words, run_title, text_title
from ui.words.i18n import using

RunMaker = Callable[..., Run]


@pytest.mark.parametrize("name", ["שלום", "مرحبا · 9", "\u202eabc", "\u2067a"])
def test_a_name_that_turns_the_direction_is_isolated(some_run: RunMaker, name: str) -> None:
    isolated = f"\u2068{name}\u2069"
    assert run_title(replace(some_run(), name=name)) == isolated
    assert text_title(name) == isolated


@pytest.mark.parametrize("name", ["TinyGPT", "Le Chat Curieux, 0,003", "🐱", "é", "<b>x</b>"])
def test_other_names_stay_as_they_are(name: str) -> None:
    assert own_words(name) == name


@pytest.mark.parametrize("name", ["", " ", "\u200b\u200b", "\u2060\n"])
def test_a_run_whose_name_cannot_be_seen_is_called_by_what_it_is_made_from(
    some_run: RunMaker, name: str
) -> None:
    run = replace(some_run(steps=20), name=name)
    with using("en"):
        assert run_title(run).startswith("TinyGPT, 20 steps")
        assert run_title(replace(run, preset="of another version")) == "TinyGPT on “The Curious Cat”"


def test_a_run_that_nobody_named_is_called_in_the_readers_language(some_run: RunMaker) -> None:
    runs = [some_run(steps=20) for _again in range(2)]
    with using("fr"):
        assert run_title(runs[0]).startswith("TinyGPT, 20 pas")
        assert run_title(runs[1]) == f"{run_title(runs[0])} (2)"
        RunStore().rename(runs[0].id, "à moi", runs[0].workspace)
        assert run_title(RunStore().run(runs[0].id)) == "à moi"
    RunStore().rename(runs[0].id, "  ", runs[0].workspace)
    with using("en"):
        assert run_title(RunStore().run(runs[0].id)).startswith("TinyGPT, 20 steps")


def test_the_seed_that_everybody_has_of_their_own_is_no_part_of_a_name(some_run: RunMaker) -> None:
    own, other = (some_run(steps=20, seed=state.seed_of("local") + more) for more in (0, 1))
    with using("en"):
        assert "seed" not in run_title(own) and "seed" in run_title(other)


def test_a_name_is_shown_as_it_is_on_the_pages(app: OpenPage, some_run: RunMaker) -> None:
    run = some_run(name="<b>שלום</b> **x**")
    page = app("training", run=run.id)
    assert not page.exception
    sidebar = "".join(html.proto.body for html in page.sidebar.get("html"))
    assert "<bdi translate='no'>\u2068&lt;b&gt;שלום&lt;/b&gt; **x**\u2069</bdi>" in sidebar
    labels = [button.label for button in page.main.button]
    assert any(r"\*\*x\*\*" in label and r"\<b\>" in label for label in labels)
