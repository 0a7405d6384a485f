"""Memory and identity: little is kept, nothing of the user's is kept alive, no object is taken for another."""

from __future__ import annotations

import gc
import json
import shutil
import sys
import threading
import tracemalloc
import weakref

import pytest

import begat
from begat.capture import past, rows
from begat.record import codec, limits, writing
from begat.record.values import Opaque, Ref
from begat.record.walk import refs
from zoo_support.tracking import succeeds


class Plain:
    """A class with weak references."""

    def __init__(self, a=None, b=2.5, c="x", d=True):
        pass


class Slotted:
    """A class without."""

    __slots__ = ("a",)

    def __init__(self, a=None):
        self.a = a


class Holder:
    """Takes one thing."""

    def __init__(self, value):
        pass


@pytest.fixture(autouse=True)
def tracked(track):
    for cls in (Plain, Slotted, Holder):
        track(cls)


def test_a_node_of_four_scalars_takes_little():
    """At most 200 bytes a node in memory, objects dropped at once."""
    count = 60_000
    with begat.capture() as run:
        for i in range(5000):
            Plain(i, 1.5, "y", False)
        gc.collect()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        for i in range(count):
            Plain(1, 1.5, "y", False)
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()

        assert grown / count <= 200
    assert len(run.nodes) == 65_000


def test_objects_kept_alive_cost_little_too():
    """Also while the objects live, a node costs at most 200 bytes beyond them."""
    count = 30_000

    def growth():
        gc.collect()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        kept = [Plain(1, 1.5, "y", False) for _ in range(count)]
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        return grown / len(kept)

    with begat.paused():
        plain = growth()
    with begat.capture():
        recorded = growth()

    # A weak reference per living object is the price of knowing it again.
    assert recorded - plain <= 200 + sys.getsizeof(weakref.ref(Plain()))


@pytest.mark.slow
def test_a_million_constructions(tmp_path):
    """1e6 constructions in one run work, and memory grows by at most 200 bytes each."""
    (tmp_path / "script.py").write_text(
        "import begat, resource, gc\n"
        "@begat.trackable\n"
        "class C:\n"
        "    def __init__(self, a, b, c, d): pass\n"
        "def rss():\n"
        "    gc.collect()\n"
        "    return int(open('/proc/self/statm').read().split()[1]) * resource.getpagesize()\n"
        "with begat.capture() as run:\n"
        "    for i in range(20000): C(1, 2.5, 'x', True)\n"
        "    before = rss()\n"
        "    for i in range(1000000): C(1, 2.5, 'x', True)\n"
        "    print((rss() - before) / 1e6)\n"
        "print(len(run.nodes))\n"
    )

    grown, count = succeeds("script.py", cwd=tmp_path, timeout=300).split()

    assert float(grown) <= 200
    assert int(count) == 1_020_000


@pytest.mark.slow
def test_ten_million_constructions(tmp_path):
    """1e7 in one run take less than 300 MB of ours, its end and its record included, and every one can be asked for."""
    (tmp_path / "script.py").write_text(
        "import begat, resource\n"
        "@begat.trackable\n"
        "class C:\n"
        "    def __init__(self, a, b=0.5, c='x', d=True): pass\n"
        "@begat.trackable\n"
        "class Model:\n"
        "    def __init__(self, part): pass\n"
        "def most():\n"
        "    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024\n"
        "with begat.capture(save='small.json'): C(1)\n"
        "before = most()\n"
        "with begat.capture(save='run.json') as run:\n"
        "    for i in range(10_000_000): part = C(i, 2.5, 'y', False)\n"
        "    model = Model(part)\n"
        "    print(begat.params(part)['a'], begat.provenance(part).path)\n"
        "loaded = begat.load('run.json')\n"
        "print(len(loaded.nodes), *loaded.header.marks[0].split()[2:5])\n"
        "print(loaded['model'].params['part'].node, loaded[5_000_000].params['a'], loaded[5_000_000].path)\n"
        "print((most() - before) / 1e6)\n"
    )

    asked, counted, read, grown = succeeds("script.py", cwd=tmp_path, timeout=600).splitlines()

    assert asked == "9999999 part.9999999"
    assert counted == "1002 9,998,999 more calls"
    assert read == "9999999 5000000 part.5000000"
    assert float(grown) < 300


