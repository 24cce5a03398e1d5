"""Every preset starts on its text; whole trainings are in benchmarks/presets.py."""

import math
import os
from dataclasses import replace
from pathlib import Path

import pytest

from minigpt_core.__main__ import main
from minigpt_core.configs import ModelConfig
from minigpt_core.data import prepare
from minigpt_core.devices import WORTH_A_DEVICE, flops_per_step
from minigpt_core.ladder import rung_of
from minigpt_core.memory_budget import training_peak
from minigpt_core.presets import NANOGPT_GPU, PRESETS, Preset
from minigpt_core.store.runs import RunStore
from minigpt_core.texts import corpus
from minigpt_core.training import MetricsEvent, Trainer
from minigpt_core.weights import parameters_of

ALL = pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
FOR_A_PROCESSOR = [preset for preset in PRESETS.values() if preset is not NANOGPT_GPU]
ON_A_PROCESSOR = pytest.mark.parametrize("preset", FOR_A_PROCESSOR, ids=lambda preset: preset.name)
FOR_LONGER_TEXTS = [preset for preset in FOR_A_PROCESSOR if preset.corpus is None]
STEPS = 6


def first_steps_help(preset: Preset, text: str) -> None:
    """The training loss begins at that of pure chance, ln V, and falls."""
    dataset = prepare(corpus.normalize(text, lower=preset.lower))
    model = ModelConfig(vocab_size=dataset.tokenizer.vocab_size, **preset.model)
    config = replace(
        preset.training, steps=STEPS, warmup_steps=min(preset.training.warmup_steps, 3),
        eval_interval=STEPS, eval_windows=16, sample_length=0,
    )  # fmt: skip
    first, last = [e.train_loss for e in Trainer(dataset, model, config).run() if isinstance(e, MetricsEvent)]
    guess = math.log(model.vocab_size)
    assert guess - 0.05 < first < guess + 0.5
    assert last < first - 0.2


@ON_A_PROCESSOR
def test_six_steps_on_a_bundled_story_help(preset: Preset) -> None:
    first_steps_help(preset, corpus.load("the-curious-cat").text)


@pytest.mark.skipif("TINY_SHAKESPEARE" not in os.environ, reason="TINY_SHAKESPEARE names no text")
@pytest.mark.parametrize("preset", FOR_LONGER_TEXTS, ids=lambda preset: preset.name)
def test_those_for_longer_texts_are_helped_by_six_steps_on_tiny_shakespeare(preset: Preset) -> None:
    first_steps_help(preset, Path(os.environ["TINY_SHAKESPEARE"]).read_text(encoding="utf-8"))


def test_the_preset_for_a_graphics_card_is_nanogpts_and_makes_a_step_on_a_processor() -> None:
    dataset = prepare(corpus.load("the-curious-cat").text)
    model = ModelConfig(vocab_size=65, **NANOGPT_GPU.model)
    assert (model.n_layer, model.n_head, model.n_embd, model.block_size, model.dropout) == (
        6,
        6,
        384,
        256,
        0.2,
    )
    assert (
        parameters_of(model) - model.block_size * model.n_embd == 10_646_784
    )  # as nanoGPT prints it: 10.65M
    training = NANOGPT_GPU.training
    assert (training.steps, training.batch_size, training.device) == (5000, 64, "auto")
    assert (
        flops_per_step(model, training.batch_size) > WORTH_A_DEVICE
    )  # so a card is taken where there is one
    assert training_peak(model, replace(training, accumulation=16)) < training_peak(model, training) / 4
    few = replace(training, batch_size=4, accumulation=2, precision="float32", device="cpu")
    step = Trainer(dataset, replace(model, vocab_size=dataset.tokenizer.vocab_size), few).make_step()
    assert step.loss == pytest.approx(math.log(dataset.tokenizer.vocab_size), abs=0.5)


@ALL
def test_a_preset_says_where_it_comes_from_and_what_it_is(preset: Preset) -> None:
    assert preset.source.endswith(".")
    assert preset.corpus is None or preset.corpus in corpus.BUNDLED
    dropout = (
        {"dropout": 0.1} if "n_layer" in preset.model else {}
    )  # texts too long to learn by heart need none
    model = ModelConfig(vocab_size=65, **preset.model | dropout)
    assert (rung_of(model) or rung_of(model, preset.training)) is not None


def test_a_preset_without_a_text_asks_for_one(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["train", "--preset", "lecture-bigram"]) == 2
    assert "name its file with --text" in capsys.readouterr().err
    (tmp_path / "mine.txt").write_text("Un Chat gris. " * 20, encoding="utf-8")
    small = ["--set", "steps=2", "--set", "sample_length=0", "--json"]
    assert main(["train", "--preset", "lecture-bigram", "--text", str(tmp_path / "mine.txt"), *small]) == 0
    run = RunStore().find_run("last")
    assert (run.preset, run.lower, "C" in run.characters) == ("lecture-bigram", False, True)
    assert run.name == "lecture-bigram, 2 steps"


def test_every_part_can_be_set_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    settings = ["n_layer=1", "n_head=2", "residual=true", "norm=layernorm", "dropout=0.1", "bias=false"]
    settings += ["schedule=cosine", "optimizer=muon", "steps=2", "sample_length=0", "eval_windows=1"]
    arguments = [part for setting in settings for part in ("--set", setting)]
    assert main(["train", "--json", *arguments]) == 0
    run = RunStore().find_run("last")
    assert (run.model.n_layer, run.model.residual, run.model.bias, run.model.dropout) == (1, True, False, 0.1)
    assert run.name.startswith("GPT, n_layer 1, n_head 2, residual True")
    assert (run.device, run.threads) == ("cpu", 1)
    capsys.readouterr()
    assert main(["train", "--set", "residual=maybe"]) == 2
    assert "one of true, false" in capsys.readouterr().err
    assert main(["train", "--set", "optimizer=muon"]) == 2
    assert len(RunStore().runs()) == 1
