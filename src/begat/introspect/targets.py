"""Names of classes and functions, ``"module:qualname"``, and fingerprints of their code.

Everything is read through the slots of ``type`` itself: a metaclass or a class attribute that lies, raises or takes its
time is never asked.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Mapping
from types import (
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    CodeType,
    FunctionType,
    MethodDescriptorType,
    MethodType,
    MethodWrapperType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any

# `cls.__module__` runs a metaclass's property or `__getattribute__`; the slot's own getter reads the type's dictionary.
_module_of = type.__dict__["__module__"].__get__
_qualname_of = type.__dict__["__qualname__"].__get__
dict_of: Callable[[type], Mapping[str, object]] = type.__dict__["__dict__"].__get__
mro_of: Callable[[type], tuple[type, ...]] = type.__dict__["__mro__"].__get__
_contents: Callable[[object], dict[str, object]] = vars(ModuleType)["__dict__"].__get__

UNKNOWN = "?"


def module_of(cls: type) -> str:
    """The name of the module *cls* says it is from, or ``"?"``."""
    try:
        module = _module_of(cls)
    except AttributeError as error:  # deleted from the class
        if error.__traceback__ is not None and error.__traceback__.tb_next is not None:
            raise  # it comes from further down: a signal handler's, and the program's business
        return UNKNOWN
    return module if type(module) is str else UNKNOWN


def is_class(value: object) -> bool:
    """Whether *value* is a class, without asking it (``isinstance`` reads ``__class__``)."""
    return type(value) is type or has_base(type(value), type)


def has_base(cls: type, base: type) -> bool:
    """Whether *base* is among the ancestors of *cls*, without asking either."""
    # A plain loop: `in` asks metaclasses, and `any` takes more than twice as long.
    for each in mro_of(cls):  # noqa: SIM110
        if each is base:
            return True
    return False


def name_of(target: Any) -> str:
    """The name of a class or function: ``"module:qualname"``. A part that cannot be had safely is ``"?"``."""
    if is_class(target):
        return f"{module_of(target)}:{_qualname_of(target)}"
    kind = type(target)
    if kind is FunctionType:
        return f"{_text(target.__module__)}:{_text(target.__qualname__)}"
    if kind is BuiltinFunctionType:
        return f"{_builtin_module(target)}:{target.__qualname__}"
    if kind is MethodType:
        owner, function = target.__self__, target.__func__
        if is_class(owner) and type(function) is FunctionType:
            return f"{name_of(owner)}.{function.__name__}"
        return name_of(function)
    if _is_one_of(kind, _DESCRIPTORS):
        return f"{module_of(target.__objclass__)}:{target.__qualname__}"
    if kind is _Cached:
        return name_of(target.__wrapped__)
    if kind is ModuleType or has_base(kind, ModuleType):
        return _text(_contents(target).get("__name__"))
    return f"{module_of(kind)}:{_qualname_of(kind)}"


_Cached = type(functools.lru_cache(print))
_DESCRIPTORS = (MethodDescriptorType, WrapperDescriptorType, ClassMethodDescriptorType, MethodWrapperType)


def _builtin_module(function: Any) -> str:
    module, owner = function.__module__, function.__self__
    if type(module) is str:
        return module
    return module_of(owner) if is_class(owner) else module_of(type(owner))  # a method of a builtin type has no module


def contents(module: str) -> Mapping[str, object]:
    """The names in *module*, empty if it is not loaded now. Imports nothing."""
    found = sys.modules.get(module)
    return _contents(found) if found is not None and has_base(type(found), ModuleType) else {}


def importable(name: str, target: Any) -> bool:
    """Whether *name* leads to *target* in the modules that are loaded now. Imports nothing, runs no code of theirs."""
    module, _, qualname = name.partition(":")
    holder = sys.modules.get(module)
    if holder is None or not (type(holder) is ModuleType or has_base(type(holder), ModuleType)):
        return False
    if not qualname:
        return holder is target
    if _contents(holder).get(qualname) is target:
        return True
    spaces: list[Mapping[str, object]] = [_contents(holder)]
    found: Any = None
    for step in qualname.split("."):
        space = next((space for space in spaces if step in space), None)
        if space is None:
            return False
        found = space[step]
        # The ancestors too: `Child.create` may be a class method of the parent.
        spaces = [dict_of(base) for base in mro_of(found)] if is_class(found) else []
    wanted = target.__func__ if type(target) is MethodType else target
    return found is wanted or (_is_one_of(type(found), (staticmethod, classmethod)) and found.__func__ is wanted)


def code_fingerprint(
    target: object, original: Callable[[FunctionType], CodeType] = lambda function: function.__code__
) -> str:
    """
    A digest of the code of a class or function: ``"sha256:…"``.

    It is the same in every process of one Python version, wherever the file lies and on whatever line the code stands;
    it changes with the instructions, the constants, the default values and the names of the base classes.
    *original* gives the code to take for a function whose own was rewritten.
    """
    import hashlib

    digest = hashlib.sha256()
    for piece in _pieces(target, original, set(), name_of(target).partition(":")[0]):
        digest.update(piece.encode("utf-8", "surrogatepass"))
        digest.update(b"\0")
    return f"sha256:{digest.hexdigest()}"


def _name(cls: Any, home: str) -> str:
    """The name of *cls*, without its module where that is *home*: the same script is `__main__`, or a module of its own name."""
    return name_of(cls) if module_of(cls) != home else f":{_qualname_of(cls)}"


# What differs between two definitions of the same code, or between Python's patch releases, or is derived.
_INCIDENTAL = {"__annotate__", "__annotate_func__", "__annotations__", "__doc__", "__module__", "__qualname__"}


def _pieces(target: Any, original: Callable[[FunctionType], CodeType], seen: set[int], home: str) -> Iterator[str]:
    kind = type(target)
    if _is_one_of(kind, _CONSTANTS):
        yield from ("constant", _constant(target, home))
        return
    if id(target) in seen:
        return
    seen.add(id(target))
    if is_class(target):
        yield from _class(target, original, seen, home)
    elif kind is FunctionType:
        yield "function"
        yield from _code(original(target), home)
        defaults = target.__defaults__
        # Read as a caller reads them: those of a tracked class are a tuple of another type, which holds none in C.
        yield _constant(tuple(defaults) if defaults is not None else None, home)
        yield _constant(tuple(sorted((target.__kwdefaults__ or {}).items())), home)
        if "__wrapped__" in target.__dict__:
            yield from _pieces(target.__dict__["__wrapped__"], original, seen, home)
    elif kind is staticmethod or kind is classmethod or kind is MethodType:
        yield from (_qualname_of(kind), *_pieces(target.__func__, original, seen, home))
    elif kind is property:
        yield "property"
        for accessor in (target.fget, target.fset, target.fdel):
            yield from _pieces(accessor, original, seen, home)
    elif kind is functools.cached_property:
        yield from ("cached_property", *_pieces(target.func, original, seen, home))


def _class(cls: type, original: Callable[[FunctionType], CodeType], seen: set[int], home: str) -> Iterator[str]:
    yield from ("class", *(_name(base, home) for base in mro_of(cls)[1:]))
    for attribute, value in sorted(
        (item for item in dict_of(cls).items() if type(item[0]) is str), key=lambda item: item[0]
    ):
        if attribute in _INCIDENTAL:
            continue
        if is_class(value) and not name_of(value).startswith(f"{name_of(cls)}."):
            body = [_name(value, home)]  # another class by reference is its own matter
        else:
            body = list(_pieces(value, original, seen, home))
        if body and (body[0] != "constant" or not attribute.startswith("__")):  # `__firstlineno__`, `__slots__` …
            yield from ("attribute", attribute, *body)


def _code(code: CodeType, home: str) -> Iterator[str]:
    yield code.co_code.hex()
    yield code.co_exceptiontable.hex()
    yield f"{code.co_argcount} {code.co_posonlyargcount} {code.co_kwonlyargcount} {code.co_flags}"
    yield from (*code.co_names, "", *code.co_varnames, "", *code.co_cellvars, "", *code.co_freevars, "")
    for constant in code.co_consts:
        if type(constant) is CodeType:
            yield from _code(constant, home)
        else:
            yield _constant(constant, home)


_CONSTANTS = (type(None), bool, int, float, complex, str, bytes, tuple, frozenset, type(Ellipsis))


def _constant(value: Any, home: str) -> str:
    """*value* as a text that is the same in every process; of what is no constant only the type."""
    kind = type(value)
    if kind is int:
        return hex(value)  # decimal digits are limited, hexadecimal are not
    if kind is tuple:
        return f"({', '.join(_constant(each, home) for each in value)})"
    if kind is frozenset:
        return f"{{{', '.join(sorted(_constant(each, home) for each in value))}}}"
    if kind is slice:
        return f"slice{_constant((value.start, value.stop, value.step), home)}"
    if _is_one_of(kind, _CONSTANTS):
        return repr(value)
    return _name(kind, home)


def _is_one_of(kind: type, kinds: tuple[type, ...]) -> bool:
    # `in` asks a metaclass that defines `__eq__`.
    return any(kind is each for each in kinds)


def _text(value: object) -> str:
    return value if type(value) is str else UNKNOWN
