"""The run itself: its name, its link, its settings, and the other runs of this browser."""

import streamlit as st

from minigpt_core.store.runs import LIVE, Run
from ui import resources, state, workspace
from ui.journey import PAGES
from ui.runs.health import last_evaluation, loss_number, sound, spoiled
from ui.runs.names import narrow_titles
from ui.runs.rename_delete import delete_button, name_field, undo
from ui.runs.wording import STATUSES, run_remark, run_title, status_word, text_title
from ui.settings.table import SETTINGS, label_with_term, value_words
from ui.training import replay, settings
from ui.training.run_state import RunState
from ui.words.i18n import N_, _, n_, number, translate
from ui.words.tokens import escape, escape_markdown

LISTED = 6
LONGEST_NAME = 48  # characters: automatic names end with a value, and a second line has room
COMPARE = PAGES["compare"].script
ICONS = dict.fromkeys(STATUSES, ":material/stop_circle:") | {
    "queued": ":material/hourglass_empty:",
    "running": ":material/play_circle:",
    "paused": ":material/pause_circle:",
    "done": ":material/check_circle:",
    "diverged": ":material/error:",
    "failed": ":material/error:",
}
NOTHING_LEARNT = ":material/remove_circle:"

DEVICES = {
    "cpu": N_("the processor (CPU)"),
    "cuda": N_("the graphics card (CUDA)"),
    "mps": N_("Apple’s graphics processor (MPS)"),
}


def section(now: RunState) -> None:
    """Name, link, settings and list; nothing before the first run."""
    undo("training", follow=True)
    if now.run is None:
        _unreadable()
        _prepared(None)
        return
    left, right = st.columns(2, gap="medium")
    with left:
        st.header(_("This run"), anchor=False)
        _name(now)
        _link(now.run)
        _where(now.run)
    with right:
        if own := resources.store().runs(state.workspace()):
            st.header(_("My runs, the newest first"), anchor=False)
            _list(own, now.run)
        _unreadable()
        _prepared(now.run)
    with st.expander(_("All settings of this run"), key="training_of_run"):
        st.html(_table(now.run))


def _list(own: list[Run], shown: Run) -> None:
    with st.container(gap=None):
        names = narrow_titles(own, LONGEST_NAME)
        for run in listed(own, shown):
            _to_follow(run, shown, names[run.id])
        if len(own) > len(listed(own, shown)):
            label = n_(
                "All {n} training: on the page Compare", "All {n} trainings: on the page Compare", len(own)
            )
            st.page_link(COMPARE, label=label.format(n=number(len(own))), icon=":material/compare_arrows:")


def listed(own: list[Run], shown: Run) -> list[Run]:
    """All that go on or wait and the shown one, whatever came after them; and the newest, up to `LISTED`."""
    always = {run.id for run in own if run.status in LIVE or run.id == shown.id}
    free = max(0, LISTED - len(always))
    newest = {run.id for run in [run for run in own if run.id not in always][:free]}
    return [run for run in own if run.id in always | newest]


def _prepared(shown: Run | None) -> None:
    """The runs that came with the program: to look at, and to train one's own like them."""
    prepared = [run for run in state.visible_runs() if run.prepared]
    if not prepared:
        return
    with st.container(gap=None, key="training_prepared"):
        st.caption(_("Prepared: trained beforehand, to look at from the first minute"))
        for run in prepared:
            _to_follow(run, shown, run_title(run))


def _to_follow(run: Run, shown: Run | None, name: str) -> None:
    entry = _entry(run, name)
    with st.container(horizontal=True, gap="xxsmall", vertical_alignment="center", wrap=False):
        st.button(
            f"**{entry}**" if shown and run.id == shown.id else entry, icon=_icon(run), wrap=False,
            type="tertiary", key=f"training_run_{run.id}", on_click=state.follow_run, args=(run.id,),
        )  # fmt: skip
        replay.button(run)


def _icon(run: Run) -> str:
    if run.status != "done" or sound(run):
        return ICONS[run.status]
    return ICONS["diverged"] if spoiled(run) else NOTHING_LEARNT


def _unreadable() -> None:
    """Runs of another version of the program: they are named, and keep nobody from using the others."""
    for reason in resources.store().unreadable(state.workspace())[:LISTED]:
        st.caption(escape_markdown(translate(reason)))


def _entry(run: Run, name: str) -> str:
    if len(name) > LONGEST_NAME and not run.prepared:
        name = f"{name[: LONGEST_NAME - 1].rstrip(' ,.…')}…"
    parts = [name]
    last = last_evaluation(run) if run.status not in (*LIVE, "diverged") else None
    if last is not None and last.val_loss is not None:
        parts.append(_("loss on unseen text {loss}").format(loss=loss_number(last.val_loss)))
    if not run.prepared:
        parts.append(text_title(run.text_title))
    if run.status in LIVE:  # this list would stand still
        parts.append(status_word(run.status))
    elif run.status != "done":
        parts.append(
            _("{status} at step {step}").format(status=status_word(run.status), step=number(run.step))
        )
    return escape_markdown(" · ".join(parts))


def _name(now: RunState) -> None:
    assert now.run is not None
    run = now.run
    mine = now.mine and not run.prepared
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        name_field(run, "training", mine=mine)
        delete_button(run, "training", mine=mine)


def _link(run: Run) -> None:
    """Where others can watch it. Their browsers choose their own language."""
    if not workspace.serving():
        st.caption(
            _(
                "The dashboard is open to this computer only. To let the class watch, stop it and start it with "
                "`make serve`, or `python -m scripts.serve`."
            )
        )
        return
    st.markdown(_("Let others watch: give them this address."))
    st.code(f"{workspace.address(st.context.url)}?run={run.id}", language=None, wrap_lines=True)
    st.caption(_("Whoever has it sees the run live, and cannot touch it."))


def _where(run: Run) -> None:
    """On which device and how many threads the run is trained, once it has begun."""
    if run.started is None or run.prepared:
        return
    device = device_words(run.device)
    words = [_("Trained on {device}.").format(device=device)]
    if run.threads and run.device == "cpu":
        threads = n_("Trained on {device}, {n} thread.", "Trained on {device}, {n} threads.", run.threads)
        words = [threads.format(device=device, n=number(run.threads))]
    if run.node:
        where = (
            _("In the cluster it is at {node}.")
            if run.status in LIVE
            else _("In the cluster it was at {node}.")
        )
        words.append(where.format(node=escape_markdown(run.node)))
    if run.precision == "bfloat16":
        words.append(_("It calculates in bfloat16, measured to be faster on the machine where it began."))
    if remark := run_remark(run):
        words.append(escape_markdown(remark))
    st.caption(" ".join(words))


def device_words(name: str) -> str:
    """What a device is called inside a sentence."""
    return _(DEVICES[name]) if name in DEVICES else name


def _table(run: Run) -> str:
    values, usual = settings.of_run(run), settings.of_preset()
    idle = settings.reasons(values)
    names = [name for name in SETTINGS if name not in idle or values[name] != usual[name]]
    words = [(escape(label_with_term(name)), escape(value_words(name, values[name]))) for name in names]
    rows = "".join(f"<div><div class='mg-label'>{label}</div>{value}</div>" for label, value in words)
    return f"<div class='mg-settings'>{rows}</div>"
