"""A trial as data: which values it gets, what is to be run, how it ended. All of it crosses to other processes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["finished", "failed", "pruned", "stopped"]


@dataclass(frozen=True, slots=True)
class Trial:
    """One set of values, as text, by path. *retries* is the number of the failed trial that this one does again."""

    number: int
    values: dict[str, str]
    retries: int | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """
    What a worker needs to know of a trial.

    *command* is what stands behind the interpreter; *base* the path, without its ending, of the files that the trial may write;
    *objective* the name of the result that counts; *grace* the seconds between one way of stopping it and the next.
    """

    number: int
    command: tuple[str, ...]
    base: str
    cwd: str
    environment: dict[str, str] = field(default_factory=dict)
    objective: str | None = None
    grace: float = 10.0

    @property
    def stdout(self) -> str:
        """The file that holds what it prints."""
        return f"{self.base}.out"

    @property
    def stderr(self) -> str:
        """The file that holds what it complains of."""
        return f"{self.base}.err"

    @property
    def summary(self) -> str:
        """The file in which its run says how it ended and what came out."""
        return f"{self.base}.json"

    @property
    def halt(self) -> str:
        """The file whose existence asks a worker elsewhere to stop the trial."""
        return f"{self.base}.halt"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a trial ended: *value* is the objective's, *error* the last it said on standard error, *run* the id of its record."""

    number: int
    state: State
    exit_code: int | None = None
    run: str | None = None
    result: dict[str, Any] = field(default_factory=dict)
    value: float | None = None
    error: str | None = None
    started: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Done:
    """A line of a sweep's book: a trial and its ending."""

    trial: Trial
    ending: Ending
