"""Records that somebody else wrote: whatever stands in them, reading them ends soon, runs nothing, and says what is wrong where."""

from __future__ import annotations

import ast
import copy
import json
import os
import random
import subprocess
import sys
from time import process_time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import begat
from begat.cli.find import heads
from begat.errors import InvalidRecord, OverrideError
from begat.record import codec, dot, limits, views
from begat.record.graph import Run
from begat.record.model import Argument, Header, Node
from begat.render import table, tree
from begat.render.yaml import emit
from begat.replay.codegen import to_python
from begat.replay.sources import from_file
from handmade import training
from harness import SOURCE

WHOLE = json.loads(codec.dumps(training()))
WHOLE["nodes"] = WHOLE["nodes"][:12]
WHOLE["children"] = [{key: copy.deepcopy(WHOLE[key]) for key in ("run", "environment", "nodes")}]
WHOLE["events"] = [{"kind": "reinit", "node": 1, "arguments": [{"name": "a", "value": 1}], "site": None}]
TAGS = [
    "tuple", "set", "frozenset", "dict", "str", "int", "float", "bytes", "complex", "range", "slice", "ellipsis", "datetime",
    "time", "date", "timedelta", "timezone", "decimal", "uuid", "path", "pattern", "ref", "symbol", "member", "typed", "array",
    "opaque", "cut", "redacted", "alias", "made", "mapping", "nonsense",
]  # fmt: skip
ODD = [
    None, True, 0, -1, 1.5, 1e300, 2**63, -(2**70), "", "\0", "x" * 300, "\x1b]0;x\x07", "‮", "🜃", "../../etc/passwd", "$ref", "a.b.0.c",
    "__import__('os').system('x')", "os:system", "builtins:eval", "<script>", "=cmd()", "!!python/object", "*.*", ".", "..", "0", "00",
    [], {}, [[]], {"": 1}, {"$ref": 1}, {"$ref": 999}, {"$ref": {"node": 1, "run": "x"}}, {"$alias": "a.b"}, {"$float": "nan"},
    {"$pattern": ["(a+)+$", 0]}, {"$range": [0, 10**15, 1]}, {"$decimal": "1e999999"}, {"$path": ["PosixPath", "/etc/passwd"]},
    {"$symbol": {"target": "os:system", "kind": "function"}}, {"$made": {"$made": {"$ref": 2}}}, {"$datetime": "9999-12-31T23:59:59"},
    {"$array": {"type": "numpy:ndarray", "dtype": "O", "shape": [2**62, 2**62], "data": []}}, {"$cut": {"type": "str", "length": -5}},
    {"$opaque": {"type": "x", "facts": {"$ref": 1}}}, {"$int": "0x" + "f" * 5000}, {"$dict": [[1, 2], [True, 3]]}, {"$set": [[]]},
]  # fmt: skip

json_values = st.recursive(
    st.sampled_from(ODD) | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=4) | st.sampled_from([f"${tag}" for tag in TAGS]), inner, max_size=3)
        | st.builds(lambda tag, value: {f"${tag}": value}, st.sampled_from(TAGS), inner)
    ),
    max_leaves=10,
)


def places(document, way=()):
    """The way to every part of *document*."""
    yield way
    parts = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for step, part in parts:
        yield from places(part, (*way, step))


PLACES = list(places(WHOLE))


@st.composite
def mutated(draw):
    """`WHOLE` with a few parts replaced, removed, doubled or exchanged."""
    document = copy.deepcopy(WHOLE)
    for _ in range(draw(st.integers(1, 4))):
        way = draw(st.sampled_from(PLACES))
        holder = document
        try:
            for step in way[:-1]:
                holder = holder[step]
            if not way:
                document = draw(json_values)
                continue
            match draw(st.integers(0, 4)):
                case 0:
                    del holder[way[-1]]
                case 1 if isinstance(holder, list):
                    holder.append(copy.deepcopy(holder[way[-1]]))
                case 2:
                    other = draw(st.sampled_from(PLACES))
                    part = document
                    for step in other:
                        part = part[step]
                    holder[way[-1]] = copy.deepcopy(part)
                case 3 if isinstance(holder, dict):
                    holder[draw(st.text(max_size=5) | st.sampled_from(["$ref", "id", "nodes"]))] = draw(json_values)
                case _:
                    holder[way[-1]] = draw(json_values)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took that part away
    return document


