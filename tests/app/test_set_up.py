"""A link that sets a page up for a class: what it hides is not there and out of reach, until somebody leaves it."""

from urllib.parse import parse_qs, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from minigpt_core.store.facts import FactStore
from tests.app.conftest import OpenPage
from ui import set_up, state
from ui.journey import PAGES
from ui.lessons import class_link
from ui.settings import table

LINK = {"hide": "ladder,compare,advanced,batch_size,code,try,language", "by": "Mme <b>Martin</b>"}


def keys(test: AppTest) -> set[str]:
    widgets = [
        *test.selectbox,
        *test.select_slider,
        *test.number_input,
        *test.segmented_control,
        *test.expander,
    ]
    return {getattr(widget, "key", None) or widget.label for widget in widgets}


def captions(test: AppTest) -> str:
    return " ".join(caption.value for caption in test.caption)


def test_what_is_hidden_is_not_there(app: OpenPage) -> None:
    usual, test = app("training"), app("training", address=LINK)
    gone = {"page.training.batch_size", state.LANGUAGE_SWITCH}
    assert gone <= keys(usual) and not gone & keys(test)
    assert not {"Advanced", "Show the code", "Three things to try"} & {one.label for one in test.expander}
    assert "page.training.steps" in keys(test) and not test.exception
    assert "Set up by Mme \\<b\\>Martin\\</b\\>" in captions(test)
    assert "hide" not in test.query_params  # the store knows it now


def test_a_hidden_page_is_out_of_reach_in_every_tab_until_somebody_leaves(app: OpenPage) -> None:
    app(address=LINK)
    typed = app("ladder")
    assert typed.title[0].value.startswith("Watch") and "not part of what" in typed.warning[0].value
    typed.button(key="set_up_leave").click().run()
    assert "Set up by" not in captions(typed)
    assert app("ladder").title[0].value == "Ladder"
    again = app("ladder", address={"hide": "ladder"})
    assert again.title[0].value.startswith("Watch") and "Set up by a link" in captions(again)


@pytest.mark.parametrize("hide", ["", "<b>", "a" * 31, "home ladder", "ladder,,x", "../x"])
def test_nonsense_hides_nothing(app: OpenPage, hide: str) -> None:
    test = app("ladder", address={"hide": hide, "by": "x"})
    assert not test.exception and test.title[0].value == "Ladder" and "Set up by" not in captions(test)


def test_home_cannot_be_hidden_and_the_same_link_is_kept_once(app: OpenPage) -> None:
    for _ in range(2):
        test = app(address={"hide": "home,ladder", "by": "x" * 100})
        assert not test.exception and test.title[0].value.startswith("Watch")
    kept = FactStore().facts("local", set_up.FACT)
    assert len(kept) == 1 and len(kept[0]["by"]) == state.LONGEST_NAME


def test_the_page_of_lessons_makes_such_a_link(app: OpenPage) -> None:
    test = app("training", text="additions", settings="notebook~steps~700")
    test.switch_page("../pages/lessons.py").run()
    test.multiselect(key=state.page_key(class_link.HIDE)).set_value(["ladder", "pace"]).run()
    test.text_input(key=state.page_key(class_link.BY)).set_value("Ms & Mr").run()
    link = urlsplit(next(code.value for code in test.code if "hide" in code.value))
    said = {name: values[0] for name, values in parse_qs(link.query).items()}
    assert link.path == "/training" and said == {
        "text": "additions", "settings": "notebook~steps~700", "hide": "ladder,pace", "by": "Ms & Mr",
    }  # fmt: skip
    opened = app("training", address=said)
    assert opened.number_input(key="page.training.steps").value == 700
    assert "page.training.pace" not in keys(opened) and "Ms \\& Mr" in captions(opened)


def test_what_can_be_hidden_has_a_name() -> None:
    assert {*class_link.CONTROLS} == {*set_up.CONTROLS} and {*class_link.SIMPLE} <= {*table.SETTINGS}
    assert {*class_link.titles()} == {*PAGES} - {"home"} | {*class_link.SIMPLE} | {*class_link.CONTROLS}
