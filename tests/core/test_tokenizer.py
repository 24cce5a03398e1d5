import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from minigpt_core import tokenizer as tokenizer_module
from minigpt_core.errors import TextError
from minigpt_core.tokenizer import CharTokenizer, UnknownCharacters, UnknownIds, readable

any_text = st.text(st.characters(codec=None), min_size=1)  # lone surrogates too


@given(any_text)
def test_decode_undoes_encode(text: str) -> None:
    tokenizer = CharTokenizer.from_text(text)
    assert tokenizer.decode(tokenizer.encode(text)) == text


@given(any_text)
def test_encode_gives_what_the_notebook_gives(text: str) -> None:
    characters = sorted(set(text))
    stoi = {character: i for i, character in enumerate(characters)}
    tokenizer = CharTokenizer.from_text(text)
    ids = tokenizer.encode(text)
    assert ids.dtype == torch.int64
    assert ids.tolist() == [stoi[character] for character in text]
    assert tokenizer.stoi == stoi
    assert tokenizer.itos == dict(enumerate(characters))
    assert tokenizer.vocab_size == len(characters)


def test_the_example_of_the_docstring() -> None:
    tokenizer = CharTokenizer.from_text("un chat")
    assert tokenizer.characters == " achntu"
    assert tokenizer.encode("chat").tolist() == [2, 3, 1, 5]
    assert tokenizer.decode([2, 3, 1, 5]) == "chat"


def test_texts_longer_than_one_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizer_module, "CHUNK", 7)
    text = "un chat 🐈 à l'ombre, " * 10
    tokenizer = CharTokenizer.from_text(text)
    ids = tokenizer.encode(text)
    assert ids.tolist() == [tokenizer.stoi[character] for character in text]
    assert tokenizer.decode(ids) == text
    with pytest.raises(UnknownCharacters) as error:
        tokenizer.encode(text + "Z" + text)
    assert error.value.positions == {"Z": [len(text)]}


def test_empty_text() -> None:
    tokenizer = CharTokenizer.from_text("ab")
    assert tokenizer.encode("").shape == (0,)
    assert tokenizer.decode([]) == ""
    assert tokenizer.split_unknown("") == ("", {})
    with pytest.raises(TextError, match="empty"):
        CharTokenizer.from_text("")


def test_unknown_characters_are_listed_with_their_places() -> None:
    tokenizer = CharTokenizer.from_text("chat")
    with pytest.raises(UnknownCharacters) as error:
        tokenizer.encode("chaîné\u200b î")
    assert error.value.positions == {"î": [3, 8], "n": [4], "é": [5], "\u200b": [6], " ": [7]}
    assert "î (3, 8); n (4); é (5); U+200B (6); U+0020 (7)" in str(error.value)


@pytest.mark.parametrize("character", ["\0", "b", "\ud800", "\uffff", "🐈", "\U0010ffff"])
def test_unknown_below_between_and_above_the_vocabulary(character: str) -> None:
    with pytest.raises(UnknownCharacters) as error:
        CharTokenizer.from_text("ac").encode("a" + character)
    assert error.value.positions == {character: [1]}


def test_the_sentence_stays_short_whatever_the_text() -> None:
    tokenizer = CharTokenizer.from_text("a")
    with pytest.raises(UnknownCharacters) as error:
        tokenizer.encode("".join(map(chr, range(0x4E00, 0x5E00))) * 20)
    assert len(error.value.positions) == 0x1000
    assert all(len(places) == 10 for places in error.value.positions.values())
    assert str(error.value).count("(") == 1 + 10
    assert "…" in str(error.value)


@given(any_text, any_text)
def test_split_unknown_takes_out_exactly_the_unknown(known: str, text: str) -> None:
    rest, positions = CharTokenizer.from_text(known).split_unknown(text)
    assert rest == "".join(character for character in text if character in known)
    assert sorted(i for places in positions.values() for i in places) == [
        i for i, character in enumerate(text) if character not in known
    ]
    assert all(text[i] == character for character, places in positions.items() for i in places)


