"""What this page calculates and keeps, by run, checkpoint and text: at most 8 MB a text."""

from minigpt_core.interpret.heads import HeadDescription, measured_heads
from minigpt_core.interpret.queries_keys import QueriesKeys, queries_keys
from minigpt_core.tokenizer import CharTokenizer
from ui import resources
from ui.byte_cache import byte_cached


@byte_cached
def text_queries_keys(run_id: str, step: int, text: str) -> QueriesKeys:
    """The queries and keys of a text that the run's model knows, at most `block_size` characters."""
    words = CharTokenizer.from_characters(resources.run(run_id).characters)
    return resources.look(run_id, step, queries_keys, words.encode(text))


@byte_cached
def head_descriptions(run_id: str, step: int) -> list[HeadDescription]:
    """Where each head of a checkpoint looks, measured on the run's own text."""
    return resources.look(run_id, step, measured_heads, resources.run_dataset(run_id))
