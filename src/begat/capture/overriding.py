"""Overrides at work: which of them mean a call that is being made, and the arguments with which it goes on.

A hook asks when its row stands in the log: the row is what the code passed, and an event beside it says what was used
instead, from where. So the record holds both, and no row is ever changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextvars import Token
from types import TracebackType
from typing import Any, Self

from begat.capture.changing import Place, changed_values
from begat.capture.checking import check
from begat.capture.foretelling import class_name
from begat.capture.instead import Standing, called, instead
from begat.capture.orders import Orders
from begat.capture.session import BLOCK as HERE
from begat.capture.session import session
from begat.capture.waiting import TOUCH, callers, waits
from begat.errors import OverrideError
from begat.intercept import deferring
from begat.intercept.constants import WAITING
from begat.intercept.deferring import CHECKING, RULES, Rule
from begat.intercept.identity import snap
from begat.intercept.interceptor import Changed, Lane
from begat.intercept.schema import Schema
from begat.introspect.callsites import locate
from begat.record.graph import Run
from begat.replay.override import BLOCK, Override, chosen

_everywhere: list[Orders] = []


def current() -> Orders | None:
    """The overrides that hold in this thread and context."""
    found: Orders | None = session.block()
    return found if found is not None else _everywhere[-1] if _everywhere else None


def asks(me: Any, token: Any, schema: Schema, lane: Lane, frame: Any, values: tuple[Any, ...]) -> Any:
    """What a hook asks: the arguments of this call as overrides want them, or `WAITING`; None where nothing is changed."""
    caller, frame = frame, callers(frame)
    orders = current()
    changed = None
    if orders is not None and orders.concern(schema):
        try:
            changed = _change(orders, me, token, schema, lane, frame, values)
        except OverrideError as error:
            orders.refused.append(error)
            lane.events.append((token, type(error)))
            return deferring.refuse(error.with_traceback(None))
        if changed is WAITING:
            return WAITING
    if schema.options.validate != "off":
        invalid = check(schema, values if changed is None else changed, _where(schema, frame), frames=5)
        if invalid is not None:
            lane.events.append((token, type(invalid)))
            return deferring.refuse(invalid)
    if any(type(rule) is Rule for rule in RULES):
        if waits(me, token, schema, lane, caller, values if changed is None else changed):
            if orders is not None:
                orders.asked.add(id(token))
            return WAITING
        if me is None:
            return changed
    if changed is None and not any(_may_hold(rule, schema) for rule in RULES):
        schema.quiet = RULES.now
    return changed


def at_touch(thunk: Any, values: tuple[Any, ...]) -> tuple[Any, ...]:
    """*values*, of a call that waited and is made now, as overrides want them that hold here and did not hold there."""
    orders = current()
    schema, token = thunk.schema, thunk.token
    if orders is None or id(token) in orders.asked or not orders.concern(schema):
        return values
    run, number = thunk.lane.sink.run, thunk.lane.sink.number_of(token)
    path = run.nodes[number].path if run is not None and number is not None else ""
    place = Place(schema, f"{thunk.name}, called at {thunk.place()}", {})
    meant = [each for each in orders.meant_at(path, schema) if each.parameter is not None]
    used, changes, applied = changed_values(place, values, chosen(meant).values(), orders.near)
    for each in applied:
        orders.applied(each)
    thunk.lane.events.append(_changed(token, changes))
    return used


def _changed(token: object, changes: Any) -> Changed:
    return Changed(token, {name: (snap(value), source) for name, (value, source) in changes.items()})


def _may_hold(rule: Any, schema: Schema) -> bool:
    subject = schema.subject()
    if type(rule) is Orders:
        return rule.concern(schema)
    if rule is CHECKING:
        return schema.options.validate != "off"
    return subject is None or rule.covers(subject, schema.target)


def _change(
    orders: Orders, me: Any, token: Any, schema: Schema, lane: Lane, frame: Any, values: tuple[Any, ...]
) -> Any:
    meant = orders.meant(token, schema, lane, frame)
    if not meant:
        return None
    try:
        picked = chosen(meant)
    except OverrideError as error:
        raise OverrideError(f"{_plain(error)}: both mean {_where(schema, frame)}") from None
    place = Place(schema, _where(schema, frame), {**frame.f_globals, **frame.f_locals})
    whole = picked.pop((None, ()), None)
    used, changes, applied = changed_values(place, values, picked.values(), orders.near)
    for each in applied:
        orders.applied(each)
    if whole is not None:
        orders.applied(whole.override)
        path = orders.path(token, schema, lane, frame)
        other = called(whole.override, place)
        if other is not schema.subject():
            instead(whole.override, other, Standing(orders, place, me, token, lane, path), used, changes)
            return WAITING
    if changes:
        lane.events.append(_changed(token, changes))
    return used if changes else None


def _plain(error: OverrideError) -> str:
    return str(error.args[0])


def _where(schema: Schema, frame: Any) -> str:
    site = locate(frame.f_code, frame.f_lasti)
    return f"{class_name(schema.target)}, called at {site.file}:{site.line}"


class override:  # noqa: N801  # read as a statement: ``with begat.override({...}):``
    """
    Change arguments of what is built inside a block, whatever the code passes: ``with begat.override({"model.dim": 64}):``.

    *changes* maps addresses (``model.enc.dim``, ``Encoder.dim``, ``Encoder.1.dim``, ``*.dropout``, ``opts.beta``; a path or
    class alone for what to call instead) to values. Text is read by the type of what it replaces; other values are checked
    against the parameter's annotation. It holds in this thread and context, in threads started inside, and over overrides
    from outside.

    Raises OverrideError, a ValueError: at the call for a value that does not fit, and at the end of the block, if that
    ended well, for an address that matched nothing.

    >>> import begat
    >>> @begat.trackable
    ... class Encoder:
    ...     def __init__(self, dim): self.dim = dim
    >>> with begat.override({"Encoder.dim": 128}):
    ...     enc = Encoder(64)
    >>> enc.dim
    128
    """

    def __init__(self, changes: Mapping[str, Any]) -> None:
        if not isinstance(changes, Mapping):
            raise TypeError(f'override takes a mapping: begat.override({{"model.dim": 64}}), not {type(changes).__name__}')
        self._changes = dict(changes)
        self._entered: list[tuple[Orders, Token[Orders | None]]] = []

    def __enter__(self) -> Self:
        outer = current()
        depth = 0
        above = outer
        while above is not None:
            depth, above = depth + 1, above.outer
        orders = Orders(
            (
                Override(address, value, place="begat.override", level=BLOCK + depth, text=isinstance(value, str))
                for address, value in self._changes.items()
            ),
            outer,
        )
        RULES.put(orders)
        session.opened()
        self._entered.append((orders, HERE.set(orders)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        orders, token = self._entered.pop()
        RULES.drop(orders)
        session.closed()
        try:
            HERE.reset(token)
        except ValueError:  # left in another context than entered
            HERE.set(orders.outer)
        if error is None:
            orders.check(session.current())


def hold(overrides: Iterable[Override], known: Run | None = None) -> Orders:
    """From now on these hold in the whole process, under those of blocks; *known* is an earlier run of the same program."""
    orders = Orders(overrides)
    if known is not None:
        orders.learn(known)
    _everywhere.append(orders)
    RULES.put(orders)
    return orders


def held() -> list[Override]:
    """What holds in the whole process."""
    return [override for orders in _everywhere for override in orders.own]


deferring.DOOR.asks = asks
TOUCH.values = at_touch
