"""A language is one folder; which one a tab speaks is known wherever its words are made."""

import shutil
import threading
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from minigpt_core.texts import corpus
from tests.app.conftest import OpenPage
from ui.words import i18n
from ui.words.i18n import _, using
from ui.words.languages import LANGUAGES, SOURCE, nearest, read_languages


def test_a_folder_is_a_language(tmp_path: Path) -> None:
    for code in ("zz", SOURCE):
        (tmp_path / code).mkdir()
        shutil.copy(LANGUAGES[SOURCE].folder / "language.toml", tmp_path / code)
    (tmp_path / "no language").mkdir()
    (tmp_path / SOURCE / "page.md").touch()
    found = read_languages(tmp_path)
    assert list(found) == [SOURCE, "zz"]
    assert found["zz"].file("page.md") == tmp_path / SOURCE / "page.md"  # nobody has translated it yet
    (tmp_path / "zz" / "page.md").touch()
    assert found["zz"].file("page.md") == tmp_path / "zz" / "page.md"


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_language_is_complete(code: str) -> None:
    spoken = LANGUAGES[code]
    assert spoken.story in corpus.BUNDLED
    assert nearest(spoken.locale) == nearest(code) == nearest(code.upper()) == code
    assert spoken.decimal_mark != spoken.thousands_mark
    assert len(set(spoken.file_sizes)) == len(LANGUAGES[SOURCE].file_sizes)
    assert spoken.name


@pytest.mark.parametrize("locale", ["", "xx", "xx-AT", None, object()])
def test_who_speaks_none_of_them_gets_the_source_language(locale: object) -> None:
    assert nearest(locale) == SOURCE


PAGE = """
import threading
import streamlit as st
from ui.words.i18n import _

def say():
    st.session_state["said"] = _("Vocabulary"), threading.get_ident()

st.session_state["drawn"] = _("Vocabulary"), threading.get_ident()
st.button("say", on_click=say)
"""


def test_a_callback_speaks_the_language_of_its_tab(app: OpenPage) -> None:
    """Streamlit gives each run a thread of its own, and calls back in it before the shell says anything there."""
    tabs = {code: AppTest.from_string(PAGE) for code in LANGUAGES}
    for code, tab in tabs.items():
        tab.session_state[i18n.SPOKEN] = app("home", code).session_state[i18n.SPOKEN]
        tab.run()
    first = {code: tab.session_state["drawn"] for code, tab in tabs.items()}
    for code, tab in tabs.items():
        tab.button[0].click().run()
        (word, thread), (drawn, _same) = tab.session_state["said"], first[code]
        with using(code):
            assert word == drawn == _("Vocabulary")
        assert thread != threading.get_ident()
    assert len({word for word, _thread in first.values()}) == len(LANGUAGES)
