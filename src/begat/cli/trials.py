"""What people see of a sweep: how far it is, and at the end what differed and how it went."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any, Self

from begat.cli.output import console, say
from begat.record.moments import span
from begat.record.names import counted
from begat.record.plain import escaped

if TYPE_CHECKING:
    from types import TracebackType

    from begat.sweep.plan import Plan
    from begat.sweep.trial import Done, Trial

_RESULTS = 6
_WIDEST = 48


class Progress:
    """A bar on a terminal, with the failures as they happen; nothing where nobody looks."""

    def __init__(self, plan: Plan, total: int, done: Collection[Done], retry: Collection[Done]) -> None:
        self._plan = plan
        self._best: Done | None = None
        self._failed = sum(one.ending.state == "failed" for one in done) - len(retry)
        self._bar: Any = None
        self._under_way = 0
        for one in done:
            self._best = _better(plan, self._best, one)
        self._screen = screen = console(stderr=True)
        if screen.is_terminal:
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                Progress,
                TextColumn,
                TimeElapsedColumn,
                TimeRemainingColumn,
            )

            self._bar = Progress(
                BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("{task.description}"),
                console=screen, transient=True,
            )  # fmt: skip
            self._task = self._bar.add_task("", total=total, completed=len(done) - len(retry))

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def began(self, trial: Trial) -> None:
        """One more is under way."""
        self._under_way += 1
        self._tell()

    def ended(self, done: Done) -> None:
        """One is over."""
        self._under_way -= 1
        self._best = _better(self._plan, self._best, done)
        if done.ending.state == "failed":
            self._failed += 1
            if self._bar is not None:
                self._bar.console.print(
                    f"trial {done.trial.number} failed: {escaped(done.ending.error or '')}", style="red"
                )
        if self._bar is not None:
            self._bar.advance(self._task)
        self._tell()

    def halting(self, count: int) -> None:
        """All are stopping, which may take a while."""
        self._screen.print(f"begat: stopping {counted(count, 'trial')}; once more kills them")

    def _tell(self) -> None:
        if self._bar is None:
            return
        said = [f"{self._under_way} under way"]
        if self._failed:
            said.append(f"{self._failed} failed")
        if self._best is not None:
            said.append(
                f"best {self._plan.objective} {_short(self._best.ending.value)} in trial {self._best.trial.number}"
            )
        self._bar.update(self._task, description=", ".join(said))


def ranked(plan: Plan, found: Collection[Done]) -> list[Done]:
    """The trials, best first if there is an objective; those without a number last."""
    if plan.objective is None:
        return list(found)
    return sorted(found, key=lambda done: (_rank(plan, done), done.trial.number))


def report(plan: Plan, folder: str, found: Collection[Done], *, as_json: bool) -> None:
    """Write the trials to standard output."""
    ordered = ranked(plan, found)
    if as_json:
        from begat.render.yaml import pretty

        say([pretty(data(plan, folder, ordered))])
        return
    head, *rows = _table(plan, ordered)
    screen = console()
    if not screen.is_terminal:
        say("\t".join(row) for row in (head, *rows))
        return
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in head:
        grid.add_column(
            name, overflow="fold" if name == "outcome" else "ellipsis", no_wrap=name in ("trial", "run", "took")
        )
    for row, done in zip(rows, ordered, strict=True):
        style = {"failed": "red", "pruned": "dim"}.get(done.ending.state, "")
        grid.add_row(*(Text(cell, style) for cell in row))
    screen.print(grid)


def data(plan: Plan, folder: str, ordered: Collection[Done]) -> dict[str, Any]:
    """The sweep as JSON-ready data."""
    from begat.sweep.said import finite

    trials = [
        {
            "number": done.trial.number,
            "values": done.trial.values,
            "state": done.ending.state,
            "value": finite(done.ending.value),
            "result": done.ending.result,
            "run": done.ending.run,
            "error": done.ending.error,
            "exit_code": done.ending.exit_code,
            "started": done.ending.started,
            "seconds": done.ending.seconds,
        }
        for done in ordered
    ]
    return {"sweep": plan.id, "name": plan.name, "folder": folder, "objective": plan.objective, "trials": trials}


def _table(plan: Plan, ordered: Collection[Done]) -> Iterator[tuple[str, ...]]:
    paths = [axis.path for axis in plan.axes if not axis.fixed]
    results = _results(plan, ordered)
    yield ("trial", *map(escaped, paths), *map(escaped, results), "took", "outcome", "run")
    for done in ordered:
        ending = done.ending
        outcome = f"{ending.state}: {ending.error}" if ending.error else ending.state
        yield (
            str(done.trial.number),
            *(escaped(done.trial.values.get(path, "")) for path in paths),
            *(escaped(_short(ending.result.get(name))) for name in results),
            span(ending.seconds),
            escaped(outcome),
            ending.run or "",
        )


def _results(plan: Plan, ordered: Collection[Done]) -> list[str]:
    names = dict.fromkeys([plan.objective] if plan.objective else [])
    for done in ordered:
        for name, value in done.ending.result.items():
            if isinstance(value, str | int | float) and not _is_varied(plan, name, value, done):
                names.setdefault(name)
    return list(names)[:_RESULTS]


def _is_varied(plan: Plan, name: str, value: str | float, done: Done) -> bool:
    """Whether the program says with its result *name* only what it was given: that has a column already."""
    given = [
        done.trial.values.get(axis.path, "")
        for axis in plan.axes
        if not axis.fixed and (axis.path == name or axis.path.endswith(f".{name}"))
    ]
    try:
        return any(float(text) == float(value) for text in given)
    except ValueError:
        return value in given


def _short(value: object) -> str:
    text = "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"


def _rank(plan: Plan, done: Done) -> tuple[bool, float]:
    value = done.ending.value
    if done.ending.state != "finished" or value is None or math.isnan(value):
        return True, 0.0
    return False, -value if plan.maximize else value


def _better(plan: Plan, best: Done | None, done: Done) -> Done | None:
    if plan.objective is None or _rank(plan, done)[0]:
        return best
    return done if best is None or _rank(plan, done) < _rank(plan, best) else best
