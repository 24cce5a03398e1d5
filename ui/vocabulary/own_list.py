"""The texts that a person brought: which of them the list offers again."""

from contextlib import suppress

from minigpt_core.errors import StoreError
from minigpt_core.texts import corpus
from ui import resources, state
from ui.runs.wording import text_title
from ui.vocabulary import fetching

LISTED = "vocabulary.listed"  # the ids of own texts that this tab has listed


def own() -> dict[str, str]:
    """The ids and titles of the texts that were pasted or uploaded in this workspace; none while the store cannot be
    read."""
    with suppress(StoreError):
        return resources.store().own_texts(state.workspace())
    return {}


def is_own(text_id: str) -> bool:
    """Whether a person brought it."""
    return text_id not in corpus.BUNDLED and fetching.about(text_id) is None


def titles_of_others(text_id: str) -> set[str]:
    """What the texts to choose from are called, but for this one: its own title should be none of these."""
    bundled = {text_title(corpus.load(known).title) for known in corpus.BUNDLED}
    others = (fetching.titles() | own()).items()
    return bundled | {title for known, title in others if known != text_id}


def listed() -> dict[str, str]:
    """The same, for a list that is shown."""
    mine = own()
    state.set_page_state(LISTED, {*state.page_state(LISTED, ()), *mine})
    return mine


def keep_newcomer(text_id: str) -> None:
    """Remember one's own text that came by the address. One that stood in the list has been taken out of it since, in
    another tab: it stays out. Raises `StoreError`."""
    if text_id not in state.page_state(LISTED, ()):
        keep(text_id)


def keep(text_id: str) -> None:
    """Remember one's own text in the list of this workspace. Raises `StoreError`."""
    if is_own(text_id) and state.may_read(text_id):
        resources.store().keep_text(text_id, state.workspace())
