"""Python code as text: what pages show of it, and what is read of a lesson's conditions.

Python 3.11 counts how deep it is in a tree for all threads together: two that parse at once can end each other with
"SystemError: AST constructor recursion depth mismatch" (https://github.com/python/cpython/issues/106905). So one thread
at a time parses here, and nothing is parsed twice.
"""

import ast
import inspect
import threading
from collections.abc import Callable
from functools import cache
from typing import Any

_parsing = threading.Lock()


@cache
def source_lines(shown: Callable[..., Any]) -> tuple[list[str], int]:
    """The lines of a function or class, and the number of the first in its file, as `inspect.getsourcelines`."""
    with _parsing:  # for a class, it parses the whole file
        return inspect.getsourcelines(shown)


def parsed_expression(text: str) -> ast.expr:
    """One expression as a tree. Raises `SyntaxError`, or `ValueError` for a character that no code may have."""
    with _parsing:
        return ast.parse(text, mode="eval").body
