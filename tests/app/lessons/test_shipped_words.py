"""What a lesson calls a button stands on one, each opens on its page, and what pages note is what it asks for."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from minigpt_core.lessons.catalogue import ORDER, PATHWAYS, find_lesson
from minigpt_core.lessons.checks import Evidence, met
from minigpt_core.lessons.conditions import read_condition
from minigpt_core.lessons.controls import CONTROLS, meant
from minigpt_core.lessons.lesson import VALIDATION, Step
from minigpt_core.store.facts import FactStore
from scripts.messages import ROOT, messages
from tests.app.conftest import OpenPage
from ui import resources, state
from ui.journey import PAGES
from ui.lessons import current
from ui.words.i18n import _, using
from ui.words.languages import LANGUAGES


def sentences() -> Iterator[str]:
    """All words of the interface, in English."""
    for found in messages().values():
        for key in found:
            yield from (key,) if isinstance(key, str) else key


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_a_lesson_names_stands_on_the_screen(lang: str) -> None:
    with using(lang):
        shown = {plain(_(sentence)) for sentence in sentences()}
    for name in ORDER:
        for step in find_lesson(name, lang).steps:
            named = re.findall(r"\[\[(.+?)\]\]", " ".join((step.words, step.hint, step.reveal)))
            assert {plain(one) for one in named} <= shown, (name, step.title)


def plain(text: str) -> str:
    return re.sub(r"\s", " ", text)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", ORDER)
def test_it_begins_on_its_page(app: OpenPage, name: str, lang: str) -> None:
    test = app("home", lang, lesson=name, step="1")
    step = find_lesson(name, lang).steps[0]
    assert not test.exception and not test.warning
    assert any(step.title in element.proto.body for element in test.get("html"))
    assert test.query_params["lesson"] == name and not current.is_elsewhere(
        step, PAGES[step.page].path.strip("/")
    )


def keys_of(block: Any) -> Iterator[str]:
    """The keys of what is drawn, containers too."""
    if known := getattr(getattr(block, "proto", None), "id", ""):
        yield str(known).rpartition("-")[2]
    for child in getattr(block, "children", {}).values():
        yield from keys_of(child)


def test_what_a_hint_rings_or_a_guess_veils_stands_on_its_page(app: OpenPage) -> None:
    wanted: dict[tuple[str, str, str], tuple[Step, set[str]]] = {}
    for name in ORDER:
        for step in find_lesson(name, "en").steps:  # the other language names the same
            for key in {*step.veil, *step.veil_here, step.point} - {"", VALIDATION}:
                view = key.removeprefix("sampling_view_") if key.startswith("sampling_view_") else ""
                place = (step.page, view or step.address.get("view", ""), step.address.get("author", ""))
                wanted.setdefault(place, (step, set()))[1].add(key)
    for (page, view, _author), (step, keys) in wanted.items():
        test = app(page, **step.address | ({"view": view} if view else {}))
        there = {*keys_of(test._tree)}
        if page == "vocabulary":  # what stands on another tab
            for tab in ("own", "letters"):
                there.update(keys_of(app(page, **step.address, choices=f"vocabulary_questions~{tab}")._tree))
        assert keys <= there, (page, keys - there)


def test_no_key_of_a_page_is_taken_for_a_misspelt_one() -> None:
    """And none that is known has left the pages. A new key that is like another one stands in `CONTROLS` itself."""
    files = [*(ROOT / "ui").rglob("*.py"), *(ROOT / "pages").glob("*.py")]
    source = "\n".join(path.read_text(encoding="utf-8") for path in files)
    keys = {*re.findall(r'key="([\w-]+)"', source)}
    assert len(keys) > 150
    assert {key: meant(key) for key in keys if meant(key)} == {}
    made = {"ablation_never"}  # of the name of a button and that of its room
    assert {name for name in CONTROLS if name.removeprefix("page-").replace("-", ".") not in source} == made


def test_the_list_has_all_of_them_with_the_ways_through(app: OpenPage) -> None:
    test = app("lessons")
    assert {f"lesson_begin_{name}" for name in ORDER} <= {button.key for button in test.button}
    assert [test.button(key=f"pathway_{way.name}").label.split(":")[0] for way in PATHWAYS] == ["Begin"] * 3
    test.button(key="pathway_alone").click().run()
    assert test.title[0].value == "Vocabulary" and test.query_params["lesson"] == "notebook-to-gpt"


# What pages note


def noted(name: str) -> list[dict[str, object]]:
    return FactStore().facts("local", name)


def test_pages_and_texts_are_noted(app: OpenPage) -> None:
    app("sampling", view="temperature", rows="draws", author="preparedGptEn", temperature="0.8")
    assert {"page": "sampling", "view": "temperature", "rows": "draws"} in noted("page")
    assert {"text": "the-curious-cat"} in noted("text")
    written = noted("sampled")
    assert [fact["seed"] for fact in written] == [1337, 1338, 1339, 1340]
    assert {(fact["run"], fact["model"], fact["temperature"], fact["step"]) for fact in written} == {
        ("preparedGptEn", "GPT", 0.8, 1200)
    }


def test_what_was_done_on_the_other_pages_is_noted(app: OpenPage) -> None:
    vocabulary = app("vocabulary", choices="vocabulary_questions~own")
    assert noted("sentence") == []
    vocabulary.text_input(key="page.vocabulary.sentence").set_value("a cat €").run()
    assert [fact["unknown"] for fact in noted("sentence")] == [True]
    app("batches").button(key="batches_again").click().run()
    assert [fact["part"] for fact in noted("batch")] == ["train", "train"]
    surprise = app("sampling", view="surprise", author="preparedTinyEn")
    assert noted("judged") == []
    surprise.text_area[0].set_value("the cat of my aunt").run()
    assert len(noted("judged")) == 1
    surprise.button(key="sampling_text_unseen").click().run()
    assert len(noted("judged")) == 1
    surprise.button(key="sampling_text_learned").click().run()
    assert noted("judged")[1:] == [{"given": "learned", "run": "preparedTinyEn"}]


def test_what_is_switched_off_and_changed_by_hand_is_noted(app: OpenPage) -> None:
    table = app("ablation", author="preparedTinyEn")
    table.button(key="ablation_never").click().run()
    assert [fact["share"] for fact in noted("edited")] == [0.0]
    gpt = app("ablation", author="preparedGptEn")
    gpt.button(key="ablation_part_head_0_1").click().run()
    gpt.button(key="ablation_part_head_0_1").click().run()
    assert noted("off") == [{"kind": "head", "layer": 0, "head": 1}]
    assert noted("off_together") == [{"head": 1}]
    for key in ("head_0_0", "head_1_3", "mlp_0_0"):
        gpt.button(key=f"ablation_part_{key}").click().run()
    assert noted("off_together")[1:] == [{"head": 2}, {"head": 2, "mlp": 1}]


def test_heads_switched_off_one_after_the_other_are_not_off_together(app: OpenPage) -> None:
    def all_eight(step: int) -> bool:
        return met(
            find_lesson("inside", "en").steps[step - 1].condition,
            Evidence(resources.store(), FactStore(), "local", {step: 1}),
        )

    gpt = app("ablation", author="preparedGptEn")
    keys = [f"ablation_part_head_{layer}_{head}" for layer in range(2) for head in range(4)]
    for key in keys:
        gpt.button(key=key).click().run()
        gpt.button(key=key).click().run()
    gpt.button(key="ablation_part_positions_0_0").click().run()
    assert len(noted("off")) == 9 and all_eight(2) and not all_eight(3)
    gpt.button(key="ablation_all_on").click().run()
    for key in keys:
        gpt.button(key=key).click().run()
    assert all_eight(3)


def test_positions_that_are_missed_with_all_heads_are_not_missed_alone(app: OpenPage) -> None:
    gpt = app("ablation", author="preparedGptEn")
    gpt.button(key="ablation_part_head_0_0").click().run()
    gpt.button(key="ablation_part_positions_0_0").click().run()
    evidence = Evidence(resources.store(), FactStore(), "local")
    assert met(read_condition("part_switched_off(kind=positions)"), evidence)
    assert not met(read_condition("part_switched_off(kind=positions, alone=true)"), evidence)


def test_a_step_of_a_lesson_begins_with_the_whole_model(app: OpenPage) -> None:
    test = app("ablation", author="preparedGptEn", lesson="inside", step="2")
    test.button(key="ablation_part_head_0_0").click().run()
    assert not test.button(key="ablation_all_on").disabled
    test.button(key="lesson_next").click().run()
    assert test.query_params["step"] in ("3", ["3"]) and test.button(key="ablation_all_on").disabled


def test_what_is_done_during_a_lesson_is_noted_with_its_name(app: OpenPage) -> None:
    gpt = app("ablation", author="preparedGptEn", lesson="attention", step="3")
    gpt.button(key="ablation_part_head_0_1").click().run()
    assert noted("off_together") == [{"head": 1}] == FactStore().facts("local", "off_together", "attention")
    assert FactStore().facts("local", "off_together", "inside") == []


def test_capitals_and_texts_for_attention_are_noted(app: OpenPage) -> None:
    vocabulary = app("vocabulary", text="the-curious-cat")
    assert noted("text") == [{"text": "the-curious-cat"}]
    vocabulary.toggle(key="vocabulary_lower").set_value(False).run()
    assert noted("text")[1:] == [{"text": "the-curious-cat", "capitals": True}]
    page = app("attention", author="preparedGptEn")
    assert noted("attended") == []
    for text in ("a cat", "The cat and the dog"):
        page.text_area(key="page.inside.text").set_value(text).run()
    assert [fact["twice"] for fact in noted("attended")] == [False, True]


def test_a_training_is_noted_with_the_lesson_that_it_was_begun_in(app: OpenPage) -> None:
    page = app("training", lesson="loss", step="2")
    page.button(key="start").click().run()
    begun = [{"run": resources.store().runs("local")[0].id}]
    assert begun == FactStore().facts("local", "trained", "loss") == noted("trained")
    assert FactStore().facts("local", "trained", "tinygpt") == []


def test_a_beginning_that_the_story_could_have_is_told_from_one_with_a_new_word(app: OpenPage) -> None:
    page = app("sampling", author="preparedGptEn", prompt="two and two are", view="write")
    assert [fact["new_word"] for fact in noted("sampled")] == [False]
    for prompt in ("The Cat 漢字", "the blorp sings"):  # what the model cannot read is no word
        page.text_input(key=state.PROMPT).set_value(prompt).run()
    assert [fact["new_word"] for fact in noted("sampled")] == [False, False, True]


def test_only_texts_that_were_looked_for_are_noted_as_that(app: OpenPage) -> None:
    app("sampling", author="preparedGptEn", view="write")
    assert noted("searched") == []
    page = app("sampling", author="preparedGptEn", view="copied")
    for _time in range(2):
        page.button(key="sampling_another").click().run()
    page.run()
    assert [fact["seed"] for fact in noted("searched")] == [1337, 1338, 1339]


def test_a_tab_writes_a_fact_once(app: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(FactStore, "note", lambda _store, _workspace, name, **_details: written.append(name))
    test: AppTest = app("batches")
    test.run()
    assert written.count("page") == 1 and written.count("batch") == 1
