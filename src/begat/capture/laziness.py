"""Constructions that wait: who asks for it, how a call becomes an object that builds itself, and what the record says of both."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import Token
from types import CodeType, TracebackType
from typing import Any, TypeVar

from begat.errors import CannotTrack
from begat.intercept import deferring
from begat.intercept.constants import NOT_GIVEN
from begat.intercept.deferring import BLOCKS, RULES, Rule, rule_for
from begat.intercept.importing import Watch, watch
from begat.intercept.interceptor import LANE, Built, Lane, Pin, Waits, arrive, ident
from begat.intercept.schema import Schema
from begat.intercept.tracking import track
from begat.introspect.callsites import locate
from begat.introspect.targets import is_class, name_of
from begat.lazy import ghost, policy
from begat.lazy.arguments import copies, restored
from begat.lazy.thunk import Thunk

T = TypeVar("T")


class deferred:  # noqa: N801  # read as a statement: ``with begat.deferred(Net):``
    """
    Every construction of these classes, and of what these patterns cover, waits until its object is touched.

    *things* are classes, and patterns as for `begat.watch`. It holds inside the block, in this thread and context.
    *rng* says what happens to random numbers: ``None`` that they are drawn when the object is built, ``"order"`` that
    what was called earlier in this block is built first, ``"keyed"`` that each construction has its own seeds.

    Raises TypeError for things that are neither, ValueError for an unknown *rng*.

    >>> import begat
    >>> class Net:
    ...     def __init__(self, hidden): self.hidden = hidden
    >>> with begat.deferred(Net):
    ...     net = Net(64)
    >>> begat.is_lazy(net), net.hidden, begat.is_lazy(net)
    (True, 64, False)
    """

    def __init__(self, *things: Any, rng: str | None = None) -> None:
        if not things:
            raise TypeError('deferred takes classes and patterns: begat.deferred(Net, "transformers.*")')
        if rng is not None and rng not in policy.POLICIES:
            raise ValueError(f"rng is None, 'order' or 'keyed', not {rng!r}")
        self._classes = [thing for thing in things if not isinstance(thing, str)]
        self._patterns = [thing for thing in things if isinstance(thing, str)]
        self._rule = Rule(self._classes, self._patterns, rng=rng)
        self._watch: Watch | None = None
        self._token: Token[tuple[Rule, ...]] | None = None

    def __enter__(self) -> deferred:
        for cls in self._classes:
            track(cls, by=self)
        if self._patterns:
            self._watch = watch(*self._patterns)
        RULES.append(self._rule)
        self._token = BLOCKS.set((*BLOCKS.get(), self._rule))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        RULES.remove(self._rule)
        BLOCKS.set(tuple(rule for rule in BLOCKS.get() if rule is not self._rule))
        # What waits is built by the woven constructor: the classes stay tracked.


def lazy(thing: Callable[..., T]) -> Callable[..., T]:
    """
    *thing*, a class, so that calling it makes an object that waits: ``begat.lazy(Net)(64)``. It is built when it is touched.

    Raises `begat.errors.CannotTrack`, a TypeError, for classes whose objects cannot wait.

    >>> import begat
    >>> class Net:
    ...     def __init__(self, hidden): self.hidden = hidden
    >>> net = begat.lazy(Net)(64)
    >>> begat.is_lazy(net), net.hidden
    (True, 64)
    """
    subject: Any = thing
    reason = ghost.manner(subject).reason if is_class(subject) else "it is no class"
    if reason:
        raise CannotTrack(f"objects of {name_of(subject)} cannot wait: {reason}")
    track(subject)
    rule = Rule((subject,), exactly=True)

    def call(*args: Any, **kwargs: Any) -> T:
        token = BLOCKS.set((rule,))
        RULES.append(rule)
        try:
            return thing(*args, **kwargs)
        finally:
            RULES.remove(rule)
            BLOCKS.reset(token)

    return call


def is_lazy(obj: object) -> bool:
    """Whether *obj* waits to be built. Asking does not build it."""
    return ghost.is_ghost(obj)


def materialize(obj: T, deep: bool = False) -> T:
    """
    Build *obj* if it waits, and return it; with *deep* also what it holds: attributes and the items of containers, all the way down.

    Raises what the constructor raises.
    """
    for part in _parts(obj) if deep else (obj,):
        ghost.build(part)
    return obj


def _parts(obj: object) -> Iterator[object]:
    """*obj* and what it holds; what waits is to be built before the next is asked for."""
    met: dict[int, object] = {}
    todo = [obj]
    while todo:
        here: Any = todo.pop()
        if id(here) in met or is_class(here):
            continue
        met[id(here)] = here
        yield here
        kind = type(here)
        if kind in (list, tuple, set, frozenset):
            todo.extend(here)
        elif kind is dict:
            todo.extend(here.values())
        elif kind.__module__ != "builtins":
            slot = ghost.manner(kind).slot
            todo.extend(slot.__get__(here).values() if slot is not None else ())


# --- one call that waits ----------------------------------------------------------------------------------------------------
def _waits(me: Any, token: object, schema: Schema, lane: Lane, frame: Any, values: tuple[Any, ...]) -> bool:
    kind = type(me)
    rule = rule_for(kind, schema.target)
    if rule is None or me is None:
        return False
    manner = ghost.manner(kind)
    reason = manner.reason or (_SEEN_BY_BASE if schema.notes else "") or (_OCCUPIED if manner.occupied(me) else "")
    if not reason:
        try:
            manner.haunt(me, Waiting(token, schema, lane, frame.f_code, frame.f_lasti, values, rule))
        except TypeError as error:
            reason = str(error)
    if reason:
        assert lane.sink is not None
        lane.sink.trouble(f"{schema.target} did not wait: {reason}")
        return False
    lane.events.append(Waits(token))
    if type(token) is Pin and token.brief:
        token.obj = None
    if rule.rng == "order":
        rule.waiting.append(token)
    return True


_SEEN_BY_BASE = "its own constructor is not tracked"
_OCCUPIED = "it has attributes before its constructor runs"


class Waiting(Thunk):
    """One construction that waits."""

    __slots__ = ("code", "copies", "init", "lane", "lasti", "rule", "schema", "seed", "token", "values")

    def __init__(
        self,
        token: object,
        schema: Schema,
        lane: Lane,
        code: CodeType,
        lasti: int,
        values: tuple[Any, ...],
        rule: Rule,
    ) -> None:
        super().__init__()
        self.token, self.schema, self.lane, self.rule = token, schema, lane, rule
        self.code, self.lasti = code, lasti
        self.init: Any = schema.function()
        self.values = values
        self.copies = copies(values)
        self.seed = policy.key(schema.target, rule.counted(schema.target)) if rule.rng == "keyed" else None

    @property
    def name(self) -> str:
        """The class."""
        return self.schema.target.rpartition(":")[2]

    def place(self) -> str:
        """Where the call stands."""
        site = locate(self.code, self.lasti)
        return f"{site.file}:{site.line}"

    def arguments(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """What was passed: the very objects, or, of containers that have changed since, what they were."""
        values, changed = restored(self.values, self.copies)
        for position in changed:
            self._report(self.schema.names[position])
        return _as_called(self.schema, values)

    def first(self) -> None:
        """With ``rng="order"``: build what was called before this by the same rule."""
        waiting = self.rule.waiting
        while waiting and waiting[0] is not self.token:
            obj = waiting.pop(0)()
            if obj is not None:
                ghost.build(obj)

    def run(self, obj: Any) -> None:
        """Run the constructor on *obj*."""
        args, kwargs = self.arguments()
        with _standing(self.token, obj), policy.keyed(self.seed) if self.seed is not None else nullcontext():
            found = self.init(obj, *args, **kwargs)
        if found is not None:  # as the interpreter says it
            raise TypeError(f"__init__() should return None, not {type(found).__name__!r}")

    def after(self, seconds: float, error: BaseException | None) -> None:
        """Say so in the record."""
        code, lasti = _touched()
        self.lane.events.append(Built(self.token, code, lasti, seconds, type(error) if error is not None else None))

    def _report(self, name: str) -> None:
        if self.lane.sink is not None:
            self.lane.sink.trouble(
                f"{name!r} of {self.name}, called at {self.place()}, was changed before it was built: it got what was passed"
            )


def _as_called(schema: Schema, values: tuple[Any, ...]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments as a call would give them; what the caller left out stays out."""
    star, double = schema.starred
    pairs = list(zip(schema.names, values, strict=True))
    named = [(name, value) for name, value in pairs if name not in (star, double)]
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for position, (name, value) in enumerate(named):
        if value is NOT_GIVEN:
            continue
        if position < schema.positional and len(args) == position:
            args.append(value)
        else:
            kwargs[name] = value
    by_name = dict(pairs)
    return (*args, *(by_name[star] if star else ())), {**kwargs, **(by_name[double] if double else {})}


@contextmanager
def _standing(token: Any, obj: object) -> Iterator[None]:
    """The construction of *obj* stands on the stack of this thread: what it builds happens within it, and it is no new row."""
    lane = LANE.get()
    if lane is not None and lane.thread != ident():
        lane = arrive(lane)
    if lane is None:
        yield
        return
    depth = len(lane.stack)
    lane.stack.append(token if token() is obj else Pin(obj))
    try:
        yield
    finally:
        del lane.stack[depth:]


def _touched() -> tuple[Any, int]:
    """Where the touch was that is building something now: the innermost frame that is not ours."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("begat."):
        frame = frame.f_back
    return frame.f_code, frame.f_lasti


def revive(cls: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The call again, to wait again: in a copy, or in another process."""
    return lazy(cls)(*args, **kwargs)


deferring.DOOR.waits = _waits
ghost.DOOR.revive = revive
