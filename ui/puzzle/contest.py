"""Three models at the same puzzles: counted pairs, TinyGPT, and a GPT."""

from dataclasses import dataclass

from torch import nn

from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.data import Dataset
from minigpt_core.interpret.puzzle_heads import SOURCES, reversed_sources
from minigpt_core.interpret.puzzles import SYLLABLES, Puzzle, unseen_puzzles
from minigpt_core.ngrams import NgramLM, NgramModel
from minigpt_core.presets import NOTEBOOK
from minigpt_core.store.runs import Run
from minigpt_core.training import Trainer
from ui.words.i18n import N_

TASKS = {"reversed-words": N_("Reverse a word"), "balanced-brackets": N_("Close the brackets")}
OTHER_WORDS = ("cat", "radio", "animal")  # with letters of the text, but not built like its words
KEPT_OUT = 0.1  # share of the text that no model learned from
MOST_PUZZLES = 300
QUICK = TrainConfig(
    steps=NOTEBOOK.training.steps, batch_size=32, sample_length=0, eval_windows=1, eval_interval=10_000,
    val_fraction=KEPT_OUT, device="cpu",
)  # fmt: skip


@dataclass(frozen=True)
class Solved:
    """How a model did."""

    right: int
    all: int

    @property
    def share(self) -> float:
        """Of the puzzles, solved without a mistake."""
        return self.right / self.all if self.all else 0.0


def puzzles_of(corpus_id: str, known: Dataset) -> list[Puzzle]:
    """Puzzles that stand in the validation part only."""
    train, val = (known.tokenizer.decode(part) for part in (known.train, known.val))
    return unseen_puzzles(corpus_id, train, val)[:MOST_PUZZLES]


def counted_pairs(known: Dataset) -> nn.Module:
    """The counted pairs of the training part."""
    return NgramLM(NgramModel(2, known.tokenizer.vocab_size).fit(known.train))


def quick_tinygpt(known: Dataset) -> nn.Module:
    """A TinyGPT, trained on the spot: it takes a second or two."""
    config = ModelConfig(vocab_size=known.tokenizer.vocab_size, **NOTEBOOK.model)
    trainer = Trainer(known, config, QUICK)
    for _event in trainer.run():
        pass
    return trainer.model.eval()


def can_take_part(run: Run, text_id: str, characters: str) -> bool:
    """Whether a run is a GPT that learned from this text, without what was kept out."""
    return bool(
        run.model.n_layer
        and run.text_id == text_id
        and run.characters == characters
        and run.training.val_fraction >= KEPT_OUT
    )


def puzzle_from(corpus_id: str, typed: str) -> Puzzle | None:
    """The puzzle of a question that consists of what `can_be_asked`; None if it has no answer."""
    if is_word_puzzle(corpus_id):
        return Puzzle(typed + ">", typed[::-1] + "\n") if len(typed) > 1 else None
    return brackets_from(typed)


def is_word_puzzle(corpus_id: str) -> bool:
    """Whether words are reversed in it."""
    return SOURCES[corpus_id] is reversed_sources


def can_be_asked(corpus_id: str, characters: str) -> set[str]:
    """Which characters of the text's vocabulary may stand in a question: letters, or brackets."""
    return {c for c in characters if (c.isalpha() if is_word_puzzle(corpus_id) else c in "()[]{}")}


def is_like_its_words(corpus_id: str, puzzle: Puzzle) -> bool:
    """Whether a question is built like those that the models learned from. Of brackets, all are."""
    return not is_word_puzzle(corpus_id) or SYLLABLES.fullmatch(puzzle.question.removesuffix(">")) is not None


def brackets_from(line: str) -> Puzzle | None:
    """What closes the brackets that are still open; None if there are none, or one is closed wrongly."""
    closing: list[str] = []
    for character in line:
        if character in "([{":
            closing.append(")]}"["([{".index(character)])
        elif not closing or closing.pop() != character:
            return None
    return Puzzle(line, "".join(reversed(closing))) if closing else None
