"""TinyGPT's table, edited by hand on a copy: the run itself stays as it is."""

import math
import re

import streamlit as st

from minigpt_core.errors import ConfigError
from minigpt_core.interpret.bigram_table import BigramTable, Edit
from ui import facts, kept_choices, resources, state
from ui.ablation import before_after, bigram_charts, cache
from ui.ablation.prompt_field import prompt_field
from ui.components import charts
from ui.inside import reading_guide
from ui.inside.inspected_model import InspectedModel
from ui.runs.doubts import doubt
from ui.words import tokens
from ui.words.i18n import _, number, percent, translate
from ui.words.tokens import escape_markdown, name

EDITS, CURRENT, NEXT, SHARE = "ablation.edits", "ablation.current", "ablation.next", "ablation.share"
EXAMPLES = (("q", "u", 0.0), ("e", "!", 1.0), ("t", "h", 0.0), ("a", "z", 0.5))
MOST_EXAMPLES = 2
LENGTH = 160  # characters that are written: a table is quick
SHOWN_EDITS = 6
MOST_KEPT = 20  # edits of a run that a reload finds again
EDITS_KEPT = re.compile(
    r"[0-9A-Za-z]{1,64}:\d{1,6}\.\d{1,6}\.\d{1,5}(\+[0-9A-Za-z]{1,64}:\d{1,6}\.\d{1,6}\.\d{1,5})*"
)

Edits = tuple[Edit, ...]


def table_page(inspected: InspectedModel) -> None:
    """Everything about a TinyGPT."""
    edits = kept_edits(inspected)
    left, right = st.columns([9, 11], gap="medium")
    with left:
        _editor(inspected, edits)
    with right:
        _before_and_after(inspected, edits)
    _whole_table(inspected, edits)


# The edits


def kept_edits(inspected: InspectedModel) -> Edits:
    """The edits of this run's table, the oldest first."""
    by_run = kept_choices.keep(EDITS, {}, _read, _write)
    V = len(inspected.tokenizer.characters)
    found = (Edit(*edit) for edit in by_run.get(inspected.run.id, []))
    return tuple(edit for edit in found if edit.current < V and edit.next < V)


def _write(by_run: dict[str, list[tuple[int, int, float]]]) -> str:
    """As <run>:<id>.<id>.<share in 1/10,000>, the newest edits of each run."""
    return (
        "+".join(
            f"{run_id}:{current}.{following}.{round(10_000 * share)}"
            for run_id, edits in by_run.items()
            for current, following, share in edits[-MOST_KEPT:]
        )
        or "none"
    )


def _read(text: str) -> dict[str, list[tuple[int, int, float]]] | None:
    found: dict[str, list[tuple[int, int, float]]] = {}
    for part in text.split("+") if EDITS_KEPT.fullmatch(text) else []:
        run_id, edit = part.split(":")
        current, following, share = map(int, edit.split("."))
        found.setdefault(run_id, []).append((current, following, min(share, 10_000) / 10_000))
    return found or None


def _add(inspected: InspectedModel, current: int, following: int, share: float) -> None:
    """One more edit; one that cannot be made is refused in a sentence."""
    edits = (*kept_edits(inspected), Edit(current, following, share))
    try:
        cache.edited_table(inspected.run.id, inspected.step, edits)
    except ConfigError as error:
        state.notify(translate(error))
        return
    _keep(inspected.run.id, edits)
    facts.note("edited", run=inspected.run.id, current=current, next=following, share=share)
    characters = inspected.tokenizer.itos
    state.set_page_state(CURRENT, characters[current])
    state.set_page_state(NEXT, characters[following])


def _take_back(inspected: InspectedModel, how_many: int) -> None:
    edits = kept_edits(inspected)
    _keep(inspected.run.id, edits[: len(edits) - how_many])


def _keep(run_id: str, edits: Edits) -> None:
    kept = [(edit.current, edit.next, edit.probability) for edit in edits]
    state.set_page_state(EDITS, state.page_state(EDITS, {}) | {run_id: kept})


