"""Who may ask, who may show us in a frame, and where our own routes are."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect
from streamlit import config

from ui.server.base_path import below_base_path
from ui.server.security import FRAMES, HOSTS, OwnNamesOnly, SecurityHeaders
from ui.server.unknown_page import UnknownPage


@contextmanager
def option(name: str, value: Any) -> Iterator[None]:
    before = config.get_option(name)
    config.set_option(name, value)
    yield
    config.set_option(name, before)


def page(request: Request) -> PlainTextResponse:
    return PlainTextResponse("ours")


async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("ours")
    await websocket.close()


def client(host: str = "127.0.0.1:8501") -> TestClient:
    app = Starlette(
        routes=[*below_base_path([Route("/api/it", page)]), WebSocketRoute("/talk", talk)],
        middleware=[Middleware(middleware) for middleware in (SecurityHeaders, OwnNamesOnly, UnknownPage)],
    )
    return TestClient(app, base_url=f"http://{host}", follow_redirects=False)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:8501",
        "localhost",
        "[::1]:8501",
        "192.168.3.7:8501",
        "me.localhost",
        "LOCALHOST:80",
        "10.0.0.1.",
    ],
)
def test_it_answers_under_its_own_names(host: str) -> None:
    assert client(host).get("/api/it").text == "ours"
    with client(host).websocket_connect("/talk", headers={"host": host}) as websocket:
        assert websocket.receive_text() == "ours"


@pytest.mark.parametrize(
    "host", ["evil.example:8501", "127.0.0.1.evil.example", "localhost.evil.example", "1e9"]
)
def test_under_a_foreign_name_nobody_reads_anything(host: str) -> None:
    answer = client(host).get("/api/it", headers={"accept-language": "fr-FR,fr;q=0.9"})
    assert answer.status_code == 421
    assert "ours" not in answer.text and host.partition(":")[0] in answer.text
    assert answer.text.startswith("Ce programme ne répond pas")
    assert client(host).get("/api/it").text.startswith("This program does not answer")
    with pytest.raises(WebSocketDisconnect), client(host).websocket_connect("/talk", headers={"host": host}):
        pass


def test_names_that_were_let_known_are_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert client("lab.example").get("/api/it").status_code == 421
    monkeypatch.setenv(HOSTS, "other.example, lab.example")
    assert client("lab.example:443").get("/api/it").status_code == 200
    monkeypatch.delenv(HOSTS)
    with option("browser.serverAddress", "lab.example"):
        assert client("lab.example").get("/api/it").status_code == 200
    with option("server.corsAllowedOrigins", ["https://lab.example:8443"]):
        assert client("lab.example").get("/api/it").status_code == 200
    assert client(socket.gethostname()).get("/api/it").status_code == 200


def rules(answer: Any) -> dict[str, list[str]]:
    policy = answer.headers["content-security-policy"]
    return {rule.split()[0]: rule.split()[1:] for rule in policy.split(";")}


@pytest.mark.parametrize("path", ["/api/it", "/api/nothing", "/no-such-page"])
def test_every_answer_says_what_may_be_loaded_and_who_may_frame_it(path: str) -> None:
    answer = client().get(path)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert rules(answer)["frame-ancestors"] == rules(answer)["default-src"] == ["'self'"]
    assert rules(answer)["object-src"] == ["'none'"]
    assert rules(answer)["connect-src"] == ["'self'", "ws://127.0.0.1:8501", "wss://127.0.0.1:8501"]
    assert not {"'unsafe-inline'", "'unsafe-eval'", "*"} & {*rules(answer)["script-src"]}


def test_pages_that_were_named_may_show_it_in_a_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FRAMES, "https://moodle.example http://*.school.example:8080 'none'; script-src * x")
    found = rules(client().get("/api/it"))
    assert found["frame-ancestors"] == ["'self'", "https://moodle.example", "http://*.school.example:8080"]
    assert "*" not in found["script-src"]


@pytest.mark.parametrize("base", ["lab/gpt", "/lab/gpt/"])
def test_our_routes_stand_below_the_base_path(base: str) -> None:
    with option("server.baseUrlPath", base):
        there = client()
        assert there.get("/lab/gpt/api/it").text == "ours"
        assert there.get("/api/it").status_code == 404
        assert there.get("/lab/gpt/nowhere").headers["location"] == "./?missing=nowhere"
        assert there.get("/nowhere").status_code == there.get("/lab/gpt/training").status_code == 404
