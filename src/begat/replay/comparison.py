"""Two runs compared: what every pair of nodes says, what has no counterpart, and which of it follows from the rest."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from begat.record.model import Node
from begat.record.names import called
from begat.record.tree import folded, place
from begat.record.values import SCALARS, Ref
from begat.record.walk import refs
from begat.replay.align import Alignment, align
from begat.replay.changes import Change, fold
from begat.replay.pairs import Pairs
from begat.replay.places import Places
from begat.replay.reasons import Reasons
from begat.replay.side import Side
from begat.replay.values import Values

if TYPE_CHECKING:
    from begat.record.graph import Run


class Comparison:
    """
    The nodes of *before* against those of *after*.

    *everything* counts what libraries made for themselves one by one; otherwise only how many there are.
    """

    def __init__(self, before: Run, after: Run, everything: bool) -> None:
        self.everything = everything
        self.before, self.after = Side(before, everything), Side(after, everything)
        self.found: Alignment = align(self.before, self.after)
        self.reasons = Reasons.of(before, after)
        self.values = Values(self.before, self.after, self.found, self.reasons.same_python)
        self.pairs = Pairs(self.before, self.after, self.values, self.reasons)
        self._why: dict[
            int, list[Change]
        ] = {}  # of pairs that differ, by the later node: what may explain things inside
        self._differing: set[int] | None = None  # as `_differs` has them

    def changes(self) -> list[Change]:
        """Everything that differs between the nodes, in the order of the program."""
        found: list[Change] = []
        places = Places(self.before, self.after)
        earlier = self.before.nodes
        codes: dict[str, list[tuple[Node, Node]]] = {}
        compared: list[tuple[Node, Node, list[Change]]] = []
        for after, number in sorted(self.found.back.items()):
            one, other = earlier[number], self.after.nodes[after]
            changes = self.pairs.compare(one, other)
            if changes:
                compared.append((one, other, changes))
                told = [change for change in changes if change.kind in _EXPLAINING]
                if told:
                    self._why[after] = told
            if one.code != other.code and one.target == other.target and None not in (one.code, other.code):
                codes.setdefault(other.target, []).append((one, other))
            if one.site is not other.site:
                places.add(one, other)
        # What follows from what is asked when all is known: the order of construction may be another in either run.
        for one, other, changes in compared:
            inside = one.within is not None and other.within is not None
            found += self._followed(one, other, changes) if inside else changes
        found += self._codes(codes, {change.target for change in found if change.cause == "code" and not change.folded})
        found += self._come_and_gone()
        found += self._names()
        found += self._lists()
        found += self._events()
        found += places.changes()
        if self.pairs.sourced:
            found.append(
                Change("source", "", cause="source", why="the default, given in one call and left out in the other",
                       count=self.pairs.sourced, folded=True)
            )  # fmt: skip
        return found + ([] if self.everything else self._libraries())

    # --- what follows from what ---------------------------------------------------------------------------------------
    def _followed(self, one: Node, other: Node, changes: list[Change]) -> list[Change]:
        """*changes* of a pair, those folded that follow from changed arguments of the construction that it was built in."""
        around = self._around(one, other)
        if not around:
            return changes
        changes = [change if change.folded else self._explained(change, around) for change in changes]
        told = [change for change in changes if change.kind in _EXPLAINING]
        if told:
            self._why[other.id] = told
        return changes

    def _around(self, one: Node, other: Node) -> list[tuple[Node, Node]]:
        """The nearest pair of constructions that differ in which both nodes were built; several where none is nearer in both runs."""
        outer = {number: steps for steps, number in enumerate(self._chain(self.before, one))}
        found: dict[int, list[tuple[Node, Node]]] = {}
        for steps, number in enumerate(self._chain(self.after, other) if outer else ()):
            earlier = self.found.back.get(number)
            if earlier in outer and self._differs(number):
                pair = self.before.nodes[earlier], self.after.nodes[number]
                found.setdefault(steps + outer[earlier], []).append(pair)
        return found[min(found)] if found else []

    def _differs(self, number: int) -> bool:
        """Whether the later node *number* differs from its counterpart, or something that either was given does, however far down."""
        if self._differing is None:
            users: dict[int, list[int]] = {}
            for side in (self.before, self.after):
                for node in side.nodes.values():
                    for ref in _given_to(node):
                        # What was built later was not given to a constructor.
                        if ref < node.id:
                            users.setdefault(self._later(side, ref), []).append(self._later(side, node.id))
            self._differing = set(self._why)
            todo = list(self._why)
            while todo:
                more = [user for user in users.get(todo.pop(), ()) if user not in self._differing]
                self._differing.update(more)
                todo += more
        return number in self._differing

    def _later(self, side: Side, number: int) -> int:
        """The later node that *number* of *side* is; one that is gone has a number of its own."""
        return number if side is self.after else self.found.pairs.get(number, ~number)

    @staticmethod
    def _chain(side: Side, node: Node) -> list[int]:
        """The constructions that *node* was built in, the nearest first."""
        found: dict[int, None] = {}
        number = node.within
        while number is not None and number != node.id and number not in found:
            found[number] = None
            at = side.nodes.get(number)
            number = at.within if at is not None else None
        return list(found)

    def _explained(self, change: Change, around: list[tuple[Node, Node]]) -> Change:
        for one, other in around:
            causes = self._why.get(other.id, [])
            path = self.after.tree.names[other.id]
            if any(self._is_same_step(change, cause) for cause in causes):
                why = f"{path} was given the same"
            elif self.reasons.code(one, other):
                return change  # its own lines may say so
            else:
                what = "which differs" if causes else "which was given what differs"
                why = f"built inside {path}, {what}"
        return fold(change, "follows", why)

    def _is_same_step(self, change: Change, cause: Change) -> bool:
        """Whether the value that changed is the same in both."""
        if change.kind != "argument" or cause.kind != "argument":
            return False
        mine, theirs = (
            (self.values.text_before(step.before), self.values.text_after(step.after)) for step in (change, cause)
        )
        return mine == theirs

    # --- come and gone ------------------------------------------------------------------------------------------------
    def _come_and_gone(self) -> list[Change]:
        slots = {
            (side, ref.node)
            for changes in self._why.values()
            for change in changes
            if change.kind in ("argument", "shared") and not change.folded
            for side, value in enumerate((change.before, change.after))
            for ref in _refs_of(value)
        }
        gone = self._lone(self.before, self.found.pairs, "removed", {number for side, number in slots if side == 0})
        come = self._lone(self.after, self.found.back, "added", {number for side, number in slots if side == 1})
        return gone + come

    def _lone(self, side: Side, paired: dict[int, int], kind: str, told: set[int]) -> list[Change]:
        """The nodes of *side* without a counterpart; those below others of them are counted there."""
        alone = [number for number in side.nodes if number not in paired]
        tops: dict[int, int] = {}
        found: dict[int, Change] = {}
        for number in sorted(alone, key=lambda number: side.nodes[number].path.count(".")):
            node, parent = side.nodes[number], side.tree.parents[number]
            owner = next((at for at in (parent, node.within) if at is not None and at in tops), None)
            tops[number] = top = number if owner is None else tops[owner]
            if top != number:
                found[top] = replace(found[top], count=found[top].count + 1)
                continue
            why = "nothing like it in the " + ("earlier run" if kind == "added" else "later run")
            change = Change(
                kind, side.tree.names[number], cause=kind, why=why, target=node.target, site=node.site,  # type: ignore[arg-type]
                **{("after" if kind == "added" else "before"): Ref(number)},  # type: ignore[arg-type]  # by name
            )  # fmt: skip
            found[number] = self._placed(change, side, node, number in told)
        return [found[number] for number in alone if number in found]

    def _placed(self, change: Change, side: Side, node: Node, told: bool) -> Change:
        """*change*, folded if an argument's change tells it, or that of the construction that the node was built in."""
        parent = side.tree.parents[node.id]
        if told and parent is not None and _uses(side.nodes[parent], node.id):
            return fold(change, "follows", "an argument's change tells of it")
        for number in self._chain(side, node):
            later = self._later(side, number)
            if later in self.found.back and self._differs(later):
                one, other = self.before.nodes[self.found.back[later]], self.after.nodes[later]
                if not self.reasons.code(one, other):
                    return fold(change, "follows", f"built inside {self.after.tree.names[later]}, which differs")
        return change

    # --- names and order ----------------------------------------------------------------------------------------------
    def _names(self) -> list[Change]:
        """Variables, attributes and lists that are called otherwise: each once, whatever hangs below."""
        from begat.replay.renaming import renames

        taken = {
            (self.found.back[number], change.before, change.after)
            for number, changes in self._why.items()
            for change in changes
            if change.kind == "renamed"
        }
        return renames(self.before, self.after, self.found, taken)

    def _lists(self) -> list[Change]:
        from begat.replay.renaming import stem

        found = []
        for moved in self.found.moved:
            old = [self.before.tree.names[one] for one, _ in moved]
            new = [self.after.tree.names[other] for _, other in moved]
            node = self.after.nodes[moved[0][1]]
            found.append(
                Change("moved", stem(new[0]), before=old, after=new, cause="order", why="the same, in another order",
                       target=node.target, count=len(moved), site=node.site)
            )  # fmt: skip
        return found

    # --- the rest -----------------------------------------------------------------------------------------------------
    def _codes(self, codes: dict[str, list[tuple[Node, Node]]], told: set[str | None]) -> list[Change]:
        """Classes whose code is another: once for each, folded where changes of their parameters have *told* of it."""
        found = []
        for target, pairs in codes.items():
            # Of several codes always the same ones, whichever run is named first: the order of the pairs may be another.
            one, other = min(pairs, key=lambda pair: sorted((str(pair[0].code), str(pair[1].code))))
            change = Change(
                "code", self.after.tree.names[other.id], before=one.code, after=other.code, cause="code",
                why=f"the code of {called(target)} has changed", target=target, count=len(pairs), site=other.site,
            )  # fmt: skip
            upgrade = self.reasons.upgrade(target)
            if upgrade is not None:
                change = fold(change, "library", f"the code of {called(target)} has changed: {upgrade}")
            elif not self.reasons.same_python:
                change = fold(change, "python", "fingerprints of two versions of Python cannot be compared")
            elif target in told:
                change = fold(change, "follows", "its parameters tell of it")
            found.append(change)
        return found

    def _events(self) -> list[Change]:
        """Constructors that ran again, or objects that were returned again, another number of times or with other arguments."""
        told: list[dict[int, list[str]]] = [{}, {}]
        for numbers, side, text in (
            (told[0], self.before, self.values.text_before),
            (told[1], self.after, self.values.text_after),
        ):
            for event in side.run.events:
                # When it was built, and by whom its class was chosen, makes no difference.
                if event.kind in ("reinit", "reused"):
                    arguments = {name: argument.value for name, argument in event.arguments.items()}
                    numbers.setdefault(event.node, []).append(f"{event.kind}{text(arguments)}")
        found = []
        for one, other in self.found.pairs.items():
            mine, theirs = told[0].get(one, []), told[1].get(other, [])
            if mine != theirs:
                found.append(
                    Change("event", self.after.tree.names[other], before=len(mine), after=len(theirs), cause="event",
                           why="its constructor ran again, or it was returned again", target=self.after.nodes[other].target)
                )  # fmt: skip
        return found

    def _libraries(self) -> list[Change]:
        """How many objects libraries made for themselves, where that is another number."""
        counts: list[dict[tuple[int | None, str, str], int]] = []
        for side in (self.before, self.after):
            found: dict[tuple[int | None, str, str], int] = {}
            if len(side.nodes) < len(side.run.nodes):
                for parent, groups in folded(side.run).items():
                    below = (
                        self.found.pairs.get(parent, parent) if side is self.before and parent is not None else parent
                    )
                    for group in groups:
                        key = (below, group.target, group.by)
                        found[key] = found.get(key, 0) + len(group.nodes)
            counts.append(found)
        return [
            Change(
                "library", self.after.tree.names.get(key[0], "") if key[0] is not None else "", before=counts[0].get(key, 0),
                after=counts[1].get(key, 0), cause="library", why=f"{called(key[1])}, made by {key[2] or place(None)}",
                target=key[1], count=abs(counts[0].get(key, 0) - counts[1].get(key, 0)), folded=True,
            )
            for key in {**counts[0], **counts[1]}
            if counts[0].get(key, 0) != counts[1].get(key, 0)
        ]  # fmt: skip


_EXPLAINING = ("argument", "class", "outcome", "shared", "renamed")


def _given_to(node: Node) -> list[int]:
    """The nodes that the arguments of *node* refer to."""
    values = (argument.value for argument in node.arguments.values())
    return [ref.node for value in values if type(value) not in SCALARS for ref in refs(value) if ref.run is None]


def _refs_of(value: object) -> list[Ref]:
    return [value] if type(value) is Ref and value.run is None else []


def _uses(node: Node, number: int) -> bool:
    return any(ref.node == number for argument in node.arguments.values() for ref in _refs_of(argument.value))
