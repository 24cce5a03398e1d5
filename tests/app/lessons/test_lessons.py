"""A link leads to a step, what was really done puts the tick, progress survives, and a lesson's words stay text."""

import json
import os
import queue
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit import config
from streamlit.testing.v1 import AppTest

from minigpt_core.configs import TrainConfig
from minigpt_core.jobs.elsewhere import hearing
from minigpt_core.lessons import catalogue
from minigpt_core.lessons.addresses import COUNTED, LIMITS, PREPARED
from minigpt_core.lessons.catalogue import PATHWAYS
from minigpt_core.lessons.lesson import PAGES as LESSON_PAGES
from minigpt_core.lessons.lesson import PARAMETERS, ROWS, VIEWS, LessonError
from minigpt_core.presets import NOTEBOOK, find_preset
from minigpt_core.store.facts import FactStore
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.texts.corpus import BUNDLED
from minigpt_core.training import MetricsEvent, SampleEvent
from tests.app.conftest import OpenPage
from ui import state
from ui.journey import PAGES
from ui.lessons import markup, panel, question
from ui.lessons.current import SINCE
from ui.sampling import views
from ui.sampling.generation_settings import CONTROLS
from ui.words.i18n import translate, using
from ui.words.languages import LANGUAGES

LESSON = """---
title: <b>Mine</b> & $x$
about: About <script>alert(1)</script> it.
idea: “<img src=x onerror=alert(2)>”
---
## First <i>step</i>

Press <script>alert(3)</script> **now**, [x](javascript:alert(4)) or `<u>` and [[Draw again]].

- page: batches
- guess choice: Which <b>one</b>?
  - <s>one</s>
  - two
- answer: 2
- veil: batches_shape
- done: batch_drawn(times=2) and guessed(1)
- hint: Above <script>.
- point: batches_again
- reveal: It was <b>two</b>.
- minutes: 3

## Second

Look at it.

- page: sampling?view=temperature&temperature=0.5
- guess number: How many?
- answer: 2

## Third

The end.

- page: vocabulary
- guess order: In which order?
  - a
  - b
- answer: 2 1
- done: guessed(3)
"""


@pytest.fixture
def lesson(home: Path) -> Path:
    """A lesson of somebody's own, with markup in every place."""
    folder = home / "lessons"
    folder.mkdir()
    path = folder / "mine.en.md"
    path.write_text(LESSON, encoding="utf-8")
    return path


def html(test: AppTest) -> str:
    return "".join(
        element.proto.body for element in test.get("html") if not element.proto.body.startswith("<style>/*")
    )


def panel_title(test: AppTest) -> str:
    return next(
        (e.proto.body for e in test.get("html") if e.proto.body.startswith("<div class='mg-lesson-title")), ""
    )


def press(test: AppTest, key: str) -> AppTest:
    return test.button(key=key).click().run()


def test_the_pages_and_parameters_that_a_lesson_may_name_are_those_that_there_are() -> None:
    assert {*LESSON_PAGES} == {*PAGES} - {"lessons"}
    sampling = {state.PROMPT, "temperature", "top_k", "top_p", "length", "seed"}
    assert {*PARAMETERS} == ({*state.IN_ADDRESS} - {"lang", "lesson", "step", "projector"}) | sampling
    assert tuple(view.name for view in views.VIEWS) == VIEWS
    for name, values in (
        ("view", VIEWS),
        ("rows", ROWS),
        ("text", [*BUNDLED, "0a" * 32]),
        ("author", [*PREPARED, *COUNTED]),
        ("against", [*COUNTED, "a1B2c3:500"]),
    ):
        assert all(state.FORM[name].fullmatch(value) for value in values)
    assert COUNTED == state.COUNTED and {name: one[:2] for name, one in CONTROLS.items()} == LIMITS


