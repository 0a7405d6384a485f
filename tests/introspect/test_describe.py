"""Values as data: what `snapshot` keeps, what it asks, what it costs."""

from __future__ import annotations

import argparse
import array
import collections
import datetime
import decimal
import enum
import functools
import gc
import json
import math
import pathlib
import re
import subprocess
import sys
import threading
import time
import types
import uuid
import weakref
import zoneinfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import begat
from begat.intercept.identity import snap
from begat.introspect import describe
from begat.introspect.describe import Limits, Link, snapshot
from begat.introspect.targets import code_fingerprint, importable, name_of
from begat.record.encoding import encode
from begat.record.values import Alias, Array, Cut, Mapping, Member, Opaque, Redacted, Symbol, Typed


def unlinked(value: object) -> None:
    """Nothing is tracked."""


def described(value: object, limits: Limits = describe.LIMITS) -> object:
    return snapshot(value, unlinked, limits)


# --- plain data -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "value",
    [
        None, True, 1, 1.5, -0.0, math.inf, "x", b"x", 1 + 2j, 2**64, 10**5000, "\ud800", [], (), {}, set(), frozenset(),
        [1, [2, (3, {"a": {4}})]], {None: 1, True: 2, 2: 3, 2.5: 4, "true": 5}, {(1, (2, "x")), 3}, frozenset({1, "a"}),
        range(3), slice(1, None), ..., datetime.datetime(2020, 1, 1, fold=1), datetime.datetime.now(datetime.timezone.utc),
        datetime.date(2020, 1, 1), datetime.time(1), datetime.timedelta(1), decimal.Decimal("1.10"), uuid.UUID(int=1),
        pathlib.Path("a"), pathlib.PureWindowsPath("a"), re.compile("a"),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_data_is_itself(value):
    """Plain data is described as an equal value of the same type, which the codec takes."""
    found = described(value)

    assert (found, type(found)) == (value, type(value))
    encode(found)


@pytest.mark.parametrize("value", [[1, [2]], {"a": {"b": [1]}}, {1, 2}, [{1}, {2: 3}]], ids=repr)
def test_a_description_is_a_copy(value):
    """What happens to a container afterwards does not change its description."""
    before = repr(value)
    found = described(value)

    todo = [value]
    while todo:
        container = todo.pop()
        todo += [
            c
            for c in (container.values() if isinstance(container, dict) else container)
            if isinstance(c, list | dict | set)
        ]
        container.clear()
    assert repr(found) == before


def test_keys_do_not_merge():
    """Keys that are no plain scalars are kept as pairs, in order."""
    key = Private()
    found = described({(1, 2): "a", None: "b", key: "c"})

    assert found == Mapping((((1, 2), "a"), (None, "b"), (Opaque(f"{__name__}:Private"), "c")))


# --- what may not be asked --------------------------------------------------------------------------------------------
class Private:
    """Something with nothing to say."""


def spy(*bases: type) -> tuple[type, list[str]]:
    """A class, and a metaclass, that note every question and refuse the answer."""
    asked: list[str] = []
    names = """__repr__ __str__ __eq__ __ne__ __lt__ __hash__ __bool__ __len__ __iter__ __next__ __getitem__ __contains__
        __getattr__ __getattribute__ __call__ __index__ __int__ __float__ __reduce__ __reduce_ex__ __copy__ __deepcopy__
        __sizeof__ __fspath__ __array__ keys items values copy shape dtype nbytes tolist""".split()

    def ask(name: str):
        def answer(self, *args, **kwargs):
            asked.append(name)
            raise RuntimeError(name)

        return answer

    space = {name: ask(name) for name in names}
    space |= {name: property(ask(name)) for name in ("__class__", "__dict__", "_fields")}
    meta = type(
        "Meta",
        (type,),
        {
            name: ask(f"type.{name}")
            for name in ("__hash__", "__eq__", "__getattribute__", "__instancecheck__", "__repr__", "mro")[:5]
        }
        | {name: property(ask(f"type.{name}")) for name in ("__module__", "__name__", "__mro__", "__dict__")},
    )
    cls = meta("Spy", bases or (object,), space)
    return cls, asked


@pytest.mark.parametrize(
    "base",
    [
        object,
        list,
        dict,
        set,
        frozenset,
        tuple,
        str,
        int,
        float,
        bytes,
        complex,
        collections.OrderedDict,
        collections.deque,
        bytearray,
    ],
    ids=lambda b: b.__name__,
)
def test_nothing_is_asked(base):
    """Neither an object nor its class is asked anything, alone, nested, as member or as key."""
    cls, asked = spy(*([] if base is object else [base]))
    value = base.__new__(cls)
    asked.clear()

    found = [
        described(value),
        described([value, (value, {"k": value})]),
        described(functools.partial(unlinked, value)),
        described(cls),
        described([cls]),
        described(types.SimpleNamespace(a=value)),
        described(collections.deque([value])),
    ]

    assert asked == []
    assert "Spy" in repr(found[0])
    assert found[3].kind == "class"


def test_members_and_keys_are_not_hashed():
    """A set and a dictionary of the program's objects are copied without hash or equality."""
    hashed = []

    class Member_:
        def __hash__(self):
            hashed.append("hash")
            return 7

        def __eq__(self, other):
            hashed.append("eq")
            return self is other

    values = [{Member_(), Member_(), 1}, frozenset({Member_()}), {Member_(): 1, Member_(): 2}, {(Member_(), 1)}]
    values += [collections.OrderedDict({Member_(): 1}), collections.Counter([Member_()])]
    hashed.clear()
    found = [described(value) for value in values]

    assert hashed == []
    assert [type(each) for each in found] == [Typed, Typed, Mapping, Typed, Typed, Typed]
    assert found[0].type == "builtins:set"
    assert len(found[0].value) == 3


def test_iterators_stay_where_they_are():
    """What can be read only once is not read."""
    generator, iterator, mapped = (i for i in range(3)), iter([1, 2]), map(str, [1, 2])

    assert described(generator).type == "builtins:generator"
    assert type(described([iterator, mapped])[0]) is Opaque
    assert (list(generator), list(iterator), list(mapped)) == ([0, 1, 2], [1, 2], ["1", "2"])


def test_nothing_is_kept_alive():
    """A description refers to no object of the program, not even weakly."""

    class Thing:
        pass

    thing = Thing()
    gone = weakref.ref(thing)
    kind = weakref.ref(Thing)
    found = described(
        [thing, {"a": thing}, {thing}, functools.partial(unlinked, thing), lambda: thing, Thing, thing.__init__]
    )

    assert weakref.getweakrefcount(thing) == 1
    del thing, Thing
    gc.collect()
    assert gone() is None
    assert kind() is None
    assert found[0].type.endswith("Thing")


# --- edges ------------------------------------------------------------------------------------------------------------
def test_links_are_leaves():
    """A tracked object is its link wherever it stands, also behind a bound method."""
    thing = Private()
    thing.method = types.MethodType(lambda self: 1, thing)
    link = Link(1, "schema")

    def linker(value):
        return link if value is thing else None

    assert snapshot(thing, linker) is link
    found = snapshot([thing, {"a": (thing,)}, thing.method, {thing}], linker)
    assert (found[0], found[1]["a"][0]) == (link, link)
    assert found[2].value["self"] is link
    assert found[3] == Typed("builtins:set", (link,))
    assert snapshot({thing: 1}, linker).items[0][0] is link


def test_links_are_asked_for_all_but_builtin_data():
    """The linker sees every object that is neither a builtin scalar nor a builtin container."""
    seen = []
    thing = Private()

    snapshot([1, "a", None, 2.5, b"x", (1,), {"a": {1}}, thing, len, collections.OrderedDict()], seen.append)

    assert [type(each) for each in seen] == [Private, type(len), collections.OrderedDict]


# --- bounds -----------------------------------------------------------------------------------------------------------
def test_what_is_too_long_is_cut_and_says_how_long_it_was():
    """Texts, bytes, integers and containers beyond the limits keep their beginning, their length and a digest."""
    limits = Limits(items=3, text=5, head=2, bits=10, elements=2)

    assert described("abcdef", limits) == Cut(
        "str", 6, "ab", "sha256:bef57ec7f53a6d40beb640a780a639c83bc29ac8a9816f1fc6c5c6dcd93c4721"
    )
    assert described(b"abcdef", limits) == Cut(
        "bytes", 6, b"ab", "sha256:bef57ec7f53a6d40beb640a780a639c83bc29ac8a9816f1fc6c5c6dcd93c4721"
    )
    assert described([1, "abcdef"], limits)[1].length == 6
    assert described(10**400, limits) == Cut("int", 1329)
    assert described({"a": 10**400}, limits) == {"a": Cut("int", 1329)}
    assert described([1, 2, 3, 4], limits) == Cut("list", 4, [1, 2, 3])
    assert described((1, 2, 3, 4), limits) == Cut("tuple", 4, (1, 2, 3))
    assert described({1: 1, 2: 2, 3: 3, 4: 4}, limits) == Cut("dict", 4, {1: 1, 2: 2, 3: 3})
    assert described({1, 2, 3, 4}, limits) == Cut("set", 4)
    assert described(collections.deque([1, 2, 3, 4]), limits) == Typed("collections:deque", Cut("list", 4, [1, 2, 3]))


def test_the_total_is_bounded():
    """Tuples that share their parts do not blow up."""
    value: tuple = (1,)
    for _ in range(20):
        value = (value, value, value)
    began = time.perf_counter()

    found = described(value)

    assert len(json.dumps(encode(found))) < 1_000_000
    assert time.perf_counter() - began < 1


def test_deep_wide_and_large_are_cheap():
    """100,000 levels, 10 million items: no RecursionError, little time."""
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    wide = [0] * 10_000_000
    began = time.perf_counter()
    found = described(deep)
    described(wide)

    assert time.perf_counter() - began < 1
    assert "Cut" in repr(found)
    while deep:
        deep = deep.pop()


def test_sharing_and_cycles_are_aliases():
    """A mutable container met again is an alias of the place where it was met first."""
    loop: list = [1]
    loop.append(loop)
    shared = {"x": 1}
    inner: dict = {}
    inner["a"] = [inner]

    assert described(loop) == [1, Alias("")]
    assert described([shared, {"b": [shared]}]) == [{"x": 1}, {"b": [Alias("0")]}]
    assert described({"k": inner}) == {"k": {"a": [Alias("k")]}}
    assert described([[1], [1]]) == [[1], [1]]


_LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
_KEYS = (
    st.integers(-2, 2) | st.text(max_size=2) | st.tuples(st.integers(0, 2), st.integers(0, 2)) | st.frozensets(_LEAVES)
)
_SHARED: list[object] = [{"x": {}}]


@settings(deadline=None)
@given(
    st.recursive(
        _LEAVES | st.sampled_from([_SHARED, _SHARED[0]]),
        lambda parts: st.lists(parts) | st.dictionaries(_KEYS, parts) | st.tuples(parts, parts, parts),
        max_leaves=100,
    )
)
def test_the_quick_way_finds_what_the_slow_way_does(value):
    """What a row holds is what a description is, however small or odd the value."""
    assert repr(snap(value)) == repr(described(value))


def test_a_class_that_is_given_very_many_large_arguments(track):
    """From some point on only their first items are kept, then the very first; each says so, the run does, and small ones are kept as ever."""

    class View:
        def __init__(self, nodes, small):
            pass

    large = {i: {j: {} for j in range(3)} for i in range(100)}
    track(View)
    with begat.capture() as run:
        for _ in range(2000):
            View(large, {"a": [1, {"b": (2, 3)}]})

    first, later, last = (run.nodes[i].params for i in (0, 1000, -1))
    assert first["nodes"] == large
    assert type(later["nodes"]) is type(last["nodes"]) is Cut
    assert (later["nodes"].length, list(later["nodes"].head)) == (100, list(range(64)))
    assert (last["nodes"].length, list(last["nodes"].head)) == (100, list(range(4)))
    assert first["small"] == last["small"] == {"a": [1, {"b": (2, 3)}]}
    assert len([mark for mark in run.header.marks if "View was given so many large arguments" in mark]) == 2


def test_functions_made_anew_of_the_same_code():
    """Their fingerprint is that of their code and defaults as they are now."""
    made = [lambda x, by=by: x + by for by in (1, 2)]
    same = [described(lambda x: x) for _ in range(2)]

    assert same[0].code == same[1].code
    assert described(made[0]).code != described(made[1]).code
    made[0].__code__, before = same_shape.__code__, described(made[0]).code
    assert described(made[0]).code != before


def same_shape(x, by):
    return x - by


def test_near_the_recursion_limit():
    """Little stack left gives a description that says so, never an error."""

    def down(n):
        return down(n - 1) if n else described([[[[{"a": [Private()]}]]]])

    old = sys.getrecursionlimit()
    depth = len(_frames())
    try:
        for room in range(8, 60):
            sys.setrecursionlimit(depth + 60)
            try:
                down(room)
            except RecursionError:
                assert room > 30
    finally:
        sys.setrecursionlimit(old)


def _frames() -> list:
    frame, found = sys._getframe(), []
    while frame:
        found.append(frame)
        frame = frame.f_back
    return found


def test_containers_that_other_threads_change():
    """A container that grows and shrinks meanwhile raises nothing and gives a description that the codec takes."""
    table: dict = {i: [i] for i in range(900)}
    queue: collections.deque = collections.deque(range(900))
    bag = {str(i) for i in range(900)}
    stop = threading.Event()

    def churn():
        i = 0
        while not stop.is_set():
            i += 1
            table[f"k{i}"] = i
            table.pop(f"k{i - 20}", None)
            queue.append(i)
            queue.popleft()
            bag.add(str(i))
            bag.discard(str(i - 20))

    old = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(200):
            for value in (table, queue, bag):
                encode(described(value))
    finally:
        stop.set()
        thread.join()
        sys.setswitchinterval(old)


def test_a_failure_is_part_of_the_description():
    """A linker that fails costs its object, not the others; a KeyboardInterrupt passes."""
    thing = Private()

    def broken(value):
        raise ValueError

    def interrupted(value):
        raise KeyboardInterrupt

    assert snapshot([1, thing], broken) == [1, Opaque(f"{__name__}:Private", {"reason": "not described: ValueError"})]
    assert type(snapshot(thing, broken)) is Opaque
    with pytest.raises(KeyboardInterrupt):
        snapshot([thing], interrupted)


# --- the standard library ---------------------------------------------------------------------------------------------
class Color(enum.Enum):
    RED = "r"


class Mode(enum.IntFlag):
    A = 1
    B = 2


class Level(str, enum.Enum):
    LOW = "low"


Point = collections.namedtuple("Point", "x y")


class Text(str):
    __slots__ = ()


class Outer:
    class Inner:
        pass

    @classmethod
    def create(cls):
        pass

    @staticmethod
    def helper():
        pass

    def method(self):
        pass


class Child(Outer):
    pass


@functools.lru_cache
def cached():
    pass


HERE = __name__


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Color.RED, Member(f"{HERE}:Color", "RED", "r")),
        (Mode.A | Mode.B, Member(f"{HERE}:Mode", "A|B", 3)),
        (Mode(0), Member(f"{HERE}:Mode", "0", 0)),
        (Level.LOW, Member(f"{HERE}:Level", "LOW", "low")),
        (Text("abc"), Typed(f"{HERE}:Text", "abc")),
        (Point(1, [2]), Typed(f"{HERE}:Point", {"x": 1, "y": [2]})),
        (collections.OrderedDict(a=1), Typed("collections:OrderedDict", {"a": 1})),
        (collections.defaultdict(list, a=[1]), Typed("collections:defaultdict", {"a": [1]})),
        (collections.Counter("aab"), Typed("collections:Counter", {"a": 2, "b": 1})),
        (collections.deque([1, 2]), Typed("collections:deque", [1, 2])),
        (bytearray(b"x"), Typed("builtins:bytearray", b"x")),
        (types.SimpleNamespace(a=1), Typed("types:SimpleNamespace", {"a": 1})),
        (argparse.Namespace(lr=0.1), Typed("argparse:Namespace", {"lr": 0.1})),
        (array.array("d", [1.5]), Array("array:array", "d", (1,), [1.5])),
        (zoneinfo.ZoneInfo("UTC"), Typed("zoneinfo:ZoneInfo", "UTC")),
        (memoryview(b"abc"), Opaque("builtins:memoryview", {"shape": (3,), "dtype": "B", "nbytes": 3})),
        (dict, Symbol("builtins:dict")),
        (Outer.Inner, Symbol(f"{HERE}:Outer.Inner")),
        (json.dumps, Symbol("json:dumps", "function")),
        (len, Symbol("builtins:len", "function")),
        (math.sin, Symbol("math:sin", "function")),
        (str.upper, Symbol("builtins:str.upper", "function")),
        (json, Symbol("json", "module")),
        (Outer.create, Symbol(f"{HERE}:Outer.create", "function")),
        (Child.create, Symbol(f"{HERE}:Child.create", "function")),
        (Outer.helper, Symbol(f"{HERE}:Outer.helper", "function")),
        (cached, Symbol(f"{HERE}:cached", "function")),
        ([].append, Symbol("builtins:list.append", "function", False)),
        (functools.partial(len, [1]), Typed("functools:partial", {"func": Symbol("builtins:len", "function"), "args": ([1],), "keywords": {}})),
        (int | None, Typed("types:UnionType", (Symbol("builtins:int"), Symbol("builtins:NoneType", importable=False)))),
        (list[int], Typed("types:GenericAlias", {"origin": Symbol("builtins:list"), "args": (Symbol("builtins:int"),)})),
        (object(), Opaque("builtins:object")),
    ],
    ids=lambda value: f"{type(value).__name__}"[:30],
)  # fmt: skip
def test_known_kinds(value, expected):
    """Each known kind is described exactly, and the codec takes it."""
    found = described(value)

    assert found == expected
    encode(found)


