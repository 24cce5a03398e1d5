"""The addresses of a class: news for everybody, and for the teacher alone how everybody is doing."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ui import orders, people, teacher
from ui.classroom import pupils, wall_state
from ui.server.composed import Composed
from ui.workspace import COOKIE

_pupils, _wall = Composed(pupils.told), Composed(wall_state.told)


async def news(request: Request) -> Response:
    """The version of what the teacher has asked for. Whoever asks is here."""
    people.roll().sign_of_life(request.cookies.get(COOKIE, ""))
    return PlainTextResponse(str(orders.now().version), headers={"Cache-Control": "no-store"})


async def everybody(request: Request) -> Response:
    """How the pupils are doing: see `pupils.told`. 404 for everybody but the teacher."""
    return await _pupils.hand_on(request) if teacher.is_teacher(request.cookies) else nothing()


async def wall(request: Request) -> Response:
    """What stands on the wall: see `wall_state.told`. 404 for everybody but the teacher."""
    return await _wall.hand_on(request) if teacher.is_teacher(request.cookies) else nothing()


def nothing() -> Response:
    """What somebody gets who is not the teacher: what there is at an address that nobody has."""
    return PlainTextResponse("Not Found", 404)


ROUTES = [Route("/api/class", news), Route("/api/class/pupils", everybody), Route("/api/wall", wall)]
