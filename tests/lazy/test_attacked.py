"""What an attacker found, and stays found."""

from __future__ import annotations

import _thread
import abc
import copy
import dataclasses
import functools
import gc
import operator
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import pytest

import begat
from begat.errors import LazyError
from begat.intercept.interceptor import LANE
from begat.lazy import ghost, thunk
from begat.lazy.thunk import BUILDS


@pytest.fixture(params=[False, True], ids=["alone", "beside another thread"])
def beside(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether constructors keep their ghost class while they run."""
    monkeypatch.setattr(thunk, "alone", lambda: not request.param)
    return bool(request.param)


def test_a_constructor_reads_its_class_as_it_is(beside: bool) -> None:
    class C:
        """doc"""

        a: int

        def __init__(self, **given: int) -> None:
            for name in type(self).__annotations__:
                setattr(self, name, given[name])
            self.said = self.__doc__, repr(self)

        def __repr__(self) -> str:
            return "C!"

    class S:
        __slots__ = ("a", "b")

        def __init__(self, *values: int) -> None:
            for name, value in zip(self.__slots__, values, strict=True):
                setattr(self, name, value)

    made = begat.lazy(C)(a=1)
    assert (made.a, made.said) == (1, ("doc", "C!"))
    slotted = begat.lazy(S)(1, 2)
    assert (slotted.a, slotted.b) == (1, 2)


def test_a_constructor_looks_at_the_methods_of_its_class(beside: bool) -> None:
    """As torch's ``Subset`` does."""

    class C:
        def __init__(self, *parts: Any) -> None:
            cls = type(self)
            self.own = cls.__len__ is C.__len__, vars(cls) is vars(C) or vars(cls) == vars(C), cls.__mro__ == C.__mro__
            self.copies = [copy.copy(part) for part in parts]
            self.made = cls.make()

        def __len__(self) -> int:
            return 1

        @classmethod
        def make(cls) -> Any:
            return cls

    part = begat.lazy(C)()
    made = begat.lazy(C)(part)
    assert (made.own, made.made, begat.is_lazy(part)) == ((True, True, True), C, True)
    assert begat.is_lazy(made.copies[0])


def test_asking_for_the_type_of_what_waits_poisons_no_cache() -> None:
    class C(abc.ABC):  # noqa: B024  # the cache is the point
        def __init__(self, n: int) -> None:
            self.n = n

    class D(C):
        pass

    waiting, other = begat.lazy(C)(1), D(2)
    assert isinstance(other, type(waiting))
    assert isinstance(other, C)
    assert issubclass(D, C)
    assert isinstance(waiting, C)
    assert not isinstance(3, type(waiting))


def test_tuples_that_share_tuples_are_looked_at_once() -> None:
    class C:
        def __init__(self, value: Any) -> None:
            self.value = value

    shared: Any = ([1],)
    for _ in range(40):
        shared = (shared, shared)
    assert begat.lazy(C)(shared).value is shared


def test_a_constructor_that_is_replaced_meanwhile_is_the_one_of_the_call() -> None:
    class C:
        def __init__(self, n: int) -> None:
            self.n = n

    waiting = begat.lazy(C)(3)
    constructor = C.__init__
    C.__init__ = lambda self, n: None  # type: ignore[method-assign, assignment, misc]
    assert waiting.n == 3
    C.__init__ = constructor  # type: ignore[method-assign]  # else every run that ends says so


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_child_builds_what_a_thread_of_its_parent_was_building() -> None:
    begun, go = threading.Event(), threading.Event()

    class C:
        def __init__(self) -> None:
            begun.set()
            if os.getpid() == parent:
                go.wait(10)
            self.n = 1

    parent = os.getpid()
    waiting = begat.lazy(C)()
    thread = threading.Thread(target=lambda: waiting.n)
    thread.start()
    begun.wait(10)
    child = os.fork()
    if child == 0:
        signal.alarm(5)
        os._exit(0 if waiting.n == 1 else 1)
    _, status = os.waitpid(child, 0)
    go.set()
    thread.join(10)
    assert os.waitstatus_to_exitcode(status) == 0


class Plain:
    def __init__(self, n: int) -> None:
        self.n = n


class Slotted:
    __slots__ = ("n",)

    def __init__(self, n: int) -> None:
        self.n = n


def interrupt() -> None:
    raise KeyboardInterrupt


@contextmanager
def interrupted(at: int, handler: Callable[[], object] = interrupt) -> Iterator[list[int]]:
    """The signal *handler* runs at the *at*-th place where one may; the list has how many there were."""
    places = [0]

    def profile(frame: Any, event: str, arg: Any) -> None:
        # Signal handlers run where a function begins, and after C functions.
        if event in ("call", "c_return"):
            places[0] += 1
            if places[0] == at:
                handler()

    sys.setprofile(profile)
    try:
        yield places
    finally:
        sys.setprofile(None)


class FailsFirst:
    tried: list[int] = []

    def __init__(self, n: int) -> None:
        self.half = n
        if n not in self.tried:
            self.tried.append(n)
            raise ValueError("not yet")
        self.n = n


def set_late(n: int) -> Any:
    waiting = begat.lazy(FailsFirst)(n)
    object.__setattr__(waiting, "half", -n)
    return waiting


@pytest.mark.parametrize("make", [begat.lazy(Plain), begat.lazy(Slotted), begat.lazy(lambda n: Plain(n)), set_late])
def test_an_interrupt_anywhere_in_a_build_leaves_it_to_be_built(make: Any, beside: bool) -> None:
    """Nobody waits for ever, whichever thread comes next; and nothing is left behind."""
    before = len(ghost.THUNKS)
    for at in range(1, 500):
        waiting = make(at)
        with suppress(KeyboardInterrupt, ValueError), interrupted(at) as places:
            _ = waiting.n
        if make is set_late:
            FailsFirst.tried.append(at)
        assert not BUILDS
        assert not LANE.get().stack  # type: ignore[union-attr]
        if at % 2:
            thread = threading.Thread(target=begat.materialize, args=(waiting,), daemon=True)
            thread.start()
            thread.join(5)
            assert not thread.is_alive(), f"interrupted at {at}"
        assert waiting.n == at
        assert not begat.is_lazy(waiting)
        assert make is not set_late or waiting.half == -at
        if places[0] < at:
            break
    assert 20 < at < 400
    assert len(ghost.THUNKS) == before


def test_a_signal_handler_may_touch_what_waits_anywhere_in_a_build(beside: bool) -> None:
    """It finds another object built, and the very one built or half-built; nothing hangs, and each is built once."""
    built: list[int] = []

    class Counted:
        def __init__(self, n: int) -> None:
            built.append(n)
            self.n = n

    def touch(waiting: Any, other: Any, at: int) -> int:
        def handler() -> None:
            assert other.n == -at
            with suppress(AttributeError):
                assert waiting.n == at

        with interrupted(at, handler) as places:
            assert waiting.n == at
        assert other.n == -at
        return places[0]

    done: list[int] = []
    for at in range(1, 500):
        waiting, other = begat.lazy(Counted)(at), begat.lazy(Counted)(-at)
        built.clear()
        thread = threading.Thread(target=lambda: done.append(touch(waiting, other, at)), daemon=True)
        thread.start()
        thread.join(10)
        assert len(done) == at, f"hung, or failed, at {at}"
        assert sorted(built) == [-at, at]
        assert not BUILDS
        if done[-1] < at:
            break
    assert 20 < len(done) < 400


_WHILE_LOADING = """
import sys
import begat

class Net:
    def __init__(self, n):
        self.n = n

begat.trackable(Net)
refused, asked = 0, set()

def handler():
    global refused
    assert Net(3).n == 3
    for name in ("deferred", "override", "lazy"):
        try:
            ask = getattr(begat, name)
        except ImportError as error:
            refused += "mention begat." + name + " once before" in str(error)
        else:
            asked.add(name)
            if name == "lazy":
                assert ask(Net)(3).n == 3
            else:
                with ask({"Net.n": 5}) if name == "override" else ask(Net):
                    Net(3)

def profile(frame, event, arg):
    if frame.f_code.co_name == "<module>" and (frame.f_globals["__name__"], event) == (sys.argv[1], "call"):
        handler()

sys.setprofile(profile)
with begat.deferred(Net):
    waiting = Net(1)
with begat.override({"Net.n": 7}):
    changed = Net(1)
sys.setprofile(None)
assert (waiting.n, changed.n) == (1, 7)
with begat.deferred(Net):
    assert begat.is_lazy(Net(3))
print(refused, sorted(asked))
"""
_LOADED_LATE = ["capture.overriding", "capture.waiting"]


@pytest.mark.parametrize("module", _LOADED_LATE)
def test_a_signal_handler_may_construct_while_begat_is_being_loaded(module: str) -> None:
    """What it builds is built; what it asks of begat by name is refused with what to do, and nothing is spoiled for later."""
    command = [sys.executable, "-c", _WHILE_LOADING, f"begat.{module}"]

    gentle = {**os.environ, "BEGAT_STRICT": "0"}  # the record may lack something, the program nothing

    done = subprocess.run(command, env=gentle, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
    refused, asked = done.stdout.split(maxsplit=1)
    assert int(refused) + asked.count("'") // 2 == 3


def test_a_constructor_that_changes_its_class_and_fails_can_be_tried_again(beside: bool) -> None:
    class Later:
        pass

    class C:
        fail = True

        def __init__(self, n: int) -> None:
            self.n = n
            self.__class__ = Later  # type: ignore[assignment]
            if C.fail:
                raise ValueError("not yet")

    waiting = begat.lazy(C)(1)
    with pytest.raises(ValueError, match="not yet"):
        _ = waiting.n
    assert begat.is_lazy(waiting)
    C.fail = False
    assert (waiting.n, type(waiting)) == (1, Later)


def _other_defaults(init: Any) -> None:
    init.__defaults__ = (9,)


def _other_keywords(init: Any) -> None:
    init.__kwdefaults__ = {"b": 9}


EXCHANGES: list[Callable[[Any], None]] = [
    _other_defaults,
    _other_keywords,
    lambda init: init.__kwdefaults__.update(b=9),
    lambda init: init.__kwdefaults__.__setitem__("b", 9),
]


@pytest.mark.parametrize("exchange", EXCHANGES)
@pytest.mark.parametrize("way", ["as it is", "untracked", "tracked again"])
@pytest.mark.parametrize("make", [lambda cls: cls(), lambda cls: begat.lazy(cls)()], ids=["deferred", "lazy"])
def test_defaults_are_those_of_the_touch_and_the_record_says_so(exchange: Any, way: str, make: Any) -> None:
    class Both:
        def __init__(self, a: int = 1, *, b: int = 2) -> None:
            self.n = a, b

    class Straight:
        def __init__(self, a: int = 1) -> None:
            self.n = (a,)

    classes = (Both, Straight) if exchange is _other_defaults else (Both,)
    for cls in classes:
        begat.trackable(cls)
        with begat.deferred(cls), begat.capture() as run:
            waiting = make(cls)
            if way != "as it is":
                begat.untrack(cls)
            exchange(cls.__init__)
            if way == "tracked again":
                begat.trackable(cls)
            assert 9 in waiting.n
        [node] = run.nodes
        assert tuple(node.params.values()) == waiting.n
        assert {each.source for each in node.arguments.values()} == {"default"}


def test_what_is_set_past_the_object_is_the_last_word(beside: bool) -> None:
    """As it is on an object that was built before; also when a build fails in between."""

    class C:
        fail = True

        def __init__(self, n: int) -> None:
            self.n, self.m = n, n
            if C.fail:
                raise ValueError("not yet")

    waiting = begat.lazy(C)(1)
    object.__setattr__(waiting, "n", 2)
    assert begat.is_lazy(waiting)
    with pytest.raises(ValueError, match="not yet"):
        _ = waiting.m
    C.fail = False
    assert (waiting.m, waiting.n) == (1, 2)


T = TypeVar("T")


class Box(Generic[T]):
    def __init__(self, n: int) -> None:
        self.n = n


def _given(waiting: Any) -> Any:
    object.__setattr__(waiting, "more", 2)
    return waiting


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda obj: pickle.loads(pickle.dumps(obj))])
def test_a_copy_has_what_was_set_past_the_object(duplicate: Any) -> None:
    waiting = _given(begat.lazy(Box)(1))
    assert vars(duplicate(waiting)) == {"n": 1, "more": 2}
    assert vars(waiting) == {"n": 1, "more": 2}


