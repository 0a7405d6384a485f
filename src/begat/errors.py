"""The errors of begat's own, each with a stable code and a builtin as second base; wrong arguments are plain `TypeError`s."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from types import FrameType


class BegatError(Exception):
    """The base of every error that begat raises on purpose. *code* is stable: ``begat-R1``."""

    code = "begat-0"

    def __str__(self) -> str:
        return f"[{self.code}] {super().__str__()}"


class CannotTrack(BegatError, TypeError):
    """The object given to `trackable` can not be tracked; the text says why and what to do instead."""

    code = "begat-T1"


class InvalidRecord(BegatError, ValueError):
    """A record that cannot be read: not JSON, another format, too large, or not of the schema. The text says where."""

    code = "begat-R1"


class UnknownRun(BegatError, LookupError):
    """No run has this path, id or prefix, or several have."""

    code = "begat-R2"


class OverrideError(BegatError, ValueError):
    """An override that cannot be honored: it matched nothing, contradicts another, or its value does not fit the parameter."""

    code = "begat-O1"


class InvalidArgument(BegatError, TypeError):
    """An argument of an ordinary call does not fit its annotation, and ``trackable(validate="strict")`` was asked for."""

    code = "begat-V1"


class ArgumentWarning(UserWarning):
    """An argument does not fit its annotation, and ``trackable(validate="warn")`` was asked for."""


class LazyError(BegatError, RuntimeError):
    """An object that waits cannot be built: it and others wait for each other, or an attribute was asked and building failed."""

    code = "begat-L1"


class SweepError(BegatError, ValueError):
    """A sweep that cannot be done as it was asked for: values that cannot be read, a sampler or executor that does not fit."""

    code = "begat-S1"


class CannotRebuild(BegatError, ValueError):
    """
    Objects of a record cannot be built again; nothing was called. The text lists everything that stands in the way.

    *problems* has the same as data, a `Problem` each.
    """

    code = "begat-B1"

    def __init__(self, text: str, problems: tuple[Problem, ...] = ()) -> None:
        more = (f"and {len(problems) - _LISTED:,} more",) if len(problems) > _LISTED else ()
        super().__init__("\n  ".join((text, *map(str, problems[:_LISTED]), *more)))
        self.problems = problems

    def __reduce__(self) -> tuple[object, ...]:
        return _cannot_rebuild, (self.args[0], self.problems)


_LISTED = 200


class Problem:
    """One thing that stands in the way of a rebuild: *path* says where, *what* it is, *way* what to do about it."""

    __slots__ = ("allow", "path", "way", "what")

    def __init__(self, path: str, what: str, way: str = "", allow: str | None = None) -> None:
        self.path = path
        self.what = what
        self.way = way
        self.allow = allow  # the name that would have to be allowed

    def __str__(self) -> str:
        return f"{self.path}: {self.what}" + (f"; {self.way}" if self.way else "")

    def __repr__(self) -> str:
        return f"<Problem {self}>"


def _cannot_rebuild(text: str, problems: tuple[Problem, ...]) -> CannotRebuild:
    error = CannotRebuild(text)
    error.problems = problems
    return error


class CaptureWarning(RuntimeWarning):
    """Something went wrong inside begat; the program was not touched, and the record says what it lacks."""


def add_note(error: BaseException, note: str) -> None:
    """Add *note* to an *error* of the program's: nothing that its class makes of that may stand for the error."""
    with suppress(Exception):
        notes = getattr(error, "__notes__", None)
        if notes is None:
            object.__setattr__(error, "__notes__", notes := [])  # past its own way: a frozen dataclass has none
        if note not in notes:
            notes.append(note)


_KINDS = (
    ArithmeticError, AssertionError, AttributeError, BufferError, ImportError, LookupError, MemoryError, NameError, OSError,
    ReferenceError, RuntimeError, StopIteration, SyntaxError, TypeError, ValueError,
)  # fmt: skip


def is_ours(error: BaseException) -> bool:
    """Whether code of ours can have failed with *error*; if not, a signal handler or another thread threw it into our code."""
    kind = type(error)
    if kind is OverrideError or kind is InvalidArgument:  # asked for, and cannot be done: that is for the caller
        return False
    if kind.__module__ not in ("builtins", "begat.errors") or kind is TimeoutError or not issubclass(kind, _KINDS):
        return False
    # Signal handlers and trace functions are called with the frame that they interrupt.
    entry = error.__traceback__
    while entry is not None:
        frame, entry = entry.tb_frame, entry.tb_next
        if not str(frame.f_globals.get("__name__")).startswith("begat.") and _takes_a_frame(frame.f_locals):
            return False
    return True


def _takes_a_frame(names: Mapping[str, object]) -> bool:
    return any(
        type(value) is FrameType or (type(value) is tuple and any(type(item) is FrameType for item in value))
        for value in names.values()
    )
