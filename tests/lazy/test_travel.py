"""What waits travels as its call, and is built where it is touched, once."""

from __future__ import annotations

import copy
import copyreg
import io
import os
import pickle
import re
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, reduction
from multiprocessing.reduction import ForkingPickler
from typing import Any

import pytest

import begat
from zoo_support import luggage
from zoo_support.luggage import Net, look
from zoo_support.tracking import LIBRARY, TESTS

MAKERS = [lambda n: begat.lazy(Net)(n, name="far"), lambda n: begat.lazy(luggage.make)(n)]
both = pytest.mark.parametrize("maker", MAKERS, ids=["ghost", "proxy"])


@pytest.fixture(autouse=True)
def _found_in_children(monkeypatch):
    """Children find the tests' modules."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(LIBRARY), str(TESTS)]))


def arrived(found: Any) -> None:
    """It arrived unbuilt, was built once, there, and is right."""
    waits, double, built_in, count, here = found
    assert (waits, double, count) == (True, 6, 1)
    assert built_in == here != os.getpid()


@both
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_a_few_hundred_bytes_and_waits(maker, protocol):
    """In every protocol; neither side is built by pickling."""
    made = maker(3)
    data = pickle.dumps(made, protocol)
    again = pickle.loads(data)

    assert len(data) < 300
    assert begat.is_lazy(made)
    assert begat.is_lazy(again)
    assert again.double() == 6
    assert begat.is_lazy(made)


@both
@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda x: copy.deepcopy([x])[0], lambda x: copy.copy({"x": x})["x"]]
)
def test_copies_wait(maker, duplicate):
    """And are built apart from what they were copied from."""
    made = maker([3])
    again = duplicate(made)

    assert begat.is_lazy(made)
    assert begat.is_lazy(again)
    assert again.n == [3]


def test_deep_copies_share_what_was_shared_and_nothing_with_the_original():
    """The memo holds for what waits, and for its arguments."""
    shared = [1]
    inner = begat.lazy(Net)(shared)
    outer = begat.lazy(Net)(inner)
    pair = [inner, outer, shared]
    inner_again, outer_again, shared_again = copy.deepcopy(pair)

    assert outer_again.n is inner_again
    assert inner_again.n is shared_again
    assert shared_again is not shared
    first, second = copy.deepcopy([inner, inner])
    assert first is second
    first, second = pickle.loads(pickle.dumps([outer, outer]))
    assert first is second


class Loop:
    """Its arguments lead back to it."""

    def __init__(self, nest):
        self.nest = nest


class Flat:
    __slots__ = ("nest",)

    def __init__(self, nest):
        self.nest = nest


class Problem(Exception):
    def __init__(self, nest):
        self.nest = nest


class Box:
    inside: Any = None


@pytest.mark.parametrize("cls", [Loop, Flat, Problem])
def test_a_copy_of_a_ring_is_a_ring(cls):
    """One copy of each, by `copy.deepcopy` and by every protocol of pickle."""
    for way in (copy.deepcopy, *(lambda obj, p=p: pickle.loads(pickle.dumps(obj, p)) for p in range(6))):
        box = Box()
        made = box.inside = begat.lazy(cls)([box])
        found = way(made)
        assert begat.is_lazy(found)
        assert begat.is_lazy(made)
        assert found is not made
        assert found.nest[0].inside is found


class Shared:
    """Says itself how it is copied."""

    def __init__(self, n):
        self.n = n
        self.copied = ""

    def __copy__(self):
        other = object.__new__(Shared)
        other.n, other.copied = self.n, "copy"
        return other

    def __deepcopy__(self, memo):
        return self


class Reduced:
    def __init__(self, n):
        self.n = n
        self.made = "init"

    def __reduce__(self):
        return reduced, (self.n,)


def reduced(n):
    made = Reduced(n)
    made.made = "reduced"
    return made


class Registered(Loop):
    pass


def test_a_class_that_says_how_it_is_copied_is_asked(monkeypatch):
    """It is built for that."""
    shared = begat.lazy(Shared)(3)
    assert (copy.copy(shared).copied, copy.deepcopy(shared) is shared) == ("copy", True)
    assert not begat.is_lazy(shared)
    pickled = pickle.loads(pickle.dumps(begat.lazy(Shared)(3)))
    assert begat.is_lazy(pickled)
    for way in (copy.copy, copy.deepcopy, lambda obj: pickle.loads(pickle.dumps(obj))):
        assert way(begat.lazy(Reduced)(3)).made == "reduced"
    monkeypatch.setitem(copyreg.dispatch_table, Registered, lambda obj: (reduced, (5,)))
    assert copy.copy(begat.lazy(Registered)(3)).n == 5


@pytest.fixture
def without_dill():
    """Python's pickler as it is: dill teaches it, as long as it is loaded, to pickle nearly everything."""
    dill = sys.modules.get("dill")
    if dill is not None:
        dill.extend(False)
    yield
    if dill is not None:
        dill.extend(True)


