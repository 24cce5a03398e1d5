"""Who solves the puzzles: counted pairs, a TinyGPT and a GPT, on questions that none of them learned from."""

from collections.abc import Sequence
from dataclasses import dataclass

from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.data import Dataset
from minigpt_core.generation.language_model import LanguageModel, ngram_language_model, trained_language_model
from minigpt_core.interpret.ablation import AblatedModel, Component
from minigpt_core.interpret.puzzles import Puzzle, exact_match, unseen_puzzles
from minigpt_core.presets import NOTEBOOK
from minigpt_core.store.runs import Run
from minigpt_core.training import Trainer

KEPT_OUT = 0.1  # share of the text that no model learned from
MOST_PUZZLES = 300
QUICK = TrainConfig(
    steps=NOTEBOOK.training.steps, batch_size=32, sample_length=0, eval_windows=1, eval_interval=10_000,
    val_fraction=KEPT_OUT, device="cpu",
)  # fmt: skip


@dataclass(frozen=True)
class PuzzleScore:
    """How a model did."""

    right: int
    all: int

    @property
    def share(self) -> float:
        """Of the puzzles, solved without a mistake ("exact match")."""
        return self.right / self.all if self.all else 0.0


def held_out_puzzles(corpus_id: str, dataset: Dataset) -> list[Puzzle]:
    """Puzzles that stand in the validation part only, at most `MOST_PUZZLES`."""
    train, val = (dataset.tokenizer.decode(part) for part in (dataset.train, dataset.val))
    return unseen_puzzles(corpus_id, train, val)[:MOST_PUZZLES]


def counted_pairs(dataset: Dataset) -> LanguageModel:
    """The counted pairs of the training part."""
    return ngram_language_model(dataset, 2, lower=True)


def quick_tinygpt(dataset: Dataset, training: TrainConfig = QUICK) -> LanguageModel:
    """A TinyGPT, trained on the spot: it takes a second or two."""
    config = ModelConfig(vocab_size=dataset.tokenizer.vocab_size, **NOTEBOOK.model)
    trainer = Trainer(dataset, config, training)
    for _event in trainer.run():
        pass
    return trained_language_model(trainer.model.eval(), config, dataset.tokenizer.characters, lower=True)


def score(lm: LanguageModel, puzzles: Sequence[Puzzle], without: Component | None = None) -> PuzzleScore:
    """How many of the puzzles a model solves, with a part of it switched off if one is named."""
    network = AblatedModel(lm.network, [without]) if without else lm.network
    share = exact_match(network, lm.tokenizer, puzzles, lm.context_used)
    return PuzzleScore(round(share * len(puzzles)), len(puzzles))


def can_take_part(run: Run, text_id: str, characters: str) -> bool:
    """Whether a run is a GPT that learned from this text, without what was kept out."""
    return bool(
        run.model.n_layer
        and run.text_id == text_id
        and run.characters == characters
        and run.training.val_fraction >= KEPT_OUT
    )
