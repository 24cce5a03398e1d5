"""The text of a PDF document, read in a process of its own: whatever is in it, the server's memory and time are safe.

`python -m minigpt_core.texts.pdf` reads a document from standard input and prints its text in UTF-8, or why not.
"""

import io
import logging
import os
import subprocess
import sys
import threading
from contextlib import suppress

from minigpt_core.background import import_path, lower_priority
from minigpt_core.errors import N_, TextError, UserError
from minigpt_core.texts.corpus import MAX_BYTES

BEGIN = b"%PDF-"
LONGEST_SECONDS = 60
MOST_BYTES = 1_000_000_000  # of memory
AT_ONCE = threading.Semaphore(2)
REFUSED = 3  # exit status: the reason is printed
FOUND = N_(
    "This is a PDF document. Its pages follow one another; what stands above and below each of them is part of the "
    "text, and words that are divided at the end of a line stay divided."
)


def is_pdf(raw: bytes) -> bool:
    """Whether a file says that it is one, whatever its name."""
    return raw.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(BEGIN)


def text_of_pdf(raw: bytes, patience: float = LONGEST_SECONDS) -> str:
    """The text of all pages, an empty line between two.

    Raises:
        UserError: there is no text in it, it is locked or damaged, or reading it takes more than `patience` seconds
            or `MOST_BYTES` of memory.
    """
    environment = os.environ | import_path() | {"PYTHONUTF8": "1"}
    too_much = TextError(
        "Reading this PDF document takes more than {seconds} seconds or {limit} MB of memory: it was given up. Open "
        "it, select its text, copy it and paste it.",
        seconds=round(patience), limit=MOST_BYTES // 1_000_000,
    )  # fmt: skip
    with AT_ONCE:
        try:
            ended = subprocess.run(
                [sys.executable, "-m", "minigpt_core.texts.pdf"],
                input=raw, capture_output=True, timeout=patience, env=environment,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise too_much from error
    if ended.returncode == REFUSED:
        raise UserError.from_json(ended.stdout.decode())
    if ended.returncode:
        raise too_much
    return ended.stdout.decode("utf-8", "replace")


def read(raw: bytes) -> str:
    """The text of all pages, in this process. Raises `TextError`."""
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, FileNotDecryptedError

    locked = TextError(
        "This PDF document is locked with a password. Save it without one, or open it, copy its text and paste it."
    )
    pages: list[str] = []
    try:
        document = PdfReader(io.BytesIO(raw))
        for page in document.pages:
            pages.append(page.extract_text().strip())
            if sum(map(len, pages)) >= MAX_BYTES:
                break
    except (FileNotDecryptedError, DependencyError) as error:
        raise locked from error
    except MemoryError:
        raise
    except Exception as error:  # whatever a damaged document makes of its reader
        raise TextError(
            "This PDF document is damaged: it could not be read. Open it, copy its text and paste it."
        ) from error
    text = "\n\n".join(filter(None, pages))
    if not any(map(str.isalnum, text)):
        raise TextError(
            "This PDF document holds pictures of its pages and no text. Have its letters recognised first (OCR), and "
            "use the text that this gives."
        )
    return text


def main() -> None:
    """Read one document, and say what came of it."""
    lower_priority()
    with suppress(ImportError, ValueError, OSError):  # Windows has no such limits
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (2 * LONGEST_SECONDS, 2 * LONGEST_SECONDS))
    logging.disable()  # what the library thinks of a document
    try:
        text = read(sys.stdin.buffer.read())
    except UserError as error:
        sys.stdout.write(error.to_json())
        sys.exit(REFUSED)
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))


if __name__ == "__main__":
    main()
