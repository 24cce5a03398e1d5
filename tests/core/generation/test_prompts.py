"""What a prompt begins with until somebody types another one."""

import pytest

from minigpt_core.generation.prompts import usual_prompt
from minigpt_core.texts import corpus


@pytest.mark.parametrize(
    ("text_id", "prompt"),
    [("le-chat-curieux", "un matin,"), ("the-curious-cat", "one morning,"), ("additions", None)],
)
def test_a_prompt_is_found_in_its_text(text_id: str, prompt: str | None) -> None:
    text = corpus.normalize(corpus.load(text_id).text)
    found = usual_prompt(text)
    assert found == prompt or (prompt is None and text.startswith(found) and found.endswith("="))


def test_the_prompt_of_a_short_text_is_within_its_first_line() -> None:
    assert usual_prompt("ab\ncdefgh") == "ab" and usual_prompt("") == ""
