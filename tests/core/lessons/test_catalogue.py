"""Lessons of one's own stand beside those that came with the program, and the command line checks and lists them."""

from pathlib import Path

import pytest

from minigpt_core.__main__ import main
from minigpt_core.lessons import catalogue
from minigpt_core.lessons.lesson import Lesson, LessonError

TEXT = "---\ntitle: {title}\nabout: One thing.\n---\n## Do\n\nDo it.\n\n- page: home\n"


@pytest.fixture
def own(data_home: Path) -> Path:
    folder = data_home / "lessons"
    folder.mkdir(parents=True)
    return folder


def write(folder: Path, name: str, title: str) -> None:
    (folder / name).write_text(TEXT.format(title=title), encoding="utf-8")


def test_a_lesson_of_ones_own_is_found_and_marked(own: Path) -> None:
    write(own, "mine.fr.md", "À moi")
    write(own, "notes.txt", "no lesson")
    (own / "broken.en.md").write_text("hello", encoding="utf-8")
    found = catalogue.lessons("en")[-2:]
    assert isinstance(found[0], LessonError) and "broken.en.md:1" in str(found[0])
    assert isinstance(found[1], Lesson) and (found[1].title, found[1].own) == ("À moi", True)
    assert catalogue.find_lesson("mine", "en").language == "fr"  # there is no other


def test_another_name_is_refused_and_never_becomes_a_path(own: Path) -> None:
    write(own.parent, "secret.en.md", "Not here")
    for name in ("nothing", "../secret", "..", "*", "a/b", ""):
        with pytest.raises(LessonError, match="There is no lesson"):
            catalogue.find_lesson(name, "en")


def test_a_lesson_that_came_with_the_program_is_not_replaced(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = own.parent / "shipped"
    shipped.mkdir()
    monkeypatch.setattr(catalogue, "SHIPPED", shipped)
    write(shipped, "loss.en.md", "Ours")
    write(own, "loss.en.md", "Mine")
    found = catalogue.find_lesson("loss", "en")
    assert (found.title, found.own) == ("Ours", False)


def test_the_command_line_checks_and_lists(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(own, "mine.en.md", "Mine")
    (own / "broken.en.md").write_text("hello", encoding="utf-8")
    assert main(["lessons", "check", str(own / "mine.en.md")]) == 0
    assert capsys.readouterr().out == "mine.en.md: 1 step, about 1 min. Nothing to correct.\n"
    assert main(["lessons", "check", str(own / "broken.en.md"), str(own / "mine.en.md")]) == 2
    assert "broken.en.md:1: the first line must be" in capsys.readouterr().err
    assert main(["lessons", "list"]) == 0
    said = capsys.readouterr()
    assert "Mine  (yours)" in said.out and "broken.en.md:1" in said.err
