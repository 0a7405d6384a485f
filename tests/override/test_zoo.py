"""An overridden call is the call written so: for every shape of class, and every argument of it."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import begat
import zoo
from begat.errors import OverrideError
from zoo_support.portrait import portrait

OTHER = {int: lambda v: v + 1, float: lambda v: v + 0.5, bool: lambda v: not v, str: lambda v: f"{v}x"}


# Each level of a recursion has an argument of that name, and a metaclass may pass on other arguments than it was given.
OTHERWISE = {"recursion", "metaclass_that_changes_arguments"}


def outcome(cls: Any, args: Any, kwargs: Any) -> tuple[object, object, str]:
    """What the call made or raised: its portrait, the error and its text."""
    try:
        made = cls(*args, **kwargs)
    except OverrideError:
        raise
    except BaseException as error:  # every kind is expected of some animal
        return None, type(error).__qualname__, repr(error.args)
    return portrait(made), None, ""


def variations(cls: Any, call: zoo.Call) -> Any:
    """The calls that differ from *call* in one argument: its name, its value, and the call as one would write it."""
    try:
        signature = inspect.signature(cls)
        bound = signature.bind(*call.args, **call.kwargs)
    except (TypeError, ValueError):
        return
    parameters = list(signature.parameters.items())
    for name, parameter in parameters[:: len(parameters) // 20 + 1]:  # of three hundred, twenty are enough
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        value = bound.arguments.get(name, parameter.default)
        if type(value) not in OTHER:
            continue
        other = OTHER[type(value)](value)
        if parameter.kind is parameter.POSITIONAL_ONLY and name not in bound.arguments:
            continue  # could be written only with all those before it
        args, kwargs = call.fresh()
        written = signature.bind(*args, **kwargs)
        written.arguments[name] = other
        yield name, other, written


CASES = [
    pytest.param(animal, number, id=f"{animal}-{number}")
    for animal in zoo.TRACKABLE
    for number, call in enumerate(animal.calls)
    if call.seen and call.outcome is not None and animal.name not in OTHERWISE
]


@pytest.mark.parametrize(("animal", "number"), CASES)
def test_overridden_is_written_so(animal, number, track):
    """The same object, or the same exception; the record says what was passed and what was used."""
    call, plain, cls = animal.calls[number], animal.make(), animal.make()
    track(cls)
    for name, other, written in variations(plain, call):
        expected = outcome(plain, written.args, written.kwargs)
        with begat.capture() as run:
            address = f"{cls.__name__}.{name}"
            try:
                with begat.override({address: other}):
                    found = outcome(cls, *call.fresh())
            except OverrideError:
                assert expected[1] == "ValidationError", "refused what the class takes"
                continue
        assert found == expected, address
        changed = [node.arguments[name] for node in run.nodes if name in node.arguments]
        assert changed and changed[0].source == "override", address
        assert changed[0].value == other