class Forwards(Box[int]):
    __copy__ = functools.partialmethod(lambda self: "copied")
    __deepcopy__ = functools.partialmethod(lambda self, memo: "copied")
    __reduce_ex__ = functools.partialmethod(lambda self, protocol: (str, ("copied",)))  # type: ignore[assignment]


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda obj: pickle.loads(pickle.dumps(obj))])
def test_a_class_may_say_by_any_descriptor_how_it_is_copied(duplicate: Any) -> None:
    """As werkzeug's proxies do."""
    assert (duplicate(Forwards(1)), duplicate(begat.lazy(Forwards)(1))) == ("copied", "copied")


def test_a_call_with_type_arguments_waits(beside: bool) -> None:
    """``Box[int](1)``: `typing` sets an attribute after the call."""
    with begat.deferred(Box):
        waiting = Box[int](1)
    assert begat.is_lazy(waiting)
    assert vars(waiting) == {"n": 1, "__orig_class__": Box[int]}


def test_a_protocol_is_met_by_attributes_of_what_waits() -> None:
    """From 3.12 on `typing` looks into the object's dictionary, past all traps."""

    @runtime_checkable
    class HasN(Protocol):
        n: int

    @runtime_checkable
    class Calls(Protocol):
        def call(self) -> None: ...

    class Caller(Box[int]):
        def call(self) -> None: ...

    class Failing:
        def __init__(self) -> None:
            raise AttributeError("in the constructor")

    assert isinstance(begat.lazy(Box)(1), HasN)
    assert not isinstance(begat.lazy(Box)(1), Calls)
    waiting = begat.lazy(Caller)(1)
    assert isinstance(waiting, Calls)
    assert begat.is_lazy(waiting)
    with pytest.raises(LazyError, match="in the constructor"):
        isinstance(begat.lazy(Failing)(), HasN)


