"""The ghost: the real object, of a class that builds it at the first touch and gives it its own class back.

A ghost class is a subclass, made once per class, that traps attributes and every special method its class has. While the
object is being built it keeps its ghost class if other threads could see it half-built; the building thread passes
through. Where this thread is the only one, the class is given back first: the constructor then runs at its own speed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from copy import copy, deepcopy
from types import FunctionType, GetSetDescriptorType, MemberDescriptorType
from typing import Any
from weakref import ref

from begat.errors import LazyError
from begat.introspect.targets import dict_of, mro_of
from begat.lazy.thunk import Thunk, alone, ident

# By the id of the ghost: the thunks of ghosts without a dictionary, and of those that are being built. All others are in
# their ghost's dictionary, where the collector sees them: an argument may well lead back to the ghost.
_THUNKS: dict[int, Thunk] = {}
_KEY = "begat's thunk"
_MANNERS: dict[int, Manner] = {}  # by the id of the class
_SPARED: dict[int, AttributeError] = {}  # by thread: what an attribute raised, on its way past __getattr__

_class_of = object.__dict__["__class__"]
_give: Callable[[object, type], None] = _class_of.__set__

_BINARY = "add sub mul matmul truediv floordiv mod divmod pow lshift rshift and or xor"
_TRAPPED = frozenset(
    f"__{name}__"
    for name in (
        f"{_BINARY} {' '.join('r' + op for op in _BINARY.split())} {' '.join('i' + op for op in _BINARY.split())} "
        "lt le eq ne gt ge hash bool str bytes format fspath int float complex index round trunc floor ceil "
        "neg pos abs invert call len length_hint getitem setitem delitem missing iter next reversed contains "
        "enter exit aenter aexit await aiter anext get set delete set_name buffer release_buffer sizeof dir "
        "instancecheck subclasscheck array array_ufunc array_function array_interface array_struct torch_function"
    ).split()
)
# Looked up on the object by copy and pickle, and answered by the ghost itself.
_OWN = frozenset(("__class__", "__reduce_ex__", "__reduce__", "__copy__", "__deepcopy__", "__weakref__"))


class _NotRegistered:
    """Stands before the real class in a ghost's order, so that its ``__init_subclass__`` is not told."""

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        pass


def is_ghost(obj: object) -> bool:
    """Whether *obj* waits to be built."""
    return thunk_of(obj) is not None


def thunk_of(obj: object) -> Thunk | None:
    """What *obj* waits for, if it waits."""
    kind = type(obj)
    return _thunk(obj, kind) if _is_ghost_class(kind) else None


def _thunk(obj: object, ghost: type) -> Thunk | None:
    thunk = _THUNKS.get(id(obj))
    slot: Any = dict_of(ghost)["_begat_slot"]
    if thunk is None and slot is not None:
        # Asked again: another thread may just have begun to build, which brings it from one to the other, or failed.
        thunk = slot.__get__(obj).get(_KEY) or _THUNKS.get(id(obj)) or slot.__get__(obj).get(_KEY)
    return thunk


class Manner:
    """How objects of one class wait: their ghost class, and the slot of their dictionary; or the *reason* why they cannot.

    Where C code reads their *contents* without asking, a proxy cannot stand for them either.
    """

    __slots__ = ("_cls", "_ghost", "contents", "reason", "slot")

    def __init__(self, cls: Any) -> None:
        self._cls = ref(cls)
        self.contents = _contents(cls)
        self.reason = self.contents or _unfit(cls)
        found = (dict_of(each).get("__dict__") for each in mro_of(cls))
        self.slot: Any = next((slot for slot in found if type(slot) is GetSetDescriptorType), None)
        self._ghost: Any = None

    def of(self, cls: type) -> bool:
        """Whether this is the manner of *cls*, and not of one that had its address before."""
        return self._cls() is cls

    @property
    def ghost(self) -> Any:
        """The ghost class. One of a class that a function made is held by its ghosts alone: it holds the class."""
        ghost = self._ghost() if type(self._ghost) is ref else self._ghost
        if ghost is None:
            cls: Any = self._cls()
            ghost = _make(cls)
            self._ghost = ref(ghost) if "<locals>" in cls.__qualname__ else ghost
        return ghost

    def occupied(self, obj: Any) -> bool:
        """Whether *obj* has attributes already, which building anew would lose."""
        return self.slot is not None and bool(self.slot.__get__(obj))

    def haunt(self, obj: Any, thunk: Thunk) -> None:
        """Make *obj*, which is allocated and not initialized, wait for *thunk*. Raises TypeError where its layout forbids it."""
        slot = self.slot
        if slot is not None:
            slot.__set__(obj, {_KEY: thunk})
        else:
            _THUNKS[id(obj)] = thunk
        try:
            _give(obj, self.ghost)
        except BaseException:
            if slot is not None:
                slot.__set__(obj, {})
            _THUNKS.pop(id(obj), None)
            raise


