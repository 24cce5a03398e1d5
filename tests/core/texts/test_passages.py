"""Passages come from what was kept out of the training, and begin with a word."""

from hypothesis import given
from hypothesis import strategies as st

from minigpt_core.data import prepare
from minigpt_core.texts.passages import PASSAGE_LENGTH, held_out_passage, next_word

LEARNED, KEPT_OUT = "a learned word " * 60, "some text that nobody has seen " * 4
DATASET = prepare(LEARNED + KEPT_OUT, val_fraction=len(KEPT_OUT) / len(LEARNED + KEPT_OUT))


@given(st.integers(0, 50), st.integers(1, 100))
def test_a_passage_is_a_piece_of_the_held_out_part(number: int, length: int) -> None:
    passage = held_out_passage(DATASET, number, length)
    assert passage in KEPT_OUT and len(passage) == min(length, PASSAGE_LENGTH)


def test_it_begins_with_a_word_and_the_next_one_is_another() -> None:
    passages = {held_out_passage(DATASET, number) for number in range(10)}
    assert len(passages) > 2
    words = set(KEPT_OUT.split())
    assert all(passage.split(" ")[0] in words for passage in passages)


def test_without_a_held_out_part_the_learned_one_is_taken() -> None:
    assert held_out_passage(prepare(LEARNED, val_fraction=0), 3) in LEARNED


def test_a_text_without_spaces_is_cut_where_it_stands() -> None:
    assert next_word("x" * 100, 7) == 7
    assert next_word("xx yy", 0) == 3
    text = "".join(chr(0x4E00 + n % 431) for n in range(2_000))
    assert held_out_passage(prepare(text, val_fraction=0.5), 2) in text[1_000:]
