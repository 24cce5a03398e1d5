"""Heads in words: what the rules point at, and which rule describes a head."""

from typing import Any

import pytest
import torch
from torch import Tensor

from minigpt_core.configs import ModelConfig
from minigpt_core.data import prepare
from minigpt_core.interpret.activations import ActivationCache, run_with_cache
from minigpt_core.interpret.heads import RULES, describe_heads, measured_heads, measured_patterns, rule_masks
from minigpt_core.model import causal_mask
from minigpt_core.presets import find_preset
from minigpt_core.tokenizer import CharTokenizer
from minigpt_core.weights import fresh_model

TEXT = "the cat, the\nhat é te"
WORDS = CharTokenizer.from_text(TEXT)


def rule(name: str, idx: Tensor) -> list[list[int]]:
    """For each character the places where the rule says that it should look."""
    mask = rule_masks(idx, WORDS)[RULES.index(name), 0]
    return [row.nonzero().flatten().tolist() for row in mask]


def test_what_the_rules_point_at() -> None:
    text = "the cat, the\nhat"  # places: t0 h1 e2 _3 c4 a5 t6 ,7 _8 t9 h10 e11 ⏎12 h13 a14 t15
    idx = WORDS.encode(text)[None]
    assert rule("itself", idx) == [[t] for t in range(16)]
    assert rule("previous", idx) == [[], *([t - 1] for t in range(1, 16))]
    assert rule("two_before", idx)[:3] == [[], [], [0]]
    assert rule("first", idx) == [[0]] * 16
    assert rule("same", idx)[9] == [0, 6] and rule("same", idx)[7] == []
    assert rule("after_same", idx)[9] == [1, 7] and rule("after_same", idx)[1] == []
    assert rule("word_start", idx)[6] == [4] and rule("word_start", idx)[9] == [9]
    assert rule("word_start", idx)[3] == []
    assert rule("line_start", idx)[11] == [0] and rule("line_start", idx)[15] == [13]
    assert rule("break", idx)[9] == [3, 7, 8]
    assert rule("vowel", idx)[6] == [2, 5]
    assert rule("vowel", WORDS.encode("té")[None])[1] == [1]


class Pattern(ActivationCache):
    """A cache with patterns made by hand: one layer, a head for each."""

    def __init__(self, *patterns: Tensor) -> None:
        config = ModelConfig(
            vocab_size=WORDS.vocab_size, n_layer=1, n_head=len(patterns), n_embd=8 * len(patterns)
        )
        super().__init__({"blocks.0.attn.pattern": torch.stack(patterns, dim=1)}, config)


def test_heads_are_described_by_where_they_look() -> None:
    idx = torch.randint(WORDS.vocab_size, (4, 24), generator=torch.Generator().manual_seed(0))
    evenly = (causal_mask(24) / torch.arange(1, 25)[:, None]).expand(4, 24, 24)
    masks = dict(zip(RULES, rule_masks(idx, WORDS).float(), strict=True))
    mixed = torch.stack([masks[name] for name in ("itself", "previous", "two_before", "first")]).mean(0)
    heads = [masks["itself"], masks["previous"], masks["first"], evenly, mixed]
    described = describe_heads(Pattern(*heads), idx, WORDS)
    assert [head.rule for head in described] == ["itself", "previous", "first", "evenly", ""]
    assert [head.head for head in described] == [0, 1, 2, 3, 4]
    assert described[1].shares["previous"].attention == pytest.approx(1)
    assert described[1].shares["previous"].excess == pytest.approx(1)
    assert described[0].entropy == pytest.approx(0, abs=1e-6) and described[3].entropy == pytest.approx(1)
    assert all(share.excess == pytest.approx(0, abs=1e-6) for share in described[3].shares.values())
    assert described[4].shares["previous"].attention == pytest.approx(0.25)


def test_one_character_of_text_describes_nothing() -> None:
    config = ModelConfig(vocab_size=WORDS.vocab_size, **find_preset("chat-curieux-gpt").model)
    model = fresh_model(config, 1)
    idx = WORDS.encode("t")[None]
    described = describe_heads(run_with_cache(model, idx)[1], idx, WORDS)
    assert len(described) == config.n_layer * config.n_head
    assert not any(head.shares for head in described)


def test_a_head_made_to_look_back_is_called_so() -> None:
    """Positions that the keys hold one place later than the queries: every character looks at the one before."""
    dataset = prepare("one morning the cat sat on the mat. " * 40)
    config = ModelConfig(
        vocab_size=dataset.tokenizer.vocab_size, block_size=24, n_layer=1, n_embd=32, positions="learned"
    )
    model: Any = fresh_model(config, seed=1)
    with torch.no_grad():
        model.token_embedding.weight.zero_()
        places = torch.nn.functional.one_hot(torch.arange(24), 32).float()
        model.position_embedding.weight.copy_(places)
        attention = model.blocks[0].attention.c_attn
        attention.bias.zero_()
        attention.weight.zero_()
        attention.weight[:32] = 60 * torch.eye(32)  # a query asks for its own place
        attention.weight[32:64] = torch.eye(32).roll(1, dims=0)  # a key answers for the next one
    (head,) = measured_heads(model, dataset)
    assert head.rule == "previous" and head.shares["previous"].attention > 0.95
    cache, idx = measured_patterns(model, dataset)
    assert describe_heads(cache, idx, dataset.tokenizer) == [head]
    unseen = dataset.tokenizer.decode(dataset.val)
    assert all(dataset.tokenizer.decode(window) in unseen for window in idx)
