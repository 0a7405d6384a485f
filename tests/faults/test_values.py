"""Values: the recorder asks them nothing but their type, and the record says exactly what they were."""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import fractions
import functools
import io
import json
import math
import pathlib
import re
import socket
import sqlite3
import sys
import threading
import time
import uuid
import warnings

import pytest

import begat
from begat.record.values import Array, Cut, Member, Opaque, Symbol, Typed
from zoo_support.tracking import succeeds

DUNDERS = """
__repr__ __str__ __bytes__ __format__ __lt__ __le__ __eq__ __ne__ __gt__ __ge__ __hash__ __bool__ __getattr__
__getattribute__ __setattr__ __delattr__ __dir__ __len__ __length_hint__ __getitem__ __setitem__ __delitem__ __missing__
__iter__ __next__ __reversed__ __contains__ __add__ __radd__ __call__ __enter__ __exit__ __index__ __int__ __float__
__complex__ __round__ __reduce__ __reduce_ex__ __getstate__ __copy__ __deepcopy__ __sizeof__ __fspath__ __await__ __aiter__
__array__ __array_interface__ __array_function__ __dataframe__ __dlpack__ __torch_function__ __get_pydantic_core_schema__
""".split()
PROPERTIES = (
    "__class__ __dict__ __weakref__ __module__ __doc__ __array_struct__ shape dtype nbytes device columns".split()
)


def counting(*bases: type, skip: tuple[str, ...] = ()) -> tuple[type, list[str]]:
    """A class that notes every question an instance is asked, and answers none."""
    asked: list[str] = []

    def method(name: str):
        def ask(self, *args, **kwargs):
            asked.append(name)
            raise RuntimeError(f"asked for {name}")

        return ask

    space: dict[str, object] = {name: method(name) for name in DUNDERS if name not in skip}
    space |= {name: property(method(name)) for name in PROPERTIES if name not in skip}
    return type("Private", bases or (object,), space), asked


class Holder:
    """Takes anything and touches nothing."""

    def __init__(self, value, *rest, default=None, **more):
        pass


@pytest.fixture
def record(track, tmp_path):
    """The record of ``Holder(value)`` after its way through a file, which must be strict JSON."""
    track(Holder)

    def recorded(value, **more):
        with begat.capture() as run:
            Holder(value, **more)
        run.save(tmp_path / "run.json")
        json.loads((tmp_path / "run.json").read_text("utf-8", "surrogatepass"), parse_constant=pytest.fail)
        loaded = begat.load(tmp_path / "run.json")
        assert loaded.nodes[0].params.keys() == run.nodes[0].params.keys()
        return loaded.nodes[0].params["value"]

    return recorded


@pytest.mark.parametrize(
    "bases",
    [(), (dict,), (list,), (tuple,), (str,), (int,), (float,), (set,), (Exception,)],
    ids=lambda b: b[0].__name__ if b else "object",
)
def test_a_value_is_asked_nothing(bases, track, tmp_path):
    """An argument, alone, nested, as a key, as a default, is not asked a single question: at the call, when read, when written."""
    private, asked = counting(*bases)
    try:
        value = object.__new__(private) if not bases else bases[0].__new__(private)
    except TypeError:
        pytest.skip("cannot be made without asking it")

    class C:
        def __init__(self, a, b, *rest, c=value, **more):
            pass

    track(C)
    asked.clear()
    with begat.capture() as run:
        C(value, [value, (value, {"k": value})], value, value, z=value)
        C(a=value, b={1: [value]}, c=value)
        found = [node.params for node in run.nodes]
    run.save(tmp_path / "run.json")
    run.config(all=True), run.flat(all=True), repr(run)

    assert asked == []
    assert found[0]["a"] is not value
    assert begat.load(tmp_path / "run.json") == run


