"""What a journal says: the lines for what is new in a run since the last time, each said once."""

from __future__ import annotations

import os
import time
from math import isfinite
from typing import TYPE_CHECKING, Any

from begat.capture.reading import Alike, Known, Reader
from begat.capture.story import Fate, Place
from begat.intercept.constants import NOT_GIVEN
from begat.record import lines
from begat.record.encoding import encodable
from begat.record.engine import engine
from begat.record.model import ABSENT, Argument, CallSite
from begat.record.values import Ref
from begat.record.writing import environment, header, value

MANY = 4096
"""Rows that are told at once, at most: what is told of is written before the next are looked at."""

FEW = 4
"""Rows of one class and place that are not told in columns."""

_WHOLE, _REAL, _REF, _LARGE = {int, bool}, {float}, {Ref}, 1 << 63

if TYPE_CHECKING:
    from begat.capture.live import LiveRun
    from begat.introspect.callsites import Name


def prepare() -> None:
    """Import what telling takes: a thread of its own would have to wait for the program at each of many files."""
    from importlib import import_module

    for name in ("callnames", "environment", "places"):
        import_module(f"begat.introspect.{name}")
    engine()


class Scribe:
    """Tells of *run* from row *start* on; the rows before are in the journal *parent*, of the process that this one was forked from."""

    def __init__(self, run: LiveRun, start: int, parent: str | None) -> None:
        self.recorder = run.recorder
        self.reader = Reader(run.recorder)
        self.written = self.start = start
        self._parent = parent
        self._begun = False
        self._count = start
        self._around = -1  # as many schemas were known when the environment was told
        self._known: dict[int, int] = {}
        self._places: dict[int, tuple[Place, int]] = {}
        self._said: dict[str, Any] = {}
        self._fates: dict[int, Any] = {}  # what was said of those rows of which there may be more to say
        self._done: set[int] = set()  # those of which all is said
        self._version: tuple[int, ...] = ()
        self._recent: dict[int, dict[str, tuple[Any, tuple[Any]]]] = {}
        self._out: list[bytes] = []

    def news(self, run: LiveRun) -> bytes:
        """What is new, as lines; the rest of it, if there are very many rows, the next time."""
        if not self._begun:
            self._begun = True
            self._say(lines.JOURNAL, self._beginning(run))
        self._say_changed(lines.HEAD, header(run.header, []))
        self._count = self.recorder.resolve()
        return self.more(run)

    @property
    def waiting(self) -> bool:
        """Whether there are rows of those that were new to be told yet."""
        return self.written < self._count

    def said_all(self) -> bool:
        """Whether what became of the rows that are told is told, too."""
        return self._version == self.recorder.version(0)

    def more(self, run: LiveRun) -> bytes:
        """What `news` left."""
        self._rows(self.written, min(self._count, self.written + MANY))
        version = self.recorder.version(0)
        if version != self._version:
            self._version = version
            self._later()
        if self.recorder.seeds:
            self._say_changed(lines.SEEDS, {encodable(k): value(v) for k, v in self.recorder.seeds.items()})
        self._open()
        out, self._out = self._out, []
        return b"".join(out)

    @property
    def going_on(self) -> bool:
        """Whether calls go on that were told of: that they are over has to be told, too."""
        return bool(self._said.get(lines.OPEN))

    def _open(self) -> None:
        numbers = self.recorder.going_on()
        if numbers or self.going_on:
            self._say_changed(lines.OPEN, numbers)

    def _rows(self, start: int, count: int) -> None:
        special = self.reader.special()
        alike, others = self.reader.alike(start, count, special)
        for found in alike:
            self._alike(found)
        for number in others:
            self._one(number, special)
        self.written = count

    def _one(self, number: int, special: set[int]) -> None:
        for _, about, place, within, arguments, _, fate, _ in self.reader.entries(number, number + 1, special):
            self._say(
                lines.ROW, [number, self._about(about), self._place(place), within, *_arguments(arguments, about)]
            )
            if fate is not None:
                self._fate(number, fate, None)

    def _alike(self, found: Alike) -> None:
        """Rows of one class and place: as columns, for to write them one by one would take four times as long."""
        known, place, numbers, around, rows = found
        about, at = self._about(known), self._place(place)
        if len(numbers) >= FEW and (given := self._columns(known, rows)) is not None:
            step = (numbers[-1] - numbers[0]) // (len(numbers) - 1)
            even = numbers == list(range(numbers[0], numbers[-1] + 1, step))
            within = around if len(set(around)) > 1 else around[:1]
            self._say(lines.ROWS, [[numbers[0], numbers[-1], step] if even else numbers, about, at, within, given])
            return
        for number, within_, row in zip(numbers, around, rows, strict=True):
            one = self._columns(known, [row])
            if one is None:
                self._one(number, set())
            else:
                self._say(lines.ROW, [number, about, at, within_, {name: values[0] for name, values in one.items()}])

    def _columns(self, known: Known, rows: list[tuple[Any, ...]]) -> dict[str, Any] | None:
        """What was given, by name: a value for each row, or one for all. None where a value is a default all the same."""
        names = known.schema.names
        out: dict[str, Any] = {}
        columns = list(zip(*rows, strict=True))
        for name, column in zip(names, columns[len(columns) - len(names) :], strict=True):
            objects = set(map(id, column))
            if id(NOT_GIVEN) in objects:
                if len(objects) == 1:
                    continue
                return None
            if len(objects) == 1:  # the same constant of the code again; equal is not enough: 1 == True
                column = column[:1]
            kinds = set(map(type, column))
            whole = kinds <= _WHOLE and min(column) >= -_LARGE and max(column) < _LARGE
            if whole or (kinds == _REAL and all(map(isfinite, column))):
                out[encodable(name)] = column
            elif kinds == _REF:
                out[encodable(name)] = [_ref(each) for each in column]
            else:
                found = [self._given(known, name, each) for each in column]
                if None in found:
                    return None
                out[encodable(name)] = [each[0] for each in found if each is not None]
        return out

    def _given(self, known: Known, name: str, given: Any) -> tuple[Any] | None:
        """What is written of an argument; None if it is a default all the same."""
        recent = self._recent.setdefault(id(known), {})
        last = recent.get(name)
        if last is None or last[0] is not given:
            [bare] = self.recorder.told((given,))
            argument = known.argument(name, bare)
            if argument.source != "given":
                return None
            last = recent[name] = given, (value(argument.value),)
        return last[1]

    def surroundings(self, run: LiveRun) -> bytes:
        """What the run runs in, as a line, if it may have changed. That takes time, which rows should not wait for."""
        if run.around is None and self._parent is None and self._around != len(self._known):
            self._around = len(self._known)
            self._say_changed(lines.ENVIRONMENT, environment(run.surroundings()))
        out, self._out = self._out, []
        return b"".join(out)

    def end(self, run: LiveRun) -> bytes:
        """The last lines."""
        told = [self.news(run)]
        while self.waiting:
            told.append(self.more(run))
        return b"".join((*told, lines.line(lines.END, {"at": time.time()})))

    def conclusion(self, run: LiveRun) -> bytes:
        """The last lines, of a run that has no other record than its journals."""
        self._say_changed(lines.ENVIRONMENT, environment(run.environment))
        return self.end(run)

    def _say(self, kind: str, content: Any) -> None:
        self._out.append(lines.line(kind, content))

    def _say_changed(self, kind: str, fact: Any) -> None:
        if self._said.get(kind) != fact:
            self._said[kind] = fact
            self._say(kind, fact)

    def _beginning(self, run: LiveRun) -> dict[str, Any]:
        return {
            "format": lines.FORMAT,
            "run": run.id,
            "pid": os.getpid(),
            "rank": self.recorder.rank,
            "host": host(),
            "process": process_start(os.getpid()),
            "at": time.time(),
            "parent": self._parent,
            "start": self.start,
        }

    def _about(self, about: Any) -> int:
        known = self._known.get(id(about))
        if known is None:
            known = self._known[id(about)] = len(self._known)
            schema = {
                "number": known,
                "target": encodable(about.target),
                "kind": about.kind,
                "code": about.code,
                "annotations": {encodable(k): encodable(v) for k, v in about.annotations.items()},
                "starred": about.starred,
                "positional": about.positional,
                "notes": [encodable(note) for note in about.notes],
                "names": [encodable(name) for name in _names(about)],
                "defaults": {encodable(k): value(argument.value) for k, argument in about.defaults.items()},
            }
            self._say(lines.SCHEMA, schema)
        return known

    def _place(self, place: Place) -> int:
        known = self._places.get(id(place))
        if known is None:
            known = self._places[id(place)] = place, len(self._places)
            self._say(lines.PLACE, [known[1], _site(place.site), place.user, place.fills, _name(place.name)])
        return known[1]

    def _later(self) -> None:
        """What became of rows since they were written."""
        open_ = frozenset(self.recorder.going_on())
        for number in sorted(self.reader.special() - self._done):
            if number < self.written and number in self.recorder.rows:
                about, arguments, fate = self.reader.fate(number)
                self._fate(number, fate, _arguments(arguments, about))
                if number not in open_ and number not in self._fates:  # what an override changed, it changed before
                    self._done.add(number)

    def _fate(self, number: int, fate: Fate, arguments: Any) -> None:
        built = fate.built and [_site(fate.built[0]), fate.built[1]]
        called = fate.called and [value(fate.called[0]), fate.called[1], value(fate.called[2])]
        error = encodable(fate.error) if fate.error is not None else None
        said = [number, fate.again, error, fate.unbuilt, built, called, arguments]
        if self._fates.get(number) != said[1:]:
            self._say(lines.FATE, said)
        # More can come of what waits, or was built in vain.
        if fate.unbuilt or fate.error is not None:
            self._fates[number] = said[1:]
        else:
            self._fates.pop(number, None)
            if fate.again is not None or fate.built is not None:
                self._done.add(number)


