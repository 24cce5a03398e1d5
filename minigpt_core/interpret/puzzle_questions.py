"""Questions that somebody types: which characters may stand in them, and the one right answer if there is one."""

from minigpt_core.interpret.puzzle_heads import PAIRS
from minigpt_core.interpret.puzzles import SYLLABLES, Puzzle

CLOSING = {opening: closing for closing, opening in PAIRS.items()}
OTHER_WORDS = ("cat", "radio", "animal")  # with letters of the text, but not built like its words


def asks_for_words(corpus_id: str) -> bool:
    """Whether words are reversed in a text; else brackets are closed."""
    return corpus_id == "reversed-words"


def usable_characters(corpus_id: str, characters: str) -> set[str]:
    """Which characters of the text's vocabulary may stand in a question: letters, or brackets."""
    return {c for c in characters if (c.isalpha() if asks_for_words(corpus_id) else c in "()[]{}")}


def typed_puzzle(corpus_id: str, question: str) -> Puzzle | None:
    """The puzzle of a question that consists of `usable_characters`; None if it has no answer."""
    if asks_for_words(corpus_id):
        return Puzzle(question + ">", question[::-1] + "\n") if len(question) > 1 else None
    return bracket_puzzle(question)


def bracket_puzzle(line: str) -> Puzzle | None:
    """What closes the brackets that are still open; None if there are none, or one is closed wrongly."""
    still_open: list[str] = []
    for character in line:
        if character in CLOSING:
            still_open.append(character)
        elif not still_open or PAIRS[character] != still_open.pop():
            return None
    return Puzzle(line, "".join(CLOSING[c] for c in reversed(still_open))) if still_open else None


def is_like_its_text(corpus_id: str, puzzle: Puzzle) -> bool:
    """Whether a question is built like those that the models learned from. Of brackets, all are."""
    return not asks_for_words(corpus_id) or SYLLABLES.fullmatch(puzzle.question.removesuffix(">")) is not None
