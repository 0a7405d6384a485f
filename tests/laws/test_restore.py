"""Track then untrack ≡ nothing: every class is left as it was found."""

from __future__ import annotations

import types

import pytest

import begat
import zoo


def anatomy(cls: type) -> dict[str, object]:
    """Every object that makes up *cls* and its bases, to be compared by identity."""
    parts: dict[str, object] = {}
    for owner in type.__getattribute__(cls, "__mro__"):
        if owner is object:
            continue
        name = type.__getattribute__(owner, "__qualname__")
        for key, value in type.__getattribute__(owner, "__dict__").items():
            parts[f"{name}.{key}"] = value
            function = value.__func__ if isinstance(value, staticmethod | classmethod) else value
            if isinstance(function, types.FunctionType):
                for part in ("__code__", "__defaults__", "__kwdefaults__", "__closure__", "__doc__", "__wrapped__"):
                    parts[f"{name}.{key}.{part}"] = getattr(function, part, None)
                parts[f"{name}.{key} names"] = "|".join(sorted(vars(function)))
    return parts


def differences(before: dict[str, object], after: dict[str, object]) -> list[str]:
    """The parts that are not the same objects."""
    text = [key for key in before if isinstance(before[key], str) and before[key] == after.get(key)]
    return [key for key in before.keys() | after.keys() if key not in text and before.get(key) is not after.get(key)]


@pytest.mark.parametrize("animal", zoo.TRACKABLE, ids=repr)
def test_untrack_puts_back_the_very_same_objects(animal):
    """After untrack every attribute, code object and tuple of defaults is identical to what was there."""
    cls = animal.make()
    before = anatomy(cls)

    begat.trackable(cls)
    with begat.capture():
        for call in animal.calls:
            try:
                call.on(cls)
            except BaseException:  # what the constructor raises is not the matter here
                continue
    own = {key for key in anatomy(cls) if key in before}
    begat.untrack(cls)

    state = [key for key in differences(before, anatomy(cls)) if key in own and not key.endswith((".only", ".dead"))]
    assert state == []
    assert anatomy(cls).keys() == before.keys()


@pytest.mark.parametrize("animal", [a for a in zoo.TRACKABLE if a.name != "empty"], ids=repr)
def test_tracking_changes_code_and_defaults_and_nothing_else(animal, track):
    """While tracked, the class holds the objects it held; only code and defaults of its constructor were exchanged."""
    cls = animal.make()
    before = anatomy(cls)

    track(cls)

    changed = differences(before, anatomy(cls))
    assert {key.rpartition(".")[2] for key in changed} <= {"__code__", "__defaults__", "__kwdefaults__"}
    assert {key.split(".")[-2] for key in changed} <= {"__init__", "__new__"}


@pytest.mark.parametrize("animal", zoo.TRACKABLE, ids=repr)
def test_tracking_twice_is_tracking_once(animal):
    """The second trackable changes nothing, one untrack undoes both, and a second untrack is harmless."""
    cls = animal.make()
    before = anatomy(cls)

    assert begat.trackable(cls) is cls
    once = anatomy(cls)
    assert begat.trackable(cls) is cls
    assert differences(once, anatomy(cls)) == []

    begat.untrack(cls)
    assert differences(before, anatomy(cls)) == []
    begat.untrack(cls)
    assert differences(before, anatomy(cls)) == []


def test_untracking_a_base_leaves_its_tracked_subclass_tracked():
    """A base and a subclass that share a constructor are tracked and released independently."""

    class Base:
        def __init__(self, a):
            self.a = a

    class Left(Base):
        pass

    class Right(Base):
        pass

    code = Base.__init__.__code__
    for cls in (Left, Right):
        begat.trackable(cls)
    begat.untrack(Left)

    with begat.capture() as run:
        Left(1), Right(2), Base(3)
    begat.untrack(Right)

    assert [node.params for node in run.nodes] == [{"a": 2}]
    assert Base.__init__.__code__ is code


def test_untracking_what_was_never_tracked_is_harmless():
    """untrack of any class, also of one that cannot be tracked, does nothing."""

    class C:
        def __init__(self):
            pass

    begat.untrack(C)
    begat.untrack(int)

    assert "__init__" in vars(C)


def test_untrack_under_construction():
    """A class released by its own constructor finishes the construction it is in, and the next is not recorded."""

    class C:
        def __init__(self, a):
            begat.untrack(C)
            self.a = a

    begat.trackable(C)
    with begat.capture() as run:
        first = C(1)
        C(2)

    assert first.a == 1
    assert [(node.params, node.outcome) for node in run.nodes] == [({"a": 1}, "returned")]