def _names(about: Known) -> list[str]:
    return about.order or list(about.schema.names)


def _arguments(arguments: dict[str, Argument], about: Any) -> list[Any]:
    """The arguments of a row: what was given alone, where the rest is as the schema has it; else every one, with its source."""
    defaults = about.defaults
    given = {}
    for name, argument in arguments.items():
        if argument is defaults.get(name):
            continue
        if argument.source != "given":
            break
        given[name] = value(argument.value)
    else:
        if list(arguments) == _names(about):
            return [given]
    return [None, [_whole(argument) for argument in arguments.values()]]


def _whole(argument: Argument) -> list[Any]:
    found = [encodable(argument.name), value(argument.value), argument.source]
    return found if argument.was is ABSENT else [*found, value(argument.was)]


def _ref(ref: Any) -> Any:
    return {"$ref": ref.node} if ref.run is None else value(ref)


def _site(site: CallSite) -> list[Any]:
    return [encodable(site.file), site.line, encodable(site.function), site.column]


def _name(name: Name | None) -> list[Any] | None:
    """What paths are made from."""
    if name is None:
        return None
    segments = [encodable(segment) for segment in name.segments]
    return [segments, name.on_self, name.counted, name.inline, _name(name.otherwise)]


def host() -> str:
    """The machine: numbers of processes are its own."""
    try:
        return os.uname().nodename
    except AttributeError:
        import socket

        return socket.gethostname()


def process_start(pid: int) -> str | None:
    """What tells this process from another that gets its number later; None if there is none, or no way to know."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            state, *rest = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if state in (b"Z", b"X") else rest[18].decode()
