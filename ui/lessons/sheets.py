"""Hand-out and exit ticket: the Lessons page as a sheet of A4 for a printer, with the own run's curve and texts on it.

`/lessons?choices=lessons.sheet~handout` leads there, and `…~ticket`.
"""

import base64
from pathlib import Path

import streamlit as st

from minigpt_core.errors import UserError
from minigpt_core.store.runs import Run
from minigpt_core.training import MetricsEvent
from minigpt_core.weights import parameters_of
from ui import kept_choices, resources, state
from ui.components.mounting import component
from ui.runs.health import loss_number
from ui.runs.wording import run_title, text_title
from ui.words import glossary
from ui.words.i18n import N_, _, number
from ui.words.tokens import escape, face

HERE = Path(__file__).parent
SHEET = "lessons.sheet"
SHEETS = {"handout": N_("Hand-out"), "ticket": N_("Exit ticket")}
TERMS = ("token", "loss", "validation_split", "attention", "temperature", "parameter")
LONGEST = 110  # characters of a sample
WIDTH, HEIGHT = 340, 190  # of the picture
LEFT, BOTTOM, TOP = 34, 24, 10

GUESSES = (
    N_("How many different characters does the text have?"),
    N_("Where will the loss of TinyGPT end?"),
    N_("How many of five texts are different at temperature 0.8?"),
    N_("How much of what it writes is copied word for word?"),
    N_("How many of its numbers change while it writes?"),
)
ASKED = (
    N_("Does the same question always get the same answer? When does it, when not?"),
    N_("Look at the two curves. What does the model know at the end that it did not know at the beginning?"),
    N_("What do you still want to know?"),
)


def chosen() -> str:
    """The name of the sheet that is shown instead of the lessons, or ""."""
    return str(kept_choices.keep(SHEET, "", kept_choices.one_of(["", *SHEETS])))


def choose(name: str) -> None:
    """Show this sheet; "": the lessons."""
    state.set_page_state(SHEET, name)


def offer() -> None:
    """The way to the sheets."""
    with st.container(horizontal=True, vertical_alignment="center", key="lesson_sheets"):
        st.markdown(_("To be printed, with your training on it:"), width="content")
        for name, title in SHEETS.items():
            st.button(
                _(title), icon=":material/print:", key=f"lesson_sheet_{name}", on_click=choose, args=(name,)
            )


def show(name: str) -> None:
    """One sheet, and the buttons that are not printed."""
    with st.container(horizontal=True, key="lesson_sheet_buttons"):
        st.button(_("Back to the lessons"), icon=":material/arrow_back:", key="lesson_sheet_back", on_click=choose,
                  args=("",))  # fmt: skip
        component("print_button", HERE, "<div class='mg-print'></div>")(
            key="lesson_print", data={"label": _("Print")}
        )
    run = _run()
    body = _handout(run) if name == "handout" else _ticket(run) * 2
    st.html(
        f"<style>{(HERE / 'sheets.css').read_text(encoding='utf-8')}</style><div class='mg-sheet'>{body}</div>"
    )


def _run() -> Run | None:
    """One's own newest run that was measured, else a prepared GPT."""
    try:
        current = state.current_run()
        known = [*([current] if current else []), *state.visible_runs()]
        return next((run for run in known if len(resources.store().evaluations(run.id)) > 1), None)
    except UserError:  # the sidebar says what is wrong with the store
        return None


def _handout(run: Run | None) -> str:
    rows = "".join(f"<tr><td>{escape(_(question))}</td><td></td><td></td></tr>" for question in GUESSES)
    heads = "".join(f"<th>{escape(word)}</th>" for word in (_("Question"), _("My guess"), _("What came out")))
    terms = "".join(
        f"<div><dt>{escape(glossary.word(key))}</dt><dd>{escape(glossary.help(key))}</dd></div>"
        for key in TERMS
    )
    return (
        f"<section><header><h2>{escape(_('A small language model'))}</h2>{_lines_to_fill()}</header>"
        f"{_of(run)}<h3>{escape(_('Guess first'))}</h3><table class='mg-fill'><tr>{heads}</tr>{rows}</table>"
        f"<h3>{escape(_('Words'))}</h3><dl>{terms}</dl>"
        f"<h3>{escape(_('What surprised me'))}</h3><p class='mg-write'></p></section>"
    )


def _ticket(run: Run | None) -> str:
    asked = "".join(
        f"<li>{escape(_(question))}<p class='mg-write'></p><p class='mg-write'></p></li>"
        for question in ASKED
    )
    return (
        f"<section class='mg-half'><header><h2>{escape(_('Exit ticket'))}</h2>{_lines_to_fill()}</header>"
        f"{_of(run, brief=True)}<ol>{asked}</ol></section>"
    )


def _lines_to_fill() -> str:
    return "".join(f"<span>{escape(word)} <u></u></span>" for word in (_("Name (if you like)"), _("Date")))


