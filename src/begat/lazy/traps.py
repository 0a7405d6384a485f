"""Ghost classes: a subclass that traps attributes and every special method its class has, so that the first touch builds."""

from __future__ import annotations

import copyreg
import sys
from collections.abc import Callable
from copy import copy, deepcopy
from typing import Any

from begat.errors import LazyError
from begat.introspect.targets import dict_of, has_base, is_class
from begat.lazy.ghost import DOOR, MARK, MISSING, THUNKS, build, give, is_ghost_class, lookup, manner, thunk_of, touch
from begat.lazy.thunk import BUILDS, ident

_NEW: Any = vars(copyreg)["__newobj__"]  # what pickle writes in one byte
_SPARED: dict[int, AttributeError] = {}  # by thread: what an attribute raised, on its way past __getattr__

_BINARY = "add sub mul matmul truediv floordiv mod divmod pow lshift rshift and or xor"
_COMPARING = tuple(f"__{name}__" for name in ("lt", "le", "eq", "ne", "gt", "ge"))
_REFLECTED = {f"__r{name}__": f"__{name}__" for name in _BINARY.split()}
_MIRRORED = {straight: reflected for reflected, straight in _REFLECTED.items()}
_OPERATORS = frozenset((*_COMPARING, *(f"__{way}{name}__" for name in _BINARY.split() for way in ("", "r", "i"))))
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
_TYPING = ("typing", "typing_extensions")
# Looked up on the object by copy and pickle, and answered by the ghost itself.
_OWN = frozenset(("__class__", "__reduce_ex__", "__reduce__", "__copy__", "__deepcopy__", "__weakref__"))


class _NotRegistered:
    """Stands before the real class in a ghost's order, so that its ``__init_subclass__`` is not told."""

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        pass


type.__delattr__(_NotRegistered, "__slots__")  # a constructor may go through those of its class


def ghost_class(cls: Any) -> type:
    """A ghost class for *cls*."""
    space: dict[str, Any] = {
        "__slots__": (),
        "__module__": cls.__module__,
        "__qualname__": cls.__qualname__,
        "__doc__": cls.__doc__,
        MARK: manner(cls),
        "__getattribute__": _attribute(cls),
        "__setattr__": _setting(cls),
        "__delattr__": _trap(cls, "__delattr__"),
        "__repr__": _repr,
        "__str__": _text,
        "__reduce_ex__": _reduce,
        "__reduce__": _reduce,
        "__copy__": _copy,
        "__deepcopy__": _deepcopy,
    }
    if not manner(cls).spacious:
        space["__del__"] = _forget
    elif lookup(cls, "__del__") is not MISSING:
        space["__del__"] = _nothing
    own = [name for name in _TRAPPED if lookup(cls, name) is not lookup(object, name)]
    # Of two operands of one class that is asked first which waits, if only to be built: the other may compare their types.
    own += _COMPARING if not frozenset(_COMPARING).isdisjoint(own) else ()
    partner = {**_REFLECTED, **_MIRRORED}
    own += [partner[name] for name in own if name in partner]
    for name in own:
        space[name] = None if lookup(cls, name) is None else (_operator if name in _OPERATORS else _trap)(cls, name)
    if "__eq__" in space and "__hash__" not in space:
        # Which the class has kept, or asked for: Python would forbid it to be a key.
        space["__hash__"] = object.__hash__
    if lookup(cls, "__getattr__") is not MISSING:
        space["__getattr__"] = _missing(cls)

    as_ever: Any = type(cls).__getattribute__

    def read(ghost: Any, name: str) -> Any:
        # A constructor asks ``type(self).method is C.method``, and goes through ``vars(type(self))``.
        within = name not in _OWN and ident() in BUILDS
        return getattr(cls, name) if within else as_ever(ghost, name)

    # What a constructor does to ``type(self)`` it does to the class; and it may look for it in a table.
    forward = {
        "__getattribute__": read,
        "__setattr__": lambda _, name, value: setattr(cls, name, value),
        "__delattr__": lambda _, name: delattr(cls, name),
        "__eq__": lambda _, other: cls == other,
        "__hash__": lambda _: hash(cls),
        # Not what `abc` says: it would ask us again, and remember the answer for the class.
        "__instancecheck__": lambda _, obj: type.__instancecheck__(cls, obj),
        "__subclasscheck__": lambda _, sub: type.__subclasscheck__(cls, sub),
    }
    meta: Any = type("GhostMeta", (type(cls),), {"__new__": _subclass, "mro": _order, **forward})
    if "__annotations__" in dict_of(cls):
        space["__annotations__"] = dict_of(cls)["__annotations__"]
    ghost: type = type.__new__(meta, cls.__name__, (cls,), space)
    type.__delattr__(ghost, "__slots__")
    return ghost


