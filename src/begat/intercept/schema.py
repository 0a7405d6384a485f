"""What is known of a tracked callable before it is called: its name, its parameters, their defaults."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import CodeType, FunctionType
from typing import Any
from weakref import ref

from begat.intercept.constants import NOT_GIVEN, Defaults, KeywordDefaults
from begat.intercept.identity import described
from begat.introspect.describe import Link
from begat.introspect.factories import MARKS as FACTORY_MARKS
from begat.introspect.factories import default_of
from begat.introspect.targets import is_class, module_of, mro_of, name_of
from begat.record.model import Kind

# Types whose instances stay what they are; tuples and frozensets of them do too. Of the others each call is told anew.
_LASTING = {
    "builtins": (
        "NoneType", "bool", "int", "float", "complex", "str", "bytes", "range", "slice", "ellipsis", "NotImplementedType",
        "object", "type", "function", "builtin_function_or_method", "method_descriptor", "wrapper_descriptor", "module",
    ),
    "re": ("Pattern",),
    "uuid": ("UUID",),
    "decimal": ("Decimal",),
    "fractions": ("Fraction",),
    "datetime": ("date", "datetime", "time", "timedelta", "timezone"),
    "pathlib": ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath"),
    "pathlib._local": ("PosixPath", "WindowsPath"),
    "numpy": ("ufunc",),
    "torch": ("dtype", "device", "Size", "layout", "memory_format"),
    "typing": ("TypeVar", "_GenericAlias", "_UnionGenericAlias", "_SpecialForm"),
    "types": ("GenericAlias", "UnionType"),
    "operator": ("itemgetter", "attrgetter"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked for a class or function: parameters to leave out, parameters to redact, to build it when it is
    touched, to check arguments by their annotations (``"off"``, ``"warn"``, ``"strict"``).
    """

    ignore: frozenset[str] = frozenset()
    redact: frozenset[str] = frozenset()
    lazy: bool = False
    validate: str = "off"


@dataclass(slots=True, eq=False, weakref_slot=True)
class Schema:
    """
    The parameters of one tracked callable, in the order in which rows hold their values.

    *skip* leading values of the code (``self``, ``cls``) are not in the row; the first *positional* names may be given by
    position, the first *positional_only* in no other way. *subject* is the class or function, weakly:
    a record keeps nothing of the program alive. *defaults* are values of the record.
    """

    target: str
    kind: Kind
    subject: Callable[[], Any]
    function: Callable[[], FunctionType | None]
    code: CodeType | None
    names: tuple[str, ...] = ()
    starred: tuple[str | None, str | None] = (None, None)
    skip: int = 0
    positional: int = 0
    positional_only: int = 0
    straight: bool = False  # every parameter may be given by position, and takes one argument
    defaults: dict[str, object] = field(default_factory=dict)
    options: Options = field(default_factory=Options)
    notes: tuple[str, ...] = ()
    quiet: object = None  # the state of the rules in which none of them holds for this
    waits: Any = None  # the rule by which calls of this waited last, and how they do
    passed_on: bool = False  # by an ``__init__`` that is not ours: the call was made by whoever called that


def schema_of(
    subject: Any,
    target: str,
    kind: Kind,
    function: FunctionType | None,
    code: CodeType | None,
    defaults: Iterable[Any],
    keywords: dict[str, Any],
    *,
    skip: int,
    options: Options,
    notes: tuple[str, ...],
) -> Schema:
    """The schema of *subject*, built by *function*, whose original code and defaults are given."""
    weak = ref(subject)
    if function is None or code is None:
        return Schema(target, kind, weak, lambda: None, None, options=options, notes=notes)
    named = code.co_argcount + code.co_kwonlyargcount
    positional = bool(code.co_flags & 4)
    count = named + positional + bool(code.co_flags & 8)
    names = code.co_varnames[:count]
    starred = (names[named] if positional else None, names[-1] if code.co_flags & 8 else None)
    given = tuple(defaults)
    known = dict(zip(names[code.co_argcount - len(given) : code.co_argcount], given, strict=True)) | keywords
    if not code.co_argcount:
        skip = 0  # def __init__(*args): the object is taken out of the first of them
    return Schema(
        target,
        kind,
        weak,
        ref(function),
        code,
        names[skip:],
        starred,
        skip,
        max(0, code.co_argcount - skip),
        max(0, code.co_posonlyargcount - skip),
        count == code.co_argcount,
        {name: default_of(subject, name, default, described) for name, default in known.items()},
        options,
        notes,
    )


def as_called(schema: Schema, values: tuple[Any, ...]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments as a call would give them; what the caller left out stays out."""
    star, double = schema.starred
    positional = schema.positional
    if star is None and double is None:  # most often so
        cut = 0
        for value in values[:positional]:
            if value is NOT_GIVEN:
                break
            cut += 1
        named: dict[str, Any] = {}
        if cut < len(values):
            for name, value in zip(schema.names[cut:], values[cut:], strict=True):
                if value is not NOT_GIVEN:
                    named[name] = value  # noqa: PERF403  # a comprehension is a frame more, in 3.11
        return values[:cut], named
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for position, (name, value) in enumerate(zip(schema.names, values, strict=True)):
        if name == star:  # after all that have a name
            args.extend(value)
        elif name == double:
            kwargs |= value
        elif value is not NOT_GIVEN:
            if position < positional and len(args) == position:
                args.append(value)
            else:
                kwargs[name] = value
    return tuple(args), kwargs


def changing_defaults(code: CodeType, defaults: Iterable[Any], keywords: dict[str, Any]) -> tuple[int, ...]:
    """The positions of the parameters whose defaults a program may change between calls."""
    given = tuple(defaults)
    found = [i for i, d in enumerate(given, code.co_argcount - len(given)) if not _lasts(d)]
    for position in range(code.co_argcount, code.co_argcount + code.co_kwonlyargcount):
        name = code.co_varnames[position]
        if name in keywords and not _lasts(keywords[name]):
            found.append(position)
    return tuple(found)


def _lasts(default: object) -> bool:
    kind = type(default)
    if kind is tuple or kind is frozenset:
        return all(_lasts(item) for item in default)  # type: ignore[attr-defined]  # they can be iterated
    name = name_of(kind).partition(":")[2]
    if name in _LASTING.get(module_of(kind), ()) or name in FACTORY_MARKS or is_class(default):
        return True
    if any(module_of(meta) == "enum" for meta in mro_of(type(kind))):
        return True
    if any(module_of(base).partition(".")[0] == "numpy" for base in mro_of(kind)):
        return any(name_of(base) in ("numpy:generic", "numpy:dtype") for base in mro_of(kind))
    return type(described(default)) is Link  # an object with a node of its own


def exchanged_defaults(
    function: FunctionType | None, known: dict[str, object], ours: bool = False
) -> dict[str, object]:
    """
    The plain defaults, others than the *known*, that *function* was given after it was woven: calls hand them over.

    Or, with *ours*, before it was woven again.
    """
    if function is None:
        return {}
    found: dict[str, object] = {}
    defaults, keywords, code = function.__defaults__, function.__kwdefaults__, function.__code__
    if defaults and (ours or type(defaults) is not Defaults):
        found |= zip(code.co_varnames[: code.co_argcount][::-1], defaults[::-1], strict=False)
    if keywords and (ours or type(keywords) is not KeywordDefaults):
        found |= keywords
    plain = {name: value for name, value in found.items() if type(value) in (type(None), bool, int, float, str)}
    return {n: v for n, v in plain.items() if n not in known or type(known[n]) is not type(v) or known[n] != v}
