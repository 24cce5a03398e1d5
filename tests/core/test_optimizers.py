"""Optimizers, schedules, threads and devices: who gets which weight, and that a resumed run is exactly the same."""

import itertools
import math
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from minigpt_core import optimizers
from minigpt_core.configs import CHOICES, ModelConfig, TrainConfig
from minigpt_core.data import Dataset, prepare
from minigpt_core.devices import (
    best_thread_count,
    choose_device,
    flops_per_step,
    move_to_device,
)
from minigpt_core.errors import ConfigError
from minigpt_core.ladder import settings_up_to
from minigpt_core.model import TinyGPT, build_model
from minigpt_core.optimizers import lr_multiplier
from minigpt_core.presets import find_preset
from minigpt_core.steering import ChangeEvent
from minigpt_core.training import (
    Checkpoint,
    CheckpointEvent,
    MetricsEvent,
    SampleEvent,
    StepEvent,
    Trainer,
)

TEXT = "le chat curieux dort. le chat gris court. un matin, le chat voit un oiseau.\n" * 12
MODEL = settings_up_to("dropout")[0] | {"n_layer": 2, "dropout": 0.2}


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return prepare(TEXT)


@pytest.fixture
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def make(dataset: Dataset, model: dict[str, Any] | None = None, **fields: Any) -> Trainer:
    more = {name: fields.pop(name) for name in ("checkpoint", "changes") if name in fields}
    config = ModelConfig(
        vocab_size=dataset.tokenizer.vocab_size,
        block_size=16,
        n_embd=16,
        **(MODEL if model is None else model),
    )
    settings = {"steps": 12, "eval_interval": 4, "sample_length": 10, "eval_windows": 2} | fields
    return Trainer(dataset, config, TrainConfig(**settings), **more)


def of_type(events: Any, kind: type) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def weights_of(optimizer: torch.optim.Optimizer) -> list[torch.Tensor]:
    return [weight for group in optimizer.param_groups for weight in group["params"]]


@pytest.mark.parametrize("threads", [1, 2], indirect=True)
@pytest.mark.parametrize("optimizer", ["adamw", "sgd", "muon"])
def test_a_resumed_run_is_the_same_bit_for_bit(dataset: Dataset, optimizer: str, threads: int) -> None:
    """With dropout, a schedule in the middle of its fall, clipping, weight decay, and several optimizers."""
    how = {
        "optimizer": optimizer, "schedule": "cosine", "warmup_steps": 3, "grad_clip": 0.5, "weight_decay": 0.1,
        "learning_rate": 0.01,
    }  # fmt: skip
    whole = list(make(dataset, **how).run())
    checkpoint = of_type(whole, CheckpointEvent)[1].checkpoint
    assert checkpoint.step == 4
    rest = list(make(dataset, checkpoint=checkpoint, **how).run())
    for kind in (StepEvent, MetricsEvent, SampleEvent):
        assert of_type(rest, kind) == [event for event in of_type(whole, kind) if event.step > 4]
    first, last = (
        of_type(whole, CheckpointEvent)[-1].checkpoint,
        of_type(rest, CheckpointEvent)[-1].checkpoint,
    )
    assert first.tensors.keys() == last.tensors.keys()
    assert all(torch.equal(first.tensors[name], last.tensors[name]) for name in first.tensors)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd", "muon"])
def test_no_training_loads_the_compiler(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch, optimizer: str
) -> None:
    monkeypatch.setitem(sys.modules, "torch._dynamo", None)  # importing it is an error now
    events = list(make(dataset, optimizer=optimizer).run())
    checkpoint = of_type(events, CheckpointEvent)[1].checkpoint
    resumed = make(dataset, checkpoint=checkpoint, optimizer=optimizer)
    assert of_type(resumed.run(), StepEvent) == of_type(events, StepEvent)[checkpoint.step :]


def test_a_checkpoint_can_be_gone_on_from_twice(dataset: Dataset) -> None:
    checkpoint = of_type(make(dataset, steps=4, optimizer="muon").run(), CheckpointEvent)[-1].checkpoint
    again = [
        of_type(make(dataset, checkpoint=checkpoint, optimizer="muon").run(), StepEvent) for _ in range(2)
    ]
    assert again[0] == again[1]


