"""The map of the learned rows: how to read it, and the component with what it is sent."""

from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from minigpt_core.interpret.embedding_history import EmbeddingHistory, RowHistory, evenly_spaced
from minigpt_core.interpret.embedding_map import chance_cosine
from ui import resources, state
from ui.components.binary import base64_of
from ui.components.mounting import component
from ui.embeddings.character_order import by_kind, has_accent
from ui.embeddings.embedding_map_labels import labels
from ui.inside import reading_guide
from ui.inside.inspected_model import InspectedModel
from ui.runs.weights import moment_of
from ui.words import tokens
from ui.words.i18n import _, language, number

HERE = Path(__file__).parent
HTML = "<div class='mg-emb'></div>"
HEIGHT, PROJECTED = 432, 366  # pixels of the map; at the front of a room, where letters are larger
COSINE_UNIT = 32_767  # cosines are sent as whole numbers of 16 bits: this is 1


def how_to_read() -> None:
    """Behind one small button."""
    reading_guide.how_to_read(
        "embeddings",
        shows=_(
            "Each circle is the learned row of one character. The lines lead from the chosen one to the "
            "rows that are nearest in all numbers, the dots show its way through the training. Pale ones "
            "are rare in the text, and an arrow says that a row lies farther out than the map reaches. “Places” "
            "shows the rows for the first, second, third … character, where "
            "the model has learned such rows."
        ),
        computed=_(
            "Principal components (Pearson, 1901): the rows are seen from the side where they differ most. "
            "Each checkpoint has a map of its own, turned onto the next one, never stretched, so that "
            "nothing jumps. Near means a high cosine between all numbers of two rows: 1 the same "
            "direction, 0 none in common, −1 opposite."
        ),
        beware=_(
            "A map of two or three dimensions keeps only a part of the differences; the sentence in its "
            "corner says how much. What lies close together on it can be far apart in the dimensions that "
            "are not shown: trust the cosines, and those only beyond what chance gives: of rows drawn at "
            "random, the nearest has a cosine well above 0. The axes have no meaning of their own."
        ),
    )


def draw(inspected: InspectedModel) -> None:
    """Map, table and neighbours at all checkpoints: one component, sent once."""
    kept = [info.step for info in resources.store().checkpoints(inspected.run.id)]
    history = resources.embedding_history(inspected.run.id, evenly_spaced(kept, among=inspected.step))
    sets = {"characters": _characters(inspected, history)}
    if history.places is not None:
        sets["places"] = sent(history.places, inspected.config.n_embd) | {
            "items": [
                {"face": number(place + 1), "name": number(place + 1), "place": place + 1}
                for place in history.place_numbers
            ],
            "by_kind": list(range(len(history.place_numbers))),
        }  # fmt: skip
    component("embedding_map", HERE, HTML)(
        data={
            "model": f"{inspected.run.id} {history.steps[-1]}",
            "steps": history.steps,
            "first": moment_of(history.steps, inspected.step),
            "sets": sets,
            "start": most_frequent_vowel(
                sets["characters"]["items"], history.characters.cosines[-1], sets["characters"]["chance"]
            ),
            "unit": COSINE_UNIT,
            "height": PROJECTED if state.projected() else HEIGHT,
            "locale": language(),
            "labels": labels(),
        },
        key="embedding_map",
        height="content",
    )
    _say(inspected, history)


def _characters(inspected: InspectedModel, history: EmbeddingHistory) -> dict[str, Any]:
    shown = [inspected.tokenizer.characters[id_] for id_ in history.character_ids]
    items = [
        {
            "face": tokens.face(character),
            "name": tokens.name(character),
            "kind": tokens.kind(character),
            "accent": has_accent(character),
            "count": count,
        }
        for character, count in zip(shown, history.character_counts, strict=True)
    ]
    return sent(history.characters, inspected.config.n_embd) | {"items": items, "by_kind": by_kind(shown)}


def sent(history: RowHistory, dimensions: int) -> dict[str, Any]:
    """What the browser is sent of the rows, each of so many numbers; cosines as whole numbers of 16 bits."""
    return {
        "chance": chance_of_all_pairs(dimensions, len(history.seriation)),
        "flat": base64_of(history.flat, "<f4"),
        "deep": base64_of(history.deep, "<f4"),
        "flat_kept": history.flat_explained,
        "deep_kept": history.deep_explained,
        "cosines": base64_of((history.cosines * COSINE_UNIT).round(), "<i2"),
        "alike": history.seriation,
    }


def chance_of_all_pairs(dimensions: int, rows: int) -> float:
    """What the cosine of the most alike pair of so many rows comes to by chance: one looks at all of them."""
    return chance_cosine(dimensions, rows * (rows - 1) // 2)


def most_frequent_vowel(items: list[dict[str, Any]], alike: NDArray[np.float32], chance: float) -> int:
    """The character to begin with: one that has neighbours beyond chance, a vowel if there is one, the most frequent.

    Args:
        alike: (N, N) the cosines of the last moment.
        chance: what they reach by chance.
    """
    near = np.max(alike - np.eye(len(items)), axis=1) > chance
    return max(
        range(len(items)), key=lambda n: (bool(near[n]), items[n]["kind"] == "vowel", items[n]["count"])
    )


def _say(inspected: InspectedModel, history: EmbeddingHistory) -> None:
    """What is missing from the picture."""
    if len(history.steps) == 1:
        st.caption(
            _("To watch the rows move, choose a model that was kept at several moments of its training.")
        )
    cosines = history.characters.cosines[-1] - np.eye(len(history.character_ids))
    if cosines.max() <= chance_of_all_pairs(inspected.config.n_embd, len(history.character_ids)):
        st.caption(
            _(
                "No two characters of this model are more alike than rows drawn at random: it predicts without having "
                "moved them much."
            )
        )
    all_characters = inspected.tokenizer.vocab_size
    if len(history.character_ids) < all_characters:
        st.caption(
            _("The {n} most frequent of {all} characters are shown.").format(
                n=number(len(history.character_ids)), all=number(all_characters)
            )
        )
    positions = inspected.config.positions
    if positions == "rotary":
        st.caption(
            _(
                "This model has no rows for places: it turns queries and keys by an angle that grows with "
                "the place (rotary)."
            )
        )
    elif positions == "none":
        st.caption(_("This model has no rows for places: it does not know where a character stands."))
