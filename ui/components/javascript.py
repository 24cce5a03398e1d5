"""A component's JavaScript in one piece: Streamlit takes a single file, ours import what they share."""

import re
from collections.abc import Iterator
from pathlib import Path

IMPORT = re.compile(r'^import \{([^}]+)\} from "([^"]+)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?!default)", re.MULTILINE)


def in_one_piece(*scripts: Path) -> str:
    """Scripts behind all files that they import, each file once.

    They share one scope, so no two of them may give the same name to something of their own.
    """
    pieces = (file.read_text(encoding="utf-8") for file in files(*scripts))
    return "".join(IMPORT.sub("", EXPORT.sub("", piece)) for piece in pieces)


def files(*scripts: Path) -> list[Path]:
    """These scripts and what they import, each file behind those that it imports."""
    return list(dict.fromkeys(file for script in scripts for file in _in_order(script.resolve())))


def _in_order(script: Path) -> Iterator[Path]:
    for _names, place in IMPORT.findall(script.read_text(encoding="utf-8")):
        yield from _in_order((script.parent / place).resolve())
    yield script
