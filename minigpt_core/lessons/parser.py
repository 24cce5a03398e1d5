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
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import takewhile
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from minigpt_core.configs import SETTING_TYPES
from minigpt_core.errors import ConfigError
from minigpt_core.lessons.addresses import PREPARED, Unmeant, check_value
from minigpt_core.lessons.checks import CHECKS, verify
from minigpt_core.lessons.conditions import Condition, ConditionError, read_call, read_condition
from minigpt_core.lessons.controls import WHOLE, meant
from minigpt_core.lessons.lesson import (
    MOST_STEPS,
    MOST_WORDS,
    PAGES,
    PARAMETERS,
    SHOWN,
    VIEWS,
    GuessKind,
    Lesson,
    LessonError,
    Question,
    Step,
)
from minigpt_core.lessons.values import VALUES
from minigpt_core.presets import PRESETS
from minigpt_core.store.checkpoint_files import write_whole
from minigpt_core.texts import corpus

FILE = re.compile(r"([a-z0-9]+(?:-[a-z0-9]+)*)\.([a-z]{2,3})\.md")  # temperature.fr.md
ABOUT_LESSON = ("title", "about", "idea")
GUESSES: dict[str, GuessKind] = {
    "guess number": "number", "guess choice": "choice", "guess place": "place", "guess order": "order",
}  # fmt: skip
ABOUT_STEP = (
    "page", *GUESSES, "text", "answer", "veil", "veil here", "done", "hint", "point", "reveal", "show", "say",
    "minutes",
)  # fmt: skip
DIRECTIVE = re.compile(r"- ([a-z]+(?: [a-z]+)?): ?(.*)")
OPTION = re.compile(r" {2,}[-*] (.*)")
NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?")
POINT = re.compile(r"[A-Za-z0-9_-]{1,60}")
VEILED = re.compile(rf"{POINT.pattern}( *, *{POINT.pattern}){{0,9}}")
LARGEST = 200_000  # bytes of a file
MEANT = (*VIEWS, *PREPARED, *corpus.BUNDLED)
"""Values that an address and a condition can name."""


@dataclass
class _Written:
    """A directive as it stands in the file."""

    line: int
    value: str
    options: list[str] = field(default_factory=list)
    misspelt: bool = False
    """Another word stands there; this one was probably meant."""


@dataclass
class _Section:
    """A step as it stands in the file."""

    line: int
    title: str
    words: list[str] = field(default_factory=list)
    directives: dict[str, _Written] = field(default_factory=dict)


class Mistakes(list[LessonError]):
    """What is wrong in a file, in the order in which it is found."""

    @contextmanager
    def noted(self, known: Iterable[str] = ()) -> Iterator[None]:
        """Go on after a mistake of what stands below. One about a name that is none of `known`, or of its own `names`,
        is followed by the nearest one."""
        try:
            yield
        except LessonError as error:
            self.append(error)
            name = str(error.values.get("name", ""))
            near = nearest(name, error.values.get("names", known))
            if near and near != name:
                self.append(
                    LessonError("{place}: perhaps “{near}” is meant.", near=near, place=error.values["place"])
                )


def nearest(name: str, known: Iterable[str]) -> str:
    """Which of the known names was probably meant; empty if none is like it."""
    return next(iter(get_close_matches(name, [*known], 1)), "")


def check_lesson(path: Path) -> tuple[Lesson | None, Mistakes]:
    """The lesson in a file, or None, and everything in it that is not as it should be."""
    found, lesson = Mistakes(), None
    with found.noted():
        lesson = _parse(_text_of(path), path.name, found)
    found.sort(key=_line)
    return lesson, found


def _line(mistake: LessonError) -> int:
    """Where it stands in its file; 0 for all of it."""
    return int(str(mistake.values.get("place", ":0")).rpartition(":")[2])


def read_lesson(path: Path, *, own: bool = False) -> Lesson:
    """The lesson in a file called `<name>.<language>.md`.

    Args:
        own: it did not come with the program.

    Raises:
        LessonError: the file cannot be read, or something in it is not as it should be: the first mistake.
    """
    return parse_lesson(_text_of(path), path.name, own=own)


def _text_of(path: Path) -> str:
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
    return text


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
    found = Mistakes()
    lesson = _parse(text, file, found, own=own)
    if lesson is None:
        raise found[0]
    return lesson


