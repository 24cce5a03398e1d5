"""What somebody has typed and not yet handed over outlasts its session, in the tab alone, and never is more than the
server takes at once: its script stands in `typed_text.js`."""

import time
from pathlib import Path

from minigpt_core.texts import corpus
from ui import state, workspace
from ui.components.mounting import component
from ui.words.i18n import _

HERE = Path(__file__).parent
DONE = "typed_text.done"
NOBODY = "nobody"


def keep(*, for_nobody: bool = False) -> None:
    """Have the tab remember what is typed in any field, for whoever sits there.

    Args:
        for_nobody: forget it instead.
    """
    whose = "the tab" if state.without_cookie() else workspace.mark(state.workspace())
    done = state.page_state(DONE, {"time": 0, "keys": []})
    data = {
        "whose": NOBODY if for_nobody else whose,
        "done": done,
        "limit": corpus.MAX_BYTES,
        "tooLong": _(
            "The text takes {size} MB, and it must be less than {limit} MB. Use a part of it."
        ).replace("{limit}", str(corpus.MAX_BYTES // 1_000_000)),
    }
    component("typed_text", HERE, "")(data=data, key="typed_text")


def done(*keys: str) -> None:
    """What stood in the fields with these keys has become something: the next time they are empty."""
    state.set_page_state(DONE, {"time": time.time_ns() // 1000, "keys": list(keys)})
