"""The functions that woven code enters: generated once per shape of signature, so that a recorded call costs no loop.

For a class with parameters ``a`` and ``b`` the generated function reads::

    def enter(me, a, b):
        lane = LANE()
        if lane is None: return None
        try:
            stack = lane.stack
            exact = TYPE(me) is CLASS()
            if not exact and stack and stack[-1]() is me: return None   # super().__init__ in a construction that is known
            if lane.thread != IDENT():
                lane = ARRIVE(lane)
                if lane is None: return None
            stack = lane.stack
            if exact and not COUNT(me): schema = SCHEMA                 # the very class, and never seen before
            else:
                schema = WHICH(me, lane)
                if schema is None: return None
            token = REF(me); frame = FRAME(2)
            if schema.passed_on: frame = BEYOND(frame, me)              # others' code handed the arguments on
            if (code := frame.f_code) is ASKED:                         # begat.lazy(Net)(64)
                frame = OUTSIDE(frame); code = frame.f_code
            note = lane.extend; odd = schema
            note((token, schema, code, at := frame.f_lasti, stack[-1] if stack else None, 8,
                  a if <its type is that of a scalar> else SNAP(odd := a, schema, lane), b if <so is this one's> else SNAP(…)))
            if LEN(lane.log) > lane.limit: lane.sink.settle()
            if RULES and schema.quiet is not RULES.now and ((alike := RULES.alike) or (ID(code), at, ID(schema)) not in RULES.now):
                answer = LATER.waits(me, token, schema, lane, code, at, (a, b), odd is schema) if alike else None
                if answer is None: answer = LATER.asks(me, token, schema, lane, frame, (a, b), alike)
                if answer is not None:
                    kept, _ = answer
                    if TYPE(kept) is not TUPLE: return answer           # the body runs later, or not at all
                    leave = lane.leave                                  # it runs with other arguments
                    answer = (me, *kept), leave
                    stack.append(token)
                    return answer
            stack.append(token)
            return lane.leave
        except BaseException as error:
            if TROUBLE(error, lane): raise

The class is referred to weakly: the collector does not look into code objects, so nothing that hangs on one may lead back
to its class. Only names stand in the source; classes, schemas and values come in through the closure.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Sequence
from functools import lru_cache
from types import CodeType
from typing import Any
from weakref import getweakrefcount, ref

from begat.intercept.constants import NOT_GIVEN
from begat.intercept.deferring import DOOR as LATER
from begat.intercept.deferring import RULES, WAITS, called_by
from begat.intercept.identity import identity_of, snap
from begat.intercept.interceptor import (
    HEAD,
    LANE,
    NATIVE,
    Call,
    Lane,
    Returned,
    arrive,
    frame,
    ident,
    leave_of,
    outside,
    over,
    spoiled,
    weakrefoffset,
)
from begat.introspect.targets import dict_of, mro_of
from begat.record.walk import replaced

_NONE = type(None)
LONG = 4096  # longer texts are looked at: a record does not keep a corpus

_OPENING = """\
def make(CLASS, SCHEMA, WHICH, BETWEEN, CHANGED):
{between}\
    def enter({parameters}):
        lane = LANE()
        if lane is None: return None
        try:
{unpack}\
{chain}            if lane.thread != IDENT():
                lane = ARRIVE(lane)
                if lane is None: return None
            stack = lane.stack
{choose}
{behind}
            if code is ASKED:
                frame = OUTSIDE(frame)
                code = frame.f_code
            odd = schema                                                # the last argument that is no scalar
{changing}            note = lane.extend
            note((token, schema, code, at := frame.f_lasti, stack[-1] if stack else None, {length}, {values}))
            if LEN(lane.log) > lane.limit: lane.sink.settle()
            if RULES and schema.quiet is not RULES.now and ((alike := RULES.alike) or (ID(code), at, ID(schema)) not in RULES.now):
                answer = {waits}
                if answer is None: answer = LATER.asks({me}, token, schema, lane, frame, ({raw}), alike)
                if answer is not None:
                    kept, _ = answer
                    if TYPE(kept) is not TUPLE: return answer
                    leave = {going}
                    answer = {given}, leave
                    stack.append(token)
                    return answer
{leave}
        except BaseException as error:
            if TROUBLE(error, lane): raise
    return enter
"""
# Before anything else is asked: most constructors are reached by way of super() from another's.
_CHAIN = """\
            stack = lane.stack
            exact = TYPE(me) is CLASS()
            if not exact and stack and stack[-1]() is me: return None
