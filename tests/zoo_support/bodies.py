"""Animals that differ in what their constructor does."""

from __future__ import annotations

import contextlib
import inspect
import sys
import warnings
from typing import Any

from zoo_support.animal import animal, call
from zoo_support.signatures import _spelled

# ruff: noqa: B012, B018, B904, PLW0642, SIM, TRY, PLR, B023, F841, E722  # odd control flow is the point


@animal(call(1, 2).given(a=1, b=2), call(1).given(a=1).default(b=5))
def closure_over_parameters() -> type:
    class C:
        def __init__(self, a, b=5):
            def grow():
                nonlocal a
                a += b
                return a

            grow()
            self.state = (a, grow())

    return C


@animal(call(1).given(a=1))
def self_in_a_cell() -> type:
    class C:
        def __init__(self, a):
            def later():
                self.late = a

            self.pairs = [(type(self).__name__, a) for _ in range(2)]
            later()

    return C


@animal(call(1).given(a=1))
def self_in_a_nested_class() -> type:
    class C:
        def __init__(self, a):
            class Inner:
                owner = self.__class__.__name__
                value = a

                def __init__(inner):
                    inner.a = a

            self.inner = (Inner.owner, Inner.value, Inner().a)

    return C


@animal(call(1, 2).given(a=1, rest=(2,), more={}), call(1, z=3).given(a=1, rest=(), more={"z": 3}))
def stars_in_cells() -> type:
    class C:
        def __init__(self, a, *rest, **more):
            self.state = (lambda: (a, rest, dict(more)))()

    return C


@animal(call(1, 2).given(a=1, b=2))
def rebinding() -> type:
    class C:
        def __init__(self, a, b):
            self.before = (a, b)
            a, b = b, a
            self.after = (a, b)
            self = None
            a = self

    return C


@animal(call(1).given(a=1))
def rebinding_cells() -> type:
    class C:
        def __init__(self, a):
            keep = lambda: (self, a)  # noqa: E731
            self.first = keep()[1]
            a = 10
            mine, self = self, None
            mine.second = keep()

    return C


@animal(call(1, 2).given(a=1, b=2))
def deleting() -> type:
    class C:
        def __init__(self, a, b):
            self.a = a
            del a
            try:
                a
            except UnboundLocalError as error:
                self.error = str(error)
            self.b = b
            del self, b

    return C


@animal(call(1).given(a=1).raises())
def raises_after_deleting_self() -> type:
    class C:
        def __init__(self, a):
            del self
            raise ValueError(a)

    return C


@animal(
    call(0).given(a=0),
    call(1).given(a=1),
    call(2).given(a=2),
    call(3).given(a=3).raises(),
    call("x").given(a="x").raises(),
)
def early_returns() -> type:
    class C:
        def __init__(self, a):
            if a == 0:
                return
            self.steps = []
            for i in range(10):
                if i == a == 1:
                    return
                self.steps.append(i)
            else:
                self.steps.append("else")
            while True:
                if a == 2:
                    break
                raise ValueError(f"no {a}")

    return C


@animal(
    call("fine").given(how="fine"),
    call("value").given(how="value"),
    call("key").given(how="key"),
    call("type").given(how="type").raises(),
    call("bare").given(how="bare").raises(),
    call("chain").given(how="chain").raises(),
    call("hide").given(how="hide").raises(),
)
def try_except_else_finally() -> type:
    class C:
        def __init__(self, how):
            self.log = []
            try:
                try:
                    if how == "value":
                        raise ValueError(how)
                    if how == "key":
                        {}["key"]
                    if how == "type":
                        1 + ""
                    if how in ("bare", "chain", "hide"):
                        raise LookupError(how)
                except ValueError as error:
                    self.log.append(str(error))
                except (KeyError, OSError) as error:
                    self.log.append(repr(error))
                else:
                    self.log.append("else")
                finally:
                    self.log.append("finally")
            except LookupError as error:
                if how == "bare":
                    raise
                if how == "chain":
                    raise RuntimeError("chained") from error
                raise RuntimeError("hidden") from None

    return C