def test_an_exception_whose_contents_c_code_reads_is_built_at_once() -> None:
    """``yield from`` reads a StopIteration's value in memory."""

    class Done(StopIteration):
        def __init__(self, value: int) -> None:
            super().__init__(value)

    class Ends:
        def __iter__(self) -> Any:
            return self

        def __next__(self) -> int:
            raise Done(5)

    def ends() -> Any:
        return (yield from Ends())

    with begat.capture() as run, begat.deferred(Done), pytest.raises(StopIteration) as caught:
        next(ends())
    assert caught.value.value == 5
    assert any("Done did not wait: it is a StopIteration" in mark for mark in run.header.marks), run.header.marks


class Exact:
    """Operators that look at the type of the other operand."""

    def __init__(self, n: int) -> None:
        self.n = n

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: Any) -> Any:
        return type(self) is type(other) and self.n == other.n

    def __lt__(self, other: Any) -> Any:
        return self.n < other.n if type(other) is type(self) else NotImplemented

    def __sub__(self, other: Any) -> Any:
        return self.n - other.n if type(other) is type(self) else NotImplemented

    def __pow__(self, other: Any, modulo: Any = None) -> Any:
        return self.n**other.n if type(other) is type(self) else NotImplemented


@pytest.mark.parametrize("left", [Exact, begat.lazy(Exact)])
@pytest.mark.parametrize("right", [Exact, begat.lazy(Exact)])
@pytest.mark.parametrize("name", ["eq", "ne", "lt", "gt", "le", "sub", "pow"])
def test_operands_of_one_type_are_so_while_they_wait(left: Any, right: Any, name: str, beside: bool) -> None:
    def outcome(left: Any, right: Any) -> Any:
        try:
            return getattr(operator, name)(left(3), right(2))
        except TypeError as error:
            return str(error)

    assert outcome(left, right) == outcome(Exact, Exact)
    for other in (1, Box(2)):
        assert outcome(left, lambda _: other) == outcome(Exact, lambda _: other)  # noqa: B023
        assert outcome(lambda _: other, right) == outcome(lambda _: other, Exact)  # noqa: B023


