"""What the Attention page computes: queries and keys of a text, and where each head looks in general.

Letters in the shape comments: B sequences in a batch, T characters, L layers, nh heads, hs numbers per head.
"""

import base64
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from minigpt_core.configs import ModelConfig
from minigpt_core.data import Dataset, evaluation_starts, windows
from minigpt_core.errors import UserError
from minigpt_core.interpret.activations import ActivationCache, run_with_cache
from minigpt_core.interpret.heads import HeadDescription, describe_heads
from minigpt_core.sampling import start_id
from minigpt_core.tokenizer import CharTokenizer

MEASURED_WINDOWS, MEASURED_LENGTH, MEASURED_SEED = 8, 128, 1  # enough for steady shares, little to wait for
MOST_NUMBERS = 2_000_000  # of queries and keys together that a browser is sent: 8 MB


@dataclass(frozen=True, eq=False)
class Look:
    """The queries and keys of one text. All else follows from them: scores, mask, softmax."""

    queries: str
    """(L, nh, T, hs) float32, little-endian, in base64."""

    keys: str
    """Likewise."""

    ids: list[int]
    """Of the T characters."""


def longest(config: ModelConfig, limit: int) -> int:
    """How many characters a picture can show: at most `limit`, fewer for a model so large that it would get slow."""
    a_character = 2 * config.n_layer * config.n_embd
    return max(1, min(limit, config.block_size, MOST_NUMBERS // max(a_character, 1)))


def look(model: nn.Module, idx: Tensor) -> Look:
    """Read (T,) ids and keep what each character asks for and offers, in every head.

    Raises:
        UserError: the scores are not numbers (the training diverged).
    """
    logits, cache = run_with_cache(model, idx[None], keep=lambda name: name.endswith((".attn.q", ".attn.k")))
    if not logits.isfinite().all():
        raise UserError(
            "This model's scores are not numbers any more: its training diverged. Choose an earlier checkpoint."
        )
    return Look(packed(cache.layers("attn.q")[:, 0]), packed(cache.layers("attn.k")[:, 0]), idx.tolist())


def packed(x: Tensor) -> str:
    """The numbers of a tensor as float32 in base64."""
    return base64.b64encode(x.contiguous().float().numpy().astype("<f4").tobytes()).decode()


def measured_heads(model: nn.Module, dataset: Dataset) -> list[HeadDescription]:
    """Where every head looks, on some stretches of the run's text: unseen ones, where there are enough."""
    cache, idx = measured_patterns(model, dataset)
    return describe_heads(cache, idx, dataset.tokenizer)


def measured_patterns(model: nn.Module, dataset: Dataset) -> tuple[ActivationCache, Tensor]:
    """The patterns of the stretches on which heads are measured, and their ids (B, T)."""
    config: ModelConfig = model.config  # type: ignore[assignment]
    length = min(config.block_size, MEASURED_LENGTH)
    data = dataset.val if len(dataset.val) > 2 * length else dataset.train
    starts = evaluation_starts(data, length, MEASURED_WINDOWS, MEASURED_SEED)
    idx, _targets = windows(data, starts, length)  # (B, T)
    _logits, cache = run_with_cache(model, idx, keep=lambda name: name.endswith("attn.pattern"))
    return cache, idx


def first_ids(tokenizer: CharTokenizer, text: str) -> Tensor:
    """The (T,) ids of a text; of the character that an empty one begins after, if there is none."""
    return tokenizer.encode(text) if text else torch.tensor([start_id(tokenizer)])
