"""How pupils come in: address, code and QR, large enough for the back row."""

import segno
import streamlit as st

from ui import teacher, workspace
from ui.words.i18n import _
from ui.words.tokens import escape


def front_door(opened: str | None) -> str:
    """The address that pupils type, from that of the opened page: never that of this machine alone."""
    return workspace.address(opened).removesuffix(teacher.PAGE)


def section() -> None:
    """For the projector, before everybody is there."""
    address = front_door(st.context.url)
    shown = escape(address.split("//", 1)[-1].rstrip("/"))
    code, qr = teacher.class_code(teacher.secret()), segno.make(address, error="m")
    picture = qr.svg_data_uri(scale=8, border=2, dark="#000", light="#fff")
    hint = _("Type this address into a browser, or point a phone at the square.")
    same = _(
        "The class code stands in everybody’s side bar: whoever sees the same one is in the right class."
    )
    label = _("QR code of the address {address}").format(address=shown)
    st.html(
        f"<div class='mg-join'><img src='{picture}' alt='{escape(label)}'>"
        f"<div><p>{escape(hint)}</p><div class='mg-join-address' translate='no'>{shown}</div>"
        f"<p>{escape(_('Class code'))}</p><div class='mg-join-code' translate='no'>{code}</div>"
        f"<p class='mg-note'>{escape(same)}</p></div></div>"
    )
