"""Bring the translations up to date: `python scripts/messages.py [area …]`.

Collects every sentence of the dashboard and every error sentence of the core, writes them into
`ui/words/<language>/<area>.po` (keeping what is translated, dropping what no longer exists), lists what is missing.
With areas named, only their files are rewritten; with `--check`, none. Texts get the no-break spaces of their language.
"""

import ast
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parent.parent
WORDS = ROOT / "ui" / "words"
SOURCE = "en"  # the language of the code
LESSONS = ROOT / "minigpt_core" / "lessons" / "shipped"
# Rooms that belong to all pages: their sentences stand in one catalogue. Every other room of ui/ has one of its own.
SHARED = ("components", "runs", "server", "words")
FUNCTIONS = {"_": 1, "N_": 1, "n_": 2}  # how many of the arguments are sentences
HEADER = "# Kept up to date by scripts/messages.py; only msgstr is written by hand."
IN_ERROR_CLASSES = {"__init__": 1, "N_": 1}  # `super().__init__("…")`, and `N_("…")` as elsewhere
NO_DATE = datetime(2000, 1, 1, tzinfo=UTC)
MessageId = str | tuple[str, ...]


def areas() -> list[str]:
    """The catalogues. A sentence of several areas belongs to the first: what pages share comes before the pages."""
    pages = {path.stem for path in (ROOT / "pages").glob("*.py")}
    rooms = {path.parent.name for path in (ROOT / "ui").glob("*/__init__.py")} - {*SHARED}
    return ["core", "shell", *sorted(rooms - pages), *sorted(pages)]


AREAS = areas()


def main() -> int:
    """The number of sentences without a translation."""
    arguments = sys.argv[1:]
    written = () if "--check" in arguments else arguments or AREAS
    folders = sorted(path.parent for path in WORDS.glob("*/language.toml") if path.parent.name != SOURCE)
    missing = [line for folder in folders for line in update(folder, written)]
    if "--check" not in arguments:
        for language in WORDS.glob("*/language.toml"):
            set_spaces(language.parent)
    print("\n".join(missing) or "Every sentence is translated.")
    return min(len(missing), 1)


def update(folder: Path, written: Collection[str]) -> list[str]:
    """Rewrite the catalogues of one language, those of the areas in `written`; what is missing, one line each."""
    found, known, missing = messages(), translations(folder), []
    for area in AREAS:
        for message_id in found[area]:
            if not complete(known.get(message_id)):
                missing.append(f"{folder.name}/{area}.po: {message_id!r}")
        if area in written:
            content = catalogue_file(folder.name, found[area], known)
            path = folder / f"{area}.po"
            if not path.exists() or path.read_bytes() != content:
                path.write_bytes(content)
    return missing


def catalogue_file(language: str, found: dict[MessageId, set[str]], known: dict[MessageId, Any]) -> bytes:
    """A `.po` file. Nothing in it depends on the day it was made."""
    catalogue = Catalog(language, project="mini-GPT", version="1", fuzzy=False)
    catalogue.creation_date = catalogue.revision_date = NO_DATE
    catalogue.msgid_bugs_address = catalogue.last_translator = catalogue.language_team = ""
    catalogue.header_comment = HEADER
    for message_id, places in sorted(found.items(), key=lambda item: str(item[0])):
        catalogue.add(message_id, known.get(message_id), locations=[(place, 0) for place in sorted(places)])
    file = BytesIO()
    write_po(file, catalogue, width=110, include_lineno=False)
    return file.getvalue()


@cache
def messages() -> dict[str, dict[MessageId, set[str]]]:
    """For each area its sentences and the files they stand in. A sentence of several areas belongs to the first."""
    areas: dict[str, dict[MessageId, set[str]]] = defaultdict(dict)
    owner: dict[MessageId, str] = {}
    for path in sorted(sources(), key=lambda path: (AREAS.index(area_of(path)), path)):
        for message_id in sentences(path):
            area = owner.setdefault(message_id, area_of(path))
            areas[area].setdefault(message_id, set()).add(path.relative_to(ROOT).as_posix())
    return areas


