"""The languages of the dashboard. A folder beside this file that holds a `language.toml` is one of them."""

import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from babel import Locale
from babel.numbers import get_decimal_symbol, get_group_symbol

SOURCE = "en"  # the language of the sentences in the code; what another one lacks is shown in it


@dataclass(frozen=True, kw_only=True)
class Language:
    """A folder of words, and what its `language.toml` says."""

    code: str
    """The name of the folder, and what stands in the address (`?lang=fr`)."""

    folder: Path

    name: str
    """What the language calls itself."""

    locale: str
    """Whose numbers it writes, as browsers say it: "fr-FR"."""

    story: str
    """The text of who has chosen none: a name in `corpus.BUNDLED`."""

    file_sizes: tuple[str, ...]
    """The units from bytes on, in steps of 1000."""

    @cached_property
    def babel(self) -> Locale:
        """What Babel knows of the locale."""
        return Locale.parse(self.locale, sep="-")

    @property
    def decimal_mark(self) -> str:
        """Between a number and its decimals."""
        return get_decimal_symbol(self.babel)

    @property
    def thousands_mark(self) -> str:
        """Between the thousands of a number."""
        return get_group_symbol(self.babel)

    def file(self, name: str) -> Path:
        """One of its files, or that of the source language where this one has none."""
        own = self.folder / name
        return own if own.exists() else self.folder.parent / SOURCE / name


def read_languages(folder: Path) -> dict[str, Language]:
    """The languages in a folder by their codes, the source language first."""
    found = (path.parent for path in folder.glob("*/language.toml"))
    codes = sorted((path.name for path in found), key=lambda code: (code != SOURCE, code))
    return {code: _read(folder / code) for code in codes}


def _read(folder: Path) -> Language:
    said = tomllib.loads((folder / "language.toml").read_text(encoding="utf-8"))
    said.pop("typography", None)  # for those who write: see scripts/messages.py
    said["file_sizes"] = tuple(said["file_sizes"])
    return Language(code=folder.name, folder=folder, **said)


LANGUAGES = read_languages(Path(__file__).parent)


def nearest(locale: object) -> str:
    """The code of the language for a browser that asks for `locale` ("fr-CA"); the source language for any other."""
    parts = locale.lower().split("-") if isinstance(locale, str) else []
    codes = {code.lower(): code for code in LANGUAGES}
    prefixes = ("-".join(parts[:n]) for n in range(len(parts), 0, -1))  # "fr-ca", then "fr"
    return next((codes[prefix] for prefix in prefixes if prefix in codes), SOURCE)
