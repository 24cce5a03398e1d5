"""The errors that a person can cause, as sentences that can be translated."""

import json
from typing import Any


class UserError(ValueError):
    """Something a person typed, chose or uploaded cannot be used; says what, which value, and what to do.

    Args:
        template: an English sentence with ``{named}`` gaps. It is also the key under which the
            dashboard finds its translation, so it must be a literal at the place where it is raised.
        values: what goes into the gaps. Shown as text, never as markup.
    """

    def __init__(self, template: str, **values: Any) -> None:
        self.template = template
        self.values = values
        super().__init__(template.format(**values))

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (type(self), self.template, self.values)

    def to_json(self) -> str:
        """The template and its values, to be kept with a run and translated when it is shown."""
        return json.dumps({"template": self.template, "values": self.values}, default=str)

    @classmethod
    def from_json(cls, text: str) -> "UserError":
        """The inverse of `to_json`, as a plain `UserError`."""
        fields = json.loads(text)
        return UserError(fields["template"], **fields["values"])


def _again(kind: type[UserError], template: str, values: dict[str, Any]) -> UserError:
    return kind(template, **values)


class ConfigError(UserError):
    """A setting is out of its range or does not fit another one."""


class TextError(UserError):
    """A text is empty, too short, too long or cannot be read."""


class StoreError(UserError):
    """The run store cannot do what was asked (full disk, locked, damaged, missing)."""


class RunNotFound(StoreError):
    """No run has this id."""


class RunUnreadable(RunNotFound):
    """A run is there, with settings that this version of the program does not know."""


def N_(sentence: str) -> str:
    """Marks an English sentence that is shown to people, so that it is found for translation."""
    return sentence