def manner(cls: Any) -> Manner:
    """How objects of *cls* wait."""
    known = _MANNERS.get(id(cls))
    if known is None or not known.of(cls):
        known = _MANNERS[id(cls)] = Manner(cls)
    return known


_READ_BY_C = (dict, list, tuple, set, frozenset, str, bytes, bytearray, int, float, complex)


def _contents(cls: Any) -> str:
    base = next((base for base in mro_of(cls) if any(base is known for known in _READ_BY_C)), None)
    return f"it is a {base.__name__}, whose contents C code reads without asking" if base is not None else ""


def _unfit(cls: Any) -> str:
    """Why objects of *cls* cannot wait as ghosts; empty where they can."""
    new = _lookup(cls, "__new__")
    if new is not object.__new__ and new is not BaseException.__new__:
        if isinstance(new, staticmethod | FunctionType):
            return "its __new__ is its own, and may hand out objects that are there already"
        base = next(each for each in mro_of(cls) if "__new__" in dict_of(each))
        if not issubclass(base, BaseException):
            return f"it is built by C code, by {base.__qualname__}"
    if _lookup(cls, "__init__") is _lookup(object, "__init__"):
        return "it takes no arguments, and nothing is done when it is built"
    return ""


def build(obj: Any) -> None:
    """Build *obj* if it waits; return when it is whole, or when this thread is building it."""
    kind: Any = type(obj)
    if not _is_ghost_class(kind):
        return
    thunk = _thunk(obj, kind)
    if thunk is None:
        if type(obj) is kind:  # made by calling type(ghost)
            _give(obj, kind._begat_class)
        return
    if not thunk.enter():
        return
    try:
        if not _is_ghost_class(type(obj)):  # another thread was quicker
            return
        _build(obj, kind, thunk)
    finally:
        thunk.leave()


def _build(obj: Any, ghost: Any, thunk: Thunk) -> None:
    real = ghost._begat_class
    open_ = alone()
    _THUNKS[id(obj)] = thunk
    _refresh(obj, real)
    if open_:
        _give(obj, real)
    try:
        thunk.build(obj)
    except BaseException:
        _empty(obj, real)
        if manner(real).slot is not None:
            manner(real).slot.__set__(obj, {_KEY: thunk})
            _THUNKS.pop(id(obj), None)
        if type(obj) is real:
            _give(obj, ghost)
        raise
    if type(obj) is ghost:
        _give(obj, real)
    thunk.built = True
    _THUNKS.pop(id(obj), None)


def _refresh(obj: Any, real: type) -> None:
    """A new dictionary: one that was asked for, as assigning a class does, would make attributes slow for good."""
    slot = manner(real).slot
    if slot is not None:
        space = slot.__get__(obj)
        space.pop(_KEY, None)
        if not space:
            slot.__set__(obj, {})


def _empty(obj: Any, real: type) -> None:
    """Take away what a constructor that failed has left: the next one starts afresh, as it would on another object."""
    slot = manner(real).slot
    if slot is not None:
        slot.__set__(obj, {})
    for cls in mro_of(real):
        space = dict_of(cls)
        if "__slots__" in space:
            for member in [each for each in space.values() if type(each) is MemberDescriptorType]:
                with suppress(AttributeError):
                    member.__delete__(obj)


# --- classes ----------------------------------------------------------------------------------------------------------------
def _is_ghost_class(kind: type) -> bool:
    return "_begat_class" in dict_of(kind)


def _make(cls: Any) -> type:
    space: dict[str, Any] = {
        "__slots__": (),
        "__module__": cls.__module__,
        "__qualname__": cls.__qualname__,
        "__doc__": None,
        "_begat_class": cls,
        "_begat_slot": manner(cls).slot,
        "__getattribute__": _attribute(cls),
        "__setattr__": _trap(cls, "__setattr__"),
        "__delattr__": _trap(cls, "__delattr__"),
        "__repr__": _repr,
        "__str__": _text,
        "__reduce_ex__": _reduce,
        "__reduce__": _reduce,
        "__copy__": _copy,
        "__deepcopy__": _deepcopy,
    }
    if manner(cls).slot is None:
        space["__del__"] = _forget
    elif _lookup(cls, "__del__") is not _MISSING:
        space["__del__"] = _nothing
    for name in _TRAPPED:
        found = _lookup(cls, name)
        if found is not _lookup(object, name):
            space[name] = None if found is None else _trap(cls, name)
    if _lookup(cls, "__getattr__") is not _MISSING:
        space["__getattr__"] = _missing(cls)
    # What a constructor does to ``type(self)`` it does to the class; and it may look for it in a table.
    forward = {
        "__setattr__": lambda _, name, value: setattr(cls, name, value),
        "__delattr__": lambda _, name: delattr(cls, name),
        "__eq__": lambda _, other: cls == other,
        "__hash__": lambda _: hash(cls),
    }
    meta: Any = type("GhostMeta", (type(cls),), {"mro": _order, **forward})
    ghost: type = type.__new__(meta, cls.__name__, (cls,), space)
    return ghost


