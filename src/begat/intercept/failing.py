"""Classes with which begat fails again and again: after a hundred errors one is not recorded any more."""

from __future__ import annotations

from typing import Any
from weakref import ref

from begat.introspect.targets import name_of

LIMIT = 100

# By id, for a class may have an `__eq__` of its own. What it is about stands beside the count, weakly.
_counts: dict[int, tuple[Any, int]] = {}


def failed_again(error: BaseException, subject: Any = None) -> str | None:
    """Count *error* against *subject*; with the last one that is borne it is let go, and the text says so."""
    if subject is None:
        subject = _subject_of(error)
    if subject is None:
        return None
    known, count = _counts.get(id(subject), (None, 0))
    if known is None or known() is not subject:
        known, count = ref(subject), 0
    _counts[id(subject)] = known, count + 1
    if count + 1 < LIMIT:
        return None
    del _counts[id(subject)]
    from begat.intercept.plans import give_up
    from begat.intercept.tracking import release

    give_up(subject)
    release(subject, None)
    return f"{name_of(subject)} is not recorded any more: begat failed {LIMIT} times with it"


def _subject_of(error: BaseException) -> Any:
    """The class or function for which the generated function was called in which *error* ended."""
    trace = error.__traceback__
    if trace is None or not trace.tb_frame.f_code.co_filename.startswith("<begat enter"):
        return None
    names = trace.tb_frame.f_locals
    for name in ("begat's me", "me"):  # an entry has parameters of the program's names
        if name in names:
            return type(names[name])
    schema = names.get("schema")
    return schema.subject() if schema is not None else None