"""
_FAST = """\
            if exact and not COUNT(me): schema = SCHEMA
            else:
                schema = WHICH(me, lane)
                if schema is None: return None
            token = REF(me)
            try: frame = FRAME(2)
            except ALONE as error: frame = BELOW(error)
            if schema.passed_on: frame = BEYOND(frame, me)"""
_SLOW = """\
            schema = WHICH(me, lane)
            if schema is None: return None
            token = REF(me) if WEAK(TYPE(me)) else lane.sink.pin(me)
            try: frame = FRAME(2)
            except ALONE as error: frame = BELOW(error)
            if schema.passed_on: frame = BEYOND(frame, me)"""
_CALL = """\
            schema = WHICH({first}, lane)
            if schema is None: return None
            token = CALL()
            try: frame = FRAME(2)
            except ALONE as error: frame = BELOW(error)"""
# What leaves is made first: nothing may fail, or be interrupted, between the token on the stack and the body.
_LEAVES = {
    "fast": "lane.leave",
    "call": "LEAVE(lane, token)",
    "new": "LEAVE(lane, token)",
    "slow": "lane.leave if TYPE(token) is REF or not token.brief else LEAVE_OF(token, lane)",
}
_POP = """\
            stack.append(token)
            return lane.leave"""
_LEAVE = """\
            leave = {}
            stack.append(token)
            return leave"""
SCALAR = "((t := TYPE({0})) is INT or t is FLOAT or t is NONE or t is BOOL or t is STR and LEN({0}) < LONG)"
_WAITS = "LATER.waits({}, token, schema, lane, code, at, ({}), odd is schema) if alike else None"
_UNPACK = """\
            if not {0}: return None
            me, {0} = {0}[0], {0}[1:]
"""
CHANGING = """\
            values = CHANGED(({values}))
"""
# By identity and written out: `in` would compare code objects, which takes three times as long.
_BEHIND = """\
            while (code := frame.f_code) is {}: frame = frame.f_back or NATIVE"""


def is_scalar(value: object) -> bool:
    """Whether *value* is kept as it is. By identity: looking its type up in a set would run a metaclass's ``__hash__``."""
    kind = type(value)
    return kind is int or kind is float or kind is _NONE or kind is bool or (kind is str and len(value) < LONG)  # type: ignore[arg-type]


def beyond(found: Any, me: object) -> Any:
    """The frame of the call that builds *me*, where others' code hands its arguments on: behind its own ``__init__``s."""
    codes = [getattr(dict_of(cls).get("__init__"), "__code__", None) for cls in mro_of(type(me))]
    while found.f_back is not None and any(found.f_code is code for code in codes):
        found = found.f_back
    return found


def below(error: ValueError) -> Any:
    """The frame of a call that was made by C code with no Python below it; any other *error* goes on."""
    if error.args != ("call stack is not deep enough",):
        raise error  # a signal handler's
    return NATIVE


class Defaulted(tuple[Any]):
    """In a row: the caller left this argument out, and its default, which may change, was this at that time."""

    __slots__ = ()


def renewed(value: Any, leaf: Callable[[object], object]) -> object:
    """*value*, of a row, with every leaf in it put through *leaf*."""
    return Defaulted((replaced(value[0], leaf),)) if type(value) is Defaulted else replaced(value, leaf)


class Leave:
    """What a woven function calls when it returns its *result*: the object is known only now."""

    __slots__ = ("__self__", "token")

    def __init__(self, lane: Lane, token: Call) -> None:
        self.token = token
        self.__self__ = lane.stack

    def __call__(self, result: object) -> None:
        lane = self.__self__.lane
        try:
            over(self.__self__, self.token)
            if not is_scalar(result):
                identity = identity_of(result, lane)
                if identity is not None:
                    lane.events.append(Returned(self.token, identity))
        except BaseException as error:
            if spoiled(error, lane, "recording what a call returned"):
                raise


