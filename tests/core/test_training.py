"""The training loop: what it yields, and that nothing but the seed decides the losses."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch

from minigpt_core import configs
from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.data import Dataset, prepare
from minigpt_core.errors import ConfigError, TextError
from minigpt_core.ngrams import baselines
from minigpt_core.steering import ChangeEvent, Steering
from minigpt_core.texts import corpus
from minigpt_core.training import (
    Checkpoint,
    CheckpointEvent,
    DoneEvent,
    Event,
    MetricsEvent,
    SampleEvent,
    StepEvent,
    Trainer,
)

TEXT = "le chat curieux dort. le chat gris court. un matin, le chat voit un oiseau.\n" * 12


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return prepare(TEXT)


def make(
    dataset: Dataset,
    *,
    checkpoint: Checkpoint | None = None,
    changes: Iterable[ChangeEvent] = (),
    wait: Callable[[Steering], object] | None = None,
    **fields: Any,
) -> Trainer:
    dropout = {"dropout": fields.pop("dropout"), "n_layer": 1, "n_head": 2} if "dropout" in fields else {}
    model = ModelConfig(vocab_size=dataset.tokenizer.vocab_size, block_size=8, n_embd=16, **dropout)
    config = TrainConfig(**({"steps": 40, "eval_interval": 10, "sample_length": 20} | fields))
    return Trainer(dataset, model, config, checkpoint=checkpoint, changes=changes, wait=wait)


def losses(events: Iterable[Event]) -> dict[int, float]:
    return {e.step: e.loss for e in events if isinstance(e, StepEvent)}


def of_type(events: Iterable[Event], kind: type) -> list[Any]:
    return [e for e in events if isinstance(e, kind)]


def test_a_run_reports_its_start_every_interval_and_its_end(dataset: Dataset) -> None:
    events = list(make(dataset, steps=45).run())
    assert [e.step for e in of_type(events, StepEvent)] == list(range(1, 46))
    assert [e.step for e in of_type(events, MetricsEvent)] == [0, 10, 20, 30, 40, 45]
    assert [e.step for e in of_type(events, SampleEvent)] == [0, 10, 20, 30, 40, 45]
    assert [e.step for e in of_type(events, CheckpointEvent)] == [0, 10, 20, 30, 40, 45]
    assert events[-1] == DoneEvent(step=45, status="done")


def test_an_untrained_model_costs_more_than_a_guess_and_training_helps(dataset: Dataset) -> None:
    metrics = of_type(make(dataset, steps=300).run(), MetricsEvent)
    guess = math.log(dataset.tokenizer.vocab_size)
    assert metrics[0].val_loss > guess * 0.9
    assert metrics[-1].val_loss < guess * 0.6
    assert metrics[-1].val_accuracy > metrics[0].val_accuracy


def test_samples_are_of_the_asked_length_and_in_the_alphabet(dataset: Dataset) -> None:
    for sample in of_type(make(dataset).run(), SampleEvent):
        assert len(sample.text) == 20
        assert set(sample.text) <= set(TEXT)


def test_the_losses_depend_on_the_seed_alone(dataset: Dataset) -> None:
    """Not on the evaluation interval, a pause, samples, or another trainer in between."""
    reference = losses(make(dataset).run())
    assert losses(make(dataset, eval_interval=7, sample_length=0).run()) == reference
    assert losses(make(dataset, seed=5).run()) != reference

    ours, others = make(dataset).run(), make(dataset, seed=9).run()
    interleaved: dict[int, float] = {}
    for event, _ in zip(ours, others, strict=False):
        torch.rand(3)  # somebody else uses the global generator
        interleaved |= losses([event])
    assert interleaved == reference


def test_training_leaves_the_global_random_state_alone(dataset: Dataset) -> None:
    before = torch.get_rng_state()
    list(make(dataset).run())
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("windows", ["random", "epochs"])
@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize("stop_at", [7, 20])
def test_a_resumed_run_has_the_same_losses_bit_for_bit(
    dataset: Dataset, windows: str, optimizer: str, stop_at: int
) -> None:
    how: dict[str, Any] = {"optimizer": optimizer, "windows": windows}
    whole = list(make(dataset, **how).run())
    first = make(dataset, **how)
    events = []
    for event in first.run():
        events.append(event)
        if isinstance(event, StepEvent) and event.step == stop_at:
            first.steering.stop()
    checkpoint = of_type(events, CheckpointEvent)[-1].checkpoint
    assert checkpoint.step == stop_at
    assert events[-1] == DoneEvent(step=stop_at, status="stopped")
    events += make(dataset, checkpoint=checkpoint, **how).run()
    assert losses(events) == losses(whole)
    assert of_type(events, MetricsEvent) == of_type(whole, MetricsEvent)
    assert of_type(events, SampleEvent) == of_type(whole, SampleEvent)


def growing_worse(dataset: Dataset) -> Dataset:
    """The text twice as training part, and a validation part that tells another story: a GPT soon gets it worse."""
    other = "un oiseau gris curieux le matin court, un chat dort voit.\n" * 4
    return Dataset(dataset.tokenizer, dataset.train, dataset.tokenizer.encode(other))


IMPATIENT = {"steps": 400, "learning_rate": 0.05, "eval_interval": 10, "patience": 3, "sample_length": 0}


def test_a_run_that_gets_no_better_ends_early_and_keeps_its_best(dataset: Dataset) -> None:
    events = list(make(growing_worse(dataset), **IMPATIENT).run())
    measured = of_type(events, MetricsEvent)
    best = min(measured, key=lambda metrics: metrics.val_loss)
    assert 0 < best.step < events[-1].step < 400
    assert events[-1] == DoneEvent(step=best.step + 3 * 10, status="done", early=True)
    assert events[-1].step == measured[-1].step == of_type(events, StepEvent)[-1].step
    last = of_type(events, CheckpointEvent)[-1].checkpoint
    assert (last.step, last.state["best_step"]) == (events[-1].step, best.step)
    assert best.step in {e.checkpoint.step for e in of_type(events, CheckpointEvent)}


@pytest.mark.parametrize("early_by", [5, 25])
def test_patience_goes_on_where_it_was(dataset: Dataset, early_by: int) -> None:
    other = growing_worse(dataset)
    whole = list(make(other, **IMPATIENT).run())
    first = make(other, **IMPATIENT)
    events = []
    for event in first.run():
        events.append(event)
        if isinstance(event, StepEvent) and event.step == whole[-1].step - early_by:
            first.steering.stop()
    events.pop()  # it was stopped
    last = of_type(events, CheckpointEvent)[-1].checkpoint
    events += make(other, checkpoint=last, **IMPATIENT).run()
    assert events[-1] == whole[-1] and losses(events) == losses(whole)
    ended = of_type(whole, CheckpointEvent)[-1].checkpoint
    assert list(make(other, checkpoint=ended, **IMPATIENT).run()) == [whole[-1]]


def test_without_patience_or_without_unseen_text_all_steps_are_made(dataset: Dataset) -> None:
    settings = IMPATIENT | {"steps": 120}
    for data, patience in ((growing_worse(dataset), 0), (prepare(TEXT, val_fraction=0.0), 3)):
        *_, end = make(data, **settings | {"patience": patience}).run()
        assert end == DoneEvent(step=120, status="done", early=False)


def test_changes_take_effect_at_once_and_are_replayed_on_resume(dataset: Dataset) -> None:
    trainer = make(dataset)
    events: list[Event] = []
    for event in trainer.run():
        events.append(event)
        if isinstance(event, StepEvent) and event.step == 15:
            trainer.steering.change(learning_rate=0.1)
    changes = of_type(events, ChangeEvent)
    assert changes == [ChangeEvent(step=15, name="learning_rate", value=0.1)]
    assert [e.learning_rate for e in of_type(events, StepEvent)][13:17] == [3e-3, 3e-3, 0.1, 0.1]

    checkpoint = of_type(events, CheckpointEvent)[1].checkpoint
    assert checkpoint.step == 10
    replayed = list(make(dataset, checkpoint=checkpoint, changes=changes).run())
    assert losses(replayed) == {step: loss for step, loss in losses(events).items() if step > 10}
    assert not of_type(replayed, ChangeEvent)


@pytest.mark.parametrize(
    "change", [{"learning_rate": 0.0}, {"learning_rate": math.nan}, {"pace": -1}, {"batch_size": 8}]
)
def test_impossible_changes_are_refused(dataset: Dataset, change: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        make(dataset).steering.change(**change)


def test_divergence_ends_the_run_and_every_checkpoint_is_good(dataset: Dataset) -> None:
    events = list(make(dataset, optimizer="sgd", learning_rate=1000.0, eval_interval=1, steps=200).run())
    assert isinstance(events[-1], DoneEvent)
    assert events[-1].status == "diverged"
    assert all(math.isfinite(e.loss) for e in of_type(events, StepEvent))
    for event in of_type(events, CheckpointEvent):
        weights = [t for name, t in event.checkpoint.tensors.items() if name.startswith("model.")]
        assert all(torch.isfinite(t).all() for t in weights)


def test_a_short_validation_part_gets_shorter_windows_and_none_is_no_error() -> None:
    short = prepare("abcabcabcabcab", 0.2)  # 2 characters of validation, fewer than the block
    assert len(short.val) - 1 < 8
    assert of_type(make(short, steps=2).run(), MetricsEvent)[-1].val_loss is not None
    without = prepare("abcabcabcabcab", 0.0)
    assert of_type(make(without, steps=2).run(), MetricsEvent)[-1].val_loss is None


def test_a_text_shorter_than_the_block_is_refused_with_both_numbers() -> None:
    with pytest.raises(TextError, match=r"(?s)6.*9|9.*6"):
        make(prepare("abcabc", 0.0))


def test_a_pace_waits_before_each_step_and_changes_nothing(dataset: Dataset) -> None:
    waits: list[float] = []
    trainer = make(
        dataset, pace=1.0, steps=20, wait=lambda steering: waits.append(steering.seconds_until_due())
    )
    assert losses(trainer.run()) == losses(make(dataset, steps=20).run())
    assert waits[0] == 0
    assert all(0.5 < seconds <= 1.0 * (n + 1) for n, seconds in enumerate(waits[1:]))


@pytest.mark.parametrize(
    "fields",
    [
        {"steps": 0},
        {"batch_size": 2000},
        {"optimizer": "magic"},
        {"learning_rate": 0.0},
        {"learning_rate": math.inf},
        {"val_fraction": 0.9},
        {"seed": -1},
        {"pace": math.nan},
    ],
)
def test_settings_out_of_range_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        TrainConfig(**fields)


def test_config_survives_json() -> None:
    config = TrainConfig(steps=3, learning_rate=0.5)
    assert TrainConfig.from_dict(config.to_dict()) == config


def test_a_twentieth_of_the_run_lies_between_evaluations_by_default() -> None:
    assert [TrainConfig(steps=s).evaluation_interval for s in (1, 10, 500, 1_000_000)] == [1, 1, 25, 50_000]


def test_a_long_run_is_evaluated_near_its_beginning_too() -> None:
    def early(**settings: int) -> tuple[int, ...]:
        return TrainConfig(**settings).early_evaluations

    assert [early(steps=steps) for steps in (500, 5000, 10_000)] == [(), (), (250,)]
    assert early(steps=100_000) == (250, 500, 1000, 2000)
    assert early(steps=100_000, eval_interval=5000) == early(steps=100_000, patience=3) == ()
    long = TrainConfig(steps=100_000)
    assert [long.evaluations_until(step) for step in (249, 250, 4999, 5000, 100_000)] == [0, 1, 4, 5, 24]


def test_early_evaluations_change_no_loss(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configs, "FIRST_EVALUATION", 2)
    plain = [*make(dataset, steps=200, eval_interval=10, dropout=0.1).run()]
    with_early = [*make(dataset, steps=200, eval_interval=0, dropout=0.1).run()]
    assert losses(with_early) == losses(plain)
    there, then = ({e.step: e for e in of_type(events, MetricsEvent)} for events in (plain, with_early))
    assert sorted(then) == [0, 2, 4, 10, *range(20, 201, 10)]
    assert all(then[step] == metrics for step, metrics in there.items())


def test_who_changes_the_interval_on_the_way_gets_that_one(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(configs, "FIRST_EVALUATION", 2)
    trainer = make(dataset, steps=200, eval_interval=0)
    trainer.steering.change(eval_interval=50)
    assert [e.step for e in of_type(trainer.run(), MetricsEvent)] == [0, 50, 100, 150, 200]


def test_tinygpt_comes_close_to_the_counted_pairs_of_a_small_text(dataset: Dataset) -> None:
    """What it can become is the bigram table; its exact minimum is the conditional entropy of the training text."""
    floor = baselines(dataset).one_character_minimum
    config = {
        "steps": 1500,
        "batch_size": 32,
        "learning_rate": 0.02,
        "eval_windows": 0,
        "eval_interval": 1500,
    }
    final = of_type(make(dataset, **config).run(), MetricsEvent)[-1]
    assert floor - 0.01 <= final.train_loss <= floor + 0.05


def test_tinygpt_learns_the_bundled_story() -> None:
    """The notebook's 500 steps come within 0.1 of what one character can tell."""
    text = corpus.normalize(corpus.load("le-chat-curieux").text)
    story = prepare(text)
    model = ModelConfig(vocab_size=story.tokenizer.vocab_size)
    config = TrainConfig(eval_windows=0, eval_interval=500, sample_length=0)
    final = of_type(Trainer(story, model, config).run(), MetricsEvent)[-1]
    floor = baselines(story).one_character_minimum
    assert floor < final.train_loss < floor + 0.1


def test_clipping_shortens_the_gradient_and_reports_its_full_length(dataset: Dataset) -> None:
    """With SGD the first step moves the weights by rate times gradient, at most rate times `grad_clip`."""
    moved, norms = [], []
    for clip in (0.0, 0.01):
        trainer = make(dataset, optimizer="sgd", learning_rate=1.0, grad_clip=clip, steps=1)
        before = torch.nn.utils.parameters_to_vector(trainer.model.parameters()).clone()
        norms.append(of_type(trainer.run(), StepEvent)[0].grad_norm)
        after = torch.nn.utils.parameters_to_vector(trainer.model.parameters())
        moved.append((after - before).norm().item())
    assert norms[0] == norms[1] == pytest.approx(moved[0], rel=1e-4)
    assert moved[1] == pytest.approx(0.01, rel=1e-3)
