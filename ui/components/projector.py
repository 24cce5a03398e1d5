"""The page for the front of a room (key P; its rules stand in `ui/projector.css`), and its pictures as files."""

from pathlib import Path

from ui import state
from ui.components.mounting import component
from ui.words.i18n import _, language
from ui.words.languages import LANGUAGES

HERE = Path(__file__).parent
HTML = (
    "<button type='button' class='mg-project'></button><button type='button' class='mg-project mg-save'></button>"
    "<dialog class='mg-pictures'></dialog>"
)
KEY = "projector_bar"


def bar(with_language: bool = True) -> None:
    """A button that shows the page to a room; there, small ones for the controls, the language and the way out.

    Args:
        with_language: the language may be changed.
    """
    languages = [(code, LANGUAGES[code].name) for code in LANGUAGES] if with_language else []
    component("projector", HERE, HTML)(
        data={
            "on": state.projected(),
            "language": language(),
            "languages": languages,
            "labels": {
                "on": _("Projector mode (key P)"),
                "off": _("Leave the projector mode (Esc or P)"),
                "controls": _("Controls"),
                "bar": _("Projector mode"),
                "save": _("Save a picture"),
                "pictures": _("Pictures of this page"),
                "none": _("There is no picture on this page."),
                "note": _("On light paper, with its title. What is drawn point by point stays so in an SVG."),
                "close": _("Close"),
            },
        },
        key=KEY,
        on_wanted_change=_switch,
        on_language_change=_speak,
    )


def _switch() -> None:
    state.project(bool(state.widget_value(KEY).get("wanted")))


def _speak() -> None:
    code = state.widget_value(KEY).get("language")
    if code in LANGUAGES:
        state.choose_language(code)
