"""What overrides mean in a run that is known already: which arguments they would have changed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from begat.record.graph import Run
from begat.record.model import ABSENT, Node
from begat.record.names import names_of
from begat.record.paths import segment
from begat.record.values import SCALARS, Ref, Symbol
from begat.replay.forcing import put_by_overrides
from begat.replay.override import Override, Reading, Target


def family(run: Run) -> Iterator[Run]:
    """*run*, and the runs that were opened inside it."""
    yield run
    for child in run.children:
        yield from family(child)


_PAIR = re.compile(r"(\.\d+)\.1(?=\.|$)")
_NUMBER = re.compile(r"\.\d+(?=\.|$)")


def short(path: str) -> str:
    """*path* without the 1 of what is second in a pair: ``steps.1.1`` of ``("clf", LogisticRegression())`` is ``steps.1``."""
    return _PAIR.sub(r"\1", path)


def variants(path: str) -> set[str]:
    """*path*, and the path that means all of that name: ``model.layers`` for ``model.layers.3``."""
    return {path, _NUMBER.sub("", path)}


def named_by(path: str) -> set[str]:
    """
    The paths by which people may mean what is called *path*: without its numbers, without a pair's 1, the first as number 0.

    >>> sorted(named_by("loop.act"))
    ['loop.0.act', 'loop.act', 'loop.act.0']
    """
    steps = path.split(".")
    first = {
        ".".join((*steps[:at], "0", *steps[at:]))
        for at in range(1, len(steps) + 1)
        if not (steps[at - 1].isdigit() or (steps[at : at + 1] and steps[at].isdigit()))
    }
    return {*variants(path), short(path), *first}


def meant(run: Run, overrides: Iterable[Override], *, inside: bool = True) -> Iterator[tuple[Override, Node, Reading]]:
    """Every way in which *overrides* would change *run*, and the runs *inside* it."""
    wanted = tuple(overrides)
    readings: dict[tuple[str, tuple[str, ...]], tuple[Reading, ...]] = {}
    calls: dict[str, int] = {}
    for node in (node for each in (family(run) if inside else (run,)) for node in each.nodes):
        number = calls[node.target] = calls.get(node.target, -1) + 1
        key = node.target, tuple(node.arguments)
        if key not in readings:
            readings[key] = Target(names_of(node.target), key[1], node.starred[1] is not None).readings(wanted)
        if readings[key]:
            candidates = named_by(node.path)
            for reading in readings[key]:
                if reading.steps and not _has_items(node, reading.parameter):
                    continue
                if reading.ordinal in (None, number) if reading.by_class else reading.names(candidates):
                    yield reading.override, node, reading


def known_paths(run: Run) -> list[str]:
    """The paths of all arguments of *run*, those of the user's own constructions first."""
    nodes = [node for each in family(run) for node in each.nodes]
    ordered = sorted(nodes, key=lambda node: not node.user)
    return [f"{node.path}.{segment(name)}" for node in ordered for name in node.arguments]


def _has_items(node: Node, parameter: str | None) -> bool:
    """Whether steps can lead into the value of *parameter*: not into an object, nor into a number."""
    argument = node.arguments.get(parameter or "")
    return argument is None or not (type(argument.value) in SCALARS or type(argument.value) in (Ref, Symbol))


def takes_of(run: Run) -> dict[str, list[str]]:
    """The parameters that calls in *run* take, by their paths and by the names of their classes."""
    found: dict[str, dict[str, None]] = {}
    for node in (node for each in family(run) for node in each.nodes):
        for name in (node.path, *names_of(node.target)):
            found.setdefault(name, {}).update(dict.fromkeys(node.arguments))
    return {name: list(parameters) for name, parameters in found.items()}


def undone(run: Run) -> Run:
    """*run* as its code alone would have had it: every argument that an override replaced is what it was."""
    called = {number: put.was for number, put in put_by_overrides(run).items()}
    nodes = tuple(_undone(node, called.get(node.id)) for node in run.nodes)
    return Run(run.header, nodes, run.environment, run.events, tuple(map(undone, run.children)))


def _undone(node: Node, called: object) -> Node:
    arguments = {
        name: argument if argument.was is ABSENT else replace(argument, value=argument.was, was=ABSENT)
        for name, argument in node.arguments.items()
    }
    target = called.target if type(called) is Symbol else node.target
    return replace(node, arguments=arguments, target=target)
