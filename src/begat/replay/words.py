"""A change in words: one line that any terminal may print."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from begat.record.graph import Run
from begat.record.model import ABSENT
from begat.record.names import called, counted
from begat.record.plain import elided, escaped, nameless, text
from begat.record.values import Ref
from begat.replay.changes import Change, Diff

SIGNS = {"added": "+", "removed": "-", "moved": "↕", "renamed": "→"}
_LIMIT = 120


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of changes, with the objects they refer to by their paths."""

    diff: Diff

    def before(self, change: Change, limit: int = _LIMIT) -> str:
        """What was there."""
        return self.value(change.before, self.diff.runs[0], change, limit)

    def after(self, change: Change, limit: int = _LIMIT) -> str:
        """What is there now."""
        return self.value(change.after, self.later(change), change, limit)

    def later(self, change: Change) -> Run:
        """The run that *change* leads to; where only one run was looked at, that one."""
        return self.diff.runs[min(change.run, len(self.diff.runs) - 1)]

    @staticmethod
    def value(value: object, run: Run, change: Change | None, limit: int) -> str:
        """*value* of *run* on one line, with nothing in it that a terminal would obey."""
        if value is ABSENT:
            return "(none)"
        if change is not None and change.kind == "class":
            return elided(escaped(called(str(value))), limit)
        if isinstance(value, str) and (change is None or change.kind not in ("argument", "seed")):
            return elided(escaped(value), limit)
        return text(value, naming(run), limit)

    @staticmethod
    def label(change: Change) -> str:
        """What differs: ``model.dropout``, ``git commit``."""
        return escaped(change.place if change.path else " ".join(filter(None, (change.kind, change.argument))))

    def line(self, change: Change, limit: int = _LIMIT) -> str:
        """``model.dropout: 0.1 → 0.2``, without the reason."""
        where = escaped(change.place)
        many = f" (and {change.count - 1:,} more)" if change.count > 1 else ""
        if change.cause == "missing":
            return f"{where} = {escaped(called(change.target or ''))}{many}"
        if change.kind in ("added", "removed"):
            inside = f" with {change.count - 1:,} inside" if change.count > 1 else ""
            return f"{where} = {escaped(called(change.target or 'a run'))}{inside}"
        if change.kind == "renamed":
            old = f"{change.was or change.path}.{change.before}" if change.argument else change.before
            return f"{escaped(str(old))} → {where}{many}"
        if change.kind == "moved":
            return f"{where}: {self._list(change.before)} → {self._list(change.after)}"
        if change.kind == "code":
            return f"{escaped(called(change.target or ''))}: its code{many}"
        if change.kind in ("source", "line"):
            return counted(change.count, "call")
        label = self.label(change)
        if change.before is ABSENT and change.after is ABSENT:
            return f"{label}{many}"
        return f"{label}: {self.before(change, limit)} → {self.after(change, limit)}{many}"

    @staticmethod
    def _list(paths: object) -> str:
        names = [str(path) for path in paths] if isinstance(paths, list) else []
        return elided(escaped(", ".join(names)), _LIMIT)


def naming(run: Run) -> Callable[[Ref], str]:
    """The paths of what *run* refers to."""

    def named(ref: Ref) -> str:
        try:
            return f"@{run[ref.node].path}" if ref.run is None else nameless(ref)
        except KeyError:
            return nameless(ref)

    return named


def lines(diff: Diff) -> Iterator[str]:
    """The whole of *diff*, one line for each change, and the number of those folded."""
    words = Words(diff)
    for change in diff.changes:
        sign = SIGNS.get(change.kind, "~")
        of = f" [{change.run}]" if len(diff.runs) > 2 else ""
        yield f"{sign} {words.line(change)}{of}  ({escaped(change.why)})"
    if not diff.changes:
        yield "no difference"
    if diff.folded:
        yield f"  {sum(change.count for change in diff.folded):,} more that follow or do not matter"