def test_what_has_the_hash_of_every_object_is_a_key_while_it_waits() -> None:
    class Ordered(Box[int]):
        def __lt__(self, other: Any) -> Any:
            return self.n < other.n

    class Same(Box[int]):
        def __eq__(self, other: Any) -> bool:
            return self is other

        __hash__ = object.__hash__

    for cls in (Ordered, Same):
        waiting = begat.lazy(cls)(1)
        assert {waiting: 1, begat.lazy(cls)(1): 2}[waiting] == 1
    with pytest.raises(TypeError, match="unhashable"):
        hash(begat.lazy(Exact)(1))


class Strict(Box[int]):
    def __getattr__(self, name: str) -> None:
        raise AttributeError(name)


class Fails(Box[int]):
    def __init__(self, n: int) -> None:
        raise ValueError(n)


class Misses(Box[int]):
    def __init__(self, n: int) -> None:
        raise AttributeError(n)


@pytest.mark.parametrize(
    ("make", "use"),
    [
        (lambda: begat.lazy(Strict)(1), lambda waiting: waiting.missing),
        (lambda: begat.lazy(Fails)(1), lambda waiting: waiting.n),
        (lambda: begat.lazy(Misses)(1), lambda waiting: waiting.n),
        (lambda: begat.lazy(lambda: Fails(1))(), lambda waiting: waiting.n),
        (lambda: begat.lazy(Box)(lambda: 1), pickle.dumps),  # type: ignore[arg-type]
    ],
)
def test_an_error_keeps_nothing_alive(make: Any, use: Any) -> None:
    """No frame of ours holds the exception whose traceback holds it, and the object."""
    gc.collect()
    gc.disable()
    try:
        waiting = make()
        gone = weakref.ref(waiting)
        with suppress(Exception):
            use(waiting)
        del waiting
        assert gone() is None
    finally:
        gc.enable()


