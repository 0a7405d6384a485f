"""Every shape a class can have: it waits and is then whole, or it is built at once and the record says why."""

from __future__ import annotations

import abc
import asyncio
import collections
import dataclasses
import decimal
import enum
import gc
import pathlib
import signal
import subprocess
import sys
import threading
import time
import traceback
import types
import weakref
from typing import Any, Generic, NamedTuple, TypeVar

import pytest

import begat
from begat.errors import CannotTrack, LazyError
from zoo_support.tracking import LIBRARY

T = TypeVar("T")


def waiting(cls: Any, *args: Any, **kwargs: Any) -> Any:
    """An object of *cls* that waits."""
    with begat.deferred(cls):
        made = cls(*args, **kwargs)
    assert begat.is_lazy(made)
    assert isinstance(made, cls)
    return made


class TestWaits:
    """Shapes that wait: isinstance before, the very class after."""

    def test_slots(self):
        """With and without a dictionary or weak references."""
        for slots in (("n",), ("n", "__weakref__"), ("n", "__dict__"), ("__dict__", "__weakref__", "n")):
            cls = type("Slotted", (), {"__slots__": slots, "__init__": lambda self, n: setattr(self, "n", n)})
            made = waiting(cls, 3)
            assert (made.n, type(made)) == (3, cls)

    def test_slots_that_are_set_and_deleted_first(self):
        """Setting and deleting are touches."""

        class Slotted:
            __slots__ = ("n",)

            def __init__(self, n):
                self.n = n

        made = waiting(Slotted, 3)
        made.n = 4
        assert made.n == 4
        made = waiting(Slotted, 3)
        del made.n
        with pytest.raises(AttributeError):
            _ = made.n

    def test_getattr_is_asked_only_for_what_is_missing(self):
        """A ``__getattr__`` sees exactly the names that it sees on an object built at once."""
        asked = []

        class Fallback:
            def __init__(self, n):
                self.n = n

            def __getattr__(self, name):
                asked.append(name)
                if name == "no":
                    raise AttributeError(name)
                return name.upper()

        made = waiting(Fallback, 3)
        assert (made.n, asked) == (3, [])
        made = waiting(Fallback, 3)
        assert (made.other, asked) == ("OTHER", ["other"])
        made = waiting(Fallback, 3)
        assert (hasattr(made, "no"), asked) == (False, ["other", "no"])

    def test_getattribute_and_setattr_of_its_own(self):
        """They see what they see on an object built at once, in the same order."""

        def make():
            seen = []

            class Watching:
                def __init__(self, n):
                    self.n = n
                    self.m = self.n + 1

                def __getattribute__(self, name):
                    seen.append(("get", name))
                    return super().__getattribute__(name)

                def __setattr__(self, name, value):
                    seen.append(("set", name))
                    super().__setattr__(name, value)

            return Watching, seen

        eager, expected = make()
        assert eager(3).m == 4
        lazy, seen = make()
        assert waiting(lazy, 3).m == 4
        assert seen == expected

    def test_del_is_not_run_on_what_was_never_built(self):
        """Collecting an untouched object builds nothing; collecting a built one finalizes it once."""
        ended, built = [], []

        class Ending:
            def __init__(self, n):
                built.append(n)
                self.n = n

            def __del__(self):
                ended.append(self.n)

        made = waiting(Ending, 3)
        del made
        gc.collect()
        assert (built, ended) == ([], [])
        made = waiting(Ending, 4)
        assert made.n == 4
        del made
        gc.collect()
        assert (built, ended) == ([4], [4])

    def test_del_in_a_cycle(self):
        """An untouched object in a cycle with its argument is collected, and not built."""
        built = []

        class Ending:
            def __init__(self, box):
                built.append(box)

            def __del__(self):
                built.append("ended")

        class Box:
            made: Any = None

        box = Box()
        box.made = waiting(Ending, box)
        gone = weakref.ref(box)
        del box
        gc.collect()
        assert gone() is None
        assert built == []

    def test_registries_of_subclasses_are_not_told(self):
        """``__init_subclass__`` with keywords, ``__subclasses__`` aside, never sees a ghost class."""
        told = []

        class Base:
            def __init_subclass__(cls, *, key, **kwargs):
                super().__init_subclass__(**kwargs)
                told.append((cls.__name__, key))

        class Child(Base, key="child"):
            def __init__(self, n):
                self.n = n

        assert waiting(Child, 3).n == 3
        assert told == [("Child", "child")]

    def test_metaclasses_are_not_told(self):
        """A metaclass registry keeps the classes it knows; its ``__call__`` is run once."""
        made, called = [], []

        class Meta(type):
            def __new__(mcs, name, bases, space, **kwargs):
                made.append(name)
                return super().__new__(mcs, name, bases, space)

            def __init__(cls, name, bases, space, **kwargs):
                made.append(name)
                super().__init__(name, bases, space)

            def __call__(cls, *args, **kwargs):
                called.append(cls.__name__)
                return super().__call__(*args, **kwargs)

        class Registered(metaclass=Meta):
            def __init__(self, n):
                self.n = n

        assert waiting(Registered, 3).n == 3
        assert (made, called) == (["Registered", "Registered"], ["Registered"])

    def test_set_name_is_not_run_again(self):
        """Descriptors of the class are told their names once."""
        named = []

        class Field:
            def __set_name__(self, owner, name):
                named.append((owner.__name__, name))

            def __get__(self, obj, owner=None):
                return self if obj is None else vars(obj)["_n"]

            def __set__(self, obj, value):
                vars(obj)["_n"] = value * 2

        class Owner:
            n = Field()

            def __init__(self, n):
                self.n = n

        assert waiting(Owner, 3).n == 6
        made = waiting(Owner, 3)
        made.n = 5
        assert made.n == 10
        assert named == [("Owner", "n")]

    def test_a_descriptor_may_wait(self):
        """An object that waits in the place of a descriptor is built when it is asked."""

        class Times:
            def __init__(self, factor):
                self.factor = factor

            def __set_name__(self, owner, name):
                self.name = name

            def __get__(self, obj, owner=None):
                return self if obj is None else (self.name, self.factor * obj.n)

        times = waiting(Times, 3)

        class Owner:
            n = 2
            twice = times

        assert Owner().twice == ("twice", 6)
        assert type(times) is Times

    def test_property_and_class_attributes(self):
        """They are asked on the built object."""

        class Propertied:
            kind = "p"

            def __init__(self, n):
                self._n = n

            @property
            def n(self):
                return self._n

            @n.setter
            def n(self, value):
                self._n = value

            @classmethod
            def named(cls):
                return cls

            @staticmethod
            def fixed():
                return 1

        assert waiting(Propertied, 3).n == 3
        made = waiting(Propertied, 3)
        made.n = 4
        assert made.n == 4
        assert waiting(Propertied, 3).kind == "p"
        assert waiting(Propertied, 3).named() is Propertied
        assert waiting(Propertied, 3).fixed() == 1

    def test_abstract_and_generic(self):
        """An abstract class cannot be made, its children wait; a generic alias makes what waits."""

        class Base(abc.ABC):
            @abc.abstractmethod
            def run(self): ...

        class Child(Base):
            def __init__(self, n):
                self.n = n

            def run(self):
                return self.n

        class Box(Generic[T]):
            def __init__(self, n):
                self.n = n

        assert waiting(Child, 3).run() == 3
        assert isinstance(waiting(Child, 3), Base)
        with begat.deferred(Box):
            box = Box[int](3)
        assert (box.n, type(box), box.__orig_class__) == (3, Box, Box[int])

    def test_weak_references_hold_over_the_build(self):
        """One taken before the build leads to the same object after it, and its callback runs once."""

        class Referred:
            def __init__(self, n):
                self.n = n

        gone = []
        made = waiting(Referred, 3)
        link, table = weakref.ref(made, gone.append), weakref.WeakValueDictionary(it=made)
        assert begat.is_lazy(made)
        assert link().n == 3
        assert table["it"] is made
        del made
        gc.collect()
        assert gone == [link]

    def test_frozen_slotted_dataclass(self):
        """Fields, equality and hash after the build; freezing holds before it."""

        @dataclasses.dataclass(frozen=True, slots=True)
        class Point:
            x: int
            y: int = 1

        assert waiting(Point, 3) == Point(3)
        assert hash(waiting(Point, 3)) == hash(Point(3))
        with pytest.raises(dataclasses.FrozenInstanceError):
            waiting(Point, 3).x = 4
        assert dataclasses.replace(waiting(Point, 3), y=2) == Point(3, 2)

    def test_attrs(self):
        """Of all kinds."""
        attrs = pytest.importorskip("attrs")

        @attrs.define
        class Defined:
            x: int = attrs.field(validator=attrs.validators.instance_of(int))
            y: list = attrs.Factory(list)

        @attrs.frozen
        class Frozen:
            x: int = attrs.field(converter=int)

        assert waiting(Defined, 3).y == []
        assert waiting(Frozen, "3") == Frozen(3)
        assert attrs.asdict(waiting(Defined, 3)) == {"x": 3, "y": []}
        assert attrs.evolve(waiting(Frozen, 3), x=4) == Frozen(4)
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            waiting(Frozen, 3).x = 4
        made = waiting(Defined, "no")
        with pytest.raises(TypeError):
            _ = made.x
        assert begat.is_lazy(made)

    def test_pydantic(self):
        """Fields, validation, a ghost as the field of another model, copies and JSON."""
        pydantic = pytest.importorskip("pydantic")

        class Inner(pydantic.BaseModel):
            n: int
            tags: list[str] = []

        class Outer(pydantic.BaseModel):
            inner: Inner

        class Holder(pydantic.BaseModel, arbitrary_types_allowed=True):
            inner: Inner
            net: Any = None

        made = waiting(Inner, n="3")
        assert (made.n, type(made)) == (3, Inner)
        assert waiting(Inner, n=3) == Inner(n=3)
        assert waiting(Inner, n=3).model_dump() == {"n": 3, "tags": []}
        assert waiting(Inner, n=3).model_dump_json() == '{"n":3,"tags":[]}'
        assert waiting(Inner, n=3).model_copy(update={"n": 4}).n == 4
        outer = Outer(inner=waiting(Inner, n=3))
        assert outer.inner.n == 3
        assert outer.model_dump() == {"inner": {"n": 3, "tags": []}}
        assert Outer(inner=waiting(Inner, n=3)) == Outer(inner=Inner(n=3))
        assert Holder(inner=waiting(Inner, n=3)).model_dump_json() == '{"inner":{"n":3,"tags":[]},"net":null}'
        assert isinstance(pydantic.TypeAdapter(Inner).validate_python(waiting(Inner, n=3)), Inner)
        assert pydantic.TypeAdapter(Inner).dump_python(waiting(Inner, n=3)) == {"n": 3, "tags": []}
        assert pydantic.TypeAdapter(Inner).dump_json(waiting(Inner, n=3)) == b'{"n":3,"tags":[]}'
        with pytest.raises(pydantic.ValidationError):
            _ = waiting(Inner, n="no").n
        assert waiting(Outer, inner=waiting(Inner, n=3)).inner.n == 3

    def test_pydantic_dataclass(self):
        """They validate in C, at the touch."""
        pydantic = pytest.importorskip("pydantic")

        @pydantic.dataclasses.dataclass
        class Point:
            x: int

        assert waiting(Point, "3").x == 3

    def test_exceptions(self):
        """An exception that waits is raised, caught and printed as one that was built at once."""

        class Failed(Exception):
            def __init__(self, code, text="no"):
                super().__init__(f"{text} {code}")
                self.code = code

        made = waiting(Failed, 3)
        assert str(made) == "no 3"
        with pytest.raises(Failed, match="no 4") as caught:
            raise waiting(Failed, 4)
        assert (caught.value.code, caught.value.args, type(caught.value)) == (4, ("no 4",), Failed)
        text = "".join(traceback.format_exception(waiting(Failed, 5)))
        assert "Failed: no 5" in text

    def test_a_thread(self):
        """A Thread subclass is built when it is started."""
        ran = []

        class Worker(threading.Thread):
            def __init__(self, n):
                super().__init__()
                self.n = n

            def run(self):
                ran.append(self.n)

        worker = waiting(Worker, 3)
        worker.start()
        worker.join()
        assert ran == [3]
        assert type(worker) is Worker

    def test_call_and_operators_that_a_base_has(self):
        """Special methods of bases are touches too."""

        class Base:
            def __call__(self, more):
                return self.n + more

            def __matmul__(self, other):
                return ("@", self.n, other)

        class Child(Base):
            def __init__(self, n):
                self.n = n

        assert waiting(Child, 3)(1) == 4
        assert waiting(Child, 3) @ 1 == ("@", 3, 1)

    def test_super_and_class_cell(self):
        """``super()`` and ``__class__`` in the constructor mean what they mean."""

        class Base:
            def __init__(self, n):
                self.kind = type(self), __class__
                self.n = n

        class Child(Base):
            def __init__(self, n):
                super().__init__(n + 1)
                self.m = __class__

        made = waiting(Child, 3)
        assert (made.n, made.m, made.kind) == (4, Child, (Child, Base))

    def test_an_instance_keeps_its_key_sharing_dictionary_and_order(self):
        """Attributes come in the order of the constructor."""

        class Ordered:
            def __init__(self):
                self.b, self.a = 1, 2

        assert list(vars(waiting(Ordered))) == ["b", "a"]


