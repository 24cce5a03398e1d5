"""What the puzzle page measures and keeps: the puzzles, who solves how many, and where the heads look."""

from minigpt_core.generation.language_model import LanguageModel
from minigpt_core.generation.request import GenerationRequest
from minigpt_core.interpret import puzzle_contest
from minigpt_core.interpret.ablation import Component
from minigpt_core.interpret.puzzle_contest import KEPT_OUT, MOST_PUZZLES, PuzzleScore
from minigpt_core.interpret.puzzle_heads import Head, head_scores, ranked_heads
from minigpt_core.interpret.puzzles import Puzzle
from ui import resources
from ui.byte_cache import byte_cached

COUNTED, TINYGPT = "counted", "tinygpt"  # who tries the puzzles besides a run
HEAD_PUZZLES = 100  # on which the heads' attention is measured


@byte_cached
def puzzles(task: str) -> list[Puzzle]:
    """Puzzles of a generated text that no model learned from."""
    return puzzle_contest.held_out_puzzles(task, resources.dataset(task, True, KEPT_OUT))


@byte_cached
def small_model(task: str, who: str) -> LanguageModel:
    """Counted pairs, or a TinyGPT trained on the spot."""
    make = puzzle_contest.counted_pairs if who == COUNTED else puzzle_contest.quick_tinygpt
    return resources.calculate(task, make, resources.dataset(task, True, KEPT_OUT))


@byte_cached
def puzzle_score(
    task: str, who: str, step: int = 0, without: Component | None = None, most: int = MOST_PUZZLES
) -> PuzzleScore:
    """How many of the first `most` puzzles are solved.

    Args:
        who: `COUNTED`, `TINYGPT`, or the id of a run.
        step: of the run.
        without: a part of the run's model that is switched off.
    """
    lm = run_model(who, step) if step else small_model(task, who)
    return resources.calculate((who, step), puzzle_contest.score, lm, puzzles(task)[:most], without)


@byte_cached
def head_attention(task: str, run_id: str, step: int) -> dict[Head, float]:
    """How much each head looks at the character that has to be written next, 0 to 1: falling."""
    lm = run_model(run_id, step)
    return ranked_heads(
        resources.look(run_id, step, head_scores, lm.tokenizer, task, puzzles(task)[:HEAD_PUZZLES])
    )


def run_model(run_id: str, step: int) -> LanguageModel:
    """The model of a run's checkpoint. Raises `StoreError`."""
    return resources.language_model(GenerationRequest(run=run_id, step=step))
