"""Copied stretches are found exactly: against a search that tries every one."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from minigpt_core.interpret.memorization import (
    Span,
    TrainingText,
    code_points,
    knowledge,
    pieces_of,
    share_of_words,
    unknown_words,
    usual_share,
    window_hashes,
    words_of,
)


def by_trying_all(known: str, text: str, least: int) -> list[tuple[int, int]]:
    """Every stretch of at least `least` characters that stands in `known` and lies in no other such stretch."""
    found = [
        (start, end)
        for start in range(len(text))
        for end in range(start + least, len(text) + 1)
        if text[start:end] in known
    ]
    return [
        (start, end)
        for start, end in found
        if not any(a <= start and end <= b and (a, b) != (start, end) for a, b in found)
    ]


@given(known=st.text("abc", max_size=60), text=st.text("abc", max_size=25), least=st.integers(1, 6))
@example(known="aaaa", text="aaaaaaa", least=2)
@example(known="", text="abc", least=1)
def test_all_stretches_are_found_and_nothing_else(known: str, text: str, least: int) -> None:
    copied = TrainingText(known).memorized(text, least)
    assert [(s.start, s.end) for s in copied.spans] == by_trying_all(known, text, least)
    for s in copied.spans:
        assert known.find(text[s.start : s.end]) == s.source_start
    covered = {i for s in copied.spans for i in range(s.start, s.end)}
    assert copied.characters == len(covered)
    assert copied.share == (len(covered) / len(text) if text else 0)


def test_the_longest_come_first_and_of_equals_the_earlier() -> None:
    copied = TrainingText("le chat dort, le chien court").memorized("le chien dort, un chat court", 5)
    assert [s.length for s in copied.longest(9)] == [9, 7, 6, 6]
    assert copied.longest(1) == [Span(0, 9, 14)]
    assert copied.longest(9)[2].start < copied.longest(9)[3].start


def test_signs_outside_the_first_plane_count_as_one_character() -> None:
    assert TrainingText("a😀b\ud800c").memorized("x😀b\ud800", 3).spans == (Span(1, 4, 1),)


@pytest.mark.parametrize("least", range(1, 18))
def test_equal_windows_have_equal_numbers_and_others_do_not(least: int) -> None:
    text = "".join(chr(97 + i) for i in np.random.default_rng(least).integers(0, 3, 400))
    hashes = window_hashes(code_points(text), least)
    windows = [text[i : i + least] for i in range(len(text) - least + 1)]
    assert len(hashes) == len(windows)
    assert (
        len(set(hashes.tolist())) == len(set(windows)) == len(set(zip(windows, hashes.tolist(), strict=True)))
    )


def test_a_text_that_repeats_itself_takes_no_longer() -> None:
    copied = TrainingText("ab" * 200_000).memorized("ab" * 5_000, 12)
    assert copied.spans == (Span(0, 10_000, 0),)


@pytest.mark.parametrize(("length", "pieces"), [(10, 12), (400, 2), (900, 1), (5000, 1)])
def test_unseen_text_is_compared_in_pieces_as_long_as_the_sample(length: int, pieces: int) -> None:
    text = "".join(map(chr, range(1000, 2000)))
    found = pieces_of(text, length)
    assert len(found) == pieces and all(piece in text and len(piece) == min(length, 1000) for piece in found)
    assert pieces_of("", length) == []


def test_the_usual_share_allows_for_two_standard_deviations_at_least_a_tenth() -> None:
    assert usual_share([]) == (None, 0.0)
    assert usual_share([0.4, 0.9]) == pytest.approx((0.65, 0.1))
    assert usual_share([0.1, 0.5, 0.9]) == pytest.approx((0.5, 0.8))


@pytest.mark.parametrize(
    ("seen", "unseen", "how"),
    [
        (1.4, 1.5, "alike"), (0.13, 0.13, "alike"), (0.15, 0.19, "alike"), (2.3, 2.28, "alike"),
        (0.86, 1.58, "better"), (1.2, 2.0, "better"), (0.15, 4.1, "by_heart"),
    ],
)  # fmt: skip
def test_a_text_is_known_by_heart_where_the_losses_lie_far_apart(
    seen: float, unseen: float, how: str
) -> None:
    assert knowledge(seen, unseen) == how


def test_words_that_a_text_has_are_told_from_invented_ones() -> None:
    known = words_of("the cat sat on the mat. l'été, le chat dort.")
    assert share_of_words("cut the cat sat mot été cu", known) == 12 / 15
    assert share_of_words("cut the cu", known) == 1.0
    for nothing in ("", "cut cu", "… !"):
        assert share_of_words(nothing, known) is None
    assert unknown_words("the blorp sat", known) == {"blorp"} and unknown_words("the cat", known) == set()
    assert unknown_words("the blorp", frozenset()) == set()


def test_where_words_are_not_told_apart_nothing_is_said_of_them() -> None:
    poems = "床前明月光疑是地上霜舉頭望明月低頭思故鄉\n" * 3
    assert words_of(poems) == frozenset() and share_of_words("床前 明月 光疑", words_of(poems)) is None
