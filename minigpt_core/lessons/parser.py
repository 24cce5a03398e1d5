"""Reads a lesson's file: a small part of Markdown, so that any forge shows it well. `docs/lessons.md` explains it.

    ---
    title: Temperature and chance
    about: Five draws, one question.
    ---
    ## Draw once
    At most sixty words.

    - page: sampling?view=write&temperature=0.8
    - done: sampled(times=2)

Everything is text: nothing in a lesson is ever run or becomes markup.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from minigpt_core.lessons.checks import CHECKS, verify
from minigpt_core.lessons.conditions import Condition, ConditionError, read_call, read_condition
from minigpt_core.lessons.lesson import (
    MOST_STEPS,
    MOST_WORDS,
    PAGES,
    PARAMETERS,
    SHOWN,
    GuessKind,
    Lesson,
    LessonError,
    Question,
    Step,
)
from minigpt_core.lessons.values import VALUES
from minigpt_core.store.checkpoint_files import write_whole

FILE = re.compile(r"([a-z0-9]+(?:-[a-z0-9]+)*)\.([a-z]{2,3})\.md")  # temperature.fr.md
ABOUT_LESSON = ("title", "about", "idea")
GUESSES: dict[str, GuessKind] = {
    "guess number": "number", "guess choice": "choice", "guess place": "place", "guess order": "order",
}  # fmt: skip
ABOUT_STEP = (
    "page", *GUESSES, "text", "answer", "veil", "done", "hint", "point", "reveal", "show", "say", "minutes",
)  # fmt: skip
DIRECTIVE = re.compile(r"- ([a-z]+(?: [a-z]+)?): ?(.*)")
OPTION = re.compile(r" {2,}[-*] (.*)")
NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?")
POINT = re.compile(r"[A-Za-z0-9_-]{1,60}")
VEILED = re.compile(rf"{POINT.pattern}( *, *{POINT.pattern}){{0,9}}")
LARGEST = 200_000  # bytes of a file


@dataclass
class _Written:
    """A directive as it stands in the file."""

    line: int
    value: str
    options: list[str] = field(default_factory=list)


@dataclass
class _Section:
    """A step as it stands in the file."""

    line: int
    title: str
    words: list[str] = field(default_factory=list)
    directives: dict[str, _Written] = field(default_factory=dict)


def read_lesson(path: Path, *, own: bool = False) -> Lesson:
    """The lesson in a file called `<name>.<language>.md`.

    Args:
        own: it did not come with the program.

    Raises:
        LessonError: the file cannot be read, or something in it is not as it should be.
    """
    try:
        data = path.read_bytes()
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise LessonError(
            "{file} cannot be read: {reason}.", file=path.name, reason=error.strerror
        ) from error
    except UnicodeDecodeError as error:
        raise LessonError(
            "{file} is not written in UTF-8. Save it in that encoding.", file=path.name
        ) from error
    if len(data) > LARGEST:
        raise _too_large(path.name, len(data))
    return parse_lesson(text, path.name, own=own)


def keep_lesson(data: bytes, file: str, folder: Path) -> Lesson:
    """Put a lesson of one's own into a folder if it is one, in place of what had its name. Raises `LessonError`."""
    if len(data) > LARGEST:
        raise _too_large(file, len(data))
    try:
        lesson = parse_lesson(data.decode("utf-8-sig"), file, own=True)
    except UnicodeDecodeError as error:
        raise LessonError("{file} is not written in UTF-8. Save it in that encoding.", file=file) from error
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / file, data)
    except OSError as error:
        raise LessonError("{file} cannot be kept: {reason}.", file=file, reason=error.strerror) from error
    return lesson


def _too_large(file: str, size: int) -> LessonError:
    return LessonError(
        "{file} takes {size} bytes, and a lesson may take {limit}.", file=file, size=size, limit=LARGEST
    )


def parse_lesson(text: str, file: str, *, own: bool = False) -> Lesson:
    """The lesson that is written in a text; `file` gives its name and language. Raises `LessonError`."""
    named = FILE.fullmatch(file)
    if named is None:
        raise LessonError(
            "A lesson’s file is named after the lesson and its language, such as my-lesson.en.md (small letters, "
            "digits and hyphens); this one is called {file}.",
            file=file,
        )
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    about, begin = _front_matter(lines, file)
    sections = list(_sections(lines, begin, file))
    if not sections:
        raise LessonError("{file} has no step yet: begin one with a line such as “## Draw once”.", file=file)
    if len(sections) > MOST_STEPS:
        raise LessonError(
            "{file} has {n} steps, and a lesson may have {limit}.",
            file=file,
            n=len(sections),
            limit=MOST_STEPS,
        )
    return Lesson(
        name=named[1], language=named[2], own=own, steps=tuple(_step(section, file) for section in sections),
        **about,
    )  # fmt: skip


