"""The lessons that come with the program: both languages alike, each can be done to its end, and every number is true.

All numbers are calculated here again, from the bundled texts and the prepared runs.
"""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.data import Dataset, prepare
from minigpt_core.generation.generated_text import GeneratedText
from minigpt_core.generation.language_model import trained_language_model
from minigpt_core.generation.request import GenerationRequest
from minigpt_core.interpret.ablation import Component, ablated_loss, components_of, held_out_windows
from minigpt_core.interpret.activations import run_with_cache
from minigpt_core.interpret.bigram_table import BigramTable
from minigpt_core.interpret.heads import measured_heads
from minigpt_core.interpret.memorization import (
    STRETCH,
    TrainingText,
    pieces_of,
    share_of_words,
    usual_share,
    words_of,
)
from minigpt_core.lessons.catalogue import ORDER, PATHWAYS, SHIPPED, find_lesson
from minigpt_core.lessons.checks import CHECKS, OTHER_LESSONS, Evidence, ask, met, so_far
from minigpt_core.lessons.conditions import Call, Condition
from minigpt_core.lessons.lesson import Lesson, Step
from minigpt_core.lessons.values import VALUES
from minigpt_core.ngrams import baselines
from minigpt_core.presets import NOTEBOOK
from minigpt_core.store import prepared
from minigpt_core.store.facts import LESSON, FactStore
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.texts import corpus
from minigpt_core.tokenizer import CharTokenizer
from minigpt_core.training import MetricsEvent, Trainer, strip_prefix
from minigpt_core.weights import load_model, parameters_of

