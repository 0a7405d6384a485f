"""What an unbuilt object waits for: its constructor's arguments, and the one thread that builds it while others wait.

A thread that touches an object which another one builds waits for it, unless that thread, perhaps by way of more objects and
threads, waits for this one: such a ring is an error at once, which names every object in it. A thread that the constructor
itself waits for is its helper, and sees what the constructor sees.
"""

from __future__ import annotations

import _thread
import os
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from begat.errors import LazyError, add_note
from begat.lazy.arguments import refusal
from begat.lazy.helpers import waits_for_us

# Held for a few instructions: over claims and waits, never while anything is built. A signal handler may come in between,
# and touch what waits: to its own thread it is open.
_guard = threading.RLock()
_waits: dict[int, Thunk] = {}  # what each waiting thread waits for
BUILDS: dict[int, Claim] = {}  # what each building thread builds, innermost; the others are below it

ident = _thread.get_ident


class Claim:
    """One *thread*'s right to build what waits for *thunk*. *helpers* are the threads that its constructor waits for."""

    thunk: Thunk
    thread: int
    below: Claim | None = None
    depth = 0
    helpers: frozenset[int] = frozenset()


class Thunk(ABC):
    """One call that waits. What makes the call, and tells of it, is said by those who make a kind of it."""

    __slots__ = ("around", "built", "claim", "done")

    def __init__(self) -> None:
        self.claim: Claim | None = None
        self.built = False
        # Made, and held, for the first that has to wait. An Event has a lock of its own, on which a signal handler would hang.
        self.done: _thread.LockType | None = None
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
    def build(self, obj: Any) -> Any:
        """Make the call, for *obj* that waits. What it raises is `noted`."""

    def recipe(self) -> tuple[Any, ...] | None:
        """The arguments by position and by name, and more, to make the same call of in a copy; None where that would be another one."""
        return self.arguments()

    def parcel(self, protocol: int) -> tuple[Any, ...] | None:
        """The `recipe`, for a pickle. Raises what the pickler would, with a note, where an argument is one that it refuses."""
        recipe = self.recipe()
        if recipe is not None:
            args, kwargs, *_ = recipe
            for named, value in (*((self.label(i), each) for i, each in enumerate(args)), *kwargs.items()):
                refused = refusal(value, protocol)
                if refused is not None:
                    refused.add_note(
                        f"begat: that is in the argument {named} of {self.name}, called at {self.place()}, which is not built "
                        "yet and travels as its call: hand it what can be pickled, or build it first, with begat.materialize"
                    )
                    try:
                        raise refused
                    finally:
                        del refused  # its traceback leads here, and so to what waits
        return recipe

    def label(self, position: int) -> str:
        """What the argument at *position* is called."""
        return str(position + 1)

    def once(self, act: Callable[..., None], *args: Any) -> None:
        """
        Let *act* build, with *args* and whether this is the only thread, or wait until another thread has. Nothing is done
        if it is built, or if it is this thread that builds it, or a helper, and comes by again.
        """
        me = ident()
        claim = Claim()
        claim.thunk, claim.thread, claim.below = self, me, BUILDS.get(me)
        try:
            sole = alone()
            # An interrupt falls on calls and loops alone, and another thread's turn likewise: here there is none.
            if sole and claim.below is None and self.claim is None and not self.built:
                self.claim = BUILDS[me] = claim
                act(*args, sole)
            elif self._enter(claim):
                act(*args, sole)
        except BaseException as error:
            _shorten(error)
            raise
        finally:
            if self.claim is claim:  # and no interrupt here either
                self.claim = None
                if BUILDS[me] is not claim:  # a greenlet of this thread, which began later, is not done
                    _unlink(claim)
                elif claim.below is None:
                    del BUILDS[me]
                else:
                    BUILDS[me] = claim.below
                if self.done is not None:
                    done, self.done = self.done, None
                    done.release()

    def passes(self) -> bool:
        """Whether this thread builds it, or helps to: it sees the object as it is."""
        claim = self.claim
        if claim is None:
            return False
        me = ident()
        if claim.thread != me:
            return me in claim.helpers
        if BUILDS[me] is not claim:
            _in_between(claim, BUILDS[me])
        return True

    def _enter(self, claim: Claim) -> bool:
        me = claim.thread
        while self.claim is None or not self.passes():
            try:
                with _guard:
                    claim.below = below = BUILDS.get(me)
                    # From here to the claim no interrupt falls, and no signal handler comes in, which may have built it.
                    if self.built:
                        return False
                    other = self.claim
                    if other is None:
                        if below is not None:
                            claim.depth = below.depth + 1
                        self.claim = BUILDS[me] = claim
                        return True
                    self._ring(me)
                    done = self.done
                    if done is None:
                        done = _thread.allocate_lock()
                        done.acquire()
                        self.done = done
                    _waits[me] = self
                if done.acquire(timeout=_PATIENCE):
                    done.release()  # the next may go on, too
                elif waits_for_us(other.thread):
                    other.helpers |= {me}  # one that another thread overwrites comes by again
            finally:
                _waits.pop(me, None)  # and round again: it is built, or that failed and is ours to try
        return False

    def noted(self, error: BaseException) -> None:
        """Say in a note to *error*, which the call raised, where it was called."""
        add_note(error, f"begat: {self.name} was called at {self.place()}, and is built where it is first touched")

    def _ring(self, me: int) -> None:
        """Complain if the thread that builds this waits, in the end, for *me*."""
        chain, thunk = [self], self
        while thunk.claim is not None:
            waits = _waits.get(thunk.claim.thread)
            if waits is None:
                return
            chain.append(waits)
            if waits.claim is not None and waits.claim.thread == me:
                raise LazyError(_chain([waits, *chain]))
            if waits in chain[:-1]:
                return
            thunk = waits


