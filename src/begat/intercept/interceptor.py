"""Between the woven code and whoever records: the lane that the current thread and context write into.

A row of a lane's log is a head of six items, *token, schema, code, lasti, within, length*, and its values: *token* stands for the object (its weak
reference, which CPython makes once per object and hands out again, so that the same object is the same token), *code*
and *lasti* are the place of the call, *within* the token of the construction that this one happened in, *length* how many items this
row has, and the values follow the parameters of the schema, `NOT_GIVEN` where the caller left one out. Names are looked up when
somebody reads.
The log is flat, so that a row leaves no tuple behind for the garbage collector to count; what happens to calls later, which is
rare, goes into *events*.
"""

from __future__ import annotations

import _thread
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from contextvars import ContextVar
from types import CodeType, FrameType
from typing import Any, NamedTuple, Protocol
from weakref import ref

from begat.errors import CaptureWarning, is_ours
from begat.intercept.constants import Gate
from begat.intercept.failing import failed_again
from begat.introspect.describe import Link, Room

HEAD = 6  # the items of a row before its values
LIMIT = 10_000  # the items that may wait in a log: about a thousand rows


class Sink(Protocol):
    """What stands behind a lane: the recorder of one run."""

    def settle(self, most: int = ...) -> None:
        """Take the rows out of the log, if there are more than *most* items in it."""

    def pin(self, obj: object) -> object:
        """A token for an object that has no weak references."""

    def pinned(self, obj: object) -> object | None:
        """The token that `pin` gave for *obj*, or None."""

    def seeded(self, name: str, value: object) -> None:
        """The seeding function *name* was called with *value*."""

    def room(self, schema: Any) -> Room:
        """What room there still is for large arguments of the calls of *schema*."""

    def suspect(self) -> None:
        """The row that comes next may be of an object that was built before."""

    def trouble(self, what: str) -> None:
        """Note in the record that it lacks something."""


class Pin:
    """The token of an object that has no weak references: it holds the object, and is let go as soon as nobody else does.

    Like a weak reference, a token is called for its object, and gives None when it is gone for good. A *brief* one
    lets go when the construction is over.
    """

    __slots__ = ("brief", "obj")

    def __init__(self, obj: object, brief: bool = False) -> None:
        self.obj = obj
        self.brief = brief

    def __call__(self) -> object:
        return self.obj


class Release:
    """What leaves the construction of a briefly pinned object."""

    __slots__ = ("__self__", "token")

    def __init__(self, lane: Lane, pin: Pin) -> None:
        self.__self__ = lane.stack
        self.token = pin

    def __call__(self) -> None:
        over(self.__self__, self.token)


class Call:
    """The token of a call whose result is not known yet: gone when it is over without one."""

    __slots__ = ("over",)

    def __init__(self) -> None:
        self.over = False

    def __call__(self) -> object:
        return None if self.over else self


class Stack(list[object]):
    """The tokens of the constructions that are going on in one lane, outermost first."""

    __slots__ = ("lane",)
    lane: Lane


class Lane:
    """One thread's way into one run. *leave* takes the innermost construction off the stack; when its *log* is longer than
    *limit* the sink is asked to settle.

    *thread* is 0 when the run is over, and None when an interrupt fell on our own instructions: `arrive` looks after it.
    *events* holds a `Returned`, a token and the type of the exception in which its call ended, or the token of a call that waits; *links* every `Link` in
    the rows whose number is not known yet.
    """

    __slots__ = ("events", "extend", "leave", "limit", "links", "log", "sink", "stack", "thread")

    def __init__(
        self, sink: Sink | None, log: list[object], events: list[object], links: list[Link], thread: int
    ) -> None:
        self.sink = sink
        self.log = log
        self.extend = log.extend
        self.events = events
        self.links = links
        self.limit = LIMIT
        self.stack = Stack()
        self.stack.lane = self
        self.leave = self.stack.pop
        self.thread: int | None = thread


# A lane of no thread: whoever finds it has to ask `arrive` for its own. None in its place means: record nothing.
NOWHERE = Lane(None, [], [], [], 0)
LANE: ContextVar[Lane | None] = ContextVar("begat.lane", default=NOWHERE)


class Returned:
    """An event: the call of *token* returned the object that *identity* stands for."""

    __slots__ = ("identity", "token")

    def __init__(self, token: object, identity: object) -> None:
        self.token = token
        self.identity = identity


class Built(NamedTuple):
    """An event: the object of *token* was built by a touch at *code* and *lasti*, in *seconds*, or *error* came of it."""

    token: object
    code: Any
    lasti: int
    seconds: float
    error: type | None


class Changed:
    """An event: the call of *token* went on with other *arguments* than were passed: by name, value and source."""

    __slots__ = ("arguments", "token")

    def __init__(self, token: object, arguments: dict[str, tuple[object, Any]]) -> None:
        self.token = token
        self.arguments = arguments


class Instead:
    """An event: in the place of what *token*'s row says, *symbol* was called, with the arguments of these *names*.

    Where a later row has this token, that is the call.
    """

    __slots__ = ("names", "source", "symbol", "token")

    def __init__(self, token: object, symbol: object, source: Any, names: frozenset[str] = frozenset()) -> None:
        self.token = token
        self.names = names
        self.symbol = symbol
        self.source = source


def _nobody(found: Lane | None) -> Lane | None:
    return None


class _Door:
    """Where the session, which lives above, puts what lanes need from it."""

    arrive: Callable[[Lane | None], Lane | None] = staticmethod(_nobody)


DOOR = _Door()


