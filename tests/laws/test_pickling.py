"""Objects and classes travel as before: pickle, copy, cloudpickle, dill; nothing of begat goes with them."""

from __future__ import annotations

import base64
import copy
import json
import pickle
import sys
import types
from pathlib import Path

import pytest

import begat
import zoo
from zoo_support.portrait import observe
from zoo_support.tracking import TESTS, settle, succeeds

# mutable_defaults changes its own defaults with each call, so no two calls are alike.
BUILT = [
    a for a in zoo.TRACKABLE if a.calls[0].seen and a.calls[0].outcome == "returned" and a.name != "mutable_defaults"
]
DEEP = {"three_hundred_parameters"}


def travels(cls: type, call: zoo.Call) -> dict[str, object]:
    """What pickle and copy make of an object and of its class."""
    settle(cls)
    made = call.on(cls)
    ways = {
        "pickle": lambda: pickle.loads(pickle.dumps(made)),
        "protocol 2": lambda: pickle.dumps(made, 2),
        "protocol 5": lambda: pickle.dumps(made, 5),
        "class": lambda: pickle.dumps(cls),
        "reduce": lambda: object.__reduce_ex__(made, 4),
        "copy": lambda: copy.copy(made),
        "deepcopy": lambda: copy.deepcopy(made),
        "deepcopy of the class": lambda: copy.deepcopy(cls) is cls,
    }
    return {name: observe(way) for name, way in ways.items()}


@pytest.mark.parametrize("animal", BUILT, ids=repr)
def test_pickle_and_copy_do_what_they_did(animal, track):
    """The same bytes, the same copies, the same refusals."""
    plain = travels(animal.make(), animal.calls[0])
    cls = animal.make()
    track(cls)

    idle = travels(cls, animal.calls[0])
    with begat.capture():
        recording = travels(cls, animal.calls[0])

    assert idle == plain
    assert recording == plain


@pytest.mark.parametrize("pickler", ["cloudpickle", "dill"])
@pytest.mark.parametrize("animal", BUILT, ids=repr)
def test_a_class_by_value_carries_nothing_of_ours(animal, pickler, track):
    """A class pickled by value is at most twice as large, and names begat nowhere."""
    library = pytest.importorskip(pickler)
    cls = animal.make()
    animal.calls[0].on(cls)  # some keep their objects on the class
    plain = observe(library.dumps, cls)
    size = len(library.dumps(cls)) if not plain.error else 0

    track(cls)
    with begat.capture():
        animal.calls[0].on(cls)
        tracked = observe(library.dumps, cls)

    assert bool(tracked.error) == bool(plain.error), tracked.error
    if not tracked.error:
        payload = library.dumps(cls)
        # A parameter costs an instruction or two, a default some more, which only counts where there are hundreds.
        defaults = len(constructor(cls).__defaults__ or ()) + len(constructor(cls).__kwdefaults__ or ())
        parameters = constructor(cls).__code__.co_argcount + constructor(cls).__code__.co_kwonlyargcount
        assert len(payload) <= 2 * size + 400 + 20 * defaults + 6 * parameters
        assert ours(payload) == ours(library.dumps(animal.make()))


def constructor(cls: type) -> types.FunctionType:
    """The function that takes the arguments of *cls*, or one that takes none."""
    found = [getattr(cls, name) for name in ("__init__", "__new__")]
    return next((f for f in found if isinstance(f, types.FunctionType)), settle)


def ours(payload: bytes) -> int:
    """How often *payload* names begat, but for the text that stands in its constants, which is only a text."""
    return payload.replace(b"<begat: not given>", b"").count(b"begat")


LOADER = """
import base64, importlib, json, sys
by_value = importlib.import_module(sys.argv[2])
sys.modules["begat"] = None
import pickle
from zoo_support.portrait import observe
out = {}
for name, payload in json.load(open(sys.argv[1])).items():
    made = []
    for text in payload["classes"]:
        try:
            cls = by_value.loads(base64.b64decode(text))
        except Exception as problem:
            made.append(f"cannot load: {problem!r}")
            continue
        args, kwargs = pickle.loads(base64.b64decode(payload["call"]))
        made.append(repr(observe(cls, *args, **kwargs)))
    out[name] = made
print(json.dumps(out))
"""


