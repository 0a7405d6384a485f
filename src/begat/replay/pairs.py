"""What differs between two constructions that are one: class, arguments, code, outcome, place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from begat.record.model import ABSENT, Argument, Node
from begat.record.names import called, short
from begat.record.values import SCALARS, Ref
from begat.record.walk import refs
from begat.replay.changes import Change, fold
from begat.replay.reasons import Reasons, is_chosen
from begat.replay.side import Side
from begat.replay.values import Values, parts, refers


class Pairs:
    """Compares paired nodes one after the other, those around before those built inside."""

    def __init__(self, before: Side, after: Side, values: Values, reasons: Reasons) -> None:
        self.before, self.after = before, after
        self.values, self.reasons = values, reasons
        self.sourced = 0  # pairs of which all that differs is whether a value was given or the default
        self._uses: tuple[Counter[int], Counter[int]] | None = None

    def compare(self, one: Node, other: Node) -> list[Change]:
        """What differs in class, arguments and outcome."""
        found: list[Change] = []
        if one.target != other.target:
            found.append(self._class(one, other))
        sourced = False
        for name, mine in one.arguments.items():
            theirs = other.arguments.get(name)
            if theirs is None:
                found += self._lone(one, other, mine, None)
                continue
            old, new = mine.value, theirs.value
            # What `same` would say of nearly all: 1 is not True, and 0.0 is not -0.0.
            if not (type(old) is type(new) and type(old) in SCALARS and old == new and (old or old is new)) and (
                not self.values.same(old, new)
            ):
                if type(old) in SCALARS and type(new) in SCALARS:
                    found.append(self._told(one, other, mine, theirs, name, old, new))
                else:
                    found += self._argument(one, other, mine, theirs)
            elif mine.source != theirs.source:
                sourced = True
        self.sourced += sourced and not found
        if len(other.arguments) != len(one.arguments) or found:
            for name, theirs in other.arguments.items():
                if name not in one.arguments:
                    found += self._lone(one, other, None, theirs)
            found = self._renamed(one, other, found)
        if one.outcome != other.outcome or (one.error != other.error and one.outcome == "raised"):
            found.append(
                self._change("outcome", one, other, before=_ended(one), after=_ended(other), why=_late(one, other))
            )
        return found

    def _change(self, kind: str, one: Node, other: Node, **more: object) -> Change:
        path, was = self.after.tree.names[other.id], self.before.tree.names[one.id]
        return Change(kind, path, was=was if was != path else None, target=other.target, site=other.site, **more)  # type: ignore[arg-type]  # by name

    def _class(self, one: Node, other: Node) -> Change:
        chosen = self.reasons.chosen(one, other)
        if chosen is not None:
            cause, by = chosen
            why = f"{called(other.target)} in its place, {by}"
        elif short(one.target) == short(other.target):
            cause, why = "module", f"{short(one.target)} comes from elsewhere; if it is the same, say so with moved="
        elif one.kind != other.kind:
            cause, why = "given", f"{called(other.target)} is called in its place"
        elif one.code == other.code and one.code is not None:
            why = f"{called(other.target)} in its place, with the same code; if it is the same, say so with moved="
            cause = "given"
        else:
            cause, why = "given", f"{called(other.target)} in its place"
        return self._change("class", one, other, before=one.target, after=other.target, cause=cause, why=why)

    # --- arguments ----------------------------------------------------------------------------------------------------
    def _argument(self, one: Node, other: Node, mine: Argument, theirs: Argument) -> Iterator[Change]:
        if self._explained(mine.value, theirs.value):
            yield self._told(one, other, mine, theirs, "", mine.value, theirs.value, folded=True)
            return
        if self.values.alike(mine.value, theirs.value):
            yield self._shared(one, other, mine, theirs)
            return
        for at, before, after in self._leaves(one, other, mine, theirs):
            yield self._told(one, other, mine, theirs, at, before, after, folded=self._explained(before, after))

    def _leaves(self, one: Node, other: Node, mine: Argument, theirs: Argument) -> Iterator[tuple[str, object, object]]:
        before, after = mine.value, theirs.value
        if mine.name == other.starred[0] == one.starred[0] and isinstance(before, tuple) and isinstance(after, tuple):
            if len(before) != len(after):
                yield mine.name, before, after
                return
            for position, (old, new) in enumerate(zip(before, after, strict=True)):
                if not self.values.same(old, new):
                    yield str(position), old, new
            return
        for at, old, new in self.values.leaves(before, after):
            # The keywords of `**options` go by their own names.
            bare = mine.name == other.starred[1] == one.starred[1] and at
            yield at if bare else ".".join(filter(None, (mine.name, at))), old, new

    def _told(
        self, one: Node, other: Node, mine: Argument | None, theirs: Argument | None, at: str, before: object, after: object,
        folded: bool = False,
    ) -> Change:  # fmt: skip
        cause, why = self.reasons.argument(one, other, mine, theirs)
        if folded:
            cause, why = "follows", "the objects in it came, went or moved"
        elif cause == "class":
            folded = True  # two classes have the defaults that they have
        name = at or (mine or theirs).name  # type: ignore[union-attr]  # one of them is there
        return self._change(
            "argument", one, other, argument=name, before=before, after=after, cause=cause,
            why=why if folded else why + self._order(before, after), folded=folded,
        )  # fmt: skip

    def _order(self, before: object, after: object) -> str:
        """That a list holds the same in another order."""
        if type(before) in SCALARS:
            return ""
        if type(before) is type(after) and isinstance(before, list | tuple) and isinstance(after, list | tuple):
            mine, theirs = map(self.values.text_before, before), map(self.values.text_after, after)
            if len(before) == len(after) and sorted(mine) == sorted(theirs):
                return "; the same in another order"
        return ""

    def _lone(self, one: Node, other: Node, mine: Argument | None, theirs: Argument | None) -> Iterator[Change]:
        """An argument that only one of the two calls has."""
        before, after = (ABSENT if argument is None else argument.value for argument in (mine, theirs))
        there = mine or theirs
        assert there is not None
        if one.target != other.target and not is_chosen(there):
            yield fold(self._told(one, other, mine, theirs, "", before, after), "class", "another class takes others")
        elif there.value in ((), {}) and there.name in (*one.starred, *other.starred):
            return  # an empty `**options` that a signature got
        else:
            yield self._told(one, other, mine, theirs, "", before, after, folded=self._explained(before, after))

    def _renamed(self, one: Node, other: Node, found: list[Change]) -> list[Change]:
        """A parameter that was given under one name and is given under another is one change."""
        gone = [c for c in found if c.after is ABSENT and c.kind == "argument" and c.argument in one.arguments]
        if not gone:
            return found
        come = [c for c in found if c.kind == "argument" and c.before is ABSENT and c.argument in other.arguments]
        for old in gone:
            same = [new for new in come if self.values.same(old.before, new.after)]
            rivals = (
                [rival for rival in gone if self.values.same(rival.before, same[0].after)] if len(same) == 1 else []
            )
            if len(rivals) != 1:
                continue
            found = [change for change in found if change is not old and change is not same[0]]
            cause, why = self.reasons._signature(one, other, "a parameter that is called otherwise")
            found.append(
                self._change(
                    "renamed", one, other, argument=same[0].argument, before=old.argument, after=same[0].argument, cause=cause,
                    why=why, folded=one.target != other.target,
                )
            )  # fmt: skip
        return found

    # --- what the values refer to -------------------------------------------------------------------------------------
    def is_new(self, number: int) -> bool:
        """Whether a node of the later run has no counterpart."""
        return number in self.after.nodes and number not in self.values.found.back

    def is_gone(self, number: int) -> bool:
        """Whether a node of the earlier run has no counterpart."""
        return number in self.before.nodes and number not in self.values.found.pairs

    def _explained(self, before: object, after: object) -> bool:
        """Whether a difference is told by objects that came, went or moved in a list."""
        if type(before) in SCALARS or type(after) in SCALARS:
            return False
        if before is ABSENT:
            return refers(after, self.is_new)
        if after is ABSENT:
            return refers(before, self.is_gone)
        if (
            type(before) is not type(after)
            or not isinstance(before, list | tuple)
            or not isinstance(after, list | tuple)
        ):
            return False
        mine = [(self.values.text_before(item), item) for item in before]
        theirs = [(self.values.text_after(item), item) for item in after]
        old, new = Counter(text for text, _ in mine), Counter(text for text, _ in theirs)
        if not all(refers(item, self.is_gone) for text, item in mine if text not in new):
            return False
        if not all(refers(item, self.is_new) for text, item in theirs if text not in old):
            return False
        kept, others = [text for text, _ in mine if text in new], [text for text, _ in theirs if text in old]
        if kept == others:
            return True
        moved = {number for some in self.values.found.moved for pair in some for number in pair[1:]}
        return sorted(kept) == sorted(others) and any(refers(item, moved.__contains__) for _, item in theirs)

    def _shared(self, one: Node, other: Node, mine: Argument, theirs: Argument) -> Change:
        """The same objects by content, but not the same ones: shared now, or no longer, or another of several."""
        uses_before, uses_after = self._counted()
        old = max((uses_before[ref.node] for ref in refs(mine.value)), default=0)
        new = max((uses_after[ref.node] for ref in refs(theirs.value)), default=0)
        if new > old:
            why = "an object that is used elsewhere too"
        elif new < old:
            why = "an object of its own, no longer shared"
        else:
            why = "another object that was made alike"
        return self._change(
            "shared", one, other, argument=mine.name, before=mine.value, after=theirs.value, cause="sharing", why=why
        )

    def _counted(self) -> tuple[Counter[int], Counter[int]]:
        """How often each node is referred to, in either run."""
        if self._uses is None:
            counts = [
                Counter(
                    part.node
                    for node in side.nodes.values()
                    for argument in node.arguments.values()
                    for part in parts(argument.value)
                    if type(part) is Ref and part.run is None
                )
                for side in (self.before, self.after)
            ]
            self._uses = (counts[0], counts[1])
        return self._uses


def _ended(node: Node) -> str:
    words = {"deferred": "not built", "returned": "built"}.get(node.outcome, node.outcome)
    return f"{words}: {node.error}" if node.error else words


def _late(one: Node, other: Node) -> str:
    if other.outcome == "deferred":
        return "nothing has touched it this time"
    if one.outcome == "deferred":
        return "it waited, and nothing had touched it"
    return "its constructor raises" if other.outcome == "raised" else "its constructor no longer raises"
