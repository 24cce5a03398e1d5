"""The addresses that the components of the Sampling page read from: texts, character by character, as lines of JSON;
and the scores for one next character."""

import json
import time
from collections.abc import Iterator, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from minigpt_core.configs import check_range
from minigpt_core.errors import RunNotFound, UserError
from minigpt_core.generation.generated_text import GeneratedText, ParallelTexts, SampledToken
from minigpt_core.generation.language_model import next_logits
from minigpt_core.generation.request import (
    MAX_LENGTH,
    MOST_PARALLEL,
    GenerationRequest,
    int_parameter,
    not_a_number,
)
from minigpt_core.jobs import calculating, calculators
from ui import resources, text_access
from ui.byte_cache import byte_cached
from ui.server.streams import calculated, language_of, person, refusal, streamed
from ui.words.i18n import using
from ui.words.tokens import cell

LINE_SECONDS = 0.02  # how long characters are gathered before they are sent


@calculated
def sample(request: Request) -> Response:
    """Characters `from` to `length` of a request's text. 404 for an unknown run, 422 if it cannot be written.

    A reader who goes away stops the writing: nothing is computed beyond the line in progress.
    """
    query = request.query_params
    language = language_of(query)
    try:
        first, length = count_of(query, "from", 0), count_of(query, "length", 300)
        generated = resources.generated_text(allowed(GenerationRequest.from_query(query), request))
        if first < length:
            generated.token(0)  # what makes writing impossible shows here
    except UserError as error:
        return refused(error, language)
    return streamed(lines(generated, first, length, language))


@calculated
def side_by_side(request: Request) -> Response:
    """Several texts, character by character: `recipes` is a JSON list of what `GenerationRequest.to_query` gives.

    404 for an unknown run, 422 if one of them cannot be written. A reader who goes away stops the writing.
    """
    query = request.query_params
    language = language_of(query)
    try:
        length = count_of(query, "length", 100)
        recipes = requests_of(query.get("recipes", ""))
        texts = parallel_texts(tuple(allowed(recipe, request) for recipe in recipes))
        texts.column(0)
    except UserError as error:
        return refused(error, language)
    return streamed(columns(texts, length, language))


@calculated
def scores(request: Request) -> Response:
    """What a model says of the character after `ids`: `{"logits": [V numbers, null for minus infinity]}`."""
    query = request.query_params
    try:
        asked = allowed(GenerationRequest.from_query(query), request)
        lm = resources.language_model(asked)
        ids = ids_of(query.get("ids", ""), lm.tokenizer.vocab_size)
        calculator = calculators.find("write", asked.model_only)
        logits = calculator.call(calculating.scores, asked, ids) if calculator else next_logits(lm, ids)
        return JSONResponse({"logits": logits}, headers={"Cache-Control": "no-store"})
    except UserError as error:
        return refused(error, language_of(query))


@byte_cached
def parallel_texts(requests: tuple[GenerationRequest, ...]) -> ParallelTexts:
    """Several texts side by side, as far as they have been asked for."""
    models = [resources.language_model(request) for request in requests]
    calculator = calculators.find("write", requests[0].model_only)
    if calculator is None:
        return ParallelTexts(models, requests)

    def ask(place: int) -> list[list[SampledToken]]:
        return calculator.call(calculating.columns, requests, place, LINE_SECONDS if place else 0.0)

    return ParallelTexts(models, requests, resources.in_portions(ask))


ROUTES = [
    Route("/api/sample", sample),
    Route("/api/lanes", side_by_side),
    Route("/api/scores", scores),
]


def refused(error: UserError, language: str) -> Response:
    """What went wrong, as a sentence."""
    return refusal(error, language, 404 if isinstance(error, RunNotFound) else 422)


