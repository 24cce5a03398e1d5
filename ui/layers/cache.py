"""What this page calculates and keeps, by run, checkpoint and text: a few numbers for each character and layer."""

from minigpt_core.interpret.ablation import held_out_windows
from minigpt_core.interpret.activations import ResidualNorms, residual_norms
from minigpt_core.interpret.lens import LensGuesses, LensScores, lens_guesses, measure_lens
from ui import resources
from ui.byte_cache import byte_cached

MEASURED_WINDOWS = 64  # few enough to be calculated while somebody waits


@byte_cached
def text_guesses(run_id: str, step: int, ids: tuple[int, ...], within_layers: bool) -> LensGuesses:
    """The best guesses at each point for a text. Raises `StoreError`, or `UserError` if scores are not numbers."""
    return resources.look(run_id, step, lens_guesses, ids, within_layers=within_layers)


@byte_cached
def text_norms(run_id: str, step: int, ids: tuple[int, ...]) -> ResidualNorms:
    """How much each part adds to a text's residual stream."""
    return resources.look(run_id, step, residual_norms, ids)


@byte_cached
def lens_scores(run_id: str, step: int) -> LensScores:
    """What each layer's guesses cost on windows of the text that the run's model never saw (else of its own)."""
    known, block_size = resources.run_dataset(run_id), resources.run(run_id).model.block_size
    text = held_out_windows(known, block_size, MEASURED_WINDOWS)
    return resources.look(run_id, step, measure_lens, text.x, text.y, chunk=text.at_once)
