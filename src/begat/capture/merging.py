"""Runs from their folders: the record, if it was finished, and the journals of all processes, finished or not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from begat.capture.journal import process_start
from begat.capture.story import Entry, Fate, Place, tell
from begat.errors import InvalidRecord
from begat.introspect.callsites import Name
from begat.record import codec, limits, lines
from begat.record.decoding import Malformed, decode
from begat.record.graph import Run
from begat.record.model import Argument, CallSite, Environment, Event, Header, Kind, Node, Process
from begat.record.values import Ref
from begat.record.walk import replaced

RECORD, JOURNALS = "run.json", "journal"


def load(path: str | os.PathLike[str]) -> Run:
    """
    Read the record at *path*: a file, or the folder of a run, in which the journals of processes that did not finish count too.

    Raises `begat.errors.InvalidRecord` if it is none, `OSError` if it cannot be read.

    >>> import begat, tempfile, os
    >>> file = os.path.join(tempfile.mkdtemp(), "run.json")
    >>> with begat.capture(save=file) as run:
    ...     pass
    >>> begat.load(file) == run
    True
    """
    place = Path(path)
    if place.name == RECORD and not place.exists() and (place.parent / JOURNALS).is_dir():
        place = place.parent
    if not place.is_dir():
        beside = Path(f"{os.fspath(path)}.journal")
        return _together(place if place.exists() else None, beside) if beside.is_dir() else codec.load(path)
    record = place / RECORD
    return _together(record if record.exists() else None, place / JOURNALS)


def _together(record: Path | None, folder: Path) -> Run:
    told = journals(folder)
    if record is not None:
        return merged(codec.load(record), told)
    if not told:
        raise InvalidRecord(f"{folder}: there is neither a record nor a journal")
    return merged(None, told)


def journals(folder: Path) -> list[Told]:
    """What was read of the journals in *folder*, in the order in which they were begun, parents before what they forked."""
    found = []
    for file in sorted(folder.glob("*.jsonl")) if folder.is_dir() else ():
        with file.open("rb") as opened:
            data = opened.read(limits.BYTES + 1)
        try:
            told = Told(file.name)
            told.read(data)
        except Malformed as error:
            raise InvalidRecord(f"{file}: {error.what}") from None
        except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            raise InvalidRecord(f"{file}: line {told.line}: {type(error).__name__}: {error}") from None
        if told.begun:
            found.append(told)
    return sorted(found, key=lambda told: (told.parent is not None, told.at))


@dataclass(slots=True)
class Schema:
    """What the calls of one class or function have in common, as a journal says it."""

    target: str
    kind: Kind
    code: str | None
    annotations: dict[str, str]
    starred: tuple[str | None, str | None]
    positional: int
    notes: tuple[str, ...]
    names: list[str]
    defaults: dict[str, Argument]
    alone: bool


@dataclass(slots=True)
class Row:
    """One call, as a journal says it."""

    about: Schema
    place: Place
    within: int | None
    arguments: dict[str, Argument]
    fate: Fate | None = None


@dataclass(slots=True)
class Told:
    """One journal."""

    name: str
    line: int = 0
    begun: bool = False
    at: float = 0.0
    process: Process = field(default_factory=lambda: Process(0))
    start: str | None = None
    parent: tuple[str, int] | None = None
    header: dict[str, Any] = field(default_factory=dict)
    seeds: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    rows: dict[int, Row] = field(default_factory=dict)
    torn: int = 0
    ended: bool = False
    schemas: dict[int, Schema] = field(default_factory=dict)
    places: dict[int, Place] = field(default_factory=dict)

    def read(self, data: bytes) -> None:
        """Take in the lines of *data*."""
        for self.line, (kind, content) in enumerate(lines.read(data), 1):
            match kind:
                case "n":
                    self._row(*content)
                case "s":
                    self._schema(*content)
                case "p":
                    number, site, user, fills, name = content
                    self.places[number] = Place(_site(site), bool(user), bool(fills), _name(name))
                case "u":
                    self._fate(*content)
                case "head":
                    self.header = dict(content)
                case "seeds":
                    self.seeds = {str(key): decode(value) for key, value in content.items()}
                case "environment":
                    self.environment = dict(content)
                case "journal":
                    self._begin(content)
                case "end":
                    self.ended = True
                case "torn":
                    self.torn += 1
                case _:
                    raise Malformed(f"line {self.line} is of an unknown kind, {kind!r:.40}")
            if len(self.rows) > limits.NODES:
                raise Malformed(f"more than {limits.NODES:,} nodes")

    def _begin(self, content: dict[str, Any]) -> None:
        if content["format"] != lines.FORMAT:
            raise Malformed(f"a journal of another format, {content['format']!r:.60}")
        self.begun, self.at, self.start = True, float(content["at"]), content["start"]
        self.process = Process(int(content["pid"]), content["rank"])
        self.parent = (str(content["parent"][0]), int(content["parent"][1])) if content["parent"] else None

    def _schema(self, number: int, *said: Any) -> None:
        target, kind, code, annotations, starred, positional, notes, names, defaults, alone = said
        known = {name: Argument(name, decode(value), "default") for name, value in defaults.items()}
        self.schemas[number] = Schema(
            target, kind, code, annotations, (starred[0], starred[1]), positional, tuple(notes), names, known, alone
        )

    def _row(
        self, number: int, schema: int, place: int, within: int | None, given: Any, every: Any = None
    ) -> None:
        about = self.schemas[schema]
        self.rows[number] = Row(about, self.places[place], within, _arguments(about, given, every))

    def _fate(self, number: int, again: Any, error: Any, unbuilt: Any, built: Any, called: Any, arguments: Any) -> None:
        row = self.rows.get(number)
        if row is None:
            return  # its line was lost
        if arguments is not None:
            row.arguments = _arguments(row.about, *arguments)
        symbols: Any = called and (decode(called[0]), called[1], decode(called[2]))
        row.fate = Fate(
            (again[0], again[1]) if again else None,
            error,
            bool(unbuilt),
            (_site(built[0]), float(built[1])) if built else None,
            symbols or None,
        )

    def lives(self) -> bool:
        """Whether the process that writes it still runs."""
        return not self.ended and self.start is not None and process_start(self.process.pid) == self.start


def _arguments(about: Schema, given: Any, every: Any = None) -> dict[str, Argument]:
    if given is None:
        return {each[0]: Argument(each[0], decode(each[1]), each[2], *map(decode, each[3:])) for each in every}
    return {
        name: Argument(name, decode(given[name])) if name in given else about.defaults[name] for name in about.names
    }


def _site(site: Any) -> CallSite:
    file, line, function, column = site
    return CallSite(file, line, function, column)


def _name(said: Any, depth: int = 0) -> Name | None:
    if said is None:
        return None
    if depth > limits.READ_DEPTH:
        raise Malformed("a name nested too deep")
    segments, on_self, counted, inline, otherwise = said
    return Name(tuple(segments), on_self, counted, inline, _name(otherwise, depth + 1))


def merged(run: Run | None, told: list[Told]) -> Run:
    """*run*, if there is one, and what the journals *told*, as one run."""
    nodes: list[Node] = list(run.nodes) if run is not None else []
    events: list[Event] = list(run.events) if run is not None else []
    offsets: dict[str, int] = {}
    taken = {node.path for node in nodes}
    marks: list[str] = []
    for journal in told:
        start = journal.parent[1] if journal.parent is not None else 0
        above = offsets.get(journal.parent[0], 0) if journal.parent is not None else 0
        offset = offsets[journal.name] = (nodes[-1].id + 1 if nodes else 0) - start
        more, happened = tell(_entries(journal), journal.process)
        move = _Move(start, above, offset)
        for node in more:
            path = fresh_path(node.path, taken)
            taken.add(path)
            nodes.append(move.node(node, path))
        events += [move.event(event) for event in happened]
        marks += [str(mark) for mark in journal.header.get("marks", ())]
        if journal.torn:
            marks.append(f"the journal of process {journal.process.pid} has {journal.torn} torn lines")
    header, environment = (run.header, run.environment) if run is not None else _of(told)
    header = replace(header, marks=tuple(dict.fromkeys((*header.marks, *marks, *_differing(nodes)))))
    return Run(header, tuple(nodes), environment, tuple(events), run.children if run is not None else ())


def _entries(told: Told) -> Iterator[Entry]:
    for number, row in sorted(told.rows.items()):
        within = row.within
        # What happened within a construction whose own line is lost stands at the top.
        if within is not None and within not in told.rows and not (told.parent and within < told.parent[1]):
            within = None
        yield number, row.about, row.place, within, row.arguments, False, row.fate


@dataclass(frozen=True, slots=True)
class _Move:
    """Numbers of one journal as those of the whole: up to *start* they are its parent's, moved by *above*, then its own, by *offset*."""

    start: int
    above: int
    offset: int

    def number(self, number: int) -> int:
        return number + (self.above if number < self.start else self.offset)

    def value(self, value: object) -> object:
        def leaf(part: object) -> object:
            return Ref(self.number(part.node)) if type(part) is Ref and part.run is None else part

        return replaced(value, leaf)

    def arguments(self, arguments: dict[str, Argument]) -> dict[str, Argument]:
        return {
            name: replace(each, value=self.value(each.value), was=self.value(each.was)) for name, each in arguments.items()
        }

    def node(self, node: Node, path: str) -> Node:
        within = self.number(node.within) if node.within is not None else None
        return replace(
            node, id=self.number(node.id), path=path, within=within, arguments=self.arguments(node.arguments)
        )

    def event(self, event: Event) -> Event:
        return replace(event, node=self.number(event.node), arguments=self.arguments(event.arguments))


