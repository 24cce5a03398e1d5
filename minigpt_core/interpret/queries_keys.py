"""The queries and keys of a text: all that a picture of its attention is made of.

Letters in the shape comments: T characters, L layers, nh heads, hs numbers per head.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from minigpt_core.configs import ModelConfig
from minigpt_core.interpret.activations import run_with_cache
from minigpt_core.sampling import check_logits

MOST_NUMBERS = 2_000_000  # of queries and keys together that a browser is sent: 8 MB


@dataclass(frozen=True, eq=False)
class QueriesKeys:
    """Of one text. All else follows from them: scores, mask, softmax."""

    queries: NDArray[np.float32]
    """(L, nh, T, hs), turned if the positions are rotary."""

    keys: NDArray[np.float32]
    """Likewise."""

    ids: list[int]
    """Of the T characters."""


def longest_window(config: ModelConfig, limit: int) -> int:
    """How many characters a picture can show: at most `limit`, fewer for a model so large that it would get slow."""
    a_character = 2 * config.n_layer * config.n_embd
    return max(1, min(limit, config.block_size, MOST_NUMBERS // max(a_character, 1)))


def queries_keys(model: nn.Module, idx: Tensor) -> QueriesKeys:
    """Read (T,) ids and keep what each character asks for and offers, in every head.

    Raises:
        UserError: the scores are not numbers (the training diverged).
    """
    logits, cache = run_with_cache(model, idx[None], keep=lambda name: name.endswith((".attn.q", ".attn.k")))
    check_logits(logits)
    queries, keys = (cache.layers(name)[:, 0].float().numpy() for name in ("attn.q", "attn.k"))
    return QueriesKeys(queries, keys, idx.tolist())
