"""A run's parameters as a ``.env`` file: ``BEGAT__MODEL__HIDDEN_SIZE=256``, as overrides from the environment are spelled.

What is written is read as the same text by a shell, by python-dotenv and by begat. What cannot be said so (an object, a
description, a name with two underscores in it) stands there as a comment that says why.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from begat.record.plain import Named, NotFinite, elided, escaped, plain, text
from begat.record.values import (
    NUMBERS,
    SCALARS,
    Alias,
    Array,
    Cut,
    Made,
    Mapping,
    Member,
    Opaque,
    Redacted,
    Ref,
    Symbol,
    Typed,
)
from begat.record.views import flat
from begat.record.walk import children

if TYPE_CHECKING:
    from begat.record.graph import Run

PREFIX = "BEGAT__"
_Leaf = tuple[object, Named, str]  # a value, the names of objects, and its path
_BARE = re.compile(r"[A-Za-z0-9_./:,@%+=-]+", re.ASCII)
_SHORT = NUMBERS - {int}  # of which Python always writes the literal; very long integers it refuses to
_PATH = re.compile(r"[\w.]+", re.ASCII)


def env(run: Run, everything: bool = False) -> str:
    """Every parameter of *run* that the environment can set, one line each; the others as comments."""
    found: dict[str, str | _Leaf] = flat(run, everything, lambda *leaf: leaf)
    names = {key: variable(key) for key in found}
    counts = Counter(names[key] for key, value in found.items() if type(value) is tuple)
    return f"# run: {escaped(run.id)}\n" + "".join(
        f"# {escaped(key)} is {elided(escaped(value), 200)}\n"
        if isinstance(value, str)
        else _line(key, value, names[key], counts[names[key]] > 1)
        for key, value in found.items()
    )


def variable(path: str) -> str | None:
    """The variable that *path* is read from, or None where taking it apart again would not give *path*: ``model.a__b``."""
    # Two underscores part the segments, wherever they come from; `a._b` is no trap, reading begins at the left.
    if "__" in path or "_." in path or not _PATH.fullmatch(path):
        return None
    return PREFIX + path.upper().replace(".", "__")


def _line(key: str, leaf: _Leaf, name: str | None, twice: bool) -> str:
    value, named, at = leaf
    if name is None:
        cannot = "no variable can be called so"
    elif twice:
        cannot = "another name differs from it in capitals only"
    elif type(value) in _SHORT:
        return f"{name}={value!r}\n"
    else:
        cannot = "" if type(value) in SCALARS else _cannot(value)
        data = plain(value, named, at)
        if not isinstance(data, str) and not cannot and _not_finite(data):
            cannot = "nan and the infinities have no literal"
        written = None if cannot else _quoted(data if isinstance(data, str) else repr(data))
        if written is not None:
            return f"{name}={written}\n"
    return f"# {escaped(key)} = {text(value, named, 200)}  ({cannot or 'its text cannot be quoted'})\n"


def _quoted(value: str) -> str | None:
    """*value* so that a shell and python-dotenv both read it as it is; None where one of them would not."""
    if not value or _BARE.fullmatch(value):
        return value
    if not value.isprintable() or "${" in value:
        return None  # a line ends, a terminal obeys; python-dotenv looks for a variable
    if "'" not in value and "\\\\" not in value and not value.endswith("\\"):
        return f"'{value}'"
    return None if any(letter in value for letter in '"$`\\!') else f'"{value}"'


def _cannot(value: object) -> str:
    """Why text cannot stand for *value*; empty if it can."""
    todo = [value]
    while todo:
        here = todo.pop()
        match here:
            case Opaque() | Cut() | Alias() | Symbol(importable=False):
                return "the record describes it and does not have it"
            case Redacted():
                return "a secret"
            case Array() | range() | slice() | Mapping() | set() | frozenset():
                return "no text is read as one"
            case Made() if not isinstance(plain(here), list | dict):
                return "made anew for each object"
            case Ref():
                return "an object"
            case Typed() | Member():
                todo.append(here.value)  # read by the parameter's annotation or the value it replaces
            case list() | tuple() | dict():
                todo += [part for _, part in children(here)]
            case _:
                pass
    return ""


def _not_finite(data: object) -> bool:
    todo = [data]
    while todo:
        here = todo.pop()
        if isinstance(here, NotFinite):
            return True
        if isinstance(here, list | dict):
            todo.extend(here if isinstance(here, list) else here.values())
    return False
