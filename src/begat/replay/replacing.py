"""Which arguments of a record a set of overrides means."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator, Mapping

from begat.errors import CannotRebuild, Problem
from begat.record.graph import Run
from begat.record.model import Node
from begat.record.paths import join, matches, normal
from begat.record.plain import short


def located(run: Run, overrides: Mapping[str, object]) -> dict[str, object]:
    """
    *overrides* by the full path of every argument that they mean: ``model.hidden``, ``AdamW.lr``, ``*.dropout``.

    Raises `CannotRebuild` for those that mean none. Text is read as the type of the value that it replaces.
    """
    if not overrides:
        return {}
    spellings = [(path, name, node, spelled) for node in run.nodes for path, name, spelled in _spellings(node)]
    found: dict[str, object] = {}
    problems = []
    for pattern, value in overrides.items():
        met = [(path, name, node) for path, name, node, spelled in spellings if any(matches(pattern, s) for s in spelled)]
        for path, name, node in met:
            found[path] = typed(value, node.arguments[name].value) if name in node.arguments else value
        if not met:
            owner = next((path for path in _owners(normal(pattern)) if path in {p for p, *_ in spellings}), None)
            if owner is not None:  # a part of an argument: an item of a list
                found[normal(pattern)] = value
                continue
            near = difflib.get_close_matches(normal(pattern), [path for path, *_ in spellings], n=1, cutoff=0.5)
            problems.append(Problem(pattern, "matches no argument of the record", f"did you mean {near[0]}?" if near else ""))
    if problems:
        raise CannotRebuild("overrides that mean nothing:", tuple(problems))
    return found


def _spellings(node: Node) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for name in node.arguments:
        path = f"{node.path}.{join(name)}"
        yield path, name, (path, f"{short(node.target)}.{join(name)}", f"{normal(node.target.replace(':', '.'))}.{join(name)}")


def _owners(path: str) -> Iterator[str]:
    while "." in path:
        path = path.rpartition(".")[0]
        yield path


def typed(value: object, replaced: object) -> object:
    """*value*; text as the type of what it replaces, where it can be read so, else as a Python literal, else as text."""
    if type(value) is not str or type(replaced) is str:
        return value
    if type(replaced) is bool and value.lower() in ("true", "false"):
        return value.lower() == "true"
    try:
        read = ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return value
    return float(read) if type(replaced) is float and type(read) is int else read
