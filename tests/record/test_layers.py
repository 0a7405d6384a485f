"""The layout of small graphs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from begat.record.layers import ROW_GAP, _apart, arrange

SIZES = st.lists(st.tuples(st.floats(20, 300), st.floats(20, 150)), min_size=1, max_size=14)


@st.composite
def graphs(draw):
    sizes = dict(enumerate(draw(SIZES)))
    ends = st.integers(0, len(sizes) - 1)
    pairs = draw(st.lists(st.tuples(ends, ends).filter(lambda pair: pair[0] != pair[1]), max_size=25))
    return sizes, [(source, sink, 10.0, 12.0) for source, sink in pairs]


@given(graphs())
def test_boxes_never_overlap_and_lie_inside(graph):
    """No two boxes touch, and the size given holds all of them."""
    sizes, arrows = graph
    layout = arrange(sizes, arrows)

    boxes = [(*layout.corners[key], *sizes[key]) for key in sizes]
    for x, y, width, height in boxes:
        assert x >= 0
        assert y >= -1e-6
        assert x + width <= layout.width + 1e-6
        assert y + height <= layout.height + 1e-6
    for number, (x, y, width, height) in enumerate(boxes):
        for x2, y2, width2, height2 in boxes[:number]:
            assert x + width <= x2 or x2 + width2 <= x or y + height <= y2 + 1e-6 or y2 + height2 <= y + 1e-6


@given(graphs())
def test_arrows_end_at_their_boxes(graph):
    """Every arrow starts at the right edge of its source and ends at the left edge of its sink, at the height asked."""
    sizes, arrows = graph
    layout = arrange(sizes, arrows)

    for (source, sink, out, into), route in zip(arrows, layout.routes, strict=True):
        x, y = layout.corners[source]
        assert route[0] == pytest.approx((x + sizes[source][0], y + out))
        x, y = layout.corners[sink]
        assert route[-1] == pytest.approx((x, y + into))


@given(graphs())
def test_arrows_run_from_left_to_right_unless_there_is_a_circle(graph):
    """Without circles, what is used stands left of what uses it."""
    sizes, arrows = graph
    forward = [arrow for arrow in arrows if arrow[0] < arrow[1]]
    layout = arrange(sizes, forward)

    for source, sink, _, _ in forward:
        assert layout.corners[source][0] + sizes[source][0] < layout.corners[sink][0]


@given(st.lists(st.tuples(st.floats(-500, 500), st.floats(1, 90)), min_size=1, max_size=9))
def test_apart_keeps_distances_and_moves_no_more_than_needed(rows):
    """Positions keep their steps; wishes that are compatible come true."""
    wanted, steps = [wish for wish, _ in rows], [step for _, step in rows]
    found = _apart(wanted, steps)

    assert all(b - a >= step - 1e-6 for a, b, step in zip(found, found[1:], steps, strict=False))
    if all(b - a >= step for a, b, step in zip(wanted, wanted[1:], steps, strict=False)):
        assert all(abs(a - b) < 1e-6 for a, b in zip(found, wanted, strict=True))


def test_two_inputs_stand_one_above_the_other():
    """The plainest graph is drawn as one would by hand."""
    layout = arrange({"a": (50, 20), "b": (60, 20), "c": (50, 60)}, [("a", "c", 10, 20), ("b", "c", 10, 40)])

    assert layout.corners["a"][0] == layout.corners["b"][0] == 0
    assert layout.corners["b"][1] - layout.corners["a"][1] >= 20 + ROW_GAP
