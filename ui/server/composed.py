"""What everybody is told alike: composed once in a while for all who ask, and handed on as bytes."""

import asyncio
import hashlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from starlette.requests import Request
from starlette.responses import Response

from minigpt_core.errors import UserError
from minigpt_core.store.live_state import encoded
from ui.server.live_answers import Json
from ui.words.i18n import translate

_thread = ThreadPoolExecutor(1, "class")  # however many ask, composing takes no more than this


class Composed:
    """An answer that many ask for.

    Args:
        compose: says what it is; a `UserError` becomes status 503 with its sentence.
        fresh: seconds for which an answer is handed on.
    """

    def __init__(self, compose: Callable[[], Json], fresh: float = 0.9) -> None:
        self._compose, self._fresh = compose, fresh
        self._body, self._status, self._tag, self._until = b"", 200, "", 0.0
        self._coming: asyncio.Task[None] | None = None

    async def hand_on(self, request: Request) -> Response:
        """The newest answer, or 304 to who has it."""
        if time.monotonic() > self._until:
            self._coming = self._coming or asyncio.create_task(self._renew())
            await asyncio.shield(self._coming)
        headers = {"ETag": self._tag, "Cache-Control": "private, no-cache"}
        if self._status == 200 and request.headers.get("if-none-match") == self._tag:
            return Response(status_code=304, headers=headers)
        return Response(self._body, self._status, headers, media_type="application/json")

    async def _renew(self) -> None:
        try:
            loop = asyncio.get_running_loop()
            self._body, self._status = await loop.run_in_executor(_thread, self._said)
            self._tag = f'"{hashlib.sha256(self._body).hexdigest()[:16]}"'
            self._until = time.monotonic() + self._fresh
        finally:
            self._coming = None

    def _said(self) -> tuple[bytes, int]:
        try:
            return encoded(self._compose()), 200
        except UserError as error:
            return encoded({"error": translate(error)}), 503
