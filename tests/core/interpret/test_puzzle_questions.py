"""Questions that somebody types: their answers, and which are built like those of the text."""

import pytest

from minigpt_core.interpret.puzzle_questions import (
    OTHER_WORDS,
    is_like_its_text,
    typed_puzzle,
    usable_characters,
)
from minigpt_core.interpret.puzzles import SPLITS, Puzzle, example_words
from minigpt_core.texts import corpus


@pytest.mark.parametrize(
    ("typed", "answer"),
    [("([{", "}])"), ("()[", "]"), ("()", None), ("(]", None), (")(", None), ("", None), ("([)]", None)],
)
def test_what_closes_brackets(typed: str, answer: str | None) -> None:
    puzzle = typed_puzzle("balanced-brackets", typed)
    assert (puzzle.answer if puzzle else None) == answer


def test_a_word_is_answered_by_itself_backwards_and_a_letter_by_nothing() -> None:
    assert typed_puzzle("reversed-words", "mapa") == Puzzle("mapa>", "apam\n")
    assert typed_puzzle("reversed-words", "m") is None


@pytest.mark.parametrize("task", ["reversed-words", "balanced-brackets"])
def test_a_typed_question_of_the_text_has_the_answer_of_the_text(task: str) -> None:
    text = corpus.load(task).text
    for line in text.split("\n")[:50]:
        puzzle = SPLITS[task](line)
        question = puzzle.question.removesuffix(">")
        found = typed_puzzle(task, question)
        assert found is not None and found.question == puzzle.question and is_like_its_text(task, found)
        assert found.answer.rstrip("\n") == puzzle.answer.rstrip("\n")
        assert set(question) <= usable_characters(task, "".join(sorted(set(text))))


def test_the_words_to_try_are_what_they_are_said_to_be() -> None:
    text = corpus.normalize(corpus.load("reversed-words").text)
    for words, alike in ((example_words(text), True), (OTHER_WORDS, False)):
        for word in words:
            puzzle = typed_puzzle("reversed-words", word)
            assert puzzle and is_like_its_text("reversed-words", puzzle) == alike
            assert set(word) <= usable_characters("reversed-words", "".join(sorted(set(text))))
