"""Attention heads in words: which simple rule explains where a head looks.

Letters in the shape comments: B sequences in a batch, T characters in a sequence, nh heads, V characters in the
vocabulary, R rules.
"""

import unicodedata
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from minigpt_core.data import Dataset, evaluation_starts, windows
from minigpt_core.interpret.activations import ActivationCache, config_of, run_with_cache
from minigpt_core.model import causal_mask
from minigpt_core.tokenizer import CharTokenizer

RULES = (
    "itself", "previous", "two_before", "first", "same", "after_same", "word_start", "line_start", "break", "vowel",
)  # fmt: skip
"""Where a head may look; see `rule_masks`."""

EVENLY = 0.9  # of the largest possible entropy: a head above it looks everywhere alike
CLEARLY = 0.4  # share of the attention, above chance, that makes a rule the description of a head
MEASURED_WINDOWS, MEASURED_LENGTH, MEASURED_SEED = 8, 128, 1  # enough for steady shares, little to wait for
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

    entropy: float
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
    masks = rule_masks(idx, tokenizer)  # (R, B, T, T)
    described = []
    for layer in range(cache.config.n_layer):
        pattern = cache.layer("attn.pattern", layer).transpose(0, 1)  # (nh, B, T, T)
        entropies = attention_entropy(pattern)
        for head in range(cache.config.n_head):
            shares = rule_shares(pattern[head], masks)
            described.append(
                HeadDescription(layer, head, best_rule(shares, entropies[head]), entropies[head], shares)
            )
    return described


def measured_heads(model: nn.Module, dataset: Dataset) -> list[HeadDescription]:
    """Where every head of a model looks, on some windows of its text: unseen ones, where there are enough."""
    cache, idx = measured_patterns(model, dataset)
    return describe_heads(cache, idx, dataset.tokenizer)


def measured_patterns(model: nn.Module, dataset: Dataset) -> tuple[ActivationCache, Tensor]:
    """The patterns of the windows on which heads are measured, and their ids (B, T)."""
    length = min(config_of(model).block_size, MEASURED_LENGTH)
    data = dataset.val if len(dataset.val) > 2 * length else dataset.train
    starts = evaluation_starts(data, length, MEASURED_WINDOWS, MEASURED_SEED)
    idx, _targets = windows(data, starts, length)  # (B, T)
    _logits, cache = run_with_cache(model, idx, keep=lambda name: name.endswith("attn.pattern"))
    return cache, idx


def rule_masks(idx: Tensor, tokenizer: CharTokenizer) -> Tensor:
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
    is_break, is_vowel, is_newline = (table[idx] for table in character_kinds(tokenizer))  # (B, T) each
    rules = {
        "itself": back == 0,
        "previous": back == 1,
        "two_before": back == 2,
        "first": (places == 0).expand_as(back),
        "same": same,
        "after_same": after_same,
        "word_start": span_starts(is_break)[..., None] == places,
        "line_start": span_starts(is_newline)[..., None] == places,
        "break": is_break[:, None, :].expand_as(back),
        "vowel": is_vowel[:, None, :].expand_as(back),
    }
    return torch.stack([rules[name] for name in RULES]) & causal_mask(T)


def span_starts(is_break: Tensor) -> Tensor:
    """For each place the first place of its stretch between breaks, (B, T) -> (B, T); -1 on the breaks themselves."""
    places = torch.arange(is_break.size(1)).expand_as(is_break)
    last_break = torch.where(is_break, places, -1).cummax(dim=1).values
    return torch.where(is_break, -1, last_break + 1)


def character_kinds(tokenizer: CharTokenizer) -> tuple[Tensor, Tensor, Tensor]:
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


def rule_shares(pattern: Tensor, masks: Tensor) -> dict[str, Share]:
    """The share of one head's attention that follows each rule, the highest excess first.

    Args:
        pattern: (B, T, T).
        masks: (R, B, T, T), see `rule_masks`.
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


def attention_entropy(pattern: Tensor) -> list[float]:
    """The mean entropy of each head's rows as a share of the largest possible, ln(number of visible characters).

    Args:
        pattern: (nh, B, T, T).
    """
    T = pattern.size(-1)
    first = min(WARM_UP, T - 1)
    entropy = torch.special.entr(pattern[:, :, first:]).sum(-1)  # (nh, B, T - first)
    largest = torch.arange(first + 1, T + 1).log().clamp(min=1e-9)
    return cast(list[float], (entropy / largest).mean(dim=(1, 2)).tolist())


def best_rule(shares: dict[str, Share], entropy: float) -> str:
    """The rule that describes a head, "evenly", or "" if no rule does."""
    if entropy > EVENLY:
        return "evenly"
    name, share = next(iter(shares.items()), ("", None))
    return name if share and share.excess >= CLEARLY else ""
