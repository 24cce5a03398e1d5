"""Passages of a text that a model did not learn from, to look at what it makes of them."""

from minigpt_core.data import Dataset

PASSAGE_LENGTH = 40  # characters: as many as stand side by side on a projector
SEARCHED = 20_000  # characters of the text that passages are taken from
NEAR = 30  # characters: how far a passage may be moved to begin with a word


def held_out_passage(dataset: Dataset, number: int, length: int = PASSAGE_LENGTH) -> str:
    """One of many passages of what was kept out of the training (else of what was learned from).

    It begins with a word, if there are any.

    Args:
        number: which passage, from 0 on; they come round again.
        length: of the passage in characters, at most `PASSAGE_LENGTH`.
    """
    text, length = held_out_text(dataset), min(length, PASSAGE_LENGTH)
    last = max(len(text) - length, 0)
    start = number * 3 * PASSAGE_LENGTH % (last + 1)
    if start or number == 0:
        start = min(next_word(text, start), last)
    return text[start : start + length]


def held_out_text(dataset: Dataset) -> str:
    """The beginning of the validation part; of the training part if the other one is too short for a passage."""
    part = dataset.val if len(dataset.val) >= PASSAGE_LENGTH else dataset.train
    return dataset.tokenizer.decode(part[:SEARCHED])


def next_word(text: str, start: int) -> int:
    """The next place after a space or a new line, if there is one near."""
    found = [place for place in (text.find(" ", start), text.find("\n", start)) if 0 <= place < start + NEAR]
    return min(found) + 1 if found else start
