"""`trackable` and `untrack`: which classes and functions are recorded, and how each is reached.

Three registries, none of which keeps a class alive: what is *tracked* (named by the user or a pattern), what is *woven*
(functions whose code goes through a gate; one may serve many classes), and the *plans*: for a type met at run time,
whether it is recorded and by which woven function. A plan is made when a type is first met, and all are forgotten when
anything is tracked or untracked.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any, TypeVar, overload
from weakref import getweakrefcount, ref

from begat.errors import CannotTrack
from begat.intercept.bare import Bare
from begat.intercept.constants import LISTENING
from begat.intercept.constructors import Constructor, constructor_of, mro, own
from begat.intercept.deferring import Rule, declare, revoke
from begat.intercept.identity import linked, stands_for
from begat.intercept.interceptor import Lane
from begat.intercept.prologue import refusal
from begat.intercept.protocols import is_protocols
from begat.intercept.schema import Options, Schema, schema_of
from begat.intercept.woven import WOVEN, Woven
from begat.introspect import standard  # noqa: F401  # now, and not in the middle of the first call
from begat.introspect.targets import is_class, name_of

T = TypeVar("T")
_HEAP = 1 << 9  # of types: made by a class statement
USER = "user"  # who asked: the user by name, or a watch by pattern


class Tracked:
    """A class or function that somebody asked for. *by* holds who; it is let go when nobody asks any more."""

    __slots__ = ("by", "constructor", "key", "options", "rule", "subject")

    def __init__(self, subject: Any, constructor: Constructor, options: Options) -> None:
        key = id(subject)
        self.subject = ref(subject, lambda _: _forget(key))
        self.key = id(constructor.function) if constructor.function is not None else key
        self.constructor = constructor.way
        self.options = options
        self.by: set[object] = set()
        self.rule = Rule((subject,)) if options.lazy else None


class Plan:
    """For one type: the schema of its rows and the key of the woven function that writes them, or None for neither."""

    __slots__ = ("key", "kind", "schema", "weak")

    def __init__(self, kind: Any, key: int | None, schema: Schema | None) -> None:
        address = id(kind)
        self.kind = ref(kind, lambda _: PLANS.pop(address, None))
        self.key = key
        self.schema = schema
        self.weak = bool(_weakrefoffset(kind))


_weakrefoffset = type.__dict__["__weakrefoffset__"].__get__
TRACKED: dict[int, Tracked] = {}
PLANS: dict[int, Plan] = {}
_lock = threading.RLock()


@overload
def trackable(subject: T, /) -> T: ...
@overload
def trackable(*, lazy: bool = False, ignore: Iterable[str] = (), redact: Iterable[str] = ()) -> Callable[[T], T]: ...
def trackable(
    subject: Any = None, /, *, lazy: bool = False, ignore: Iterable[str] = (), redact: Iterable[str] = ()
) -> Any:
    """
    Record every construction of a class, or every call of a function or classmethod factory; return it unchanged.

    The class stays the very same object: its constructor's code is woven in place. *ignore* names parameters to leave
    out of the record, *redact* parameters whose values are secrets; with *lazy* every object waits to be built until it is
    touched. As a decorator it belongs on top, above
    ``@dataclass`` and ``@attrs.define``, which make the constructor or a new class.

    Raises `begat.errors.CannotTrack`, a TypeError, for what cannot be recorded: classes built by C code, enumerations,
    coroutines.

    >>> import begat
    >>> @begat.trackable
    ... class Net:
    ...     def __init__(self, hidden=128): ...
    >>> begat.params(Net(hidden=64))
    {'hidden': 64}
    """
    options = Options(frozenset(_strings(ignore, "ignore")), frozenset(_strings(redact, "redact")), lazy)
    if subject is None:
        return lambda later: track(later, options, USER)
    return track(subject, options, USER)


def untrack(subject: Any) -> None:
    """Undo `trackable` exactly: the constructor's code and defaults are the objects they were. Harmless when not tracked."""
    release(subject, None)


def track(subject: T, options: Options = Options(), by: object = USER) -> T:
    """Track *subject* on behalf of *by*. Raises `CannotTrack`."""
    thing: Any = subject
    if type(subject) in (MethodType, classmethod, staticmethod):
        thing = thing.__func__
    with _lock:
        known = TRACKED.get(id(thing))
        if known is not None and known.subject() is thing:
            known.by.add(by)
            return subject
        constructor = constructor_of(thing) if is_class(thing) else _function(thing)
        _check(options, thing, constructor.function)
        tracked = Tracked(thing, constructor, options)
        TRACKED[id(thing)] = tracked
        PLANS.clear()
        try:
            _install(thing, tracked, constructor)
        except BaseException:
            _drop(id(thing), tracked)
            raise
        tracked.by.add(by)
        if tracked.rule is not None:
            declare(tracked.rule)
        LISTENING.add("tracked")
    return subject


