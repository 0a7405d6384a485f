"""Another class or function in the place of the one that is being called.

The object is there already when a constructor is entered: it is given the other class, and is built by that one's
constructor, on the same memory. The record has the other's call in the place of this one's.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import FunctionType
from typing import Any

from begat.capture.changing import Changes, Place, default_value, resolver, wanted
from begat.capture.foretelling import Foretold
from begat.capture.orders import Orders
from begat.errors import CannotTrack, OverrideError
from begat.intercept.constants import NOT_GIVEN
from begat.intercept.hooks import is_scalar
from begat.intercept.identity import identity_of, snap
from begat.intercept.interceptor import Call, Changed, Instead, Lane, Returned
from begat.intercept.plans import plan_of
from begat.intercept.schema import Schema
from begat.intercept.tracking import track
from begat.introspect.targets import dict_of, is_class, mro_of, name_of
from begat.record.values import Symbol
from begat.replay.override import Override, is_text


@dataclass(frozen=True, slots=True)
class Standing:
    """A call that has begun: the overrides that hold, its place, the object (None for functions), its token and lane, its names."""

    orders: Orders
    place: Place
    me: Any
    token: Any
    lane: Lane
    foretold: Foretold


def called(override: Override, place: Place) -> Any:
    """What *override* wants to be called at *place*."""
    try:
        other = resolver(override, place.space)(override.value) if is_text(override.value) else override.value
    except LookupError as error:
        raise OverrideError(f"{override.said}: {error}") from None
    if not callable(other):
        raise _refused(override, place, f"a {type(other).__name__} cannot be called")
    return other


def instead(override: Override, other: Any, call: Standing, values: tuple[Any, ...], changes: Changes) -> Any:
    """
    Make the call of *other* that *override* wants, with those of the arguments that it takes; what it returned.

    The body is not to be run.
    """
    me, token, events = call.me, call.token, call.lane.events
    if me is not None:
        if not is_class(other):
            raise _refused(override, call.place, f"{name_of(other)} is no class")
        _become(other, me, override, call.place)
    args, kwargs = _arguments(override, call, values, other, changes)
    events.append(
        Changed(token, {name: (snap(value), source) for name, (value, source) in changes.items() if name in kwargs})
    )
    symbol = Symbol(name_of(other), "class" if is_class(other) else "function")
    if me is not None:
        call.orders.standing.add(id(token))
        try:
            type(me).__init__(me, *args, **kwargs)
        finally:
            call.orders.standing.discard(id(token))
            events.append(Instead(token, symbol, override.source))
        return None
    star = call.place.schema.starred[0]
    names = frozenset(kwargs) | ({star} if args and star is not None else frozenset())
    events.append(Instead(token, symbol, override.source, names))
    result = other(*args, **kwargs)
    identity = identity_of(result, call.lane) if not is_scalar(result) else None
    if identity is not None:
        events.append(Returned(token, identity))
    if type(token) is Call:
        token.over = True
    return result


def _become(other: Any, me: Any, override: Override, place: Place) -> None:
    """Make *me*, of which nothing but the memory is there, an object of the class *other*."""
    own = own_new(other)
    if own is not None and own is not own_new(type(me)):
        raise _refused(override, place, f"{name_of(other)} makes its objects in a __new__ of its own")
    try:
        track(other)
    except CannotTrack as error:
        raise _refused(override, place, str(error.args[0])) from None
    try:
        object.__setattr__(me, "__class__", other)
    except TypeError as error:
        raise _refused(override, place, f"its objects are laid out differently in memory ({error})") from None


def own_new(cls: Any) -> Any:
    """The ``__new__`` of *cls* that is written in Python, or None."""
    found = next((dict_of(each)["__new__"] for each in mro_of(cls) if "__new__" in dict_of(each)), None)
    found = found.__func__ if type(found) is staticmethod else found
    return found if type(found) is FunctionType else None


def _arguments(
    override: Override, call: Standing, values: tuple[Any, ...], other: Any, changes: Changes
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """
    What *other* takes of the arguments of *call*: all of them by name, but for ``*args``.

    Overrides of parameters that only *other* has are applied here, and noted in *changes*.
    """
    import inspect

    place = call.place
    schema = place.schema
    given = dict(zip(schema.names, values[len(values) - len(schema.names) :], strict=True))
    star, double = schema.starred
    named = {name: value for name, value in given.items() if name not in schema.starred and value is not NOT_GIVEN}
    named |= given.get(double, {}) if double is not None else {}
    rest = given.get(star, ()) if star is not None else ()
    theirs: Schema | None = plan_of(other).schema if is_class(other) else None
    for reading in call.orders.meant_instead(call.foretold, schema, theirs) if theirs is not None else ():
        assert theirs is not None
        if reading.parameter is not None and (reading.by_class or reading.parameter not in schema.names):
            now = named.get(reading.parameter, default_value(theirs, reading.parameter))
            named[reading.parameter] = value = wanted(Place(theirs, place.where, place.space), reading, now)
            changes[reading.parameter] = value, reading.override.source
            call.orders.applied((reading,), call.token)
    try:
        signature = inspect.signature(other)
    except (TypeError, ValueError):
        return tuple(rest), named
    parameters = signature.parameters.values()
    kinds = {parameter.kind for parameter in parameters}
    if inspect.Parameter.VAR_KEYWORD not in kinds:
        named = {p.name: named[p.name] for p in parameters if p.name in named}
    first = [p.name for p in parameters if p.kind is inspect.Parameter.POSITIONAL_ONLY and p.name in named]
    args = [named.pop(name) for name in first]
    args += rest if inspect.Parameter.VAR_POSITIONAL in kinds else ()
    try:
        signature.bind(*args, **named)
    except TypeError as error:
        raise _refused(override, place, f"{error}, and the call does not give it") from None
    return tuple(args), named


def _refused(override: Override, place: Place, why: str) -> OverrideError:
    return OverrideError(f"{override.said} cannot be called in the place of {place.where}: {why}")
