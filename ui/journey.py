"""The stations of the journey: the pages, in their order. A page is its script in `pages/` and its line here."""

from dataclasses import dataclass

from ui.words.i18n import N_


@dataclass(frozen=True)
class Station:
    """A page. Its script is `pages/<name>.py`, its address `/<name>`; the first one lives at `/`."""

    name: str
    title: str
    """English; translate it where it is shown."""

    icon: str

    section: str = ""
    """The menu of the top bar that it stands in; "" for the bar itself. English, like the title."""

    at: str = ""
    """Its address, where it is not called like its script."""

    in_menu: bool = True

    alone: bool = False
    """To be looked at only, in a window of its own: the side bar is folded when it opens."""

    @property
    def script(self) -> str:
        """For `st.Page`, `st.page_link` and `st.switch_page`: the path as seen from `ui/shell.py`."""
        return f"../pages/{self.name}.py"

    @property
    def path(self) -> str:
        """Where it lives behind the address of the server."""
        return "/" if self is STATIONS[0] else f"/{self.at or self.name}"


EXPERIMENTS = N_("Experiments")
INSIDE = N_("Look inside")

STATIONS = (
    Station("home", N_("Home"), ":material/home:"),
    Station("lessons", N_("Lessons"), ":material/route:"),
    Station("vocabulary", N_("Vocabulary"), ":material/sort_by_alpha:"),
    Station("batches", N_("Batches"), ":material/view_week:"),
    Station("model", N_("Model"), ":material/account_tree:"),
    Station("training", N_("Training"), ":material/show_chart:"),
    Station("sampling", N_("Sampling"), ":material/edit_note:"),
    Station("ladder", N_("Ladder"), ":material/stairs:", EXPERIMENTS),
    Station("compare", N_("Compare"), ":material/compare_arrows:", EXPERIMENTS),
    Station("timeline", N_("Time machine"), ":material/history:", EXPERIMENTS),
    Station("attention", N_("Attention"), ":material/visibility:", INSIDE),
    Station("embeddings", N_("Embeddings"), ":material/scatter_plot:", INSIDE),
    Station("layers", N_("Layer by layer"), ":material/layers:", INSIDE),
    Station("ablation", N_("Take it apart"), ":material/handyman:", INSIDE),
    Station("puzzle", N_("A puzzle"), ":material/extension:", INSIDE),
)
PAGES = {station.name: station for station in STATIONS}

TEACHERS = (
    Station("classroom", N_("Class"), ":material/school:", at="class"),
    Station("wall", N_("The wall"), ":material/slideshow:", in_menu=False, alone=True),
)
"""For the teacher of a served class alone: everybody else has no such page."""

ABOUT = (Station("accessibility", N_("Accessibility"), ":material/accessibility_new:", in_menu=False),)
"""What every page's foot leads to."""

SPEAKERS = (Station("notes", N_("Speaker notes"), ":material/speaker_notes:", in_menu=False, alone=True),)
"""For who stands at the front: the teacher of a served class, or anybody where none is served."""


def lets_write(run_id: str, view: str = "write") -> dict[str, str]:
    """What the address of the Sampling page says so that this run writes there with its usual weights."""
    return {"author": run_id, "view": view}
