"""Overrides at work: which of them mean a call that is being made, and the arguments with which it goes on.

A hook asks when its row stands in the log: the row is what the code passed, and an event beside it says what was used
instead, from where. So the record holds both, and no row is ever changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import Token
from types import TracebackType
from typing import Any, Self

from begat.capture import children, tasks
from begat.capture.changing import Place, changed_values
from begat.capture.checking import check
from begat.capture.instead import Standing, called, instead
from begat.capture.orders import Orders
from begat.capture.session import BLOCK as HERE
from begat.capture.session import session
from begat.capture.waiting import TOUCH, Found
from begat.errors import OverrideError
from begat.intercept import deferring
from begat.intercept.deferring import CHECKING, RULES, Answer, Rule, answered, refused
from begat.intercept.identity import snap
from begat.intercept.interceptor import Changed, Lane
from begat.intercept.schema import Schema
from begat.introspect.callsites import locate
from begat.record.names import class_name
from begat.replay.override import BLOCK, Override, chosen, is_text

_everywhere: list[Orders] = []


def current() -> Orders | None:
    """The overrides that hold in this thread and context."""
    found: Orders | None = session.block()
    # Blocks are not always left in order, and threads live on: what is over holds for nobody.
    while found is not None and found.over:
        found = found.outer
    return found if found is not None else everywhere()


def everywhere() -> Orders | None:
    """The overrides that hold in the whole process."""
    return _everywhere[-1] if _everywhere else None


def asks(
    me: Any,
    token: Any,
    schema: Schema,
    lane: Lane,
    frame: Any,
    values: tuple[Any, ...],
    alike: bool,
    found: Found | None = None,
) -> Answer | None:
    """
    What a hook asks: the arguments of this call as overrides want them, or that it waits; None where nothing is changed.

    Where the rules are *alike* it has asked already whether the call waits; where it was *found* that it does, it does.
    """
    # Before anything is looked at: what another thread changes meanwhile is then asked about again.
    now = RULES.now
    orders = current()
    answer = None
    if orders is not None and orders.concern(schema):
        try:
            answer = _change(orders, me, token, schema, lane, frame, values)
        except OverrideError as error:
            orders.refused.append(error)
            lane.events.append((token, type(error)))
            return refused(error.with_traceback(None))
        if answer is not None and type(answer[0]) is not tuple:
            return answer
    used: Any = values if answer is None else answer[0]
    if schema.options.validate != "off":
        invalid = check(schema, used, _where(schema, frame), frame)
        if invalid is not None:
            lane.events.append((token, type(invalid)))
            return refused(invalid)
    if alike or found is not None or Rule in map(type, RULES):
        waiting = None
        if not alike:
            waiting = deferring.DOOR.waits(me, token, schema, lane, frame.f_code, frame.f_lasti, used, False, found)
        if waiting is not None:
            if orders is not None:
                orders.asked.add(id(token))
            return waiting
        if me is None:
            return answer  # elsewhere it may wait for the sake of its class
    if answer is None and not any(_may_hold(rule, schema) for rule in RULES[:]):
        schema.quiet = now
    elif answer is None and all(_passes(rule, frame, schema) for rule in RULES[:]):
        now.add((id(frame.f_code), frame.f_lasti, id(schema)))
    return answer


def at_touch(thunk: Any, values: tuple[Any, ...]) -> tuple[Any, ...]:
    """*values*, of a call that waited and is made now, as overrides want them that hold here and did not hold there."""
    orders = current()
    schema, token = thunk.schema, thunk.token
    if orders is None or id(token) in orders.asked or not orders.concern(schema):
        return values
    run, number = thunk.lane.sink.run, thunk.lane.sink.number_of(token)
    path = run[number].path if run is not None and number is not None else ""
    place = Place(schema, f"{thunk.name}, called at {thunk.place()}", dict)
    meant = [each for each in orders.meant_at(path, schema) if each.parameter is not None]
    used, changes, applied = changed_values(place, values, chosen(meant).values(), orders.near)
    orders.applied(applied, token)
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


def _passes(rule: Any, frame: Any, schema: Schema) -> bool:
    """Whether *rule* holds for no call of *schema* from this very place in *frame*."""
    return rule.passes(frame, schema) if type(rule) is Orders else not _may_hold(rule, schema)


def _change(
    orders: Orders, me: Any, token: Any, schema: Schema, lane: Lane, frame: Any, values: tuple[Any, ...]
) -> Answer | None:
    meant = orders.meant(token, schema, lane, frame) if id(token) not in orders.standing else []
    if not meant:
        return None
    try:
        picked = chosen(meant)
    except OverrideError as error:
        raise OverrideError(f"{_plain(error)}: both mean {_where(schema, frame)}") from None
    if len(picked) < len(meant):
        orders.outdone(meant, picked.values())
    place = Place(schema, _where(schema, frame), lambda: {**frame.f_globals, **frame.f_locals})
    whole = picked.pop((None, ()), None)
    used, changes, applied = changed_values(place, values, picked.values(), orders.near)
    orders.applied(applied, token)
    if whole is not None:
        foretold = orders.foretold(token, schema, lane, frame)
        other = called(whole.override, place)
        orders.applied((whole,), token)
        if other is not schema.subject():
            return answered(
                instead(whole.override, other, Standing(orders, place, me, token, lane, foretold), used, changes)
            )
    if changes:
        lane.events.append(_changed(token, changes))
    return (used, None) if changes else None


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
    against the parameter's annotation. It holds in this thread and context, in threads and processes started inside, and over
    overrides from outside.

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
            raise TypeError(
                f'override takes a mapping: begat.override({{"model.dim": 64}}), not {type(changes).__name__}'
            )
        self._changes = dict(changes)
        self._reads_text = True
        self._entered: list[tuple[Orders, Token[Orders | None]]] = []

    def __enter__(self) -> Self:
        outer = current()
        depth = 0
        above = outer
        while above is not None:
            depth, above = depth + 1, above.outer
        orders = Orders(
            (
                Override(
                    address,
                    value,
                    place="begat.override",
                    level=BLOCK + depth,
                    text=self._reads_text and is_text(value),
                )
                for address, value in self._changes.items()
            ),
            outer,
        )
        RULES.put(orders)
        session.opened()
        children.TELLING.watch()
        tasks.watch()
        self._entered.append((orders, HERE.set(orders)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        orders, token = self._entered.pop()
        orders.over = True
        RULES.drop(orders)
        session.closed()
        children.TELLING.unwatch()
        tasks.unwatch()
        if HERE.get() is orders:  # else one that was entered later holds still
            try:
                HERE.reset(token)
            except ValueError:  # left in another context than entered
                HERE.set(orders.outer)
        try:
            if error is None:
                orders.check(session.current())
        finally:
            orders.end()


def overriding_exactly(changes: Mapping[str, Any]) -> override:
    """A block in which *changes* hold, with text for text: the values are those of a record, which nobody typed."""
    block = override(changes)
    block._reads_text = False
    return block


def hold(orders: Orders) -> Orders:
    """From now on *orders* hold in the whole process, under those of blocks."""
    _everywhere.append(orders)
    RULES.put(orders)
    return orders


def drop(orders: Orders) -> None:
    """They do not hold any more."""
    _everywhere.remove(orders)
    RULES.drop(orders)


deferring.DOOR.asks = asks
TOUCH.values = at_touch