LANGUAGES = ("en", "fr")
TEXTS = {"en": "the-curious-cat", "fr": "le-chat-curieux"}
BEGINNINGS = {"en": "one morning,", "fr": "un matin,"}
KEPT = "the field keeps what stands in it"
Number = tuple[float, int]
"""A value and with how many decimals it stands there."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    made = RunStore(tmp_path_factory.mktemp("shipped"))
    prepared.adopt(made)
    return made


def lesson(name: str, lang: str) -> Lesson:
    found = find_lesson(name, lang)
    assert found.language == lang and not found.own
    return found


# Both languages, and the ways through them


def test_the_folder_holds_them_all_in_both_languages_and_nothing_else() -> None:
    expected = {f"{name}.{lang}.md" for name in ORDER for lang in LANGUAGES}
    assert {path.name for path in SHIPPED.iterdir()} == expected
    assert len(ORDER) == 13 and {name for way in PATHWAYS for name in way.lessons} == {*ORDER}


def test_the_ways_take_the_time_that_they_name() -> None:
    minutes = {way.name: sum(lesson(name, "en").minutes for name in way.lessons) for way in PATHWAYS}
    assert 30 <= minutes["lycee"] <= 38 and 55 <= minutes["lecture"] <= 70


@pytest.mark.parametrize("name", ORDER)
def test_both_languages_ask_the_same(name: str) -> None:
    one, other = (lesson(name, lang) for lang in LANGUAGES)
    assert one.minutes == other.minutes and len(one.steps) == len(other.steps)
    assert one.idea and other.idea
    if name in ORDER[:12]:
        assert 4 <= one.minutes <= 6
    for left, right in zip(one.steps, other.steps, strict=True):
        assert (left.page, left.minutes, left.show, left.point, left.veil, left.veil_here) == (
            right.page,
            right.minutes,
            right.show,
            right.point,
            right.veil,
            right.veil_here,
        )
        assert [bool(text) for text in (left.hint, left.reveal, left.say)] == [
            bool(text) for text in (right.hint, right.reveal, right.say)
        ]
        assert swapped(left.condition) == swapped(right.condition)
        assert setting_up(left) == setting_up(right)
        assert (left.question is None) == (right.question is None)
        if left.question and right.question:
            assert left.question.kind == right.question.kind
            assert len(left.question.options) == len(right.question.options)
            if left.question.kind != "number":
                assert left.question.answer == right.question.answer


def setting_up(step: Step) -> dict[str, str]:
    """What the address says, but for what each language has of its own."""
    own = ("prompt", "author", "against")
    return {key: swap(value) for key, value in step.address.items() if key not in own}


def swap(text: str) -> str:
    return re.sub(r"\b(prepared\w+)Fr\b", r"\1En", text).replace(TEXTS["fr"], TEXTS["en"])


def swapped(condition: Condition | None) -> list[str]:
    """The calls, those of the French lesson with the English names."""
    return sorted(swap(str(call)) for call in condition.calls()) if condition else []


# Each is done to its end


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", ORDER)
def test_it_is_done_to_its_end_by_doing_what_it_asks(name: str, lang: str, tmp_path: Path) -> None:
    """Nothing is met before, each step is once its things were done, and it ends in something that was done."""
    runs, known = RunStore(tmp_path), FactStore(tmp_path)
    guesses: dict[int, float] = {}
    found = lesson(name, lang)
    for number, step in enumerate(found.steps, start=1):
        evidence = Evidence(runs, known, "local", guesses)
        assert step.condition is not None, "every step of ours asks for something"
        if step.question:
            guesses[number] = 1.0
        for call in step.condition.calls():
            do(call, evidence)
        assert met(step.condition, evidence), [str(call) for call in step.condition.calls()]
        if step.question and isinstance(step.question.answer, Call):
            assert isinstance(ask(VALUES, step.question.answer, evidence), float)
    nobody = Evidence(runs, known, "nobody")
    assert not any(met(step.condition, nobody) for step in found.steps)


def noted(evidence: Evidence, name: str, **details: Any) -> None:
    """A fact, with the lesson that is on."""
    during = {LESSON: evidence.lesson} if evidence.lesson else {}
    evidence.known.note(evidence.workspace, name, **details, **during)


ONLY_A_GUESS = {
    ("numbers", 1), ("batches", 1), ("batches", 2), ("loss", 1), ("tinygpt", 4), ("attention", 1), ("by-heart", 1),
}  # fmt: skip
"""Steps at which the picture that answers the guess is all that there is to be seen."""


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", ORDER)
def test_no_step_is_over_by_what_was_done_for_another_one(name: str, lang: str, tmp_path: Path) -> None:
    """Whoever has done all other lessons, comes to a step and guesses finds something left to do there."""
    runs, known = RunStore(tmp_path), FactStore(tmp_path)
    for other in (*(one for one in ORDER if one != name), name):
        evidence = Evidence(runs, known, "local", guesses := {}, other)
        for number, step in enumerate(lesson(other, lang).steps, start=1):
            arrives(step, evidence)
            guesses[number] = 1.0
            if other == name:
                assert met(step.condition, evidence) == ((name, number) in ONLY_A_GUESS), number
            for call in step.condition.calls() if step.condition else ():
                do(call, evidence)


def arrives(step: Step, evidence: Evidence) -> None:
    """What its page notes by itself when it is opened."""
    view, author = step.address.get("view", ""), step.address.get("author", "mine")
    about = {"view": view, "rows": step.address.get("rows", "")} if step.page == "sampling" else {}
    noted(evidence, "page", page=step.page, **about)
    noted(evidence, "text", text=step.address.get("text", TEXTS["en"]))
    if step.page == "batches":
        noted(evidence, "batch", part="train", seed=1337)
    if view in ("write", "next", "temperature"):
        written(partial(noted, evidence), run=author, prompt=step.address.get("prompt", KEPT), new_word=False)


def do(call: Call, evidence: Evidence) -> None:
    """What a pupil does so that this check holds: through the functions that the pages call."""
    arguments = {name: value for name, value in call.named if name != OTHER_LESSONS}
    if ask(CHECKS, call, evidence):
        return

    def note(name: str, **details: Any) -> None:
        noted(evidence, name, **details)

    first = str(call.positional[0]) if call.positional else ""
    times = int(arguments.get("times", 1))
    match call.name:
        case "page_opened":
            note("page", page=first, **arguments)
        case "text_chosen":
            note("text", text="0" * 64 if first == "own" else first, **arguments)
        case "sentence_typed":
            note("sentence", unknown=bool(arguments.get("unknown")), text="x")
        case "batch_drawn":
            for seed in range(times):
                note("batch", part=arguments.get("part", "train"), seed=seed)
        case "temperature_was":
            written(note, temperature=float(first))
        case "sampled":
            asked = ("times", "seeds", "temperatures", "prompts", "checkpoints")
            for n in range(max(int(arguments.get(key, 1)) for key in asked)):
                written(note, n, run=arguments.get("run", "mine"), temperature=0.3 + 0.1 * n, new_word=True)
        case "copies_searched":
            for seed in range(times):
                note("searched", run=arguments["run"], seed=seed)
        case "fingerprint_taken":
            known = [fact for fact in evidence.facts("sampled") if fact["run"] == arguments["run"]]
            note("fingerprint", run=arguments["run"], step=0, print="x", **so_far(known, arguments["run"], 0))
            prompts = int(arguments.get("prompts", 0))
            for n in range(len(known), len(known) + max(int(arguments.get("texts", 0)), prompts)):
                prompt = str(n) if prompts else KEPT
                written(note, n, run=arguments["run"], step=0, prompt=prompt)
        case "head_switched_off" | "part_switched_off":
            together, kind = int(arguments.get("together", times)), str(arguments.get("kind", "head"))
            for n in range(together):
                note("off", kind=kind, layer=n // 4, head=n % 4)
            note("off_together", **{kind: 1 if arguments.get("alone") else together})
        case "table_edited":
            note("edited", run="x", current=1, next=2, share=0.0)
        case "text_judged":
            note(
                "judged",
                **({"given": "learned", "run": arguments["run"]} if "given" in arguments else {"text": "x"}),
            )
        case "attention_read":
            note("attended", text="x", twice=True)
        case "code_shown":
            note("code", page=arguments["page"])
        case "character_drawn_by_hand":
            note("by_hand", character=3)
        case "run" | "run_ended":
            trained(evidence, arguments)
        case "stepped":
            trained(evidence, {})
            for n in range(times):
                note("stepped", run=evidence.runs.runs(evidence.workspace)[0].id, at=n)
        case other:
            raise AssertionError(f"nobody has done {other}")


def written(
    note: Callable[..., None],
    n: int = 0,
    run: object = "mine",
    temperature: float = 0.8,
    step: int | None = None,
    prompt: str | None = None,
    **also: object,
) -> None:
    step, prompt = n if step is None else step, str(n) if prompt is None else prompt
    note("sampled", model="GPT", run=run, step=step, seed=n, temperature=temperature, prompt=prompt, **also)


def trained(evidence: Evidence, wanted: dict[str, Any]) -> None:
    """A run as it would stand in the store afterwards."""
    text = str(wanted.get("text", TEXTS["en"]))
    own = "un chat gris et un chat noir dorment, " * 12
    rate = (
        float(wanted.get("learning_rate", 0))
        or float(wanted.get("learning_rate_below", 0)) / 2
        or 2 * float(wanted.get("learning_rate_above", 0))
        or 0.003
    )
    steps = int(wanted.get("steps", 100))
    run = new_run(
        evidence.runs,
        text=own if text == "own" else corpus.normalize(corpus.load(text).text),
        title="Mine",
        model_fields={"block_size": 8, "n_embd": 8, "n_layer": int(wanted.get("model") == "GPT")},
        training=TrainConfig(steps=steps, learning_rate=rate),
        workspace=evidence.workspace,
    )
    noted(evidence, "trained", run=run.id)
    loss = float(wanted.get("loss_below", 3.0)) - 0.01
    gap = 2 * float(wanted.get("gap_above", 0))
    event = MetricsEvent(step=steps, train_loss=loss - gap, val_loss=loss, val_accuracy=0.3)
    evidence.runs.append(run.id, evaluations=[event], step=steps, best_val_loss=loss)
    evidence.runs.set_status(
        run.id, str(wanted.get("verdict", "done"))
    )  # of the verdicts only one is asked for: diverged


# Every number is true


@dataclass(frozen=True)
class Source:
    """The text and the prepared runs of one language."""

    store: RunStore
    lang: str

    @cached_property
    def text(self) -> str:
        return corpus.normalize(corpus.load(TEXTS[self.lang]).text)

    @cached_property
    def dataset(self) -> Dataset:
        return prepare(self.text)

    def run(self, name: str) -> Run:
        return self.store.run(f"prepared{name}{self.lang.capitalize()}")

    def evaluations(self, name: str) -> list[MetricsEvent]:
        return self.store.evaluations(self.run(name).id)

    def model(self, name: str) -> torch.nn.Module:
        run = self.run(name)
        kept = self.store.load_checkpoint(run.id, model_only=True)
        return load_model(run.model, strip_prefix(kept.tensors, "model."))

    def written(self, name: str, length: int = 120, **fields: Any) -> str:
        """What the Sampling page writes with these settings."""
        run = self.run(name)
        request = GenerationRequest(
            run=run.id,
            step=run.step,
            text="",
            **{"prompt": BEGINNINGS[self.lang], "seed": 1337, "temperature": 0.8} | fields,
        )
        model = trained_language_model(self.model(name), run.model, run.characters, run.lower)
        return GeneratedText(model, request).text(length)

    def worse_without(self, *parts: Component) -> float:
        """How much the loss of the GPT rises without these parts."""
        return loss_without(self, frozenset(parts)) - loss_without(self, frozenset())

    def heads(self) -> list[Component]:
        return [part for part in components_of(self.run("Gpt").model) if part.kind == "head"]

    def trained(self, steps: int = NOTEBOOK.training.steps, learning_rate: float = 0.003) -> float:
        """Where a TinyGPT ends that is trained here, as the notebook's preset but for this: its loss on unseen text."""
        return trained_tinygpt(self, steps, learning_rate)


