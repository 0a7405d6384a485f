"""Overrides that reached into a constructor: the constructor itself does not repeat them, so who calls it again has to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from begat.record.graph import Run
from begat.record.model import Argument, Node
from begat.record.paths import segment
from begat.record.values import Symbol
from begat.replay.terms import Absent, Built, Name, Reached, Term, below

_OWN = ("given", "default")
_UNSAID = "put by an override in the place of something that the record does not name"


@dataclass(frozen=True, slots=True)
class Forced:
    """
    The argument *name* of *node*, which was built inside the step of *outer*, has the value *term* by an override.

    Without a name it is the class or function itself that an override put there, in the place of *called*, which the
    constructor calls: this is its call number *inner* in that step, and number *overall* in all steps.
    """

    node: Node
    outer: Node
    name: str
    term: Term
    called: str
    inner: int
    overall: int

    @property
    def at(self) -> str:
        """The path of the argument in the record."""
        return f"{self.node.path}.{segment(self.name)}" if self.name else self.node.path

    def address(self, called: str, number: int) -> str:
        """
        What an override of it says where its class is *called* so, and it is the construction of this *number*.

        Not by its path, which a program may only tell when it has been built.
        """
        return f"{called}.{number}.{segment(self.name)}" if self.name else f"{called}.{number}"


def forced(
    nodes: Mapping[int, Node],
    steps: Iterable[int],
    replaced: Mapping[int, Argument],
    term: Callable[[object, str], Term],
) -> Iterator[Forced]:
    """
    What overrides set inside the constructions *steps*; *term* translates a value at a path.

    *replaced* says of nodes what an override called in the place of what the code calls.
    """
    if not replaced and all(argument.source in _OWN for node in nodes.values() for argument in node.arguments.values()):
        return
    outermost = set(steps)
    inner: Counter[tuple[int, str]] = Counter()
    overall: Counter[str] = Counter()
    for number in sorted(nodes):
        node = nodes[number]
        outer = _outermost(nodes, node, outermost)
        if outer is None:
            continue
        called = node.target
        if outer is not node:
            found: list[tuple[str, Term]] = []
            match replaced.get(number):
                case Argument(value=Symbol() as other, was=Symbol() as was):
                    called = was.target
                    # By name, as what is built has to be: among arguments `bytes` is data, here it would be called.
                    found.append(("", Name(other.target, other.kind, node.path)))
                case Argument():
                    found.append(("", Absent(node.path, _UNSAID)))
            found += [
                (argument.name, _value(term(argument.value, f"{node.path}.{segment(argument.name)}"), outer))
                for argument in node.arguments.values()
                if argument.source not in _OWN
            ]
            for name, value in found:
                yield Forced(node, outer, name, value, called, inner[outer.id, called], overall[called])
        inner[outer.id, called] += 1
        overall[called] += 1


def put_by_overrides(run: Run) -> dict[int, Argument]:
    """What was called for the nodes that stand in the place of another class or function, by an override; ``was`` is the other."""
    chosen = [event for event in run.events if event.kind == "override" and "called" in event.arguments]
    return {event.node: event.arguments["called"] for event in chosen}


def _outermost(nodes: Mapping[int, Node], node: Node, steps: set[int]) -> Node | None:
    """The one of *steps* in which *node* was built, or that it is."""
    found = node if node.id in steps else None
    seen = {node.id}
    while node.within is not None and node.within in nodes and node.within not in seen:
        node = nodes[node.within]
        seen.add(node.id)
        found = node if node.id in steps else found
    return found


def _value(term: Term, outer: Node) -> Term:
    objects = [part for part in below(term) if isinstance(part, Built | Reached)]
    return Absent(outer.path, "an object that an override put inside") if objects else term
