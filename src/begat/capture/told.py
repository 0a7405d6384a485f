"""One journal, read: what it says is checked line by line, for whoever can write in the folder can write anything.

A line that refers to one that was lost is lost with it; one that no journal can contain makes the journal none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, get_args

from begat.capture import past
from begat.capture.scribe import host, process_start
from begat.capture.story import Entry, Fate, Place
from begat.introspect.callsites import Name
from begat.record import limits, lines
from begat.record.decoding import ROOM, Malformed, decode
from begat.record.model import Argument, ArgumentDraft, CallSite, Kind, Process, Source
from begat.record.values import Symbol
from begat.record.walk import refs

_KINDS, _SOURCES = frozenset(get_args(Kind)), frozenset(get_args(Source))
_NONE = type(None)
_ROW = 300  # bytes, about
_MANY = 1 << 16  # in one line
_TIMES = 4  # that a journal is read, to find what others refer to


@dataclass(slots=True)
class Schema:
    """What the calls of one class or function have in common."""

    target: str
    kind: Kind
    code: str | None
    annotations: dict[str, str]
    starred: tuple[str | None, str | None]
    positional: int
    notes: tuple[str, ...]
    names: list[str]
    defaults: dict[str, Argument]


@dataclass(slots=True)
class Row:
    """One call."""

    about: Schema
    place: Place
    within: int | None
    arguments: dict[str, Argument]
    fate: Fate | None = None


@dataclass(slots=True)
class Told:
    """
    What the journal *name* says: of the process that wrote it, of *run*, whose header it may have, and of its rows.

    Rows before *start* are in the journal *parent*; *late* is what became of them here. *lost* is how many lines could not be read.
    """

    name: str
    line: int = 0
    run: str = ""
    at: float = 0.0
    process: Process = field(default_factory=lambda: Process(0))
    began: str | None = None
    host: str = ""
    parent: str | None = None
    start: int = 0
    header: dict[str, Any] = field(default_factory=dict)
    seeds: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    rows: dict[int, Row] = field(default_factory=dict)
    late: dict[int, Fate] = field(default_factory=dict)
    lost: int = 0
    ended: bool = False
    last: int = -1
    open: frozenset[int] = frozenset()  # the rows whose calls went on when the process was last heard of
    filled: int = 0  # arguments of all rows, the defaults that a short line stands for among them
    _few: past.Few | None = None
    _schemas: dict[int, Schema] = field(default_factory=dict)
    _places: dict[int, Place] = field(default_factory=dict)

    def read(self, data: Callable[[], Iterable[bytes]], room: int, filled: int = limits.FILLED) -> None:
        """
        Take in the lines of the blocks that *data* gives each time. Malformed says what is wrong with them.

        Of more than *room* rows some stay, as in memory: `past`. Of those at most *filled* arguments.
        """
        if _count(data()) <= room:
            self._read(data(), filled)
            return
        wanted: set[int] = set()
        left = ROOM.left
        for _ in range(_TIMES):
            ROOM.left = left
            self.rows, self.lost, self.line, self.filled, self._few = {}, 0, 0, 0, past.Few(wanted)
            self._read(data(), filled)
            missing = {number for number in self._needed() if self.start <= number <= self.last} - self.rows.keys()
            if not missing or len(wanted) + len(missing) > past.MOST:
                return
            wanted |= missing

    def hear(self, data: Iterable[bytes]) -> None:
        """Take in what is said of the run, and none of its rows."""
        self._read(data, only=lines.ABOUT)

    def pick(self, data: Iterable[bytes], number: int) -> None:
        """Take in row *number* alone."""
        self._few = past.Few({number}, 0)
        self._read(data)

    def _read(self, data: Iterable[bytes], filled: int = limits.FILLED, only: frozenset[str] = lines.KINDS) -> None:
        left, held = ROOM.left, 0
        for kind, content in chain.from_iterable(lines.read(block, only) for block in data):
            self.line += 1
            try:
                self._take(kind, content)
                if len(self.rows) < held:  # some were let go
                    ROOM.left = left - (left - ROOM.left) * len(self.rows) / held
                held = len(self.rows)
            except _Lost:
                self.lost += 1
            except Malformed as error:
                raise Malformed(f"line {self.line}: {error.what}") from None
            except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
                raise Malformed(f"line {self.line}: {type(error).__name__}: {error}") from None
            if self.filled > filled:
                raise Malformed(f"more than {limits.FILLED:,} arguments")

    def _needed(self) -> Iterator[int]:
        """The rows that other rows refer to, or happened in."""
        for row in self.rows.values():
            yield from (ref.node for a in row.arguments.values() for ref in refs(a.value) if ref.run is None)
            if row.within is not None:
                yield row.within
            if row.fate is not None and row.fate.again is not None:
                yield row.fate.again[1]

    def gone(self) -> tuple[str, ...]:
        """Marks for the rows that are not here."""
        if self._few is None:
            return ()
        calls = self._few.gone().items()
        found = [(n, self._schemas[schema].target, self._places[place].site) for (schema, place), n in calls]
        return past.said(found, f"in the journal {self.name} alone")

    def lives(self) -> bool:
        """Whether the process that writes it still runs."""
        if self.ended or self.began is None or self.host != host():
            return False
        return process_start(self.process.pid) == self.began

    def entries(self) -> Iterator[Entry]:
        """The rows, for whoever tells them."""
        for number, row in sorted(self.rows.items()):
            within = row.within
            # What happened within a construction whose own line is lost stands at the top.
            if within is not None and within >= self.start and within not in self.rows:
                within = None
            fate = row.fate
            if number in self.open and not self.ended:
                fate = (fate or Fate())._replace(open=True)
            order = self._few.order.get(number) if self._few is not None else None
            yield number, row.about, row.place, within, row.arguments, False, fate, order

    def _take(self, kind: str, content: Any) -> None:
        match kind:
            case lines.ROWS:
                self._rows(*content)
            case lines.ROW:
                number, schema, place, within, *arguments = content
                self._rows([number], schema, place, [within], *arguments)
            case lines.SCHEMA:
                self._schema(**_expect(content, dict))
            case lines.PLACE:
                number, site, user, fills, name = content
                self._places[_expect(number, int)] = Place(_site(site), user is True, fills is True, _name(name))
            case lines.OPEN:
                self.open = frozenset(map(_number, _expect(content, list)))
            case lines.FATE:
                self._fate(*content)
            case lines.HEAD:
                self.header = _expect(content, dict)
            case lines.SEEDS:
                self.seeds = _expect(content, dict)
            case lines.ENVIRONMENT:
                self.environment = _expect(content, dict)
            case lines.JOURNAL:
                self._begin(content)
            case lines.END:
                self.ended = True
            case _:
                raise _Lost

    def _begin(self, content: Any) -> None:
        if content["format"] != lines.FORMAT:
            raise Malformed(f"a journal of another format, {content['format']!r:.60}")
        self.run, self.host = _expect(content["run"], str), _expect(content["host"], str)
        self.at = float(_expect(content["at"], float, int))
        self.began = _expect(content["process"], str, _NONE)
        self.process = Process(_expect(content["pid"], int), _expect(content["rank"], int, _NONE))
        self.parent, self.start = _expect(content["parent"], str, _NONE), _number(content["start"])

    def _schema(
        self,
        number: int,
        target: str,
        kind: Any,
        code: str | None,
        annotations: Any,
        starred: Any,
        positional: int,
        notes: Any,
        names: Any,
        defaults: Any,
    ) -> None:
        if kind not in _KINDS:
            raise Malformed(f"a schema of another kind, {kind!r:.60}")
        first, second = starred
        self._schemas[_expect(number, int)] = Schema(
            # What multiprocessing calls the main program where it is imported again.
            re.sub("^__mp_main__:", "__main__:", _expect(target, str)),
            kind,
            _expect(code, str, _NONE),
            {_expect(k, str): _expect(v, str) for k, v in _expect(annotations, dict).items()},
            (_expect(first, str, _NONE), _expect(second, str, _NONE)),
            _number(positional),
            tuple(_expect(note, str) for note in _expect(notes, list)),
            [_expect(name, str) for name in _expect(names, list)],
            {name: Argument(name, decode(value), "default") for name, value in _expect(defaults, dict).items()},
        )

    def _rows(self, said: Any, schema: int, place: int, around: Any, given: Any, every: Any = None) -> None:
        if schema not in self._schemas or place not in self._places:
            raise _Lost
        about, at, numbers = self._schemas[schema], self._places[place], _numbers(said)
        self.last = max(self.last, numbers[-1])
        count = len(numbers)
        inside = _column(around, count)
        bound = _bound(about, given, count) if count > 1 else None
        chosen: Iterable[int] = range(count)
        if self._few is not None:
            chosen = self._few.choose((schema, place), numbers, around, self.rows)
        for i in chosen:
            within = inside(i)
            if within is not None and _number(within) >= numbers[i]:
                raise Malformed("a construction within a later one")
            self.filled += len(about.names)
            ROOM.take(_ROW)
            arguments = bound(i) if bound is not None else _arguments(about, given, every)
            self.rows[numbers[i]] = Row(about, at, within, arguments)

    def _fate(self, number: int, again: Any, error: Any, unbuilt: Any, built: Any, called: Any, arguments: Any) -> None:
        row = self.rows.get(number)
        if row is None and _number(number) >= self.start:
            if self._few is not None:
                return
            raise _Lost
        if row is not None and arguments is not None:
            row.arguments = _arguments(row.about, *arguments)
        symbols: Any = None
        if called is not None:
            new, source, old = decode(called[0]), called[1], decode(called[2])
            if type(new) is not Symbol or type(old) is not Symbol or source not in _SOURCES:
                raise Malformed("what was called instead is no class or function")
            symbols = new, source, old
        fate = Fate(
            (_expect(again[0], str), _number(again[1])) if again is not None else None,
            _expect(error, str, _NONE),
            unbuilt is True,
            (_site(built[0]), float(_expect(built[1], float, int))) if built is not None else None,
            symbols,
        )
        if row is not None:
            row.fate = fate
        else:
            ROOM.take(_ROW)
            self.late[number] = fate


class _Lost(Exception):
    """A line that cannot be understood, because it is torn, or another one is."""


def _expect(value: Any, *kinds: type) -> Any:
    if type(value) not in kinds:
        raise Malformed(f"{type(value).__name__} in the place of {kinds[0].__name__}")
    return value


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 62:
        raise Malformed("no number of a construction")
    return value


def _numbers(said: Any) -> Sequence[int]:
    """One, or many; or the first, the last and the step."""
    numbers = [_number(each) for each in _expect(said, list)]
    if len(numbers) != 3:
        if not numbers or sorted(numbers) != numbers:
            raise Malformed("constructions out of order")
        return numbers
    first, last, step = numbers
    if not (first < last and step > 0) or (last - first) // step > _MANY:
        raise Malformed("no row of constructions")
    return range(first, last + 1, step)


def _column(values: Any, count: int) -> Callable[[int], Any]:
    """One for each of so many rows, or one for all."""
    if len(_expect(values, list)) not in (1, count):
        raise Malformed(f"{len(values)} values for {count} constructions")
    return values.__getitem__ if len(values) == count else lambda _: values[0]


def _count(data: Iterable[bytes]) -> int:
    """How many rows there are."""
    count = 0
    for kind, content in chain.from_iterable(map(lines.read, data)):
        if kind in (lines.ROW, lines.ROWS):
            try:
                count += 1 if kind == lines.ROW else len(_numbers(content[0]))
            except (Malformed, TypeError, KeyError, IndexError):
                continue  # whoever reads it will say so
    return count


def _bound(about: Schema, given: Any, count: int) -> Callable[[int], dict[str, Argument]]:
    """The arguments of each of *count* rows, of which *given* has a value for each, or one for all."""
    columns = {name: _column(values, count) for name, values in _expect(given, dict).items()}
    alike = {name: _given(name, column(0)) for name, column in columns.items() if len(given[name]) == 1}
    others = [name for name in about.names if name in columns and name not in alike]
    all_of_them = {**about.defaults, **dict.fromkeys(others), **alike}
    shared = {name: all_of_them[name] for name in about.names}

    def of_row(i: int) -> dict[str, Any]:
        found = dict(shared)
        for name in others:
            found[name] = _given(name, columns[name](i))
        return found

    return of_row


def _given(name: str, value: Any) -> Argument:
    # As a draft: the fields of what is frozen are set by a call each.
    argument = ArgumentDraft(name, decode(value))
    argument.__class__ = Argument
    return argument


def _arguments(about: Schema, given: Any, every: Any = None) -> dict[str, Argument]:
    if given is None:
        return {_expect(each[0], str): _argument(*each) for each in _expect(every, list)}
    _expect(given, dict)
    return {name: _given(name, given[name]) if name in given else about.defaults[name] for name in about.names}


def _argument(name: str, value: Any, source: Any, *was: Any) -> Argument:
    if source not in _SOURCES or len(was) > 1:
        raise Malformed(f"an argument of another source, {source!r:.60}")
    return Argument(name, decode(value), source, *map(decode, was))


def _site(site: Any) -> CallSite:
    file, line, function, column = site
    return CallSite(_expect(file, str), _expect(line, int, _NONE), _expect(function, str), _expect(column, int, _NONE))


def _name(said: Any, depth: int = 0) -> Name | None:
    if said is None:
        return None
    if depth > limits.READ_DEPTH:
        raise Malformed("a name nested too deep")
    segments, on_self, counted, inline, otherwise = said
    parts = tuple(_expect(segment, str) for segment in _expect(segments, list))
    return Name(parts, on_self is True, counted is True, inline is True, _name(otherwise, depth + 1))
