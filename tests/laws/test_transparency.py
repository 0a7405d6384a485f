"""Capture on ≡ capture off: no program can tell, by what it does, that its classes are tracked."""

from __future__ import annotations

import inspect
import re
from dataclasses import replace

import pytest

import begat
import zoo
from begat.errors import CannotTrack
from zoo_support.portrait import observe, portrait, traced
from zoo_support.tracking import recording

MODES = ["idle", "recording"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("animal", zoo.TOUCHABLE, ids=repr)
def test_a_tracked_class_does_what_its_twin_does(animal, mode, track):
    """Results, state, exceptions with their tracebacks, warnings with their places: all the same."""
    plain, tracked = animal.make(), animal.make()
    possible = track.if_possible(tracked)
    assert possible or animal.tracked is None

    expected = [observe(call.on, plain) for call in animal.calls]
    with recording(mode == "recording"):
        found = [observe(call.on, tracked) for call in animal.calls]

    # A class without constructor has no code to weave: where it refuses arguments, the refusal has one frame more.
    found = [replace(seen, error=re.sub(r'  File ".*bare.py".*\n.*\n', "", seen.error)) for seen in found]
    assert found == expected


def _signature(cls):
    try:
        return str(inspect.signature(cls))
    except Exception as error:
        return type(error)


@pytest.mark.parametrize("animal", zoo.TOUCHABLE, ids=repr)
def test_a_tracked_class_takes_what_it_took(animal, track):
    """Also for those who ask its signature."""
    cls = animal.make()
    before = _signature(cls)
    track.if_possible(cls)

    assert _signature(cls) == before


@pytest.mark.parametrize("animal", zoo.TOUCHABLE, ids=repr)
def test_an_untracked_class_does_what_it_did(animal):
    """After untrack the class behaves as if it had never been tracked, also while a scope is open."""
    plain, released = animal.make(), animal.make()
    try:
        begat.trackable(released)
    except CannotTrack:
        assert animal.tracked is None
    begat.untrack(released)

    expected = [observe(call.on, plain) for call in animal.calls]
    with begat.capture() as run:
        found = [observe(call.on, released) for call in animal.calls]

    assert found == expected
    assert run.nodes == ()


@pytest.mark.parametrize("animal", zoo.REFUSED, ids=repr)
def test_what_cannot_be_tracked_is_refused_and_left_alone(animal):
    """`trackable` says why it refuses, with a TypeError, and changes nothing."""
    thing = animal.make()
    before = dict(type.__getattribute__(thing, "__dict__")) if isinstance(thing, type) else repr(thing)

    with pytest.raises(CannotTrack, match=r"begat-T1") as refusal:
        begat.trackable(thing)

    assert isinstance(refusal.value, TypeError)
    assert len(str(refusal.value)) > 30, "a refusal says why"
    assert (dict(type.__getattribute__(thing, "__dict__")) if isinstance(thing, type) else repr(thing)) == before


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("animal", zoo.TRACKABLE, ids=repr)
def test_debuggers_and_coverage_see_the_same_events(animal, mode, track):
    """The calls, lines, returns and exceptions that a trace function is told are those of the plain class."""
    plain, tracked = animal.make(), animal.make()
    track(tracked)

    expected = [events(plain, call) for call in animal.calls]
    with recording(mode == "recording"):
        found = [events(tracked, call) for call in animal.calls]

    assert found == expected


def events(cls, call):
    """What a trace function is told of the call."""
    args, kwargs = call.fresh()
    return traced(cls, *args, **kwargs)


def test_the_recursion_limit_is_reached_at_the_same_depth(track):
    """A constructor recurses as deep as before, and beyond that it is a RecursionError."""

    def build():
        class Deep:
            def __init__(self, depth):
                self.child = Deep(depth + 1)

        return Deep

    def depth(cls):
        seen = 0

        class Probe(cls):
            def __init__(self, depth):
                nonlocal seen
                seen = max(seen, depth)
                super().__init__(depth)

        cls.__init__.__closure__[0].cell_contents = Probe
        with pytest.raises(RecursionError):
            Probe(0)
        return seen

    plain = depth(build())
    tracked = build()
    track(tracked)

    idle = depth(tracked)
    with begat.capture():
        listening = depth(tracked)

    # Where the interpreter counts its own C frames, a constructor called another way may get a little deeper.
    assert 0.99 * plain <= idle <= 1.1 * plain
    assert 0.98 * plain <= listening <= 1.1 * plain


def test_a_singledispatch_and_a_match_still_know_the_class(track):
    """Functions that choose by class, and match statements, choose as before."""
    import functools
    from dataclasses import dataclass

    @dataclass
    class Point:
        x: int
        y: int = 0

    @functools.singledispatch
    def kind(thing):
        return "other"

    kind.register(Point)(lambda thing: "point")
    assert track(Point) is Point
    with begat.capture():
        match Point(1):
            case Point(x, y=0):
                found = x

    assert kind(Point(2)) == "point"
    assert found == 1
    assert portrait(Point(1)) == portrait(Point(1, 0))
