"""Larger texts, fetched from their public addresses when a person asks for one; nothing is fetched otherwise.

for done in fetch(source, store, "local"): ...   # bytes so far; leaving the loop cancels
download = Download(source, store, "local")      # the same in a thread, for a page that shows how far it is
"""

import hashlib
import http.client
import socket
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Protocol
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from minigpt_core.errors import N_, UserError

CHUNK = 1 << 16  # bytes
SILENCE_SECONDS = 15.0  # without a sign from the other side
TOTAL_SECONDS = 600.0


class Shelf(Protocol):
    """Where a fetched text is kept: a `RunStore`."""

    def has_text(self, text_id: str) -> bool:
        """Whether the text is there."""

    def save_text(self, text: str, title: str, workspace: str) -> str:
        """Keep a text; returns its id."""


class DownloadError(UserError):
    """A text could not be fetched; nothing was kept."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A text that can be fetched."""

    id: str
    """A short name for the keys of its buttons."""

    title: str
    about: str
    """What it is, in a few words: English, to be translated where it is shown."""

    language: str
    """Its code, such as "en"."""

    address: str
    page: str
    """Where to read about it."""

    licence: str
    size: int
    """Bytes of UTF-8; more are never read."""

    sha256: str
    """Of these bytes. The run store calls its texts by just that, so this is also the id of the fetched text."""

    @property
    def host(self) -> str:
        """Who is asked."""
        return urlsplit(self.address).hostname or ""


TINY_SHAKESPEARE = Source(
    id="tiny_shakespeare",
    title="Tiny Shakespeare",
    about=N_("Shakespeare, in English"),
    language="en",
    address="https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
    page="https://github.com/karpathy/char-rnn",
    licence="public domain",
    size=1_115_394,
    sha256="86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
)
TINY_MOLIERE = Source(
    id="tiny_moliere",
    title="Tiny Molière",
    about=N_("Molière, in French"),
    language="fr",
    address="https://raw.githubusercontent.com/grll/tiny-moliere/HEAD/data/tinymoliere.txt",
    page="https://github.com/grll/tiny-moliere",
    licence="MIT",
    size=2_387_600,
    sha256="e49379af6cc98869693aed4a567b39cc48bbfa489cfe36333a124c00acd99129",
)
SOURCES = (TINY_SHAKESPEARE, TINY_MOLIERE)


def is_here(source: Source, store: Shelf) -> bool:
    """Whether the text was fetched before. Raises `StoreError`."""
    return store.has_text(source.sha256)


def fetch(source: Source, store: Shelf, workspace: str) -> Generator[int]:
    """Fetch a text and keep it in the store, yielding how many bytes have come so far.

    Nothing is kept before all of it has come and its checksum is right; closing the iterator cancels.

    Raises:
        DownloadError: the other side cannot be reached, answers with an error or falls silent; or what it sends is
            not the text that was meant. StoreError: the text cannot be kept.
    """
    data = bytearray()
    for chunk in _chunks(source):
        data += chunk
        yield len(data)
    if len(data) < source.size:
        raise DownloadError(
            "The connection to {host} broke off after {part} of {whole} MB. Nothing was kept; try again.",
            host=source.host, part=round(len(data) / 1e6, 1), whole=round(source.size / 1e6, 1),
        )  # fmt: skip
    if hashlib.sha256(data).hexdigest() != source.sha256:
        raise DownloadError(
            "What {host} sent is not the text that was expected: its checksum is another one. It was changed there, "
            "or damaged on the way. Nothing was kept; try again later.",
            host=source.host,
        )
    store.save_text(data.decode("utf-8"), source.title, workspace)


class Download:
    """A text on its way, in a thread of its own."""

    def __init__(self, source: Source, store: Shelf, workspace: str) -> None:
        self.source = source
        self.done = 0
        """Bytes that have come so far."""
        self.ended = False
        """The text is here, or `error` says why not, or it was cancelled."""
        self.error: UserError | None = None
        self.cancelled = False
        self._coming = fetch(source, store, workspace)
        threading.Thread(target=self._run, daemon=True).start()

    def cancel(self) -> None:
        """Keep nothing of it. One that has just arrived stays."""
        self.cancelled = True

    def _run(self) -> None:
        try:
            for done in self._coming:
                self.done = done
                if self.cancelled:
                    break
        except UserError as error:
            self.error = error
        finally:
            self._coming.close()
            self.ended = True


def _chunks(source: Source) -> Iterator[bytes]:
    """What the other side sends, piece by piece; at most `source.size` bytes."""
    deadline = time.monotonic() + TOTAL_SECONDS
    left = source.size
    request = Request(source.address, headers={"User-Agent": "mini-GPT", "Accept-Encoding": "identity"})
    try:
        with urlopen(request, timeout=SILENCE_SECONDS) as answer:
            while chunk := answer.read1(CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise _too_large(source)
                if time.monotonic() > deadline:
                    raise TimeoutError
                yield chunk
    except HTTPError as error:
        error.close()
        raise DownloadError(
            "{host} answered with error {status} instead of the text. It may have moved: try again later, or choose "
            "another text.",
            host=source.host, status=error.code,
        ) from error  # fmt: skip
    except (OSError, http.client.HTTPException) as error:  # URLError and TimeoutError among them
        raise _unreachable(source, error) from error


def _too_large(source: Source) -> DownloadError:
    return DownloadError(
        "What {host} sends is larger than the text that was expected ({limit} MB), so it must be something else. "
        "Nothing was kept.",
        host=source.host, limit=round(source.size / 1e6, 1),
    )  # fmt: skip


def _unreachable(source: Source, error: Exception) -> DownloadError:
    """No connection, or one that broke off."""
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, TimeoutError):
        return DownloadError(
            "{host} does not answer, or takes too long. Nothing was kept; try again later, or choose another text.",
            host=source.host,
        )
    if isinstance(reason, socket.gaierror):
        return DownloadError(
            "{host} cannot be found: this computer seems to be offline. Connect it to the internet and try again; "
            "the bundled texts need no connection.",
            host=source.host,
        )
    return DownloadError(
        "The connection to {host} did not work ({reason}). Nothing was kept; try again later, or choose another text.",
        host=source.host, reason=reason,
    )  # fmt: skip
