"""Descriptions of the standard library's types, of classes, functions and enumerations, and of all that is unknown."""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import functools
import pathlib
import re
import types
import uuid
from itertools import islice
from typing import Any
from weakref import ref

from begat.introspect import libraries
from begat.introspect.builtin import BASES, changed, items_of, octets
from begat.introspect.describe import Description, Handler, register, registered
from begat.introspect.targets import (
    code_fingerprint,
    dict_of,
    has_base,
    importable,
    is_class,
    module_of,
    mro_of,
    name_of,
)
from begat.record.values import Array, Cut, Member, Opaque, Redacted, Symbol, Typed

# Types whose content is a secret whatever the parameter is called; their subclasses too.
SECRET_TYPES = frozenset(
    {
        "pydantic.types:SecretStr",
        "pydantic.types:SecretBytes",
        "pydantic.types:Secret",
        "starlette.datastructures:Secret",
    }
)
_SECRET_MODULES = frozenset(name.partition(":")[0] for name in SECRET_TYPES)


def handler_for(kind: type) -> Handler:
    """What describes values whose exact type is *kind*."""
    found = registered(kind)  # by this file, when it was loaded a moment ago
    if found is None:
        found = libraries.handler(kind)
        if found is not None:
            register(kind, found)
    if found is not None:
        return found
    # Not registered: the registry would keep a class of the program alive.
    if has_base(kind, type):
        return symbol
    return _other if type(kind) is type or not has_base(type(kind), enum.EnumMeta) else _member


def _other(value: Any, d: Description) -> object:
    kind = type(value)
    for base in mro_of(kind):
        module = module_of(base)
        if module in _SECRET_MODULES and name_of(base) in SECRET_TYPES:
            return Redacted(name_of(kind), "secret type")
        content = _BASES.get(id(base)) or libraries.base(base, module)
        if content is not None:
            described = content(value, d)
            return described if type(described) is Opaque else Typed(name_of(kind), described)
    return Opaque(name_of(kind))


# --- classes, functions, modules --------------------------------------------------------------------------------------
def symbol(value: Any, d: Description) -> Symbol:
    """A class, function or module, by its name; a function that its name does not lead to also by its code."""
    known = _SYMBOLS.get(id(value))
    if known is not None and known[0]() is value and importable(known[1].target, value):
        return known[1]
    name = name_of(value)
    kind = "class" if is_class(value) else "module" if has_base(type(value), types.ModuleType) else "function"
    if not importable(name, value):
        return Symbol(name, kind, False, _code_of(value))
    found = Symbol(name, kind)
    if kind == "class":
        key = id(value)
        _SYMBOLS[key] = ref(value, lambda _: _SYMBOLS.pop(key, None)), found
    return found


def _code_of(function: Any) -> str | None:
    """The fingerprint of *function*, if it has code."""
    if type(function) is not types.FunctionType:
        return None
    if function.__defaults__ or function.__kwdefaults__ or function.__dict__:
        return code_fingerprint(function)
    key = id(function.__code__)
    known = _CODES.get(key)
    if known is None or known[0]() is not function.__code__:
        known = _CODES[key] = ref(function.__code__, lambda _: _CODES.pop(key, None)), code_fingerprint(function)
    return known[1]


# The same classes are passed again and again, and so are functions made anew of the same code.
_SYMBOLS: dict[int, tuple[ref[Any], Symbol]] = {}
_CODES: dict[int, tuple[ref[Any], str]] = {}


def _builtin(value: Any, d: Description) -> Symbol:
    """A function written in C; by the name of its package too, where it is a method of something hidden (``torch.relu``)."""
    found = symbol(value, d)
    short = f"{found.target.partition(':')[0].partition('.')[0]}:{value.__name__}"
    return Symbol(short, "function") if not found.importable and importable(short, value) else found


def _method(value: Any, d: Description) -> object:
    # Bound to a tracked object it is an edge, which a name alone would lose.
    if d.is_linked(value.__self__):
        parts = {"function": d.part(value.__func__, "function"), "self": d.part(value.__self__, "self")}
        return Typed("builtins:method", parts)
    if is_class(value.__self__):
        return symbol(value, d)
    code = code_fingerprint(value) if type(value.__func__) is types.FunctionType else None
    return Symbol(name_of(value), "function", False, code)


def _partial(value: Any, d: Description) -> Typed:
    parts = {"func": value.func, "args": value.args, "keywords": value.keywords}
    return Typed("functools:partial", {name: d.part(part, name) for name, part in parts.items()})


def _generic_alias(value: Any, d: Description) -> Typed:
    parts = {"origin": value.__origin__, "args": value.__args__}
    return Typed("types:GenericAlias", {name: d.part(part, name) for name, part in parts.items()})


def _union(value: Any, d: Description) -> Typed:
    return Typed("types:UnionType", d.part(value.__args__, "args"))


def _running(value: Any, d: Description) -> Opaque:
    return Opaque(name_of(type(value)), {"function": value.__qualname__})