def _of(run: Run | None, brief: bool = False) -> str:
    """A run: what it was, its curve, and what it wrote."""
    if run is None:
        return f"<p>{escape(_('No training has been measured here yet: start one, and its curve stands here.'))}</p>"
    measured = resources.store().evaluations(run.id)
    said = [(event.step, event.text) for event in resources.store().samples(run.id)]
    shown = (said[-1:] if brief else [said[0], said[-1]]) if said else []
    wrote = "".join(
        f"<h4>{escape(_('What it wrote at step {step}').format(step=number(step)))}</h4><pre>{escape(_cut(text))}</pre>"
        for step, text in dict(shown).items()
    )
    facts = "" if brief else _facts(run, measured)
    return f"<div class='mg-run'><div>{_title(run)}{facts}{wrote}</div><div>{curve(measured)}</div></div>"


def _title(run: Run) -> str:
    words = (
        _("A training that comes with the program: {title}") if run.prepared else _("My training: {title}")
    )
    return f"<h3><bdi>{escape(words.format(title=run_title(run)))}</bdi></h3>"


def _facts(run: Run, measured: list[MetricsEvent]) -> str:
    first, last = measured[0], measured[-1]
    facts = [
        (_("text"), text_title(run.text_title)),
        (_("different characters"), number(run.model.vocab_size)),
        (_("numbers in the model (parameters)"), number(parameters_of(run.model))),
        (_("steps"), number(last.step)),
        (_("learning rate"), number(run.training.learning_rate)),
        (
            _("loss on the text it learns from"),
            f"{loss_number(first.train_loss)} → {loss_number(last.train_loss)}",
        ),
    ]
    if first.val_loss is not None and last.val_loss is not None:
        facts.append(
            (_("loss on text it never saw"), f"{loss_number(first.val_loss)} → {loss_number(last.val_loss)}")
        )
    return (
        "<table>"
        + "".join(f"<tr><td>{escape(a)}</td><td>{escape(b)}</td></tr>" for a, b in facts)
        + "</table>"
    )


def _cut(text: str) -> str:
    shown = text[:LONGEST]
    return "".join(c if c == "\n" else face(c) if not c.isprintable() else c for c in shown) + "…" * (
        len(text) > LONGEST
    )


def curve(measured: list[MetricsEvent]) -> str:
    """Both losses as a picture that is clear without colours: a line with rings and a dashed one with diamonds."""
    train = [(event.step, event.train_loss) for event in measured if event.train_loss < 1e4]
    unseen = [
        (event.step, event.val_loss)
        for event in measured
        if event.val_loss is not None and event.val_loss < 1e4
    ]
    values = [loss for _step, loss in (*train, *unseen)] or [1.0]
    low, high, last = min(values), max(values), max(measured[-1].step, 1)
    span = (high - low) or 1.0

    def at(step: int, loss: float) -> tuple[float, float]:
        x = LEFT + (WIDTH - LEFT - 8) * step / last
        return round(x, 1), round(TOP + (HEIGHT - TOP - BOTTOM) * (high - loss) / span, 1)

    def line(points: list[tuple[int, float]], style: str, mark: str) -> str:
        places = [at(*point) for point in points]
        marks = "".join(mark.format(x=x, y=y) for x, y in places)
        return f"<polyline points='{' '.join(f'{x},{y}' for x, y in places)}' style='{style}'/>{marks}"

    ring = "<circle cx='{x}' cy='{y}' r='2.4' style='fill:#fff;stroke:#0072B2'/>"
    diamond = "<path d='M{x},{y} m0,-3.2 l3.2,3.2 l-3.2,3.2 l-3.2,-3.2 z' style='fill:#B36B00'/>"
    ticks = "".join(
        f"<text x='{LEFT - 4}' y='{at(0, loss)[1] + 4}' text-anchor='end'>{escape(number(loss, 2))}</text>"
        for loss in {low, high}
    )
    axes = f"<path d='M{LEFT},{TOP} V{HEIGHT - BOTTOM} H{WIDTH - 8}' style='fill:none;stroke:#555'/>"
    steps = (
        f"<text x='{LEFT}' y='{HEIGHT - 8}'>0</text><text x='{WIDTH - 8}' y='{HEIGHT - 8}' text-anchor='end'>"
        f"{escape(_('step {step}').format(step=number(last)))}</text>"
    )
    legend = f"○ {_('text it learns from (training)')} · ◆ {_('text it never saw (validation)')}"
    title = _("The loss, from step 0 to step {step}").format(step=number(last))
    picture = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' font-family='sans-serif' "
        f"font-size='10'>{axes}{ticks}{steps}"
        f"{line(train, 'fill:none;stroke:#0072B2;stroke-width:1.6', ring)}"
        f"{line(unseen, 'fill:none;stroke:#B36B00;stroke-width:1.6;stroke-dasharray:5 3', diamond)}</svg>"
    )
    data = base64.b64encode(picture.encode()).decode()
    return (
        f"<img alt='{escape(title)}' src='data:image/svg+xml;base64,{data}'>"
        f"<p class='mg-small'>{escape(_('Loss (nats per character): {legend}').format(legend=legend))}</p>"
    )
