"""Half a character in what a browser says: it is replaced, and the rest arrives as it was said."""

import struct

import pytest
from google.protobuf.message import DecodeError
from streamlit.proto.BackMsg_pb2 import BackMsg

from ui.server.whole_characters import whole


def said(text: str, number: float = 0.5) -> bytes:
    """What a browser sends: UTF-8, but for halves of characters."""
    message = BackMsg()
    for value in (f"{number}", text.replace("\ud83d", "QQQ").replace("\udc31", "RRR")):
        state = message.rerun_script.widget_states.widgets.add(id=value[:1])
        state.string_value = value
    message.rerun_script.widget_states.widgets.add(id="number").double_value = number
    cut = {b"QQQ": b"\xed\xa0\xbd", b"RRR": b"\xed\xb0\xb1"}
    raw = message.SerializeToString()
    for mark, half in cut.items():
        raw = raw.replace(mark, half)
    return raw


def test_half_a_character_becomes_a_whole_one() -> None:
    raw = said("half \ud83d, the other \udc31, whole 🐱 é")
    with pytest.raises(DecodeError):
        BackMsg.FromString(raw)
    first, second, number = BackMsg.FromString(whole(raw)).rerun_script.widget_states.widgets
    assert (first.string_value, number.double_value) == ("0.5", 0.5)
    assert (
        second.string_value
        == "half \N{REPLACEMENT CHARACTER}, the other \N{REPLACEMENT CHARACTER}, whole 🐱 é"
    )


@pytest.mark.parametrize(
    ("text", "number"), [("한국어 🐱", 0.5), ("", struct.unpack("<d", b"\xed\xa0\xbd\x00\x00\x00\xf0?")[0])]
)
def test_what_can_be_read_stays_byte_for_byte(text: str, number: float) -> None:
    raw = said(text, number)
    assert whole(raw) == raw
