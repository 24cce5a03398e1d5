"""The Vocabulary page shows what the core makes of the chosen text, and refuses a bad one in a sentence."""

import re
import shutil
from dataclasses import replace
from html import unescape
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from minigpt_core.store.runs import RunStore
from minigpt_core.texts import corpus
from minigpt_core.texts.downloads import TINY_SHAKESPEARE
from minigpt_core.tokenizer import CharTokenizer
from tests.app.conftest import OpenPage
from tests.core.texts.test_pdf import document as pdf
from ui.vocabulary import (
    fetching,
    headline,
    own_sentence,
    printed_tensor,
    small_letters,
    text_choice,
    text_window,
    vocabulary_table,
)
from ui.vocabulary import own_text as own_text_dialog
from ui.words.i18n import number, using

CAT = corpus.load("the-curious-cat").text
SMALL, AS_WRITTEN = (CharTokenizer.from_text(corpus.normalize(CAT, lower=lower)) for lower in (True, False))
UNKNOWN = "🐱́\u200bא\x07<script>alert(1)</script>"


def html(page: AppTest) -> str:
    return "".join(element.proto.body for element in page.get("html"))


def code(page: AppTest) -> str:
    """What is printed as at a Python prompt."""
    bodies = [element.proto.body for element in page.get("html") if "mg-printed" in element.proto.body]
    return unescape(re.sub("<.*?>", "", "\n".join(bodies)))


def text(page: AppTest) -> str:
    return "\n".join(element.value for element in [*page.markdown, *page.caption])


def tiles(page: AppTest) -> str:
    """The HTML of the window through the text, its first picture."""
    return next(element.proto.body for element in page.get("html") if "mg-tiles" in element.proto.body)


def own_text_page() -> None:
    """What is inside the dialog, as a page of its own."""
    from ui.vocabulary.own_text import own_text

    own_text()


@pytest.fixture
def dialog() -> AppTest:
    test = AppTest.from_function(own_text_page, default_timeout=60)
    test.context = {"locale": "en-GB"}
    return test.run()


def paste(dialog: AppTest, words: str) -> AppTest:
    dialog.text_area(key="vocabulary_paste").set_value(words)
    return dialog.button(key="vocabulary_paste_use").click().run()


def upload(dialog: AppTest, name: str, raw: bytes) -> AppTest:
    return dialog.file_uploader(key="vocabulary_file").upload(name, raw).run()


def chosen(page: AppTest) -> str:
    return str(page.session_state["text"]) if "text" in page.session_state else ""


# The page


def test_it_shows_the_vocabulary_of_the_text(app: OpenPage) -> None:
    page = app("vocabulary", lang="fr", text="the-curious-cat")
    assert not page.exception and not page.error and not page.warning
    shown = page.dataframe[0].value
    normal = corpus.normalize(CAT)
    assert list(shown["id"]) == list(range(SMALL.vocab_size))
    assert list(shown["count"]) == [normal.count(c) for c in SMALL.characters]
    assert shown["share"].sum() == pytest.approx(1)
    with using("fr"):
        assert f">{number(len(normal))}<" in html(page) and f">{SMALL.vocab_size}<" in html(page)


def test_each_tile_stands_above_its_id(app: OpenPage) -> None:
    page = app("vocabulary", text="the-curious-cat")
    for character in "the curious":
        face = "␣" if character == " " else character
        assert f"<bdi>{face}</bdi></b><i>{SMALL.stoi[character]}</i>" in tiles(page)


def test_the_window_moves_through_the_text_and_stops_at_its_end(app: OpenPage) -> None:
    page = app("vocabulary", text="the-curious-cat")
    length, total = text_window.ROWS * text_window.IN_A_ROW, len(corpus.normalize(CAT))
    page.button(key="vocabulary_further").click().run()
    assert f"Characters {length + 1} to {2 * length} of" in html(page)
    page.slider(key="vocabulary_start").set_value(total - length + 1).run()
    assert f"to {total:,} of {total:,}" in html(page)
    assert page.button(key="vocabulary_further").disabled
    page.button(key="vocabulary_back").click().run()
    assert f"to {total - length:,} of" in html(page)


def test_the_tensor_is_printed_as_pytorch_prints_it(app: OpenPage) -> None:
    page = app("vocabulary", choices="vocabulary_questions~tensor", text="the-curious-cat")
    ids = SMALL.encode(corpus.normalize(CAT))
    assert repr(ids) in code(page) and repr(ids[: printed_tensor.STRETCH]) in code(page)
    assert f"(torch.int64, torch.Size([{len(ids)}]), {8 * len(ids)})" in code(page)


