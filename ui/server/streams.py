"""The addresses that the components of the Sampling page read from: texts, character by character, as lines of JSON;
and the scores for one next character."""

import json
import math
import time
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from torch import Tensor

from minigpt_core.configs import SampleSettings, check_range
from minigpt_core.errors import ConfigError, RunNotFound, UserError
from minigpt_core.sampling import next_probabilities, predict
from ui import resources
from ui.sampling.drawing import Draw, Lanes, Writer
from ui.sampling.recipe import MAX_LENGTH, Recipe, whole
from ui.words.i18n import translate, using
from ui.words.languages import LANGUAGES, SOURCE
from ui.words.tokens import face, name

MOST_LANES = 8
LINE_SECONDS = 0.02  # how long characters are gathered before they are sent


def sample(request: Request) -> Response:
    """Characters `from` to `length` of a recipe's text. 404 for an unknown run, 422 if it cannot be written.

    A reader who goes away stops the writing: nothing is computed beyond the line in progress.
    """
    query = request.query_params
    language = language_of(query)
    try:
        first = max(whole(query, "from", 0), 0)
        length = min(whole(query, "length", 300), MAX_LENGTH)
        draw = resources.draw(Recipe.from_query(query))
        if first < length:
            draw.letter(first)
    except UserError as error:
        return refusal(error, language)
    return streamed(lines(draw, first, length, language))


def side_by_side(request: Request) -> Response:
    """Several texts, character by character: `recipes` is a JSON list of what `Recipe.to_query` gives.

    404 for an unknown run, 422 if one of them cannot be written. A reader who goes away stops the writing.
    """
    query = request.query_params
    language = language_of(query)
    try:
        length = min(whole(query, "length", 100), MAX_LENGTH)
        lanes = resources.lanes(recipes_of(query.get("recipes", "")))
        lanes.column(0)
    except UserError as error:
        return refusal(error, language)
    return streamed(columns(lanes, length, language))


def scores(request: Request) -> Response:
    """What a model says of the character after `ids`: `{"logits": [V numbers, null for minus infinity]}`."""
    query = request.query_params
    try:
        writer = resources.writer(Recipe.from_query(query))
        ids = ids_of(query.get("ids", ""), writer.tokenizer.vocab_size)
        return JSONResponse({"logits": plain_scores(writer, ids)}, headers={"Cache-Control": "no-store"})
    except UserError as error:
        return refusal(error, language_of(query))


ROUTES = [
    Route("/api/sample", sample),
    Route("/api/lanes", side_by_side),
    Route("/api/scores", scores),
]


def language_of(query: Mapping[str, str]) -> str:
    """The language that an address asks for."""
    return query["lang"] if query.get("lang") in LANGUAGES else SOURCE


def refusal(error: UserError, language: str) -> Response:
    """What went wrong, as a sentence."""
    with using(language):
        sentence = translate(error)
    return JSONResponse({"error": sentence}, 404 if isinstance(error, RunNotFound) else 422)


def streamed(lines: Iterator[str]) -> Response:
    """Lines that are calculated while they are sent."""
    headers = {"Cache-Control": "no-store"}
    return StreamingResponse(lines, media_type="application/x-ndjson", headers=headers)


def recipes_of(text: str) -> tuple[Recipe, ...]:
    """The recipes of an address. Raises `ConfigError` for what is none."""
    try:
        listed = json.loads(text)
    except ValueError:
        listed = None
    if not isinstance(listed, list) or not 0 < len(listed) <= MOST_LANES or not all(map(is_query, listed)):
        raise ConfigError(
            "{name} = {value} is not a number of the right kind.", name="recipes", value=text[:40]
        )
    return tuple(Recipe.from_query(query) for query in listed)


def is_query(query: object) -> bool:
    """Whether this has the form of an address: words by their names."""
    return isinstance(query, dict) and all(isinstance(value, str) for value in query.values())


def ids_of(text: str, vocab_size: int) -> Tensor:
    """The ids of an address, (T,). Raises `UserError` for what is none, and for one that the model does not know."""
    try:
        ids = [int(part) for part in text.split(",")]
    except ValueError:
        raise ConfigError(
            "{name} = {value} is not a number of the right kind.", name="ids", value=text[:40]
        ) from None
    for i in ids:
        check_range("ids", i, 0, vocab_size - 1)
    return torch.tensor(ids)


def plain_scores(writer: Writer, ids: Tensor) -> list[float | None]:
    """The scores after (T,) `ids` as numbers that JSON knows. Raises `UserError` if they are not numbers."""
    logits = predict(writer.model, ids[-writer.block_size :])
    next_probabilities(logits, SampleSettings())
    return [score if math.isfinite(score) else None for score in logits.double().tolist()]


def columns(lanes: Lanes, length: int, language: str) -> Iterator[str]:
    """`{"names": {character: [face, name, ends the line]}, "steps": [[[character, probability, entropy], …], …]}`."""
    named: set[str] = set()
    place = 0
    while place < length:
        steps: list[list[list[Any]]] = []
        until = time.monotonic() + (0 if place == 0 else LINE_SECONDS)
        while place < length and (not steps or time.monotonic() < until):
            steps.append(
                [
                    [words.itos[letter.token], round(letter.probability, 6), round(letter.entropy, 5)]
                    for words, letter in zip(lanes.tokenizers, lanes.column(place), strict=True)
                ]
            )
            place += 1
        new = {str(letter[0]) for step in steps for letter in step} - named
        named |= new
        with using(language):
            names_ = {character: cell(character) for character in new}
        yield json.dumps({"names": names_, "steps": steps}, separators=(",", ":")) + "\n"


def lines(draw: Draw, first: int, length: int, language: str) -> Iterator[str]:
    """`{"names": {id: [face, name, ends the line]}, "steps": [[id, probability, u], …]}`, each id named once."""
    named: set[int] = set()
    place = first
    while place < length:
        steps: list[list[float]] = []
        until = time.monotonic() + (
            0 if place == first else LINE_SECONDS
        )  # the first character travels alone
        while place < length and (not steps or time.monotonic() < until):
            letter = draw.letter(place)
            steps.append([letter.token, round(letter.probability, 6), round(letter.u, 6)])
            place += 1
        new = {int(step[0]) for step in steps} - named
        named |= new
        yield json.dumps({"names": names(draw, new, language), "steps": steps}, separators=(",", ":")) + "\n"


def names(draw: Draw, ids: set[int], language: str) -> dict[str, list[Any]]:
    """How characters are shown and called. A space is shown as itself, on its colour."""
    itos = draw.writer.tokenizer.itos
    with using(language):
        return {str(i): cell(itos[i]) for i in ids}


def cell(character: str) -> list[Any]:
    """What a component needs to show a character: its face, its name, whether a line ends with it, and itself."""
    return [" " if character == " " else face(character), name(character), character == "\n", character]
