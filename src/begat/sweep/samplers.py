"""Which values the next trial gets. Grid, zip and random are lists that the plan alone determines; Optuna's is in `study`."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice, product, repeat
from typing import Protocol

from begat.errors import SweepError
from begat.sweep.axes import Axis, Interval, Points
from begat.sweep.plan import Plan
from begat.sweep.trial import Done, Ending, Trial

_LARGEST = 1_000_000
_Rows = tuple[int, Iterator[tuple[str, ...]]]


class Sampler(Protocol):
    """Proposes trials and hears of their endings. *total* is how many there will have been in the end."""

    total: int

    def ask(self) -> Trial | None:
        """The next trial; None when there are no more."""

    def tell(self, ending: Ending) -> None:
        """That trial is over."""

    def prune(self, number: int, step: int, value: float) -> bool:
        """Whether that trial, which is at *value* after *step*, is not worth going on with."""

    def close(self) -> None:
        """Nothing more is asked; trials of which no ending was told are to be done again some time."""


class Listed:
    """The *total* trials of *rows*, in order, without those whose numbers are in *done*."""

    def __init__(self, total: int, rows: Iterable[dict[str, str]], done: Collection[int] = ()) -> None:
        self.total = total
        self._waiting = (Trial(number, values) for number, values in enumerate(rows) if number not in done)

    def ask(self) -> Trial | None:
        return next(self._waiting, None)

    def tell(self, ending: Ending) -> None:
        """Nothing depends on it."""

    def prune(self, number: int, step: int, value: float) -> bool:
        return False

    def close(self) -> None:
        """Nothing is kept."""


def sampler(plan: Plan, folder: str, done: Collection[Done], retry: Collection[Done] = ()) -> Sampler:
    """
    The sampler that *plan* names, knowing what is *done*; the trials *retry* of these are proposed again.

    SweepError if it cannot do what is asked of it.
    """
    if plan.sampler.partition(":")[0] == "optuna":
        from begat.sweep.study import Study

        return Study(plan, folder, done, retry)
    again = {one.trial.number for one in retry}
    return Listed(*assignments(plan), {one.trial.number for one in done} - again)


def assignments(plan: Plan) -> tuple[int, Iterator[dict[str, str]]]:
    """How many trials there are in a plan whose sampler is ours, and the values of each, in order."""
    axes = plan.axes
    total, rows = _KINDS[plan.sampler](plan, axes)
    return total, ({axis.path: text for axis, text in zip(axes, row, strict=True)} for row in rows)


def _grid(plan: Plan, axes: tuple[Axis, ...]) -> _Rows:
    columns = _columns(plan, axes)
    size = math.prod(map(len, columns))
    total = size if plan.trials is None else min(size, plan.trials)
    if total > _LARGEST:
        raise SweepError(
            f"a grid of {size:,} trials is more than the {_LARGEST:,} there may be; --sampler random takes --trials of them"
        )
    return total, islice(product(*columns), total)


def _zip(plan: Plan, axes: tuple[Axis, ...]) -> _Rows:
    columns = _columns(plan, axes)
    lengths = {axis.path: len(column) for axis, column in zip(axes, columns, strict=True) if not axis.fixed}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{path} has {length}" for path, length in lengths.items())
        raise SweepError(f"--sampler zip takes the first values together, then the second: {said}")
    length = max(lengths.values(), default=1)
    total = length if plan.trials is None else min(length, plan.trials)
    return total, islice(
        zip(*(column * length if len(column) == 1 else column for column in columns), strict=True), total
    )


def _columns(plan: Plan, axes: tuple[Axis, ...]) -> list[tuple[str, ...]]:
    columns = []
    for axis in axes:
        if isinstance(axis.values, Interval):
            raise SweepError(
                f"{axis.said!r} has no end of values, and --sampler {plan.sampler} tries all of them: "
                "use linear, log, range or a list, or --sampler random --trials 20"
            )
        columns.append(axis.values.texts)
    return columns


def _random(plan: Plan, axes: tuple[Axis, ...]) -> _Rows:
    if plan.trials is None:
        raise SweepError("--sampler random needs --trials, how many: --trials 20")
    # One stream for all: more trials, asked for later, go on where the first ones ended.
    chance = random.Random(plan.seed)  # noqa: S311  # no secret
    sizes = [len(axis.values.texts) if isinstance(axis.values, Points) else math.inf for axis in axes]
    count = int(min(plan.trials, math.prod(sizes)))
    return count, _distinct((tuple(drawn(axis, chance) for axis in axes) for _ in repeat(None)), count)


def _distinct(rows: Iterator[tuple[str, ...]], count: int) -> Iterator[tuple[str, ...]]:
    seen: set[tuple[str, ...]] = set()
    while len(seen) < count:
        row = next(rows)
        if row not in seen:
            seen.add(row)
            yield row


def drawn(axis: Axis, chance: random.Random) -> str:
    """One value of *axis*, as text."""
    values = axis.values
    if isinstance(values, Points):
        return chance.choice(values.texts)
    if values.whole:
        return str(chance.randint(int(values.low), int(values.high)))
    if values.log:
        found = math.exp(chance.uniform(math.log(values.low), math.log(values.high)))
    else:
        found = chance.uniform(values.low, values.high)
    return repr(min(max(found, values.low), values.high))


_KINDS: dict[str, Callable[[Plan, tuple[Axis, ...]], _Rows]] = {
    "grid": _grid,
    "zip": _zip,
    "random": _random,
}
SAMPLERS = (*_KINDS, "optuna")
