"""Ordinary calls checked against the annotations of their parameters, where that was asked for: ``trackable(validate="warn")``."""

from __future__ import annotations

import sys
import warnings
from typing import Any

from begat.errors import ArgumentWarning, InvalidArgument
from begat.intercept.constants import NOT_GIVEN
from begat.intercept.schema import Schema
from begat.introspect.annotated import MISSING, annotation_of
from begat.introspect.signatures import short
from begat.replay.validate import fits


def complaint(schema: Schema, values: tuple[Any, ...], where: str) -> str | None:
    """What does not fit in the call of *schema* with *values*, or None."""
    function, subject = schema.function(), schema.subject()
    found = []
    for name, value in zip(schema.names, values[len(values) - len(schema.names) :], strict=True):
        if value is NOT_GIVEN or name in schema.starred:
            continue
        annotation = annotation_of(function, subject, name)
        if annotation is not MISSING and not fits(value, annotation):
            found.append(f"{name} is {_shown(value)}, and not {short(annotation)}")
    return f"{where}: {'; '.join(found)}" if found else None


def check(schema: Schema, values: tuple[Any, ...], where: str, frame: Any) -> InvalidArgument | None:
    """Warn, at the *frame* that made the call, of what does not fit, or return the error to raise: as the options of the class say."""
    said = complaint(schema, values, where)
    if said is None:
        return None
    if schema.options.validate == "strict":
        return InvalidArgument(said)
    level, here = 1, sys._getframe()
    while here.f_back is not None and here is not frame:
        level, here = level + 1, here.f_back
    warnings.warn(f"begat: {said}", ArgumentWarning, stacklevel=level)
    return None


def _shown(value: Any) -> str:
    kind = type(value)
    return (
        f"{value!r} ({kind.__name__})"
        if kind in (int, float, bool, str) and len(str(value)) < 80
        else f"a {kind.__name__}"
    )
