"""Who gets which workspace."""

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from streamlit import config

from ui.server.unknown_page import UnknownPage
from ui.workspace import COOKIE, WorkspaceCookie, new_token, well_formed


@pytest.fixture
def browser() -> Iterator[TestClient]:
    routes = [
        Route("/", lambda request: HTMLResponse("a page")),
        Route("/training", lambda request: HTMLResponse("another page")),
        Route("/api/runs/x", lambda request: JSONResponse({})),
    ]
    app = Starlette(routes=routes, middleware=[Middleware(UnknownPage), Middleware(WorkspaceCookie)])
    with TestClient(app, base_url="http://testserver") as client:
        yield client


def test_on_loopback_there_is_no_cookie(browser: TestClient) -> None:
    assert "set-cookie" not in browser.get("/").headers


def test_served_to_a_class_every_browser_gets_one_cookie(
    browser: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINIGPT_SERVE", "1")
    header = browser.get("/").headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(header.split("; "))
    token = browser.cookies[COOKIE]
    assert well_formed(token)
    assert "set-cookie" not in browser.get("/training").headers
    assert browser.cookies[COOKIE] == token


def test_behind_tls_the_cookie_is_secure_and_stays_below_the_path(
    browser: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINIGPT_SERVE", "1")
    assert "Secure" not in browser.get("/").headers["set-cookie"]
    app = WorkspaceCookie(browser.app, base="/school/gpt")
    with TestClient(app, base_url="https://testserver") as behind:
        assert {"Secure", "Path=/school/gpt"} <= set(behind.get("/").headers["set-cookie"].split("; "))


@pytest.mark.parametrize(("asks_from", "believed"), [("127.0.0.1", True), ("192.0.2.7", False)])
def test_only_a_proxy_on_this_machine_is_believed(
    browser: TestClient, monkeypatch: pytest.MonkeyPatch, asks_from: str, believed: bool
) -> None:
    """uvicorn decides that, before any code of ours: this holds what we rely on."""
    monkeypatch.setenv("MINIGPT_SERVE", "1")
    monkeypatch.delenv("FORWARDED_ALLOW_IPS", raising=False)
    uvicorn = pytest.importorskip("uvicorn")  # Streamlit brings it
    config = uvicorn.Config(browser.app, lifespan="off")
    config.load()
    with TestClient(config.loaded_app, base_url="http://testserver", client=(asks_from, 1)) as asking:
        header = asking.get("/", headers={"x-forwarded-proto": "https"}).headers["set-cookie"]
    assert ("Secure" in header.split("; ")) == believed


def test_only_pages_set_it(browser: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIGPT_SERVE", "1")
    assert "set-cookie" not in browser.get("/api/runs/x").headers


BAD = ["", "local", "x" * 21, "x" * 23, "x" * 21 + "é", '"' + "x" * 20 + '"', "../" + "x" * 19]


@pytest.mark.parametrize("bad", BAD)
def test_a_cookie_of_another_form_is_replaced(
    browser: TestClient, monkeypatch: pytest.MonkeyPatch, bad: str
) -> None:
    monkeypatch.setenv("MINIGPT_SERVE", "1")
    answer = browser.get("/", headers={b"cookie": f"{COOKIE}={bad}".encode()})
    assert "set-cookie" in answer.headers


OTHERS = [
    b'prefs={"theme": "dark", "sizes": [1, 2]}',
    "prénom=Zoé".encode(),
    "prénom=Zoé".encode("latin-1"),
    b"a cookie without a name",
    b"=; ;; a=b=c; ",
    b'open="; x=\\"',
]


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("header", [b"%b; %b=%b", b"%b; %b=%b; more=1"])
def test_cookies_of_others_leave_ours_alone(
    browser: TestClient, monkeypatch: pytest.MonkeyPatch, other: bytes, header: bytes
) -> None:
    monkeypatch.setenv("MINIGPT_SERVE", "1")
    ours = new_token()
    for order in (
        header % (other, COOKIE.encode(), ours.encode()),
        b"%b=%b; " % (COOKIE.encode(), ours.encode()) + other,
    ):
        answer = browser.get("/", headers={b"cookie": order})
        assert "set-cookie" not in answer.headers


def test_ours_in_a_second_header(browser: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTP/2 allows to send each cookie in a header of its own."""
    monkeypatch.setenv("MINIGPT_SERVE", "1")
    both = [(b"cookie", f"{COOKIE}={new_token()}".encode()), (b"cookie", b"other=1")]
    assert "set-cookie" not in browser.get("/", headers=both).headers


def test_tokens_are_well_formed_and_differ() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(map(well_formed, tokens))
    assert not any(map(well_formed, ("local", None, 7, b"x" * 22, "x" * 22 + "\n")))


def test_an_unknown_page_leads_to_the_first_one(browser: TestClient) -> None:
    answer = browser.get("/nosuch?lang=fr", follow_redirects=False)
    assert answer.headers["location"] == "./?missing=nosuch&lang=fr"
    assert browser.get("/nosuch").text == "a page"
    assert browser.get("/training").text == "another page"


def test_a_path_that_a_proxy_puts_before_ours_is_no_page_name() -> None:
    config.set_option("server.baseUrlPath", "class/app")
    try:
        routes = [
            Route(path, lambda request: HTMLResponse("a page"))
            for path in ("/class/app/", "/class/app/training")
        ]
        with TestClient(Starlette(routes=routes, middleware=[Middleware(UnknownPage)])) as client:
            answer = client.get("/class/app/nosuch", follow_redirects=False)
            assert answer.headers["location"] == "./?missing=nosuch"
            assert client.get("/class/app/training").text == client.get("/class/app/").text == "a page"
            assert "missing" not in str(client.get("/class/app").url)
    finally:
        config.set_option("server.baseUrlPath", "")
