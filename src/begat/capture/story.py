"""Nodes out of entries: what happened to each call is put together, and each gets its path. Entries come from memory or from a journal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

from begat.capture.fields import filled
from begat.capture.naming import Namer
from begat.introspect.callsites import Name
from begat.record.graph import Run
from begat.record.model import Argument, CallSite, Event, Kind, Node, NodeDraft, Outcome, Process, Source
from begat.record.values import SCALARS, Ref, Symbol
from begat.record.walk import refs, replaced


class About(Protocol):
    """What is the same for all calls of one class or function."""

    @property
    def target(self) -> str: ...
    @property
    def kind(self) -> Kind: ...

    code: str | None
    annotations: dict[str, str]
    starred: tuple[str | None, str | None]
    positional: int
    notes: tuple[str, ...]


class Place(NamedTuple):
    """A place of calls: whether it is the user's, whether what it builds may fill a field, what the source calls the result."""

    site: CallSite
    user: bool
    fills: bool
    name: Name | None


class Fate(NamedTuple):
    """What became of a call that did not simply return.

    *again*: it is another row's, and how. *built*: where, and in how many seconds, what had waited was built. *called*: what was
    called instead, by whose wish, and what was to be called. *open*: it went on when its process was last heard of.
    """

    again: tuple[str, int] | None = None
    error: str | None = None
    unbuilt: bool = False
    built: tuple[CallSite, float] | None = None
    called: tuple[Symbol, Source, Symbol] | None = None
    open: bool = False


Entry = tuple[int, About, Place, "int | None", dict[str, Argument], bool, "Fate | None", "tuple[int, int] | None"]
"""One row: its number, what was called, where, the number of the row around it, the arguments, whether they are all scalars, what
became of it, and where many are gone the how manieth it is: of its place, of its class."""


def tell(entries: Iterable[Entry], process: Process) -> tuple[tuple[Node, ...], tuple[Event, ...]]:
    """The nodes and events of *entries*, which come in the order of their numbers."""
    namer = Namer()
    nodes: list[Node] = []
    events: list[Event] = []
    fillings: dict[int, list[int]] = {}
    for number, about, place, within, arguments, alone, fate, order in entries:
        site, user, fills, name = place
        target, error = about.target, None
        outcome: Outcome = "returned"
        if fate is not None:
            if fate.again is not None:
                if fate.again[0] != "continued":
                    events.append(Event(fate.again[0], fate.again[1], arguments, site))
                continue
            target, outcome, error = _fated(fate, number, site, target, events)
        nodes.append(
            NodeDraft(
                number,
                target,
                about.kind,
                "",
                arguments,
                site,
                within,
                outcome,
                process,
                about.code,
                user,
                error,
                about.annotations,
                about.starred,
                about.notes,
                about.positional,
            )
        )
        namer.add(nodes[-1], name, alone, order)
        if fills and within is not None:
            fillings.setdefault(within, []).append(number)
    _fill(nodes, fillings, namer)
    for node in namer.named(nodes):
        node.__class__ = Node
    return tuple(nodes), tuple(events)


def _fated(
    fate: Fate, number: int, site: CallSite, target: str, events: list[Event]
) -> tuple[str, Outcome, str | None]:
    if fate.called is not None:
        other, source, was = fate.called
        events.append(Event("override", number, {"called": Argument("called", other, source, was)}, site))
        target = other.target
    if fate.built is not None:
        events.append(built(number, fate.built))
    if fate.error or fate.unbuilt:
        return target, "raised" if fate.error else "deferred", fate.error
    return target, "unfinished" if fate.open else "returned", None


def built(number: int, how: tuple[CallSite, float], process: int | None = None) -> Event:
    """The event of an object that had waited: *how* is where it was touched, and the seconds; *process* is another one than called for it."""
    where, seconds = how
    said = {"seconds": Argument("seconds", round(seconds, 6))}
    if process is not None:
        said["process"] = Argument("process", process)
    return Event("built", number, said, where)


def _fill(nodes: list[Node], fillings: dict[int, list[int]], namer: Namer) -> None:
    """Put what default factories made into the arguments that were left to them."""
    known = {node.id: node for node in nodes} if fillings else {}
    for number, made in fillings.items():
        node: Any = known.get(number)
        if node is None:
            continue
        for name, other in filled(node, [(known[child], namer.name_of(child)) for child in made]):
            node.arguments[name] = Argument(name, Ref(other.id), "default")
            namer.consume(node, name, other)
            if other.user is False:  # the code that called has no place of its own
                other.site, other.user = node.site, node.user  # type: ignore[misc]  # still a draft


def homed(run: Run) -> Run:
    """*run*, in which objects that came from other processes refer to their nodes by journal, with the nodes as they are numbered here."""
    homes = dict(_homes(run))
    return _homed(run, homes) if len(homes) > 1 else run


def _homes(run: Run) -> Iterator[tuple[str, tuple[str, int]]]:
    yield from ((name, (run.id, offset)) for name, offset in run.header.journals.items())
    for child in run.children:
        yield from _homes(child)


def _homed(run: Run, homes: dict[str, tuple[str, int]]) -> Run:
    def leaf(part: object) -> object:
        if type(part) is not Ref or part.run not in homes:
            return part
        home, offset = homes[part.run]
        return Ref(part.node + offset, None if home == run.id else home)

    def placed(node: Node) -> Node:
        values = [a for a in node.arguments.values() if type(a.value) not in SCALARS]
        found = {a.name: replaced(a.value, leaf) for a in values if any(r.run in homes for r in refs(a.value))}
        if not found:
            return node
        new = {name: replace(node.arguments[name], value=value) for name, value in found.items()}
        return replace(node, arguments={**node.arguments, **new})

    children = tuple(_homed(child, homes) for child in run.children)
    return Run(run.header, tuple(map(placed, run.nodes)), run.environment, run.events, children)
