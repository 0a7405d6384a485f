"""Descriptions of builtin values and of their subclasses, which are read through the builtin type's own methods."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any

from begat.introspect.targets import dict_of, name_of
from begat.record.values import SCALARS, Cut, Opaque, Typed

if TYPE_CHECKING:
    from begat.introspect.describe import Description, Handler, Limits


def are_scalars(items: Iterable[Any], limits: Limits) -> bool:
    """Whether all of *items* are exact scalars within *limits*."""
    longest, widest = limits.text, limits.bits
    for item in items:
        kind = type(item)
        if kind is str:
            if len(item) > longest:
                return False
        elif kind is int:
            if item.bit_length() > widest:  # less than half the time of comparing with a bound
                return False
        elif kind is not float and kind is not bool and item is not None:
            return False
    return True


def text(value: str, d: Description) -> object:
    """A string, or its beginning and its digest."""
    exact = str.__str__(value)
    if len(exact) <= d.limits.text:
        return exact
    digest = _digest(exact.encode("utf-8", "surrogatepass")) if len(exact) <= d.limits.digest else None
    return Cut("str", len(exact), exact[: d.limits.head], digest)


def octets(value: bytes, d: Description) -> object:
    """A byte string, or its beginning and its digest."""
    exact = bytes.__getitem__(value, slice(None))
    if len(exact) <= d.limits.text:
        return exact
    return Cut("bytes", len(exact), exact[: d.limits.head], _digest(exact) if len(exact) <= d.limits.digest else None)


def integer(value: int, d: Description) -> object:
    """An integer, or its length in bits."""
    length = int.bit_length(value)
    return int.__pos__(value) if length <= d.limits.bits else Cut("int", length)


def elements(value: list[object], d: Description) -> object:
    """A list."""
    alias = d.alias(value)
    if alias is not None:
        return alias
    if type(value) is list:
        length = len(value)
        items = value[: d.room(length)]
    else:
        length = list.__len__(value)
        items = list.__getitem__(value, slice(0, d.room(length)))
    described = items if are_scalars(items, d.limits) else d.parts(items)
    return described if len(items) >= length else Cut("list", length, described or None)


def fixed(value: tuple[object, ...], d: Description) -> object:
    """A tuple; a namedtuple as a dictionary of its fields."""
    length = tuple.__len__(value)
    items = tuple.__getitem__(value, slice(0, d.room(length)))
    if len(items) < length:
        return Cut("tuple", length, tuple(d.parts(items)) or None)
    fields: Any = dict_of(type(value)).get("_fields") if type(value) is not tuple else None
    if type(fields) is tuple and len(fields) == length and all(type(name) is str for name in fields):
        return d.pairs(list(zip(fields, items, strict=True)))
    return items if are_scalars(items, d.limits) else tuple(d.parts(items))


def mapping(value: dict[Any, Any], d: Description) -> object:
    """A dictionary, in the order of insertion."""
    return d.alias(value) or items_of(value, dict.__len__(value), dict.items(value), d)


def items_of(value: object, length: int, items: Iterable[tuple[Any, Any]], d: Description) -> object:
    """The *items* of the dictionary-like *value*."""
    room = d.room(length)
    try:
        pairs = list(islice(items, room))
    except RuntimeError:
        return changed(value, length)
    described = d.pairs(pairs)
    return described if room >= length else Cut("dict", length, described if pairs else None)


def bag(value: set[object], d: Description) -> object:
    """A set."""
    return d.alias(value) or _members(value, set.__len__(value), set.__iter__(value), set, d)


def frozen_bag(value: frozenset[object], d: Description) -> object:
    """A frozenset."""
    return _members(value, frozenset.__len__(value), frozenset.__iter__(value), frozenset, d)


def _members(value: object, length: int, members: Iterable[object], kind: type, d: Description) -> object:
    room = d.room(length)
    if room < length:
        return Cut(kind.__name__, length)  # no head: which members come first differs from process to process
    try:
        items = list(members)
    except RuntimeError:
        return changed(value, length)
    described = [d.part(item, "") for item in items]
    if all(map(_is_hashable_data, described)):
        return kind(described)
    return Typed(f"builtins:{kind.__name__}", tuple(sorted(described, key=_order)))


def changed(value: object, length: int) -> Opaque:
    """What is left of a container that another thread changed while it was read."""
    return Opaque(name_of(type(value)), {"length": length, "reason": "changed while it was read"})


_LEAVES = SCALARS | {bytes, complex}


def _is_hashable_data(described: object) -> bool:
    # Described data only: hashing a type of ours or of the builtins asks nobody.
    kind = type(described)
    if kind is tuple or kind is frozenset:
        return all(map(_is_hashable_data, described))  # type: ignore[call-overload]  # it is a container
    return kind in _LEAVES


def _order(described: object) -> str:
    """A sort key that is the same in every process, as far as one can be had before the `Link`s are resolved."""
    kind = type(described)
    if kind is tuple:
        return f"tuple {[_order(item) for item in described]}"  # type: ignore[attr-defined]  # it is a tuple
    # Not `repr` of all: the repr of a weak reference inside a `Link` asks its object for a name.
    return f"{kind.__name__} {described!r}" if kind in _LEAVES else kind.__name__


def _digest(data: bytes) -> str:
    import hashlib

    return f"sha256:{hashlib.sha256(data).hexdigest()}"


BASES: tuple[tuple[type, Handler], ...] = (
    (str, text),
    (bytes, octets),
    (int, integer),
    (float, lambda value, d: float.__pos__(value)),
    (complex, lambda value, d: complex.__pos__(value)),
    (list, elements),
    (tuple, fixed),
    (dict, mapping),
    (set, bag),
    (frozenset, frozen_bag),
)
