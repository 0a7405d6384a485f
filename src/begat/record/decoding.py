"""Values from JSON data, the counterpart of `begat.record.encoding`; nothing that a record names is imported or called."""

from __future__ import annotations

import datetime
import decimal
import pathlib
import re
import threading
import uuid
import warnings
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from begat.record import limits
from begat.record.encoding import alike, is_quick
from begat.record.values import (
    KEYS,
    NUMBERS,
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

_DIGITS = limits.BITS // 4
_LIST, _DICT, _ITEM = 160, 250, 40  # bytes, about: of an empty one, and of each item with what it says
# As much time goes with a character of a regular expression as with so many bytes of a list.
_COMPILED, _SHORTEST = 2000, 50


class Malformed(Exception):
    """What is wrong with a record, and where in it."""

    def __init__(self, what: str, where: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where


class _Room(threading.local):
    """What may still be made in this thread of the record that is being read: bytes of memory, about."""

    left: float = 1e18

    def take(self, size: float) -> None:
        """So many bytes were taken, or will be. `Malformed` if they are too many."""
        self.left = left = self.left - size
        if left < 0:
            self.check(0)

    def check(self, size: float) -> None:
        """`Malformed` if there is no room for so many bytes."""
        if size > self.left:
            allowed = limits.memory()
            raise Malformed(
                f"what it would become takes more than {allowed:,} MB of memory; {limits.MEMORY}={2 * allowed} in the "
                "environment lets it take twice that"
            )


ROOM = _Room()


@contextmanager
def measured() -> Iterator[None]:
    """All that is decoded inside the block is one record, which may take so much memory and no more."""
    before = ROOM.left
    ROOM.left = min(before, limits.memory() * 1e6)
    try:
        yield
    finally:
        ROOM.left = before


def decode(data: Any, depth: int = 0) -> Any:
    """The value that `encode` turned into *data*, whose lists and dictionaries become its own. `Malformed` if there is none."""
    kind = type(data)
    if kind is str:
        if len(data) > limits.TEXT:
            raise Malformed(f"a text longer than {limits.TEXT:,} characters")
        return data
    if kind is not list and kind is not dict:
        return data
    if depth > limits.READ_DEPTH:
        raise Malformed(f"nested deeper than {limits.READ_DEPTH}")
    if len(data) > limits.ITEMS:
        raise Malformed(f"more than {limits.ITEMS:,} items")
    if kind is list:
        return _items(data, depth)
    for key in data:
        if key[:1] == "$":
            return _tagged(data, depth)
    ROOM.take(_DICT + 2 * _ITEM * len(data))
    for key, item in data.items():
        if type(item) not in NUMBERS:
            try:
                data[key] = decode(item, depth + 1)
            except Malformed as error:
                raise Malformed(error.what, f".{key}{error.where}") from None
    return data


def _apart(members: list[Any]) -> None:
    """Refuse *members* that have one hash, so many that a set of them would take long: numbers can be chosen like that."""
    often = alike(members)
    if often > limits.ALIKE:
        raise Malformed(f"{often:,} members with the same hash")


def _items(data: Any, depth: int) -> list[Any]:
    if len(_expect(data, list)) > limits.ITEMS:
        raise Malformed(f"more than {limits.ITEMS:,} items")
    ROOM.take(_LIST + _ITEM * len(data))
    for position, item in enumerate(data):
        if type(item) not in NUMBERS:
            try:
                data[position] = decode(item, depth + 1)
            except Malformed as error:
                raise Malformed(error.what, f"[{position}]{error.where}") from None
    return data  # type: ignore[no-any-return]  # a list, by _expect


def _tagged(data: dict[str, Any], depth: int) -> Any:
    tag, *more = data
    if more:
        raise Malformed(f"an object with {tag!r:.40} beside other keys")
    reader = _READERS.get(tag)
    if reader is None:
        raise Malformed(f"unknown tag {tag!r:.40}")
    ROOM.take(_DICT)
    try:
        return reader(data[tag], depth)
    except Malformed as error:
        raise Malformed(error.what, f".{tag}{error.where}") from None
    except RecursionError:
        raise
    except (ValueError, TypeError, OverflowError, ArithmeticError, re.error, MemoryError) as error:
        raise Malformed(f"no {tag[1:]}: {error}", f".{tag}") from None


def _expect(data: Any, *kinds: type) -> Any:
    if type(data) not in kinds:
        raise Malformed(f"{type(data).__name__} instead of {' or '.join(kind.__name__ for kind in kinds)}")
    return data


def _object(*fields: tuple[str, tuple[type, ...], bool]) -> Callable[[Any, int], dict[str, Any]]:
    """A reader of an object with these *fields*: name, types allowed (none: any value), required."""
    known = {name: kinds for name, kinds, _ in fields}
    required = {name for name, _, needed in fields if needed}

    def read(data: Any, depth: int) -> dict[str, Any]:
        _expect(data, dict)
        for name in required - data.keys():
            raise Malformed(f"{name!r} is missing")
        out = {}
        for name, item in data.items():
            if name not in known:
                raise Malformed(f"unknown key {name!r:.40}")
            try:
                out[name] = decode(item, depth + 1)
                if known[name]:
                    _expect(out[name], *known[name])
            except Malformed as error:
                raise Malformed(error.what, f".{name}{error.where}") from None
        return out

    return read


def _make(kind: type, *fields: tuple[str, tuple[type, ...], bool]) -> Reader:
    read = _object(*fields)
    return lambda data, depth: kind(**read(data, depth))


def _ref(data: Any, depth: int) -> Ref:
    return Ref(data) if type(data) is int else Ref(**_ref_parts(data, depth))


def _array(data: Any, depth: int) -> Array:
    parts = _array_parts(data, depth)
    for size in parts["shape"]:
        _expect(size, int)
    return Array(**{**parts, "shape": tuple(parts["shape"])})


def _pair_list(data: Any, depth: int) -> list[tuple[Any, Any]]:
    pairs = _items(data, depth)
    for position, pair in enumerate(pairs):
        if type(pair) is not list or len(pair) != 2:
            raise Malformed("not a pair", f"[{position}]")
    return [(key, item) for key, item in pairs]


def _dictionary(data: Any, depth: int) -> dict[Any, Any]:
    pairs = _pair_list(data, depth)
    for position, (key, _) in enumerate(pairs):
        try:
            _expect(key, *KEYS)
        except Malformed as error:
            raise Malformed(error.what, f"[{position}][0]") from None
    _apart([key for key, _ in pairs])
    out = dict(pairs)
    if len(out) != len(pairs):
        raise Malformed("a key occurs twice")
    return out


def _members(kind: type) -> Reader:
    def read(data: Any, depth: int) -> Any:
        items = _items(data, depth)
        _apart(items)
        members = kind(items)
        if len(members) != len(items):
            raise Malformed("a member occurs twice")
        return members

    return read


def _integer(data: Any, depth: int) -> int:
    digits = _expect(data, str)
    if not re.fullmatch(r"-?0x[0-9a-f]+", digits) or len(digits) > _DIGITS + 3:
        raise Malformed(f"not hexadecimal digits, at most {_DIGITS:,}")
    return int(digits, 16)


def _float(data: Any, depth: int) -> float:
    if data not in ("nan", "inf", "-inf"):
        raise Malformed("neither 'nan' nor 'inf' nor '-inf'")
    return float(data)


def _numbers(data: Any, depth: int, count: int, *kinds: type) -> list[Any]:
    items = _items(data, depth)
    if len(items) != count:
        raise Malformed(f"{len(items)} items instead of {count}")
    return [_expect(item, *kinds) for item in items]


def _when(kind: Any) -> Reader:
    read = _object(("wall", (str,), True), ("fold", (int,), True), ("zone", (datetime.timezone, type(None)), True))

    def moment(data: Any, depth: int) -> Any:
        if type(data) is str:
            return kind.fromisoformat(data)
        parts = read(data, depth)
        return kind.fromisoformat(parts["wall"]).replace(fold=parts["fold"], tzinfo=parts["zone"])

    return moment


def _timezone(data: Any, depth: int) -> datetime.timezone:
    offset, *name = _expect(data, list)
    return datetime.timezone(datetime.timedelta(*_numbers(offset, depth, 3, int)), *(decode(part) for part in name))


def _path_from(data: Any, depth: int) -> pathlib.PurePath:
    name, text = _numbers(data, depth, 2, str)
    here = type(pathlib.Path())
    # A path of the other system cannot be made here; as a pure path it says the same.
    kinds: dict[str, type[pathlib.PurePath]] = {
        "PosixPath": pathlib.PurePosixPath,
        "WindowsPath": pathlib.PureWindowsPath,
        here.__name__: here,
    }
    kinds |= {"PurePosixPath": pathlib.PurePosixPath, "PureWindowsPath": pathlib.PureWindowsPath}
    if name not in kinds:
        raise Malformed(f"unknown path {name!r:.40}")
    return kinds[name](text)


def _pattern_from(data: Any, depth: int) -> re.Pattern[Any]:
    pattern, flags = _numbers(data, depth, 2, str, bytes, int)
    if not is_quick(pattern, _expect(flags, int)):
        raise Malformed(
            f"a regular expression that would take long to compile, or of more than {limits.PATTERN:,} characters"
        )
    return _compiled(pattern, flags & ~re.DEBUG)


@lru_cache(maxsize=1024)
def _compiled(pattern: str | bytes, flags: int) -> re.Pattern[Any]:
    ROOM.take((_SHORTEST + len(pattern)) * _COMPILED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is the program's that made it, not of who reads the record
        return re.compile(pattern, flags)


Reader = Callable[[Any, int], Any]
_NONE = type(None)
_TYPE, _VALUE = ("type", (str,), True), ("value", (), True)
_ref_parts = _object(("node", (int,), True), ("run", (str,), True))
_array_parts = _object(_TYPE, ("dtype", (str,), True), ("shape", (list,), True), ("data", (), True))

_READERS: dict[str, Reader] = {
    "$tuple": lambda data, depth: tuple(_items(data, depth)),
    "$set": _members(set),
    "$frozenset": _members(frozenset),
    "$dict": _dictionary,
    "$str": lambda data, depth: b64decode(_expect(data, str), validate=True).decode("utf-8", "surrogatepass"),
    "$int": _integer,
    "$float": _float,
    "$bytes": lambda data, depth: b64decode(_expect(data, str), validate=True),
    "$complex": lambda data, depth: complex(*_numbers(data, depth, 2, float)),
    "$range": lambda data, depth: range(*_numbers(data, depth, 3, int)),
    "$slice": lambda data, depth: slice(*_numbers(data, depth, 3, int, _NONE)),
    "$ellipsis": lambda data, depth: ...,
    "$datetime": _when(datetime.datetime),
    "$time": _when(datetime.time),
    "$date": lambda data, depth: datetime.date.fromisoformat(_expect(data, str)),
    "$timedelta": lambda data, depth: datetime.timedelta(*_numbers(data, depth, 3, int)),
    "$timezone": _timezone,
    "$decimal": lambda data, depth: decimal.Decimal(_expect(data, str)),
    "$uuid": lambda data, depth: uuid.UUID(hex=_expect(data, str)),
    "$path": _path_from,
    "$pattern": _pattern_from,
    "$ref": _ref,
    "$symbol": _make(
        Symbol,
        ("target", (str,), True),
        ("kind", (str,), True),
        ("importable", (bool,), False),
        ("code", (str,), False),
    ),
    "$member": _make(Member, _TYPE, ("name", (str,), True), ("value", (), False)),
    "$typed": _make(Typed, _TYPE, _VALUE),
    "$array": _array,
    "$opaque": _make(Opaque, _TYPE, ("facts", (dict,), False)),
    "$cut": _make(Cut, _TYPE, ("length", (int,), True), ("head", (), False), ("digest", (str,), False)),
    "$redacted": _make(Redacted, _TYPE, ("reason", (str,), True)),
    "$alias": lambda data, depth: Alias(_expect(decode(data), str)),
    "$made": lambda data, depth: Made(decode(data, depth + 1)),
    "$mapping": lambda data, depth: Mapping(tuple(_pair_list(data, depth))),
}