@pytest.mark.parametrize("name", ["adamw", "sgd", "muon"])
@pytest.mark.parametrize("rung", ["heads", "layernorm", "muon"])
def test_every_weight_has_one_optimizer_and_only_matrices_decay(name: str, rung: str) -> None:
    model = build_model(ModelConfig(vocab_size=9, n_embd=16, **settings_up_to(rung)[0]))
    made = optimizers.configure_optimizers(model, TrainConfig(optimizer=name, weight_decay=0.3))
    cared_for = [id(weight) for optimizer in made for weight in weights_of(optimizer)]
    assert sorted(cared_for) == sorted(id(weight) for weight in model.parameters())
    for group in itertools.chain.from_iterable(optimizer.param_groups for optimizer in made):
        assert all(group["weight_decay"] == (0.3 if w.ndim == 2 else 0.0) for w in group["params"])


def test_muon_gets_the_matrices_inside_the_layers_and_nothing_else() -> None:
    model = build_model(ModelConfig(vocab_size=9, n_embd=16, **settings_up_to("dropout")[0]))
    muon, adamw = optimizers.configure_optimizers(model, TrainConfig(optimizer="muon", beta1=0.8, beta2=0.9))
    assert isinstance(muon, torch.optim.Muon)
    linear = [module for module in model.blocks.modules() if isinstance(module, torch.nn.Linear)]
    assert {id(weight) for weight in weights_of(muon)} == {id(module.weight) for module in linear}
    assert adamw.defaults["betas"] == (0.8, 0.9)


def test_one_muon_step_moves_a_matrix_evenly_in_all_directions() -> None:
    """Its singular values come near to 0.2 · rate · sqrt(longer side), whatever those of the gradient are."""
    model = build_model(ModelConfig(vocab_size=9, n_embd=16, **settings_up_to("layernorm")[0]))
    muon, _ = optimizers.configure_optimizers(model, TrainConfig(optimizer="muon", learning_rate=0.01))
    matrix = model.blocks[0].attention.c_proj.weight
    before = matrix.detach().clone()
    model(torch.arange(9)[None], torch.arange(9).flip(0)[None])[1].backward()
    spread = torch.linalg.svdvals(matrix.grad)[:6]
    muon.step()
    moved = torch.linalg.svdvals(before - matrix)[:6] / (0.2 * 0.01 * math.sqrt(16))
    assert spread[0] / spread[-1] > 4
    assert moved.min() > 0.6 and moved.max() < 1.3


def test_matrices_that_share_a_muon_step_move_as_each_would_alone() -> None:
    """Also those whose shape no other one has, tall ones, and one that got no gradient. The way of each is what torch's
    Muon would go if its iteration came to its end: along the singular vectors, all about equally far."""
    generator = torch.Generator().manual_seed(1)
    shapes = [(8, 24), (24, 8), (8, 24), (8, 8), (24, 8), (8, 24)]
    weights = [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in shapes]
    muon = optimizers.Muon(weights, lr=0.02, weight_decay=0.1, momentum=0.9)
    means = [torch.zeros(shape) for shape in shapes]
    for _ in range(3):
        before = [weight.detach().clone() for weight in weights]
        for weight, mean in zip(weights[:-1], means[:-1], strict=True):
            weight.grad = torch.randn(weight.shape, generator=generator)
            mean.mul_(0.9).add_(weight.grad, alpha=0.1)
        muon.step()
        for weight, mean, start in list(zip(weights, means, before, strict=True))[:-1]:
            assert weight.grad is not None
            u, _s, vt = torch.linalg.svd(0.1 * weight.grad + 0.9 * mean, full_matrices=False)
            moved = (start * (1 - 0.02 * 0.1) - weight) / (
                0.02 * 0.2 * math.sqrt(24 if 24 in weight.shape else 8)
            )
            lengths = u.T @ moved @ vt.T
            assert lengths.diagonal().min() > 0.72 and lengths.diagonal().max() < 1.28
            torch.testing.assert_close(lengths, lengths.diagonal().diag(), atol=1e-3, rtol=0)
            torch.testing.assert_close(u @ lengths @ vt, moved, atol=1e-3, rtol=0)
        assert torch.equal(weights[-1], before[-1])