def test_a_type_that_a_constructor_keeps_is_the_class(beside: bool) -> None:
    class C:
        def __init__(self) -> None:
            self.kind = type(self)

    waiting = begat.lazy(C)()
    assert waiting.kind is C


def test_a_subclass_of_the_type_of_what_waits_is_one_of_its_class() -> None:
    class C:
        def __init__(self, n: int) -> None:
            self.n = n

    class Meta(type):
        pass

    class D(C, metaclass=Meta):
        pass

    for cls in (C, D):

        class S(type(begat.lazy(cls)(1))):  # type: ignore[misc]
            def more(self) -> int:
                return self.n + 1  # type: ignore[no-any-return]

        assert S(2).more() == 3
        assert (S.__mro__[1], type(S)) == (cls, type(cls))


def test_a_class_may_have_any_attribute() -> None:
    class C:
        _begat_class = _begat_slot = None

        def __init__(self, n: int) -> None:
            self.n = n

    assert not begat.is_lazy(C(1))
    assert begat.materialize(begat.lazy(C)(1)).n == 1


class Link:
    """Touches the one before in its constructor."""

    def __init__(self, before: Any) -> None:
        self.length = 1 if before is None else before.length + 1


def follow(before: Any) -> Link:
    return Link(before)


@pytest.mark.parametrize("call", [Link, follow, lambda before: Link([before][0])])
def test_a_chain_of_many_that_wait_needs_no_deep_stack(call: Any, beside: bool) -> None:
    begat.trackable(Link)
    chain = None
    with begat.deferred(call):
        for _ in range(5_000):
            chain = call(chain)
    assert chain is not None
    assert chain.length == 5_000


@dataclasses.dataclass(frozen=True)
class Frozen(Exception):
    code: int


class Refusing(Exception):
    __notes__ = 3

    def add_note(self) -> None:  # type: ignore[override]
        raise AssertionError