@cache
def loss_without(source: Source, parts: frozenset[Component]) -> float:
    windows = held_out_windows(source.dataset, source.run("Gpt").model.block_size)
    return ablated_loss(source.model("Gpt"), windows, parts)


@cache
def trained_tinygpt(source: Source, steps: int, learning_rate: float) -> float:
    how = {"steps": steps, "eval_interval": steps, "learning_rate": learning_rate, "sample_length": 0}
    model, training = source.run("Tiny").model, replace(NOTEBOOK.training, **how)
    return last_evaluation(Trainer(source.dataset, model, training)).val_loss or 0


def last_evaluation(trainer: Trainer) -> MetricsEvent:
    return [event for event in trainer.run() if isinstance(event, MetricsEvent)][-1]


@pytest.fixture(scope="module", params=LANGUAGES)
def source(request: pytest.FixtureRequest, store: RunStore) -> Source:
    return Source(store, request.param)


def numbers_of(text: str, lang: str) -> Iterator[Number]:
    """The numbers in a text, written as the language writes them."""
    gaps = "[ \u00a0\u202f]" if lang == "fr" else ","
    mark = "," if lang == "fr" else r"\."
    for found in re.finditer(rf"(?<![\w.,-])\d{{1,3}}(?:{gaps}\d{{3}})+(?!\d)|\d+(?:{mark}\d+)?", text):
        plain = re.sub(gaps if re.search(rf"\d{gaps}\d{{3}}", found[0]) else "$^", "", found[0]).replace(
            ",", "."
        )
        yield float(plain), len(plain.partition(".")[2])