def allowed(asked: GenerationRequest, request: Request) -> GenerationRequest:
    """What is asked, if this browser may have it: of a run whoever knows it, of a text who may read it. Raises
    `StoreError`."""
    if asked.run or text_access.may_read(asked.text, person(request), request.cookies):
        return asked
    raise text_access.refusal()


def count_of(query: Mapping[str, str], name: str, usual: int) -> int:
    """How many characters an address says. Raises `ConfigError` for more than a text can have."""
    count = int_parameter(query, name, usual)
    check_range(name, count, 0, MAX_LENGTH)
    return count


def requests_of(text: str) -> tuple[GenerationRequest, ...]:
    """The texts that an address asks for. Raises `ConfigError` for what is none."""
    try:
        listed = json.loads(text)
    except ValueError:
        listed = None
    if not isinstance(listed, list) or not 0 < len(listed) <= MOST_PARALLEL or not all(map(is_query, listed)):
        raise not_a_number("recipes", text[:40])
    return tuple(GenerationRequest.from_query(query) for query in listed)


def is_query(query: object) -> bool:
    """Whether this has the form of an address: words by their names."""
    return isinstance(query, dict) and all(isinstance(value, str) for value in query.values())


def ids_of(text: str, vocab_size: int) -> list[int]:
    """The ids of an address. Raises `UserError` for what is none, and for one that the model does not know."""
    try:
        ids = [int(part) for part in text.split(",")]
    except ValueError:
        raise not_a_number("ids", text[:40]) from None
    for i in ids:
        check_range("ids", i, 0, vocab_size - 1)
    return ids


def columns(texts: ParallelTexts, length: int, language: str) -> Iterator[str]:
    """`{"names": {character: [face, name, ends the line]}, "steps": [[[character, probability, entropy], …], …]}`."""
    named: set[str] = set()
    place = 0
    while place < length:
        steps: list[list[tuple[str, float, float]]] = []
        until = time.monotonic() + (0 if place == 0 else LINE_SECONDS)
        while place < length and (not steps or time.monotonic() < until):
            steps.append(
                [
                    (words.itos[drawn.token], round(drawn.probability, 6), round(drawn.entropy, 5))
                    for words, drawn in zip(texts.tokenizers, texts.column(place), strict=True)
                ]
            )
            place += 1
        new = {drawn[0] for step in steps for drawn in step} - named
        named |= new
        with using(language):
            names_ = {character: cell(character) for character in new}
        yield json.dumps({"names": names_, "steps": steps}, separators=(",", ":")) + "\n"


def lines(generated: GeneratedText, first: int, length: int, language: str) -> Iterator[str]:
    """`{"names": {id: [face, name, ends the line]}, "steps": [[id, probability, u], …]}`, each id named once."""
    named: set[int] = set()
    yield from written_before(generated, min(first, length))
    place = first
    while place < length:
        steps: list[list[float]] = []
        until = time.monotonic() + (
            0 if place == first else LINE_SECONDS
        )  # the first character travels alone
        while place < length and (not steps or time.monotonic() < until):
            drawn = generated.token(place)
            steps.append([drawn.token, round(drawn.probability, 6), round(drawn.u, 6)])
            place += 1
        new = {int(step[0]) for step in steps} - named
        named |= new
        yield (
            json.dumps({"names": names(generated, new, language), "steps": steps}, separators=(",", ":"))
            + "\n"
        )


def written_before(generated: GeneratedText, place: int) -> Iterator[str]:
    """Empty portions until the text has come so far: it may have been forgotten, and then begins anew."""
    until = time.monotonic() + LINE_SECONDS
    for before in range(place):
        generated.token(before)
        if time.monotonic() > until:
            yield ""
            until = time.monotonic() + LINE_SECONDS


def names(generated: GeneratedText, ids: set[int], language: str) -> dict[str, tuple[str, str, bool, str]]:
    """How characters are shown and called, by their ids."""
    itos = generated.lm.tokenizer.itos
    with using(language):
        return {str(i): cell(itos[i]) for i in ids}
