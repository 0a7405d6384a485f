"""Ghost ≡ eager: whatever shape a class has, an object that was built late is the object that was built at once."""

from __future__ import annotations

from typing import Any

import pytest

import begat
import zoo
from begat.lazy import ghost, thunk
from zoo_support.portrait import portrait

# Who looks at the frames of its caller sees, when it is built late, those of the touch.
TELLS = {"looks_at_its_caller"}
LATE = [animal for animal in zoo.TRACKABLE if animal.name not in TELLS]


def outcome(make: Any) -> tuple[object, object, str]:
    """What *make* made or raised, built if it waits: its portrait, the error and its text."""
    try:
        made = make()
        begat.materialize(made, deep=True)
    except BaseException as error:  # every kind is expected of some animal
        return None, type(error).__qualname__, repr(error.args)
    return portrait(made), None, ""


@pytest.mark.parametrize("threads", [False, True])
@pytest.mark.parametrize("animal", LATE, ids=repr)
def test_built_late_is_built_at_once(animal, threads, track, monkeypatch):
    """The same state, or the same exception, whether or not other threads could look at it meanwhile."""
    monkeypatch.setattr(thunk, "alone", lambda: not threads)
    plain, cls = animal.make(), animal.make()
    track(cls)
    for call in animal.calls:
        expected = outcome(lambda: call.on(plain))
        with begat.capture() as run, begat.deferred(cls):
            found = outcome(lambda: call.on(cls))
        if any("did not wait" in mark for mark in run.header.marks):
            continue  # eager, and the record says why
        assert found == expected


@pytest.mark.parametrize("animal", zoo.TRACKABLE, ids=repr)
def test_what_waits_has_no_residue_when_it_is_built(animal, track):
    """Class, address and dictionary are those of an object that never waited."""
    cls = animal.make()
    track(cls)
    for call in animal.calls:
        with begat.capture() as run, begat.deferred(cls):
            try:
                made = call.on(cls)
            except BaseException:
                continue
        if not begat.is_lazy(made):
            continue
        assert isinstance(made, cls)
        assert type(made) is not cls
        assert run.unbuilt and run.unbuilt == tuple(node for node in run.nodes if node.outcome == "deferred")
        address = id(made)
        try:
            begat.materialize(made)
        except BaseException:
            assert begat.is_lazy(made), "a failed build goes on waiting"
            continue
        assert type(made) is type(call.on(cls))
        assert (id(made), begat.is_lazy(made), address in ghost.THUNKS) == (address, False, False)


def test_most_of_the_zoo_waits(track):
    """The laws above are not about a few animals that happen to wait."""
    waited = 0
    for animal in zoo.TRACKABLE:
        cls = animal.make()
        track(cls)
        for call in animal.calls:
            with begat.deferred(cls):
                try:
                    waited += begat.is_lazy(call.on(cls))
                except BaseException:
                    continue
    assert waited > 150, waited
