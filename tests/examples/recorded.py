"""Running an example plain and under ``begat run``, and reading what was recorded the way a person would write it down."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from dataclasses import dataclass, field
from functools import reduce
from importlib import import_module
from itertools import zip_longest
from pathlib import Path

import begat
from begat.record.values import Ref, Symbol
from begat.record.walk import replaced

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"


@dataclass(frozen=True)
class Edge:
    """An argument that is the object built at *path*."""

    path: str


@dataclass
class Made:
    """One construction as read off the code: *given* as the call spells it, *defaults* None where the library knows best."""

    path: str
    target: str
    given: dict[str, object] = field(default_factory=dict)
    defaults: dict[str, object] | None = None
    within: str | None = None
    function: str = "<module>"


def plain(script: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run *script* with Python and nothing else."""
    return python(str(EXAMPLES / script), *arguments, cwd=cwd)


def captured(
    script: str, *arguments: str, watch: tuple[str, ...], cwd: Path
) -> tuple[subprocess.CompletedProcess[str], begat.Run]:
    """Run *script* under ``begat run``; also return the record."""
    record = cwd / "record.json"
    options = [word for pattern in watch for word in ("--watch", pattern)]
    command = ["-m", "begat", "run", *options, "--save", str(record), str(EXAMPLES / script)]
    done = python(*command, *(["--", *arguments] if arguments else []), cwd=cwd)
    assert record.exists(), done.stderr
    return done, begat.load(record)


def python(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])}
    return subprocess.run([sys.executable, *command], capture_output=True, text=True, cwd=cwd, env=environment)


def tree(run: begat.Run) -> list[Made]:
    """Every construction that the user's own code made, in order, edges written as the paths they lead to."""
    made = []
    for node in run.nodes:
        if node.user:
            arguments = {name: (a.source, readable(a.value, run)) for name, a in node.arguments.items()}
            made.append(
                Made(
                    node.path,
                    node.target,
                    {name: value for name, (source, value) in arguments.items() if source == "given"},
                    {name: value for name, (source, value) in arguments.items() if source == "default"},
                    None if node.within is None else run[node.within].path,
                    # Up to 3.11 a comprehension is a function of its own.
                    node.site.function.removesuffix(".<locals>.<listcomp>") if node.site else "",
                )
            )
    return made


def readable(value: object, run: begat.Run) -> object:
    return replaced(value, lambda leaf: Edge(run[leaf.node].path) if isinstance(leaf, Ref) else leaf)


def completed(expected: list[Made]) -> list[Made]:
    """*expected* with the defaults of library classes filled in from their signatures: what is not given is default."""
    return [
        made if made.defaults is not None else Made(**{**vars(made), "defaults": library_defaults(made)})
        for made in expected
    ]


def library_defaults(made: Made) -> dict[str, object]:
    module, _, qualname = made.target.partition(":")
    found = reduce(getattr, qualname.split("."), import_module(module))
    parameters = inspect.signature(found).parameters.values()
    return {
        p.name: Symbol(f"{p.default.__module__}:{p.default.__qualname__}") if isinstance(p.default, type) else p.default
        for p in parameters
        if p.name not in made.given and p.default is not p.empty
    }


def differences(found: list[Made], expected: list[Made]) -> list[str]:
    """What a reader would object to, in words; empty when the record says what the code says, in its order."""
    # By repr: 1, 1.0 and True are different values, and nan is the same value as nan.
    pairs = zip_longest(found, completed(expected))
    return [f"recorded: {one}\nthe code: {other}" for one, other in pairs if repr(one) != repr(other)]
