"""The session: which run the current thread and context record into. The only mutable state above the registries.

Outside any scope rows go to the process-wide graph. A scope (`scopes`) is a value of one context variable, so concurrent
threads and asyncio tasks do not mix; a thread inherits the scope that was open where it was started, which context variables
alone do not do before Python 3.14.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from functools import partial
from importlib import import_module
from typing import Any
from weakref import WeakKeyDictionary

from begat.capture import seeds, threads
from begat.capture.live import LiveRun
from begat.capture.living import lives, recorders
from begat.capture.recorder import Recorder
from begat.intercept import deferring
from begat.intercept.interceptor import DOOR, LANE, Lane, ident
from begat.intercept.schema import Schema
from begat.record import graph as graph_module
from begat.record.graph import Run
from begat.replay import door

BLOCK: ContextVar[Any] = ContextVar("begat.overrides", default=None)  # what `begat.override` put there


_SOME = 32  # runs that are over, of which it is asked at the end of each whether they live


class Session:
    """The process-wide run, and what threads inherit."""

    def __init__(self) -> None:
        self._root: LiveRun | None = None
        self._lock = threading.RLock()  # a signal handler that builds may come while it is held
        self._inherited: WeakKeyDictionary[threading.Thread, Recorder] = WeakKeyDictionary()
        self._blocks: WeakKeyDictionary[threading.Thread, object] = WeakKeyDictionary()
        self._handed_on = False  # whether a thread has ever got a block: asking the dictionary is a call, on the way of all that waits
        self._open = 0
        self._ended: list[LiveRun] = []

    @property
    def root(self) -> LiveRun:
        """The process-wide graph."""
        if self._root is None:
            with self._lock:
                if self._root is None:
                    # What we build ourselves, or the finders of our imports, is not the program's.
                    paused = LANE.set(None)
                    try:
                        root = LiveRun(None)
                    finally:
                        LANE.reset(paused)
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
            # All of few; of many the latest, which most often go first, and some of the others in turn.
            late, turn, rest = self._ended[-_SOME:], self._ended[:-_SOME][:_SOME], self._ended[:-_SOME][_SOME:]
            self._ended = [*rest, *[known for known in (*turn, *late) if lives(known.recorder)], run]
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
            self._handed_on = True

    def block(self) -> Any:
        """The block of overrides that holds in this thread and context, or held where the thread was started."""
        found = BLOCK.get()
        if found is None and self._handed_on:
            thread = threading._active.get(ident())  # type: ignore[attr-defined]  # current_thread() would make a dummy
            found = self._blocks.get(thread) if thread is not None else None
        return found

    def leave_blocks(self) -> None:
        """This process has the memory of another one, whose blocks are not its own."""
        BLOCK.set(None)
        self._blocks.clear()


session = Session()
os.register_at_fork(after_in_child=session.forked)
DOOR.arrive = session.arrive


_importing: set[int] = set()


def _asks(me: Any, token: Any, schema: Schema, lane: Lane, *more: Any, module: str = "overriding") -> Any:
    if ident() in _importing:
        return None  # an object that these imports need
    _importing.add(ident())
    try:
        import_module(f"begat.capture.{module}")  # puts its own in our place
    except ImportError as error:  # a signal handler, in the middle of that very import
        if lane.sink is not None:
            lane.sink.trouble(f"{schema.target} was neither deferred nor changed: {error}")
        return None
    finally:
        _importing.discard(ident())
    door = deferring.DOOR
    return (door.asks if module == "overriding" else door.waits)(me, token, schema, lane, *more)


# Each when there is a call for it: for overrides alone, wrapt, a fifth of a short run, is not imported.
deferring.DOOR.asks = _asks
deferring.DOOR.waits = partial(_asks, module="laziness")


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
