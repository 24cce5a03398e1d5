"""TinyGPT is a table: a row of scores for each character. Here the table can be changed by hand, on a copy.

V stands for the number of characters in the vocabulary. A table holds ln P(next | current), so that softmax of a row is
the row's probabilities; -inf forbids a character.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from minigpt_core.errors import ConfigError
from minigpt_core.interpret.bigram_table import Edit
from minigpt_core.model import TinyGPT


@torch.no_grad()
def learned_table(model: nn.Module) -> Tensor:
    """ln P(next | current) as a TinyGPT has learned it: (V, V) float64, a row for each current character."""
    tiny = cast(TinyGPT, model)
    return tiny.lm_head(tiny.token_embedding.weight).double().log_softmax(-1)


def edited(table: Tensor, edit: Edit) -> Tensor:
    """A new table with one entry changed and its row brought back to sum 1.

    Raises:
        ConfigError: nothing would be left that could come next.
    """
    row = table[edit.current].exp()  # (V,)
    others = row.clone()
    others[edit.next] = 0.0
    left = 1 - edit.probability
    if left > 0 and others.sum() == 0:
        raise ConfigError("Nothing else can come next here: allow another character first.")
    new = table.clone()
    shared = others * (left / others.sum()) if left > 0 else torch.zeros_like(row)
    shared[edit.next] = edit.probability
    new[edit.current] = shared.log()
    return new


class TableModel(nn.Module):
    """A table in the shape of a model, to be asked and sampled like any other."""

    table: Tensor

    def __init__(self, table: Tensor) -> None:
        super().__init__()
        self.register_buffer("table", table)
        self.eval()

    def forward(self, idx: Tensor, targets: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Scores (B, T, V) for what comes after each of the ids (B, T), and the loss if targets are given.

        The loss is infinite where the text holds a pair that the table forbids.
        """
        logits = self.table[idx]  # (B, T, V)
        if targets is None:
            return logits, None
        return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten())
