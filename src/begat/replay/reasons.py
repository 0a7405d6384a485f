"""Why an argument is not what it was: in one word and in a sentence."""

from __future__ import annotations

from dataclasses import dataclass

from begat.record.graph import Run
from begat.record.model import ABSENT, Argument, Environment, Node, Overridden
from begat.record.names import called, short
from begat.record.plain import text
from begat.replay.forcing import put_by_overrides

_CHOSEN = ("override", "config", "env")
_BY = {"override": "an override", "config": "a configuration", "env": "the environment"}


@dataclass(frozen=True, slots=True)
class Reasons:
    """What can explain a difference: the versions of both environments."""

    before: Environment
    after: Environment
    overrides: tuple[tuple[Overridden, ...], tuple[Overridden, ...]] = ((), ())
    instead: tuple[dict[int, Argument], dict[int, Argument]] = ({}, {})  # what overrides called, by node

    @staticmethod
    def of(before: Run, after: Run) -> Reasons:
        """Those of two runs."""
        return Reasons(
            before.environment,
            after.environment,
            (before.header.overrides, after.header.overrides),
            (put_by_overrides(before), put_by_overrides(after)),
        )

    @property
    def same_python(self) -> bool:
        """Whether fingerprints of code can be compared: those of two versions of Python always differ."""
        mine, theirs = ((env.implementation, env.python.split(".")[:2]) for env in (self.before, self.after))
        return mine == theirs

    def upgrade(self, target: str) -> str | None:
        """``sklearn 1.8.0 → 1.9.0`` if the package of *target* has another version now."""
        package = target.partition(":")[0].partition(".")[0]
        old, new = self.before.packages.get(package), self.after.packages.get(package)
        return f"{package} {old} → {new}" if old != new and old is not None and new is not None else None

    def code(self, one: Node, other: Node) -> bool:
        """Whether the code of a class has changed, as far as that can be known."""
        return one.code != other.code and None not in (one.code, other.code) and self.same_python

    def argument(self, one: Node, other: Node, mine: Argument | None, theirs: Argument | None) -> tuple[str, str]:
        """The cause of a difference between two arguments of one name, and the sentence."""
        if theirs is not None and is_chosen(theirs):
            return theirs.source, f"set by {_BY[theirs.source]}{self._said(1, theirs)}{_was(theirs)}"
        if mine is not None and is_chosen(mine):
            return mine.source, f"no longer set by {_BY[mine.source]}{self._said(0, mine)}"
        old, new = (argument.source if argument is not None else None for argument in (mine, theirs))
        if (old, new) == ("given", "given"):
            return "given", "given otherwise by the call"
        if new == "given":
            return "given", "given by the call now" + ("; it was the default" if old else "")
        if old == "given":
            return "given", "no longer given by the call" + ("; it is the default" if new else "")
        if old is None or new is None:
            return self._signature(one, other, "a new parameter" if old is None else "no parameter any more")
        return self._signature(one, other, "another default")

    def chosen(self, one: Node, other: Node) -> tuple[str, str] | None:
        """The cause of another class or function, and the words for it, where an override chose one of the two."""
        for which, node, verb in ((1, other, "put there"), (0, one, "no longer put there")):
            put = self.instead[which].get(node.id)
            if put is not None:
                return (
                    put.source,
                    f"{verb} by {_BY.get(put.source, put.source)}{self._said(which, put, short(node.target))}",
                )
        return None

    def _said(self, which: int, argument: Argument, value: str | None = None) -> str:
        """The override that set *argument*, or put there what is called *value*, as it was written, and where."""
        for override in reversed(self.overrides[which]):
            address = override.address.replace("]", "").replace("[", ".")
            last = (address if value is None else override.value.replace(":", ".")).rpartition(".")[2].strip("\"'")
            if override.source == argument.source and last == (value or argument.name):
                place = f", {override.place}" if override.place else ""
                return f" ({override.address}={override.value}{place})"
        return ""

    def _signature(self, one: Node, other: Node, what: str) -> tuple[str, str]:
        upgrade = self.upgrade(other.target)
        if upgrade is not None:
            return "library", f"{what}: {upgrade}"
        if one.target != other.target:
            return "class", f"{what}: it is another class"
        if self.code(one, other):
            return "code", f"{what}: the code of {called(other.target)} has changed"
        if self.before.python != self.after.python:
            return "python", f"{what}: Python {self.before.python} → {self.after.python}"
        return "default", what


def is_chosen(argument: Argument) -> bool:
    """Whether somebody set *argument* from outside of the program's code."""
    return argument.source in _CHOSEN


def _was(argument: Argument) -> str:
    return "" if argument.was is ABSENT else f"; the code says {text(argument.was, limit=80)}"
