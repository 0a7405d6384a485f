"""What an attacker found, and stays found."""

from __future__ import annotations

import abc
import os
import signal
import threading
from typing import Any

import pytest

import begat
from begat.lazy import ghost


@pytest.fixture(params=[False, True], ids=["alone", "beside another thread"])
def beside(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether constructors keep their ghost class while they run."""
    monkeypatch.setattr(ghost, "alone", lambda: not request.param)
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


def test_an_interrupt_at_the_very_end_of_a_build_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class C:
        def __init__(self, n: int) -> None:
            self.n = n

    waiting, before = begat.lazy(C)(1), len(ghost.THUNKS)
    leave = ghost.Thunk.leave

    def interrupted(thunk: Any) -> None:
        leave(thunk)
        raise KeyboardInterrupt

    monkeypatch.setattr(ghost.Thunk, "leave", interrupted)
    with pytest.raises(KeyboardInterrupt):
        _ = waiting.n
    monkeypatch.undo()
    assert (waiting.n, type(waiting), len(ghost.THUNKS)) == (1, C, before)
