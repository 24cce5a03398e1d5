"""The text inside a PDF document, and why there is none."""

import io

import pytest
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from minigpt_core.errors import UserError
from minigpt_core.texts.pdf import is_pdf, text_of_pdf

FONT = DictionaryObject({
    NameObject("/Type"): NameObject("/Font"), NameObject("/Subtype"): NameObject("/Type1"),
    NameObject("/BaseFont"): NameObject("/Helvetica"), NameObject("/Encoding"): NameObject("/WinAnsiEncoding"),
})  # fmt: skip


def document(*pages: str, password: str = "") -> bytes:
    """One line of text a page."""
    writer = PdfWriter()
    for line in pages:
        page = writer.add_blank_page(300, 300)
        page[NameObject("/Resources")] = DictionaryObject(
            {NameObject("/Font"): DictionaryObject({NameObject("/F1"): writer._add_object(FONT)})}
        )
        drawn = DecodedStreamObject()
        drawn.set_data(b"BT /F1 12 Tf 20 200 Td (" + line.encode("cp1252") + b") Tj ET")
        page[NameObject("/Contents")] = writer._add_object(drawn)
    if password:
        writer.encrypt(password, algorithm="RC4-128")
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def test_pages_follow_one_another() -> None:
    raw = document("Un matin, l'été.", "Une an-", "", "née.")
    assert is_pdf(raw) and is_pdf(b"\r\n" + raw) and not is_pdf(b"a %PDF-1.7")
    assert text_of_pdf(raw) == "Un matin, l'été.\n\nUne an-\n\nnée."


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (document("", ""), "pictures of its pages"),
        (document("secret", password="x"), "password"),
        (b"%PDF-1.4\nnothing of the kind", "damaged"),
        (document("cut")[:300], "damaged"),
    ],
)  # fmt: skip
def test_a_document_without_text_is_refused_in_a_sentence(raw: bytes, why: str) -> None:
    with pytest.raises(UserError, match=why):
        text_of_pdf(raw)


def test_what_takes_too_long_is_given_up() -> None:
    with pytest.raises(UserError, match="given up"):
        text_of_pdf(document("a"), patience=0.01)
