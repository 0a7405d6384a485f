"""What most tests about tracking need: classes that are tracked for one test, nodes of one class, names for other processes."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import begat
from begat.errors import CannotTrack

TESTS = Path(__file__).parent.parent
LIBRARY = Path(begat.__file__).parent.parent
HOME = "zoo_home"


class Tracker:
    """Calls `begat.trackable` and remembers what to undo."""

    def __init__(self) -> None:
        self.tracked: list[Any] = []

    def __call__(self, thing: Any, **options: Any) -> Any:
        made = begat.trackable(**options)(thing) if options else begat.trackable(thing)
        self.tracked.append(thing)
        return made

    def if_possible(self, thing: Any) -> bool:
        """Track *thing*, or say False where begat refuses."""
        try:
            self(thing)
        except CannotTrack:
            return False
        return True


@pytest.fixture
def track() -> Iterator[Tracker]:
    """Tracks classes for the length of one test."""
    tracker = Tracker()
    yield tracker
    for thing in reversed(tracker.tracked):
        begat.untrack(thing)


def name_of(cls: type) -> str:
    """``module:qualname``, asked of `type` and not of the class."""
    space = type.__getattribute__(cls, "__dict__")
    return f"{space['__module__']}:{type.__getattribute__(cls, '__qualname__')}"


def nodes_of(run: Any, cls: type) -> list[Any]:
    """The nodes of *run* that stand for objects of *cls*."""
    return [node for node in run.nodes if node.target == name_of(cls)]


def settle(cls: type, name: str = "C") -> type:
    """Give *cls* a name by which pickle finds it."""
    home = sys.modules.setdefault(HOME, types.ModuleType(HOME))
    type.__setattr__(cls, "__module__", HOME)
    type.__setattr__(cls, "__qualname__", name)
    cls.__name__ = name
    setattr(home, name, cls)
    return cls


def python(
    *arguments: str | os.PathLike[str],
    path: tuple[Path, ...] = (LIBRARY,),
    env: dict[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str | None = None,
    timeout: float = 120,
) -> subprocess.CompletedProcess[str]:
    """Run this interpreter on *arguments* with *path* in front of everything importable."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "BEGAT_STRICT")}
    environment["PYTHONPATH"] = os.pathsep.join(map(str, path))
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        env={**environment, **(env or {})},
        cwd=cwd,
        input=stdin,
        timeout=timeout,
        capture_output=True,
        text=True,
        check=False,
    )


def succeeds(*arguments: str | os.PathLike[str], **options: Any) -> str:
    """The standard output of `python`, which must have ended well."""
    done = python(*arguments, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextlib.contextmanager
def recording(wanted: bool = True) -> Iterator[None]:
    """A capture scope if *wanted*."""
    with begat.capture() if wanted else begat.paused():
        yield