@animal(call(1).given(a=1))
def return_in_finally() -> type:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 3.14 warns of the very thing under test
        return _spelled(
            "class C:\n"
            "    def __init__(self, a):\n"
            "        try:\n"
            "            self.a = a\n"
            "            raise ValueError\n"
            "        finally:\n"
            "            self.b = a\n"
            "            return\n"
        )


@animal(call(False).given(fail=False), call(True).given(fail=True))
def with_statements() -> type:
    class C:
        def __init__(self, fail):
            self.log = []
            with contextlib.suppress(ZeroDivisionError), _note(self.log, "outer") as name:
                self.log.append(name)
                for _ in range(2):
                    with _note(self.log, "inner"):
                        if fail:
                            1 / 0
                        continue
            self.log.append("end")

    return C


@contextlib.contextmanager
def _note(log: list[str], name: str) -> Any:
    log.append(f"+{name}")
    try:
        yield name
    finally:
        log.append(f"-{name}")


@animal(
    call([1, 2, 3]).given(x=[1, 2, 3]), call({"k": 1}).given(x={"k": 1}), call("s").given(x="s"), call(1.5).given(x=1.5)
)
def match_statement() -> type:
    class C:
        def __init__(self, x):
            match x:
                case [first, *rest]:
                    self.seen = (first, rest)
                case {"k": value, **others}:
                    self.seen = (value, others)
                case str() as text if text:
                    self.seen = text
                case _:
                    self.seen = None

    return C


@animal(call(4).given(n=4))
def comprehensions_and_generators() -> type:
    class C:
        def __init__(self, n):
            self.all = [
                [i * n for i in range(n)],
                {i: n for i in range(n) if i % 2},
                sorted({i * n for i in range(n)}),
                list(i + n for i in range(n)),  # noqa: C400
                sum((lambda k: k * n)(i) for i in range(n)),
            ]
            if (total := sum(range(n))) > 3:
                self.total = total

    return C


@animal(call(1, 2).given(a=1, b=2))
def looks_at_its_own_locals() -> type:
    class C:
        def __init__(self, a, b):
            self.names = list(locals())
            c = a + b
            self.frame = dict(inspect.currentframe().f_locals)
            del self.frame["self"]
            self.values = [v for v in vars().values() if type(v) is int]
            self.code = [
                inspect.currentframe().f_code.co_name,
                inspect.currentframe().f_code.co_varnames,
                inspect.currentframe().f_code.co_argcount,
            ]

    return C


@animal(call(1).given(a=1))
def looks_at_its_caller() -> type:
    class C:
        def __init__(self, a):
            caller = sys._getframe(1)
            self.caller = (caller.f_code.co_name, caller.f_code.co_filename, caller.f_lineno)
            self.depth = len(inspect.stack())
            warnings.warn("look at the caller", stacklevel=2)
            warnings.warn("look at me", UserWarning, stacklevel=1)

    return C


@animal(call(1).given(a=1))
def super_in_nested_scopes() -> type:
    class Base:
        def __init__(self, a):
            self.a = a

        def value(self):
            return "base"

    class C(Base):
        def __init__(self, a):
            super().__init__(a)

            def inner(self=self):
                return super(C, self).value()

            self.values = (inner(), __class__.__name__, [super(__class__, self).value() for _ in range(1)])

        def value(self):
            return "C"

    return C


@animal(call(7).given(a=7))
def exec_and_globals() -> type:
    class C:
        def __init__(self, a):
            global _written
            _written = a
            space = {"a": a}
            exec("b = a + 1", space)
            self.state = (space["b"], eval("a + 1"), _written)
            import math as m

            self.pi = m.pi
            assert a
            self.text = f"{a!r:>5}|{a=}"
            x, *y = a, a, a
            self.y = y
            self.chain = 0 < a < 10 <= a + 3

    return C


