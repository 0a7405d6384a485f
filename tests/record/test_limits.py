"""What is written can be read, however large; what is beyond the limits is said, and a small file takes little time."""

from __future__ import annotations

import json
import re
import warnings
from time import process_time

import pytest

import begat
from begat.errors import InvalidRecord
from begat.record import codec, engine, limits
from begat.record.graph import Run
from begat.record.model import Argument, Event, Header, Node
from begat.record.values import Cut, Opaque, Ref


def node(number: int, path: str = "net", **arguments: object) -> Node:
    return Node(number, "m:Net", "class", path, {name: Argument(name, value) for name, value in arguments.items()})


def again(run: Run) -> Run:
    """*run* as it is read from what was written of it, which writes the same."""
    data = codec.dumps(run)
    loaded = codec.loads(data)
    assert codec.dumps(loaded) == data
    return loaded


class C:
    def __init__(self, a=None, *args, **kwargs): ...


@pytest.fixture(autouse=True)
def tracked():
    """C is tracked for the length of a test: other tests count on nobody listening."""
    begat.trackable(C)
    yield
    begat.untrack(C)


# --- what is written is read ------------------------------------------------------------------------------------------
GIANT = 10**6000


@pytest.mark.parametrize(
    "value",
    [GIANT, -GIANT, [GIANT], {"a": {GIANT}}, range(GIANT), (1, GIANT)],
    ids=lambda value: type(value).__name__,
)
def test_a_giant_integer_is_cut(value):
    """Python cannot even print it: the record says how many bits it has, wherever it stands, and is read."""
    with begat.capture() as run:
        C(value)
        C(1, value, b=value)

    loaded = again(run)

    assert "19932" in str(loaded.nodes[0].params) or type(loaded.nodes[0].params["a"]) is Opaque
    assert loaded.nodes == run.nodes or type(value) is range


def test_a_giant_integer_is_a_cut_before_it_is_written():
    """A run that was never written says the same as the file."""
    with begat.capture() as run:
        C(10**6000)
        assert run.nodes[0].params["a"] == begat.params(C(10**6000))["a"] == Cut("int", 19932)


@pytest.mark.parametrize(
    "value",
    [
        1 << limits.BITS,
        (1 << limits.BITS) - 1,
        "x" * (limits.TEXT + 1),
        "é" * (limits.TEXT + 1),
        {(1, 2): 3},
        re.compile("a" * (limits.PATTERN + 1)),
        re.compile("[\x00-\U0010ffff]", re.IGNORECASE),
        re.compile(r"(?i:[\x00-\uffff])"),
        re.compile(r"(?i:[a-\N{BULLET}])"),
        re.compile("[a-z0-9]+", re.IGNORECASE),
    ],
    ids=lambda value: f"{type(value).__name__}",
)
def test_what_cannot_be_read_is_not_written(value):
    """A value beyond the limits of reading, in a run made by hand, is written as an opaque one."""
    again(Run(Header("r"), (node(1, a=value, b=[value]),)))


def test_more_nodes_than_are_read_are_not_written(monkeypatch):
    """Beyond the number of nodes, over all runs of the family, the record ends with a mark."""
    monkeypatch.setattr(limits, "NODES", 5)
    children = tuple(Run(Header(f"c{i}"), tuple(node(j) for j in range(2))) for i in range(2))
    run = Run(Header("r"), tuple(node(i) for i in range(2)), children=children)

    loaded = again(run)

    assert [len(r.nodes) for r in (loaded, *loaded.children)] == [2, 2, 1]
    assert loaded.children[1].header.marks == ("not written: 1 node; a record has at most 5",)
    assert loaded.header.marks == loaded.children[0].header.marks == ()


@pytest.mark.parametrize("size", [3_000, 30_000, 100_000])
def test_more_bytes_than_are_read_are_not_written(monkeypatch, size):
    """Beyond the number of bytes the record ends with a mark: the first nodes are there, and all of it can be read."""
    monkeypatch.setattr(limits, "BYTES", size)

    loaded = again(Run(Header("r"), tuple(node(i, a="x" * 100) for i in range(1_000))))

    assert 0 <= len(loaded.nodes) < 1_000
    assert loaded.header.marks == (f"the last nodes are not written: a record has at most {size:,} bytes",)


@pytest.mark.parametrize("parts", [500, 5_000, 20_000])
def test_more_values_than_are_read_are_not_written(monkeypatch, parts):
    """Nor what would take more memory than records do; what it looks like inside of a text counts as well, both ways."""
    monkeypatch.setattr(limits, "PARTS", parts)

    loaded = again(Run(Header("r"), tuple(node(i, a="[{" * 10, b=[{"c": 1}]) for i in range(1_000))))

    assert 0 <= len(loaded.nodes) < 1_000
    assert "the last nodes are not written" in loaded.header.marks[0]