class Number(int):
    def __init__(self, *args):
        self.more = 1


class Text(str):
    def __init__(self, *args):
        self.more = 1


class Items(list):
    def __init__(self, *args):
        super().__init__(*args)


class Table(dict):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)


class Row(NamedTuple):
    a: int


class Queue(collections.deque):
    def __init__(self, *args):
        super().__init__(*args)


class Money(decimal.Decimal):
    def __init__(self, *args):
        self.currency = "EUR"


class Once:
    made: Any = None

    def __new__(cls, n):
        cls.made = cls.made or super().__new__(cls)
        return cls.made

    def __init__(self, n):
        self.n = n


@pytest.mark.parametrize(
    ("cls", "args"),
    [
        (Number, (3,)),
        (Text, ("a",)),
        (Items, ([1],)),
        (Table, ({"a": 1},)),
        (Row, (1,)),
        (Queue, ([1],)),
        (Money, ("3",)),
        (Once, (3,)),
    ],
)
def test_what_cannot_wait_is_built_at_once_and_the_record_says_why(cls, args):
    """Its value is right from the start."""
    with begat.capture() as run, begat.deferred(cls):
        made = cls(*args)
    assert type(made) is cls
    assert not begat.is_lazy(made)
    assert made == cls(*args)
    assert any("did not wait" in mark and cls.__name__ in mark for mark in run.header.marks), run.header.marks


