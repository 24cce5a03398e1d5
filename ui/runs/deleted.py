"""The bin: how much deleted runs take, the way back for each of them, and how to be rid of all at once."""

import streamlit as st

from minigpt_core.store.runs import BIN_DAYS
from ui import resources, state
from ui.runs.names import title_with_facts
from ui.words.i18n import _, file_size, n_, number
from ui.words.tokens import escape_markdown

LISTED = 20  # runs, the newest
FREED = "bin.freed"  # (runs, bytes) that were just removed


def section() -> None:
    """A line with a button; nothing while the bin of this workspace is empty."""
    if freed := state.page_state(FREED, None):
        state.set_page_state(FREED, None)
        words = n_("Removed for good: {n} run, {size}.", "Removed for good: {n} runs, {size}.", freed[0])
        st.caption(words.format(n=number(freed[0]), size=file_size(freed[1])))
    kept = resources.store().bin_contents(state.workspace())
    if not kept.runs:
        return
    words = n_(
        "In the bin: {n} deleted run, {size}. It can be brought back for {days} days, then it is removed for good.",
        "In the bin: {n} deleted runs, {size}. They can be brought back for {days} days, then they are removed for "
        "good.",
        kept.runs,
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="bin"):
        said = words.format(n=number(kept.runs), size=file_size(kept.bytes), days=number(BIN_DAYS))
        st.caption(said, width="content")
        with st.popover(_("Bring one back"), icon=":material/undo:", key="bin_back"):
            for run in resources.store().runs(state.workspace(), deleted=True)[:LISTED]:
                st.button(
                    escape_markdown(title_with_facts(run)), key=f"bin_back_{run.id}", type="tertiary",
                    on_click=bring_back, args=(run.id,),
                )  # fmt: skip
        with st.popover(_("Empty the bin"), icon=":material/delete_forever:", key="bin_ask"):
            st.markdown(_("What is removed now cannot be brought back."))
            label = n_("Remove {n} run, {size}", "Remove {n} runs, {size}", kept.runs)
            st.button(
                label.format(n=number(kept.runs), size=file_size(kept.bytes)), key="bin_empty", on_click=empty,
                icon=":material/delete_forever:",
            )  # fmt: skip


def bring_back(run_id: str) -> None:
    """Out of the bin, whichever tab has put it there."""
    resources.store().undelete(run_id, state.workspace())


def empty() -> None:
    """Remove what this workspace has deleted for good."""
    store, workspace = resources.store(), state.workspace()
    size = store.bin_contents(workspace).bytes
    state.set_page_state(FREED, (store.purge_deleted(0, workspace), size))
