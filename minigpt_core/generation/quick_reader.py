"""A GPT that reads a character at a time, in numpy: for a small model, calling torch takes ten times as long as what
is calculated.

Only the parts are written here again. How they are put together is said once, in `model.py`: the forward of `GPT`,
`Block` and `CausalSelfAttention` is called with parts that take arrays. Letters in the shape comments, as there: B
texts, T characters, C channels, nh heads, hs numbers per head, V characters in the vocabulary; L: characters read
before.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from minigpt_core.model import GPT, MLP, NORM_EPS, Block, CausalSelfAttention, relu_squared

MOST_CHANNELS, MOST_TEXTS = 256, 8  # with more there is enough to calculate

Array = NDArray[np.floating[Any]]  # all of it float32
Map = Callable[[Array], Array]
FORWARD: dict[type, Callable[..., Any]] = {
    part: part.forward for part in (GPT, Block, CausalSelfAttention)
}  # how parts are put together, whatever they take


def reads_quickly(model: nn.Module, texts: int) -> bool:
    """Whether a `QuickReader` can stand for this model, and is quicker, for so many texts at once."""
    if type(model) is not GPT or model.config.n_embd > MOST_CHANNELS or texts > MOST_TEXTS:
        return False
    plain = all(w.device.type == "cpu" and w.dtype == torch.float32 for w in model.parameters())
    return plain and not any(part._forward_hooks or part._forward_pre_hooks for part in model.modules())


class QuickReader:
    """Reads B texts of equal length; remembers keys and values.

    Args:
        model: for which `reads_quickly` holds; its weights are looked at, not copied.
    """

    def __init__(self, model: GPT) -> None:
        self.config = model.config
        self.token_embedding = array(model.token_embedding.weight).__getitem__  # (B, T) -> (B, T, C)
        self.token_shift = None if model.token_shift is None else array(model.token_shift)  # (C,)
        self.position_embedding: Rows | None = None
        if model.position_embedding is not None:
            self.position_embedding = Rows(array(model.position_embedding.weight))  # (T, C)
        self.dropout = unchanged
        *below, last = (block for block in model.blocks if isinstance(block, Block))
        self.blocks = [*map(QuickBlock, below), LastBlock(last)]
        self.final_norm, self.lm_head = norm(model.final_norm), linear(model.lm_head)
        self.forget()

    @property
    def length(self) -> int:
        """Characters read so far."""
        return self._cache[0].length

    def forget(self) -> None:
        """Begin anew with what is read next."""
        self._cache = [QuickCache(self.config.block_size) for _block in self.blocks]

    def rows_before(self, x: Array, cache: "list[QuickCache]") -> Array:
        """(B, T, C) -> (B, T, C): as `GPT.rows_before`."""
        first = cache[0].last_row if cache[0].length else np.zeros_like(x[:, :1])
        cache[0].last_row = x[:, -1:]
        return np.concatenate([first, x[:, :-1]], axis=1)

    @np.errstate(all="ignore")  # a training may have diverged: who draws from the scores says so
    def read(self, idx: NDArray[np.int64]) -> Array:
        """Read (B, T) more ids, several only at the beginning; (B, V) scores for what comes after the last."""
        assert self.length == 0 or idx.shape[1] == 1
        logits: Array = FORWARD[GPT](self, idx, cache=self._cache)[0]  # (B, 1, V)
        return logits[:, -1]


class QuickBlock:
    """A `Block` of arrays."""

    def __init__(self, block: Block) -> None:
        self.residual = block.residual
        self.norm_1, self.attention = norm(block.norm_1), QuickAttention(block.attention)
        self.norm_2 = norm(block.norm_2) if block.norm_2 is not None else None
        self.mlp = mlp(block.mlp) if block.mlp is not None else None

    def __call__(self, x: Array, cache: "QuickCache") -> Array:
        """(B, T, C) -> (B, T, C)."""
        return cast(Array, FORWARD[Block](self, x, cache))


class LastBlock(QuickBlock):
    """Above it, only what stands at the last place counts: attention is given all places, and asks for that one."""

    def __init__(self, block: Block) -> None:
        super().__init__(block)
        self.attention = LastAttention(block.attention)
        self._norm_1, self.norm_1 = self.norm_1, lambda _last: self._normed

    def __call__(self, x: Array, cache: "QuickCache") -> Array:
        """(B, T, C) -> (B, 1, C)."""
        self._normed = self._norm_1(x)
        return super().__call__(x[:, -1:], cache)


class QuickAttention:
    """A `CausalSelfAttention` of arrays."""

    def __init__(self, attention: CausalSelfAttention) -> None:
        self.config = attention.config
        self.c_attn, self.c_proj = linear(attention.c_attn), linear(attention.c_proj)
        self.turns = turns(attention)

    def __call__(self, x: Array, cache: "QuickCache") -> Array:
        """(B, T, C) -> (B, T, C)."""
        return cast(Array, FORWARD[CausalSelfAttention](self, x, cache))

    def project_qkv(self, x: Array, start: int = 0) -> tuple[Array, Array, Array]:
        """(B, T, C) -> queries, keys, values, (B, nh, T, hs) each."""
        B, T, _C = x.shape
        nh, hs = self.config.n_head, self.config.head_size
        qkv = self.c_attn(x).reshape(B, T, 3, nh, hs).transpose(2, 0, 3, 1, 4)  # (3, B, nh, T, hs)
        qk, v = qkv[:2], qkv[2]
        if self.turns is not None:
            cos, sin = (table[start : start + T] for table in self.turns)  # (T, hs) each
            qk = qk * cos + np.concatenate([qk[..., hs // 2 :], qk[..., : hs // 2]], axis=-1) * sin
        if self.config.qk_norm:
            qk = qk / np.sqrt(mean_square(qk))
        return qk[0], qk[1], v

    def attend(self, q: Array, k: Array, v: Array, is_causal: bool) -> Array:
        """(B, nh, T, hs) queries, (B, nh, L + T, hs) keys and values -> (B, nh, T, hs)."""
        if q.shape[2] > 1:  # now there is enough to calculate
            queries, keys, values = map(torch.from_numpy, (q, k, v))
            return cast(
                Array, F.scaled_dot_product_attention(queries, keys, values, is_causal=is_causal).numpy()
            )
        scores = q @ k.swapaxes(-1, -2) * np.float32(1 / math.sqrt(q.shape[-1]))  # (B, nh, 1, L + 1)
        pattern = np.exp(scores - scores.max(-1, keepdims=True))
        return cast(Array, pattern @ v / pattern.sum(-1, keepdims=True))  # (B, nh, 1, hs)

    def merge_heads(self, y: Array) -> Array:
        """(B, nh, T, hs) -> (B, T, C)."""
        B, nh, T, hs = y.shape
        return self.c_proj(y.swapaxes(1, 2).reshape(B, T, nh * hs))


class LastAttention(QuickAttention):
    """Gathers for the last place alone."""

    def project_qkv(self, x: Array, start: int = 0) -> tuple[Array, Array, Array]:
        """(B, T, C) -> queries (B, nh, 1, hs), keys and values (B, nh, T, hs)."""
        q, k, v = super().project_qkv(x, start)
        return q[:, :, -1:], k, v


class QuickCache:
    """The keys and values of one layer for all characters read so far, as in `KeyValueCache`."""

    last_row: Array

    def __init__(self, block_size: int) -> None:
        self.length, self._block_size = 0, block_size

    def extend(self, k: Array, v: Array) -> tuple[Array, Array]:
        """Add those of T new characters, (B, nh, T, hs) each; returns those of all, (B, nh, length, hs) each."""
        B, nh, T, hs = k.shape
        if self.length == 0:
            self._keys, self._values = (np.empty((B, nh, self._block_size, hs), np.float32) for _ in range(2))
        begin, self.length = self.length, self.length + T
        self._keys[:, :, begin : self.length], self._values[:, :, begin : self.length] = k, v
        return self._keys[:, :, : self.length], self._values[:, :, : self.length]


@dataclass(frozen=True)
class Rows:
    """The rows of an embedding."""

    weight: Array


def unchanged(x: Array) -> Array:
    """What dropout does outside of training."""
    return x


def mean_square(x: Array) -> Array:
    """(…, N) -> (…, 1), never 0."""
    return np.einsum("...i,...i->...", x, x)[..., None] / np.float32(x.shape[-1]) + np.float32(NORM_EPS)


def array(weight: torch.Tensor) -> Array:
    """The same numbers in the same place."""
    return weight.detach().numpy()


def in_turn(*maps: Map) -> Map:
    """One after the other."""

    def composed(x: Array) -> Array:
        for each in maps:
            x = each(x)
        return x

    return composed


def mlp(layer: MLP) -> Map:
    """(B, T, C) -> (B, T, C)."""
    return in_turn(linear(layer.c_fc), activation(layer.activation), linear(layer.c_proj))


def linear(layer: nn.Linear) -> Map:
    """(…, in) -> (…, out)."""
    weight = array(layer.weight).T  # (in, out)
    if layer.bias is None:
        return lambda x: x @ weight
    bias = array(layer.bias)
    return lambda x: x @ weight + bias


def norm(layer: nn.Module) -> Map:
    """(…, C) -> (…, C)."""
    if isinstance(layer, nn.RMSNorm):
        scale = array(layer.weight)
        return lambda x: x / np.sqrt(mean_square(x)) * scale
    if isinstance(layer, nn.LayerNorm):
        scale, bias = array(layer.weight), np.float32(0) if layer.bias is None else array(layer.bias)

        def normalized(x: Array) -> Array:
            x = x - x.mean(-1, keepdims=True)
            return x / np.sqrt(mean_square(x)) * scale + bias

        return normalized
    return lambda x: x


def activation(function: Callable[[torch.Tensor], torch.Tensor]) -> Map:
    """What an MLP does with each number."""
    if function is relu_squared:
        return lambda x: np.maximum(x, 0) * x
    assert function is F.gelu
    return lambda x: function(torch.from_numpy(x)).numpy()


def turns(attention: CausalSelfAttention) -> tuple[Array, Array] | None:
    """Cosine and sine of the angles by which places turn queries and keys, (T, hs) each."""
    return (array(attention.cos), array(attention.sin)) if attention.config.positions == "rotary" else None
