"""Three things to try on every page: they name what really stands there, in every language (that a page shows them:
`test_show_code.py`)."""

import re

import pytest

from ui.components.try_this import LABEL
from ui.words import i18n
from ui.words.languages import LANGUAGES, SOURCE

KINDS = sorted(path.name.removesuffix("_try.md") for path in LANGUAGES[SOURCE].folder.glob("*_try.md"))


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_they_are_three_and_name_what_is_there(kind: str, lang: str) -> None:
    text = (LANGUAGES[lang].folder / f"{kind}_try.md").read_text(encoding="utf-8")
    assert re.findall(r"^(\d)\. ", text, re.MULTILINE) == ["1", "2", "3"]
    other = next(code for code in LANGUAGES if code != SOURCE)
    known = {message.split("\0")[0] for message in i18n.catalogue(other).messages}
    assert set(LABEL.findall(text)) <= known
    assert set(LABEL.findall(text)) == set(
        LABEL.findall((LANGUAGES[SOURCE].folder / f"{kind}_try.md").read_text("utf-8"))
    )
