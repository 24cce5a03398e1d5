"""A visitor without a browser: speaks with a real server as a page does, and as an attacker may."""

from collections.abc import Iterator
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import connect

from ui.teacher import COOKIE as TEACHER
from ui.workspace import COOKIE, new_token

EARLY = ForwardMsg.FINISHED_EARLY_FOR_RERUN
RUNS_KEPT = 2  # Streamlit's option global.maxCachedMessageAge


class Visitor:
    """One tab of somebody who has the cookie `workspace`, and perhaps that of a teacher."""

    def __init__(self, url: str, workspace: str = "", teacher: str = "", others: str = "") -> None:
        self.workspace = workspace or new_token()
        self.cookies = {"Cookie": f"{COOKIE}={self.workspace}; {TEACHER}={teacher}; {others}"}
        address = url.replace("http", "ws", 1) + "/_stcore/stream"
        self._socket = connect(  # type: ignore[call-overload]
            address, additional_headers=self.cookies | {"Origin": url}, subprotocols=["streamlit"],
            max_size=None, proxy=None, legacy=True,
        )  # fmt: skip
        self.bytes_received = 0
        self.referred: list[str] = []
        """Hashes of what the server has not sent again since the last click."""
        self._kept: dict[str, ForwardMsg] = {}
        self._runs_since: dict[str, int] = {}
        self.drawn: list[Any] = []
        """The elements of the last run of the script."""
        self.heard: list[ForwardMsg] = []
        """All that the server has said since the last click."""

    def open(self, page: str, **query: str) -> None:
        """Open a page and wait until it is drawn."""
        self.send_widgets(page=page, **query)

    def send_widgets(self, *states: WidgetState, page: str, **query: str) -> None:
        """What a browser sends after a click, and wait for what comes of it."""
        self.referred = []
        message = BackMsg()
        message.rerun_script.query_string = "&".join(f"{name}={value}" for name, value in query.items())
        message.rerun_script.page_name = page
        message.rerun_script.widget_states.widgets.extend(states)
        message.rerun_script.cached_message_hashes.extend(self._kept)
        self.send(message)
        self.heard, ended = [], EARLY
        while ended == EARLY:  # the script asks for another run of itself
            last_run = [*self.until("script_finished")]
            self.heard += last_run
            ended = last_run[-1].script_finished
        self.drawn = [e for received in last_run if (e := element_of(received)) is not None]

    def send(self, message: BackMsg) -> None:
        """Any message at all."""
        self._socket.send(message.SerializeToString())

    def widget(self, key: str) -> str:
        """The id under which the server knows the widget with this key."""
        for element in self.drawn:
            proto = getattr(element, element.WhichOneof("type"))
            if getattr(proto, "id", "").endswith(f"-{key}"):
                return str(proto.id)
        raise AssertionError(f"nothing that is drawn has the key {key}")

    def pages(self) -> dict[str, str]:
        """The hash of each page that the menu leads to, by its name in the address."""
        return {
            page.url_pathname: page.page_script_hash
            for message in self.heard
            for page in message.navigation.app_pages
        }

    def words(self) -> str:
        """Everything that is drawn, as text."""
        return "\n".join(str(element) for element in self.drawn)

    def close(self) -> None:
        """Leave."""
        self._socket.close()

    def until(self, kind: str) -> Iterator[ForwardMsg]:
        """What the server says, to the next message of this kind."""
        while True:
            received = self._socket.recv(timeout=60)
            self.bytes_received += len(received)
            message = self._looked_up(ForwardMsg.FromString(received))
            yield message
            if message.WhichOneof("type") == kind:
                return

    def _looked_up(self, message: ForwardMsg) -> ForwardMsg:
        """What is meant. As a browser does, a visitor keeps large messages for a while, and a server that knows which
        only refers to them."""
        kind = message.WhichOneof("type")
        if kind == "ref_hash":
            found, hash_of = ForwardMsg(), message.ref_hash
            found.CopyFrom(self._kept[hash_of])
            found.metadata.CopyFrom(message.metadata)
            self._runs_since[hash_of] = 0
            self.referred.append(hash_of)
            return found
        if message.metadata.cacheable:
            self._kept[message.hash] = message
            self._runs_since[message.hash] = 0
        elif kind == "script_finished":
            self._forget_old()
        return message

    def _forget_old(self) -> None:
        for name in list(self._kept):
            self._runs_since[name] += 1
            if self._runs_since[name] > RUNS_KEPT:
                del self._kept[name], self._runs_since[name]


def element_of(message: ForwardMsg) -> Any:
    """The element that a message draws, if it draws one."""
    if message.WhichOneof("type") == "delta" and message.delta.WhichOneof("type") == "new_element":
        return message.delta.new_element
    return None
