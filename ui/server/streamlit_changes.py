"""Where Streamlit is made to do otherwise, each with its reason. Importing this file does it."""

from collections.abc import Callable
from functools import partialmethod
from typing import Any

from streamlit import net_util
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.state import SessionState

MOST_CLOSED = 48  # sessions whose browser has gone, for two minutes

# What our pages send. Anybody can send the others: "clear_cache" would empty the caches for everybody.
ASKED = {"rerun_script", "stop_script", "app_heartbeat", "file_urls_request", "backend_operation_request"}

# Streamlit compares the origin of a foreign page with this machine's public address, and would ask an outside
# service for it. This answers instead; 127.0.0.1 is among the allowed origins anyway.
net_util._internal_ip = net_util._external_ip = "127.0.0.1"


def handle_what_pages_ask(session: AppSession, message: BackMsg) -> None:
    """Do what a browser asks for, if it is something that our pages ask for."""
    if message.WhichOneof("type") in ASKED:
        _handle(session, message)


def run_whole(session: SessionState, votes: Any, callback: Callable[[], None]) -> None:
    """Run the callback of any widget or component to its end: see `problems.spoken_errors`."""

    from ui.problems import spoken_errors  # the core comes with it: nothing here waits for that

    def whole() -> None:
        with spoken_errors():
            callback()

    _run_callback(session, votes, whole)


# A closed session takes several file descriptors until it is forgotten; Streamlit keeps 128. A class that has lost its
# network finds all of its own again.
MemorySessionStorage.__init__ = partialmethod(MemorySessionStorage.__init__, maxsize=MOST_CLOSED)  # type: ignore[assignment, method-assign]

_handle, _run_callback = AppSession.handle_backmsg, SessionState._run_callback_and_record_rerun
AppSession.handle_backmsg = handle_what_pages_ask  # type: ignore[assignment, method-assign]
SessionState._run_callback_and_record_rerun = run_whole  # type: ignore[assignment, method-assign]
