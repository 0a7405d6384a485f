"""The errors of begat's own, each with a stable code and a builtin as second base; wrong arguments are plain `TypeError`s."""

from __future__ import annotations


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


class LazyError(BegatError, RuntimeError):
    """An object that waits cannot be built: it and others wait for each other, or an attribute was asked and building failed."""

    code = "begat-L1"


class CaptureWarning(RuntimeWarning):
    """Something went wrong inside begat; the program was not touched, and the record says what it lacks."""


_KINDS = (
    ArithmeticError, AssertionError, AttributeError, BufferError, ImportError, LookupError, MemoryError, NameError, OSError,
    ReferenceError, RuntimeError, StopIteration, SyntaxError, TypeError, ValueError,
)  # fmt: skip


def is_ours(error: BaseException) -> bool:
    """Whether code of ours can have failed with *error*; if not, a signal handler or another thread threw it into our code."""
    kind = type(error)
    return kind.__module__ in ("builtins", "begat.errors") and kind is not TimeoutError and issubclass(kind, _KINDS)
