"""Looking inside a model: every number on the way from the characters to the scores, and what can be read off it.

Letters in the shape comments, as in `model.py`: B sequences in a batch, T characters in a sequence, C channels
(`n_embd`), nh heads (`n_head`), hs numbers per head (C / nh), V characters in the vocabulary, L layers (`n_layer`).

The names are those of TransformerLens (https://github.com/TransformerLensOrg/TransformerLens), in the order in which a
batch meets them; l counts the layers from 0:

    embed, pos_embed                      (B, T, C)      the rows of the characters, and of the places if learned
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

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from minigpt_core.configs import ModelConfig
from minigpt_core.model import GPT, Block, CausalSelfAttention, attention_pattern, attention_scores
from minigpt_core.sampling import diverged_error
from minigpt_core.tokenizer import CharTokenizer

Visit = Callable[[str, Tensor], Tensor]
"""Is given every tensor under its name and returns what the model goes on with."""


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

    logits = walk(model, idx, record)
    return logits, ActivationCache(kept, config_of(model))


def walk(model: nn.Module, idx: Tensor, visit: Visit) -> Tensor:
    """The lines of the model's `forward` one by one, each result handed to `visit`: (B, T) -> logits (B, T, V)."""
    return walk_on(model, embed(model, idx, visit), visit)


def embed(model: nn.Module, idx: Tensor, visit: Visit) -> Tensor:
    """What the first layer is given: (B, T) -> (B, T, C)."""
    assert not model.training, "dropout would make the picture a matter of chance: call eval() first"
    gpt = cast(GPT, model)  # TinyGPT has the same embedding
    x = visit("embed", gpt.token_embedding(idx))  # (B, T, C)
    places = getattr(model, "position_embedding", None)
    if places is not None:
        B, T = idx.shape
        x = x + visit("pos_embed", places.weight[:T].expand(B, T, -1))  # (B, T, C)
    return x


def walk_on(model: nn.Module, x: Tensor, visit: Visit, layer: int = 0) -> Tensor:
    """The rest of `walk` from the residual stream x, (B, T, C), before this layer: logits (B, T, V)."""
    gpt = cast(GPT, model)
    if has_blocks(model):
        for number in range(layer, len(gpt.blocks)):
            x = walk_block(cast(Block, gpt.blocks[number]), x, visit, f"blocks.{number}.")
        x = visit("final_norm", gpt.final_norm(x))
    return visit("logits", gpt.lm_head(x))


def walk_block(block: Block, x: Tensor, visit: Visit, begin: str) -> Tensor:
    """The lines of `Block.forward`, (B, T, C) -> (B, T, C); `begin` stands before every name."""
    x = visit(begin + "resid_pre", x)
    attn_out = walk_attention(block.attention, visit(begin + "norm_1", block.norm_1(x)), visit, begin)
    x = visit(begin + "resid_mid", x + attn_out if block.residual else attn_out)
    if block.mlp is not None and block.norm_2 is not None:
        pre = visit(begin + "mlp.pre", block.mlp.c_fc(visit(begin + "norm_2", block.norm_2(x))))  # (B, T, 4C)
        post = visit(begin + "mlp.post", block.mlp.activation(pre))
        mlp_out = visit(begin + "mlp_out", block.mlp.c_proj(post))  # (B, T, C)
        x = x + mlp_out if block.residual else mlp_out
    return visit(begin + "resid_post", x)


def walk_attention(attention: CausalSelfAttention, x: Tensor, visit: Visit, begin: str) -> Tensor:
    """The lines of `CausalSelfAttention.forward`, (B, T, C) -> (B, T, C), with the pattern written down."""
    names = (f"{begin}attn.{letter}" for letter in "qkv")
    q, k, v = map(visit, names, attention.project_qkv(x))  # (B, nh, T, hs) each
    scores = visit(begin + "attn.scores", attention_scores(q, k))  # (B, nh, T, T)
    pattern = visit(begin + "attn.pattern", attention_pattern(scores))  # (B, nh, T, T)
    z = visit(begin + "attn.z", pattern @ v)  # (B, nh, T, hs)
    return visit(begin + "attn_out", attention.merge_heads(z))


def check_scores(logits: Tensor) -> None:
    """Raise `UserError` if a model's scores are not numbers."""
    if not torch.isfinite(logits).all():
        raise diverged_error()


def causal_mask(T: int, device: torch.device | str = "cpu") -> Tensor:
    """(T, T), True where a character (row) may look: at itself and what comes before."""
    return torch.ones(T, T, dtype=torch.bool, device=device).tril()


def config_of(model: nn.Module) -> ModelConfig:
    """The configuration a model was built from."""
    return cast(GPT, model).config


def has_blocks(model: nn.Module) -> bool:
    """Whether it is a `GPT` (which may still have no layer), not a `TinyGPT`."""
    return hasattr(model, "blocks")


# The logit lens


