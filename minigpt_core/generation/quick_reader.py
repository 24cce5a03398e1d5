"""A GPT that reads a character at a time, in numpy: for a small model, calling torch takes ten times as long as what
is calculated.

The lines are those of `model.py`, where they are explained. Letters in the shape comments, as there: B texts, T
characters, C channels, nh heads, hs numbers per head, V characters in the vocabulary; L: characters read before.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from minigpt_core.model import GPT, NORM_EPS, Block, CausalSelfAttention, relu_squared

MOST_CHANNELS, MOST_TEXTS = 256, 8  # with more there is enough to calculate

Array = NDArray[np.floating[Any]]  # all of it float32
Map = Callable[[Array], Array]


def reads_quickly(model: nn.Module, texts: int) -> bool:
    """Whether a `QuickReader` can stand for this model, and is quicker, for so many texts at once."""
    if type(model) is not GPT or model.config.n_embd > MOST_CHANNELS or texts > MOST_TEXTS:
        return False
    plain = all(w.device.type == "cpu" and w.dtype == torch.float32 for w in model.parameters())
    return plain and not any(part._forward_hooks or part._forward_pre_hooks for part in model.modules())


class QuickReader:
    """Reads B texts of equal length; remembers keys and values, as `KeyValueCache` does.

    Args:
        model: for which `reads_quickly` holds; its weights are looked at, not copied.
    """

    def __init__(self, model: GPT) -> None:
        config = model.config
        self.length = 0  # characters read so far
        self._block_size = config.block_size
        self._embedding = array(model.token_embedding.weight)  # (V, C)
        positions = model.position_embedding
        self._positions = None if positions is None else array(positions.weight)  # (T, C)
        self._layers = [QuickLayer(block) for block in model.blocks if isinstance(block, Block)]
        self._norm, self._lm_head = norm(model.final_norm), linear(model.lm_head)

    def forget(self) -> None:
        """Begin anew with what is read next."""
        self.length = 0

    @np.errstate(all="ignore")  # a training may have diverged: who draws from the scores says so
    def read(self, idx: NDArray[np.int64]) -> Array:
        """Read (B, T) more ids, several only at the beginning; (B, V) scores for what comes after the last."""
        assert self.length == 0 or idx.shape[1] == 1
        start, self.length = self.length, self.length + idx.shape[1]
        x = self._embedding[idx]  # (B, T, C)
        if self._positions is not None:
            x = x + self._positions[start : self.length]
        for number, layer in enumerate(self._layers, 1):
            last = number == len(self._layers)  # above it, only what stands at the last place counts
            x = layer.read(x, start, self._block_size, last_only=last)
        return self._lm_head(self._norm(x[:, -1]))


class QuickLayer:
    """A `Block`, and the keys and values of the characters that it has read."""

    def __init__(self, block: Block) -> None:
        attention = block.attention
        self._config = attention.config
        self._residual = block.residual
        self._norm_1 = norm(block.norm_1)
        self._c_attn, self._c_proj = linear(attention.c_attn), linear(attention.c_proj)
        self._turns = turns(attention)
        self._mlp: Map | None = None
        if block.mlp is not None and block.norm_2 is not None:
            self._mlp = in_turn(
                norm(block.norm_2),
                linear(block.mlp.c_fc),
                activation(block.mlp.activation),
                linear(block.mlp.c_proj),
            )

    def read(self, x: Array, start: int, block_size: int, last_only: bool) -> Array:
        """(B, T, C) -> (B, T, C), or (B, 1, C) with `last_only`."""
        q, k, v = self._project_qkv(x, start)  # (B, nh, T, hs) each
        if start == 0:
            B, nh, _T, hs = k.shape
            self._keys, self._values = (np.empty((B, nh, block_size, hs), np.float32) for _ in range(2))
        end = start + x.shape[1]
        self._keys[:, :, start:end], self._values[:, :, start:end] = k, v
        if last_only:
            x, q = x[:, -1:], q[:, :, -1:]
        attn_out = self._c_proj(attend(q, self._keys[:, :, :end], self._values[:, :, :end]))
        x = x + attn_out if self._residual else attn_out
        if self._mlp is not None:
            mlp_out = self._mlp(x)
            x = x + mlp_out if self._residual else mlp_out
        return x

    def _project_qkv(self, x: Array, start: int) -> tuple[Array, Array, Array]:
        B, T, _C = x.shape
        nh, hs = self._config.n_head, self._config.head_size
        qkv = (
            self._c_attn(self._norm_1(x)).reshape(B, T, 3, nh, hs).transpose(2, 0, 3, 1, 4)
        )  # (3, B, nh, T, hs)
        qk, v = qkv[:2], qkv[2]
        if self._turns is not None:
            cos, sin = (table[start : start + T] for table in self._turns)  # (T, hs) each
            qk = qk * cos + np.concatenate([qk[..., hs // 2 :], qk[..., : hs // 2]], axis=-1) * sin
        if self._config.qk_norm:
            qk = qk / np.sqrt(mean_square(qk))
        return qk[0], qk[1], v


def attend(q: Array, k: Array, v: Array) -> Array:
    """(B, nh, T, hs) queries of the last T places, (B, nh, L + T, hs) keys and values -> (B, T, C)."""
    B, nh, T, hs = q.shape
    if T > 1:  # now there is enough to calculate
        queries, keys, values = map(torch.from_numpy, (q, k, v))
        z = F.scaled_dot_product_attention(queries, keys, values, is_causal=True).numpy()
    else:
        scores = q @ k.swapaxes(-1, -2) * np.float32(1 / math.sqrt(hs))  # (B, nh, 1, L + 1)
        pattern = np.exp(scores - scores.max(-1, keepdims=True))
        z = pattern @ v / pattern.sum(-1, keepdims=True)  # (B, nh, 1, hs)
    return z.swapaxes(1, 2).reshape(B, T, nh * hs)


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