def test_enums_are_never_made():
    """Calling one looks a member up, which is compared by ``is``: refused, as `trackable` does."""

    class Color(enum.Enum):
        RED = 1

    with pytest.raises(CannotTrack), begat.deferred(Color):
        pass
    with pytest.raises(CannotTrack, match="enumeration"):
        begat.lazy(Color)
    with pytest.raises(CannotTrack):
        begat.lazy(Items)


def test_an_abstract_class_is_refused_where_it_is_called():
    """With a constructor or without: nothing could be built later."""

    class Bare(abc.ABC):
        @abc.abstractmethod
        def act(self): ...

    class Full(Bare):
        def __init__(self, n):
            self.n = n

    for cls, args in ((Bare, ()), (Full, (1,))):
        with pytest.raises(TypeError, match="abstract"):
            begat.lazy(cls)(*args)


def test_c_types_become_proxies():
    """A C type that is no container of the language, asked for by name, is stood for."""
    made = begat.lazy(pathlib.PurePosixPath)("/a/b")
    assert begat.is_lazy(made)
    assert made.name == "b"
    assert not begat.is_lazy(made)


class Net:
    built = 0

    def __init__(self, n, *, deep=False):
        type(self).built += 1
        if deep == "lookup":
            raise AttributeError("no such thing")
        if deep:
            raise ZeroDivisionError("deep")
        self.n = n

    @property
    def broken(self):
        raise AttributeError("of the property")