def _class_of(obj: Any) -> Any:
    return obj.__class__  # the trap of attributes says it, and builds nothing


def _subclass(meta: Any, name: str, bases: tuple[Any, ...], space: dict[str, Any], **named: Any) -> Any:
    """``class S(type(x))`` is a subclass of the class of *x*."""
    bases = tuple([dict_of(base)[MARK].real if is_ghost_class(base) else base for base in bases])  # type: ignore[attr-defined]
    return meta.__base__(name, bases, space, **named)


def _order(ghost: type) -> list[type]:
    order = type.mro(ghost)
    return [order[0], _NotRegistered, *order[1:]]


def _special(cls: type, name: str, obj: Any) -> Any:
    """The special method *name* of *obj*, as the interpreter finds it: on the class."""
    found = lookup(cls, name)
    get = getattr(type(found), "__get__", None)
    return found if get is None else get(found, obj, cls)


def _trap(cls: type, name: str) -> Callable[..., Any]:
    def trap(self: Any, *args: Any, **kwargs: Any) -> Any:
        build(self)
        return _special(cls, name, self)(*args, **kwargs)

    trap.__name__, trap.__qualname__ = name, f"{cls.__qualname__}.{name}"
    return trap


def _operator(cls: type, name: str) -> Callable[..., Any]:
    found, straight, reflected = lookup(cls, name), _REFLECTED.get(name), _MIRRORED.get(name)

    def trap(self: Any, other: Any, *rest: Any) -> Any:
        build(self)
        waits = is_ghost_class(type(other))
        kind = _class_of(other) if waits else type(other)
        if kind is cls and waits:
            build(other)
        answer: Any = NotImplemented
        # Whose class is a subclass that overrides is asked first. A ghost class overrides all, and is nobody's base.
        if kind is cls:
            if straight is not None:
                return NotImplemented
        elif straight is not None and not waits and has_base(cls, kind) and lookup(kind, name) is found:
            if lookup(kind, straight) is not MISSING:
                answer = _special(kind, straight, other)(self, *rest)
        elif reflected is not None and has_base(kind, cls) and lookup(kind, reflected) is not lookup(cls, reflected):
            answer = _special(kind, reflected, other)(self, *rest)
        if answer is NotImplemented and found is not MISSING:
            answer = _special(cls, name, self)(other, *rest)
        return answer

    trap.__name__, trap.__qualname__ = name, f"{cls.__qualname__}.{name}"
    return trap


def _setting(cls: type) -> Callable[..., Any]:
    trap = _trap(cls, "__setattr__")
    if lookup(cls, "__setattr__") is not object.__setattr__ or not manner(cls).spacious:
        return trap

    def setting(self: Any, name: str, value: Any) -> None:
        # ``Net[int](64)``: what `typing` notes after the call is set again after the build.
        if name == "__orig_class__" and (thunk := thunk_of(self)) is not None and thunk.claim is None:
            object.__setattr__(self, name, value)
        else:
            trap(self, name, value)

    return setting


def _attribute(cls: type) -> Callable[[Any, str], Any]:
    asks = lookup(cls, "__getattr__") is not MISSING
    waits = manner(cls)

    def attribute(self: Any, name: str) -> Any:
        if name in _OWN and not (name == "__class__" and _asks_a_protocol(cls, sys._getframe().f_back)):
            return cls if name == "__class__" else object.__getattribute__(self, name)
        thunk = THUNKS.get(id(self))
        if thunk is not None and thunk.passes():
            return _special(cls, "__getattribute__", self)(name)
        try:
            touch(self, waits)
        except AttributeError as error:
            # As it is, hasattr would say that there is no such attribute, and __getattr__ would be asked for it.
            raise LazyError(f"building {cls.__qualname__}, which {name!r} was asked of, failed: {error}") from error
        try:
            if type(self) is cls or not is_ghost_class(type(self)):
                return getattr(self, name)
            return _special(cls, "__getattribute__", self)(name)  # a helper of the constructor has not waited
        except AttributeError as error:
            # The interpreter is about to ask our __getattr__, and the class's own has been asked.
            if asks:
                _SPARED[ident()] = error
            raise

    return attribute


