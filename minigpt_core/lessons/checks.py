"""The named checks: what a lesson can ask to be done, each a question to what really was.

They look at the runs in the store and at the facts that pages keep (`store/facts.py`), so what was done before
counts, and a click on “next” does not. Each function here is one check; its name and its arguments are what a lesson
writes, and its docstring says when it holds. With `other_lessons=false`, each but `guessed` leaves out what was done
while another lesson was on. `docs/lessons.md` lists them all.
"""

import hashlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

from minigpt_core.data import prepare
from minigpt_core.interpret.diagnosis import Kind, diagnose
from minigpt_core.lessons.addresses import PREPARED
from minigpt_core.lessons.conditions import Call, Condition, ConditionError
from minigpt_core.lessons.lesson import PAGES, ROWS, VIEWS
from minigpt_core.ngrams import Baselines, baselines
from minigpt_core.store.facts import Details, FactStore, Guess
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.texts import corpus
from minigpt_core.tokenizer import CharTokenizer

ENDED = ("done", "stopped", "diverged", "interrupted", "failed")
OWN = "own"
MODELS = ("TinyGPT", "GPT", "pairs", "triples")
PARTS = ("head", "mlp", "layer", "positions")
SAME_TEMPERATURE = 0.001
OTHER_LESSONS = "other_lessons"
OF_A_STEP = ("guessed",)  # checks that look at one lesson anyway


@dataclass(frozen=True)
class Evidence:
    """Where a check looks: the runs and the facts of one workspace, and the guesses made in the lesson."""

    runs: RunStore
    known: FactStore
    workspace: str
    guesses: Mapping[int, Guess] = field(default_factory=dict)
    lesson: str = ""
    """Its name."""

    other_lessons: bool = True
    """Whether what was done while another lesson was on counts, too."""

    def facts(self, name: str) -> list[Details]:
        """The facts of this name."""
        return self.known.facts(self.workspace, name, None if self.other_lessons else self.lesson)


Check = Callable[..., bool]
CHECKS: dict[str, Check] = {}
"""All checks by their names."""


def _check(function: Check) -> Check:
    CHECKS[function.__name__] = function
    return function


@_check
def page_opened(evidence: Evidence, page: str, view: str = "", rows: str = "") -> bool:
    """This page was looked at; on the Sampling page with this question (view), and with these rows."""
    wanted = {"page": page} | {name: value for name, value in (("view", view), ("rows", rows)) if value}
    return any(wanted.items() <= fact.items() for fact in evidence.facts("page"))


@_check
def text_chosen(evidence: Evidence, text: str, capitals: bool = False) -> bool:
    """This bundled text was the chosen one; `own`: one that did not come with the program; `capitals`: as it was
    written, with its capitals."""
    found = [fact for fact in evidence.facts("text") if not capitals or fact.get("capitals")]
    chosen = {str(fact["text"]) for fact in found}
    return bool(chosen - {*corpus.BUNDLED}) if text == OWN else text in chosen


@_check
def sentence_typed(evidence: Evidence, unknown: bool = False) -> bool:
    """A sentence was put into numbers on the Vocabulary page; `unknown`: with a character that it lacks."""
    return any(fact["unknown"] or not unknown for fact in evidence.facts("sentence"))


@_check
def batch_drawn(evidence: Evidence, times: int = 1, part: str = "") -> bool:
    """So many different batches were looked at, from this part of the text (train or val)."""
    return len([fact for fact in evidence.facts("batch") if part in ("", fact["part"])]) >= times


@_check
def run(
    evidence: Evidence,
    model: str = "",
    text: str = "",
    loss_below: float = 0.0,
    steps: int = 0,
    learning_rate: float = 0.0,
    learning_rate_below: float = 0.0,
    learning_rate_above: float = 0.0,
    gap_above: float = 0.0,
    times: int = 1,
) -> bool:
    """So many trainings of one's own, of this model on this text, have made so many steps, reached such a loss on text
    they never saw, began with such a learning rate, and had a loss there so far above that on the other part."""
    found = [
        one
        for one in own_runs(evidence, model, text)
        if one.step >= max(steps, 1)
        and _was_below(one, loss_below)
        and (not learning_rate or abs(one.training.learning_rate / learning_rate - 1) < 0.01)
        and _began_between(one, learning_rate_above, learning_rate_below)
        and (not gap_above or widest_gap(evidence.runs, one) > gap_above)
    ]
    return len(found) >= times


