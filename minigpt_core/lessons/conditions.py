"""Conditions of a step as they are written: `temperature_was(0) and sampled(times=2)`. Read as text, never run.

A condition joins calls of named checks (see `checks.py`) with `and`, `or` and brackets. An argument is a number, a
name, or a text in quotes.
"""

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from minigpt_core.errors import UserError
from minigpt_core.source_code import parsed_expression

Argument = str | float | bool
WORDS = {"true": True, "false": False, "True": True, "False": False}


class ConditionError(UserError):
    """A condition cannot be read; says why and what to write."""


@dataclass(frozen=True)
class Call:
    """A named check or value with its arguments."""

    name: str
    positional: tuple[Argument, ...] = ()
    named: tuple[tuple[str, Argument], ...] = ()

    def __str__(self) -> str:
        parts = [
            *map(_written, self.positional),
            *(f"{name}={_written(value)}" for name, value in self.named),
        ]
        return f"{self.name}({', '.join(parts)})"


Value = Call


@dataclass(frozen=True)
class Condition:
    """A tree: one call, or several parts of which all ("and") or one ("or") must hold."""

    call: Call | None = None
    join: str = "and"
    parts: tuple["Condition", ...] = ()

    def holds(self, check: Callable[[Call], bool]) -> bool:
        """Whether it is met, asking `check` for each call."""
        if self.call is not None:
            return check(self.call)
        return (all if self.join == "and" else any)(part.holds(check) for part in self.parts)

    def calls(self) -> tuple[Call, ...]:
        """All calls, in the order in which they are written."""
        if self.call is not None:
            return (self.call,)
        return tuple(call for part in self.parts for call in part.calls())


def holds_in_any(versions: Sequence[Condition], check: Callable[[Call], bool]) -> bool:
    """Whether what these ask for is met, each part as one of them wants it: the same step in several languages names
    other texts and other models."""
    if versions[0].call is not None or not alike(versions):
        return any(version.holds(check) for version in versions)
    joined = all if versions[0].join == "and" else any
    return joined(holds_in_any(parts, check) for parts in parts_of(versions))


def parts_of(versions: Sequence[Condition]) -> list[tuple[Condition, ...]]:
    """The parts of conditions that are alike: the first part of each, the second of each, and so on."""
    return [*zip(*(version.parts for version in versions), strict=True)]


def alike(versions: Sequence[Condition]) -> bool:
    """Whether all ask for the same kinds of things in the same order."""
    shapes = {(version.call and version.call.name, version.join, len(version.parts)) for version in versions}
    return len(shapes) == 1 and all(map(alike, parts_of(versions)))


def read_condition(text: str) -> Condition:
    """The condition that is written there. Raises `ConditionError`."""
    return _condition(_parsed(text), text)


def read_call(text: str) -> Call:
    """One call, as `run_loss(model=TinyGPT)`. Raises `ConditionError`."""
    return _call(_parsed(text), text)


def _parsed(text: str) -> ast.expr:
    try:
        return parsed_expression(text.strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _unreadable(text) from error


def _unreadable(text: str) -> ConditionError:
    return ConditionError(
        "“{text}” cannot be read: write checks with their arguments in round brackets, joined by “and” or “or”, such "
        "as temperature_was(0) and sampled(times=2).",
        text=text,
    )


def _condition(node: ast.expr, text: str) -> Condition:
    if isinstance(node, ast.BoolOp):
        join = "and" if isinstance(node.op, ast.And) else "or"
        return Condition(join=join, parts=tuple(_condition(part, text) for part in node.values))
    return Condition(call=_call(node, text))


def _call(node: ast.expr, text: str) -> Call:
    if isinstance(node, ast.Name):  # the brackets may be left out where there is nothing in them
        return Call(node.id)
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        raise _unreadable(text)
    if not all(part.arg for part in node.keywords):  # **names
        raise _unreadable(text)
    named = tuple((part.arg or "", _argument(part.value, text)) for part in node.keywords)
    return Call(node.func.id, tuple(_argument(part, text) for part in node.args), named)


def _argument(node: ast.expr, text: str) -> Argument:
    if (
        isinstance(node, ast.UnaryOp)
        and isinstance(node.op, ast.USub)
        and isinstance(node.operand, ast.Constant)
    ):
        value = node.operand.value
        if isinstance(value, int | float):
            return -value
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int | float):
        return node.value
    words = ast.unparse(node)
    if isinstance(node, ast.Name):
        return WORDS.get(words, words)
    name = words.replace(" ", "")  # the-curious-cat is a name, not a subtraction
    if name.replace("-", "").replace("_", "").isalnum():
        return name
    raise _unreadable(text)


def _written(value: Argument) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
