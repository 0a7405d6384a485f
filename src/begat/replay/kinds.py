"""Text read by the value that it replaces: a number for a number, a member of the same enumeration, a dtype for a dtype."""

from __future__ import annotations

import enum
import pathlib
import re
import sys
from collections.abc import Callable
from typing import Any

from begat.replay.literals import UNKNOWN, literal

_TRUE = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
Resolve = Callable[[str], Any]


def by_kind(text: str, value: Any, current: Any, resolve: Resolve) -> Any:
    """What *text*, which Python and JSON read as *value*, is in the place of *current*. ValueError for what does not fit."""
    kind = type(current)
    quoted = isinstance(value, str)
    if value is None or quoted:
        return value
    if kind is bool:
        return _boolean(text)
    if kind is int or kind is float:
        return _number(text, value, kind)
    if kind is str:
        return text
    if kind is bytes:
        return value if isinstance(value, bytes) else text.encode()
    if kind in (list, tuple, dict, set, frozenset):
        return _container(text, value, kind)
    if issubclass(kind, enum.Enum):
        return member(text, value, kind)
    if issubclass(kind, pathlib.PurePath):
        return kind(text)
    if _is_named(current):
        try:
            return resolve(text)
        except LookupError as error:
            raise ValueError(f"expected the import path of a class or function: {error}") from None
    return constant(text, kind)


def _boolean(text: str) -> bool:
    found = _TRUE.get(text.strip().lower())
    if found is None:
        raise ValueError("expected true or false, as it replaces a bool")
    return found


def _number(text: str, value: Any, kind: type) -> Any:
    if type(value) not in (int, float) and re.fullmatch(r"[+-]?0[0-9]+", text.strip()):
        value = int(text)
    if type(value) not in (int, float):
        raise ValueError(f"expected a number, as it replaces one; PATH:={text!r} gives it as it is")
    # A library that annotates nothing may take 0.5, or 1.0, where it was given 1; the other way round a float stays one.
    if kind is int and type(value) is float and "." not in text and value.is_integer():  # 1e3
        return int(value)
    return float(value) if kind is float else value


def _container(text: str, value: Any, kind: type) -> Any:
    if value is UNKNOWN and "," in text and kind is not dict:
        value = literal(f"[{text}]")
    if kind is dict:
        if type(value) is not dict:
            raise ValueError("expected a mapping, as it replaces one: {'a': 1}")
        return value
    if type(value) not in (list, tuple, set, frozenset):
        raise ValueError(f"expected a list, as it replaces a {kind.__name__}: [1, 2]")
    return kind(value)


def member(text: str, value: Any, kind: Any) -> Any:
    """The member of the enumeration *kind* that *text* names, or that has this *value*."""
    name = text.removeprefix(f"{kind.__name__}.")
    if name in kind.__members__:
        return kind[name]
    for each in kind:
        if each.value == value or str(each.value) == text:
            return each
    raise ValueError(f"expected one of {', '.join(kind.__members__)}")


def constant(text: str, kind: Any) -> Any:
    """``torch.float16`` in the place of ``torch.float32``: a value of the same type, by its name in a loaded module."""
    module, _, name = text.rpartition(".")
    space = getattr(sys.modules.get(module or kind.__module__.partition(".")[0]), "__dict__", {})
    found = space.get(name)
    if isinstance(found, kind):
        return found
    make = getattr(kind, "fromisoformat", None) or (_maker(kind) if is_constant(kind) else None)
    if make is not None:
        try:
            return make(text)
        except Exception as error:  # whatever its constructor says of the text
            raise ValueError(f"expected a {kind.__name__}: {error}") from None
    raise ValueError(f"expected a {kind.__name__}, which no text can say here: give it in Python, with begat.override")


_MADE_OF_TEXT = {"torch": ("device", "dtype"), "numpy": ("dtype",), "decimal": ("Decimal",), "uuid": ("UUID",)}


def is_constant(kind: Any) -> bool:
    """Whether text can be a value of *kind*, a class that pydantic knows nothing of. No other is called to find out."""
    if not isinstance(kind, type):
        return False
    bases = {(base.__module__.partition(".")[0], base.__name__) for base in kind.__mro__}
    return ("numpy", "generic") in bases or any(
        (module, name) in bases for module, all_ in _MADE_OF_TEXT.items() for name in all_
    )


def _maker(kind: Any) -> Callable[[str], Any] | None:
    """What makes a value of *kind* of text."""
    base = next((each for each in kind.__mro__ if each.__name__ == "dtype" and each.__module__ == "numpy"), None)
    return base or (None if (kind.__module__, kind.__name__) == ("torch", "dtype") else kind)


def _is_named(current: Any) -> bool:
    """Whether *current* is a class or function, with a name of its own. Asked so that no object's own code answers."""
    if isinstance(type(current), type) and issubclass(type(current), type):
        return True
    try:
        return isinstance(object.__getattribute__(current, "__name__"), str) and callable(current)
    except AttributeError:
        return False
