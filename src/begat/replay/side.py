"""One of two runs that are compared: its tree, and what of a node can be told without the other run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from begat.record.canonical import canonical
from begat.record.checkout import shortener
from begat.record.names import short
from begat.record.tree import grow
from begat.record.values import Ref

if TYPE_CHECKING:
    from begat.record.graph import Run

_NUMBER = re.compile(r"(?:^|(?<=\.))[0-9]+(?=\.|$)")
Group = tuple[str, ...]


class Side:
    """The nodes of *run* that count (what libraries made for themselves only with *everything*), by id."""

    def __init__(self, run: Run, everything: bool = False) -> None:
        self.run = run
        self.tree = grow(run, everything)
        self.nodes = self.tree.nodes
        self.shortened = shortener(run)
        self._contents: dict[int, int] | None = None
        self._places: dict[int, list[int]] | None = None
        self._names: dict[str, int] | None = None

    def children(self, parent: int | None) -> list[int]:
        """What hangs below *parent* (None: at the top), in order of construction."""
        return self.tree.children.get(parent, [])

    def way(self, number: int) -> str:
        """The path of a node from its parent."""
        return self.tree.below(number)

    @property
    def contents(self) -> dict[int, int]:
        """
        For each node a number that is the same for equal calls: target and given arguments, those of what it refers to included.

        Defaults do not count: they change with the library, and nodes should be known again then.
        """
        if self._contents is None:
            found: dict[int, int] = {}
            self._contents = found
            for number, node in self.nodes.items():
                parts: list[object] = [node.target]
                for name, argument in node.arguments.items():
                    if argument.source != "default":
                        value = argument.value
                        plain = type(value) in _PLAIN and value != -1
                        parts += (name, value if plain else self._content(value, found))
                found[number] = hash(tuple(parts))
        return self._contents

    def _content(self, value: object, known: dict[int, int]) -> object:
        kind = type(value)
        if kind in (int, float) and value == -1:
            return kind, "-1"  # -1 and -2 have one hash in Python
        if kind is float and value == value:  # noqa: PLR0124  # NaN is not
            return value
        if kind is str:
            return self.shortened(value)  # type: ignore[arg-type]  # narrowed by type()
        if type(value) is Ref:
            # What was built later is referred to in circles only: its class has to do.
            return known.get(value.node) or self._target_of(value)
        return canonical(value, lambda ref: str(known.get(ref.node, "")), self.shortened, False)

    def _target_of(self, ref: Ref) -> str:
        node = self.nodes.get(ref.node) if ref.run is None else None
        return node.target if node is not None else "?"

    def places(self, content: int) -> list[int]:
        """The nodes with this content."""
        if self._places is None:
            self._places = {}
            for number, found in self.contents.items():
                self._places.setdefault(found, []).append(number)
        return self._places.get(content, [])

    def named(self, path: str) -> int | None:
        """The node that is shown by this path."""
        if self._names is None:
            self._names = {self.tree.names[number]: number for number in self.nodes}
        return self._names.get(path)

    def says_much(self, number: int) -> bool:
        """Whether a node can be known again by its content: ``ReLU()`` is like any other."""
        return any(argument.source != "default" for argument in self.nodes[number].arguments.values())

    def is_unnamed(self, number: int) -> bool:
        """Whether no name of the code's leads to a node, so that it goes by its class."""
        *_, last = [step for step in self.nodes[number].path.split(".") if not step.isdigit()] or [""]
        return last == short(self.nodes[number].target)


_PLAIN = frozenset((type(None), bool, int))
_DIGITS = 18  # longer numbers are no positions, and reading them could take for ever


def groups(one: Side, other: Side, mine: list[int], theirs: list[int]) -> tuple[dict[str, list[int]], ...]:
    """*mine* and *theirs* by what they are called, numbers apart: ``layers.0`` and ``layers.1`` are one group, in order."""
    found: list[dict[str, list[tuple[tuple[int, ...], int]]]] = [{}, {}]
    for side, numbers, grouped in ((one, mine, found[0]), (other, theirs, found[1])):
        for number in numbers:
            name, position = pattern(side.way(number))
            grouped.setdefault(name, []).append((position, number))
    for grouped in found:
        for name in list(grouped):
            # The first of several things called so has no number: `Linear`, `Linear.1`, `Linear.2`.
            if f"{name}.#" in found[0] or f"{name}.#" in found[1]:
                grouped.setdefault(f"{name}.#", []).extend(grouped.pop(name))
    # By position; where several have one, by the order of construction.
    return tuple({name: [number for _, number in sorted(some)] for name, some in grouped.items()} for grouped in found)


def pattern(way: str) -> tuple[str, tuple[int, ...]]:
    """*way* with ``#`` for each number, and the numbers, the place in the lists it is in: ``layers.#.attn`` and ``(3,)``."""
    head, _, tail = way.rpartition(".")
    if head.isidentifier() and tail.isdecimal() and tail.isascii():
        return f"{head}.#", (int(tail[:_DIGITS]),)
    if not any(letter.isdigit() for letter in way):
        return way, ()
    return _NUMBER.sub("#", way), tuple(int(number[:_DIGITS]) for number in _NUMBER.findall(way))
