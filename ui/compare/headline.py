"""The sentence above the table: which of the ticked runs came out best, and whether chance alone could do that."""

from collections.abc import Mapping, Sequence

from minigpt_core.interpret.seed_spread import SeedSpread
from minigpt_core.store.runs import LIVE, Run
from ui.compare.outcomes import Outcome, chance, ended_well, is_difference, outcomes
from ui.compare.run_names import names
from ui.compare.table import broke
from ui.runs.health import loss_number
from ui.words.i18n import _, n_, number
from ui.words.tokens import escape_markdown


def sentence(runs: Sequence[Run], shown: Sequence[Run]) -> str:
    """What to see, in Markdown; before the first run of one's own, what to do."""
    said = verdict(shown, runs)
    if any(not run.prepared for run in runs):
        return said
    if not runs:
        return _("There is no run to compare yet: train one on the Training page.")
    own = _("These runs came with the program. **Train your own**, and it will stand beside them.")
    return f"{said} {own}"


def verdict(shown: Sequence[Run], known: Sequence[Run] = ()) -> str:
    """Which of the shown runs came out best, in Markdown; what to do, if there is nothing to compare.

    Runs that still go on are not compared: nobody knows yet where they end. Nor are those that broke down.

    Args:
        known: all runs that may tell what another seed does.
    """
    if not shown:
        return _("Tick runs in the table: each draws its curve.")
    if len({run.text_id for run in shown}) > 1:
        return _(
            "These runs learned from **different texts**: a lower loss on an easier text says nothing about the model."
        )
    called, broken = names(shown), [run for run in shown if broke(run)]
    ended = [run for run in shown if ended_well(run)]
    going = sum(run.status in LIVE for run in shown)
    said = []
    if len(ended) > 1:
        on_this_text = {run.id: run for run in (*known, *shown) if run.text_id == shown[0].text_id}
        said.append(best_of(outcomes(ended), called, chance(on_this_text.values())))
    elif going and len(shown) > 1:
        said.append(_("Runs are compared once they have ended."))
    if broken and len(shown) > 1:
        values = ", ".join(escape_markdown(called[run.id]) for run in broken)
        said.append(_("Broke down: {values}.").format(values=values))
    if said and going:
        said.append(n_("{n} run to go.", "{n} runs to go.", going).format(n=number(going)))
    return " ".join(said) or _("Tick **two or more** runs on the same text to compare them.")


def best_of(came_out: Sequence[Outcome], called: Mapping[str, str], spread: SeedSpread | None) -> str:
    """Which setting came out best, in Markdown.

    Args:
        came_out: of two ticked runs or more, the best first.
        called: the names of the runs by their ids.
    """
    if len(came_out) == 1:
        return _one_setting(came_out[0], called)
    first, second = came_out[:2]
    told = {
        "first": _name(first, called),
        "second": _name(second, called),
        "loss": loss_number(first.loss),
        "other": loss_number(second.loss),
        "lead": loss_number(second.loss - first.loss),
    }
    if is_difference(first, second, spread):
        words = _(
            "Among the ticked runs, **{first}** has the lowest loss on text they never saw (validation): {loss}, "
            "{lead} lower than **{second}**."
        )
        return " ".join([words.format(**told), what_seeds_do(first, second, spread)])
    if spread is None:
        return _(
            "Among the ticked runs, **{first}** ({loss}) and **{second}** are as good as equal on text they never saw "
            "(validation): the difference could come from another seed."
        ).format(**told)
    words = _(
        "Among the ticked runs, **{first}** ({loss}) and **{second}** ({other}) come out lowest on text they never "
        "saw (validation). That is no difference."
    )
    return " ".join([words.format(**told), what_seeds_do(first, second, spread)])


def what_seeds_do(first: Outcome, second: Outcome, spread: SeedSpread | None) -> str:
    """How far apart chance alone puts these two."""
    if spread is None:
        return _("What another seed alone would change has not been measured on this text.")
    margin = spread.margin(len(first.losses), len(second.losses))
    return _("By the {n} runs here that differ in the seed alone, chance makes up to {margin}.").format(
        n=number(spread.runs), margin=loss_number(margin)
    )


def _one_setting(outcome: Outcome, called: Mapping[str, str]) -> str:
    """Of runs that differ in the seed at most."""
    if len(outcome.losses) == 1:
        values = ", ".join(f"**{escape_markdown(called[run.id])}**" for run in outcome.runs)
        return _("One and the same training, with the same text, settings and seed: {values}.").format(
            values=values
        )
    return _(
        "The ticked runs differ in the **seed alone**: on text they never saw (validation) they come out between {low} "
        "and {high}. That much is chance."
    ).format(low=loss_number(min(outcome.losses)), high=loss_number(max(outcome.losses)))


def _name(outcome: Outcome, called: Mapping[str, str]) -> str:
    name, seeds = escape_markdown(called[outcome.runs[0].id]), len(outcome.losses)
    if seeds == 1:
        return name
    return _("{name}, mean of {n} seeds").format(name=name, n=number(seeds))
