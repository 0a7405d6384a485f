"""Objects of a record again: shared stays shared, the order is kept, constructors do their own work."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import functools
import pathlib
import re
import types
import uuid
from collections import Counter, OrderedDict, deque, namedtuple
from zoneinfo import ZoneInfo

import pytest

import begat
from begat.errors import CannotRebuild, OverrideError
from begat.record.codec import dumps, loads
from begat.record.values import Symbol

BUILT: list[object] = []


class Part:
    """Notes that it was built."""

    def __init__(self, *args, **kwargs):
        BUILT.append(self)
        self.args, self.kwargs = args, kwargs


class Encoder(Part):
    def __init__(self, dim, depth=2):
        super().__init__()
        self.dim, self.depth = dim, depth


class Net(Part):
    def __init__(self, enc, hidden=8, callback=None):
        super().__init__()
        self.enc, self.hidden, self.callback = enc, hidden, callback
        self.head = Encoder(3)
        self.blocks = [Encoder(i) for i in range(2)]
        self.named = {"a": Encoder(9)}

    @property
    def sly(self):
        raise AssertionError("a property is nobody's business")

    def step(self):
        return self.hidden

    @classmethod
    def of(cls, hidden):
        return cls(Encoder(1), hidden)


class Wide(Net):
    pass


class Deeper(Encoder):
    def __init__(self, dim, depth=2, width=1):
        super().__init__(dim, depth)
        self.inner = Part(width)


class Hollow(Part):
    pass


class House:
    def __init__(self, count):
        self.head = Encoder(3)
        self.rooms = [Encoder(i) for i in range(count)]
        self.scaled = make(2)
        self.more = [make(n) for n in range(2)]


def twice(n):
    return Deeper(2 * n)


def make(n, /, *more, scale=1):
    return Encoder(n * scale + len(more))


class Color(enum.Enum):
    RED = 1
    BLUE = 2


class Perm(enum.Flag):
    R = 1
    W = 2


class Table(dict):
    pass


class Text(str):
    pass


Point = namedtuple("Point", "x y")


@pytest.fixture(autouse=True)
def tracked(track):
    for thing in (Part, Encoder, Net, Wide, House, make, Net.of):
        track(thing)
    BUILT.clear()


def again(run):
    """The same record, from its file."""
    return loads(dumps(run))


def test_shared_stays_shared():
    """Two objects that held the same third one hold the same third one."""
    with begat.capture() as run:
        enc = Encoder(5)
        Part(Net(enc), [enc, {"k": enc}], key=enc)

    built = begat.rebuild(again(run), "Part")

    net, inside = built.args
    assert net.enc is inside[0] is inside[1]["k"] is built.kwargs["key"]


def test_what_an_override_set_inside_a_constructor_is_set_again():
    """The constructor passes what its code says; the record says what was used, and that is what is built."""
    with begat.override({"model.head.depth": 7, "Encoder.2.depth": 9, "Net.hidden": 4}), begat.capture() as run:
        model = Net(Encoder(1))

    built = begat.rebuild(again(run), "model")
    late = begat.rebuild(again(run), "model", lazy=True, overrides={"model.head.depth": 8})

    wanted = [[part.depth for part in (net.head, *net.blocks, net.named["a"])] for net in (model, built, late)]
    assert wanted == [[7, 9, 2, 2], [7, 9, 2, 2], [8, 9, 2, 2]]
    assert (built.hidden, late.hidden) == (4, 4)


def test_text_that_an_override_set_inside_is_that_text():
    """It is read once: not again as a number."""
    with begat.override({"model.head.depth": "7"}), begat.capture() as run:
        model = Net(None)
    head = run["model.head"]
    written = dataclasses.replace(
        head, arguments={**head.arguments, "depth": dataclasses.replace(head.arguments["depth"], value="7")}
    )
    text = begat.Run(run.header, tuple(written if node is head else node for node in run.nodes), run.environment)

    assert (model.head.depth, begat.rebuild(text, "model").head.depth) == (7, "7")


@pytest.mark.parametrize(
    "changes",
    [
        {"model.head": Deeper},
        {"Encoder.1": Deeper},
        {"Encoder.2": Deeper, "Encoder.2.width": 5, "Encoder.2.dim": 6, "Encoder.3.depth": 7},
        {"Encoder": Deeper, "Encoder.width": 5, "Part": Hollow},
        {"model.scaled": twice, "model.scaled.n": 4, "make.1": twice},
    ],
    ids=["one", "in a list", "with its arguments", "in one another", "functions"],
)
def test_what_an_override_put_inside_a_constructor_is_put_there_again(changes):
    """In the place of what the constructor calls, with arguments that only the other has, and what that builds inside."""
    with begat.override(changes), begat.capture() as run:
        model = House(3)
    with begat.capture() as second:
        model = begat.rebuild(again(run), "model", allow=[Deeper, Hollow, twice])
    code = run.to_python()
    space: dict[str, object] = {}
    with begat.capture() as third:
        exec(compile(code, "again.py", "exec"), space)  # noqa: S102  # what we wrote

    def shape(nodes):
        return [(n.target, n.within, {name: a.value for name, a in n.arguments.items()}) for n in nodes]

    assert shape(second.nodes) == shape(third.nodes) == shape(run.nodes) != shape(plain().nodes)
    assert type(space["model"]) is type(model) is House


def test_what_an_override_put_inside_a_constructor_has_to_be_allowed():
    """Before any import, as what is built at the top; and nothing is called that the record does not name."""
    with begat.override({"model.head": Deeper}), begat.capture() as run:
        model = House(3)
    begat.untrack(Deeper)
    BUILT.clear()
    [event] = [event for event in run.events if event.kind == "override"]

    with pytest.raises(CannotRebuild, match=r"model\.head: .*Deeper is not allowed"):
        begat.rebuild(again(run), "model")
    for value in (Symbol("builtins:bytes"), Symbol("os:system", "function"), "os.system"):
        called = dataclasses.replace(event.arguments["called"], value=value)
        hostile = begat.Run(
            run.header, run.nodes, run.environment, [dataclasses.replace(event, arguments={"called": called})]
        )
        with pytest.raises(CannotRebuild, match=r"model\.head"):
            begat.rebuild(hostile, "model", allow=[House])

    assert (type(model.head), BUILT) == (Deeper, [])
    assert type(begat.rebuild(again(run), "model", allow=[Deeper]).head) is Deeper


def plain():
    with begat.capture() as run:
        House(3)
    return run


def test_an_override_inside_a_class_that_nothing_tracks_is_refused(track):
    """Nothing is built that is not what the record says."""
    with begat.override({"model.head.depth": 7}), begat.capture() as run:
        model = Net(None)
    begat.untrack(Encoder)
    BUILT.clear()

    with pytest.raises(
        CannotRebuild,
        match=r"model\.head\.depth: set by an override, in the constructor of model, and .*Encoder is not tracked",
    ):
        begat.rebuild(again(run), "model", allow=[Net, Encoder])

    assert (model.head.depth, BUILT) == (7, [])


def test_the_order_is_that_of_the_run():
    """Objects are built in the order of the record, those inside others by the others."""
    with begat.capture() as run:
        one = Encoder(1)
        two = Encoder(2)
        three = Net(two)
        Part(three, one)
    expected = [type(thing).__name__ for thing in BUILT], [getattr(thing, "dim", None) for thing in BUILT]
    BUILT.clear()

    begat.rebuild(again(run), "Part")

    assert ([type(thing).__name__ for thing in BUILT], [getattr(thing, "dim", None) for thing in BUILT]) == expected


def test_what_a_constructor_builds_is_left_to_it():
    """An argument that was built inside another object is the one inside that, rebuilt."""
    with begat.capture() as run:
        net = Net(Encoder(1))
        Part(net.head, net.blocks[1], net.named["a"], net)
    BUILT.clear()

    built = begat.rebuild(again(run), "Part")

    head, block, named, net = built.args
    assert (head is net.head, block is net.blocks[1], named is net.named["a"]) == (True, True, True)
    assert len(BUILT) == 7


def test_alone_an_inner_object_is_built_by_itself():
    """Asked for by its own path it needs nothing of the object around it."""
    with begat.capture() as run:
        net = Net(Encoder(1))  # noqa: F841
    BUILT.clear()

    assert begat.rebuild(run, "net.head").dim == 3
    assert len(BUILT) == 1


def test_functions_and_factories_are_called_again():
    """By the class they were called on, and with what goes by position only."""
    with begat.capture() as run:
        made = make(2, 7, 8, scale=10)
        net = Wide.of(4)
        Part(made, net)

    built = begat.rebuild(again(run), "Part")

    assert built.args[0].dim == 22
    assert (type(built.args[1]), built.args[1].hidden) == (Wide, 4)


def test_several_paths_and_everything():
    """Several paths, or none, give a dict by path, and share what they shared."""
    with begat.capture() as run:
        enc = Encoder(1)
        one = Net(enc)
        two = Net(enc)

    some = begat.rebuild(run, ["one", "two"])
    everything = begat.rebuild(run)

    assert some["one"].enc is some["two"].enc
    assert list(everything) == ["enc", "one", "two"]
    assert everything["one"].enc is everything["enc"]
    assert begat.rebuild(run, run["one"]).hidden == begat.rebuild(run, run["one"].id).hidden == 8
    with pytest.raises(KeyError, match="did you mean 'one'"):
        begat.rebuild(run, "onee")


def test_overrides_reach_any_argument():
    """By path, class, number or glob, typed or as text; what matches nothing is said."""
    with begat.capture() as run:
        net = Net(Encoder(1), 2)  # noqa: F841

    net = begat.rebuild(run, "net", overrides={"net.hidden": "64", "Encoder.0.dim": 7, "*.enc.depth": "3"})

    assert (net.hidden, net.enc.dim, net.enc.depth) == (64, 7, 3)
    assert begat.rebuild(run, "net", overrides={"net.enc": "small"}).enc == "small"
    with pytest.raises(OverrideError, match="did you mean"):
        begat.rebuild(run, "net", overrides={"net.hiden": 3})


def test_what_a_constructor_decides_cannot_be_overridden_here():
    """An override of something built inside is refused, not ignored."""
    with begat.capture() as run:
        net = Net(Encoder(1))  # noqa: F841

    with pytest.raises(CannotRebuild, match=r"net.head.dim: the constructor of net decides"):
        begat.rebuild(run, "net", overrides={"net.head.dim": 5})


def test_what_is_missing_can_be_supplied():
    """An argument, a part of one, or a whole object."""
    with begat.capture() as run:
        enc = Encoder(1)
        net = Net(enc, callback=lambda: 1)
        Part(net, [1, lambda: 2])

    built = begat.rebuild(again(run), "Part", supply={"net.callback": len, "Part.args.1.1": max, "enc": "mine"})

    assert (built.args[0].callback, built.args[1], built.args[0].enc) == (len, [1, max], "mine")
    with pytest.raises(CannotRebuild, match=r"net.callbak: stands nowhere"):
        begat.rebuild(run, "net", supply={"net.callback": len, "net.callbak": len})


def test_lazy_objects_wait():
    """With lazy=True nothing is built before it is touched; sharing holds."""
    with begat.capture() as run:
        enc = Encoder(1)
        Part(Net(enc), enc)
    BUILT.clear()

    built = begat.rebuild(run, "Part", lazy=True)

    assert begat.is_lazy(built)
    assert BUILT == []
    net, enc = built.args
    assert net.enc is enc
    assert enc.dim == 1


def test_constructors_that_ran_again_run_again():
    """An object that was initialized twice is left as it was then."""
    with begat.capture() as run:
        net = Net(Encoder(1), 2)
        net.__init__(Encoder(5), 3)

    built = begat.rebuild(again(run), "net")

    assert (built.hidden, built.enc.dim) == (3, 5)


@dataclasses.dataclass(frozen=True)
class TakesNoNote(Exception):
    pass


@pytest.mark.parametrize("kind", [ZeroDivisionError, TakesNoNote])
def test_a_constructor_that_raises_says_which(kind, monkeypatch):
    """Its exception comes through, with the path and the line of the run."""

    def fail(self):
        raise kind

    with begat.capture() as run:
        enc = Encoder(1)  # noqa: F841
    monkeypatch.setattr(Part, "__init__", fail)

    with pytest.raises(kind) as caught:
        begat.rebuild(run, "enc")

    assert "while rebuilding 'enc', " in caught.value.__notes__[0]
    assert "test_rebuild.py:" in caught.value.__notes__[0]


def test_what_raised_in_that_run_is_not_built():
    """A construction that failed is none to repeat."""
    with begat.capture() as run, pytest.raises(TypeError):
        Encoder([], depth=1 + Encoder(1))

    with begat.capture() as run, pytest.raises(ZeroDivisionError):
        make(2, scale=Crash())

    with pytest.raises(CannotRebuild, match="raised builtins:ZeroDivisionError"):
        begat.rebuild(run, "make")


class Crash:
    def __rmul__(self, other):
        raise ZeroDivisionError


def test_a_changed_signature_is_told_exactly(tmp_path, monkeypatch):
    """Which argument is not taken any more, which one is needed, before anything is called."""
    (tmp_path / "changing.py").write_text(
        "class Net:\n    def __init__(self, dim, *, width): raise SystemExit('called')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    from handmade import given, node
    from handmade import run as record

    with pytest.raises(CannotRebuild) as caught:
        begat.rebuild(record(node(1, "net", "changing:Net", given(dim=1, depth=2))), "net", allow=["changing"])

    assert [str(problem).partition(";")[0] for problem in caught.value.problems] == [
        "net.depth: Net takes no argument 'depth' now",
        "net.width: Net needs an argument 'width', which the record does not have",
    ]


def test_a_missing_module_and_a_missing_class_are_told(tmp_path, monkeypatch):
    """With the name that is not there; *moved* says where it went."""
    (tmp_path / "newhome.py").write_text("class Net:\n    def __init__(self, dim): self.dim = dim\n")
    monkeypatch.syspath_prepend(tmp_path)
    from handmade import given, node
    from handmade import run as record

    old = record(node(1, "net", "oldhome:Net", given(dim=1)), node(2, "other", "newhome:Other"))

    with pytest.raises(CannotRebuild, match="no module named oldhome"):
        begat.rebuild(old, "net", allow=["oldhome:Net"])
    with pytest.raises(CannotRebuild, match="newhome has no Other"):
        begat.rebuild(old, "other", allow=["newhome"])
    assert begat.rebuild(old, "net", allow=["newhome.*"], moved={"oldhome": "newhome"}).dim == 1


@pytest.mark.parametrize(
    "moved",
    [{"old": "new"}, {"old.home": "new.home"}, {"old.home.Net": "new.home.Net"}, {"old.home:Net": "new.home:Net"}],
)
def test_moved_names_packages_modules_and_classes(moved, tmp_path, monkeypatch):
    """As it does for `begat.diff`: the longest name that fits, whatever lies below it."""
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "home.py").write_text("class Net:\n    def __init__(self, dim): self.dim = dim\n")
    monkeypatch.syspath_prepend(tmp_path)
    from handmade import given, node
    from handmade import run as record

    old = record(node(1, "net", "old.home:Net", given(dim=1)))

    assert begat.rebuild(old, "net", allow=["new.home:Net"], moved=moved).dim == 1
    with pytest.raises(CannotRebuild, match=r"new\.home:Net is not allowed"):
        begat.rebuild(old, "net", moved=moved)


def test_an_override_of_a_rebuild_leaves_the_runs_inside_alone():
    """They are records of their own: what is called alike there does not stand in the way."""
    with begat.capture() as run:
        enc = Encoder(1)
        with begat.capture():
            inner = Encoder(2)

    built = begat.rebuild(run, "enc", overrides={"Encoder.dim": 7})

    assert (enc.dim, inner.dim, built.dim) == (1, 2, 7)


def test_an_override_means_in_a_rebuild_what_it_means_in_a_run():
    """The name of a list means all that is in it."""
    with begat.capture() as run:
        parts = [Encoder(size) for size in (1, 2)]

    built = begat.rebuild(run, ["parts.0", "parts.1"], overrides={"parts.dim": 7})

    assert parts[0].dim == 1
    assert [part.dim for part in built.values()] == [7, 7]


def test_a_default_that_changed_is_given_as_it_was(tmp_path, monkeypatch):
    """What was left out has the value of the record, not that of another version."""
    (tmp_path / "drifting.py").write_text(
        "class Net:\n    def __init__(self, dim=64, act='gelu'): self.it = dim, act\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    from handmade import default, node
    from handmade import run as record

    old = record(node(1, "net", "drifting:Net", default(dim=32, act="gelu")))

    assert begat.rebuild(old, "net", allow=["drifting"]).it == (32, "gelu")


def test_arguments_that_a_base_class_saw_are_not_the_class_s():
    """A subclass that is not tracked itself has a record of what its base was given: that is no way to build it."""

    class Narrow(Encoder):
        def __init__(self, half):
            Encoder.__init__(self, 2 * half)

    begat.untrack(Part)
    with begat.capture() as run:
        narrow = Narrow(3)  # noqa: F841

    with pytest.raises(CannotRebuild, match="a base class saw"):
        begat.rebuild(run, "narrow")


def test_records_that_refer_to_later_nodes_are_refused():
    """A cycle of references, or one into the future, is no order of construction."""
    from begat.record.values import Ref
    from handmade import given, node
    from handmade import run as record

    target = f"{__name__}:Part"
    for refs in ((2, 1), (1, 1), (7, 1)):
        made = record(
            node(1, "a", target, given(args=(Ref(refs[0]),))), node(2, "b", target, given(args=(Ref(refs[1]),)))
        )
        with pytest.raises(CannotRebuild):
            begat.rebuild(made, "a", allow=[Part])


VALUES = [
    None, True, 0, -1, 2**70, 10**4500, 1.5, float("inf"), float("nan"), -0.0, 1 + 2j, complex("nan"), "text", "qu'o\"te\n\0\u202e", "\ud800",
    b"by'tes", range(1, 9, 2), slice(1, None), ..., {1, "a", None}, frozenset({(1, 2)}), set(), (), (1,), [], {},
    {None: 1, 1: 2, "1": 3, (1, 2): 4}, {"a": [1, {"b": (2,)}]}, datetime.datetime(2026, 1, 2, 3, 4, 5, 6, fold=1),
    datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc), datetime.datetime(2026, 7, 2, tzinfo=ZoneInfo("Europe/Berlin")),
    datetime.date(2026, 1, 2), datetime.time(1, 2, tzinfo=ZoneInfo("UTC")), datetime.timedelta(1, 2, 3), decimal.Decimal("1.50"),
    uuid.UUID(int=7), pathlib.Path("a/b"), pathlib.PureWindowsPath("a\\b"), re.compile("a.b", re.IGNORECASE), re.compile(b"x"),
    Color.RED, Perm.R | Perm.W, Perm(0), OrderedDict(a=1), Counter("aab"), deque([1, 2]), bytearray(b"ab"), Table(a=1), Table({1: 2}),
    Text("t"), Point(1, 2), types.SimpleNamespace(a=1), functools.partial(make, 3, scale=2), list[int], dict[str, int] | None,
    int | None, float, dict, Net, make, Net.of, ZoneInfo("UTC"), [float("nan"), (float("nan"),)],
]  # fmt: skip
ALLOW = [make, Net, Color, Perm, Table, Text, Point, Net.of]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_every_value_comes_back(value):
    """What a record keeps exactly is built exactly: the value, its type, and those inside it."""
    with begat.capture() as run:
        part = Part(value, key=[value])  # noqa: F841

    built = begat.rebuild(again(run), "part", allow=ALLOW)

    for found in (built.args[0], built.kwargs["key"][0]):
        assert type(found) is type(value)
        assert _told(found) == _told(value)


def _told(value):
    return (
        (value.func, value.args, value.keywords)
        if type(value) is functools.partial
        else hex(value)
        if type(value) is int
        else repr(value)
    )


def test_numpy_values_come_back():
    """Scalars, dtypes and small arrays, empty ones too."""
    np = pytest.importorskip("numpy")
    values = [
        np.float32(0.1), np.int8(-3), np.bool_(True), np.datetime64("2026-01-02", "D"), np.timedelta64(3, "h"), np.str_("x"),
        np.complex64(1j), np.dtype("float32"), np.dtype([("a", "<i4")]), np.arange(6).reshape(2, 3), np.zeros((0, 3), np.float32),
        np.array(1.5), np.array(["a", "bc"]), np.float64("nan"),
    ]  # fmt: skip
    with begat.capture() as run:
        part = Part(*values)  # noqa: F841

    built = begat.rebuild(again(run), "part")

    for found, value in zip(built.args, values, strict=True):
        assert type(found) is type(value)
        assert repr(found) == repr(value)
        assert getattr(found, "shape", ()) == getattr(value, "shape", ())


def test_aliases_and_cycles_within_an_argument_are_kept():
    """The same list twice is one list again; one that holds itself holds itself."""
    shared, cycle = [1], {}
    cycle["self"] = cycle
    table = Table()
    table["me"] = table
    with begat.capture() as run:
        part = Part(0, key=[shared, shared, (shared,), cycle, table])  # noqa: F841

    one, two, three, ring, own = begat.rebuild(again(run), "part", allow=[Table]).kwargs["key"]

    assert one is two is three[0]
    assert one == [1]
    assert ring["self"] is ring
    assert own["me"] is own


def test_methods_of_rebuilt_objects_are_bound_to_them():
    """A bound method is an edge: it comes back bound to the new object."""
    with begat.capture() as run:
        net = Net(Encoder(1), 4)
        Part(net.step)

    built = begat.rebuild(again(run), "Part").args[0]

    assert built() == 4
    assert built.__self__ is not net


def test_the_graph_of_what_was_rebuilt_is_the_graph():
    """Recording a rebuild gives the nodes, arguments and edges of the record, as the user's own."""
    with begat.capture() as run:
        enc = Encoder(5)
        net = Net(enc, callback=len)
        Part(net.head, net, [enc])

    with begat.capture() as second:
        begat.rebuild(again(run), allow=[len])

    def graph(of):
        return [
            (n.target, n.within, n.user, {k: (v.value, v.source) for k, v in n.arguments.items()}) for n in of.nodes
        ]

    assert graph(second) == graph(run)
