"""Entry point: `streamlit run dashboard.py`. An ASGI app around the main script, `ui/shell.py`.

Nothing here waits for torch, which takes seconds to import: the server answers and the browser gets its page while a
thread does it.
"""

import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Route, Router
from starlette.types import ASGIApp

from minigpt_core.background import share_arenas
from minigpt_core.errors import UserError
from ui.server import streamlit_changes as streamlit_changes  # importing it is enough
from ui.server.base_path import base_path, below_base_path
from ui.server.late import Late
from ui.server.open_files import raise_limit
from ui.server.security import OwnNamesOnly, SecurityHeaders
from ui.server.unknown_page import UnknownPage
from ui.server.whole_characters import WholeCharacters
from ui.teacher import TeacherLink
from ui.workspace import WorkspaceCookie

PURGE_SECONDS = 24 * 3600.0


def get_ready() -> None:
    """Import torch, and have a training process ready before the first visitor."""
    from minigpt_core import devices
    from minigpt_core.jobs import calculators, manager

    devices.use_threads(1)  # a page calculates little: more would only wait for each other and for trainings
    try:
        calculators.use(manager.shared().new_calculator)
    except UserError as error:  # the pages say it too, in the reader's language
        logging.getLogger("minigpt").error("%s", error)


def empty_bin(closing: threading.Event) -> None:
    """Remove for good what was deleted long ago, now and every day until the server closes."""
    from minigpt_core.store.runs import BIN_SECONDS, RunStore

    while not closing.is_set():
        with suppress(UserError):  # the store cannot be written; the pages say so
            RunStore().purge_deleted(BIN_SECONDS)
        closing.wait(PURGE_SECONDS)


def begin(closing: threading.Event) -> None:
    """What a thread does beside the server, as long as it serves."""
    get_ready()
    empty_bin(closing)


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[None]:
    """Get ready while the first visitor comes, and empty the bin day by day; leave no process behind."""
    raise_limit()
    share_arenas()
    closing = threading.Event()
    beside = threading.Thread(target=begin, args=(closing,), daemon=True)
    beside.start()
    yield
    closing.set()
    beside.join()
    from minigpt_core.jobs import calculators, manager

    calculators.close()
    manager.close_shared()


def our_routes() -> ASGIApp:
    """What answers below `/api`."""
    from ui.classroom import routes as class_routes
    from ui.server import generation_routes, run_routes

    return Router(below_base_path([*run_routes.ROUTES, *generation_routes.ROUTES, *class_routes.ROUTES]))


def show(error: BaseException) -> bool:
    """Say what happened in a script: see `problems.show`."""
    from ui import problems

    return problems.show(error)


app = st.App(
    "ui/shell.py",
    lifespan=lifespan,
    middleware=[
        Middleware(SecurityHeaders),
        Middleware(OwnNamesOnly),
        Middleware(WholeCharacters),
        Middleware(TeacherLink, base=base_path()),
        Middleware(UnknownPage),
        Middleware(WorkspaceCookie, base=base_path()),
    ],
    routes=below_base_path([Route("/api/{path:path}", Late(our_routes))]),
    on_script_error=show,
)
