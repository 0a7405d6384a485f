"""The journal of one run in this process: every row is in a file soon after it was made, however the process ends.

No thread runs while nothing happens, and nothing is added to a call. A hook asks the recorder to settle when a lane's log is
longer than its limit; while the journal rests that limit is 0, so the first call after a quiet time starts a thread that
writes a moment later, and goes on until a moment has brought nothing new.

Invariant: lines are written whole, or what is left of them is written behind a line's end the next time.
"""

from __future__ import annotations

import _thread
import atexit
import os
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any
from weakref import ref

from begat.capture.appending import File
from begat.capture.living import recorders
from begat.capture.scribe import Scribe, prepare
from begat.intercept.interceptor import LIMIT, ident, trouble
from begat.lazy.thunk import OURS

if TYPE_CHECKING:
    from begat.capture.live import LiveRun

PERIOD = 0.05
"""Seconds that what happened waits to be written: half of what is promised, for writing takes time beside a busy program."""
_SELDOM = 40  # times


class Events(list[Any]):
    """What happened to calls later; the journal is told."""

    __slots__ = ("journal",)
    journal: Journal

    def append(self, event: Any) -> None:
        """Keep *event*."""
        super().append(event)
        self.journal.arm()


class Journal:
    """
    The journal of *run* in this process: a file of its own in *folder*, made when there is something to say.

    *always*: every row is written before its call goes on. *parent* is the journal of the process that this one was forked
    from, and says what was there before.
    """

    def __init__(self, run: LiveRun, folder: str, always: bool = False, parent: Journal | None = None) -> None:
        self.run = ref(run)
        self.recorder = run.recorder
        self.folder = folder
        self.always = always
        self.pid = os.getpid()
        self.file = File(folder)
        self.forked = parent is not None
        self._parent = parent
        self._start = self.recorder.resolve() if parent is not None else 0
        self._scribe: Scribe | None = None
        self._writing = _thread.allocate_lock()
        self._writer = 0  # the thread that writes
        self._over = False
        self.failed = False  # and whoever runs the program was told so
        self._paused = 0
        self._flushed = monotonic()
        self._resting = _thread.allocate_lock()  # free while no thread of ours runs
        self._sleep = _thread.allocate_lock()  # held while it may sleep
        self._sleeper = 0  # that thread, as the system calls it
        events = Events(self.recorder.events)
        events.journal = self
        self.recorder.write_to(self, events)
        if parent is None:
            from begat.capture import children

            prepare()
            children.TELLING.watch()

    # --- when -----------------------------------------------------------------------------------------------------------
    def arm(self) -> None:
        """Something happened: it is written within `PERIOD`."""
        if self._over or self._paused:
            return
        if self.always:
            self.flush()
        if (not self.always or self._goes_on) and self._resting.acquire(blocking=False):
            if not self.always:
                self.recorder.limit_log(LIMIT)
            self._sleep.acquire(blocking=False)
            try:
                _thread.start_new_thread(self._work, ())
            except RuntimeError:  # no more threads, or the interpreter is ending: the end writes it
                self._rest()

    def _work(self) -> None:
        OURS.add(ident())
        try:
            self._sleeper = _thread.get_native_id()
            count = 0
            while not self._sleep.acquire(timeout=PERIOD) and not self._over:
                quiet = not self.flush()
                self.recorder.let_go()
                if quiet or count % _SELDOM == _SELDOM - 1:
                    self._write(Scribe.surroundings)
                if quiet and not self.file.owes and not self._goes_on:
                    return
                count += 1
        finally:
            OURS.discard(ident())
            self._rest()

    @property
    def _goes_on(self) -> bool:
        """Whether something was written that is true for a while only."""
        return self._scribe is not None and self._scribe.going_on and not self.file.lost

    def _rest(self) -> None:
        """No thread runs from now on, until something happens."""
        if not self.always:
            self.recorder.limit_log(0)
        self._resting.release()
        # What came in just before had no need to start a thread.
        if not self._paused and not self._over and (self.recorder.log or self.recorder.events):
            self.arm()

    # --- what -----------------------------------------------------------------------------------------------------------
    def flush(self) -> bool:
        """Write what is new; whether there was anything."""
        began = monotonic()
        found = self._write(Scribe.news)
        while self._scribe is not None and self._scribe.waiting and self._write(Scribe.more):
            pass  # what comes in meanwhile has its own time
        self._flushed = began
        return found

    def keep_up(self) -> None:
        """Very much is being built: more than a thread can write beside it. Let whoever builds write, too."""
        if not self._over and monotonic() - self._flushed > 2 * PERIOD:
            self.flush()

    def _write(self, tell: Callable[[Scribe, LiveRun], bytes]) -> bool:
        run = self.run()
        # Below our own writing, in a finalizer or a signal handler, there is nothing to be done: it goes on.
        if run is None or self._over or self._writer == ident() or not self._writing.acquire(timeout=5):
            return False
        try:
            self._writer = ident()
            if self.file.lost or self._over:
                return False
            if self._scribe is None:
                self._scribe = Scribe(run, self._start, self._parent.file.name if self._parent is not None else None)
            data = tell(self._scribe, run)
            if data or self.file.owes:
                self._append(data)
            return bool(data)
        except Exception as error:
            self._failed(error)
            return False
        finally:
            self._writer = 0
            self._writing.release()

    def address(self, number: int) -> tuple[str, int]:
        """Where row *number* is, for another process: in which journal, or, when that is over, in which run."""
        if self._parent is not None and number < self._start:
            return self._parent.address(number)
        return (self.recorder.identity if self._over and not self.forked else self.file.name), number

    @property
    def behind(self) -> bool:
        """Whether something may have happened that is not written."""
        recorder, scribe = self.recorder, self._scribe
        return bool(recorder.log or recorder.events) or scribe is None or len(recorder.rows) > scribe.written

    @property
    def told(self) -> int:
        """Up to which row all is written that there is to say, or ever will be."""
        recorder, scribe = self.recorder, self._scribe
        if self._over or self.file.lost:
            return len(recorder.rows)
        return scribe.written if scribe is not None and scribe.said_all() else 0

    def _append(self, data: bytes) -> None:
        if self._over:  # telling takes time, and the run may have ended meanwhile: then its record has this
            return
        try:
            self.file.append(data)
        except OSError as error:
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        self.failed = True
        self.recorder.trouble(f"{type(error).__name__} while writing the journal")
        trouble(error, "writing the journal; the record is tried at the end all the same")

    def end(self, tell: Callable[[Scribe, LiveRun], bytes] | None = None) -> None:
        """Write all there is, and that this is the end, or what *tell* says; nothing more is written then."""
        if self.pid != os.getpid():
            return
        new = self.recorder.log or self.recorder.events or len(self.recorder.rows) > self._start
        if tell is not None or self._scribe is not None or new:
            self._write(tell or Scribe.end)
        self.drop()

    def drop(self) -> None:
        """Nothing more is written."""
        if not self._over:
            from begat.capture import children

            children.TELLING.unwatch()
        self._over = True
        # An interpreter that ends kills threads by a call that needs a descriptor, and aborts where none is left.
        self._stop()
        # Another thread may be writing: whoever removes the file next must not find it made again.
        writing = self._writer == ident() or not self._writing.acquire(timeout=5)
        self.file.close()
        if not writing:
            self._writing.release()

    # --- forks ------------------------------------------------------------------------------------------------------------
    def pause(self) -> None:
        """Write all there is, and let no thread of ours run: this process is about to be forked."""
        self._paused += 1
        if self._over or ident() in OURS:
            return
        self._stop()
        self.flush()

    def _stop(self) -> None:
        """Let no thread of ours run, as the system counts them; only what happens after that starts another."""
        if self._resting.locked() and ident() not in OURS:
            if self._sleep.locked():
                self._sleep.release()
            if self._resting.acquire(timeout=5):
                self._resting.release()
                _wait_for(self._sleeper)

    def resume(self) -> None:
        """It was forked."""
        self._paused -= 1
        if not self._paused and (self.recorder.log or self.recorder.events or self._goes_on):
            self.arm()

    def renew(self) -> None:
        """This process is the child of a fork: it has a journal of its own."""
        over, self._over = self._over, True
        self.file.close()
        run = self.run()
        if run is not None and not over and not self.recorder.closed:
            self.recorder.journal = Journal(run, self.folder, self.always, self)


def journals() -> list[Journal]:
    """Those that are open in this process."""
    found = [recorder.journal for recorder in recorders() if recorder.journal is not None]
    return [journal for journal in found if journal.pid == os.getpid() and not journal._over]


def flush() -> None:
    """Write what is new in all of them."""
    for journal in journals():
        if journal.behind:
            journal.flush()


def _before() -> None:
    for journal in journals():
        journal.pause()


def _in_parent() -> None:
    for journal in journals():
        journal.resume()


def _in_child() -> None:
    OURS.clear()
    for recorder in recorders():
        if recorder.journal is not None:
            recorder.journal.renew()
    if journals():
        from begat.capture import children

        children.worker()


def _wait_for(thread: int) -> None:
    """Until the system, too, has no *thread* of this number any more, which it counts when it warns of forks; not long."""
    from time import sleep

    for _ in range(50):
        if not os.path.exists(f"/proc/self/task/{thread}"):
            return
        sleep(0.0005)


def _at_exit() -> None:
    for journal in journals():
        journal.end()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
atexit.register(_at_exit)