def _slide(inspected: InspectedModel, current: int, following: int) -> None:
    _add(inspected, current, following, state.page_state(SHARE, 0) / 100)


# The page


def _editor(inspected: InspectedModel, edits: Edits) -> None:
    reading_guide.heading(
        _("Edit the table by hand"),
        "editor",
        shows=_(
            "The row of the table for one character: how likely each character is to follow it, as learned (grey) and "
            "after your changes (blue)."
        ),
        computed=_(
            "TinyGPT sees one character only, so everything it knows fits into a table: its output layer applied to "
            "each row of the embedding, then softmax. Your changes are made to a copy; the others of that row share "
            "what is left, as they did before."
        ),
        beware=_(
            "Only here can knowledge be edited like that: a GPT has no such table. Its guess depends on the whole "
            "text before, and what it knows is spread over all its numbers."
        ),
    )
    with st.container(key="ablation_editor"):
        _row(inspected, edits)
    _history(inspected, edits)


def _row(inspected: InspectedModel, edits: Edits) -> None:
    """One row of the table, and what changes it."""
    current, following = _pick(inspected)
    before, after = (_table(inspected, changes).probabilities(current) for changes in ((), edits))
    _buttons(inspected, current, following, float(after[following]))
    figure = bigram_charts.row(inspected.tokenizer, before, after, following)
    alt = _("Bars: how likely each character is after “{character}”").format(
        character=name(inspected.tokenizer.itos[current])
    )
    st.plotly_chart(figure, key="ablation_row", alt=alt, config=charts.CONFIG)
    _offers(inspected)


def _pick(inspected: InspectedModel) -> tuple[int, int]:
    """The row and the column that are looked at."""
    characters, stoi = inspected.tokenizer.characters, inspected.tokenizer.stoi
    usual = next(
        (pair[:2] for pair in EXAMPLES if set(pair[:2]) <= set(characters)), (characters[0], characters[-1])
    )
    chosen = []
    with st.container(horizontal=True, gap="small"):
        for where, label, default in ((CURRENT, _("After …"), usual[0]), (NEXT, _("… comes"), usual[1])):
            kept = state.page_state(where, default)
            state.set_page_state(where, kept if kept in stoi else default)
            picked = st.selectbox(label, list(characters), format_func=name, key=state.page_key(where))
            chosen.append(stoi[picked])
    return chosen[0], chosen[1]


def _buttons(inspected: InspectedModel, current: int, following: int, share: float) -> None:
    state.set_page_state(SHARE, round(100 * share))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.slider(
            _("Probability (%)"),
            0,
            100,
            key=state.page_key(SHARE),
            on_change=_slide,
            args=(inspected, current, following),
        )
        for key, label, new in (("never", _("Never"), 0.0), ("always", _("Always"), 1.0)):
            st.button(
                label,
                key=f"ablation_{key}",
                on_click=_add,
                args=(inspected, current, following, new),
                disabled=share == new,
            )


def _offers(inspected: InspectedModel) -> None:
    """Changes to begin with, one click each; none fits a text without these letters."""
    if not (examples := _examples(inspected)):
        return
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        st.html(f"<span class='mg-note'>{_('Try:')}</span>", width="content")
        for number_, (current, following, share) in enumerate(examples):
            st.button(
                edit_words(inspected, Edit(current, following, share)),
                icon=":material/bolt:",
                key=f"ablation_example_{number_}",
                on_click=_add,
                args=(inspected, current, following, share),
            )


def _history(inspected: InspectedModel, edits: Edits) -> None:
    """What was changed, and the way back."""
    if not edits:
        return
    said = " · ".join(edit_words(inspected, edit) for edit in edits[-SHOWN_EDITS:])
    st.caption(_("Changed: {edits}").format(edits=("… " if len(edits) > SHOWN_EDITS else "") + said))
    with st.container(horizontal=True, gap="xsmall"):
        for key, label, icon, how_many in (
            ("undo", _("Undo the last change"), ":material/undo:", 1),
            ("reset", _("As it was learned"), ":material/restart_alt:", len(edits)),
        ):
            st.button(
                label,
                icon=icon,
                key=f"ablation_{key}",
                on_click=_take_back,
                args=(inspected, how_many),
            )


