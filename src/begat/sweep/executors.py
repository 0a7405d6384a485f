"""Where trials are run. An executor is one class in one file, named in `EXECUTORS`; the sweep knows no more of it than this."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Protocol

from begat.errors import SweepError
from begat.sweep.trial import Ending, Job

EXECUTORS = {
    "local": "begat.sweep.local:Local",
    "dask": "begat.sweep.dask:Dask",
    "ray": "begat.sweep.ray:Ray",
}


class Executor(Protocol):
    """
    Does jobs. It is made with *jobs*, how many at a time (None: as many as there is room for), and *address*, where, or None.

    Everything is called from one thread, but `wake`, which a signal handler may call.
    """

    slots: int

    def submit(self, job: Job) -> None:
        """Begin *job*; called only while fewer than `slots` are under way."""

    def next(self, timeout: float | None) -> Ending | None:
        """The next ending, when there is one; None after *timeout* seconds without, or when woken."""

    def stop(self, number: int) -> None:
        """Ask the job of that number to end; its ending comes by `next`. Harmless if it is over."""

    def kill(self) -> None:
        """End all jobs now, as far as that can be had."""

    def wake(self) -> None:
        """Let `next` return."""

    def close(self) -> None:
        """Nothing more is asked; let go of what was taken."""


def executor(name: str, jobs: int | None, address: str | None) -> Executor:
    """The executor called *name*. SweepError if there is none, or its library is not installed."""
    module, _, kind = EXECUTORS[name].partition(":")
    try:
        make: Callable[[int | None, str | None], Executor] = getattr(import_module(module), kind)
    except ImportError as error:
        raise SweepError(
            f"--executor {name} needs a package that is not installed ({error}): pip install 'begat[{name}]'"
        ) from error
    try:
        return make(jobs, address)
    except OSError as error:  # timeouts and refused connections are of this kind
        raise SweepError(f"--executor {name} cannot be reached at {address or 'this machine'}: {error}") from error
