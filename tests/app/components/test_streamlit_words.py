"""Streamlit's own words: each of those that we translate is one that its page says."""

import re
from pathlib import Path

import pytest
import streamlit

from ui.components.streamlit_words import WORDS

SCRIPTS = Path(streamlit.__file__).parent / "static" / "static" / "js"


@pytest.fixture(scope="module")
def said() -> str:
    """All that Streamlit's page could say; what is put together there stands as a gap."""
    code = "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in SCRIPTS.glob("*.js"))
    return re.sub(r"\$\{[^}]*\}", "{}", code)


@pytest.mark.parametrize("words", WORDS)
def test_streamlit_says_so(said: str, words: str) -> None:
    end = r": \{title\}$| (?=apply$)"  # what is put behind it
    parts = [part.strip() for part in re.split(rf"{end}|\{{\w+\}}", words) if part.strip()]
    assert all(part in said for part in parts), "it says something else by now"
    assert parts
