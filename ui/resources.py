"""What pages share and is expensive to make; what one page alone needs is cached in its own room.

Cached things are keyed by ids of what never changes (a text's contents, a checkpoint); they must not be modified.
"""

import hashlib
from collections.abc import Callable, Hashable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Concatenate, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from minigpt_core import ngrams
from minigpt_core.data import Dataset, EncodedText, prepare, train_length
from minigpt_core.errors import RunNotFound, StoreError, TextError
from minigpt_core.generation.generated_text import GeneratedText, SampledToken
from minigpt_core.generation.language_model import (
    LanguageModel,
    Network,
    ngram_language_model,
    trained_language_model,
)
from minigpt_core.generation.request import MAX_LENGTH, GenerationRequest
from minigpt_core.interpret import validation
from minigpt_core.interpret.bigram_table import BigramTable, PairCounts, distance_from_counts
from minigpt_core.interpret.checkpoint_history import models_at
from minigpt_core.interpret.embedding_history import EmbeddingHistory
from minigpt_core.interpret.embedding_history import embedding_history as embedding_history_of
from minigpt_core.interpret.memorization import Memorization, TrainingText
from minigpt_core.jobs import calculating, calculators
from minigpt_core.jobs import manager as job_managers
from minigpt_core.jobs.calculators import Calculator
from minigpt_core.store import prepared
from minigpt_core.store.runs import PREPARED, Run, RunStore
from minigpt_core.texts import corpus
from minigpt_core.tokenizer import CharTokenizer
from minigpt_core.training import strip_prefix
from minigpt_core.weights import load_model
from ui.byte_cache import byte_cached
from ui.script_turns import turns
from ui.words.i18n import spoken

PORTION_SECONDS = 0.02  # how long characters are gathered before they are handed on
P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class ChosenText:
    """A text as the pages show it and as the tokenizer reads it."""

    id: str
    """A name in `corpus.BUNDLED`, or the id under which the store keeps it."""

    title: str
    text: str
    """Normalised: what the vocabulary is made from."""

    original: str
    lower: bool
    language: str
    """"fr", "en" or "" where it is not known."""


def store() -> RunStore:
    """The runs of this machine. Costs nothing to make, and needs no Streamlit."""
    return RunStore()


def jobs() -> job_managers.JobManager:
    """The one that starts, pauses and stops trainings."""
    return job_managers.shared()


def run(run_id: str) -> Run:
    """The run as it is now. Raises `RunNotFound`, also for one in the bin: with its name, then."""
    if run_id.startswith(PREPARED):
        offer_prepared()
    found = store().run(run_id)
    if found.deleted is not None:
        raise RunNotFound(
            "“{name}” was deleted. Who made it can bring it back, on the page “Compare”.",
            name=found.name.strip() or found.text_title,
        )
    return found


def visible_runs(workspace: str) -> list[Run]:
    """The runs that a page can show: those of the workspace, the newest first, then the prepared ones; of those that
    show a trouble, the ones on the story in the reader's language.

    A prepared one (`run.prepared`) can be looked at, never changed. See also `state.visible_runs`.
    """
    offer_prepared()
    story = corpus.load(spoken().story).title
    ready = [r for r in store().runs(PREPARED) if r.text_title == story or not prepared.shows_trouble(r.id)]
    return [*store().runs(workspace), *ready]


def offer_prepared() -> None:
    """See to it that the store has the prepared runs. Where it cannot be written, there are none, and pages go on."""
    with suppress(StoreError):
        prepared.adopt(store())


def owners(kind: str, name: str) -> set[str]:
    """Whose a run ("run", "author") or a text ("text") is; nobody's if there is none, or if it is a bundled one."""
    try:
        return store().text_owners(name) if kind == "text" else {store().run(name).workspace}
    except RunNotFound:
        return set()


def no_run(run_id: str) -> RunNotFound:
    """What to say of a run that is not there."""
    return RunNotFound("There is no run {id}, or not any more. Choose another one.", id=run_id)


