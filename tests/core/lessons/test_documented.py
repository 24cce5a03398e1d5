"""docs/lessons.md: its example is a lesson, and it names every check, argument, value and page that there is."""

import inspect
import re
from pathlib import Path
from typing import get_args

from minigpt_core.interpret.diagnosis import Kind
from minigpt_core.lessons.checks import CHECKS, verify
from minigpt_core.lessons.conditions import read_condition
from minigpt_core.lessons.lesson import PAGES, SHOWN, GuessKind
from minigpt_core.lessons.parser import ABOUT_STEP, parse_lesson
from minigpt_core.lessons.values import VALUES

PAGE = (Path(__file__).parents[3] / "docs" / "lessons.md").read_text(encoding="utf-8")


def test_the_example_is_a_lesson() -> None:
    example = re.search(r"```markdown\n(.*?)```", PAGE, re.DOTALL)
    assert example is not None
    lesson = parse_lesson(example[1], "two-temperatures.en.md")
    assert [step.question is not None for step in lesson.steps] == [True, True]


def test_the_examples_of_steps_belong_in_a_lesson_and_every_kind_of_guess_has_one() -> None:
    whole, *steps = re.findall(r"```markdown\n(.*?)```", PAGE, re.DOTALL)
    lesson = parse_lesson("\n".join([whole, *steps]), "all.en.md")
    assert {step.question.kind for step in lesson.steps if step.question} == {*get_args(GuessKind)}


def test_every_check_stands_there_with_all_its_arguments() -> None:
    shown = {call.name: call for line in re.findall(r"^\| `(\w+\(.*?\))` \|", PAGE, re.MULTILINE)
             for call in read_condition(line).calls()}  # fmt: skip
    assert shown.keys() == CHECKS.keys()
    for name, call in shown.items():
        verify(CHECKS, call)
        taken = [*inspect.signature(CHECKS[name]).parameters][1:]
        given = [*taken[: len(call.positional)], *dict(call.named)]
        assert {*given} == {*taken}, name


def test_everything_else_that_a_lesson_can_say_stands_there() -> None:
    prose = re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)
    named = {re.split(r"[:(?]", found)[0] for found in re.findall(r"`([^`\n]+)`", prose)}
    assert {*ABOUT_STEP} <= named and {*SHOWN} <= named and {*VALUES} <= named
    assert {*PAGES} <= named and {*get_args(Kind)} <= named
