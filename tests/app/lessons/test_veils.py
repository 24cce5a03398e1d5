"""As long as a guess is open, nothing on its page says what is right: not its captions, headers, figures nor side bar.

What a text or a picture would say by itself cannot be tested so: it is veiled, and `test_shipped_words.py` knows that
the key stands on the page.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from minigpt_core.lessons.catalogue import find_lesson
from minigpt_core.lessons.lesson import VALIDATION, Step
from tests.app.conftest import OpenPage
from ui.words.languages import LANGUAGES

TELLS = {
    ("numbers", 1): {"en": r"\b36\b", "fr": r"\b48\b"},
    ("numbers", 4): {"en": r"\b59\b", "fr": r"\b75\b"},
    ("batches", 1): {
        "en": r"moved by one|comes next|next character",
        "fr": r"décalé|vient-il ensuite|suivant",
    },
    ("batches", 2): {"en": r"\b128\b", "fr": r"\b128\b"},
    ("tinygpt", 1): {"en": r"\b2\.29", "fr": r"\b2,31"},
    ("tinygpt", 3): {"en": r"rate too low", "fr": r"taux trop petit|3,7"},
    ("attention", 1): {"en": r"cannot", "fr": r"ne le peut pas"},
    ("attention", 3): {"en": r"stand in", "fr": r"remplac"},
    ("learning-rate", 1): {"en": r"rate too low", "fr": r"taux trop petit"},
    ("learning-rate", 2): {"en": r"diverged", "fr": r"divergé"},
    ("by-heart", 1): {"en": r"[Oo]verfitting|1\.86|1\.65", "fr": r"[Ss]urapprentissage|1,80|1,69"},
    ("temperature", 1): {
        "en": r"always gives the same random",
        "fr": r"donne toujours les mêmes nombres",
    },
    ("using", 1): {"en": r"does not learn while", "fr": r"n’apprend pas pendant"},
    ("inside", 3): {"en": r"stand in", "fr": r"remplac"},
}
"""What would tell the answer, in words of the pages; for steps whose page has such words."""

SAYS = ("value", "label", "help", "placeholder", "body")


def of_element(element: Any) -> Iterator[str]:
    """What one element says in words."""
    for where in (element, getattr(element, "proto", None)):
        for name in SAYS:
            said = getattr(where, name, "")
            if isinstance(said, str) and not said.startswith("<style"):
                yield re.sub(r"<[^>]*>", " ", said).replace("\\", "")


def said(block: Any, veiled: tuple[str, ...], within: bool = False) -> Iterator[tuple[str, bool]]:
    """All words of a page, each with whether it is seen."""
    key = str(getattr(getattr(block, "proto", None), "id", "")).rpartition("-")[2]
    within = within or key in veiled or key.startswith("guide_") or key.endswith("_try")
    children = getattr(block, "children", None)
    if children:
        label = getattr(getattr(block, "proto", None), "label", "")
        if isinstance(label, str) and label:
            yield label, not within
        for child in children.values():
            yield from said(child, veiled, within)
    else:
        yield from ((words, not within) for words in of_element(block) if words.strip())


def outside_the_panel(test: AppTest, veiled: tuple[str, ...]) -> tuple[str, str]:
    """What is seen of a page, the side bar too, and all that it holds; without the words of the lesson itself."""
    seen, whole = "", ""
    for at, block in test._tree.children.items():
        if at == 3:  # the foot of the page: the panel
            continue
        for words, visible in said(block, veiled):
            whole += words + "\n"
            seen += words + "\n" if visible else ""
    return seen, whole


def veils(step: Step) -> tuple[str, ...]:
    return tuple({*step.veil, *step.veil_here} - {VALIDATION})


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(("name", "number"), [*TELLS])
def test_the_page_does_not_say_what_is_asked(app: OpenPage, name: str, number: int, lang: str) -> None:
    step = find_lesson(name, lang).steps[number - 1]
    test = app(lang=lang, address={"lesson": name, "step": str(number)})
    assert not test.exception
    seen, whole = outside_the_panel(test, veils(step))
    tells = re.compile(TELLS[name, number][lang])
    assert tells.search(whole), "the page has no such words any more"
    assert not (found := tells.search(seen)), seen[max(found.start() - 150, 0) : found.end() + 50]