def lens_points(config: ModelConfig, *, within_layers: bool = False) -> tuple[str, ...]:
    """The names of the residual stream at which one can look: after the embedding and after each layer.

    Args:
        within_layers: also between attention and MLP, where a layer has both.
    """
    if config.n_layer == 0:
        return ("embed",)
    points = ["blocks.0.resid_pre"]
    for layer in range(config.n_layer):
        if within_layers and config.mlp != "none":
            points.append(f"blocks.{layer}.resid_mid")
        points.append(f"blocks.{layer}.resid_post")
    return tuple(points)


@torch.no_grad()
def logit_lens(model: nn.Module, cache: ActivationCache, points: tuple[str, ...] | None = None) -> Tensor:
    """What the model would predict if it ended there: the final norm, then the output layer, on the residual stream.

    "interpreting GPT: the logit lens" (nostalgebraist, 2020, https://www.lesswrong.com/posts/AcKRB8wDpdaN6v6ru). The
    layers were never trained to be read like this, so an early row can be unreadable without being empty ("Eliciting
    Latent Predictions from Transformers with the Tuned Lens", https://arxiv.org/abs/2303.08112, section 2).

    Returns:
        (P, B, T, V) scores, one row for each of the `points` (None: `lens_points`). The last row is the logits.
    """
    names = points or lens_points(cache.config)
    if cache.config.n_layer == 0:  # positions, if any, stand between the embedding and the output layer
        return torch.stack([cache["logits"] for _name in names])
    gpt = cast(GPT, model)
    return torch.stack([gpt.lm_head(gpt.final_norm(cache[name])) for name in names])


@dataclass(frozen=True)
class LensScores:
    """How good the guesses at each point of the residual stream are."""

    points: tuple[str, ...]
    losses: tuple[float, ...]
    """Mean cross-entropy, in nats per character."""

    right: tuple[float, ...]
    """Share of the characters that were the best guess."""

    characters: int
    """How many were guessed."""


@torch.no_grad()
def lens_on(model: nn.Module, x: Tensor, y: Tensor, chunk: int = 8) -> LensScores:
    """Measure the lens on whole windows of text.

    Args:
        x: (W, T) what the model is given.
        y: (W, T) what really comes next.
        chunk: windows calculated at once.
    """
    points = lens_points(config_of(model))
    loss, right = torch.zeros(2, len(points), dtype=torch.float64)
    for few, targets in zip(x.split(chunk), y.split(chunk), strict=True):
        _logits, cache = run_with_cache(model, few, keep={*points, "logits"}.__contains__)
        for row, logits in enumerate(logit_lens(model, cache)):
            loss[row] += F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum").double()
            right[row] += (logits.argmax(-1) == targets).sum()
    return LensScores(
        points, tuple((loss / y.numel()).tolist()), tuple((right / y.numel()).tolist()), y.numel()
    )


# Sizes


def contributions(config: ModelConfig) -> tuple[str, ...]:
    """The names of everything that is added to the residual stream, in order."""
    names = ["embed"] + ["pos_embed"] * (config.positions == "learned")
    for layer in range(config.n_layer):
        names.append(f"blocks.{layer}.attn_out")
        if config.mlp != "none":
            names.append(f"blocks.{layer}.mlp_out")
    return tuple(names)


def lengths(cache: ActivationCache, names: tuple[str, ...]) -> Tensor:
    """The Euclidean length of each character's row, sqrt(sum of squares): (P, B, T) for P names."""
    return torch.stack([cache[name].norm(dim=-1) for name in names])


# Heads in words

RULES = (
    "itself", "previous", "two_before", "first", "same", "after_same", "word_start", "line_start", "break", "vowel",
)  # fmt: skip
"""Where a head may look; see `targets`."""

EVENLY = 0.9  # of the largest possible entropy: a head above it looks everywhere alike
CLEARLY = 0.4  # share of the attention, above chance, that makes a rule the description of a head
WARM_UP = 4  # the first places have so little to look at that every rule fits them


@dataclass(frozen=True)
class Share:
    """How much of a head's attention goes where a rule says, over all places where the rule names somewhere."""

    attention: float
    """Mean share, 0 to 1."""

    chance: float
    """The share that attention spread evenly over everything visible would give."""

    places: int
    """Over how many places it was measured."""

    @property
    def excess(self) -> float:
        """How far it lies above chance: 0 at chance, 1 if all attention follows the rule."""
        return (self.attention - self.chance) / (1 - self.chance) if self.chance < 1 else 0.0


@dataclass(frozen=True)
class HeadDescription:
    """What a head was measured to do. It says where the head looks, not what it takes from there."""

    layer: int
    head: int
    rule: str
    """One of `RULES` if it clearly explains where the head looks, "evenly", or "" if nothing does."""

    spread: float
    """Mean entropy of the rows, as a share of the largest possible: 0 one character only, 1 all alike."""

    shares: dict[str, Share]
    """What was measured for each rule that names a place at all, the highest excess first."""


