"""What a script draws reaches the event loop in order, many elements at a time."""

import asyncio
from typing import Any, cast

from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner import ScriptRunnerEvent

from ui.server.streamlit_changes import gather

DRAWN = ScriptRunnerEvent.ENQUEUE_FORWARD_MSG


class Session:
    """As much of a session as passes events on."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._event_loop = loop
        self.done: list[Any] = []
        self.wake_ups = 0

    def _call_soon_on_event_loop(self, callback: Any) -> None:
        self.wake_ups += 1
        self._event_loop.call_soon_threadsafe(callback)

    def _handle_scriptrunner_event_on_event_loop(
        self, _sender: Any, event: Any, forward_msg: Any = None
    ) -> None:
        if forward_msg == "broken":
            raise ValueError(forward_msg)
        self.done.append(forward_msg if event == DRAWN else event)


async def run_script(session: Session, drawn: list[str]) -> None:
    def script() -> None:
        at = cast(AppSession, session)
        gather(at, None, event=ScriptRunnerEvent.SCRIPT_STARTED)
        for element in drawn:
            gather(at, None, event=DRAWN, forward_msg=element)
        gather(at, None, event=ScriptRunnerEvent.SCRIPT_STOPPED_WITH_SUCCESS)

    await asyncio.to_thread(script)
    await asyncio.sleep(0)


def test_all_comes_in_order_with_few_wake_ups() -> None:
    async def main() -> None:
        session = Session(asyncio.get_running_loop())
        drawn = [str(number) for number in range(300)]
        await run_script(session, drawn)
        started, *elements, stopped = session.done
        assert (started, elements) == (ScriptRunnerEvent.SCRIPT_STARTED, drawn)
        assert stopped == ScriptRunnerEvent.SCRIPT_STOPPED_WITH_SUCCESS
        assert session.wake_ups < len(drawn) / 2

    asyncio.run(main())


def test_what_is_drawn_does_not_wait_for_the_end() -> None:
    async def main() -> None:
        session = Session(asyncio.get_running_loop())
        gather(cast(AppSession, session), None, event=DRAWN, forward_msg="first")
        while not session.done:
            await asyncio.sleep(0.001)
        assert session.done == ["first"]

    asyncio.run(main())


def test_one_that_fails_takes_no_other_along() -> None:
    async def main() -> None:
        failed: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(
            lambda _loop, context: failed.append(context["exception"])
        )
        session = Session(asyncio.get_running_loop())
        await run_script(session, ["before", "broken", "after"])
        assert session.done[1:3] == ["before", "after"]
        assert [str(error) for error in failed] == ["broken"]

    asyncio.run(main())
