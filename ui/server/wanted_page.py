"""Which page a tab wants. Until its browser has heard of the next page, the one before goes on asking, in its own name:
that does not bring it back."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.WidgetStates_pb2 import WidgetState

STAY = "stay=1"  # the address of a request that changes nothing about it
TRIGGERS = ("trigger_value", "string_trigger_value", "chat_input_value", "json_trigger_value")


@dataclass
class WantedPage:
    """The page that a session was asked for last, or was led to by a script."""

    page: str = ""
    """Its hash; empty before the first one."""

    on_its_way: ClientState | None = None
    """What asked for it, as long as no script has begun to draw it."""

    _said: dict[str, bytes] = field(default_factory=dict)

    def ask(self, asked: ClientState, pages: Iterable[Mapping[str, Any]]) -> None:
        """Take what a browser asks, before it is done; what the page before asks, is asked of the wanted one.

        The menu asks for another page than the one of the browser's address, and says nothing new; a click on the page
        before asks for that of the address, which changes with what the server says, and says something new.

        Args:
            pages: those of the session, as Streamlit keeps them.
        """
        pages = [*pages]
        something_new = self._hears_something_new(asked)
        page = asked.page_script_hash
        if asked.fragment_id or page in ("", self.page):
            return
        left = something_new and not asked.is_history_navigation and page == page_of_address(asked, pages)
        if left and any(self.page == known["page_script_hash"] for known in pages):
            asked.page_script_hash, asked.query_string = self.page, STAY
            if first := self.on_its_way:
                asked.query_string, asked.is_history_navigation = (
                    first.query_string,
                    first.is_history_navigation,
                )
        else:
            self.page, self.on_its_way = page, asked

    def begin(self, page: str) -> None:
        """A script draws a page: the wanted one, or one that it leads to. Or, still, the one before."""
        if page == self.page or not self.on_its_way:
            self.page, self.on_its_way = page, None

    def _hears_something_new(self, asked: ClientState) -> bool:
        states = {state.id: digest(state) for state in asked.widget_states.widgets}
        new = any(self._said.get(name) != said for name, said in states.items())
        self._said |= states
        return new or any(map(is_trigger, asked.widget_states.widgets))


def digest(state: WidgetState) -> bytes:
    """What a control says, in 16 bytes: it may be a whole book."""
    return hashlib.blake2b(state.SerializeToString(), digest_size=16).digest()


def is_trigger(state: WidgetState) -> bool:
    """It says that something was pressed, not how something stands."""
    kind = state.WhichOneof("value")
    return kind in TRIGGERS and bool(getattr(state, kind))


def page_of_address(asked: ClientState, pages: Iterable[Mapping[str, Any]]) -> str | None:
    """The hash of the page at whose address a browser is; None if it does not say."""
    if not asked.context_info.url:
        return None
    hashes = {page.get("url_pathname", ""): str(page["page_script_hash"]) for page in pages}
    name = urlsplit(asked.context_info.url).path.rstrip("/").rpartition("/")[2]
    return hashes.get(name, hashes.get(""))  # the first page lives where the app does