def fresh_path(path: str, taken: set[str]) -> str:
    """*path*, or with the first free number behind it."""
    if path not in taken:
        return path
    number = 1
    while f"{path}.{number}" in taken:
        number += 1
    return f"{path}.{number}"


def _of(told: list[Told]) -> tuple[Header, Environment]:
    """What journals say of their run, whose record was never finished."""
    from begat.record.schema import header_from

    first = told[0]
    header: Header = header_from(first.header)
    if header.ended is None:
        header = replace(header, outcome="running" if any(journal.lives() for journal in told) else "killed")
    environment = Environment(**first.environment) if first.environment else Environment()
    return header, replace(environment, seeds=first.seeds)


def _differing(nodes: list[Node]) -> Iterator[str]:
    """Ranks that built the same thing with other arguments."""
    by_path: dict[tuple[str, str], dict[int, Node]] = {}
    for node in nodes:
        if node.process is not None and node.process.rank is not None:
            by_path.setdefault((node.path, node.target), {})[node.process.rank] = node
    for (path, _), ranks in by_path.items():
        if len(ranks) < 2:
            continue
        first = next(iter(ranks.values()))
        for name in first.arguments:
            values = {rank: node.params.get(name) for rank, node in ranks.items()}
            if any(type(value) is not Ref and value != first.params[name] for value in values.values()):
                yield f"ranks differ in {path}.{name}: " + ", ".join(f"{rank}: {value!r:.60}" for rank, value in values.items())