def test_muon_leaves_alone_what_has_no_direction() -> None:
    """A gradient of zeros, as that of the layers before one that begins at zero."""
    assert torch.equal(optimizers.orthogonalize(torch.zeros(2, 3, 4), eps=1e-7), torch.zeros(2, 3, 4))


def test_in_tinygpt_everything_decays_as_in_the_notebook() -> None:
    model = TinyGPT(ModelConfig(vocab_size=5))
    (adamw,) = optimizers.configure_optimizers(model, TrainConfig(weight_decay=0.3))
    assert [group["weight_decay"] for group in adamw.param_groups] == [0.3]


@pytest.mark.parametrize("limit", [0.0, 0.5, 100.0])
@pytest.mark.parametrize("spoilt", [None, math.inf, math.nan])
def test_gradients_are_clipped_as_torch_does_bit_for_bit(limit: float, spoilt: float | None) -> None:
    generator = torch.Generator().manual_seed(0)
    weights = [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in ((3, 4), (4,), (2,))]
    for weight in weights[:2]:  # the last one took no part
        weight.grad = torch.randn(weight.shape, generator=generator)
    if spoilt is not None and weights[0].grad is not None:
        weights[0].grad[0, 0] = spoilt
    others = [torch.nn.Parameter(weight.detach()) for weight in weights]
    for weight, other in zip(weights, others, strict=True):
        other.grad = None if weight.grad is None else weight.grad.clone()
    length = torch.nn.utils.clip_grad_norm_(others, limit or math.inf)
    assert torch.equal(optimizers.clip_gradients(weights, limit).nan_to_num(), length.nan_to_num())
    if limit or spoilt is None:
        for weight, other in zip(weights[:2], others[:2], strict=True):
            assert weight.grad is not None and other.grad is not None
            assert torch.equal(weight.grad.nan_to_num(7.0), other.grad.nan_to_num(7.0))


def test_adamw_moves_the_weights_as_torchs_own_bit_for_bit() -> None:
    drawn = torch.Generator().manual_seed(0)
    weights = [torch.nn.Parameter(torch.randn(shape, generator=drawn)) for shape in ((3, 4), (4,), (2,))]
    others = [torch.nn.Parameter(weight.detach().clone()) for weight in weights]
    ours, torchs = (
        kind([{"params": w[:1], "weight_decay": 0.1}, {"params": w[1:]}], lr=1e-2, fused=True)
        for kind, w in ((optimizers.AdamW, weights), (torch.optim.AdamW, others))
    )
    for step in range(5):
        for weight, other in zip(weights, others, strict=True):
            if step or weight.ndim == 2:  # the others have no gradient at first
                weight.grad = torch.randn(weight.shape, generator=drawn)
                other.grad = weight.grad.clone()
        ours.step()
        torchs.step()
    assert all(torch.equal(weight, other) for weight, other in zip(weights, others, strict=True))
    states = [optimizers.state_dict([optimizer]) for optimizer in (ours, torchs)]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


def test_muon_without_layers_is_refused(dataset: Dataset) -> None:
    with pytest.raises(ConfigError, match="muon is made for the matrices inside layers"):
        make(dataset, model={}, optimizer="muon")


@given(
    schedule=st.sampled_from(CHOICES["schedule"]), steps=st.integers(1, 300), warmup=st.integers(0, 400),
    share=st.floats(0, 1),
)  # fmt: skip
def test_a_schedule_rises_then_never_rises_again(
    schedule: str, steps: int, warmup: int, share: float
) -> None:
    config = TrainConfig(schedule=schedule, steps=steps, warmup_steps=warmup, min_lr_share=share)
    shares = [lr_multiplier(config, step) for step in range(steps)]
    assert all(0 < value <= 1 for value in shares)
    top = min(warmup, steps - 1)
    assert all(a < b for a, b in itertools.pairwise(shares[: top + 1]))
    assert all(a >= b for a, b in itertools.pairwise(shares[top:]))
    assert warmup >= steps or shares[warmup] == 1
    end = replace(config, steps=max(steps, warmup + 1))
    assert lr_multiplier(end, end.steps) == pytest.approx(1 if schedule == "constant" else share)


