"""The folder of a sweep: its plan, a line for each trial that ended, what trials printed, and who is at it now."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from begat.errors import SweepError
from begat.sweep import plan as plans
from begat.sweep.plan import Plan
from begat.sweep.said import finite, number
from begat.sweep.trial import Done, Ending, Trial

LINES = "trials.jsonl"
SWEEPS = "sweeps"


def find(home: str, said: str) -> str:
    """The folder of the sweep that *said* means: an id, the beginning of one, a name, or ``last``. SweepError if there is none."""
    root = os.path.join(home, SWEEPS)
    try:
        known = sorted(
            (name for name in os.listdir(root) if os.path.isfile(os.path.join(root, name, plans.FILE))), reverse=True
        )
    except OSError:
        known = []
    if not known:
        raise SweepError(f"no sweep {said!r}: {root} holds none yet; make one with `begat sweep train.py lr=1e-3,1e-4`")
    if said == "last":
        return os.path.join(root, known[0])
    meant = [name for name in known if said and name.startswith(said)]
    if not meant:
        meant = [name for name in known if plans.load(os.path.join(root, name)).name == said][:1]
    if len(meant) != 1:
        problem = "there is no sweep" if not meant else "there are several sweeps"
        raise SweepError(f"{problem} {said!r}; there are {', '.join((meant or known)[:8])}; `last` means the newest")
    return os.path.join(root, meant[0])


class Book:
    """
    What is known of a sweep, in *folder*, which this process alone writes in while it is open.

    A line is written by one call: a process that is killed leaves all of it or nothing.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.plan: Plan = plans.load(folder)
        self._lock = _lock(folder)
        path = os.path.join(folder, LINES)
        self._handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        self._mend()

    @classmethod
    def new(cls, plan: Plan, home: str) -> Book:
        """The book of a sweep that begins."""
        folder = os.path.join(home, SWEEPS, plan.id)
        plans.save(plan, folder)
        book = cls(folder)
        book.plan = plan  # which knows more than its file
        return book

    def base(self, number: int) -> str:
        """The path, without its ending, of the files of that trial."""
        return os.path.join(self.folder, f"{number:04}")

    def write(self, done: Done) -> None:
        """Keep that this trial ended so."""
        line = {**asdict(done.trial), **asdict(done.ending), "value": finite(done.ending.value)}
        os.write(self._handle, json.dumps(line).encode() + b"\n")

    def read(self) -> list[Done]:
        """The last ending of every trial, by number."""
        return read(self.folder)

    def close(self) -> None:
        """Let others write."""
        os.close(self._handle)
        os.close(self._lock)

    def _mend(self) -> None:
        """A disk that was full, or a machine that lost power, may have left half a line: the next is not to be part of it."""
        with open(os.path.join(self.folder, LINES), "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 1))
            last = file.read()
        if last not in (b"", b"\n"):
            os.write(self._handle, b"\n")


def read(folder: str) -> list[Done]:
    """The last ending of every trial of the sweep in *folder*, by number, without those that another one did again."""
    found = {done.trial.number: done for done in _lines(os.path.join(folder, LINES))}
    again = {done.trial.retries for done in found.values()}
    return [found[number] for number in sorted(found) if number not in again]


def _lines(path: str) -> Iterator[Done]:
    try:
        with open(path, encoding="utf-8") as file:
            for line in file:
                with contextlib.suppress(ValueError, TypeError, KeyError):  # half a line, see `Book._mend`
                    yield _done(json.loads(line))
    except FileNotFoundError:
        return


def _done(line: dict[str, Any]) -> Done:
    trial = Trial(line["number"], line.pop("values"), line.pop("retries"))
    line["value"] = number(line["value"])
    return Done(trial, Ending(**line))


_PATIENCE = 1.0  # seconds: what a sweep that was killed has just forked holds its lock until it is the trial


def _lock(folder: str) -> int:
    """A file that is locked as long as this process lives. SweepError if another has it."""
    handle = os.open(os.path.join(folder, "lock"), os.O_RDWR | os.O_CREAT, 0o600)
    end = time.monotonic() + _PATIENCE
    while not _locked(handle):
        if time.monotonic() > end:
            os.close(handle)
            raise SweepError(f"the sweep {os.path.basename(folder)} is under way in another process")
        time.sleep(0.05)
    return handle


def _locked(handle: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
