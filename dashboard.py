"""Entry point: `streamlit run dashboard.py`. An ASGI app around the main script, `ui/shell.py`."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st
import torch
from starlette.middleware import Middleware
from streamlit import net_util

from minigpt_core.errors import UserError
from minigpt_core.jobs import manager
from ui import problems
from ui.server.generation_routes import ROUTES as GENERATION_ROUTES
from ui.server.routes import ROUTES
from ui.server.unknown_page import UnknownPage
from ui.workspace import WorkspaceCookie

# Streamlit compares the origin of a foreign page with this machine's public address, and would ask an outside
# service for it. This answers instead; 127.0.0.1 is among the allowed origins anyway.
net_util._internal_ip = net_util._external_ip = "127.0.0.1"


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[None]:
    """Have a training process ready before the first visitor; leave none behind."""
    torch.set_num_threads(
        1
    )  # a page calculates little: more threads would only wait for each other and for trainings
    try:
        manager.shared()
    except UserError as error:  # the pages say it too, in the reader's language
        logging.getLogger("minigpt").error("%s", error)
    yield
    manager.close_shared()


app = st.App(
    "ui/shell.py",
    lifespan=lifespan,
    middleware=[Middleware(UnknownPage), Middleware(WorkspaceCookie)],
    routes=[*ROUTES, *GENERATION_ROUTES],
    on_script_error=problems.show,
)
