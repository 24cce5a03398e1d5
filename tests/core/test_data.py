import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from minigpt_core.data import (
    EncodedText,
    check_length,
    draw_batch,
    draw_starts,
    evaluation_starts,
    get_batch,
    prepare,
    shortest_text,
    split,
    windows,
)
from minigpt_core.errors import ConfigError, TextError
from minigpt_core.tokenizer import CharTokenizer, UnknownCharacters


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@given(st.text(min_size=1), st.floats(0, 0.9))
def test_the_two_parts_are_the_text_in_order(text: str, val_fraction: float) -> None:
    dataset = prepare(text, val_fraction)
    assert dataset.tokenizer.decode(dataset.train) + dataset.tokenizer.decode(dataset.val) == text
    assert abs(len(dataset.val) - val_fraction * len(text)) <= 1


def test_split_takes_the_last_part_for_validation() -> None:
    train, val = split(torch.arange(100), 0.1)
    assert train.tolist() == list(range(90))
    assert val.tolist() == list(range(90, 100))
    train, val = split(torch.arange(100), 0)
    assert (len(train), len(val)) == (100, 0)


@pytest.mark.parametrize("val_fraction", [-0.1, 1.0, float("nan")])
def test_split_refuses_fractions_that_leave_nothing_to_learn_from(val_fraction: float) -> None:
    with pytest.raises(ConfigError, match="val_fraction"):
        prepare("un chat", val_fraction)


def test_prepare_with_a_given_vocabulary() -> None:
    tokenizer = CharTokenizer.from_text("abcdef")
    assert prepare("fade", tokenizer=tokenizer).tokenizer is tokenizer
    with pytest.raises(UnknownCharacters):
        prepare("fades", tokenizer=tokenizer)


def test_prepare_refuses_an_empty_text() -> None:
    with pytest.raises(TextError):
        prepare("")


@given(st.integers(1, 20), st.integers(1, 8), st.integers(0, 30), st.integers(0, 2**32))
def test_every_window_is_a_stretch_of_the_data_and_y_is_shifted_by_one(
    block_size: int, batch_size: int, more: int, seed: int
) -> None:
    data = torch.arange(1000, 1000 + block_size + 1 + more)  # the value tells the place
    x, y = get_batch(data, block_size, batch_size, seeded(seed))
    assert x.shape == y.shape == (batch_size, block_size)
    assert x.dtype == y.dtype == torch.int64
    assert torch.equal(y, x + 1)
    assert torch.equal(x[:, 1:], y[:, :-1])
    assert x.min() >= data[0] and y.max() <= data[-1]


def test_every_window_is_drawn_the_first_and_the_last_included() -> None:
    starts = draw_starts(torch.arange(10), block_size=6, batch_size=4000, generator=seeded())
    counts = starts.bincount(minlength=4)
    assert len(counts) == 4  # starts 0 to 3: the last target is data[3 + 6]
    assert counts.min() > 800


def test_one_possible_window() -> None:
    data = torch.tensor([5, 6, 7, 8])
    x, y = get_batch(data, block_size=3, batch_size=2, generator=seeded())
    assert x.tolist() == [[5, 6, 7]] * 2
    assert y.tolist() == [[6, 7, 8]] * 2


def test_get_batch_is_its_two_halves_and_depends_on_the_generator_alone() -> None:
    data = torch.arange(50)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    batch = get_batch(data, 8, 4, seeded(7))
    assert torch.equal(torch.get_rng_state(), before)
    again = windows(data, draw_starts(data, 8, 4, seeded(7)), 8)
    assert all(torch.equal(a, b) for a, b in zip(batch, again, strict=True))
    assert not torch.equal(batch[0], get_batch(data, 8, 4, seeded(8))[0])


def test_no_window_crosses_the_split() -> None:
    dataset = prepare("a" * 90 + "b" * 10)
    for data, character in ((dataset.train, 0), (dataset.val, 1)):
        x, y = get_batch(data, 4, 100, seeded())
        assert (x == character).all() and (y == character).all()