def release(subject: Any, by: object) -> None:
    """*by* does not ask for *subject* any more (None: nobody does); what nobody asks for is put back as it was."""
    thing: Any = subject
    if type(subject) in (MethodType, classmethod, staticmethod):
        thing = subject.__func__
    with _lock:
        tracked = TRACKED.get(id(thing))
        if tracked is None or tracked.subject() is not thing:
            return
        tracked.by.discard(by)
        if by is not None and tracked.by:
            return
        del TRACKED[id(thing)]
        if tracked.rule is not None:
            revoke(tracked.rule)
        PLANS.clear()
        cls: Any = thing
        if tracked.constructor == "bare":
            if type(own(cls).get("__init__")) is Bare:
                type.__delattr__(cls, "__init__")
        else:
            _drop(id(thing), tracked)
        if not TRACKED:
            LISTENING.discard("tracked")


def _drop(key: int, tracked: Tracked) -> None:
    """*tracked*, the one with the id *key*, does not use its woven function any more."""
    TRACKED.pop(key, None)
    woven = WOVEN.get(tracked.key)
    if woven is None or key not in woven.users:
        return
    woven.users.discard(key)
    if woven.users:
        _hook(woven)
    else:
        woven.restore()


def _strings(names: Iterable[str], what: str) -> Iterable[str]:
    if isinstance(names, str):
        raise TypeError(f"{what} takes a collection of parameter names: {what}={{{names!r}}}")
    return names


