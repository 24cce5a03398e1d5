"""What the page before asks, until its browser has heard of the next one, does not bring it back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState

from scripts.running_app import RunningApp, running_app
from scripts.visitor import Visitor
from ui.server.wanted_page import STAY, WantedPage

PAGES = [
    {"page_script_hash": "home", "url_pathname": ""},
    {"page_script_hash": "model", "url_pathname": "model"},
    {"page_script_hash": "lab", "url_pathname": "lab"},
]


def request(page: str, at: str, *, pressed: bool = False, typed: str = "", back: bool = False) -> ClientState:
    """What a browser at this address asks."""
    asked = ClientState(page_script_hash=page, query_string="x=1", is_history_navigation=back)
    asked.context_info.url = f"https://school.example/gpt/{at}?run=3"
    if pressed:
        asked.widget_states.widgets.add(id="button", trigger_value=True)
    if typed:
        asked.widget_states.widgets.add(id="field", string_value=typed)
    return asked


@pytest.fixture
def on_model() -> WantedPage:
    wanted = WantedPage()
    wanted.ask(request("", ""), PAGES)
    wanted.begin("main script")
    wanted.begin("model")
    wanted.ask(request("model", "model", typed="a"), PAGES)
    return wanted


@pytest.mark.parametrize("something", [{"pressed": True}, {"typed": "b"}])
@pytest.mark.parametrize("begun", [False, True])
def test_what_the_left_page_asks_is_asked_of_the_wanted_one(
    on_model: WantedPage, something: Any, begun: bool
) -> None:
    on_model.ask(request("lab", "model"), PAGES)
    on_model.begin("model")  # of a click before; and the script of the wanted page may have begun
    if begun:
        on_model.begin("lab")
    late = request("model", "model", **something)
    on_model.ask(late, PAGES)
    assert (late.page_script_hash, late.query_string) == ("lab", STAY if begun else "x=1")


@pytest.mark.parametrize("chosen", [
    request("model", "model"),  # another click in the menu, before the browser has heard of the first
    request("model", "lab", pressed=True), request("model", "model", typed="b", back=True), request("home", "lab"),
])  # fmt: skip
def test_the_menu_and_the_way_back_lead_to_their_page(on_model: WantedPage, chosen: ClientState) -> None:
    on_model.ask(request("lab", "model"), PAGES)
    on_model.begin("lab")
    page = chosen.page_script_hash
    on_model.ask(chosen, PAGES)
    assert (chosen.page_script_hash, chosen.query_string, on_model.page) == (page, "x=1", page)


def test_a_page_that_a_script_has_led_to_is_wanted(on_model: WantedPage) -> None:
    on_model.begin("lab")
    late = request("model", "model", pressed=True)
    on_model.ask(late, PAGES)
    assert late.page_script_hash == "lab"


def test_where_the_first_page_is_not_known_yet_nothing_is_led_elsewhere() -> None:
    wanted = WantedPage()
    wanted.begin("main script")
    asked = request("home", "", pressed=True)
    wanted.ask(asked, PAGES)
    assert asked.page_script_hash == "home"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    home: Path = tmp_path_factory.mktemp("wanted") / "home"
    with running_app(home, env={"MINIGPT_WARM_WORKER": "0"}) as app:
        yield app


@pytest.mark.parametrize("heard_by_then", ["new_session", "script_finished"])
def test_a_click_in_the_menu_counts_while_the_page_before_still_asks(
    server: RunningApp, heard_by_then: str
) -> None:
    visitor = Visitor(server.url)
    visitor.open("")
    pages = visitor.pages()
    visitor.send(asking(server.url, pages["model"], query_string="lang=fr"))
    [*visitor.until(heard_by_then)]
    late = asking(server.url, pages[""])  # its browser has not heard yet that the page is another one
    late.rerun_script.widget_states.widgets.add(id="a button of the first page", trigger_value=True)
    visitor.send(late)
    *_, begun = visitor.until("new_session")
    assert begun.new_session.page_script_hash == pages["model"]
    drawn = " ".join(map(str, visitor.until("script_finished")))
    assert "Modèle" in drawn, "at the address that was asked for"
    visitor.close()


def asking(url: str, page_script_hash: str, query_string: str = "") -> BackMsg:
    """A whole run of a page, as a browser asks for it that stands on the first page."""
    message = BackMsg()
    message.rerun_script.page_script_hash = page_script_hash
    message.rerun_script.query_string = query_string
    message.rerun_script.context_info.url = url + "/"
    return message