def arrive(found: Lane | None) -> Lane | None:
    """The lane of this thread in this context; *found* is what the context held. None where nothing is recorded."""
    lane = DOOR.arrive(found)
    if lane is not None and lane.thread is None:
        heal(lane)
        lane.thread = ident()
    return lane


def heal(lane: Lane) -> None:
    """Cut from the stack of *lane* what an interrupt left there: constructions that no running frame stands for."""
    running = [me for me in _constructing() if me is not None]
    kept = [token for token in lane.stack if type(token) is not Call and any(token() is me for me in running)]  # type: ignore[operator]  # a reference or a pin
    if len(kept) != len(lane.stack):
        lane.stack[:] = kept


def _constructing() -> Iterator[object]:
    """The first arguments of all woven functions that run in this thread."""
    below: FrameType | None = frame(1)
    while below is not None:
        code = below.f_code
        if is_woven(code):
            # def __init__(*args): the object is the first of them.
            at = 0 if code.co_argcount else code.co_kwonlyargcount
            first = below.f_locals.get(code.co_varnames[at]) if at < len(code.co_varnames) else None
            yield first[0] if not code.co_argcount and type(first) is tuple and first else first
        below = below.f_back


def is_woven(code: CodeType) -> bool:
    """Whether *code* goes through a gate."""
    return any(type(const) is Gate for const in reversed(code.co_consts))


def over(stack: Stack, token: object) -> None:
    """The call of *token* is over: cut *stack* back to what was there before it."""
    if type(token) is Call:
        token.over = True
    elif type(token) is Pin and token.brief:
        token.obj = None
    if stack and stack[-1] is token:
        stack.pop()
    elif any(known is token for known in stack):
        while stack.pop() is not token:
            pass


def token_of(obj: object, lane: Lane) -> object:
    """What stands for *obj* in the log."""
    if weakrefoffset(type(obj)):  # asked first: an exception takes ten times as long
        return ref(obj)
    assert lane.sink is not None
    return lane.sink.pin(obj)


def leave_of(token: object, lane: Lane) -> Callable[[], object]:
    """What woven code calls when the construction of *token* is over."""
    return Release(lane, token) if type(token) is Pin and token.brief else lane.leave


weakrefoffset = type.__dict__["__weakrefoffset__"].__get__


_reported: set[str] = set()


def trouble(error: BaseException, doing: str = "recording a call", level: int = 4) -> None:
    """
    Something failed inside begat: one warning for each kind, a mark in the record, and the program goes on.

    *level* is that of the warning: the default is for who is called by the program and calls this.
    """
    if goes_on(error):
        raise error
    report(error, doing, level)


def spoiled(error: BaseException, lane: Lane, doing: str = "recording a call", kind: type | None = None) -> bool:
    """
    Whether *error*, which ended what we did for *lane* in a call, is not ours and has to go on; ours is `trouble`.

    It counts against *kind*, or against what the generated function that failed was called for.
    """
    if lane.thread:
        lane.thread = None
    if goes_on(error):
        return True
    report(error, doing)
    given_up = failed_again(error, kind)
    if given_up is not None and lane.sink is not None:
        lane.sink.trouble(given_up)
    return False


def goes_on(error: BaseException) -> bool:
    """Whether *error* is to be raised: it is not ours, or that was asked for."""
    return os.environ.get("BEGAT_STRICT") == "1" or not is_ours(error)


def report(error: BaseException, doing: str, level: int = 4) -> None:
    """What `trouble` does, also where errors are to be raised: for when another exception is on its way already."""
    lane = LANE.get()
    what = f"{type(error).__name__} while {doing}"
    if lane is not None and lane.sink is not None:
        lane.sink.trouble(what)
    if what not in _reported:
        _reported.add(what)
        # Where warnings are errors, or there is no room for one, the mark has to do.
        with suppress(CaptureWarning, RecursionError):
            text = f"begat: {what}: {_told(error)}; the program goes on, the record lacks this"
            warnings.warn(text, CaptureWarning, stacklevel=level)


def _told(error: BaseException) -> str:
    """The text of *error*, without the secrets that may be in it."""
    try:
        from begat.introspect.secrets import scrubbed

        return scrubbed(str(error))
    except Exception:  # a signal handler, in the middle of that very import
        return "…"


def failed(leave: Any, error: BaseException) -> None:
    """The gate's answer to an exception that leaves woven code."""
    stack: Stack = leave.__self__
    lane = stack.lane
    try:
        # Not a call more than *enter* needed: this may be the last frame that the recursion limit allows.
        if leave is lane.leave:
            token = stack.pop()
        else:
            token = leave.token
            over(stack, token)
        lane.events.append((token, type(error)))
    except BaseException as own:
        if spoiled(own, lane, "recording an exception"):
            raise


class _Native:
    """In the place of a frame: C code made the call, below which no Python runs (an exit handler, a finalizer)."""

    f_code = compile("", "<native>", "exec").replace(co_name="<native>", co_qualname="<native>")
    f_lasti = -1
    f_back = None


NATIVE = _Native()
ident = _thread.get_ident
frame = sys._getframe


def outside(found: Any, known: object = None) -> Any:
    """
    The innermost frame from the *found* one on that is not ours, as those are whose globals are the *known* ones; or what
    stands for there being none.
    """
    while found is not None and (found.f_globals is known or f"{found.f_globals.get('__name__')}"[:6] == "begat."):
        found = found.f_back
    return found or NATIVE


def caller(depth: int) -> Any:
    """The frame *depth* above whoever asks, or what stands for there being none."""
    try:
        return frame(depth + 1)
    except ValueError:
        return NATIVE
