"""``begat.lazy(Net)`` calls no constructor of Net: what it calls in its place takes the same arguments, and says the same of them."""

from __future__ import annotations

import _thread
import functools
import gc
import inspect
import sys
import threading
import time
import weakref
from abc import ABC, abstractmethod
from typing import Any

import pytest

import begat
import begat.errors
from begat.intercept import interceptor
from begat.intercept.deferring import CHECKING, DOOR, RULES
from begat.intercept.plans import TRACKED


def has_entry(cls: Any) -> bool:
    begat.lazy(cls)
    return TRACKED[id(cls)].entry is not None


def names(a: Any, b: int = 1, /, c: int = 2, *rest: int, d: int, e: int = 5, **more: int) -> None: ...


class Shapes:
    """Constructors, by the arguments that they take."""

    class Nothing:
        def __init__(self) -> None:
            self.got: Any = ()

    class Positional:
        def __init__(self, a: Any, b: Any = 2, /) -> None:
            self.got = a, b

    class Keyword:
        def __init__(self, *, a: Any, b: Any = 2) -> None:
            self.got = a, b

    class Everything:
        def __init__(self, a: Any, b: Any = (), /, c: Any = 3, *rest: Any, d: Any, e: Any = 5, **more: Any) -> None:
            self.got = a, b, c, rest, d, e, more

    class OfOurNames:
        def __init__(
            self, cls: Any, me: Any, lane: Any = 0, schema: Any = 1, *stack: Any, f: Any = 2, **token: Any
        ) -> None:
            self.got = cls, me, lane, schema, stack, f, token

    class InACell:
        def __init__(self, a: Any, b: Any = 2) -> None:
            self.ask = lambda: (a, b)
            self.got = self.ask()

    class Slotted:
        __slots__ = ("got",)

        def __init__(self, a: Any, b: Any = 2) -> None:
            self.got = a, b

    class OtherName:
        def __init__(this, a: Any, self: Any = 2) -> None:  # noqa: N805
            this.got = a, self

    class ChangingDefault:
        def __init__(self, a: Any, b: Any = [1, 2]) -> None:  # noqa: B006
            self.got = a, b

    class WithSuper(InACell):
        def __init__(self, a: Any, b: Any = 2) -> None:
            super().__init__(a, b)


SHAPES = [value for value in vars(Shapes).values() if isinstance(value, type)]
CALLS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((), {}), ((1,), {}), ((1, 2), {}), ((1, 2, 3), {}), ((1, 2, 3, 4, 5), {}), ((), {"a": 1}), ((1,), {"b": 7}), ((1,), {"a": 1}),
    ((1,), {"d": 4}), ((1, [2], 3, 4), {"d": 4, "z": {"y": 1}}), ((1,), {"me": 2, "extra": 3}), ((), {"cls": 1, "me": "x"}),
    ((1,), {"self": 9}), ((), {"a": [1], "b": {"c": (1, 2)}}),
]  # fmt: skip


@pytest.mark.parametrize("cls", SHAPES, ids=lambda cls: cls.__name__)
def test_arguments_are_bound_and_refused_as_the_class_does(cls: Any) -> None:
    plain = type(cls.__name__, cls.__bases__, dict(vars(cls))) if not hasattr(cls, "__slots__") else cls
    if cls is Shapes.WithSuper:  # its super() belongs to the very class
        plain = cls
    for args, kwargs in CALLS:
        expected: Any
        try:
            with begat.paused():
                expected = plain(*args, **kwargs).got
        except TypeError as error:
            with begat.capture() as run, pytest.raises(TypeError) as raised:
                begat.lazy(cls)(*args, **kwargs)
            assert str(raised.value) == str(error)
            assert run.nodes == ()
        else:
            with begat.capture() as run:
                made = begat.lazy(cls)(*args, **kwargs)
                eager = cls(*args, **kwargs)
                assert begat.is_lazy(made)
                assert not begat.is_lazy(eager)
                assert made.got == expected
                assert type(made) is cls
            first, second = run.nodes
            assert first.arguments == second.arguments
            assert (first.outcome, first.target) == ("returned", second.target)
    assert has_entry(cls), "it went the quick way"