def test_a_mistake_is_told_in_the_readers_language_with_its_reason(lesson: Path) -> None:
    lesson.write_text(LESSON.replace("batch_drawn(times=2)", "batch_drawn(times=two)"), encoding="utf-8")
    with pytest.raises(LessonError) as error:
        catalogue.find_lesson("mine", "en")
    with using("fr"):
        assert "Dans « batch_drawn(times=two) », times vaut two" in translate(error.value).replace(
            "\u00a0", " "
        )


def test_a_link_leads_to_the_page_of_the_step_with_its_settings(app: OpenPage, lesson: Path) -> None:
    test = app(address={"lesson": "mine", "step": "2"})
    assert not test.exception and test.title[0].value == "Sampling"
    assert test.query_params["temperature"] == "0.5" and test.query_params["view"] == "temperature"
    assert "step 2 of 3" in panel_title(test)


def test_a_step_about_a_model_begins_with_that_one_and_not_with_an_earlier_drawing(app: OpenPage) -> None:
    test = app(address={"lesson": "notebook-to-gpt", "step": "4"})
    test.session_state[state.page_key(state.DRAWN_MODEL)] = {**NOTEBOOK.model, "n_embd": 8}
    press(test, "lesson_next")
    assert not test.exception and test.title[0].value == "Model"
    drawn, wanted = (
        test.session_state[state.page_key(state.DRAWN_MODEL)],
        find_preset("chat-curieux-gpt").model,
    )
    assert {name: drawn[name] for name in wanted} == wanted


def test_a_step_that_shows_a_training_shows_its_settings_and_not_those_of_the_step_before(
    app: OpenPage,
) -> None:
    test = app(address={"lesson": "tinygpt", "step": "3"})
    assert test.session_state["page.training.learning_rate"] == 0.03
    press(test, "lesson_next")
    shown = RunStore().run("preparedOverfitEn")
    assert test.session_state["page.training.learning_rate"] == shown.training.learning_rate
    assert "Settings now" not in html(test)


def test_a_step_that_sets_a_training_up_shows_no_prepared_one_any_more(app: OpenPage) -> None:
    test = app("sampling", address={"lesson": "using", "step": "2"}, run="preparedOverfitEn")
    press(test, "lesson_next")
    assert not test.exception and test.title[0].value == "Training"
    assert "run" not in test.query_params and "Overfitting" not in html(test)


def test_what_was_done_puts_the_tick_and_next_does_not(app: OpenPage, lesson: Path, home: Path) -> None:
    test = app(address={"lesson": "mine"})
    assert test.title[0].value == "Batches" and "✓" not in panel_title(test)
    assert test.button(key="lesson_next").label == "Skip" and "It was" not in html(test)
    press(press(test, "lesson_next"), "lesson_back")
    assert "✓" not in panel_title(test) and ".st-key-batches_shape > *" in html(test)
    press(test, "batches_again")
    test.radio(key=state.page_key("lessons.guess.mine.1")).set_value(1).run()
    assert ".st-key-batches_shape" not in html(test)
    assert "✓" in panel_title(test) and test.button(key="lesson_next").label == "Next step"
    assert "It was &lt;b&gt;two&lt;/b&gt;." in html(test)
    assert FactStore(home).progress("local")["mine"].done == {1}


def test_guess_and_place_survive_a_reload(app: OpenPage, lesson: Path, home: Path) -> None:
    test = app(address={"lesson": "mine"})
    test.radio(key=state.page_key("lessons.guess.mine.1")).set_value(1).run()
    press(test, "lesson_next")
    test.text_input(key=state.page_key("lessons.guess.mine.2")).set_value("5").run()
    assert "your guess 5 · result 2" in html(test)  # nothing was to be done: the guess is enough
    again = app(address={"lesson": "mine"})
    assert "step 2 of 3" in panel_title(again) and "your guess 5" in html(again)
    press(again, "lesson_back")
    assert again.radio(key=state.page_key("lessons.guess.mine.1")).value == 1
    press(press(again, "lesson_next"), "lesson_next")
    again.multiselect(key=state.page_key("lessons.guess.mine.3")).set_value([1, 2]).run()
    assert FactStore(home).progress("local")["mine"].guesses == {1: 1.0, 2: 5.0, 3: [1, 2]}
    again.run()
    assert "✓" in panel_title(again) and "b → a" in html(again)


