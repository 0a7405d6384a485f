"""The process of one trial: an ordinary ``begat run``, in a process group of its own, its output in files."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import IO

from begat.introspect.secrets import redacted, scrubbed
from begat.record.moments import stamp
from begat.record.plain import plain
from begat.sweep import said
from begat.sweep.trial import Ending, Job, State

_POLL = 0.2
if sys.platform == "win32":
    _INTERRUPT, _KILL, _FLAGS = signal.CTRL_BREAK_EVENT, signal.SIGTERM, subprocess.CREATE_NEW_PROCESS_GROUP
else:
    _INTERRUPT, _KILL, _FLAGS = signal.SIGINT, signal.SIGKILL, 0


class Process:
    """
    The process that *job* asks for, running as soon as this returns; *ended* is called with its ending, in another thread.

    The group of its own keeps the terminal's Ctrl-C from it: the sweep is told first, and decides. OSError if it cannot be started.
    """

    def __init__(self, job: Job, ended: Callable[[Ending], object]) -> None:
        self.job = job
        self._ended = ended
        self._over = threading.Event()
        self._halting: threading.Thread | None = None
        self._stopped = False
        self._started = datetime.now(UTC)
        self._begin = time.monotonic()
        with _private(job.stdout) as out, _private(job.stderr) as err:
            self._popen = subprocess.Popen(
                [sys.executable, *job.command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=job.cwd,
                env={**os.environ, **job.environment},
                creationflags=_FLAGS,
                start_new_session=True,
            )
        # A thread that waits costs nothing, and knows of the end at once; asking again and again would do neither.
        threading.Thread(target=self._wait, name=f"trial {job.number}", daemon=True).start()

    def stop(self) -> None:
        """Interrupt it as Ctrl-C would; terminate, then kill it if that does not help within the grace. Returns at once."""
        if self._halting is None:
            self._halting = threading.Thread(target=self._halt, daemon=True)
            self._halting.start()

    def kill(self) -> None:
        """End it now."""
        self._signal(_KILL)

    def _halt(self) -> None:
        for number in (_INTERRUPT, signal.SIGTERM, _KILL):
            self._signal(number)
            if self._over.wait(self.job.grace):
                return

    def _signal(self, number: int) -> None:
        if self._over.is_set():
            return
        with contextlib.suppress(ProcessLookupError):  # over, but not waited for yet
            self._stopped = True
            if sys.platform == "win32":
                self._popen.send_signal(number)
            else:
                os.killpg(self._popen.pid, number)

    def _wait(self) -> None:
        code = self._popen.wait()
        self._over.set()
        ending = _ending(self.job, code, self._started, time.monotonic() - self._begin)
        # Whatever it made of the signal: a program may end in good order with half of its work done.
        self._ended(replace(ending, state="stopped") if self._stopped else ending)


def execute(job: Job) -> Ending:
    """
    Do *job* here and return how it ended: what a worker of a cluster calls.

    The job is stopped when the file `Job.halt` appears. RuntimeError on a machine that does not see the folder of the sweep.
    """
    folder = os.path.dirname(job.base)
    if not os.path.isdir(folder):
        raise RuntimeError(
            f"this worker, on {os.uname().nodename if hasattr(os, 'uname') else 'another machine'}, does not see {folder}: "
            "workers need the project and its .begat folder at the same path"
        )
    endings: list[Ending] = []
    over = threading.Event()

    def ended(ending: Ending) -> None:
        endings.append(ending)
        over.set()

    with _interruptible():
        process = Process(job, ended)
    while not over.wait(_POLL):
        if os.path.exists(job.halt):
            process.stop()
    return endings[0]


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """What is begun in here can be interrupted: Ray blocks SIGINT in its workers, and what is blocked is inherited."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def lost(job: Job, error: BaseException) -> Ending:
    """The ending of a job that could not be done, or of which nobody knows how it ended."""
    return Ending(
        job.number, "failed", error=scrubbed(f"{type(error).__name__}: {error}"), started=stamp(datetime.now(UTC))
    )


def _ending(job: Job, code: int, started: datetime, seconds: float) -> Ending:
    run, result = said.of_summary(job.summary)
    with contextlib.suppress(OSError):
        os.unlink(job.summary)
    result = {name: plain(redacted(name, each)) for name, each in {**said.last_object(job.stdout), **result}.items()}
    value = said.number(result.get(job.objective)) if job.objective else None
    error = None
    if code:
        error = scrubbed(said.complaint(job.stderr) or "") or (_killed(code) if code < 0 else f"exit code {code}")
    elif job.objective and value is None:
        heard = f"; it said {', '.join(result)}" if result else ""
        error = (
            f"no number {job.objective!r} in what it said{heard}: begat.graph().result({job.objective}=...), "
            f'or a last line of output like {{"{job.objective}": 0.3}}'
        )
    state: State = "failed" if error else "finished"
    return Ending(job.number, state, code, run, result, value, error, stamp(started), round(seconds, 3))


def _killed(code: int) -> str:
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def _private(path: str) -> IO[bytes]:
    # As records are: what a program prints may hold what is nobody else's business.
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
