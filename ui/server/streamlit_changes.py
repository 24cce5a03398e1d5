"""Where Streamlit is made to do otherwise, each with its reason. Importing this file does it."""

from collections.abc import Callable, MutableMapping
from dataclasses import replace
from functools import partialmethod
from typing import Any
from urllib.parse import parse_qs, urlencode
from weakref import WeakKeyDictionary

from streamlit import net_util
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests, ScriptRequestType
from streamlit.runtime.state import SessionState

from ui.script_turns import turns
from ui.server.wanted_page import STAY, WantedPage

MOST_CLOSED = 48  # sessions whose browser has gone, for two minutes

# What our pages send. Anybody can send the others: "clear_cache" would empty the caches for everybody.
ASKED = {"rerun_script", "stop_script", "app_heartbeat", "file_urls_request", "backend_operation_request"}

drawn_last: MutableMapping[AppSession, set[str]] = WeakKeyDictionary()
wanted: MutableMapping[AppSession, WantedPage] = WeakKeyDictionary()
# What stays as it was chosen last, by its name in the address, when Back leads to the page before.
CHOSEN = ("lang", "text", "letters", "run", "settings", "choices")

# Streamlit compares the origin of a foreign page with this machine's public address, and would ask an outside
# service for it. This answers instead; 127.0.0.1 is among the allowed origins anyway.
net_util._internal_ip = net_util._external_ip = "127.0.0.1"


def handle_what_pages_ask(session: AppSession, message: BackMsg) -> None:
    """Do what a browser asks for, if it is something that our pages ask for."""
    kind = message.WhichOneof("type")
    if kind == "rerun_script":
        refer_to_the_last_page(session, message.rerun_script)
        wanted_by(session).ask(message.rerun_script, session._pages_manager.get_pages().values())
    if kind in ASKED:
        _handle(session, message)


def wanted_by(session: AppSession) -> WantedPage:
    """The page that a tab wants."""
    return wanted.setdefault(session, WantedPage())


def note_what_is_sent(session: AppSession, message: ForwardMsg) -> None:
    """Send a message, and keep the hashes of what the last run of the whole page has drawn, and which page that is."""
    kind = message.WhichOneof("type")
    if kind in ("new_session", "navigation"):
        wanted_by(session).begin(getattr(message, kind).page_script_hash)
    if kind == "new_session" and not message.metadata.run.fragment_ids:
        drawn_last[session] = set()
    elif name := message.hash or message.ref_hash:
        drawn_last.setdefault(session, set()).add(name)
    _enqueue(session, message)


def refer_to_the_last_page(session: AppSession, asked: ClientState) -> None:
    """Of what a browser says that it has kept, so that it needs only a reference, believe what the last run has drawn.

    It may forget anything else while its request is under way, and a reference to what is forgotten stops its page.
    """
    drawn = drawn_last.get(session, set())
    kept = [name for name in asked.cached_message_hashes if name in drawn]
    del asked.cached_message_hashes[:]
    asked.cached_message_hashes.extend(kept)


def run_whole(session: SessionState, votes: Any, callback: Callable[[], None]) -> None:
    """Run the callback of any widget or component to its end: see `problems.spoken_errors`."""

    from ui.problems import spoken_errors  # the core comes with it: nothing here waits for that

    def whole() -> None:
        with spoken_errors():
            callback()

    _run_callback(session, votes, whole)


def run_over_one_connection(runner: ScriptRunner, asked: RerunData) -> None:
    """One run of the script or of a fragment, with its callbacks, in its turn: a page reads dozens of things."""
    from minigpt_core.store.schema import connections_kept

    with turns.turn(), connections_kept():
        _run_script(runner, at_the_last_address(runner, on_the_shown_page(runner, asked)))


def on_the_shown_page(runner: ScriptRunner, asked: RerunData) -> RerunData:
    """What is asked. A part of a page that has been left is no part of the one that is shown: a browser that hears of
    another page takes away what stands there, and a part does not draw it again. So all of the page is drawn then."""
    shown = runner._pages_manager.current_page_script_hash
    if asked.fragment_id_queue and shown and asked.page_script_hash not in ("", shown):
        query = runner._get_script_run_ctx().query_string
        asked = replace(
            asked,
            fragment_id_queue=[],
            is_fragment_scoped_rerun=False,
            page_script_hash=shown,
            query_string=query,
        )
    return asked


def at_the_last_address(runner: ScriptRunner, asked: RerunData) -> RerunData:
    """What is asked, at the address that the shown page was given last. A browser repeats what it has heard, and that
    may be older: a choice that was made a moment ago would be taken back.

    What a field keeps in the address by itself is the browser's. Another page, and a link that says `FOLLOW`, bring an
    address of their own; Back brings that of the page before, but for what a person has chosen since.
    """
    from ui.state import FOLLOW  # the core comes with it: nothing waits for that before a script runs

    heard = parse_qs(asked.query_string, keep_blank_values=True)
    shown = runner._pages_manager.current_page_script_hash
    with runner._session_state.query_params() as params:
        said = dict(params._query_params)
        fields = {name for name in said.keys() | heard.keys() if params.is_bound(name)}
    address: dict[str, Any] = heard
    if asked.query_string == STAY:
        address = said
    elif heard.pop(FOLLOW, None) or not shown:
        pass
    elif asked.is_history_navigation:
        address = {name: value for name, value in heard.items() if name not in CHOSEN}
        address |= {name: said[name] for name in CHOSEN if name in said}
    elif asked.page_script_hash in ("", shown):
        address = {name: value for name, value in said.items() if name not in fields}
        address |= {name: value for name, value in heard.items() if name in fields}
    return replace(asked, query_string=urlencode(address, doseq=True))


def stay_on_the_wanted_page(requests: ScriptRequests, asked: RerunData) -> bool:
    """Put a request to those that wait. A part of the page before does not bring that one back."""
    waiting = requests._rerun_data
    whole = requests._state == ScriptRequestType.RERUN and not waiting.fragment_id_queue
    if whole and asked.fragment_id and asked.page_script_hash != waiting.page_script_hash:
        asked = replace(
            asked, page_script_hash=waiting.page_script_hash, page_name=waiting.page_name,
            query_string=waiting.query_string,
        )  # fmt: skip
    return _put(requests, asked)


# A closed session takes several file descriptors until it is forgotten; Streamlit keeps 128. A class that has lost its
# network finds all of its own again.
MemorySessionStorage.__init__ = partialmethod(MemorySessionStorage.__init__, maxsize=MOST_CLOSED)  # type: ignore[assignment, method-assign]

_put = ScriptRequests._request_rerun_locked
ScriptRequests._request_rerun_locked = stay_on_the_wanted_page  # type: ignore[assignment, method-assign]
_handle, _run_callback = AppSession.handle_backmsg, SessionState._run_callback_and_record_rerun
_run_script = ScriptRunner._run_script
ScriptRunner._run_script = run_over_one_connection  # type: ignore[assignment, method-assign]
_enqueue = AppSession._enqueue_forward_msg
AppSession._enqueue_forward_msg = note_what_is_sent  # type: ignore[assignment, method-assign]
AppSession.handle_backmsg = handle_what_pages_ask  # type: ignore[assignment, method-assign]
SessionState._run_callback_and_record_rerun = run_whole  # type: ignore[assignment, method-assign]
