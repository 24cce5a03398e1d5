"""TinyGPT is a table: a row of scores for each character. Its rows beside counted pairs, and changed by hand on a copy.

Letters in the shape comments: V characters in the vocabulary, K distinct pairs in a text, N characters that are shown,
B sequences of T characters. A row holds ln P(next | current); -inf forbids a character. No table of V × V numbers is
ever made: rows are calculated when they are asked for, and pairs are counted where they occur.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from minigpt_core.configs import check_range
from minigpt_core.errors import ConfigError
from minigpt_core.model import TinyGPT
from minigpt_core.ngrams import NgramModel

NUMBERS_AT_ONCE = 1_000_000  # of rows that are calculated together: 8 MB
MEASURED_NUMBERS = 4_000_000  # of a table whose distance is measured: all rows of up to 2,000 characters


@dataclass(frozen=True)
class Edit:
    """After `current`, `next` comes with this probability; the others share the rest as they did before."""

    current: int
    """Id of the character that was just read: the row."""

    next: int
    """Id of the character that may follow: the column."""

    probability: float
    """0 (never) to 1 (always)."""

    def __post_init__(self) -> None:
        check_range("probability", self.probability, 0, 1)


@dataclass(frozen=True, eq=False)
class PairCounts:
    """Which pairs of characters occur, and how often each."""

    vocab_size: int
    current: Tensor
    """(K,) ids of the first character, rising."""

    next: Tensor
    """(K,) ids of the second one."""

    counts: Tensor
    """(K,) int64, each at least 1."""

    @classmethod
    def of_text(cls, ids: Tensor, vocab_size: int) -> Self:
        """All pairs of neighbours in a text, (N,) ids."""
        counted = NgramModel(2, vocab_size).fit(ids)
        return cls(vocab_size, counted.ngrams // vocab_size, counted.ngrams % vocab_size, counted.counts)

    @classmethod
    def of_windows(cls, x: Tensor, y: Tensor, vocab_size: int) -> Self:
        """The pairs (what is read, what comes next) of windows, (B, T) ids each."""
        pairs, counts = torch.unique(x * vocab_size + y, return_counts=True)
        return cls(vocab_size, pairs // vocab_size, pairs % vocab_size, counts)

    @property
    def total(self) -> int:
        """How many pairs were counted."""
        return int(self.counts.sum())

    def row_totals(self) -> Tensor:
        """How often each character is the first of a pair: (V,) int64."""
        return torch.zeros(self.vocab_size, dtype=torch.int64).index_add(0, self.current, self.counts)

    def most_frequent(self, most: int) -> list[int]:
        """The ids of the `most` characters that stand first in most pairs, in the order of the ids."""
        order = self.row_totals().sort(descending=True, stable=True).indices
        return cast(list[int], order[:most].sort().values.tolist())

    def after(self, ids: Sequence[int]) -> Self:
        """Only the pairs that begin with one of these characters."""
        kept = torch.isin(self.current, torch.tensor(ids, dtype=torch.int64))
        return type(self)(self.vocab_size, self.current[kept], self.next[kept], self.counts[kept])

    def shares(self, ids: Sequence[int]) -> NDArray[np.float64]:
        """P(next | current) as counted, for the N characters `ids`: (N, N); 0 where nothing follows."""
        place = torch.full((self.vocab_size,), -1)
        place[torch.tensor(ids, dtype=torch.int64)] = torch.arange(len(ids))
        row, column = place[self.current], place[self.next]
        shown = (row >= 0) & (column >= 0)
        table = torch.zeros(len(ids), len(ids), dtype=torch.float64)
        table[row[shown], column[shown]] = (self.counts.double() / self.row_totals()[self.current])[shown]
        return table.numpy()


class BigramTable(nn.Module):
    """A TinyGPT read as its table, with some rows changed by hand, to be asked and sampled like any other model.

    The TinyGPT is only read, and no copy of it is held.

    Args:
        model: a TinyGPT.
        edits: made one after the other.

    Raises:
        ConfigError: an edit leaves nothing that could come next.
    """

    def __init__(self, model: nn.Module, edits: Sequence[Edit] = ()) -> None:
        super().__init__()
        self.learned = (cast(TinyGPT, model),)  # in a tuple, so that train() and to() do not reach it
        self.edited: dict[int, Tensor] = {}
        for edit in edits:
            row = self.log_rows(torch.tensor([edit.current]))[0]
            self.edited[edit.current] = edited_row(row, edit)
        self.eval()

    @torch.no_grad()
    def log_rows(self, ids: Tensor) -> Tensor:
        """ln P(next | current) after each of the ids, (…,) -> (…, V) float64."""
        (tiny,) = self.learned
        rows = (
            tiny.lm_head(tiny.token_embedding(ids)).log_softmax(-1).double()
        )  # in float32: eight times as fast
        for current, row in self.edited.items():
            rows[ids == current] = row
        return rows

    def forward(self, idx: Tensor, targets: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Scores (B, T, V) for what comes after each of the ids (B, T), and the loss if targets are given.

        The loss is infinite where the text holds a pair that the table forbids.
        """
        logits = self.log_rows(idx)  # (B, T, V)
        if targets is None:
            return logits, None
        return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten())

    def probabilities(self, current: int) -> NDArray[np.float64]:
        """P(next | current) of one row: (V,)."""
        return self.log_rows(torch.tensor(current)).exp().numpy()

    def shares(self, ids: Sequence[int]) -> NDArray[np.float64]:
        """P(next | current) of the N characters `ids`: (N, N). A row need not sum to 1: the others follow, too."""
        columns = torch.tensor(ids, dtype=torch.int64)
        blocks = [self.log_rows(few)[:, columns] for few in self._in_portions(columns)]
        return torch.cat(blocks).exp().numpy()

    def log_probabilities(self, pairs: PairCounts) -> Tensor:
        """ln P(next | current) of each pair: (K,) float64."""
        found = [torch.zeros(0, dtype=torch.float64)]
        rows, lengths = pairs.current.unique_consecutive(return_counts=True)
        begin = 0
        for few, length in zip(self._in_portions(rows), self._in_portions(lengths), strict=True):
            end = begin + int(length.sum())
            which = torch.arange(len(few)).repeat_interleave(length)
            found.append(self.log_rows(few)[which, pairs.next[begin:end]])
            begin = end
        return torch.cat(found)

    def _in_portions(self, rows: Tensor) -> Iterator[Tensor]:
        yield from rows.split(max(1, NUMBERS_AT_ONCE // self.learned[0].config.vocab_size))


def edited_row(row: Tensor, edit: Edit) -> Tensor:
    """A row, (V,), with one entry changed and brought back to sum 1.

    Raises:
        ConfigError: nothing would be left that could come next.
    """
    others = row.exp()
    others[edit.next] = 0.0
    left = 1 - edit.probability
    if left > 0 and others.sum() == 0:
        raise ConfigError("Nothing else can come next here: allow another character first.")
    shared = others * (left / others.sum()) if left > 0 else torch.zeros_like(row)
    shared[edit.next] = edit.probability
    return shared.log()


def mean_loss(table: BigramTable, pairs: PairCounts) -> float:
    """The table's loss on these pairs, in nats per character; infinite if one of them is forbidden."""
    return float(-(pairs.counts * table.log_probabilities(pairs)).sum() / pairs.total)


def edited_loss(table: BigramTable, learned_loss: float, pairs: PairCounts) -> float:
    """The same for a table with edits, from the loss without them: only the changed rows are calculated."""
    changed = pairs.after(list(table.edited))
    apart = BigramTable(table.learned[0]).log_probabilities(changed) - table.log_probabilities(changed)
    return learned_loss + float((changed.counts * apart).sum() / pairs.total)


def distance_from_counts(table: BigramTable, pairs: PairCounts) -> float:
    """How far a learned table is from the counted one, in nats per character: 0 when they agree.

    Σ count(c, n)/N · (ln counted(n | c) − ln learned(n | c)), the Kullback-Leibler divergence of the rows, each
    weighted by how often its character occurs (Cover and Thomas, Elements of Information Theory, section 2.5). It is
    exactly what the table's loss on the counted text lies above `one_character_minimum`. Of thousands of characters, it
    is that of the pairs that begin with the most frequent ones: see `MEASURED_NUMBERS`.
    """
    measured = pairs.after(pairs.most_frequent(max(1, MEASURED_NUMBERS // pairs.vocab_size)))
    counted = (measured.counts.double() / pairs.row_totals()[measured.current]).log()
    apart = counted - table.log_probabilities(measured)
    return float((measured.counts * apart).sum() / max(measured.total, 1))