@_check
def run_ended(
    evidence: Evidence,
    verdict: str = "",
    model: str = "",
    text: str = "",
    loss_below: float = 0.0,
    steps: int = 0,
    learning_rate_below: float = 0.0,
    learning_rate_above: float = 0.0,
    times: int = 1,
) -> bool:
    """So many of one's own trainings, of this model on this text, have ended with this verdict of the Training page,
    after so many steps, and have been below this loss; each of them began with such a learning rate."""
    ended = (
        one
        for one in own_runs(evidence, model, text)
        if one.status in ENDED
        and one.step >= max(steps, 1)
        and _was_below(one, loss_below)
        and _began_between(one, learning_rate_above, learning_rate_below)
    )
    return _at_least(
        times, (one for one in ended if not verdict or verdict_of(evidence.runs, one) == verdict)
    )


@_check
def stepped(evidence: Evidence, times: int = 1, model: str = "", text: str = "") -> bool:
    """So many single steps of one's own trainings, of this model on this text, were made with Step."""
    reached = {one.id: one.step for one in own_runs(evidence, model, text)}
    made = [fact for fact in evidence.facts("stepped") if reached.get(fact["run"], 0) > int(fact["at"])]
    return len(made) >= times


@_check
def temperature_was(evidence: Evidence, temperature: float) -> bool:
    """A text was written at this temperature."""
    return any(_is(fact, temperature) for fact in evidence.facts("sampled"))


@_check
def sampled(
    evidence: Evidence,
    times: int = 1,
    seeds: int = 1,
    model: str = "",
    run: str = "",
    temperature: float = -1.0,
    temperatures: int = 1,
    prompts: int = 1,
    checkpoints: int = 1,
    new_word: bool = False,
) -> bool:
    """So many different texts were written (model, prompt, settings or seed differed), with so many different seeds, by
    this model or this run, at this temperature; at so many different ones, from so many different beginnings, by so
    many of its checkpoints. `new_word`: from beginnings with a word that the text it learned from has nowhere."""
    found = [
        fact
        for fact in evidence.facts("sampled")
        if (not model or fact["model"] == model)
        and (not run or fact["run"] == run)
        and (temperature < 0 or _is(fact, temperature))
        and (not new_word or fact.get("new_word"))
    ]
    different = {"temperature": temperatures, "prompt": prompts, "seed": seeds, "step": checkpoints}
    return len(found) >= times and all(
        len({fact.get(name) for fact in found}) >= most for name, most in different.items()
    )


@_check
def copies_searched(evidence: Evidence, times: int = 1, run: str = "") -> bool:
    """So many different texts, by this run, were looked for in the text it learned from: “Invented or copied?”."""
    return len([fact for fact in evidence.facts("searched") if run in ("", fact["run"])]) >= times


@_check
def character_drawn_by_hand(evidence: Evidence, times: int = 1) -> bool:
    """So many different characters were chosen by hand under “Why this character?”."""
    return len(evidence.facts("by_hand")) >= times


@_check
def part_switched_off(
    evidence: Evidence, kind: str = "", times: int = 1, together: int = 0, alone: bool = False
) -> bool:
    """So many different parts were switched off under “Take it apart”: a head, an mlp, a layer, or positions. So many
    of them were off at the same time; `alone`: one was while nothing else was off."""
    counts = [(sum(n for part, n in fact.items() if kind in ("", part)), sum(fact.values())) for fact in
              evidence.facts("off_together")]  # fmt: skip
    return (
        len([fact for fact in evidence.facts("off") if kind in ("", fact["kind"])]) >= times
        and (not together or any(ours >= together for ours, _all in counts))
        and (not alone or (1, 1) in counts)
    )


@_check
def head_switched_off(evidence: Evidence, times: int = 1, together: int = 0, alone: bool = False) -> bool:
    """So many different attention heads were switched off under “Take it apart”, so many at the same time; `alone`: one
    was while nothing else was off."""
    return part_switched_off(evidence, "head", times, together, alone)


@_check
def table_edited(evidence: Evidence, times: int = 1) -> bool:
    """So many different changes were made to TinyGPT’s table under “Take it apart”."""
    return len(evidence.facts("edited")) >= times


@_check
def text_judged(evidence: Evidence, times: int = 1, given: str = "", run: str = "") -> bool:
    """So many different texts of one's own were read under “What surprises it?”; or, by a run, the passage that the
    page gives: `learned`, of the text that it learned from."""
    wanted = {"given": given, "run": run} if given else {}
    found = [fact for fact in evidence.facts("judged") if bool(fact.get("given")) == bool(given)]
    return (
        len([fact for fact in found if all(fact[key] == value for key, value in wanted.items() if value)])
        >= times
    )


