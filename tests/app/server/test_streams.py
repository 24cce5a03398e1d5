"""How many answers that take calculating one person, one address and everybody may wait for."""

import asyncio
import threading
from collections import Counter

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from tests.app.server.loop import result_of
from ui.server import streams
from ui.workspace import COOKIE, new_token


async def waiting_and_refused(host: str, cookies: list[str]) -> Counter[int]:
    """The statuses of answers that are all asked for from one address before the first is given."""
    go_on, statuses = threading.Event(), Counter[int]()

    @streams.calculated
    def answer(request: Request) -> Response:
        go_on.wait()
        return Response()

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses[message["status"]] += 1

    async def ask(cookie: str) -> None:
        headers = [(b"cookie", f"{COOKIE}={cookie}".encode())]
        scope = {
            "type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": headers, "client": (host, 1)
        }  # fmt: skip
        await (await answer(Request(scope)))(scope, receive, send)

    asked = [asyncio.ensure_future(ask(cookie)) for cookie in cookies]
    await asyncio.sleep(0)  # each has asked now
    go_on.set()
    await asyncio.gather(*asked)
    return statuses


@pytest.mark.parametrize(
    ("host", "cookies", "answered"),
    [
        ("192.0.2.7", ["A" * 22] * 20, streams.AT_ONCE),
        ("192.0.2.7", [new_token() for _ in range(150)], streams.AT_ONE_ADDRESS),
        ("127.0.0.1", [new_token() for _ in range(150)], 150),  # a proxy: everybody comes from there
        ("127.0.0.1", [new_token() for _ in range(250)], streams.IN_ALL),
    ],
    ids=["one cookie", "one address", "a proxy on this machine", "everybody"],
)
def test_whoever_waits_for_many_answers_is_refused_further_ones(
    host: str, cookies: list[str], answered: int
) -> None:
    statuses = result_of(waiting_and_refused(host, cookies))
    assert statuses == Counter({200: answered, streams.TOO_MANY: len(cookies) - answered})
    assert not streams._waiting
