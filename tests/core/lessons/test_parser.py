"""What a lesson's file says, and that each mistake in one is named with its file, its line and what to do."""

from pathlib import Path

import pytest

from minigpt_core.lessons.lesson import LessonError
from minigpt_core.lessons.parser import check_lesson, parse_lesson

FRONT = "---\ntitle: Chance\nabout: Draw twice.\nidea: It always answers the same.\n---\n"
STEP = "## Draw\n\nPress **Another draw**.\n\n- page: sampling\n"


def test_everything_that_a_step_can_say() -> None:
    lesson = parse_lesson(
        FRONT
        + """
## Draw once

Press [[Another draw]].

And look.

- page: `sampling?view=temperature&rows=draws&prompt=un%20matin`
- guess choice: How many differ?
  - None
  - All of
  - Four
- answer: 3
- done: `temperature_was(0) and (sampled(times=2, seeds=2) or page_opened(attention))`
- hint: It stands at the
  top.
- point: sampling_another
- reveal: Four of five.
- show: fingerprint
- say: Wait for all.
- minutes: 2

## A number

How much?

- page: training
- guess number: Where does it end?
- answer: run_loss(model=TinyGPT) ± 0,1

## An order

Which first?

- page: training?settings=notebook~steps~700
- guess order: Which is lowest?
  - one
  - two
- answer: 2 1

## A place

Where?

- page: sampling?view=surprise
- guess place: Which one?
- text: un chat
- answer: 4
""",
        "chance.fr.md",
    )
    assert (lesson.name, lesson.language, lesson.title, lesson.minutes) == ("chance", "fr", "Chance", 5)
    assert lesson.idea == "It always answers the same."
    first, second, third, last = lesson.steps
    assert first.words == "Press [[Another draw]].\n\nAnd look."
    assert (first.page, dict(first.address)) == (
        "sampling", {"view": "temperature", "rows": "draws", "prompt": "un matin"},
    )  # fmt: skip
    assert first.question is not None and first.question.options == ("None", "All of", "Four")
    assert (first.question.answer, first.hint, first.show) == (3, "It stands at the top.", "fingerprint")
    assert first.condition is not None
    assert [str(call) for call in first.condition.calls()] == [
        "temperature_was(0)", "sampled(times=2, seeds=2)", "page_opened(attention)",
    ]  # fmt: skip
    assert second.question is not None and str(second.question.answer) == "run_loss(model=TinyGPT)"
    assert second.question.near == 0.1
    assert third.question is not None and third.question.answer == (2, 1)
    assert last.question is not None and (last.question.options[3], last.question.answer) == ("c", 4)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hello", "a.en.md:1: the first line must be"),
        ("---\ntitle: A\nabout: B\n", "a.en.md:1: a second line"),
        ("---\ntitle: A\n---\n" + STEP, "a.en.md:1: “about” is missing"),
        ("---\ntitle: A\nabuot: B\n---\n" + STEP, "a.en.md:3: “abuot: B” is none"),
        ("---\ntitle: A\nabout The same\n---\n" + STEP, "a.en.md:3: a colon is missing after “about”"),
        ("---\ntitle: A\nabout: B\ntitle: C\n---\n" + STEP, "a.en.md:4: “title” stands there twice"),
        ("---\ntitle: A\nabout: B\n" + STEP + "---\nmore\n", "a.en.md:1: a second line"),
        (FRONT, "a.en.md has no step yet"),
        (FRONT + "Hello\n" + STEP, "a.en.md:6: this text belongs to no step"),
        (FRONT + "## Draw\n\nPress.\n", "a.en.md:6: this step has no page"),
        (FRONT + "## Draw\n\n- page: home\n", "a.en.md:6: this step has no words"),
        (FRONT + "## Draw\n\n" + "word " * 61 + "\n\n- page: home\n", "a.en.md:6: the words of this step are 61"),
        (FRONT + STEP + "- pgae: home\n", "a.en.md:11: “pgae: home” is none"),
        (FRONT + STEP + "- page: home\n", "a.en.md:11: this step says “page” twice"),
        (FRONT + "## D\n\nP.\n\n- page: nowhere\n", "a.en.md:10: there is no page “nowhere”"),
        (FRONT + "## D\n\nP.\n\n- page: home?lang=fr\n", "a.en.md:10: the address of a page cannot say “lang”"),
        (FRONT + STEP + "- done: guessed(1)\n", "a.en.md:11: “guessed(1)” cannot be met, for step 1 has no guess"),
        (FRONT + STEP + "- done: sampled and guessed(step=2)\n", "a.en.md:11: “guessed(2)” cannot be met"),
        (FRONT + STEP + "- done: page_opened(sampling, view=foo)\n", "a.en.md:11: In “page_opened(sampling, "),
        (FRONT + STEP + "- done: sampled(run=preparedGpt)\n", "a.en.md:11: In “sampled(run=preparedGpt)”, run is"),
        (FRONT + STEP + "- done: temperature_is(0)\n", "a.en.md:11: There is no “temperature_is”. There are"),
        (FRONT + STEP + "- done: temperature_was(cold)\n", "a.en.md:11: In “temperature_was(cold)”, temperature is"),
        (FRONT + STEP + "- done: temperature_was()\n", "a.en.md:11: “temperature_was()” lacks “temperature”"),
        (FRONT + STEP + "- done: guessed()\n", "a.en.md:11: “guessed()” lacks “step”. It takes: step."),
        (FRONT + STEP + "- done: page_opened()\n", "a.en.md:11: “page_opened()” lacks “page”. It takes: page, view"),
        (FRONT + STEP + "- done: sampled(promts=2)\n", "a.en.md:11: “sampled(promts=2)” takes no “promts”. It takes"),
        (FRONT + STEP + "- done: guessed(1, 2)\n", "a.en.md:11: “guessed(1, 2)” has an argument too many. It takes"),
        (FRONT + STEP + "- done: guessed(1, step=2)\n", "a.en.md:11: “guessed(1, step=2)” says “step” twice"),
        (FRONT + STEP + "- done: run(steps=1, steps=2)\n", "a.en.md:11: “run(steps=1, steps=2)” says “steps” twice"),
        (FRONT + STEP + "- done: sampled(**all)\n", "a.en.md:11: “sampled(**all)” cannot be read"),
        (FRONT + STEP + "- done: run(model=Tiny)\n", "a.en.md:11: In “run(model=Tiny)”, model is Tiny. It can be"),
        (FRONT + STEP + "- done: __import__('os').system('ls')\n", "a.en.md:11: “__import__('os').system('ls')”"),
        (FRONT + STEP + "- done: sampled(times=1\n", "a.en.md:11: “sampled(times=1” cannot be read"),
        (FRONT + STEP + "- answer: 3\n", "a.en.md:11: there is no guess"),
        (FRONT + STEP + "- guess choice: Which?\n  - one\n", "a.en.md:11: write what there is to choose from"),
        (FRONT + STEP + "- guess number: How?\n- answer: many\n", "a.en.md:12: “many” is no number and none"),
        (FRONT + STEP + "- guess number: How?\n- answer: many()\n", "a.en.md:12: There is no “many”"),
        (FRONT + STEP + "- guess choice: Which?\n  - a\n  - b\n- answer: b\n", "a.en.md:14: the answer is the place"),
        (FRONT + STEP + "- guess choice: Which?\n  - a\n  - b\n- answer: 3\n", "a.en.md:14: the answer is the place"),
        (FRONT + STEP + "- guess order: Which?\n  - a\n  - b\n- answer: 1 1\n", "a.en.md:14: the order names each"),
        (FRONT + STEP + "- minutes: few\n", "a.en.md:11: “few” is no number"),
        (FRONT + STEP + "- show: banana\n", "a.en.md:11: “show:” cannot say “banana”. It can say: fingerprint."),
        (FRONT + STEP + "- minutes 2\n", "a.en.md:11: a colon is missing after “minutes”"),
        (FRONT + STEP + "- guess number How many?\n", "a.en.md:11: a colon is missing after “guess number”"),
        (FRONT + STEP + "- veil: a, <b>\n", "a.en.md:11: “a, <b>” cannot stand here"),
        (FRONT + STEP + "- point: <b>\n", "a.en.md:11: “<b>” cannot stand here"),
        (FRONT + STEP + "- point: strat\n", "a.en.md:11: nothing on a page is called “strat”"),
        (FRONT + STEP + "- veil: validation, puzle_scores\n", "a.en.md:11: nothing on a page is called “puzle_scores”"),
        (FRONT + STEP + "More words.\n", "a.en.md:11: the words of a step stand before"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_line(text: str, said: str) -> None:
    with pytest.raises(LessonError) as error:
        parse_lesson(text, "a.en.md")
    assert str(error.value).startswith(said)


def test_the_name_of_the_file_gives_name_and_language() -> None:
    with pytest.raises(LessonError, match=r"called My lesson\.md"):
        parse_lesson(FRONT + STEP, "My lesson.md")


def test_markup_stays_text() -> None:
    lesson = parse_lesson(FRONT.replace("Chance", "<script>alert(1)</script>") + STEP, "a.en.md")
    assert lesson.title == "<script>alert(1)</script>"


MANY = """---
titel: A
about: B
---
Hello
and more

## One

Words.

- pgae: home
- guess choice: Which?
  - a
  - b
- answer: 3

## Two

- page: homme?vew=1
- done: temperatur_was(0)
- minutes: few
- foo: bar
  goes on
more
"""


def test_all_mistakes_of_a_file_are_named_each_once(tmp_path: Path) -> None:
    (tmp_path / "a.en.md").write_text(MANY, encoding="utf-8")
    lesson, mistakes = check_lesson(tmp_path / "a.en.md")
    assert lesson is None
    said = [str(mistake).removeprefix("a.en.md:") for mistake in mistakes]
    for number, begin in enumerate((
        "2: “titel: A” is none", "2: perhaps “title”", "5: this text belongs to no step", "12: “pgae: home” is none",
        "12: perhaps “page” is meant", "16: the answer is the place", "18: this step has no words",
        "20: there is no page “homme”", "20: perhaps “home”", "20: the address of a page cannot say “vew”",
        "20: perhaps “view”", "21: There is no “temperatur_was”", "21: perhaps “temperature_was”", "22: “few” is no",
        "23: “foo: bar” is none", "25: the words of a step stand before",
    )):  # fmt: skip
        assert said[number].startswith(begin), said[number]
    assert len(said) == 16
    whole, none = check_lesson(tmp_path / "b.en.md")
    assert whole is None and "cannot be read" in str(*none)


@pytest.mark.parametrize(
    ("address", "said", "near"),
    [
        ("sampling?view=nxt", "“view=” cannot say “nxt” there. It can say: write, next", "next"),
        ("sampling?rows=all", "“rows=” cannot say “all”", ""),
        ("sampling?author=preparedGptE", "“author=” cannot say “preparedGptE”", "preparedGptEn"),
        ("training?replay=preparedTiny", "“replay=” cannot say “preparedTiny”", "preparedTinyFr"),
        ("training?text=the-curious-rat", "“text=” cannot say “the-curious-rat”", "the-curious-cat"),
        ("vocabulary?letters=upper", "“letters=” cannot say “upper”", ""),
        ("training?settings=notebok~steps~7", "“settings=” cannot say “notebok”", "notebook"),
        ("training?settings=notebook~stepps~7", "“settings=” cannot say “stepps”", "steps"),
        ("training?settings=notebook~steps", "steps has no value", ""),
        ("training?settings=notebook~steps~many", "steps = many is not a number", ""),
        ("training?settings=notebook~learning_rate~9000", "learning_rate = 9000", ""),
        ("sampling?temperature=0,8", "“0,8” is no number", ""),
        ("sampling?temperature=9", "temperature = 9 cannot be used: choose a number from 0 to 2.", ""),
        ("sampling?length=5", "length = 5 cannot be used: choose a number from 10 to 1000.", ""),
        ("sampling?top_p=0", "top_p = 0 cannot be used: choose a number from 0.05 to 1.", ""),
        ("sampling?seed=1.5", "seed = 1.5 is not a number of the right kind", ""),
        (
            "sampling?against=bigrm",
            "“against=” cannot say “bigrm” there. It can say: bigram, trigram, <run>:<step>",
            "bigram",
        ),
        ("sampling?against=preparedGptEn", "“against=” cannot say “preparedGptEn” there", ""),
        ("sampling?against=preparedGptE:500", "“against=” cannot say “preparedGptE” there", "preparedGptEn"),
        (
            "sampling?author=pairs",
            "“author=” cannot say “pairs” there. It can say: bigram, trigram, prepared",
            "",
        ),
        ("sampling?author=my-run", "“author=” cannot say “my-run” there", ""),
        (
            "sampling?author=preparedGptEn&checkpoint=first",
            "“checkpoint=” cannot say “first” there. It can say: best",
            "",
        ),
    ],
)
def test_what_a_page_would_drop_from_its_address_is_a_mistake(
    address: str, said: str, near: str, tmp_path: Path
) -> None:
    (tmp_path / "a.en.md").write_text(f"{FRONT}## D\n\nP.\n\n- page: {address}\n", encoding="utf-8")
    lesson, (first, *more) = check_lesson(tmp_path / "a.en.md")
    assert lesson is None and str(first).startswith(f"a.en.md:10: {said}")
    assert [str(one) for one in more] == [f"a.en.md:10: perhaps “{near}” is meant."] * bool(near)


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        (FRONT + STEP + "- minutes: 2\n- minutes: 3\n", ["12: this step says “minutes” twice."]),
        ("---\ntitle: A\ntitle: C\nabout: B\n---\n" + STEP, ["3: “title” stands there twice."]),
        ("---\ntitel: A\ntitle: A\nabout: B\n---\n" + STEP, ["2: “titel: A” is none", "2: perhaps “title” is meant."]),
        ("---\ntitle A\nabout: B\n---\n" + STEP, ["2: a colon is missing after “title”."]),
        ("---\ntitle: A\nabuot: B\n" + STEP + "More.\n" * 9, ["1: a second line “---” is missing after the title."]),
        (FRONT + "## D\n\nP.\n\n- page home\n", ["10: a colon is missing after “page”."]),
        (FRONT + STEP + "- done: sampled(promts=2)\n", ["11: “sampled(promts=2)” takes", "11: perhaps “prompts” is"]),
        (FRONT + STEP + "- done: guessed(times=2)\n", ["11: “guessed(times=2)” takes no “times”. It takes: step."]),
        (FRONT + STEP + "- done: run(model=TinyGTP)\n", ["11: In “run(model=TinyGTP)”", "11: perhaps “TinyGPT” is"]),
        (FRONT + STEP + "- guess number: H?\n- answer: run_los\n", ["12: “run_los” is no", "12: perhaps “run_loss”"]),
        (FRONT + STEP + "- show: fingerprnt\n", ["11: “show:” cannot say", "11: perhaps “fingerprint” is meant."]),
    ],
)  # fmt: skip
def test_nothing_is_said_besides_what_is_wrong_and_what_is_meant(
    text: str, begins: list[str], tmp_path: Path
) -> None:
    (tmp_path / "a.en.md").write_text(text, encoding="utf-8")
    _lesson, mistakes = check_lesson(tmp_path / "a.en.md")
    said = [str(mistake).removeprefix("a.en.md:") for mistake in mistakes]
    assert len(said) == len(begins) and all(map(str.startswith, said, begins)), said


