"""A scope and its file: tried before the work, with a journal beside it while that goes on, written at the end."""

from __future__ import annotations

import os
from typing import Literal

from begat.capture.live import LiveRun
from begat.errors import is_ours
from begat.intercept.interceptor import goes_on, report, trouble
from begat.record import lines
from begat.record.files import prepare

Durability = Literal["soon", "always", "end"]


def whole(path: str | os.PathLike[str]) -> str:
    """The file that *path* means now: programs change their folder."""
    try:
        return os.path.abspath(path)
    except OSError:  # the present folder was deleted
        return os.fspath(path)


def attempt(file: str) -> bool:
    """Whether *file* can be written; warn if not: that is better known before the work than after it."""
    try:
        prepare(file)
    except (OSError, ValueError) as failed:  # no path has a NUL
        trouble(failed, f"writing {file}", 5)
        return False
    return True


def begin(run: LiveRun, around: LiveRun | None, file: str | None, durability: Durability) -> None:
    """Let *run*, opened inside the one *around*, have a journal, if there is a place for it: beside *file*, or with the outer one's."""
    outer = around.recorder.journal if around is not None else None
    always = durability == "always" or (file is None and outer is not None and outer.always)
    if file is None:
        folder = outer.folder if outer is not None else None
    else:
        plain = type(file) is str and (os.path.isfile(file) or not os.path.lexists(file))
        folder = lines.beside(file) if plain else None
    if folder is None or durability == "end":
        return
    from begat.capture.journal import Journal

    try:
        Journal(run, folder, always)
    except Exception as failed:
        trouble(failed, "beginning a journal", 5)


def close(run: LiveRun, file: str | None, error: BaseException | None) -> None:
    """*run* is over, by *error* or not: write *file*, if this is the process in which it began."""
    journal = run.recorder.journal
    if journal is not None and (file is None or journal.forked):
        journal.end()  # whoever writes the record of the run around it, or of this one in its first process, reads it there
        return
    if file is None:
        return
    run.file = file
    doing = f"writing {file}"
    try:
        if journal is None:
            run.save(file)
        else:
            from begat.capture.keeping import keep

            keep(run, lambda: run.save(file))
    except Exception as failed:
        run.recorder.trouble(f"{type(failed).__name__} while {doing}")
        if error is not None and is_ours(failed):
            report(failed, doing)  # the program's own exception is the one that has to be seen
        elif journal is None or not journal.failed or goes_on(failed):  # one warning, not one for each try
            trouble(failed, doing, 5)
