"""The arrows between the shown nodes of a run, for drawing: what went into what, and what was built inside what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from begat.record.model import Node
from begat.record.names import called
from begat.record.plain import text
from begat.record.tree import Tree, entries, folded
from begat.record.values import SCALARS
from begat.record.walk import located, refs

if TYPE_CHECKING:
    from begat.record.graph import Run


@dataclass(frozen=True, slots=True)
class Edge:
    """From the node that was used to the node that used it, as *parameter*; None: it was built inside that one's constructor."""

    source: int
    sink: int
    parameter: str | None


def edges(run: Run, tree: Tree) -> list[Edge]:
    """Every arrow between shown nodes; one built inside another and also used by it has the arrow of its use only."""
    found: list[Edge] = []
    used: set[tuple[int, int]] = set()
    for node in tree.nodes.values():
        for name, value, _ in entries(node):
            if type(value) in SCALARS:
                continue
            for at, ref in located(value):
                if ref.run is None and ref.node in tree.nodes:
                    found.append(Edge(ref.node, node.id, f"{name}.{at}" if at else name))
                    used.add((ref.node, node.id))
    nodes = {node.id: node for node in run.nodes}
    for node in tree.nodes.values():
        outer = maker(node, nodes, tree)
        if outer is not None and (node.id, outer) not in used:
            found.append(Edge(node.id, outer, None))
    return found


def maker(node: Node, nodes: dict[int, Node], tree: Tree) -> int | None:
    """The nearest shown construction that *node* was built in."""
    at = node.within
    if at is None or at in tree.nodes:
        return None if at == node.id else at
    seen = {node.id}
    while at is not None and at not in seen:
        if at in tree.nodes:
            return at
        seen.add(at)
        at = nodes[at].within if at in nodes else None
    return None


def given(node: Node, tree: Tree, limit: int) -> list[tuple[str, str]]:
    """The arguments of *node* that somebody chose and that are no arrows: names and short texts."""
    return [
        (name, text(value, tree.name, limit))
        for name, value, argument in entries(node)
        if argument.source != "default" and next(refs(value), None) is None
    ]


_SHOWN = 8


def label(node: Node, tree: Tree) -> list[str]:
    """What stands in the box of *node*, line by line: its path, what was called, and what was chosen."""
    chosen = given(node, tree, 40)
    rows = [tree.names[node.id], called(node.target), *(f"{name}={value}" for name, value in chosen[:_SHOWN])]
    return rows if len(chosen) <= _SHOWN else [*rows, f"… {len(chosen) - _SHOWN} more"]


def hidden(run: Run) -> Iterator[tuple[int | None, str]]:
    """What is not shown first, counted, with the shown node that caused it."""
    for cause, groups in folded(run).items():
        for group in groups:
            yield cause, str(group)