@byte_cached
def chosen_text(text_id: str, lower: bool) -> ChosenText:
    """A bundled text or one from the store. Raises `StoreError` for an unknown id."""
    if text_id in corpus.BUNDLED:
        bundled = corpus.load(text_id)
        title, original, language = bundled.title, bundled.text, bundled.language
    else:
        kept = store().text(text_id)
        title, original, language = kept.title, kept.text, ""
    return ChosenText(text_id, title, corpus.normalize(original, lower=lower), original, lower, language)


@byte_cached
def own_title(text_id: str, workspace: str) -> str:
    """What a text from the store is called in a workspace. Raises `StoreError` for an unknown id."""
    return store().text_title(text_id, workspace)


@byte_cached
def fingerprint(text_id: str, lower: bool) -> str:
    """The id under which the runs of a text keep it: that of its normalised form."""
    return hashlib.sha256(chosen_text(text_id, lower).text.encode()).hexdigest()


@byte_cached
def tokenizer(text_id: str, lower: bool) -> CharTokenizer:
    """The vocabulary of a text."""
    return CharTokenizer.from_text(chosen_text(text_id, lower).text)


@byte_cached
def encoded_text(text_id: str, lower: bool) -> EncodedText:
    """A whole text as ids: 8 bytes a character, kept once for everybody."""
    words = tokenizer(text_id, lower)
    return EncodedText(words, words.encode(chosen_text(text_id, lower).text))


@byte_cached
def counts(text_id: str, lower: bool) -> dict[str, int]:
    """How often each character stands in a text, in the order of the ids."""
    return encoded_text(text_id, lower).counts()


def dataset(text_id: str, lower: bool, val_fraction: float = 0.1) -> Dataset:
    """A text as ids, split into training and validation part; both are views of `encoded_text`."""
    return encoded_text(text_id, lower).split(val_fraction)


@byte_cached
def baselines(text_id: str, lower: bool, val_fraction: float = 0.1) -> ngrams.Baselines:
    """The losses of the counted models on a text."""
    return calculate(text_id, ngrams.baselines, dataset(text_id, lower, val_fraction))


@byte_cached
def validation_warning(text_id: str, lower: bool, val_fraction: float = 0.1) -> TextError | None:
    """Why the figures of a text's validation part mean little, if they do: for `problems.doubt`, beside them."""
    return validation.validation_warning(dataset(text_id, lower, val_fraction))


@byte_cached
def run_dataset(run_id: str) -> Dataset:
    """The text that a run learns from, as it does: with its vocabulary and its split."""
    trained = store().run(run_id)
    words = CharTokenizer.from_characters(trained.characters)
    return prepare(store().text(trained.text_id).text, trained.training.val_fraction, words)


@byte_cached
def run_baselines(run_id: str) -> ngrams.Baselines:
    """The losses of the counted models on a run's own text."""
    return calculate(run_id, ngrams.baselines, run_dataset(run_id))


@byte_cached
def model(run_id: str, step: int) -> Network:
    """A copy of a run's model as it was after `step` steps, ready to predict. Raises `StoreError`."""
    kept = store().load_checkpoint(run_id, step, model_only=True)
    return load_model(store().run(run_id).model, strip_prefix(kept.tensors, "model."))


@byte_cached
def ngram_model(text_id: str, lower: bool, order: int) -> LanguageModel:
    """The counted pairs (or triples) of characters of a text's training part, ready to write."""
    return ngram_language_model(dataset(text_id, lower), order, lower)


def look(
    run_id: str, step: int, function: Callable[Concatenate[Network, P], R], *given: P.args, **named: P.kwargs
) -> R:
    """What a function of the core says of a run's model after `step` steps, calculated beside the server where that is
    possible. Raises what it raises, and `StoreError`."""
    calculator = calculators.find("look", (run_id, step))
    if calculator is None:
        return function(model(run_id, step), *given, **named)
    found: R = ask(calculator, calculating.with_model, run_id, step, function, given, named)
    return found


