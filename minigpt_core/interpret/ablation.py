"""Taking a model apart: what it loses when a part of it is switched off. The model itself is only read.

Letters in the shape comments, as in `model.py`: B sequences, T characters, C channels, nh heads, hs numbers per head,
V characters in the vocabulary, W windows of text.
"""

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from minigpt_core.configs import ModelConfig
from minigpt_core.data import Dataset, check_length, evaluation_starts, windows
from minigpt_core.evaluation import loss_per_window, standard_error
from minigpt_core.generation.continuation import Continuation, continue_text
from minigpt_core.interpret.activations import Hook, config_of, embed, run_from_layer, run_with_hook
from minigpt_core.model import GPT, Block, rotate

WINDOWS = 256  # 16,384 characters at block size 64: all parts of a model of 0.8 million parameters take 7 s of one core
CHUNK = 8  # windows calculated at once, fewer if their scores are many
MOST_SCORES = 4_000_000  # of the windows that are calculated at once: 16 MB
SEED = 1337  # which windows


@dataclass(frozen=True, order=True)
class Component:
    """Something that can be switched off."""

    kind: str
    """`token_shift`, `positions`, `layer`, `head` or `mlp`."""

    layer: int = 0
    """Counted from 0."""

    head: int = 0
    """Counted from 0."""


def components_of(config: ModelConfig) -> tuple[Component, ...]:
    """Everything in such a model that can be switched off; nothing in a TinyGPT."""
    parts = [Component("token_shift")] if config.token_shift else []
    if config.positions != "none":
        parts.append(Component("positions"))
    for layer in range(config.n_layer):
        parts.append(Component("layer", layer))
        parts += [Component("head", layer, head) for head in range(config.n_head)]
        if config.mlp != "none":
            parts.append(Component("mlp", layer))
    return tuple(parts)


Means = Mapping[str, Tensor]


@torch.no_grad()
def mean_activations(model: nn.Module, idx: Tensor) -> Means:
    """What every part hands on, on average over all places of all texts, by the names of `activations.py`.

    Args:
        idx: (B, T).
    """
    sums: dict[str, Tensor] = {}

    def add(name: str, x: Tensor) -> Tensor:
        if name.endswith("attn.z"):  # (B, nh, T, hs)
            sums[name] = sums.get(name, torch.tensor(0.0)) + x.sum(dim=(0, 2), keepdim=True)
        elif name.endswith(("attn_out", "mlp_out", "pos_embed", "token_shift")):  # (B, T, C)
            sums[name] = sums.get(name, torch.tensor(0.0)) + x.sum(dim=(0, 1), keepdim=True)
        return x

    for few in idx.split(windows_at_once(config_of(model).vocab_size, idx.size(1))):
        run_with_hook(model, few, add)
    return {name: total / idx.numel() for name, total in sums.items()}


def ablation_hook(model: nn.Module, parts: Collection[Component], means: Means | None = None) -> Hook:
    """What `run_with_hook` must be given so that these parts hand on nothing, or only their mean.

    A part that hands on zero leaves the residual stream as it is. Zero can itself be an unusual value for the parts
    that follow; the mean is a milder test ("Interpretability in the Wild", https://arxiv.org/abs/2211.00593, section
    2.1).
    A layer is its attention and its MLP. Without positions, learned ones add nothing and rotary ones do not turn.
    Without residual connections, what follows a removed part gets nothing else: the model is blind from there on.
    """
    heads: dict[str, list[int]] = {}
    whole: set[str] = set()
    for part in parts:
        begin = f"blocks.{part.layer}."
        if part.kind == "head":
            heads.setdefault(begin + "attn.z", []).append(part.head)
        else:
            whole |= OUTPUTS[part.kind](begin)
    unturned = Component("positions") in parts and config_of(model).positions == "rotary"

    def hook(name: str, x: Tensor) -> Tensor:
        if name in whole:
            return means[name].expand_as(x) if means else torch.zeros_like(x)
        if name in heads:
            x, off = x.clone(), heads[name]
            x[:, off] = means[name][:, off] if means else 0.0
        elif unturned and name.endswith(("attn.q", "attn.k")):
            return undo_rotation(model, x)
        return x

    return hook