# --- enumerations -----------------------------------------------------------------------------------------------------
def _member(value: object, d: Description) -> object:
    kind = type(value)
    if any(name in dict_of(base) for base in mro_of(kind) for name in ("_name_", "_value_")):
        return Opaque(name_of(kind))  # a descriptor of the class would answer
    name, content = object.__getattribute__(value, "_name_"), object.__getattribute__(value, "_value_")
    # A flag without a name of its own, such as ``Flag(0)``, goes by its number.
    return Member(
        name_of(kind), name if type(name) is str else f"{content}" if type(content) is int else "", d.of(content)
    )


# --- containers -------------------------------------------------------------------------------------------------------
def _ordered(value: Any, d: Description) -> object:
    # OrderedDict looks its keys up to find their values, which hashes them: its order is only for keys that are builtin.
    plain = dict.__len__(value) <= d.limits.items and all(
        type(key) is str or type(key) is int for key in dict.__iter__(value)
    )
    items = collections.OrderedDict.items(value) if plain else dict.items(value)
    return d.alias(value) or items_of(value, dict.__len__(value), items, d)


def _deque(value: Any, d: Description) -> object:
    alias = d.alias(value)
    if alias is not None:
        return alias
    length = collections.deque.__len__(value)
    room = d.room(length)
    try:
        items = list(islice(collections.deque.__iter__(value), room))
    except RuntimeError:
        return changed(value, length)
    described = d.parts(items)
    return described if room >= length else Cut("list", length, described or None)


def _bytearray(value: Any, d: Description) -> object:
    length = bytearray.__len__(value)
    if length > d.limits.digest:
        return Cut("bytes", length)
    return d.alias(value) or octets(bytes(bytearray.__getitem__(value, slice(None))), d)


def _namespace(value: Any, d: Description) -> Typed:
    alias = d.alias(value)
    return Typed(name_of(type(value)), alias or d.of(value.__dict__))


def _array(value: Any, d: Description) -> object:
    if len(value) > d.limits.elements:
        return Opaque("array:array", {"length": len(value), "dtype": value.typecode})
    return Array("array:array", value.typecode, (len(value),), value.tolist())


# --- values that are data ---------------------------------------------------------------------------------------------
def _itself(value: object, d: Description) -> object:
    return value


def _moment(value: Any, d: Description) -> object:
    if value.tzinfo is None or type(value.tzinfo) is datetime.timezone:
        return value
    # Asked for its offset, a time zone of the program's own would run its code.
    parts = {"wall": value.replace(tzinfo=None), "zone": d.part(value.tzinfo, "zone")}
    return Typed(name_of(type(value)), parts)


def _slice(value: slice, d: Description) -> object:
    parts = (value.start, value.stop, value.step)
    if all(part is None or type(part) is int for part in parts):
        return value
    return Typed("builtins:slice", tuple(d.parts(parts)))


def _pattern(value: Any, d: Description) -> object:
    pattern = value.pattern
    if (type(pattern) is str or type(pattern) is bytes) and len(pattern) <= d.limits.text:
        return value
    return Opaque("re:Pattern")


def _view(value: memoryview, d: Description) -> Opaque:
    return Opaque("builtins:memoryview", {"shape": value.shape, "dtype": value.format, "nbytes": value.nbytes})


# Nearest first: an `OrderedDict` is a `dict`.
_BASES: dict[int, Handler] = {id(kind): handler for kind, handler in BASES} | {
    id(collections.OrderedDict): _ordered,
    id(collections.deque): _deque,
    id(bytearray): _bytearray,
}

_HANDLERS: tuple[tuple[Handler, tuple[type, ...]], ...] = (
    (
        _itself,
        (
            range,
            type(Ellipsis),
            datetime.date,
            datetime.timedelta,
            datetime.timezone,
            decimal.Decimal,
            uuid.UUID,
            pathlib.PurePosixPath,
            pathlib.PureWindowsPath,
            type(pathlib.Path()),
        ),
    ),
    (_moment, (datetime.datetime, datetime.time)),
    (_slice, (slice,)),
    (_pattern, (re.Pattern,)),
    (_view, (memoryview,)),
    (symbol, (types.FunctionType, types.ModuleType, type(functools.lru_cache(print)))),
    (
        symbol,
        (
            types.MethodDescriptorType,
            types.WrapperDescriptorType,
            types.ClassMethodDescriptorType,
            types.MethodWrapperType,
        ),
    ),
    (_builtin, (types.BuiltinFunctionType,)),
    (_method, (types.MethodType,)),
    (_partial, (functools.partial,)),
    (_generic_alias, (types.GenericAlias,)),
    (_union, (types.UnionType,)),
    (_namespace, (types.SimpleNamespace,)),
    (_running, (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)),
)
for _handler, _kinds in _HANDLERS:
    for _kind in _kinds:
        register(_kind, _handler)

libraries.standard("argparse", "Namespace", _namespace)
libraries.standard("array", "array", _array)
