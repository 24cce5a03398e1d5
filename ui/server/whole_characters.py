"""Half a character in what a browser says.

JavaScript cuts an emoji in two where a program asks it to, and such a half can be pasted. Streamlit's browser sends it
as three bytes that are no UTF-8; its server closes the connection, the browser says the same again, and so on for ever.
"""

import re

from google.protobuf.message import DecodeError
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg

HALF = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")  # U+D800 to U+DFFF (RFC 3629, section 3)
UNKNOWN = "\N{REPLACEMENT CHARACTER}".encode()  # three bytes, too: all lengths in the message stay true


class WholeCharacters:
    """ASGI middleware: in a message that cannot be read for it, half a character becomes U+FFFD, as in every text
    (`corpus.normalize`)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Mend what comes over a websocket."""

        async def receive_whole() -> Message:
            message = await receive()
            if said := message.get("bytes"):
                message["bytes"] = whole(said)
            return message

        await self.app(scope, receive_whole if scope["type"] == "websocket" else receive, send)


def whole(said: bytes) -> bytes:
    """The same message with whole characters only; one that can be read stays byte for byte as it is."""
    if not HALF.search(said):
        return said
    try:
        BackMsg.FromString(said)
    except DecodeError:
        return HALF.sub(UNKNOWN, said)
    return said