def test_a_key_is_asked_nothing_but_by_the_dictionary_that_held_it(track):
    """Copying a dictionary with a user's object as key calls neither its hash nor its equality."""
    private, asked = counting(skip=("__hash__",))
    hashes = []
    private.__hash__ = lambda self: hashes.append(1) or 7
    key = private()
    table = {key: 1, "b": 2}
    track(Holder)
    hashes.clear()
    asked.clear()

    with begat.capture() as run:
        Holder(table)
        assert run.nodes[0].params["value"] is not table

    assert asked == []
    assert hashes == []


def test_a_class_with_a_hostile_metaclass_as_value(track):
    """A class passed as argument is not asked through its metaclass."""
    asked = []

    class Meta(type):
        def __getattribute__(cls, name):
            asked.append(name)
            raise RuntimeError(name)

        def __hash__(cls):
            asked.append("hash")
            raise RuntimeError

        def __eq__(cls, other):
            asked.append("eq")
            raise RuntimeError

        def __instancecheck__(cls, other):
            asked.append("instancecheck")
            raise RuntimeError

    class Mean(metaclass=Meta):
        pass

    track(Holder)
    asked.clear()
    problem = ""
    try:
        with begat.capture() as run:
            Holder(Mean)
            Holder(object.__new__(Mean))
            assert len(run.nodes) == 2
    except Exception as error:  # pytest cannot show a traceback that leads through such a class
        problem = f"{type(error).__name__}: {error}"

    assert (asked, problem) == ([], "")


def test_slow_questions_are_not_asked(track):
    """A value whose repr takes long is recorded at once."""

    class Slow:
        def __repr__(self):
            time.sleep(10)

        __str__ = __len__ = __eq__ = __hash__ = __repr__

    track(Holder)
    began = time.perf_counter()
    with begat.capture() as run:
        Holder([Slow(), Slow()])
        assert len(run.nodes) == 1

    assert time.perf_counter() - began < 1


def test_iterators_and_files_stay_where_they_are(track, tmp_path):
    """A generator, an iterator, a file, a socket, a cursor are described; their position does not move."""
    (tmp_path / "data").write_text("abcdef")
    generator = (i for i in range(3))
    iterator = iter([1, 2, 3])
    zipped, mapped = zip("ab", [1, 2]), map(str, [1, 2])
    file = (tmp_path / "data").open()
    file.read(2)
    memory = io.BytesIO(b"xyz")
    memory.read(1)
    left, right = socket.socketpair()
    left.send(b"hello")
    database = sqlite3.connect(":memory:")
    cursor = database.execute("select 1 union select 2")
    values = [generator, iterator, zipped, mapped, file, memory, right, cursor, range(3), threading.Lock()]
    track(Holder)

    with begat.capture() as run:
        for value in values:
            Holder(value)
            Holder([value])
        found = [node.params["value"] for node in run.nodes]

    assert all(isinstance(value, Opaque | range) for value in found[::2])
    assert (list(generator), list(iterator), list(zipped), list(mapped)) == (
        [0, 1, 2],
        [1, 2, 3],
        [("a", 1), ("b", 2)],
        ["1", "2"],
    )
    assert (file.read(), memory.read(), right.recv(9), cursor.fetchall()) == ("cdef", b"yz", b"hello", [(1,), (2,)])
    for thing in (file, left, right, database):
        thing.close()


@pytest.mark.parametrize("value", [math.inf, -math.inf, -0.0, 0.1, 1e-320, 1.7976931348623157e308, 3.0], ids=repr)
def test_floats_are_exact(record, value):
    """Every float comes back as the same float."""
    found = record(value)

    assert type(found) is float
    assert found.hex() == value.hex()


def test_nan(record):
    """NaN comes back as NaN, alone and nested."""
    assert math.isnan(record(math.nan))
    assert math.isnan(record([math.nan])[0])


@pytest.mark.parametrize(
    "value", [2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**300, 0, -1, True, False, 1, 1.0], ids=repr
)
def test_numbers_keep_value_and_type(record, value):
    """Large integers are exact; True, 1 and 1.0 are three things."""
    found = record(value)

    assert found == value
    assert type(found) is type(value)


