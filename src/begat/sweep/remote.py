"""What executors share whose workers are elsewhere: futures of a client, looked at again and again."""

from __future__ import annotations

import contextlib
import os
import time
from abc import ABC, abstractmethod
from typing import Any

from begat.sweep.process import lost
from begat.sweep.trial import Ending, Job

_POLL = 0.05


class Remote(ABC):
    """Jobs under way, by the future that stands for each. Kinds of it say how to submit one, and which are over."""

    slots: int

    def __init__(self) -> None:
        self._running: dict[int, tuple[Job, Any]] = {}
        self._woken = False

    @abstractmethod
    def _begin(self, job: Job) -> Any:
        """The future of `execute(job)`."""

    @abstractmethod
    def _over(self, futures: list[Any], timeout: float) -> list[Any]:
        """Those of *futures* that are over, after at most *timeout* seconds."""

    @abstractmethod
    def _result(self, future: Any) -> Ending:
        """What it returned; whatever it raised is raised."""

    def submit(self, job: Job) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(job.halt)  # of an earlier attempt
        self._running[job.number] = job, self._begin(job)

    def next(self, timeout: float | None) -> Ending | None:
        until = None if timeout is None else time.monotonic() + timeout
        while self._running and not self._woken:
            over = self._over([future for _, future in self._running.values()], _POLL)
            for number, (job, future) in self._running.items():
                if any(future is one for one in over):
                    del self._running[number]
                    try:
                        return self._result(future)
                    except Exception as error:
                        return lost(job, error)
            if until is not None and time.monotonic() >= until:
                break
        self._woken = False
        return None

    def stop(self, number: int) -> None:
        if number in self._running:
            # Not cancelled: then it would never say how it ended.
            job, _ = self._running[number]
            with open(job.halt, "wb"):
                pass  # that it is there says all

    def kill(self) -> None:
        for number in self._running:
            self.stop(number)

    def wake(self) -> None:
        self._woken = True
