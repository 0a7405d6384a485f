"""What two records say that must be the same when one is made of the other."""

from __future__ import annotations

import linecache
import sys
import types
from itertools import count
from typing import Any

import begat

_FILES = count()


def graph(run: Any, *, paths: bool = True, seeds: bool = False) -> list[object]:
    """Every construction and every event of *run*, in order, without times, places and processes; *seeds* too, if wanted."""
    nodes = [
        (
            n.path if paths else "",
            n.target,
            n.kind,
            n.within,
            n.outcome,
            {k: (_exact(v.value), v.source) for k, v in n.arguments.items()},
        )
        for n in run.nodes
    ]
    events = [(e.kind, e.node, {k: _exact(v.value) for k, v in e.arguments.items()}) for e in run.events]
    return [*nodes, *events, dict(run.environment.seeds) if seeds else {}]


def _exact(value: object) -> str:
    return f"{type(value).__name__} {value!r}" if type(value) is not int else hex(value)


def captured(source: str, **names: object) -> Any:
    """The record of executing *source*, a module of its own with *names* in it."""
    file = f"<told {next(_FILES)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    module = types.ModuleType("told")
    module.__dict__.update(names)
    with begat.capture() as run:
        exec(compile(source, file, "exec"), module.__dict__)
    run.nodes  # read now, while everything lives
    return run


def home(**things: Any) -> str:
    """A module that can be imported and holds *things*, which are given its name."""
    name = f"told_home_{next(_FILES)}"
    module = sys.modules[name] = types.ModuleType(name)
    for key, thing in things.items():
        thing.__module__, thing.__qualname__, thing.__name__ = name, key, key
        setattr(module, key, thing)
    return name