def test_a_huge_integer_does_not_stop_the_run(record):
    """An integer beyond what Python prints as decimal text is exact or marked as cut, with its length."""
    value = 10**5000
    found = record(value)

    assert found == value or (type(found) is Cut and found.length == value.bit_length())


@pytest.mark.parametrize(
    "value", ["\ud800", "a\udfffb", "\x00", "\u202e", "é", "\U0001f600", "", "</script>", '"\\'], ids=ascii
)
def test_texts_are_exact(record, value):
    """Lone surrogates, NUL and everything else come back."""
    assert record(value) == value


@pytest.mark.parametrize("value", [b"", b"\x00\xff", b"abc", 1 + 2j, complex("nan").imag], ids=repr)
def test_bytes_and_complex(record, value):
    """Exact, and of the same type."""
    found = record(value)

    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("kind", [str, bytes])
def test_a_long_text_is_cut_and_says_so(record, kind):
    """100 MB of text cost little: a mark with the full length and a digest or a head."""
    value = "x" * 100_000_000 if kind is str else b"x" * 100_000_000
    began = time.perf_counter()
    found = record(value)

    assert type(found) is Cut
    assert (found.type, found.length) == (kind.__name__, 100_000_000)
    assert time.perf_counter() - began < 3


def test_keys_do_not_merge(record):
    """Keys that JSON would make equal stay apart, with their types."""
    value = {None: 1, "null": 2, 1: 3, "1": 4, (1, 2): 5, b"a": 6, "a": 7, 2.5: 8, "true": 9, frozenset({1}): 10}
    found = record(value)
    pairs = list(found.items()) if isinstance(found, dict) else list(found.items)

    assert [item for _, item in pairs] == list(value.values())
    assert [repr(key) for key, _ in pairs] == [repr(key) for key in value]


def test_true_and_text_keys(record):
    """True and "true", NaN and "NaN" as keys of one dictionary."""
    found = record({True: 1, "True": 2, math.nan: 3, "NaN": 4})
    pairs = list(found.items()) if isinstance(found, dict) else list(found.items)

    assert [(type(key), item) for key, item in pairs] == [(bool, 1), (str, 2), (float, 3), (str, 4)]


def test_cycles_and_sharing(record):
    """A container in itself, and one container in two places, are bounded and say what they are."""
    loop: list = [1]
    loop.append(loop)
    found = record(loop)
    assert found[0] == 1
    assert type(found[1]).__name__ == "Alias"

    shared = [1]
    both = record([shared, shared])
    assert both[0] == [1]
    assert type(both[1]).__name__ == "Alias"


def test_depth_and_width_are_bounded(record):
    """100,000 levels deep or 1,000,000 wide: no RecursionError, little time, a mark where it stops."""
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    began = time.perf_counter()
    record(deep)
    wide = record(list(range(1_000_000)))

    assert time.perf_counter() - began < 5
    assert type(wide) is Cut
    assert (wide.type, wide.length) == ("list", 1_000_000)
    while deep:  # taking it apart by hand: the interpreter would recurse
        deep = deep.pop()


NEAR = """
import begat, sys

class Holder:
    def __init__(self, value):
        self.value = value

def down(n):
    return down(n - 1) if n else Holder([[1], {"a": (2,)}])

def reached():
    found = []
    for n in range(400):
        try:
            down(n)
        except RecursionError:
            break
        found.append(n)
    return len(found)

sys.setrecursionlimit(300)
plain = reached()
begat.trackable(Holder)
with begat.capture() as run:
    tracked = reached()
sys.setrecursionlimit(1000)
print(plain - tracked, len(run.nodes) >= tracked - 20)
"""


def test_near_the_recursion_limit(tmp_path):
    """A construction close to the limit is recorded or not, and succeeds where the plain one does, but for a few frames."""
    (tmp_path / "script.py").write_text(NEAR)

    missing, recorded = succeeds("-W", "ignore", "script.py", cwd=tmp_path).split()

    assert int(missing) <= 5
    assert recorded == "True"