@_check
def attention_read(evidence: Evidence, times: int = 1, twice: bool = False) -> bool:
    """So many different texts of one's own were put in under “Attention”; `twice`: with a word that stands there more
    than once."""
    return len([fact for fact in evidence.facts("attended") if fact["twice"] or not twice]) >= times


@_check
def fingerprint_taken(evidence: Evidence, run: str = "", texts: int = 0, prompts: int = 0) -> bool:
    """The fingerprint of the numbers of a model (of this run) was taken, and since then it has written so many
    different texts, from so many beginnings that it had not been given before."""
    written = evidence.facts("sampled")
    return any(
        since(fact, written, "texts") >= texts and since(fact, written, "prompts") >= prompts
        for fact in evidence.facts("fingerprint")
        if not run or fact["run"] == run
    )


@_check
def code_shown(evidence: Evidence, page: str = "") -> bool:
    """“Show the code” was opened, on this page."""
    return any(page in ("", fact["page"]) for fact in evidence.facts("code"))


@_check
def guessed(evidence: Evidence, step: int) -> bool:
    """A guess was made at this step of the lesson."""
    return step in evidence.guesses


# What a lesson may write


ONE_OF = {
    "page": PAGES,
    "view": VIEWS,
    "rows": ROWS,
    "given": ("learned",),
    "model": MODELS,
    "kind": PARTS,
    "part": ("train", "val"),
    "verdict": get_args(Kind),
}
"""Arguments that are one of a few words."""


def met(condition: Condition | None, evidence: Evidence) -> bool:
    """Whether a step's condition is met; one without a condition is, always. Raises `StoreError`."""
    return condition is None or condition.holds(lambda call: ask(CHECKS, call, evidence))


def ask(registry: Mapping[str, Callable[..., Any]], call: Call, evidence: Evidence) -> Any:
    """The answer of the check or value that is called."""
    named = dict(call.named)
    if not named.pop(OTHER_LESSONS, True):
        evidence = replace(evidence, other_lessons=False)
    return registry[call.name](evidence, *call.positional, **named)


def verify(registry: Mapping[str, Callable[..., Any]], call: Call) -> None:
    """Raise `ConditionError` for a name that does not exist, or arguments that it does not take."""
    if call.name not in registry:
        raise ConditionError(
            "There is no “{name}”. There are: {known}.", name=call.name, known=", ".join(sorted(registry))
        )
    taken = {one.name: one for one in [*inspect.signature(registry[call.name]).parameters.values()][1:]}
    if registry is CHECKS and call.name not in OF_A_STEP:
        taken[OTHER_LESSONS] = inspect.Parameter(
            OTHER_LESSONS, inspect.Parameter.KEYWORD_ONLY, default=True, annotation=bool
        )
    _verify_names(call, taken)
    for name, value in [*zip(taken, call.positional, strict=False), *call.named]:
        _verify_argument(call, name, value, taken[name].annotation)


def _verify_names(call: Call, taken: Mapping[str, inspect.Parameter]) -> None:
    """Raise `ConditionError` for an argument that is too many, unknown, given twice or missing."""
    said = {"call": str(call), "arguments": ", ".join(taken) or "–"}
    if len(call.positional) > len(taken):
        raise ConditionError("“{call}” has an argument too many. It takes: {arguments}.", **said)
    given = [*taken][: len(call.positional)]
    for name, _value in call.named:
        if name not in taken:
            raise ConditionError(
                "“{call}” takes no “{name}”. It takes: {arguments}.", **said, name=name, names=[*taken]
            )
        if name in given:
            raise ConditionError("“{call}” says “{name}” twice.", **said, name=name, names=())
        given.append(name)
    for name, one in taken.items():
        if one.default is one.empty and name not in given:
            raise ConditionError(
                "“{call}” lacks “{name}”. It takes: {arguments}.", **said, name=name, names=()
            )