def looked_at(run: Run) -> None:
    """Ask *run* all that the command can show of it."""
    to_python(run)
    list(tree.lines(run, everything=True))
    list(tree.lines(run, everything=False))
    rows = list(table.rows(run, everything=True))
    list(table.lines(rows))
    for row in rows:
        row.data_row()
    emit(views.config(run, everything=True))
    json.dumps(views.flat(run, everything=True))
    json.dumps(views.config(run, everything=False))
    dot.dot(run, everything=True)
    for node in run.nodes[:20]:
        run.upstream(node), run.downstream(node)
    run.select("*")
    assert codec.dumps(codec.loads(codec.dumps(run))) == codec.dumps(run)


def survives(data: bytes) -> None:
    """*data* is a record that can be looked at, or is refused with a word on what and where."""
    before = set(sys.modules)
    try:
        run = codec.loads(data)
    except InvalidRecord as error:
        assert 5 < len(str(error)) < 2000
        return
    looked_at(run)
    assert not {
        name for name in set(sys.modules) - before if name.split(".")[0] in ("os2", "train", "torch", "sklearn", "m")
    }


EXAMPLES = settings(deadline=None, max_examples=100, suppress_health_check=list(HealthCheck))
MANY = settings(deadline=None, max_examples=3_000, suppress_health_check=list(HealthCheck))


@EXAMPLES
@given(mutated())
def test_records_with_parts_exchanged(document):
    """Every view of what is read works; the rest is refused."""
    survives(json.dumps(document).encode())


@pytest.mark.slow
@MANY
@given(mutated())
def test_very_many_records_with_parts_exchanged(document):
    """The same, long."""
    survives(json.dumps(document).encode())


