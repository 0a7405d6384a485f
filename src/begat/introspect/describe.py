"""Values as data: what an argument was at the moment of the call.

The objects of the program are asked nothing but ``type(x)``: no ``==``, hash, ``bool``, ``len``, ``iter``, ``repr``,
``isinstance`` or attribute of theirs is used. Only builtin and library types that are known exactly are read, through
their own C methods, and what is kept refers to no object of the program.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from begat.errors import is_ours
from begat.introspect.targets import UNKNOWN, dict_of, name_of
from begat.record.values import SCALARS, Alias, Cut, Mapping, Opaque, Typed


class Link(tuple):  # type: ignore[type-arg]  # what it holds is the recorder's business
    """``Link((ref, schema))``: a tracked object among the values, to be resolved into a `Ref` when somebody looks."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a value is kept. What is beyond becomes a `Cut` that says how much there was.

    *items* is for one container, *total* for all of one argument; *text* counts characters or bytes, of which *head*
    are kept when there are more and all are digested up to *digest*; *bits* is for integers, *elements* for arrays.
    """

    depth: int = 24
    items: int = 1_000
    total: int = 10_000
    text: int = 65_536
    head: int = 200
    digest: int = 16_000_000
    bits: int = 16_800
    elements: int = 256


LIMITS = Limits()

Linker = Callable[[object], "Link | None"]
Handler = Callable[[Any, "Description"], object]

# By id: a dictionary keyed by types runs the `__hash__` of a metaclass. The type beside it stays alive, so its id is its own.
_EXACT: dict[int, tuple[type, Handler]] = {}


def register(kind: type, handler: Handler) -> None:
    """Let ``handler(value, description)`` describe the values whose type is exactly *kind*."""
    _EXACT[id(kind)] = (kind, handler)


def registered(kind: type) -> Handler | None:
    """What describes values whose type is exactly *kind*, if that was registered."""
    entry = _EXACT.get(id(kind))
    return None if entry is None else entry[1]


def snapshot(value: Any, link: Linker, limits: Limits = LIMITS) -> object:
    """
    Describe *value* as it is now, as a value of `begat.record.values`.

    *link* is asked for every object that is no builtin scalar or container, and answers with the `Link` of a tracked
    object or None; a `Link` is a leaf of the result. Never raises an `Exception`: what fails is an `Opaque` that says so.
    """
    try:
        # Flat containers of scalars are nearly all there is. A list or dict is copied first, in one step of C, so that
        # no other thread comes between the look and the copy.
        kind = type(value)
        if kind is list:
            if len(value) <= limits.items and _scalars(items := value[:], limits):
                return items
        elif kind is tuple:
            if len(value) <= limits.items and _scalars(value, limits):
                return value
        elif kind is dict and len(value) <= limits.items:
            copy = value.copy()
            if _scalars(copy, limits) and _scalars(copy.values(), limits):
                return copy
        return Description(link, limits).of(value)
    except Exception as error:
        return _failed(value, error)


def _scalars(items: Iterable[Any], limits: Limits) -> bool:
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


def _failed(value: object, error: Exception) -> Opaque:
    if not is_ours(error):
        raise error
    reason = f"not described: {type(error).__name__}"
    try:
        return Opaque(name_of(type(value)), {"reason": reason})
    except Exception:
        return Opaque(f"{UNKNOWN}:{UNKNOWN}", {"reason": reason})


# Where a part stands: the place of what holds it, the step from there, the depth. Linked, because only an alias needs the path.
_Place = tuple[Any, object, int]
_ROOT: _Place = (None, "", 0)


def _path(place: _Place) -> list[str]:
    steps: list[str] = []
    while place is not _ROOT:
        steps.insert(0, str(place[1]))
        place = place[0]
    return steps


class Description:
    """One argument being described: how deep we are, what was met already, how many items may still be taken."""

    __slots__ = ("_here", "_left", "_link", "_met", "limits")

    def __init__(self, link: Linker, limits: Limits = LIMITS) -> None:
        self.limits = limits
        self._link = link
        self._left = limits.total
        self._here: _Place = _ROOT
        # The object stands beside its place: one that dies meanwhile could leave its id to another.
        self._met: dict[int, tuple[object, _Place]] = {}

    def of(self, value: object) -> object:
        """Describe *value* in the place of the present one."""
        kind = type(value)
        if kind is float or kind is bool or value is None:
            return value
        builtin = _BUILTIN.get(id(kind))
        if builtin is not None:
            return builtin(value, self)
        token = self._link(value)
        if token is not None:
            return token
        entry = _EXACT.get(id(kind))
        if entry is None:
            entry = (kind, (_handler_for or _load())(kind))
        return entry[1](value, self)

    def part(self, value: object, step: object) -> object:
        """Describe *value*, the part of the present value that *step* (an index or a key) leads to."""
        kind = type(value)
        if kind is float or kind is bool or value is None:
            return value
        outer = self._here
        self._here = (outer, step, outer[2] + 1)
        try:
            return self.of(value)
        except Exception as error:  # here and not only in `snapshot`, so that the other parts are kept
            return _failed(value, error)
        finally:
            self._here = outer

    def parts(self, items: Iterable[object]) -> list[object]:
        """Describe each of *items*."""
        return [self.part(item, step) for step, item in enumerate(items)]

    def pairs(self, pairs: list[tuple[Any, Any]]) -> dict[object, object] | Mapping:
        """Describe the items of a dictionary."""
        if _scalars([key for key, _ in pairs], self.limits):
            return {key: self.part(item, key) for key, item in pairs}
        return Mapping(tuple((self.part(key, step), self.part(item, step)) for step, (key, item) in enumerate(pairs)))

    def is_linked(self, value: object) -> bool:
        """Whether *value* is a tracked object."""
        return self._link(value) is not None

    def alias(self, value: object) -> Alias | None:
        """The `Alias` of a mutable container that was met before; one that was not is noted."""
        key = id(value)
        met = self._met.get(key)
        if met is not None:
            return Alias(".".join(_path(met[1])))
        self._met[key] = (value, self._here)
        return None

    def room(self, length: int) -> int:
        """How many of *length* items may be described here; they count as taken."""
        if self._here[2] >= self.limits.depth:
            return 0
        if length > self._left or length > self.limits.items:
            length = min(self._left, self.limits.items)
        self._left -= length
        return length

    def elements(self, count: int) -> bool:
        """Whether an array of *count* elements may be kept whole; they count as taken."""
        if count > self.limits.elements or count > self._left:
            return False
        self._left -= count
        return True


_handler_for: Callable[[type], Handler] | None = None


def _load() -> Callable[[type], Handler]:
    # Its own file, loaded on first need: most programs pass scalars, containers and tracked objects.
    global _handler_for
    from begat.introspect.standard import handler_for

    _handler_for = handler_for
    return handler_for


# --- builtin types and their subclasses, read through the builtin type's own methods ----------------------------------
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
    described = items if _scalars(items, d.limits) else d.parts(items)
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
    return items if _scalars(items, d.limits) else tuple(d.parts(items))


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
# Builtin types live as long as the interpreter: their id alone is enough.
_BUILTIN: dict[int, Handler] = {id(kind): handler for kind, handler in BASES}
