"""Texts that grow while one watches: the characters of `sampling.generate`, each with what it was drawn from.

Letters in the shape comments: B texts at once, T characters of each, V characters in the vocabulary.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from minigpt_core.configs import SampleSettings
from minigpt_core.generation.decoder import IncrementalDecoder
from minigpt_core.sampling import SampleStep, sample_next


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