@EXAMPLES
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=8), st.integers(0, 4))
def test_records_with_bytes_exchanged(changes, cut):
    """Bit rot, and files that were cut off or overwritten in the middle."""
    data = bytearray(codec.dumps(training()))
    for at, byte in changes:
        data[at % len(data)] = byte
    survives(bytes(data[: len(data) * cut // 4] if cut else data))


@EXAMPLES
@given(
    st.binary(max_size=200) | st.text(max_size=100).map(str.encode) | json_values.map(lambda v: json.dumps(v).encode())
)
def test_anything_at_all(data):
    """What is no record is refused."""
    survives(data)


# --- bombs ------------------------------------------------------------------------------------------------------------
def record(nodes: bytes) -> bytes:
    whole = {**WHOLE, "nodes": [], "children": [], "events": []}
    return json.dumps(whole, separators=(",", ":")).encode().replace(b'"nodes":[]', b'"nodes":[' + nodes + b"]", 1)


def node(number: int, value: bytes) -> bytes:
    return (
        b'{"id":%d,"target":"m:N","kind":"class","path":"n","arguments":[{"name":"a","value":%s,"source":"given"}],"site":null,'
        b'"within":null,"outcome":"returned","process":null}' % (number, value)
    )


DEEP = 100_000
BOMBS = {
    "lists in lists": (lambda: node(1, b"[" * DEEP + b"]" * DEEP), "deep|depth"),
    "objects in objects": (lambda: node(1, b'{"a":' * DEEP + b"1" + b"}" * DEEP), "deep|depth"),
    "lists in lists, fewer": (lambda: node(1, b"[" * 900 + b"]" * 900), r"at nodes\[0\].*nested deeper"),
    "tuples in tuples": (lambda: node(1, b'{"$tuple":[' * 300 + b"1" + b"]}" * 300), "deep"),
    "a million digits": (lambda: node(1, b"9" * 10**6), "not JSON"),
    "a million hexadecimal digits": (lambda: node(1, b'{"$int":"0x' + b"f" * 10**6 + b'"}'), r"at nodes\[0\].*\$int"),
    "an exponent": (lambda: node(1, b"1e999999999"), "not JSON"),
    "not a number": (lambda: node(1, b"NaN"), "not JSON"),
    "a key twice": (lambda: node(1, b'{"a":1,"a":2}'), "twice"),
    "a key of a dict twice": (lambda: node(1, b'{"$dict":[["a",1],["a",2]]}'), "twice"),
    "a long text": (lambda: node(1, b'"' + b"a" * (limits.TEXT + 1) + b'"'), "longer than"),
    "ten million items": (lambda: node(1, b"[" + b"0," * 10**7 + b"0]"), "items"),
    "ten million objects": (lambda: node(1, b"[" + b"{}," * 10**7 + b"0]"), "items"),
    "numbers of one hash": (lambda: node(1, colliding(b"$set", 30_000)), "hash"),
    "keys of one hash": (lambda: node(1, b'{"$dict":[' + b",".join(b"[%s,1]" % n for n in same_hash(30_000)) + b"]}"), "hash"),
    "the same id": (lambda: b",".join([node(1, b"1")] * 1000), r"at nodes\[1\]\.id: a second node"),
    "expressions to compile": (lambda: node(1, b"[" + b",".join(b'{"$pattern":["(a|b)[c-x]%d",0]}' % i for i in range(100_000)) + b"]"), "BEGAT_READ_MEMORY=4000"),
    "lists upon lists": (lambda: node(1, b"[" + b",".join([b"[" + b"[]," * 999_999 + b"[]]"] * 16) + b"]"), "BEGAT_READ_MEMORY=4000"),
    "numbered within each other": (lambda: b",".join(node(i, b"1").replace(b'"path":"n"', b'"path":"m.%d"' % i if i else b'"path":"m"').replace(b'"within":null', b'"within":%d' % (i - 1 if i else 9)) for i in range(6_000)), None),
    "thousands of one name": (lambda: b",".join(node(i, b"1").replace(b'"path":"n"', b'"path":""') for i in range(6_000)), None),
    "a path of many steps": (lambda: node(1, b"1").replace(b'"path":"n"', b'"path":"%s"' % (b"a." * 100_000 + b"b")), None),
    "an endless range": (lambda: node(1, b'{"$range":[0,99999999999,1]}'), None),
    "an endless decimal": (lambda: node(1, b'{"$decimal":"1e999999999"}'), None),
    "an endless array": (lambda: node(1, b'{"$array":{"type":"n:a","dtype":"f8","shape":[99999999999,99999999],"data":[1]}}'), None),
    "nodes within each other": (lambda: b",".join(node(i, b'{"$ref":%d}' % (i + 1 if i < 3000 else 0)).replace(b'"within":null', b'"within":%d' % (i + 1 if i < 3000 else 0)) for i in range(3001)), None),
}  # fmt: skip


def same_hash(count: int) -> list[bytes]:
    return [b'{"$int":"%s"}' % hex(i * (2**61 - 1)).encode() for i in range(1, count + 1)]


def colliding(tag: bytes, count: int) -> bytes:
    return b'{"%s":[%s]}' % (tag, b",".join(same_hash(count)))


@pytest.mark.parametrize("name", BOMBS)
def test_bombs(name):
    """A small file that asks for much is refused, or shown, within seconds."""
    make, refused = BOMBS[name]
    data = record(make())
    begin = process_time()
    if refused is not None:
        with pytest.raises(InvalidRecord, match=refused) as caught:
            codec.loads(data)
        assert len(str(caught.value)) < 2000
    else:
        looked_at(codec.loads(data))

    assert process_time() - begin < 5


def test_very_many_runs_are_refused(monkeypatch):
    """Each is much more in memory than in the file; who has the memory can say so."""
    runs = b",".join([b'{"run":{"id":"a"},"environment":{},"nodes":[]}'] * 3_000)
    data = record(b"").replace(b'"children":[]', b'"children":[%b]' % runs)
    monkeypatch.setenv("BEGAT_READ_MEMORY", "20")
    with pytest.raises(InvalidRecord, match=r"20 MB of memory; BEGAT_READ_MEMORY=40 in the environment"):
        codec.loads(data)
    monkeypatch.setenv("BEGAT_READ_MEMORY", "40")
    assert len(codec.loads(data).children) == 3_000


@pytest.mark.parametrize("size", [limits.BYTES + 1, 1 << 40])
def test_a_giant_file_is_refused_unread(size, tmp_path):
    """At once, and without its size in memory."""
    path = tmp_path / "run.json"
    with path.open("wb") as file:
        file.truncate(size)
    begin = process_time()

    with pytest.raises(InvalidRecord, match=r"run\.json: larger than"):
        begat.load(path)

    assert process_time() - begin < 0.1


WEIGHED = """
import resource, sys, time
import begat
from begat.record import schema
used, begin = resource.getrusage(resource.RUSAGE_SELF), time.process_time()
try: begat.load(sys.argv[1])
except begat.errors.InvalidRecord as error: print(error)
now = resource.getrusage(resource.RUSAGE_SELF)
print(time.process_time() - begin, (now.ru_maxrss - used.ru_maxrss) / 1000)
"""
SMALL = b'{"id":1,"target":"","kind":"class","path":"","arguments":[]}'


@pytest.mark.parametrize(
    ("parts", "count", "refused"),
    [
        ((b'"nodes":[', SMALL + b",", b"0]"), 2_100_000, "more than 2,000,000 nodes"),
        (
            (b'"nodes":[],"events":[', b'{ "kind" : "", "node" : 1, "arguments" : [ ] }\n, ', b"0]"),
            2_100_000,
            "2,000,000 nodes",
        ),
        ((b'"nodes":[', b"[],", b"0]"), 40_000_000, "more than 50,000,000 values"),
        ((b'"nodes":[],"x":{"a":[', b'{"a":1},', b"{}]}"), 21_000_000, "more than 50,000,000 values"),
    ],
    ids=["nodes", "events", "lists", "objects"],
)
def test_what_would_become_too_much_is_counted_before_it_is_built(parts, count, refused, tmp_path):
    """In a second, and in the memory that a program has anyway."""
    begin, part, end = parts
    with (tmp_path / "run.json").open("wb") as file:
        file.write(b'{"format":"begat/1","run":{"id":"r"},"environment":{},' + begin)
        for _ in range(count // 100_000):
            file.write(part * 100_000)
        file.write(end + b"}")

    done = subprocess.run(
        [sys.executable, "-c", WEIGHED, tmp_path / "run.json"],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
    )
    said, figures = done.stdout.splitlines()
    seconds, megabytes = map(float, figures.split())

    assert refused in said
    assert seconds < 2
    assert megabytes < 64


def test_more_items_than_are_read_are_not_written():
    """A run made by hand with a longer list is written without it, and says so."""
    run = Run(
        Header("r"),
        (Node(1, "m:N", "class", "n", {"a": Argument("a", [0] * (limits.ITEMS + 1)), "b": Argument("b", 1)}),),
    )

    params = codec.loads(codec.dumps(run)).nodes[0].params

    assert params["a"].facts == {"reason": "not written: ValueError"}
    assert params["b"] == 1


JOURNAL = b'{"$journal":{"format":"begat-journal/1","run":"r","pid":1,"rank":null,"host":"h","process":null,"at":0,"parent":null,"start":0}}\n'


def test_short_lines_that_stand_for_very_much(tmp_path, monkeypatch):
    """Rows of a class of ten thousand parameters are counted as what they become, over all journals of the run."""
    monkeypatch.setattr(limits, "FILLED", 1_000_000)
    names = [f"a{number}" for number in range(10_000)]
    schema = {"number": 0, "target": "m:N", "kind": "class", "code": None, "annotations": {}, "starred": [None, None],
              "positional": 0, "notes": [], "names": names, "defaults": dict.fromkeys(names, 1)}  # fmt: skip
    about = [{"$schema": schema}, {"$place": [0, ["f", 1, "f", None], True, False, None]}]
    (tmp_path / "journal").mkdir()
    for journal in "ab":
        rows = [{"$row": [number, 0, 0, None, {}]} for number in range(60)]
        lines = b"".join(json.dumps(each).encode() + b"\n" for each in (*about, *rows))
        (tmp_path / "journal" / f"1-{journal}.jsonl").write_bytes(JOURNAL + lines)

    with pytest.raises(InvalidRecord, match=r"1-b\.jsonl: more than 1,000,000 arguments"):
        begat.load(tmp_path)


def alias_bomb(begin: str, end: str) -> bytes:
    rows = [f"{chr(98 + i)}: &{chr(98 + i)} {begin}{f'*{chr(97 + i)}, ' * 8}*{chr(97 + i)}{end}" for i in range(9)]
    return "\n".join(["a: &a [x, x]", *rows]).encode()


CONFIGS = {
    "aliases.yaml": (alias_bomb("[", "]"), "more than 50,000 values"),
    "ring.yaml": (b"a: &a [*a]", "nested deeper"),
    "deep.yaml": (b"[" * 3000 + b"]" * 3000, "nested deeper"),
    "deep.toml": (b"a=" + b"[" * 5000 + b"]" * 5000, "nested deeper"),
    "dots.toml": (b".".join([b"a"] * 3000) + b"=1", "nested deeper"),
    "deep.json": (b"[" * 100_000, "depth limit"),
    "wide.yaml": (b"".join(b"k%d: 1\n" % i for i in range(200_000)), "more than 50,000 values"),
    "wide.json": (b"{" + b",".join(b'"k%d":1' % i for i in range(200_000)) + b"}", "more than 50,000 values"),
    "long.yaml": (b"a: " + b"x" * 5_000_000, "at most 4,000,000 bytes"),
    "digits.toml": (b"a=" + b"9" * 1_000_000, "cannot read"),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_files_of_overrides_that_ask_for_much(name, tmp_path):
    """They are refused soon, by one message with the file in it."""
    content, refused = CONFIGS[name]
    (tmp_path / name).write_bytes(content)
    begin = process_time()

    with pytest.raises(OverrideError, match=refused) as caught:
        from_file(tmp_path / name)

    assert name in str(caught.value)
    assert process_time() - begin < 5


def test_a_journal_of_constructions_each_inside_the_last_one(tmp_path):
    """Their paths do not grow with the square of it."""
    about = {"number": 0, "target": "m:N", "kind": "class", "code": None, "annotations": {}, "starred": [None, None],
             "positional": 0, "notes": [], "names": ["a"], "defaults": {}}  # fmt: skip
    lines = [{"$schema": about}, {"$place": [0, ["f", 1, "f", None], True, False, None]}]
    lines += [{"$row": [i, 0, 0, i - 1 if i else None, {"a": 1}]} for i in range(5_000)]
    (tmp_path / "journal").mkdir()
    text = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    (tmp_path / "journal" / "1-a.jsonl").write_bytes(JOURNAL + text)

    paths = [node.path for node in begat.load(tmp_path).nodes]

    assert len(set(paths)) == 5_000
    assert sum(map(len, paths)) < 5_000_000


# --- the command --------------------------------------------------------------------------------------------------------
HOSTILE = {
    "empty": b"",
    "deep": b'{"run":' + b"[" * 200_000,
    "deep elsewhere": b'{"format":"begat/1","nodes":' + b"[" * 200_000 + b"]" * 200_000 + b',"run":{"id":"x"}}',
    "a number": b'{"run":5}',
    "digits": b'{"run":{"name":' + b"9" * 100_000 + b"}}",
    "a list": b'{"run":[[1,2],[3,4]]}',
    "names of other kinds": b'{"run":{"id":[],"name":{"a":1},"script":[1],"outcome":5,"started":5,"ended":[],"error":{},"exit_code":"x"}}',
    "times": b'{"run":{"started":"2026-99-99","ended":"\\u0000"}}',
    "escapes": b'{"run":{"name":"\\u001b]0;owned\\u0007\\u202e","script":"\\u001b[2J"}}',
    "latin": '{"run":{"name":"é"}}'.encode("latin-1"),
}


@pytest.fixture
def home(tmp_path):
    """A folder of runs, one of which is all right."""
    good = codec.dumps(training())
    folder = tmp_path / ".begat" / "runs"
    for number, data in enumerate((*HOSTILE.values(), good)):
        (folder / f"20261122-0000{number:02}-aaaaaa").mkdir(parents=True)
        (folder / f"20261122-0000{number:02}-aaaaaa" / "run.json").write_bytes(data)
    (folder / "20261123-000000-ffffff").mkdir()
    (folder / "20261123-000000-ffffff" / "run.json").mkdir()
    return tmp_path


def test_one_bad_record_does_not_hide_the_others(home):
    """`begat runs` lists what it can; whatever stands in the files is shown inert."""
    found = list(heads(home / ".begat"))

    assert any(head.get("name") == "baseline" for head in found)
    for words in (
        ["runs"],
        ["runs", "--json"],
        ["runs", "baseline"],
        ["show", f"20261122-0000{len(HOSTILE):02}"],
        ["show", "baseline"],
    ):
        done = begat_command(home, *words)
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
        assert "baseline" in done.stdout
        assert "\x1b]" not in done.stdout
        assert "\u202e" not in done.stdout


@pytest.mark.parametrize("verb", ["show", "params"])
def test_a_bad_record_is_one_message(verb, home):
    """With the file in it, exit code 2, and no traceback."""
    for number in range(len(HOSTILE)):
        done = begat_command(home, verb, f"20261122-0000{number:02}")
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        assert "run.json" in done.stderr
        assert "Traceback" not in done.stderr
        assert "\x1b]" not in done.stderr


def begat_command(folder, *words):
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "BEGAT_HOME": str(folder / ".begat")}
    return subprocess.run(
        [sys.executable, "-m", "begat", *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=60
    )


AUDITED = """\
import json, sys
import begat
from begat.record import codec, views, dot
from begat.render import tree, table, yaml
import pydantic, orjson
data = sys.stdin.buffer.read()
codec.loads(data)  # whatever is loaded on first use
def seen(run):
    list(tree.lines(run, everything=True)); list(table.lines(list(table.rows(run, True)))); yaml.emit(views.config(run, True))
    views.flat(run, True); dot.dot(run, True); codec.dumps(run)
seen(codec.loads(data))
events = []
sys.addaudithook(lambda name, args: events.append(name))
seen(codec.loads(data))
print([name for name in events if name.split(".")[0] in ("import", "open", "exec", "compile", "subprocess", "os", "socket", "ctypes", "pickle")
       and name not in ("os.putenv",)])
"""


def test_reading_imports_calls_and_opens_nothing(tmp_path):
    """Told by the interpreter itself, for a record that names what one would rather not have called."""
    targets = [
        "os:system",
        "builtins:eval",
        "subprocess:Popen",
        "pickle:loads",
        "antigravity:x",
        "webbrowser:open",
        "sklearn.os:system",
    ]
    document = copy.deepcopy(WHOLE)
    for number, (part, target) in enumerate(zip(document["nodes"], targets * 2, strict=False)):
        part["target"] = target
        part["arguments"] = [
            {"name": "a", "value": {"$symbol": {"target": target, "kind": "function"}}},
            {"name": "b", "value": {"$typed": {"type": target, "value": ["rm -rf /"]}}},
            {"name": "c", "value": {"$member": {"type": target, "name": "x"}}},
            {"name": "d", "value": {"$opaque": {"type": target, "facts": {"repr": "__import__('os')"}}}},
            {"name": f"e{number}", "value": {"$path": ["PosixPath", "/etc/passwd"]}},
        ]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    done = subprocess.run(
        [sys.executable, "-c", AUDITED], input=json.dumps(document).encode(), env=environment, capture_output=True
    )

    assert done.stdout.decode().strip() == "[]", done.stderr.decode()


def test_random_graphs_of_references():
    """Rings, references to nowhere and to oneself, in every view."""
    dice = random.Random(7)
    for _ in range(40):
        count = dice.randrange(1, 30)
        nodes = b",".join(
            node(i, b'[{"$ref":%d},{"$ref":%d}]' % (dice.randrange(-2, count + 2), dice.randrange(count)))
            .replace(b'"within":null', b'"within":%d' % dice.randrange(-1, count + 1))
            .replace(b'"path":"n"', b'"path":"%s"' % dice.choice([b"a", b"a.b", b"a.b.c", b"b", b"0", b"a.0", b""]))
            for i in range(count)
        )
        survives(record(nodes))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such pipes")
def test_what_stands_in_the_place_of_a_journal_is_left_alone(tmp_path):
    """A pipe, which would never end, and files elsewhere that a record calls its journals."""
    (tmp_path / "journal").mkdir()
    os.mkfifo(tmp_path / "journal" / "1-a.jsonl")
    os.mkfifo(tmp_path / "pipe")
    document = {**WHOLE, "run": {**WHOLE["run"], "journals": {"../pipe": 0, str(tmp_path / "pipe"): 0}}}
    document["run"]["marks"] = ["not shown: 3 more calls"]
    (tmp_path / "run.json").write_text(json.dumps(document))

    run = begat.load(tmp_path)

    with pytest.raises(KeyError):
        run[123_456]


# --- code that is generated -------------------------------------------------------------------------------------------
LINES = ['x.y"];evil();z["w', "x.y'];evil();z['w", 'a.b"]\nevil()\n["c', "evil()", "m:N\nevil()", "m:N(evil())", '"""\nevil()\n"""', "a\revil()", "a=evil(), b", "{evil()}", "a.007.٣", "a\\"]  # fmt: skip


def test_no_text_of_a_record_becomes_code():
    """Wherever it stands: what is generated says names, calls of the record's own targets, and data."""
    for way in PLACES:
        holder = document = copy.deepcopy(WHOLE)
        for step in way[:-1]:
            holder = holder[step]
        if not way or type(holder[way[-1]]) is not str or way[0] == "children":
            continue
        for line in LINES:
            holder[way[-1]] = line
            try:
                run = codec.loads(json.dumps(document))
            except InvalidRecord:
                continue
            text = to_python(run)
            assert all(letter.isprintable() or letter == "\n" for letter in text), (way, line)
            called = {part.func.id for part in ast.walk(ast.parse(text)) if isinstance(part, ast.Call) and isinstance(part.func, ast.Name)}  # fmt: skip
            assert "evil" not in called, (way, line, text)


# --- what the limits let through --------------------------------------------------------------------------------------
VALUES = [
    lambda d: b"[]",
    lambda d: b"[" * (n := d.randrange(1, 60)) + b"]" * n,
    lambda d: b'{"%x":%d}' % (d.getrandbits(20), d.getrandbits(9)),
    lambda d: b'"%x"' % d.getrandbits(40),
    lambda d: b'{"$ref":%d}' % d.randrange(20_000),
    lambda d: b'{"$tuple":[%d,{"$set":[1]}]}' % d.getrandbits(30),
    lambda d: b'{"$pattern":["%x",0]}' % d.getrandbits(d.choice((2, 60))),
    lambda d: b'{"$path":["PosixPath","/%x"]}' % d.getrandbits(20),
    lambda d: b'{"$dict":[[%d,"a"]]}' % d.getrandbits(60),
    lambda d: b'{"$symbol":{"target":"m:%x","kind":"class"}}' % d.getrandbits(12),
    lambda d: b'{"$opaque":{"type":"m:O","facts":{"length":1}}}',
    lambda d: b'{"$mapping":[[[1],{"$alias":"a"}]]}',
    lambda d: b'"%b"' % (b"a b," * d.randrange(1, 20_000)),
]  # fmt: skip
PATHS = [
    lambda d, i: b"m.%d" % i,
    lambda d, i: b"a" + b".b" * d.randrange(400),
    lambda d, i: b"",
    lambda d, i: b"x%d" % (i % 7),
    lambda d, i: b"0." * d.randrange(9) + b"%d" % d.randrange(9),
    lambda d, i: b"s%d.layers.%d" % (i % 50, i),
]
VERBS = [
    ("show",), ("show", "--all"), ("show", "--yaml"), ("show", "--flat"), ("params",), ("code",), ("diff", "B"), ("rebuild", "--dry-run", "--allow", "m.*"),
    ("export", "--to", "html"), ("export", "--to", "prov"), ("export", "--to", "openlineage"), ("export", "--to", "mermaid"),
]  # fmt: skip


def hoard(seed: int, size: int) -> bytes:
    """A record of *size* bytes within all limits, of few kinds of parts: of one kind there is then very much."""
    dice = random.Random(seed)
    values, path, wide = dice.sample(VALUES, 2), dice.choice(PATHS), dice.choice([1, 4, 3000])
    around = dice.choice([lambda i: b"null", lambda i: b"%d" % max(i - 1, 0), lambda i: b"%d" % dice.randrange(i + 1)])
    user = dice.choice([b"true", b"false"])
    rows, number = [], 0
    while size > 0:
        value = b"[" + b",".join(dice.choice(values)(dice) for _ in range(wide)) + b"]"
        row = node(number, value).replace(b'"path":"n"', b'"path":"%b"' % path(dice, number), 1)
        rows.append(row.replace(b'"within":null', b'"within":%b,"user":%b' % (around(number), user), 1))
        size, number = size - len(row), number + 1
    return record(b",".join(rows))


HELD = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (2_500_000_000, 2_500_000_000))
resource.setrlimit(resource.RLIMIT_CPU, (30, 30))
from begat.cli.main import main
main()
"""


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_every_verb_is_held_in_time_and_memory(seed, tmp_path):
    """Files of a few megabytes that are all of one odd thing: no verb takes half a minute, or 2.5 GB, over any."""
    for name, change in (("a.json", b""), ("b.json", b"b")):
        (tmp_path / name).write_bytes(hoard(seed, 2_000_000).replace(b'"name":"a"', b'"name":"a%b"' % change, 50))
    for verb, *options in VERBS:
        files = [tmp_path / "a.json", *([tmp_path / "b.json"] if options == ["B"] else [])]
        words = [verb, *files, *(option for option in options if option != "B")]
        environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
        done = subprocess.run([sys.executable, "-c", HELD, *words], capture_output=True, env=environment)

        assert done.returncode in (0, 1, 2), (verb, options, done.returncode, done.stderr[-500:])
        assert not any(word in done.stderr for word in (b"Traceback", b"MemoryError")), done.stderr[-500:]