@pytest.mark.parametrize("how", ["open", "ended", "looked at"])
def test_nothing_of_the_users_is_kept_alive(how):
    """Objects, their arguments and the contents of these die when the program drops them."""

    class Big:
        pass

    def build():
        big, inner, key, default = Big(), Big(), Big(), Big()
        made = Plain(big, [inner], {"k": (key,)}, {default})
        holder = Holder(made)
        return [weakref.ref(x) for x in (big, inner, key, default, made, holder)]

    scope = begat.capture()
    run = scope.__enter__()
    refs = build()
    if how == "looked at":
        assert len(run.nodes) == 2
    if how == "ended":
        scope.__exit__(None, None, None)
    gc.collect()
    alive = [i for i, ref in enumerate(refs) if ref() is not None]
    if how != "ended":
        scope.__exit__(None, None, None)

    assert alive == []
    assert len(run.nodes) == 2


def test_reference_counting_is_enough():
    """An object dies at once, without the collector, as it does without begat."""
    gc.collect()
    gc.disable()
    try:
        with begat.capture():
            made = Plain([1])
            ref = weakref.ref(made)
            del made
            assert ref() is None
    finally:
        gc.enable()


def test_a_constructor_that_raises_keeps_nothing():
    """Neither the object, nor its arguments, nor the exception, nor its frames stay alive."""

    class Fails:
        def __init__(self, a):
            self.a = a
            raise ValueError(a)

    class Big:
        pass

    begat.trackable(Fails)
    gc.collect()
    gc.disable()
    try:
        with begat.capture() as run:
            big = Big()
            ref = weakref.ref(big)
            try:
                Fails(big)
            except ValueError:
                pass
            del big
            assert ref() is None
    finally:
        gc.enable()
        begat.untrack(Fails)

    assert run.nodes[0].outcome == "raised"


def test_slots_without_weakref_are_let_go_when_the_scope_ends():
    """Objects without weak references are kept no longer than their scope; no dictionary appears on them."""
    with begat.capture() as run:
        kept = [Slotted(i) for i in range(1000)]
        assert not any(hasattr(made, "__dict__") for made in kept)
        before = sys.getrefcount(kept[0])
    assert len(run.nodes) == 1000
    del run
    gc.collect()

    assert sys.getrefcount(kept[0]) <= before
    assert not [r for r in gc.get_referrers(kept[0]) if r is not kept and not isinstance(r, type(sys._getframe()))]


def test_a_ring_without_weak_references_goes_when_the_scope_ends():
    """What is held by what it holds is kept as long as its scope: only a reference of ours tells whether it is met again."""
    with begat.capture():
        other = Plain(1)
        other.ring = Slotted(other)
        gone = weakref.ref(other)
        del other
        gc.collect()
        held = gone() is not None
    gc.collect()

    assert (held, gone()) == (True, None)


def test_nothing_refers_to_an_object():
    """``gc.get_referrers`` of a recorded object shows the program's own references alone."""
    with begat.capture():
        made = Plain(1)
        here = {"made": made}

        strangers = [r for r in gc.get_referrers(made) if r is not here and type(r).__name__ != "frame"]

    assert strangers == []


def test_a_dropped_scope_is_collected():
    """Runs that nobody holds are freed, children too."""

    def one():
        with begat.capture("outer"), begat.capture("inner") as inner:
            Plain(1)
        return weakref.ref(Plain), len(inner.nodes)

    for _ in range(20):
        one()
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(80):
        one()
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()

    assert grown / 80 < 2000


def test_tracking_many_classes_leaks_nothing():
    """Classes made, tracked and dropped are collected."""
    refs = []

    def one(record):
        class Temporary:
            def __init__(self, a, b=[1]):
                self.a = a

        begat.trackable(Temporary)
        if record:
            with begat.capture():
                Temporary(1)
        refs.append(weakref.ref(Temporary))

    for i in range(40):
        one(i % 2)
    gc.collect()

    assert sum(ref() is not None for ref in refs) == 0


