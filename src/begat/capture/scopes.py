"""Scopes, `begat.capture` and `begat.paused`, and the questions that people ask of what the session has recorded."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import ContextDecorator
from contextvars import Token
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from begat.capture.live import LiveRun
from begat.capture.saving import Durability, attempt, begin, close, whole
from begat.capture.session import session
from begat.intercept.interceptor import LANE, NOWHERE, Lane, trouble, weakrefoffset
from begat.intercept.plans import plan_of
from begat.record.files import prepare
from begat.record.graph import Run
from begat.record.model import Node

if TYPE_CHECKING:
    from types import TracebackType

F = TypeVar("F", bound=Callable[..., Any])


class capture(ContextDecorator):  # noqa: N801  # used like a function
    """
    Record what is built inside a block, or inside a function when used as a decorator, as one run.

    Entering gives the `Run`, which can be read at any time, also while it grows. *name* is for people, *save* a file to
    which the record is written when the block ends, however it ends. Until then what happens is in a journal beside that file
    a tenth of a second later, and `begat.load` finds it there if the process is killed; with *durability* ``"always"`` it is
    there before a constructor goes on, with ``"end"`` there is none. Scopes nest: what an inner one records belongs to it
    alone, and its run is one of the outer's ``children``. Threads started inside record into it; other threads and asyncio
    tasks with scopes of their own do not mix.

    >>> import begat
    >>> @begat.trackable
    ... class Net:
    ...     def __init__(self, hidden=128): ...
    >>> with begat.capture("baseline") as run:
    ...     model = Net(hidden=64)
    >>> run["model"].params
    {'hidden': 64}
    """

    def __init__(
        self,
        name: str | None = None,
        save: str | os.PathLike[str] | None = None,
        *,
        durability: Durability = "soon",
    ) -> None:
        if name is not None and not isinstance(name, str):
            raise TypeError(
                f"capture takes a name as a string, not {type(name).__name__}; decorate with @begat.capture()"
            )
        self.name = name
        if durability not in get_args(Durability):
            raise ValueError(f"durability is one of {', '.join(get_args(Durability))}, not {durability!r}")
        self.save = save
        self.durability: Durability = durability
        self._entered: list[tuple[LiveRun, Token[Lane | None], str | None]] = []

    def __enter__(self) -> Run:
        parent = session.current()
        if parent is session._root and (parent is None or parent.header.script is None):
            parent = None  # the process-wide graph is nobody's run, unless it is the run of a script
        file = place = None
        if self.save is not None:
            file = whole(self.save)
            place = file if attempt(file) else None
        run = LiveRun(self.name, parent)
        begin(run, parent, place, self.durability)
        session.opened()
        self._entered.append((run, LANE.set(run.recorder.lane()), file))
        return run

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        run, token, file = self._entered.pop()
        try:
            LANE.reset(token)
        except ValueError:  # left in another context than entered: a generator closed elsewhere
            LANE.set(NOWHERE)
        try:
            run.end(error)
        except Exception as failed:
            trouble(failed, "closing a run")
        finally:
            session.ended(run)
        close(run, file, error)

    def __call__(self, func: F) -> F:
        from inspect import iscoroutinefunction

        if not iscoroutinefunction(func):
            return super().__call__(func)
        from functools import wraps

        @wraps(func)
        async def captured(*args: Any, **kwargs: Any) -> Any:
            with self._recreate_cm():
                return await func(*args, **kwargs)

        return captured  # type: ignore[return-value]  # the same signature

    def _recreate_cm(self) -> capture:
        return type(self)(self.name, self.save, durability=self.durability)


class paused(ContextDecorator):  # noqa: N801  # used like a function
    """Record nothing inside a block: neither into a run nor into the process-wide graph.

    >>> import begat
    >>> with begat.paused():
    ...     pass
    """

    def __init__(self) -> None:
        self._tokens: list[Token[Lane | None]] = []

    def __enter__(self) -> None:
        self._tokens.append(LANE.set(None))

    def __exit__(self, *_: object) -> None:
        LANE.reset(self._tokens.pop())


def graph() -> Run:
    """The process-wide graph: what was built outside any scope. Live: it grows as the program goes on."""
    return session.root


def dump(path: str | os.PathLike[str], *, at_exit: bool = False) -> None:
    """
    Write the current run to *path*: the innermost open scope's, or the process-wide graph.

    With *at_exit* it is the process-wide graph, whatever scope is open now, and it is written when the interpreter ends,
    after everything the program builds. Raises OSError if the file cannot be written, as far as one can know in advance.
    """
    if at_exit:
        from begat.capture.endings import at_end

        file = whole(path)
        prepare(file)
        at_end(lambda: _last_dump(file))
        return
    (session.current() or session.root).save(path)


def _last_dump(path: str | os.PathLike[str]) -> None:
    # What the interpreter keeps of the exception that ended it; in an interactive one, that of any earlier line.
    session.root.conclude(None if hasattr(sys, "ps1") else getattr(sys, "last_value", None))
    session.root.save(path)


def provenance(obj: object) -> Node | None:
    """The node of the construction that built *obj*, in whichever run that still exists; None if it was not recorded."""
    found = _built(obj)
    return found[0][found[1]] if found is not None else None


def _built(obj: object) -> tuple[LiveRun, int] | None:
    current = session.current() or session.root
    for run in (current, *session.others(current)):
        number = run.recorder.number_of_object(obj)
        if number is not None:
            return run, number
    return None


def params(obj: object) -> dict[str, Any]:
    """
    Every argument that *obj* was built with, defaults included.

    Raises LookupError if the construction was not recorded.
    """
    found = _built(obj)
    if found is None:
        raise LookupError(f"no record of how this {type(obj).__name__} was built: {_unknown(type(obj))}")
    from begat.capture.reading import Reader

    return Reader(found[0].recorder).params(found[1])


def _unknown(kind: type) -> str:
    """Why no run may know an object of type *kind*."""
    if plan_of(kind).schema is None:
        return "its class is not tracked; begat.trackable or begat.watch does that, before the object is built"
    lost = "" if weakrefoffset(kind) else ", or in a scope that has ended: it has no weak references to be known by"
    return (
        "its class is tracked, but it was built before that, inside begat.paused(), by something else than its "
        f"constructor (a copy, pickle){lost}"
    )
