"""How a model goes on after a text, all at once: what the pages that look inside show beside a picture."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from minigpt_core.configs import SampleSettings
from minigpt_core.generation.request import USUAL_TEMPERATURE
from minigpt_core.generation.streaming import stream
from minigpt_core.tokenizer import CharTokenizer


@dataclass(frozen=True)
class Continuation:
    """A text that a model wrote."""

    text: str
    probabilities: tuple[float, ...]
    """How likely each of its characters was when it was drawn."""


def continue_text(
    model: nn.Module,
    tokenizer: CharTokenizer,
    prompt: Sequence[int],
    length: int,
    *,
    block_size: int,
    seed: int,
    temperature: float = USUAL_TEMPERATURE,
) -> Continuation:
    """Let a model write `length` characters after the ids of a prompt, at least one.

    Raises:
        UserError: its scores are not numbers.
    """
    generator, settings = torch.Generator().manual_seed(seed), SampleSettings(temperature=temperature)
    idx = torch.tensor(prompt)
    steps = stream(model, idx, max(length, 0), block_size, generator=generator, settings=settings)
    drawn = [(step.token, step.probability) for step in steps]
    return Continuation(
        tokenizer.decode([token for token, _probability in drawn]),
        tuple(probability for _token, probability in drawn),
    )
