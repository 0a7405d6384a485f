"""Processor time of several ways to do the same thing, taken in turns in one run.

Whatever else the machine does, it does to all of them; and of many rounds the smallest is the one that was disturbed least.
The garbage collector stays on: what a way leaves for it to do is part of what it costs.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from time import process_time_ns
from typing import Any

import begat


class Way:
    """One *statement*, its *names*, and the *scope* it runs in."""

    def __init__(
        self, statement: str, names: dict[str, Any], scope: Callable[[], AbstractContextManager[Any]] = nullcontext
    ) -> None:
        self.scope = scope
        space = dict(names)
        body = _loop(statement)
        exec(compile(body, f"<{statement}>", "exec"), space)
        self.loop: Callable[[int], None] = space["loop"]

    def time(self, count: int) -> float:
        """Nanoseconds of one of *count* runs; what begat has recorded is taken out of its log within that time."""
        with self.scope() as run:
            settle = run.recorder.settle if isinstance(run, begat.Run) else bool
            begin = process_time_ns()
            self.loop(count)
            settle()
            return (process_time_ns() - begin) / count


def _loop(statement: str) -> str:
    return "def loop(count):\n    for _ in range(count // 10):\n" + f"        {statement}\n" * 10


def rounds(ways: dict[str, Way], count: int = 20_000, times: int = 15) -> dict[str, list[float]]:
    """Nanoseconds of each way in each of *times* rounds, after a first one that does not count."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for name, way in ways.items():
        way.time(2_000)
    for number in range(times):
        # Every other round backwards: nobody always comes after the same neighbor.
        for name in list(ways)[:: -1 if number % 2 else 1]:
            gc.collect()
            found[name].append(ways[name].time(count))
    return found


def best(ways: dict[str, Way], count: int = 20_000, times: int = 15) -> dict[str, float]:
    """The smallest of the `rounds` of each way."""
    return {name: min(spent) for name, spent in rounds(ways, count, times).items()}
