"""Values for people: JSON-ready data (`plain`) and one line of code-like text (`text`). Both lose detail; the record does not."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable, Container, Iterable, Iterator
from pathlib import PurePath
from typing import Any

from begat.record.encoding import encodable
from begat.record.names import short
from begat.record.values import Alias, Array, Cut, Made, Mapping, Member, Opaque, Redacted, Ref, Symbol, Typed

Named = Callable[[Ref], str]

# What the factories that people name most often make.
_EMPTY = {"list": "[]", "dict": "{}", "set": "set()", "tuple": "()"}

# What people call to make one.
_ARRAYS = {"ndarray": "array", "Tensor": "tensor"}

# Above this many bits Python refuses to write an int in decimals (its limit is 4,300 digits).
_DECIMAL_BITS = 14_000


class NotFinite(str):
    """The text of a float that JSON cannot say; writers of formats that can, such as YAML, tell it by its type."""

    __slots__ = ()


def plain(value: object, named: Named | None = None, at: str = "") -> Any:
    """
    *value* as JSON-ready data, for logging and reading: tuples become lists, what was not kept becomes a short text.

    *named* gives the text for a `Ref`; *at* is the path of *value*, for aliases inside it.
    """
    kind = type(value)
    if kind is str:
        return encodable(value)  # type: ignore[arg-type]  # narrowed by type()
    if value is None or kind is bool:
        return value
    if kind is int:
        return value if value.bit_length() <= _DECIMAL_BITS else _describe(value)  # type: ignore[attr-defined]
    if kind is float:
        # NaN and the infinities are not JSON; `value - value` is 0 for every other float.
        return value if value - value == 0 else NotFinite(value)  # type: ignore[operator]
    if kind is list or kind is tuple:
        return [plain(item, named, at) for item in value]  # type: ignore[attr-defined]
    if kind is dict:
        return keyed(((key, plain(item, named, at)) for key, item in value.items()), named)  # type: ignore[attr-defined]
    return _plain_rest(value, named, at)


def _plain_rest(value: object, named: Named | None, at: str) -> Any:
    match value:
        case set() | frozenset():
            return [plain(item, named, at) for item in in_order(value)]
        case Mapping():
            return keyed(((key, plain(item, named, at)) for key, item in value.items), named)
        case Typed(type="types:GenericAlias" | "types:UnionType"):
            return text(value, named)
        case Typed():
            return _dtype(value) or plain(value.value, named, at)
        case Array():
            return plain(value.data, named, at)
        case Made(Symbol("builtins:list" | "builtins:set" | "builtins:tuple")):
            return []
        case Made(Symbol("builtins:dict")):
            return {}
        case Cut() if value.head is not None:
            head = plain(value.head, named, at)
            more = f"… ({_count(value)})"
            match head:
                case list():
                    return [*head, more]
                case dict():
                    return {**head, "…": f"({_count(value)})"}
                case _:
                    return f"{head}{more}"
        case Alias():
            return "@" + ".".join(filter(None, (at, value.path)))
        case Ref():
            return "@" + (named or nameless)(value)
        case _:
            return encodable(_describe(value))


def text(value: object, named: Named | None = None, limit: int = 1_000_000) -> str:
    """*value* as one line that reads like code, of at most *limit* characters, without any control character."""
    written = "".join(_pieces(value, named or nameless, limit))
    return elided(escaped(written), limit)


def _pieces(value: object, named: Named, room: int) -> Iterable[str]:
    """The text of *value* in pieces; stops soon after *room* characters, so that a long list costs no more than its head."""

    def joined(items: Iterable[tuple[str, object]]) -> Iterator[str]:
        used = 0
        for position, (lead, item) in enumerate(items):
            piece = f"{', ' if position else ''}{lead}{''.join(_pieces(item, named, room - used))}"
            yield piece
            used += len(piece)
            if used > room:
                break

    match value:
        case str():
            yield repr(elided(value, room))
        case Ref():
            yield named(value)
        case list() | tuple() | set() | frozenset():
            opening, closing = {list: ("[", "]"), tuple: ("(", ")")}.get(type(value), ("{", "}"))
            items = value if isinstance(value, list | tuple) else in_order(value)
            yield opening
            yield from joined(("", item) for item in items)
            yield ",)" if type(value) is tuple and len(value) == 1 else closing
        case dict() | Mapping():
            pairs = value.items() if isinstance(value, dict) else value.items
            yield "{"
            yield from joined((f"{''.join(_pieces(key, named, room))}: ", item) for key, item in pairs)
            yield "}"
        case Symbol(importable=True):
            yield value.target.partition(":")[2] or value.target
        case Member():
            yield f"{short(value.type)}.{value.name}"
        case Typed():
            yield _spelled(value, named, room) or "".join(_pieces(value.value, named, room))
        case Array():
            called = short(value.type)
            yield f"{_ARRAYS.get(called, called)}("
            yield from _pieces(value.data, named, room)
            yield ")"
        case Cut() if value.head is not None:
            yield "".join(_pieces(value.head, named, room)) + f"… ({_count(value)})"
        case Alias():
            yield f"@{value.path}"
        case _:
            yield _describe(value)


def _describe(value: object) -> str:
    """The short text for a value that is neither a container nor a string."""
    match value:
        case int() if value.bit_length() > _DECIMAL_BITS:
            return f"<int of {value.bit_length():,} bits>"
        case Symbol():
            name = value.target.rpartition(".")[2]
            kind = "lambda" if name.endswith("<lambda>") else value.kind
            return value.target if value.importable else f"<{kind} {value.target}>"
        case Member():
            return value.name
        case Redacted():
            return "***"
        case Made():
            made = _describe(value.factory).removeprefix("builtins:")
            return _EMPTY.get(made) or f"<factory {made.removeprefix('<').removesuffix('>')}>"
        case Cut():
            return f"<{short(value.type)} of {_count(value)}>"
        case Opaque():
            return _opaque(value)
        case datetime.datetime() | datetime.date() | datetime.time():
            return value.isoformat()
        case re.Pattern():
            return str(value.pattern)
        case bytes() | complex() | range() | slice() | None | bool() | int() | float():
            return repr(value)
        case PurePath() | datetime.timedelta() | datetime.timezone():
            return str(value)
        case _ if value is ...:
            return "..."
        case _ if type(value).__module__ in ("decimal", "uuid"):
            return str(value)
        case _:  # no value of a record; never ask a stranger for its repr
            return f"<{type(value).__name__}>"


def _opaque(value: Opaque) -> str:
    module, _, name = value.type.rpartition(":")
    package = module.partition(".")[0]
    words = [name.rpartition(".")[2]] if package in ("", "builtins", "__main__") else [package, name.rpartition(".")[2]]
    shape, length, dtype = (value.facts.get(fact) for fact in ("shape", "length", "dtype"))
    if isinstance(shape, list | tuple):
        words.append("x".join(text(side, limit=20) for side in shape) or "scalar")
    elif length is not None:
        words += ["of", text(length, limit=20)]
    if dtype is not None:
        words.append(str(plain(dtype))[:60])
    return f"<{' '.join(words)}>"


def _spelled(value: Typed, named: Named, room: int) -> str | None:
    """What people write for a value whose parts alone would not tell what it is."""

    def spelled(part: object) -> str:
        return "None" if part == _NONE else "".join(_pieces(part, named, room))

    match value:
        case Typed("functools:partial", {"func": func, "args": tuple() as args, "keywords": dict() as keywords}):
            parts = [*map(spelled, (func, *args)), *(f"{name}={spelled(part)}" for name, part in keywords.items())]
            return f"partial({', '.join(parts)})"
        case Typed("types:GenericAlias", {"origin": origin, "args": tuple() as args}):
            return f"{spelled(origin)}[{', '.join(map(spelled, args))}]"
        case Typed("types:UnionType", tuple() as args):
            return " | ".join(map(spelled, args))
    return _dtype(value)


_NONE = Symbol("builtins:NoneType", importable=False)


def _dtype(value: Typed) -> str | None:
    """``torch.float32`` for a dtype: the bare name says less than people write."""
    if value.type.rpartition(":")[2] == "dtype" and isinstance(value.value, str):
        name = value.value
        return f"{value.type.partition(':')[0].partition('.')[0]}.{name}" if name.isidentifier() else name
    return None


def _count(value: Cut) -> str:
    unit = {"str": "characters", "bytes": "bytes", "int": "bits"}.get(value.type, "items")
    return f"{value.length:,} {unit}"


def keyed(items: Iterable[tuple[object, Any]], named: Named | None = None) -> dict[str, Any]:
    """A dict whose keys are texts; keys that read the same (``1`` and ``"1"``) stay apart."""
    found: dict[str, Any] = {}
    for key, item in items:
        name = encodable(key) if type(key) is str else text(key, named)
        found[fresh(name, found)] = item
    return found


def fresh(key: str, taken: Container[str]) -> str:
    """*key*, or with ``:2``, ``:3``, … behind it when it is among *taken*."""
    if key not in taken:
        return key
    # By doubling and halving: one after the other, very many equal keys would take for ever.
    last, free = 1, 2
    while f"{key}:{free}" in taken:
        last, free = free, 2 * free
    while free - last > 1:
        middle = (last + free) // 2
        if f"{key}:{middle}" in taken:
            last = middle
        else:
            free = middle
    return f"{key}:{free}"


def in_order(items: Iterable[object]) -> list[object]:
    """The items of a set in an order that does not depend on the process's hash seed."""
    return sorted(items, key=lambda item: (type(item).__name__ not in ("int", "float", "bool"), *_rank(item)))


def _rank(item: object) -> tuple[float, str]:
    return (item, "") if isinstance(item, int | float) and not math.isnan(item) else (0, text(item))


def nameless(ref: Ref) -> str:
    """The text for a `Ref` when the run is not at hand."""
    return f"{ref.run}/{ref.node}" if ref.run else f"#{ref.node}"


def escaped(value: str) -> str:
    """*value* with everything a terminal could take for a command (control, bidirectional, unassigned) written out."""
    if value.isprintable():
        return value
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in value)


def elided(value: str, limit: int) -> str:
    """*value*, or its beginning and ``…`` when it is longer than *limit*."""
    return value if len(value) <= limit else value[: max(limit - 1, 0)] + "…"