def test_a_guess_is_taken_with_a_comma_and_says_what_it_was_taken_for(
    app: OpenPage, lesson: Path, home: Path
) -> None:
    lesson.write_text(LESSON.replace("- answer: 2\n\n## Third", "- answer: 2\n- done: run()\n\n## Third"))
    test, field = app(address={"lesson": "mine", "step": "2"}), state.page_key("lessons.guess.mine.2")

    def said() -> str:
        return " ".join(caption.value for caption in test.caption)

    test.text_input(key=field).set_value("2,5").run()
    assert "Understood: 2.5" in said()
    test.text_input(key=field).set_value("two").run()
    assert "This is no number" in said()
    assert FactStore(home).progress("local")["mine"].guesses == {2: 2.5}


def test_an_order_is_put_together_one_by_one(app: OpenPage, lesson: Path) -> None:
    lesson.write_text(LESSON.replace("  - a\n  - b\n", "  - *GPT* (128 characters)\n  - b_1 costs $2\n"))
    test = app(address={"lesson": "mine", "step": "3"})
    field = test.multiselect(key=state.page_key("lessons.guess.mine.3"))
    assert field.proto.select_all == 0, "all at once would be no order of one's own"
    assert list(field.proto.options) == ["GPT (128 characters)", "b_1 costs $2"], (
        "this field reads no Markdown"
    )


def test_what_a_later_guess_is_about_is_veiled_from_the_beginning(app: OpenPage, lesson: Path) -> None:
    lesson.write_text(LESSON.replace("- answer: 2\n\n## Third", "- answer: 2\n- veil: start\n\n## Third"))
    test = app(address={"lesson": "mine"})
    assert ".st-key-start > *" in html(test) and ".st-key-batches_shape > *" in html(test)
    press(test, "lesson_next")
    assert ".st-key-batches_shape" not in html(test)  # a step that was skipped veils nothing any more
    assert "Hidden until a later step." not in html(test)
    test.text_input(key=state.page_key("lessons.guess.mine.2")).set_value("2").run()
    assert ".st-key-start > *" not in html(test)


def test_what_a_later_guess_is_about_says_that_it_is_a_later_one(app: OpenPage, lesson: Path) -> None:
    lesson.write_text(LESSON.replace("- answer: 2\n\n## Third", "- answer: 2\n- veil: start\n\n## Third"))
    rules = re.findall(r"::before \{content: \"(.*?)\"", html(app(address={"lesson": "mine"})))
    assert rules == ["Hidden until you guess it.", "Hidden until a later step."]


def test_what_is_veiled_here_is_not_veiled_before(app: OpenPage, lesson: Path) -> None:
    lesson.write_text(
        LESSON.replace("- answer: 2\n\n## Third", "- answer: 2\n- veil here: start\n\n## Third")
    )
    test = app(address={"lesson": "mine"})
    assert ".st-key-start" not in html(test)
    press(test, "lesson_next")
    assert ".st-key-start > *" in html(test)


def test_what_explains_a_picture_is_away_as_long_as_a_guess_is_open(app: OpenPage, lesson: Path) -> None:
    test = app(address={"lesson": "mine"})
    assert f"{panel.EXPLAINED} {{display: none}}" in html(test)
    test.radio(key=state.page_key("lessons.guess.mine.1")).set_value(1).run()
    assert panel.EXPLAINED not in html(test)


def test_a_step_whose_page_was_hidden_says_so(app: OpenPage, lesson: Path) -> None:
    test = app(address={"lesson": "mine", "step": "2", "hide": "sampling"})
    assert not test.exception and not any(button.key == "lesson_page" for button in test.button)
    assert any("“Sampling” is not part of what was set up here" in caption.value for caption in test.caption)