@pytest.mark.usefixtures("without_dill")
@pytest.mark.parametrize("make", [begat.lazy(Loop), begat.lazy(lambda nest: nest)], ids=["ghost", "proxy"])
@pytest.mark.parametrize("odd", [lambda: 0, threading.Lock(), sys], ids=["lambda", "lock", "module"])
@pytest.mark.parametrize(
    "dumps",
    [lambda obj: pickle.dumps(obj), pickle._dumps, ForkingPickler.dumps, lambda obj: reduction.dump(obj, io.BytesIO())],
    ids=["C", "Python", "pipe", "spawn"],
)
def test_an_argument_that_cannot_be_pickled_is_named(make, odd, dumps):
    """The error is the pickler's own, with a note of which argument, of which call, and the way out; the object waits still."""
    with pytest.raises(Exception) as plain:  # noqa: PT011
        dumps(odd)
    made = make(nest=[1, {"a": odd}])
    line = sys._getframe().f_lineno - 1

    with pytest.raises(plain.type, match=re.escape(str(plain.value))) as raised:
        dumps(made)

    (note,) = raised.value.__notes__
    assert "argument nest of" in note
    assert f"test_travel.py:{line}" in note
    assert "begat.materialize" in note
    assert begat.is_lazy(made)


def test_what_a_pickler_of_another_kind_takes_is_left_to_it():
    """Its own rules decide, and whoever asks for a reduction by hand gets it."""

    class Nameless(pickle.Pickler):
        def persistent_id(self, obj):
            return "nameless" if callable(obj) and obj.__name__ == "<lambda>" else None

    made = begat.lazy(Loop)([lambda: 3])

    Nameless(io.BytesIO()).dump(made)
    assert made.__reduce_ex__(4)[2][0][0][0]() == 3
    cloudpickle = pytest.importorskip("cloudpickle")
    assert cloudpickle.loads(cloudpickle.dumps(made)).nest[0]() == 3


def test_a_shallow_copy_shares_its_arguments():
    """As a copy of a built object shares its attributes."""
    values = [3]

    assert copy.copy(begat.lazy(Net)(values)).n is values


def test_arguments_that_wait_travel_waiting():
    """A nest of what waits stays one."""
    again = pickle.loads(pickle.dumps(begat.lazy(Net)(begat.lazy(Net)(3))))
    inner = again.n

    assert begat.is_lazy(inner)
    assert inner.double() == 6


def test_a_pickle_carries_the_arguments_of_call_time():
    """Not what the program made of them since."""
    values = [3]
    made = begat.lazy(Net)(values)
    values.append(4)

    assert pickle.loads(pickle.dumps(made)).n == [3]


def test_what_is_built_pickles_as_ever():
    """Byte for byte, wherever it was built."""
    made, plain = begat.lazy(Net)(3), Net(3)
    assert made.n == 3

    assert pickle.dumps(made) == pickle.dumps(plain)


def test_what_is_pickled_while_it_is_built_is_what_there_is():
    """A constructor that pickles itself pickles its state so far."""

    class Narcissus(Net):
        def __init__(self):
            self.n = 3
            self.mirror = copy.copy(self)

    stop = threading.Event()
    other = threading.Thread(target=stop.wait)
    for company in (False, True):
        if company:
            other.start()
        made = begat.lazy(Narcissus)()
        assert made.mirror.n == 3
        assert type(made.mirror) is Narcissus
    stop.set()
    other.join()


@both
def test_cloudpickle_and_dill(maker):
    """By name, as pickle does."""
    for name in ("cloudpickle", "dill"):
        pickler = pytest.importorskip(name)
        made = maker(3)
        again = pickler.loads(pickler.dumps(made))
        assert begat.is_lazy(made)
        assert begat.is_lazy(again)
        assert again.double() == 6


SCRIPT = """
import os, pickle, subprocess, sys, begat, cloudpickle
class Net:
    def __init__(self, n): self.n, self.built_in = n, os.getpid()
def make(n): return Net(n)
net, proxy = begat.lazy(Net)(3), begat.lazy(make)(4)
with begat.capture() as run, begat.deferred(Net):
    other = Net([5])
data = cloudpickle.dumps([net, proxy, other])
assert len(data) < 6000, len(data)
code = "import sys, os, pickle, begat; a = pickle.load(sys.stdin.buffer); print([begat.is_lazy(x) for x in a], a[0].n, a[1].n, a[2].n, a[0].built_in == os.getpid(), type(a[0]).__name__, 'Run' in dir())"
done = subprocess.run([sys.executable, "-c", code], input=data, capture_output=True)
print(done.stdout.decode(), done.stderr.decode())
print(begat.is_lazy(net), begat.is_lazy(proxy), begat.is_lazy(other))
"""


