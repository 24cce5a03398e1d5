"""The HTML of the Ladder page: plain data in, escaped HTML out."""

from ui.ladder import ladder_chart, rung_sentences
from ui.ladder.plan import Step
from ui.runs.health import is_difference, loss_number
from ui.words.i18n import _, duration, number, signed
from ui.words.tokens import blank, escape, face, visible

NO_CHANGE = 0.005  # what is written as ±0.00


def colour(step: Step) -> str:
    """The rung's place on the scale, for light and for dark paper."""
    return f"light-dark({ladder_chart.ON_LIGHT[step.number - 1]}, {ladder_chart.ON_DARK[step.number - 1]})"


def name(step: Step) -> str:
    """Its number in its colour, and its title."""
    return (
        f"<span class='mg-rung-n' style='--k:{colour(step)}'>{step.number}</span> "
        f"<b>{escape(rung_sentences.title(step.rung))}</b>"
    )


def rung(step: Step, needed: str | None) -> str:
    """A line of the list: name and idea; what it has reached, or how long it will take; its size."""
    idea = escape(_(step.rung.idea))
    return (
        f"<div class='mg-rung'><div>{name(step)}<div class='mg-rung-idea'>{idea}</div></div>"
        f"<div class='mg-rung-end'>{_reached(step, needed)}"
        f"<span>{escape(rung_sentences.parameters(step.parameters))}</span></div></div>"
    )


def _reached(step: Step, needed: str | None) -> str:
    if step.loss is not None:
        return f"<div>{escape(_('loss'))} <b>{loss_number(step.loss)}</b></div>"
    if step.run is None:
        return "" if needed is None else f"<div>≈ {escape(needed)}</div>"
    bar = ""
    if step.status == "running":
        share = 100 * step.run.step / step.training.steps
        bar = f"<div class='mg-rung-bar'><i style='width:{share:.1f}%'></i></div>"
    return f"<div>{escape(rung_sentences.state(step))}</div>{bar}"


def bought(step: Step, change: float | None, sentence: str, highest: float) -> str:
    """The loss of a rung as a bar that begins at 0, the difference to the rung below, and both in rung_sentences."""
    looks, shown = "", ""
    if change is not None:
        looks = is_difference(change) * (" mg-fell" if change < 0 else " mg-rose")
        shown = signed(change, 2) if abs(change) >= NO_CHANGE else f"±{number(0, 2)}"
    width = 100 * min(1.0, (step.loss or 0) / highest)  # none if it diverged
    return (
        f"<div class='mg-bought'><div>{name(step)}</div>"
        f"<div class='mg-bought-bar'><i style='width:{width:.1f}%;--k:{colour(step)}'></i></div>"
        f"<div class='mg-bought-n'>{loss_number(step.loss)}</div><div class='mg-bought-n{looks}'>{shown}</div>"
        f"<div class='mg-bought-s'>{escape(sentence)}</div></div>"
    )


def table_head() -> str:
    """What the columns of `result` are."""
    titles = (_("rung"), *figure_titles(), _("what it writes"))
    return (
        f"<div class='mg-result mg-label'>{''.join(f'<div>{escape(title)}</div>' for title in titles)}</div>"
    )


def figure_titles() -> tuple[str, str, str]:
    """What the three figures of `result` are."""
    return _("loss"), _("parameters"), _("computing time")


def result(step: Step, written: str) -> str:
    """A finished rung in the table: loss, size, time, and what it writes (safe HTML)."""
    assert step.run is not None
    figures = (loss_number(step.loss), number(step.parameters), duration(step.run.seconds))
    cells = "".join(
        f"<div data-title='{escape(title)}'>{figure}</div>"  # on a narrow screen it stands above the figure
        for title, figure in zip(figure_titles(), figures, strict=True)
    )
    return f"<div class='mg-result'><div>{name(step)}</div>{cells}<div>{written}</div></div>"


def sample(prompt: str, text: str) -> str:
    """What a rung writes after the prompt, in one piece."""
    shown = [
        escape(visible(part).replace("\n", face("\n")))
        for part in (prompt, text if text.strip() else f" {blank()}")
    ]
    return f"<div class='mg-says'><bdi translate='no'><b>{shown[0]}</b>{shown[1]}</bdi></div>"
