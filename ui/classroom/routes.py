"""The addresses of a class: news for everybody, and for the teacher alone how everybody is doing."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ui import people, teacher
from ui.classroom import pupils
from ui.server.composed import Composed
from ui.workspace import COOKIE

_pupils = Composed(pupils.told)


async def news(request: Request) -> Response:
    """The version of what the teacher has asked for. Whoever asks is here."""
    people.roll().sign_of_life(request.cookies.get(COOKIE, ""))
    return PlainTextResponse("0", headers={"Cache-Control": "no-store"})


async def everybody(request: Request) -> Response:
    """How the pupils are doing: see `pupils.told`. 404 for everybody but the teacher."""
    return await _pupils.hand_on(request) if teacher.is_teacher(request.cookies) else nothing()


def nothing() -> Response:
    """What somebody gets who is not the teacher: what there is at an address that nobody has."""
    return PlainTextResponse("Not Found", 404)


ROUTES = [Route("/api/class", news), Route("/api/class/pupils", everybody)]
