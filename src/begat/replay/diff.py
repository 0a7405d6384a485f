"""`diff`: what differs between runs, and why. Reads records and nothing else: no import, no call, no file."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from begat.record.collector import resting
from begat.record.graph import Run
from begat.record.moved import moved_by, spoken
from begat.record.names import short
from begat.replay.changes import Change, Diff, sorted_out
from begat.replay.comparison import Comparison
from begat.replay.surroundings import changes as around
from begat.replay.table import results, rows


def diff(
    a: Run,
    b: Run,
    *more: Run,
    all: bool = False,  # as in `Run.config`
    moved: Mapping[str, str] | None = None,
    ignore: Iterable[str] = (),
) -> Diff:
    """
    Compare runs: what differs between *a* and *b*, and between *a* and each of *more*, and why.

    *all* counts what libraries made for themselves one by one. *moved* maps old names of modules or classes to new ones:
    ``{"mylib.nets": "mylib.models"}``. *ignore* leaves out kinds of change (``"git"``) and places (``"*.verbose"``).
    Nothing is imported or called. TypeError for what is no run.

    >>> @begat.trackable
    ... class Net:
    ...     def __init__(self, width, dropout=0.1): ...
    >>> with begat.capture() as before:
    ...     net = Net(64)
    >>> with begat.capture() as after:
    ...     net = Net(128)
    >>> [(change.place, change.before, change.after) for change in begat.diff(before, after)]
    [('net.width', 64, 128)]
    """
    runs = (a, b, *more)
    for run in runs:
        if not isinstance(run, Run):
            raise TypeError(f"runs are compared, not {type(run).__name__}; begat.load(path) reads one")
    left_out = tuple(ignore)
    with resting():
        comparisons = [_compared(a, run, all, moved or {}, number) for number, run in enumerate(runs[1:], 1)]
        found = [change for changes, _ in comparisons for change in changes]
        if left_out:
            found = [change for change in found if not _ignored(change, left_out)]
        kept, folded = sorted_out(found)
        table = rows([comparison for _, comparison in comparisons], kept) if more else None
        return Diff(runs, kept, folded, results(runs), table)


def _compared(a: Run, b: Run, all: bool, moved: Mapping[str, str], number: int) -> tuple[list[Change], Comparison]:
    if a is b:
        return [], Comparison(a, a, all)
    names = spoken(a, b) | dict(moved)
    before, after = moved_by(a, names), moved_by(b, names)
    comparison = Comparison(before, after, all)
    found = comparison.changes()
    found += around(before, after)
    found += _inside(before, after, all)
    return [replace(change, run=number) for change in found] if number > 1 else found, comparison


def _inside(before: Run, after: Run, all: bool) -> Iterator[Change]:
    """The runs inside, those of one name together, in order; their paths begin with their names."""
    left = list(after.children)
    for number, child in enumerate(before.children):
        name = child.name or str(number)
        other = next((run for run in left if run.name == child.name), None)
        if other is None:
            yield Change(
                "removed", name, cause="removed", why="a run inside the earlier run only", count=max(len(child), 1)
            )
            continue
        left.remove(other)
        found, _ = _compared(child, other, all, {}, 1)
        for change in found:
            was = f"{name}/{change.was}" if change.was is not None else None
            yield replace(change, path=f"{name}/{change.path}" if change.path else name, was=was)
    for number, child in enumerate(left):
        name = child.name or str(number)
        yield Change("added", name, cause="added", why="a run inside the later run only", count=max(len(child), 1))


def _ignored(change: Change, patterns: tuple[str, ...]) -> bool:
    return any(
        pattern == change.kind
        or fnmatch.fnmatchcase(change.place, pattern)
        or (change.argument is not None and change.target is not None
            and fnmatch.fnmatchcase(f"{short(change.target)}.{change.argument}", pattern))
        for pattern in patterns
    )  # fmt: skip