def _parse(text: str, file: str, found: Mistakes, *, own: bool = False) -> Lesson | None:
    with found.noted():
        return _parse_all(text, file, found, own=own)
    return None


def _parse_all(text: str, file: str, found: Mistakes, *, own: bool) -> Lesson | None:
    """The lesson; None if there was something to note. Raises what keeps the rest from being read."""
    named = FILE.fullmatch(file)
    if named is None:
        raise misnamed(file)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    about, begin = _front_matter(lines, file, found)
    sections = list(_sections(lines, begin, file, found))
    if not sections:
        raise LessonError("{file} has no step yet: begin one with a line such as “## Draw once”.", file=file)
    if len(sections) > MOST_STEPS:
        raise LessonError(
            "{file} has {n} steps, and a lesson may have {limit}.",
            file=file,
            n=len(sections),
            limit=MOST_STEPS,
        )
    steps = tuple(_step(section, file, found) for section in sections)
    for section, step in zip(sections, steps, strict=True):
        with found.noted():
            _check_guesses(section, step, steps, file)
    if found:
        return None
    return Lesson(name=named[1], language=named[2], own=own, steps=tuple(filter(None, steps)), **about)


def misnamed(file: str) -> LessonError:
    """That a file of this name is no lesson."""
    return LessonError(
        "A lesson’s file is named after the lesson and its language, such as my-lesson.en.md (small letters, "
        "digits and hyphens); this one is called {file}.",
        file=file,
    )


def _check_guesses(section: _Section, step: Step | None, steps: Sequence[Step | None], file: str) -> None:
    """A step that asks for a guess which nobody can make is never done."""
    for call in step.condition.calls() if step and step.condition else ():
        if call.name != "guessed":
            continue
        number = int((*call.positional, *dict(call.named).values())[0])
        asked = steps[number - 1] if 1 <= number <= len(steps) else step
        if not 1 <= number <= len(steps) or (asked is not None and asked.question is None):
            raise LessonError(
                "{place}: “guessed({n})” cannot be met, for step {n} has no guess. This is step {here}.",
                place=_place(file, section.directives["done"].line), n=number, here=steps.index(step) + 1,
            )  # fmt: skip


def _place(file: str, line: int) -> str:
    return f"{file}:{line}"


def _front_matter(lines: list[str], file: str, mistakes: Mistakes) -> tuple[dict[str, str], int]:
    """What stands between the first two lines `---`, and the number of lines that it takes."""
    if not lines or lines[0].strip() != "---":
        raise LessonError(
            "{place}: the first line must be “---”, then come title and about.", place=_place(file, 1)
        )
    head = list(takewhile(lambda line: line.strip() != "---" and not line.startswith("## "), lines[1:]))
    end = len(head) + 1
    if end == len(lines) or lines[end].startswith("## "):  # nobody knows what of it belongs to the head
        raise LessonError("{place}: a second line “---” is missing after the title.", place=_place(file, 1))
    found: dict[str, str] = {}
    meant: dict[str, str] = {}
    for number, line in enumerate(head, start=2):
        with mistakes.noted(ABOUT_LESSON):
            _about_lesson(line, _place(file, number), found, meant)
    for missing in (name for name in ABOUT_LESSON[:2] if not (meant | found).get(name)):
        mistakes.append(
            LessonError(
                "{place}: “{name}” is missing between the lines “---”.", place=_place(file, 1), name=missing
            )
        )
    return found, end + 1


def _about_lesson(line: str, place: str, found: dict[str, str], meant: dict[str, str]) -> None:
    """Put what a line of the head says into `found`; into `meant` what is misspelt there, so that it is not missing
    besides."""
    name, colon, value = (part.strip() for part in line.partition(":"))
    if not name and not colon:
        return
    if not colon or name not in ABOUT_LESSON:
        meant[nearest(_begun(name, ABOUT_LESSON) or name, ABOUT_LESSON)] = value or name
        if not colon:
            _check_colon(name, ABOUT_LESSON, place)
        raise LessonError(
            "{place}: “{line}” is none of what can stand here. There are: {known}.",
            place=place, line=line.strip(), known=", ".join(ABOUT_LESSON), name=name,
        )  # fmt: skip
    if name in found:
        raise LessonError("{place}: “{name}” stands there twice.", place=place, name=name)
    found[name] = value.strip('"')