class TestErrors:
    """Wrong arguments at the call, failures at the touch."""

    @pytest.mark.parametrize("call", [lambda c: c(), lambda c: c(1, 2), lambda c: c(1, depp=1), lambda c: c(1, n=1)])
    def test_wrong_arguments_raise_at_the_call_line(self, call):
        """With the interpreter's own text, and nothing built."""
        with pytest.raises(TypeError) as plain:
            call(Net)
        with begat.deferred(Net), pytest.raises(TypeError) as caught:
            call(Net)
        assert str(caught.value) == str(plain.value)
        with pytest.raises(TypeError):
            call(begat.lazy(Net))

    def test_a_failure_raises_at_the_touch(self):
        """Its own type, the constructor's frame in the traceback, and a note that names the line of the call."""
        with begat.deferred(Net):
            made = Net(1, deep=True)
            line = sys._getframe().f_lineno - 1
        for _ in range(2):
            with pytest.raises(ZeroDivisionError, match="deep") as caught:
                _ = made.n
            assert caught.value.args == ("deep",)
            assert type(caught.value) is ZeroDivisionError
            frames = [(frame.name, frame.filename) for frame in traceback.extract_tb(caught.value.__traceback__)]
            assert [frame for frame in frames if frame[1] == __file__] == [frames[0], ("__init__", __file__)]
            assert len(frames) <= 5, "the touch, and what was touched; then the constructor"
            assert any(f"{__file__.rsplit('/', 1)[-1]}:{line}" in note for note in caught.value.__notes__)
            assert begat.is_lazy(made)

    def test_an_attribute_error_inside_is_not_a_missing_attribute(self):
        """``hasattr`` and ``getattr`` with a default raise; the cause is what the constructor raised."""
        for ask in (lambda x: hasattr(x, "n"), lambda x: getattr(x, "n", 0), lambda x: x.n):
            made = waiting(Net, 1, deep="lookup")
            with pytest.raises(LazyError, match="no such thing") as caught:
                ask(made)
            assert type(caught.value.__cause__) is AttributeError

    def test_an_attribute_error_inside_a_class_with_getattr(self):
        """Its ``__getattr__`` is not asked in its place."""

        class Fallback(Net):
            def __getattr__(self, name):
                return "wrong"

        made = waiting(Fallback, 1, deep="lookup")
        with pytest.raises(LazyError, match="no such thing"):
            _ = made.n

    def test_an_attribute_error_of_a_property_stays_one(self):
        """As on an object built at once."""
        made = waiting(Net, 1)
        assert not hasattr(made, "broken")
        assert type(made) is Net

    def test_proxies_fail_the_same_way(self):
        """A factory that fails raises at the touch, its own type; AttributeError never hides."""

        def fails(error):
            raise error

        made = begat.lazy(fails)(ZeroDivisionError("deep"))
        with pytest.raises(ZeroDivisionError):
            made + 1
        made = begat.lazy(fails)(AttributeError("deep"))
        with pytest.raises(LazyError):
            hasattr(made, "n")
        assert begat.is_lazy(made)

    def test_a_half_built_object_starts_afresh(self):
        """What a failed constructor left behind is gone when it is tried again."""

        class Half:
            tries = 0

            def __init__(self):
                type(self).tries += 1
                self.marks = [*getattr(self, "marks", []), self.tries]
                if self.tries == 1:
                    raise OSError

        class Slotted:
            __slots__ = ("marks",)
            tries = 0
            __init__ = types.FunctionType(Half.__init__.__code__, globals())

        for cls in (Half, Slotted):
            made = waiting(cls)
            with pytest.raises(OSError):
                _ = made.marks
            assert made.marks == [2]