def _verify_argument(call: Call, name: str, value: Any, kind: type) -> None:
    fits = {
        bool: isinstance(value, bool),
        str: isinstance(value, str),
        int: isinstance(value, int) and not isinstance(value, bool),
        float: isinstance(value, int | float) and not isinstance(value, bool),
    }[kind]
    words = ONE_OF.get(name)
    if name == "text" and kind is str:
        words = (OWN, *corpus.BUNDLED)
    if name == "run" and str(value).startswith("prepared"):  # one of one's own may have any name
        words = PREPARED
    if not fits:
        raise ConditionError(
            "In “{call}”, {name} is {value}, which is not what it can be ({kind}).",
            call=str(call), name=name, value=str(value),
            kind={bool: "true, false", str: "abc", int: "1, 2, 3 …", float: "0.5"}[kind],
        )  # fmt: skip
    if words is not None and value not in words:
        raise ConditionError(
            "In “{call}”, {name} is {value}. It can be: {known}.",
            call=str(call), name=name, value=str(value), known=", ".join(words), names=words,
        )  # fmt: skip


# What the checks ask


def so_far(written: list[Details], run: str, step: int) -> dict[str, int]:
    """How many texts, and from how many beginnings, are among those that the weights of this step have written."""
    ours = [fact for fact in written if fact["run"] == run and fact["step"] == step]
    return {"texts": len(ours), "prompts": len({fact["prompt"] for fact in ours})}


def since(fingerprint: Details, written: list[Details], what: str) -> int:
    """How many `texts` or `prompts` there are since a fingerprint was taken: it says how many there had been."""
    now = so_far(written, str(fingerprint["run"]), int(fingerprint["step"]))
    return now[what] - int(fingerprint.get(what, 0))


def own_runs(evidence: Evidence, model: str, text: str) -> list[Run]:
    """The runs of this workspace with this model and text, the newest first; an empty string stands for any."""
    ours, strange = _fingerprints(), _of_other_lessons(evidence)
    return [
        one
        for one in evidence.runs.runs(evidence.workspace)
        if model in ("", kind_of(one)) and text in ("", ours.get(one.text_id, OWN)) and one.id not in strange
    ]


def _of_other_lessons(evidence: Evidence) -> set[str]:
    """The runs that were begun or taken up again while another lesson was on, and only then; none where those count."""
    if evidence.other_lessons:
        return set()
    ours, all_ = (
        {str(fact["run"]) for fact in found.facts("trained")}
        for found in (evidence, replace(evidence, other_lessons=True))
    )
    return all_ - ours


def kind_of(run: Run) -> str:
    """ "TinyGPT" or "GPT"."""
    return "GPT" if run.model.n_layer else "TinyGPT"


def verdict_of(store: RunStore, run: Run) -> str:
    """What the Training page says about a run that has ended."""
    known = _baselines(run.text_id, run.characters, run.training.val_fraction, str(store.home))
    return diagnose(
        store.evaluations(run.id), status=run.status, training=run.in_force, baselines=known,
        sees_one_character=not run.model.n_layer,
    ).kind  # fmt: skip


def loss_of(store: RunStore, run: Run) -> float | None:
    """Of its last evaluation, on text it never saw."""
    measured = store.evaluations(run.id)
    return measured[-1].val_loss if measured else None


def widest_gap(store: RunStore, run: Run) -> float:
    """How far, at most, the loss on text it never saw was above that on the text it learns from; nats per character."""
    measured = store.evaluations(run.id)
    return max((one.val_loss - one.train_loss for one in measured if one.val_loss is not None), default=0.0)


@lru_cache(maxsize=32)
def _baselines(text_id: str, characters: str, val_fraction: float, home: str) -> Baselines:
    text = RunStore(Path(home)).text(text_id).text
    return baselines(prepare(text, val_fraction, CharTokenizer.from_characters(characters)))


@lru_cache(maxsize=1)
def _fingerprints() -> dict[str, str]:
    """Which bundled text a run's text is, by the id under which the store keeps it; capitals or not."""
    return {
        hashlib.sha256(corpus.normalize(corpus.load(name).text, lower=lower).encode()).hexdigest(): name
        for name in corpus.BUNDLED
        for lower in (True, False)
    }


def _was_below(one: Run, loss: float) -> bool:
    """Whether it has had a lower loss on text it never saw; 0 asks for nothing."""
    return not loss or (one.best_val_loss is not None and one.best_val_loss < loss)


def _began_between(one: Run, above: float, below: float) -> bool:
    """Whether its learning rate was above the one and below the other at its beginning; 0 asks for nothing."""
    rate = one.training.learning_rate
    return (not above or rate > above) and (not below or rate < below)


def _is(fact: Details, temperature: float) -> bool:
    return abs(float(fact["temperature"]) - temperature) < SAME_TEMPERATURE


def _at_least(times: int, found: Iterator[Run]) -> bool:
    return sum(1 for _, _one in zip(range(times), found, strict=False)) >= times