def test_sets_do_not_depend_on_the_hash_seed(tmp_path):
    """Two processes with different hash seeds write the same record of a set."""
    (tmp_path / "script.py").write_text(
        "import begat, sys\n@begat.trackable\nclass C:\n    def __init__(self, a): pass\n"
        "with begat.capture() as run: C({'a', 'b', 'c', 'dd', 'e', 1, 2, (3, 'x')}); C(frozenset('hello'))\n"
        "run.save('x.json')\nimport json\nprint(json.load(open('x.json'))['nodes'])\n"
    )
    outs = {
        re.sub(
            r'"?\'?(pid|rank|time\w*)\'?"?: [^,}]+',
            "",
            succeeds("script.py", cwd=tmp_path, env={"PYTHONHASHSEED": seed}),
        )
        for seed in ("0", "1", "2")
    }

    assert len(outs) == 1


class Color(enum.Enum):
    RED = "r"


class Mode(enum.Flag):
    A = 1
    B = 2


@pytest.mark.parametrize(
    "value",
    [
        datetime.datetime(2026, 11, 1, 1, 30, fold=1, tzinfo=datetime.timezone(datetime.timedelta(hours=-5), "EST")),
        datetime.datetime(2026, 1, 2),
        datetime.date(1, 1, 1),
        datetime.time(1, 2, 3, 4),
        datetime.timedelta(days=-1, microseconds=1),
        datetime.timezone.utc,
        decimal.Decimal("1.10"),
        decimal.Decimal("-Infinity"),
        pathlib.PurePosixPath("/a/b"),
        pathlib.PureWindowsPath("c:\\x"),
        pathlib.Path("x"),
        uuid.UUID(int=5),
        range(1, 9, 2),
        slice(None, 3),
        ...,
        re.compile("a+", re.I),
    ],
    ids=repr,
)
def test_exact_values_of_the_standard_library(record, value):
    """They come back equal and of the same type."""
    found = record(value)

    assert (found, type(found)) == (value, type(value))
    assert getattr(found, "fold", 0) == getattr(value, "fold", 0)
    assert repr(found) == repr(value)


def test_members_of_enumerations(record):
    """By class, name and value; combined flags too."""
    name = f"{__name__}:Color"

    assert record(Color.RED) == Member(name, "RED", "r")
    found = record(Mode.A | Mode.B)
    assert (type(found), found.value) == (Member, 3)
    assert record(decimal.Decimal("NaN")).is_nan()


def test_subclasses_of_plain_types_keep_their_type(record):
    """OrderedDict, defaultdict, a str subclass, a named tuple: content and type."""

    class Text(str):
        __slots__ = ()

    point = collections.namedtuple("point", "x y")

    ordered = record(collections.OrderedDict(a=1))
    assert (type(ordered), ordered.type, ordered.value) == (Typed, "collections:OrderedDict", {"a": 1})
    default = record(collections.defaultdict(list, a=[1]))
    assert (default.type, default.value) == ("collections:defaultdict", {"a": [1]})
    text = record(Text("abc"))
    assert (text.type.endswith("Text"), text.value) == (True, "abc")
    named = record(point(1, 2))
    assert "point" in named.type
    assert record(collections.Counter("aab")).value == {"a": 2, "b": 1}
    assert isinstance(record(fractions.Fraction(1, 3)), Typed | Opaque)


def test_code_is_named(record):
    """Classes, functions and modules by name; lambdas, closures and bound methods marked as not importable."""
    assert record(dict) == Symbol("builtins:dict", "class")
    assert record(json.dumps) == Symbol("json:dumps", "function")
    assert record(len).target == "builtins:len"
    assert record(json).kind == "module"
    anonymous = record(lambda x: x + 1)
    assert (type(anonymous), anonymous.importable) == (Symbol, False)
    assert anonymous.code
    assert record(lambda x: x + 2).code != anonymous.code
    assert isinstance(record("".join), Symbol | Opaque)
    assert record(functools.partial(int, base=2)) is not None