def _asks_a_protocol(cls: type, frame: Any) -> bool:
    """Whether *frame* asks for a protocol's sake, of attributes that *cls* has not: it will look for them where no trap is."""
    while frame is not None and frame.f_code.co_name == "__instancecheck__":
        asked: Any = frame.f_locals.get("cls") if frame.f_globals.get("__name__") in _TYPING else None
        if is_class(asked):
            names: Any = dict_of(asked).get("__protocol_attrs__", ())
            return any(lookup(cls, name) is MISSING for name in names)
        frame = frame.f_back
    return False


def _missing(cls: type) -> Callable[[Any, str], Any]:
    def missing(self: Any, name: str) -> Any:
        error = _SPARED.pop(ident(), None)
        if error is None:
            return _special(cls, "__getattr__", self)(name)
        try:
            raise error
        finally:
            del error  # its traceback leads here, and so to the object

    return missing


def _forget(self: object, pop: Any = THUNKS.pop, id: Any = id) -> None:  # at exit, globals may be gone before us
    pop(id(self), None)


def _nothing(self: object) -> None:
    """In the place of the finalizer of what was never built."""


def _repr(self: Any) -> str:
    kind: Any = type(self)
    thunk = thunk_of(self)
    if thunk is not None and thunk.passes():
        return str(_special(_class_of(self), "__repr__", self)())
    return f"<{kind.__module__}.{kind.__qualname__} object at {id(self):#x}, not built yet>"


def _text(self: Any) -> str:
    build(self)
    return str(self)


def _reduce(self: Any, protocol: int = 0) -> Any:
    recipe = _recipe(self, protocol=protocol)
    if recipe is None:
        return _as_itself(self, lambda: self.__reduce_ex__(protocol))
    # Allocated first, and made to wait then: an argument may lead back to it.
    return _NEW, (_class_of(self),), recipe, None, None, DOOR.revive


def _copy(self: Any) -> Any:
    recipe = _recipe(self, "__copy__")
    if recipe is None:
        return _as_itself(self, lambda: copy(self))
    made = _allocated(self)
    DOOR.revive(made, recipe)
    return made


def _deepcopy(self: Any, memo: dict[int, Any]) -> Any:
    recipe = _recipe(self, "__deepcopy__")
    if recipe is None:
        return _as_itself(self, lambda: deepcopy(self, memo))
    memo[id(self)] = made = _allocated(self)
    DOOR.revive(made, deepcopy(recipe, memo))
    return made


def _allocated(obj: Any) -> Any:
    cls = _class_of(obj)
    return cls.__new__(cls)


def _recipe(self: Any, *names: str, protocol: int | None = None) -> tuple[Any, ...] | None:
    """
    What to make the call again with, also in a pickle of this *protocol*.

    None where *self* itself is to be copied: it is built, now if need be, as its class says how it is copied, under one of
    *names* or for pickle, as a copy would draw random numbers out of turn, or as it was given attributes past its methods;
    or this thread is about it.
    """
    cls, thunk = _class_of(self), thunk_of(self)
    found = [lookup(cls, name) for name in (*names, "__reduce_ex__", "__reduce__")]
    own = any(not any(each is usual for usual in _USUAL) for each in found)
    recipe = None
    more = manner(cls).spacious and len(manner(cls).space(self)) > 1
    if thunk is not None and not own and not more and cls not in copyreg.dispatch_table and not thunk.passes():
        recipe = thunk.recipe() if protocol is None else thunk.parcel(protocol)
    if recipe is None:
        build(self)
    return recipe


_USUAL = (MISSING, object.__reduce_ex__, object.__reduce__, BaseException.__reduce__)  # ways to be copied


def _as_itself(self: Any, act: Callable[[], Any]) -> Any:
    """What *act* gives while *self*, which may be half-built, has its own class: that is what a copy of it will have."""
    ghost = type(self)
    if not is_ghost_class(ghost):
        return act()
    give(self, _class_of(self))
    try:
        return act()
    finally:
        give(self, ghost)
