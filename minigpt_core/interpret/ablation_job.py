"""The table of what every part is worth, calculated in a thread in small portions, readable at any time."""

import time
from collections.abc import Iterator
from threading import Lock, Thread

from torch import nn

from minigpt_core.interpret.ablation import Progress, Windows, ablation_table

IDLE_SECONDS = 120.0  # seconds that it goes on while nobody asks how far it is
PAUSE_SECONDS = 0.002  # seconds between portions, in which the pages of this server get their turn


class AblationJob:
    """One table, for everybody who looks at the same weights. Nothing is calculated before somebody starts it.

    It runs in a thread: each portion is a few tens of milliseconds inside torch, which lets Python go on meanwhile.

    Args:
        portions: the table as it grows, where somebody else calculates it.
    """

    def __init__(
        self,
        model: nn.Module,
        text: Windows,
        mean: bool,
        idle_seconds: float = IDLE_SECONDS,
        portions: Iterator[Progress] | None = None,
    ) -> None:
        self.text = text
        self._idle_seconds = idle_seconds
        self._last_read = time.monotonic()
        self._steps = portions or ablation_table(model, text, mean=mean)
        self._progress: Progress | None = None
        self._error: BaseException | None = None
        self._thread: Thread | None = None
        self._wanted = False
        self._lock = Lock()

    @property
    def progress(self) -> Progress | None:
        """How far it is; None before it was ever started. Raises what went wrong."""
        self._last_read = time.monotonic()
        if self._error is not None:
            raise self._error
        return self._progress

    @property
    def running(self) -> bool:
        """Whether it is being calculated."""
        return self._wanted and self._thread is not None and self._thread.is_alive()

    @property
    def finished(self) -> bool:
        """Whether all windows have been through."""
        return self._progress is not None and self._progress.done == self._progress.total

    def start(self) -> None:
        """Begin, or go on where it was stopped."""
        with self._lock:
            self._wanted, self._last_read = True, time.monotonic()
            if self._thread is None or not self._thread.is_alive():
                self._thread = Thread(target=self._work, name="ablation", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Hold after the portion that is being calculated. What is there stays."""
        self._wanted = False

    def _is_wanted(self) -> bool:
        if time.monotonic() - self._last_read > self._idle_seconds:
            self._wanted = False
        return self._wanted

    def _work(self) -> None:
        try:
            while self._is_wanted() and (progress := next(self._steps, None)) is not None:
                self._progress = progress
                time.sleep(PAUSE_SECONDS)
        except Exception as error:  # shown where the table is asked for
            self._error = error
