"""Which browser is asking. On loopback everybody shares one workspace; served to a class, each browser has its own."""

import hashlib
import os
import re
import secrets
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config

from minigpt_core.data_home import data_home

ROOT = Path(__file__).resolve().parent.parent
COOKIE = "minigpt_workspace"
LEFT = "minigpt_left"  # marks of the workspaces that were left for a new pupil at the same computer
MOST_LEFT = 20
LOCAL = "local"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")
A_YEAR = 365 * 24 * 3600


def serving() -> bool:
    """Whether other machines can reach this server: `MINIGPT_SERVE=1`, or an address that is not loopback."""
    return os.environ.get("MINIGPT_SERVE") == "1" or config.get_option("server.address") not in LOOPBACK


def address(opened: str | None) -> str:
    """The address of the opened page as other machines reach it. Who serves a class may look at it from this one."""
    parts = urlsplit(str(opened or ""))
    network = config.get_option("browser.serverAddress")
    if parts.hostname in LOOPBACK and network not in (*LOOPBACK, None):
        return urlunsplit((parts.scheme, f"{network}:{parts.port or 80}", parts.path, "", ""))
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))


def without_places(text: str) -> str:
    """What a visitor of a served app is told: not where on this machine things are."""
    if serving():
        for place in (data_home(), ROOT, Path(tempfile.gettempdir()), Path.home(), Path(sys.prefix)):
            text = text.replace(str(place), "…") if place != Path(place.anchor) else text
    return text


def new_token() -> str:
    """128 random bits as 22 characters: a workspace nobody can guess."""
    return secrets.token_urlsafe(16)


def mark(token: str) -> str:
    """By which a workspace is recognised, and from which it cannot be told."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()[:16]


def left_here(cookies: Mapping[str, str]) -> list[str]:
    """The marks of the workspaces that were left at this computer."""
    return re.findall(r"[0-9a-f]{16}", str(cookies.get(LEFT, "")))[-MOST_LEFT:]


def well_formed(token: object) -> bool:
    """Whether `token` is a string of the form that `new_token` makes."""
    return isinstance(token, str) and TOKEN.fullmatch(token) is not None


class WorkspaceCookie:
    """ASGI middleware: when other machines can reach us, the page sets an unguessable workspace cookie once.

    Args:
        base: the path below which the pages are, as in "/lab". The cookie stays there: a host may serve several
            classes.
    """

    def __init__(self, app: ASGIApp, base: str = "") -> None:
        self.app, self.path = app, base or "/"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and add the cookie to an HTML answer if the browser has none."""
        if scope["type"] != "http" or not serving() or well_formed(_cookie(scope)):
            return await self.app(scope, receive, send)

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_page(message):
                value = f"{COOKIE}={new_token()}; Path={self.path}; HttpOnly; SameSite=Lax; Max-Age={A_YEAR}"
                value += "; Secure" if scope["scheme"] == "https" else ""
                message["headers"] = [*message["headers"], (b"set-cookie", value.encode())]
            await send(message)

        await self.app(scope, receive, send_with_cookie)


def _cookie(scope: Scope) -> str | None:
    """Ours, read as `st.context.cookies` reads it: whatever else this host's programs have put beside it."""
    return HTTPConnection(scope).cookies.get(COOKIE)


def _is_page(message: Message) -> bool:
    headers = message.get("headers", [])
    return any(name.lower() == b"content-type" and value.startswith(b"text/html") for name, value in headers)