def test_who_reloads_on_another_page_stays_there(app: OpenPage, lesson: Path) -> None:
    test = app("training", address={"lesson": "mine", "step": "1"})
    assert test.title[0].value == "Training"
    press(test, "lesson_page")
    assert test.title[0].value == "Batches"


def test_it_is_folded_left_and_taken_up_again(app: OpenPage, lesson: Path) -> None:
    test = app(address={"lesson": "mine", "step": "3"})
    press(test, "lesson_fold")
    assert "step 3 of 3" in panel_title(test) and "The end." not in html(test)
    again = app(address={name: str(value) for name, value in test.query_params.items()})
    assert "step 3 of 3" in panel_title(again) and "The end." not in html(again)
    press(test, "lesson_fold")
    assert "The end." in html(test)
    press(test, "lesson_leave")
    assert not panel_title(test) and "lesson" not in test.query_params
    test.switch_page("../pages/lessons.py").run()
    assert "left at step 3 of 3" in html(test)
    press(test, "lesson_begin_mine")
    assert "step 3 of 3" in panel_title(test) and test.title[0].value == "Vocabulary"


def test_its_end_says_whether_it_is_done_and_leads_to_the_next(app: OpenPage, home: Path) -> None:
    test = app("lessons")
    assert not [button for button in test.button if button.key == "lesson_following"]
    press(test, "pathway_lycee")
    for _step in range(4):
        press(test, "lesson_next")
    assert "with steps left open: Characters become numbers" in html(test)
    assert test.button(key="lesson_following").label == "Next: What loss measures"  # as that way has it
    for number in range(1, 5):
        FactStore(home).keep_done("local", "numbers", number)
    test.run()
    assert "Done: Characters become numbers" in html(test)
    press(test, "lesson_following")
    assert "What loss measures" in panel_title(test)
    press(test, "lesson_leave")
    test.switch_page("../pages/lessons.py").run()
    assert "Characters become numbers</b></div>" not in html(test)


@pytest.mark.parametrize("ending", ["- done: guessed(3)\n", ""])
def test_a_lesson_that_is_done_stays_so_when_a_link_leads_into_it_again(
    app: OpenPage, lesson: Path, home: Path, ending: str
) -> None:
    lesson.write_text(LESSON.replace("- done: guessed(3)\n", ending), encoding="utf-8")
    for number in (1, 3) if ending else (1,):
        FactStore(home).keep_done("local", "mine", number)
    app(address={"lesson": "mine", "step": "3"})
    again = app(address={"lesson": "mine", "step": "1"})
    assert "step 1 of 3" in panel_title(again)
    press(again, "lesson_next")
    assert "step 2 of 3" in panel_title(again)
    press(again, "lesson_leave")
    again.switch_page("../pages/lessons.py").run()
    assert "✓ done" in html(again) and "left at step" not in html(again)
    assert again.button(key="lesson_begin_mine").label == "Again"


def test_a_file_whose_name_is_taken_is_named_above_the_way_to_write_one(app: OpenPage, lesson: Path) -> None:
    lesson.rename(lesson.with_name("temperature.en.md"))
    said = [warning.value.replace("\\", "") for warning in app("lessons").warning]
    assert any("that comes with the program is called “temperature”" in words for words in said)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_nothing_tells_before_the_guess_who_cannot_solve_the_puzzle(app: OpenPage, lang: str) -> None:
    test = app(address={"lesson": "attention", "lang": lang})
    words = next(body for body in html(test).split("<div class='mg-lesson'>")[1:])
    assert not re.search("look back|letters stood|lettres étaient|regarde", words)
    assert all(word not in test.title[0].value for word in ("look", "regarder"))
    about = ".st-key-puzzle_about > *"  # the page's own sentence
    assert about in html(test)
    test.text_input(key=state.page_key("lessons.guess.attention.1")).set_value("3").run()
    assert about not in html(test)