def test_another_text_and_its_capitals_reach_every_page(app: OpenPage) -> None:
    page = app("vocabulary", text="the-curious-cat")
    page.toggle(key="vocabulary_lower").set_value(False).run()
    assert len(page.dataframe[0].value) == AS_WRITTEN.vocab_size
    page.radio[0].set_value("additions").run()
    assert len(page.dataframe[0].value) == len("\n+=0123456789")
    page.switch_page("../pages/home.py").run()
    assert page.query_params["text"] == "additions" and page.query_params["letters"] == "original"


def test_it_says_which_letters_share_an_id(app: OpenPage) -> None:
    page = app("vocabulary", text="the-curious-cat")
    assert f"A and a share one id: {AS_WRITTEN.vocab_size} → {SMALL.vocab_size} characters." in html(page)
    page = app("vocabulary", text="additions")
    assert "There is no capital letter in this text" in html(page)


def test_a_text_too_short_for_a_block_is_told_at_once(app: OpenPage) -> None:
    short = RunStore().save_text("abcab", "short")
    page = app("vocabulary", text=short)
    assert not page.exception
    assert "At least 37" in page.warning[0].value
    assert [link.proto.page for link in page.main.get("page_link")] == ["batches", "training"]
    assert "short" in page.radio[0].options[-1]


def test_the_shortest_text_is_just_long_enough(app: OpenPage) -> None:
    n = headline.shortest()
    for length, enough in ((n - 1, False), (n, True)):
        text_id = RunStore().save_text(("ab" * n)[:length], "ab")
        assert bool(app("vocabulary", text=text_id).warning) != enough
        assert bool(app("batches", text=text_id).warning) != enough


def test_a_vocabulary_of_thousands_stays_usable(app: OpenPage) -> None:
    many = "".join(chr(0x4E00 + i) for i in range(5000))
    page = app("vocabulary", text=RunStore().save_text(many * 3, "many"))
    assert not page.exception
    assert len(page.dataframe[0].value) == 5000
    assert tiles(page).count("<bdi>") == text_window.ROWS * text_window.IN_A_ROW_WIDE


# A sentence of one's own


def test_a_sentence_comes_back_from_its_ids(app: OpenPage) -> None:
    page = app("vocabulary", choices="vocabulary_questions~own", text="the-curious-cat")
    page.text_input(key="page.vocabulary.sentence").set_value("one cat.").run()
    assert repr(SMALL.encode("one cat.")) in code(page) and "'one cat.'" in code(page)
    assert "exactly what you typed" in html(page)


def test_unknown_characters_are_named_placed_and_left_out(app: OpenPage) -> None:
    page = app("vocabulary", choices="vocabulary_questions~own", text="the-curious-cat")
    page.text_input(key="page.vocabulary.sentence").set_value("A 🐱 and é 🐱").run()
    assert "CAT FACE" in html(page) and "positions 2, 10" in html(page)
    assert "capitals became small letters, 3 unknown characters were left out" in html(page)
    assert repr(SMALL.encode("a  and  ")) in code(page)


def test_nothing_that_is_typed_runs_or_breaks_the_page(app: OpenPage) -> None:
    page = app("vocabulary", choices="vocabulary_questions~own", text="additions")
    for sentence in (UNKNOWN, "עברית", "e\u0301", "", "1+1=2", "x" * 5000):
        page.text_input(key="page.vocabulary.sentence").set_value(sentence).run()
        assert not page.exception and not page.error
        assert "<script>" not in html(page)


@given(st.text(max_size=30), st.booleans())
def test_a_difference_is_always_explained(typed: str, lower: bool) -> None:
    sentence = corpus.normalize(typed, lower=lower, strip=False)
    known, unknown = SMALL.split_unknown(sentence)
    assert known == typed or own_sentence.changes(typed, lower, unknown)


# The table


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("e", "eé"), ("É", "é"), ("4", "4é"), ("comma", ","), ("space", " "), (" ", " "), ("U+002C", ","),
        ("tee", ""), ("444", ""), ("zzz", ""), ("", " ,4eé"), ("e\u0301", "é"),
    ],
)  # fmt: skip
def test_the_search_knows_characters_ids_and_names(asked: str, found: str) -> None:
    words = CharTokenizer.from_text(" ,4eé")  # é has the id 4
    with using("en"):
        assert vocabulary_table.find(words, asked) == found


