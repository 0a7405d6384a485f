"""One call that waits: how a hook's row becomes an object that builds itself, and what the record says of both."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from time import perf_counter
from types import CodeType, FunctionType
from typing import Any

from begat.intercept.constants import EXCHANGED, NOT_GIVEN, Defaults
from begat.intercept.deferring import BLOCKS, EVERYWHERE, RULES, WAITS, Answer, Rule, answered, rule_for
from begat.intercept.identity import identity_of
from begat.intercept.interceptor import LANE, Built, Changed, Lane, Pin, Returned, arrive, ident, outside
from begat.intercept.plans import first_hand
from begat.intercept.schema import Schema, as_called, exchanged_defaults
from begat.intercept.woven import original
from begat.introspect.callsites import locate
from begat.lazy import ghost, traps
from begat.lazy.arguments import NONE, copies, held, restored
from begat.lazy.ghost import Manner
from begat.lazy.thunk import BUILDS, Thunk, around


class _Touch:
    """Where those above change what is built late: the values of a call, when it is made at last. May raise instead."""

    def __init__(self) -> None:
        self.values: Callable[[Any, tuple[Any, ...]], tuple[Any, ...]] = lambda _, values: values


TOUCH = _Touch()


Found = tuple[Rule, Manner, str]  # the rule by which something waits, how it does, or why it cannot


def waits(
    me: Any,
    token: Any,
    schema: Schema,
    lane: Lane,
    code: CodeType,
    at: int,
    values: tuple[Any, ...],
    plain: bool,
    found: Found | None = None,
) -> Answer | None:
    """
    Make the call wait, if a rule says so: *me* becomes a ghost, or a proxy stands for what a function will return.

    The rule is the one that was *found* before, or the innermost that holds here. Scalars alone are *plain* values.
    """
    if me is None:
        return _call_waits(token, schema, lane, code, at, values)
    if found is None:
        blocks = BLOCKS.get() or EVERYWHERE
        found = schema.waits
        if found is None or not blocks or found[0] is not blocks[-1]:
            found = _found(type(me), schema)
            if found is None:
                return None
    rule, manner, reason = found
    if rule.rng is not None and BUILDS and _builds_by(rule):
        return None  # it draws within the construction around it, in its turn
    if not reason:
        try:
            reason = manner.haunt(me, Waiting(token, schema, lane, code, at, values, rule, plain))
        except TypeError as error:
            reason = str(error)
    if reason:
        assert lane.sink is not None
        lane.sink.trouble(f"{schema.target} did not wait: {reason}")
        return None
    lane.events.append(token)
    if type(token) is Pin and token.brief:
        token.obj = None
    if rule.rng is not None and rule.rng == "order":
        rule.waiting.append(me)
    return WAITS


def _found(kind: type, schema: Schema) -> Found | None:
    """The innermost rule by which constructions of *kind*, the class of *schema*, wait here, how they do, or why they cannot."""
    rule = rule_for(kind, schema.target)
    if rule is None:
        return None
    manner = ghost.manner(kind)
    found = rule, manner, manner.reason or ("" if first_hand(schema) else _SEEN_BY_BASE)
    if rule.rng is None:  # others hold what waits by them: the schema would keep it alive
        schema.waits = found
    return found


def _call_waits(
    token: Any, schema: Schema, lane: Lane, code: CodeType, at: int, values: tuple[Any, ...]
) -> Answer | None:
    blocks = BLOCKS.get() or EVERYWHERE
    found = schema.waits
    if found is None or not blocks or found[0] is not blocks[-1]:
        found = _call_found(schema, values)
        if found is None:
            return None
    rule, make, reason = found
    if reason:
        assert lane.sink is not None
        lane.sink.trouble(f"{schema.target} did not wait: {reason}")
        return None
    if rule.rng is not None and BUILDS and _builds_by(rule):
        return None
    lane.events.append(token)
    made = make(Calling(token, schema, lane, code, at, values, rule))
    if rule.rng == "order":
        rule.waiting.append(made)
    return answered(made)


def _call_found(schema: Schema, values: tuple[Any, ...]) -> tuple[Rule, type, str] | None:
    """The innermost rule by which such calls wait here, the class of what stands for what they return, or why nothing can."""
    rule = rule_for(schema.subject(), schema.target)
    if rule is None and schema.kind == "factory":
        rule = rule_for(values[0], schema.target)
    if rule is None:
        return None
    from begat.lazy.proxy import Proxy

    reason = ghost.manner(schema.subject()).reason or _SEEN_BY_BASE if schema.kind == "class" else ""
    found = rule, Proxy, reason
    if rule.rng is None:
        schema.waits = found
    return found


def _builds_by(rule: Rule) -> bool:
    """Whether this thread builds something that waited by *rule*."""
    return any(isinstance(thunk, Waiting) and thunk.rule is rule for thunk in around())


_event = tuple.__new__  # as the constructor of a named tuple does, in Python
_TRAPS = vars(traps)  # most often the nearest: found without a look into it
_DEEP = 20  # builds inside each other
_OURS = 3  # frames above `Waiting.build` are, in any case; C code may touch what waits where there is none above them
_SEEN_BY_BASE = "its own constructor is not tracked"


class Waiting(Thunk):
    """One construction that waits."""

    __slots__ = ("_function", "code", "copies", "lane", "lasti", "rule", "schema", "seed", "token", "values")

    def __init__(
        self,
        token: object,
        schema: Schema,
        lane: Lane,
        code: CodeType,
        lasti: int,
        values: tuple[Any, ...],
        rule: Rule,
        plain: bool = False,
    ) -> None:
        # One by one: that is quicker than by tuples, and on the way of every call that waits.
        self.claim = None
        self.built = False
        self.done = None
        self.around = around() if BUILDS else ()
        self.token = token
        self.schema = schema
        self.lane = lane
        self.rule = rule
        self.code = code
        self.lasti = lasti
        self._function: Any = schema.function()  # held: the program may put another in its place, or let it go
        self.values = values
        self.copies = NONE if plain else copies(values)
        keyed = rule.rng is not None and rule.rng == "keyed"  # None is compared with no text: that takes twice as long
        self.seed = rule.seeds(schema.target, rule.counted(schema.target)) if keyed else None

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
        return as_called(self.schema, self.passed())

    def passed(self) -> tuple[Any, ...]:
        """The values of `arguments`, as a row holds them."""
        if not self.copies:
            return self.values
        values, changed = restored(self.values, self.copies)
        for position in changed:
            self._report(self.schema.names[position - self._before])
        return values

    _before = 0

    def label(self, position: int) -> str:
        """The parameter that the argument at *position* is for."""
        at = position - self._before
        return self.schema.names[at] if 0 <= at < self.schema.positional else super().label(position)

    def recipe(self) -> tuple[Any, ...] | None:
        """What was passed, and the seed. With ``rng="order"`` none: a copy would draw out of turn."""
        if self.rule.rng == "order":
            return None
        return self.arguments() if self.seed is None else (*self.arguments(), self.seed)

    def _from_below(self) -> None:
        """Build what waits among the arguments, and among theirs: a chain of them would need a stack as deep as it is long."""
        order: list[Any] = []
        met, todo = set(), [self]
        while todo:
            for each in held(todo.pop().values):
                thunk = each._self_thunk if _is_proxy(each) and not each._self_thunk.built else ghost.thunk_of(each)
                if isinstance(thunk, Waiting) and thunk.claim is None and thunk not in met:
                    met.add(thunk)
                    order.append(each)
                    todo.append(thunk)
        with suppress(Exception):  # whoever touches it is told
            for each in reversed(order):
                _build(each)

    def build(self, obj: Any) -> Any:
        """Make the call, inside the construction of *obj*, and say so in the record."""
        # In one piece, and `run` likewise: what a touch costs is that all it needs has to be fetched from memory again.
        rule = self.rule
        token: Any = self.token
        if rule.rng is not None or self.claim.below is not None:  # type: ignore[union-attr]  # this thread's
            self._first(obj)
        lane = LANE.get()
        if lane is not None and lane.thread != ident():
            lane = arrive(lane)
        stack: list[Any] = lane.stack if lane is not None else []
        depth, failed = len(stack), None
        begin = perf_counter()
        try:
            stack.append(token if token() is not None else Pin(obj))
            if self.seed is None:
                made = self.run(obj)
            else:
                with self.seed.planted():
                    made = self.run(obj)
        except BaseException as error:
            failed = type(error)
            self.noted(error)
            raise
        finally:
            del stack[depth:]  # first: an interrupt may fall on any call
            seconds = perf_counter() - begin
            if failed is None and rule.waiting:
                rule.waiting[:] = [each for each in rule.waiting if each is not obj]
            frame = outside(sys._getframe(_OURS).f_back, _TRAPS)
            self.lane.events.append(_event(Built, (token, frame.f_code, frame.f_lasti, seconds, failed)))
        return made

    def _first(self, obj: Any) -> None:
        """With ``rng="order"``: build what was called before *obj* by the same rule, or wait until another thread has."""
        if self.claim.depth > _DEEP:  # type: ignore[union-attr]
            self._from_below()
        if waiting := self.rule.waiting:
            place = next((i for i, each in enumerate(waiting) if each is obj), 0)
            for each in waiting[:place]:
                _build(each)

    def run(self, obj: Any) -> Any:
        """Call the constructor. What it builds is within: the call is no new row."""
        values = self.passed() if self.copies else self.values
        if not RULES.alike:
            values = TOUCH.values(self, values)
        function, schema = self._function, self.schema
        defaults = function.__defaults__
        # Without a call between the question and the answer: on one, a signal handler may untrack it.
        if schema.straight and not EXCHANGED and (defaults.__class__ is Defaults or not schema.defaults):
            found = function(obj, *values)  # our code puts in what was left out, as in any call
        else:
            if EXCHANGED or type(defaults) is tuple or type(function.__kwdefaults__) is dict:  # and not ours
                self._tell_defaults(values)
            args, kwargs = as_called(schema, values)
            found = function(obj, *args, **kwargs)
        if found is not None:  # as the interpreter says it
            raise TypeError(f"__init__() should return None, not {type(found).__name__!r}")

    def _tell_defaults(self, values: tuple[Any, ...]) -> None:
        """Say in the record what the constructor gets for what is left out in *values*, where its defaults were exchanged."""
        given = dict(zip(self.schema.names, values, strict=True))
        other = exchanged_defaults(self._function, self.schema.defaults, ours=True)
        left = {name: (value, "default") for name, value in other.items() if given.get(name) is NOT_GIVEN}
        if left:
            self.lane.events.append(Changed(self.token, left))

    def function(self) -> Any:
        """What is called."""
        return self._function

    def _report(self, name: str) -> None:
        if self.lane.sink is not None:
            self.lane.sink.trouble(
                f"{name!r} of {self.name}, called at {self.place()}, was changed before it was built: it got what was passed"
            )


def _is_proxy(obj: object) -> bool:
    """Whether *obj* is a proxy. Their module, and wrapt, are loaded when the first is made."""
    proxy: Any = sys.modules.get("begat.lazy.proxy")
    return proxy is not None and bool(proxy.is_proxy(obj))


def _build(obj: Any) -> None:
    if _is_proxy(obj):
        obj.__wrapped__  # noqa: B018  # made, if it was not
    else:
        ghost.build(obj)


class Calling(Waiting):
    """One call of a tracked function, or of a factory, that waits."""

    __slots__ = ()

    def arguments(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """What was passed; a factory's class comes first."""
        return self._called_with(self.passed())

    @property
    def _before(self) -> int:  # type: ignore[override]  # a number there too
        return self.schema.skip

    def _called_with(self, values: tuple[Any, ...]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        skip = self.schema.skip
        args, kwargs = as_called(self.schema, values[skip:])
        return (*values[:skip], *args), kwargs

    def run(self, obj: Any) -> Any:
        """Call the function as it was written: its call is recorded already."""
        args, kwargs = self._called_with(TOUCH.values(self, self.passed()))
        function = self.function()
        code = original(function)
        plain = FunctionType(
            code, function.__globals__, function.__name__, tuple(function.__defaults__ or ()), function.__closure__
        )
        plain.__kwdefaults__ = dict(function.__kwdefaults__ or {})
        token: Any = self.token
        result = plain(*args, **kwargs)
        identity = identity_of(result, self.lane)
        token.over = True
        if identity is not None:
            self.lane.events.append(Returned(token, identity))
        return result


def touched() -> tuple[Any, int]:
    """Where the touch was that is building something now: the innermost frame that is not ours."""
    frame = outside(sys._getframe(_OURS))
    return frame.f_code, frame.f_lasti
