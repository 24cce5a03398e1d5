"""Lessons of one's own stand beside those that came with the program, and the command line checks and lists them."""

from pathlib import Path

import pytest

from minigpt_core.__main__ import main
from minigpt_core.lessons import catalogue
from minigpt_core.lessons.catalogue import SHIPPED
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
    for name in ("loss.en.md", "loss.de.md"):
        with pytest.raises(LessonError, match="comes with the program is called “loss”"):
            catalogue.keep(b"", name)
    assert [path.name for path in own.iterdir()] == ["loss.en.md"]
    catalogue.keep(TEXT.format(title="Mine").encode(), "my-loss.en.md")
    assert catalogue.find_lesson("my-loss", "en").own


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


def test_a_name_that_is_taken_is_no_name_for_a_lesson_of_ones_own(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(own, "temperature.en.md", "Mine")
    assert main(["lessons", "check", str(own / "temperature.en.md")]) == 2
    said = capsys.readouterr()
    assert "temperature.en.md: a lesson that comes with the program is called “temperature”" in said.err
    assert "Nothing to correct" not in said.out
    assert main(["lessons", "check", str(SHIPPED / "temperature.en.md")]) == 0
    assert capsys.readouterr().err == ""


def test_a_language_that_no_other_lesson_has_is_said(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(own, "german.de.md", "Deutsch")
    write(own, "french.fr.md", "Français")
    assert main(["lessons", "check", str(own / "german.de.md"), str(own / "french.fr.md")]) == 0
    said = capsys.readouterr()
    assert "german.de.md: no lesson that comes with the program is in “de”; they are in: en, fr." in said.err
    assert said.err.count("\n") == 1 and said.out.count("Nothing to correct") == 2


def test_the_languages_of_a_lesson_have_the_same_number_of_steps(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(own, "two.en.md", "Two")
    (own / "two.fr.md").write_text(
        TEXT.format(title="Deux") + "## Et\n\nFaites.\n\n- page: home\n", encoding="utf-8"
    )
    write(own, "one.en.md", "One")
    both = [str(own / "two.en.md"), str(own / "two.fr.md")]
    assert main(["lessons", "check", str(own / "one.en.md"), *both]) == 2
    assert "two.en.md and two.fr.md differ in their number of steps (1 and 2)" in capsys.readouterr().err
    write(own, "two.fr.md", "Deux")
    assert main(["lessons", "check", str(own / "one.en.md"), *both]) == 0
    assert capsys.readouterr().err == ""


def test_a_key_that_is_like_none_is_said_and_may_stand(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = TEXT.format(title="Mine") + "- veil: start, qqqqq, live_run_3\n- point: my_own_thing\n"
    (own / "mine.en.md").write_text(text, encoding="utf-8")
    assert main(["lessons", "check", str(own / "mine.en.md")]) == 0
    said = capsys.readouterr().err.splitlines()
    assert ["mine.en.md:5: no key known here is like “qqqqq”" in said[0], "“my_own_thing”" in said[1]] == [
        True,
        True,
    ]
    assert len(said) == 2


def test_a_file_that_stands_in_no_list_is_named(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(own, "temperature.en.md", "Mine")
    write(own, "My lesson.md", "Mine")
    assert main(["lessons", "list"]) == 0
    said = capsys.readouterr().err
    assert "temperature.en.md: a lesson that comes with the program is called “temperature”" in said
    assert "such as my-lesson.en.md" in said and "this one is called My lesson.md" in said