def _order(ghost: type) -> list[type]:
    order = type.mro(ghost)
    return [order[0], _NotRegistered, *order[1:]]


_MISSING = object()


def _lookup(cls: type, name: str) -> Any:
    for each in mro_of(cls):
        space = dict_of(each)
        if name in space:
            return space[name]
    return _MISSING


def _special(cls: type, name: str, obj: Any) -> Any:
    """The special method *name* of *obj*, as the interpreter finds it: on the class."""
    found = _lookup(cls, name)
    get = getattr(type(found), "__get__", None)
    return found if get is None else get(found, obj, cls)


def _trap(cls: type, name: str) -> Callable[..., Any]:
    def trap(self: Any, *args: Any, **kwargs: Any) -> Any:
        build(self)
        return _special(cls, name, self)(*args, **kwargs)

    trap.__name__, trap.__qualname__ = name, f"{cls.__qualname__}.{name}"
    return trap


def _attribute(cls: type) -> Callable[[Any, str], Any]:
    asks = _lookup(cls, "__getattr__") is not _MISSING

    def attribute(self: Any, name: str) -> Any:
        if name in _OWN:
            return cls if name == "__class__" else object.__getattribute__(self, name)
        thunk = _THUNKS.get(id(self))
        if thunk is not None and thunk.owner == ident():
            thunk.pass_through()
            return _special(cls, "__getattribute__", self)(name)
        try:
            build(self)
        except AttributeError as error:
            # As it is, hasattr would say that there is no such attribute, and __getattr__ would be asked for it.
            raise LazyError(f"building {cls.__qualname__}, which {name!r} was asked of, failed: {error}") from error
        try:
            return getattr(self, name)
        except AttributeError as error:
            # The interpreter is about to ask our __getattr__, and the class's own has been asked.
            if asks:
                _SPARED[ident()] = error
            raise

    return attribute


def _missing(cls: type) -> Callable[[Any, str], Any]:
    def missing(self: Any, name: str) -> Any:
        error = _SPARED.pop(ident(), None)
        if error is not None:
            raise error
        return _special(cls, "__getattr__", self)(name)

    return missing


def _forget(self: object, pop: Any = _THUNKS.pop, id: Any = id) -> None:  # at exit, globals may be gone before us
    pop(id(self), None)


def _nothing(self: object) -> None:
    """In the place of the finalizer of what was never built."""


def _repr(self: Any) -> str:
    kind = type(self)
    return f"<{kind.__module__}.{kind.__qualname__} object at {id(self):#x}, not built yet>"


def _text(self: Any) -> str:
    build(self)
    return str(self)


def _reduce(self: Any, protocol: int = 0) -> Any:
    call = _call(self)
    return _as_itself(self, lambda: self.__reduce_ex__(protocol)) if call is None else (DOOR.revive, call)


def _copy(self: Any) -> Any:
    call = _call(self)
    return _as_itself(self, lambda: copy(self)) if call is None else DOOR.revive(*call)


def _deepcopy(self: Any, memo: dict[int, Any]) -> Any:
    call = _call(self)
    if call is None:
        return _as_itself(self, lambda: deepcopy(self, memo))
    cls, args, kwargs = call
    return DOOR.revive(cls, deepcopy(args, memo), deepcopy(kwargs, memo))


def _call(self: Any) -> tuple[type, tuple[Any, ...], dict[str, Any]] | None:
    """The call that *self* waits for; None if it is built, or this thread is about it."""
    thunk = thunk_of(self)
    if thunk is None or thunk.owner == ident():
        build(self)
        return None
    return (type(self)._begat_class, *thunk.arguments())


def _as_itself(self: Any, act: Callable[[], Any]) -> Any:
    """What *act* gives while *self*, which may be half-built, has its own class: that is what a copy of it will have."""
    ghost = type(self)
    if not _is_ghost_class(ghost):
        return act()
    _give(self, ghost._begat_class)
    try:
        return act()
    finally:
        _give(self, ghost)


class _Door:
    """Where capture, which lives above, puts how a call is deferred again: in a copy, or in another process."""

    revive: Callable[..., Any]


DOOR = _Door()
