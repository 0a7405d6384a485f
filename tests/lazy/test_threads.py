"""Many threads and rings: built once, nobody sees it half-built, nobody waits for ever."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from queue import Queue
from typing import Any

import pytest

import begat
from begat.errors import LazyError
from begat.intercept.deferring import RULES
from begat.intercept.plans import LOCK
from begat.lazy import thunk
from begat.lazy.thunk import BUILDS


def at_once(*works: Any) -> list[object]:
    """What each of *works* returned or raised, all started together; fails if one hangs."""
    found: list[object] = [None] * len(works)
    start = threading.Barrier(len(works))

    def run(place: int, work: Any) -> None:
        start.wait()
        try:
            found[place] = work()
        except BaseException as error:  # the outcome is the point
            found[place] = error

    threads = [threading.Thread(target=run, args=pair, daemon=True) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive(), "a thread hangs"
    return found


class Slow:
    built = 0

    def __init__(self, n: int) -> None:
        type(self).built += 1
        self.first = n
        time.sleep(0.002)
        self.second = n + 1

    def both(self) -> tuple[int, int]:
        return self.first, self.second


class Friend:
    """Needs another one whole."""

    def __init__(self, friends: list[Any]) -> None:
        time.sleep(0.01)
        self.seen = friends[0].value
        self.value = 1


@pytest.mark.parametrize("touch", [lambda s: (s.first, s.second), Slow.both, lambda s: s.both()])
def test_eight_threads_build_one_object_once(touch: Any) -> None:
    for _ in range(20):
        Slow.built = 0
        slow = begat.lazy(Slow)(3)
        assert at_once(*[lambda slow=slow: touch(slow)] * 8) == [(3, 4)] * 8
        assert Slow.built == 1
        assert type(slow) is Slow


class Quick:
    """Gives way to other threads while it is built."""

    built: list[int] = []

    def __init__(self, n: int) -> None:
        self.built.append(n)
        time.sleep(0)
        self.first = n
        self.second = n + 1


# All: BEGAT_RACES=10000.
@pytest.mark.slow
def test_many_races_are_won_once_each() -> None:
    """Eight threads touch each of a thousand objects at the same moment: each is built once, is whole for all, and nobody waits for ever."""
    races, threads = int(os.environ.get("BEGAT_RACES", "1000")), 8
    Quick.built = []
    every = [begat.lazy(Quick)(n) for n in range(races)]
    line = threading.Barrier(threads)

    def run() -> list[tuple[int, int]]:
        found = []
        for each in every:
            line.wait(60)
            found.append((each.second, each.first))
        return found

    with ThreadPoolExecutor(threads) as pool:
        found = [each.result(60 + races / 50) for each in [pool.submit(run) for _ in range(threads)]]

    assert found == [[(n + 1, n) for n in range(races)]] * threads
    assert sorted(Quick.built) == list(range(races))
    assert {type(each) for each in every} == {Quick}


def test_two_threads_that_need_each_other_are_told_so() -> None:
    for _ in range(10):
        begin = time.monotonic()
        # The lists were changed after the calls: each is built with what was passed, so it is filled before.
        one, other = ring()
        found = at_once(lambda one=one: one.value, lambda other=other: other.value)
        assert time.monotonic() - begin < 1
        errors = [error for error in found if isinstance(error, BaseException)]
        assert errors, found
        texts = " ".join(str(error) + " ".join(getattr(error, "__notes__", ())) for error in errors)
        assert "Friend" in texts
        assert "test_threads.py" in texts


class Box:
    """What holds a friend, and does not touch it."""

    friend: Any = None


class Boxed:
    def __init__(self, box: Box) -> None:
        time.sleep(0.01)
        self.seen = box.friend.value
        self.value = 1


Boxed.__qualname__ = "Friend"


def ring() -> tuple[Any, Any]:
    left, right = Box(), Box()
    one, other = begat.lazy(Boxed)(right), begat.lazy(Boxed)(left)
    left.friend, right.friend = one, other
    return one, other


def test_one_thread_that_goes_in_a_ring_is_told_so() -> None:
    one, _ = ring()
    with pytest.raises(LazyError) as caught:
        _ = one.value
    told = str(caught.value) + "".join(getattr(caught.value, "__notes__", ()))
    assert told.count("Friend") >= 2
    assert "test_threads.py" in told
    assert begat.is_lazy(one)


def test_an_object_may_use_itself_and_what_it_makes_wait_inside_its_constructor() -> None:
    class Child:
        def __init__(self, parent: Any) -> None:
            self.size = parent.size + 1

    class Parent:
        def __init__(self) -> None:
            self.size = 1
            self.me = self.look()
            with begat.deferred(Child):
                self.child = Child(self)
            self.grown = self.child.size

        def look(self) -> int:
            return self.size

    parent = begat.lazy(Parent)()
    assert (parent.grown, parent.me, type(parent)) == (2, 1, Parent)
    stop = threading.Event()
    other = threading.Thread(target=stop.wait)
    other.start()  # with another thread about, the object keeps its ghost class while it is built
    try:
        parent = begat.lazy(Parent)()
        assert (parent.grown, parent.me, type(parent)) == (2, 1, Parent)
    finally:
        stop.set()
        other.join()


def test_a_failed_build_tells_every_thread_and_can_be_tried_again() -> None:
    class Fails:
        fail = True

        def __init__(self) -> None:
            time.sleep(0.002)
            if self.fail:
                raise ValueError("not now")
            self.done = True

    made = begat.lazy(Fails)()
    found = at_once(*[lambda: made.done] * 4)
    assert [type(error) for error in found] == [ValueError] * 4
    assert begat.is_lazy(made)
    Fails.fail = False
    assert made.done


def hands_out(way: str) -> Any:
    """A class whose constructor hands its object to other threads, and waits for them."""

    class C:
        pool: Any = None

        def __init__(self) -> None:
            self.first = 1
            getattr(self, way)()
            self.third = self.second + 1

        def work(self, *_: Any) -> None:
            self.second = self.first + 1

        def thread(self) -> None:
            helper = threading.Thread(target=self.work, daemon=True)
            helper.start()
            helper.join()

        def thread_of_a_thread(self) -> None:
            helper = threading.Thread(target=self.thread, daemon=True)
            helper.start()
            helper.join()

        def map(self) -> None:
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(self.work, range(4)))

        def old_pool(self) -> None:
            wait([self.pool.submit(self.work) for _ in range(4)])

        def event(self) -> None:
            done = threading.Event()

            def work() -> None:
                self.work()
                done.set()

            threading.Thread(target=work, daemon=True).start()
            done.wait()

        def queue(self) -> None:
            jobs: Queue[Any] = Queue()

            def work() -> None:
                jobs.get().work()
                jobs.task_done()

            threading.Thread(target=work, daemon=True).start()
            jobs.put(self)
            jobs.join()

    return C


@pytest.mark.parametrize("way", ["thread", "thread_of_a_thread", "map", "old_pool", "event", "queue"])
def test_a_constructor_may_wait_for_threads_that_touch_its_object(way: str) -> None:
    """As it may when it is built at once; others go on waiting until it is whole."""
    cls = hands_out(way)
    with ThreadPoolExecutor(2) as cls.pool:
        cls.pool.submit(int).result()
        made = begat.lazy(cls)()
        assert at_once(lambda: made.third, lambda: made.second) == [3, 2]
    assert type(made) is cls


def test_who_is_no_helper_waits_as_long_as_it_takes() -> None:
    """Also while the constructor waits for a thread of its own."""

    class C:
        def __init__(self) -> None:
            self.half = True
            helper = threading.Thread(target=time.sleep, args=(0.3,))
            helper.start()
            helper.join()
            self.half = False

    made = begat.lazy(C)()
    assert at_once(lambda: made.half, lambda: made.half) == [False, False]


@pytest.mark.parametrize("alone", [True, False])
def test_greenlets_that_build_by_turns_leave_nothing_behind(alone: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first to begin is the first to end: what a thread builds is no stack, then."""
    greenlet = pytest.importorskip("greenlet")
    monkeypatch.setattr(thunk, "alone", lambda: alone)

    class Turns:
        def __init__(self, n: int) -> None:
            greenlet.getcurrent().parent.switch()
            self.n = n

    for order in ([0, 1, 2, 3], [3, 1, 0, 2]):
        waiting = [begat.lazy(Turns)(n) for n in range(4)]
        turns = [greenlet.greenlet(begat.materialize) for _ in waiting]
        for turn, each in zip(turns, waiting, strict=True):
            turn.switch(each)
        assert [turns[n].switch().n for n in order] == order
        assert not BUILDS


def test_blocks_of_many_threads_come_and_go() -> None:
    """Each holds in its own thread, for as long as it is open."""
    kinds = [type(f"Part{i}", (), {"__init__": lambda self, n: None}) for i in range(8)]

    def work(kind: type) -> bool:
        right = True
        for _ in range(300):
            with begat.deferred(kind):
                right &= all(map(begat.is_lazy, (kind(1), kind(2))))
        return right

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        found = at_once(*[partial(work, kind) for kind in kinds])
    finally:
        sys.setswitchinterval(interval)
    assert found == [True] * len(kinds)
    assert not RULES


def test_a_fork_while_another_thread_tracks() -> None:
    """The child tracks, and meets classes, as if that thread had never been."""
    held, over = threading.Event(), threading.Event()

    def hold() -> None:
        with LOCK:
            held.set()
            over.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of forking beside threads
        pid = os.fork()
    if pid == 0:
        signal.alarm(10)
        os._exit(begat.lazy(type("Part", (), {"__init__": lambda self, n: setattr(self, "n", n)}))(7).n)
    over.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
