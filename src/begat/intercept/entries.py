"""The functions that ``begat.lazy(Net)`` calls in the place of ``Net``: what a hook would do, with the constructor's own parameters.

Most classes are built by `type.__call__`, `object.__new__` and one woven constructor. Where such a call waits for certain, nobody
has to be asked on the way, and no constructor entered. For a class with parameters ``a`` and ``b=1`` the function reads::

    def enter(cls, a, b=NOT_GIVEN):
        if <the constructor is not what it was>: return LATER.anew(cls, SCHEMA, (a, b))
        lane = LANE()
        if lane is None: return LATER.plainly(cls, SCHEMA, (a, b))
        ...                                                         # as in `hooks`: a new object, and its row
        LATER.asked(me, token, SCHEMA, lane, code, at, (a, b), odd is SCHEMA, FOUND)    # or, where more rules hold, LATER.asks
        return me

Its first argument is bound: it is the one who holds the class.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any
from weakref import ref

from begat.intercept.constants import NOT_GIVEN
from begat.intercept.hooks import CHANGING, SCALAR, changer, compiled
from begat.intercept.interceptor import HEAD, weakrefoffset
from begat.intercept.plans import Tracked
from begat.intercept.schema import Schema
from begat.intercept.woven import Woven

_SOURCE = """\
def make(KNOWN, ENTRY, FUNCTION, SCHEMA, CHANGED, FOUND):
    def enter(cls, {parameters}):
        if KNOWN.entry is not ENTRY or cls.__init__ is not FUNCTION():
            return LATER.anew(cls, SCHEMA, ({raw}))
        lane = LANE()
        if lane is None: return LATER.plainly(cls, SCHEMA, ({raw}))
        try: me = NEW(cls, None)                                        # one too many: so it says whether another is asked by now
        except REFUSED: me = None
        if me is None: return LATER.anew(cls, SCHEMA, ({raw}))
        try:
            if lane.thread != IDENT():
                lane = ARRIVE(lane)
                if lane is None: return LATER.plainly(cls, SCHEMA, ({raw}))
            odd = schema = SCHEMA
            token = {token}
            try: frame = FRAME(1)
            except ALONE as error: frame = BELOW(error)
            stack = lane.stack
{changing}            note = lane.extend
            note((token, schema, code := frame.f_code, at := frame.f_lasti, stack[-1] if stack else None, {length}, {values}))
            if LEN(lane.log) > lane.limit: lane.sink.settle()
            if not RULES.alike: answer = LATER.asks(me, token, schema, lane, frame, ({raw}), False, FOUND)
            else:
                LATER.asked(me, token, schema, lane, code, at, ({raw}), odd is schema, FOUND)
{unpin}                return me
        except BaseException as error:
            if TROUBLE(error, lane): raise
            answer = None
        if answer is WAITS: return me
        return LATER.otherwise(answer, me, SCHEMA, ({raw}))
    return enter
"""


class Entry:
    """
    What calls of one class *enter*, as long as this is the *entry* of what is tracked, and the class has that *function*.

    It is handed out as long as the function has this *code*, and the *defaults* and, if it takes any, *keywords* with these ids:
    those are not held, for they may lead back to the class.
    """

    __slots__ = ("code", "defaults", "enter", "function", "keywords")

    def __init__(self, function: Any) -> None:
        self.function = ref(function)
        self.code, self.defaults = function.__code__, id(function.__defaults__)
        self.keywords = id(function.__kwdefaults__) if self.code.co_kwonlyargcount else 0
        self.enter: Any = None


def entry(cls: Any, tracked: Tracked, woven: Woven, schema: Schema, found: object) -> Entry:
    """
    The entry for *cls*, whose constructor is *woven* and as it was woven: its calls are recorded with *schema* and wait as *found* says.

    It holds neither *cls* nor the constructor, which may lead back to it.
    """
    function: Any = woven.function()
    code, made = woven.code, Entry(function)
    count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 4) + bool(code.co_flags & 8)
    changing = {position - 1: default for position, default in woven.changing(function).items()}
    enter: Any = _maker(count, bool(changing), bool(weakrefoffset(cls)))(
        tracked,
        made,
        made.function,
        schema,
        changer(changing),
        found,
    )
    own = enter.__code__
    enter.__code__ = own.replace(
        co_argcount=code.co_argcount,
        co_posonlyargcount=code.co_posonlyargcount,
        co_kwonlyargcount=code.co_kwonlyargcount,
        co_flags=own.co_flags | code.co_flags & 0x0C,
        co_varnames=code.co_varnames[:count] + tuple([f"begat's {name}" for name in own.co_varnames[count:]]),
    )
    enter.__defaults__ = (NOT_GIVEN,) * len(woven.defaults) or None
    enter.__kwdefaults__ = dict.fromkeys(woven.keywords, NOT_GIVEN) or None
    enter.__name__, enter.__qualname__ = function.__name__, function.__qualname__
    made.enter = enter
    return made


@lru_cache(maxsize=512)
def _maker(parameters: int, changing: bool, weak: bool) -> Callable[..., Callable[..., Any]]:
    """The ``make`` for constructors with so many *parameters*, their object included."""
    names = [f"a{i}" for i in range(1, parameters)]
    values = "".join(f"{name} if {SCALAR.format(name)} else SNAP(odd := {name}, schema, lane), " for name in names)
    source = _SOURCE.format(
        parameters=", ".join(names),
        raw="".join(f"{name}, " for name in names),
        token="REF(me)" if weak else "lane.sink.pin(me)",
        unpin="" if weak else "                if token.brief: token.obj = None\n",
        changing=CHANGING.format(values=values) if changing else "",
        length=HEAD + len(names),
        values="*values" if changing else values,
    )
    return compiled(source, f"{parameters} {changing} {weak}")
