"""Scripts begin one after the other, and none keeps the others for long."""

import threading
from collections.abc import Callable, Iterator

import pytest

from ui.script_turns import ScriptTurns

LONG = 60.0  # seconds: longer than any test


class Script(threading.Thread):
    """A script that runs in its turn until it is told to end."""

    def __init__(self, turns: ScriptTurns, order: list[str], name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._turns, self._order = turns, order
        self.begun, self.ends, self.waits_elsewhere = threading.Event(), threading.Event(), threading.Event()
        self.start()

    def run(self) -> None:
        """Begin, perhaps wait for another process, end."""
        with self._turns.turn():
            self._order.append(self.name)
            self.begun.set()
            self.ends.wait(LONG)
            if self.waits_elsewhere.is_set():
                self._turns.give_way()
                self.ends.clear()
                self.ends.wait(LONG)


Begin = Callable[[str], Script]


@pytest.fixture
def order() -> list[str]:
    """The names of those that have begun."""
    return []


@pytest.fixture
def begin(order: list[str]) -> Iterator[Begin]:
    """Begins a script where nobody takes long; all end with the test."""
    turns, scripts = ScriptTurns(alone=LONG), list[Script]()

    def begin(name: str) -> Script:
        scripts.append(Script(turns, order, name))
        return scripts[-1]

    yield begin
    for script in scripts:
        script.ends.set()
    for script in scripts:
        script.join(LONG)


def queued(begin: Begin, name: str, before: Script) -> Script:
    """A script that asks for its turn after another one has done so."""
    script = begin(name)
    while len(script._turns._waiting) < (1 if before.begun.is_set() else 2):
        threading.Event().wait(0.001)
    return script


def test_the_next_begins_when_one_has_ended(begin: Begin, order: list[str]) -> None:
    first = begin("first")
    assert first.begun.wait(LONG)
    second = queued(begin, "second", first)
    third = queued(begin, "third", second)
    assert not second.begun.wait(0.05)
    first.ends.set()
    assert second.begun.wait(LONG)
    assert not third.begun.wait(0.05)
    second.ends.set()
    assert third.begun.wait(LONG)
    assert order == ["first", "second", "third"]


def test_who_waits_for_another_process_keeps_nobody(begin: Begin, order: list[str]) -> None:
    first = begin("first")
    first.begun.wait(LONG)
    first.waits_elsewhere.set()
    second = queued(begin, "second", first)
    first.ends.set()
    assert second.begun.wait(LONG)
    assert first.is_alive()


def test_who_takes_long_keeps_nobody(order: list[str]) -> None:
    turns = ScriptTurns(alone=0.05)
    scripts = [Script(turns, order, str(n)) for n in range(3)]
    assert all(script.begun.wait(LONG) for script in scripts)
    for script in scripts:
        script.ends.set()


def test_who_fails_gives_its_turn_back() -> None:
    turns = ScriptTurns(alone=LONG)
    with pytest.raises(ZeroDivisionError), turns.turn():
        _ = 1 / 0
    with turns.turn():
        pass


def test_two_never_run_at_once() -> None:
    turns, running, most = ScriptTurns(alone=LONG), set[int](), list[int]()

    def script() -> None:
        for _time in range(200):
            with turns.turn():
                running.add(threading.get_ident())
                most.append(len(running))
                running.remove(threading.get_ident())

    threads = [threading.Thread(target=script) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert most == [1] * 1600


def test_giving_way_without_a_turn_changes_nothing() -> None:
    ScriptTurns().give_way()