def test_the_order_of_an_ordered_dict_is_its_own():
    """`move_to_end` is seen."""
    value = collections.OrderedDict(a=1, b=2)
    value.move_to_end("a")

    assert list(described(value).value) == ["b", "a"]


def test_code_without_a_name_has_a_fingerprint():
    """Lambdas, closures and bound methods are not importable; their code tells them apart."""
    one, two = described(lambda x: x + 1), described(lambda x: x + 2)
    bound = described(Outer().method)

    assert not one.importable
    assert one.code != two.code
    assert (bound.target, bound.importable) == (f"{HERE}:Outer.method", False)


def test_a_name_that_leads_elsewhere_is_not_importable(monkeypatch):
    """A class that was replaced under its name is not called importable; no module is imported to find out."""
    replaced = Outer.Inner
    monkeypatch.setattr(Outer, "Inner", int)

    assert described(replaced) == Symbol(f"{HERE}:Outer.Inner", "class", False)
    lost = types.FunctionType((lambda: 0).__code__, {"__name__": "antigravity"}, "fly")
    assert not described(lost).importable
    assert "antigravity" not in sys.modules


def test_moments_in_a_zone_of_the_program():
    """A datetime asks its own time zone nothing; one of the standard library is named."""

    class Mine(datetime.tzinfo):
        def utcoffset(self, moment):
            raise RuntimeError

        tzname = dst = __reduce__ = utcoffset

    wall = datetime.datetime(2020, 1, 2, fold=1)
    mine = described(wall.replace(tzinfo=Mine()))
    named = described(wall.replace(tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")))

    assert mine.value["wall"] == wall
    assert type(mine.value["zone"]) is Opaque
    assert named == Typed("datetime:datetime", {"wall": wall, "zone": Typed("zoneinfo:ZoneInfo", "Europe/Berlin")})


def test_secrets_by_type():
    """A secret type is redacted, a subclass of it too, and nothing of it is kept."""
    pydantic = pytest.importorskip("pydantic")

    class Mine(pydantic.SecretStr):
        pass

    for value in (
        pydantic.SecretStr("canary"),
        pydantic.SecretBytes(b"canary"),
        Mine("canary"),
        pydantic.Secret[int](42),
    ):
        found = described([value])
        assert type(found[0]) is Redacted
        assert "canary" not in repr(found)


# --- libraries --------------------------------------------------------------------------------------------------------
def test_numpy():
    """Scalars, dtypes and small arrays exactly; large, foreign and random ones by their facts."""
    np = pytest.importorskip("numpy")

    class Mine(np.ndarray):
        @property
        def shape(self):
            raise RuntimeError

        dtype = nbytes = size = shape

    cases = [
        (np.float64(1.5), Typed("numpy:float64", 1.5)),
        (np.float32(0.1), Typed("numpy:float32", float(np.float32(0.1)))),
        (np.int8(3), Typed("numpy:int8", 3)),
        (np.str_("a"), Typed("numpy:str_", "a")),
        (np.datetime64("2020-01-02"), Typed("numpy:datetime64", ("2020-01-02", "D"))),
        (np.timedelta64(5, "s"), Typed("numpy:timedelta64", (5, "s"))),
        (np.dtype("float32"), Typed("numpy:dtype", "float32")),
        (np.dtype(">f4"), Typed("numpy:dtype", ">f4")),
        (np.dtype([("a", "<i4")]), Typed("numpy:dtype", [("a", "<i4")])),
        (np.float32, Symbol("numpy:float32")),
        (np.add, Symbol("numpy:add", "function")),
        (np.mean, Symbol("numpy:mean", "function")),
        (np.array([[1, 2]]), Array("numpy:ndarray", "int64", (1, 2), [[1, 2]])),
        (np.array("abc"), Array("numpy:ndarray", "<U3", (), "abc")),
        (np.zeros((100, 10)), Opaque("numpy:ndarray", {"shape": (100, 10), "dtype": "float64", "nbytes": 8000})),
        (np.array([Private()]), Opaque("numpy:ndarray", {"shape": (1,), "dtype": "object", "nbytes": 8})),
        (np.zeros(2).view(Mine), Opaque(name_of(Mine), {"shape": (2,), "dtype": "float64", "nbytes": 16})),
        (np.random.RandomState(0), Opaque("numpy.random.mtrand:RandomState")),
    ]
    for value, expected in cases:
        found = described(value)
        assert found == expected
        assert type(found.value) is type(expected.value) if type(found) is Typed else True
        encode(found)
    assert type(described(np.longdouble(1) / 3).value) is str


def test_a_type_that_only_claims_to_be_numpys():
    """A class of the program with a library's name is the program's."""
    pytest.importorskip("numpy")
    fake = type("float64", (float,), {"__module__": "numpy", "item": lambda self: 1 / 0})

    assert described(fake(1.5)) == Typed("numpy:float64", 1.5)
    assert type(described(type("ndarray", (), {"__module__": "numpy"})())) is Opaque


def test_a_large_array_is_cheap():
    """Gigabytes of numbers cost less than a millisecond and a kilobyte."""
    np = pytest.importorskip("numpy")
    value = np.zeros((1_250, 1_000_000))  # 10 GB of address space, no page touched
    times = []
    for _ in range(20):
        began = time.perf_counter()
        found = described(value)
        times.append(time.perf_counter() - began)

    assert min(times) < 0.001
    assert len(json.dumps(encode(found))) < 1_000


def test_pandas():
    """Frames by shape, columns and dtypes; its constants and times as values."""
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": [1, 2], 5: [0.5, 1.5]})
    wide = described(pd.DataFrame([[0] * 5000]))

    assert described(frame) == Opaque(
        "pandas:DataFrame", {"shape": (2, 2), "columns": ["a", 5], "dtypes": ["int64", "float64"]}
    )
    assert wide.facts["shape"] == (1, 5000)
    assert len(wide.facts["columns"]) == 100
    assert described(frame["a"]) == Opaque("pandas:Series", {"length": 2, "dtype": "int64", "name": "a"})
    assert described(frame.index).type == "pandas:RangeIndex"
    assert described([pd.NA, pd.NaT]) == [Typed("pandas:NA", None), Typed("pandas:NaT", None)]
    assert described(pd.Timestamp("2020-01-02", tz="Europe/Berlin")) == Typed(
        "pandas:Timestamp", {"wall": "2020-01-02T00:00:00", "zone": "Europe/Berlin"}
    )
    assert described(pd.Timestamp("2020-01-02 00:00:00.000000001")) == Typed(
        "pandas:Timestamp", "2020-01-02T00:00:00.000000001"
    )


def test_scipy():
    """A sparse matrix by shape and dtype."""
    sparse = pytest.importorskip("scipy.sparse")

    assert described(sparse.csr_matrix((3, 4))) == Opaque(
        "scipy.sparse:csr_matrix", {"shape": (3, 4), "dtype": "float64"}
    )


@pytest.mark.heavy
def test_torch():
    """Dtypes, devices and sizes exactly; small tensors of this process whole, others by their facts."""
    torch = pytest.importorskip("torch")
    grown = torch.ones(2, requires_grad=True) * 2

    class Mode(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            raise RuntimeError

    assert described(torch.float32) == Typed("torch:dtype", "float32")
    assert described(torch.device("cuda", 1)) == Typed("torch:device", "cuda:1")
    assert described(torch.Size([2, 3])) == Typed("torch:Size", (2, 3))
    assert described(torch.tensor([[1, 2]])) == Array("torch:Tensor", "int64", (1, 2), [[1, 2]])
    assert described(torch.tensor(1.5, dtype=torch.bfloat16)) == Array("torch:Tensor", "bfloat16", (), 1.5)
    weight = described(torch.nn.Parameter(torch.ones(1)))  # described, however small: records keep no weights
    assert type(weight) is Opaque and weight.facts["shape"] == (1,), weight
    assert type(described(grown)) is Opaque
    assert described(torch.empty(9, device="meta")).facts == {
        "shape": (9,),
        "dtype": "float32",
        "device": "meta",
        "nbytes": 36,
    }
    assert described(torch.relu) == Symbol("torch:relu", "function")
    zeros = torch.zeros(2)
    with Mode():
        assert described(zeros).data == [0.0, 0.0]


def test_nothing_is_imported_for_a_value():
    """Describing values of every builtin kind loads no library."""
    script = (
        "import sys; from begat.introspect.describe import snapshot\n"
        "class C: pass\n"
        "for v in ([C()], C, len, {'a': C()}, 1.5, object(), (lambda: 0)): snapshot(v, lambda x: None)\n"
        "print([m for m in ('numpy', 'torch', 'pandas', 'scipy', 'pydantic', 'orjson', 'zoneinfo', 'argparse') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == "[]"


# --- names and fingerprints -------------------------------------------------------------------------------------------
def test_names_are_read_past_the_metaclass():
    """A metaclass or an attribute that lies about the name of a class is not asked."""
    cls, asked = spy()

    assert name_of(cls) == f"{HERE}:Spy"
    assert name_of(type("X", (), {"__module__": property(lambda self: 1 / 0)})) == "?:X"
    assert asked == []


def test_importable_asks_no_module():
    """A module that makes its attributes up is not asked for them."""
    module = types.ModuleType("lazy_zoo")
    module.__getattr__ = lambda name: pytest.fail(name)
    sys.modules["lazy_zoo"] = module
    try:
        assert not importable("lazy_zoo:Thing", Outer)
    finally:
        del sys.modules["lazy_zoo"]


SOURCE = '''
class Net:
    """A net."""
    size = 3
    def __init__(self, a, b={default}):
        self.a = a if a in {{"x", "y", "z", "w", "v"}} else {number}
        self.f = lambda x: [x + {number} for _ in (1, 2)]
    @property
    def area(self): return self.a
    @classmethod
    def make(cls): return cls(1)
    class Inner:
        def run(self): return {number}
'''


def _net(filename: str = "a.py", lines: int = 0, number: int = 1, default: str = "2") -> type:
    space: dict = {"__name__": "made"}
    exec(
        compile("\n" * lines + SOURCE.format(number=number, default=default), filename, "exec", dont_inherit=True),
        space,
    )
    return space["Net"]


def test_fingerprints_follow_the_code():
    """The same code elsewhere has the same fingerprint; another constant or default another."""
    plain = code_fingerprint(_net())

    assert re.fullmatch("sha256:[0-9a-f]{64}", plain)
    assert plain == code_fingerprint(_net("elsewhere/b.py", lines=40))
    assert plain != code_fingerprint(_net(number=2))
    assert plain != code_fingerprint(_net(default="3"))
    assert code_fingerprint(_net().__init__) == code_fingerprint(_net(lines=3).__init__)


def test_fingerprints_are_the_same_in_every_process():
    """Neither the hash seed nor memory addresses reach the fingerprint."""
    source = SOURCE.format(number=1, default="2")
    script = f"""if True:
        from begat.introspect.targets import code_fingerprint
        space = {{'__name__': 'made'}}
        exec({source!r}, space)
        print(code_fingerprint(space['Net']))
    """
    outs = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }

    assert outs == {f"{code_fingerprint(_net())}\n"}


def test_fingerprints_of_rewritten_functions():
    """*original* supplies the code of a function whose own was replaced."""
    net, other = _net(), _net(number=7)
    codes = {net.__init__: net.__init__.__code__}
    before = code_fingerprint(net)
    net.__init__.__code__ = other.__init__.__code__

    assert code_fingerprint(net) != before
    assert code_fingerprint(net, lambda function: codes.get(function, function.__code__)) == before
