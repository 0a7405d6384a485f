"""`trackable` and `untrack`: what may be given to them, and what they give back."""

from __future__ import annotations

import functools
import gc
import inspect
import re

import pytest

import begat
import zoo
from begat.errors import CannotTrack
from begat.record.values import Redacted, Ref


class Thing:
    """Not tracked."""


def test_the_class_stays_the_same_object():
    """`trackable` gives back what it got, bare, with options, as a function or as a decorator."""

    class C:
        def __init__(self, a):
            self.a = a

    init = C.__init__

    assert begat.trackable(C) is C
    assert begat.trackable(ignore={"a"})(C) is C
    assert C.__init__ is init
    begat.untrack(C)
    assert C.__init__ is init


def test_as_a_decorator():
    """``@begat.trackable`` and ``@begat.trackable(...)`` record the objects of the class below them."""

    @begat.trackable
    class A:
        def __init__(self, x):
            self.x = x

    @begat.trackable(redact={"key"})
    class B:
        def __init__(self, key):
            self.key = key

    with begat.capture() as run:
        A(1)
        B("hunter2")

    assert [node.kind for node in run.nodes] == ["class", "class"]
    assert run.nodes[0].params == {"x": 1}
    assert isinstance(run.nodes[1].params["key"], Redacted)


def test_ignored_parameters_are_left_out_and_named(track):
    """An ignored parameter is not in the record; the notes say so."""

    class C:
        def __init__(self, a, verbose=False, *, log=None):
            self.seen = (a, verbose, log)

    track(C, ignore={"verbose", "log"})
    with begat.capture() as run:
        made = C(1, True)

    (node,) = run.nodes
    assert made.seen == (1, True, None)
    assert node.params == {"a": 1}
    assert all(name in " ".join(node.notes) for name in ("verbose", "log"))


def test_redacted_parameters_are_marked_and_their_text_is_nowhere(track, tmp_path):
    """A redacted parameter says what type it had; its value is not in the file."""

    class C:
        def __init__(self, user, api_key, rest=()):
            self.api_key = api_key

    track(C, redact={"api_key", "rest"})
    with begat.capture() as run:
        made = C("me", "canary-0001", rest=["canary-0002", {"k": "canary-0003"}])
    run.save(tmp_path / "run.json")

    assert made.api_key == "canary-0001"
    value = run.nodes[0].params["api_key"]
    assert isinstance(value, Redacted)
    assert value.type in ("str", "builtins:str")
    assert run.nodes[0].params["user"] == "me"
    assert "canary" not in (tmp_path / "run.json").read_text()


def test_a_redacted_default_is_not_shown_either(track, tmp_path):
    """A secret that stands in the signature is redacted as one that was passed."""

    class C:
        def __init__(self, api_key="canary-0004"):
            pass

    track(C, redact={"api_key"})
    with begat.capture() as run:
        C()
    run.save(tmp_path / "run.json")

    assert isinstance(run.nodes[0].params["api_key"], Redacted)
    assert run.nodes[0].arguments["api_key"].source == "default"
    assert "canary" not in (tmp_path / "run.json").read_text()


def test_options_naming_no_parameter_are_refused_or_harmless(track):
    """A class whose ``**kwargs`` take the redacted name has it redacted there."""

    class C:
        def __init__(self, **options):
            self.options = options

    track(C, redact={"api_key"}, ignore={"verbose"})
    with begat.capture() as run:
        C(api_key="canary", verbose=True, depth=3)

    options = run.nodes[0].params["options"]
    assert isinstance(options["api_key"], Redacted)
    assert options["depth"] == 3


def test_a_function_is_recorded(track):
    """A tracked function stays the same function; each call is a node of kind function."""

    def load(path, *, limit=None):
        return [path, limit]

    assert track(load) is load
    with begat.capture() as run:
        assert load("a.csv") == ["a.csv", None]
        with pytest.raises(TypeError, match=r"load\(\) missing 1 required positional argument: 'path'"):
            load()

    (node,) = run.nodes
    assert (node.kind, node.outcome) == ("function", "returned")
    assert node.params == {"path": "a.csv", "limit": None}
    assert [a.source for a in node.arguments.values()] == ["given", "default"]


def test_what_a_function_returned_is_known(track):
    """An object that a tracked function made and nobody else recorded is a Ref to the call."""

    class Table:
        pass

    def load(path):
        return Table()

    def use(table):
        return table

    track(load)
    track(use)
    with begat.capture() as run:
        table = load("a.csv")
        use(table)

        assert begat.provenance(table) == run.nodes[0]
    assert run.nodes[1].params == {"table": Ref(run.nodes[0].id)}


def test_a_function_that_raises(track):
    """The exception passes unchanged and the node says which it was."""

    def load(path):
        raise FileNotFoundError(path)

    track(load)
    with begat.capture() as run, pytest.raises(FileNotFoundError) as caught:
        load("gone")

    (node,) = run.nodes
    assert (node.outcome, node.error) == ("raised", "builtins:FileNotFoundError")
    assert [frame.name for frame in caught.traceback][1:] == ["load"]