def test_nanogpts_learning_rates() -> None:
    """Its `get_lr` with warmup_iters=100, lr_decay_iters=2000, learning_rate=1e-3, min_lr=1e-4, written out."""

    def get_lr(it: int) -> float:
        if it < 100:
            return 1e-3 * (it + 1) / (100 + 1)
        decay_ratio = (it - 100) / (2000 - 100)
        return 1e-4 + 0.5 * (1.0 + math.cos(math.pi * decay_ratio)) * (1e-3 - 1e-4)

    c = find_preset("nanogpt-cpu").training
    ours = [c.learning_rate * lr_multiplier(c, step) for step in range(2000)]
    assert ours == pytest.approx([get_lr(step) for step in range(2000)], rel=1e-12)


def test_the_rate_in_force_is_reported_and_a_live_change_moves_its_base(dataset: Dataset) -> None:
    trainer = make(dataset, schedule="linear", warmup_steps=2, min_lr_share=0.0, learning_rate=0.01)
    events = []
    for event in trainer.run():
        events.append(event)
        if isinstance(event, StepEvent) and event.step == 6:
            trainer.steering.change(learning_rate=0.02)
    base = [0.01] * 6 + [0.02] * 6
    shares = [lr_multiplier(trainer.config, step) for step in range(12)]
    assert [e.learning_rate for e in of_type(events, StepEvent)] == [
        b * s for b, s in zip(base, shares, strict=True)
    ]
    changes = of_type(events, ChangeEvent)
    checkpoint: Checkpoint = of_type(events, CheckpointEvent)[1].checkpoint
    replayed = make(
        dataset, schedule="linear", warmup_steps=2, min_lr_share=0.0, learning_rate=0.01, checkpoint=checkpoint,
        changes=changes,
    ).run()  # fmt: skip
    assert of_type(replayed, StepEvent) == of_type(events, StepEvent)[4:]


def test_the_modern_recipe_learns_what_pairs_cannot_tell(dataset: Dataset) -> None:
    model = settings_up_to("muon")[0] | {"n_layer": 2, "dropout": 0.0}
    how = {"optimizer": "muon", "learning_rate": 0.01, "batch_size": 16, "steps": 60, "eval_interval": 60}
    modern = of_type(make(dataset, model, **how).run(), MetricsEvent)[-1]
    tiny = of_type(make(dataset, {}, **(how | {"optimizer": "adamw", "steps": 300})).run(), MetricsEvent)[-1]
    assert modern.val_loss < tiny.val_loss / 2


@pytest.mark.parametrize(
    "fields",
    [
        {"schedule": "step"}, {"warmup_steps": -1}, {"min_lr_share": 1.5}, {"beta1": 1.0}, {"beta2": -0.1},
        {"device": "tpu"},
    ],
)  # fmt: skip
def test_settings_out_of_range_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        TrainConfig(**fields)


def test_small_models_get_one_thread_and_larger_ones_more() -> None:
    tiny = ModelConfig(vocab_size=50)
    nanogpt = ModelConfig(vocab_size=65, **find_preset("nanogpt-cpu").model)
    assert best_thread_count(tiny, 4, cores=8) == 1
    assert best_thread_count(nanogpt, 12, cores=2) == 2
    assert best_thread_count(nanogpt, 12, cores=1) == 1
    products = 6 * 4 * 12 * 128**2 * 12 * 64  # of the four layers' matrices alone
    assert products < flops_per_step(nanogpt, 12) < 1.5 * products


def test_a_small_model_stays_on_the_processor_and_a_wish_is_heard() -> None:
    assert choose_device("auto", 1e6).type == "cpu"
    assert choose_device("mps", 1e6).type == "mps"


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_fails_is_replaced_by_the_processor_with_a_sentence(
    dataset: Dataset, device: str
) -> None:
    usable = torch.cuda.is_available() if device == "cuda" else torch.backends.mps.is_available()
    if usable:
        pytest.skip(f"this machine has {device}")
    trainer = make(dataset, device=device)
    assert trainer.device.type == "cpu"
    assert trainer.device_problem is not None
    assert f"The device {device} cannot train this model" in str(trainer.device_problem)
    steps = of_type(trainer.run(), StepEvent)
    assert steps == of_type(make(dataset, device="cpu").run(), StepEvent)


def test_the_processor_has_no_problem() -> None:
    model = TinyGPT(ModelConfig(vocab_size=5))
    assert move_to_device(model, torch.device("cpu")) == (torch.device("cpu"), None)
