"""Pages are drawn one after the other. Threads of one Python process share one core: two pages that are drawn at the
same moment take twice as long each, and whoever came first gets nothing for it."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

ALONE = 0.4  # seconds; a page alone takes 0.03 to 0.1


class ScriptTurns:
    """Whoever comes first begins first, and the next one begins when that one has ended, waits for something else
    (`give_way`), or takes long.

    Args:
        alone: seconds after which a script no longer keeps others from beginning.
    """

    def __init__(self, alone: float = ALONE) -> None:
        self._alone = alone
        self._changed = threading.Condition()
        self._waiting: deque[int] = deque()
        self._begun: dict[int, float] = {}
        """Since when which thread has had its turn."""

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Inside this block, a script runs in its turn."""
        self._wait(threading.get_ident())
        try:
            yield
        finally:
            self.give_way()

    def give_way(self) -> None:
        """The script of this thread is about to wait for another process, or has ended: let the next one begin."""
        with self._changed:
            if self._begun.pop(threading.get_ident(), None) is not None:
                self._changed.notify_all()

    def _wait(self, me: int) -> None:
        with self._changed:
            self._waiting.append(me)
            while self._waiting[0] != me or (seconds := self._until_free()) > 0:
                self._changed.wait(None if self._waiting[0] != me else seconds)
            self._waiting.popleft()
            self._begun[me] = time.monotonic()
            self._changed.notify_all()  # the next one waits for this one now

    def _until_free(self) -> float:
        """Seconds until nobody keeps another one from beginning, unless they end before."""
        began = max(self._begun.values(), default=0.0)
        return began + self._alone - time.monotonic()


turns = ScriptTurns()
"""Those of this server."""
