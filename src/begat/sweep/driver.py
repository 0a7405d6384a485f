"""One sweep, from its first trial to its last: asks the sampler, feeds the executor, keeps the book."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Protocol

from begat.sweep.book import Book
from begat.sweep.executors import Executor
from begat.sweep.hidden import forgotten
from begat.sweep.said import REFUSED, Steps
from begat.sweep.samplers import Sampler
from begat.sweep.trial import Done, Ending, Job, Trial

# How often the intermediate values of running trials are looked at.
_TICK = 0.2


class Listener(Protocol):
    """Is told what happens, for people to see."""

    def began(self, trial: Trial) -> None:
        """This trial is under way."""

    def ended(self, done: Done) -> None:
        """That one is over."""

    def halting(self, count: int) -> None:
        """So many that are under way were told to stop."""


class Sweep:
    """
    What is under way. `run` returns when all is done, or when `interrupt` was called and what was under way has ended.

    *refused* is the error, if the sweep was given up because begat refused the overrides of each of its first trials.
    """

    def __init__(self, book: Book, sampler: Sampler, executor: Executor, listener: Listener) -> None:
        self.book = book
        self.sampler = sampler
        self.executor = executor
        self.listener = listener
        self.refused: str | None = None
        self.interrupted = 0
        self._running: dict[int, Trial] = {}
        self._pruned: set[int] = set()
        self._steps: dict[int, Steps] = {}
        self._watched = book.plan.objective if book.plan.sampler.startswith("optuna") else None
        self._refusals: int | None = 0
        self._environment = {"BEGAT_HOME": os.path.dirname(os.path.dirname(book.folder))}
        if self._watched:
            self._environment["PYTHONUNBUFFERED"] = "1"  # intermediate values come when they are printed

    def run(self) -> None:
        """Do what is to be done."""
        heeded = 0
        try:
            while True:
                while not self.interrupted and not self.refused and len(self._running) < self.executor.slots:
                    trial = self.sampler.ask()
                    if trial is None:
                        break
                    self._begin(trial)
                if not self._running:
                    return
                if self.interrupted > heeded:
                    heeded = self.interrupted
                    self._halt(at_once=heeded > 1)
                ending = self.executor.next(_TICK if self._watched else None)
                if ending is not None:
                    self._end(ending)
                elif self._watched and not self.interrupted:
                    self._look()
        finally:
            try:
                self.executor.close()
            finally:
                self.sampler.close()

    def interrupt(self) -> None:
        """Begin nothing more and stop what runs; called again, kill it. For signal handlers: returns at once."""
        self.interrupted += 1
        self.executor.wake()

    def _begin(self, trial: Trial) -> None:
        plan, base = self.book.plan, self.book.base(trial.number)
        job = Job(trial.number, (), base, plan.cwd, self._environment, plan.objective)
        job = replace(job, command=plan.command(trial.number, trial.values, job.summary))
        self._running[trial.number] = trial
        if self._watched:
            self._steps[trial.number] = Steps(job.stdout, self._watched)
        self.executor.submit(job)
        self.listener.began(trial)

    def _end(self, ending: Ending) -> None:
        ending = forgotten(self.book.plan, ending)
        number = ending.number
        trial = self._running.pop(number)
        self._steps.pop(number, None)
        if self.interrupted and ending.exit_code is None:
            return  # lost on the way, when workers are going away
        if ending.state == "stopped":
            if number not in self._pruned:
                return  # neither finished nor failed: it is to be done again
            ending = replace(ending, state="pruned", error=None)
        done = Done(trial, ending)
        self.book.write(done)
        self.sampler.tell(ending)
        self._heed(ending)
        self.listener.ended(done)

    def _heed(self, ending: Ending) -> None:
        """Give up if no trial can do what the command says: a mistake in a path would cost the time of all of them."""
        if self._refusals is None:
            return
        if ending.state != "failed" or ending.exit_code != 2 or REFUSED not in (ending.error or ""):
            self._refusals = None
            return
        self._refusals += 1
        if self._refusals >= min(self.executor.slots, 2):
            self.refused = ending.error

    def _look(self) -> None:
        for number, steps in self._steps.items():
            for step, value in steps.new():
                if number not in self._pruned and self.sampler.prune(number, step, value):
                    self._pruned.add(number)
                    self.executor.stop(number)

    def _halt(self, *, at_once: bool) -> None:
        if at_once:
            self.executor.kill()
            return
        for number in self._running:
            self.executor.stop(number)
        self.listener.halting(len(self._running))


@contextmanager
def heeding_signals(sweep: Sweep) -> Iterator[list[int]]:
    """
    Ctrl-C, a terminal that closes and a polite ``kill`` stop *sweep*; gives the list of the signals that came.

    They are no exceptions here, which could come between an ending and its line in the book.
    """
    came: list[int] = []

    def heed(number: int, _: Any) -> None:
        came.append(number)
        sweep.interrupt()

    if threading.current_thread() is not threading.main_thread():
        yield came
        return
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    before = {
        number: signal.signal(number, heed) for name in names if (number := getattr(signal, name, None)) is not None
    }
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
