"""An address that names no page leads to the first one, which says so in the reader's language."""

import re
from urllib.parse import quote

from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ui import teacher
from ui.journey import ABOUT, PAGES, SPEAKERS
from ui.server.base_path import base_path
from ui.workspace import serving

MISSING = "missing"  # the query parameter that carries the unknown name
ONE_WORD = re.compile(r"/([^/.]+)")  # files have a dot, Streamlit's own addresses a slash
NOT_PAGES = {"api", "_stcore", "media", "component", "static"}
CLOSED = {"/_stcore/metrics"}
KNOWN = (
    NOT_PAGES
    | {name for name, station in PAGES.items() if station.path != "/"}
    | {station.name for station in ABOUT}
)


class UnknownPage:
    """ASGI middleware: without it, Streamlit would open an English dialog, and tell everybody how much it works."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send an unknown page's visitor to the first page; pass everything else on."""
        if below(scope.get("path", "")) in CLOSED:
            return await PlainTextResponse("", 404)(scope, receive, send)
        word = ONE_WORD.fullmatch(below(scope["path"])) if is_get(scope) else None
        if word is None or word[1] in KNOWN or is_for(word[1], scope):
            return await self.app(scope, receive, send)
        query = scope["query_string"].decode("latin-1")
        kept = f"&{query}" if query else ""
        await RedirectResponse(f"./?{MISSING}={quote(word[1])}{kept}")(scope, receive, send)


def is_for(name: str, scope: Scope) -> bool:
    """Whether this page is there for who asks, though not for everybody."""
    if name in {station.name for station in SPEAKERS}:
        return not serving() or is_teacher(scope)
    return name in teacher.PAGES and is_teacher(scope)


def is_teacher(scope: Scope) -> bool:
    """Whether the teacher asks: only for her there are these pages."""
    return teacher.is_teacher(HTTPConnection(scope).cookies)


def is_get(scope: Scope) -> bool:
    """Whether somebody opens an address."""
    return bool(scope["type"] == "http" and scope["method"] == "GET")


def below(path: str) -> str:
    """What follows the base path; "" for what does not stand below it."""
    base = base_path()
    return path.removeprefix(base) if path.startswith(f"{base}/") else ""