def _shorten(error: BaseException) -> None:
    """Take what stands between the touch and the constructor out of the traceback: the reader looks for these two."""
    top: Any = error.__traceback__
    entry = top.tb_next
    while entry is not None and f"{entry.tb_frame.f_globals.get('__name__')}"[:6] == "begat.":
        entry = entry.tb_next
    if entry is not None:
        top.tb_next = entry


_PATIENCE = 0.05  # seconds, between two looks at whether the constructor waits for us


def _in_between(claim: Claim, innermost: Claim) -> None:
    """This thread, which builds it, comes by: complain if it builds something else, not declared in our build, that needs us whole."""
    thunk, here = claim.thunk, innermost
    above: list[Claim] = []
    while here is not claim:
        above.insert(0, here)
        assert here.below is not None  # a claim that holds is among those of its thread
        here = here.below
    if not all(thunk in each.thunk.around for each in above):
        running = _running()  # what another greenlet of this thread builds does not need us
        needs = [each.thunk for each in above if any(each is one for one in running)]
        if not all(thunk in each.around for each in needs):
            raise LazyError(_chain([thunk, *needs, thunk]))


def _running() -> list[Any]:
    """The claims whose builds are going on in the frames below this one."""
    found = []
    frame: Any = sys._getframe(1)
    while frame is not None:
        if frame.f_code is Thunk.once.__code__:
            found.append(frame.f_locals.get("claim"))
        frame = frame.f_back
    return found


def _unlink(claim: Claim) -> None:
    above = BUILDS[claim.thread]
    while above.below is not claim:
        assert above.below is not None  # a claim that holds is among those of its thread
        above = above.below
    above.below = claim.below


def around() -> tuple[Thunk, ...]:
    """What this thread builds, outermost first."""
    found: list[Thunk] = []
    claim = BUILDS.get(ident())
    while claim is not None:
        found.insert(0, claim.thunk)
        claim = claim.below
    return tuple(found)


def _after_fork() -> None:
    # Other threads may have held the lock, or been building: they are not here to go on.
    global _guard
    _guard = threading.RLock()
    _waits.clear()
    for thread in [each for each in BUILDS if each != ident()]:
        claim: Claim | None = BUILDS.pop(thread)
        while claim is not None:
            claim.thunk.claim, claim.thunk.done = None, None
            claim = claim.below


os.register_at_fork(after_in_child=_after_fork)


def alone() -> bool:
    """Whether this is the only thread that runs Python."""
    # The count has those that have no frame yet, or none at the moment; the frames have those that C code made.
    ours = len(OURS)
    return _thread._count() == ours and len(sys._current_frames()) == 1 + ours


OURS: set[int] = set()
"""The threads in which nothing of the program runs: those that write journals."""


def _chain(thunks: list[Thunk]) -> str:
    steps = " → ".join(f"{thunk.name} ({thunk.place()})" for thunk in thunks)
    return f"objects that wait for each other: {steps}; build one of them first, with begat.materialize"
