"""What a model seems to know by its loss: how far it has come from pure chance past the counted models."""

import math
from collections.abc import Sequence

from minigpt_core.configs import ModelConfig
from minigpt_core.ngrams import Baselines

STAGES = 5
FAR_FROM_CHANCE = 0.9  # of the loss of pure chance, where nothing else is known to compare with
AT_CHANCE = 0.05  # nats: so near to the loss of pure chance or above it, nothing is known
BEYOND_TRIGRAM = 0.3  # nats below the counted trigram: longer stretches than three characters must be known


def untrained_loss(config: ModelConfig) -> float | None:
    """What a model is expected to lose before its first step, in nats per character; None where it is not known.

    TinyGPT multiplies rows drawn from N(0, 1) with weights, and adds constants, drawn evenly from ±1/√C, so each score
    has the variance s² = (1 + 1/C) / 3. Among scores that differ at random, -ln softmax costs ln V + s²/2 on average:
    s²/2 more than if all were equal (the mean of e^N(0, s²) is e^(s²/2)).
    """
    if not config.is_tinygpt:
        return None
    return math.log(config.vocab_size) + (1 + 1 / config.n_embd) / 6


def learning_stage(loss: float, vocab_size: int, known: Baselines | None) -> int:
    """0 next to nothing, 1 how frequent characters are, 2 which follow each other, 3 pieces of words, 4 many words.

    Args:
        loss: in nats per character.
        known: what counting reaches on the same text; None knows the first two stages only.
    """
    return sum(loss < limit for limit in stage_limits(vocab_size, known))


def stage_limits(vocab_size: int, known: Baselines | None) -> Sequence[float]:
    """Losses between one stage and the next, falling: half way from each counted model to the following one, and below
    that of pure chance, which counting does not always reach on unseen text."""
    if known is None:
        return [FAR_FROM_CHANCE * math.log(vocab_size)]
    uniform, unigram = known.uniform, known.unigram_val or known.unigram_train
    bigram, trigram = known.bigram_val or known.bigram_train, known.trigram_val or known.trigram_train
    limits = [
        (uniform + unigram) / 2,
        (unigram + bigram) / 2,
        (bigram + trigram) / 2,
        trigram - BEYOND_TRIGRAM,
    ]
    return [min(limit, uniform - AT_CHANCE) for limit in limits]
