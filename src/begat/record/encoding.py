"""Values as JSON-ready data: the tags, one table row each.

A value that JSON has no word for is an object with one key, which begins with ``$``: ``{"$tuple": [1, 2]}``. A dictionary
of the program that could be taken for one, or whose keys are not all plain strings, is ``{"$dict": [[key, value], …]}``.
"""

from __future__ import annotations

import datetime
import decimal
import math
import pathlib
import re
import uuid
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Collection
from typing import Any

from begat.record import limits
from begat.record.engine import engine
from begat.record.values import KEYS, Alias, Array, Cut, Made, Mapping, Member, Opaque, Redacted, Ref, Symbol, Typed


def encode(value: Any, depth: int = 0) -> Any:
    """*value* as JSON-ready data. TypeError if it is no value of a record, ValueError if it is beyond the limits."""
    kind = type(value)
    if kind is str:
        return value if value.isascii() and len(value) <= limits.TEXT else _text(value)
    if kind is int:
        return value if -(1 << 63) <= value < 1 << 63 else {"$int": _digits(value)}
    if kind is float:
        return value if math.isfinite(value) else {"$float": repr(value)}
    if kind is bool or value is None:
        return value
    if depth > limits.WRITTEN_DEPTH:
        raise ValueError("nested too deep")
    if (kind is list or kind is dict or kind in _MANY) and len(value) > limits.ITEMS:
        raise ValueError("too many items")
    if kind is list:
        return [encode(item, depth + 1) for item in value]
    if kind is dict:
        for key in value:
            if type(key) is not str or key[:1] == "$" or not (key.isascii() or is_utf8(key)):
                return {"$dict": _keyed(value, depth + 1)}
        return {key: encode(item, depth + 1) for key, item in value.items()}
    tag, content = _writer(kind)(value, depth + 1)
    return {tag: content}


_MANY = frozenset((tuple, set, frozenset))


def alike(members: Collection[Any]) -> int:
    """How many of *members* have one hash, if that could be many: a set of them takes time with the square of that."""
    return Counter(map(hash, members)).most_common(1)[0][1] if len(members) > limits.ALIKE else 0


def _writer(kind: type) -> Writer:
    writer = _WRITERS.get(kind)
    if writer is None:
        raise TypeError(f"no value of a record: {type_name(kind)}")
    return writer


def type_name(kind: type) -> str:
    """The qualified name of *kind*, without asking its metaclass."""
    return str(type.__dict__["__qualname__"].__get__(kind))


def _text(value: str) -> Any:
    if len(value) > limits.TEXT:
        raise ValueError("too long")
    return value if is_utf8(value) else {"$str": _base64(value.encode("utf-8", "surrogatepass"))}


