"""What an argument's value can be in a record: a closed set of plain, frozen data.

A value is either itself (``None``, ``bool``, ``int``, ``float``, ``str``, ``bytes``, ``complex``, the exact standard
library values of `EXACT`, and lists, tuples, dicts and sets of values), or one of the classes below, which stand for
what cannot or must not be kept. Nothing here refers to an object of the user's program, and nothing here imports one.
"""

from __future__ import annotations

import datetime
import decimal
import pathlib
import re
import uuid
from dataclasses import dataclass, field

# Standard library values that are data through and through: kept as they are, written exactly, read back equal.
EXACT = (
    bytes,
    complex,
    range,
    slice,
    type(Ellipsis),
    datetime.datetime,
    datetime.date,
    datetime.time,
    datetime.timedelta,
    datetime.timezone,
    decimal.Decimal,
    uuid.UUID,
    pathlib.PurePath,
    re.Pattern,
)


# What most values are. By type, and so not for those of the program: to hash a type runs its metaclass's ``__hash__``.
NUMBERS = frozenset((type(None), bool, int, float))
SCALARS = NUMBERS | {str}
KEYS = SCALARS | {bytes}  # what a dictionary may have as keys; one with others is a `Mapping`


@dataclass(frozen=True, slots=True)
class Ref:
    """The object that node *node* built: an edge. *run* is set when that node belongs to another run."""

    node: int
    run: str | None = None


@dataclass(frozen=True, slots=True)
class Symbol:
    """A class, function or module, by name: ``"torch.nn.functional:relu"``.

    *kind* is ``"class"``, ``"function"`` or ``"module"``. What cannot be imported by that name (a lambda, a closure, a
    bound method) has *importable* False and, where there is code, its fingerprint in *code*.
    """

    target: str
    kind: str = "class"
    importable: bool = True
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an enumeration: its class, its name (``"A|B"`` for flags) and its value."""

    type: str
    name: str
    value: object = None


@dataclass(frozen=True, slots=True)
class Typed:
    """A value whose type says more than its content: a ``dict`` subclass, a namedtuple, a numpy scalar, a torch dtype.

    *type* is ``"module:qualname"`` and *value* the content as a plain value.
    """

    type: str
    value: object


@dataclass(frozen=True, slots=True)
class Array:
    """A small array or tensor, whole: *data* is the nested list of its elements."""

    type: str
    dtype: str
    shape: tuple[int, ...]
    data: object


@dataclass(frozen=True, slots=True)
class Opaque:
    """Something described and not kept: its type, and the facts that could be had without asking it anything.

    *facts* may hold ``length``, ``shape``, ``dtype``, ``nbytes``, ``device``, ``columns``, ``reason``, …: plain values only.
    """

    type: str
    facts: dict[str, object] = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash(self.type)


@dataclass(frozen=True, slots=True)
class Cut:
    """A value too long to keep: *head* is its beginning, *length* its full length, *digest* ``"sha256:…"`` of all of it.

    *type* is ``"str"``, ``"bytes"``, ``"int"`` (length in bits, no head), ``"list"``, ``"tuple"``, ``"dict"``, ``"set"`` …
    """

    type: str
    length: int
    head: object = None
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Redacted:
    """A secret that was not recorded: the type it had, and why it was taken for one."""

    type: str
    reason: str


@dataclass(frozen=True, slots=True)
class Alias:
    """The same mutable container as at *path* of this argument (``""`` is the argument itself): sharing, or a cycle."""

    path: str


@dataclass(frozen=True, slots=True)
class Made:
    """What a default factory makes anew for each object: ``field(default_factory=list)``."""

    factory: object


@dataclass(frozen=True, slots=True)
class Mapping:
    """A dictionary whose keys are not all plain scalars: its items in order, as pairs of values."""

    items: tuple[tuple[object, object], ...]
