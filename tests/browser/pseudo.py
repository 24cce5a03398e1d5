"""A language that nobody speaks: the sentences of the dashboard, longer and with an accent on every letter.

Whatever is read in plain letters on a page in it was never translated, and what has no room would have none in German.
"""

import re
import shutil
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po

from scripts.messages import messages
from scripts.running_app import ROOT
from ui.words.languages import LANGUAGES, SOURCE

CODE = "zz"
PLAIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
ACCENTED = "áƀçðéƒĝĥíĵķļɱñóþɋŕšţúṽŵẋýžÁƁÇÐÉƑĜĤÍĴĶĻṀÑÓÞɊŔŠŢÚṼŴẊÝŽ"
VOWELS = "áéíóúý"
# Gaps, code, HTML, formulas, icons, colours, addresses: what a translator leaves as it is.
LEFT_ALONE = re.compile(
    r"\{[^}]*\}|`[^`]*`|<[^>]+>|&#?\w+;|\$[^$\n]+\$|:material/\w+:|:[a-z-]+\[|\]\([^)]*\)|https?://\S+|\\."
)
PARTS_OF_CHECKOUT = ("dashboard.py", ".streamlit", "minigpt_core", "pages", "ui")


def pseudo(sentence: str) -> str:
    """ "Start" → "Šţááŕţ": every letter another one, every vowel twice, a third longer."""
    pieces = re.split(f"({LEFT_ALONE.pattern})", sentence)
    return "".join(piece if i % 2 else _accented(piece) for i, piece in enumerate(pieces))


def _accented(words: str) -> str:
    accented = words.translate(str.maketrans(PLAIN, ACCENTED))
    return re.sub(f"([{VOWELS}])", r"\1\1", accented, flags=re.IGNORECASE)


def checkout(folder: Path) -> Path:
    """A copy of the program, with what Python has compiled of it, and one folder more: this language's."""
    for name in PARTS_OF_CHECKOUT:
        if (ROOT / name).is_dir():
            half_written = shutil.ignore_patterns("*.pyc.*")  # they may be gone before they are copied
            shutil.copytree(ROOT / name, folder / name, ignore=half_written)
        else:
            shutil.copy(ROOT / name, folder / name)
    write_language(folder / "ui" / "words" / CODE)
    (folder / "docs").mkdir()
    statement = (ROOT / "docs" / f"accessibility.{SOURCE}.md").read_text(encoding="utf-8")
    (folder / "docs" / f"accessibility.{CODE}.md").write_text(pseudo(statement), encoding="utf-8")
    return folder


def write_language(folder: Path) -> None:
    """What a translator makes."""
    source = LANGUAGES[SOURCE].folder
    shutil.copytree(source, folder)
    for area, found in messages().items():
        (folder / f"{area}.po").write_bytes(_catalogue(found))
    for path in folder.glob("*.md"):
        pieces = re.split(r"((?s:```.*?```))", path.read_text(encoding="utf-8"))
        path.write_text("".join(p if i % 2 else pseudo(p) for i, p in enumerate(pieces)), encoding="utf-8")
    glossary = folder / "glossary.toml"
    quoted = re.sub(
        r'(?m)(?<== ")(.*)(?="$)', lambda said: pseudo(said[0]), glossary.read_text(encoding="utf-8")
    )
    glossary.write_text(quoted, encoding="utf-8")


def _catalogue(found: dict[Any, set[str]]) -> bytes:
    catalogue = Catalog("en", fuzzy=False)
    for message_id in found:
        forms = message_id if isinstance(message_id, tuple) else (message_id,)
        said = tuple(map(pseudo, forms))
        catalogue.add(message_id, said if len(said) > 1 else said[0])
    file = BytesIO()
    write_po(file, catalogue)
    return file.getvalue()