BEFORE_LAYERS = ("token_shift", "positions")
OUTPUTS = {
    "token_shift": lambda begin: {"token_shift"},
    "positions": lambda begin: {"pos_embed"},
    "layer": lambda begin: {begin + "attn_out", begin + "mlp_out"},
    "mlp": lambda begin: {begin + "mlp_out"},
}
"""For each kind of part the names of what it hands on; `begin` is that of its layer."""


def undo_rotation(model: nn.Module, x: Tensor) -> Tensor:
    """Queries or keys, (B, nh, T, hs), as they were before their places turned them."""
    attention = cast(Block, cast(GPT, model).blocks[0]).attention  # the angles of all layers are the same
    return rotate(x, attention.cos[: x.size(2)], -attention.sin[: x.size(2)])


class AblatedModel(nn.Module):
    """A model with some parts switched off, to be asked like any other. It holds no copy, and changes nothing."""

    def __init__(self, model: nn.Module, parts: Collection[Component], means: Means | None = None) -> None:
        super().__init__()
        self.config = config_of(model)
        self.whole = (model,)  # in a tuple, so that train() and to() do not reach it
        self.hook = ablation_hook(model, parts, means)
        self.eval()

    @torch.no_grad()
    def forward(self, idx: Tensor, targets: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """As `GPT.forward`: scores (B, T, V), and the loss if the (B, T) targets are given."""
        logits = run_with_hook(self.whole[0], idx, self.hook)
        if targets is None:
            return logits, None
        return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def continue_without(
    model: nn.Module, parts: Collection[Component], means: Means | None, *given: Any, **named: Any
) -> Continuation:
    """What `continue_text` writes with a model that has these parts switched off."""
    return continue_text(AblatedModel(model, parts, means) if parts else model, *given, **named)


# How much a part matters


@dataclass(frozen=True)
class Windows:
    """The text that a loss is measured on."""

    x: Tensor
    """(W, T)"""

    y: Tensor
    """(W, T), what really comes next."""

    unseen: bool = False
    """Whether it is text that the model did not learn from."""

    at_once: int = CHUNK
    """How many of them are calculated together."""

    @property
    def characters(self) -> int:
        """How many characters are guessed."""
        return self.y.numel()

    def chunk(self, number: int) -> "Windows":
        """A few of them, to be calculated at once."""
        few = slice(number * self.at_once, (number + 1) * self.at_once)
        return Windows(self.x[few], self.y[few])

    @property
    def chunks(self) -> int:
        """In how many goes they are calculated."""
        return math.ceil(len(self.x) / self.at_once)


def draw_windows(data: Tensor, block_size: int, limit: int = WINDOWS, seed: int = SEED) -> Windows:
    """At most `limit` windows of `data`, (N,), that do not overlap. Raises `TextError` if it is too short for one."""
    check_length(data, block_size)
    return Windows(*windows(data, evaluation_starts(data, block_size, limit, seed), block_size))


def held_out_windows(dataset: Dataset, block_size: int, limit: int = WINDOWS) -> Windows:
    """At most `limit` windows of the validation part; of the training part if the other has no room for one.

    Raises:
        TextError: neither has.
    """
    unseen = len(dataset.val) > block_size
    text = draw_windows(dataset.val if unseen else dataset.train, block_size, limit)
    at_once = windows_at_once(dataset.tokenizer.vocab_size, block_size)
    return replace(text, unseen=unseen, at_once=at_once)


def windows_at_once(vocab_size: int, block_size: int) -> int:
    """How many windows are calculated together, so that their scores, V for each character, stay within bounds."""
    return max(1, min(CHUNK, MOST_SCORES // (vocab_size * block_size)))


def ablated_loss(
    model: nn.Module, text: Windows, parts: Collection[Component], means: Means | None = None
) -> float:
    """The mean loss of a model with these parts switched off, in nats per character."""
    return window_losses(model, text, ablation_hook(model, parts, means)).mean().item()


@torch.no_grad()
def window_losses(model: nn.Module, text: Windows, hook: Hook) -> Tensor:
    """The mean loss of each window in nats per character: (W,) float64."""
    chunks = map(text.chunk, range(text.chunks))
    return torch.cat([loss_per_window(run_with_hook(model, few.x, hook), few.y) for few in chunks])


@dataclass(frozen=True)
class Effect:
    """What switching one part off does to the loss."""

    part: Component
    change: float
    """Loss without the part minus loss with it, in nats per character: above 0 it is missed."""

    error: float
    """Standard error of the change, from how much it differs from window to window; NaN for a single window."""


@dataclass(frozen=True)
class Progress:
    """How far the table is. It can be read at any time; more windows make it steadier."""

    done: int
    total: int
    windows: int
    """How many windows the effects so far come from."""

    loss: float
    """Of the whole model on these windows, in nats per character."""

    effects: tuple[Effect, ...] = ()
    """What is missed most stands first."""


@torch.no_grad()
def ablation_table(
    model: nn.Module, text: Windows, *, mean: bool = False, parts: Collection[Component] | None = None
) -> Iterator[Progress]:
    """Switch off one part after the other and measure the loss. Whoever has seen enough stops asking.

    A few windows go through all variants before the next ones do, so the table is complete early and gets steadier.
    A model without a part is only calculated from that part's layer on: what lies below is unchanged.

    Args:
        model: in eval mode.
        text: where the loss is measured; with `mean`, also where the means are.
        mean: replace a part's output by its mean instead of zero.
        parts: None for all of them.
    """
    wanted = tuple(components_of(config_of(model)) if parts is None else parts)
    means = mean_activations(model, text.x) if mean else None
    hooks = {part: ablation_hook(model, [part], means) for part in wanted}
    whole: list[Tensor] = []  # losses of the windows so far, one tensor a chunk
    without: dict[Component, list[Tensor]] = {part: [] for part in wanted}
    state = Progress(0, text.chunks * (len(wanted) + 1), 0, math.nan)
    for number in range(text.chunks):
        few = text.chunk(number)
        before, logits = residual_streams(model, few.x)
        whole.append(loss_per_window(logits, few.y))
        yield (state := replace(state, done=state.done + 1))
        for part in wanted:
            x = embed(model, few.x, hooks[part]) if part.kind in BEFORE_LAYERS else before[part.layer]
            without[part].append(loss_per_window(run_from_layer(model, x, hooks[part], part.layer), few.y))
            yield (state := replace(state, done=state.done + 1))
        state = summarized(state, torch.cat(whole), {part: torch.cat(kept) for part, kept in without.items()})
    yield state


def residual_streams(model: nn.Module, idx: Tensor) -> tuple[list[Tensor], Tensor]:
    """The residual stream before each layer, (B, T, C) each, and the logits of the whole model."""
    before: list[Tensor] = []

    def hook(name: str, x: Tensor) -> Tensor:
        if name.endswith("resid_pre"):
            before.append(x)
        return x

    logits = run_with_hook(model, idx, hook)
    return before, logits


def summarized(state: Progress, whole: Tensor, without: Mapping[Component, Tensor]) -> Progress:
    """The progress with what all windows so far say, (W,) losses each."""
    effects = (effect_of(part, losses - whole) for part, losses in without.items())
    ranked = sorted(effects, key=lambda one: -one.change)
    return replace(state, windows=len(whole), loss=whole.mean().item(), effects=tuple(ranked))


def effect_of(part: Component, changes: Tensor) -> Effect:
    """Mean and standard error of the changes of all windows, (W,)."""
    return Effect(part, changes.mean().item(), standard_error(changes))
