"""Who may ask: only under this server's own names, and only pages that are allowed to may show it in a frame.

A foreign page can have its own name point to this machine (DNS rebinding), and then reads everything as if it were
ours; or show us in a frame and have a click meant for it press our buttons (clickjacking).
"""

import base64
import hashlib
import ipaddress
import os
import re
import socket
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import streamlit
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config

from ui.words.i18n import _, using
from ui.words.languages import LANGUAGES, SOURCE

HOSTS = "MINIGPT_HOSTS"
"""The environment variable with further names of this server, for example behind a proxy; commas between them."""

FRAMES = "MINIGPT_FRAMES"
"""The environment variable with the addresses of pages that may show this one in a frame; spaces between them."""

FRAME = re.compile(r"https?://[\w.*-]+(:\d+|:\*)?")
HOST = re.compile(r"[\w.:\[\]-]+")  # what may be written into a header
MISDIRECTED = 421  # https://www.rfc-editor.org/rfc/rfc9110#section-15.5.20


class OwnNamesOnly:
    """ASGI middleware: whoever asks under another name gets a sentence, a websocket is not opened."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if it was meant for this server."""
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        connection = HTTPConnection(scope)
        name = host_name(connection.headers.get("host", ""))
        if is_own(name):
            return await self.app(scope, receive, send)
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": 1008})
        with using(language_of(connection.headers.get("accept-language", ""))):
            words = _(
                "This program does not answer under the name “{name}”. If the name is right, let it be known: set "
                "{variable}={name} and start the program again."
            ).format(name=name, variable=HOSTS)
        await PlainTextResponse(words, MISDIRECTED)(scope, receive, send)


class SecurityHeaders:
    """ASGI middleware: tells the browser what the pages may load, and who may show them in a frame."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers to every answer."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        policy = content_policy(HTTPConnection(scope).headers.get("host", ""))
        ours = [(b"content-security-policy", policy.encode()), (b"x-content-type-options", b"nosniff")]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *ours]
            await send(message)

        await self.app(scope, receive, send_with_headers)


def host_name(host: str) -> str:
    """The name in a Host header, without its port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return host


def is_own(name: str) -> bool:
    """Whether the server answers to this name. An address in numbers cannot be made to point elsewhere; a program that
    names nobody is no browser."""
    if not name or name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return name in own_names()
    return True


def own_names() -> set[str]:
    """The names by which other machines may know this server."""
    machine = socket.gethostname().lower()
    names = {machine, f"{machine}.local", *os.environ.get(HOSTS, "").lower().split(",")}
    names |= {
        str(config.get_option(option) or "").lower() for option in ("server.address", "browser.serverAddress")
    }
    origins: Iterable[str] = config.get_option("server.corsAllowedOrigins")
    return {name.strip() for name in names} | {host_name(urlsplit(origin).netloc) for origin in origins}


def language_of(accepted: str) -> str:
    """The first language of an Accept-Language header that there is."""
    preferred = (part.strip()[:2].lower() for part in accepted.split(","))
    return next((code for code in preferred if code in LANGUAGES), SOURCE)


def content_policy(host: str) -> str:
    """The Content-Security-Policy of every answer to who asks under this name.

    Streamlit makes styles on the way and mounts components from `blob:` addresses. Not every browser takes a websocket
    to the same host for `'self'`.
    """
    sockets = f" ws://{host} wss://{host}" if HOST.fullmatch(host) else ""
    frames = [frame for frame in os.environ.get(FRAMES, "").split() if FRAME.fullmatch(frame)]
    rules = {
        "default-src": "'self'",
        "script-src": " ".join(["'self'", "blob:", *inline_scripts()]),
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "media-src": "'self' data: blob:",
        "worker-src": "'self' blob:",
        "connect-src": f"'self'{sockets}",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": " ".join(["'self'", *frames]),
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


@cache
def inline_scripts() -> list[str]:
    """The hashes of the scripts in Streamlit's own page."""
    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
