"""From a text to the batches that a model learns from.

Letters in the shape comments: N characters in a text or in a part of it, B sequences in a batch, T characters
in a sequence (`block_size`), W windows of an evaluation.
"""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from minigpt_core.configs import check_range
from minigpt_core.errors import TextError
from minigpt_core.tokenizer import CharTokenizer


@dataclass(frozen=True, eq=False)
class Dataset:
    """A text as numbers, in two parts: one to learn from, and one that is only looked at to check."""

    tokenizer: CharTokenizer
    """The vocabulary of both parts."""

    train: Tensor
    """(N_train,) int64: the ids of the first part of the text."""

    val: Tensor
    """(N_val,) int64: the ids of the rest; may be empty."""


@dataclass(frozen=True, eq=False)
class EncodedText:
    """A whole text as numbers."""

    tokenizer: CharTokenizer
    ids: Tensor
    """(N,) int64: 8 bytes a character."""

    def counts(self) -> dict[str, int]:
        """How often each character stands in it, in the order of the ids."""
        each = torch.bincount(self.ids, minlength=self.tokenizer.vocab_size).tolist()
        return dict(zip(self.tokenizer.characters, each, strict=True))

    def split(self, val_fraction: float) -> Dataset:
        """Both parts as views of the ids. Raises `ConfigError` for a fraction outside 0 to 0.9."""
        return Dataset(self.tokenizer, *split(self.ids, val_fraction))


def prepare(text: str, val_fraction: float = 0.1, tokenizer: CharTokenizer | None = None) -> Dataset:
    """Encode `text` and split it, the last `val_fraction` of it for validation.

    Without a `tokenizer`, the vocabulary is that of the whole text, so the validation part has no unknown
    character. Raises `TextError` for an empty text, `UnknownCharacters` if the `tokenizer` lacks some,
    `ConfigError` for a fraction outside 0 to 0.9.
    """
    tokenizer = tokenizer or CharTokenizer.from_text(text)
    train, val = split(tokenizer.encode(text), val_fraction)
    return Dataset(tokenizer, train, val)


def split(ids: Tensor, val_fraction: float) -> tuple[Tensor, Tensor]:
    """The first part of `ids` to train on, the last part to validate on: (N_train,) and (N_val,).

    Nothing is shuffled: neighbouring windows share most of their characters, so a random choice of windows
    would let the model see the validation text.
    """
    n_train = train_length(len(ids), val_fraction)
    return ids[:n_train], ids[n_train:]


def train_length(length: int, val_fraction: float) -> int:
    """How many of a text's characters are for training. Raises `ConfigError` for a fraction outside 0 to 0.9."""
    check_range("val_fraction", val_fraction, 0, 0.9)
    return int(length * (1 - val_fraction))


def shortest_text(block_size: int, val_fraction: float) -> int:
    """The length of the shortest text whose training part has room for one window."""
    length = block_size + 1
    while train_length(length, val_fraction) < block_size + 1:
        length += 1
    return length


def check_length(data: Tensor, block_size: int) -> None:
    """Raise `TextError` if `data`, (N,), has no room for one window: T characters and the one after them."""
    if len(data) < block_size + 1:
        raise TextError(
            "The part of the text to draw from has {length} characters; a block size of {block_size} needs at "
            "least {needed}. Use a longer text or a smaller block size.",
            length=len(data), block_size=block_size, needed=block_size + 1,
        )  # fmt: skip


def draw_starts(data: Tensor, block_size: int, batch_size: int, generator: Generator) -> Tensor:
    """Random places where windows begin: (B,) int64, every place that leaves room for T + 1 ids equally likely.

    Raises `TextError` if no place does.
    """
    check_length(data, block_size)
    return torch.randint(len(data) - block_size, (batch_size,), generator=generator)


def windows_in_epoch(length: int, block_size: int) -> int:
    """W: how many windows lie side by side in a training part of so many characters, wherever the first begins."""
    return max(1, (length - block_size) // block_size)


def shuffled_starts(data: Tensor, block_size: int, generator: Generator) -> Tensor:
    """Where windows begin that lie side by side, in a random order: (W,) int64, see `windows_in_epoch`.

    The first of them begins at random at one of the first T characters, so that another call cuts elsewhere.
    Raises `TextError` if there is no room for one.
    """
    check_length(data, block_size)
    W = windows_in_epoch(len(data), block_size)
    first = torch.randint(min(block_size, len(data) - W * block_size), (1,), generator=generator)
    return first + block_size * torch.randperm(W, generator=generator)


def windows(data: Tensor, starts: Tensor, block_size: int) -> tuple[Tensor, Tensor]:
    """The ids from each start on, and what comes next at every position: x and y, both (B, T).

    y is x shifted by one: y[b, t] is the id that follows x[b, t] in the text.
    """
    stretches = data[starts[:, None] + torch.arange(block_size + 1)]  # (B, 1) + (T + 1,) -> (B, T + 1)
    return stretches[:, :-1], stretches[:, 1:]


def get_batch(data: Tensor, block_size: int, batch_size: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """Draw B random windows of `data`, (N,): x and y, both (B, T), where y is x shifted by one.

    One window holds T training pairs: after x[b, 0] comes y[b, 0], after x[b, 0:2] comes y[b, 1], and so on.
    """
    return windows(data, draw_starts(data, block_size, batch_size, generator), block_size)


@dataclass(frozen=True, eq=False)
class Batch:
    """B windows of one part of a text, and where they were cut out."""

    x: Tensor
    """(B, T) ids."""

    y: Tensor
    """(B, T) ids, shifted by one."""

    starts: list[int]
    """Where each window begins, counted from 0 at the begin of the whole text."""

    @property
    def batch_size(self) -> int:
        """B."""
        return self.x.shape[0]

    @property
    def block_size(self) -> int:
        """T."""
        return self.x.shape[1]


def draw_batch(dataset: Dataset, part: str, block_size: int, batch_size: int, seed: int) -> Batch:
    """What `get_batch` draws with this seed, and where it fell.

    Args:
        part: "train" or "val", the part of the text to draw from.

    Raises:
        TextError: that part is too short for one window.
    """
    data, begin = (dataset.train, 0) if part == "train" else (dataset.val, len(dataset.train))
    starts = draw_starts(data, block_size, batch_size, Generator().manual_seed(seed))  # (B,)
    x, y = windows(data, starts, block_size)
    return Batch(x, y, (begin + starts).tolist())


def evaluation_starts(data: Tensor, block_size: int, limit: int, seed: int) -> Tensor:
    """Where the windows of an evaluation begin: (W,) int64, sorted; the same at every call.

    The windows lie side by side, so that no character is predicted twice. `limit` 0 takes all of them; else
    W is at most `limit`, drawn with `seed`. W is 0 if `data` is too short for a window.
    """
    starts = torch.arange(0, max(len(data) - block_size, 0), block_size)
    if limit and len(starts) > limit:
        chosen = torch.randperm(len(starts), generator=Generator().manual_seed(seed))[:limit]
        starts = starts[chosen.sort().values]
    return starts
