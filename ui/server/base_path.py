"""Our own routes where Streamlit has its own: below `server.baseUrlPath`."""

from collections.abc import Iterable

from starlette.routing import Route
from streamlit import config


def base_path() -> str:
    """What stands before every path, as in "/lab/gpt"; "" for nothing."""
    path = str(config.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{path}" if path else ""


def below_base_path(routes: Iterable[Route]) -> list[Route]:
    """The routes as they are asked for."""
    return [Route(base_path() + route.path, route.endpoint) for route in routes]
