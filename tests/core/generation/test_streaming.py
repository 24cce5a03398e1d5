"""Writing with a memory and several texts at once give the characters of the plain loop."""

import pytest
import torch
from torch import Tensor

from minigpt_core.configs import SampleSettings
from minigpt_core.errors import UserError
from minigpt_core.generation import streaming
from minigpt_core.generation.decoder import IncrementalDecoder
from minigpt_core.generation.streaming import stream, stream_batch, write
from minigpt_core.model import GPT
from minigpt_core.sampling import SampleStep, generate, model_logits, sample_next
from tests.core.generation.rung_models import ALL_RUNGS, WITH_LAYERS, T, V, rung_model, seeded


def written(
    model: torch.nn.Module, prompt: list[int], length: int, seed: int = 3, **options: int | bool | None
) -> list[int]:
    steps = stream(model, torch.tensor(prompt), length, T, generator=seeded(seed), **options)
    return [step.token for step in steps]


@pytest.mark.parametrize("prompt", [[4], [1, 2, 3], list(range(V)) * 3])
@pytest.mark.parametrize("name", ALL_RUNGS)
def test_with_and_without_cache_it_is_the_plain_loop_also_past_the_block(
    name: str, prompt: list[int]
) -> None:
    model = rung_model(name)
    plain = generate(model, torch.tensor(prompt), 3 * T, T, generator=seeded(3)).tolist()[len(prompt) :]
    assert written(model, prompt, 3 * T) == plain
    assert written(model, prompt, 3 * T, use_cache=False) == plain
    assert len(set(plain)) > 3


@pytest.mark.parametrize("name", WITH_LAYERS)
def test_at_every_place_the_distribution_is_that_of_reading_the_window_again(name: str) -> None:
    model = rung_model(name).double()
    ids = torch.randint(V, (1, 2 * T), generator=seeded(1))
    for keep in (None, T // 2):
        decoder = IncrementalDecoder(model, ids[:, :1], T, keep=keep)
        for n in range(1, ids.size(1)):
            torch.testing.assert_close(
                decoder.next_logits(), model_logits(model, decoder.window)[:, -1], rtol=1e-9, atol=1e-9
            )
            decoder.append(ids[:, n])
            assert keep is not None or decoder.window.equal(ids[:, max(0, n + 1 - T) : n + 1])


@pytest.mark.parametrize("name", WITH_LAYERS)
def test_rounding_makes_hardly_one_draw_in_a_million_differ(name: str) -> None:
    """What both ways calculate differs in the last digit; a draw differs if u falls into that gap."""
    model = rung_model(name)
    ids = torch.randint(V, (1, T), generator=seeded(1))
    decoder, gaps = IncrementalDecoder(model, ids[:, :1], T), []
    for n in range(1, T):
        bars = [
            sample_next(scores[0], seeded(0)).probabilities.cumsum(-1)
            for scores in (decoder.next_logits(), model_logits(model, decoder.window)[:, -1])
        ]
        gaps.append((bars[0] - bars[1]).abs().sum())
        decoder.append(ids[:, n])
    assert torch.stack(gaps).mean() < 3e-6


@pytest.mark.parametrize("name", ["one-head", "layers", "rotary", "zero-init"])
def test_cut_down_windows_give_the_same_characters_with_and_without_cache(name: str) -> None:
    model = rung_model(name)
    assert written(model, [1, 2], 3 * T, keep=5) == written(model, [1, 2], 3 * T, keep=5, use_cache=False)


def test_a_full_window_is_cut_down_to_what_is_kept() -> None:
    decoder = IncrementalDecoder(rung_model("rotary"), torch.zeros(1, 1, dtype=torch.int64), T, keep=5)
    lengths = []
    for _ in range(3 * T):
        decoder.next_logits()
        lengths.append(decoder.window.size(1))
        decoder.append(torch.tensor([1]))
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
    together = stream_batch(
        model, prompts, 2 * T, T, generators=[seeded(seed) for seed in seeds], settings=settings
    )
    rows = list(zip(*together, strict=True))
    for row, prompt, seed, how in zip(rows, prompts, seeds, settings, strict=True):
        alone = list(stream(model, prompt, 2 * T, T, generator=seeded(seed), settings=how))
        assert [(s.token, s.u) for s in row] == [(s.token, s.u) for s in alone]
        plain = generate(model, prompt, 2 * T, T, generator=seeded(seed), settings=how)
        assert plain.tolist() == [*prompt.tolist(), *(s.token for s in row)]


class Counting(torch.nn.Module):
    """Counts how often it is calls."""

    calls = 0

    def forward(self, idx: Tensor) -> tuple[Tensor, None]:
        self.calls += 1
        return torch.zeros(*idx.shape, V), None


def test_who_stops_asking_stops_the_model_at_once() -> None:
    model = Counting()
    steps = stream(model, torch.tensor([0]), 1000, T, generator=seeded(1))
    assert model.calls == 0
    for n in range(1, 8):
        assert isinstance(next(steps), SampleStep)
        assert model.calls == n
    del steps
    assert model.calls == 7


def test_the_cache_reads_each_character_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model, lengths = rung_model("rotary"), []
    hook = model.register_forward_pre_hook(lambda _module, arguments: lengths.append(arguments[0].size(1)))
    written(model, [1, 2, 3], T)
    hook.remove()
    assert lengths == [3] + [1] * (T - 3) + [T, T]


def test_the_models_mode_is_left_as_it_was() -> None:
    model = rung_model("dropout").train()
    next(stream(model, torch.tensor([0]), 1, T, generator=seeded(1)))
    assert model.training


@pytest.mark.parametrize("keep", [None, 5])
@pytest.mark.parametrize("name", ALL_RUNGS)
def test_a_text_written_at_once_is_the_one_that_is_streamed(name: str, keep: int | None) -> None:
    model = rung_model(name).train()
    ids = write(model, torch.tensor([1, 2]), 2 * T, T, generator=seeded(3), keep=keep)
    assert model.training
    assert ids == written(model.eval(), [1, 2], 2 * T, keep=keep)


@pytest.mark.parametrize("at_once", [1, 4 * V, 10_000])
def test_tinygpt_writes_a_long_text_and_is_asked_about_no_character_twice(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "SCORES_AT_ONCE", at_once)
    model, asked = rung_model("tinygpt"), list[int]()
    model.register_forward_pre_hook(lambda _module, arguments: asked.extend(arguments[0].flatten().tolist()))
    ids = write(model, torch.tensor([0]), 50 * V, T, generator=seeded(1))
    assert sorted(asked) == sorted(set(asked)) and {0, *ids[:-1]} <= set(asked)
    assert ids == written(model, [0], 50 * V, seed=1)


def test_scores_that_are_no_numbers_are_an_error() -> None:
    model = rung_model("tinygpt")
    with torch.no_grad():
        next(model.parameters()).fill_(torch.nan)
    with pytest.raises(UserError, match="diverged"):
        write(model, torch.tensor([0]), 1, T, generator=seeded(1))
