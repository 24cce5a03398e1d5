"""What somebody has typed and not yet handed over outlasts its session, in the tab alone: its script stands in
`typed_text.js`."""

import time
from pathlib import Path

from ui import state, workspace
from ui.components.mounting import component

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
    data = {"whose": NOBODY if for_nobody else whose, "done": done}
    component("typed_text", HERE, "")(data=data, key="typed_text")


def done(*keys: str) -> None:
    """What stood in the fields with these keys has become something: the next time they are empty."""
    state.set_page_state(DONE, {"time": time.time_ns() // 1000, "keys": list(keys)})
