"""Texts that grow while one watches: the characters of `sampling.generate`, each with what it was drawn from.

Letters in the shape comments: B texts at once, T characters of each, V characters in the vocabulary.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from minigpt_core.configs import SampleSettings
from minigpt_core.generation.decoder import IncrementalDecoder
from minigpt_core.model import TinyGPT
from minigpt_core.sampling import SampleStep, check_logits, model_logits, sample_next

SCORES_AT_ONCE = 10_000  # that are asked of a model by the way, perhaps in vain


def stream(
    model: nn.Module,
    idx: Tensor,
    length: int,
    block_size: int,
    *,
    generator: torch.Generator,
    settings: SampleSettings = SampleSettings(),
    use_cache: bool = True,
    keep: int | None = None,
) -> Iterator[SampleStep]:
    """What `sampling.generate` writes, character by character.

    Nothing is calculated before it is asked for: who stops asking, stops the model.

    Args:
        model: any model of `model.py`; set to `eval()` while it predicts and put back afterwards.
        idx: (T,) ids of the prompt, at least one.
        length: how many characters to draw.
        block_size: how many of the last characters the model is shown.
        generator: where the random numbers come from.
        settings: temperature, top-k and top-p.
        use_cache: see `IncrementalDecoder`; the characters are the same with and without (but for rounding).
        keep: see `IncrementalDecoder`.
    """
    several = stream_batch(
        model, idx[None], length, block_size,
        generators=[generator], settings=[settings], use_cache=use_cache, keep=keep,
    )  # fmt: skip
    for (step,) in several:
        yield step


def stream_batch(
    model: nn.Module,
    idx: Tensor,
    length: int,
    block_size: int,
    *,
    generators: Sequence[torch.Generator],
    settings: Sequence[SampleSettings],
    use_cache: bool = True,
    keep: int | None = None,
) -> Iterator[list[SampleStep]]:
    """Write B texts at once, each with random numbers and settings of its own: what each would be alone.

    Args:
        idx: (B, T) ids of the prompts.
        generators: one for each text.
        settings: one for each text.

    Yields:
        B steps, the next character of every text.
    """
    assert len(idx) == len(generators) == len(settings)
    decoder = IncrementalDecoder(model, idx, block_size, use_cache=use_cache, keep=keep)
    for _ in range(length):
        logits = decoder.next_logits()  # (B, V)
        steps = [
            sample_next(row, generator, how)
            for row, generator, how in zip(logits, generators, settings, strict=True)
        ]
        yield steps
        decoder.append(torch.tensor([step.token for step in steps]))


@torch.inference_mode()
def write(
    model: nn.Module,
    idx: Tensor,
    length: int,
    block_size: int,
    *,
    generator: torch.Generator,
    keep: int | None = None,
) -> list[int]:
    """The ids that `stream` draws from the model's own probabilities, all at once and without what each was drawn from.

    A training writes a sample at every evaluation: if that took as long as in `stream`, it would be most of TinyGPT's
    training.
    """
    was_training = model.training
    model.eval()
    random_numbers = torch.rand(length, generator=generator, dtype=torch.float64).tolist()
    if isinstance(model, TinyGPT):
        ids = _write_pairs(model, int(idx[-1]), random_numbers)
    else:
        ids = _write_windows(IncrementalDecoder(model, idx[None], block_size, keep=keep), random_numbers)
    model.train(was_training)
    return ids


def _write_pairs(model: TinyGPT, last: int, random_numbers: list[float]) -> list[int]:
    """What follows a character depends on it alone, so the model is asked once about each, and about several at once
    if they are few."""
    ids, bars, V = list[int](), dict[int, list[float]](), model.config.vocab_size
    together = max(1, SCORES_AT_ONCE // V)
    for u in random_numbers:
        if last not in bars:
            first = last // together * together
            some = torch.arange(first, min(first + together, V))
            bars |= zip(some.tolist(), _bars(model_logits(model, some[None])[0]), strict=True)
        last = _on_bar(bars[last], u)
        ids.append(last)
    return ids


def _write_windows(decoder: IncrementalDecoder, random_numbers: list[float]) -> list[int]:
    ids = list[int]()
    for u in random_numbers:
        ids.append(_on_bar(_bars(decoder.next_logits())[0], u))
        decoder.append(torch.tensor(ids[-1:]))
    return ids


def _bars(logits: Tensor) -> list[list[float]]:
    """From (N, V) scores all probabilities of each row, laid end to end: where each character ends."""
    check_logits(logits)
    return logits.to("cpu", torch.float64).softmax(-1).cumsum(-1).tolist()


def _on_bar(bar: list[float], u: float) -> int:
    """As `sampling.tokens_at`, which makes more of a single number than there is to calculate."""
    return min(bisect_right(bar, u), bisect_left(bar, bar[-1]))
