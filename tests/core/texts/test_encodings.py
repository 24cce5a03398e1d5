"""Which encoding a file was written in, and what of it is damaged: texts in many languages, written by us."""

import random
import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigpt_core.errors import TextError
from minigpt_core.texts.corpus import MAX_BYTES, check_size, check_text
from minigpt_core.texts.encodings import ENCODINGS, decode, encoding_called, remarks

LANGUAGES = Path(__file__).parents[2] / "data" / "languages"
WRITTEN = {
    "fr": "cp1252 iso8859-15 mac-roman cp850",
    "de": "cp1252 mac-roman cp850",
    "es": "cp1252 mac-roman cp850",
    "pl": "cp1250 iso8859-2 cp852 mac-latin2",
    "cs": "cp1250 iso8859-2 cp852",
    "hu": "cp1250 iso8859-2 cp852",
    "ro": "cp1250 iso8859-2",
    "tr": "cp1254 iso8859-9",
    "lt": "cp1257 iso8859-13",
    "lv": "cp1257 iso8859-13",
    "ru": "cp1251 koi8-r iso8859-5 cp866 mac-cyrillic",
    "uk": "cp1251 koi8-u iso8859-5",
    "bg": "cp1251 iso8859-5",
    "el": "cp1253 iso8859-7",
    "he": "cp1255 iso8859-8",
    "ar": "cp1256 iso8859-6",
    "th": "tis-620",
    "ko": "euc-kr",
    "ja": "euc-jp shift_jis iso2022_jp",
    "zh-cn": "gb18030",
    "zh-tw": "big5",
    "vi": "cp1258",
}
EVERYWHERE = "utf-8 utf-8-sig utf-16 utf-16-le utf-16-be utf-32-le utf-32-be"


def story(language: str, encoding: str) -> str:
    """A short text in a language, without the signs that an encoding lacks."""
    text = unicodedata.normalize("NFC", (LANGUAGES / f"{language}.txt").read_text("utf-8"))
    if encoding == "cp1258":  # its letters have hats and horns, but tones are signs of their own
        tones = "\u0300\u0301\u0303\u0309\u0323"
        text = "".join(
            unicodedata.normalize("NFC", letter.translate(dict.fromkeys(map(ord, tones))))
            + "".join(mark for mark in letter if mark in tones)
            for letter in (unicodedata.normalize("NFD", c) for c in text)
        )
    return text.encode(encoding, "ignore").decode(encoding)


SHORT_FRENCH = [
    "Où est la pêche ?",
    "L'été",
    "garçon",
    "Ça va ?",
    "Noël",
    "« À bientôt », dit-il.",
    "à",
    "Un matin, le chat goûta la crème brûlée.\r\nElle était là.",
]


@pytest.mark.parametrize(
    ("language", "encoding"),
    [(language, name) for language, names in WRITTEN.items() for name in f"{EVERYWHERE} {names}".split()],
)
def test_a_page_in_any_language_is_read_as_it_was_written(language: str, encoding: str) -> None:
    text = story(language, encoding)
    decoded = decode(text.encode(encoding))
    assert decoded.text == text and decoded.encoding in ENCODINGS
    assert (decoded.replaced, decoded.places, remarks(decoded)) == (0, (), [])
    cut = decode(text.rstrip().encode(encoding)[:-1])  # as `head -c` leaves it
    assert text.startswith(cut.text.removesuffix("\ufffd")) and len(cut.text) >= len(text.rstrip()) - 2


@pytest.mark.parametrize("language", WRITTEN)
def test_utf8_with_a_few_damaged_bytes_is_utf8(language: str) -> None:
    raw = 3 * (LANGUAGES / f"{language}.txt").read_bytes()
    for seed in range(4):
        rng, damaged = random.Random(seed), bytearray(raw)
        for _ in range(rng.choice([1, 1, 2, 5])):
            place = rng.randrange(len(damaged))
            if rng.random() < 0.5:
                del damaged[place : place + rng.randint(1, 2)]
            else:
                damaged[place] = rng.randrange(32, 256)
        decoded = decode(bytes(damaged))
        assert decoded.encoding == "utf-8" and decoded.text == bytes(damaged).decode("utf-8", "replace")