def test_arrays_and_frames(record):
    """Small arrays whole, large ones described; numpy scalars and dtypes exactly; nothing is copied or hashed."""
    numpy = pytest.importorskip("numpy")

    small = record(numpy.array([[1, 2], [3, 4]]))
    assert isinstance(small, Array)
    assert (small.shape, small.dtype, small.data) == ((2, 2), "int64", [[1, 2], [3, 4]])
    large = numpy.zeros(50_000_000)
    began = time.perf_counter()
    described = record(large)
    assert time.perf_counter() - began < 0.5
    assert type(described) is Opaque
    assert (tuple(described.facts["shape"]), described.facts["dtype"]) == ((50_000_000,), "float64")
    scalar = record(numpy.float32(0.1))
    assert (scalar.type, scalar.value) == ("numpy:float32", float(numpy.float32(0.1)))
    assert record(numpy.dtype("int8")) is not None


def test_frames_of_pandas(record):
    """A frame or series is described by shape and columns; pandas.NA and Timestamp are values."""
    pandas = pytest.importorskip("pandas")

    frame = record(pandas.DataFrame({"a": [1, 2], "b": ["x", "y"]}))
    assert type(frame) is Opaque
    assert tuple(frame.facts["shape"]) == (2, 2)
    assert record(pandas.Series([1, 2])) is not None
    assert record([pandas.NA, pandas.Timestamp("2026-01-02", tz="UTC"), pandas.NaT]) is not None


def test_a_capture_of_a_large_array_is_cheap(track):
    """Recording a large array, list or text as argument costs under a millisecond and keeps nothing of it."""
    numpy = pytest.importorskip("numpy")
    track(Holder)
    values = [numpy.zeros(50_000_000), b"x" * 200_000_000, list(range(3_000_000)), dict.fromkeys(range(1_000_000))]
    with begat.capture() as run:
        Holder(1)
        for value in values:
            best = math.inf
            for _ in range(5):
                began = time.perf_counter()
                Holder(value)
                best = min(best, time.perf_counter() - began)
            assert best < (0.2 if isinstance(value, bytes) else 0.005), type(value)
            assert sys.getrefcount(value) < 8
        assert len(run.nodes) == 21


def test_a_container_that_another_thread_changes(track):
    """A dictionary that grows while it is recorded raises nothing in the program."""
    track(Holder)
    table = dict.fromkeys(range(2000))
    stop = threading.Event()

    def churn():
        i = 0
        while not stop.is_set():
            table[f"new{i}"] = i
            table.pop(f"new{i - 50}", None)
            i += 1

    thread = threading.Thread(target=churn)
    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread.start()
    try:
        with begat.capture() as run:
            for _ in range(300):
                Holder(table, default=table)
            assert len(run.nodes) == 300
    finally:
        stop.set()
        thread.join()
        sys.setswitchinterval(switch)


def test_secrets_by_type(record):
    """A pydantic SecretStr is redacted wherever it stands."""
    pydantic = pytest.importorskip("pydantic")
    from begat.record.values import Redacted

    assert type(record(pydantic.SecretStr("canary"))) is Redacted
    assert type(record([{"k": pydantic.SecretBytes(b"canary")}])[0]["k"]) is Redacted


def test_nothing_global_is_touched(track):
    """Recording draws no random number, changes no filter, no handler, no directory, no signal."""
    import logging
    import os
    import random
    import signal

    def state():
        return (
            random.getstate(),
            os.getcwd(),
            dict(os.environ),
            list(warnings.filters),
            list(logging.root.handlers),
            {s: signal.getsignal(s) for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)},
            sys.excepthook,
            threading.excepthook,
            sys.gettrace(),
            sys.getprofile(),
            decimal.getcontext().prec,
            threading.active_count(),
        )

    before = state()
    track(Holder)
    with begat.capture() as run:
        Holder({"a": [1.5, decimal.Decimal(3)]})
        assert run.nodes
        run.config()

    assert state() == before