@pytest.mark.parametrize(
    ("asked", "found"), [("virgule", ",;"), ("apostrophe", "'"), ("espace", " "), ("point", ".;")]
)
def test_the_search_knows_the_french_names_of_marks(asked: str, found: str) -> None:
    words = CharTokenizer.from_text(" ',.;ev")
    with using("fr"):
        assert vocabulary_table.find(words, asked) == found


def test_a_search_without_result_says_so(app: OpenPage) -> None:
    page = app("vocabulary", text="additions")
    page.text_input(key="page.vocabulary.search").set_value("*z*").run()
    assert not page.dataframe
    assert r"No character of this text fits “\*z\*”." in text(page)


def test_numbers_of_the_table_are_written_in_the_reader_s_language() -> None:
    frame = pd.DataFrame(
        {"id": [1], "character": ["a"], "count": [12345], "share": [0.5], "name": ["A"], "kind": ["vowel"]}
    )
    with using("fr"):
        written = vocabulary_table.styled(frame).to_html()
    assert "12\u202f345" in written and "50,00\u202f%" in written


# Small letters


def test_capitals_are_shown_with_what_lower_case_made_of_them(app: OpenPage) -> None:
    text = RunStore().save_text("ΣΑΣ ΤΙΣ σας. " * 20, "Ελληνικά")
    page = app("vocabulary", choices="vocabulary_questions~letters", text=text)
    assert small_letters.merged(text) == {"α": "Α", "ι": "Ι", "ς": "Σ", "σ": "Σ", "τ": "Τ"}
    assert "**4 capitals** become their small letters" in " ".join(m.value for m in page.markdown)


# Texts from elsewhere


