"""Plans: for a type met at run time, whether it is recorded, by which woven function, and with what schema.

A plan is made when a type is first met, and all are forgotten when anything is tracked or untracked. None keeps its class alive.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from types import FunctionType
from typing import Any
from weakref import getweakrefcount, ref

from begat.intercept.constants import LISTENING
from begat.intercept.constructors import Constructor
from begat.intercept.deferring import Rule
from begat.intercept.identity import linked
from begat.intercept.interceptor import Lane, weakrefoffset
from begat.intercept.protocols import is_protocols
from begat.intercept.schema import Options, Schema, schema_of
from begat.intercept.woven import WOVEN, Woven, when_gone
from begat.introspect import standard  # noqa: F401  # now, and not in the middle of the first call
from begat.introspect.targets import dict_of, is_class, mro_of, name_of
from begat.record.model import SEEN_BY_BASE


class Tracked:
    """
    A class or function that somebody asked for. *by* holds who; it is let go when nobody asks any more.

    *entry* is what calls of it go to that `begat.lazy` was asked for.
    """

    __slots__ = ("by", "constructor", "entry", "key", "options", "rule", "subject")

    def __init__(self, subject: Any, constructor: Constructor, options: Options) -> None:
        key = id(subject)
        self.subject = ref(subject, when_gone(_forget, key))
        self.key = id(constructor.function) if constructor.function is not None else key
        self.constructor = constructor.way
        self.options = options
        self.by: set[object] = set()
        self.rule = Rule((subject,)) if options.lazy else None
        self.entry: Any = None


class Plan:
    """For one type: the schema of its rows and the key of the woven function that writes them, or None for neither."""

    __slots__ = ("key", "kind", "schema", "weak")

    def __init__(self, kind: Any, key: int | None, schema: Schema | None) -> None:
        address = id(kind)
        self.kind = ref(kind, when_gone(PLANS.pop, address, None))
        self.key = key
        self.schema = schema
        self.weak = bool(weakrefoffset(kind))


TRACKED: dict[int, Tracked] = {}
PLANS: dict[int, Plan] = linked.plans
LOCK: Any = threading.RLock()
_given_up: dict[int, Callable[[], Any]] = {}


def _after_fork() -> None:
    if not LOCK._is_owned():  # another thread, which is not here to let go, may have held it
        LOCK._at_fork_reinit()


os.register_at_fork(after_in_child=_after_fork)


def _let_go(address: int) -> None:
    _given_up.pop(address, None)


def give_up(kind: Any) -> None:
    """Record no object of *kind* any more, also where a class above it is tracked."""
    address = id(kind)
    with LOCK:
        _given_up[address] = ref(kind, lambda _: _let_go(address))
        PLANS.clear()


def _forget(key: int) -> None:
    tracked = TRACKED.pop(key, None)
    woven = WOVEN.get(tracked.key) if tracked is not None else None
    if woven is not None:
        woven.users.discard(key)
    # Not while another thread tracks: the flag may stay up, which costs little, and must not go down.
    if not TRACKED and LOCK.acquire(blocking=False):
        try:
            if not TRACKED:
                LISTENING.discard("tracked")
        finally:
            LOCK.release()


# --- which schema a call gets: asked by hooks where the quick test does not decide ---------------------------------------
def which(key: int) -> Callable[[Any, Lane], Schema | None]:
    """For ``__init__`` woven under *key*: the schema of what is being built, or None where that is no new construction."""

    def decide(me: Any, lane: Lane) -> Schema | None:
        for token in lane.stack:  # super().__init__ and self.__init__ inside a construction belong to it
            if token() is me:  # type: ignore[operator]  # all tokens are called for their objects
                return None
        kind = type(me)
        plan = PLANS.get(id(kind))
        if plan is None or plan.kind() is not kind:
            plan = plan_of(kind)
        if plan.key != key:
            plan = _again(plan)
            if plan.key != key:
                return None
        if plan.weak and getweakrefcount(me):
            lane.sink.suspect()  # type: ignore[union-attr]  # a lane that is written to has one
        return plan.schema

    return decide


def which_new(key: int) -> Callable[[Any, Lane], Schema | None]:
    """For ``__new__`` woven under *key*."""

    def decide(cls: Any, lane: Lane) -> Schema | None:
        if not is_class(cls):  # called by hand, as a function
            return None
        plan = plan_of(cls)
        return plan.schema if plan.key == key else None

    return decide


def which_call(key: int) -> Callable[[Any, Lane], Schema | None]:
    """For the function or factory woven under *key*."""
    schemas: dict[int, tuple[Any, Schema]] = {}

    def decide(first: Any, lane: Lane) -> Schema | None:
        about = first if is_class(first) else None
        known = schemas.get(id(about))
        if known is None or (about is not None and known[0]() is not about):
            known = schemas[id(about)] = (ref(about) if about is not None else None, _schema_of_call(key, about))
        return known[1]

    return decide


def _schema_of_call(key: int, first: Any) -> Schema:
    woven = WOVEN[key]
    function: Any = woven.function()
    tracked = TRACKED[key]
    name = function.__name__
    if first is not None:
        # A classmethod: named by the class it was called on, which need not be the one that defines it.
        for cls in mro_of(first):
            found = dict_of(cls).get(name)
            if type(found) is classmethod and _innermost(found.__func__) is _innermost(function):
                target = f"{name_of(first)}.{name}"
                return _schema(function, target, "factory", woven, 1, tracked.options, ())
    return _schema(function, name_of(function), "function", woven, 0, tracked.options, ())


def _innermost(function: Any) -> Any:
    return function.__dict__.get("__wrapped__", function) if type(function) is FunctionType else function


def _again(plan: Plan) -> Plan:
    """*plan* made anew: its class may have been given another constructor since."""
    kind = plan.kind()
    with LOCK:
        key, schema = _decide(kind)
        if key != plan.key:
            plan.key, plan.schema = key, schema
        return plan


def replaced_constructors() -> list[str]:
    """The tracked classes whose constructor somebody has exchanged since, for one that is not recorded."""
    found = []
    for tracked in list(TRACKED.values()):
        cls = tracked.subject()
        if tracked.constructor == "init" and cls is not None and not _is_entered(cls) and _is_replaced(cls):
            found.append(name_of(cls))
    return found


def _is_replaced(cls: type) -> bool:
    schema = _decide(cls)[1]
    return schema is None or _HANDED_ON in schema.notes


def _is_entered(cls: type) -> bool:
    """Whether the constructor that *cls* has is woven, as nearly always: each scope asks this of all that is tracked."""
    for each in mro_of(cls):
        found = dict_of(each).get("__init__")
        woven = WOVEN.get(id(found))
        if woven is not None and woven.function() is found:
            return bool(woven.users)
        if found is not None and not is_protocols(found):
            return False
    return False


def plan_of(kind: Any) -> Plan:
    """What is recorded of the instances of *kind*."""
    plan = PLANS.get(id(kind))
    if plan is not None and plan.kind() is kind:
        return plan
    with LOCK:
        plan = PLANS[id(kind)] = Plan(kind, *_decide(kind))
        return plan


def _decide(kind: Any) -> tuple[int | None, Schema | None]:
    given_up = _given_up.get(id(kind))
    if given_up is not None and given_up() is kind:
        return None, None
    order = mro_of(kind)
    tracked = next((t for t in map(_tracked, order) if t is not None), None)
    if tracked is None:
        return None, None
    if tracked.constructor == "bare":
        notes = _passed_on(kind, tracked)
        return tracked.key, _schema(kind, name_of(kind), "class", None, 0, tracked.options, notes)
    name = "__new__" if tracked.constructor == "new" else "__init__"
    notes = ()
    for cls in order:
        found = dict_of(cls).get(name)
        found = found.__func__ if type(found) is staticmethod else found
        if is_protocols(found):
            continue
        woven = WOVEN.get(id(found)) if found is not None else None
        if woven is not None and woven.function() is found and woven.users:
            schema = _schema(kind, name_of(kind), "class", woven, 1, tracked.options, notes)
            schema.passed_on = bool(notes) or any(is_protocols(dict_of(cls).get("__init__")) for cls in order)
            return woven.key, schema
        if found is not None:
            notes = _seen_by(kind, tracked)
    # Replaced since: most often by what calls it, as torch's compiler does with that of all modules.
    woven = WOVEN.get(tracked.key)
    if woven is not None and woven.way == "init" and woven.users and woven.function() is not None:
        notes = (*_passed_on(kind, tracked), _HANDED_ON)
        schema = _schema(kind, name_of(kind), "class", woven, 1, tracked.options, notes)
        schema.passed_on = True
        return woven.key, schema
    return None, None


_HANDED_ON = "its constructor was replaced since it was tracked: these are the arguments that the new one handed on"


def _passed_on(kind: Any, tracked: Tracked) -> tuple[str, ...]:
    """The note that a constructor of *kind*'s own, which nobody tracks, stands before the one that is, if so."""
    order, cls = mro_of(kind), tracked.subject()
    before = order[: next(i for i, each in enumerate(order) if each is cls)]
    return _seen_by(kind, tracked) if any("__init__" in dict_of(each) for each in before) else ()


def _tracked(cls: type) -> Tracked | None:
    found = TRACKED.get(id(cls))
    return found if found is not None and found.subject() is cls else None


def _seen_by(kind: Any, tracked: Tracked) -> tuple[str, ...]:
    return (f"{SEEN_BY_BASE} {name_of(tracked.subject())} saw: {name_of(kind)} is not tracked itself",)


_ASSUMED = "the arguments are named as if the wrapper around the constructor handed on what it was given"


def first_hand(schema: Schema) -> bool:
    """Whether rows of *schema* hold what the class itself is called with, and not what another constructor hands on."""
    return all(note == _ASSUMED for note in schema.notes)


def _schema(
    subject: Any, target: str, kind: Any, woven: Woven | None, skip: int, options: Options, notes: tuple[str, ...]
) -> Schema:
    function, code = (woven.function(), woven.code) if woven is not None else (None, None)
    defaults, keywords = (woven.defaults, woven.keywords) if woven is not None else ((), {})
    if function is not None and code is not None and "__wrapped__" in function.__dict__ and code.co_flags & 0x0C:
        notes = (*notes, _ASSUMED)
    return schema_of(subject, target, kind, function, code, defaults, keywords, skip=skip, options=options, notes=notes)


linked.plan_of = plan_of
