"""Looking inside a model: every number on the way from the characters to the scores.

Letters in the shape comments, as in `model.py`: B sequences in a batch, T characters in a sequence, C channels
(`n_embd`), nh heads (`n_head`), hs numbers per head (C / nh), V characters in the vocabulary, L layers (`n_layer`).

The names are those of TransformerLens (https://github.com/TransformerLensOrg/TransformerLens), in the order in which a
batch meets them; l counts the layers from 0:

    embed, token_shift, pos_embed         (B, T, C)      the rows of the characters; the shares of the rows before, and
                                                         the rows of the places, if learned
    blocks.{l}.resid_pre                  (B, T, C)      the residual stream before a layer
    blocks.{l}.norm_1                     (B, T, C)      what attention is given
    blocks.{l}.attn.q, .k, .v             (B, nh, T, hs) queries, keys (turned, if rotary), values
    blocks.{l}.attn.scores                (B, nh, T, T)  q kᵀ / sqrt(hs), before later characters are masked out
    blocks.{l}.attn.pattern               (B, nh, T, T)  softmax of the masked scores: each row sums to 1
    blocks.{l}.attn.z                     (B, nh, T, hs) the mixture of values that each head gathered
    blocks.{l}.attn_out                   (B, T, C)      what attention hands on
    blocks.{l}.resid_mid                  (B, T, C)      resid_pre + attn_out (attn_out alone, without residual)
    blocks.{l}.norm_2                     (B, T, C)      what the MLP is given
    blocks.{l}.mlp.pre, .post             (B, T, 4C)     before and after the activation
    blocks.{l}.mlp_out                    (B, T, C)      what the MLP hands on
    blocks.{l}.resid_post                 (B, T, C)      resid_mid + mlp_out (mlp_out alone, without residual)
    final_norm                            (B, T, C)      what the output layer is given
    logits                                (B, T, V)      the scores

A model without layers has embed, pos_embed if it has positions, and logits. Layers without an MLP have none of its
names, and resid_post is resid_mid.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import cast

import torch
from torch import Tensor, nn

from minigpt_core.configs import ModelConfig
from minigpt_core.model import GPT, Block, CausalSelfAttention, attention_pattern, attention_scores

IN_STREAM = ("embed", "token_shift", "attn_out", "mlp_out", "resid_mid", "resid_post")
"""How the names of what is added to the residual stream, and of the stream itself, end."""

Hook = Callable[[str, Tensor], Tensor]
"""Is given every activation under its name and returns what the model goes on with."""


@dataclass(frozen=True, eq=False)
class ActivationCache(Mapping[str, Tensor]):
    """What was kept of one pass, by name; `cache["blocks.0.attn.pattern"]`, or `cache.layer("attn.pattern", 0)`."""

    tensors: dict[str, Tensor]
    config: ModelConfig

    def __getitem__(self, name: str) -> Tensor:
        return self.tensors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.tensors)

    def __len__(self) -> int:
        return len(self.tensors)

    def layer(self, name: str, layer: int) -> Tensor:
        """The tensor called `name` of one layer, counted from 0 (or from the end, if negative)."""
        return self.tensors[f"blocks.{layer % self.config.n_layer}.{name}"]

    def layers(self, name: str) -> Tensor:
        """The tensors called `name` of all layers: (L, …)."""
        return torch.stack([self.layer(name, layer) for layer in range(self.config.n_layer)])


@torch.no_grad()
def run_with_cache(
    model: nn.Module, idx: Tensor, keep: Callable[[str], bool] | None = None
) -> tuple[Tensor, ActivationCache]:
    """`model(idx)`, and everything on the way.

    The model is only read: nothing is registered on it, so any number of threads may look at one model at once.

    Args:
        model: any model of `model.py`, in eval mode.
        idx: (B, T) character ids, T at most `block_size` (TinyGPT has no such limit).
        keep: says by its name whether a tensor is kept; None keeps all. Patterns and scores take nh · T² numbers a
            layer.

    Returns:
        logits: (B, T, V).
        cache: the kept tensors. Don't write into them: some are the model's own.
    """
    kept: dict[str, Tensor] = {}

    def record(name: str, x: Tensor) -> Tensor:
        if keep is None or keep(name):
            kept[name] = x
        return x

    logits = run_with_hook(model, idx, record)
    return logits, ActivationCache(kept, config_of(model))


def run_with_hook(model: nn.Module, idx: Tensor, hook: Hook) -> Tensor:
    """The lines of the model's `forward` one by one, each result handed to `hook`: (B, T) -> logits (B, T, V).

    Nothing is hung on the model: others may use it at the same time.
    """
    return run_from_layer(model, embed(model, idx, hook), hook)


def embed(model: nn.Module, idx: Tensor, hook: Hook) -> Tensor:
    """What the first layer is given: (B, T) -> (B, T, C)."""
    assert not model.training, "dropout would make the picture a matter of chance: call eval() first"
    gpt = cast(GPT, model)  # TinyGPT has the same embedding
    x = hook("embed", gpt.token_embedding(idx))  # (B, T, C)
    shift = getattr(model, "token_shift", None)
    if shift is not None:
        x = x + hook("token_shift", shift * gpt.rows_before(x))  # (B, T, C)
    places = getattr(model, "position_embedding", None)
    if places is not None:
        B, T = idx.shape
        x = x + hook("pos_embed", places.weight[:T].expand(B, T, -1))  # (B, T, C)
    return x


def run_from_layer(model: nn.Module, x: Tensor, hook: Hook, layer: int = 0) -> Tensor:
    """The rest of `run_with_hook` from the residual stream x, (B, T, C), before this layer: logits (B, T, V)."""
    gpt = cast(GPT, model)
    if has_blocks(model):
        for number in range(layer, len(gpt.blocks)):
            x = run_block(cast(Block, gpt.blocks[number]), x, hook, f"blocks.{number}.")
        x = hook("final_norm", gpt.final_norm(x))
    return hook("logits", gpt.lm_head(x))


def run_block(block: Block, x: Tensor, hook: Hook, begin: str) -> Tensor:
    """The lines of `Block.forward`, (B, T, C) -> (B, T, C); `begin` stands before every name."""
    x = hook(begin + "resid_pre", x)
    attn_out = run_attention(block.attention, hook(begin + "norm_1", block.norm_1(x)), hook, begin)
    x = hook(begin + "resid_mid", x + attn_out if block.residual else attn_out)
    if block.mlp is not None and block.norm_2 is not None:
        pre = hook(begin + "mlp.pre", block.mlp.c_fc(hook(begin + "norm_2", block.norm_2(x))))  # (B, T, 4C)
        post = hook(begin + "mlp.post", block.mlp.activation(pre))
        mlp_out = hook(begin + "mlp_out", block.mlp.c_proj(post))  # (B, T, C)
        x = x + mlp_out if block.residual else mlp_out
    return hook(begin + "resid_post", x)


def run_attention(attention: CausalSelfAttention, x: Tensor, hook: Hook, begin: str) -> Tensor:
    """The lines of `CausalSelfAttention.forward`, (B, T, C) -> (B, T, C), with the pattern written down."""
    names = (f"{begin}attn.{letter}" for letter in "qkv")
    q, k, v = map(hook, names, attention.project_qkv(x))  # (B, nh, T, hs) each
    scores = hook(begin + "attn.scores", attention_scores(q, k))  # (B, nh, T, T)
    pattern = hook(begin + "attn.pattern", attention_pattern(scores))  # (B, nh, T, T)
    z = hook(begin + "attn.z", pattern @ v)  # (B, nh, T, hs)
    return hook(begin + "attn_out", attention.merge_heads(z))


def config_of(model: nn.Module) -> ModelConfig:
    """The configuration a model was built from."""
    return cast(GPT, model).config


def has_blocks(model: nn.Module) -> bool:
    """Whether it is a `GPT` (which may still have no layer), not a `TinyGPT`."""
    return hasattr(model, "blocks")


def residual_components(config: ModelConfig) -> tuple[str, ...]:
    """The names of everything that is added to the residual stream, in order."""
    names = ["embed"] + ["token_shift"] * config.token_shift + ["pos_embed"] * (config.positions == "learned")
    for layer in range(config.n_layer):
        names.append(f"blocks.{layer}.attn_out")
        if config.mlp != "none":
            names.append(f"blocks.{layer}.mlp_out")
    return tuple(names)


def activation_norms(cache: ActivationCache, names: tuple[str, ...]) -> Tensor:
    """The Euclidean length of each character's row, sqrt(sum of squares): (P, B, T) for P names."""
    return torch.stack([cache[name].norm(dim=-1) for name in names])


