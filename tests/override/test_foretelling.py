"""Paths that overrides are found by, worked out before the record knows them."""

from __future__ import annotations

import pytest

import begat


class Outer:
    class Inner:
        def __init__(self, size=1):
            self.size = size


def given(thing):
    return thing


@pytest.mark.parametrize("address", ["Outer_Inner.size", "Outer.Inner.size", "Inner.size"])
def test_a_class_in_a_class_is_meant_by_its_path_and_by_its_names(track, address):
    """The path that the record gives to an object without a name is one that an override takes."""
    track(Outer.Inner)
    with begat.override({address: 5}), begat.capture() as run:
        made = given(Outer.Inner())

    assert run.nodes[0].path == "Outer_Inner"
    assert made.size == 5
