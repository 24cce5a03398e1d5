"""What a model remembers of the characters before, while it writes.

Letters in the shape comments, as in `model.py`: B texts at once, T characters, nh heads, hs numbers per head.
"""

from torch import Tensor

from minigpt_core.model import GPT


class KeyValueCache:
    """The keys and values of one layer for all characters read so far: they need not be calculated again.

    Nobody looks ahead, so what a layer makes of a character never changes while its place stays the same. To read one
    more character, only its own query, key and value are needed. Once the window slides, all places change.
    """

    last_row: Tensor  # (B, 1, C), where a model has a token shift: see `GPT.rows_before`

    def __init__(self, block_size: int) -> None:
        self.length = 0  # characters read so far
        self.block_size = block_size

    def extend(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Add those of T new characters, (B, nh, T, hs) each; returns those of all, (B, nh, length, hs) each."""
        B, nh, T, hs = k.shape
        if self.length == 0:  # room for a full window, so that nothing has to be moved when it grows
            self.keys, self.values = (k.new_empty(B, nh, self.block_size, hs) for _ in range(2))
        assert self.length == 0 or T == 1  # several at once would need a mask of their own
        self.keys[:, :, self.length : self.length + T] = k
        self.values[:, :, self.length : self.length + T] = v
        self.length += T
        return self.keys[:, :, : self.length], self.values[:, :, : self.length]


def new_cache(model: GPT) -> list[KeyValueCache]:
    """An empty memory: one for each layer."""
    return [KeyValueCache(model.config.block_size) for _block in model.blocks]
