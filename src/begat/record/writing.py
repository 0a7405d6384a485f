"""Runs as JSON: the document piece by piece, as many nodes as the limits allow.

Nothing stops a record: a value that cannot be written is an `Opaque` that says why, nodes and runs beyond the limits are a
mark.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from begat.record import limits
from begat.record.decoding import Malformed
from begat.record.encoding import encodable, encode, type_name
from begat.record.engine import engine
from begat.record.graph import Run
from begat.record.migrations import FORMAT
from begat.record.model import ABSENT, Argument, CallSite, Environment, Event, Header, Node, Overridden
from begat.record.names import counted
from begat.record.values import Opaque
from begat.record.weighing import is_light, weigh

_T = TypeVar("_T")


def document(run: Run) -> bytes:
    """*run* as one JSON document."""
    size = limits.BYTES
    while True:
        # Every byte is written once and copied once.
        whole = b"".join((b'{"format":', engine().dumps(FORMAT), b",", *_run(run, _Room(size)), b"}"))
        try:
            if not is_light(len(whole)):
                weigh([whole])
            return whole
        except Malformed:
            size = len(whole) // 2


class _Room:
    """How much may still be written."""

    def __init__(self, size: int) -> None:
        self.nodes = limits.NODES
        self.size = size
        self.why = "" if size == limits.BYTES else ", where there are so many values in them"
        self.bytes = size - size // 10  # the rest is for headers, which are written when all else is known

    def fit(self, rows: Iterable[dict[str, Any]], marks: list[str], lack: str) -> list[bytes]:
        """As many of *rows* as there is room for, as the inside of an array; where some are left out, *lack* is a mark."""
        # A few at a time: a tree of all of them would cost more time than the writing takes.
        pieces: list[bytes] = []
        for some in chunks(rows):
            piece = (b"," if pieces else b"") + engine().dumps(some)[1:-1]
            self.bytes -= len(piece)
            if self.bytes < 0:
                marks.append(f"{lack} a record has at most {self.size:,} bytes{self.why}")
                break
            pieces.append(piece)
        return pieces


def _run(run: Run, room: _Room, depth: int = 0) -> list[bytes]:
    head, nodes, events, children = run._at_once()  # the run may be growing
    marks: list[str] = []
    around = engine().dumps(environment(run.environment))
    room.bytes -= len(around)
    if len(nodes) > room.nodes:
        marks.append(f"not written: {counted(len(nodes) - room.nodes, 'node')}; a record has at most {limits.NODES:,}")
        nodes = nodes[: room.nodes]
    room.nodes -= len(nodes)
    if len(events) > room.nodes:
        marks.append(
            f"not written: {counted(len(events) - room.nodes, 'event')}; a record has at most {limits.NODES:,} nodes"
        )
        events = events[: room.nodes]
    room.nodes -= len(events)
    body = [b',"nodes":[', *room.fit(_nodes(nodes), marks, "the last nodes are not written:"), b"]"]
    if events:
        body += [b',"events":[', *room.fit(map(_event, events), marks, "the last events are not written:"), b"]"]
    if children and depth == limits.FAMILY:
        marks.append(f"not written: {counted(len(children), 'run')} inside this one, nested deeper than {depth}")
        children = ()
    for position, child in enumerate(children):
        body += [b"},{" if position else b',"children":[{', *_run(child, room, depth + 1)]
    if children:
        body.append(b"}]")
    return [b'"run":', engine().dumps(header(head, marks)), b',"environment":', around, *body]


def chunks(rows: Iterable[_T], size: int = 64) -> Iterator[list[_T]]:
    """*rows*, *size* at a time."""
    rows = iter(rows)
    while chunk := list(islice(rows, size)):
        yield chunk


def header(header: Header, marks: list[str]) -> dict[str, Any]:
    """*header* as JSON-ready data, with more *marks*."""
    journals = {"journals": dict(header.journals)} if header.journals else {}
    return {
        "id": encodable(header.id),
        "name": _text(header.name),
        "started": header.started,
        "ended": header.ended,
        "outcome": header.outcome,
        "error": _text(header.error),
        "argv": [encodable(word) for word in header.argv],
        "script": _text(header.script),
        "parent": _text(header.parent),
        "result": _values(header.result),
        "marks": [encodable(mark) for mark in (*header.marks, *marks)],
        "exit_code": header.exit_code,
        "watch": [encodable(pattern) for pattern in header.watch],
        "lazy": [encodable(pattern) for pattern in header.lazy],
        "overrides": [_overridden(each) for each in header.overrides],
        **journals,
    }


def _overridden(given: Overridden) -> dict[str, Any]:
    return {
        "address": encodable(given.address),
        "value": encodable(given.value),
        "source": given.source,
        "place": encodable(given.place),
        "calls": given.calls,
    }


def environment(environment: Environment) -> dict[str, Any]:
    """*environment* as JSON-ready data."""
    return {
        "python": encodable(environment.python),
        "implementation": encodable(environment.implementation),
        "platform": encodable(environment.platform),
        "host": encodable(environment.host),
        "user": encodable(environment.user),
        "cwd": encodable(environment.cwd),
        "packages": {encodable(name): encodable(version) for name, version in environment.packages.items()},
        "git": None if environment.git is None else _values(environment.git),
        "seeds": _values(environment.seeds),
    }


def _nodes(nodes: Iterable[Node]) -> Iterator[dict[str, Any]]:
    # A run has few call sites and processes and many nodes; by id, since all of them live as long as the nodes do.
    sites: dict[int, Any] = {id(None): None}
    processes: dict[int, Any] = {id(None): None}
    for node in nodes:
        site, process = node.site, node.process
        if id(site) not in sites:
            sites[id(site)] = _site(site)
        if id(process) not in processes:
            processes[id(process)] = {"pid": process.pid, "rank": process.rank}  # type: ignore[union-attr]  # not None
        row: dict[str, Any] = {
            "id": node.id,
            "target": encodable(node.target),
            "kind": node.kind,
            "path": encodable(node.path),
            "arguments": _arguments(node.arguments),
            "site": sites[id(site)],
            "within": node.within,
            "outcome": node.outcome,
            "process": processes[id(process)],
        }
        if node.code is not None:
            row["code"] = node.code
        if not node.user:
            row["user"] = False
        if node.error is not None:
            row["error"] = encodable(node.error)
        if node.annotations:
            row["annotations"] = {
                encodable(name): encodable(annotation) for name, annotation in node.annotations.items()
            }
        if node.starred != (None, None):
            row["starred"] = node.starred
        if node.positional:
            row["positional"] = node.positional
        if node.notes:
            row["notes"] = [encodable(note) for note in node.notes]
        yield row


def _arguments(arguments: dict[str, Argument]) -> list[dict[str, Any]]:
    out = []
    for argument in arguments.values():
        said: Any = argument.value
        kind = type(said)
        # What is itself in JSON, which is most: `encode` would say the same more slowly.
        if not (
            kind is bool
            or said is None
            or (kind is int and -_JSON_INT <= said < _JSON_INT)
            or (kind is str and len(said) <= _SHORT and said.isascii())
        ):
            said = value(said)
        row = {"name": argument.name, "value": said, "source": argument.source}
        if argument.was is not ABSENT:
            row["was"] = value(argument.was)
        out.append(row)
    return out


_JSON_INT = 1 << 63
_SHORT = 1024


def value(value: object) -> Any:
    """*value* as JSON-ready data; where it is none of a record, that it is not written, and why."""
    try:
        return encode(value)
    except Exception as error:  # one stray value must not cost the whole record
        return encode(Opaque(f"?:{type_name(type(value))}", {"reason": f"not written: {type(error).__name__}"}))


def _values(values: dict[str, object]) -> dict[str, Any]:
    return {encodable(name): value(each) for name, each in values.items()}


def _event(event: Event) -> dict[str, Any]:
    return {
        "kind": event.kind,
        "node": event.node,
        "arguments": _arguments(event.arguments),
        "site": _site(event.site),
    }


def _site(site: CallSite | None) -> dict[str, Any] | None:
    if site is None:
        return None
    return {
        "file": encodable(site.file),
        "line": site.line,
        "function": encodable(site.function),
        "column": site.column,
    }


def _text(text: str | None) -> str | None:
    return None if text is None else encodable(text)
