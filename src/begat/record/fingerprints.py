"""Fingerprints of a configuration: equal exactly when the classes, the arguments and the sharing are.

They say nothing of process, time, order of keywords, place of the checkout, code or environment, nor whether a script was run
or imported; `canonical` says when two values are the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from begat.record.canonical import canonical
from begat.record.checkout import shortener
from begat.record.model import Node
from begat.record.moved import renamed_node, renaming
from begat.record.plain import fresh
from begat.record.tree import visible
from begat.record.values import Ref

if TYPE_CHECKING:
    from begat.record.graph import Run

Named = Callable[[Ref], str]


def of_run(run: Run) -> str:
    """
    The fingerprint of *run*: of everything that its config shows, under its names, and of the runs inside.

    Constructions that libraries made for themselves do not count, nor does the order of construction.
    """
    shown, shortened, spoken = visible(run), shortener(run), _spoken(run)
    names: dict[int, str] = {}
    taken: set[str] = set()
    for node in run.nodes:
        names[node.id] = name = fresh(node.path, taken)
        taken.add(name)
    foreign: dict[Ref, int] = {}

    def named(ref: Ref) -> str:
        if ref.run is None:
            return f"@{names.get(ref.node, '?')!r}"
        return f"~{foreign.setdefault(ref, len(foreign))}"

    digest = hashlib.sha256()
    for node in sorted((node for node in run.nodes if node.id in shown), key=lambda node: names[node.id]):
        digest.update(f"{names[node.id]!r}={_call(spoken(node), named, shortened)}\n".encode("utf-8", "surrogatepass"))
    for child in run.children:
        digest.update(f"run {of_run(child)}\n".encode())
    return f"sha256:{digest.hexdigest()}"


def of_node(node: Node, run: Run) -> str:
    """
    The fingerprint of *node*: of its call, of all that it refers to, and of what the user's code built inside.

    Its own name does not count.
    """
    nodes, inner, shortened, spoken = run._by_id(), run._built_inside(), shortener(run), _spoken(run)
    numbers: dict[Ref, int] = {Ref(node.id): 0}
    todo = [Ref(node.id)]

    def named(ref: Ref) -> str:
        if ref not in numbers:
            numbers[ref] = len(numbers)
            todo.append(ref)
        return f"#{numbers[ref]}"

    digest = hashlib.sha256()
    # By breadth and not by recursion: chains of references are as long as programs make them, and may be circles.
    for ref in todo:
        at = node if ref.node == node.id else nodes.get(ref.node)
        at = at if ref.run is None else None
        if at is None:
            digest.update(b"elsewhere\n")
            continue
        at = spoken(at)
        parts = [_call(at, named, shortened)]
        children = _ordered([spoken(child) for child in inner.get(at.id, ())], at)
        parts += [f"{_below(child, at)!r}:{named(Ref(child.id))}" for child in children]
        digest.update(f"{' '.join(parts)}\n".encode("utf-8", "surrogatepass"))
    return f"sha256:{digest.hexdigest()}"


def _spoken(run: Run) -> Callable[[Node], Node]:
    """What gives a node as it would be if the program had been run as a script, where it was imported."""
    names = run._home_names()
    if not names:
        return lambda node: node
    name = renaming(names)
    return lambda node: renamed_node(node, name)


def _call(node: Node, named: Named, shortened: Callable[[str], str]) -> str:
    """What was called with what; where *node* stands is not in it."""
    arguments = (f"{name}={canonical(node.arguments[name].value, named, shortened)}" for name in sorted(node.arguments))
    return f"{node.target}({','.join(arguments)})"


def _ordered(nodes: list[Node], owner: Node) -> Iterator[Node]:
    yield from sorted(nodes, key=lambda node: _below(node, owner))


def _below(node: Node, owner: Node) -> str:
    """The name of *node* inside *owner*; of one that is called otherwise, its class."""
    return node.path[len(owner.path) :] if node.path.startswith(f"{owner.path}.") else node.target
