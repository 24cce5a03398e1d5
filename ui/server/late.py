"""What takes long to import answers as soon as it is there."""

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send


class Late:
    """An ASGI app that is found when it is first asked, in a thread: the event loop goes on meanwhile.

    Args:
        find: imports it.
    """

    def __init__(self, find: Callable[[], ASGIApp]) -> None:
        self._find = find
        self._found: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if self._found is None:
            self._found = await run_in_threadpool(self._find)
        await self._found(scope, receive, send)
