"""What this page calculates and keeps: a row of a batch on its way through a model, 64 numbers of a place at most."""

from minigpt_core.configs import ModelConfig
from minigpt_core.data import draw_batch
from minigpt_core.interpret.trace import Stage, trace
from minigpt_core.weights import fresh_model
from ui import resources
from ui.byte_cache import byte_cached


@byte_cached
def trace_of(
    text_id: str,
    lower: bool,
    config: ModelConfig,
    batch_size: int,
    batch_seed: int,
    weights: tuple[str, int] | None,
    model_seed: int,
) -> list[Stage]:
    """The first row of a batch of a text on its way through a model: that of a run's checkpoint, or a fresh one.

    Args:
        weights: (run id, step), or None for the model with which a training with `model_seed` begins.

    Raises:
        TextError: the text is too short. StoreError: the checkpoint cannot be read.
    """
    known = resources.dataset(text_id, lower)
    batch = draw_batch(known, "train", config.block_size, batch_size, batch_seed)
    if weights:
        return resources.look(*weights, trace, batch.x)
    return trace(fresh_model(config, model_seed), batch.x)
