"""What a recorded call cannot cost less than: what a hook must ask for, one step after the other, and nothing of begat's.

    python benchmarks/floor.py

Each line adds a step to the ones above it; the rows are thrown away. What begat adds on top is the difference to
`benchmarks/construct.py`.
"""

from __future__ import annotations

import _thread
import gc
import sys
import weakref
from contextvars import ContextVar
from time import process_time_ns
from types import FunctionType, SimpleNamespace

STEPS = {
    "enter and leave a function of Python": "pass",
    "whose lane is it (ContextVar)": "lane = LANE()",
    "whose thread": "if lane.thread != IDENT(): return",
    "the very class, not seen before": "if TYPE(me) is not CLASS() or COUNT(me): return",
    "a weak reference": "token = REF(me)",
    "the frame of the call": "frame = FRAME(2)",
    "code and position in it": "code = frame.f_code; at = frame.f_lasti",
    "four tests of types": "; ".join(f"{n} = {n} if TYPE({n}) is INT or TYPE({n}) is FLOAT else None" for n in "abcd"),
    "one row": "lane.extend((token, None, code, at, None, 10, a, b, c, d))",
    "on the stack, and off": "lane.stack.append(token); return lane.leave",
}
LOG: list[object] = []
STACK: list[object] = []
LANE: ContextVar[SimpleNamespace] = ContextVar("lane")
LANE.set(SimpleNamespace(thread=_thread.get_ident(), stack=STACK, extend=LOG.extend, leave=STACK.pop))
NAMES = {
    "LANE": LANE.get,
    "IDENT": _thread.get_ident,
    "TYPE": type,
    "COUNT": weakref.getweakrefcount,
    "REF": weakref.ref,
    "FRAME": sys._getframe,
    "INT": int,
    "FLOAT": float,
}


def plain() -> type:
    class C:
        def __init__(self, a, b, c=1, d=2):
            self.a, self.b, self.c, self.d = a, b, c, d

    return C


def hooked(steps: list[str]) -> type:
    """A class whose constructor enters a function of these *steps* first."""

    class C:
        def __init__(self, a, b, c=1, d=2):
            leave = enter(self, a, b, c, d)  # noqa: F821  # among the globals below
            self.a, self.b, self.c, self.d = a, b, c, d
            if leave:
                leave()

    scope = NAMES | {"CLASS": weakref.ref(C)}
    exec("def enter(me, a, b, c, d):\n    " + "\n    ".join(steps), scope)
    C.__init__ = FunctionType(C.__init__.__code__, scope, "__init__", (1, 2))
    return C


def loop(count: int, build: type) -> None:
    for _ in range(count):
        build(1, 2.0, 3, d=128)


def main() -> None:
    ways, steps = {"plain": plain()}, []
    for name, step in STEPS.items():
        steps.append(step)
        ways[name] = hooked(list(steps))
    # A loop for each: the interpreter adapts a call to what it has called there before.
    loops = {name: FunctionType(loop.__code__.replace(co_name=f"loop{n}"), globals()) for n, name in enumerate(ways)}
    spent = dict.fromkeys(ways, float("inf"))
    for _ in range(25):
        for name, cls in ways.items():
            LOG.clear()
            gc.collect()
            begin = process_time_ns()
            loops[name](10_000, cls)
            spent[name] = min(spent[name], (process_time_ns() - begin) / 10_000)
    print(f"CPython {sys.version.split()[0]}, nanoseconds, and what is added to plain")
    for name, time in spent.items():
        print(f"{name:40}{time:8.0f}{time - spent['plain']:+8.0f}")


if __name__ == "__main__":
    main()
