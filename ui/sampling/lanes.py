"""Texts side by side: one thing changes from row to row, everything else stays the same."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from minigpt_core.configs import SampleSettings
from minigpt_core.errors import UserError
from minigpt_core.store.runs import Run
from ui import resources, state
from ui.runs.health import loss_number
from ui.sampling import controls
from ui.sampling.asked import Asked, recipe_of
from ui.sampling.controls import COUNTED, ORDER_OF, Author
from ui.sampling.drawing import begin
from ui.sampling.recipe import MAX_SEED, Recipe
from ui.sampling.words import exchanged_words, unknown_words
from ui.server.streams import MOST_LANES, cell
from ui.style import PROBABILITY_SCALE
from ui.words import glossary, tokens
from ui.words.i18n import N_, _, language, number

HERE = Path(__file__).parent
LENGTH = 120  # characters of each text in a comparison of many
USUAL = (0.0, 0.5, 0.8, 1.0, 1.5, 2.0)  # temperatures
OFFERED = (0.0, 0.2, 0.5, 0.8, 1.0, 1.2, 1.5, 2.0)
HOTTEST = 2.0
CHOSEN = "sampling.temperatures"
DRAWS = 4  # different seeds; a last row repeats the first one
MODE = "sampling.rows"
MODES = {"temperatures": N_("Several temperatures"), "draws": N_("Several draws at one temperature")}


@dataclass(frozen=True)
class Lane:
    """One of the texts."""

    title: str
    recipe: Recipe
    note: str = ""


def temperatures(asked: Asked) -> None:
    """Only the temperature changes; or only the random numbers do."""
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        mode = choose_rows()
        chosen = choose_temperatures() if mode == "temperatures" else []
    if mode == "draws":
        _draws(asked)
        return
    words = _(
        "Same model, same prompt, same random numbers: only the temperature changes. The bar is the mean {entropy} of "
        "the choices."
    )
    st.html(f"<div>{tokens.escape(words).format(entropy=glossary.term('entropy'))}</div>")
    rows = [Lane(f"T = {number(t)}", asked.other(temperature=t)) for t in chosen]
    picture("sampling_temperatures", rows, asked, length=LENGTH, entropy=True, compare=True)


def choose_rows() -> str:
    """What changes from row to row: one of `MODES`."""
    state.keep_choices("sampling", [MODE])
    state.set_page_state(MODE, state.rows())
    st.segmented_control(
        _("What changes from row to row?"), list(MODES), format_func=lambda name: _(MODES[name]), required=True,
        key=state.page_key(MODE), label_visibility="collapsed", on_change=_switch_rows,
    )  # fmt: skip
    return state.rows()


def choose_temperatures() -> list[float]:
    """The temperatures to compare, rising; the usual ones if none is chosen."""
    asked = [
        float(part)
        for part in (state.temperatures() or "").split("_")
        if part.replace(".", "", 1).isdecimal()
    ]
    chosen = sorted({t for t in asked if t <= HOTTEST}) or list(USUAL)
    state.keep_choices("sampling.temperatures", [CHOSEN])
    state.set_page_state(CHOSEN, chosen)
    st.pills(
        _("Temperatures"), sorted({*OFFERED, *chosen}), format_func=number, selection_mode="multi",
        key=state.page_key(CHOSEN), label_visibility="collapsed", on_change=_switch_temperatures,
    )  # fmt: skip
    return chosen


def _switch_rows() -> None:
    state.choose_rows(str(state.page_state(MODE, "temperatures")))


def _switch_temperatures() -> None:
    chosen = sorted(state.page_state(CHOSEN, []))[:MOST_LANES]
    state.choose_temperatures(
        "_".join(f"{t:g}" for t in chosen) if chosen and chosen != list(USUAL) else None
    )


def _draws(asked: Asked) -> None:
    seed = asked.recipe.seed
    st.markdown(answer(asked.drawing.settings))
    seeds = [*((seed + i) % (MAX_SEED + 1) for i in range(DRAWS)), seed]
    rows = [Lane(_("Seed {n}").format(n=s), asked.other(seed=s)) for s in seeds]
    rows[-1] = replace(rows[-1], note=_("the first row’s seed again"))
    picture("sampling_draws", rows, asked, length=LENGTH, entropy=False, compare=False)


def answer(settings: SampleSettings) -> str:
    """Whether this temperature is deterministic, in Markdown."""
    question = _("Is temperature {t} deterministic?").format(t=number(settings.temperature))
    if settings.temperature and settings.top_k == 1:
        words = _("**Here it is**: top-k 1 leaves only the likeliest character, so there is nothing to draw.")
    elif settings.temperature == 0:
        words = _(
            "**Yes**: without a draw there is nothing random, so every row is the same, whatever the seed."
        )
    else:
        words = _(
            "**No**: other random numbers (another seed) can give another text. But the **same seed** gives the same "
            "text: compare the first row with the last."
        )
    return f"**{question}** {words}"


def models(asked: Asked) -> None:
    """Two models, the same prompt and the same random numbers."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        other = choose_other(asked.author)
        st.markdown(
            _("The same prompt, the **same random numbers**: only the model changes. A lower loss is better.")
        )
    read = begin(resources.writer(recipe_of(other, asked.prompt, asked.drawing)), asked.prompt)
    if read.exchanged:
        st.caption(f"{tokens.escape_markdown(author_title(other))}: {exchanged_words(read.exchanged)}")
    if read.unknown:
        sentence = f"{author_title(other)}: {unknown_words(read.unknown)}"
        st.markdown(f":orange[:material/warning:] {tokens.escape_markdown(sentence)}")
    authors = (asked.author, other)
    rows = [
        Lane(author_title(each), recipe_of(each, asked.prompt, asked.drawing), said(each)) for each in authors
    ]
    picture(
        "sampling_models",
        rows,
        asked,
        length=asked.drawing.length,
        entropy=False,
        compare=False,
        side="240px",
    )


