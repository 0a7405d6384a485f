"""The record is what was passed: names, values, sources, outcomes, one node for one object."""

from __future__ import annotations

import json

import pytest

import begat
import zoo
from zoo_support.tracking import nodes_of


def perform(animal: zoo.Animal, cls: type) -> list[object]:
    """Make all calls of *animal* on *cls*, and keep what they made."""
    made = []
    for call in animal.calls:
        try:
            made.append(call.on(cls))
        except BaseException as problem:  # every kind is expected of some animal
            made.append(problem)
    return made


@pytest.mark.parametrize("animal", zoo.TRACKABLE, ids=repr)
def test_every_call_leaves_the_node_it_should(animal, track):
    """For each construction, in order: the arguments by name, which of them were given, and how it ended."""
    cls = animal.make()
    track(cls)

    with begat.capture() as run:
        kept = perform(animal, cls)

    nodes = iter(nodes_of(run, cls))
    for call in animal.calls:
        if not call.seen:
            continue
        node = next(nodes)
        if call.params is not None:
            assert node.params == call.params
            assert {k: a.source for k, a in node.arguments.items() if k in clear(call)} == clear(call)
        if call.outcome is not None:
            assert node.outcome == call.outcome
            assert (node.error is not None) == (call.outcome == "raised")
        for _ in range(call.inner):
            assert next(nodes).within is not None
    assert list(nodes) == []
    assert [event.kind for event in run.events] == [call.event for call in animal.calls if call.event]
    assert len(kept) == len(animal.calls)


def clear(call: zoo.Call) -> dict[str, str]:
    """The sources that can be told: an empty ``*args`` or ``**kwargs`` was neither given nor a default."""
    assert call.params is not None and call.sources is not None
    return {k: s for k, s in call.sources.items() if not (s == "given" and call.params[k] in ((), {}))}


@pytest.mark.parametrize("animal", zoo.TRACKABLE, ids=repr)
def test_a_run_survives_its_file(animal, track, tmp_path):
    """load(dump(run)) == run, and the file is strict JSON."""
    cls = animal.make()
    track(cls)
    with begat.capture(animal.name) as run:
        perform(animal, cls)

    run.save(tmp_path / "run.json")

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    json.loads((tmp_path / "run.json").read_text("utf-8"), parse_constant=refuse)
    loaded = begat.load(tmp_path / "run.json")
    assert loaded == run
    assert loaded.nodes == run.nodes
    assert loaded.events == run.events


@pytest.mark.parametrize(
    "animal", [a for a in zoo.TRACKABLE if a.calls[0].seen and a.calls[0].outcome == "returned"], ids=repr
)
def test_an_object_leads_to_its_node(animal, track):
    """`provenance` of what a call returned is the node of that call, where the object can be told from all others."""
    cls = animal.make()
    track(cls)
    with begat.capture() as run:
        made = animal.calls[0].on(cls)

        # Within the scope: what has no weak references is known no longer than that.
        if type(made) is cls:
            assert begat.provenance(made) == nodes_of(run, cls)[0]
            assert begat.params(made) == nodes_of(run, cls)[0].params


def test_parameters_are_in_the_order_of_the_signature(track):
    """node.arguments lists them as ``inspect.signature`` does, whatever the order of the call."""

    class C:
        def __init__(self, a, b, *rest, c, d=4, **more):
            pass

    track(C)
    with begat.capture() as run:
        C(1, 2, 3, z=9, d=5, c=6)

    assert list(run.nodes[0].arguments) == ["a", "b", "rest", "c", "d", "more"]
    assert run.nodes[0].starred == ("rest", "more")


def test_given_and_default_are_told_apart_even_when_equal(track):
    """A value that the caller passed is given, also where it is the very object of the default."""
    default = (1, 2)

    class C:
        def __init__(self, a=default, *, b="x", c=None):
            pass

    track(C)
    with begat.capture() as run:
        C(default, b="x")
        C(c=None)

    assert [{k: a.source for k, a in n.arguments.items()} for n in run.nodes] == [
        {"a": "given", "b": "given", "c": "default"},
        {"a": "default", "b": "default", "c": "given"},
    ]


def test_sources_through_partial_stars_and_clone(track):
    """``functools.partial``, ``*args``, ``**kwargs`` and copies by keyword give what they give."""
    import functools

    class C:
        def __init__(self, a=1, b=2, c=3):
            self.a, self.b, self.c = a, b, c

    track(C)
    with begat.capture() as run:
        functools.partial(C, 1, c=3)(2)
        C(*[1], **{"c": 3})
        C(**{})

    sources = [tuple(a.source for a in node.arguments.values()) for node in run.nodes]
    assert sources == [("given",) * 3, ("given", "default", "given"), ("default",) * 3]


def test_the_record_keeps_the_value_of_the_call(track):
    """Containers changed after the call, in the constructor or later, are recorded as they were passed."""

    class C:
        def __init__(self, items, table):
            items.append("in the constructor")
            table["new"] = 1

    track(C)
    items, table = [1, [2]], {"a": [3]}
    with begat.capture() as run:
        C(items, table)
        items[1].append("later")
        table["a"].clear()

    assert run.nodes[0].params == {"items": [1, [2]], "table": {"a": [3]}}


def test_parameters_rebound_in_the_body_are_recorded_as_passed(track):
    """What the constructor does to its own variables is not what the caller passed."""

    class C:
        def __init__(self, a, b=2):
            a, b = 10, 20
            del a

    track(C)
    with begat.capture() as run:
        C(1)

    assert run.nodes[0].params == {"a": 1, "b": 2}