def shown_words(found: Lesson) -> str:
    """All that a pupil or a teacher reads of a lesson."""
    parts = [found.title, found.about, found.idea]
    for step in found.steps:
        parts += [step.title, step.words, step.hint, step.reveal, step.say]
        if step.question:
            parts += [step.question.words, *(step.question.options if step.question.kind != "place" else ())]
    return "\n".join(parts)


SETTINGS = {  # numbers that are settings, places or plain arithmetic: nothing that could be measured
    "numbers": {12, 13}, "batches": {4, 32, 128, 500, 64_000}, "loss": {0, 1, 100, 5, 128, 0.69, 2.7},
    "tinygpt": {1, 0, 500, 5000, 3000, 0.003, 0.03, 0.0001, 10, 0.1}, "attention": {100},
    "learning-rate": {0.003, 0.0001, 500, 10, 0.00003, 1, 2.4},
    "by-heart": {500, 2000}, "temperature": {0, 1, 2, 4, 5}, "copied": {300},
    "data": {12, 7, 19, 3, 500}, "using": {128}, "inside": set(), "notebook-to-gpt": {1.9},
}  # fmt: skip


@cache
def measured(name: str, source: Source) -> list[float]:
    """What the numbers of a lesson are, calculated from the text and the runs."""
    known, characters = baselines(source.dataset), len({*source.text})
    stoi = source.dataset.tokenizer.stoi
    match name:
        case "numbers":
            with_capitals = {*corpus.normalize(corpus.load(TEXTS[source.lang]).text, lower=False)}
            return [len(source.text), characters, len(with_capitals), stoi[" "], stoi["e"]]
        case "loss":
            gpt = source.evaluations("Gpt")[-1].val_loss
            return [characters, known.uniform, source.evaluations("Tiny")[0].val_loss or 0, gpt or 0]
        case "tinygpt":
            tiny, seen = source.evaluations("Tiny")[-1].val_loss or 0, source.evaluations("Overfit")
            best = min(seen, key=lambda event: event.val_loss or math.inf)
            longer = [best.step, best.val_loss or 0, seen[-1].step, seen[-1].val_loss or 0]
            return [known.bigram_val or 0, known.one_character_minimum, round(tiny, 1), 2.8, *longer] + [
                source.text.count("q")
            ] * (source.lang == "en")
        case "attention":
            single = max(source.worse_without(head) for head in source.heads())
            return [296, source.worse_without(*source.heads()), single]
        case "learning-rate":
            return [
                source.evaluations("Stuck")[-1].val_loss or 0,
                source.trained(),
                2.8,
            ]
        case "by-heart":
            seen = source.evaluations("Overfit")
            best = min(seen, key=lambda event: event.val_loss or math.inf)
            assert best.step in {kept.step for kept in source.store.checkpoints(source.run("Overfit").id)}
            return [best.step, best.val_loss or 0, seen[-1].val_loss or 0, seen[-1].train_loss]
        case "copied":
            last = source.evaluations("Overfit")[-1]
            own, newest, three, unseen = copied_shares(source)
            return [
                100 * own,
                100 * newest,
                100 * three,
                100 * unseen,
                parameters_of(source.run("Gpt").model),
                last.train_loss,
                last.val_loss or 0,
            ]
        case "data":
            return [len({*corpus.normalize(corpus.load("additions").text)})]
        case "using":
            return [parameters_of(source.run(run).model) for run in ("Gpt", "Tiny")]
        case "inside":
            single = max(source.worse_without(head) for head in source.heads())
            return [
                source.evaluations("Gpt")[-1].val_loss or 0,
                source.worse_without(*source.heads()),
                source.worse_without(Component("positions")),
                single,
                0.2,
            ]
        case "notebook-to-gpt":
            stories = [Source(source.store, lang) for lang in LANGUAGES]
            losses = [story.evaluations("Gpt")[-1].val_loss or 0 for story in stories]
            return losses + [baselines(story.dataset).bigram_val or 0 for story in stories]
    return []


