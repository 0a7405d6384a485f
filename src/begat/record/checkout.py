"""Where a run's code lay: what is below that folder is the same in every checkout."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from begat.record.graph import Run

_ROOT = re.compile(r"(?:[A-Za-z]:)?/")
HERE = "."


def roots(run: Run) -> tuple[str, ...]:
    """The folders that are *run*'s checkout, outermost first: its repository, its script's folder, its working folder."""
    environment, script = run.environment, run.header.script
    cwd = _posix(environment.cwd)
    root = environment.git.get("root") if environment.git else None
    found = {cwd}
    if type(root) is str:
        found.add(_posix(root))
    if script is not None:
        found.add(posixpath.dirname(posixpath.join(cwd, _posix(script))))
    return tuple(sorted((folder for folder in found if _ROOT.match(folder) and folder.count("/") > 1), key=len))


def shortener(run: Run) -> Callable[[str], str]:
    """A function that takes the checkout's folder off a path: ``/home/me/work/data.csv`` is ``./data.csv``."""
    found: list[tuple[str, ...]] = []

    def shortened(text: str) -> str:
        # Looked up when the first path comes: of a live run, the environment is not known before somebody asks.
        if _ROOT.match(_posix(text)) is None:
            return text
        if not found:
            found.append(roots(run))
        return below(text, found[0])

    return shortened


def below(text: str, folders: tuple[str, ...]) -> str:
    """*text*, from the first of *folders* on that it lies in."""
    path = _posix(text)
    for folder in folders:
        if path == folder:
            return HERE
        if path.startswith(f"{folder}/"):
            return f"{HERE}/{path[len(folder) + 1 :]}"
    return text


def _posix(path: str) -> str:
    return path.replace("\\", "/").rstrip("/")
