"""Which arguments of a record a set of overrides means, by the same grammar as overrides of a program."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any

from begat.errors import CannotRebuild, OverrideError, Problem
from begat.record.graph import Run
from begat.record.model import Node
from begat.record.paths import join
from begat.record.values import SCALARS
from begat.replay.known import known_paths, meant, takes_of
from begat.replay.literals import UNKNOWN
from begat.replay.override import Override, Reading, chosen, unmatched
from begat.replay.validate import read


def located(run: Run, overrides: Mapping[str, object]) -> dict[str, object]:
    """
    *overrides* by the full path of every argument that they mean: ``model.hidden``, ``AdamW.lr``, ``*.dropout``.

    Text is read by the value that it replaces. Raises `CannotRebuild` for those that mean nothing, or cannot be read.
    """
    if not overrides:
        return {}
    wishes = [Override(address, value, text=type(value) is str) for address, value in overrides.items()]
    met: set[str] = set()
    found: dict[str, object] = {}
    problems: list[Problem] = []
    for node, every in groupby(meant(run, wishes, inside=False), key=itemgetter(1)):
        for reading in chosen([reading for _, _, reading in every]).values():
            met.add(reading.override.address)
            try:
                found[_path(node, reading)] = _value(reading, node)
            except (ValueError, LookupError) as error:
                problems.append(Problem(reading.override.address, str(error)))
    missed = [wish for wish in wishes if wish.address not in met]
    if missed:
        raise OverrideError(unmatched(missed, known_paths(run), takes_of(run)))
    if problems:
        raise CannotRebuild("overrides that cannot be used:", tuple(problems))
    return found


def _path(node: Node, reading: Reading) -> str:
    if reading.parameter is None:
        raise ValueError("what is called cannot be replaced in a rebuild; use begat.override around the program")
    way = (reading.parameter, *reading.steps)
    return f"{node.path}.{join(*way)}"


def _value(reading: Reading, node: Node) -> Any:
    wish = reading.override
    if not wish.text:
        return wish.value
    argument = node.arguments.get(reading.parameter or "")
    current = argument.value if argument is not None and not reading.steps else UNKNOWN
    # Only what is data says of which type the new value has to be.
    plain = type(current) in SCALARS or type(current) in (list, tuple, dict)
    return read(wish.value, UNKNOWN, current if plain else UNKNOWN, _no_names)


def _no_names(path: str) -> Any:
    raise LookupError(f"text names no class in a rebuild: give {path} as an object")
