"""The session: which run the current thread and context record into. The only mutable state above the registries.

Outside any scope rows go to the process-wide graph. A scope is a value of one context variable, so concurrent threads and
asyncio tasks do not mix; a thread inherits the scope that was open where it was started, which context variables alone do
not do before Python 3.14.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ContextDecorator
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any, TypeVar, get_args
from weakref import WeakKeyDictionary

from begat.capture import seeds, threads
from begat.capture.live import LiveRun
from begat.capture.living import recorders
from begat.capture.recorder import Recorder
from begat.capture.saving import Durability, attempt, begin, close, whole
from begat.intercept import deferring
from begat.intercept.interceptor import DOOR, LANE, NOWHERE, Lane, ident, trouble, weakrefoffset
from begat.intercept.plans import plan_of
from begat.record import graph as graph_module
from begat.record.files import prepare
from begat.record.graph import Run
from begat.record.model import Node
from begat.replay import door

if TYPE_CHECKING:
    from types import TracebackType

BLOCK: ContextVar[Any] = ContextVar("begat.overrides", default=None)  # what `begat.override` put there
F = TypeVar("F", bound=Callable[..., Any])


class Session:
    """The process-wide run, and what threads inherit."""

    def __init__(self) -> None:
        self._root: LiveRun | None = None
        self._lock = threading.RLock()  # a signal handler that builds may come while it is held
        self._inherited: WeakKeyDictionary[threading.Thread, Recorder] = WeakKeyDictionary()
        self._blocks: WeakKeyDictionary[threading.Thread, object] = WeakKeyDictionary()
        self._open = 0
        self._ended: list[LiveRun] = []

    @property
    def root(self) -> LiveRun:
        """The process-wide graph."""
        if self._root is None:
            with self._lock:
                if self._root is None:
                    root = LiveRun(None)
                    if self._root is None:  # a signal handler may have come first
                        self._root = root
        return self._root

    def anew(self) -> LiveRun:
        """A process-wide graph in which nothing was built yet."""
        old, self._root = self._root, None
        if old is not None:
            old.end()
        return self.root

    def arrive(self, found: Lane | None) -> Lane | None:
        """This thread's lane into the run of its context."""
        recorder: Any = found.sink if found is not None else None
        if recorder is None:
            thread = threading._active.get(ident())  # type: ignore[attr-defined]  # current_thread() would make a dummy
            recorder = self._inherited.get(thread) if thread is not None else None
        while recorder is not None and recorder.closed:
            recorder = recorder.parent
        if recorder is None:
            recorder = self.root.recorder
        lane: Lane = recorder.lane()
        LANE.set(lane)
        return lane

    def current(self) -> LiveRun | None:
        """The run that this thread and context record into now; None while paused."""
        lane = LANE.get()
        if lane is None:
            return None
        if lane.thread != ident():
            lane = self.arrive(lane)
        assert lane is not None
        sink: Any = lane.sink
        return sink.run  # type: ignore[no-any-return]  # every recorder belongs to a live run

    def forked(self) -> None:
        """This process is a child now, without the threads that may have held the lock."""
        self._lock = threading.RLock()

    def others(self, current: LiveRun) -> list[LiveRun]:
        """Every run that is still in memory but *current*, the newest first."""
        return [recorder.run for recorder in recorders() if recorder.run is not None and recorder.run is not current]

    def opened(self) -> None:
        """A block was opened: threads started from now on inherit its scope and its overrides."""
        with self._lock:
            self._open += 1
            if self._open == 1:
                threads.watch(self._starting)
                seeds.watch()

    def ended(self, run: LiveRun) -> None:
        """
        A scope was closed. Its run stays in memory as long as an object that was built in it, for those who ask for its
        arguments; the last one in any case.
        """
        with self._lock:
            self._ended = [known for known in self._ended if known.recorder.lives()]
            self._ended.append(run)
        self.closed()

    def closed(self) -> None:
        """A block was closed."""
        with self._lock:
            self._open -= 1
            if self._open == 0:
                threads.unwatch()
                seeds.unwatch()

    def _starting(self, thread: threading.Thread) -> None:
        lane = LANE.get()
        if lane is not None and isinstance(lane.sink, Recorder):
            self._inherited[thread] = lane.sink
        block = BLOCK.get()
        if block is not None:
            self._blocks[thread] = block

    def block(self) -> Any:
        """The block of overrides that holds in this thread and context, or held where the thread was started."""
        found = BLOCK.get()
        if found is None and self._blocks:
            thread = threading._active.get(ident())  # type: ignore[attr-defined]  # current_thread() would make a dummy
            found = self._blocks.get(thread) if thread is not None else None
        return found


session = Session()
os.register_at_fork(after_in_child=session.forked)
DOOR.arrive = session.arrive


_importing: set[int] = set()


def _asks(*call: Any) -> Any:
    if ident() in _importing:
        return None  # an object that these imports need
    _importing.add(ident())
    try:
        from begat.capture.laziness import deferred  # noqa: F401  # what waits can be copied
        from begat.capture.overriding import asks  # puts itself here
    finally:
        _importing.discard(ident())
    return asks(*call)


deferring.DOOR.asks = _asks


def _tracked(target: str) -> Any:
    from begat.intercept.tracking import tracked_as

    return tracked_as(target)


def _lazy(thing: Any) -> Callable[..., Any]:
    from begat.capture.laziness import lazy

    return lazy(thing)


def _overridden(changes: Mapping[str, Any]) -> AbstractContextManager[Any]:
    from begat.capture.overriding import overriding_exactly

    return overriding_exactly(changes)


def _to_python(run: Run, path: str | None, *, defaults: bool) -> str:
    from begat.replay.codegen import to_python

    return to_python(run, path, defaults=defaults)


graph_module.DOOR.to_python = _to_python
door.DOOR.tracked = _tracked
door.DOOR.lazy = _lazy
door.DOOR.overridden = _overridden


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
