"""The ghost: the real object, of a class that builds it at the first touch and gives it its own class back.

A ghost class is a subclass, made once per class, that traps attributes and every special method its class has. While the
object is being built it keeps its ghost class if other threads could see it half-built; the building thread passes
through. Where this thread is the only one, the class is given back first: the constructor then runs at its own speed.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from contextlib import suppress
from types import FunctionType, GetSetDescriptorType, MemberDescriptorType
from typing import Any
from weakref import ref

from begat.introspect.targets import dict_of, has_base, importable, is_class, module_of, mro_of, name_of
from begat.lazy.thunk import Thunk

# By the id of the ghost: the thunks of ghosts without a dictionary, and of those that are being built. All others are in
# their ghost's dictionary, where the collector sees them: an argument may well lead back to the ghost.
THUNKS: dict[int, Thunk] = {}
_KEY = "begat's thunk"
MARK = "begat's manner"  # in the dictionary of a ghost class alone: no name of the program's is written so
_MANNERS: dict[int, Manner] = {}  # by the id of the class

_class_of = object.__dict__["__class__"]
_get, _set = object.__getattribute__, object.__setattr__
give: Callable[[object, type], None] = _class_of.__set__


def is_ghost(obj: object) -> bool:
    """Whether *obj* waits to be built."""
    return thunk_of(obj) is not None


def thunk_of(obj: object) -> Thunk | None:
    """What *obj* waits for, if it waits."""
    waits: Any = dict_of(type(obj)).get(MARK)
    return _thunk(obj, waits) if waits is not None else None


def _thunk(obj: object, manner: Manner) -> Thunk | None:
    if not manner.spacious:
        return THUNKS.get(id(obj))
    found = (_get(obj, "__dict__") if manner.plain else manner.space(obj)).get(_KEY)
    # Asked again: another thread may just have begun to build, which brings it from one to the other, or failed.
    return found or THUNKS.get(id(obj)) or manner.space(obj).get(_KEY)


class Manner:
    """How objects of one class wait: their ghost class, and whether they have a dictionary; or the *reason* why they cannot.

    It keeps no class alive, but one that hides the dictionary of its objects behind another attribute of that name. Where C code reads their *contents* without asking, or code compares them by ``is``, a proxy cannot stand for them either.
    """

    __slots__ = ("_cls", "_ghost", "_hidden", "contents", "open", "plain", "reason", "spacious")

    def __init__(self, cls: Any) -> None:
        self._cls = ref(cls)
        self.contents = _contents(cls)
        self.reason = self.contents or _unfit(cls)
        slots = [dict_of(each)["__dict__"] for each in mro_of(cls) if "__dict__" in dict_of(each)]
        found = [slot for slot in slots if type(slot) is GetSetDescriptorType]
        self.spacious = bool(found)
        self._hidden: Any = found[0] if found and found[0] is not slots[0] else None
        self.plain = self._hidden is None  # then `object` finds it, too, and no function of ours has to be called
        self.open = self.plain and self.spacious
        self._ghost: Any = None

    def of(self, cls: type) -> bool:
        """Whether this is the manner of *cls*, and not of one that had its address before."""
        return self._cls() is cls

    @property
    def real(self) -> Any:
        """The class."""
        return self._cls()

    @property
    def ghost(self) -> Any:
        """The ghost class. One of a class that no module holds is held by its ghosts alone: it holds the class."""
        ghost = self._ghost() if type(self._ghost) is ref else self._ghost
        if ghost is None:
            cls: Any = self._cls()
            from begat.lazy.traps import ghost_class

            ghost = ghost_class(cls)
            self._ghost = ghost if importable(name_of(cls), cls) else ref(ghost)
        return ghost

    def space(self, obj: object) -> dict[str, Any]:
        """The dictionary of *obj*."""
        found: dict[str, Any] = _get(obj, "__dict__") if self.plain else self._hidden.__get__(obj)
        return found

    def refresh(self, obj: object, space: dict[str, Any]) -> None:
        """Give *obj* another *space*."""
        if self.plain:
            _set(obj, "__dict__", space)
        else:
            self._hidden.__set__(obj, space)

    def haunt(self, obj: Any, thunk: Thunk) -> str:
        """
        Make *obj*, which is allocated and not initialized, wait for *thunk*; or say why it cannot.

        Raises TypeError where its layout forbids it.
        """
        space: Any = None
        if self.spacious:
            space = _get(obj, "__dict__") if self.plain else self._hidden.__get__(obj)
            if space:
                return "it has attributes before its constructor runs"
            space[_KEY] = thunk
        else:
            THUNKS[id(obj)] = thunk
        try:
            kept = self._ghost
            if type(kept) is ref:
                kept = kept()
            give(obj, self.ghost if kept is None else kept)
        except BaseException:
            if space is not None:
                space.clear()
            THUNKS.pop(id(obj), None)
            raise
        return ""


def manner(cls: Any) -> Manner:
    """How objects of *cls* wait."""
    known = _MANNERS.get(id(cls))
    if known is None or not known.of(cls):
        known = _MANNERS[id(cls)] = Manner(cls)
    return known


# StopIteration has its value in its own part of the struct, where `yield from` reads it, and others likewise.
_LARGE_EXCEPTIONS = [
    each
    for each in vars(builtins).values()
    if is_class(each) and has_base(each, BaseException) and each.__basicsize__ > BaseException.__basicsize__
]
_PLAIN = (dict, list, tuple, set, frozenset, str, bytes, bytearray, int, float, complex)
_READ_BY_C = (*_PLAIN, *_LARGE_EXCEPTIONS)


def _contents(cls: Any) -> str:
    if any(module_of(meta) == "enum" for meta in mro_of(type(cls))):
        return "the members of an enumeration are told apart by what they are"
    base = next((base for base in mro_of(cls) if any(base is known for known in _READ_BY_C)), None)
    if base is None:
        return ""
    return f"it is {'an' if base is int else 'a'} {base.__name__}, whose contents C code reads without asking"


def _unfit(cls: Any) -> str:
    """Why objects of *cls* cannot wait as ghosts; empty where they can."""
    new = lookup(cls, "__new__")
    if new is not object.__new__ and new is not BaseException.__new__:
        if isinstance(new, staticmethod | FunctionType):
            return "its __new__ is its own, and may hand out objects that are there already"
        base = next(each for each in mro_of(cls) if "__new__" in dict_of(each))
        if not issubclass(base, BaseException):
            return f"it is built by C code, by {base.__qualname__}"
    if lookup(cls, "__init__") is lookup(object, "__init__"):
        return "it takes no arguments, and nothing is done when it is built"
    return ""


def build(obj: Any) -> None:
    """Build *obj* if it waits; return when it is whole, or when this thread is building it."""
    manner: Any = dict_of(type(obj)).get(MARK)
    if manner is not None:
        touch(obj, manner)


def touch(obj: Any, manner: Manner) -> None:
    """As `build`, for one whose *manner* to wait is known."""
    thunk: Thunk | None = _get(obj, "__dict__").get(_KEY) if manner.open else None
    if thunk is None:
        thunk = _thunk(obj, manner)
    if thunk is not None:
        thunk.once(_build, obj, manner, thunk)
    elif is_ghost_class(type(obj)):  # made by calling type(ghost)
        give(obj, manner.real)


def _build(obj: Any, manner: Manner, thunk: Thunk, alone: bool) -> None:
    ghost, spacious, key = type(obj), manner.spacious, id(obj)
    real: Any = manner._cls()  # without a function of ours: most of what a touch costs is to find code in memory
    # What was set past the object's own methods, after the call: it is the last word.
    late: Any = {} if not spacious else _get(obj, "__dict__") if manner.open else manner.space(obj)
    try:
        if spacious:
            if not alone:
                THUNKS[key] = thunk
            # A new dictionary: one that was asked for, as assigning a class does, would make attributes slow for good.
            if manner.open:
                _set(obj, "__dict__", {})
            else:
                manner.refresh(obj, {})
            late.pop(_KEY, None)
        if alone:
            give(obj, real)
        thunk.build(obj)
        if not alone:
            _give_back(obj, ghost, manner)
        if late and type(obj) is real:
            manner.space(obj).update(late)
        thunk.built = True
    finally:
        if not thunk.built:
            try:
                _wait_again(obj, ghost, manner, {**late, _KEY: thunk})
            except BaseException:  # an interrupt, beside what ended the build
                _wait_again(obj, ghost, manner, {**late, _KEY: thunk})
                raise
        if not (alone and spacious) and key in THUNKS and (thunk.built or spacious):
            del THUNKS[key]  # and no call, on which an interrupt might fall


def _give_back(obj: Any, ghost: Any, manner: Manner) -> None:
    """The class of *obj*, also where its constructor has noted it: ``self.kind = type(self)``."""
    if type(obj) is not ghost:
        return  # the constructor has given it another one
    give(obj, manner.real)
    if manner.spacious:
        space = manner.space(obj)
        for name in [name for name, value in space.items() if value is ghost]:
            space[name] = manner.real


def _wait_again(obj: Any, ghost: Any, manner: Manner, kept: dict[str, Any]) -> None:
    """Take away what a constructor that failed has left: the next one starts afresh, as it would on another object."""
    if type(obj) is not ghost:  # the constructor may have given it another one, too
        give(obj, ghost)
    if manner.spacious:
        manner.refresh(obj, kept)
    for cls in mro_of(manner.real):
        space = dict_of(cls)
        if "__slots__" in space:
            for member in [each for each in space.values() if type(each) is MemberDescriptorType]:
                with suppress(AttributeError):
                    member.__delete__(obj)


def is_ghost_class(kind: type) -> bool:
    """Whether *kind* is the class of objects that wait."""
    return MARK in dict_of(kind)


MISSING = object()


def lookup(cls: type, name: str) -> Any:
    """What stands under *name* in *cls* or its bases, as it stands there, or `MISSING`."""
    for each in mro_of(cls):
        space = dict_of(each)
        if name in space:
            return space[name]
    return MISSING


class _Door:
    """Where capture, which lives above, puts how an object is made to wait: a copy, or one in another process. It gets the object and a recipe."""

    revive: Callable[[Any, tuple[Any, ...]], None]


DOOR = _Door()