def author_title(author: Author) -> str:
    """Who writes, in a few words."""
    if author.run is None:
        return _(COUNTED[author.counted])
    title = controls.author_title(author.run)
    return _("{title}, step {step}").format(title=title, step=number(author.step))


def said(author: Author) -> str:
    """How good it is."""
    loss, words = author.losses.unseen, _("loss {loss} on text it never saw")
    if loss is None:
        loss, words = author.losses.seen, _("loss {loss} on the text it learnt from")
    return words.format(loss=loss_number(loss)) if loss is not None else _("its loss was not measured")


def choose_other(author: Author) -> Author:
    """Who writes beside the author: another checkpoint of the run, another run, or a counted table."""
    choices = others(author)
    asked_for = state.against()
    if asked_for and asked_for not in choices and readable(asked_for):
        choices[asked_for] = author_title(author_named(asked_for, author))  # from somebody's link
    if asked_for not in choices or names_itself(asked_for, author):
        asked_for = next(iter(choices))
    st.session_state[state.SAMPLING_AGAINST] = asked_for
    st.selectbox(
        _("Compared with"), list(choices), format_func=choices.__getitem__, key=state.SAMPLING_AGAINST,
        on_change=_switch_other, width=420,
    )  # fmt: skip
    state.choose_against(str(asked_for))
    return author_named(str(asked_for), author)


def readable(name: str) -> bool:
    """Whether a name in the address means a checkpoint that is there."""
    run_id, _separator, step = name.partition(":")
    try:
        return step.isdecimal() and int(step) in {info.step for info in resources.store().checkpoints(run_id)}
    except UserError:
        return False


def names_itself(name: str, author: Author) -> bool:
    """Whether a name in the address means the author."""
    return name == (f"{author.run.id}:{author.step}" if author.run else author.counted)


def others(author: Author) -> dict[str, str]:
    """Everybody who could write beside the author, by their names in the address: the most telling one first."""
    found: dict[str, str] = {}
    same: dict[int, tuple[str, str]] = {}
    store = resources.store()
    if author.run:
        title = _("the same training after step {step}")
        steps = [info.step for info in store.checkpoints(author.run.id) if info.step != author.step]
        same = {step: (f"{author.run.id}:{step}", title.format(step=number(step))) for step in steps}
        found |= [
            same[step] for step in steps if step <= author.step // 2
        ]  # early enough to be another model
    for name in COUNTED:
        if author.run or name != author.counted:
            found[name] = _(COUNTED[name])
    found |= same.values()
    for run in state.visible_runs():
        infos = store.checkpoints(run.id)
        if infos and (author.run is None or run.id != author.run.id):
            found[f"{run.id}:{infos[-1].step}"] = controls.author_title(run)
    return found


def author_named(name: str, author: Author) -> Author:
    """Who a name in the address means. Counted characters are those of the author's text."""
    if name in COUNTED:
        return controls.counted_author(ORDER_OF[name], author.text)
    run_id, step = name.split(":")
    run: Run = resources.run(run_id)
    return Author(run, int(step), controls.text_of(run), controls.losses_of(run, int(step)))


def _switch_other() -> None:
    state.choose_against(st.session_state[state.SAMPLING_AGAINST])


def picture(
    key: str,
    rows: Sequence[Lane],
    asked: Asked,
    *,
    length: int,
    entropy: bool,
    compare: bool,
    side: str = "200px",
) -> None:
    """The texts as they are being written.

    Args:
        entropy: show how open the first choice was.
        compare: show where each text parts from the one above it.
        side: how wide the column with the titles is, in CSS.
    """
    writers = [resources.writer(row.recipe) for row in rows]
    query = {
        "recipes": json.dumps([row.recipe.to_query() for row in rows]),
        "length": str(length),
        "lang": language(),
    }
    lanes = [
        {
            "title": row.title,
            "note": row.note,
            "prompt": [cell(character) for character in begin(writer, row.recipe.prompt).prompt],
        }
        for row, writer in zip(rows, writers, strict=True)
    ]
    data = {
        "url": f"api/lanes?{urlencode(query)}",
        "lanes": lanes,
        "length": length,
        "entropy": entropy,
        "compare": compare,
        "compact": length == LENGTH,
        "chance": math.log(max(writers[0].tokenizer.vocab_size, 2)),
        "side": side,
        "scale": PROBABILITY_SCALE,
        "locale": language(),
        "labels": labels(),
    }
    component = resources.component("lanes", HERE, "<div class='mg-lanes'></div>")
    component(data=data, key=key, height="content")
    st.html(tokens.probability_legend())


def labels() -> dict[str, Any]:
    """All words of the component, in the reader's language."""
    return {
        "count": _("{n} of {all} characters"),
        "stop": _("■ Stop"),
        "again": _("↻ Write again"),
        "done": _("Finished: {n} characters."),
        "failed": _("The program cannot be reached. Try again in a moment."),
        "explain": _("Each character is coloured by the probability it was drawn with."),
        "open": _("{nats} nats: like {n} equal choices"),
        "parts": _("parts at character {n}"),
        "same": _("like the row above"),
    }