@pytest.mark.parametrize("kind", [Frozen, Refusing])
def test_an_error_that_takes_no_note_is_raised_as_it_is(kind: Any) -> None:
    class C:
        def __init__(self, n: int) -> None:
            raise kind(n)

    for make in (begat.lazy(C), begat.lazy(lambda n: C(n))):
        with pytest.raises(kind) as caught:
            _ = make(3).n
        assert caught.value.args == (3,) or caught.value.code == 3
        assert kind is Refusing or "test_attacked.py" in caught.value.__notes__[0]


def test_code_that_has_no_name_may_ask_and_touch(beside: bool) -> None:
    """As ``exec(text, {"__name__": None})`` runs it."""
    for thing in (Plain, lambda n: Plain(n)):
        waiting = eval("make(3)", {"make": begat.lazy(thing), "__name__": None})
        assert begat.is_lazy(waiting)
        assert eval("waiting.n", {"waiting": waiting, "__name__": None}) == 3
    with pytest.raises(ZeroDivisionError):
        eval("waiting.n", {"waiting": begat.lazy(lambda: 1 / 0)(), "__name__": None})


class OfType(type):
    def __call__(cls, *args: Any) -> Any:
        return super().__call__(*args)


class Long(metaclass=OfType):
    def __init__(self, n: int) -> None:
        self.n = n

    def __len__(self) -> int:
        return self.n


class Fixed(Long):
    def __new__(cls, n: int) -> Fixed:
        return object.__new__(cls)


def in_c(function: Any, *args: Any) -> Any:
    """What *function* returns in a thread that C code begins, with no Python below the call."""
    found: list[Any] = []
    _thread.start_new_thread(next, (map(found.append, map(function, *[[arg] for arg in args])), None))
    until = time.monotonic() + 5
    while not found and time.monotonic() < until:
        time.sleep(0.001)
    return found[0]


@pytest.mark.parametrize("thing", [Long, Fixed, lambda n: Long(n)], ids=["ghost", "by hand", "proxy"])
@pytest.mark.parametrize("touch", [len, lambda each: len(each), isinstance])
def test_c_code_below_which_no_python_runs_may_ask_and_touch(thing: Any, touch: Any) -> None:
    asked = in_c(begat.lazy(thing), 3)
    assert begat.is_lazy(asked)
    with begat.deferred(thing), begat.capture() as run:
        waiting = thing(3) if thing is not Fixed else begat.lazy(thing)(3)
        if touch is isinstance:
            assert in_c(isinstance, waiting, int) is False
        else:
            assert in_c(touch, waiting) == len(asked) == 3
    for event in run.events:
        assert event.site is not None
        assert event.site.file == (__file__ if touch not in (len, isinstance) else "<native>")
    assert len(run.events) == (not begat.is_lazy(waiting) and thing is not Fixed)
    assert type(in_c(thing, 3)) is (Fixed if thing is Fixed else Long)


def test_a_chain_with_a_failure_in_it_says_so_where_it_is_touched() -> None:
    class Broken(Link):
        def __init__(self) -> None:
            raise OSError("broken")

    with begat.deferred(Link, Broken):
        chain: Any = Broken()
        for _ in range(100):
            chain = Link([chain][0])
    with pytest.raises(OSError, match="broken"):
        _ = chain.length
    assert begat.is_lazy(chain)


LAST_TOUCH = """
import os, sys
import begat

class Out:
    def __init__(self, name):
        self.name = name
    def write(self, text):
        return len(text)
    def flush(self):
        os.write(1, f"flushed {self.name}".encode())

def make(name):
    return Out(name)

sys.stdout = begat.lazy(Out if sys.argv[1] == "ghost" else make)("it")
"""


@pytest.mark.parametrize("kind", ["ghost", "proxy"])
def test_c_code_may_touch_what_waits_where_no_python_runs(kind: str) -> None:
    """The interpreter flushes its streams when the last frame is gone."""
    done = subprocess.run([sys.executable, "-c", LAST_TOUCH, kind], capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("flushed it"), done.stderr
    assert (done.returncode, done.stderr) == (0, "")
