"""Runs and values as strict JSON, exactly: what is written is read back equal, type by type.

A value that JSON has no word for is an object with one key that begins with ``$``: ``{"$tuple": [1, 2]}``. Reading
imports nothing and calls nothing that a record names; whatever is wrong with a record is an `InvalidRecord` that says where.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, TypeVar, get_args

from begat.errors import InvalidRecord
from begat.record import limits
from begat.record.collector import resting
from begat.record.decoding import ROOM, Malformed, decode, measured
from begat.record.engine import engine
from begat.record.graph import Run
from begat.record.migrations import FORMAT, migrate
from begat.record.model import (
    ABSENT,
    Argument,
    ArgumentDraft,
    CallSite,
    Environment,
    Event,
    Header,
    Node,
    NodeDraft,
    Overridden,
    Process,
    Source,
)
from begat.record.pieces import Parts, parted
from begat.record.weighing import is_light, spare, weigh
from begat.record.writing import chunks, document

_T = TypeVar("_T")
_BLOCK = 1 << 22
_SHOWN = 200  # of a place deep inside
_RUN, _EVENT, _NODE = 10_000, 1000, 400  # bytes, about
_NAME, _ARGUMENT = 50, 100  # of any argument, and more of one like no other


# --- out --------------------------------------------------------------------------------------------------------------
def dumps(run: Run) -> bytes:
    """*run* as one JSON document, the same bytes for the same run; `loads` reads all that this writes."""
    with resting():
        return document(run)


# --- in ---------------------------------------------------------------------------------------------------------------
def load(path: str | os.PathLike[str], *, own: bool = False) -> Run:
    """Read the record in the file *path*. `InvalidRecord` if it is none, `OSError` if the file cannot be read; *own* as in `loads`."""
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > limits.BYTES:
                raise _too_large()
            if not is_light(size):
                _weigh(iter(partial(file.read, _BLOCK), b""))
                file.seek(0)
            data = file.read(limits.BYTES + 1)
        return _loads(data, own=own) if size else loads(data, own=own)  # a pipe has no size
    except InvalidRecord as error:
        raise InvalidRecord(f"{os.fspath(path)}: {error.args[0]}") from error.__cause__


def loads(data: bytes | str, *, own: bool = False) -> Run:
    """
    The run that `dumps` wrote, of this or an earlier format. `InvalidRecord` says what is wrong and where.

    Of one's *own* record the shape is believed, which spares pydantic: where it is wrong, any exception may be raised, or none.
    """
    if isinstance(data, str):
        try:
            data = data.encode()
        except UnicodeError as error:
            raise InvalidRecord(f"not UTF-8: {error}") from None
    if not is_light(len(data)):
        _weigh([data])
    return _loads(data, own=own)


def _weigh(blocks: Iterable[bytes]) -> None:
    try:
        weigh(blocks)
    except Malformed as error:
        raise InvalidRecord(error.what) from None


def _loads(data: bytes, *, own: bool) -> Run:
    if len(data) > limits.BYTES:
        raise _too_large()
    shape: Any = _Believed
    if not own:
        from begat.record import schema as shape

    try:
        # A record is a tree of millions of objects and no cycles.
        with resting(), measured():
            document, parts = parted(data) or (None, {})
            rows = _rows_out(document, "", 0, parts)
            if parts or type(document) is not dict or document.get("format") != FORMAT:  # steps are about all of it
                spare(data)
                document = migrate(engine().loads(data))
                rows = _rows_out(document, "", 0, {})
            return _run_from(shape.envelope(document), rows, shape)
    except Malformed as error:
        where = error.where if len(error.where) <= _SHOWN else f"{error.where[:_SHOWN]}…"
        raise InvalidRecord(f"at {where or 'the top'}: {error.what}") from None
    except RecursionError:
        raise InvalidRecord(f"nested deeper than {limits.READ_DEPTH}") from None
    except UnicodeError as error:
        raise InvalidRecord(f"not UTF-8: {error}") from None
    except MemoryError:
        raise InvalidRecord(f"there is not enough memory to read its {len(data):,} bytes") from None


def _too_large() -> InvalidRecord:
    return InvalidRecord(f"larger than {limits.BYTES:,} bytes")


class _Believed:
    """In the place of the schema, where nothing is checked."""

    @staticmethod
    def envelope(document: dict[str, Any]) -> dict[str, Any]:
        return document

    @staticmethod
    def nodes(rows: list[Any], where: str, first: int) -> list[Any]:
        return rows

    @staticmethod
    def argument(row: Any, where: str) -> Any:
        return row


class _Rows:
    """The rows of the nodes of a run and of its children, taken out of the document; *size* of them and of events."""

    __slots__ = ("children", "rows", "size", "where")

    def __init__(self, rows: list[Any], where: str, size: int) -> None:
        self.rows: Iterable[Any] = rows
        self.where = where
        self.size = size
        self.children: list[_Rows] = []


def _rows_out(document: Any, where: str, count: int, parts: Parts) -> _Rows:
    """
    Take the nodes out of *document*; those of *parts* that it has the numbers of are taken from there.

    They are checked and built a few at a time, so that there is never a second tree of all of them.
    """
    ROOM.take(_RUN)
    if where.count(".") > limits.FAMILY:
        raise Malformed(f"runs nested deeper than {limits.FAMILY}", where)
    rows = document.get("nodes") if type(document) is dict else None
    if type(rows) is not list:
        return _Rows([], where, 0)  # the schema will say what is wrong
    events = document.get("events")
    size = len(rows) + (len(events) if type(events) is list else 0)
    if count + size > limits.NODES:
        raise Malformed(f"more than {limits.NODES:,} nodes", f"{where}nodes")
    document["nodes"] = []
    taken = _Rows(rows, where, size)
    if len(rows) == 1 and type(rows[0]) is int and rows[0] in parts:
        taken.rows = parts.pop(rows[0])
    count += size
    ROOM.take(_EVENT * (size - len(rows)))
    children = document.get("children")
    for position, child in enumerate(children if type(children) is list else ()):
        taken.children.append(_rows_out(child, f"{where}children[{position}].", count, parts))
        count += taken.children[-1].size
        taken.size += taken.children[-1].size
    return taken


def _run_from(document: dict[str, Any], taken: _Rows, shape: Any) -> Run:
    where = taken.where
    header = _header_from(document["run"], where)
    environment = _environment_from(document["environment"], where)
    events = tuple(
        Event(
            row["kind"],
            row["node"],
            _arguments_from(row["arguments"], f"{where}events[{position}]", {}, shape),
            _site_from(row.get("site")),
        )
        for position, row in enumerate(document.get("events", ()))
    )
    children = tuple(
        _run_from(child, rows, shape) for child, rows in zip(document.get("children", ()), taken.children, strict=True)
    )
    return Run(header, _nodes_from(taken.rows, where, shape), environment, events, children)


def header_from(document: dict[str, Any]) -> Header:
    """What a run says of itself, as `writing.header` put it. `Malformed` if it is not of that shape."""
    from begat.record import schema

    return _header_from(schema.header(document), "")


def environment_from(document: dict[str, Any]) -> Environment:
    """What a run ran in, as `writing.environment` put it. `Malformed` if it is not of that shape."""
    from begat.record import schema

    return _environment_from(schema.environment(document), "")


def _header_from(header: dict[str, Any], where: str) -> Header:
    for key in ("argv", "marks", "watch", "lazy"):
        header[key] = tuple(header.get(key, ()))
    header["overrides"] = tuple(Overridden(**each) for each in header.get("overrides", ()))
    header["result"] = _values_from(header.get("result", {}), f"{where}run.result")
    return Header(**header)


def _environment_from(environment: dict[str, Any], where: str) -> Environment:
    environment["seeds"] = _values_from(environment.get("seeds", {}), f"{where}environment.seeds")
    if environment.get("git") is not None:
        environment["git"] = _values_from(environment["git"], f"{where}environment.git")
    return Environment(**environment)


def _nodes_from(rows: Iterable[Any], where: str, shape: Any) -> tuple[Node, ...]:
    sites: dict[tuple[object, ...], CallSite | None] = {}
    processes: dict[tuple[object, ...], Process] = {}
    recent: dict[str, Argument] = {}
    nodes: list[Node] = []
    for chunk in chunks(_taken(rows) if type(rows) is list else rows):
        if len(nodes) > limits.NODES:
            raise Malformed(f"more than {limits.NODES:,} nodes", f"{where}nodes")
        ROOM.take(_NODE * len(chunk))
        for row in shape.nodes(chunk, f"{where}nodes", len(nodes)):
            site, process = row.get("site"), row.get("process")
            if site is not None:
                place = tuple(site.values())
                if place not in sites:
                    sites[place] = _site_from(site)
                row["site"] = sites[place]
            if process is not None:
                who = tuple(process.values())
                if who not in processes:
                    processes[who] = Process(**process)
                row["process"] = processes[who]
            row["arguments"] = _arguments_from(row["arguments"], f"{where}nodes[{len(nodes)}]", recent, shape)
            if "notes" in row:
                row["notes"] = tuple(row["notes"])
            if "starred" in row:
                row["starred"] = tuple(row["starred"])
            nodes.append(draft := NodeDraft(**row))
            draft.__class__ = Node
    seen: set[int] = set()
    for position, node in enumerate(nodes):
        if node.id in seen:
            raise Malformed(f"a second node {node.id}", f"{where}nodes[{position}].id")
        seen.add(node.id)
    return tuple(nodes)


def _taken(rows: list[_T]) -> Iterator[_T]:
    # Off the list as they are read: two trees of everything at once would cost the collector more than the reading.
    rows.reverse()
    while rows:
        yield rows.pop()


def _arguments_from(rows: list[Any], where: str, recent: dict[str, Argument], shape: Any) -> dict[str, Argument]:
    """The arguments in *rows*. *recent* has the last of each name: most are equal to it, and then the same object will do."""
    out: dict[str, Argument] = {}
    made = 0
    for position, row in enumerate(rows):
        if not (
            type(row) is dict
            and len(row) == 3
            and type(name := row.get("name")) is str
            and type(source := row.get("source")) is str
            and source in _SOURCES
            and "value" in row
        ):
            row = shape.argument(row, f"{where}.arguments[{position}]")
            name, source = row["name"], row.get("source", "given")
        value = row["value"]
        kind = type(value)
        argument = None
        if kind is int or kind is float or kind is bool or value is None or (kind is str and len(value) <= limits.TEXT):
            argument = recent.get(name)
            if argument is not None and not (
                type(argument.value) is kind
                and argument.value == value
                and (value or kind is not float)  # 0.0 equals -0.0
                and argument.source == source
                and argument.was is ABSENT
            ):
                argument = None
        else:
            value = _value_from(value, f"{where}.arguments[{position}].value")
        if argument is None or "was" in row:
            made += 1
            was = _value_from(row["was"], f"{where}.arguments[{position}].was") if "was" in row else ABSENT
            argument = recent[name] = ArgumentDraft(name, value, source, was)  # type: ignore[arg-type]  # it is one of the sources
            argument.__class__ = Argument
        if name in out:
            raise Malformed(f"a second argument {name!r:.80}", f"{where}.arguments[{position}].name")
        out[name] = argument
    ROOM.take(_NAME * len(rows) + _ARGUMENT * made)
    return out


_SOURCES = frozenset(get_args(Source))


def _values_from(values: dict[str, Any], where: str) -> dict[str, object]:
    return {name: _value_from(value, f"{where}.{name}") for name, value in values.items()}


def _value_from(data: Any, where: str) -> object:
    try:
        return decode(data)
    except Malformed as error:
        raise Malformed(error.what, where + error.where) from None


def _site_from(site: dict[str, Any] | None) -> CallSite | None:
    return None if site is None else CallSite(**site)