def calculate(key: Hashable, function: Callable[P, R], *given: P.args, **named: P.kwargs) -> R:
    """What a function of the core gives, calculated in the same way.

    Args:
        key: what it is about: the same goes to the same process.
    """
    calculator = calculators.find("look", key)
    if calculator is None:
        return function(*given, **named)
    return ask(calculator, function, *given, **named)


def ask(calculator: Calculator, function: Callable[P, R], *given: P.args, **named: P.kwargs) -> R:
    """What a calculating process says; meanwhile the next page may be drawn."""
    turns.give_way()
    return calculator.call(function, *given, **named)


def language_model(request: GenerationRequest) -> LanguageModel:
    """The model of a request: that of a run, or counted n-grams. Raises `StoreError`."""
    if not request.run:
        return ngram_model(request.text, request.lower, request.order)
    trained = run(request.run)
    network = model(trained.id, request.step)
    return trained_language_model(network, trained.model, trained.characters, trained.lower)


@byte_cached
def generated_text(request: GenerationRequest) -> GeneratedText:
    """The text of a request, as far as it has been asked for; pages and streams share it."""
    return GeneratedText(language_model(request), request, written_elsewhere(request))


def written_elsewhere(request: GenerationRequest) -> Iterator[SampledToken] | None:
    """The characters of a request as a calculator writes them, a moment's worth at a time; None where there is none."""
    calculator = calculators.find("write", request.model_only)
    if calculator is None:
        return None

    def portion(place: int) -> list[SampledToken]:
        return ask(calculator, calculating.portion, request, place, PORTION_SECONDS if place else 0.0)

    return in_portions(portion)


def in_portions(ask: Callable[[int], list[R]]) -> Iterator[R]:
    """What is asked for piece by piece: nothing before somebody wants it."""
    place = 0
    while place < MAX_LENGTH:
        portion = ask(place)
        yield from portion
        place += len(portion)


@byte_cached
def learned_pairs(run_id: str, step: int, most: int) -> tuple[NDArray[np.float64], float]:
    """What a TinyGPT has learned after `step` steps.

    Args:
        most: N, how many characters are shown: the most frequent ones, in the order of their ids.

    Returns:
        P(next | current) of these characters, (N, N), and how far the whole table is from counting.

    Raises:
        StoreError: the checkpoint cannot be read.
    """
    (model,) = models_at(store(), store().run(run_id), [step])
    table, pairs = BigramTable(model), counted_pairs(run_id)
    return table.shares(pairs.most_frequent(most)), distance_from_counts(table, pairs)


@byte_cached
def counted_pairs(run_id: str) -> PairCounts:
    """How often each character follows each one in the text that a run learns from."""
    known = run_dataset(run_id)
    return PairCounts.of_text(known.train, known.tokenizer.vocab_size)


@byte_cached
def embedding_history(run_id: str, steps: tuple[int, ...]) -> EmbeddingHistory:
    """The rows of a run's characters and places at these checkpoints, as maps and cosines. Raises `StoreError`."""
    weights = ((step, store().load_checkpoint(run_id, step, model_only=True).tensors) for step in steps)
    return embedding_history_of(weights, run_dataset(run_id))


def text_parts(text_id: str, lower: bool, val_fraction: float) -> tuple[str, str]:
    """The part of a text that is learned from, and the part that is kept back."""
    text = chosen_text(text_id, lower).text
    n_train = train_length(len(text), val_fraction)
    return text[:n_train], text[n_train:]


@byte_cached
def known_text(text_id: str, lower: bool, val_fraction: float) -> TrainingText:
    """The part of a text that is learned from, ready for others to be looked for in it."""
    return TrainingText(text_parts(text_id, lower, val_fraction)[0])


@byte_cached
def copied(known: tuple[str, bool, float], text: str, least: int) -> Memorization:
    """What of a text stands in a known one: see `known_text`."""
    return known_text(*known).memorized(text, least)