def _examples(inspected: InspectedModel) -> list[tuple[int, int, float]]:
    stoi = inspected.tokenizer.stoi
    possible = [(stoi[a], stoi[b], share) for a, b, share in EXAMPLES if a in stoi and b in stoi]
    return possible[:MOST_EXAMPLES]


def edit_words(inspected: InspectedModel, edit: Edit) -> str:
    """An edit in words, as Markdown."""
    words = {0.0: _("“{next}” never after “{current}”"), 1.0: _("“{next}” always after “{current}”")}.get(
        edit.probability, _("“{next}” after “{current}”: {share}")
    )
    characters = inspected.tokenizer.itos
    return escape_markdown(
        words.format(
            next=name(characters[edit.next]),
            current=name(characters[edit.current]),
            share=percent(edit.probability, 0),
        )
    )


def _before_and_after(inspected: InspectedModel, edits: Edits) -> None:
    text, run_id, step = cache.held_out_windows(inspected.run.id), inspected.run.id, inspected.step
    reading_guide.heading(
        _("What does it write then?"),
        "edited",
        shows=_("The loss and a text, as the table was learned and as it is after your changes."),
        computed=_(
            "The loss is measured on {n} characters{unseen}. Both texts are drawn with the same random numbers."
        ).format(
            n=number(text.characters),
            unseen=_(" that were kept out of the training") if text.unseen else "",
        ),
        beware=_(
            "A higher loss does not say that the text is worse to you, only that the real text surprises the table "
            "more. A pair that is forbidden but occurs in the text costs infinitely much."
        ),
    )
    before, after = cache.learned_loss(run_id, step), cache.loss_with_edits(run_id, step, edits)
    st.html(before_after.loss_figures(before, after, _("loss, as learned"), _("loss, as it is now")))
    if text.unseen:
        doubt(inspected.run)
    if math.isinf(after):
        st.caption(_("Infinite: the text holds a pair that you have forbidden. Never say never."))
    prompt = prompt_field(inspected, inspected.tokenizer.itos[edits[-1].current] if edits else "")
    both = [
        cache.table_continuation(run_id, step, changes, prompt.ids, prompt.seed, LENGTH)
        for changes in ((), edits)
    ]
    if edits:
        titles = (_("As it was learned"), _("With your changes"))
        st.html(before_after.two_texts(prompt.text, titles, both[0], both[1]))
    else:
        hint = _("Change something on the left: here you will read what the changed table writes.")
        st.html(before_after.one_text(prompt.text, _("As it was learned"), both[0], hint))
    st.html(tokens.probability_legend())
    st.caption(_("All this happens on a copy. The trained run stays as it is."))


def _whole_table(inspected: InspectedModel, edits: Edits) -> None:
    reading_guide.heading(
        _("The whole model is this table"),
        "whole",
        shows=_(
            "A row for each character just read, a column for each character that may follow; yellow is likely."
        ),
        computed=_("Softmax of the output layer applied to each row of the embedding, with your changes."),
        beware=_(
            "It looks like counted pairs, and nearly is: TinyGPT learned it by gradient descent, and on the text it "
            "learns from it becomes at best as good as counting. No GPT can be drawn like this."
        ),
    )
    run_id, every = inspected.run.id, inspected.tokenizer.vocab_size
    shown = resources.counted_pairs(run_id).most_frequent(bigram_charts.MOST_SHOWN)
    figure = bigram_charts.heatmap(
        [inspected.tokenizer.itos[i] for i in shown], _table(inspected, edits).shares(shown)
    )
    alt = _("A square of probabilities: which character follows which")
    st.plotly_chart(figure, key="ablation_heatmap", alt=alt, config=charts.CONFIG)
    if len(shown) < every:
        words = _("The {n} most frequent of {all} characters are shown.")
        st.caption(words.format(n=number(len(shown)), all=number(every)))


def _table(inspected: InspectedModel, edits: Edits) -> BigramTable:
    return cache.edited_table(inspected.run.id, inspected.step, edits)