def is_utf8(text: str) -> bool:
    """Whether *text* can be written: lone surrogates, as in file names of other bytes, cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def encodable(text: str) -> str:
    r"""*text*, with what UTF-8 cannot hold in sight: ``"caf\udce9"``."""
    return text if text.isascii() or is_utf8(text) else text.encode("utf-8", "backslashreplace").decode()


def _digits(value: int) -> str:
    if value.bit_length() > limits.BITS:
        raise ValueError("too long")
    return hex(value)


def _base64(data: bytes) -> str:
    return b64encode(data).decode()


def _pairs(items: Any, depth: int) -> list[Any]:
    return [[encode(key, depth), encode(item, depth)] for key, item in items]


def _keyed(value: dict[Any, Any], depth: int) -> list[Any]:
    _apart(value)
    for key in value:
        if type(key) not in KEYS:
            raise TypeError(f"no key of a record: {type_name(type(key))}")
    return _pairs(value.items(), depth)


def _apart(members: Collection[Any]) -> None:
    if alike(members) > limits.ALIKE:
        raise ValueError("too many with the same hash")


def _sorted(items: Any, depth: int) -> list[Any]:
    if type(items) is not tuple:
        _apart(items)
    # By what is written: hashes, and with them the order of a set, differ from process to process.
    return sorted((encode(item, depth) for item in items), key=engine().dumps)


def _fields(tag: str, *fields: tuple[str, object]) -> Writer:
    """A stand-in as an object of its fields, without those that have their default."""

    def write(value: Any, depth: int) -> tuple[str, Any]:
        parts = ((name, getattr(value, name)) for name, _ in fields)
        return tag, {
            name: encode(part, depth)
            for (name, part), (_, default) in zip(parts, fields, strict=True)
            if part is not default
        }

    return write


def _typed(value: Typed, depth: int) -> tuple[str, Any]:
    content = value.value
    if value.type in ("builtins:set", "builtins:frozenset") and type(content) is tuple:
        return "$typed", {"type": value.type, "value": {"$tuple": _sorted(content, depth)}}
    return "$typed", {"type": encode(value.type), "value": encode(content, depth)}


def _moment(value: Any, depth: int) -> tuple[str, Any]:
    tag, zone = f"${type(value).__name__}", value.tzinfo
    if zone is not None and type(zone) is not datetime.timezone:
        raise TypeError(f"no value of a record: a {type(value).__name__} of a time zone of another type")
    # By its parts too where the offset has microseconds: `fromisoformat` loses them.
    if value.fold == 0 and (zone is None or (len(_zone(zone)) == 1 and not zone.utcoffset(None).microseconds)):
        return tag, value.isoformat()
    return tag, {
        "wall": value.replace(tzinfo=None, fold=0).isoformat(),
        "fold": value.fold,
        "zone": encode(zone, depth),
    }


def _zone(value: Any) -> Any:
    offset, *name = value.__getinitargs__()
    return [[offset.days, offset.seconds, offset.microseconds], *map(encode, name)]


def is_quick(pattern: str | bytes, flags: int) -> bool:
    """Whether a regular expression is soon compiled: short, and no wide range of characters of which each has to be folded."""
    if len(pattern) > limits.PATTERN:
        return False
    if isinstance(pattern, bytes) or not (flags & re.IGNORECASE or _FOLDING.search(pattern)):
        return True
    return not _WIDE.search(pattern)


_FOLDING = re.compile(r"\(\?[a-zA-Z]*i")
_WIDE = re.compile(r"-(?:[^\x00-\x7f]|\\[uUN])")


def _pattern(value: Any, depth: int) -> tuple[str, Any]:
    if not is_quick(value.pattern, value.flags):
        raise ValueError("too costly to read")
    return "$pattern", [encode(value.pattern), int(value.flags) & ~re.DEBUG]  # compiled with DEBUG it would print


def _path(value: Any, depth: int) -> tuple[str, Any]:
    return "$path", [type(value).__name__, encode(str(value))]


Writer = Callable[[Any, int], tuple[str, Any]]

_WRITERS: dict[type, Writer] = {
    tuple: lambda value, depth: ("$tuple", [encode(item, depth) for item in value]),
    set: lambda value, depth: ("$set", _sorted(value, depth)),
    frozenset: lambda value, depth: ("$frozenset", _sorted(value, depth)),
    bytes: lambda value, depth: ("$bytes", _base64(value)),
    complex: lambda value, depth: ("$complex", [encode(value.real), encode(value.imag)]),
    range: lambda value, depth: ("$range", [encode(part) for part in (value.start, value.stop, value.step)]),
    slice: lambda value, depth: ("$slice", [encode(part, depth) for part in (value.start, value.stop, value.step)]),
    type(Ellipsis): lambda value, depth: ("$ellipsis", True),
    datetime.datetime: _moment,
    datetime.time: _moment,
    datetime.date: lambda value, depth: ("$date", value.isoformat()),
    datetime.timedelta: lambda value, depth: ("$timedelta", [value.days, value.seconds, value.microseconds]),
    datetime.timezone: lambda value, depth: ("$timezone", _zone(value)),
    decimal.Decimal: lambda value, depth: ("$decimal", str(value)),
    uuid.UUID: lambda value, depth: ("$uuid", value.hex),
    re.Pattern: _pattern,
    **dict.fromkeys((pathlib.PurePosixPath, pathlib.PureWindowsPath, type(pathlib.Path())), _path),
    Ref: lambda value, depth: ("$ref", value.node if value.run is None else {"node": value.node, "run": value.run}),
    Symbol: _fields("$symbol", ("target", ...), ("kind", ...), ("importable", True), ("code", None)),
    Member: _fields("$member", ("type", ...), ("name", ...), ("value", None)),
    Typed: _typed,
    Array: lambda value, depth: (
        "$array",
        {
            "type": encode(value.type),
            "dtype": encode(value.dtype),
            "shape": [encode(size) for size in value.shape],
            "data": encode(value.data, depth),
        },
    ),
    Opaque: lambda value, depth: (
        "$opaque",
        {"type": encode(value.type), **({"facts": encode(value.facts, depth)} if value.facts else {})},
    ),
    Cut: _fields("$cut", ("type", ...), ("length", ...), ("head", None), ("digest", None)),
    Redacted: _fields("$redacted", ("type", ...), ("reason", ...)),
    Alias: lambda value, depth: ("$alias", encode(value.path)),
    Made: lambda value, depth: ("$made", encode(value.factory, depth)),
    Mapping: lambda value, depth: ("$mapping", _pairs(value.items, depth)),
}


# What each tag means, for the JSON Schema; a test holds it to the readers.
TAGS: dict[str, str] = {
    "$tuple": "a tuple: its items",
    "$set": "a set: its members, sorted by their JSON",
    "$frozenset": "a frozenset: its members, sorted by their JSON",
    "$dict": "a dictionary: pairs of key and value",
    "$mapping": "a dictionary whose keys are not all scalars: pairs of key and value",
    "$str": "a text that UTF-8 cannot hold: base64 of UTF-8 with surrogates",
    "$int": "an integer beyond 64 bits: hexadecimal digits",
    "$float": "nan, inf or -inf",
    "$bytes": "bytes: base64",
    "$complex": "a complex number: real and imaginary part",
    "$range": "a range: start, stop, step",
    "$slice": "a slice: start, stop, step",
    "$ellipsis": "the Ellipsis",
    "$datetime": "a datetime: ISO 8601, or its parts",
    "$time": "a time: ISO 8601, or its parts",
    "$date": "a date: ISO 8601",
    "$timedelta": "a duration: days, seconds, microseconds",
    "$timezone": "a fixed time zone: its offset as a duration, its name if it has one",
    "$decimal": "a decimal number",
    "$uuid": "a UUID: 32 hexadecimal digits",
    "$path": "a path: the class of pathlib, the path",
    "$pattern": "a regular expression: its text, its flags",
    "$ref": "the object that a node built: the id of the node, or node and run",
    "$symbol": "a class, function or module: target, kind, importable, code",
    "$member": "a member of an enumeration: type, name, value",
    "$typed": "a value whose type says more than its content: type, value",
    "$array": "a small array: type, dtype, shape, data",
    "$opaque": "something described and not kept: type, facts",
    "$cut": "a value too long to keep: type, length, head, digest",
    "$redacted": "a secret that was not recorded: type, reason",
    "$alias": "the same container as at this path of the argument",
    "$made": "what a default factory makes anew: the factory",
}