def _begun(line: str, names: Iterable[str]) -> str:
    """Which of the names a line begins with; empty if none."""
    return next((name for name in names if f"{line} ".startswith(f"{name} ")), "")


def _check_colon(line: str, names: Iterable[str], place: str) -> None:
    """Something without a colon that begins with one of the names lacks nothing else."""
    if name := _begun(line, names):
        raise LessonError("{place}: a colon is missing after “{name}”.", place=place, name=name)


def _sections(lines: list[str], begin: int, file: str, mistakes: Mistakes) -> Iterator[_Section]:
    """The steps; each begins with a line `## Title`."""
    section: _Section | None = None
    stray = False
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
            if not stray:
                error = LessonError(
                    "{place}: this text belongs to no step. A step begins with a line such as “## Draw once”.",
                    place=_place(file, number),
                )
                mistakes.append(error)
            stray = True
        elif line.startswith("- "):
            last = _Written(number, "")
            with mistakes.noted(ABOUT_STEP):
                last = _directive(section, line, number, file)
        elif last is not None and (option := OPTION.fullmatch(line)):
            last.options.append(option[1].strip())
        elif last is not None and line.startswith("  "):
            last.value = f"{last.value} {line.strip()}".strip()
        elif section.directives:
            error = LessonError(
                "{place}: the words of a step stand before its list. Indent this line by two spaces if it goes on with "
                "the line above.",
                place=_place(file, number),
            )
            mistakes.append(error)
        else:
            section.words.append(line.strip())
    if section:
        yield section


def _directive(section: _Section, line: str, number: int, file: str) -> _Written:
    found = DIRECTIVE.fullmatch(line)
    if found is None or found[1] not in ABOUT_STEP:
        name, colon, _value = (part.strip() for part in line[2:].partition(":"))
        if near := nearest(_begun(name, ABOUT_STEP) or name, ABOUT_STEP):  # that one is not missing besides
            section.directives.setdefault(near, _Written(number, "", misspelt=True))
        if not colon:
            _check_colon(name, ABOUT_STEP, _place(file, number))
        raise LessonError(
            "{place}: “{line}” is none of what a step can say. There are: {known}.",
            place=_place(file, number), line=line[2:].strip(), known=", ".join(ABOUT_STEP), name=name,
        )  # fmt: skip
    if found[1] in section.directives:
        raise LessonError(
            "{place}: this step says “{name}” twice.", place=_place(file, number), name=found[1]
        )
    written = _Written(number, found[2].strip())
    section.directives[found[1]] = written
    return written


def _step(section: _Section, file: str, mistakes: Mistakes) -> Step | None:
    """A step; None if there was something to note."""
    said = {name: written for name, written in section.directives.items() if not written.misspelt}
    parts: dict[str, Callable[[], Any]] = {
        "words": lambda: _words(section, file),
        "question": lambda: _question(said, file),
        "condition": lambda: _condition(said.get("done"), file),
        "point": lambda: _point(said.get("point"), file),
        "veil": lambda: _veil(said.get("veil"), file),
        "veil_here": lambda: _veil(said.get("veil here"), file),
        "show": lambda: _show(said.get("show"), file),
        "minutes": lambda: _minutes(said.get("minutes"), file),
    }
    read: dict[str, Any] = {}
    page, address = "", dict[str, str]()
    with mistakes.noted(PAGES):
        page = _page(section, file)
    with mistakes.noted([*PARAMETERS, *PRESETS, *SETTING_TYPES, *MEANT]):
        address = _address(said.get("page"), file)
    for name, part in parts.items():
        with mistakes.noted(WHOLE if name in ("point", "veil", "veil_here") else [*CHECKS, *VALUES, *MEANT]):
            read[name] = part()
    if len(read) < len(parts):
        return None
    read |= {name: said[name].value if name in said else "" for name in ("hint", "reveal", "say")}
    return Step(title=section.title, line=section.line, page=page, address=address, **read)


def _words(section: _Section, file: str) -> str:
    words = re.sub(r"\n{2,}", "\n\n", "\n".join(section.words)).strip()
    if not section.title or not words:
        raise LessonError("{place}: this step has no words yet.", place=_place(file, section.line))
    if (count := len(words.split())) > MOST_WORDS:
        raise LessonError(
            "{place}: the words of this step are {n}, and they may be {limit}. Shorten them, or make two steps of it.",
            place=_place(file, section.line), n=count, limit=MOST_WORDS,
        )  # fmt: skip
    return words


