"""Ranks that one launcher started are one run: they agree on its id by a file, each writes its journal, the last writes the record."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from begat.capture.journal import Journal
from begat.capture.live import LiveRun
from begat.capture.past import holds_more
from begat.capture.scribe import Scribe, host, process_start
from begat.record import codec
from begat.record.files import make
from begat.record.graph import Run

_SAME = ("TORCHELASTIC_RUN_ID", "MASTER_ADDR", "MASTER_PORT", "TORCHELASTIC_RESTART_COUNT", "WORLD_SIZE")
_PATIENCE = 2.0  # seconds, for whoever came first to write down the id


def agree(run: LiveRun, runs: str) -> str | None:
    """
    Let *run* be the one of all ranks that torchrun started together, if it did; *runs* is the folder of runs.

    The file by which they know each other, or None.
    """
    if "TORCHELASTIC_RUN_ID" not in os.environ or os.environ.get("WORLD_SIZE", "1") == "1":
        return None
    import hashlib

    known = [os.environ.get(name, "") for name in _SAME]
    if os.environ.get("LOCAL_WORLD_SIZE") == os.environ.get("WORLD_SIZE"):  # one machine: one launcher
        known += [host(), str(os.getppid()), str(process_start(os.getppid()))]
    file = os.path.join(runs, f".ranks-{hashlib.sha256(repr(known).encode()).hexdigest()[:16]}")
    make(runs, 0o700)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
    except FileExistsError:
        end = time.monotonic() + _PATIENCE
        while not (said := Path(file).read_text("utf-8")).endswith("\n") and time.monotonic() < end:
            time.sleep(0.01)
        identity, _, started = said.strip().partition(" ")
        if not _is_id(identity):
            return None
        run.belong(identity, None, started=started)
        return file
    with os.fdopen(handle, "w", encoding="utf-8") as opened:
        opened.write(f"{run.id} {run.header.started}\n")
    return file


def _is_id(text: str) -> bool:
    return bool(text) and all(part.isalnum() for part in text.split("-"))


def keep(run: LiveRun, file: str, write: Callable[[Run], object]) -> None:
    """This rank is done: the last of them lets *write* write the record of all."""
    journal: Journal | None = run.recorder.journal
    if journal is None or journal.forked:
        return
    from begat.capture.merging import RECORD, journals, together

    journal.end(Scribe.end)
    folder = Path(journal.folder)
    ranks = int(os.environ.get("LOCAL_WORLD_SIZE") or os.environ["WORLD_SIZE"])
    with _alone(file):
        told = journals(folder)
        # One may not have begun yet, where the others end at once.
        if len({each.process.rank for each in told}) < ranks or any(each.lives() for each in told):
            return
        record = folder.parent / RECORD
        whole = together(codec.load(record) if record.exists() else None, told, folder)
        write(whole)
        for each in told:
            if not holds_more(whole.header.marks, each.name):
                with suppress(OSError):
                    (folder / each.name).unlink()
        with suppress(OSError):
            folder.rmdir()
            os.unlink(file)


@contextmanager
def _alone(file: str) -> Iterator[None]:
    try:
        from fcntl import LOCK_EX, flock
    except ImportError:
        yield
        return
    with open(file, "a", encoding="utf-8") as opened:
        flock(opened, LOCK_EX)
        yield