@pytest.mark.parametrize("pickler", ["cloudpickle", "dill"])
def test_a_class_by_value_lives_where_begat_is_not_installed(pickler, tmp_path, track):
    """What a plain class does in such a process, the tracked one does there too."""
    library = pytest.importorskip(pickler)
    cargo = {}
    for animal in BUILT:
        cls = animal.make()
        if observe(library.dumps, cls).error or animal.name in DEEP:
            continue
        plain = library.dumps(cls)
        track(cls)
        if observe(library.dumps, cls).error:
            continue  # test_a_class_by_value_carries_nothing_of_ours says so
        with begat.capture():
            tracked = library.dumps(cls)
        cargo[animal.name] = {
            "classes": [base64.b64encode(payload).decode() for payload in (plain, tracked)],
            "call": base64.b64encode(pickle.dumps(animal.calls[0].fresh())).decode(),
        }
    (tmp_path / "cargo.json").write_text(json.dumps(cargo))
    (tmp_path / "load.py").write_text(LOADER)

    seen = json.loads(succeeds(tmp_path / "load.py", tmp_path / "cargo.json", pickler, path=(TESTS,)))

    assert len(seen) > 40
    assert {name: tracked for name, (plain, tracked) in seen.items() if tracked != plain} == {}


MAIN = """
import pickle, sys, threading
import {pickler} as by_value
import begat

class Net:
    def __init__(self, width, depth=2, *, names=("a",)):
        self.state = (width, depth, names)

plain = len(by_value.dumps(Net))
begat.trackable(Net)
with begat.capture() as run:
    nets = [Net(i) for i in range(2000)]
    tracked = by_value.dumps(Net)
    one = by_value.dumps(nets[0])
assert len(run.nodes) == 2000
assert len(tracked) <= 2 * plain + 300, (len(tracked), plain)
for payload in (tracked, one):
    assert b"begat" not in payload.replace(b"<begat: not given>", b""), payload
open(sys.argv[1], "wb").write(pickle.dumps([tracked, one]))
"""

READER = """
import pickle, sys
import {pickler} as by_value
sys.modules["begat"] = None
tracked, one = pickle.load(open(sys.argv[1], "rb"))
cls = by_value.loads(tracked)
print(cls(5).state, cls(5, 6, names=[]).state, by_value.loads(one).state)
"""


@pytest.mark.parametrize("pickler", ["cloudpickle", "dill"])
def test_a_class_of_main_travels_without_its_graph(pickler, tmp_path):
    """A tracked class from ``__main__`` goes by value: no graph, no lock, no name of ours; it builds elsewhere."""
    pytest.importorskip(pickler)
    (tmp_path / "main.py").write_text(MAIN.format(pickler=pickler))
    (tmp_path / "read.py").write_text(READER.format(pickler=pickler))

    succeeds(tmp_path / "main.py", tmp_path / "payload")
    out = succeeds(tmp_path / "read.py", tmp_path / "payload", path=(Path(tmp_path),))

    assert out.split("\n")[0] == "(5, 2, ('a',)) (5, 6, []) (0, 2, ('a',))"


def uses_begat() -> bool:
    return begat.is_lazy(3)


@pytest.mark.parametrize("pickler", ["pickle", "cloudpickle", "dill"])
def test_begat_itself_travels_by_name(pickler):
    """Among what a function of the main program refers to, which cloudpickle sends by value."""
    module = pytest.importorskip(pickler)
    assert module.loads(module.dumps([begat])) == [begat]
    if pickler == "cloudpickle":
        module.register_pickle_by_value(sys.modules[__name__])
        try:
            assert module.loads(module.dumps(uses_begat))() is False
        finally:
            module.unregister_pickle_by_value(sys.modules[__name__])


def test_copies_are_not_invented(track):
    """A copied or unpickled object of a tracked class is described, with the reason why it has no node."""
    from begat.record.values import Opaque

    class Part:
        def __init__(self, a):
            self.a = a

    class Whole:
        def __init__(self, part):
            self.part = part

    settle(Part, "Part")
    track(Part)
    track(Whole)
    with begat.capture() as run:
        part = Part([1])
        for other in (copy.copy(part), copy.deepcopy(part), pickle.loads(pickle.dumps(part)), Part.__new__(Part)):
            Whole(other)
            assert begat.provenance(other) is None

    values = [node.params["part"] for node in run.nodes[1:]]
    assert len(values) == 4
    assert all(type(value) is Opaque and value.facts["reason"] for value in values)
