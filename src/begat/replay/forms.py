"""How values that are more than their content are said in Python: numpy scalars, dtypes, small arrays, partials, members.

A closed table. What is called for data is named here and never by a record; a class of the program, such as that of an
enumeration or of a subclass of ``dict``, is a `Name` and needs permission like any other.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, time
from typing import TYPE_CHECKING

from begat.record.plain import text
from begat.record.values import SCALARS, Alias, Array, Mapping, Member, Symbol, Typed
from begat.replay import terms
from begat.replay.terms import NONE, Absent, Apply, Content, Literal, Method, Name, Several, Term

if TYPE_CHECKING:
    from begat.replay.translation import Translator

_ELEMENTS = 100_000


def form(value: Typed | Array | Member, at: str, way: str, depth: int, t: Translator) -> Term:
    """The term for *value*."""
    if type(value) is Member:
        return _member(value, at, way, depth, t)
    if type(value) is Array:
        return _array(value, at)
    assert type(value) is Typed
    if type(value.value) is Alias:
        return t.term(value.value, at, way, depth)
    said = _FORMS.get(value.type)
    if said is None:
        module, _, name = value.type.partition(":")
        said = _numpy_scalar if module == "numpy" and name in _NUMPY_SCALARS else _subclass
    found = said(value, at, way, depth, t)
    return found if found is not None else Absent(at, f"{value.type} of {text(value.value, limit=60)}")


def _ours(target: str, at: str, kind: str = "class") -> Name:
    return Name(target, kind, at, ours=True)


def _member(value: Member, at: str, way: str, depth: int, t: Translator) -> Term:
    names = tuple(value.name.split("|"))
    named = all(name.isidentifier() for name in names)
    content = t.term(value.value, at, way, depth + 1)
    return terms.Member(Name(value.type, "class", at), names if named else (), content)


def _subclass(value: Typed, at: str, way: str, depth: int, t: Translator) -> Term | None:
    if type(value.value) not in _CONTENTS:
        return None
    return Content(Name(value.type, "class", at), _plain(value, at, way, depth, t), t.key(way))


def _plain(value: Typed, at: str, way: str, depth: int, t: Translator) -> Term:
    """The term for the content of *value*, which nobody but the object around it holds."""
    content = t.term(value.value, at, way, depth + 1)
    return replace(content, key=None) if isinstance(content, Several | terms.Pairs) else content


_CONTENTS = SCALARS - {type(None)} | {bytes, complex, list, tuple, dict, set, frozenset, Mapping}


def _content_of(*kinds: type) -> Callable[..., Term | None]:
    def said(value: Typed, at: str, way: str, depth: int, t: Translator) -> Term | None:
        if type(value.value) not in kinds:
            return None
        return Content(_ours(value.type, at), _plain(value, at, way, depth, t), t.key(way))

    return said


def _text_of(pattern: str) -> Callable[..., Term | None]:
    fits = re.compile(pattern).fullmatch

    def said(value: Typed, at: str, way: str, depth: int, t: Translator) -> Term | None:
        written = value.value
        return Apply(_ours(value.type, at), (Literal(written),)) if type(written) is str and fits(written) else None

    return said


# --- Python's own -----------------------------------------------------------------------------------------------------
def _bag(value: Typed, at: str, way: str, depth: int, t: Translator) -> Term | None:
    kind = set if value.type == "builtins:set" else frozenset
    if type(value.value) is not tuple:
        return None
    return Several(kind, tuple(t.term(item, at, way, depth + 1) for item in value.value), t.key(way))


def _slice(value: Typed, at: str, way: str, depth: int, t: Translator) -> Term | None:
    parts = t.term(value.value, at, way, depth + 1)
    return Apply(_ours("builtins:slice", at), parts.parts) if type(parts) is Several else None


def _partial(value: Typed, at: str, way: str, depth: int, t: Translator) -> Term | None:
    match value.value:
        case {"func": func, "args": tuple() as args, "keywords": dict() as keywords} if all(
            type(name) is str for name in keywords
        ):
            function = t.part(func, "func", at, way, depth)
            given = t.part(args, "args", at, way, depth)
            named = t.part(keywords, "keywords", at, way, depth)
            if type(given) is Several and type(named) is terms.Pairs:
                kwargs = tuple((str(key.value), item) for key, item in named.items if type(key) is Literal)
                return Apply(_ours("functools:partial", at), (function, *given.parts), kwargs)
    return None


def _method(value: Typed, at: str, way: str, depth: int, t: Translator) -> Term | None:
    match value.value:
        case {"function": Symbol(kind="function", importable=True) as function, "self": owner}:
            return Method(Name(function.target, "method", at), t.part(owner, "self", at, way, depth))
    return None


def _generic(value: Typed, at: str, way: str, depth: int, t: Translator) -> Term | None:
    match value.value:
        case {"origin": origin, "args": tuple() as args}:
            parts = (t.part(origin, "origin", at, way, depth), t.part(args, "args", at, way, depth))
            return Apply(_ours("types:GenericAlias", at), parts)
    return None


def _union(value: Typed, at: str, way: str, depth: int, t: Translator) -> Term | None:
    parts = t.term(value.value, at, way, depth + 1)
    if type(parts) is not Several or len(parts.parts) < 2:
        return None
    first, *rest = [NONE if type(p) is Name and p.target == "types:NoneType" else p for p in parts.parts]
    for part in rest:
        first = Apply(_ours("operator:or_", at, "function"), (first, part))
    return first


def _namespace(value: Typed, at: str, way: str, depth: int, t: Translator) -> Term | None:
    content = value.value
    if type(content) is not dict or not all(type(key) is str for key in content):
        return None
    kwargs = tuple((key, t.part(item, key, at, way, depth)) for key, item in content.items())
    return Apply(_ours(value.type, at), (), kwargs)


def _moment(value: Typed, at: str, way: str, depth: int, t: Translator) -> Term | None:
    numbers: tuple[int, ...]
    match value.value:
        case {"wall": datetime() as wall, "zone": zone}:
            numbers = (wall.year, wall.month, wall.day, wall.hour, wall.minute, wall.second, wall.microsecond)
        case {"wall": time() as wall, "zone": zone}:
            numbers = (wall.hour, wall.minute, wall.second, wall.microsecond)
        case _:
            return None
    kwargs: list[tuple[str, Term]] = [("tzinfo", t.part(zone, "zone", at, way, depth))]
    if wall.fold:
        kwargs.append(("fold", Literal(wall.fold)))
    return Apply(_ours(value.type, at), tuple(map(Literal, numbers)), tuple(kwargs))


# --- numpy, torch, pandas ---------------------------------------------------------------------------------------------
_NUMPY_SCALARS = frozenset(
    [
        "bool",
        "bool_",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "intc",
        "uintc",
        "longlong",
        "ulonglong",
        "float16",
        "float32",
        "float64",
        "longdouble",
        "float128",
        "complex64",
        "complex128",
        "clongdouble",
        "complex256",
        "str_",
        "bytes_",
        "datetime64",
        "timedelta64",
    ]
)
_NUMPY_DTYPE = (
    r"bool|u?int\d+|float\d+|complex\d+|[<>|=]?[biufcSUOMmV]\d{0,5}(\[[0-9a-zA-Z]+\])?|object|str\d*|bytes\d*"
)
_EXACT_DTYPE = re.compile(r"bool|u?int\d+|float\d+|complex\d+|[<>|=]?[biufcSU]\d{1,5}").fullmatch


def _numpy_scalar(value: Typed, at: str, way: str, depth: int, t: Translator) -> Term | None:
    parts = value.value if type(value.value) is tuple else (value.value,)
    if not all(type(part) in _PLAIN for part in parts):
        return None
    if value.type in ("numpy:datetime64", "numpy:timedelta64") and parts[1:] == ("generic",):
        parts = parts[:1]
    return Apply(_ours(value.type, at), tuple(map(Literal, parts)))


_PLAIN = SCALARS | {bytes, complex}


def _numpy_dtype(value: Typed, at: str, way: str, depth: int, t: Translator) -> Term | None:
    if type(value.value) is list:  # of a record: names and formats
        return Apply(_ours("numpy:dtype", at), (t.term(value.value, at, way, depth + 1),))
    return _text_of(_NUMPY_DTYPE)(value, at, way, depth, t)


def _array(value: Array, at: str) -> Term:
    described = Absent(at, f"{value.type} of {text(value.data, limit=60)}")
    if not all(type(side) is int and side >= 0 for side in value.shape) or math.prod(value.shape) > _ELEMENTS:
        return described
    empty = 0 in value.shape
    data = Literal(value.shape) if empty else _nested(value.data)
    if data is None:
        return described
    dtype: Term
    match value.type:
        case "numpy:ndarray" if _EXACT_DTYPE(value.dtype):
            make, dtype = "numpy:empty" if empty else "numpy:array", Literal(value.dtype)
        case "torch:Tensor" if re.fullmatch(r"[a-z0-9_]+", value.dtype):
            make, dtype = "torch:empty" if empty else "torch:tensor", _ours(f"torch:{value.dtype}", at, "constant")
        case "array:array" if re.fullmatch(r"[bBuwhHiIlLqQfd]", value.dtype):
            return Apply(_ours("array:array", at), (Literal(value.dtype), Several(list, ()) if empty else data))
        case _:
            return described
    return Apply(_ours(make, at, "function"), (data,), (("dtype", dtype),))


def _nested(data: object) -> Term | None:
    if type(data) in _PLAIN:
        return Literal(data)
    if type(data) is not list:
        return None
    parts = [part for part in map(_nested, data) if part is not None]
    return Several(list, tuple(parts)) if len(parts) == len(data) else None


def _torch_constant(value: Typed, at: str, way: str, depth: int, t: Translator) -> Term | None:
    name = value.value
    return _ours(f"torch:{name}", at, "constant") if type(name) is str and name.isidentifier() else None


def _pandas_constant(value: Typed, at: str, way: str, depth: int, t: Translator) -> Term:
    return _ours(value.type, at, "constant")


def _timestamp(value: Typed, at: str, way: str, depth: int, t: Translator) -> Term | None:
    match value.value:
        case {"wall": str() as wall, "zone": str() as zone}:
            return Apply(_ours(value.type, at), (Literal(wall),), (("tz", Literal(zone)),))
    return _text_of(r"[-+0-9T:.Z]+")(value, at, way, depth, t)


_FORMS: dict[str, Callable[[Typed, str, str, int, Translator], Term | None]] = {
    "array:array": lambda value, at, way, depth, t: None,
    "argparse:Namespace": _namespace,
    "builtins:bytearray": _content_of(bytes),
    "builtins:frozenset": _bag,
    "builtins:method": _method,
    "builtins:set": _bag,
    "builtins:slice": _slice,
    "collections:Counter": _content_of(dict, Mapping),
    "collections:OrderedDict": _content_of(dict, Mapping),
    "collections:defaultdict": lambda value, at, way, depth, t: None,  # the record does not hold its factory
    "collections:deque": _content_of(list),
    "datetime:datetime": _moment,
    "datetime:time": _moment,
    "functools:partial": _partial,
    "numpy:dtype": _numpy_dtype,
    "pandas:NA": _pandas_constant,
    "pandas:NaT": _pandas_constant,
    "pandas:Timedelta": _text_of(r"-?P[-+0-9DTHMS.]+"),
    "pandas:Timestamp": _timestamp,
    "torch:Size": lambda value, at, way, depth, t: Apply(
        _ours("torch:Size", at), (t.term(value.value, at, way, depth + 1),)
    ),
    "torch:device": _text_of(r"[a-z]+(:\d{1,4})?"),
    "torch:dtype": _torch_constant,
    "torch:layout": _torch_constant,
    "torch:memory_format": _torch_constant,
    "types:GenericAlias": _generic,
    "types:SimpleNamespace": _namespace,
    "types:UnionType": _union,
    "zoneinfo:ZoneInfo": _text_of(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*"),
}