@dataclass(frozen=True)
class ResidualNorms:
    """How long the residual stream of a text is, and what each part adds to it: means over its characters."""

    components: tuple[str, ...]
    """See `residual_components`."""

    added: tuple[float, ...]
    """The length of what each of them adds (without residual connections: of what replaces the stream)."""

    stream: tuple[float, ...]
    """The length of the stream after it."""


def residual_norms(model: nn.Module, ids: Sequence[int]) -> ResidualNorms:
    """Measure it on one text.

    Args:
        model: in eval mode.
        ids: of the T characters, at most `block_size`.
    """
    idx = torch.tensor([list(ids)])
    _logits, cache = run_with_cache(model, idx, keep=lambda name: name.endswith(IN_STREAM))
    names = residual_components(cache.config)
    before_layers = [name for name in names if not name.startswith("blocks.")]
    after = dict(zip(before_layers, accumulate(cache[name] for name in before_layers), strict=True))
    for name in names[len(after) :]:
        after[name] = cache[name.replace("attn_out", "resid_mid").replace("mlp_out", "resid_post")]
    added, stream = activation_norms(cache, names), torch.stack([after[name].norm(dim=-1) for name in names])
    means = (tuple(norms[:, 0].mean(-1).tolist()) for norms in (added, stream))  # (P,) each
    return ResidualNorms(names, *means)