def test_untracking_a_function_restores_it():
    """After untrack a function has its own code and defaults again."""

    def load(path, limit=(1,), *, mode=[]):
        return path

    code, defaults, keywords = load.__code__, load.__defaults__, load.__kwdefaults__
    begat.trackable(load)
    assert inspect.signature(load).parameters["limit"].default is defaults[0]
    begat.untrack(load)

    with begat.capture() as run:
        load("x")
    assert (load.__code__, load.__defaults__, load.__kwdefaults__) == (code, defaults, keywords)
    assert load.__code__ is code
    assert load.__defaults__ is defaults
    assert load.__kwdefaults__ is keywords
    assert run.nodes == ()


def test_factories_by_decorator():
    """A classmethod tracked below ``@classmethod`` is a factory: its call is the recipe, what it builds hangs below it."""

    class Net:
        def __init__(self, width):
            self.width = width

        @classmethod
        @begat.trackable
        def from_file(cls, path, *, strict=True):
            return cls(len(path))

    begat.trackable(Net)
    with begat.capture() as run:
        net = Net.from_file("abc")

        assert begat.provenance(net).params["path"] == "abc"
    begat.untrack(Net)

    factory, built = run.nodes
    assert factory.kind == "factory"
    assert factory.target.endswith("Net.from_file")
    assert factory.params == {"path": "abc", "strict": True}
    assert built.within == factory.id
    assert built.params == {"width": 3}


def test_factories_from_outside(track):
    """``begat.trackable(C.from_x)`` records the calls of a classmethod one does not own; on subclasses too."""

    class Net:
        @classmethod
        def from_name(cls, name, **options):
            net = cls.__new__(cls)
            net.name = name
            return net

    class Sub(Net):
        pass

    before = vars(Net)["from_name"]
    track(Net.from_name)
    with begat.capture() as run:
        first, second = Net.from_name("a"), Sub.from_name("b", width=2)

        assert begat.provenance(second).params == {"name": "b", "options": {"width": 2}}
    assert type(second) is Sub
    assert first.name == "a"
    assert vars(Net)["from_name"] is before
    assert [node.kind for node in run.nodes] == ["factory", "factory"]


def test_a_factory_released_is_as_before():
    """untrack of a bound classmethod restores the function behind it."""

    class Net:
        @classmethod
        def make(cls, a=1):
            return cls()

    code = Net.make.__func__.__code__
    begat.trackable(Net.make)
    begat.untrack(Net.make)

    assert Net.make.__func__.__code__ is code


@pytest.mark.parametrize("way", ["generator", "coroutine", "asynchronous generator"])
def test_functions_that_run_later(way, track):
    """A generator or coroutine function is refused or recorded when called; what it yields is the same."""

    def generator(a):
        yield a

    async def coroutine(a):
        return a

    async def asynchronous(a):
        yield a

    function = {"generator": generator, "coroutine": coroutine}.get(way, asynchronous)
    try:
        track(function)
    except CannotTrack as refusal:
        assert "generator" in str(refusal) or "coroutine" in str(refusal)
    with begat.capture():
        made = function(1)
        if way == "generator":
            assert list(made) == [1]
        elif way == "coroutine":
            with pytest.raises(StopIteration) as stop:
                made.send(None)
            assert stop.value.value == 1


def test_methods_in_general(track):
    """A function reached through a class is tracked as a function; its object is an argument like any other."""

    class Data:
        def split(self, ratio=0.5):
            return ratio

    assert track(Data.split) is Data.split
    with begat.capture() as run:
        Data().split(0.3)

    assert run.nodes[0].params["ratio"] == 0.3


def test_wrapped_functions_keep_working(track):
    """A tracked function below ``functools.wraps``, ``cache`` or ``partial`` is recorded when it is reached."""

    @functools.cache
    def cached(a):
        return a

    def inner(a, b=2):
        return (a, b)

    track(inner)
    with begat.capture() as run:
        assert functools.partial(inner, b=5)(1) == (1, 5)
        assert cached(1) == 1
    try:
        track(cached)
    except CannotTrack:
        pass
    assert cached(2) == 2
    assert [node.params for node in run.nodes] == [{"a": 1, "b": 5}]


@pytest.mark.parametrize("animal", zoo.REFUSED, ids=repr)
def test_refusals_name_the_thing_and_the_reason(animal):
    """The text of CannotTrack names what was given and says why; it is no traceback from the inside."""
    thing = animal.make()

    with pytest.raises(CannotTrack) as refusal:
        begat.trackable(thing)

    text = str(refusal.value)
    name = type.__getattribute__(thing, "__name__") if isinstance(thing, type) else ""
    assert name in text
    assert ":" in text
    assert refusal.value.__cause__ is None