@pytest.mark.parametrize(("words", "last"), [("été ", "é"), ("мир ", "ж"), ("你好世界，", "你")])
def test_what_is_damaged_is_counted_placed_and_shown(words: str, last: str) -> None:
    decoded = decode((words * 600 + last).encode()[:-1])
    assert decoded.encoding == "utf-8" and decoded.text == words * 600 + "\ufffd"
    assert decoded.places == (len(words) * 600,) and decoded.replaced == len(last.encode()) - 1
    (said,) = map(str, remarks(decoded))
    assert f"(bytes: {decoded.replaced}, places: 1)" in said and f"character {len(words) * 600 + 1}:" in said
    assert words.strip() in said and len(decoded.candidates) > 1


def test_one_sentence_is_often_enough() -> None:
    """Seven of eight of all sentences above, in all their encodings; the preview shows what the others become."""
    right = total = 0
    for language, names in WRITTEN.items():
        for encoding in names.split():
            for sentence in re.split(r"(?<=[.。])\s*", story(language, encoding)):
                right += decode(sentence.encode(encoding)).text == sentence
                total += 1
    assert total > 350 and right > 7 * total / 8


def test_an_emoji_whose_halves_were_written_apart_is_one() -> None:
    """CESU-8: how old databases write what lies beyond U+FFFF."""
    halves = "😀".encode("utf-16-be")
    raw = b"".join(chr(int.from_bytes(halves[i : i + 2])).encode("utf-8", "surrogatepass") for i in (0, 2))
    decoded = decode("café ".encode() + raw + b"!")
    assert (decoded.text, decoded.encoding, decoded.replaced) == ("café 😀!", "utf-8", 0)
    assert decode("été, café ".encode() + raw + b"\xff!").places == (11,)


def test_half_a_character_of_utf16_is_told() -> None:
    for encoding in ("utf-16", "utf-16-le", "utf-16-be"):
        decoded = decode("Un matin, le chat".encode(encoding) + b"x")
        assert decoded.text == "Un matin, le chat\ufffd" and decoded.replaced == 1


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("language", ["fr", "ru", "en"])
@pytest.mark.parametrize("marked", [False, True])
def test_utf16_that_lost_bytes_is_in_step_again_behind_them(
    language: str, encoding: str, marked: bool
) -> None:
    text = (
        story(language, encoding)
        if language != "en"
        else "The cat sat on the mat, and looked at the rain. " * 9
    )
    raw = (("\ufeff" if marked else "") + text).encode(encoding)
    for places in ((301,), (300,), (300, 601)):
        damaged = raw
        for place in reversed(places):
            damaged = damaged[:place] + damaged[place + 1 :]
        found = decode(damaged)
        assert found.encoding == encoding
        assert found.replaced == len(places) == len(found.places)
        assert len(found.text) == len(text) and abs(found.places[0] - 150) <= 8
        assert sum(a != b for a, b in zip(found.text, text, strict=True)) <= 8 * len(places)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_its_first_byte_is_not_read_the_other_way_round(encoding: str) -> None:
    text = "Le chat a vu l’œuf, et son cœur s’est arrêté. " * 5
    found = decode(text.encode(encoding)[1:])
    assert found.encoding == encoding and found.text == "\ufffd" + text[1:]


def test_one_damaged_accent_of_a_short_text_in_utf8_spoils_no_other() -> None:
    raw = "Où est le chat ? Il a été là.".encode()
    damaged = raw.replace("été".encode(), b"C\xa9" + "té".encode())
    assert decode(damaged).text == "Où est le chat ? Il a C\ufffdté là."


def test_a_few_accents_of_mac_roman_are_no_letters_of_another_part_of_europe() -> None:
    assert decode("Il a été là.".encode("mac-roman")).text == "Il a été là."


def test_a_few_zero_bytes_are_taken_out_and_told() -> None:
    decoded = decode("Un été \0 sans fin. ".encode() * 10)
    assert decoded.text == "Un été  sans fin. " * 10 and decoded.zeros == 10
    assert "taken out: 10" in str(remarks(decoded)[0])


@pytest.mark.parametrize("declared", ['<?xml version="1.0" encoding="{}"?>', "<html><meta charset={}>"])
def test_what_a_file_declares_is_believed(declared: str) -> None:
    head = declared.format("windows-1251")
    assert decode((head + "Ёж").encode("cp1251")).text.endswith("Ёж")
    assert decode((head + "Ёж").encode()).encoding == "utf-8"  # it was converted since
    assert decode((declared.format("no-such") + "été").encode("cp1252")).encoding == "cp1252"