@pytest.mark.parametrize("length", [0, 1, 32])
def test_too_short_a_text_is_refused_with_both_numbers(length: int) -> None:
    data = torch.zeros(length, dtype=torch.int64)
    for attempt in (lambda: check_length(data, 32), lambda: get_batch(data, 32, 4, seeded())):
        with pytest.raises(TextError) as error:
            attempt()
        assert error.value.values == {"length": length, "block_size": 32, "needed": 33}
        assert f"has {length} characters" in str(error.value) and "at least 33" in str(error.value)
    check_length(torch.zeros(33), 32)


@given(st.integers(0, 200), st.integers(1, 20))
def test_the_windows_of_an_evaluation_predict_no_character_twice(length: int, block_size: int) -> None:
    data = torch.arange(length)
    starts = evaluation_starts(data, block_size, limit=0, seed=1)
    _, y = windows(data, starts, block_size)
    targets = y.flatten().tolist()
    assert targets == list(range(1, len(targets) + 1))
    assert max(length - 1, 0) - len(targets) < block_size  # what is left has no room for one more window


def test_a_limited_evaluation_is_a_fixed_sample_of_the_whole_one() -> None:
    data = torch.arange(1000)
    every = evaluation_starts(data, 8, limit=0, seed=3)
    some = evaluation_starts(data, 8, limit=20, seed=3)
    assert len(some) == 20 == len(some.unique())
    assert torch.equal(some, some.sort().values)
    assert set(some.tolist()) < set(every.tolist())
    assert torch.equal(some, evaluation_starts(data, 8, limit=20, seed=3))
    assert not torch.equal(some, evaluation_starts(data, 8, limit=20, seed=4))
    assert torch.equal(evaluation_starts(data, 8, limit=len(every), seed=3), every)
    assert len(evaluation_starts(data[:8], 8, limit=20, seed=3)) == 0


@pytest.mark.parametrize("part", ["train", "val"])
def test_a_drawn_batch_is_that_of_get_batch_and_stands_where_it_says(part: str) -> None:
    text = "".join(map(chr, range(40, 240))) * 3
    dataset = prepare(text, 0.3)
    batch = draw_batch(dataset, part, 16, 8, 7)
    x, y = get_batch(dataset.train if part == "train" else dataset.val, 16, 8, seeded(7))
    assert torch.equal(batch.x, x) and torch.equal(batch.y, y)
    assert (batch.batch_size, batch.block_size) == (8, 16)
    for start, x, y in zip(batch.starts, batch.x, batch.y, strict=True):
        assert dataset.tokenizer.decode(x) == text[start : start + 16]
        assert dataset.tokenizer.decode(y) == text[start + 1 : start + 17]
        assert (start >= len(dataset.train)) == (part == "val")


@given(st.text(min_size=1), st.floats(0, 0.9))
def test_an_encoded_text_is_counted_and_split_as_the_text_itself(text: str, val_fraction: float) -> None:
    tokenizer = CharTokenizer.from_text(text)
    encoded = EncodedText(tokenizer, tokenizer.encode(text))
    assert encoded.counts() == {c: text.count(c) for c in sorted(set(text))}
    prepared, dataset = prepare(text, val_fraction), encoded.split(val_fraction)
    assert torch.equal(dataset.train, prepared.train) and torch.equal(dataset.val, prepared.val)


@pytest.mark.parametrize("val_fraction", [0.0, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("block_size", [1, 32, 256])
def test_the_shortest_text_has_just_room_for_a_window(block_size: int, val_fraction: float) -> None:
    length = shortest_text(block_size, val_fraction)
    check_length(split(torch.zeros(length), val_fraction)[0], block_size)
    with pytest.raises(TextError):
        check_length(split(torch.zeros(length - 1), val_fraction)[0], block_size)
