"""Which construction of one run is which of the other.

By name first, parents before what hangs below them; the numbers in lists are worked out from what stands in the lists, so
that an inserted layer is one insertion. What is left is known again by what it is: a renamed variable, an object that
another object was wrapped around. The same pairs are found whichever run comes first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from begat.record.model import Node
from begat.record.names import short
from begat.record.values import SCALARS, Ref
from begat.replay.sequences import gaps, paired, stayed
from begat.replay.side import Side, groups


@dataclass(slots=True)
class Alignment:
    """*after* by *before*, both ids; *moved* are the pairs that changed their place in a list, by list."""

    pairs: dict[int, int] = field(default_factory=dict)
    back: dict[int, int] = field(default_factory=dict)
    moved: list[list[tuple[int, int]]] = field(default_factory=list)

    def link(self, before: int, after: int) -> None:
        """The two are one."""
        self.pairs[before] = after
        self.back[after] = before

    def turned(self) -> Alignment:
        """The same, seen from the other run."""
        moved = [[(after, before) for before, after in some] for some in self.moved]
        return Alignment(dict(sorted(self.back.items())), self.pairs, moved)


def align(before: Side, after: Side) -> Alignment:
    """Find what is the same construction in both runs."""
    # Where two answers are equally good, one is taken: always the same one, whichever run is named first.
    if _first(before, after):
        return _Aligner(before, after).all()
    return _Aligner(after, before).all().turned()


def _first(one: Side, other: Side) -> bool:
    """Whether *one* comes before *other* in an order that depends on what they hold alone."""
    mine, theirs = ((len(side.nodes), side.run.header.started, side.run.id) for side in (one, other))
    if mine != theirs:
        return mine < theirs
    for a, b in zip(one.nodes.values(), other.nodes.values(), strict=True):
        if (a.path, a.target) != (b.path, b.target):
            return (a.path, a.target) < (b.path, b.target)
        if a.arguments != b.arguments:
            return repr(a.arguments) <= repr(b.arguments)  # of frozen plain data
    return True


class _Aligner:
    def __init__(self, one: Side, other: Side) -> None:
        self.one, self.other = one, other
        self.found = Alignment()
        self.todo: list[tuple[int | None, int | None]] = []
        self.swaps: list[tuple[int, int]] = []

    def all(self) -> Alignment:
        self.todo.append((None, None))
        while True:
            self._settle()
            if not (self._strays() or self._swapped() or self._named()):
                break
        self.found.pairs = dict(sorted(self.found.pairs.items()))
        return self.found

    def _settle(self) -> None:
        while self.todo:
            self._children(*self.todo.pop())

    def _link(self, a: int, b: int) -> None:
        self.found.link(a, b)
        if a in self.one.tree.children and b in self.other.tree.children:
            self.todo.append((a, b))

    def _free(self, a: int, b: int) -> bool:
        return a not in self.found.pairs and b not in self.found.back

    def _left(self, mine: list[int], theirs: list[int]) -> tuple[list[int], list[int]]:
        return [a for a in mine if a not in self.found.pairs], [b for b in theirs if b not in self.found.back]

    # --- what hangs below a pair --------------------------------------------------------------------------------------
    def _children(self, one: int | None, other: int | None) -> None:
        mine, theirs = self.one.children(one), self.other.children(other)
        if len(mine) == len(theirs) == 1 and self._free(mine[0], theirs[0]) and self._is_same(mine[0], theirs[0]):
            self._link(mine[0], theirs[0])
            return
        mine, theirs = self._left(mine, theirs)
        if not mine or not theirs:
            return
        first, second = groups(self.one, self.other, mine, theirs)
        swaps: list[tuple[int, int]] = []
        for name, numbers in first.items():
            others = second.get(name)
            if others is None:
                continue
            if len(numbers) > 1 or len(others) > 1:
                self._sequence(numbers, others)
            elif self._target(numbers[0]) == self.other.nodes[others[0]].target:
                self._link(numbers[0], others[0])
            else:
                swaps.append((numbers[0], others[0]))
        if all(number in self.found.pairs for number in mine) or all(number in self.found.back for number in theirs):
            return
        self._renamed(first, second)
        for a, b in swaps:
            if not self._free(a, b):
                continue
            if self._stands_elsewhere(a, b):
                self.swaps.append((a, b))
            else:
                self._link(a, b)
        self._resembling(first, second)
        self._exchanged(mine, theirs)

    def _is_same(self, a: int, b: int) -> bool:
        return self._target(a) == self.other.nodes[b].target and self.one.way(a) == self.other.way(b)

    def _target(self, a: int) -> str:
        return self.one.nodes[a].target

    def _sequence(self, mine: list[int], theirs: list[int]) -> None:
        """Two lists: what stayed in order, what moved, and then what stands in the place of what."""
        contents, others = self.one.contents, self.other.contents
        keys, marks = [contents[a] for a in mine], [others[b] for b in theirs]
        kept = stayed(keys, marks)
        for row, column in kept:
            self._link(mine[row], theirs[column])
        if len(kept) == len(mine) == len(theirs):
            return
        places: dict[int, list[int]] = {}
        for b in reversed(theirs):
            if b not in self.found.back:
                places.setdefault(others[b], []).append(b)
        if not places.keys().isdisjoint(keys):
            self._moved(mine, places, only_order=sorted(keys) == sorted(marks))
        for rows, columns in gaps(kept, len(mine), len(theirs)):
            self._gap(*self._left([mine[row] for row in rows], [theirs[column] for column in columns]))

    def _moved(self, mine: list[int], places: dict[int, list[int]], only_order: bool) -> None:
        """What stands elsewhere in a list: those of *mine* whose content has one of the *places* in the other."""
        contents = self.one.contents
        moved = [
            (a, places[contents[a]].pop())
            for a in mine
            if a not in self.found.pairs and places.get(contents[a]) and (only_order or self.one.says_much(a))
        ]
        for a, b in moved:
            self._link(a, b)
        if moved:
            self.found.moved.append(moved)

    def _gap(self, mine: list[int], theirs: list[int]) -> None:
        if not mine or not theirs:
            return
        found = paired(len(mine), len(theirs), lambda row, column: self._likeness(mine[row], theirs[column]))
        if found is None:
            # Too many for the best answer: what has the same number, then what has the same class, in order.
            found = list(_zipped([self.one.way(a) for a in mine], [self.other.way(b) for b in theirs], mine, theirs))
        for row, column in found:
            self._link(mine[row], theirs[column])
        rest, others = self._left(mine, theirs)
        by_target: dict[str, list[int]] = {}
        for b in reversed(others):
            by_target.setdefault(self.other.nodes[b].target, []).append(b)
        for a in rest:
            if by_target.get(self._target(a)):
                self._link(a, by_target[self._target(a)].pop())

    def _likeness(self, a: int, b: int) -> float:
        """How much two constructions in one place are alike; the class says most."""
        one, other = self.one.nodes[a], self.other.nodes[b]
        return (
            _kinship(one.target, other.target)
            + self._agreement(one, other)
            + 0.5 * (self.one.way(a) == self.other.way(b))
            + 0.25 * _at_one_place(one, other)
        )

    def _agreement(self, one: Node, other: Node) -> float:
        """The share of the arguments given that are equal; 1 where none was."""
        names = {
            name for node in (one, other) for name, argument in node.arguments.items() if argument.source != "default"
        }
        if not names:
            return 1.0
        return sum(self._equal(one, other, name) for name in names) / len(names)

    def _equal(self, one: Node, other: Node, name: str) -> bool:
        if name not in one.arguments or name not in other.arguments:
            return False
        mine, theirs = one.arguments[name].value, other.arguments[name].value
        if type(mine) is not type(theirs):
            return False
        if type(mine) is Ref and type(theirs) is Ref:
            if self.found.pairs.get(mine.node) == theirs.node:
                return True
            return self.one.contents.get(mine.node) == self.other.contents.get(theirs.node)
        if type(mine) in SCALARS:
            return mine == theirs or mine != mine  # noqa: PLR0124  # NaN
        return mine == theirs

    # --- other names --------------------------------------------------------------------------------------------------
    def _renamed(self, first: dict[str, list[int]], second: dict[str, list[int]]) -> None:
        """Whole groups that are called otherwise and are the same throughout: a renamed variable, or list."""
        index: dict[tuple[int, ...], list[list[int]]] = {}
        for numbers in reversed([self._left([], numbers)[1] for numbers in second.values()]):
            if any(map(self.other.says_much, numbers)):
                index.setdefault(tuple(map(self.other.contents.__getitem__, numbers)), []).append(numbers)
        if not index:
            return
        for numbers in (self._left(numbers, [])[0] for numbers in first.values()):
            found = index.get(tuple(map(self.one.contents.__getitem__, numbers))) if numbers else None
            if found:
                for a, b in zip(numbers, found.pop(), strict=True):
                    self._link(a, b)

    def _resembling(self, first: dict[str, list[int]], second: dict[str, list[int]]) -> None:
        """Groups that are called otherwise, of the same classes, whose arguments mostly agree."""
        mine = [
            left for numbers in first.values() if (left := self._left(numbers, [])[0]) and len(left) == len(numbers)
        ]
        theirs = [
            left for numbers in second.values() if (left := self._left([], numbers)[1]) and len(left) == len(numbers)
        ]
        if not mine or not theirs:
            return

        def likeness(row: int, column: int) -> float:
            return self._resemblance(mine[row], theirs[column])

        for row, column in paired(len(mine), len(theirs), likeness) or ():
            if len(mine[row]) == len(theirs[column]) == 1:
                self._link(mine[row][0], theirs[column][0])
            else:
                self._sequence(mine[row], theirs[column])

    def _resemblance(self, mine: list[int], theirs: list[int]) -> float:
        if {self._target(a) for a in mine} != {self.other.nodes[b].target for b in theirs}:
            return 0.0
        pairs = list(zip(mine[:_SAMPLE], theirs[:_SAMPLE], strict=False))
        total = 0.0
        for a, b in pairs:
            one, other = self.one.nodes[a], self.other.nodes[b]
            total += self._agreement(one, other) + 0.5 * _at_one_place(one, other)
        share = total / len(pairs)
        return share if share >= _ENOUGH else 0.0

    def _exchanged(self, mine: list[int], theirs: list[int]) -> None:
        """Objects that nobody named, of other classes, made in the same place of the program."""
        mine, theirs = self._left(mine, theirs)
        mine, theirs = [a for a in mine if self.one.is_unnamed(a)], [b for b in theirs if self.other.is_unnamed(b)]
        if not mine or not theirs:
            return

        def likeness(row: int, column: int) -> float:
            one, other = self.one.nodes[mine[row]], self.other.nodes[theirs[column]]
            same = one.site is not None and other.site is not None and one.site.function == other.site.function
            return _kinship(one.target, other.target) + 0.5 * _at_one_place(one, other) if same else 0.0

        for row, column in paired(len(mine), len(theirs), likeness) or ():
            self._link(mine[row], theirs[column])

    # --- far away -----------------------------------------------------------------------------------------------------
    def _stands_elsewhere(self, a: int, b: int) -> bool:
        """Whether either of two things of one name is in the other run too, by another name: then it is no exchange."""
        return (
            self.one.says_much(a)
            and any(other not in self.found.back for other in self.other.places(self.one.contents[a]))
        ) or (
            self.other.says_much(b)
            and any(number not in self.found.pairs for number in self.one.places(self.other.contents[b]))
        )

    def _strays(self) -> bool:
        """What went to another parent: known by its content, if that is there once; else by name and class."""
        mine = [a for a in self.one.nodes if a not in self.found.pairs]
        theirs = {b for b in self.other.nodes if b not in self.found.back}
        linked = False
        for a in mine if theirs else ():
            if not self.one.says_much(a):
                continue
            content = self.one.contents[a]
            found = [b for b in self.other.places(content) if b in theirs]
            alike = [number for number in self.one.places(content) if number not in self.found.pairs]
            if len(found) == 1 and len(alike) == 1 and (self._on_top(a) or self._on_top_there(found[0])):
                self._link(a, found[0])
                theirs.discard(found[0])
                linked = True
        return linked

    def _on_top(self, a: int) -> bool:
        """Whether *a* hangs below something that has been found, so that it did not come or go with its parent."""
        parent = self.one.tree.parents[a]
        return parent is None or parent in self.found.pairs

    def _on_top_there(self, b: int) -> bool:
        parent = self.other.tree.parents[b]
        return parent is None or parent in self.found.back

    def _named(self) -> bool:
        """The only object of its class on the top of either run, which nobody named in one of them."""
        mine, theirs = self._left(self.one.children(None), self.other.children(None))
        tops = [Counter(side.nodes[n].target for n in side.children(None)) for side in (self.one, self.other)]
        single = {self._target(a): a for a in mine if tops[0][self._target(a)] == 1}
        linked = False
        for b in theirs:
            target = self.other.nodes[b].target
            a = single.get(target) if tops[1][target] == 1 else None
            if a is not None and (self.one.is_unnamed(a) or self.other.is_unnamed(b)):
                self._link(a, b)
                linked = True
        return linked

    def _swapped(self) -> bool:
        """What has the same name, and whose content was looked for elsewhere in vain."""
        linked = False
        for a, b in self.swaps:
            if self._free(a, b):
                self._link(a, b)
                linked = True
        self.swaps.clear()
        return linked


_SAMPLE = 50
_ENOUGH = 0.5


def _kinship(one: str, other: str) -> float:
    if one == other:
        return 2.0
    if short(one) == short(other):
        return 1.8
    return 0.2 + 0.8 * (one.partition(":")[0] == other.partition(":")[0])


def _at_one_place(one: Node, other: Node) -> bool:
    mine, theirs = one.site, other.site
    return mine is not None and theirs is not None and (mine.line, mine.function) == (theirs.line, theirs.function)


def _zipped(ways: list[str], others: list[str], mine: list[int], theirs: list[int]) -> Iterator[tuple[int, int]]:
    places = {way: position for position, way in enumerate(others)}
    for position, way in enumerate(ways):
        if way in places:
            yield position, places[way]