@pytest.mark.parametrize("maker", ["dataclass", "dataclass with slots", "attrs"])
def test_the_wrong_order_of_decorators_is_refused_where_it_stands(maker):
    """What ``@dataclass`` or attrs will turn into another class, or give a constructor later, is no class to track yet."""
    import dataclasses

    import attrs

    class Wrong:
        a: int

    with pytest.raises(CannotTrack, match="Wrong"):
        begat.trackable(Wrong)

    make = {
        "dataclass": dataclasses.dataclass,
        "dataclass with slots": dataclasses.dataclass(slots=True),
        "attrs": attrs.define,
    }
    right = begat.trackable(make[maker](Wrong))
    with begat.capture() as run:
        assert right(1).a == 1
        assert (attrs.evolve if maker == "attrs" else dataclasses.replace)(right(2), a=3).a == 3
    begat.untrack(right)
    assert [node.params for node in run.nodes] == [{"a": 1}, {"a": 2}, {"a": 3}]


def test_a_named_tuple_under_trackable():
    """A NamedTuple is built by ``__new__``: it is recorded, and ``_make``, ``_replace`` and unpacking work as before."""
    from typing import NamedTuple

    @begat.trackable
    class Point(NamedTuple):
        x: int
        y: int = 0

    with begat.capture() as run:
        point = Point(1)
        assert point._replace(y=5) == (1, 5)
        assert Point._make([3, 4]) == (3, 4)
    begat.untrack(Point)

    assert point == (1, 0)
    assert run.nodes[0].params == {"x": 1, "y": 0}


def test_pydantic_models_are_built_as_before(track):
    """Validation, nesting, copies and subclasses made later do what they did; only ``M(...)`` is seen."""
    import pydantic

    class Inner(pydantic.BaseModel):
        a: int = 1

    class Model(pydantic.BaseModel):
        inner: Inner = Inner()
        b: list[int] = []

    custom = Model.__pydantic_custom_init__
    track(Model)
    track(Inner)

    class Later(Model):
        c: int = 2

    assert Model.__pydantic_custom_init__ == custom
    assert Later.__pydantic_custom_init__ == custom
    with begat.capture() as run:
        model = Model(inner={"a": 2})
        assert Model.model_validate({"b": [1]}).b == [1]
        assert Model.model_validate_json('{"b": [2]}').b == [2]
        assert Model.model_construct(b=3).b == 3
        assert model.model_copy(update={"b": [9]}).b == [9]
        assert Later(c=5).c == 5
        with pytest.raises(pydantic.ValidationError):
            Model(b="no")

    assert model.inner.a == 2
    assert [(n.target.rpartition(".")[2], n.outcome) for n in run.nodes] == [
        ("Model", "returned"),
        ("Later", "returned"),
        ("Model", "raised"),
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (3, "cannot track int: it is an int; give a class"),
        ("text", "cannot track str: it is a str; give a class"),
        (len, "cannot track len: it is a builtin_function_or_method"),
        (Thing(), "cannot track this Thing: it is an instance of Thing; give the class"),
    ],
    ids=["number", "text", "builtin", "instance"],
)
def test_what_is_no_class_is_called_what_it_is(given, said):
    """An instance in the place of its class is the usual mistake, and is called so."""
    with pytest.raises(CannotTrack, match=re.escape(said)):
        begat.trackable(given)


@pytest.mark.parametrize("what", ["ignore", "redact"])
def test_a_name_that_is_no_parameter_is_refused(what):
    """A mistyped name would leave a secret in the record: it is told at once, with the nearest."""

    def load(path, verbose=False):
        pass

    class C:
        def __init__(self, api_key, **more):
            pass

    with pytest.raises(TypeError, match=rf"{what} names 'verbos'.*load.*did you mean 'verbose'"):
        begat.trackable(**{what: {"verbos"}})(load)
    assert begat.trackable(**{what: {"verbose"}})(load) is load
    assert begat.trackable(**{what: {"what comes in more"}})(C) is C
    begat.untrack(load)
    begat.untrack(C)


def test_a_constructor_is_no_function_to_track():
    """``trackable(C.__init__)`` says to give the class, and a refusal leaves nothing behind."""

    class C:
        def __init__(self, x=1):
            self.x = x

    code, defaults = C.__init__.__code__, C.__init__.__defaults__
    begat.trackable(C)
    with pytest.raises(CannotTrack, match="give the class"):
        begat.trackable(C.__init__)
    begat.untrack(C)

    assert C.__init__.__code__ is code
    assert C.__init__.__defaults__ is defaults


def test_a_function_that_is_tracked_and_a_constructor():
    """A function cannot be recorded as itself and as a class's constructor; what came first goes on."""

    def setup(self, x=1):
        return None

    class C:
        __init__ = setup

    code = setup.__code__
    begat.trackable(setup)
    with pytest.raises(CannotTrack, match="in another way"):
        begat.trackable(C)
    with begat.capture() as run:
        setup(None)

    assert len(run.nodes) == 1
    begat.untrack(setup)
    assert setup.__code__ is code


def test_when_the_last_tracked_class_is_collected_nobody_listens():
    """Woven code goes back to its idle way, as after untrack."""
    from begat.intercept.constants import LISTENING
    from begat.intercept.plans import TRACKED

    class C:
        def __init__(self, x):
            pass

    gc.collect()
    begat.trackable(C)
    others = len(TRACKED) - 1
    del C
    gc.collect()

    assert len(TRACKED) == others
    if not others:
        assert not LISTENING
