"""One pupil, for the teacher alone: what would stand on the wall is looked at here first; nothing else goes there."""

from typing import Any

import streamlit as st

from minigpt_core.store.classes import Pupil
from minigpt_core.store.runs import LIVE, Run
from ui import people, resources, state
from ui.classroom import approvals, hand
from ui.problems import spoken_errors
from ui.runs.doubts import doubt
from ui.runs.health import last_evaluation, loss_number
from ui.runs.wording import run_title, status_word
from ui.words.i18n import _, number
from ui.words.tokens import escape, escape_markdown, visible

SEEN = "preview.seen"  # what the teacher looks at: it is allowed as it stood then
COVERED, NICKNAME = "preview_covered", "preview_nickname"
LONGEST = 240  # characters of a sample


def open_for(pupil_number: int | None) -> None:
    """Look at this pupil when the page is drawn next; None: at nobody."""
    with spoken_errors():
        state.teacher_only()
        pupil = find(pupil_number)
        state.set_page_state(SEEN, None if pupil is None else look_at(pupil))


def find(pupil_number: int | None) -> Pupil | None:
    """The pupil with this number."""
    return next((pupil for pupil, _seen in people.roll().everybody() if pupil.number == pupil_number), None)


def look_at(pupil: Pupil) -> dict[str, Any]:
    """What the pupil has now: the newest sample of the newest run."""
    run = resources.store().newest_of_each().get(pupil.workspace)
    seen: dict[str, Any] = {"number": pupil.number, "nickname": pupil.nickname, "run": run.id if run else ""}
    samples = resources.store().samples(run.id, 8) if run else []
    if run and samples:
        last = last_evaluation(run, samples[-1].step)
        seen |= {
            "step": samples[-1].step,
            "text": in_few_lines(samples[-1].text[:LONGEST]),
            "loss": last.val_loss if last else None,
        }
    return seen


def in_few_lines(text: str) -> str:
    """A sample without the empty lines that a young model writes."""
    return "⏎ ".join(line for line in visible(text).splitlines() if line.strip())


def dialog() -> None:
    """The dialog, if somebody is looked at."""
    seen = state.page_state(SEEN, None)
    pupil = find(seen["number"]) if seen else None
    if seen and pupil:
        st.dialog(pupil.name, width="large", on_dismiss=close)(_draw)(pupil, seen)


def close() -> None:
    """Look at nobody any more."""
    state.set_page_state(SEEN, None)


def _draw(pupil: Pupil, seen: dict[str, Any]) -> None:
    if state.page_state(SEEN, None) is None:
        st.rerun()  # a button in the dialog has closed it
    if seen["nickname"]:
        st.checkbox(
            _("The nickname “{name}” may stand on the wall (else: {invented})").format(
                name=escape_markdown(seen["nickname"]), invented=pupil.invented
            ),
            approvals.allowed().nicknames.get(str(pupil.number)) == seen["nickname"],
            key=NICKNAME, on_change=allow_nickname,
        )  # fmt: skip
    if not seen["run"]:
        st.markdown(_("Nothing trained yet."))
        return
    run = resources.run(seen["run"])
    _run(run)
    if "text" in seen:
        hidden = st.multiselect(_("Words to cover"), approvals.words_of(seen["text"]), key=COVERED,
                                placeholder=_("no word"))  # fmt: skip
        shown = approvals.covered(seen["text"], hidden)
        st.caption(
            _("What it wrote at step {step}. This is what the wall would show:").format(
                step=number(seen["step"])
            )
        )
        st.html(f"<div class='mg-quote' translate='no'>{escape(shown)}</div>")
        with st.container(horizontal=True, gap="small"):
            st.button(_("Put it on the wall"), key="preview_allow", on_click=allow)
            st.button(
                _("Show this pupil alone on the wall"), key="preview_alone", on_click=allow, args=(True,)
            )
            if str(pupil.number) in approvals.allowed().samples:
                st.button(
                    _("Take it off the wall"), key="preview_forbid", on_click=forbid, args=(pupil.number,)
                )


def _run(run: Run) -> None:
    last = last_evaluation(run)
    facts = [run_title(run), status_word(run.status), _("step {step} of {steps}").format(
        step=number(run.step), steps=number(run.training.steps))]  # fmt: skip
    if last and last.val_loss is not None:
        facts.append(_("loss on unseen text {loss}").format(loss=loss_number(last.val_loss)))
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(escape_markdown(" · ".join(facts)), width="content")
        if run.status in LIVE:
            st.button(
                _("Stop this training"),
                icon=":material/stop:",
                key="preview_stop",
                on_click=hand.stop_one,
                args=(run.id,),
            )
    doubt(run)


# What the buttons do


def allow(alone: bool = False) -> None:
    """What was looked at stands on the wall, as it was looked at."""
    with spoken_errors():
        state.teacher_only()
        seen = state.page_state(SEEN, None)
        wall = approvals.allowed()
        text = approvals.covered(seen["text"], state.widget_value(COVERED))
        kept = {name: seen[name] for name in ("run", "step", "loss")}
        wall.samples[str(seen["number"])] = kept | {"text": text}
        wall.alone = seen["number"] if alone else None
        approvals.keep(wall)
        close()


def forbid(pupil_number: int) -> None:
    """Take a pupil's sample off the wall."""
    with spoken_errors():
        state.teacher_only()
        wall = approvals.allowed()
        wall.samples.pop(str(pupil_number), None)
        wall.alone = None if wall.alone == pupil_number else wall.alone
        approvals.keep(wall)


def allow_nickname() -> None:
    """The nickname that was looked at may stand on the wall, or not any more."""
    with spoken_errors():
        state.teacher_only()
        seen, wall = state.page_state(SEEN, None), approvals.allowed()
        wall.nicknames.pop(str(seen["number"]), None)
        if state.widget_value(NICKNAME):
            wall.nicknames[str(seen["number"])] = seen["nickname"]
        approvals.keep(wall)
