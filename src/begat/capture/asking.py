"""``begat.lazy(Net)(64)``: one call that waits."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from types import CodeType, MethodType
from typing import Any

from begat.capture.waiting import Found, Waiting
from begat.intercept import deferring
from begat.intercept.deferring import Answer, Rule, called_by
from begat.intercept.entries import Entry, entry
from begat.intercept.interceptor import LANE, Lane
from begat.intercept.plans import LOCK, TRACKED, first_hand, plan_of
from begat.intercept.schema import Schema, as_called
from begat.intercept.tracking import track
from begat.intercept.woven import WOVEN
from begat.introspect.targets import is_class, name_of
from begat.lazy import ghost
from begat.lazy.ghost import give, lookup


def entry_of(cls: Any) -> Entry | None:
    """What calls of *cls*, which is tracked, enter that are to wait; None where more than one constructor has a say in them."""
    with LOCK:
        tracked, plan = TRACKED.get(id(cls)), plan_of(cls)
        woven, schema = WOVEN.get(plan.key) if plan.key is not None else None, plan.schema
        if tracked is None or woven is None or schema is None or woven.way != "init":
            return None
        if schema.passed_on or not first_hand(schema):
            return None
        if any(lookup(type(cls), name) is not type.__dict__[name] for name in ("__call__", "__getattribute__")):
            return None
        function = woven.function()
        if function is None or lookup(cls, "__new__") is not object.__new__ or lookup(cls, "__init__") is not function:
            return None
        if not woven.as_woven(function) or not woven.code.co_argcount:
            return None
        manner = ghost.manner(cls)
        try:
            give(object.__new__(cls), manner.ghost)
        except TypeError:  # it is abstract, or laid out so that no ghost can stand for it
            return None
        made = tracked.entry = entry(cls, tracked, woven, schema, (Rule((cls,), exactly=True), manner, ""))
        return made


class later:  # noqa: N801  # it is called as a function would be
    """*thing*, whose calls wait by *rule*. It travels as ``begat.lazy(thing)``, and is a method where *thing* would be one."""

    __slots__ = ("__weakref__", "rule", "thing")

    def __init__(self, thing: Callable[..., Any], rule: Rule) -> None:
        self.thing = thing
        self.rule = rule

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        return called_by(self.rule, self.thing, args, kwargs)

    def __get__(self, obj: object, owner: type | None = None) -> Any:
        return method(self, self.thing, obj, owner)

    def __getattr__(self, name: str) -> Any:
        if name not in ("__name__", "__qualname__", "__signature__"):
            raise AttributeError(f"what begat.lazy returns has no attribute {name!r}")
        return signature(self.thing) if name == "__signature__" else getattr(self.thing, name)

    def __repr__(self) -> str:
        return f"begat.lazy({name_of(self.thing)})"

    def __reduce__(self) -> tuple[Any, ...]:
        from begat.capture.laziness import lazy

        return lazy, (self.thing,)


def method(asked: Any, thing: Any, obj: object, owner: type | None) -> Any:
    """What *asked*, which stands for *thing* in the class *owner*, is for *obj*: a method where *thing* would be one."""
    get = None if obj is None or is_class(thing) else getattr(type(thing), "__get__", None)
    bound = thing if get is None else get(thing, obj, owner)
    if bound is thing:
        return asked
    if type(bound) is MethodType and bound.__func__ is thing:
        return MethodType(asked, obj)
    from begat.capture.laziness import lazy

    return lazy(bound)


def _asked(
    me: Any,
    token: Any,
    schema: Schema,
    lane: Lane,
    code: CodeType,
    at: int,
    values: tuple[Any, ...],
    plain: bool,
    found: Found,
) -> None:
    """Make the call wait for certain, as was *found*; that *me* can become a ghost has been tried."""
    rule, manner, _ = found
    manner.haunt(me, Waiting(token, schema, lane, code, at, values, rule, plain))
    lane.events.append(token)


def _anew(cls: Any, schema: Schema, values: tuple[Any, ...]) -> Any:
    """An entry of *cls* does not hold any more: make the call by a rule, of the class as it is now."""
    args, kwargs = as_called(schema, values)
    track(cls)
    return later(cls, Rule((cls,), exactly=True))(*args, **kwargs)


def _plainly(cls: Any, schema: Schema, values: tuple[Any, ...]) -> Any:
    """Nothing is recorded of this call: the object is built."""
    args, kwargs = as_called(schema, values)
    before = LANE.set(None)
    try:
        return cls(*args, **kwargs)
    finally:
        LANE.reset(before)


def _otherwise(answer: Answer | None, me: Any, schema: Schema, values: tuple[Any, ...]) -> Any:
    """The call does not wait: it is refused, or an override has put another object in its place; or it could not be recorded."""
    given: Any = values
    result: Any = None
    if answer is not None:
        given, result = answer
    if given is False:
        raise result
    return me if given is None else _plainly(type(me), schema, given)


deferring.DOOR.asked = _asked
deferring.DOOR.anew = _anew
deferring.DOOR.plainly = _plainly
deferring.DOOR.otherwise = _otherwise