@lru_cache(maxsize=512)
def _maker(
    parameters: int, starred: int | None, changing: bool, way: str, between: int
) -> Callable[..., Callable[..., Any]]:
    """The ``make`` for a shape: how many parameters, and how the object, or the class, is found."""
    names = [f"a{i}" for i in range(parameters)]
    made = way in ("fast", "slow")
    if made and starred is None:
        names[0] = "me"
    first = 1 if way != "call" and starred is None else 0  # rows have no place for the object itself, or its class
    unpack = starred is not None and way != "call"  # def __init__(*args): the object is the first of them
    head = "me" if unpack else names[0] if names and starred is None else "None"
    codes = [f"BETWEEN{i}" for i in range(between)]
    choose = {"fast": _FAST, "slow": _SLOW}.get(way) or _CALL.format(first=head)
    values = "".join(
        f"{name} if {SCALAR.format(name)} else SNAP(odd := {name}, schema, lane), " for name in names[first:]
    )
    going = _LEAVES[way]
    given = "(me, *kept)" if made else "kept"
    if starred is not None and unpack:
        given = f"(*kept[:{starred}], (me, *kept[{starred}]), *kept[{starred + 1}:])"
    raw = "".join(f"{name}, " for name in (names[first:] if made else names))
    source = _OPENING.format(
        parameters=", ".join(names),
        chain=_CHAIN if made else "",
        choose=choose,
        me="me" if made else "None",
        waits=_WAITS.format("me" if made else "None", raw),
        raw=raw,
        between=f"    {', '.join(codes)}, = BETWEEN\n" if codes else "",
        behind=_BEHIND.format(" or code is ".join(codes)) if codes else "            code = frame.f_code",
        length=HEAD + len(names) - first,
        values="*values" if changing else values,
        changing=CHANGING.format(values=values) if changing else "",
        unpack=_UNPACK.format(f"a{starred}") if unpack else "",
        leave=_POP if way == "fast" else _LEAVE.format(going),
        given=given,
        going=going,
    )
    return compiled(source, f"{parameters} {starred} {changing} {way} {between}")


def compiled(source: str, shape: str) -> Callable[..., Callable[..., Any]]:
    """The ``make`` that *source* defines, for calls of one *shape*; tracebacks show it."""
    file = f"<begat enter {shape}>"
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    scope: dict[str, Any] = dict(GLOBALS)
    exec(compile(source, file, "exec"), scope)  # noqa: S102  # ours: only names stand in it
    return scope["make"]  # type: ignore[no-any-return]  # it is what the source defines


GLOBALS: dict[str, Any] = {
    "__name__": __name__,
    "LANE": LANE.get,
    "IDENT": ident,
    "ARRIVE": arrive,
    "TYPE": type,
    "COUNT": getweakrefcount,
    "ID": id,
    "REF": ref,
    "WEAK": weakrefoffset,
    "CALL": Call,
    "FRAME": frame,
    "ALONE": ValueError,
    "BELOW": below,
    "NATIVE": NATIVE,
    "SNAP": snap,
    "LEN": len,
    "LONG": LONG,
    "INT": int,
    "STR": str,
    "FLOAT": float,
    "NONE": type(None),
    "BOOL": bool,
    "LEAVE": Leave,
    "RULES": RULES,
    "LATER": LATER,
    "TUPLE": tuple,
    "LEAVE_OF": leave_of,
    "BEYOND": beyond,
    "ASKED": called_by.__code__,
    "OUTSIDE": outside,
    "TROUBLE": spoiled,
    "NEW": object.__new__,
    "REFUSED": TypeError,
    "WAITS": WAITS,
}


def make(
    code: CodeType,
    *,
    way: str,
    subject: type | None,
    schema: object,
    which: Callable[[Any, Lane], object],
    between: Sequence[CodeType] = (),
    changing: dict[int, Callable[[], object]] | None = None,
) -> Callable[..., Any]:
    """
    The function that code woven from *code* enters.

    *way* is ``"fast"`` for constructors of classes with weak references, ``"slow"`` for others, ``"new"`` for ``__new__``
    and ``"call"`` for functions. *between* are the codes (metaclass ``__call__``s) to look behind for the place of the call, and
    *changing* finds the defaults, by position, that the program may change.
    """
    named = code.co_argcount + code.co_kwonlyargcount
    count = named + bool(code.co_flags & 4) + bool(code.co_flags & 8)
    starred = None if code.co_argcount else code.co_kwonlyargcount  # where the tuple of *args stands
    maker = _maker(count, starred, bool(changing), way, len(between))
    shift = 1 if way != "call" and starred is None else 0  # between parameters and what stands in the row
    moved = {position - shift: default for position, default in (changing or {}).items()}
    return maker(_weakly(subject), schema, which, between, changer(moved))


def _weakly(subject: type | None) -> Callable[[], type | None]:
    return ref(subject) if subject is not None else _no_class


def _no_class() -> None:
    return None


def changer(changing: dict[int, Callable[[], object]]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    """What puts, in a row's values, what defaults are now that the program may change: by position, how each is found."""

    def changed(values: tuple[Any, ...]) -> tuple[Any, ...]:
        found = list(values)
        for position, default in changing.items():
            if found[position] is NOT_GIVEN:
                found[position] = Defaulted((snap(default()),))
        return tuple(found)

    return changed
