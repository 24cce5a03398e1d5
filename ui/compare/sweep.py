"""Several values of one setting, everything else the same: started in one go, and what came out.

No list of such runs is kept: they are found in the store by their settings, so a reload, another tab and a run that
was started elsewhere all count, and nothing is trained twice.
"""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.errors import ConfigError, UserError
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import LIVE, Run
from ui import kept_choices, resources, state
from ui.compare import headline, table
from ui.compare.outcomes import Outcome, chance, ended_well, is_difference
from ui.components import charts
from ui.components.figures import go
from ui.runs.automatic_name import model_words
from ui.runs.health import kept_its_settings, loss_number
from ui.runs.start_button import start_button
from ui.runs.wording import run_title
from ui.settings.table import SETTINGS, in_labels, label, label_inside, value_words
from ui.style import PROBLEM, VALIDATION
from ui.training import settings
from ui.words.i18n import _, n_, number, translate
from ui.words.tokens import escape_markdown

SETTING = "compare.setting"
LOOK_AGAIN_SECONDS = 1.5
FIRST = 4  # values that are ticked to begin with
CHART_HEIGHT = 250
MOST_OF_BASE = 40  # characters of its title in the names of the runs made from it: the table shows two lines
ISOLATES = "\u2068\u2069"  # they are set anew where the whole name is shown


def folded(base: Run) -> None:
    """The section, folded: filled once it is open."""
    several = st.expander(
        _("Try several values of one setting"),
        key="compare_sweep_box",
        icon=":material/tune:",
        on_change="rerun",
    )
    if several.open:
        with several:
            section(base)


def section(base: Run) -> None:
    """Choose a setting and values, start the runs, see the loss against the value."""
    state.keep_choices("compare", [SETTING])
    state.page_state(SETTING, "learning_rate")
    left, right = st.columns([1, 1], gap="medium")
    with left:
        name, missing = _controls(base)
    runs = resources.store().runs(state.workspace())
    live = any(run.status in LIVE for run in alike(base, name, [base, *runs]).values())
    with right:
        st.fragment(_results, run_every=LOOK_AGAIN_SECONDS if live else None)(base, name, live)


def _controls(base: Run) -> tuple[str, list[float]]:
    """The setting, its values, and the button; which values have no run yet."""
    names = offered(base)
    if kept_choices.keep(SETTING, "learning_rate", kept_choices.one_of(names)) not in names:
        state.set_page_state(SETTING, "learning_rate")
    name = st.selectbox(
        _("Which setting?"), names, format_func=label,
        key=state.page_key(SETTING), persist_state="session",
    )  # fmt: skip
    values = values_of(base, name)
    key = f"compare.values.{base.id}.{name}"
    usual = first_choice(value_of(base, name), values)
    kept_choices.keep(key, usual, kept_choices.several_of(values), kept_choices.joined)
    chosen = st.pills(
        _("Which values? Everything else stays as in this run."), values, selection_mode="multi",
        format_func=lambda value: value_words(name, value), key=state.page_key(key), wrap=True,
    )  # fmt: skip
    found = alike(base, name, [base, *resources.store().runs(state.workspace())])
    missing = [value for value in chosen if not is_known(found.get(value))]
    words = n_("Train {n} run", "Train {n} runs", len(missing)).format(n=number(len(missing)))
    words = words if missing else _("Nothing left to train")
    start_button(
        words, icon=":material/play_arrow:", type="primary", key="compare_sweep", disabled=not missing,
        on_click=start, args=(base.id, name, missing),
        help=None if missing else _("All chosen values are trained: what came out stands beside this."),
    )  # fmt: skip
    if missing and (told := already(name, {value: run for value, run in found.items() if value in chosen})):
        st.caption(told)
    return name, missing


def already(name: str, found: dict[float, Run]) -> str:
    """Which values need no run, for there is one: "0.003 exists already: TinyGPT". Markdown."""
    words = _("{value} exists already: {run}")
    return " · ".join(
        words.format(value=value_words(name, value), run=escape_markdown(run_title(run)))
        for value, run in found.items()
        if is_known(run)
    )


def offered(base: Run) -> list[str]:
    """The settings that can matter for a run."""
    needs_layers = ("n_layer", "dropout")
    names = [name for name, setting in SETTINGS.items() if setting.compared]
    return [name for name in names if base.model.n_layer or name not in needs_layers]