def test_an_encoding_is_found_under_all_its_names() -> None:
    assert encoding_called("KOI8-R") == "koi8-r" and encoding_called("windows-1252") == "cp1252"
    assert encoding_called("latin1") == "cp1252" and encoding_called("UTF8") == "utf-8"
    assert encoding_called("sjis") == "cp932" and encoding_called("cp037") == "cp037"
    for name in ENCODINGS:
        assert encoding_called(name) == name
    for name in ("no-such", "hex", ""):
        with pytest.raises(TextError, match="There is no encoding"):
            encoding_called(name)


@pytest.mark.parametrize(
    ("raw", "said"),
    [(b"%PDF-1.4\n%plain enough", "a PDF document"), (b"PK\x03\x04word/document.xml", "a Word")],
)
def test_a_document_is_called_what_it_is(raw: bytes, said: str) -> None:
    with pytest.raises(TextError, match=said):
        decode(raw)


@pytest.mark.parametrize("text", SHORT_FRENCH)
@pytest.mark.parametrize(
    ("written_as", "read_as"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("cp1252", "cp1252"),
        ("latin-1", "cp1252"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
    ],
)
def test_short_french_texts(text: str, written_as: str, read_as: str) -> None:
    raw = text.encode(written_as)
    decoded = decode(raw)
    assert (decoded.text, decoded.encoding) == (text, read_as)
    assert decoded.candidates[0] == read_as
    assert decode(raw, decoded.encoding).text == text


@pytest.mark.parametrize("text", SHORT_FRENCH)
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_byte_order_marks(text: str, encoding: str) -> None:
    raw = ("\ufeff" + text).encode(encoding)
    decoded = decode(raw)
    assert decoded.text == text
    assert decoded.encoding == encoding
    assert decode(raw, encoding).text == text


def test_words_typographic_signs_are_read_as_windows_1252() -> None:
    text = "L’été… « un œuf » – 3 €"
    assert decode(text.encode("cp1252")).text == text


def test_another_encoding_is_offered_and_reads_another_text() -> None:
    raw = "le cœur".encode("iso8859-15")
    decoded = decode(raw)
    assert decoded.text == "le cœur"  # in Windows-1252 this byte is ½, which stands in no word
    assert "cp1252" in decoded.candidates
    assert decode(raw, "cp1252").text == "le c½ur"
    texts = [decode(raw, candidate).text for candidate in decoded.candidates]
    assert len(set(texts)) == len(texts) > 2


def test_plain_ascii_leaves_no_choice() -> None:
    assert decode(b"one morning").candidates == ("utf-8",)
    assert decode(b"").text == ""


@pytest.mark.parametrize(
    "raw",
    [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\1\0\x08\x06",
        b"a text with \0 many \0 zeros",
        b"\0",
        b"\0" * 1000,
        b"PK\x03\x04\x14\0\x06\0\x08\0",
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + random.Random(1).randbytes(1000),
        bytes(range(1, 32)) * 4,
        b"\xff\xfe" + b"\0\0" * 20 + b"a\0",
    ],
)
def test_what_is_no_text_is_refused_with_a_sentence(raw: bytes) -> None:
    with pytest.raises(TextError, match=r"not plain text|cannot be read"):
        decode(raw)


@given(st.integers(0, 2**32))
def test_random_bytes_are_refused(seed: int) -> None:
    with pytest.raises(TextError):
        decode(random.Random(seed).randbytes(2000))


@given(
    st.binary(), st.sampled_from([None, "utf-8", "cp1252", "utf-16", "gb18030", "no such encoding", "hex"])
)
def test_any_bytes_are_read_or_refused(raw: bytes, encoding: str | None) -> None:
    try:
        decoded = decode(raw, encoding)
    except TextError:
        return
    assert "\0" not in decoded.text
    for candidate in decoded.candidates:
        decode(raw, candidate)


@pytest.mark.parametrize("raw", [b"\xef\xbb\xbf\xff", b"\xff\xfea", b"\xff\xfe\x00\xd8"])
def test_a_damaged_file_with_a_byte_order_mark_is_refused(raw: bytes) -> None:
    with pytest.raises(TextError, match="cannot be read as utf-"):
        decode(raw)


def test_the_limit_on_the_size() -> None:
    check_size(MAX_BYTES - 1)
    with pytest.raises(TextError, match=r"takes 20\.0 MB.* less than 20 MB"):
        decode(b"ab" * (MAX_BYTES // 2))
    with pytest.raises(TextError, match=r"30\.0 MB"):
        check_text("aé" * 10_000_000)  # 3 bytes in UTF-8
