"""The warning about a validation part that says little about text that was never seen."""

import random

import pytest
import torch

from minigpt_core.data import prepare
from minigpt_core.interpret.memorization import TrainingText
from minigpt_core.interpret.validation import COPIED, LOOKED_AT, SHORT, copied_share, validation_warning
from minigpt_core.texts import corpus


def letters(length: int, seed: int = 1) -> str:
    return "".join(random.Random(seed).choices("abcdefgh ", k=length))


@pytest.mark.parametrize("name", corpus.BUNDLED)
def test_no_bundled_text_is_warned_of(name: str) -> None:
    assert validation_warning(prepare(corpus.normalize(corpus.load(name).text))) is None


def test_a_short_validation_part_is_told_with_its_size() -> None:
    warning = validation_warning(prepare(letters(10 * SHORT - 10)))
    assert warning is not None and "has 499 of the 500 characters" in str(warning)
    assert validation_warning(prepare(letters(10 * SHORT))) is None
    assert validation_warning(prepare(letters(100), 0)) is None


@pytest.mark.parametrize("times", [2, 400])
def test_a_text_that_repeats_itself_is_told_with_the_share_and_the_size(times: int) -> None:
    text = letters(40_000 // times) * times
    warning = validation_warning(prepare(text))
    assert (
        warning is not None
        and "100% of the validation part (4000 characters) stands word for word" in str(warning)
    )


def test_the_share_is_that_of_the_exact_search() -> None:
    text = corpus.normalize(corpus.load("le-chat-curieux").text)
    for seed in range(5):
        parts = random.Random(seed).sample([text[i : i + 60] for i in range(0, 20_000, 60)], 200)
        mixed = text[:12_000] + "".join(parts)
        dataset = prepare(mixed, 0.3)
        n = len(dataset.train)
        exact = TrainingText(mixed[:n]).memorized(mixed[n:], COPIED).share
        assert 0.3 < exact < 0.9 and copied_share(dataset.train, dataset.val) == pytest.approx(exact)


def test_a_long_validation_part_is_looked_at_in_pieces() -> None:
    known, new = letters(300_000), letters(300_000, seed=2)
    train, val = prepare(known).train, prepare(known[:100_000] + new[:200_000]).train
    assert len(val) > LOOKED_AT
    assert copied_share(train, val) == pytest.approx(100_000 / len(val), abs=0.05)
    assert copied_share(train, torch.empty(0, dtype=torch.int64)) == 0
