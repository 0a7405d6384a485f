"""The record of a run that is over, and the journals that it makes superfluous: its own, and those of processes that have ended."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from begat.capture.journal import Journal
from begat.capture.live import LiveRun
from begat.capture.past import holds_more
from begat.capture.scribe import Scribe
from begat.capture.story import homed
from begat.errors import InvalidRecord
from begat.intercept.interceptor import trouble
from begat.record.codec import load
from begat.record.files import sync
from begat.record.graph import Run, family

MANY = 50_000  # constructions: to write them takes half a second
MUCH = 1_500_000  # bytes of the journals of other processes: to read them takes longer still


def keep(run: LiveRun, write: Callable[[], object]) -> None:
    """Let *write* write the record of *run*, with what the journals beside its own say, and remove those; they stay if that fails."""
    journal = run.recorder.journal
    if journal is None or journal.forked:
        write()
        return
    own = [each for each in family(run) if isinstance(each, LiveRun) and _has(each, journal.folder)]
    files = [each.recorder.journal.file for each in own]  # type: ignore[union-attr]  # asked above
    for each in own:  # also if there is no such file yet: it may be made while the record is written
        each.change(journals={each.recorder.journal.file.name: 0})  # type: ignore[union-attr]
    names = {file.name for file in files}
    before = _replaced(run, Path(journal.folder), names)
    try:
        others = before + _gather(run, Path(journal.folder), names)
        write()
    except BaseException:
        journal.end()
        raise
    for each in own:
        kept: Journal = each.recorder.journal  # type: ignore[assignment]  # asked above
        if holds_more(each.header.marks, kept.file.name):
            kept.end()
        else:
            kept.drop()
            kept.file.remove()
    for other in others:
        with suppress(OSError):
            other.unlink()
    with suppress(OSError):  # not empty: processes go on, or another run is kept in this place
        os.rmdir(journal.folder)


def stays(run: LiveRun) -> bool:
    """
    Let the journals of *run*, which is over, be its record, where they say very much, and all; whether they are that now.

    To write it all again as one document takes many times the bytes, and longer than a program should take to end.
    """
    journal = run.recorder.journal
    if journal is None or journal.forked or run.children:
        return False
    rows, folder = run.recorder.rows, Path(journal.folder)
    if rows.base or (len(rows) < MANY and _size(folder, journal.file.name) < MUCH):
        return False  # of more rows than fit into memory some are shown: to find which, journals have to be read several times
    journal.end(Scribe.conclusion)
    if journal.failed or journal.file.lost or journal.file.owes or not journal.file.made:
        return False
    try:
        sync(journal.file.path)
    except OSError:
        return False
    return True


def _size(folder: Path, own: str) -> int:
    """Bytes of the journals of other processes."""
    try:
        return sum(file.stat().st_size for file in folder.glob("*.jsonl") if file.name != own)
    except OSError:
        return 0


def _has(run: LiveRun, folder: str) -> bool:
    journal: Journal | None = run.recorder.journal
    return journal is not None and journal.folder == folder and journal.pid == os.getpid()


def _gather(run: LiveRun, folder: Path, own: set[str]) -> list[Path]:
    """Take into *run* what the journals of processes that have ended say; which those are."""
    try:
        if not any(file.name not in own for file in folder.glob("*.jsonl")):
            return []
        from begat.capture.merging import journals, whole

        told = [each for each in journals(folder, own) if each.ended or not each.lives()]
    except (OSError, InvalidRecord) as error:
        run.recorder.trouble(f"what other processes built is not here: {error}")
        trouble(error, "reading the journals of other processes")
        return []
    ours = {each.id for each in family(run)}
    while more := [each for each in told if each.run not in ours and each.header.get("parent") in ours]:
        ours |= {each.run for each in more}
    told = [each for each in told if each.run in ours]
    if told:
        by_run: dict[str, list[object]] = {}
        for each in told:
            by_run.setdefault(each.run, []).append(each)
        frozen = Run(run.header, run.nodes, run.environment, run.events, run.children)
        run.join(homed(whole(frozen, by_run)))  # type: ignore[arg-type]
    return [folder / each.name for each in told if not each.gone()]


def _replaced(run: LiveRun, folder: Path, own: set[str]) -> list[Path]:
    """The journals of the run whose record is about to be replaced, where it has left some beside the *own* ones."""
    try:
        left = [file for file in folder.glob("*.jsonl") if file.name not in own]
        if run.file is None or not left or not os.path.isfile(run.file):
            return []
        from begat.capture.merging import held

        before = held(load(run.file))
        return [file for file in left if file.name in before]
    except (OSError, InvalidRecord):
        return []
