"""Annotations as objects: for those who were asked to read a value by one. Evaluates them, as `typing.get_type_hints` does."""

from __future__ import annotations

import sys
from types import FunctionType
from typing import Any

MISSING = object()
"""There is no annotation, or it cannot be evaluated."""


def annotation_of(function: FunctionType | None, subject: Any, name: str) -> Any:
    """What the parameter *name* of *function*, or a field of that name of the class *subject*, is annotated with, or `MISSING`."""
    found = _raw(function, name) if function is not None else MISSING
    if found is MISSING:
        return _of_field(subject, name)
    if not isinstance(found, str):
        return found
    assert function is not None
    module = getattr(sys.modules.get(getattr(subject, "__module__", "")), "__dict__", {})
    try:
        return eval(found, {**module, **function.__globals__}, dict(vars(subject)) if isinstance(subject, type) else {})  # noqa: S307  # the program's own text, asked for
    except Exception:  # a name that only a type checker sees, a syntax of another version
        return MISSING


def _raw(function: FunctionType, name: str) -> Any:
    if sys.version_info >= (3, 14):
        from annotationlib import Format, get_annotations

        try:
            return get_annotations(function, format=Format.FORWARDREF).get(name, MISSING)
        except Exception:  # an annotation may do anything
            return MISSING
    found = getattr(function, "__annotations__", None)
    return found.get(name, MISSING) if isinstance(found, dict) else MISSING


def _of_field(subject: Any, name: str) -> Any:
    """A pydantic model's constructor takes ``**data``; its fields say what."""
    fields = getattr(subject, "__pydantic_fields__", None) if isinstance(subject, type) else None
    field = fields.get(name) if isinstance(fields, dict) else None
    return field.annotation if field is not None else MISSING