def _check(options: Options, thing: Any, function: Any) -> None:
    """Refuse *options* that name parameters which *function* has not; one that takes any keyword has them all."""
    asked = options.ignore | options.redact
    if not asked or function is None or function.__code__.co_flags & 8:
        return
    code = function.__code__
    count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 4)
    unknown = sorted(asked.difference(code.co_varnames[:count]))
    if unknown:
        import difflib

        what = "ignore" if unknown[0] in options.ignore else "redact"
        near = difflib.get_close_matches(unknown[0], code.co_varnames[:count], n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise TypeError(f"{what} names {unknown[0]!r}, which is no parameter of {name_of(thing)}{hint}")


def _function(thing: Any) -> Constructor:
    if type(thing) is not FunctionType:
        kind = type(thing).__name__
        if type(thing).__flags__ & _HEAP:
            raise CannotTrack(f"cannot track this {kind}: it is an instance of {kind}; give the class, or a function")
        name = thing.__qualname__ if type(thing) is BuiltinFunctionType else kind
        an = "an" if kind[0] in "aeiou" else "a"
        raise CannotTrack(f"cannot track {name}: it is {an} {kind}; give a class or a function written in Python")
    reason = refusal(thing)
    if thing.__name__ in ("__init__", "__new__"):
        reason = "it is a constructor: give the class"
    if reason:
        raise CannotTrack(f"cannot track {name_of(thing)}: {reason}")
    return Constructor("call", type(thing), thing)


def function_of(subject: Any) -> Any:
    """The function behind *subject*, which may be a class method."""
    return subject.__func__ if type(subject) in (MethodType, classmethod, staticmethod) else subject


def _forget(key: int) -> None:
    tracked = TRACKED.pop(key, None)
    woven = WOVEN.get(tracked.key) if tracked is not None else None
    if woven is not None:
        woven.users.discard(key)
    # Not while another thread tracks: the flag may stay up, which costs little, and must not go down.
    if not TRACKED and _lock.acquire(blocking=False):
        try:
            if not TRACKED:
                LISTENING.discard("tracked")
        finally:
            _lock.release()


def _install(thing: Any, tracked: Tracked, constructor: Constructor) -> None:
    function: Any = constructor.function
    if function is None:
        type.__setattr__(thing, "__init__", Bare(thing, _which(id(thing))))
        return
    woven = WOVEN.get(tracked.key)
    if woven is None or woven.function() is not function:
        woven = Woven(function, way=constructor.way, changed=_rewoven)
        WOVEN[tracked.key] = woven
    elif woven.way != constructor.way:
        raise CannotTrack(f"cannot track {name_of(thing)}: {name_of(function)} is tracked in another way already")
    woven.users.add(id(thing))
    _hook(woven)


def _rewoven(woven: Woven) -> None:
    with _lock:
        PLANS.clear()
        _hook(woven)


def _hook(woven: Woven) -> None:
    """Give *woven* the hook that fits its users: quick for the class that defines the function, by plan for others."""
    users = [TRACKED[user] for user in woven.users if user in TRACKED]
    function = woven.function()
    if not users or function is None:
        return
    way, subject, schema = users[0].constructor, None, None
    for user in users:
        cls = user.subject()
        if way == "init" and cls is not None and own(cls).get("__init__") is function:
            subject, schema = cls, plan_of(cls).schema
    if way == "call":
        woven.hook("call", None, None, _which_call(woven.key))
    elif way == "new":
        woven.hook("call", None, None, _which_new(woven.key))
    else:
        woven.hook("init", subject, schema, _which(woven.key))


# --- which schema a call gets: asked by hooks where the quick test does not decide ---------------------------------------
def _which(key: int) -> Callable[[Any, Lane], Schema | None]:
    def which(me: Any, lane: Lane) -> Schema | None:
        for token in lane.stack:  # super().__init__ and self.__init__ inside a construction belong to it
            if stands_for(token, me):
                return None
        plan = plan_of(type(me))
        if plan.key != key:
            plan = _again(plan)
            if plan.key != key:
                return None
        if getweakrefcount(me) or not plan.weak:
            assert lane.sink is not None
            lane.sink.suspect()
        return plan.schema

    return which


def _which_new(key: int) -> Callable[[Any, Lane], Schema | None]:
    def which(cls: Any, lane: Lane) -> Schema | None:
        plan = plan_of(cls)
        return plan.schema if plan.key == key else None

    return which


def _which_call(key: int) -> Callable[[Any, Lane], Schema | None]:
    schemas: dict[int, tuple[Any, Schema]] = {}

    def which(first: Any, lane: Lane) -> Schema | None:
        about = first if is_class(first) else None
        known = schemas.get(id(about))
        if known is None or (about is not None and known[0]() is not about):
            known = schemas[id(about)] = (ref(about) if about is not None else None, _schema_of_call(key, about))
        return known[1]

    return which


def _schema_of_call(key: int, first: Any) -> Schema:
    woven = WOVEN[key]
    function: Any = woven.function()
    tracked = TRACKED[key]
    name = function.__name__
    if first is not None:
        # A classmethod: named by the class it was called on, which need not be the one that defines it.
        for cls in mro(first):
            found = own(cls).get(name)
            if type(found) is classmethod and _innermost(found.__func__) is _innermost(function):
                target = f"{name_of(first)}.{name}"
                return _schema(function, target, "factory", woven, 1, tracked.options, ())
    return _schema(function, name_of(function), "function", woven, 0, tracked.options, ())


def _innermost(function: Any) -> Any:
    return function.__dict__.get("__wrapped__", function) if type(function) is FunctionType else function


def _again(plan: Plan) -> Plan:
    """*plan* made anew: its class may have been given another constructor since."""
    kind = plan.kind()
    with _lock:
        key, schema = _decide(kind)
        if key != plan.key:
            plan.key, plan.schema = key, schema
        return plan


def replaced_constructors() -> list[str]:
    """The tracked classes whose constructor somebody has exchanged since, for one that is not recorded."""
    found = []
    for tracked in list(TRACKED.values()):
        cls = tracked.subject()
        if tracked.constructor == "init" and cls is not None and _decide(cls)[0] is None:
            found.append(name_of(cls))
    return found


def plan_of(kind: Any) -> Plan:
    """What is recorded of the instances of *kind*."""
    plan = PLANS.get(id(kind))
    if plan is not None and plan.kind() is kind:
        return plan
    with _lock:
        plan = PLANS[id(kind)] = Plan(kind, *_decide(kind))
        return plan


def _decide(kind: Any) -> tuple[int | None, Schema | None]:
    order = mro(kind)
    tracked = next((t for t in map(_tracked, order) if t is not None), None)
    if tracked is None:
        return None, None
    if tracked.constructor == "bare":
        notes = _seen_by(kind, tracked) if any("__init__" in own(c) for c in _before(order, tracked.subject())) else ()
        return tracked.key, _schema(kind, name_of(kind), "class", None, 0, tracked.options, notes)
    name = "__new__" if tracked.constructor == "new" else "__init__"
    notes = ()
    for cls in order:
        found = own(cls).get(name)
        found = found.__func__ if type(found) is staticmethod else found
        if is_protocols(found):
            continue
        woven = WOVEN.get(id(found)) if found is not None else None
        if woven is not None and woven.function() is found and woven.users:
            schema = _schema(kind, name_of(kind), "class", woven, 1, tracked.options, notes)
            schema.passed_on = bool(notes) or any(is_protocols(own(cls).get("__init__")) for cls in order)
            return woven.key, schema
        if found is not None:
            notes = _seen_by(kind, tracked)
    return None, None


def _before(order: tuple[type, ...], cls: Any) -> tuple[type, ...]:
    return order[: next(i for i, each in enumerate(order) if each is cls)]


def _tracked(cls: type) -> Tracked | None:
    found = TRACKED.get(id(cls))
    return found if found is not None and found.subject() is cls else None


def _seen_by(kind: Any, tracked: Tracked) -> tuple[str, ...]:
    return (f"the arguments are those that {name_of(tracked.subject())} saw: {name_of(kind)} is not tracked itself",)


_ASSUMED = "the arguments are named as if the wrapper around the constructor handed on what it was given"


def _schema(
    subject: Any, target: str, kind: Any, woven: Woven | None, skip: int, options: Options, notes: tuple[str, ...]
) -> Schema:
    function, code = (woven.function(), woven.code) if woven is not None else (None, None)
    defaults, keywords = (woven.defaults, woven.keywords) if woven is not None else ((), {})
    if function is not None and code is not None and "__wrapped__" in function.__dict__ and code.co_flags & 0x0C:
        notes = (*notes, _ASSUMED)
    return schema_of(subject, target, kind, function, code, defaults, keywords, skip=skip, options=options, notes=notes)


linked.plan_of, linked.plans = plan_of, PLANS
