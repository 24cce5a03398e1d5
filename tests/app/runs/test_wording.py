"""Words for what a person named."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from minigpt_core.store.runs import Run
from tests.app.conftest import OpenPage
from ui.runs.wording import own_words, run_title, text_title

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
def test_a_run_whose_name_cannot_be_seen_is_called_by_its_text(some_run: RunMaker, name: str) -> None:
    run = replace(some_run(), name=name)
    assert run_title(run) == "TinyGPT on “The Curious Cat”"


def test_a_name_is_shown_as_it_is_on_the_pages(app: OpenPage, some_run: RunMaker) -> None:
    run = some_run(name="<b>שלום</b> **x**")
    page = app("training", run=run.id)
    assert not page.exception
    sidebar = "".join(html.proto.body for html in page.sidebar.get("html"))
    assert "<bdi translate='no'>\u2068&lt;b&gt;שלום&lt;/b&gt; **x**\u2069</bdi>" in sidebar
    labels = [button.label for button in page.main.button]
    assert any(r"\*\*x\*\*" in label and r"\<b\>" in label for label in labels)