def test_what_has_more_to_say_of_its_calls_is_asked() -> None:
    class Meta(type):
        met: list[Any] = []

        def __call__(cls, *args: Any) -> Any:
            Meta.met.append(cls)
            return super().__call__(*args)

    class Metaclass(metaclass=Meta):
        def __init__(self, a: int) -> None:
            self.a = a

    class Star:
        def __init__(*args: Any) -> None:
            args[0].a = args[1]

    for cls in (Metaclass, Star):
        assert not has_entry(cls)
        made: Any = begat.lazy(cls)(3)
        assert begat.is_lazy(made)
        assert made.a == 3

        class Holder:
            part = begat.lazy(cls)

        assert Holder().part(3).a == 3
    assert Meta.met == [Metaclass] * 2


def test_an_abstract_class_is_refused_at_the_call() -> None:
    class Abstract(ABC):
        def __init__(self, a: int) -> None: ...

        @abstractmethod
        def method(self) -> None: ...

    asked = begat.lazy(Abstract)
    with pytest.raises(TypeError, match="abstract"):
        asked(1)

    class Whole(Abstract):
        def __init__(self, a: int) -> None:
            self.a = a

        def method(self) -> None: ...

    assert has_entry(Whole)
    assert begat.lazy(Whole)(2).a == 2


def test_it_stands_on_the_line_of_its_call() -> None:
    class Net:
        def __init__(self, a: int) -> None:
            self.a = a

    asked = begat.lazy(Net)
    with begat.capture() as run:
        first, line = asked(1), sys._getframe().f_lineno
        mapped = list(map(asked, [2, 3]))
    assert [node.path for node in run.nodes][:1] == ["first"]
    assert run["first"].site is not None
    assert run["first"].site.line == line
    assert {node.site.line for node in run.nodes[1:] if node.site} == {line + 1}
    assert [first.a, *(each.a for each in mapped)] == [1, 2, 3]


def test_each_of_many_stands_on_the_line_of_its_call() -> None:
    class Meta(type):
        def __call__(cls, *args: Any) -> Any:
            return super().__call__(*args)

    class Net(metaclass=Meta):
        def __init__(self, a: int) -> None:
            self.a = a

    asked: Any = begat.lazy(Net)
    with begat.capture() as run:
        kept = [asked(number) for number in range(3_000)]
    assert len(kept) == len(run.nodes)
    assert {node.site.file for node in run.nodes if node.site} == {__file__}


def test_where_nothing_is_recorded_it_is_built() -> None:
    class Net:
        def __init__(self, a: int, *, b: int = 2, **more: int) -> None:
            self.got = a, b, more

    asked = begat.lazy(Net)
    with begat.capture() as run:
        with begat.paused():
            made = asked(1, c=3)
            assert not begat.is_lazy(made)
        assert made.got == (1, 2, {"c": 3})
    assert run.nodes == ()


def make_net() -> Any:
    class Net:
        def __init__(self, a: Any, b: Any = 2) -> None:
            self.a, self.b = a, b

    return Net


def test_another_constructor_is_what_is_called() -> None:
    Net = make_net()
    asked = begat.lazy(Net)

    def fresh(self: Any, a: Any, b: Any = 20, c: Any = 30) -> None:
        self.a, self.b, self.c = a, b, c

    assert asked(1).b == 2
    Net.__init__ = fresh
    assert asked(1).b == 20
    made = begat.lazy(Net)(1, c=5)
    assert (made.b, made.c) == (20, 5)


def test_other_defaults_are_what_is_used() -> None:
    Net = make_net()
    asked = begat.lazy(Net)
    with begat.capture() as run:
        waited = asked(1)
        Net.__init__.__defaults__ = (7,)
        made, held, given = begat.lazy(Net)(1), asked(1), asked(1, 3)
        assert [each.b for each in (waited, made, held, given)] == [7, 7, 7, 3]
    assert [node.arguments["b"].value for node in run.nodes] == [7, 7, 7, 3]
    assert [node.arguments["b"].source for node in run.nodes] == ["default"] * 3 + ["given"]
    Net.__init__.__defaults__ = (8, 9)
    assert (begat.lazy(Net)(1).b, begat.lazy(Net)().a) == (9, 8)


def test_another_new_and_other_code_are_what_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    Net = make_net()
    asked = begat.lazy(Net)
    met: list[Any] = []

    def new(cls: Any, *args: Any) -> Any:
        met.append(args)
        return object.__new__(cls)

    monkeypatch.setattr(Net, "__new__", new)
    assert (asked(1).a, met) == (1, [(1,)])

    def reloaded(self: Any, a: Any, c: Any = 3) -> None:
        self.a, self.c = a, c

    Net = make_net()
    begat.lazy(Net)(1)
    Net.__init__.__code__ = reloaded.__code__  # as autoreload does
    Net.__init__.__defaults__ = reloaded.__defaults__
    with begat.capture() as run:
        made = begat.lazy(Net)(1, c=5)
    assert (made.c, run.nodes) == (5, ()), "left alone, as every call of what others have exchanged"


