"""Which lessons there are: those that come with the program, those in the data folder, and the ways through them."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from minigpt_core.data_home import data_home
from minigpt_core.errors import N_
from minigpt_core.lessons.lesson import Lesson, LessonError
from minigpt_core.lessons.parser import FILE, keep_lesson, misnamed, read_lesson

SHIPPED = Path(__file__).parent / "shipped"
SOURCE = "en"  # what another language lacks is shown in it

ORDER = (
    "numbers", "batches", "loss", "tinygpt", "attention", "learning-rate", "by-heart", "temperature", "copied", "data",
    "using", "inside", "notebook-to-gpt",
)  # fmt: skip
"""The lessons that come with the program, in the order of the list."""


@dataclass(frozen=True)
class Pathway:
    """Some lessons in their order, for an occasion."""

    name: str
    title: str
    """English; translate it where it is shown, like `about`."""

    about: str
    lessons: tuple[str, ...]


PATHWAYS = (
    Pathway(
        "lycee",
        N_("45 minutes: what a language model does"),
        N_("For a class at school: seven lessons, with nine minutes to talk about what was seen."),
        ("numbers", "loss", "tinygpt", "attention", "temperature", "copied", "using"),
    ),
    Pathway(
        "lecture",
        N_("Two hours: how it learns, and what it knows"),
        N_(
            "For a first lecture at a university: all twelve lessons, half of the time to do and half to discuss."
        ),
        ORDER[:12],
    ),
    Pathway(
        "alone",
        N_("By yourself: from three cells to a GPT, with the code"),
        N_("For those who read Python: from the notebook of three cells to the parts of today’s models."),
        ("notebook-to-gpt",),
    ),
)


def own_folder() -> Path:
    """Where lessons of one's own are found."""
    return data_home() / "lessons"


def keep(data: bytes, file: str) -> Lesson:
    """Put a lesson of one's own among the others. Raises `LessonError` for what is none, or for a taken name."""
    if error := taken(file):
        raise error
    return keep_lesson(data, file, own_folder())


def taken(file: str) -> LessonError | None:
    """Why a file cannot be a lesson of one's own, if a lesson that comes with the program has its name."""
    named = FILE.fullmatch(file)
    if named is None or not any(SHIPPED.glob(f"{named[1]}.*.md")):
        return None
    return LessonError(
        "{file}: a lesson that comes with the program is called “{name}”, and that one stays in the list. Choose "
        "another name for yours.",
        file=file, name=named[1],
    )  # fmt: skip


def shipped_languages() -> list[str]:
    """The codes of the languages of the lessons that come with the program."""
    return sorted({named[2] for path in SHIPPED.glob("*.md") if (named := FILE.fullmatch(path.name))})


def lesson_files(name: str) -> dict[str, tuple[Path, bool]]:
    """The files of a lesson by language, and whether each is one's own; those that came with the program go first."""
    if FILE.fullmatch(f"{name}.{SOURCE}.md") is None:
        return {}
    found: dict[str, tuple[Path, bool]] = {}
    for folder, own in ((SHIPPED, False), (own_folder(), True)):
        for path in sorted(folder.glob(f"{name}.*.md")):
            if (named := FILE.fullmatch(path.name)) and not (own and (SHIPPED / path.name).exists()):
                found.setdefault(named[2], (path, own))
        if found:
            break
    return found


def find_lesson(name: str, language: str) -> Lesson:
    """A lesson in a language, else in English, else as it is there. Raises `LessonError`."""
    files = lesson_files(name)
    if not files:
        raise LessonError("There is no lesson “{name}” here. Choose one from the list.", name=name[:40])
    path, own = files.get(language) or files.get(SOURCE) or next(iter(files.values()))
    return _read(path, own)


def _read(path: Path, own: bool) -> Lesson:
    """The lesson in a file; a page asks for it at every click."""
    with suppress(OSError):
        now = path.stat()
        return _as_saved(path, own, now.st_mtime_ns, now.st_size)
    return read_lesson(path, own=own)  # says why


@lru_cache(maxsize=256)
def _as_saved(path: Path, own: bool, _saved: int, _size: int) -> Lesson:
    return read_lesson(path, own=own)


def in_other_languages(lesson: Lesson) -> list[Lesson]:
    """The same lesson, step by step, in the other languages that it can be read in."""
    found = list[Lesson]()
    for language, (path, own) in lesson_files(lesson.name).items():
        if language == lesson.language:
            continue
        with suppress(LessonError):  # whoever reads it in that language is told
            found.append(_read(path, own))
    return [other for other in found if len(other.steps) == len(lesson.steps)]


def saved(name: str) -> tuple[int, ...]:
    """When the files of a lesson were last saved, in nanoseconds: another value asks for them to be read again."""
    with suppress(OSError):  # one has just been removed
        return tuple(path.stat().st_mtime_ns for path, _own in lesson_files(name).values())
    return ()


def names() -> Iterator[str]:
    """All lessons: ours in their order, then one's own by name."""
    yield from (name for name in ORDER if lesson_files(name))
    own = {named[1] for path in own_folder().glob("*.md") if (named := FILE.fullmatch(path.name))}
    yield from sorted(own - {*ORDER})


def lessons(language: str) -> list[Lesson | LessonError]:
    """All lessons in a language; for what cannot be read or stands in no list, why."""
    found: list[Lesson | LessonError] = []
    for name in names():
        try:
            found.append(find_lesson(name, language))
        except LessonError as error:
            found.append(error)
    return found + passed_over()


def passed_over() -> list[LessonError]:
    """Why some files in the folder for one's own lessons are none: their names are taken, or say no language."""
    files = sorted(path.name for path in own_folder().glob("*.md"))
    why = (taken(file) if FILE.fullmatch(file) else misnamed(file) for file in files)
    return [*filter(None, why)]