@animal(call(0).given(n=0), call(5).given(n=5), call(-1).given(n=-1).raises())
def very_long_body() -> type:
    """Jumps, constants and names beyond one byte, and a loop whose jump needs three."""
    lines = ["class C:", "    def __init__(self, n):", "        total = 0"]
    lines += ["        for i in range(3):"]
    for i in range(6000):
        lines.append(f"            if n == {i + 1000}: self.name_{i} = total")
        if i % 1000 == 0:
            lines += [
                "            try:",
                f"                total += {i} // (n + 1)",
                "            finally:",
                "                total += 1",
            ]
    lines += [
        "            total += i",
        "        self.total = total",
        "        while n > 3:",
        "            n -= 1",
        "        self.n = n",
    ]
    return _spelled("\n".join(lines) + "\n")


@animal(call(3).given(a=3))
def body_full_of_constants() -> type:
    lines = ["class C:", "    def __init__(self, a):"]
    lines += [f"        self.n{i} = ({i + 1000}, 'text {i}', a)" for i in range(400)]
    return _spelled("\n".join(lines) + "\n")


@animal(call(2).given(depth=2).builds(2), call(0).given(depth=0))
def recursion() -> type:
    class C:
        def __init__(self, depth):
            self.child = C(depth - 1) if depth else None
            self.depth = depth

    return C


@animal(call(1).given(a=1).default(again=True))
def calls_its_own_init() -> type:
    class C:
        def __init__(self, a, again=True):
            self.a = a
            if again:
                self.__init__(a + 1, again=False)

    return C


@animal(call(1).given(a=1))
def starts_with_a_docstring_and_a_loop() -> type:
    class C:
        def __init__(self, a):
            """Build."""
            while a < 100:
                a *= 2
            self.a = a

    return C


@animal(call(1).given(a=1))
def one_line() -> type:
    class C:
        def __init__(self, a): self.a = a  # fmt: skip  # the definition and the body share a line

    return C


@animal(call(1).given(a=1))
def body_of_pass() -> type:
    class C:
        def __init__(self, a):
            pass

    return C


@animal(call(1).given(a=1))
def body_in_a_loop_from_the_start() -> type:
    class C:
        def __init__(self, a):
            while True:
                a += 1
                if a > 5:
                    self.a = a
                    return

    return C


class _Stop(BaseException):
    pass


def _raiser(problem: Any) -> Any:
    def make() -> type:
        class C:
            def __init__(self, a):
                self.a = a
                _from_below(problem)

        return C

    return make


def _from_below(problem: Any) -> None:
    try:
        raise LookupError("context")
    except LookupError as error:
        raise problem() from error


for _problem in (
    ValueError,
    KeyError,
    StopIteration,
    GeneratorExit,
    KeyboardInterrupt,
    SystemExit,
    _Stop,
    StopAsyncIteration,
    MemoryError,
    RecursionError,
):
    _make = _raiser(_problem)
    _make.__name__ = f"raises_{_problem.__name__.strip('_')}"
    animal(call(1).given(a=1).raises())(_make)


@animal(call(1).given(a=1).raises())
def raises_a_group() -> type:
    class C:
        def __init__(self, a):
            try:
                raise ExceptionGroup("two", [ValueError(a), KeyError(a)])
            except* KeyError:
                self.a = a

    return C


@animal(call(1).given(a=1).raises())
def raises_with_notes() -> type:
    class C:
        def __init__(self, a):
            error = ValueError(a)
            error.add_note("a note")
            raise error

    return C


@animal(call(1).given(a=1).raises())
def raises_unprintable() -> type:
    class Mute(Exception):
        def __str__(self):
            raise RuntimeError

        def __repr__(self):
            raise RuntimeError

    class C:
        def __init__(self, a):
            raise Mute

    return C


@animal(call(1).given(a=1).unknown())
def returns_something() -> type:
    class C:
        def __init__(self, a):
            self.a = a
            return a  # noqa: PLE0101

    return C


@animal(call(1), tracked=None)
def generator_as_init() -> type:
    class C:
        def __init__(self, a):
            yield a

    return C


@animal(call(1), tracked=None)
def coroutine_as_init() -> type:
    class C:
        async def __init__(self, a):
            self.a = a

    return C


@animal(call(1), tracked=None)
def async_generator_as_init() -> type:
    class C:
        async def __init__(self, a):
            yield a

    return C
