"""Portraits: what a call did, as data that can be compared between a plain class and its tracked twin."""

from __future__ import annotations

import re
import sys
import traceback
import types
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ATOMS = (type(None), bool, int, float, complex, str, bytes, type(Ellipsis), type(NotImplemented), range, slice)
BASES = (tuple, list, dict, set, frozenset, str, bytes, int, float)
_ADDRESS = re.compile(r"0x[0-9a-f]{6,}")


@dataclass(frozen=True)
class Portrait:
    """What one call did: *result* or *error*, the text a traceback prints, the warnings with their places."""

    result: object
    error: str
    warned: tuple[tuple[str, str, str, int], ...]


def observe(function: Any, *args: Any, **kwargs: Any) -> Portrait:
    """Call *function* and say what happened, as data that does not depend on addresses."""
    result: object = None
    error = ""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = portrait(function(*args, **kwargs))
        except BaseException as problem:  # every kind of exception is an outcome to compare
            error = _ADDRESS.sub("0x", "".join(traceback.format_exception(problem)))
    warned = tuple((w.category.__name__, _ADDRESS.sub("0x", str(w.message)), w.filename, w.lineno) for w in caught)
    return Portrait(result, error, warned)


def portrait(value: object, depth: int = 5) -> object:
    """The type and content of *value*, asked of the machinery and not of the value."""
    kind = type(value)
    name = type.__getattribute__(kind, "__qualname__")
    if kind in ATOMS:
        return (name, repr(value))
    if depth == 0:
        return name
    if isinstance(kind, type) and issubclass(kind, type):
        return ("class", type.__getattribute__(value, "__qualname__"))
    if kind in (types.FunctionType, types.MethodType, types.BuiltinFunctionType):
        return ("function", value.__qualname__)  # type: ignore[attr-defined]  # narrowed by type
    parts: list[object] = [name]
    for base in BASES:
        if base in kind.__mro__:
            parts.append(_content(base, value, depth))
    if BaseException in kind.__mro__:
        parts.append(portrait(BaseException.args.__get__(value), depth - 1))
    try:
        state = object.__getattribute__(value, "__dict__")
    except (AttributeError, RuntimeError):  # there is none, or the class forbids to ask
        state = None
    if type(state) is dict:
        parts.append([(str(key), portrait(item, depth - 1)) for key, item in state.items()])
    for holder in kind.__mro__:
        for slot, member in type.__getattribute__(holder, "__dict__").items():
            if type(member) is types.MemberDescriptorType:
                try:
                    parts.append((slot, portrait(member.__get__(value), depth - 1)))
                except AttributeError:
                    parts.append((slot, "unset"))
    return tuple(parts)


def _content(base: type, value: Any, depth: int) -> object:
    if base is dict:
        return [(portrait(k, depth - 1), portrait(v, depth - 1)) for k, v in dict.items(value)]
    if base in (set, frozenset):
        return sorted(repr(portrait(item, depth - 1)) for item in base.__iter__(value))  # type: ignore[attr-defined]
    if base in (tuple, list):
        return [portrait(item, depth - 1) for item in base.__iter__(value)]  # type: ignore[attr-defined]
    return base.__repr__(value)


def traced(function: Any, *args: Any, **kwargs: Any) -> list[tuple[str, str, str, int]]:
    """
    The events that a debugger or a coverage tool sees while *function* runs.

    Left out are begat's own frames, what they call, and those of the standard library, whose caches make the second call shorter.
    """
    events: list[tuple[str, str, str, int]] = []

    def trace(frame: types.FrameType, event: str, arg: object) -> Any:
        file = frame.f_code.co_filename
        if file.startswith((_TESTS, "<")) and not file.startswith("<frozen ") and not _called_by_begat(frame):
            events.append((event, file, frame.f_code.co_name, frame.f_lineno))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function(*args, **kwargs)
    except BaseException:  # the exception events are in the list
        events.append(("left", "", "", 0))
    finally:
        sys.settrace(before)
    return events


def _called_by_begat(frame: types.FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<begat ") or frame.f_globals.get("__name__", "").startswith("begat."):
            return True
        frame = frame.f_back
    return False


_TESTS = str(Path(__file__).parent.parent)