def test_it_has_the_signature_of_the_constructor() -> None:
    class Net:
        def __init__(self, a: Any, b: Any = 2, *rest: Any, c: Any = [1], **more: Any) -> None:  # noqa: B006
            """Takes what it takes."""

    assert inspect.signature(begat.lazy(Net)) == inspect.signature(Net)


def test_keyword_defaults_that_change_are_what_is_used() -> None:
    class Net:
        def __init__(self, a: Any, *, b: Any = 2) -> None:
            self.a, self.b = a, b

    asked = begat.lazy(Net)
    assert asked(1).b == 2
    Net.__init__.__kwdefaults__["b"] = 3  # type: ignore[index]
    with begat.capture() as run:
        made, again = asked(1), begat.lazy(Net)(1)
        assert (made.b, again.b) == (3, 3)
    assert [node.arguments["b"].value for node in run.nodes] == [3, 3]
    Net.__init__.__kwdefaults__ = {"b": 4}
    with begat.capture() as run:
        assert (begat.lazy(Net)(1).b, asked(1).b) == (4, 4)
    assert [node.arguments["b"].value for node in run.nodes] == [4, 4]


def test_a_subclass_and_an_inherited_constructor() -> None:
    Net = make_net()

    class Deep(Net):  # type: ignore[misc, valid-type]
        pass

    deep, net = begat.lazy(Deep)(1), begat.lazy(Net)(2)
    assert (type(begat.materialize(deep)), type(begat.materialize(net))) == (Deep, Net)
    assert (deep.a, net.a) == (1, 2)
    assert not begat.is_lazy(Deep(1)), "asked for by name: no other call waits"


def test_it_waits_again_when_it_is_tracked_no_more() -> None:
    Net = make_net()
    asked = begat.lazy(Net)
    begat.untrack(Net)
    with begat.capture() as run:
        made = asked(1)
    assert begat.is_lazy(made)
    assert (made.b, len(run.nodes)) == (2, 1)
    begat.untrack(Net)
    begat.trackable(redact=["a"])(Net)
    with begat.capture() as run:
        asked("password"), begat.lazy(Net)("password")
    assert {node.arguments["a"].value for node in run.nodes} != {"password"}
    assert "password" not in str([node.arguments for node in run.nodes])


def test_overrides_and_checks_reach_it() -> None:
    Net = make_net()
    Net.__name__ = Net.__qualname__ = "Entered"
    asked = begat.lazy(Net)
    with begat.capture() as run, begat.override({"Entered.b": 5, "*.a": 6}):
        made = asked(1)
        assert begat.is_lazy(made)
    assert (made.a, made.b) == (6, 5)
    assert {a.source for a in run.nodes[0].arguments.values()} == {"override"}
    with begat.override({"Entered": Other}):
        other = asked(3)
    assert (type(other), other.a) == (Other, 3)

    class Typed:
        def __init__(self, width: int) -> None:
            self.width = width

    with pytest.raises(begat.errors.OverrideError, match="width"), begat.override({"Typed.width": "wide"}):
        begat.lazy(Typed)(1)

    @begat.trackable(validate="strict")
    class Strict:
        def __init__(self, a: int) -> None:
            self.a = a

    try:
        with pytest.raises(TypeError, match="a"):
            begat.lazy(Strict)("text")
        assert begat.lazy(Strict)(1).a == 1
    finally:
        RULES.drop(CHECKING)  # which stands for good


def test_a_warning_about_arguments_shows_the_call() -> None:
    @begat.trackable(validate="warn")
    class Typed:
        def __init__(self, a: int) -> None: ...

    asked: Any = begat.lazy(Typed)
    try:
        for call in (asked, asked, Typed):
            with pytest.warns(begat.errors.ArgumentWarning) as met:
                call("text")
            assert [(each.filename, each.lineno) for each in met] == [(__file__, sys._getframe().f_lineno - 1)]
    finally:
        RULES.drop(CHECKING)


class Other:
    def __init__(self, a: Any) -> None:
        self.a = a


