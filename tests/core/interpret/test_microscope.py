"""A step under the microscope is the run's own step: same batch, same loss, same weights afterwards."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from minigpt_core.configs import TrainConfig
from minigpt_core.interpret.microscope import WeightUpdate, examine_step, start_before, trainer_at
from minigpt_core.jobs.recording import Recorder
from minigpt_core.jobs.worker import beginning, take_up
from minigpt_core.model import TinyGPT
from minigpt_core.precision import autocast
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.training import StepEvent, Trainer

TEXT = "le chat curieux dort. le chat gris court. un matin, le chat voit un oiseau.\n" * 12
TINY = {"block_size": 8, "n_embd": 16}
GPT = TINY | {"n_layer": 1, "n_head": 2, "positions": "learned", "residual": True, "dropout": 0.3}


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path)


def trained(store: RunStore, model: dict[str, Any], **settings: Any) -> Run:
    """A stored run, trained here to its end, evaluated every 10 steps."""
    training = TrainConfig(steps=30, eval_interval=10, sample_length=5, **settings)
    run = new_run(store, text=TEXT, title="chat", model_fields=model, training=training)
    store.set_status(
        run.id, "queued", precision=training.precision
    )  # so large a model that it would be faster
    trainer = take_up(store, store.run(run.id))
    recorder = Recorder(store, run.id, trainer)
    for event in trainer.run():
        recorder.record(event)
        if isinstance(event, StepEvent) and event.step == 13:
            trainer.steering.change(learning_rate=0.01)
    store.set_status(run.id, "done")
    return store.run(run.id)


def fresh(store: RunStore, run: Run, step: int) -> Trainer:
    return trainer_at(store, run, beginning(store, run)[0], step)


@pytest.mark.parametrize("model", [TINY, GPT], ids=["TinyGPT", "GPT"])
@pytest.mark.parametrize("step", [0, 9, 10, 17, 29])
def test_it_is_the_step_that_the_run_made(store: RunStore, model: dict[str, Any], step: int) -> None:
    run = trained(store, model)
    made = store.steps_since(run.id, step)[0]
    seen = examine_step(fresh(store, run, step))
    assert (seen.step, made.step) == (step, step + 1)
    assert (seen.loss, seen.learning_rate) == (made.loss, made.learning_rate)
    assert seen.grad_norm == pytest.approx(made.grad_norm)


def test_the_parts_fit_together(store: RunStore) -> None:
    run = trained(store, TINY, optimizer="sgd", learning_rate=0.5)
    trainer = fresh(store, run, 20)
    seen = examine_step(trainer)
    assert torch.equal(seen.x[:, 1:], seen.y[:, :-1])
    assert seen.losses.mean().item() == pytest.approx(seen.loss, rel=1e-6)
    right = seen.probabilities.gather(-1, seen.y[..., None])[..., 0]
    assert torch.allclose(-right.log(), seen.losses, atol=1e-5)
    total = torch.cat([g.flatten() for g in seen.gradients.values()]).norm()
    assert total.item() == pytest.approx(seen.grad_norm, rel=1e-5)
    for name, before in seen.before.items():  # plain gradient descent: w − rate · gradient
        assert torch.allclose(seen.after[name], before - seen.learning_rate * seen.gradients[name])
    assert all(torch.equal(w, seen.after[name]) for name, w in trainer.model.named_parameters())


def test_its_gradients_are_those_of_the_loss(store: RunStore) -> None:
    """An independent forward and backward pass through weights set up from what was written down."""
    run = trained(store, TINY)
    seen = examine_step(fresh(store, run, 5))
    model = TinyGPT(run.model)
    model.load_state_dict(seen.before)
    logits, _ = model(seen.x)
    F.cross_entropy(logits.flatten(0, 1), seen.y.flatten()).backward()
    for name, weight in model.named_parameters():
        assert weight.grad is not None
        assert torch.allclose(weight.grad, seen.gradients[name], atol=1e-6)


def test_the_next_step_follows(store: RunStore) -> None:
    run = trained(store, GPT)
    trainer = fresh(store, run, 3)
    first, second = examine_step(trainer), examine_step(trainer)
    assert second.step == first.step + 1
    assert all(torch.equal(first.after[name], second.before[name]) for name in first.after)
    assert not trainer.model._forward_hooks


def test_the_steepest_weights_are_named(store: RunStore) -> None:
    run = trained(store, TINY)
    seen = examine_step(fresh(store, run, 0))
    found = [abs(seen.gradients[name][index].item()) for name, index in seen.steepest(5)]
    everything = torch.cat([gradient.abs().flatten() for gradient in seen.gradients.values()])
    assert found == everything.topk(5).values.tolist()


def test_the_same_batch_again(store: RunStore) -> None:
    run = trained(store, TINY, optimizer="sgd", learning_rate=0.5)
    seen = examine_step(fresh(store, run, 20))
    model = TinyGPT(run.model)
    model.load_state_dict(seen.after)
    assert model(seen.x, seen.y)[1].item() == pytest.approx(seen.loss_again)
    assert seen.loss_again < seen.loss


FEW_DIGITS = GPT | {"dropout": 0.0, "n_embd": 32, "block_size": 16}


def test_with_fewer_digits_losses_before_and_after_are_measured_alike(store: RunStore) -> None:
    """Where the processor has no instructions for bfloat16, it is the same in 32 bits."""
    run = trained(store, FEW_DIGITS, precision="bfloat16", learning_rate=0.1)
    trainer = fresh(store, run, 20)
    seen = examine_step(trainer)
    assert seen.logits.dtype == torch.float32
    assert seen.losses.mean().item() == pytest.approx(seen.loss, rel=1e-6)
    assert seen.probabilities.sum(-1).sub(1).abs().max() < 1e-6
    with torch.no_grad(), autocast(trainer.precision, trainer.device):
        assert trainer.model.eval()(seen.x, seen.y)[1].item() == seen.loss_again


@pytest.mark.parametrize("step", [0, 1, 17])
def test_adamw_moves_against_the_mean_of_its_gradients(store: RunStore, step: int) -> None:
    """Decoupled weight decay, then a step along the mean divided by the root of the mean square (algorithm 2)."""
    run = trained(store, TINY, optimizer="adamw", weight_decay=0.2, beta1=0.8, beta2=0.9)
    trainer = fresh(store, run, 0)
    means: dict[str, torch.Tensor] = {}
    squares: dict[str, torch.Tensor] = {}
    t = step + 1
    for _ in range(t):
        seen = examine_step(trainer)
        for name, g in seen.gradients.items():
            means[name] = 0.8 * means.get(name, 0 * g) + 0.2 * g
            squares[name] = 0.9 * squares.get(name, 0 * g) + 0.1 * g**2
    for name, before in seen.before.items():
        mean, square = means[name] / (1 - 0.8**t), squares[name] / (1 - 0.9**t)
        assert torch.allclose(seen.mean_gradients[name], mean, rtol=1e-4, atol=1e-8)
        kept = before * (1 - seen.learning_rate * 0.2)
        assert torch.allclose(
            seen.after[name], kept - seen.learning_rate * mean / (square.sqrt() + 1e-8), atol=1e-5
        )
    if step == 0:
        assert all(torch.allclose(seen.mean_gradients[name], g) for name, g in seen.gradients.items())


@pytest.mark.parametrize("optimizer", ["sgd", "muon"])
def test_others_follow_no_mean_that_can_be_shown(store: RunStore, optimizer: str) -> None:
    run = trained(store, GPT, optimizer=optimizer)
    seen = examine_step(fresh(store, run, 2))
    moved_by_adamw = {name for name in seen.gradients if optimizer == "muon" and not (
        name.startswith("blocks.") and seen.gradients[name].ndim == 2
    )}  # fmt: skip
    assert seen.mean_gradients.keys() == moved_by_adamw


def test_where_it_starts_from(store: RunStore) -> None:
    run = trained(store, TINY)
    assert start_before(store, run, 0) == 0
    assert start_before(store, run, 19) == 10
    assert start_before(store, run, 30) == 30


def test_the_right_character_is_among_the_likeliest_with_its_score_and_probability(store: RunStore) -> None:
    seen = examine_step(fresh(store, trained(store, TINY), 0))
    for row, place in ((0, 0), (1, 3)):
        found = seen.likeliest(row, place, 3)
        right = int(seen.y[row, place])
        assert right in [i for i, _score, _p in found] and len(found) == 3
        assert [p for i, _score, p in found if i != right] == sorted(
            (p for i, _score, p in found if i != right), reverse=True
        )
        for i, score, p in found:
            assert (
                score == seen.logits[row, place, i].item() and p == seen.probabilities[row, place, i].item()
            )
    everybody = seen.likeliest(0, 0, 99)
    assert sum(p for _i, _score, p in everybody) == pytest.approx(1)
    assert [p for _i, _score, p in everybody] == sorted((p for _i, _score, p in everybody), reverse=True)


def test_the_lengths_of_all_groups_together_are_the_length_of_the_gradient(store: RunStore) -> None:
    seen = examine_step(fresh(store, trained(store, GPT), 5))
    groups = seen.gradient_lengths(lambda name: name.split(".")[0])
    assert set(groups) == {"token_embedding", "position_embedding", "blocks", "lm_head"}
    assert sum(length**2 for _count, length in groups.values()) ** 0.5 == pytest.approx(
        seen.grad_norm, rel=1e-5
    )
    assert sum(count for count, _length in groups.values()) == sum(w.numel() for w in seen.before.values())


def test_a_weight_of_plain_descent_moves_against_its_gradient(store: RunStore) -> None:
    run = trained(store, TINY, optimizer="sgd", learning_rate=0.5, weight_decay=0.0)
    seen = examine_step(fresh(store, run, 3))
    for name, index in seen.steepest(5):
        update = seen.weight_update(name, index)
        assert update.gradient is not None and not update.with_gradient
        assert update.after == pytest.approx(update.before - seen.learning_rate * update.gradient, rel=1e-5)
    assert WeightUpdate(before=1.0, gradient=0.5, after=1.1).with_gradient
    assert not WeightUpdate(before=1.0, gradient=None, after=1.1).with_gradient


def test_the_rows_of_characters_are_those_before_the_update(store: RunStore) -> None:
    seen = examine_step(fresh(store, trained(store, TINY), 2))
    rows = seen.character_rows(2, 4, 5)
    assert set(rows) == set(seen.x[:2, :4].flatten().tolist())
    table = seen.before["token_embedding.weight"]
    assert all(row == table[i, :5].tolist() for i, row in rows.items())