def test_the_end_of_a_lesson_that_a_link_has_opened_asks_for_no_other(app: OpenPage, home: Path) -> None:
    test = app(address={"lesson": "attention", "step": "3"})
    press(test, "lesson_next")
    assert test.title[0].value == "Lessons" and "with steps left open: What attention adds" in html(test)
    assert "lesson_following" not in [button.key for button in test.button]
    assert "That is as far as the link leads" in html(test)
    assert {"pathway_lycee", "lesson_begin_numbers"} <= {button.key for button in test.button}
    press(press(test, "lesson_begin_inside"), "lesson_leave")  # from the list: the next one is the list's
    test = app(address={"lesson": "inside", "step": "4", "choices": "lessons.way~list"})
    press(test, "lesson_next")
    assert test.button(key="lesson_following").label == "Next: From three cells to a GPT"


def test_a_reload_stays_on_the_way_that_was_begun(app: OpenPage) -> None:
    test = press(app("lessons"), "pathway_lycee")
    again = app("vocabulary", address={name: str(value) for name, value in test.query_params.items()})
    for _step in range(4):
        press(again, "lesson_next")
    assert again.button(key="lesson_following").label == "Next: What loss measures"


def test_where_a_link_has_hidden_the_list_a_lesson_ends_in_its_place(app: OpenPage) -> None:
    test = app(address={"lesson": "attention", "step": "3", "hide": "lessons", "by": "Ms Martin"})
    press(test, "lesson_next")
    assert not panel_title(test) and test.title[0].value == "Take it apart"
    assert any("“What attention adds” ends here" in one.value for one in test.warning)


def test_again_begins_with_nothing_guessed_and_nothing_ticked(app: OpenPage, home: Path) -> None:
    store, steps = FactStore(home), 4
    store.keep_guess("local", "numbers", 1, 60.0)
    store.keep_step("local", "numbers", steps)
    for number in range(1, steps + 1):
        store.keep_done("local", "numbers", number)
    test = app("lessons")
    assert test.button(key="lesson_begin_numbers").label == "Again"
    press(test, "lesson_begin_numbers")
    assert test.title[0].value == "Vocabulary" and "step 1 of 4" in panel_title(test)
    assert store.progress("local")["numbers"].guesses == {}


def test_the_end_of_a_pathway_is_said(app: OpenPage, home: Path) -> None:
    store, lycee = FactStore(home), next(one for one in PATHWAYS if one.name == "lycee")
    for name in lycee.lessons:
        lesson = catalogue.find_lesson(name, "en")
        store.keep_step("local", name, len(lesson.steps))
        for number in range(1, len(lesson.steps) + (name != lycee.lessons[-1])):
            store.keep_done("local", name, number)
    test = press(app("lessons"), "pathway_lycee")
    store.keep_done("local", lycee.lessons[-1], len(lesson.steps))
    press(test, "lesson_next")
    assert "“45 minutes: what a language model does” is done to its end" in html(test)


def test_only_texts_written_since_the_fingerprint_was_taken_are_counted(app: OpenPage, home: Path) -> None:
    for seed in range(5):
        FactStore(home).note(
            "local", "sampled", run="preparedGptEn", step=1200, seed=seed, temperature=1.0, prompt="a"
        )
    page = app("sampling", author="preparedGptEn", lesson="using", step="1")
    assert any("since then it has written 0 texts. It is taken again" in one.value for one in page.markdown)
    page.radio(key=state.page_key("lessons.guess.using.1")).set_value(1).run()
    assert any("in between it has written 0 texts" in one.value for one in page.markdown)
    page.button(key="sampling_another").click().run()
    assert any("in between it has written 1 text." in one.value for one in page.markdown)


