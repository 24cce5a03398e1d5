"""Answers that take calculating, in a few threads of their own: pages never wait for them, and nothing goes on for a
reader who has left."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import wraps

from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from minigpt_core.errors import UserError
from ui.words.i18n import translate, using
from ui.words.languages import LANGUAGES, SOURCE
from ui.workspace import COOKIE, LOOPBACK, well_formed

AT_ONCE = 8  # answers that one person may wait for
IN_ALL = 200
AT_ONE_ADDRESS = 100  # a class may share one; and whoever makes up cookies leaves half of them to others
ALL = "all"
TOO_MANY = 429  # https://www.rfc-editor.org/rfc/rfc6585#section-4

_threads = ThreadPoolExecutor(2, "stream")
_waiting: Counter[str] = Counter()  # by person, and by address; the event loop alone counts


def calculated(answer: Callable[[Request], Response]) -> Callable[[Request], Awaitable[ASGIApp]]:
    """Decorator of a route: it is answered here, or refused to somebody who waits for many answers already."""

    @wraps(answer)
    async def endpoint(request: Request) -> ASGIApp:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            limits = limits_of(request)
            if any(_waiting[name] >= most for name, most in limits.items()):
                return await too_many(request)(scope, receive, send)
            _waiting.update(limits.keys())
            try:
                response = await asyncio.get_running_loop().run_in_executor(_threads, answer, request)
                await response(scope, receive, send)
            finally:
                _waiting.subtract(limits.keys())
                for name in limits:
                    if not _waiting[name]:
                        del _waiting[name]

        return app

    return endpoint


def limits_of(connection: HTTPConnection) -> dict[str, int]:
    """Under which names an answer is counted, and how many are allowed under each. A cookie can be made up, an address
    cannot; but behind a proxy on this machine everybody has that of the machine."""
    limits = {ALL: IN_ALL, person(connection): AT_ONCE}
    host = connection.client.host if connection.client else "localhost"
    if host not in LOOPBACK:
        limits[f"at {host}"] = AT_ONE_ADDRESS
    return limits


def person(connection: HTTPConnection) -> str:
    """Who asks: a browser that has our cookie, else whoever is at that address."""
    token = connection.cookies.get(COOKIE)
    return str(token) if well_formed(token) else connection.client.host if connection.client else ""


def streamed(portions: Iterator[str]) -> Response:
    """Lines that are calculated while they are sent, a portion after the other. Others have their turn in between; an
    empty portion is work that gives nothing to send."""
    headers = {"Cache-Control": "no-store"}
    return StreamingResponse(in_turn(portions), media_type="application/x-ndjson", headers=headers)


async def in_turn(portions: Iterator[str]) -> AsyncIterator[str]:
    """The portions that are not empty. Starlette ends this when the reader leaves: no further one is calculated."""
    loop = asyncio.get_running_loop()
    while (portion := await loop.run_in_executor(_threads, next, portions, None)) is not None:
        if portion:
            yield portion


def too_many(request: Request) -> Response:
    """What somebody gets who asks for more."""
    error = UserError(
        "Too many texts are being written at once. Stop one of them, or wait until it is finished."
    )
    return refusal(error, language_of(request.query_params), TOO_MANY)


def refusal(error: UserError, language: str, status: int) -> Response:
    """What went wrong, as a sentence."""
    with using(language):
        return JSONResponse({"error": translate(error)}, status)


def language_of(query: Mapping[str, str]) -> str:
    """The language that an address asks for."""
    return query["lang"] if query.get("lang") in LANGUAGES else SOURCE
