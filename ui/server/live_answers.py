"""What is told of a run over and over: composed once for all who watch it, and handed on as bytes."""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from minigpt_core.errors import RunNotFound, UserError
from minigpt_core.jobs import manager
from minigpt_core.store.live_state import encoded
from minigpt_core.store.runs import LIVE, Run
from ui import resources
from ui.runs.live_state import by_worker, live_state
from ui.words.i18n import translate

FRESH = 0.2  # seconds for which an answer is handed on
SOONEST_MS, EACH_MS, LATEST_MS = 250, 8, 1000  # when to ask again: the more people watch, the later
WATCHES = 2.5  # seconds since who watches has asked last
MOST_KEPT = 256

Json = dict[str, Any]
Told = Callable[[Run], Json]


@dataclass(frozen=True)
class Answer:
    """What is told of a run, and what it was made from."""

    run: Run | None
    body: bytes
    status: int = 200
    tag: str = ""
    made: float = 0.0
    """When it was begun to be composed, in seconds of the monotonic clock."""

    def is_fresh(self, run_id: str) -> bool:
        """Whether it may be handed on: made a moment ago, and not before the run was stopped, say."""
        return time.monotonic() - self.made <= FRESH and self.made > manager.changed_at(run_id)


_kept: OrderedDict[tuple[Told, str], Answer] = OrderedDict()  # the event loop alone changes these two
_coming: dict[tuple[Told, str], asyncio.Task[Answer]] = {}
_watchers: OrderedDict[str, float] = OrderedDict()  # when each browser asked last; it too is the event loop's
_threads = ThreadPoolExecutor(2, "live")  # however many runs are watched, composing takes no more than this


async def hand_on(request: Request, told: Told) -> Response:
    """The newest answer about the run in the address: 200, or 304 if the reader has it; 404 for an unknown run, 503 if
    the store fails. What a worker tells of its run comes as it is."""
    key = told, request.path_params["run_id"]
    answer = _kept.get(key)
    if answer is None or not answer.is_fresh(key[1]):
        answer = await asyncio.shield(_coming.get(key) or begin(key))
    headers = {"Ask-Again": str(ask_again(request.headers.get("cookie", "")))}
    headers |= {"ETag": answer.tag, "Cache-Control": "no-cache"} if answer.tag else {}
    if answer.tag and request.headers.get("if-none-match") == answer.tag:
        return Response(status_code=304, headers=headers)
    return Response(answer.body, answer.status, headers, media_type="application/json")


def ask_again(browser: str) -> int:
    """After how many milliseconds a page is to ask again, so that all who watch together cost no more than a class."""
    now = time.monotonic()
    _watchers[browser] = now
    _watchers.move_to_end(browser)
    while now - next(iter(_watchers.values())) > WATCHES:
        _watchers.popitem(last=False)
    return min(LATEST_MS, max(SOONEST_MS, EACH_MS * len(_watchers)))


def begin(key: tuple[Told, str]) -> asyncio.Task[Answer]:
    """Have an answer composed; who asks meanwhile waits for the same one."""

    async def renew() -> Answer:
        began = time.monotonic()
        try:
            work = asyncio.get_running_loop().run_in_executor(_threads, compose, *key, _kept.get(key))
            answer = replace(await work, made=began)
        finally:
            del _coming[key]
        if answer.tag:
            _kept[key] = answer
            _kept.move_to_end(key)
            if len(_kept) > MOST_KEPT:
                _kept.popitem(last=False)
        return answer

    _coming[key] = asyncio.create_task(renew())
    return _coming[key]


def compose(told: Told, run_id: str, before: Answer | None) -> Answer:
    """What `told` says about a run; what was said before, if the run has ended and is still the same."""
    try:
        if told is live_state and (body := by_worker(run_id)) is not None:
            return Answer(None, body, tag=tag_of(body))
        run = resources.run(run_id)
        if before is not None and before.run == run and run.status not in LIVE:
            return before
        body = encoded(told(run))
    except RunNotFound:
        return Answer(None, encoded({"error": "unknown run"}), 404)
    except UserError as error:
        return Answer(None, encoded({"error": translate(error)}), 503)
    return Answer(run, body, tag=tag_of(body))


def tag_of(body: bytes) -> str:
    """An ETag: the same for the same bytes."""
    return f'"{hashlib.sha256(body).hexdigest()[:16]}"'
