"""What is known of a tracked callable before it is called: its name, its parameters, their defaults."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import CodeType, FunctionType
from typing import Any
from weakref import ref

from begat.intercept.identity import snap
from begat.introspect.factories import default_of
from begat.record.model import Kind

_CHANGING = (list, dict, set, bytearray)


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked for a class or function: parameters to leave out, parameters to redact, to build it when it is touched."""

    ignore: frozenset[str] = frozenset()
    redact: frozenset[str] = frozenset()
    lazy: bool = False


@dataclass(slots=True, eq=False, weakref_slot=True)
class Schema:
    """
    The parameters of one tracked callable, in the order in which rows hold their values.

    *skip* leading values of the code (``self``, ``cls``) are not in the row; the first *positional* names may be given by
    position. *subject* is the class or function, weakly:
    a record keeps nothing of the program alive. *defaults* are values of the record.
    """

    target: str
    kind: Kind
    subject: Callable[[], Any]
    function: Callable[[], FunctionType | None]
    code: CodeType | None
    names: tuple[str, ...] = ()
    starred: tuple[str | None, str | None] = (None, None)
    skip: int = 0
    positional: int = 0
    defaults: dict[str, object] = field(default_factory=dict)
    options: Options = field(default_factory=Options)
    notes: tuple[str, ...] = ()


def schema_of(
    subject: Any,
    target: str,
    kind: Kind,
    function: FunctionType | None,
    code: CodeType | None,
    defaults: Iterable[Any],
    keywords: dict[str, Any],
    *,
    skip: int,
    options: Options,
    notes: tuple[str, ...],
) -> Schema:
    """The schema of *subject*, built by *function*, whose original code and defaults are given."""
    weak = ref(subject)
    if function is None or code is None:
        return Schema(target, kind, weak, lambda: None, None, options=options, notes=notes)
    named = code.co_argcount + code.co_kwonlyargcount
    positional = bool(code.co_flags & 4)
    count = named + positional + bool(code.co_flags & 8)
    names = code.co_varnames[:count]
    starred = (names[named] if positional else None, names[-1] if code.co_flags & 8 else None)
    given = tuple(defaults)
    known = dict(zip(names[code.co_argcount - len(given) : code.co_argcount], given, strict=True)) | keywords
    if named == 0 and skip:
        skip = 0  # def __init__(*args): the object is taken out of the first of them
    return Schema(
        target,
        kind,
        weak,
        ref(function),
        code,
        names[skip:],
        starred,
        skip,
        max(0, code.co_argcount - skip),
        {name: default_of(subject, name, default, snap) for name, default in known.items()},
        options,
        notes,
    )


def changing_defaults(code: CodeType, defaults: Iterable[Any], keywords: dict[str, Any]) -> dict[int, object]:
    """The defaults that a program may change between calls, by the position of their parameter."""
    given = tuple(defaults)
    found = {i: d for i, d in enumerate(given, code.co_argcount - len(given)) if type(d) in _CHANGING}
    for position in range(code.co_argcount, code.co_argcount + code.co_kwonlyargcount):
        default = keywords.get(code.co_varnames[position])
        if type(default) in _CHANGING:
            found[position] = default
    return found
