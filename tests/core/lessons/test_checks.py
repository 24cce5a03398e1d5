"""Each named check holds for what it names and for nothing else, and it looks at this workspace alone."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from minigpt_core.configs import TrainConfig
from minigpt_core.data import prepare
from minigpt_core.ladder import settings_up_to
from minigpt_core.lessons.checks import CHECKS, Evidence, ask, met, so_far, verify
from minigpt_core.lessons.conditions import Call, ConditionError, holds_in_any, read_call, read_condition
from minigpt_core.lessons.values import VALUES
from minigpt_core.ngrams import baselines
from minigpt_core.store.facts import FactStore
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import RunStore
from minigpt_core.texts import corpus
from minigpt_core.training import MetricsEvent

FACTS: dict[str, list[dict[str, Any]]] = {
    "page": [{"page": "sampling", "view": "temperature", "rows": "draws"}],
    "text": [{"text": "the-curious-cat"}, {"text": "0" * 64}, {"text": "additions", "capitals": True}],
    "sentence": [{"unknown": True, "length": 12}],
    "batch": [{"part": "train", "seed": 1}, {"part": "train", "seed": 2}, {"part": "val", "seed": 2}],
    "sampled": [
        {
            "model": "GPT",
            "run": "abc",
            "step": 1,
            "seed": 1,
            "temperature": 0.0,
            "prompt": "a",
            "new_word": True,
        },
        {"model": "GPT", "run": "abc", "step": 2, "seed": 2, "temperature": 0.8, "prompt": "b"},
        {"model": "pairs", "run": "", "step": 0, "seed": 2, "temperature": 0.8, "prompt": "b"},
    ],
    "by_hand": [{"run": "abc", "id": 3}],
    "off": [{"run": "abc", "kind": "head", "layer": 0, "head": 1}, {"run": "abc", "kind": "mlp", "layer": 0}],
    "off_together": [{"head": 1}, {"head": 2, "mlp": 1}],
    "searched": [{"run": "abc", "seed": 1}, {"run": "abc", "seed": 2}, {"run": "xyz", "seed": 1}],
    "attended": [{"text": "a", "twice": False}, {"text": "b", "twice": True}],
    "edited": [{"run": "abc", "current": 1, "next": 2}],
    "judged": [{"text": "a1b2"}, {"given": "learned", "run": "abc"}],
    "fingerprint": [{"run": "abc", "step": 2, "print": "00ff"}],
    "code": [{"page": "model"}],
}
HOLDS = [
    "page_opened(sampling)", "page_opened(sampling, view=temperature, rows=draws)", "text_chosen(the-curious-cat)",
    "text_chosen(own)", "text_chosen(additions, capitals=true)", "attention_read(times=2)",
    "attention_read(twice=true)", "sentence_typed(unknown=true)", "batch_drawn(times=3)", "batch_drawn(part=val)",
    "temperature_was(0)", "sampled(times=3, seeds=2)", "sampled(model=GPT, run=abc, temperature=0.8)",
    "sampled(temperatures=2)", "sampled(prompts=2)", "sampled(run=abc, checkpoints=2)",
    "fingerprint_taken(run=abc, texts=1, prompts=1)", "text_judged(given=learned, run=abc)",
    "character_drawn_by_hand", "part_switched_off(kind=mlp)", "part_switched_off(times=2)", "head_switched_off",
    "head_switched_off(together=2)", "head_switched_off(alone=true)", "part_switched_off(kind=mlp, together=1)",
    "part_switched_off(together=3)", "sampled(prompts=1, new_word=true)", "copies_searched(times=2, run=abc)",
    "table_edited", "text_judged", "code_shown(page=model)", "guessed(2)",
    "temperature_was(2) or (temperature_was(0.8) and temperature_was(0))",
]  # fmt: skip
DOES_NOT = [
    "page_opened(training)", "page_opened(sampling, view=next)", "text_chosen(le-chat-curieux)",
    "batch_drawn(times=4)",
    "text_chosen(the-curious-cat, capitals=true)", "text_chosen(own, capitals=true)",
    "attention_read(times=2, twice=true)",
    "batch_drawn(times=2, part=val)", "temperature_was(1)", "sampled(times=4)", "sampled(times=2, model=pairs)",
    "sampled(seeds=3)", "sampled(temperatures=3)", "sampled(prompts=3)",
    "sampled(run=abc, checkpoints=3)", "fingerprint_taken(run=abc, texts=2)", "fingerprint_taken(run=xyz)",
    "text_judged(given=learned, run=xyz)",
    "character_drawn_by_hand(times=2)", "part_switched_off(kind=layer)",
    "head_switched_off(together=3)", "part_switched_off(kind=mlp, alone=true)", "part_switched_off(together=4)",
    "sampled(prompts=2, new_word=true)", "copies_searched(times=3, run=abc)",
    "head_switched_off(times=2)", "table_edited(times=2)", "text_judged(times=2)", "code_shown(page=home)",
    "guessed(1)", "temperature_was(0) and temperature_was(2)",
]  # fmt: skip


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    known = FactStore(tmp_path)
    for name, found in FACTS.items():
        for details in found:
            known.note("mine", name, **details)
    return Evidence(RunStore(tmp_path), known, "mine", {2: 3.0})


@pytest.mark.parametrize("condition", HOLDS)
def test_it_holds_for_what_was_done_here(evidence: Evidence, condition: str) -> None:
    assert met(read_condition(condition), evidence)
    elsewhere = Evidence(evidence.runs, evidence.known, "yours")
    assert not met(read_condition(condition), elsewhere)


@pytest.mark.parametrize("condition", DOES_NOT)
def test_it_does_not_hold_for_what_was_not(evidence: Evidence, condition: str) -> None:
    assert not met(read_condition(condition), evidence)


def test_every_check_is_tested_here() -> None:
    named = {call.name for text in HOLDS for call in read_condition(text).calls()}
    assert named | {"run", "run_ended", "stepped"} == {*CHECKS}


def test_only_what_is_written_since_the_fingerprint_was_taken_counts(tmp_path: Path) -> None:
    known = FactStore(tmp_path)
    found = Evidence(RunStore(tmp_path), known, "mine")

    def write(*prompts: str) -> None:
        for seed, prompt in enumerate(prompts):
            known.note(
                "mine", "sampled", model="GPT", run="abc", step=5, seed=seed, temperature=0.8, prompt=prompt
            )

    write("a", "b", "b")
    assert so_far(found.facts("sampled"), "abc", 5) == {"texts": 3, "prompts": 2}
    known.note("mine", "fingerprint", run="abc", step=5, print="00ff", texts=3, prompts=2)
    assert holds(found, "fingerprint_taken(run=abc)") and not holds(found, "fingerprint_taken(texts=1)")
    write("b", "b", "b", "c", "b")  # the second and the third are known, and so is what they go on from
    assert holds(found, "fingerprint_taken(run=abc, texts=3, prompts=1)")
    assert not holds(found, "fingerprint_taken(texts=4)") and not holds(found, "fingerprint_taken(prompts=2)")


# Of other lessons


def test_what_was_done_for_another_lesson_can_be_left_out(tmp_path: Path) -> None:
    """What was done for this one, or for none, counts all the same."""
    known = FactStore(tmp_path)
    found = Evidence(RunStore(tmp_path), known, "mine", lesson="inside")
    known.note("mine", "off", kind="head", layer=0, head=0, lesson="attention")
    assert holds(found, "head_switched_off and head_switched_off(other_lessons=true)")
    assert not holds(found, "head_switched_off(other_lessons=false)")
    known.note("mine", "off", kind="head", layer=0, head=1)
    assert holds(found, "head_switched_off(other_lessons=false)")
    known.note("mine", "off", kind="head", layer=0, head=0, lesson="inside")  # the same again, for this one
    assert holds(found, "head_switched_off(times=2, other_lessons=false)")
    assert not holds(found, "head_switched_off(times=3)")


@pytest.mark.parametrize(("condition", "said"), [
    ("guessed(2, other_lessons=false)", "takes no “other_lessons”"),
    ("run(other_lessons=no)", "other_lessons is no, which is not what it can be"),
])  # fmt: skip
def test_where_other_lessons_mean_nothing_it_is_a_mistake(condition: str, said: str) -> None:
    with pytest.raises(ConditionError, match=said):
        verify(CHECKS, read_call(condition))


# Of runs


@pytest.fixture
def trained(evidence: Evidence) -> Callable[..., None]:
    """`trained(losses, text=…, rung=…, learning_rate=…)`: a run of this workspace whose evaluations were these."""

    def make(
        losses: list[float],
        text: str = "the-curious-cat",
        rung: str = "tinygpt",
        status: str = "done",
        gap: float = 0.0,
        **settings: Any,
    ) -> None:
        known = corpus.load(text) if text in corpus.BUNDLED else None
        run = new_run(
            evidence.runs,
            text=corpus.normalize(known.text if known else text),
            title="Mine",
            model_fields={"block_size": 8, "n_embd": 8} | settings_up_to(rung)[0],
            training=TrainConfig(steps=100 * (len(losses) - 1), **settings),
            workspace="mine",
        )
        events = [
            MetricsEvent(step=100 * n, train_loss=loss - gap, val_loss=loss, val_accuracy=0.1)
            for n, loss in enumerate(losses)
        ]
        best = {"best_val_loss": min(losses), "step": events[-1].step}
        evidence.runs.append(run.id, evaluations=events, **best)
        evidence.runs.set_status(run.id, status)

    return make


def holds(evidence: Evidence, condition: str) -> bool:
    return met(read_condition(condition), evidence)


def test_a_run_is_asked_for_by_model_text_loss_steps_and_rate(
    evidence: Evidence, trained: Callable[..., None]
) -> None:
    assert not holds(evidence, "run()")
    trained([3.6, 3.0, 2.5], learning_rate=0.003)
    for yes in ("run()", "run(model=TinyGPT, text=the-curious-cat, loss_below=2.6)", "run(steps=200)",
                "run(learning_rate=0.003, learning_rate_above=0.001, learning_rate_below=0.01)"):  # fmt: skip
        assert holds(evidence, yes), yes
    for no in ("run(model=GPT)", "run(text=le-chat-curieux)", "run(text=own)", "run(loss_below=2.4)", "run(steps=201)",
               "run(learning_rate=0.01)", "run(learning_rate_above=0.003)", "run(learning_rate_below=0.003)",
               "run(times=2)"):  # fmt: skip
        assert not holds(evidence, no), no
    trained([3.0, 2.0], text="un chat gris et un chat noir " * 9, rung="one-head")
    assert holds(evidence, "run(model=GPT, text=own) and run(times=2)")


def test_a_run_of_another_lesson_can_be_left_out_until_it_is_taken_up_again(
    evidence: Evidence, trained: Callable[..., None]
) -> None:
    found = replace(evidence, lesson="tinygpt")
    trained([3.6, 3.0])
    run = evidence.runs.runs("mine")[0]
    assert holds(found, "run(other_lessons=false)")  # nobody knows of a lesson
    evidence.known.note("mine", "trained", run=run.id, lesson="loss")
    assert holds(found, "run()") and not holds(found, "run(other_lessons=false)")
    evidence.known.note("mine", "trained", run=run.id, lesson="tinygpt")
    assert holds(found, "run(other_lessons=false) and run_ended(steps=100, other_lessons=false)")


def test_curves_that_stay_together_have_not_parted(evidence: Evidence, trained: Callable[..., None]) -> None:
    trained([3.6, 2.0, 1.5])
    assert not holds(evidence, "run(gap_above=0.2)")
    trained([3.6, 2.0, 1.5], gap=0.3)
    assert holds(evidence, "run(gap_above=0.2)") and not holds(evidence, "run(gap_above=0.4)")


def test_the_verdict_is_that_of_the_training_page(evidence: Evidence, trained: Callable[..., None]) -> None:
    trained([3.6, 3.59, 3.585, 3.584, 3.584, 3.584], learning_rate=1e-5)
    assert holds(evidence, "run_ended(verdict=at_chance, model=TinyGPT)")
    assert not holds(evidence, "run_ended(verdict=diverged)")
    trained([3.6, 9.0], status="diverged", learning_rate=10.0)
    assert holds(evidence, "run_ended(verdict=diverged) and run_ended(times=2)")
    assert not holds(evidence, "run_ended(verdict=diverged, times=2)")


def test_one_run_has_ended_in_all_that_is_asked(evidence: Evidence, trained: Callable[..., None]) -> None:
    """Not one with this verdict, and another one with this rate."""
    trained([3.6, 9.0], status="diverged", learning_rate=3.0)
    trained([3.6, 3.0], learning_rate=10.0, status="stopped")
    assert holds(
        evidence, "run_ended(verdict=diverged, learning_rate_above=2, learning_rate_below=4, steps=100)"
    )
    assert holds(evidence, "run_ended(verdict=diverged, loss_below=3.7)")
    for no in ("learning_rate_above=5", "learning_rate_below=3", "steps=101", "loss_below=3.6"):
        assert not holds(evidence, f"run_ended(verdict=diverged, {no})"), no


def test_steps_by_hand_are_told_from_those_of_a_training_that_goes(
    evidence: Evidence, trained: Callable[..., None]
) -> None:
    trained([3.6, 3.0])
    run = evidence.runs.runs("mine")[0]
    assert not holds(evidence, "stepped()")
    evidence.known.note("mine", "stepped", run=run.id, at=run.step)  # asked for, and not made yet
    evidence.known.note("mine", "stepped", run="gone", at=3)
    assert not holds(evidence, "stepped()")
    evidence.runs.append(run.id, step=run.step + 1)
    assert holds(evidence, "stepped(model=TinyGPT, text=the-curious-cat)")
    for no in ("stepped(times=2)", "stepped(model=GPT)", "stepped(text=own)"):
        assert not holds(evidence, no), no


def test_the_values_are_measured(evidence: Evidence, trained: Callable[..., None]) -> None:
    def value(text: str) -> float | None:
        found: float | None = ask(VALUES, read_call(text), evidence)
        return found

    assert value("run_loss(model=TinyGPT)") is None
    trained([3.6, 2.8, 2.75])
    trained([3.6, 3.1])
    assert value("run_loss(model=TinyGPT)") == 3.1 and value("run_loss(model=GPT)") is None
    assert value("run_loss(model=TinyGPT, steps=200)") == 2.75 and value("run_loss(steps=201)") is None
    text = corpus.normalize(corpus.load("the-curious-cat").text)
    assert value("characters(the-curious-cat)") == 36
    assert value("chance(the-curious-cat)") == math.log(36)
    assert value("counted_pairs(the-curious-cat)") == baselines(prepare(text)).bigram_val


@pytest.mark.parametrize(("done", "met"), [
    (("text_chosen(a)", "guessed(1)"), True), (("text_chosen(b)", "guessed(1)"), True),
    (("text_chosen(c)", "guessed(1)"), False), (("text_chosen(a)", "text_chosen(b)"), False),
])  # fmt: skip
def test_each_part_of_a_condition_may_be_met_as_another_language_has_it(
    done: tuple[str, ...], met: bool
) -> None:
    versions = [read_condition(f"text_chosen({text}) and guessed(1)") for text in "ab"]

    def check(call: Call) -> bool:
        return str(call) in done

    assert holds_in_any(versions, check) == met
    other = read_condition("guessed(1)")  # nothing like it: it is met as it stands
    assert holds_in_any([versions[0], other], check) == ("guessed(1)" in done)
