"""Who is the teacher of a served class: a secret in the data folder, the link that carries it, and the cookie that the
link leaves in the teacher's browser.

The secret stays from one start to the next, so that a restart sends nobody away; `scripts.serve --new-link` makes
another one, and every browser that knew the old one is a pupil's again.
"""

import hashlib
import hmac
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs

from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from minigpt_core.data_home import data_home
from ui.workspace import new_token, serving, well_formed

FILE = "teacher-secret"
COOKIE = "minigpt_teacher"
KEY = "key"  # its name in the link
PAGE = "class"
PAGES = (PAGE, "wall")
SCHOOL_DAY = 12 * 3600  # seconds
CODE_LETTERS = "BCDFGHJKMNPQRSTVWXZ23456789"  # none that look alike, and none that make words
CODE_LENGTH = 4


def keep_secret(home: Path, new: bool = False) -> str:
    """The secret of a data folder, readable by its owner alone; made where there is none, or where a `new` one is
    wanted."""
    path = home / FILE
    home.mkdir(parents=True, exist_ok=True)
    if new or not _read(path):
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(new_token())
    path.chmod(0o600)
    return _read(path)


def secret() -> str:
    """The secret of the class that is served; "" where none is."""
    return _read(data_home() / FILE) if serving() else ""


def link(address: str, key: str) -> str:
    """What the teacher opens."""
    return f"{address.rstrip('/')}/{PAGE}?{KEY}={key}"


def class_code(key: str) -> str:
    """Four letters that stand on the teacher's page and on each pupil's: both see that they are in the same class."""
    digest = _sign(key, "code")
    return "".join(CODE_LETTERS[byte % len(CODE_LETTERS)] for byte in digest[:CODE_LENGTH])


def is_teacher(cookies: Mapping[str, str]) -> bool:
    """Whether a browser with these cookies has opened the link. The time that it takes says nothing of the secret."""
    given = cookies.get(COOKIE)
    return bool(given) and matches(str(given), cookie_of(secret()))


def cookie_of(key: str) -> str:
    """What the browser keeps instead of the secret; "" for none."""
    return _sign(key, "cookie").hex() if key else ""


def matches(given: str, right: str) -> bool:
    """Whether they are the same, and there is something to be known."""
    return bool(right) and hmac.compare_digest(given.encode("utf-8", "replace"), right.encode())


class TeacherLink:
    """ASGI middleware: the link gives the teacher's cookie and leaves the address; a wrong one names no page at all."""

    def __init__(self, app: ASGIApp, base: str = "") -> None:
        self.app, self.base, self.path = app, base or "/", f"{base}/{PAGE}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what carries a key; pass everything else on."""
        if scope["type"] != "http" or scope["method"] != "GET" or scope["path"] != self.path:
            return await self.app(scope, receive, send)
        given = parse_qs(scope["query_string"].decode("latin-1")).get(KEY)
        if not given:
            return await self.app(scope, receive, send)
        answer = RedirectResponse(f"./?missing={PAGE}", 303)
        key = secret()
        if matches(given[0], key):
            answer = RedirectResponse(f"./{PAGE}", 303)
            secure = HTTPConnection(scope).url.scheme == "https"
            answer.set_cookie(
                COOKIE,
                cookie_of(key),
                SCHOOL_DAY,
                path=self.base,
                httponly=True,
                samesite="lax",
                secure=secure,
            )
        answer.headers["cache-control"] = "no-store"
        answer.headers["referrer-policy"] = "no-referrer"
        await answer(scope, receive, send)


def _sign(key: str, what: str) -> bytes:
    return hmac.new(key.encode(), what.encode(), hashlib.sha256).digest()


def _read(path: Path) -> str:
    try:
        kept = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return ""
    return kept if well_formed(kept) else ""
