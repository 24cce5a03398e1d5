"""The verdicts, each on a run that really shows it: trained here, small and quick."""

import math
from collections.abc import Sequence
from typing import Any

import pytest

from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.data import Dataset, prepare
from minigpt_core.interpret.diagnosis import Finding, diagnose
from minigpt_core.ngrams import Baselines, baselines
from minigpt_core.presets import CHAT_CURIEUX_GPT
from minigpt_core.texts import corpus
from minigpt_core.training import DoneEvent, MetricsEvent, Trainer

TINY = {"n_embd": 64, "block_size": 32}
SMALL = {
    "n_embd": 32, "block_size": 16, "n_layer": 1, "n_head": 2, "positions": "learned", "mlp": "gelu",
    "residual": True, "norm": "layernorm",
}  # fmt: skip


@pytest.fixture(scope="module")
def story() -> Dataset:
    return prepare(corpus.normalize(corpus.load("le-chat-curieux").text))


@pytest.fixture(scope="module")
def counted(story: Dataset) -> Baselines:
    return baselines(story)


def verdict(dataset: Dataset, counted: Baselines, model: dict[str, Any], **settings: Any) -> Finding:
    """Train, then diagnose."""
    config = ModelConfig(vocab_size=dataset.tokenizer.vocab_size, **model)
    training = TrainConfig(sample_length=0, **settings)
    events = list(Trainer(dataset, config, training).run())
    done = events[-1]
    assert isinstance(done, DoneEvent)
    evaluations = [event for event in events if isinstance(event, MetricsEvent)]
    return diagnosed(
        evaluations, counted, training, status=done.status, sees_one_character=not config.n_layer
    )


def diagnosed(
    evaluations: Sequence[MetricsEvent],
    counted: Baselines,
    training: TrainConfig,
    *,
    status: str = "done",
    sees_one_character: bool = False,
) -> Finding:
    return diagnose(
        evaluations,
        status=status,
        training=training,
        baselines=counted,
        sees_one_character=sees_one_character,
    )


def curve(losses: Sequence[tuple[float, float]], val_error: float | None = None) -> list[MetricsEvent]:
    """Evaluations with these losses on learned and on unseen text."""
    return [
        MetricsEvent(step=100 * n, train_loss=seen, val_loss=unseen, val_accuracy=None, val_error=val_error)
        for n, (seen, unseen) in enumerate(losses)
    ]


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("near_floor", {"steps": 500, "eval_windows": 256}),
        (
            "floor",
            {
                "steps": 500,
                "learning_rate": 0.03,
                "batch_size": 64,
                "schedule": "cosine",
                "min_lr_share": 0.0,
                "eval_windows": 0,
            },
        ),
        ("rate_too_low", {"steps": 500, "learning_rate": 3e-5}),
        ("rate_too_low", {"steps": 500, "learning_rate": 3e-4}),
        ("rate_too_high", {"steps": 500, "learning_rate": 0.1}),
        ("diverged", {"steps": 100, "learning_rate": 1.0}),
        ("diverged", {"steps": 100, "learning_rate": 1000.0, "optimizer": "sgd"}),
        ("too_early", {"steps": 60}),
        ("too_early", {"steps": 20}),
        ("too_early", {"steps": 30}),
        ("too_short", {"steps": 3}),
    ],
)
def test_tinygpt_shows_each_case(
    story: Dataset, counted: Baselines, kind: str, settings: dict[str, Any]
) -> None:
    assert verdict(story, counted, TINY, **settings).kind == kind


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("rate_too_high", {"learning_rate": 0.2}),
        ("rate_too_low", {"learning_rate": 3e-5}),
        ("too_early", {"learning_rate": 3e-3}),
    ],
)
def test_gpt_shows_each_case(story: Dataset, counted: Baselines, kind: str, settings: dict[str, Any]) -> None:
    assert verdict(story, counted, SMALL, steps=300, batch_size=8, **settings).kind == kind


def test_slow_is_not_called_wavering(story: Dataset, counted: Baselines) -> None:
    """SGD creeps down without ever going up: a lower rate would be wrong advice."""
    found = verdict(story, counted, TINY, steps=500, learning_rate=0.1, optimizer="sgd")
    assert found.kind in ("too_early", "rate_too_low")


