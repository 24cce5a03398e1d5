"""What this page calculates and keeps, by run, checkpoints and typed text."""

from minigpt_core.interpret.checkpoint_history import NextCharacters, models_at, next_characters
from ui import resources
from ui.byte_cache import byte_cached


@byte_cached
def next_characters_at(run_id: str, steps: tuple[int, ...], ids: tuple[int, ...]) -> NextCharacters:
    """How likely each next character is after the `ids`, at each of these checkpoints. Raises `StoreError`."""
    return next_characters(models_at(resources.store(), resources.run(run_id), steps), ids)
