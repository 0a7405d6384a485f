"""Where a class takes its arguments: the function whose code is woven, or why there is none.

Classes are read through `type` itself, never through their metaclass, which may lie, raise or have side effects.
"""

from __future__ import annotations

import sys
from types import FunctionType, WrapperDescriptorType
from typing import NamedTuple

from begat.errors import CannotTrack
from begat.intercept.bare import Bare
from begat.intercept.prologue import refusal
from begat.intercept.protocols import is_protocols
from begat.introspect.targets import dict_of, has_base, module_of, mro_of, name_of

_flags = type.__dict__["__flags__"].__get__
_HEAP = 1 << 9  # made at run time: its attributes can be set
_VARARGS = 0x04  # of code: it takes *args

# Bases whose instances are values: recorded whole or described where they are passed, never built by ``__init__``.
_VALUE_BASES = {("torch", "Tensor"), ("torch._tensor", "Tensor"), ("numpy", "ndarray"), ("numpy", "generic")}
_SPECIAL_METACLASSES = {
    ("enum", "EnumType"): "the members of an enumeration are made once, when it is defined",
    ("enum", "EnumMeta"): "the members of an enumeration are made once, when it is defined",
    ("typing", "_TypedDictMeta"): "a TypedDict builds plain dicts",
    ("typing_extensions", "_TypedDictMeta"): "a TypedDict builds plain dicts",
}


class Constructor(NamedTuple):
    """*way* is ``"init"``, ``"new"`` or ``"bare"`` (takes no arguments: nothing to weave); *owner* defines *function*."""

    way: str
    owner: type
    function: FunctionType | None


def constructor_of(cls: type) -> Constructor:
    """How *cls* takes its arguments. Raises `CannotTrack` with the reason where nothing can be put in between."""
    order = mro_of(cls)
    _refuse_special(cls, order)
    for owner in order:
        if "__init__" not in dict_of(owner):
            continue
        if owner is object:
            return _by_new(cls, order)
        found = dict_of(owner)["__init__"]
        if is_protocols(found):
            continue
        if type(found) is FunctionType:
            return _woven("init", cls, owner, found)
        if type(found) is Bare:
            continue
        if type(found) is WrapperDescriptorType:
            raise _refused(cls, f"it is built by {name_of(owner)}.__init__, which is C code")
        raise _refused(cls, f"its __init__ is a {_name(type(found))}, not a function")
    raise _refused(cls, "it has no __init__")


def _by_new(cls: type, order: tuple[type, ...]) -> Constructor:
    for owner in order:
        if "__new__" not in dict_of(owner):
            continue
        if owner is object:
            _refuse_unfinished(cls)
            return Constructor("bare", cls, None)
        found = dict_of(owner)["__new__"]
        function = found.__func__ if type(found) is staticmethod else found
        if type(function) is FunctionType:
            return _woven("new", cls, owner, function)
        raise _refused(cls, f"it is built by {name_of(owner)}.__new__, which is C code")
    raise _refused(cls, "it has no __new__")


def _woven(way: str, cls: type, owner: type, function: FunctionType) -> Constructor:
    reason = refusal(function)
    if reason:
        raise _refused(cls, reason)
    if not function.__code__.co_argcount and not function.__code__.co_flags & _VARARGS:
        raise _refused(cls, f"its __{way}__ takes no object")
    return Constructor(way, owner, function)


def _refuse_special(cls: type, order: tuple[type, ...]) -> None:
    if not _flags(cls) & _HEAP:
        raise _refused(cls, "it is written in C")
    if has_base(cls, type):
        raise _refused(cls, "it is a metaclass: its instances are classes")
    for meta in mro_of(type(cls)):
        reason = _SPECIAL_METACLASSES.get((module_of(meta), _name(meta)))
        if reason:
            raise _refused(cls, reason)
    if dict_of(cls).get("_is_protocol") is True:
        raise _refused(cls, "a Protocol is never instantiated")
    for base in order:
        if (module_of(base), _name(base)) in _VALUE_BASES:
            raise _refused(cls, f"its instances are {_name(base)}s: recorded as values where they are passed")


def _refuse_unfinished(cls: type) -> None:
    """A class with fields and no ``__init__`` that is not bound to its name yet: a decorator is about to make one."""
    space = dict_of(cls)
    fields = (
        "__annotations__" in space
        or "__annotate_func__" in space
        or any(_name(type(value)) == "_CountingAttr" for value in space.values())
    )
    module = sys.modules.get(module_of(cls))
    bound = module is not None and vars(module).get(_name(cls)) is cls
    if fields and not bound and "__dataclass_fields__" not in space:
        raise _refused(
            cls,
            "it has fields but no __init__ yet; if @dataclass or @attrs.define makes it, put @begat.trackable above that",
        )


def _name(cls: type) -> str:
    return str(type.__dict__["__name__"].__get__(cls))


def _refused(cls: type, reason: str) -> CannotTrack:
    return CannotTrack(f"cannot track {name_of(cls)}: {reason}")