def test_a_text_and_a_run_of_ones_own_may_stand_in_an_address() -> None:
    step = f"## D\n\nP.\n\n- page: sampling?text={'0a' * 32}&author=a1B2c3&against=a1B2c3%3A500\n"
    parse_lesson(FRONT + step + "- done: sampled(run=a1B2c3)\n", "a.en.md")
    step = "## D\n\nP.\n\n- page: sampling?author=bigram&against=trigram&checkpoint=500&temperature=2&seed=2147483647\n"
    parse_lesson(FRONT + step, "a.en.md")


@pytest.mark.parametrize(
    ("line", "near"),
    [
        ("point: strat", "start"),
        ("point: training_stepp", "training_step"),
        ("point: sampling-another", "sampling_another"),
        ("veil: puzzle_score", "puzzle_scores"),
        ("veil: start, validaton", "validation"),
        ("point: ablation_part_haed", ""),
        ("point: my_own_thing", ""),
        ("point: ablation_part_head_0_1", ""),
        ("veil: training_line_1", ""),
    ],
)
def test_a_misspelt_control_is_followed_by_the_nearest_one(line: str, near: str, tmp_path: Path) -> None:
    (tmp_path / "a.en.md").write_text(f"{FRONT}{STEP}- {line}\n", encoding="utf-8")
    lesson, mistakes = check_lesson(tmp_path / "a.en.md")
    said = [str(mistake) for mistake in mistakes]
    assert (lesson is None) == bool(near)
    assert [one for one in said if "perhaps" in one] == [f"a.en.md:11: perhaps “{near}” is meant."] * bool(
        near
    )
    assert len(said) == 2 * bool(near)
