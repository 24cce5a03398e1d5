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


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("once upon a time", "once upon"),
        ("the king was here", "the king"),
        ("a cat sat", "a cat sat"),
        ("l'été s'achève", "l'été s'achève"),
        ("un chat-huant dort", "un chat-huant"),
        ("hello, world", "hello,"),
        ("你好世界" * 20, "你好世界你好"),
        ("x" * 100, "xxxxxx"),
        ("87+37=124", "87+37="),
        ("  ", ""),
    ],
)
def test_the_prompt_of_a_text_of_ones_own_ends_with_a_whole_word(text: str, prompt: str) -> None:
    assert usual_prompt(text) == prompt