def describe_heads(cache: ActivationCache, idx: Tensor, tokenizer: CharTokenizer) -> list[HeadDescription]:
    """Measure where every head looks on these texts.

    Previous-character and induction heads: "In-context Learning and Induction Heads"
    (https://arxiv.org/abs/2209.11895, "Prefix matching"); measuring with the mean attention to where the rule points is
    that paper's prefix-matching score.

    Args:
        cache: with the patterns of `idx`.
        idx: (B, T). The more characters, the steadier the numbers.
    """
    masks = targets(idx, tokenizer)  # (R, B, T, T)
    described = []
    for layer in range(cache.config.n_layer):
        pattern = cache.layer("attn.pattern", layer).transpose(0, 1)  # (nh, B, T, T)
        spreads = spread(pattern)
        for head in range(cache.config.n_head):
            shares = measure(pattern[head], masks)
            described.append(
                HeadDescription(layer, head, best_rule(shares, spreads[head]), spreads[head], shares)
            )
    return described


def targets(idx: Tensor, tokenizer: CharTokenizer) -> Tensor:
    """For each of `RULES`, where it says that each character (row) should look: (R, B, T, T) bool.

    itself: the character's own place. previous, two_before: one or two places back. first: the first place of all.
    same: earlier places with the same character. after_same: the places that follow these. word_start: the first
    letter of the word that the character stands in. line_start: the first place of its line. break: spaces, newlines
    and punctuation. vowel: vowels, with accents or without.
    """
    _B, T = idx.shape
    places = torch.arange(T)
    back = (places[:, None] - places).expand(
        idx.size(0), T, T
    )  # (B, T, T), how far the column lies behind the row
    same = (idx[:, :, None] == idx[:, None, :]) & (back > 0)
    after_same = F.pad(same, (1, 0))[:, :, :-1] & (back >= 0)
    is_break, is_vowel, is_newline = (table[idx] for table in kinds(tokenizer))  # (B, T) each
    rules = {
        "itself": back == 0,
        "previous": back == 1,
        "two_before": back == 2,
        "first": (places == 0).expand_as(back),
        "same": same,
        "after_same": after_same,
        "word_start": starts(is_break)[..., None] == places,
        "line_start": starts(is_newline)[..., None] == places,
        "break": is_break[:, None, :].expand_as(back),
        "vowel": is_vowel[:, None, :].expand_as(back),
    }
    return torch.stack([rules[name] for name in RULES]) & causal_mask(T)


def starts(is_break: Tensor) -> Tensor:
    """For each place the first place of its stretch between breaks, (B, T) -> (B, T); -1 on the breaks themselves."""
    places = torch.arange(is_break.size(1)).expand_as(is_break)
    last_break = torch.where(is_break, places, -1).cummax(dim=1).values
    return torch.where(is_break, -1, last_break + 1)


def kinds(tokenizer: CharTokenizer) -> tuple[Tensor, Tensor, Tensor]:
    """For each id whether it is a break between words, a vowel, a newline: (V,) bool each."""
    characters = tokenizer.characters
    return (
        torch.tensor([not c.isalnum() for c in characters]),
        torch.tensor([is_vowel(c) for c in characters]),
        torch.tensor([c == "\n" for c in characters]),
    )


def is_vowel(character: str) -> bool:
    """Whether it is a, e, i, o, u or y, also with an accent, or œ or æ."""
    return unicodedata.normalize("NFD", character)[0].lower() in "aeiouyœæ"


def measure(pattern: Tensor, masks: Tensor) -> dict[str, Share]:
    """The share of one head's attention that follows each rule, the highest excess first.

    Args:
        pattern: (B, T, T).
        masks: (R, B, T, T), see `targets`.
    """
    visible = torch.arange(1, pattern.size(-1) + 1)  # (T,)
    there = masks.any(-1) & (visible > WARM_UP)  # (R, B, T), the rows to which a rule says something
    attention = (pattern * masks).sum(-1)  # (R, B, T)
    chance = masks.sum(-1) / visible
    shares = {}
    for rule, name in enumerate(RULES):
        rows = there[rule]
        if rows.any():
            shares[name] = Share(
                attention[rule][rows].mean().item(), chance[rule][rows].mean().item(), int(rows.sum())
            )
    return dict(sorted(shares.items(), key=lambda item: -item[1].excess))


def spread(pattern: Tensor) -> list[float]:
    """The mean entropy of each head's rows as a share of the largest possible, ln(number of visible characters).

    Args:
        pattern: (nh, B, T, T).
    """
    T = pattern.size(-1)
    first = min(WARM_UP, T - 1)
    entropy = torch.special.entr(pattern[:, :, first:]).sum(-1)  # (nh, B, T - first)
    largest = torch.arange(first + 1, T + 1).log().clamp(min=1e-9)
    return cast(list[float], (entropy / largest).mean(dim=(1, 2)).tolist())


def best_rule(shares: dict[str, Share], spread: float) -> str:
    """The rule that describes a head, "evenly", or "" if no rule does."""
    if spread > EVENLY:
        return "evenly"
    name, share = next(iter(shares.items()), ("", None))
    return name if share and share.excess >= CLEARLY else ""
