"""Trials as processes of this machine."""

from __future__ import annotations

import os
from queue import Empty, SimpleQueue

from begat.sweep.process import Process, lost
from begat.sweep.trial import Ending, Job


class Local:
    """As many at a time as asked for, or as there are processors for this process."""

    def __init__(self, jobs: int | None, address: str | None) -> None:
        self.slots = jobs or _processors()
        self._running: dict[int, Process] = {}
        # Of the queues only this one may be filled by a signal handler while it is being waited for.
        self._endings: SimpleQueue[Ending | None] = SimpleQueue()

    def submit(self, job: Job) -> None:
        try:
            self._running[job.number] = Process(job, self._endings.put)
        except OSError as error:
            self._endings.put(lost(job, error))

    def next(self, timeout: float | None) -> Ending | None:
        try:
            ending = self._endings.get(timeout=timeout)
        except Empty:
            return None
        if ending is not None:
            self._running.pop(ending.number, None)
        return ending

    def stop(self, number: int) -> None:
        if number in self._running:
            self._running[number].stop()

    def kill(self) -> None:
        for process in self._running.values():
            process.kill()

    def wake(self) -> None:
        self._endings.put(None)

    def close(self) -> None:
        self.kill()


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