def test_a_step_on_a_text_shows_it_in_small_letters_as_its_numbers_are(app: OpenPage) -> None:
    test = app(address={"lesson": "numbers", "step": "1", "letters": "original"})
    assert test.query_params["letters"] in ("lower", ["lower"])


@pytest.mark.parametrize("other", [{"steps": 20}, {"steps": 100, "eval_windows": 256, "text": "one. " * 90}])
def test_a_held_run_does_not_stand_in_the_way_of_what_a_step_sets_up(
    app: OpenPage, home: Path, some_run: Callable[..., Run], other: dict[str, Any]
) -> None:
    run, store, heard = some_run(**other), RunStore(home), queue.SimpleQueue[dict[str, Any]]()
    with store.lock(run.id), hearing(store.folder(run.id), heard):
        store.set_status(run.id, "paused")
        test = app("training", address={"lesson": "loss", "step": "1"}, run=run.id)
        press(test, "lesson_next")
        assert heard.get(timeout=10)["do"] == "stop"
        assert test.session_state["page.training.steps"] == 100
        assert any("stopped now" in warning.value for warning in test.warning)


@pytest.mark.parametrize("lesson", [None, "loss"])
def test_a_run_that_still_trains_for_an_earlier_step_is_stopped_and_no_other_one(
    app: OpenPage, home: Path, some_run: Callable[..., Run], lesson: str | None
) -> None:
    run, store, heard = some_run(steps=5000), RunStore(home), queue.SimpleQueue[dict[str, Any]]()
    FactStore(home).note("local", "trained", run=run.id, **({"lesson": lesson} if lesson else {}))
    with store.lock(run.id), hearing(store.folder(run.id), heard):
        store.set_status(run.id, "running")
        test = app("training", address={"lesson": "loss", "step": "1"}, run=run.id)
        press(test, "lesson_next")
        if lesson:
            assert heard.get(timeout=10)["do"] == "stop"
        assert any("stopped now" in warning.value for warning in test.warning) == bool(lesson)


def said_line(test: AppTest) -> str:
    return next(str(one.proto.body) for one in test.get("html") if "mg-line" in one.proto.body)


def test_what_was_measured_on_unseen_text_is_veiled_until_the_guess(app: OpenPage) -> None:
    def veiled() -> bool:
        chart = next(
            one.proto for one in test.get("bidi_component") if one.proto.component_name == "live_chart"
        )
        return bool(json.loads(chart.json)["without_validation"])

    test = app(lesson="by-heart", step="1", run="preparedOverfitEn")
    assert veiled() and "Overfitting" not in said_line(test)
    test.radio(key=state.page_key("lessons.guess.by-heart.1")).set_value(2).run()
    assert not veiled() and "Overfitting" in said_line(test)


def test_a_lesson_that_is_not_there_or_broken_is_said(app: OpenPage, lesson: Path) -> None:
    test = app(address={"lesson": "nothing"})
    assert "no lesson “nothing”" in test.warning[0].value and "lesson" not in test.query_params
    lesson.write_text(LESSON.replace("batch_drawn(times=2)", "batch_drawn(often=2)"), encoding="utf-8")
    broken = app("lessons")
    assert "mine\\.en\\.md\\:\u206016" in broken.warning[0].value and not broken.exception


@pytest.mark.parametrize("previewing", [True, False])
def test_who_writes_a_lesson_sees_the_mistake_in_its_place_and_goes_on(
    app: OpenPage, lesson: Path, previewing: bool
) -> None:
    usual = config.get_option("server.runOnSave")
    config.set_option("server.runOnSave", previewing)
    try:
        test = app(address={"lesson": "mine", "step": "2"})
        before = catalogue.saved("mine")
        lesson.write_text(
            LESSON.replace("- answer: 2\n\n## Third", "- answr: 2\n\n## Third"), encoding="utf-8"
        )
        os.utime(lesson, ns=(before[0] + 1, before[0] + 1))
        assert catalogue.saved("mine") != before
        test.run()
        assert (
            "answr" in test.warning[0].value
            and test.query_params["lesson"] == "mine"
            and not panel_title(test)
        )
        lesson.write_text(LESSON.replace("Look at it.", "Look again."), encoding="utf-8")
        test.run()
        assert "step 2 of 3" in panel_title(test) and "Look again." in html(test)
    finally:
        config.set_option("server.runOnSave", usual)