@pytest.mark.parametrize("default", [[], 0])
def test_arguments_are_those_of_the_call(default: Any) -> None:
    class Net:
        def __init__(self, a: Any, b: Any = default, c: int = 0) -> None:
            self.a, self.b = list(a), b

    values = [1, 2]
    for call in (begat.lazy(Net), Net):
        with begat.capture() as run, begat.deferred(Net):
            made = call(values, c=1)
            values.append(3)
            assert made.a == [1, 2]
        values.pop()
        assert any("was changed before it was built" in mark for mark in run.header.marks)


@pytest.mark.parametrize("of_a_name", [False, True])
def test_it_keeps_no_class_alive(of_a_name: bool) -> None:
    Net = make_net()
    if of_a_name:  # one that leads to nothing
        Net.__qualname__ = "Net"
    begat.lazy(Net)(1)
    asked = begat.lazy(Net)
    gone = weakref.ref(Net)
    del Net
    gc.collect()
    assert gone() is not None
    assert asked(4).a == 4
    del asked
    gc.collect()
    assert gone() is None


def test_threads_ask_at_once() -> None:
    Net = make_net()
    made: list[Any] = []
    start = threading.Barrier(8)

    def ask() -> None:
        start.wait()
        made.extend(begat.lazy(Net)(i) for i in range(200))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for number in range(50):
        begat.trackable(type(f"Other{number}", (), {"__init__": lambda self, a: None}))
    for thread in threads:
        thread.join()
    assert len(made) == 1_600
    assert all(map(begat.is_lazy, made))
    assert sorted(each.a for each in made) == sorted([*range(200)] * 8)


def test_a_wrapped_constructor() -> None:
    def wrapper(function: Any) -> Any:
        @functools.wraps(function)
        def inner(*args: Any, **kwargs: Any) -> None:
            function(*args, **kwargs)

        return inner

    class Net:
        @wrapper
        def __init__(self, a: int, b: int = 2) -> None:
            self.got = a, b

    with begat.deferred(Net):
        deferred: Any = Net(1, b=3)
    for made in (deferred, begat.lazy(Net)(1, b=3)):
        assert begat.is_lazy(made)
        assert made.got == (1, 3)
    failing: Any = begat.lazy(Net)(1, c=3)
    with pytest.raises(TypeError, match="unexpected keyword argument 'c'") as raised:
        _ = failing.got
    assert "test_entries.py" in raised.value.__notes__[0]


def test_an_error_of_ours_leaves_the_program_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    Net = make_net()
    monkeypatch.setenv("BEGAT_STRICT", "0")
    asked = begat.lazy(Net)

    def broken(*_: Any) -> Any:
        raise RuntimeError("ours")

    monkeypatch.setattr(interceptor, "_reported", set())
    monkeypatch.setattr(DOOR, "asked", broken)
    monkeypatch.setattr(DOOR, "waits", broken)  # which is asked where arguments are checked
    with begat.capture() as run:
        with pytest.warns(begat.errors.CaptureWarning):
            made = asked(1, b=5)
    monkeypatch.undo()
    assert (begat.is_lazy(made), made.a, made.b) == (False, 1, 5)
    assert run.header.marks


def test_a_class_with_which_we_fail_again_and_again_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    class Net:
        def __init__(self, me: int, schema: int = 0) -> None:
            self.got = me, schema

    def broken(*_: Any) -> Any:
        raise RuntimeError("ours")

    monkeypatch.setenv("BEGAT_STRICT", "0")
    monkeypatch.setattr(interceptor, "_reported", {"RuntimeError while recording a call"})
    asked = begat.lazy(Net)
    with begat.capture() as run, monkeypatch.context() as patch:
        patch.setattr(DOOR, "asked", broken)
        patch.setattr(DOOR, "waits", broken)
        made = [asked(i) for i in range(100)]
    assert [each.got for each in made] == [(i, 0) for i in range(100)]
    assert any("Net is not recorded any more" in mark for mark in run.header.marks), run.header.marks
    assert id(Net) not in TRACKED
    assert id(int) not in TRACKED


def test_its_class_is_asked_for_where_no_python_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that is C code from its beginning asks ``isinstance``: there is no frame to look at, and nothing is raised."""
    raised: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", raised.append)
    waiting = begat.lazy(Other)(1)
    before = _thread._count()
    _thread.start_new_thread(isinstance, (waiting, int))
    end = time.monotonic() + 5
    while _thread._count() > before and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(0.05)
    assert raised == []
    assert begat.is_lazy(waiting)