def _place(file: str, line: int) -> str:
    return f"{file}:{line}"


def _front_matter(lines: list[str], file: str) -> tuple[dict[str, str], int]:
    """What stands between the first two lines `---`, and the number of lines that it takes."""
    if not lines or lines[0].strip() != "---":
        raise LessonError(
            "{place}: the first line must be “---”, then come title and about.", place=_place(file, 1)
        )
    found: dict[str, str] = {}
    for number, line in enumerate(lines[1:], start=2):
        if line.strip() == "---":
            missing = next((name for name in ABOUT_LESSON[:2] if not found.get(name)), None)
            if missing:
                raise LessonError(
                    "{place}: “{name}” is missing between the lines “---”.",
                    place=_place(file, 1),
                    name=missing,
                )
            return found, number
        name, colon, value = line.partition(":")
        if not line.strip():
            continue
        if not colon or name.strip() not in ABOUT_LESSON:
            raise LessonError(
                "{place}: “{line}” is none of what can stand here. There are: {known}.",
                place=_place(file, number), line=line.strip(), known=", ".join(ABOUT_LESSON),
            )  # fmt: skip
        found[name.strip()] = value.strip().strip('"')
    raise LessonError("{place}: a second line “---” is missing after the title.", place=_place(file, 1))


def _sections(lines: list[str], begin: int, file: str) -> Iterator[_Section]:
    """The steps; each begins with a line `## Title`."""
    section: _Section | None = None
    last: _Written | None = None
    for number, line in enumerate(lines[begin:], start=begin + 1):
        if line.startswith("## "):
            if section:
                yield section
            section, last = _Section(number, line[3:].strip()), None
        elif not line.strip():
            last = None
            if section:
                section.words.append("")
        elif section is None:
            raise LessonError(
                "{place}: this text belongs to no step. A step begins with a line such as “## Draw once”.",
                place=_place(file, number),
            )
        elif line.startswith("- "):
            last = _directive(section, line, number, file)
        elif last is not None and (option := OPTION.fullmatch(line)):
            last.options.append(option[1].strip())
        elif last is not None and line.startswith("  "):
            last.value = f"{last.value} {line.strip()}".strip()
        elif section.directives:
            raise LessonError(
                "{place}: the words of a step stand before its list. Indent this line by two spaces if it goes on with "
                "the line above.",
                place=_place(file, number),
            )
        else:
            section.words.append(line.strip())
    if section:
        yield section


def _directive(section: _Section, line: str, number: int, file: str) -> _Written:
    found = DIRECTIVE.fullmatch(line)
    if found is None or found[1] not in ABOUT_STEP:
        raise LessonError(
            "{place}: “{line}” is none of what a step can say. There are: {known}.",
            place=_place(file, number), line=line[2:].strip(), known=", ".join(ABOUT_STEP),
        )  # fmt: skip
    if found[1] in section.directives:
        raise LessonError(
            "{place}: this step says “{name}” twice.", place=_place(file, number), name=found[1]
        )
    written = _Written(number, found[2].strip())
    section.directives[found[1]] = written
    return written


def _step(section: _Section, file: str) -> Step:
    said = section.directives
    words = re.sub(r"\n{2,}", "\n\n", "\n".join(section.words)).strip()
    if not section.title or not words:
        raise LessonError("{place}: this step has no words yet.", place=_place(file, section.line))
    if (count := len(words.split())) > MOST_WORDS:
        raise LessonError(
            "{place}: the words of this step are {n}, and they may be {limit}. Shorten them, or make two steps of it.",
            place=_place(file, section.line), n=count, limit=MOST_WORDS,
        )  # fmt: skip
    if "page" not in said:
        raise LessonError(
            "{place}: this step has no page. Write one, such as `- page: training`.",
            place=_place(file, section.line),
        )
    page, address = _page(said["page"], file)
    return Step(
        title=section.title, line=section.line, words=words, page=page, address=address,
        question=_question(said, file), condition=_condition(said.get("done"), file),
        point=_matching(said.get("point"), POINT.fullmatch, file),
        veil=tuple(re.split(" *, *", _matching(said.get("veil"), VEILED.fullmatch, file))) if "veil" in said else (),
        show=_matching(said.get("show"), SHOWN.__contains__, file),
        minutes=_minutes(said.get("minutes"), file),
        **{name: said[name].value if name in said else "" for name in ("hint", "reveal", "say")},
    )  # fmt: skip


