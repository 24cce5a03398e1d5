"""Entry point: `streamlit run dashboard.py`. An ASGI app around the main script, `ui/shell.py`."""

import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import streamlit as st
from starlette.middleware import Middleware

from minigpt_core import devices
from minigpt_core.errors import UserError
from minigpt_core.jobs import manager
from minigpt_core.store.runs import BIN_SECONDS, RunStore
from ui import problems
from ui.server import generation_routes, run_routes
from ui.server import streamlit_changes as streamlit_changes  # importing it is enough
from ui.server.base_path import below_base_path
from ui.server.open_files import raise_limit
from ui.server.security import OwnNamesOnly, SecurityHeaders
from ui.server.unknown_page import UnknownPage
from ui.workspace import WorkspaceCookie


def empty_bin() -> None:
    """Remove for good what was deleted long ago."""
    with suppress(UserError):  # the store cannot be written; the pages say so
        RunStore().purge_deleted(BIN_SECONDS)


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[None]:
    """Have a training process ready before the first visitor; leave none behind."""
    raise_limit()
    devices.use_threads(1)  # a page calculates little: more would only wait for each other and for trainings
    try:
        manager.shared()
    except UserError as error:  # the pages say it too, in the reader's language
        logging.getLogger("minigpt").error("%s", error)
    threading.Thread(target=empty_bin, daemon=True).start()
    yield
    manager.close_shared()


app = st.App(
    "ui/shell.py",
    lifespan=lifespan,
    middleware=[
        Middleware(SecurityHeaders),
        Middleware(OwnNamesOnly),
        Middleware(UnknownPage),
        Middleware(WorkspaceCookie),
    ],
    routes=below_base_path([*run_routes.ROUTES, *generation_routes.ROUTES]),
    on_script_error=problems.show,
)