def sources() -> Iterator[Path]:
    """All Python files that speak to people."""
    for folder in ("ui", "pages", "minigpt_core"):
        yield from (ROOT / folder).rglob("*.py")
    yield ROOT / "dashboard.py"


def area_of(path: Path) -> str:
    """Which catalogue the sentences of a file belong to."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    if parts[0] == "minigpt_core":
        return "core"
    return parts[1] if len(parts) > 1 and parts[1] in AREAS else "shell"


def sentences(path: Path) -> Iterator[MessageId]:
    """The literal sentences in one file: what stands in `_("…")`, `N_("…")`, `n_("…", "…", n)` and in errors."""
    known = dict.fromkeys(error_classes(), 1)
    known |= IN_ERROR_CLASSES if area_of(path) == "core" else FUNCTIONS
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and (count := known.get(called(node), 0)):
            found = list(filter(None, map(literal, node.args[:count])))
            if any(isinstance(argument, ast.JoinedStr) for argument in node.args[:count]):
                raise SystemExit(
                    f"{path}:{node.lineno}: an f-string cannot be translated; use {{gaps}} and format"
                )
            if len(found) == count:
                yield found[0] if count == 1 else tuple(found)


def literal(node: ast.expr) -> str:
    """The string that stands there, or an empty one."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def called(node: ast.Call) -> str:
    """The bare name of what is called."""
    function = node.func
    return getattr(function, "id", "") or getattr(function, "attr", "")


def error_classes() -> set[str]:
    """The names of `UserError` and of every class made from it in the core."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "minigpt_core").rglob("*.py"))
    names = {"UserError"}
    for name, base in (
        re.findall(r"^class (\w+)\((\w+)\):", code, re.MULTILINE) * 3
    ):  # three levels of classes at most
        if base in names:
            names.add(name)
    return names


def translations(folder: Path) -> dict[MessageId, Any]:
    """What has been translated so far, whichever file it stands in."""
    known: dict[MessageId, Any] = {}
    for path in folder.glob("*.po"):
        with path.open("rb") as file:
            for message in read_po(file, locale=folder.name):
                if message.id and complete(message.string):
                    known[message.id if isinstance(message.id, str) else tuple(message.id)] = message.string
    return known


def set_spaces(folder: Path) -> None:
    """Make the spaces of a language that no line may break at unbreakable in all its texts. Code stays as it is."""
    rules = typography(folder)
    for path in (*folder.iterdir(), *LESSONS.glob(f"*.{folder.name}.md")) if rules else ():
        text = path.read_text(encoding="utf-8")
        pieces = re.split(r"((?s:```.*?```)|`[^`\n]*`|^(?:msgid|#).*$)", text, flags=re.MULTILINE)
        spaced = "".join(piece if i % 2 else with_spaces(piece, rules) for i, piece in enumerate(pieces))
        if spaced != text:
            path.write_text(spaced, encoding="utf-8")


def typography(folder: Path) -> dict[str, str]:
    """The rules in a language's `language.toml`; none where it has none."""
    said = tomllib.loads((folder / "language.toml").read_text(encoding="utf-8"))
    rules: dict[str, str] = said.get("typography", {})
    return rules


def with_spaces(text: str, rules: dict[str, str]) -> str:
    """`text` with wide no-break spaces before and after some marks, and narrow ones before others."""
    for mark in rules["no_break_before"]:
        text = re.sub(rf"(?<!\s) (?={re.escape(mark)}(?!\w))", "\u00a0", text)
    for mark in rules["no_break_after"]:
        text = re.sub(rf"(?<={re.escape(mark)}) ", "\u00a0", text)
    for mark in rules["narrow_no_break_before"]:
        text = re.sub(rf"(?<!\s) (?={re.escape(mark)})", "\u202f", text)
    return text


def complete(string: Any) -> bool:
    """Whether a translation has all its forms."""
    return bool(string) and (isinstance(string, str) or all(string))


if __name__ == "__main__":
    sys.exit(main())
