"""Secrets are masked wherever in an argument they are, and what is no value of its own is resolved there too."""

from __future__ import annotations

import enum
import functools
import types
from collections import OrderedDict, deque
from typing import NamedTuple

import pytest

import begat
from begat.record.values import Ref

CANARY = "CANARY-of-a-password"
TOKEN = "sk-" + "CANARY" * 5


class Login(NamedTuple):
    password: str


@pytest.mark.parametrize(
    "value",
    [
        {"password": CANARY},
        [{"password": CANARY}],
        {(1, 2): {"password": CANARY}},
        OrderedDict(password=CANARY),
        types.SimpleNamespace(password=CANARY),
        functools.partial(print, password=CANARY),
        Login(CANARY),
        {TOKEN},
        deque([TOKEN]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_secret_is_masked_at_any_depth(value):
    """Neither a name nor a shape is overlooked because of the container that holds the value."""

    class Net:
        def __init__(self, x):
            pass

    begat.trackable(Net)
    with begat.capture() as run:
        Net(value)
    begat.untrack(Net)

    assert "CANARY" not in repr(run.nodes[0].params)


def test_a_tracked_object_in_an_enum_member_is_an_edge():
    """The value of a member is looked into, as all that holds values is."""

    class Part:
        def __init__(self):
            pass

    class Net:
        def __init__(self, x):
            pass

    begat.trackable(Part)
    begat.trackable(Net)
    with begat.capture() as run:
        part = Part()
        Net(enum.Enum("Parts", {"FIRST": (part, 1)}).FIRST)
    begat.untrack(Part)
    begat.untrack(Net)

    assert run.nodes[1].params["x"].value == (Ref(0), 1)
