"""Where to put the boxes of a small graph: in layers from left to right, few crossings, no overlaps.

The classic four steps (Sugiyama): break circles, give layers, order each layer, find heights. Pure geometry; knows no runs.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from itertools import pairwise

Key = Hashable
Arrow = tuple[Key, Key, float, float]  # from, to, and how far below the top of each box it is attached

COLUMN_GAP = 64.0
ROW_GAP = 22.0
_SWEEPS = 12


@dataclass(frozen=True, slots=True)
class Layout:
    """The left upper corner of every box, the points of every arrow (column by column), and the size of the whole."""

    corners: dict[Key, tuple[float, float]]
    routes: list[list[tuple[float, float]]]
    width: float
    height: float


@dataclass(slots=True)
class _Layers:
    rows: list[list[Key]]
    sizes: dict[Key, tuple[float, float]]
    before: dict[Key, list[Arrow]] = field(default_factory=dict)
    after: dict[Key, list[Arrow]] = field(default_factory=dict)


def arrange(sizes: dict[Key, tuple[float, float]], arrows: list[Arrow]) -> Layout:
    """Place boxes of these *sizes* (width, height) so that *arrows* run from left to right; one block per connected part."""
    corners: dict[Key, tuple[float, float]] = {}
    routes: list[list[tuple[float, float]]] = [[] for _ in arrows]
    width = top = 0.0
    for part in _parts(sizes, arrows):
        own = [(number, arrow) for number, arrow in enumerate(arrows) if arrow[0] in part]
        block = _block({key: sizes[key] for key in part}, [arrow for _, arrow in own])
        for key, (x, y) in block.corners.items():
            corners[key] = (x, y + top)
        for (number, _), route in zip(own, block.routes, strict=True):
            routes[number] = [(x, y + top) for x, y in route]
        width = max(width, block.width)
        top += block.height + 1.5 * ROW_GAP
    alone = [key for key in sizes if key not in corners]
    width, height = _shelve(alone, sizes, corners, width, top)
    return Layout(corners, routes, width, height)


def _parts(sizes: dict[Key, tuple[float, float]], arrows: list[Arrow]) -> list[set[Key]]:
    """The connected parts that have an arrow, in the order of their first box."""
    near: dict[Key, list[Key]] = {}
    for source, sink, _, _ in arrows:
        near.setdefault(source, []).append(sink)
        near.setdefault(sink, []).append(source)
    parts: list[set[Key]] = []
    seen: set[Key] = set()
    for key in sizes:
        if key in near and key not in seen:
            part, todo = {key}, [key]
            while todo:
                fresh = [other for other in near[todo.pop()] if other not in part]
                part.update(fresh)
                todo.extend(fresh)
            seen |= part
            parts.append(part)
    return parts


def _shelve(
    alone: list[Key],
    sizes: dict[Key, tuple[float, float]],
    corners: dict[Key, tuple[float, float]],
    width: float,
    top: float,
) -> tuple[float, float]:
    """Put the boxes without arrows on shelves below the rest; return the size of the whole."""
    x = row = 0.0
    limit = max(width, 760.0)
    for key in alone:
        wide, high = sizes[key]
        if x and x + wide > limit:
            x, top, row = 0.0, top + row + ROW_GAP, 0.0
        corners[key] = (x, top)
        x, row = x + wide + ROW_GAP, max(row, high)
        width = max(width, x - ROW_GAP)
    return width, top + row if alone else max(top - 1.5 * ROW_GAP, 0.0)


def _block(sizes: dict[Key, tuple[float, float]], arrows: list[Arrow]) -> Layout:
    """One connected part."""
    forward = _acyclic(arrows)
    layers, chains = _layered(sizes, arrows, forward)
    _order(layers)
    tops = _heights(layers)

    lefts: list[float] = []
    rights: list[float] = []
    x = 0.0
    for row in layers.rows:
        wide = max(layers.sizes[key][0] for key in row)
        lefts.append(x)
        rights.append(x + wide)
        x += wide + COLUMN_GAP
    column = {key: number for number, row in enumerate(layers.rows) for key in row}
    corners = {key: (lefts[column[key]], tops[key]) for key in sizes}
    routes = []
    for (source, sink, out, into), chain in zip(arrows, chains, strict=True):
        start = (corners[source][0] + sizes[source][0], corners[source][1] + out)
        route = [start, (rights[column[source]], start[1])]
        for key in chain:
            route += [(lefts[column[key]], tops[key]), (rights[column[key]], tops[key])]
        routes.append([*route, (corners[sink][0], corners[sink][1] + into)])
    height = max(corners[key][1] + sizes[key][1] for key in sizes)
    return Layout(corners, routes, rights[-1], height)


def _acyclic(arrows: list[Arrow]) -> list[bool]:
    """Which arrows can be kept so that no circle is left; the first ones win."""
    after: dict[Key, set[Key]] = {}
    keep = []
    for source, sink, _, _ in arrows:
        reached, todo = {sink}, [sink]
        while todo:
            new = after.get(todo.pop(), set()) - reached
            reached |= new
            todo.extend(new)
        keep.append(source not in reached)
        if keep[-1]:
            after.setdefault(source, set()).add(sink)
    return keep


def _layered(
    sizes: dict[Key, tuple[float, float]], arrows: list[Arrow], forward: list[bool]
) -> tuple[_Layers, list[list[Key]]]:
    """The boxes in layers, and for every arrow the points that stand in for it in the layers it crosses."""
    links = [arrow for arrow, kept in zip(arrows, forward, strict=True) if kept]
    layer = dict.fromkeys(sizes, 0)
    for _ in sizes:  # as often as the longest way can be long
        moved = False
        for source, sink, _, _ in links:
            if layer[sink] <= layer[source]:
                layer[sink], moved = layer[source] + 1, True
        if not moved:
            break
    # Sources next to what they go into, not all at the far left.
    for _ in sizes:
        moved = False
        for key in sizes:
            sinks = [layer[sink] for source, sink, _, _ in links if source == key]
            if sinks and layer[key] < min(sinks) - 1:
                layer[key], moved = min(sinks) - 1, True
        if not moved:
            break
    lowest = min(layer.values())
    rows: list[list[Key]] = [[] for _ in range(max(layer.values()) - lowest + 1)]
    for key in sizes:
        rows[layer[key] - lowest].append(key)
    layers = _Layers(rows, dict(sizes))
    chains: list[list[Key]] = []
    for number, (arrow, kept) in enumerate(zip(arrows, forward, strict=True)):
        chain: list[Key] = []
        if kept:
            source, sink, out, into = arrow
            chain = [("way", number, step) for step in range(layer[source] + 1, layer[sink])]
            for step, key in enumerate(chain, layer[source] + 1 - lowest):
                rows[step].append(key)
                layers.sizes[key] = (0.0, 0.0)
            stops = [source, *chain, sink]
            for position, (one, two) in enumerate(pairwise(stops)):
                hop = (one, two, out if position == 0 else 0.0, into if position == len(chain) else 0.0)
                layers.after.setdefault(one, []).append(hop)
                layers.before.setdefault(two, []).append(hop)
        chains.append(chain)
    return layers, chains


def _order(layers: _Layers) -> None:
    """Order every layer by the middle of its neighbors, to and fro; keep the order with the fewest crossings."""
    best, fewest = [list(row) for row in layers.rows], _crossings(layers)
    for sweep in range(_SWEEPS):
        leftward = sweep % 2 == 1
        rows = layers.rows[::-1] if leftward else layers.rows
        for fixed, row in pairwise(rows):
            at = {key: position for position, key in enumerate(fixed)}
            middle = {}
            for position, key in enumerate(row):
                near = (
                    [at[sink] + into / 1e4 for _, sink, _, into in layers.after.get(key, ())]
                    if leftward
                    else [at[source] for source, _, _, _ in layers.before.get(key, ())]
                )
                middle[key] = sum(near) / len(near) if near else float(position)
            row.sort(key=middle.__getitem__)
        count = _crossings(layers)
        if count < fewest:
            best, fewest = [list(row) for row in layers.rows], count
    layers.rows[:] = best


def _crossings(layers: _Layers) -> int:
    """How many pairs of arrows cross."""
    total = 0
    for left, right in pairwise(layers.rows):
        at = {key: position for position, key in enumerate(right)}
        ends = [
            (position, at[sink] + into / 1e4)
            for position, key in enumerate(left)
            for _, sink, _, into in layers.after.get(key, ())
        ]
        total += sum(
            (one[0] - two[0]) * (one[1] - two[1]) < 0 for number, one in enumerate(ends) for two in ends[:number]
        )
    return total


def _heights(layers: _Layers) -> dict[Key, float]:
    """The top of every box: near its neighbors, in the order found, apart from the next."""
    tops: dict[Key, float] = {}
    for row in layers.rows:
        y = 0.0
        for key in row:
            tops[key] = y
            y += layers.sizes[key][1] + ROW_GAP
    for sweep in range(2 * _SWEEPS):
        for row in layers.rows if sweep % 2 == 0 else layers.rows[::-1]:
            wanted = []
            for key in row:
                pulls = [tops[source] + out - into for source, _, out, into in layers.before.get(key, ())]
                pulls += [tops[sink] + into - out for _, sink, out, into in layers.after.get(key, ())]
                wanted.append(sum(pulls) / len(pulls) if pulls else tops[key])
            steps = [layers.sizes[key][1] + ROW_GAP for key in row]
            tops.update(zip(row, _apart(wanted, steps), strict=True))
    highest = min(tops.values())
    return {key: top - highest for key, top in tops.items()}


def _apart(wanted: list[float], steps: list[float]) -> list[float]:
    """The positions nearest to *wanted* (least squares) in which each is at least its step before the next."""
    offsets, total = [], 0.0
    for step in steps:
        offsets.append(total)
        total += step
    groups: list[tuple[float, int]] = []  # sum of wishes, how many: neighbors that push each other stand together
    for wish, offset in zip(wanted, offsets, strict=True):
        groups.append((wish - offset, 1))
        while len(groups) > 1 and groups[-2][0] / groups[-2][1] >= groups[-1][0] / groups[-1][1]:
            last = groups.pop()
            groups[-1] = (groups[-1][0] + last[0], groups[-1][1] + last[1])
    means = [total / count for total, count in groups for _ in range(count)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=True)]
