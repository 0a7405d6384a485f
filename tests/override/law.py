"""Run a script as `begat run` does, again and again in forks, with overrides of the paths that its first record lists.

``python law.py SCRIPT learnt|alone each|together PATTERN...`` prints what went wrong as JSON: for each path a sentence.
"""

from __future__ import annotations

import json
import os
import re
import sys
from tempfile import gettempdir
from types import ModuleType
from typing import Any

from begat.capture.orders import Orders
from begat.capture.overriding import hold
from begat.capture.ownership import claim
from begat.capture.session import session
from begat.cli.launch import _script
from begat.errors import OverrideError
from begat.intercept.watching import Watch
from begat.record import codec
from begat.record.graph import Run
from begat.record.paths import segment
from begat.replay.override import Override

Row = tuple[str, str, Any]  # path of the node, parameter, value


def built(script: str, watch: list[str], overrides: list[Override], known: Run | None) -> tuple[str | None, Run]:
    """What *script* ends with, and its record, from a process of its own."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        try:
            os.close(reading)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os.dup2(1, 2)
            result = _run(script, watch, overrides, known)
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(json.dumps(result).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        error, text = json.loads(pipe.read())
    os.wait()
    return error, codec.loads(text.encode())


def _run(script: str, watch: list[str], overrides: list[Override], known: Run | None) -> tuple[str | None, str]:
    folder = os.path.dirname(script)
    claim(folder)
    Watch(tuple(watch), (folder,), ()).start()
    sys.path.insert(0, folder)
    sys.argv = [script]
    orders = hold(Orders(overrides))
    if known is not None:
        orders.learn(known)
    main = sys.modules["__main__"] = ModuleType("__main__")
    error = None
    try:
        exec(_script(script, main), main.__dict__)
        orders.check(session.root)
    except BaseException as failed:
        error = f"{type(failed).__name__}: {failed}"
        if not isinstance(failed, OverrideError):
            error = ""  # a value that the program does not take
    session.root.change(overrides=orders.given())
    return error, codec.dumps(session.root).decode()


def several(run: Run) -> set[str]:
    """The names that more than one object has."""
    return {re.sub(r"\.\d+$", "", node.path) for node in run.nodes if re.search(r"\.\d+$", node.path)}


def rows(run: Run) -> list[Row]:
    """The arguments of the user's own constructions, but for temporary folders. The first of several of one name goes by its number."""
    return [
        (_numbered(node.path, several(run)), argument.name, argument.value)
        for node in run.nodes
        if node.user
        for argument in node.arguments.values()
        if type(argument.value) in (bool, int, float, str) and gettempdir() not in str(argument.value)
    ]


def _numbered(path: str, several: set[str]) -> str:
    steps = path.split(".")
    for at in range(len(steps), 0, -1):
        if ".".join(steps[:at]) in several and not (at < len(steps) and steps[at].isdigit()):
            return ".".join((*steps[:at], "0", *steps[at:]))
    return path


def other(value: Any) -> Any:
    """Another value of the same kind, which computers know exactly."""
    return not value if type(value) is bool else f"{value}x" if type(value) is str else value + 1


def main(script: str, mode: str, how: str, *watch: str) -> dict[str, str]:
    """What went wrong, by path."""
    _, base = built(script, list(watch), [], None)
    known = base if mode == "learnt" else None
    wrong = {}
    found = rows(base)
    if how == "together":  # each with the value that it has: the program runs as it did
        overrides = [Override(f"{path}.{segment(name)}", value) for path, name, value in found]
        error, run = built(script, list(watch), overrides, known)
        wrong |= {each.address: f"changed {each.calls} calls" for each in run.header.overrides if each.calls != 1}
        return wrong | ({"": error} if error else {})
    for path, name, value in found:
        address = f"{path}.{segment(name)}"
        error, run = built(script, list(watch), [Override(address, other(value))], known)
        changed = {
            (node.path, each.name, each.value)
            for node in run.nodes
            for each in node.arguments.values()
            if each.source == "override"
        }
        if {(_numbered(own, several(base)), *rest) for own, *rest in changed} != {(path, name, other(value))} or error:
            wrong[address] = f"changed {sorted(map(str, changed))}: {error}"
    return wrong


if __name__ == "__main__":
    print(json.dumps(main(os.path.abspath(sys.argv[1]), *sys.argv[2:])))
