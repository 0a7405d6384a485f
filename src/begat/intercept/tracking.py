"""`trackable` and `untrack`: which classes and functions are recorded, and how each is reached.

Three registries, none of which keeps a class alive: what is *tracked* (named by the user or a pattern), what is *woven*
(functions whose code goes through a gate; one may serve many classes), and the *plans* for types met at run time (`plans`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any, Literal, TypeVar, overload

from begat.errors import CannotTrack
from begat.intercept.bare import Bare
from begat.intercept.constants import LISTENING
from begat.intercept.constructors import Constructor, constructor_of
from begat.intercept.deferring import CHECKING, RULES, declare, revoke
from begat.intercept.plans import LOCK, PLANS, TRACKED, Tracked, plan_of, which, which_call, which_new
from begat.intercept.prologue import refusal
from begat.intercept.schema import Options
from begat.intercept.woven import WOVEN, Woven
from begat.introspect.targets import contents, dict_of, importable, is_class, mro_of, name_of

T = TypeVar("T")
_HEAP = 1 << 9  # of types: made by a class statement
USER = "user"  # who asked: the user by name, or a watch by pattern


@overload
def trackable(subject: T, /) -> T: ...
@overload
def trackable(
    *,
    lazy: bool = False,
    ignore: Iterable[str] = (),
    redact: Iterable[str] = (),
    validate: Literal["off", "warn", "strict"] = "off",
) -> Callable[[T], T]: ...
def trackable(
    subject: Any = None,
    /,
    *,
    lazy: bool = False,
    ignore: Iterable[str] = (),
    redact: Iterable[str] = (),
    validate: Literal["off", "warn", "strict"] = "off",
) -> Any:
    """
    Record every construction of a class, or every call of a function or classmethod factory; return it unchanged.

    The class stays the very same object: its constructor's code is woven in place. *ignore* names parameters to leave
    out of the record, *redact* parameters whose values are secrets; with *lazy* every object waits to be built until it is
    touched. *validate* checks the arguments of every call by their annotations: ``"warn"`` says what does not fit,
    ``"strict"`` raises `begat.errors.InvalidArgument`, a TypeError. As a decorator it belongs on top, above
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
    options = Options(frozenset(_strings(ignore, "ignore")), frozenset(_strings(redact, "redact")), lazy, validate)
    if validate not in ("off", "warn", "strict"):
        raise ValueError(f"validate is 'off', 'warn' or 'strict', not {validate!r}")
    if subject is None:
        return lambda later: track(later, options, USER)
    return track(subject, options, USER)


def untrack(subject: Any) -> None:
    """Undo `trackable` exactly: the constructor's code and defaults are the objects they were. Harmless when not tracked."""
    release(subject, None)


def track(subject: T, options: Options = Options(), by: object = USER) -> T:
    """Track *subject* on behalf of *by*. Raises `CannotTrack`."""
    thing = function_of(subject)
    with LOCK:
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
        if options.validate != "off" and not any(rule is CHECKING for rule in RULES):
            RULES.put(CHECKING)
        LISTENING.add("tracked")
    return subject


def tracked_as(target: str) -> Any:
    """
    The class or function that is tracked under the name *target*, or None; of several the one that the name leads to, or the newest.

    A class method of a class that does not define it goes by that class: ``pkg:Child.create``. Imports nothing.
    """
    subjects = [found for found in (tracked.subject() for tracked in list(TRACKED.values())) if found is not None]
    named = [subject for subject in subjects if name_of(subject) == target]
    if named:
        return _as_called(next((subject for subject in named if importable(target, subject)), named[-1]), target)
    owner, _, method = target.rpartition(".")
    if ":" not in owner:
        return None
    cls = next((subject for subject in reversed(subjects) if is_class(subject) and name_of(subject) == owner), None)
    return _method_of(cls if cls is not None else _loaded(owner), method)


def _as_called(subject: Any, target: str) -> Any:
    """*subject*; a function that is a class method, bound to its class."""
    owner, _, method = target.rpartition(".")
    if is_class(subject) or ":" not in owner:
        return subject
    bound = _method_of(_loaded(owner), method)
    return bound if bound is not None else subject


def _method_of(cls: Any, name: str) -> Any:
    found = (
        next((dict_of(base)[name] for base in mro_of(cls) if name in dict_of(base)), None) if is_class(cls) else None
    )
    if type(found) is not classmethod or id(found.__func__) not in TRACKED:
        return None
    return MethodType(found.__func__, cls)


def _loaded(target: str) -> Any:
    """The class under the name *target* in the modules that are loaded now, or None."""
    module, _, qualname = target.partition(":")
    found: Any = None
    space: Any = contents(module)
    for step in qualname.split("."):
        found = space.get(step)
        space = dict_of(found) if is_class(found) else {}
    return found if is_class(found) and name_of(found) == target else None


def release(subject: Any, by: object) -> None:
    """*by* does not ask for *subject* any more (None: nobody does); what nobody asks for is put back as it was."""
    thing: Any = function_of(subject)
    with LOCK:
        tracked = TRACKED.get(id(thing))
        if tracked is None or tracked.subject() is not thing:
            return
        tracked.by.discard(by)
        if by is not None and tracked.by:
            return
        del TRACKED[id(thing)]
        tracked.entry = None
        if tracked.rule is not None:
            revoke(tracked.rule)
        PLANS.clear()
        cls: Any = thing
        if tracked.constructor == "bare":
            if type(dict_of(cls).get("__init__")) is Bare:
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
    """*subject*, or the function behind it if it is a method."""
    return subject.__func__ if type(subject) in (MethodType, classmethod, staticmethod) else subject


def _install(thing: Any, tracked: Tracked, constructor: Constructor) -> None:
    function: Any = constructor.function
    if function is None:
        type.__setattr__(thing, "__init__", Bare(thing, which(id(thing))))
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
    with LOCK:
        PLANS.clear()
        for user in woven.users & TRACKED.keys():
            TRACKED[user].entry = None
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
        if way == "init" and cls is not None and dict_of(cls).get("__init__") is function:
            subject, schema = cls, plan_of(cls).schema
    if way == "call":
        woven.hook("call", None, None, which_call(woven.key))
    elif way == "new":
        woven.hook("new", None, None, which_new(woven.key))
    else:
        woven.hook("init", subject, schema, which(woven.key))