@pytest.mark.parametrize(
    ("known", "typed", "text", "exchanged"),
    [
        ("c'est lété", "c’est l’été", "c'est l'été", {"’": "'"}),
        ("c’est lété", "c'est l'été", "c’est l’été", {"'": "’"}),
        ("c'est l’été", "c'est l’été", "c'est l’été", {}),
        ('"oui" ', "“oui”\u00a0“oui”", '"oui" "oui"', {"“": '"', "”": '"', "\u00a0": " "}),
        ("oui.", "oui…", "oui...", {"…": "..."}),
        ("oui…", "oui...", "oui…", {"...": "…"}),
        ("oui….", "oui... oui…", "oui...oui…", {}),
        ("oui", "oui’…", "oui", {}),
    ],
)
def test_look_alikes_are_exchanged_for_what_the_vocabulary_has(
    known: str, typed: str, text: str, exchanged: dict[str, str]
) -> None:
    fitted = CharTokenizer.from_text(known).fitted(typed)
    assert (fitted.text, fitted.exchanged) == (text, exchanged)


def test_unknown_characters_keep_their_places_beside_exchanged_ones() -> None:
    fitted = CharTokenizer.from_text("a.").fitted("a…éa’é")
    assert fitted.text == "a...a" and fitted.unknown == {"é": [2, 5], "’": [4]}
    assert CharTokenizer.from_text("a…").fitted("...b.").unknown == {"b": [3], ".": [4]}


@given(any_text, any_text)
def test_a_fitted_text_can_be_encoded(known: str, text: str) -> None:
    tokenizer = CharTokenizer.from_text(known)
    fitted = tokenizer.fitted(text)
    tokenizer.encode(fitted.text)
    if not fitted.exchanged:
        assert (fitted.text, fitted.unknown) == tokenizer.split_unknown(text)


@pytest.mark.parametrize("ids", [[0, 3, -1, 3], torch.tensor([0, 3, -1, 3]), torch.tensor([[0, 3], [-1, 3]])])
def test_ids_outside_the_vocabulary_are_refused(ids: torch.Tensor | list[int]) -> None:
    with pytest.raises(UnknownIds, match="from 0 to 2") as error:
        CharTokenizer.from_text("abc").decode(ids)
    assert error.value.positions == {-1: [2], 3: [1, 3]}
    assert "-1 (2); 3 (1, 3)" in str(error.value)


def test_decode_accepts_lists_tuples_and_tensors_of_any_integer_type() -> None:
    tokenizer = CharTokenizer.from_text("abc")
    for ids in ([2, 0], (2, 0), torch.tensor([2, 0]), torch.tensor([2, 0], dtype=torch.uint8)):
        assert tokenizer.decode(ids) == "ca"
    assert tokenizer.decode(torch.tensor(1)) == "b"


@given(any_text)
def test_json_keeps_the_vocabulary(text: str) -> None:
    tokenizer = CharTokenizer.from_text(text)
    saved = tokenizer.to_json()
    saved.encode("ascii")
    assert CharTokenizer.from_json(saved) == tokenizer
    assert CharTokenizer.from_characters(tokenizer.characters) == tokenizer


def test_two_lone_surrogates_do_not_become_one_character() -> None:
    tokenizer = CharTokenizer.from_text("\udc08\ud83d")
    assert CharTokenizer.from_json(tokenizer.to_json()).characters == "\ud83d\udc08"
    assert len(tokenizer.decode([0, 1])) == 2


@pytest.mark.parametrize(
    "saved",
    ["", "{", "[]", "{}", "3", '{"characters": "abc"}', '{"characters": ["ab"]}', '{"characters": [1]}']
    + [json.dumps({"characters": characters}) for characters in ([], ["b", "a"], ["a", "a"])]
    + ["[" * 200_000],
    ids=range(12),
)
def test_damaged_json_is_refused(saved: str) -> None:
    with pytest.raises(TextError):
        CharTokenizer.from_json(saved)


def test_readable() -> None:
    assert [readable(c) for c in "aé🐈 \n\u200b\u202e"] == [
        "a", "é", "🐈", "U+0020", "U+000A", "U+200B", "U+202E",
    ]  # fmt: skip