def test_events_are_nodes_to_the_limit(monkeypatch):
    """They take as much: those beyond it are not written, and not read."""
    run = Run(Header("r"), tuple(node(i) for i in range(3)), events=tuple(Event("reinit", i % 3, {}) for i in range(4)))
    data = codec.dumps(run)
    monkeypatch.setattr(limits, "NODES", 5)

    loaded = again(run)

    assert (len(loaded.nodes), len(loaded.events)) == (3, 2)
    assert loaded.header.marks == ("not written: 2 events; a record has at most 5 nodes",)
    with pytest.raises(InvalidRecord, match="more than 5 nodes"):
        codec.loads(data)


def test_the_recorder_keeps_no_more_than_is_written():
    """What is in memory without a mark can be written without one."""
    with begat.capture() as run:
        assert run.recorder.limit == limits.HELD < limits.NODES


def test_runs_inside_runs_inside_runs():
    """Scopes of a recursive function may nest as deep as they like; beyond the limit the record says what it lacks."""

    def recurse(depth: int) -> None:
        with begat.capture(f"at {depth}"):
            C(depth)
            if depth:
                recurse(depth - 1)

    with begat.capture() as run:
        recurse(31)
        recurse(limits.FAMILY + 20)

    shallow, deep = again(run).children
    for _ in range(31):
        (shallow,) = shallow.children
    assert shallow.nodes[0].params["a"] == 0
    for _ in range(limits.FAMILY - 1):
        assert deep.header.marks == ()
        (deep,) = deep.children
    assert deep.children == ()
    assert deep.header.marks == (f"not written: 1 run inside this one, nested deeper than {limits.FAMILY}",)


# --- a small file takes little time -----------------------------------------------------------------------------------
@pytest.fixture
def soon():
    """Two seconds of CPU for what a small file asks for."""
    begin = process_time()
    yield
    assert process_time() - begin < 2


@pytest.mark.usefixtures("soon")
def test_very_many_keys_one_of_them_twice(monkeypatch):
    """A key that occurs twice is found at once among 60,000, with and without orjson."""
    text = "{" + ",".join(f'"k{i}":0' for i in range(60_000)) + ',"k59999":1}'

    for loads in (engine.engine().loads, engine._standard_loads):
        with pytest.raises(InvalidRecord, match="'k59999' occurs twice"):
            loads(text.encode())


@pytest.mark.usefixtures("soon")
def test_very_many_nodes_of_one_path():
    """30,000 nodes with the same path stay apart in every view."""
    run = Run(Header("r"), tuple(node(i, "model", a=1) for i in range(30_000)))

    assert len(run.config()) == 30_000
    assert len(run.flat()) == 60_000
    assert list(run.config())[:3] == ["model", "model:2", "model:3"]


@pytest.mark.usefixtures("soon")
def test_very_many_items_of_one_node():
    """30,000 nodes that one takes as arguments, by numbers, find their place."""
    inner = tuple(node(i, f"model.{i}") for i in range(30_000))
    run = Run(Header("r"), (*inner, node(30_000, "model", layers=[Ref(i) for i in range(30_000)])))

    assert len(run.config()["model"]["layers"]) == 30_000


@pytest.mark.usefixtures("soon")
def test_a_path_of_very_many_segments():
    """200,000 segments hang below the first of them."""
    run = Run(Header("r"), (node(1, "a"), node(2, "a" + ".b" * 200_000)))

    assert list(run.config()) == ["a"]


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize(
    ("pattern", "flags"),
    [
        ("a" * 3_000_000, 0),
        ("[\x00-\U0010ffff]" * 1_000, int(re.IGNORECASE)),
        (r"[\x00-\U0010ffff]" * 500, int(re.IGNORECASE)),
        ("(?i)" + "[à-￿]" * 1_000, 0),
        ("(?m-x)(?si:" + "[à-￿]" * 1_000 + ")", 0),
    ],
)
def test_a_regular_expression_that_is_long_to_compile(pattern, flags):
    """It is refused unread."""
    with pytest.raises(InvalidRecord, match="regular expression"):
        codec.loads(a_pattern(pattern, flags))


def test_a_regular_expression_that_python_warns_of():
    """The warning was for the program that made it: reading says nothing and fails at nothing, also where warnings are errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        found = codec.loads(a_pattern("[[a]--b]", 0)).nodes[0].params["a"]

    assert found.pattern == "[[a]--b]"


def a_pattern(pattern: str, flags: int) -> str:
    document = json.loads(codec.dumps(Run(Header("r"), (node(1, a=1),))))
    document["nodes"][0]["arguments"][0]["value"] = {"$pattern": [pattern, flags]}
    return json.dumps(document)