@pytest.mark.parametrize("cls", [Plain, Slotted])
def test_reused_addresses_make_no_edges(cls):
    """100,000 objects come and go; what is passed on is never taken for one that died."""

    class Stranger:
        __slots__ = ("a",)

    count = 100_000 if cls is Plain else 20_000
    with begat.capture() as run:
        for _ in range(count // 10):
            for _ in range(10):
                cls(1)
            Holder(Stranger())
    wrong = [n for n in run.nodes if n.target.endswith("Holder") and type(n.params["value"]) is not Opaque]

    assert wrong == []
    assert len(run.nodes) == count + count // 10


def test_every_edge_is_the_right_one():
    """Each object passed on refers to its own node, whatever lived at its address before."""
    with begat.capture() as run:
        for i in range(5000):
            Holder(Plain(i))

    nodes = {node.id: node for node in run.nodes}
    pairs = [(n, nodes[n.params["value"].node]) for n in run.nodes if n.target.endswith("Holder")]
    assert len(pairs) == 5000
    assert [part.params["a"] for _, part in pairs] == list(range(5000))


def test_equal_objects_are_distinct_nodes():
    """Objects that compare equal and hash alike, or cannot be hashed, each have their own node."""

    class Same:
        def __init__(self, a):
            self.a = a

        def __eq__(self, other):
            return True

        def __hash__(self):
            return 1

    class Unhashable:
        __hash__ = None

        def __init__(self, a):
            self.a = a

        def __eq__(self, other):
            return True

    for cls in (Same, Unhashable):
        begat.trackable(cls)
        with begat.capture() as run:
            one, two = cls(1), cls(2)
            Holder(two), Holder(one), Holder([one, two])
            assert begat.params(one) == {"a": 1}
            assert begat.params(two) == {"a": 2}
        begat.untrack(cls)
        first, second, *holders = run.nodes
        assert [n.params["value"] for n in holders] == [Ref(second.id), Ref(first.id), [Ref(first.id), Ref(second.id)]]


def test_weak_references_of_the_program_are_its_own():
    """weakref.ref, callbacks, WeakSet, finalize work as before, and their callbacks may construct."""
    called = []
    with begat.capture() as run:
        made = Plain(1)
        ref = weakref.ref(made, lambda _: called.append(Plain("callback")))
        weak = weakref.WeakSet([made])
        weakref.finalize(made, lambda: called.append(Plain("finalize")))
        assert ref() is made
        assert len(weak) == 1
        del made
        assert ref() is None
        assert len(weak) == 0

    assert len(called) == 2
    assert sorted(node.params["a"] for node in run.nodes if node.params["a"] != 1) == ["callback", "finalize"]


def test_destructors_that_construct():
    """``__del__`` run by reference counting or by the collector, inside the recorder or not, may build tracked objects."""

    class Dying:
        def __init__(self, n):
            self.me = self
            self.n = n

        def __del__(self):
            Plain(self.n)

    begat.trackable(Dying)
    old = gc.get_threshold()
    gc.set_threshold(5)
    try:
        with begat.capture() as run:
            for i in range(3000):
                Dying([i])
            gc.collect()
    finally:
        gc.set_threshold(*old)
        begat.untrack(Dying)

    names = [node.target.rpartition(":")[2].rpartition(".")[2] for node in run.nodes]
    assert names.count("Dying") == 3000
    assert names.count("Plain") == 3000


def test_a_resurrected_object_is_itself():
    """An object that ``__del__`` saves is still known, or known not to be; never another."""
    saved = []

    class Phoenix:
        def __init__(self, a):
            self.a = a

        def __del__(self):
            saved.append(self)

    begat.trackable(Phoenix)
    with begat.capture() as run:
        Phoenix(1)
        Holder(saved[0])
        node = begat.provenance(saved[0])
    begat.untrack(Phoenix)
    value = run.nodes[1].params["value"]

    assert node is None or node.params == {"a": 1}
    assert value == Ref(run.nodes[0].id) or type(value) is Opaque
    saved[0].__class__ = Plain
    saved.clear()


def test_at_the_end_of_the_process(tmp_path):
    """Constructions in exit handlers, finalizers and ``__del__`` at shutdown disturb nothing; the earlier ones are kept."""
    (tmp_path / "script.py").write_text(
        "import atexit, weakref, sys, threading, time, begat\n"
        "@begat.trackable\n"
        "class C:\n"
        "    def __init__(self, a): self.a = a\n"
        "class D:\n"
        "    def __del__(self): C('del')\n"
        "atexit.register(lambda: begat.dump('late.json'))\n"
        "atexit.register(lambda: C('atexit'))\n"
        "d = D(); keep = C(1)\n"
        "weakref.finalize(keep, lambda: C('finalize'))\n"
        "def forever():\n"
        "    while True: C('thread'); time.sleep(0.001)\n"
        "threading.Thread(target=forever, daemon=True).start()\n"
        "sys.last = d\n"
    )
    from zoo_support.tracking import python

    done = python("script.py", cwd=tmp_path, timeout=30)

    assert (done.returncode, done.stderr) == (0, "")
    names = [node["arguments"][0]["value"] for node in json.loads((tmp_path / "late.json").read_text())["nodes"]]
    assert {1, "atexit"} <= set(names)


def test_clearing_sys_modules_and_threads_at_exit(tmp_path):
    """``sys.modules.clear()`` at the end, and a scope that is never closed, give no traceback."""
    (tmp_path / "script.py").write_text(
        "import sys, begat\n"
        "@begat.trackable\n"
        "class C:\n"
        "    def __init__(self, a): pass\n"
        "scope = begat.capture(); run = scope.__enter__()\n"
        "C(1)\nprint(len(run.nodes))\nsys.modules.clear()\nC(2)\n"
    )
    from zoo_support.tracking import python

    done = python("script.py", cwd=tmp_path, timeout=30)

    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")


def test_short_threads_lose_nothing():
    """1,000 short threads in one scope leave all their nodes."""
    with begat.capture() as run:
        for _ in range(50):
            threads = [threading.Thread(target=Plain, args=(i,)) for i in range(20)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    assert len(run.nodes) == 1000


@pytest.fixture
def small(monkeypatch):
    """Rows go where more than ten thousand are held, and a hundred of each place stay."""
    monkeypatch.setattr(limits, "HELD", 10_000)
    monkeypatch.setattr(past, "EACH", 100)


def _more(run):
    """How many calls the marks of *run* say are not shown."""
    return sum(int(mark.split()[2].replace(",", "")) for mark in run.header.marks if mark.startswith(past.SAID))


@pytest.mark.parametrize("saved", [False, True])
def test_of_very_many_constructions_some_stay_and_all_count(small, tmp_path, saved):
    """The first of each place, all rare ones and what these refer to are nodes, under the names that they have among all; the rest is a number."""
    file = tmp_path / "run.json" if saved else None
    with begat.capture(save=file) as run:
        first = Holder(1)
        for _ in range(30_000):
            last = Plain(Plain(1))
        middle = Holder(last)
        for number in range(60_000):
            other = Plain(number)
        final = Holder([other])

        assert run.recorder.rows.held < 20_000
        assert begat.params(middle) == {"value": Ref(60_000)}
        assert begat.provenance(other).path == "other.59999"
        assert begat.provenance(last).path == "last.29999"

    for each in (run, begat.load(file)) if saved else (run,):
        assert len(each.nodes) < 1000
        assert len(each.nodes) + _more(each) == 120_003
        assert [node.path for node in each.select("Holder")] == ["first", "middle", "final"]
        known = {node.id: node for node in each.nodes}
        assert known[120_001].path == "other.59999" and known[120_001].params["a"] == 59_999
        assert all(ref.node in known for node in each.nodes for a in node.arguments.values() for ref in refs(a.value))
        assert all(node.within is None or node.within in known for node in each.nodes)
        assert "first" in each and "final" in "\n".join(map(str, each.flat()))
    assert begat.params(first) == {"value": 1}
    assert final


def test_a_dump_in_the_middle_counts_each_once(small, monkeypatch):
    """What goes while a run is being written is not counted beside the node that it was when the nodes were read."""
    plain = writing.environment

    def meanwhile(said):
        for number in range(40_000):
            Plain(number)
        return plain(said)

    with begat.capture() as run:
        for number in range(9_000):
            Plain(number)
        with monkeypatch.context() as patched:
            patched.setattr(writing, "environment", meanwhile)
            written = codec.loads(codec.dumps(run))
        then = codec.loads(codec.dumps(run))

    assert len(written.nodes) + _more(written) == 9_000
    assert len(then.nodes) + _more(then) == 49_000


def test_living_objects_are_known_however_many_came_after(small):
    """An object that lives is known, with its arguments, and so are links to it; what died without leaving a trace is gone."""
    with begat.capture() as run:
        kept = [Plain(number, c=str(number)) for number in range(3000)]
        for number in range(100_000):
            Plain(number)
        holder = Holder(kept[2500])

        assert begat.params(kept[2500]) == {"a": 2500, "b": 2.5, "c": "2500", "d": True}
        assert begat.params(holder) == {"value": Ref(2500)}
        assert len(run.nodes) + _more(run) == 103_001
    assert run["holder"].params == {"value": Ref(2500)}


def test_what_is_not_shown_is_read_from_the_journal(small, tmp_path, monkeypatch):
    """One node by its number, and the arguments of any object that lives; without a journal there is a clear answer."""
    monkeypatch.setattr(past, "KEPT", 500)
    file = tmp_path / "run.json"
    with begat.capture(save=file) as run:
        kept = [Plain(number, c=f"c{number}", b=number / 7) for number in range(30_000)]

        assert begat.params(kept[17_000]) == {"a": 17_000, "b": 17_000 / 7, "c": "c17000", "d": True}
        assert begat.provenance(kept[17_000]).path == "kept.17000"
    assert len(run.nodes) < 2000

    for each in (run, begat.load(file)):
        assert each[23_456].params["c"] == "c23456"
        assert each[23_456].path == "kept.23456"
        with pytest.raises(KeyError, match="no node 30000"):
            each[30_000]

    with begat.capture() as run:
        kept = [Plain(number) for number in range(30_000)]
    assert begat.provenance(kept[17_000]) is None
    with pytest.raises(LookupError, match="kept nowhere"):
        begat.params(kept[17_000])


def test_living_objects_that_are_not_known_again_are_told(small, monkeypatch):
    """Where more live than are known a mark says how many."""
    monkeypatch.setattr(rows, "LIVING", 1000)
    with begat.capture() as run:
        kept = [Plain(number) for number in range(15_000)]

    assert begat.params(kept[500]) == {"a": 500, "b": 2.5, "c": "x", "d": True}
    assert begat.provenance(kept[5000]) is None
    assert any("living objects are not known again" in mark for mark in run.header.marks)


def test_a_killed_run_of_very_many_is_read_as_it_would_have_ended(small, tmp_path):
    """What is read of journals alone is bounded in the same way, says the same, and holds together."""
    place, killed = tmp_path / "run.json", tmp_path / "killed" / "journal"
    with begat.capture(save=place) as run:
        for number in range(30_000):
            other = Plain(Plain(number, c="text" if number % 3 else None), b=number / 3)
        holder = Holder([other])
        run.recorder.journal.flush()
        shutil.copytree(f"{place}.journal", killed)
    ended, torn = begat.load(place), begat.load(killed.parent)

    for loaded in (ended, torn):
        assert len(loaded.nodes) < 1000
        assert len(loaded.nodes) + _more(loaded) == 60_001
        known = {node.id: node for node in loaded.nodes}
        assert all(ref.node in known for node in loaded.nodes for a in node.arguments.values() for ref in refs(a.value))
        assert known[59_999].path == "other.29999"
        assert loaded[40_001].params["a"] == Ref(40_000)
        assert loaded[40_000].params["c"] == ("text" if 20_000 % 3 else None)
    assert torn.header.outcome in ("running", "killed")
    assert begat.params(holder)


def test_a_place_that_is_used_again_is_cleared(small, tmp_path):
    """The journal that a run has left is removed with its record, when another one takes its place."""
    for _ in range(2):
        with begat.capture(save=tmp_path / "run.json"):
            for number in range(20_000):
                Plain(number)

        assert len(list((tmp_path / "run.json.journal").iterdir())) == 1
    with begat.capture(save=tmp_path / "run.json"):
        Plain()

    assert [file.name for file in tmp_path.iterdir()] == ["run.json"]


def test_what_became_of_calls_goes_with_them(small):
    """Calls that raised, and objects constructed again, do not add up; of those that stay it is said."""

    class Fails:
        def __init__(self, number):
            if number % 2:
                raise ValueError

    begat.trackable(Fails)
    again = Plain()
    with begat.capture() as run:
        again = Plain()
        for number in range(60_000):
            try:
                Fails(number)
            except ValueError:
                pass
            again.__init__(number)
        run.recorder.resolve()
        r = run.recorder

        assert max(map(len, (r.outcomes, r.again, r._raised, r._returned, r._later, r.events, r.links))) < 30_000
    assert max(len(r.outcomes), len(r.again)) <= 100
    assert {node.outcome for node in run.select("Fails")} == {"returned", "raised"}
    assert len(run.nodes) + len(run.events) + _more(run) == 120_001
    begat.untrack(Fails)
