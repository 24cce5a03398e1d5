"""What the rungs are called, and what each idea bought, in sentences whose numbers come from the results."""

from collections.abc import Mapping, Sequence

from minigpt_core.interpret.diagnosis import WORSE_THAN_CHANCE
from minigpt_core.ladder import ALONE, TOGETHER, Rung
from minigpt_core.ngrams import Baselines
from ui.ladder.plan import Ladder, Step
from ui.runs.health import ROUNDING, is_difference
from ui.runs.wording import status_word
from ui.words.i18n import N_, _, n_, number, signed

MUCH = 0.1

# From LayerNorm on, a model begins with GPT-2's small weights (`GPT.init_weights`): its rung counts both as one idea.
CREDITED = {"layernorm": N_("+ LayerNorm with its small initial weights")}


def title(rung: Rung) -> str:
    """What a rung is called."""
    return _(rung.title)


def credited(rung: Rung) -> str:
    """What a gain is credited to: the rung, and what comes with it."""
    return _(CREDITED[rung.name]) if rung.name in CREDITED else title(rung)


def run_name(ladder: Ladder, step: Step) -> str:
    """What a run that trains a rung is called."""
    if ladder.group == "alone":
        return _("Ladder: {rung}").format(rung=title(step.rung))
    return _("Ladder {n}: {rung}").format(n=step.number, rung=title(step.rung))


def state(step: Step) -> str:
    """What a rung is doing, in a few words."""
    if step.run is None:
        return ""
    if step.live and step.stopping:
        return _("stopping …")
    if step.position is not None:
        return _("waiting: number {n}").format(n=number(step.position))
    if step.status == "queued":
        return _("Getting ready …")
    if step.status == "running":
        steps = number(step.training.steps)
        return _("step {step} of {steps}").format(step=number(step.run.step), steps=steps)
    return status_word(step.status)


def difference(step: Step, below: Step | None) -> float | None:
    """By how much the loss is higher than on the rung before; None if one of the two is not known."""
    if below is None or step.loss is None or below.loss is None:
        return None
    return shown_loss(step) - shown_loss(below)


def shown_loss(step: Step) -> float:
    """The loss of a finished rung, as it is shown."""
    return round(step.loss or 0.0, 2)


def bought(ladder: Ladder, step: Step, baselines: Baselines) -> str:
    """What the measurement says about one idea, without the reason."""
    below = ladder.below(step)
    if step.status == "diverged":
        return _("The training broke: the steps were too large for it, and the loss is no number any more.")
    if step.loss is not None and step.loss > WORSE_THAN_CHANCE * baselines.uniform:
        return _(
            "The training broke: the steps were too large for it, and it ended far worse than pure chance."
        )
    if step.loss is None:
        return ""
    if below is None:
        return _("Loss {loss}; pure chance would be {chance}.").format(
            loss=number(step.loss, 2), chance=number(baselines.uniform, 2)
        )
    change = difference(step, below)
    if change is None and ladder.group == "alone":
        return _("Loss {loss}. Train the classic GPT as well to see what this buys.").format(
            loss=number(step.loss, 2)
        )
    if change is None:
        return _("Loss {loss}. Train the rung before it as well to see what this idea alone buys.").format(
            loss=number(step.loss, 2)
        )
    before, after = number(below.loss, 2), number(step.loss, 2)
    several = step.rung is TOGETHER
    return (_verdict_on_all if several else _verdict)(change).format(before=before, after=after)


def _verdict(change: float) -> str:
    if not is_difference(change):
        return _("Loss {before} → {after}: hardly any difference.")
    if change <= ROUNDING - MUCH:
        return _("Loss {before} → {after}: this idea bought a lot.")
    if change < 0:
        return _("Loss {before} → {after}: a little better.")
    return _("Loss {before} → {after}: at this budget it did not help, the loss is higher.")


def _verdict_on_all(change: float) -> str:
    if not is_difference(change):
        return _("Loss {before} → {after}: hardly any difference.")
    if change < 0:
        return _("Loss {before} → {after}: better together.")
    return _("Loss {before} → {after}: at this budget they did not help, the loss is higher.")