def copied_shares(source: Source) -> tuple[float, float, float, float]:
    """Of the GPT's first text, of its third, of its first three, and usually of the end that it never saw."""
    n_train = len(source.dataset.train)
    known = TrainingText(source.text[:n_train])
    unseen = [known.memorized(piece, STRETCH).share for piece in pieces_of(source.text[n_train:], 300)]
    drawn = [known.memorized(source.written("Gpt", 300, seed=1337 + n), STRETCH).share for n in range(3)]
    return drawn[0], drawn[2], sum(drawn) / 3, usual_share(unseen)[0] or 0


@pytest.mark.parametrize("name", ORDER)
def test_every_number_is_true(name: str, source: Source) -> None:
    found = lesson(name, source.lang)
    true = measured(name, source)
    written = [*numbers_of(shown_words(found), source.lang)]
    answers = [
        step.question.answer for step in found.steps if step.question and step.question.kind == "number"
    ]
    written += [
        (answer, len(f"{answer:g}".partition(".")[2])) for answer in answers if isinstance(answer, float)
    ]
    strange = [
        value
        for value, digits in written
        if value not in SETTINGS[name] and not any(stands(value, digits, t) for t in true)
    ]
    assert not strange, (strange, true)
    unused = [t for t in true if not any(stands(value, digits, t) for value, digits in written)]
    assert not unused, "what is measured here stands in the lesson"


