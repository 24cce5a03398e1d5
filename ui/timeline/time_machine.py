"""The Time machine itself: how to read it, and the component with its words."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from minigpt_core.interpret.checkpoint_history import Snapshot
from minigpt_core.interpret.embedding_history import MOST_CHARACTERS
from ui.components.mounting import component
from ui.components.spoken import curve_words
from ui.inside import reading_guide
from ui.inside.inspected_model import InspectedModel
from ui.runs.doubts import doubt
from ui.runs.health import above_chance
from ui.runs.weights import moment_of
from ui.style import REFERENCE, VALIDATION
from ui.timeline import component_data
from ui.timeline.component_data import MOST_PAIRS
from ui.words.i18n import _, language, number
from ui.words.tokens import face

HERE = Path(__file__).parent
HTML = "<div class='mg-timeline'></div>"
PICTURE_HEIGHT = 268
MOSTLY_MISSING = 2  # times as many characters as are shown: worth a word


def how_to_read() -> None:
    """Behind one small button."""
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


def draw(inspected: InspectedModel, known: Sequence[Snapshot], text: str) -> None:
    """The component, with all moments."""
    ids = tuple(inspected.tokenizer.encode(text).tolist()) or (0,)
    doubt(inspected.run)
    mount = component("timeline", HERE, HTML)
    mount(
        data=component_data.sent(inspected.run, known, ids[-inspected.longest :])
        | {
            "run": inspected.run.id,
            "first": moment_of([moment.step for moment in known], inspected.step),
            "height": PICTURE_HEIGHT,
            "locale": language(),
            "colours": {"loss": VALIDATION, "grey": REFERENCE},
            "labels": labels(text, inspected),
        },
        key="timeline",
        height="content",
    )
    if known and known[0].step == 0 and (said := above_chance(inspected.run)):
        st.caption(said)
    shown = MOST_PAIRS if inspected.config.is_tinygpt else MOST_CHARACTERS
    if inspected.config.vocab_size > MOSTLY_MISSING * shown:
        words = _("The {n} most frequent of {all} characters are shown.")
        st.caption(words.format(n=number(shown), all=number(inspected.config.vocab_size)))


def labels(text: str, inspected: InspectedModel) -> dict[str, str]:
    """All words of the component, in the reader's language."""
    shown = "".join(face(c) if c != " " else " " for c in text[-24:])
    sees = face(text[-1:]) if inspected.config.is_tinygpt and text else shown
    after = _("What comes after “{text}”?").format(text=sees) if text else _("What comes first?")
    return {
        "play": _("Play"),
        "pause": _("Hold"),
        "slider": _("Moment of the training"),
        "step": _("step {step} of {steps}"),
        "loss": _("loss on unseen text (validation)"),
        "curve": curve_words(),
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
        "cell": _("{next} after {current}: {share}"),
        "normal": _(
            "Is this gibberish normal? What text looks like at each loss; marked: the nearest to this moment"
        ),
        "jump": _("Go to this moment"),
    }