def test_a_fetched_text_is_in_everybodys_list_and_nobodys_own(app: OpenPage) -> None:
    before = app("vocabulary").radio(key="vocabulary_text").options
    assert not any("Tiny" in option for option in before)
    shakespeare = replace(TINY_SHAKESPEARE, sha256=RunStore().save_text(CAT, "Tiny Shakespeare", "somebody"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fetching, "SOURCES", (shakespeare,))
        page = app("vocabulary", text=shakespeare.sha256)
        assert not page.exception and not page.error
        assert "Tiny Shakespeare" in page.radio(key="vocabulary_text").options
        assert not [button for button in page.button if button.key == "vocabulary_remove"]


def test_without_a_store_there_are_the_bundled_texts(app: OpenPage, home: Path) -> None:
    shutil.rmtree(home)
    home.write_text("a file where a folder should be")
    page = app("vocabulary", text="the-curious-cat")
    assert not page.exception
    assert len(page.radio(key="vocabulary_text").options) == len(corpus.BUNDLED)


# One's own text


@pytest.mark.parametrize(
    ("words", "sentence"),
    [("", "is empty"), (" \n\t", "is empty"), ("aaaa", "over and over"), ("AaAa", "over and over")],
)
def test_a_bad_text_is_refused_and_the_earlier_one_stays(dialog: AppTest, words: str, sentence: str) -> None:
    page = paste(dialog, words)
    assert not page.exception
    assert sentence in page.error[0].value and "stays chosen" in page.error[0].value
    assert not chosen(page)
    assert page.text_area(key="vocabulary_paste").value == words


def test_a_pasted_text_is_kept_and_chosen(dialog: AppTest) -> None:
    page = paste(dialog, "\n  <b>Un</b> chat\nUn autre")
    assert not page.exception and not page.error
    kept = RunStore().text(chosen(page))
    assert kept.title == "<b>Un</b> chat"
    assert any("markup" in notice for notice in page.session_state["notices"])


def test_a_text_has_a_name_that_can_be_seen(dialog: AppTest) -> None:
    assert RunStore().text(chosen(paste(dialog, "\u200b\n\u00ad\nUn chat noir"))).title == "Un chat noir"
    dialog.text_input(key="vocabulary_paste_name").set_value("\u200b")
    assert RunStore().text(chosen(paste(dialog, "Deux chats noirs"))).title == "My text"


def test_a_tab_whose_address_names_no_text_begins_with_the_one_chosen_last(app: OpenPage) -> None:
    page = app("vocabulary")
    page.radio(key="vocabulary_text").set_value("additions").run()
    assert app("training").query_params["text"] == "additions"
    assert app("training", text="the-curious-cat").query_params["text"] == "the-curious-cat"


def test_pasted_texts_can_be_named_and_told_apart(dialog: AppTest) -> None:
    dialog.text_input(key="vocabulary_paste_name").set_value("  Mon conte ")
    named = chosen(paste(dialog, "Un chat, deux chats"))
    assert RunStore().own_texts() == {named: "Mon conte"}
    for words, title in (
        ("Il dort.\nA", "Il dort."),
        ("Il dort.\nB", "Il dort. (2)"),
        ("Il dort.\nC", "Il dort. (3)"),
        ("Le Chat Curieux\nA", "Le Chat Curieux (2)"),  # one of the stories is called so
    ):
        page = AppTest.from_function(own_text_page, default_timeout=60).run()
        text_id = chosen(paste(page, words))
        assert RunStore().own_texts()[text_id] == title


PAGE = "<!DOCTYPE html><title>x</title><body><p>un chat &amp; un chien</p></body>"


@pytest.mark.parametrize(("button", "kept"), [("inside", "un chat & un chien"), ("all", PAGE)])
def test_the_text_inside_a_pasted_page_is_offered(dialog: AppTest, button: str, kept: str) -> None:
    page = paste(dialog, PAGE)
    assert not chosen(page) and "This is an HTML page." in page.info[0].value
    page.button(key=f"vocabulary_paste_{button}").click().run()
    assert RunStore().text(chosen(page)).text == kept


def test_the_text_inside_a_file_is_offered(dialog: AppTest) -> None:
    page = upload(dialog, "page.html", PAGE.encode())
    assert "This is an HTML page." in page.info[0].value and "un chat &amp; un chien" in html(page)
    page.toggle[0].set_value(False).run()
    assert "DOCTYPE" in html(page)
    page.toggle[0].set_value(True).run()
    page.text_input[-1].set_value("Le mien").run()
    page.button(key="vocabulary_file_use").click().run()
    assert RunStore().text(chosen(page)).text == "un chat & un chien"
    assert RunStore().text_title(chosen(page)) == "Le mien"


def test_the_text_inside_a_pdf_document_is_used_and_a_locked_one_is_refused(dialog: AppTest) -> None:
    page = upload(dialog, "story.txt", pdf("The cat sat on the mat.", "It slept."))
    assert "This is a PDF document." in page.info[0].value and "The cat sat" in html(page)
    page.button(key="vocabulary_file_use").click().run()
    assert RunStore().text(chosen(page)).text == "The cat sat on the mat.\n\nIt slept."
    dialog.file_uploader(key="vocabulary_file").set_value([]).run()
    assert "password" in upload(dialog, "locked.pdf", pdf("The cat", password="x")).error[0].value
    assert "upload the file" in paste(dialog, "%PDF-1.7\n1 0 obj").error[0].value


def test_damaged_bytes_of_a_file_are_told_and_their_place_is_shown(dialog: AppTest) -> None:
    page = upload(dialog, "cut.txt", ("été " * 600 + "é").encode()[:-1])
    assert page.selectbox[0].value == "utf-8" and "2,401" in page.warning[0].value.replace("\\", "")
    assert "été �" in page.warning[0].value and len(page.selectbox[0].options) > 30


def test_the_chosen_reading_of_a_file_is_kept(dialog: AppTest) -> None:
    raw = "Кот спит на окне.".encode("koi8-r")
    page = upload(dialog, "kot.txt", raw)
    assert page.selectbox[0].value == "koi8-r" and "Кот спит на окне." in html(page)
    page.selectbox[0].set_value("cp866").run()
    dialog.file_uploader(key="vocabulary_file").set_value([]).run()
    assert upload(dialog, "again.txt", raw).selectbox[0].value == "cp866"


@pytest.mark.parametrize("encoding", ["iso2022_jp", "utf-16-le"])
def test_what_is_spelled_with_bytes_of_ascii_can_be_read_otherwise(dialog: AppTest, encoding: str) -> None:
    raw = {"utf-16-le": "The cat sat on the mat."}.get(encoding, "猫は窓の上で寝ている。").encode(encoding)
    assert raw.isascii()
    page = upload(dialog, "escaped.txt", raw)
    assert not page.exception and len(page.selectbox[0].options) > 30
    dialog.file_uploader(key="vocabulary_file").set_value([]).run()
    assert not upload(dialog, "plain.txt", b"The cat sat on the mat.").selectbox


def test_ones_own_texts_are_offered_again_and_can_be_removed(dialog: AppTest, app: OpenPage) -> None:
    first = chosen(paste(dialog, "Un premier texte à moi"))
    second = chosen(paste(dialog, "Et un <b>second</b>"))
    page = app("vocabulary", "fr")  # another tab, or this one after a reload

    def offered() -> list[str]:
        return page.radio(key="vocabulary_text").options

    assert offered()[-2:] == [r"Et un \<b\>second\</b\>", "Un premier texte à moi"]
    assert page.radio(key="vocabulary_text").value == second  # the one chosen last
    page.button(key="vocabulary_remove").click().run()
    assert offered()[-1] == "Un premier texte à moi" and len(offered()) == len(corpus.BUNDLED) + 1
    assert page.radio(key="vocabulary_text").value == "le-chat-curieux"
    page.button(key="vocabulary_undo").click().run()
    assert page.radio(key="vocabulary_text").value == second
    assert len(offered()) == len(corpus.BUNDLED) + 2
    assert first in app("vocabulary", text=first).radio(key="vocabulary_text").value


def test_a_text_that_two_tabs_remove_stays_removed(dialog: AppTest, app: OpenPage) -> None:
    text_id = chosen(paste(dialog, "Un texte à moi"))
    one, other, third = (app("vocabulary", text=text_id) for _tab in range(3))
    one.button(key="vocabulary_remove").click().run()
    other.button(key="vocabulary_remove").click().run()
    assert not other.exception and not other.error
    third.radio(key="vocabulary_text").set_value("additions").run()  # it was looked at there until now
    assert RunStore().own_texts() == {}
    other.button(key="vocabulary_undo").click().run()
    one.button(key="vocabulary_undo").click().run()
    assert list(RunStore().own_texts()) == [text_id]


def test_a_file_is_read_shown_and_chosen(dialog: AppTest) -> None:
    page = upload(dialog, "conte.txt", "Titre\nLa pêche de l’élève".encode("cp1252"))
    assert not page.exception and not page.error
    assert page.selectbox[0].value == "cp1252"
    assert "Titre" in html(page) and "La pêche de l’élève" in html(page)
    page.selectbox[0].set_value("mac-roman").run()
    assert "La pêche" not in html(page)
    page.selectbox[0].set_value("cp1252").run()
    page.button(key="vocabulary_file_use").click().run()
    assert RunStore().text(chosen(page)).text.endswith("La pêche de l’élève")
    assert RunStore().text(chosen(page)).title == "conte"


def test_the_preview_counts_what_will_be_learnt(dialog: AppTest) -> None:
    page = upload(dialog, "file.txt", b"  one cat\r\ntwo\n")
    assert ">11 characters<" in html(page)
    assert any(f"at least {headline.shortest()} characters" in caption.value for caption in page.caption)


def test_of_two_files_with_the_same_words_the_newer_names_them(app: OpenPage) -> None:
    for title in ("first", "second"):
        at = AppTest.from_function(own_text_page, default_timeout=60)
        at.context = {"locale": "en-GB"}
        page = upload(at.run(), f"{title}.txt", b"the same words")
        page.button(key="vocabulary_file_use").click().run()
        assert app("vocabulary", text=chosen(page)).radio(key="vocabulary_text").options[-1] == title
    assert RunStore().text_title(chosen(page), "somebody else") == "second"
    RunStore().save_text("the same words", "theirs", "somebody else")
    assert RunStore().text_title(chosen(page)) == "second"


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (bytes(range(256)) * 9, "not plain text"),
        (b"", "is empty"),
        (b"x" * corpus.MAX_BYTES, "must be less than 20 MB"),
    ],
    ids=["binary", "empty", "20 MB"],
)
def test_a_bad_file_is_refused(dialog: AppTest, raw: bytes, sentence: str) -> None:
    page = upload(dialog, "file.txt", raw)
    if not page.error:
        page.button(key="vocabulary_file_use").click().run()
    assert not page.exception
    assert sentence in page.error[0].value and not chosen(page)


def test_the_lines_that_tell_an_encoding() -> None:
    assert own_text_dialog.telling_lines("\n one \ntwo\nthré\nfôur") == ["one", "thré"]
    assert own_text_dialog.telling_lines("é\nè") == ["é"]
    assert own_text_dialog.telling_lines("") == []


def test_all_ones_own_texts_can_be_chosen_again(app: OpenPage) -> None:
    store = RunStore()
    texts = [store.save_text(f"un matin, le chat {n} dort. " * 9, f"Texte {n}") for n in range(15)]
    for text in texts:
        store.keep_text(text)
    page = app("vocabulary")
    older = page.selectbox(key=text_choice.OLDER)
    assert "3 older texts" in older.label
    assert {*older.options} | {*page.radio(key="vocabulary_text").options} >= {
        f"Texte {n}" for n in range(15)
    }
    older.set_value(texts[0]).run()
    assert page.radio(key="vocabulary_text").value == texts[0]
    assert page.selectbox(key=text_choice.OLDER).value is None
