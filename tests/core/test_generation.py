"""Writing with a memory, several texts at once, and what a model finds surprising."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from minigpt_core.configs import ModelConfig, SampleSettings, TrainConfig
from minigpt_core.data import Dataset, windows
from minigpt_core.errors import UserError
from minigpt_core.ladder import MODERN, RUNGS, settings_up_to
from minigpt_core.model import GPT, build_model
from minigpt_core.sampling import (
    Reader,
    SampleStep,
    ask,
    generate,
    generate_many,
    predict,
    sample_next,
    stretches,
    surprise,
)
from minigpt_core.tokenizer import CharTokenizer
from minigpt_core.training import Trainer

V, T = 11, 12
ALL_RUNGS = [rung.name for rung in (*RUNGS, *MODERN)]
WITH_LAYERS = [name for name in ALL_RUNGS if name not in ("tinygpt", "positions")]


def rung_model(name: str) -> torch.nn.Module:
    """A model of a rung whose parts all do something: weights of a size at which its texts vary."""
    torch.manual_seed(7)
    fields = settings_up_to(name)[0]
    model = build_model(ModelConfig(vocab_size=V, block_size=T, n_embd=16, **fields))
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * 0.3)
    return model.eval()


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def written(
    model: torch.nn.Module, prompt: list[int], length: int, **options: int | bool | None
) -> list[int]:
    steps = generate(model, torch.tensor(prompt), length, T, generator=seeded(3), **options)  # type: ignore[arg-type]
    return [step.token for step in steps]


@pytest.mark.parametrize("prompt", [[4], [1, 2, 3], list(range(V)) * 3])
@pytest.mark.parametrize("name", ALL_RUNGS)
def test_the_same_characters_with_and_without_cache_also_past_the_block(name: str, prompt: list[int]) -> None:
    model = rung_model(name)
    with_cache = written(model, prompt, 4 * T)
    assert with_cache == written(model, prompt, 4 * T, use_cache=False)
    generator, context = seeded(3), prompt
    for token in with_cache:  # what the notebook does: the last T characters, read again for each one
        assert sample_next(predict(model, torch.tensor(context[-T:])), generator).token == token
        context = [*context, token]
    assert len(set(with_cache)) > 3


@pytest.mark.parametrize("name", WITH_LAYERS)
def test_at_every_place_the_distribution_is_that_of_reading_the_window_again(name: str) -> None:
    model = rung_model(name).double()
    ids = torch.randint(V, (1, 3 * T), generator=seeded(1))
    for keep in (None, T // 2):
        reader = Reader(model, ids[:, :1], T, keep=keep)
        for n in range(1, ids.size(1)):
            torch.testing.assert_close(
                reader.scores(), ask(model, reader.window)[:, -1], rtol=1e-9, atol=1e-9
            )
            reader.read(ids[:, n])
            assert keep is not None or reader.window.equal(ids[:, max(0, n + 1 - T) : n + 1])


@pytest.mark.parametrize("name", WITH_LAYERS)
def test_rounding_makes_hardly_one_draw_in_a_million_differ(name: str) -> None:
    """What both ways calculate differs in the last digit; a draw differs if u falls into that gap."""
    model = rung_model(name)
    ids = torch.randint(V, (1, T), generator=seeded(1))
    reader, gaps = Reader(model, ids[:, :1], T), []
    for n in range(1, T):
        bars = [
            sample_next(scores[0], seeded(0)).probabilities.cumsum(-1)
            for scores in (reader.scores(), ask(model, reader.window)[:, -1])
        ]
        gaps.append((bars[0] - bars[1]).abs().sum())
        reader.read(ids[:, n])
    assert torch.stack(gaps).mean() < 3e-6


@pytest.mark.parametrize("name", ["one-head", "layers", "rotary", "zero-init"])
def test_cut_down_windows_give_the_same_characters_with_and_without_cache(name: str) -> None:
    model = rung_model(name)
    assert written(model, [1, 2], 5 * T, keep=5) == written(model, [1, 2], 5 * T, keep=5, use_cache=False)


def test_a_full_window_is_cut_down_to_what_is_kept() -> None:
    reader = Reader(rung_model("rotary"), torch.zeros(1, 1, dtype=torch.int64), T, keep=5)
    lengths = []
    for _ in range(3 * T):
        reader.scores()
        lengths.append(reader.window.size(1))
        reader.read(torch.tensor([1]))
    assert lengths[: T + 3] == [*range(1, T + 1), 5, 6, 7]
    assert min(lengths[T:]) == 5 and max(lengths) == T


def test_what_a_layer_made_of_a_window_is_wrong_once_its_oldest_character_has_left() -> None:
    """Why a sliding window is read again, even where only distances count: the layers above still see it."""
    model = rung_model("rotary")
    assert isinstance(model, GPT)
    x = model.token_embedding(torch.randint(V, (1, T), generator=seeded(2)))  # (1, T, C)
    with torch.no_grad():
        remembered, again = model.blocks[0](x)[:, 1:], model.blocks[0](x[:, 1:])  # what layer 2 is given
    assert not torch.allclose(remembered, again, atol=1e-2)


@pytest.mark.parametrize("name", ["tinygpt", "heads", "layernorm", "zero-init"])
def test_several_texts_at_once_are_what_each_would_be_alone(name: str) -> None:
    model = rung_model(name)
    settings = [SampleSettings(temperature=t) for t in (0, 0.5, 1, 2)] + [SampleSettings(top_k=3, top_p=0.8)]
    seeds = [5, 5, 5, 6, 7]
    prompts = torch.tensor([[1, 2, 3]] * 4 + [[4, 4, 4]])
    together = generate_many(
        model, prompts, 3 * T, T, generators=[seeded(seed) for seed in seeds], settings=settings
    )
    rows = list(zip(*together, strict=True))
    for row, prompt, seed, how in zip(rows, prompts, seeds, settings, strict=True):
        alone = generate(model, prompt, 3 * T, T, generator=seeded(seed), settings=how)
        assert [(s.token, s.u) for s in row] == [(s.token, s.u) for s in alone]


class Counting(torch.nn.Module):
    """Counts how often it is asked."""

    asked = 0

    def forward(self, idx: Tensor) -> tuple[Tensor, None]:
        self.asked += 1
        return torch.zeros(*idx.shape, V), None


def test_who_stops_asking_stops_the_model_at_once() -> None:
    model = Counting()
    steps = generate(model, torch.tensor([0]), 1000, T, generator=seeded(1))
    assert model.asked == 0
    for n in range(1, 8):
        assert isinstance(next(steps), SampleStep)
        assert model.asked == n
    del steps
    assert model.asked == 7


def test_the_cache_reads_each_character_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model, lengths = rung_model("rotary"), []
    hook = model.register_forward_pre_hook(lambda _module, arguments: lengths.append(arguments[0].size(1)))
    written(model, [1, 2, 3], T)
    hook.remove()
    assert lengths == [3] + [1] * (T - 3) + [T, T]


# Surprise


@pytest.mark.parametrize("name", ALL_RUNGS)
@pytest.mark.parametrize("n", [2, T, T + 1, 5 * T + 4])
def test_the_mean_surprise_is_the_loss(name: str, n: int) -> None:
    model = rung_model(name)
    ids = torch.randint(V, (n,), generator=seeded(4))
    found = surprise(model, ids, T)
    assert found.losses.shape == (n - 1,) and found.likeliest.shape == found.probabilities.shape == (n - 1, 5)
    assert found.losses.mean().item() == pytest.approx(found.loss, rel=1e-6)
    for place in range(1, n):  # each one straight from the model
        first = (place - 1) // T * T
        scores = predict(model, ids[first:place]).double()
        assert found.losses[place - 1].item() == pytest.approx(
            F.cross_entropy(scores, ids[place]).item(), abs=1e-5
        )
        chances, best = scores.softmax(-1).topk(5)
        torch.testing.assert_close(found.probabilities[place - 1], chances, rtol=1e-4, atol=1e-6)
        assert found.likeliest[place - 1].tolist() == best.tolist()


def test_on_whole_windows_it_is_the_loss_that_training_measures() -> None:
    text = "".join("abcde \n"[i] for i in torch.randint(7, (40 * T + 1,), generator=seeded(5)))
    tokenizer = CharTokenizer.from_text(text)
    ids = tokenizer.encode(text)
    config = ModelConfig(
        vocab_size=tokenizer.vocab_size, block_size=T, n_embd=16, **settings_up_to("zero-init")[0]
    )
    trainer = Trainer(Dataset(tokenizer, ids, ids), config, TrainConfig(steps=1, eval_windows=0))
    for event in trainer.evaluate():
        assert event.total == 40 * T
    measured = drain(trainer.evaluate())
    assert surprise(trainer.model, ids, T).loss == pytest.approx(measured, rel=1e-6)


def drain(evaluating: object) -> float:
    """The training loss that an evaluation returns at its end."""
    try:
        while True:
            next(evaluating)  # type: ignore[call-overload]
    except StopIteration as end:
        return float(end.value.train_loss)


@pytest.mark.parametrize("n", [2, 5, 6, 7, 30])
def test_stretches_ask_for_every_character_but_the_first_once(n: int) -> None:
    ids = torch.arange(n)
    parts = list(stretches(ids, 5))
    assert torch.cat([y.flatten() for _x, y in parts]).tolist() == list(range(1, n))
    for x, y in parts:
        assert (x + 1).equal(y)
    whole = windows(ids, torch.arange(0, n - 5, 5), 5) if n > 5 else None
    assert whole is None or torch.cat([x for x, _y in parts if x.size(1) == 5]).equal(whole[0])


def test_uniform_scores_cost_ln_v() -> None:
    class Even(torch.nn.Module):
        def forward(self, idx: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
            logits = torch.zeros(*idx.shape, V)
            return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten())

    found = surprise(Even(), torch.arange(V), 4)
    assert found.losses.tolist() == pytest.approx([math.log(V)] * (V - 1))
    assert surprise(Even(), torch.arange(V), 4, top=99).likeliest.shape == (V - 1, V)


def test_a_model_whose_training_diverged_has_no_surprise() -> None:
    model = rung_model("heads")
    with torch.no_grad():
        next(model.parameters()).fill_(torch.nan)
    with pytest.raises(UserError, match="not numbers"):
        surprise(model, torch.arange(V), 4)