def _page(written: _Written, file: str) -> tuple[str, dict[str, str]]:
    """`sampling?view=next&temperature=0.8`, as in the browser's address bar."""
    page, _mark, query = written.value.strip("`/").partition("?")
    if page not in PAGES:
        raise LessonError(
            "{place}: there is no page “{page}”. There are: {known}.",
            place=_place(file, written.line), page=page, known=", ".join(PAGES),
        )  # fmt: skip
    address = dict(parse_qsl(query))
    unknown = next((name for name in address if name not in PARAMETERS), None)
    if unknown is not None:
        raise LessonError(
            "{place}: the address of a page cannot say “{name}”. It can say: {known}.",
            place=_place(file, written.line), name=unknown, known=", ".join(PARAMETERS),
        )  # fmt: skip
    return page, address


def _matching(written: _Written | None, fits: Callable[[str], Any], file: str) -> str:
    if written is None:
        return ""
    if not fits(written.value):
        raise LessonError(
            "{place}: “{value}” cannot stand here.", place=_place(file, written.line), value=written.value
        )
    return written.value


def _minutes(written: _Written | None, file: str) -> float:
    return 1.0 if written is None else _number(written, written.value, file)


def _number(written: _Written, text: str, file: str) -> float:
    if not NUMBER.fullmatch(text.strip()):
        raise LessonError("{place}: “{value}” is no number.", place=_place(file, written.line), value=text)
    return float(text.replace(",", "."))


def _condition(written: _Written | None, file: str) -> Condition | None:
    if written is None:
        return None
    try:
        condition = read_condition(written.value.strip("`"))
        for call in condition.calls():
            verify(CHECKS, call)
    except ConditionError as error:
        raise LessonError("{place}: {reason}", place=_place(file, written.line), reason=str(error)) from error
    return condition


def _question(said: dict[str, _Written], file: str) -> Question | None:
    asked = [name for name in GUESSES if name in said]
    if not asked:
        stray = next((said[name] for name in ("answer", "text") if name in said), None)
        if stray:
            raise LessonError("{place}: there is no guess in this step.", place=_place(file, stray.line))
        return None
    if len(asked) > 1:
        raise LessonError("{place}: a step has one guess at most.", place=_place(file, said[asked[1]].line))
    kind, written = GUESSES[asked[0]], said[asked[0]]
    options = tuple(said["text"].value) if kind == "place" and "text" in said else tuple(written.options)
    if kind != "number" and len(options) < 2:
        raise LessonError(
            "{place}: write what there is to choose from: a line `  - …` for each; for a place, a line `- text: …`.",
            place=_place(file, written.line),
        )
    answer, near = _answer(said.get("answer"), kind, len(options), file)
    return Question(kind=kind, words=written.value, options=options, answer=answer, near=near)


def _answer(written: _Written | None, kind: GuessKind, options: int, file: str) -> tuple[Any, float]:
    """What is right, and for a number how near is near enough."""
    if written is None:
        return None, 0.0
    value = written.value.strip("`")
    if kind == "order":
        order = tuple(int(part) for part in re.findall(r"\d+", value))
        if sorted(order) != list(range(1, options + 1)):
            raise LessonError(
                "{place}: the order names each of the {n} lines once, such as 2 1 3.",
                place=_place(file, written.line), n=options,
            )  # fmt: skip
        return order, 0.0
    value, _sign, near = (part.strip() for part in value.partition("±"))
    distance = _number(written, near, file) if near else 0.0
    if kind == "number" and not NUMBER.fullmatch(value):
        try:
            call = read_call(value)
            verify(VALUES, call)
        except ConditionError as error:
            raise LessonError(
                "{place}: {reason}", place=_place(file, written.line), reason=str(error)
            ) from error
        return call, distance
    number = _number(written, value, file)
    if kind != "number" and number not in range(1, options + 1):
        raise LessonError(
            "{place}: the answer is the place of the right one, from 1 to {n}.",
            place=_place(file, written.line),
            n=options,
        )
    return number, distance