def _page(section: _Section, file: str) -> str:
    """The page in `sampling?view=next&temperature=0.8`."""
    written = section.directives.get("page")
    if written is None:
        raise LessonError(
            "{place}: this step has no page. Write one, such as `- page: training`.",
            place=_place(file, section.line),
        )
    page = written.value.strip("`/").partition("?")[0]
    if page not in PAGES and not written.misspelt:
        raise LessonError(
            "{place}: there is no page “{page}”. There are: {known}.",
            place=_place(file, written.line), page=page, known=", ".join(PAGES), name=page,
        )  # fmt: skip
    return page


def _address(written: _Written | None, file: str) -> dict[str, str]:
    """What follows after it, as in the browser's address bar."""
    address = dict(parse_qsl(written.value.strip("`/").partition("?")[2])) if written else {}
    unknown = next((name for name in address if name not in PARAMETERS), None)
    if written and unknown is not None:
        raise LessonError(
            "{place}: the address of a page cannot say “{name}”. It can say: {known}.",
            place=_place(file, written.line), name=unknown, known=", ".join(PARAMETERS),
        )  # fmt: skip
    if written:
        for name, value in address.items():
            _check_value(name, value, _place(file, written.line))
    return address


def _check_value(name: str, value: str, place: str) -> None:
    try:
        check_value(name, value)
    except Unmeant as error:
        if not error.known:
            raise LessonError("{place}: “{value}” is no number.", place=place, value=error.value) from error
        raise LessonError(
            "{place}: “{part}=” cannot say “{name}” there. It can say: {known}.",
            place=place, part=name, name=error.value, known=", ".join(error.known), names=error.known,
        ) from error  # fmt: skip
    except ConfigError as error:
        raise LessonError("{place}: {reason}", place=place, reason=error) from error


def _point(written: _Written | None, file: str) -> str:
    return _control(_matching(written, POINT.fullmatch, file), written, file) if written else ""


def _veil(written: _Written | None, file: str) -> tuple[str, ...]:
    if written is None:
        return ()
    keys = re.split(" *, *", _matching(written, VEILED.fullmatch, file))
    return tuple(_control(key, written, file) for key in keys)


def _control(key: str, written: _Written, file: str) -> str:
    """A key that is not misspelt."""
    if meant(key):
        raise LessonError(
            "{place}: nothing on a page is called “{name}”.", place=_place(file, written.line), name=key
        )
    return key


def _show(written: _Written | None, file: str) -> str:
    if written is not None and written.value not in SHOWN:
        raise LessonError(
            "{place}: “{part}” cannot say “{name}”. It can say: {known}.",
            place=_place(file, written.line), part="show:", name=written.value, known=", ".join(SHOWN), names=SHOWN,
        )  # fmt: skip
    return written.value if written else ""


def _matching(written: _Written, fits: Callable[[str], Any], file: str) -> str:
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
        raise _unmet(error, written, file) from error
    return condition


def _unmet(error: ConditionError, written: _Written, file: str) -> LessonError:
    """What is wrong in a condition or value, with its place."""
    name = error.values.get("value", error.values.get("name", ""))
    known = {"names": error.values["names"]} if "names" in error.values else {}
    return LessonError(
        "{place}: {reason}", place=_place(file, written.line), reason=error, name=name, **known
    )


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
        if "(" not in value and value not in VALUES:
            raise LessonError(
                "{place}: “{name}” is no number and none of the values that can stand here: {known}.",
                place=_place(file, written.line), name=value, known=", ".join(VALUES), names=VALUES,
            )  # fmt: skip
        try:
            call = read_call(value)
            verify(VALUES, call)
        except ConditionError as error:
            raise _unmet(error, written, file) from error
        return call, distance
    number = _number(written, value, file) if kind == "number" or NUMBER.fullmatch(value) else 0
    if kind != "number" and number not in range(1, options + 1):
        raise LessonError(
            "{place}: the answer is the place of the right one, from 1 to {n}.",
            place=_place(file, written.line),
            n=options,
        )
    return number, distance
