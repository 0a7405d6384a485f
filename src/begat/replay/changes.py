"""What a comparison says: `Change`s, most important first, and what was folded away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from begat.record.graph import Run
from begat.record.model import ABSENT, CallSite

Kind = Literal[
    "class", "argument", "added", "removed", "shared", "renamed", "moved", "outcome", "event", "code", "call",
    "argv", "seed", "package", "python", "platform", "git", "lacking",
    "source", "line", "file", "library", "run",
]  # fmt: skip

_RANKS = {kind: rank for rank, kind in enumerate(get_args(Kind))}
_LATER = ("default", "library", "code", "python")  # causes of an argument's change that no call of the user's made


@dataclass(frozen=True, slots=True)
class Change:
    """
    One thing that differs between an earlier run and a later one.

    *kind* says what differs and *cause* why, both in one word out of a fixed list (docs/reference/diff.md); *why* says it in a
    sentence. *path* is the node's path in the later run (in the earlier one where the later has no such node), ``""`` the run
    itself; *was* its path in the earlier run where that is another. *argument* is a parameter, with a dotted key behind it
    where one entry of a dictionary differs. *before* and *after* are values of a record, `ABSENT` where there was none.
    *count* says how many nodes it is true of. *folded* ones follow from others, or say nothing about the configuration.
    """

    kind: Kind
    path: str
    argument: str | None = None
    before: object = ABSENT
    after: object = ABSENT
    cause: str = ""
    why: str = ""
    target: str | None = None
    was: str | None = None
    count: int = 1
    site: CallSite | None = None
    folded: bool = False
    run: int = 1

    @property
    def place(self) -> str:
        """The path and the argument: ``model.dropout``."""
        return ".".join(filter(None, (self.path, self.argument)))

    @property
    def rank(self) -> int:
        """How far down in a list of changes: what somebody chose comes first, what surrounds the program last."""
        rank = 2 * _RANKS[self.kind]
        return rank + (self.kind == "argument" and self.cause in _LATER) * 2 * _RANKS["moved"] + 1


@dataclass(frozen=True, slots=True)
class Row:
    """One parameter (or result) that is not the same in all runs, and its value in each; `ABSENT` where there is none."""

    path: str
    argument: str | None
    values: tuple[object, ...]

    @property
    def place(self) -> str:
        """The path and the argument: ``model.dropout``."""
        return ".".join(filter(None, (self.path, self.argument)))


@dataclass(frozen=True, slots=True)
class Diff:
    """
    What differs between runs: the first one, and each of the others against it.

    It is true if anything does. *changes* are in order of importance; *folded* are those that follow from others or say
    nothing about the configuration; *rows* are the parameters that differ and *results* what came out, run by run.

    >>> begat.diff(run_a, run_b).changes[0].place        # doctest: +SKIP
    'model.hidden'
    """

    runs: tuple[Run, ...] = field(compare=False, repr=False)
    changes: tuple[Change, ...] = ()
    folded: tuple[Change, ...] = ()
    results: tuple[Row, ...] = ()
    _table: tuple[Row, ...] | None = field(default=None, repr=False)

    __module__ = "begat"

    @property
    def rows(self) -> tuple[Row, ...]:
        """The parameters that are not the same in all runs, with a value for each."""
        from begat.replay.table import pair_rows

        if len(self.runs) < 2:
            return ()
        return pair_rows(self.changes) if self._table is None else self._table

    def __bool__(self) -> bool:
        return bool(self.changes)

    def __len__(self) -> int:
        return len(self.changes)

    def __iter__(self) -> Iterator[Change]:
        return iter(self.changes)

    def __str__(self) -> str:
        from begat.replay.words import lines

        return "\n".join(lines(self))


Change.__module__ = "begat"


def sorted_out(found: list[Change]) -> tuple[tuple[Change, ...], tuple[Change, ...]]:
    """*found* by importance, in the order of the program, and apart from them those that are folded."""
    ordered = sorted(found, key=lambda change: change.rank)
    return tuple(c for c in ordered if not c.folded), tuple(c for c in ordered if c.folded)


def fold(change: Change, cause: str, why: str) -> Change:
    """*change*, folded because of *why*."""
    return replace(change, folded=True, cause=cause, why=why)