class TestAround:
    """What goes on around a build: signals, tasks, the end of the interpreter."""

    def test_a_signal_during_a_build(self):
        """What a handler raises comes out of the touch; the object waits on, and can be built."""

        class Slow:
            def __init__(self, wait):
                end = time.monotonic() + wait[0]
                while time.monotonic() < end:
                    time.sleep(0.01)
                self.n = 1

        class Alarm(BaseException):
            pass

        def ring(*_):
            raise Alarm

        before = signal.signal(signal.SIGALRM, ring)

        class Wait:
            seconds = 5

            def __getitem__(self, at):
                return self.seconds

        try:
            wait = Wait()
            made = waiting(Slow, wait)
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            with pytest.raises(Alarm):
                _ = made.n
        finally:
            signal.signal(signal.SIGALRM, before)
        assert begat.is_lazy(made)
        wait.seconds = 0
        assert made.n == 1

    def test_a_signal_handler_that_touches_what_is_being_built(self):
        """It passes through, as any code below the constructor does: no deadlock."""
        seen = []

        class Slow:
            def __init__(self):
                self.n = 0
                signal.setitimer(signal.ITIMER_REAL, 0.01)
                end = time.monotonic() + 5
                while not seen and time.monotonic() < end:
                    time.sleep(0.01)
                self.n = 1

        made = waiting(Slow)
        before = signal.signal(signal.SIGALRM, lambda *_: seen.append(made.n))
        try:
            assert made.n == 1
        finally:
            signal.signal(signal.SIGALRM, before)
        assert seen == [0]

    def test_tasks(self):
        """Many tasks touch one object: it is built once, in the one that came first; a block holds in its own task."""

        async def main():
            Net.built = 0
            made = waiting(Net, 3)

            async def touch():
                await asyncio.sleep(0)
                return made.n

            assert await asyncio.gather(*[touch() for _ in range(50)]) == [3] * 50
            assert Net.built == 1
            assert await asyncio.to_thread(lambda: waiting(Net, 4).n) == 4

            async def defers():
                with begat.deferred(Net):
                    await asyncio.sleep(0.01)
                    return begat.is_lazy(Net(1))

            async def does_not():
                await asyncio.sleep(0.005)
                return begat.is_lazy(Net(1))

            assert await asyncio.gather(defers(), does_not()) == [True, False]

        asyncio.run(main())

    @pytest.mark.parametrize(
        ("end", "code"),
        [
            ("", 0),
            ("import sys; sys.exit(3)", 3),
            (
                "import threading, time; threading.Thread(target=lambda: kept.n, daemon=True).start(); time.sleep(0.05)",
                0,
            ),
            ("import threading; threading.Thread(target=lambda: kept.n).start()", 0),
            ("import atexit; atexit.register(lambda: kept.n)", 0),
            ("class Late:\n    def __del__(self): kept.n\nlate = Late()", 0),
            ("kept.me = kept", 0),
            ("import builtins; builtins.kept = kept", 0),
        ],
    )
    def test_the_end_of_the_interpreter(self, end, code, tmp_path):
        """With unbuilt objects about, and while some are being built: no noise, no hang."""
        (tmp_path / "script.py").write_text(
            "import time, begat\n"
            "class Net:\n"
            "    def __init__(self, n): time.sleep(0.2); self.n = n\n"
            "    def __del__(self): self.n\n"
            "def make(n): return Net(n)\n"
            "with begat.deferred(Net):\n"
            "    kept, many = Net(1), [Net(i) for i in range(10)]\n"
            "    other = Net(kept)\n"
            "proxy = begat.lazy(make)(1)\n" + end
        )
        done = subprocess.run(
            [sys.executable, "script.py"],
            cwd=tmp_path,
            env={"PYTHONPATH": str(LIBRARY), "BEGAT_STRICT": "1"},
            capture_output=True,
            text=True,
            timeout=20,
        )
        assert (done.returncode, done.stderr) == (code, "")


