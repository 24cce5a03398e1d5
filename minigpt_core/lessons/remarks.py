"""What can be said of lessons besides the mistakes in their files: a language that no other has, keys that nothing
known here is called by, and files of one lesson that do not go together."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from minigpt_core.lessons.catalogue import shipped_languages
from minigpt_core.lessons.controls import unknown
from minigpt_core.lessons.lesson import Lesson, LessonError


def remarks_on(lesson: Lesson) -> Iterator[LessonError]:
    """What its author should know; nothing of it keeps the lesson from being used."""
    known = shipped_languages()
    if lesson.language not in known:
        yield LessonError(
            "{file}: no lesson that comes with the program is in “{language}”; they are in: {known}. Yours is shown in "
            "this language to those who have chosen another one, unless there is a file in theirs or in English.",
            file=_file(lesson), language=lesson.language, known=", ".join(known),
        )  # fmt: skip
    for step in lesson.steps:
        for key in filter(unknown, (*step.veil, *step.veil_here, step.point)):
            yield LessonError(
                "{place}: no key known here is like “{key}”. See in the page’s HTML whether st-key-{key} stands there.",
                place=f"{_file(lesson)}:{step.line}", key=key,
            )  # fmt: skip


def uneven(lessons: Iterable[Lesson]) -> Iterator[LessonError]:
    """Languages of one lesson that have not as many steps as its first one."""
    for _name, group in groupby(sorted(lessons, key=lambda one: one.name), lambda one: one.name):
        first, *others = group
        for other in others:
            if len(other.steps) != len(first.steps):
                yield LessonError(
                    "{file} and {other} differ in their number of steps ({n} and {more}). Who changes the language "
                    "stays at the step of the same number, with its guess and its tick: give both the same steps.",
                    file=_file(first), other=_file(other), n=len(first.steps), more=len(other.steps),
                )  # fmt: skip


def _file(lesson: Lesson) -> str:
    return f"{lesson.name}.{lesson.language}.md"
