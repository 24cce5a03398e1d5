"""What a model was at each checkpoint is what its weights and its run's records say."""

import math

import numpy as np
import pytest
import torch

from minigpt_core.configs import TrainConfig
from minigpt_core.data import prepare
from minigpt_core.interpret.checkpoint_history import (
    MILESTONES,
    Snapshot,
    milestones,
    models_at,
    next_characters,
    snapshots,
)
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.training import CheckpointEvent, MetricsEvent, SampleEvent, Trainer

TEXT = "one morning the cat sat on the mat. " * 40


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunStore, Run, Trainer]:
    store = RunStore(tmp_path_factory.mktemp("home"))
    training = TrainConfig(steps=6, eval_interval=2, sample_length=5, eval_windows=1, learning_rate=0.05)
    run = new_run(store, text=TEXT, title="cat", model_fields={"n_embd": 8, "block_size": 8}, training=training,
                  status="stopped")  # fmt: skip
    trainer = Trainer(prepare(TEXT), run.model, run.training)
    for event in trainer.run():
        if isinstance(event, CheckpointEvent):
            store.save_checkpoint(run.id, event.checkpoint)
        elif isinstance(event, MetricsEvent) and event.train_loss is not None:
            store.append(run.id, evaluations=[event])
        elif isinstance(event, SampleEvent):
            store.append(run.id, samples=[event])
    return store, store.run(run.id), trainer


def test_a_snapshot_has_the_newest_evaluation_and_sample_until_its_step(
    trained: tuple[RunStore, Run, Trainer],
) -> None:
    store, run, _trainer = trained
    evaluations = {event.step: event for event in store.evaluations(run.id)}
    history = snapshots(store, run)
    assert [moment.step for moment in history] == [info.step for info in store.checkpoints(run.id)]
    for moment in history:
        newest = max(step for step in evaluations if step <= moment.step)
        assert moment.evaluation == evaluations[newest] and moment.loss == evaluations[newest].val_loss
    assert history[-1].sample == store.samples(run.id)[-1].text


def test_the_last_model_is_the_trained_one_and_what_comes_next_is_what_each_says(
    trained: tuple[RunStore, Run, Trainer],
) -> None:
    store, run, trainer = trained
    steps = [info.step for info in store.checkpoints(run.id)]
    models, idx = list(models_at(store, run, steps)), torch.tensor([[1, 2, 3]])
    assert not any(model.training for model in models)
    trainer.model.eval()
    with torch.no_grad():
        expected = torch.stack([model(idx)[0][0, -1].softmax(-1) for model in models])
        torch.testing.assert_close(expected[-1], trainer.model(idx)[0][0, -1].softmax(-1))
    following = next_characters(models_at(store, run, steps), [1, 2, 3], most=5)
    assert len(following.ids) == 5 == len(set(following.ids))
    np.testing.assert_allclose(following.shares, expected[:, following.ids], atol=1e-6)
    assert list(following.shares[-1]) == sorted(following.shares[-1], reverse=True)
    assert following.ids[0] == expected[-1].argmax().item()


def test_the_milestones_go_from_gibberish_to_the_best() -> None:
    losses = [4.0, 3.9, 3.0, 3.2, 2.5, 2.4, 2.1]
    assert milestones(losses) == [0, 2, 4, 6]
    assert milestones(losses[:6]) == [0, 2, 5]  # the best is always there
    assert milestones(losses[:1]) == [0]
    assert milestones([None, 4.0, None, 2.0]) == [1, 3]
    assert milestones([]) == milestones([None]) == []
    assert (
        len(milestones([9 - n / 50 for n in range(400)])) == MILESTONES + 2
    )  # a few, however long the training


def test_a_loss_that_is_no_number_is_none() -> None:
    def snapshot(val: float | None, train: float) -> Snapshot:
        return Snapshot(0, MetricsEvent(step=0, train_loss=train, val_loss=val, val_accuracy=None), "")

    assert snapshot(2.0, 1.0).loss == 2.0 and snapshot(None, 1.0).loss == 1.0
    assert snapshot(math.nan, 1.0).loss is None and snapshot(None, math.inf).loss is None
    assert Snapshot(0, None, "").loss is None