def test_a_special_method_that_is_the_first_touch_has_another_caller():
    """It is called from the trap that has built its object; from then on, and as an ordinary method, by the program."""

    class Asks:
        def __init__(self):
            self.built = True

        def __call__(self):
            return sys._getframe(1).f_globals["__name__"]

        named = __call__

    first, second = begat.lazy(Asks)(), begat.lazy(Asks)()

    assert [first(), first()] == ["begat.lazy.traps", __name__]
    assert second.named() == __name__


class Ratio:
    """Says which method was asked, of whom, with what."""

    def __init__(self, n):
        self.n = n

    def __truediv__(self, other):
        return "truediv", type(self).__name__, self.n, other.n

    def __rtruediv__(self, other):
        return "rtruediv", type(self).__name__, self.n, other.n


class Heir(Ratio):
    pass


class Own(Ratio):
    def __rtruediv__(self, other):
        return "own", self.n, other.n


class Shy(Ratio):
    def __truediv__(self, other):
        return NotImplemented


class ShyHeir(Shy):
    pass


class Reflected:
    def __init__(self, n):
        self.n = n

    def __rtruediv__(self, other):
        return "alone", self.n, other.n


class ReflectedHeir(Reflected):
    pass


RATIOS = [Ratio, Heir, Own, Shy, ShyHeir, Reflected, ReflectedHeir]


@pytest.mark.parametrize("second", RATIOS)
@pytest.mark.parametrize("first", RATIOS)
def test_operands_are_asked_in_the_order_in_which_they_are_asked_when_built(first, second):
    """A ghost class is a subclass that overrides everything: on the right it is asked first, and lets the left one go before."""

    def quotient(one, other):
        try:
            return one / other
        except TypeError as error:
            return str(error)

    expected = quotient(first(1), second(2))

    lazy_first, lazy_second = begat.lazy(first), begat.lazy(second)
    assert quotient(first(1), lazy_second(2)) == expected
    assert quotient(lazy_first(1), second(2)) == expected
    assert quotient(lazy_first(1), lazy_second(2)) == expected