def test_classes_of_main_travel_by_value(tmp_path):
    """As cloudpickle sends them, to a process that does not have the script."""
    pytest.importorskip("cloudpickle")
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60)

    assert done.stderr == ""
    assert done.stdout.split("\n")[0] == "[True, True, True] 3 4 [5] True Net False"
    assert done.stdout.split("\n")[-2] == "True True True"


@both
@pytest.mark.parametrize("method", ["spawn", "fork", "forkserver"])
def test_multiprocessing(maker, method):
    """A pool of every kind builds it there."""
    if method == "fork" and threading.active_count() > 1:
        pytest.skip("forking beside threads")
    made = maker(3)
    with get_context(method).Pool(1) as pool:
        arrived(pool.map(look, [made])[0])

    assert begat.is_lazy(made)


@both
def test_a_process_pool_executor(maker):
    """There and back: what comes back waits still."""
    made = maker(3)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        arrived(pool.submit(look, made).result())
        back = pool.submit(copy.copy, made).result()

    assert begat.is_lazy(made)
    assert begat.is_lazy(back)


@both
def test_joblib(maker):
    """loky sends by cloudpickle; classes of the test by name."""
    joblib = pytest.importorskip("joblib")
    made = maker(3)
    for found in joblib.Parallel(n_jobs=2, backend="loky")(joblib.delayed(look)(made) for _ in range(2)):
        arrived(found)

    assert begat.is_lazy(made)


JOBS = """
import begat, joblib
class Net:
    def __init__(self, n, depth=2): self.n = n
def look(net): return begat.is_lazy(net), net.n, net
with begat.capture(save="run.json") as run:
    for _ in range(2):
        found = joblib.Parallel(n_jobs=2)(joblib.delayed(look)(begat.lazy(Net)(i)) for i in range(4))
        print([each[:2] for each in found], {type(each[2]) is Net for each in found})
    print(begat.params(Net(9)), run.header.marks)
"""


def test_classes_of_main_go_to_workers_again_and_again(tmp_path):
    """With each task their constructors come by value, and with each result they come back; they are watched as before."""
    pytest.importorskip("joblib")
    (tmp_path / "script.py").write_text(JOBS)
    done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60)

    assert done.stderr == ""
    waited = "[(True, 0), (True, 1), (True, 2), (True, 3)] {True}"
    assert done.stdout.splitlines() == [waited, waited, "{'n': 9, 'depth': 2} ()"]
    built = [node.params["n"] for node in begat.load(tmp_path / "run.json").nodes if node.outcome == "returned"]
    assert sorted(built) == [0, 0, 1, 1, 2, 2, 3, 3, 9]


def test_hashing_by_joblib_builds_no_ghost():
    """Equal calls have equal hashes."""
    joblib = pytest.importorskip("joblib")
    made = begat.lazy(Net)(3)

    assert joblib.hash(made) == joblib.hash(begat.lazy(Net)(3)) != joblib.hash(begat.lazy(Net)(4))
    assert begat.is_lazy(made)


@both
def test_dask(maker):
    """Dask asks every argument whether it is a collection of its own, which is a touch: the value is right all the same."""
    dask = pytest.importorskip("dask")
    made = maker(3)
    task = dask.delayed(look)(made)
    assert task.compute(scheduler="processes", num_workers=1)[1] == 6
    assert task.compute(scheduler="threads")[1] == 6
    arrived(
        dask.delayed(lambda data: look(pickle.loads(data)))(pickle.dumps(maker(3))).compute(
            scheduler="processes", num_workers=1
        )
    )


@pytest.mark.heavy
@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_data_loader_workers(method):
    """Each worker builds the data set for itself; the parent only where it asks for the length."""
    data = pytest.importorskip("torch.utils.data")

    class Sampler:
        def __iter__(self):
            return iter(range(8))

        def __len__(self):
            return 8

    made = begat.lazy(luggage.Numbers)(8)
    loader = data.DataLoader(made, batch_size=2, num_workers=2, sampler=Sampler(), multiprocessing_context=method)
    found = [(int(at), int(pid)) for ats, pids in loader for at, pid in zip(ats, pids, strict=True)]

    assert [at for at, _ in found] == list(range(8))
    assert begat.is_lazy(made)
    assert len({pid for _, pid in found}) == 2
    assert os.getpid() not in {pid for _, pid in found}
