"""The addresses of a class: news for everybody, and for the teacher alone how everybody is doing."""

import asyncio
import shutil
import time
from urllib.parse import urlsplit

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from ui import orders, people, teacher
from ui.classroom import afterwards, pupils, wall_state
from ui.server.base_path import base_path
from ui.server.composed import Composed
from ui.workspace import A_YEAR, COOKIE, LEFT, MOST_LEFT, left_here, mark, new_token

HELD = 1.5  # seconds; a browser has six connections for a server, and each of its visible tabs keeps one
LOOKED_EVERY = 0.1  # seconds

_pupils, _wall = Composed(pupils.told), Composed(wall_state.told)


async def news(request: Request) -> Response:
    """The version of what the teacher has asked for. Whoever asks is here. Who says which `version` they know is
    answered when there is another one, `HELD` seconds later at most."""
    people.roll().sign_of_life(request.cookies.get(COOKIE, ""))
    known, until = request.query_params.get("version"), time.monotonic() + HELD
    while str(orders.now().version) == known and time.monotonic() < until:
        await asyncio.sleep(LOOKED_EVERY)
    return PlainTextResponse(str(orders.now().version), headers={"Cache-Control": "no-store"})


async def everybody(request: Request) -> Response:
    """How the pupils are doing: see `pupils.told`. 404 for everybody but the teacher."""
    return await _pupils.hand_on(request) if teacher.is_teacher(request.cookies) else nothing()


async def wall(request: Request) -> Response:
    """What stands on the wall: see `wall_state.told`. 404 for everybody but the teacher."""
    return await _wall.hand_on(request) if teacher.is_teacher(request.cookies) else nothing()


def archive(request: Request) -> Response:
    """Everything of the class as one .zip. 404 for everybody but the teacher."""
    if not teacher.is_teacher(request.cookies):
        return nothing()
    path = afterwards.archive()
    gone = BackgroundTask(shutil.rmtree, path.parent, ignore_errors=True)
    headers = {"Cache-Control": "no-store"}
    return FileResponse(
        path, media_type="application/zip", filename=path.name, headers=headers, background=gone
    )


def new_pupil(request: Request) -> Response:
    """A new workspace for this browser, whose last one is not shown in it any more. Only a page of ours leads here: a
    foreign one would take somebody's runs away."""
    if not from_a_page_of_ours(request):
        return nothing()
    answer = RedirectResponse("../", 303, headers={"Cache-Control": "no-store"})
    before = [*left_here(request.cookies), mark(request.cookies.get(COOKIE, ""))][-MOST_LEFT:]
    for name, value in [(COOKIE, new_token()), (LEFT, ".".join(before))]:
        secure = request.url.scheme == "https"
        answer.set_cookie(
            name, value, A_YEAR, path=base_path() or "/", httponly=True, samesite="lax", secure=secure
        )
    return answer


def from_a_page_of_ours(request: Request) -> bool:
    """Whether a page of this server has led here. Browsers say so themselves, but not in a network without encryption:
    there they name the page, and send no foreign one's name as ours."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    return urlsplit(request.headers.get("referer", "")).netloc == request.headers.get("host")


def nothing() -> Response:
    """What somebody gets who is not the teacher: what there is at an address that nobody has."""
    return PlainTextResponse("Not Found", 404)


ROUTES = [
    Route("/api/class", news),
    Route("/api/class/pupils", everybody),
    Route("/api/wall", wall),
    Route("/api/class/archive.zip", archive),
    Route("/api/new-pupil", new_pupil),
]
