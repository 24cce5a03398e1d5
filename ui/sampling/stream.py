"""The address that the writing component reads from: one text, character by character, as lines of JSON."""

import json
import time
from collections.abc import Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from minigpt_core.errors import RunNotFound, UserError
from ui import resources
from ui.i18n import translate, using
from ui.sampling.drawing import Draw
from ui.sampling.recipe import MAX_LENGTH, Recipe, whole
from ui.state import LANGUAGES
from ui.tokens import face, name

LINE_SECONDS = 0.02  # how long characters are gathered before they are sent


def sample(request: Request) -> Response:
    """Characters `from` to `length` of a recipe's text. 404 for an unknown run, 422 if it cannot be written.

    A reader who goes away stops the writing: nothing is computed beyond the line in progress.
    """
    query = request.query_params
    language = query.get("lang", "en") if query.get("lang") in LANGUAGES else "en"
    try:
        first = max(whole(query, "from", 0), 0)
        length = min(whole(query, "length", 300), MAX_LENGTH)
        draw = resources.draw(Recipe.from_query(query))
        if first < length:
            draw.letter(first)
    except UserError as error:
        with using(language):
            sentence = translate(error)
        return JSONResponse({"error": sentence}, 404 if isinstance(error, RunNotFound) else 422)
    return StreamingResponse(
        lines(draw, first, length, language),
        media_type="application/x-ndjson",
        headers={"Cache-Control": "no-store"},
    )


ROUTES = [Route("/api/sample", sample)]


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
    """What the component needs to show a character: its face, its name, and whether a line ends with it."""
    return [" " if character == " " else face(character), name(character), character == "\n"]
