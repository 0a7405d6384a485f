"""What a program can notice of its classes: one function for each thing that somebody, somewhere, looks at.

A probe gets a function that tracks a class, makes fresh classes, and returns what it saw. Seen from outside, a design is
right where this is what the plain class shows.
"""

from __future__ import annotations

import inspect
import subprocess
import sys
import traceback
import warnings
from collections.abc import Callable
from typing import Any
from unittest import mock

Track = Callable[[type], None]
PROBES: dict[str, Callable[[Track], object]] = {}
HEAVY: dict[str, Callable[[Track], object]] = {}


def probe(name: str, heavy: bool = False) -> Callable[[Callable[[Track], object]], None]:
    def enter(function: Callable[[Track], object]) -> None:
        (HEAVY if heavy else PROBES)[name] = function

    return enter


def net() -> type:
    class Net:
        def __init__(self, a: int, b: float = 2.0, *, hidden: int = 64) -> None:
            self.a, self.b, self.hidden = a, b, hidden
            self.seen = dict(locals())
            self.caller = sys._getframe(1).f_code.co_name
            self.depth = len(inspect.stack(0))

    return Net


@probe("vars(C)['__init__'] is the same object")
def _(track: Track) -> object:
    C = net()
    before = vars(C)["__init__"]
    track(C)
    return vars(C)["__init__"] is before


@probe("C.__init__.__code__ is the same object")
def _(track: Track) -> object:
    C = net()
    before = C.__init__.__code__
    track(C)
    return C.__init__.__code__ is before


@probe("inspect.signature, help")
def _(track: Track) -> object:
    C = net()
    track(C)
    return str(inspect.signature(C)), str(inspect.signature(C.__init__)), C.__init__.__qualname__


@probe("inspect.getfullargspec")
def _(track: Track) -> object:
    C = net()
    track(C)
    return inspect.getfullargspec(C.__init__)


@probe("__defaults__, __kwdefaults__, __annotations__")
def _(track: Track) -> object:
    C = net()
    track(C)
    init: Any = C.__init__
    return tuple(init.__defaults__), dict(init.__kwdefaults__.items()), init.__annotations__


@probe("vars(C.__init__): no attribute added")
def _(track: Track) -> object:
    C = net()
    track(C)
    return sorted(vars(C.__init__))


@probe("inspect.getsource, co_firstlineno")
def _(track: Track) -> object:
    C = net()
    track(C)
    return inspect.getsource(C.__init__), C.__init__.__code__.co_firstlineno


@probe("locals() inside __init__")
def _(track: Track) -> object:
    C = net()
    track(C)
    seen = C(1).seen
    seen.pop("self")
    return seen


@probe("sys._getframe(1) inside __init__")
def _(track: Track) -> object:
    C = net()
    track(C)
    return C(1).caller


@probe("number of frames on the stack")
def _(track: Track) -> object:
    C = net()
    track(C)
    return C(1).depth - len(inspect.stack(0))


@probe("traceback of a constructor that raises")
def _(track: Track) -> object:
    class C:
        def __init__(self, a):
            raise ValueError(a)

    track(C)
    try:
        C(1)
    except ValueError as error:
        return [(frame.name, frame.line) for frame in traceback.extract_tb(error.__traceback__)]


@probe("warnings.warn(stacklevel=2)")
def _(track: Track) -> object:
    class C:
        def __init__(self):
            warnings.warn("old", stacklevel=2)

    track(C)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        C()
    return caught[0].filename, caught[0].lineno


@probe("TypeError for wrong arguments")
def _(track: Track) -> object:
    C = net()
    track(C)
    try:
        C()
    except TypeError as error:
        return str(error), len(traceback.extract_tb(error.__traceback__))


@probe("mock.patch.object(Base, '__init__') after tracking")
def _(track: Track) -> object:
    class Base:
        def __init__(self, a):
            self.a = a

    class C(Base):
        pass

    track(C)
    with mock.patch.object(Base, "__init__", lambda self, a: None):
        return vars(C(1))


@probe("an inherited __init__ stays inherited")
def _(track: Track) -> object:
    class Base:
        def __init__(self, a):
            self.a = a

    class C(Base):
        pass

    track(C)
    return "__init__" in vars(C)


@probe("two-argument super, diamond")
def _(track: Track) -> object:
    class A:
        def __init__(self, **rest):
            self.order = ["A"]

    class B(A):
        def __init__(self, b=1, **rest):
            super().__init__(**rest)
            self.order.append("B")

    class C(A):
        def __init__(self, c=1, **rest):
            super().__init__(**rest)
            self.order.append("C")

    class D(B, C):
        def __init__(self, d=1, **rest):
            super().__init__(**rest)
            self.order.append("D")

    for cls in (A, B, C, D):
        track(cls)
    return D(d=2, b=3, c=4).order


@probe("sys.settrace: lines and calls of the program")
def _(track: Track) -> object:
    C = net()
    track(C)
    seen = []

    def trace(frame, event, argument):
        if frame.f_code.co_filename == __file__:
            seen.append((event, frame.f_code.co_name, frame.f_lineno))
        elif frame.f_code.co_name == "__init__":
            seen.append((event, "__init__", "of another file"))
        return trace

    sys.settrace(trace)
    try:
        C(1)
    finally:
        sys.settrace(None)
    return seen


@probe("recursion depth reached")
def _(track: Track) -> object:
    class C:
        def __init__(self, depth):
            deepest[0] = depth
            C(depth + 1)

    deepest = [0]
    track(C)
    try:
        C(0)
    except RecursionError:
        return round(deepest[0], -2)


def _elsewhere(data: bytes) -> str:
    """What the class in *data* builds in a process where begat cannot be imported."""
    code = (
        "import sys; sys.modules['begat'] = None\n"
        "import pickle; C = pickle.loads(sys.stdin.buffer.read())\n"
        "c = C(1, hidden=3); print(c.a, c.b, c.hidden)"
    )
    done = subprocess.run([sys.executable, "-c", code], input=data, capture_output=True)
    return done.stdout.decode().strip() or done.stderr.decode().strip().splitlines()[-1]


@probe("cloudpickle by value, loaded without begat")
def _(track: Track) -> object:
    import cloudpickle

    C = _lean()
    track(C)
    return _elsewhere(cloudpickle.dumps(C))


@probe("dill by value, loaded without begat")
def _(track: Track) -> object:
    import dill

    C = _lean()
    track(C)
    return _elsewhere(dill.dumps(C, recurse=True))


def _lean() -> type:
    class Lean:
        def __init__(self, a, b=2.0, *, hidden=64):
            self.a, self.b, self.hidden = a, b, hidden

    return Lean
