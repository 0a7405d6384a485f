"""What begat may cost. Ratios within one run, the smallest of many rounds, and margins that a busy machine does not eat up.

The figures themselves come from `benchmarks/`; here is the line that they must not cross.
"""

from __future__ import annotations

import sys
import tracemalloc
from pathlib import Path
from time import process_time

import pytest

import begat
from begat.record.codec import dumps, loads
from begat.record.model import Header
from begat.render.export import FORMATS

sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))
from stopwatch import Way, best

pytestmark = pytest.mark.benchmark


def build():
    class Net:
        def __init__(self, a, b, dropout=0.1, hidden=64):
            self.a, self.b, self.dropout, self.hidden = a, b, dropout, hidden

    return Net


CALL = "C(1, 2.0, hidden=128)"


@pytest.fixture(scope="module")
def spent():
    """Nanoseconds of one construction in each state, taken in turns."""
    plain, tracked, released = build(), build(), build()
    begat.trackable(tracked)
    begat.trackable(released)
    begat.untrack(released)
    ways = {
        "plain": Way(CALL, {"C": plain}),
        "untracked": Way(CALL, {"C": released}),
        "paused": Way(CALL, {"C": tracked}, begat.paused),
        "recorded": Way(CALL, {"C": tracked}, begat.capture),
    }
    yield best(ways, 10_000, 15)
    begat.untrack(tracked)


def test_an_untracked_class_costs_nothing(spent):
    """After untrack a construction takes as long as it did."""
    assert spent["untracked"] < 1.15 * spent["plain"]


def test_nobody_listening_costs_a_fraction_of_the_call(spent):
    """Tracked and paused: less than the plain call again (a few tens of nanoseconds)."""
    assert spent["paused"] < 2 * spent["plain"]


def test_recording_costs_a_few_calls(spent):
    """Recording four arguments with their call site, taking the row out included, costs less than nine plain calls."""
    assert spent["recorded"] - spent["plain"] < 9 * spent["plain"]


def test_the_cost_grows_linearly_and_gently_with_the_arguments():
    """Twenty more arguments cost less than three times as much as the first ten: no step, nothing quadratic."""
    ways = {}
    for count in (10, 30):
        names = [f"p{number}" for number in range(count)]
        scope: dict[str, object] = {}
        exec(f"class C:\n    def __init__(self, {', '.join(names)}): pass", scope)
        plain = dict(scope)
        exec(f"class C:\n    def __init__(self, {', '.join(names)}): pass", plain)
        begat.trackable(scope["C"])
        call = f"C({', '.join(map(str, range(count)))})"
        ways[f"plain {count}"] = Way(call, plain)
        ways[f"recorded {count}"] = Way(call, scope, begat.capture)

    spent = best(ways, 5_000, 11)

    added = {count: spent[f"recorded {count}"] - spent[f"plain {count}"] for count in (10, 30)}
    assert added[30] < 3 * added[10]


@pytest.mark.parametrize(("peer", "times"), [("gin", 3), ("fiddle", 40), ("confingy", 25)])
def test_peers_that_know_the_arguments_cost_many_times_more(peer, times):
    """The same constructor in the same run: what the peer adds is a multiple of what begat adds."""
    module = pytest.importorskip(peer, reason="installed by `make bench`")
    tracked, plain = begat.trackable(build()), build()
    names = {
        "gin": lambda: {"C": module.configurable(f"net_{id(plain)}")(build())},
        "fiddle": lambda: {"C": lambda *a, **k: module.build(module.Config(plain, *a, **k))},
        "confingy": lambda: {"C": module.track(build())},
    }[peer]()
    ways = {
        "plain": Way(CALL, {"C": plain}),
        "begat": Way(CALL, {"C": tracked}, begat.capture),
        peer: Way(CALL, names),
    }

    spent = best(ways, 1_000, 9)

    assert spent[peer] - spent["plain"] > times * (spent["begat"] - spent["plain"])


def test_writing_and_reading_are_linear():
    """Five times the nodes take at most fifteen times as long to read, write and load: nothing quadratic."""
    Net = begat.trackable(build())

    def work(count):
        with begat.capture() as run:
            for number in range(count):
                Net(number, 0.5)
        begin = process_time()
        loads(dumps(run))
        return process_time() - begin

    work(1_000)
    small, large = (min(work(count) for _ in range(3)) for count in (4_000, 20_000))

    assert large < 15 * small


@pytest.mark.parametrize("case", ["one value", "every value", "one more in front"])
def test_comparing_takes_no_longer_than_reading(case):
    """To compare two runs of 10,000 nodes takes at most half as long again as loading them, and at most 5 kB a node (500 MB for 1e5)."""
    Net = begat.trackable(build())
    count = 10_000
    widths = {
        "one value": [-1, *range(1, count)],
        "every value": range(1, count + 1),
        "one more in front": range(-1, count),
    }

    def record(numbers):
        with begat.capture() as run:
            nets = [Net(number, 0.5) for number in numbers]
        del nets
        return dumps(run)

    written = record(range(count)), record(widths[case])

    def reading():
        begin = process_time()
        runs = [loads(document) for document in written]
        return process_time() - begin, runs

    def comparing(runs):
        begin = process_time()
        begat.diff(*runs)
        return process_time() - begin

    read, runs = min((reading() for _ in range(3)), key=lambda found: found[0])
    compared = min(comparing(runs) for _ in range(3))
    tracemalloc.start()
    begat.diff(*runs)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert compared < 1.5 * read
    assert peak < 5_000 * count


@pytest.mark.parametrize("form", FORMATS)
def test_a_run_of_a_hundred_thousand_is_exported_in_seconds(form):
    """1e5 constructions, half of them with an edge, become any form in less than three seconds of CPU time."""
    site = begat.CallSite("/home/train.py", 31, "main")
    nodes = []
    for number in range(50_000):
        part = {"size": begat.Argument("size", number), "depth": begat.Argument("depth", 2, "default")}
        net = {"part": begat.Argument("part", begat.Ref(2 * number)), "rate": begat.Argument("rate", 0.1)}
        nodes += [
            begat.Node(2 * number, "train:Part", "class", f"net.{number}.part", part, site),
            begat.Node(2 * number + 1, "train:Net", "class", f"net.{number}", net, site),
        ]
    run = begat.Run(Header("big"), tuple(nodes))

    def once():
        begin = process_time()
        begat.export(run, form)
        return process_time() - begin

    assert min(once() for _ in range(2)) < 3
