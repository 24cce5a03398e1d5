"""The texts that a person brought: which of them the list offers again."""

from contextlib import suppress

from minigpt_core.errors import StoreError
from minigpt_core.texts import corpus
from ui import resources, state
from ui.vocabulary import fetching


def own() -> dict[str, str]:
    """The ids and titles of the texts that were pasted or uploaded in this workspace; none while the store cannot be
    read."""
    with suppress(StoreError):
        return resources.store().own_texts(state.workspace())
    return {}


def is_own(text_id: str) -> bool:
    """Whether a person brought it."""
    return text_id not in corpus.BUNDLED and fetching.about(text_id) is None


def keep(text_id: str) -> None:
    """Remember one's own text in the list of this workspace. Raises `StoreError`."""
    if is_own(text_id) and state.may_read(text_id):
        resources.store().keep_text(text_id, state.workspace())
