"""Runs and values through JSON and back."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import gc
import json
import math
import pathlib
import re
import subprocess
import sys
import time
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from begat.errors import InvalidRecord
from begat.record import codec, decoding, encoding, engine, limits, migrations, pieces
from begat.record.graph import Run
from begat.record.model import ABSENT, Argument, CallSite, Environment, Event, Header, Node, Overridden, Process
from begat.record.values import (
    Alias,
    Array,
    Cut,
    Made,
    Mapping,
    Member,
    Opaque,
    Redacted,
    Ref,
    Symbol,
    Typed,
)

# --- what there is ----------------------------------------------------------------------------------------------------
ANY_TEXT = st.text(st.characters(), max_size=8)  # lone surrogates too
NAMES = st.sampled_from(["mylib:Net", "builtins:dict", "a.b:C.D", "", "$x"])
INTEGERS = st.integers() | st.integers(-(2**200), 2**200)
ZONES = st.builds(
    datetime.timezone, st.timedeltas(datetime.timedelta(hours=-23), datetime.timedelta(hours=23))
) | st.builds(datetime.timezone, st.just(datetime.timedelta(hours=1)), st.text(min_size=1, max_size=4))
SCALARS = st.one_of(st.none(), st.booleans(), INTEGERS, st.floats(), ANY_TEXT, st.binary(max_size=8))
EXACT = st.one_of(
    st.complex_numbers(),
    st.builds(range, st.integers(), st.integers(), st.integers(1, 5)),
    st.builds(slice, st.none() | st.integers(), st.none() | st.integers(), st.none() | st.integers(1, 5)),
    st.just(...),
    st.datetimes(timezones=st.none() | ZONES),
    st.datetimes().map(lambda moment: moment.replace(fold=1)),
    st.dates(),
    st.times(timezones=st.none() | ZONES),
    st.timedeltas(),
    ZONES,
    st.decimals(),
    st.uuids(),
    st.sampled_from(
        [pathlib.Path("a/b"), pathlib.PurePosixPath("/x"), pathlib.PureWindowsPath("c:\\x"), pathlib.Path("")]
    ),
    st.sampled_from([re.compile("a+"), re.compile("é", re.I | re.M), re.compile(b"x", re.S)]),
)
MARKS = st.one_of(
    st.builds(Ref, st.integers(0, 99), st.none() | st.text(max_size=3)),
    st.builds(Symbol, NAMES, st.sampled_from(["class", "function"]), st.booleans(), st.none() | st.text(max_size=3)),
    st.builds(Redacted, NAMES, ANY_TEXT),
    st.builds(Alias, ANY_TEXT),
)
HASHABLE = st.recursive(
    SCALARS
    | EXACT.filter(lambda value: type(value) is not slice and not (type(value) is decimal.Decimal and value.is_snan())),
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.frozensets(inner, max_size=3),
    max_leaves=4,
)
KEYS = st.one_of(st.none(), st.booleans(), INTEGERS, st.floats(), ANY_TEXT, st.binary(max_size=3), st.just("$ref"))


def _containers(inner: st.SearchStrategy) -> st.SearchStrategy:
    return st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(KEYS, inner, max_size=4),
        st.sets(HASHABLE, max_size=4),
        st.frozensets(HASHABLE, max_size=4),
        st.builds(Mapping, st.lists(st.tuples(inner, inner), max_size=3).map(tuple)),
        st.builds(Typed, NAMES, inner),
        st.builds(Member, NAMES, ANY_TEXT, inner),
        st.builds(Made, inner),
        st.builds(Opaque, NAMES, st.dictionaries(ANY_TEXT, inner, max_size=3)),
        st.builds(Cut, NAMES, st.integers(0), inner, st.none() | st.text(max_size=3)),
        st.builds(Array, NAMES, st.text(max_size=3), st.lists(st.integers(0), max_size=3).map(tuple), inner),
    )


VALUES = st.recursive(SCALARS | EXACT | MARKS, _containers, max_leaves=12)


def same(a: object, b: object) -> bool:
    """Equal and of equal types all the way down; NaN is NaN, and 0.0 is not -0.0."""
    if type(a) is not type(b):
        return False
    if type(a) is float:
        return a.hex() == b.hex()
    if type(a) is complex:
        return same(a.real, b.real) and same(a.imag, b.imag)
    if type(a) is decimal.Decimal:
        return a.as_tuple() == b.as_tuple()
    if type(a) in (list, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if type(a) is dict:
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a.items(), b.items(), strict=True))
    if type(a) in (set, frozenset):
        return len(a) == len(b) and all(any(same(item, other) for other in b) for item in a)
    if dataclasses.is_dataclass(a):
        return all(same(getattr(a, field.name), getattr(b, field.name)) for field in dataclasses.fields(a))
    if type(a) in (datetime.datetime, datetime.time):
        return repr(a) == repr(b)  # fold, and the name of the zone
    return a == b


# --- values -----------------------------------------------------------------------------------------------------------
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(VALUES)
def test_values_come_back(value):
    """decode(encode(v)) is v, type by type, through real and strict JSON."""
    data = engine.engine().dumps(encoding.encode(value))

    assert same(decoding.decode(engine.engine().loads(data)), value)
    assert same(decoding.decode(json.loads(data, parse_constant=pytest.fail)), value)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(VALUES)
def test_the_standard_library_does_as_well(value):
    """Without orjson the same values come back, and either reads what the other wrote."""
    data = engine._standard_dumps(encoding.encode(value))

    assert same(decoding.decode(engine._standard_loads(data)), value)
    assert same(decoding.decode(engine.engine().loads(data)), value)


def test_what_orjson_cannot_do_is_done_without_it(monkeypatch):
    """Where orjson cannot be imported, records are written and read all the same."""
    monkeypatch.setitem(sys.modules, "orjson", None)
    engine.engine.cache_clear()
    try:
        run = Run(Header("r"), (node(1, x=Argument("x", float("nan"))),))

        assert codec.loads(codec.dumps(run)) == codec.loads(codec.dumps(run), own=True) == run
    finally:
        engine.engine.cache_clear()


@pytest.mark.parametrize(
    "value",
    [True, 1, 1.0, (1,), [1], "1", b"1", {1}, frozenset({1}), {1: 1}, {"1": 1}, -(10**5000)],
    ids=lambda v: type(v).__name__,
)
def test_types_are_not_confused(value):
    """What compares equal, or looks equal in JSON, keeps its type."""
    assert same(decoding.decode(encoding.encode(value)), value)


@pytest.mark.parametrize(
    "value", [{"$ref": 1}, {"$tuple": [1]}, {"$x": {"$y": 2}}, {"a": 1, "$b": 2}, {"$": 1}], ids=repr
)
def test_a_dictionary_is_not_taken_for_a_tag(value):
    """Keys of the program that begin with a dollar are no tags of ours."""
    assert same(decoding.decode(encoding.encode(value)), value)


def test_offsets_to_the_microsecond():
    """A time zone that is off by a microsecond comes back: `fromisoformat` would lose it."""
    zone = datetime.timezone(datetime.timedelta(microseconds=1))

    for value in (datetime.time(1, tzinfo=zone), datetime.datetime(2020, 1, 1, tzinfo=zone)):
        assert repr(decoding.decode(encoding.encode(value))) == repr(value)


def test_sets_are_written_in_one_order():
    """The same set is the same text whatever the hash seed."""
    script = (
        "from begat.record.encoding import encode; from begat.record.values import Typed\n"
        "print(encode({'a','b','c',1,(2,'x'),None}), encode(Typed('builtins:set', ('a','c','b'))))"
    )
    outs = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2", "3")
    }

    assert len(outs) == 1


def test_a_stranger_is_no_value():
    """encode refuses what the closed set does not hold, and a value nested too deep."""
    deep: list = []
    for _ in range(1000):
        deep = [deep]

    with pytest.raises(TypeError, match="object"):
        encoding.encode(object())
    with pytest.raises(ValueError, match="deep"):
        encoding.encode(deep)


def test_the_deepest_value_written_is_read():
    """Whatever encode accepts fits through the JSON of both libraries."""
    value: object = 1
    for _ in range(limits.WRITTEN_DEPTH):
        value = Mapping(((value, 1),))
    run = Run(Header("r"), (node(1, x=Argument("x", value)),))

    assert same(codec.loads(codec.dumps(run)).nodes[0].params["x"], value)


# --- runs -------------------------------------------------------------------------------------------------------------
def node(number: int, **arguments: Argument) -> Node:
    return Node(number, "mylib:Net", "class", f"net{number}", arguments)


NUMBERS = st.integers(0, 2**31)
SITES = st.none() | st.builds(CallSite, ANY_TEXT, st.none() | NUMBERS, ANY_TEXT, st.none() | NUMBERS)
PLAIN = st.text(max_size=4)


@st.composite
def arguments(draw) -> dict[str, Argument]:
    names = draw(st.lists(PLAIN, unique=True, max_size=3))
    sources = st.sampled_from(["given", "default", "override", "config", "env"])
    return {name: Argument(name, draw(VALUES), draw(sources), draw(st.just(ABSENT) | VALUES)) for name in names}


@st.composite
def runs(draw, family: int = 1) -> Run:
    ids = draw(st.lists(st.integers(0, 2**60), unique=True, max_size=3))
    nodes = tuple(
        Node(
            number,
            draw(PLAIN),
            draw(st.sampled_from(["class", "factory", "function"])),
            draw(PLAIN),
            draw(arguments()),
            draw(SITES),
            draw(st.none() | st.integers(0, 9)),
            draw(st.sampled_from(["returned", "raised", "deferred"])),
            draw(st.none() | st.builds(Process, NUMBERS, st.none() | NUMBERS)),
            draw(st.none() | PLAIN),
            draw(st.booleans()),
            draw(st.none() | PLAIN),
            draw(st.dictionaries(PLAIN, PLAIN, max_size=2)),
            draw(st.tuples(st.none() | PLAIN, st.none() | PLAIN)),
            draw(st.lists(PLAIN, max_size=2).map(tuple)),
        )
        for number in ids
    )
    texts = st.dictionaries(PLAIN, VALUES, max_size=2)
    wishes = st.builds(
        Overridden, PLAIN, PLAIN, st.sampled_from(["override", "config", "env"]), PLAIN, st.integers(0, 9)
    )
    header = Header(
        "id",
        draw(st.none() | PLAIN),
        argv=("a", draw(PLAIN)),
        result=draw(texts),
        marks=(draw(PLAIN),),
        overrides=tuple(draw(st.lists(wishes, max_size=2))),
    )
    environment = Environment("3.12", packages={"a": "1"}, git=draw(st.none() | texts), seeds=draw(texts))
    events = tuple(draw(st.lists(st.builds(Event, PLAIN, NUMBERS, arguments(), st.none()), max_size=1)))
    children = tuple(draw(st.lists(runs(family - 1), max_size=2))) if family else ()
    return Run(header, nodes, environment, events, children)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(runs())
def test_runs_come_back(run):
    """load(dump(run)) == run, and dumping the same run gives the same strict JSON."""
    data = codec.dumps(run)
    json.loads(data, parse_constant=pytest.fail)
    loaded = codec.loads(data)

    assert codec.dumps(loaded) == codec.dumps(run) == data
    assert loaded == run
    assert [n.id for n in loaded.nodes] == [n.id for n in run.nodes]
    for before, after in zip(run.nodes, loaded.nodes, strict=True):
        assert same(after.params, before.params)


def test_the_layout_is_the_published_one():
    """A record reads as its reference shows it; what says nothing is left out."""
    run = Run(
        Header("r1", "baseline", argv=("train.py",)),
        (
            Node(
                7,
                "train:Net",
                "class",
                "model",
                {"hidden": Argument("hidden", 256, "override", 128), "enc": Argument("enc", Ref(6))},
                CallSite("train.py", 31, "main", 4),
                process=Process(1, 0),
            ),
        ),
    )
    document = json.loads(codec.dumps(run))

    assert document["format"] == "begat/1"
    assert document["run"]["name"] == "baseline"
    assert document["nodes"] == [
        {
            "id": 7,
            "target": "train:Net",
            "kind": "class",
            "path": "model",
            "arguments": [
                {"name": "hidden", "value": 256, "source": "override", "was": 128},
                {"name": "enc", "value": {"$ref": 6}, "source": "given"},
            ],
            "site": {"file": "train.py", "line": 31, "function": "main", "column": 4},
            "within": None,
            "outcome": "returned",
            "process": {"pid": 1, "rank": 0},
        }
    ]
    assert list(document) == ["format", "run", "environment", "nodes"]


def test_one_stray_value_does_not_cost_the_record():
    """What is no value of a record is written as something opaque; all else is there."""

    class Stranger:
        def __repr__(self):
            raise RuntimeError

    run = Run(Header("r"), (node(1, x=Argument("x", Stranger()), y=Argument("y", 2)),))
    loaded = codec.loads(codec.dumps(run))

    assert type(loaded.nodes[0].params["x"]) is Opaque
    assert loaded.nodes[0].params["y"] == 2


def test_file_names_of_other_bytes_are_written():
    """A path that is not UTF-8 stops nothing; it is written in sight."""
    run = Run(
        Header("r", argv=("caf\udce9.py",)), (dataclasses.replace(node(1), site=CallSite("caf\udce9.py", 1, "f")),)
    )

    assert codec.loads(codec.dumps(run)).nodes[0].site.file == r"caf\udce9.py"


# --- what is refused --------------------------------------------------------------------------------------------------
def document(**changes: object) -> dict:
    plain = {"format": "begat/1", "run": {"id": "r"}, "environment": {}, "nodes": []}
    return plain | changes


def a_node(**changes: object) -> dict:
    return {"id": 1, "target": "a:B", "kind": "class", "path": "b", "arguments": []} | changes


def an_argument(value: object) -> dict:
    return document(nodes=[a_node(), a_node(id=2, arguments=[{"name": "x", "value": value, "source": "given"}])])


def test_what_may_be_left_out_may_be_left_out():
    """A document of the required keys alone is a run."""
    run = codec.loads(json.dumps(document(nodes=[a_node(arguments=[{"name": "x", "value": 1}])])))

    assert run.nodes[0].arguments["x"] == Argument("x", 1, "given")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not JSON"),
        (b'{"format": ', "line 1"),
        (b"[]", "an array"),
        (b"{}", '"format" is None'),
        (b"\xff\xfe", "not JSON"),
        (b"\x1f\x8b\x08\x00", "not JSON"),
        (b'{"format":"begat/1","run":{"id":"r","result":{"a":NaN}},"environment":{},"nodes":[]}', "not JSON"),
        (b'{"format":"begat/1","run":{"id":"r"},"environment":{},"nodes":[],"nodes":[]}', "'nodes' occurs twice"),
        (b"[" * 100_000, "not JSON|nested|recursion"),
        (b'{"a":' * 100_000, "not JSON|nested|recursion"),
        (json.dumps(document(format="begat/99")), "upgrade begat"),
        (json.dumps(document(format="other/1")), "not a record"),
        (json.dumps(document(format=7)), "not a record"),
        (json.dumps(document(policy={"allow": ["*"]})), "at policy"),
        (json.dumps(document(nodes={})), "at nodes"),
        (json.dumps({"format": "begat/1"}), "at run"),
        (json.dumps(document(nodes=[a_node(), a_node(id="2")])), r"at nodes\[1\].id"),
        (json.dumps(document(nodes=[a_node(), 5])), r"at nodes\[1\]"),
        (json.dumps(document(nodes=[a_node(), a_node()])), r"nodes\[1\].id: a second node 1"),
        (json.dumps(document(nodes=[a_node(kind="exploit")])), r"nodes\[0\].kind"),
        (json.dumps(document(nodes=[a_node(_target_="os:system")])), r"nodes\[0\]._target_"),
        (json.dumps(document(nodes=[a_node(arguments=[{"name": "x"}])])), r"nodes\[0\].arguments\[0\].value"),
        (json.dumps(document(nodes=[a_node(arguments=[{"name": "x", "value": 1, "source": "hearsay"}])])), "source"),
        (json.dumps(document(nodes=[a_node(arguments=[{"name": "x", "value": 1}] * 2)])), "a second argument 'x'"),
        (
            json.dumps(document(children=[{"run": {"id": "c"}, "environment": {}, "nodes": [{}]}])),
            r"children\[0\].nodes\[0\]",
        ),
        (
            json.dumps(an_argument({"a": [1, {"$evil": 1}]})),
            r"nodes\[1\].arguments\[0\].value.a\[1\]: unknown tag '\$evil'",
        ),
        (json.dumps(an_argument({"$tuple": [], "more": 1})), "beside other keys"),
        (json.dumps(an_argument({"$tuple": 5})), "int instead of list"),
        (json.dumps(an_argument({"$dict": [[[1], 2]]})), r"\$dict\[0\]\[0\]: list instead of"),
        (json.dumps(an_argument({"$dict": [["a", 1], ["a", 2]]})), "a key occurs twice"),
        (json.dumps(an_argument({"$set": [1, 1]})), "a member occurs twice"),
        (json.dumps(an_argument({"$set": [[1]]})), r"no set: unhashable"),
        (json.dumps(an_argument({"$int": "0x" + "f" * 5000})), "4,300"),
        (json.dumps(an_argument({"$int": "12"})), "hexadecimal"),
        (json.dumps(an_argument({"$float": "1.5"})), "nan"),
        (json.dumps(an_argument({"$float": []})), "nan"),
        (json.dumps(an_argument({"$datetime": "yesterday"})), "no datetime"),
        (json.dumps(an_argument({"$datetime": 5})), r"\$datetime: int instead of dict"),
        (json.dumps(an_argument({"$decimal": "one"})), "no decimal"),
        (json.dumps(an_argument({"$range": [1, 2, 0]})), "no range"),
        (json.dumps(an_argument({"$pattern": ["(", 0]})), "no pattern"),
        (json.dumps(an_argument({"$path": ["Evil", "x"]})), "unknown path"),
        (json.dumps(an_argument({"$uuid": "x"})), "no uuid"),
        (json.dumps(an_argument({"$bytes": "!"})), "no bytes"),
        (json.dumps(an_argument({"$str": "gA=="})), "no str"),
        (json.dumps(an_argument({"$timezone": [[9, 0, 0]]})), "no timezone"),
        (json.dumps(an_argument({"$ref": "six"})), "str instead of dict"),
        (json.dumps(an_argument({"$ref": True})), "bool instead of dict"),
        (
            json.dumps(an_argument({"$symbol": {"target": "os:system", "kind": "function", "call": True}})),
            "unknown key 'call'",
        ),
        (json.dumps(an_argument({"$symbol": {}})), "is missing"),
        (json.dumps(an_argument({"$symbol": {"target": 5, "kind": "class"}})), r"\$symbol.target: int instead of str"),
        ('{"a": ' + "1" * 5000 + "}", "not JSON"),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_what_is_no_record_is_refused(data, says):
    """Every failure is an InvalidRecord that says what is wrong and where."""
    with pytest.raises(InvalidRecord, match=says):
        codec.loads(data)


def test_bombs_are_refused(monkeypatch, tmp_path):
    """Too many bytes, nodes or levels are refused, in little time."""
    began = time.perf_counter()
    deep: object = 1
    for _ in range(300):
        deep = [deep]
    with pytest.raises(InvalidRecord, match="nested deeper than 200"):
        codec.loads(json.dumps(an_argument(deep)))
    with open(tmp_path / "huge.json", "wb") as file:
        file.truncate(2_000_000_000)
    monkeypatch.setattr(limits, "BYTES", 1_000)
    with pytest.raises(InvalidRecord, match=r"huge.json: larger than 1,000 bytes"):
        codec.load(tmp_path / "huge.json")
    monkeypatch.undo()
    monkeypatch.setattr(limits, "NODES", 2)
    child = {"run": {"id": "c"}, "environment": {}, "nodes": [a_node(id=2), a_node(id=3)]}
    with pytest.raises(InvalidRecord, match="more than 2 nodes"):
        codec.loads(json.dumps(document(nodes=[a_node()], children=[child])))
    family = document()
    for _ in range(200):
        family = document(children=[{k: v for k, v in family.items() if k != "format"}])
    with pytest.raises(InvalidRecord, match="runs nested deeper"):
        codec.loads(json.dumps(family))

    assert time.perf_counter() - began < 2


def test_reading_imports_and_opens_nothing(tmp_path):
    """A record that names modules, classes and functions makes no import, opens no file, starts no process."""
    values = [
        {"$symbol": {"target": "antigravity:fly", "kind": "function"}},
        {"$typed": {"type": "antigravity:Fly", "value": {"$datetime": "2020-01-01T00:00:00"}}},
        {"$member": {"type": "this:Color", "name": "RED"}},
        {"$made": {"$symbol": {"target": "this:s", "kind": "class"}}},
        {"$path": ["PosixPath", "/etc/passwd"]},
        {"__reduce__": "os.system", "__class__": "os:system"},
    ]
    (tmp_path / "run.json").write_text(json.dumps(an_argument(values)))
    script = (
        "import sys\nfrom begat.record import codec, schema\n"
        "codec.load(sys.argv[1])\n"  # the first time pydantic builds its validators
        "seen = []\nsys.addaudithook(lambda event, args: seen.append((event, args)))\n"
        "codec.load(sys.argv[1])\n"
        "print([x for x in seen if x[0] in ('import', 'exec', 'subprocess.Popen', 'os.system') or (x[0] == 'open' and x[1][0] != sys.argv[1])])\n"
        "print([m for m in ('antigravity', 'this') if m in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "run.json")],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "[]\n[]\n"


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_damaged_record_is_read_or_refused(data):
    """Bytes changed anywhere give a run or InvalidRecord, nothing else."""
    run = Run(
        Header("r"),
        (node(1, x=Argument("x", (1, {"a": {2.5}}, Ref(1), datetime.date(2020, 1, 1), re.compile("a")))),),
    )
    record = bytearray(codec.dumps(run))
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(record) - 1))
        record[position : position + data.draw(st.integers(0, 3))] = data.draw(
            st.sampled_from([b"", b'"', b"[", b"]", b"{", b"}", b"9", b"null", b"-", b"\xff", b"$", b","])
        )

    try:
        found = codec.loads(bytes(record))
    except InvalidRecord:
        return
    assert isinstance(found, Run)


def test_the_collector_is_left_as_it_was():
    """Reading pauses the garbage collector and leaves it on or off as it found it, also when it fails."""
    data = codec.dumps(Run(Header("r")))
    codec.loads(data)
    assert gc.isenabled()
    with pytest.raises(InvalidRecord):
        codec.loads(b"x")
    assert gc.isenabled()
    gc.disable()
    try:
        codec.loads(data)
        assert not gc.isenabled()
    finally:
        gc.enable()


# --- formats ----------------------------------------------------------------------------------------------------------
def test_earlier_formats_are_brought_up_step_by_step():
    """Each step leads to the next until the present format is reached."""
    steps = {
        "begat/0": lambda d: d | {"format": "begat/0.5", "a": 1},
        "begat/0.5": lambda d: d | {"format": "begat/1", "b": 2},
    }

    assert migrations.migrate({"format": "begat/0"}, steps) == {"format": "begat/1", "a": 1, "b": 2}


def test_steps_that_lead_nowhere_end():
    """A table with a loop is an error, not an endless one."""
    with pytest.raises(InvalidRecord, match="do not lead"):
        migrations.migrate({"format": "begat/0"}, {"begat/0": lambda d: d})


SCHEMA = pathlib.Path(__file__).parents[2] / "docs" / "reference" / "record.schema.json"


def test_the_published_schema_is_current():
    """docs/reference/record.schema.json is what the models say; `python tests/record/test_codec.py` writes it anew."""
    from begat.record.schema import json_schema

    assert json.loads(SCHEMA.read_text("utf-8")) == json_schema()


def test_the_schema_accepts_what_is_written():
    """A record with every kind of value is valid by its own JSON Schema."""
    jsonschema = pytest.importorskip("jsonschema")
    values = [(1,), {1}, b"x", math.nan, 2**70, "\ud800", {1: 2}, Ref(1), Symbol("a:b"), Opaque("a:b"), {"a": [None]}]
    run = Run(
        Header("r", result={"loss": 0.5}),
        (node(1, **{f"x{i}": Argument(f"x{i}", value) for i, value in enumerate(values)}),),
        children=(Run(Header("c")),),
    )

    jsonschema.validate(json.loads(codec.dumps(run)), json.loads(SCHEMA.read_text("utf-8")))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(an_argument({"$evil": 1}), json.loads(SCHEMA.read_text("utf-8")))


def test_every_tag_is_described():
    """The schema names exactly the tags that are read."""
    assert set(encoding.TAGS) == set(decoding._READERS)


if __name__ == "__main__":
    from begat.record.schema import json_schema

    SCHEMA.parent.mkdir(parents=True, exist_ok=True)
    SCHEMA.write_text(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n", "utf-8")


def _long(count):
    """A run of so many nodes, with texts and values that look like the places between nodes, one of them longer than a piece."""
    odd = ['},{"id":3', {"id": 1, "nodes": [{"id": 2}, {"id": 3}]}, '}],"events":[', "}]}"]
    values = dict.fromkeys(range(0, count, 7), odd) | {99: [{"id": number} for number in range(40_000)]}
    nodes = tuple(
        Node(number, "m:N", "class", f"n.{number}", {"a": Argument("a", values.get(number, number))})
        for number in range(count)
    )
    header = Header("r", result={"a": 1, "nodes": [{"id": 1}, {"id": 2}]})
    return Run(header, nodes, Environment(), (Event("reinit", 3, {"a": Argument("a", odd)}),))


@pytest.mark.parametrize("inside", [False, True])
def test_long_records_are_read_in_pieces(inside, monkeypatch):
    """What is read is the same as if it were read at once, where values look like nodes too, and inside another run."""
    run = _long(5_000)
    if inside:
        run = Run(Header("outer"), (), Environment(), (), (run,))
    written = codec.dumps(run)
    asked = []
    monkeypatch.setattr(codec, "parted", lambda data: asked.append(pieces.parted(data)) or asked[-1])

    assert codec.loads(written) == run
    assert len(asked) == 1
    assert asked[0] is not None
    assert sum(len(list(rows)) for rows in asked[0][1].values()) == 0  # they were taken
    monkeypatch.setattr(codec, "parted", lambda _: None)
    assert codec.loads(written) == run


def test_the_nodes_of_every_run_are_read_in_pieces():
    """Runs beside and inside each other, with and without nodes and events; a number in the place of a list is none of ours."""
    runs = [
        Run(Header(f"r{count}"), _long(count).nodes, Environment(), _long(count).events[: count % 2])
        for count in (200, 0, 7001, 2)
    ]
    run = Run(
        Header("outer"),
        _long(3).nodes,
        Environment(),
        (),
        (*runs, Run(Header("more"), (), Environment(), (), tuple(runs))),
    )
    written = codec.dumps(run)

    assert len(pieces.parted(written)[1]) == 7
    assert codec.loads(written) == run
    for number in range(8):
        with pytest.raises(InvalidRecord, match=r"nodes\[0\]: "):
            codec.loads(written.replace(b'"nodes":[]', b'"nodes":[%d]' % number, 1))


def test_what_is_wrong_in_a_piece_is_said_with_its_place():
    """A node in the middle of a long record is named by its number in the whole; what is cut off is no JSON."""
    written = codec.dumps(_long(5_000))
    assert len(written) > 2 * pieces._SIZE

    with pytest.raises(InvalidRecord, match=r"nodes\[4321\]"):
        codec.loads(written.replace(b'"path":"n.4321"', b'"path":4321'))
    for cut in (written[: len(written) // 2], written.replace(b'"path":"n.4321"', b'"path":"n.4321')):
        with pytest.raises(InvalidRecord, match="not JSON"):
            codec.loads(cut)


def test_reading_takes_little_more_than_what_is_read():
    """At its highest, reading a long record takes less than half as much again as the run itself, beside its bytes."""
    written = codec.dumps(_long(20_000))
    gc.collect()
    tracemalloc.start()
    run = codec.loads(written)
    held, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(run.nodes) == 20_000
    assert most < 1.5 * held
