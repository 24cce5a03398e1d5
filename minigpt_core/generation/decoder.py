"""Showing a model a growing text, character by character, without calculating anything twice.

Letters in the shape comments: B texts at once, T characters of each, V characters in the vocabulary.
"""

from typing import cast

import torch
from torch import Tensor, nn

from minigpt_core.generation.cache import KeyValueCache, new_cache
from minigpt_core.generation.quick_reader import QuickReader, reads_quickly
from minigpt_core.model import GPT, TinyGPT
from minigpt_core.sampling import model_logits


class IncrementalDecoder:
    """Shows a model the last `block_size` characters of growing texts, and remembers what it made of them.

    Until the window is full, attention's keys and values stay valid from one character to the next, so only the new
    character goes through the model (`KeyValueCache`). When the window is full and slides, every character moves one
    place forward and the oldest is forgotten: learned positions change what every character is, and whatever the
    positions, the upper layers' keys and values still hold traces of the character that has left. To predict
    exactly what the model says of this window it is therefore read again from place 0, character after character.

    A small model is read in numpy (`QuickReader`). All ways add up the same numbers, in another order: probabilities
    agree to six digits, so of a million draws about one falls beyond another character's border.

    Args:
        model: any model of `model.py`, or anything else that turns (B, T) ids into (B, T, V) scores.
        idx: (B, T) ids of the texts' beginnings, at least one character.
        block_size: how long the window may become.
        use_cache: False reads the whole window for each character.
        keep: what a full window is cut down to, 1 to `block_size` - 1, such as half of it: the model goes on from these
            last characters, read once from place 0, so that a long text costs no more a character than a short one.
            The model then sees between `keep` and `block_size` characters instead of always `block_size`.
    """

    def __init__(
        self,
        model: nn.Module,
        idx: Tensor,
        block_size: int,
        *,
        use_cache: bool = True,
        keep: int | None = None,
    ) -> None:
        assert idx.ndim == 2 and idx.size(1) > 0
        assert keep is None or 1 <= keep < block_size
        self.model = model
        self.block_size = block_size
        self.keep = keep
        self.window = idx[:, -block_size:]  # (B, T)
        self._caching = use_cache and isinstance(model, GPT) and model.config.n_layer > 0
        self._cache: list[KeyValueCache] = []
        quick = self._caching and reads_quickly(model, len(idx))
        self._quick = QuickReader(cast(GPT, model)) if quick else None

    def next_logits(self) -> Tensor:
        """(B, V): what the model says of the character after each text."""
        if not self._caching:
            seen = self.window[:, -1:] if isinstance(self.model, TinyGPT) else self.window
            return model_logits(self.model, seen)[:, -1]
        if self._quick is not None:
            return torch.from_numpy(self._quick.read(self.window[:, self._quick.length :].numpy()))
        if not self._cache:
            self._cache = new_cache(cast(GPT, self.model))
        unread = self.window[:, self._cache[0].length :]  # (B, 1), or all that is new
        return model_logits(self.model, unread, self._cache)[:, -1]

    def append(self, tokens: Tensor) -> None:
        """Put one more character, (B,) ids, at the end of the texts."""
        self.window = torch.cat([self.window, tokens[:, None]], dim=1)
        if self.window.size(1) > self.block_size:
            self.window = self.window[:, -(self.keep or self.block_size) :]
            self._cache = []  # all places have changed
            if self._quick is not None:
                self._quick.forget()
