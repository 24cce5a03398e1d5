"""How many digits a training calculates with: what is measured to be faster, the same every time."""

from pathlib import Path
from typing import Any

import pytest
import torch

from minigpt_core import precision
from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.data import Dataset, prepare
from minigpt_core.devices import flops_per_step
from minigpt_core.precision import (
    FASTER,
    MOST_OPERATIONS,
    Measured,
    autocast,
    choose_precision,
    has_bfloat16,
    measured_shapes,
)
from minigpt_core.presets import PRESETS
from minigpt_core.training import StepEvent, Trainer

CPU = torch.device("cpu")
SMALL = {"n_embd": 16, "block_size": 8, "n_layer": 1, "n_head": 2, "residual": True, "mlp": "gelu"}
short_numbers = pytest.mark.skipif(
    not has_bfloat16(CPU), reason="this processor has no instructions for bfloat16"
)


@pytest.fixture
def dataset() -> Dataset:
    return prepare("le chat curieux dort. un matin, le chat voit un oiseau.\n" * 12)


def make(dataset: Dataset, wanted: str = "bfloat16", **more: Any) -> Trainer:
    model = ModelConfig(vocab_size=dataset.tokenizer.vocab_size, **SMALL)
    return Trainer(dataset, model, TrainConfig(steps=6, precision=wanted, sample_length=0), **more)


def losses(trainer: Trainer) -> list[float]:
    return [event.loss for event in trainer.run() if isinstance(event, StepEvent)]


@short_numbers
def test_fewer_digits_cost_little_loss_and_are_the_same_every_time(dataset: Dataset) -> None:
    exact, short = losses(make(dataset, "float32")), losses(make(dataset, precision="bfloat16"))
    assert losses(make(dataset, precision="bfloat16")) == short != exact
    assert short == pytest.approx(exact, abs=0.02)


def test_a_processor_without_short_numbers_calculates_as_always_and_says_so(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False, raising=False)
    as_always = losses(make(dataset, "float32"))
    for begun_in in (None, "bfloat16"):
        trainer = make(dataset, precision=begun_in)
        assert trainer.precision == "float32"
        assert "no instructions for bfloat16" in str(trainer.device_problem)
        assert losses(trainer) == as_always


@short_numbers
def test_what_was_measured_decides(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    measured = Measured()
    monkeypatch.setattr(precision, "MEASURED", measured)
    chosen = make(dataset)
    (share,) = measured._shares.values()
    assert (chosen.precision == "bfloat16") == (share <= FASTER)
    assert (chosen.device_problem is None) == (share <= FASTER)
    for share, expected in ((FASTER + 0.01, "float32"), (FASTER - 0.01, "bfloat16")):
        measured._shares = dict.fromkeys(measured._shares, share)
        trainer = make(dataset)
        assert trainer.precision == expected
        assert ("no faster than float32" in str(trainer.device_problem)) == (expected == "float32")


@short_numbers
def test_it_is_measured_once_for_a_machine(tmp_path: Path) -> None:
    path = tmp_path / "home" / "bfloat16.json"
    model = ModelConfig(vocab_size=20, **SMALL)
    share = Measured(path).time_share(model, 4, CPU)
    assert 0 < share < 100
    path.write_text(path.read_text().replace(repr(share), "0.125"))
    assert Measured(path).time_share(model, 4, CPU) == 0.125
    deeper = ModelConfig(vocab_size=20, **SMALL | {"n_layer": 3, "dropout": 0.5})
    assert Measured(path).time_share(deeper, 4, CPU) == 0.125  # its products have the same shapes
    assert Measured(path).time_share(model, 5, CPU) != 0.125


@short_numbers
@pytest.mark.parametrize("broken", [b"", b"[]", b"{", b'{"a": "b"}', b"\xff"])
def test_a_broken_file_is_measured_anew(tmp_path: Path, broken: bytes) -> None:
    path = tmp_path / "bfloat16.json"
    path.write_bytes(broken)
    share = Measured(path).time_share(ModelConfig(vocab_size=20, **SMALL), 4, CPU)
    assert Measured(path).time_share(ModelConfig(vocab_size=20, **SMALL), 4, CPU) == share


def test_measuring_leaves_the_random_numbers_alone() -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    precision.measure(ModelConfig(vocab_size=20, **SMALL), 2, CPU)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_what_is_tried_out_is_small(preset: Any) -> None:
    model = ModelConfig(vocab_size=65, **preset.model)
    less, windows = measured_shapes(model, preset.training.batch_size)
    assert flops_per_step(less, windows) <= MOST_OPERATIONS or windows == 1
    assert (less.n_embd, less.block_size) == (model.n_embd, model.block_size)


@short_numbers
def test_a_run_goes_on_in_the_precision_that_it_began_in(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    for begun_in in ("bfloat16", "float32"):
        monkeypatch.setattr(precision, "MEASURED", Measured())
        whole = make(dataset, precision=begun_in)
        first = make(dataset, precision=begun_in)
        begun = [first.make_step().loss for _ in range(3)]
        resumed = make(dataset, checkpoint=first.checkpoint())
        assert resumed.precision == begun_in
        assert begun + losses(resumed) == losses(whole)
        assert not precision.MEASURED._shares


@short_numbers
def test_a_checkpoint_of_before_goes_on_in_what_was_asked_for(dataset: Dataset) -> None:
    checkpoint = make(dataset, precision="bfloat16").checkpoint()
    del checkpoint.state["precision"]
    assert make(dataset, checkpoint=checkpoint).precision == "bfloat16"


@short_numbers
def test_the_weights_keep_all_their_digits(dataset: Dataset) -> None:
    trainer = make(dataset, precision="bfloat16")
    with autocast("bfloat16", CPU):
        logits, loss = trainer.model(dataset.train[None, :8], dataset.train[None, 1:9])
    assert (logits.dtype, loss.dtype) == (torch.bfloat16, torch.float32)
    list(trainer.run())
    floats = [w for w in trainer.checkpoint().tensors.values() if w.is_floating_point()]
    assert {weight.dtype for weight in floats} == {torch.float32}


def test_who_asks_for_all_digits_gets_them() -> None:
    model = ModelConfig(vocab_size=20, **SMALL)
    assert choose_precision("float32", CPU, model, 4, begun_in="bfloat16") == ("float32", None)