def values_of(base: Run, name: str) -> list[float]:
    """What the setting can be, the run's own value among them, in order."""
    possible = [value for value in SETTINGS[name].comparable() if can_be(base, name, value)]
    return sorted({*possible, value_of(base, name)})


def value_of(run: Run, name: str) -> float:
    """A run's setting."""
    value: float = getattr(run.model, name) if hasattr(run.model, name) else getattr(run.training, name)
    return value


def first_choice(own: float, values: Sequence[float]) -> list[float]:
    """The run's own value and its nearest neighbours."""
    at = values.index(own)
    begin = max(0, min(at - FIRST // 2, len(values) - FIRST))
    return list(values[begin : begin + FIRST])


def can_be(base: Run, name: str, value: float) -> bool:
    """Whether the run's setting may have this value."""
    try:
        with_value(base, name, value)
    except ConfigError:
        return False
    return True


def with_value(base: Run, name: str, value: float) -> tuple[ModelConfig, TrainConfig]:
    """The run's settings with another value of one. Raises `ConfigError` if they cannot be."""
    if hasattr(base.model, name):
        return ModelConfig.from_dict(base.model.to_dict() | {name: value}), base.training
    return base.model, TrainConfig.from_dict(base.training.to_dict() | {name: value})


def alike(base: Run, name: str, runs: Sequence[Run]) -> dict[float, Run]:
    """The runs that differ from `base` in this setting at most, by its value; the furthest of each. One whose settings
    were changed on its way is none of them: what came out is not the value's."""
    wanted = table.decisive(base) | {name: None}
    found: dict[float, Run] = {}
    for run in runs:
        like = run.text_id == base.text_id and table.decisive(run) | {name: None} == wanted
        if not (like and kept_its_settings(run)):
            continue
        before = found.get(value_of(run, name))
        if before is None or (not is_known(before) and is_known(run)):
            found[value_of(run, name)] = run
    return dict(sorted(found.items()))


def is_known(run: Run | None) -> bool:
    """Whether its result is known, or on its way."""
    return run is not None and run.status in ("done", "diverged", *LIVE)


def start(base_id: str, name: str, values: Sequence[float]) -> None:
    """Store a run for each value and queue them, the smallest first; show them in the chart."""
    state.let_train()
    base = resources.run(base_id)
    text = resources.store().text(base.text_id)
    made: list[str] = []
    for value in sorted(values):
        try:
            run = create(base, text.text, name, value)
        except UserError as error:
            state.notify(in_labels(translate(error)))
            continue
        state.steer(run.id).submit(run.id)
        made.append(run.id)
    known = [run.id for run in alike(base, name, [base]).values()]
    table.choose_from_here([*made, *known], base.id)


def create(base: Run, text: str, name: str, value: float) -> Run:
    """A run like another one, with one setting changed, that nobody waits for to be watched. Raises what `new_run`
    raises."""
    model, training = with_value(base, name, value)
    fields = model.to_dict()
    del fields["vocab_size"]
    training = replace(training, pace=0.0)
    return new_run(
        resources.store(), text=text, title=base.text_title, model_fields=fields, training=training,
        lower=base.lower, preset=settings.nearest(settings.of_run(base)), name=run_name(base, name, value),
        workspace=state.workspace(), parent=base.id,
    )  # fmt: skip


def run_name(base: Run, name: str, value: float) -> str:
    """ "TinyGPT · learning rate 0.01": what it was made from, shortened if need be, and the value."""
    begin = model_words(base.model) if base.prepared else run_title(base).strip(ISOLATES)
    own = f" · {label_inside(name)} {value_words(name, value_of(base, name))}"
    begin = begin.removesuffix(own)  # it was made like this itself
    if len(begin) > MOST_OF_BASE:
        begin = begin[: MOST_OF_BASE - 1].rstrip() + "…"
    return f"{begin} · {label_inside(name)} {value_words(name, value)}"


# What came out


def _results(base: Run, name: str, live: bool) -> None:
    runs = [resources.run(base.id), *resources.store().runs(state.workspace())]
    found = alike(base, name, runs)
    if live and not any(run.status in LIVE for run in found.values()):
        st.rerun()
    if len(found) < 2:
        return
    st.markdown(finding(name, found, runs))
    st.plotly_chart(
        chart(name, found), key="compare_sweep_chart", config=charts.CONFIG, alt=aloud(name, found)
    )


def ended(found: dict[float, Run]) -> dict[float, float]:
    """The best loss on unseen text of each value whose training ended well."""
    return {
        value: run.best_val_loss
        for value, run in found.items()
        if run.status == "done" and run.best_val_loss is not None and ended_well(run)
    }


def finding(name: str, found: dict[float, Run], known: Sequence[Run] = ()) -> str:
    """One sentence, or more: which value did best, and whether chance alone could do that. Markdown.

    Args:
        known: all runs that may tell what another seed does.
    """
    losses = ended(found)
    waiting = sum(run.status in LIVE for run in found.values())
    said = []
    if waiting:
        said.append(n_("{n} run to go.", "{n} runs to go.", waiting).format(n=number(waiting)))
    broken = [value_words(name, value) for value, run in found.items() if table.broke(run)]
    if broken:
        values = f"{label_inside(name)} {', '.join(broken)}"
        said.append(_("Broke down: {values}.").format(values=values))
    if len(losses) < 2:
        return " ".join([_("What comes out will stand here."), *said]) if waiting else " ".join(said)
    best, next_one = sorted(losses, key=lambda value: losses[value])[:2]
    told = {
        "setting": label(name), "value": value_words(name, best),
        "loss": loss_number(losses[best]), "second": value_words(name, next_one),
        "other": loss_number(losses[next_one]),
    }  # fmt: skip
    text_id = found[best].text_id
    spread = chance(run for run in (*known, *found.values()) if run.text_id == text_id)
    first, second = Outcome([found[best]]), Outcome([found[next_one]])
    if not is_difference(first, second, spread):
        words = _(
            "{setting} **{value}** ({loss}) and **{second}** ({other}) come out lowest on unseen text, as good as "
            "equal."
        )
    elif waiting:
        words = _("{setting} **{value}** comes out lowest so far: {loss} on unseen text.")
    else:
        words = _("{setting} **{value}** comes out lowest: {loss} on unseen text.")
    said = [words.format(**told), headline.what_seeds_do(first, second, spread), *said]
    if waiting or not is_difference(first, second, spread):
        return " ".join(said)
    if best == max(found) and best == max(losses):
        said.append(_("It is the largest value tried: a larger one may do even better."))
    elif best == min(found):
        said.append(_("It is the smallest value tried: a smaller one may do even better."))
    return " ".join(said)


def chart(name: str, found: dict[float, Run]) -> go.Figure:
    """The loss on unseen text over the value. The axis is logarithmic where the values multiply."""
    losses = ended(found)
    words = [value_words(name, value) for value in found]
    figure = go.Figure()
    figure.add_scatter(
        x=[value_words(name, value) for value in losses], y=list(losses.values()), mode="lines+markers+text",
        line={"color": VALIDATION, "width": 2}, marker={"size": 10}, cliponaxis=False,
        text=[loss_number(loss) for loss in losses.values()], textposition="top center", hoverinfo="skip",
    )  # fmt: skip
    broken = [value_words(name, value) for value, run in found.items() if table.broke(run)]
    if broken and losses:
        figure.add_scatter(
            x=broken, y=[max(losses.values())] * len(broken), mode="markers+text", hoverinfo="skip",
            marker={"color": PROBLEM, "size": 11, "symbol": "x"}, text=[_("broke down")] * len(broken),
            textposition="top center", cliponaxis=False,
        )  # fmt: skip
    values = {
        "type": "category",
        "categoryorder": "array",
        "categoryarray": words,
        "fixedrange": True,
        "range": [-0.5, len(words) - 0.5],
    }
    return charts.layout(
        figure, x=label(name), y=_("best loss on unseen text (validation)"), height=CHART_HEIGHT,
        margin={"t": 24}, xaxis=values, yaxis={"fixedrange": True},
    )  # fmt: skip


def aloud(name: str, found: dict[float, Run]) -> str:
    """The chart for those who hear the page."""
    points = [f"{value_words(name, value)}: {loss_number(loss)}" for value, loss in ended(found).items()]
    return f"{_('Best loss on unseen text by value')}: {', '.join(points)}"