def summary(ladder: Ladder) -> str:
    """What the whole ladder bought, and which idea the most, in Markdown; empty before two rungs are finished."""
    done = ladder.done
    if len(done) < 2:
        return ""
    if ladder.group == "alone":
        return summary_alone(ladder)
    return " ".join(filter(None, [from_first_to_last(done), lowest(done), best_idea(ladder)]))


def from_first_to_last(done: Sequence[Step]) -> str:
    """Where the loss has come to with the last of these rungs, in Markdown."""
    first, last = done[0], done[-1]
    change = difference(last, first) or 0.0
    if abs(change) < ROUNDING:
        words = _("From **{first}** to **{last}** the loss stays at {after}.")
    elif not is_difference(change):
        words = _("From **{first}** to **{last}** the loss stays near {before} (now {after}).")
    elif change < 0:
        words = _("From **{first}** to **{last}** the loss falls from {before} to {after}.")
    else:
        words = _("From **{first}** to **{last}** the loss rises from {before} to {after}.")
    return words.format(
        first=title(first.rung),
        last=title(last.rung),
        before=number(first.loss, 2),
        after=number(last.loss, 2),
    )


def lowest(done: Sequence[Step]) -> str:
    """Which of these rungs have the lowest loss, in Markdown; empty if the last is one of them."""
    best = min(done, key=shown_loss)
    if best is done[0]:
        return _("No rung has come below **{name}** so far: try more rungs, or more steps.").format(
            name=title(best.rung)
        )
    equal = [step for step in done if not is_difference(shown_loss(step) - shown_loss(best))]
    if done[-1] in equal:
        return ""
    if len(equal) > 1:
        names = ", ".join(f"**{title(step.rung)}** ({number(step.loss, 2)})" for step in equal)
        return _("It is lowest with {names}, as good as equal.").format(names=names)
    return _("It is lowest with **{name}**: {loss}.").format(name=title(best.rung), loss=number(best.loss, 2))


def best_idea(ladder: Ladder) -> str:
    """The idea that bought the most, in Markdown; empty if none was measured or none bought anything."""
    done = ladder.done
    changes = {step.number: difference(step, ladder.below(step)) for step in done}
    known = {number_: change for number_, change in changes.items() if change is not None}
    if not known:
        return ""
    most = min(known, key=lambda number_: known[number_])
    if known[most] > 0 or not is_difference(known[most]):
        return ""
    equal = {
        credited(ladder.steps[at - 1].rung): change
        for at, change in known.items()
        if not is_difference(change - known[most])
    }
    if len(equal) > 1:
        return _("The ideas that bought the most, as good as equal: {names}.").format(names=_names(equal))
    complete = done[-1].number - done[0].number == len(done) - 1
    words = (
        _("The idea that bought the most: **{name}** ({change}).")
        if complete
        else _("Of the ideas measured one by one, the one that bought the most: **{name}** ({change}).")
    )
    return words.format(name=credited(ladder.steps[most - 1].rung), change=signed(known[most], 2))


def _names(changes: Mapping[str, float]) -> str:
    """Ideas and what each bought, in Markdown."""
    return ", ".join(f"**{name}** ({signed(change, 2)})" for name, change in changes.items())


def summary_alone(ladder: Ladder) -> str:
    """Which idea helps most by itself, and what all of them make of the classic GPT, in Markdown."""
    changes = {step.rung.name: difference(step, ladder.below(step)) for step in ladder.done}
    single = {
        name: change for name, change in changes.items() if change is not None and name != TOGETHER.name
    }
    said = []
    if single and is_difference(least := min(single.values())) and least < 0:
        equal = {
            title(rung): single[rung.name]
            for rung in ALONE
            if rung.name in single and not is_difference(single[rung.name] - least)
        }
        words = n_(
            "The idea that buys the most alone: {names}.",
            "The ideas that buy the most alone, as good as equal: {names}.",
            len(equal),
        )
        said.append(words.format(names=_names(equal)))
    elif single:
        said.append(_("None of these ideas alone brings the loss down by much here."))
    all_ = ladder.steps[-1]
    if changes.get(TOGETHER.name) is not None:
        said.append(
            _("All together: {after} instead of {before}.").format(
                before=number(ladder.steps[0].loss, 2), after=number(all_.loss, 2)
            )
        )
    return " ".join(said)


def parameters(count: int) -> str:
    """ "24,880 parameters"."""
    return n_("{n} parameter", "{n} parameters", count).format(n=number(count))