TEACHING = Path(__file__).parents[3] / "docs" / "teaching"
ALSO = {"learning-rate": {2.3}, "copied": {0.0}}
"""Measured, and said less exactly in the answers than in the lesson; nothing where nothing was copied."""


def test_every_bold_number_for_teachers_is_true(source: Source) -> None:
    text = (TEACHING / f"answers.{source.lang}.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## ([\w-]+)\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE))
    assert [*sections] == [*ORDER[:12]]
    for name, section in sections.items():
        bold = " ; ".join(re.findall(r"\*\*(.+?)\*\*", section))
        true = [*measured(name, source), *ALSO.get(name, ())]
        strange = [
            v for v, digits in numbers_of(bold, source.lang) if not any(stands(v, digits, t) for t in true)
        ]
        assert not strange, (name, strange, true)
        assert bold or not true, name


def test_the_plans_have_every_lesson_in_its_time(source: Source) -> None:
    """In both languages alike, and as the pathways of the program have it."""
    parts = (TEACHING / f"plans.{source.lang}.md").read_text(encoding="utf-8").split("\n## ")[1:]
    for part, way, most in zip(parts, PATHWAYS, (45, 120, 8), strict=True):
        rows = re.findall(r"^\| (\d+) \| (.+?) \|", part, re.MULTILINE)
        begins = [int(minute) for minute, _cell in rows]
        assert begins == sorted(begins) and begins[-1] <= most
        if way.name == "alone":
            assert way.lessons[0] in part
            continue
        named = [name for _minute, cell in rows for name in re.findall(r"`([\w-]+)`", cell)]
        assert named == [*way.lessons]


def test_the_45_minutes_add_up(source: Source) -> None:
    """Each lesson has the minutes of its steps, without those that the plan names as left out; all end in time."""
    part = (TEACHING / f"plans.{source.lang}.md").read_text(encoding="utf-8").split("\n## ")[1]
    rows = [(int(minute), row) for minute, row in re.findall(r"^\| (\d+) (\| .+)$", part, re.MULTILINE)]
    for (begin, row), (end, _next) in pairwise(rows):
        named = [lesson(name, source.lang) for name in re.findall(r"`([\w-]+)`", row)]
        left_out = re.findall(r"\*([^*]+)\*", row)
        assert (
            end - begin
            == math.ceil(
                sum(step.minutes for one in named for step in one.steps if step.title not in left_out)
            )
            or not named
        ), row
    assert rows[-1][0] + QUIZ_MINUTES <= 45


QUIZ_MINUTES = 3


def test_the_quiz_asks_the_same_in_both_languages() -> None:
    quizzes = [(TEACHING / f"quiz.{lang}.md").read_text(encoding="utf-8") for lang in LANGUAGES]
    keys = [re.findall(r"^\| (\d+) \| ([abc]) \| `([\w-]+)`", quiz, re.MULTILINE) for quiz in quizzes]
    assert keys[0] == keys[1] and len(keys[0]) == 10 and {name for _n, _right, name in keys[0]} <= {*ORDER}
    for quiz in quizzes:
        assert len(re.findall(r"^\d+\. ", quiz, re.MULTILINE)) == 10 and quiz.count(" - a) ") == 10


def stands(value: float, digits: int, true: float) -> bool:
    return abs(value - true) <= 0.5 * 10**-digits + 1e-9


# What they say is true


def test_chance_decides_what_the_lesson_says(source: Source) -> None:
    draws = {
        t: [source.written("Gpt", temperature=t, seed=1337 + n) for n in (0, 1, 2, 3, 0)] for t in (0.8, 0.0)
    }
    assert len({*draws[0.8]}) == 4 and draws[0.8][0] == draws[0.8][4] and len({*draws[0.0]}) == 1
    words = words_of(source.text)
    wild = share_of_words(source.written("Gpt", 300, temperature=2.0), words)
    assert wild is not None and wild < 0.4 < (share_of_words(source.written("Gpt", 300), words) or 0)


def test_no_sum_is_calculated_at_any_temperature(source: Source) -> None:
    prompt, right = {"en": ("two and two are", "four"), "fr": ("deux et deux font", "quatre")}[source.lang]
    for temperature in (0.0, 0.3, 0.8, 2.0):
        found = [source.written("Gpt", 12, prompt=prompt, temperature=temperature, seed=n) for n in range(5)]
        assert not any(text.strip().startswith(right) for text in found), found


def test_the_learning_rates_end_as_the_lesson_says(source: Source) -> None:
    loss = {rate: source.trained(learning_rate=rate) for rate in (1.0, 0.003, 0.0001, 0.03)}
    assert loss[0.003] < loss[0.0001] < loss[1.0] and loss[0.0001] > 2.8
    assert 0 < loss[0.03] - loss[0.003] < 0.1 and stands(2.3, 1, loss[0.003])
    assert 10 / 0.003 > 3000 and pytest.approx(30) == 0.003 / 0.0001
    assert source.run("Diverged").status == "diverged" and source.run("Diverged").training.learning_rate == 10


def test_more_steps_bring_tinygpt_hardly_further(source: Source) -> None:
    usual, many = source.trained(), source.trained(steps=3000)
    assert usual - 0.1 < many and many > 2.2


def test_it_begins_above_chance_and_is_soon_below(source: Source) -> None:
    seen = source.evaluations("Tiny")
    chance = baselines(source.dataset).uniform
    assert chance < (seen[0].val_loss or 0) < chance + 0.3
    assert next(event.step for event in seen if (event.val_loss or 9) < chance) <= 60


def test_after_q_comes_u(source: Source) -> None:
    stoi = source.dataset.tokenizer.stoi
    assert BigramTable(source.model("Tiny")).probabilities(stoi["q"])[stoi["u"]] > 0.7
    assert source.text.count("qu") == source.text.count("q") or source.lang == "fr"


def test_first_letters_surprise_most_and_surprises_differ_widely(source: Source) -> None:
    text = source.text[-4000:]
    ids = CharTokenizer.from_characters(source.run("Gpt").characters).encode(text)
    with torch.no_grad():
        losses: list[float] = []
        for begin in range(0, len(ids) - 129, 128):
            logits, _loss = source.model("Gpt")(ids[None, begin : begin + 128])
            chances = torch.log_softmax(logits[0], -1)
            losses += (-chances[torch.arange(128), ids[begin + 1 : begin + 129]]).tolist()
    words = [match.span() for match in re.finditer(r"[^\W\d_]{4,}", text[: len(losses)]) if match.start() > 0]
    first = sum(losses[begin - 1] for begin, _end in words) / len(words)
    last = sum(losses[end - 2] for _begin, end in words) / len(words)
    assert first > 1.5 * last and min(losses) < 0.05 and max(losses) > 5


def test_with_little_text_the_curves_part(source: Source) -> None:
    fields = Source(source.store, source.lang).run("Tiny").model.to_dict()
    config = TrainConfig(steps=2000, batch_size=4, learning_rate=0.03, sample_length=0, eval_interval=2000)
    gaps = []
    for begin in (2000, 12_000):  # the end of so few characters is short: it depends on the place
        little = prepare(source.text[begin : begin + 500])
        model = ModelConfig.from_dict(fields | {"vocab_size": little.tokenizer.vocab_size})
        last = last_evaluation(Trainer(little, model, config))
        gaps.append((last.val_loss or 0) - last.train_loss)
    assert sum(gaps) / len(gaps) > 0.3 and min(gaps) > 0


def test_heads_lean_to_different_places_and_none_looks_at_one_kind_alone(source: Source) -> None:
    found = [head.shares for head in measured_heads(source.model("Gpt"), source.dataset)]
    leanings = [next(iter(shares)) for shares in found]
    assert len(found) == 8 and leanings.count("previous") >= 2 and leanings.count("break") == 1
    assert all(share.attention < 0.5 for shares in found for share in shares.values())


def test_all_heads_together_are_worth_more_than_their_sum(source: Source) -> None:
    single = [source.worse_without(head) for head in source.heads()]
    assert len(single) == 8 and max(single) < 0.2 and source.worse_without(*source.heads()) > 2 * sum(single)
    assert source.run("Gpt").model.block_size == 128


@pytest.mark.parametrize("lang", LANGUAGES)
def test_another_training_does_not_end_the_one_with_tiny_steps(lang: str, tmp_path: Path) -> None:
    evidence = Evidence(RunStore(tmp_path), FactStore(tmp_path), "local", {1: 1})
    condition = lesson("learning-rate", lang).steps[0].condition
    trained(evidence, {"text": TEXTS[lang], "steps": 500})
    for steps, done in ((1, False), (500, True)):
        trained(evidence, {"text": TEXTS[lang], "steps": steps, "learning_rate_below": 0.0002})
        assert met(condition, evidence) == done


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_lesson_before_it_does_not_end_a_step_that_bets_on_a_training(lang: str, tmp_path: Path) -> None:
    """In both ways for classes, “loss” trains the model whose end “tinygpt” asks for, and “using” its single steps."""
    evidence = Evidence(RunStore(tmp_path), FactStore(tmp_path), "local", dict.fromkeys(range(1, 5), 1))
    before = next(step for step in lesson("loss", lang).steps if step.point == "start")
    trained(evidence, {"text": TEXTS[lang], "steps": int(settings_of(before)["steps"])})
    assert met(before.condition, evidence)
    bet = lesson("tinygpt", lang).steps[0]
    assert not met(bet.condition, evidence)
    trained(evidence, {"text": TEXTS[lang], "steps": 500})
    assert met(bet.condition, evidence)
    single = lesson("using", lang).steps[-1]
    assert not met(single.condition, evidence)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_was_learned_by_heart_does_not_end_the_step_that_lets_a_letter_out(
    lang: str, tmp_path: Path
) -> None:
    """Both ask for a text of one's own, and in the way for a lecture one comes after the other."""
    first = Evidence(RunStore(tmp_path), FactStore(tmp_path), "local", {3: 1}, "by-heart")
    then = replace(first, lesson="data")
    noted(first, "text", text="0" * 64)
    by_heart, letter = (lesson(name, lang).steps[-1] for name in ("by-heart", "data"))
    trained(first, {"text": "own", "steps": 500, "gap_above": 0.2})
    assert met(by_heart.condition, first) and not met(letter.condition, then)
    trained(then, {"text": "own", "steps": 500})
    assert met(letter.condition, then)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_giant_steps_are_ended_by_one_run_that_broke_at_them(lang: str, tmp_path: Path) -> None:
    evidence = Evidence(RunStore(tmp_path), FactStore(tmp_path), "local", {2: 1})
    condition = lesson("learning-rate", lang).steps[1].condition
    trained(evidence, {"text": TEXTS[lang], "verdict": "diverged", "learning_rate_above": 1})
    trained(evidence, {"text": TEXTS[lang], "verdict": "stopped", "learning_rate_above": 5})
    assert not met(condition, evidence)
    trained(evidence, {"text": TEXTS[lang], "verdict": "diverged", "learning_rate_above": 5})
    assert met(condition, evidence)


def settings_of(step: Step) -> dict[str, str]:
    """What the address sets of the next training."""
    words = step.address["settings"].split("~")[1:]
    return dict(zip(words[::2], words[1::2], strict=True))


def test_the_head_that_the_lesson_about_attention_names_looks_at_the_last_letter(store: RunStore) -> None:
    """From the sign on, more than at anything else; the other heads do not."""
    run = store.run("preparedReversed")
    model = load_model(
        run.model, strip_prefix(store.load_checkpoint(run.id, model_only=True).tensors, "model.")
    )
    words = "piromu>umorip\npofedu>udefop\n"
    ids = torch.tensor([[run.characters.index(c) for c in words]])
    _logits, cache = run_with_cache(model, ids, keep=lambda name: name.endswith("attn.pattern"))
    layers = [cache[name][0] for name in sorted(cache)]  # (nh, T, T) each
    for place in (at for at, c in enumerate(words) if c == ">"):
        at_the_letter = [
            (layer, head)
            for layer, pattern in enumerate(layers, start=1)
            for head, looks in enumerate(pattern[:, place], start=1)
            if int(looks.argmax()) == place - 1
        ]
        assert at_the_letter == [(1, 3)]
