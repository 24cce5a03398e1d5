"""Whose turn it is: by person, by what is calculated, by memory."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from minigpt_core.jobs.turns import Forecast, Room, begins_in, in_turn


@dataclass(frozen=True)
class Asked:
    owner: str
    work: float = 1.0
    memory: int = 10
    preferred: bool = False
    watched: bool = False


ROOM = Room(cores=2, memory=100)
RUNS = st.lists(
    st.builds(
        Asked, owner=st.sampled_from("abc"), work=st.sampled_from([0.0, 0.1, 1.0]), watched=st.booleans()
    ),
    max_size=9,
)


def test_everybodys_first_comes_before_anybodys_second() -> None:
    sweep, one, other = [Asked("a") for _ in range(3)], Asked("b"), Asked("c")
    assert in_turn([*sweep, one, other], []) == [sweep[0], one, other, *sweep[1:]]
    assert in_turn([*sweep, one], [Asked("a"), Asked("b", work=0.0)])[0] is one


@given(RUNS, RUNS)
def test_nobody_is_left_out_and_ones_own_keep_their_order(waiting: list[Asked], others: list[Asked]) -> None:
    line = in_turn(waiting, others)
    for owner in "abc":
        assert [run for run in line if run.owner == owner] == [run for run in waiting if run.owner == owner]


def test_a_teachers_come_first_and_what_is_watched_before_what_nobody_looks_at() -> None:
    left, watched, second = Asked("a"), Asked("b", watched=True), Asked("b", watched=True)
    teachers = [Asked("t", preferred=True), Asked("t", preferred=True)]
    assert in_turn([left, watched, second, *teachers], []) == [*teachers, watched, left, second]


def test_who_has_nothing_going_never_waits_for_the_others_work() -> None:
    busy = [Asked("a"), Asked("b"), Asked("c")]
    assert ROOM.has_turn(Asked("d"), busy)
    assert not ROOM.has_turn(Asked("a"), busy)


def test_what_is_held_or_slow_takes_no_place() -> None:
    idle = [Asked("a", work=0.0), Asked("a", work=0.02), Asked("b", work=0.02), Asked("b")]
    assert ROOM.has_turn(Asked("a"), idle)
    assert ROOM.has_turn(Asked("b"), idle)
    assert not ROOM.has_turn(Asked("b"), [*idle, Asked("a")])


def test_nothing_begins_that_memory_is_too_short_for_but_alone_it_does() -> None:
    assert ROOM.has_memory(Asked("a", memory=90), [Asked("b")])
    assert not ROOM.has_memory(Asked("a", memory=91), [Asked("b", work=0.0)])
    assert ROOM.has_memory(Asked("a", memory=1000), [])


def test_who_waits_begins_when_a_core_is_free_or_nothing_of_its_owner_goes_on() -> None:
    mine, theirs = Forecast(owner="a", seconds=30.0), Forecast(owner="b", seconds=10.0)
    next_one, after_it = Forecast(owner="a", seconds=5.0), Forecast(owner="a", seconds=5.0)
    assert begins_in([next_one], [], ROOM) == 0
    assert begins_in([next_one], [mine, theirs], ROOM) == 10
    assert begins_in([next_one, after_it], [mine, theirs], ROOM) == 15
    others = [Forecast(owner=name, seconds=100.0) for name in "bcd"]
    assert begins_in([next_one], [mine, *others], ROOM) == 30
    assert begins_in([Forecast(owner="e", seconds=1.0)], others, ROOM) == 0
