"""The Embeddings page from top to bottom, one function a section."""

from pathlib import Path
from typing import Any

import streamlit as st

from ui import resources
from ui.embeddings import maps, words
from ui.embeddings.maps import Maps, Rows
from ui.inside import reading_guide
from ui.inside.inspected_model import InspectedModel, choose_model
from ui.words import tokens
from ui.words.i18n import _, language, number

HERE = Path(__file__).parent
HTML = "<div class='mg-emb'></div>"
HEIGHT = 432  # pixels of the map


def page() -> None:
    """Everything."""
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="embeddings_head"
    ):
        st.title(_("Embeddings"), anchor=False, width="content")
        _how_to_read()
    inspected = choose_model(needs_layers=False, pick_step=False)
    if inspected is None:
        return
    sentence = _(
        "Each character is a row of **{n} numbers**. Training moves the rows: what is used alike comes to "
        "lie side by side."
    )
    st.markdown(sentence.format(n=number(inspected.config.n_embd)))
    picture(inspected)


def _how_to_read() -> None:
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
            "are not shown: trust the cosines. The axes have no meaning of their own, and in so many "
            "dimensions rows drawn at random have a cosine near 0."
        ),
    )


def picture(inspected: InspectedModel) -> None:
    """Map, table and neighbours at all checkpoints: one component, sent once."""
    kept = [info.step for info in resources.store().checkpoints(inspected.run.id)]
    rows, characters, places = resources.embeddings(inspected.run.id, tuple(maps.moments(kept)))
    sets = {"characters": _characters(inspected, rows, characters)}
    if places is not None:
        sets["places"] = sent(places) | {
            "items": [
                {"face": number(place + 1), "name": number(place + 1), "place": place + 1}
                for place in rows.numbers
            ],
            "by_kind": list(range(len(rows.numbers))),
        }  # fmt: skip
    resources.component("embedding_map", HERE, HTML)(
        data={
            "model": f"{inspected.run.id} {rows.steps[-1]}",
            "steps": rows.steps,
            "sets": sets,
            "start": most_frequent_vowel(sets["characters"]["items"]),
            "unit": maps.COSINE_UNIT,
            "height": HEIGHT,
            "locale": language(),
            "labels": words.labels(),
        },
        key="embedding_map",
        height="content",
    )
    _say(inspected, rows)


def _characters(inspected: InspectedModel, rows: Rows, made: Maps) -> dict[str, Any]:
    shown = [inspected.tokenizer.characters[id_] for id_ in rows.ids]
    counts = maps.frequencies(resources.run_dataset(inspected.run.id)).tolist()
    items = [
        {
            "face": tokens.face(character),
            "name": tokens.name(character),
            "kind": tokens.kind(character),
            "accent": maps.has_accent(character),
            "count": counts[id_],
        }
        for id_, character in zip(rows.ids, shown, strict=True)
    ]
    return sent(made) | {"items": items, "by_kind": maps.by_kind(shown)}


def sent(made: Maps) -> dict[str, Any]:
    """What the browser is sent of maps."""
    return {
        "flat": made.flat,
        "deep": made.deep,
        "flat_kept": made.flat_kept,
        "deep_kept": made.deep_kept,
        "cosines": made.cosines,
        "alike": made.alike,
    }


def most_frequent_vowel(items: list[dict[str, Any]]) -> int:
    """The character to begin with: a vowel if there is one, the most frequent."""
    return max(range(len(items)), key=lambda n: (items[n]["kind"] == "vowel", items[n]["count"]))


def _say(inspected: InspectedModel, rows: Rows) -> None:
    """What is missing from the picture."""
    if len(rows.steps) == 1:
        st.caption(
            _("To watch the rows move, choose a model that was kept at several moments of its training.")
        )
    all_characters = inspected.tokenizer.vocab_size
    if len(rows.ids) < all_characters:
        st.caption(
            _("The {n} most frequent of {all} characters are shown.").format(
                n=number(len(rows.ids)), all=number(all_characters)
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