@pytest.mark.parametrize(
    ("made", "kind", "advice"),
    [(60, "too_early", {"steps": 500}), (500, "rate_too_low", {"learning_rate": 0.01})],
)
def test_a_run_that_was_stopped_early_says_nothing_about_its_rate(
    counted: Baselines, made: int, kind: str, advice: dict[str, float]
) -> None:
    """Every curve is straight at its start; what was cut off there only lacks the steps that were planned."""
    found = diagnose(
        [
            MetricsEvent(step=made * n // 10, train_loss=3.6 - 0.05 * n, val_loss=None, val_accuracy=None)
            for n in range(11)
        ],
        status="stopped",
        training=TrainConfig(steps=500, learning_rate=1e-3),
        baselines=counted,
        sees_one_character=True,
    )
    assert (found.kind, found.next_run) == (kind, advice)


def test_a_pause_is_no_end(counted: Baselines) -> None:
    found = diagnose(
        [
            MetricsEvent(step=12 * n, train_loss=3.6 - 0.1 * n, val_loss=None, val_accuracy=None)
            for n in range(11)
        ],
        status="paused",
        training=TrainConfig(steps=500),
        baselines=counted,
        sees_one_character=True,
    )
    assert (found.kind, found.next_run) == ("still_learning", {})


def test_a_model_too_large_for_its_text_overfits() -> None:
    short = prepare(corpus.normalize(corpus.load("the-curious-cat").text)[:700])
    settings: dict[str, Any] = {"steps": 300, "batch_size": 16, "learning_rate": 1e-2}
    found = verdict(short, baselines(short), SMALL, **settings)
    assert found.kind == "overfitting"
    assert found.numbers["val_loss"] > found.numbers["best_val_loss"]
    assert found.numbers["best_step"] < 300 and found.next_run == {"steps": found.numbers["best_step"]}
    sizes: dict[str, Any] = dict(SMALL)
    model = ModelConfig(vocab_size=short.tokenizer.vocab_size, **sizes)
    again = TrainConfig(sample_length=0, **settings | found.next_run)
    ends = [event for event in Trainer(short, model, again).run() if isinstance(event, MetricsEvent)]
    assert (ends[-1].val_loss or math.inf) < found.numbers["val_loss"] - 0.05


def test_what_unseen_text_no_longer_gains_from_is_learned_by_heart(counted: Baselines) -> None:
    found = diagnose(
        [
            MetricsEvent(
                step=100 * n,
                train_loss=0.6 + 3 * 0.85**n,
                val_loss=1.5 + 2.1 * 0.7**n,
                val_accuracy=None,
            )
            for n in range(21)
        ],
        status="done",
        training=TrainConfig(steps=2000),
        baselines=counted,
        sees_one_character=False,
    )
    assert found.kind == "by_heart" and not found.next_run and found.next_preset is None
    assert found.numbers["unseen"] < found.numbers["learned"] / 3


def test_while_unseen_text_still_gains_nothing_is_called_learned_by_heart(counted: Baselines) -> None:
    """Its loss falls by 0.1 a hundred evaluations; that of the learned text by more than three times as much."""
    losses = [(2.5 - 0.1 * n, 2.6 - 0.03 * n) for n in range(21)]
    found = diagnosed(curve(losses), counted, TrainConfig(steps=2000))
    assert found.kind == "growing_gap" and found.numbers["unseen"] == pytest.approx(0.15)


def test_a_gap_that_grows_no_more_is_still_a_gap(counted: Baselines) -> None:
    losses = [(0.4 + 3 * 0.5**n, 1.5 + 2 * 0.5**n) for n in range(21)]
    assert diagnosed(curve(losses), counted, TrainConfig(steps=2000)).kind == "gap"


@pytest.mark.parametrize(("error", "kind"), [(0.01, "overfitting"), (0.2, "too_early")])
def test_a_rise_within_the_standard_error_is_no_overfitting(
    counted: Baselines, error: float, kind: str
) -> None:
    losses = [(1.5 + 0.5**n - 0.01 * n, 1.5 + 0.5**n + 0.008 * n) for n in range(21)]
    assert diagnosed(curve(losses, error), counted, TrainConfig(steps=2000)).kind == kind


STUCK = "".join(
    chr(97 + i % 26) + chr(65 + i * 7 % 20) for i in range(150)
)  # 300 characters, 46 of them distinct


@pytest.mark.parametrize(("block_size", "patience"), [(16, 0), (16, 5), (128, 5)])
def test_a_run_that_stays_at_pure_chance_is_never_called_sound(block_size: int, patience: int) -> None:
    dataset = prepare(STUCK)
    counted, model = baselines(dataset), CHAT_CURIEUX_GPT.model | {"block_size": block_size}
    how: dict[str, Any] = {"steps": 120, "batch_size": 8, "patience": patience, "optimizer": "sgd"}
    found = verdict(dataset, counted, model, learning_rate=1e-4, **how)
    assert found.kind == "at_chance"
    assert found.numbers["loss"] == pytest.approx(found.numbers["chance"], abs=5e-3)
    assert found.next_run == {"learning_rate": 0.01}
    if block_size == 16 and not patience:
        assert verdict(dataset, counted, model, **how | found.next_run).kind != "at_chance"


def test_what_stands_still_far_above_counting_is_stuck(counted: Baselines) -> None:
    """The loss came down from pure chance to what the frequencies of the characters give, and no further."""
    losses = [(counted.unigram_train + 2 * 0.2**n, counted.unigram_train + 2 * 0.2**n) for n in range(21)]
    found = diagnosed(curve(losses), counted, TrainConfig(steps=2000))
    assert (found.kind, found.numbers["reference"]) == ("stuck", counted.bigram_train)


def test_a_loss_that_rose_at_first_is_not_falling_steadily(counted: Baselines) -> None:
    up_and_down = [(3.5 + 0.1 * (n % 2), 3.6) for n in range(21)]
    assert diagnosed(curve(up_and_down), counted, TrainConfig(steps=2000)).kind == "rate_too_high"


def test_a_finished_run_far_above_chance_is_broken(counted: Baselines) -> None:
    ended = curve([(3.9, 3.9), (3.7, 3.7), (900.0, 900.0), (5e4, 5e4), (2e5, 2e5)])
    found = diagnosed(ended, counted, TrainConfig(steps=400))
    assert found.kind == "diverged" and found.numbers["loss"] == 2e5


def test_what_has_settled_gets_no_advice() -> None:
    """Balanced brackets are learned as far as chance allows, on unseen ones too."""
    toy = prepare(corpus.load("balanced-brackets").text)
    found = verdict(
        toy, baselines(toy), SMALL, steps=800, batch_size=16, learning_rate=1e-2, schedule="cosine"
    )
    assert found.kind == "nothing_wrong" and not found.next_run and found.next_preset is None


def test_advice_can_be_followed(story: Dataset, counted: Baselines) -> None:
    """The next run that is offered ends lower than the one that was diagnosed."""
    slow = verdict(story, counted, TINY, steps=200, learning_rate=3e-4)
    again = verdict(story, counted, TINY, steps=200, **slow.next_run)
    assert slow.kind == "rate_too_low"
    assert again.numbers["loss"] < slow.numbers["loss"]


@pytest.mark.parametrize("steps", [20, 30])
def test_a_nearly_straight_curve_at_a_usual_rate_lacks_steps(
    story: Dataset, counted: Baselines, steps: int
) -> None:
    short = verdict(story, counted, TINY, steps=steps)
    assert (short.kind, short.next_run) == ("too_early", {"steps": 5 * steps})
    assert verdict(story, counted, TINY, **short.next_run).numbers["loss"] < short.numbers["loss"] - 0.3


@pytest.mark.parametrize(("best", "advice"), [(4, {"steps": 40}), (0, {})])
def test_a_run_that_overfits_should_have_ended_at_its_best_step(best: int, advice: dict[str, int]) -> None:
    found = diagnose(
        [
            MetricsEvent(step=10 * n, train_loss=3 - n / 4, val_loss=2 + abs(n - best) / 4, val_accuracy=None)
            for n in range(9)
        ],
        status="done",
        training=TrainConfig(steps=80),
        baselines=baselines(prepare("abcd" * 100)),
        sees_one_character=False,
    )
    assert (found.kind, found.next_run) == ("overfitting", advice)


def test_a_rate_stays_in_its_range(counted: Baselines) -> None:
    broken = diagnose(
        [],
        status="diverged",
        training=TrainConfig(learning_rate=3.7, optimizer="sgd"),
        baselines=counted,
        sees_one_character=True,
    )
    assert broken.next_run == {"learning_rate": 0.4} and math.isnan(broken.numbers["loss"])


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize("rate", [30.0, 1000.0])
def test_one_advice_is_enough_after_a_run_that_broke(
    story: Dataset, counted: Baselines, optimizer: str, rate: float
) -> None:
    broken = verdict(story, counted, TINY, steps=60, optimizer=optimizer, learning_rate=rate)
    again = verdict(story, counted, TINY, **{"steps": 60, "optimizer": optimizer} | broken.next_run)
    assert broken.kind == "diverged" and again.kind != "diverged"
