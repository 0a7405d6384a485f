"""Laws of comparing, for any runs."""

from __future__ import annotations

import math
from dataclasses import replace

from hypothesis import example, given, settings
from hypothesis import strategies as st

import begat
from begat.record.codec import dumps, loads
from begat.record.graph import Run
from begat.record.model import Argument, CallSite, Header, Node
from begat.record.values import Ref, Symbol

LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 2), st.floats(), st.sampled_from(["", "a", "./x"]), st.builds(Ref, st.integers(0, 6)),
    st.frozensets(st.integers(0, 3), max_size=3), st.builds(Symbol, st.sampled_from(["m:f", "m:g"])),
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.tuples(inner) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=4,
)
PATHS = st.sampled_from(["a", "b", "a.x", "a.0", "a.1", "a.2", "b.0", "b.1", "C", "C.1", "C.2", "a.0.y", "a.1.y"])


@st.composite
def runs(draw):
    """A few nodes with names, classes, arguments and places from small sets, so that many are alike."""
    nodes = []
    for number in range(draw(st.integers(0, 7))):
        arguments = draw(st.dictionaries(st.sampled_from("xyz"), VALUES, max_size=2))
        source = draw(st.sampled_from(["given", "default", "override"]))
        nodes.append(
            Node(
                number, draw(st.sampled_from(["m:C", "m:D", "n:C"])), "class", draw(PATHS),
                {name: Argument(name, value, source) for name, value in arguments.items()},
                CallSite("/w/t.py", draw(st.integers(1, 3)), draw(st.sampled_from(["f", "g"]))),
                within=draw(st.none() | st.integers(0, 6)), outcome=draw(st.sampled_from(["returned", "deferred"])),
                code=draw(st.sampled_from([None, "sha256:1", "sha256:2"])), user=draw(st.booleans()),
            )
        )  # fmt: skip
    return Run(Header("20261122-104501-3fa9c2"), tuple(nodes))


@settings(max_examples=150, deadline=None)
@given(runs())
def test_a_run_does_not_differ_from_itself(run):
    """`diff(r, r)` is empty, also where the second was read back from a file: nothing differs, nothing is even folded."""
    again = loads(dumps(run))

    for everything in (False, True):
        found = begat.diff(run, again, all=everything)
        assert not found
        assert found.folded == ()
        assert found.rows == ()
    assert run.fingerprint == again.fingerprint


def seen(change):
    """A change without what depends on the direction: kinds, places and values, unordered."""
    values = sorted((repr(change.before), repr(change.after)))
    return change.kind.replace("added", "lone").replace("removed", "lone"), change.folded, change.count, tuple(values)


def coded(*named):
    """A run of constructions of one class, with paths and codes, of which none was made by the user before the fourth."""
    before = [Node(number, "m:C", "class", "a", {}, user=False) for number in range(3)]
    after = [Node(number, "m:C", "class", path, {}, code=code) for number, (path, code) in enumerate(named, 3)]
    return Run(Header("20261122-104501-3fa9c2"), (*before, *after))


def inside_itself(first, second):
    """A construction, and one that says that it was built inside itself, with these arguments."""
    given = [{name: Argument(name, value) for name, value in some.items()} for some in (first, second)]
    nodes = Node(0, "m:C", "class", "c", given[0]), Node(1, "m:D", "class", "d", given[1], within=1)
    return Run(Header("20261122-104501-3fa9c2"), nodes)


def below_a_second(*paths):
    """A run of constructions of one class, of which the first is a library's, and the last alone is given something."""
    nodes = [Node(number, "m:D", "class", path, {}, user=number > 0) for number, path in enumerate(paths)]
    nodes[-1] = replace(nodes[-1], arguments={"x": Argument("x", [])})
    return Run(Header("20261122-104501-3fa9c2"), tuple(nodes))


# One that lies at the top of one run, and in the other below something that has no counterpart, and that another is called like.
@example(below_a_second("C", "b"), below_a_second("a", "a", "a.y"))
# What is given in one of the runs only, to something that neither follows from itself nor from what it is given.
@example(inside_itself({}, {}), inside_itself({"x": 1}, {"x": [Ref(0)]}))
# Pairs that cross, of which the first in one direction has codes and the first in the other has not.
@example(coded(("a", "sha256:1"), ("a", "sha256:1")), coded(("b", None), ("a", "sha256:2")))
@settings(max_examples=150, deadline=None)
@given(runs(), runs())
def test_the_other_way_round_it_is_the_same(one, other):
    """`diff(b, a)` says what `diff(a, b)` says, with before and after exchanged."""
    there, back = begat.diff(one, other), begat.diff(other, one)

    assert sorted(map(seen, there.changes)) == sorted(map(seen, back.changes))
    assert bool(there) == bool(back)


@settings(max_examples=150, deadline=None)
@given(runs(), runs())
def test_equal_fingerprints_have_no_differing_arguments(one, other):
    """Where the configuration is the same, no class, argument or object is told to differ; where one is, the fingerprints do."""
    told = [c for c in begat.diff(one, other) if c.kind in ("argument", "class", "added", "removed", "shared")]

    if one.fingerprint == other.fingerprint:
        assert told == []


@settings(max_examples=100, deadline=None)
@given(runs(), st.randoms())
def test_what_does_not_matter_does_not_show(run, random):
    """The order of keywords and keys, the process, lines and times change neither the fingerprint nor what is told."""

    def shuffled(items):
        items = list(items)
        random.shuffle(items)
        return items

    def turned(value):
        if type(value) is dict:
            return {key: turned(item) for key, item in shuffled(value.items())}
        return [turned(item) for item in value] if type(value) is list else value

    nodes = tuple(
        replace(
            node,
            arguments={
                name: replace(argument, value=turned(argument.value))
                for name, argument in shuffled(node.arguments.items())
            },
            site=replace(node.site, line=node.site.line + 7),
        )
        for node in run.nodes
    )
    other = Run(replace(run.header, started="2027", id="z"), nodes)

    assert run.fingerprint == other.fingerprint
    assert not begat.diff(run, other)


@settings(max_examples=100, deadline=None)
@given(VALUES, VALUES)
def test_values_differ_when_their_fingerprints_do(one, other):
    """A difference between two values, and a difference between the fingerprints of two calls with them, are one thing."""
    base = Node(9, "m:Base", "class", "base", {})

    def run(value):
        return Run(
            Header("r"),
            (
                *(replace(base, id=n, path=f"b{n}") for n in range(7)),
                Node(8, "m:C", "class", "c", {"x": Argument("x", value)}),
            ),
        )

    first, second = run(one), run(other)

    assert bool(begat.diff(first, second)) == (first.fingerprint != second.fingerprint)
    if type(one) is float and type(other) is float:
        assert bool(begat.diff(first, second)) == (repr(one) != repr(other)) or math.isnan(one)
