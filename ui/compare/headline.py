"""The sentence above the table: which of the ticked runs came out best, and how sure that is."""

from collections.abc import Mapping, Sequence

from minigpt_core.store.runs import LIVE, Run
from ui.compare.run_names import names
from ui.compare.table import broke
from ui.runs.health import loss_number
from ui.words.i18n import _, n_, number
from ui.words.tokens import escape_markdown

SAME = 0.02  # nats per character: differences below this could as well come from another seed


def sentence(runs: list[Run], shown: list[Run]) -> str:
    """What to see, in Markdown; before the first run of one's own, what to do."""
    said = verdict(shown)
    if any(not run.prepared for run in runs):
        return said
    if not runs:
        return _("There is no run to compare yet: train one on the Training page.")
    own = _("These runs came with the program. **Train your own**, and it will stand beside them.")
    return f"{said} {own}"


def verdict(shown: Sequence[Run]) -> str:
    """Which of the shown runs came out best, in Markdown; what to do, if there is nothing to compare.

    Runs that still go on are not compared: nobody knows yet where they end. Nor are those that broke down.
    """
    if not shown:
        return _("Tick runs in the table: each draws its curve.")
    if len({run.text_id for run in shown}) > 1:
        return _(
            "These runs learned from **different texts**: a lower loss on an easier text says nothing about the model."
        )
    called, broken = names(shown), [run for run in shown if broke(run)]
    ended = [
        run for run in shown if run.best_val_loss is not None and run.status not in LIVE and run not in broken
    ]
    going = sum(run.status in LIVE for run in shown)
    said = []
    if len(ended) > 1:
        said.append(best_of(ended, called))
    elif going and len(shown) > 1:
        said.append(_("Runs are compared once they have ended."))
    if broken and len(shown) > 1:
        values = ", ".join(escape_markdown(called[run.id]) for run in broken)
        said.append(_("Broke down: {values}.").format(values=values))
    if said and going:
        said.append(n_("{n} run to go.", "{n} runs to go.", going).format(n=number(going)))
    return " ".join(said) or _("Tick **two or more** runs on the same text to compare them.")


def best_of(ended: Sequence[Run], called: Mapping[str, str]) -> str:
    """Which of two runs or more came out best, in Markdown; `called` gives their names by their ids."""
    first, second = sorted(ended, key=lambda run: run.best_val_loss or 0.0)[:2]
    assert first.best_val_loss is not None and second.best_val_loss is not None
    lead = second.best_val_loss - first.best_val_loss
    told = {
        "first": escape_markdown(called[first.id]),
        "second": escape_markdown(called[second.id]),
        "loss": loss_number(first.best_val_loss),
        "lead": loss_number(lead),
    }
    if lead < SAME:
        return _(
            "On text they never saw, **{first}** ({loss}) and **{second}** are as good as equal: the difference could "
            "come from another seed."
        ).format(**told)
    return _("On text they never saw, **{first}** does best: {loss}, {lead} lower than **{second}**.").format(
        **told
    )
