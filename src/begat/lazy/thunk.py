"""What an unbuilt object waits for: its constructor's arguments, and the one thread that builds it while others wait.

A thread that touches an object which another one builds waits for it, unless that thread, perhaps by way of more objects and
threads, waits for this one: such a ring is an error at once, which names every object in it.
"""

from __future__ import annotations

import _thread
import os
import sys
import threading
from abc import ABC, abstractmethod
from time import perf_counter
from typing import Any

from begat.errors import LazyError

_guard = threading.Lock()  # held for a few instructions: over owners and waits, never while anything is built
_waits: dict[int, Thunk] = {}  # what each waiting thread waits for
BUILDS: dict[int, list[Thunk]] = {}  # what each building thread builds, outermost first

ident = _thread.get_ident


class Thunk(ABC):
    """One call that waits. What makes the call, and tells of it, is said by those who make a kind of it."""

    __slots__ = ("around", "built", "done", "owner")

    def __init__(self) -> None:
        self.owner = 0
        self.built = False
        self.done: threading.Event | None = None  # made by the first that has to wait
        self.around: tuple[Thunk, ...] = around()

    @property
    @abstractmethod
    def name(self) -> str:
        """What is called."""

    @abstractmethod
    def place(self) -> str:
        """Where the call stands: ``train.py:12``."""

    @abstractmethod
    def function(self) -> Any:
        """What is called, to be called again."""

    @abstractmethod
    def arguments(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """What it is called with."""

    @abstractmethod
    def run(self, obj: Any) -> Any:
        """Make the call, for the object that waits."""

    def first(self) -> None:  # noqa: B027  # most have nothing before them
        """Build what has to be built before."""

    def after(self, seconds: float, error: BaseException | None) -> None:  # noqa: B027  # some tell nobody
        """It was built in *seconds*, or *error* came of it."""

    def enter(self) -> bool:
        """
        Begin to build, or wait until another thread has. True when it is for the caller to build, False when there is
        nothing to do: it is built, or it is this thread that builds it, and comes by again.
        """
        me = ident()
        while True:
            if self.owner == me:
                self.pass_through()
                return False
            with _guard:
                if self.built:
                    return False
                if not self.owner:
                    self.owner = me
                    BUILDS.setdefault(me, []).append(self)
                    return True
                self._ring(me)
                done = self.done = self.done or threading.Event()
                _waits[me] = self
            try:
                done.wait()
            finally:
                with _guard:
                    _waits.pop(me, None)  # and round again: it is built, or that failed and is ours to try

    def leave(self) -> None:
        """The building is over, whether it went well or not."""
        with _guard:
            builds = BUILDS.get(self.owner, [])
            if self in builds:
                builds.remove(self)
            if not builds:
                BUILDS.pop(self.owner, None)
            self.owner = 0
            done, self.done = self.done, None
        if done is not None:
            done.set()

    def build(self, obj: Any) -> Any:
        """Make the call, after `enter` said so. What it raises gets a note that names the line of the call."""
        self.first()
        begin = perf_counter()
        error: BaseException | None = None
        try:
            return self.run(obj)
        except BaseException as raised:
            error = raised
            note = f"begat: {self.name} was called at {self.place()}, and is built where it is first touched"
            if note not in getattr(raised, "__notes__", ()):
                raised.add_note(note)
            raise
        finally:
            self.after(perf_counter() - begin, error)

    def pass_through(self) -> None:
        """This thread, which builds it, comes by: complain if it builds something else, not declared in our build, that needs us whole."""
        builds = BUILDS[self.owner]
        if builds[-1] is self:
            return
        above = builds[builds.index(self) + 1 :]
        if not all(self in thunk.around for thunk in above):
            raise LazyError(_chain([self, *above, self]))

    def _ring(self, me: int) -> None:
        """Complain if the thread that builds this waits, in the end, for *me*."""
        chain, thunk = [self], self
        while True:
            waits = _waits.get(thunk.owner)
            if waits is None:
                return
            chain.append(waits)
            if waits.owner == me:
                raise LazyError(_chain([waits, *chain]))
            if waits in chain[:-1]:
                return
            thunk = waits


def around() -> tuple[Thunk, ...]:
    """What this thread builds, outermost first."""
    return tuple(BUILDS.get(ident(), ()))


def _after_fork() -> None:
    # Other threads may have held the lock, or been building: they are not here to go on.
    global _guard
    _guard = threading.Lock()
    _waits.clear()
    for thread in [each for each in BUILDS if each != ident()]:
        for thunk in BUILDS.pop(thread):
            thunk.owner, thunk.done = 0, None


os.register_at_fork(after_in_child=_after_fork)


def alone() -> bool:
    """Whether this is the only thread."""
    return len(sys._current_frames()) == 1


def building() -> bool:
    """Whether this thread builds something."""
    return ident() in BUILDS


def _chain(thunks: list[Thunk]) -> str:
    steps = " → ".join(f"{thunk.name} ({thunk.place()})" for thunk in thunks)
    return f"objects that wait for each other: {steps}; build one of them first, with begat.materialize"
