"""Who may read a text by its id: who has it, who watches a run of it, and everybody what the teacher has given.

A text's id is no secret: it stands in addresses, and it can be calculated from what somebody believes the text to be.
"""

from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress

from minigpt_core.data_home import data_home
from minigpt_core.errors import StoreError
from minigpt_core.store.classes import ClassStore
from minigpt_core.store.runs import LOCAL, PREPARED, no_text
from minigpt_core.texts import corpus
from minigpt_core.texts.downloads import SOURCES
from ui import orders, resources, teacher, workspace

GIVEN = "given_texts"
MOST_GIVEN, MOST_KNOWN = 200, 10_000
PUBLIC = {source.sha256 for source in SOURCES}

_known: OrderedDict[tuple[str, str], None] = OrderedDict()  # who may read which text; asked again and again


def may_read(text_id: str, who: str, cookies: Mapping[str, str]) -> bool:
    """Whether a browser may have this text, bundled or from the store.

    Args:
        who: its workspace.
    """
    if text_id in corpus.BUNDLED or text_id in PUBLIC or not workspace.serving() or (who, text_id) in _known:
        return True
    if teacher.is_teacher(cookies) or _has(text_id, who) or _is_given(text_id):
        grant(text_id, who)
        return True
    return False


def grant(text_id: str, who: str) -> None:
    """A page has found that somebody may read this: because it watches a run of it, say."""
    _known[who, text_id] = None
    _known.move_to_end((who, text_id))
    if len(_known) > MOST_KNOWN:
        _known.popitem(last=False)


def give(text_id: str) -> None:
    """The teacher hands out a link with this text: whoever opens it may read it. Raises `StoreError`."""
    if text_id not in corpus.BUNDLED and not _is_given(text_id):
        store = ClassStore(data_home())
        store.keep(GIVEN, [*(store.state(GIVEN) or []), text_id][-MOST_GIVEN:])


def refusal() -> StoreError:
    """What somebody is told who may not: the same as of a text that nobody has."""
    return no_text()


def forget() -> None:
    """Look everything up again: somebody has lost what they had."""
    _known.clear()


def _has(text_id: str, who: str) -> bool:
    """Whether it is theirs, or of those who served the class: theirs are what lessons and links name."""
    with suppress(StoreError):
        return not {who, LOCAL, PREPARED}.isdisjoint(resources.store().text_owners(text_id))
    return False


def _is_given(text_id: str) -> bool:
    with suppress(StoreError):
        given = ClassStore(data_home()).state(GIVEN) or []
        return text_id in given or text_id == orders.now().gift.get("text")
    return False
