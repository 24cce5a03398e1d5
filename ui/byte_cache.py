"""What is expensive to make, once for everybody, within a number of bytes: what was not used for longest goes first."""

import itertools
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Mapping
from functools import wraps
from types import BuiltinFunctionType, FunctionType, GeneratorType, MethodType, ModuleType
from typing import Any, Generic, ParamSpec, Protocol, TypeVar

MOST_BYTES = 500_000_000  # of everything that is kept
LOOKED_AT = 200  # entries of a long list or table whose sizes stand for all
NO_DATA = (type, ModuleType, FunctionType, BuiltinFunctionType, MethodType, threading.Thread)

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class ByteCached(Protocol[P, R_co]):
    """A function that is asked once for each combination of arguments, while there is room."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """What the function gives. It must not be changed."""

    def clear(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Forget what was given for these arguments."""


class _Entry(Generic[R]):
    """A place for one result: who comes first makes it, the others wait."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.made = False
        self.value: R
        self.size = 0


_entries: OrderedDict[Hashable, _Entry[Any]] = OrderedDict()  # the one used last at the end
_lock = threading.Lock()


def byte_cached(make: Callable[P, R]) -> ByteCached[P, R]:
    """Decorator: keep what a function gives, by its arguments. What it raises is not kept."""

    def key_of(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Hashable:
        return make, args, tuple(sorted(kwargs.items()))

    @wraps(make)
    def give(*args: P.args, **kwargs: P.kwargs) -> R:
        key = key_of(args, kwargs)
        with _lock:
            entry = _entries.setdefault(key, _Entry())
            _entries.move_to_end(key)
        with entry.lock:
            if not entry.made:
                try:
                    entry.value = make(*args, **kwargs)
                except BaseException:
                    _forget(key)
                    raise
                entry.size, entry.made = size_of(entry.value), True
                _make_room(entry)
        return entry.value

    def clear(*args: P.args, **kwargs: P.kwargs) -> None:
        _forget(key_of(args, kwargs))

    give.clear = clear  # type: ignore[attr-defined]
    return give  # type: ignore[return-value]


def forget_all() -> None:
    """Forget everything."""
    with _lock:
        _entries.clear()


def _forget(key: Hashable) -> None:
    with _lock:
        _entries.pop(key, None)


def _make_room(newest: _Entry[Any]) -> None:
    """Forget what was not used for longest, but for what has just been made and what is still being made."""
    with _lock:
        total = sum(entry.size for entry in _entries.values())
        for key, entry in list(_entries.items()):
            if total <= MOST_BYTES:
                break
            if entry.made and entry is not newest:
                total -= entry.size
                del _entries[key]


def size_of(value: object) -> int:
    """About how many bytes something holds: each part once, arrays and tensors with all their numbers."""
    total, seen = 0.0, set[int]()
    waiting: list[tuple[object, float]] = [(value, 1.0)]
    while waiting:
        part, weight = waiting.pop()
        if id(part) in seen or isinstance(part, NO_DATA):
            continue
        seen.add(id(part))
        total += weight * own_size(part)
        inside = parts_of(part)
        some = list(itertools.islice(inside, LOOKED_AT))
        if some:
            waiting += [(one, weight * len(inside) / len(some)) for one in some]
    return int(total)


def own_size(part: object) -> int:
    """What it takes without its parts."""
    if hasattr(part, "untyped_storage"):  # a tensor
        return int(part.untyped_storage().nbytes())
    return int(getattr(part, "nbytes", 0) or sys.getsizeof(part, 0))


def parts_of(part: object) -> Collection[object]:
    """What it is made of."""
    if isinstance(part, dict):
        return [*part.keys(), *part.values()] if len(part) < LOOKED_AT else part.values()
    if isinstance(part, list | tuple | set | frozenset):
        return part
    if isinstance(part, GeneratorType):
        return list(part.gi_frame.f_locals.values()) if part.gi_frame else []
    if hasattr(part, "untyped_storage") or hasattr(part, "nbytes"):
        return []
    return list(getattr(part, "__dict__", {}).values())