@pytest.mark.parametrize("address", [{"lesson": "../x"}, {"lesson": "<b>"}, {"lesson": "mine", "step": "<b>"},
                                     {"lesson": "mine", "step": "0"}, {"lesson": "mine", "step": "99"}])  # fmt: skip
def test_nonsense_in_the_address_does_no_harm(app: OpenPage, lesson: Path, address: dict[str, str]) -> None:
    test = app(address=address)
    assert not test.exception and "<b>Mine" not in panel_title(test)


def test_nothing_in_a_lesson_becomes_markup(app: OpenPage, lesson: Path) -> None:
    listed, led = app("lessons"), app(address={"lesson": "mine"})
    for test in (listed, led):
        shown = html(test)
        for markup_ in ("<script", "<img src=x", "onerror=alert(2)>", "<s>", "<u>", "<i>step", "href"):
            assert markup_ not in shown, markup_
    assert "&lt;script&gt;alert(3)&lt;/script&gt; <b>now</b>" in html(led)
    asked = led.radio(key=state.page_key("lessons.guess.mine.1"))
    assert asked.label.startswith(r"Which \<b\>one") and asked.options[0].startswith(r"\<s\>")


def test_the_marks_become_bold_italic_and_code_alone() -> None:
    assert markup.inline("**a** *b* `*c*` [[d]] <e> & 2*3*4") == (
        "<b>a</b> <i>b</i> <code translate='no'>*c*</code> <b class='mg-named'>d</b> &lt;e&gt; &amp; 2<i>3</i>4"
    )
    assert markup.inline("quand\u202f?\nici") == markup.plain("quand\u202f?  ici") == "quand\u202f? ici"
    assert markup.plain("**a** *b* `*c*` [[d]] 2*3*4") == "a b *c* d 234"
    assert markup.paragraphs("one\ntwo\n\nthree") == "<p>one two</p><p>three</p>"


