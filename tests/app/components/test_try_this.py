"""Three things to try on every page: they name what really stands there, in every language."""

import re

import pytest

from tests.app.components.test_show_code import opened
from tests.app.conftest import OpenPage
from ui.components.try_this import LABEL, things
from ui.journey import STATIONS
from ui.words import i18n
from ui.words.languages import LANGUAGES, SOURCE

KINDS = sorted(path.name.removesuffix("_try.md") for path in LANGUAGES[SOURCE].folder.glob("*_try.md"))


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("station", [station.name for station in STATIONS])
def test_every_page_offers_them_folded(app: OpenPage, station: str, lang: str) -> None:
    page = app(station, lang)
    with i18n.using(lang):
        said = things(station)
        assert said not in [markdown.value for markdown in page.markdown]
        page = opened(page, f"{station}_try")
        assert not page.exception and said.strip() in [markdown.value for markdown in page.markdown]


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
