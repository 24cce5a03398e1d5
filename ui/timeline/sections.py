"""The Time machine from top to bottom."""

from pathlib import Path

import streamlit as st

from minigpt_core.store.runs import LIVE, Run
from minigpt_core.texts import corpus
from ui import resources, state
from ui.inside import reading_guide
from ui.inside.input_text import unknown_note
from ui.inside.inspected_model import InspectedModel, choose_model
from ui.runs.health import spoiled
from ui.runs.wording import run_title
from ui.style import REFERENCE, VALIDATION
from ui.timeline import moments
from ui.words.i18n import _, language, spoken
from ui.words.tokens import escape_markdown, face

HERE = Path(__file__).parent
HTML = "<div class='mg-timeline'></div>"
CONTEXT = "timeline.context"
PICTURE_HEIGHT = 268
FEW = 3  # moments: with fewer there is no way to travel


def page() -> None:
    """Everything."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.title(_("Time machine"), anchor=False, width="content")
        _how_to_read()
    inspected = choose_model(needs_layers=False, pick_step=False, usual=usual_run())
    if inspected is None:
        return
    known = moments.of_run(inspected.run)
    with st.sidebar:
        text = _context(inspected)
    if len(known) < 2:
        _one_moment(inspected.run)
    else:
        st.markdown(
            _(
                "Move through the training, from the first guess to the last: **what does the model know by then?**"
            )
        )
    ids = tuple(inspected.tokenizer.encode(text).tolist()) or (0,)
    draw(inspected, known, text, ids[-inspected.longest :])


def _one_moment(run: Run) -> None:
    """Why there is no way to travel, and a training that has one."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if run.status in LIVE:
            words = _(
                "Only one moment of this training was kept so far: there is nothing to travel through yet."
            )
        else:
            words = _("Only one moment of this training was kept, so there is nothing to travel through.")
        st.markdown(words, width="content")
        if other := to_travel(run):
            st.button(
                _("Travel through {name}").format(name=escape_markdown(run_title(other))),
                icon=":material/history:", key="timeline_other", on_click=state.follow_run, args=(other.id,),
            )  # fmt: skip


def to_travel(run: Run) -> Run | None:
    """Another training with several moments: the prepared one on the same text that has the most, else the usual."""
    ready = [other for other in state.visible_runs() if other.prepared and other.text_id == run.text_id]
    kept = {other.id: len(resources.store().checkpoints(other.id)) for other in ready}
    most = max(ready, key=lambda other: kept[other.id], default=None)
    return most if most and kept[most.id] >= FEW else usual_run()


def usual_run() -> Run | None:
    """The newest sound run of one's own with several moments; else the prepared one of the language with the most."""
    runs, store = state.visible_runs(), resources.store()
    kept = {run.id: len(store.checkpoints(run.id)) for run in runs}
    story = corpus.load(spoken().story).title
    own = (run for run in runs if not run.prepared and kept[run.id] >= FEW and not spoiled(run))
    ready = [run for run in runs if run.prepared and run.text_title == story]
    return next(own, max(ready, key=lambda run: kept[run.id], default=None))


def _how_to_read() -> None:
    reading_guide.how_to_read(
        "timeline",
        shows=_(
            "Everything belongs to one moment of the training: the loss on text the model never saw, what it wrote "
            "then, what it would write next after your text, and the model itself as a picture."
        ),
        computed=_(
            "From the weights that were kept on the way. For TinyGPT the picture is its whole table, how likely each "
            "character is after each one, beside the table of counted pairs. For a GPT it is the map of its "
            "characters’ rows, as on the Embeddings page. The samples use the same random numbers at every moment."
        ),
        beware=_(
            "Between two moments that were kept, the map is only drawn as moving evenly: what happened there is not "
            "known. A map in two dimensions keeps only a part of the differences; the sentence below it says how much, "
            "and an arrow marks a row that lies farther out than the map reaches. The loss is "
            "that of the newest evaluation by then."
        ),
    )


def _context(inspected: InspectedModel) -> str:
    """The text whose next character is asked for; of the model's own text to begin with."""
    chosen, usual = state.after(), beginning(resources.store().text(inspected.run.text_id).text)
    state.set_page_state(CONTEXT, usual if chosen is None else chosen)
    typed = st.text_input(
        _("What comes after …"), key=state.page_key(CONTEXT), max_chars=state.LONGEST_AFTER,
        on_change=_take_context, args=(usual,),
        help=_("The bars show how likely each next character is after this text."),
    )  # fmt: skip
    text, unknown = inspected.split_unknown(typed or "")
    if unknown:
        st.caption(escape_markdown(unknown_note(unknown)))
    return text


def _take_context(usual: str) -> None:
    typed = state.page_state(CONTEXT, usual)
    state.choose_after(None if typed == usual else typed)


def beginning(text: str) -> str:
    """The first two words of a text, without what comes after them."""
    return " ".join(text[:80].split("\n", 1)[0].split(" ")[:2]) or text[:1]


def draw(inspected: InspectedModel, known: list[moments.Moment], text: str, ids: tuple[int, ...]) -> None:
    """The component, with all moments."""
    mount = resources.component("timeline", HERE, HTML)
    mount(
        data=moments.sent(inspected.run, known, ids)
        | {
            "run": inspected.run.id,
            "height": PICTURE_HEIGHT,
            "locale": language(),
            "colours": {"loss": VALIDATION, "grey": REFERENCE},
            "labels": labels(text, inspected),
        },
        key="timeline",
        height="content",
    )


def labels(text: str, inspected: InspectedModel) -> dict[str, str]:
    """All words of the component, in the reader's language."""
    shown = "".join(face(c) if c != " " else " " for c in text[-24:])
    sees = text[-1:] if moments.is_table(inspected.run) else shown
    after = _("What comes after “{text}”?").format(text=sees) if text else _("What comes first?")
    return {
        "play": _("Play"),
        "pause": _("Hold"),
        "slider": _("Moment of the training"),
        "step": _("step {step} of {steps}"),
        "loss": _("loss on unseen text"),
        "chance": _("pure chance"),
        "writes": _("What it writes at this moment"),
        "nothing": _("Nothing was written at this moment."),
        "next": after,
        "learned": _("learned: what follows what"),
        "counted": _("counted in the text"),
        "distance": _("distance from the counts: {distance} nats"),
        "current": _("current character ↓, next →"),
        "map": _("The characters’ rows: what is used alike comes together"),
        "kept": _("This picture shows {share} of the differences between the rows."),
        "cell": _("{next} after {current}: {share} %"),
        "normal": _(
            "Is this gibberish normal? What text looks like at each loss; marked: the nearest to this moment"
        ),
        "jump": _("Go to this moment"),
    }
