"""Default factories: what dataclasses, attrs and pydantic put in a signature only says that there is one; the class knows which."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any

from begat.introspect.callsites import written
from begat.introspect.targets import dict_of, mro_of
from begat.record.values import Made

MARKS = ("_HAS_DEFAULT_FACTORY_CLASS", "_Nothing")


def default_of(subject: Any, name: str, default: object, snap: Callable[[object], object]) -> object:
    """The *default* of parameter *name* of *subject* as a value of the record; where it stands for a factory, `Made`."""
    if type(default).__name__ not in MARKS:
        return snap(default)
    factory = factory_of(subject, name)
    return Made(snap(factory) if factory is not None else None)


def literal_of(subject: Any, name: str, default: object) -> object:
    """
    *default* as `default_of` gives it; where it is made by a lambda that writes it out, ``lambda: [0.9, 0.999]``, what that says.

    The source is read, and nothing is called. That takes time: for those who look.
    """
    if type(default) is not Made:
        return default
    factory = factory_of(subject, name)
    if type(factory) is not FunctionType or factory.__name__ != "<lambda>":
        return default
    import ast

    from begat.introspect.describe import snapshot

    code = factory.__code__
    # What returns a constant has no column before Python 3.13.
    text = f"({written(code) or ''.join(map(repr, code.co_consts[-1:]))})"
    try:
        found = ast.literal_eval(text)
        now = compile(f"lambda: {text}", "", "eval").co_consts[0]
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):  # it is no literal, or is no more
        return default
    # The file may have changed since, and the text there be of something else.
    same = (now.co_code, repr(now.co_consts)) == (code.co_code, repr(code.co_consts))
    return snapshot(found, lambda _: None) if same else default


def factory_of(subject: Any, name: str) -> Any:
    """What makes the default of parameter *name* of *subject*, or None."""
    return _dataclass(subject, name) or _attrs(subject, name) or _pydantic(subject, name)


_FACTORY = re.compile(
    r"_dflt_(?P<dataclass>\w+?)(?:__)?|__dataclass_dflt_(?P<later>\w+)__|__attr_factory_(?P<attrs>\w+)"
)


def field_made(code: CodeType, lasti: int) -> str | None:
    """
    The field whose default factory the call at *lasti* of *code*, a constructor that dataclasses or attrs wrote, calls.

    By the name that they give it there: such code stands in no file.
    """
    if code.co_name != "__init__" or not code.co_filename.startswith("<"):
        return None
    import dis

    field = None
    for instruction in dis.get_instructions(code):
        if instruction.offset > lasti:
            break
        found = _FACTORY.fullmatch(instruction.argval) if isinstance(instruction.argval, str) else None
        if found is not None:
            field = found[found.lastgroup or 0]
    return field


def _dataclass(subject: Any, name: str) -> Any:
    factory = getattr(_found(subject, "__dataclass_fields__", {}).get(name), "default_factory", None)
    return factory if callable(factory) else None


def _attrs(subject: Any, name: str) -> Any:
    declared = next((a for a in _found(subject, "__attrs_attrs__", ()) if a.alias == name), None)
    return getattr(getattr(declared, "default", None), "factory", None)


def _pydantic(subject: Any, name: str) -> Any:
    return getattr(_found(subject, "__pydantic_fields__", {}).get(name), "default_factory", None)


def _found(subject: Any, name: str, otherwise: Any) -> Any:
    return (
        next((dict_of(cls)[name] for cls in mro_of(subject) if name in dict_of(cls)), otherwise)
        if isinstance(subject, type)
        else otherwise
    )