def test_the_hint_comes_after_a_while_and_rings_what_it_is_about(
    app: OpenPage, lesson: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not panel.hint_is_due(100.0, 144.0) and panel.hint_is_due(100.0, 145.0)
    test = app(address={"lesson": "mine"})
    assert "mg-hint" not in html(test)
    test.session_state[state.page_key(SINCE)] = -100.0
    test.run()
    assert "Above &lt;script&gt;." in html(test) and ".st-key-batches_again{outline" in html(test)


def test_a_lesson_is_found_in_its_language_by_whoever_speaks_it(app: OpenPage) -> None:
    for lang, words in (("en", "Temperature and chance"), ("fr", "Température et hasard")):
        test = app("home", lang, lesson="temperature", step="1")
        assert words in panel_title(test)


# For who teaches


def test_what_is_for_the_teacher_is_for_the_teacher_alone(
    app: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def notes() -> list[str]:
        test = app(lesson="temperature", step="1")
        return [e.proto.body for e in test.get("html") if "Ask who has seen a chat assistant" in e.proto.body]

    assert notes()
    monkeypatch.setenv("MINIGPT_SERVE", "1")
    assert not notes()


def test_an_uploaded_lesson_stands_in_the_list_and_a_broken_one_is_not_kept(
    app: OpenPage, home: Path
) -> None:
    test = app("lessons")
    test.get("file_uploader")[0].set_value(("other.en.md", LESSON.encode(), "text/markdown")).run()
    assert (home / "lessons" / "other.en.md").read_text(encoding="utf-8") == LESSON
    assert "lesson_begin_other" in {button.key for button in test.button}
    for name, data in (("bad.en.md", b"hello"), ("bad.en.md", b"\xff\xfe"), ("../up.en.md", LESSON.encode())):
        test.get("file_uploader")[0].set_value((name, data, "text/markdown")).run()
        assert test.error and not test.exception
    assert [path.name for path in (home / "lessons").iterdir()] == ["other.en.md"]


def test_an_uploaded_lesson_does_not_take_the_name_of_one_that_came_with_the_program(
    app: OpenPage, home: Path
) -> None:
    test = app("lessons")
    test.get("file_uploader")[0].set_value(("temperature.en.md", LESSON.encode(), "text/markdown")).run()
    assert [error.value.replace("\\", "") for error in test.error] == [
        "temperature.en.md: a lesson that comes with the program is called “temperature”, and that one stays in the "
        "list. Choose another name for yours."
    ]  # fmt: skip
    assert not test.success and not (home / "lessons").exists()


def test_an_uploaded_lesson_in_another_language_is_kept_with_a_word_about_who_sees_it(
    app: OpenPage, home: Path
) -> None:
    test = app("lessons")
    test.get("file_uploader")[0].set_value(("other.de.md", LESSON.encode(), "text/markdown")).run()
    assert test.success and (home / "lessons" / "other.de.md").exists()
    assert any("no lesson that comes with the program is in “de”" in info.value for info in test.info)


def test_from_a_page_with_a_prompt_of_ones_own_a_lesson_leads_on_and_ends(app: OpenPage) -> None:
    """Streamlit clears no address in which a field of the page stands: the prompt's does."""
    test = app(lesson="data", step="1")
    test.text_input(key=state.PROMPT).set_value("the cat ").run()
    press(test, "lesson_next")
    assert not test.exception and not test.error and test.title[0].value == "Training"
    ending = app(lesson="temperature", step="4")
    ending.text_input(key=state.PROMPT).set_value("the cat ").run()
    press(ending, "lesson_next")
    assert not ending.exception and not ending.error and ending.title[0].value == "Lessons"


@pytest.mark.parametrize("name", ["handout", "ticket"])
def test_a_sheet_for_the_printer_has_the_own_training_on_it(app: OpenPage, name: str) -> None:
    test = app("lessons", choices=f"lessons.sheet~{name}")
    sheet = next(e.proto.body for e in test.get("html") if "mg-sheet" in e.proto.body)
    assert (
        not test.exception
        and "data:image/svg+xml" in sheet
        and "A training that comes with the program" in sheet
    )
    store = RunStore()
    run = new_run(
        store,
        text="a cat and a dog, " * 40,
        title="<i>cat</i>",
        model_fields={},
        training=TrainConfig(),
        name="<b>Mine</b>",
    )
    events = [MetricsEvent(step=n, train_loss=3.0 - n, val_loss=3.0 - n, val_accuracy=0.1) for n in (0, 1)]
    store.append(run.id, evaluations=events, samples=[SampleEvent(step=1, text="<script>cat")], step=1)
    test.run()
    sheet = next(e.proto.body for e in test.get("html") if "mg-sheet" in e.proto.body)
    assert (
        "My training: &lt;b&gt;Mine&lt;/b&gt;" in sheet
        and "&lt;script&gt;cat" in sheet
        and "<script" not in sheet
    )
    assert name == "ticket" or f"<td>{run.model.vocab_size}</td>" in sheet
    press(test, "lesson_sheet_back")
    assert "lesson_begin_numbers" in {button.key for button in test.button}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("26 letters", 26.0), ("about 50?", 50.0), ("100?", 100.0), ("50 %", 50.0), ("≈ 2,5", 2.5), ("1 000", 1000.0),
        ("-3", -3.0), ("8 or 10", None), ("a lot", None), ("", None),
    ],
)  # fmt: skip
def test_a_number_is_understood_among_words(typed: str, meant: float | None) -> None:
    with using("fr"):
        assert question.number_in(typed) == meant
