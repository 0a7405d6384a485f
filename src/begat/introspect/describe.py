"""Values as data: what an argument was at the moment of the call.

The objects of the program are asked nothing but ``type(x)``: no ``==``, hash, ``bool``, ``len``, ``iter``, ``repr``,
``isinstance`` or attribute of theirs is used. Only builtin and library types that are known exactly are read, through
their own C methods, and what is kept refers to no object of the program.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from begat.errors import is_ours
from begat.introspect.builtin import BASES, are_scalars
from begat.introspect.targets import UNKNOWN, name_of
from begat.record.values import Alias, Mapping, Opaque


class Link:
    """A tracked object among the values, by its token; *run* holds what is known of its class.

    When the number of its node is found it becomes a `Ref` in its place, however deep in the value that is: the slots
    are the same. A value is never searched for links.
    """

    __slots__ = ("node", "run")

    def __init__(self, token: object, schema: Any) -> None:
        self.node: Any = token
        self.run = schema


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
FEW = 64  # items of one argument, which are kept however many there were before
_FEWEST = 4  # of one that has more, once so many more were taken by such
_ROOM = 100_000


class Room:
    """How many items of large arguments are still kept, of all calls of one class in one run: of a million graphs, say."""

    __slots__ = ("few", "left")

    def __init__(self) -> None:
        self.left, self.few = _ROOM, FEW

    def items(self, value: Any) -> int:
        """How many items of *value* are kept."""
        if self.left >= FEW:
            return self.left
        return FEW if self.few == FEW or _is_small(value) else self.few


def _is_small(value: Any) -> bool:
    """Whether *value* and its parts have few items together."""
    left = FEW - _count(value)
    for part in _parts(value):
        left -= _count(part)
        if left < 0:
            return False
    return left >= 0


def _count(value: Any) -> int:
    kind = type(value)
    return len(value) if kind is dict or kind is list or kind is tuple else 0


def _parts(value: Any) -> Iterable[object]:
    count = _count(value)
    return () if not 0 < count <= FEW else value.copy().values() if type(value) is dict else value[:]


class Rooms:
    """The rooms of one run, by schema; *marks* gets each class that has used up its own."""

    def __init__(self, marks: list[str]) -> None:
        self._rooms: dict[Any, Room] = {}
        self._marks = marks

    def of(self, schema: Any) -> Room:
        """That of the calls of *schema*."""
        room = self._rooms.get(schema)
        if room is None:
            room = self._rooms[schema] = Room()
        elif 0 <= room.left < FEW:
            room.left = -1
            self._say(schema, "later", FEW)
        elif room.left < -_ROOM and room.few == FEW:
            room.few = _FEWEST
            self._say(schema, "last", _FEWEST)
        return room

    def _say(self, schema: Any, which: str, count: int) -> None:
        what = f"was given so many large arguments that of the {which} ones {count} items are kept"
        self._marks.append(f"{schema.target} {what}")


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


def snapshot(value: Any, link: Linker, limits: Limits = LIMITS, room: Room | None = None) -> object:
    """
    Describe *value* as it is now, as a value of `begat.record.values`.

    *link* is asked for every object that is no builtin scalar or container, and answers with the `Link` of a tracked
    object or None; a `Link` is a leaf of the result. What has more than `FEW` items takes them from *room*.
    Never raises an `Exception`: what fails is an `Opaque` that says so.
    """
    try:
        total = limits.total if room is None else min(limits.total, room.items(value))
        found = flat(value, min(limits.items, total), limits)
        if found is not None:
            taken = len(found)
        else:
            description = Description(link, limits, total)
            found = description.of(value)
            taken = total - description.left
        if room is not None and (taken > FEW or (taken == FEW and room.left < 0)):
            room.left -= taken
        return found
    except Exception as error:
        return _failed(value, error)


def flat(value: Any, longest: int, limits: Limits) -> Any:
    """*value*, if it is a list, tuple or dict of scalars, which is nearly all there is; or None."""
    kind = type(value)
    if (kind is not list and kind is not tuple and kind is not dict) or len(value) > longest:
        return None
    # Copied first, in one step of C, so that no other thread comes between the look and the copy.
    copy = value[:] if kind is not dict else value.copy()
    return copy if are_scalars(copy, limits) and (kind is not dict or are_scalars(copy.values(), limits)) else None


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

    __slots__ = ("_here", "_link", "_met", "left", "limits")

    def __init__(self, link: Linker, limits: Limits, left: int) -> None:
        self.limits = limits
        self._link = link
        self.left = left
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
        if are_scalars([key for key, _ in pairs], self.limits):
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
        if length > self.left or length > self.limits.items:
            length = min(self.left, self.limits.items)
        self.left -= length
        return length

    def elements(self, count: int) -> bool:
        """Whether an array of *count* elements may be kept whole; they count as taken."""
        if count > self.limits.elements or count > self.left:
            return False
        self.left -= count
        return True


_handler_for: Callable[[type], Handler] | None = None


def _load() -> Callable[[type], Handler]:
    # Its own file, loaded on first need: most programs pass scalars, containers and tracked objects.
    global _handler_for
    from begat.introspect.standard import handler_for

    _handler_for = handler_for
    return handler_for


# Builtin types live as long as the interpreter: their id alone is enough.
_BUILTIN: dict[int, Handler] = {id(kind): handler for kind, handler in BASES}
