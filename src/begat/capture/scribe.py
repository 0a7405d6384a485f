"""What a journal says: the lines for what is new in a run since the last time, each said once."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from begat.capture.reading import Known, Reader
from begat.capture.story import Fate, Place
from begat.record import lines
from begat.record.encoding import encodable
from begat.record.model import ABSENT, Argument, CallSite
from begat.record.writing import environment, header, value

if TYPE_CHECKING:
    from begat.capture.live import LiveRun
    from begat.introspect.callsites import Name


class Scribe:
    """
    Tells of *run*, what there is from row *start* on; the rows before are in the journal *parent*, of the process that this one was forked from.
    """

    def __init__(self, run: LiveRun, start: int, parent: str | None) -> None:
        self.recorder = run.recorder
        self.reader = Reader(run.recorder)
        self.written = self.start = start
        self._parent = parent
        self._begun = False
        self._around = -1  # as many schemas were known when the environment was told
        self._known: dict[int, int] = {}
        self._places: dict[int, tuple[Place, int]] = {}
        self._said: dict[str, Any] = {}
        self._fates: dict[int, Any] = {}  # what was said of those rows of which there may be more to say
        self._done: set[int] = set()  # those of which all is said
        self._version: tuple[int, ...] = ()
        self._out: list[bytes] = []

    def news(self, run: LiveRun) -> bytes:
        """All that is new, as lines."""
        self._out = []
        if not self._begun:
            self._begun = True
            self._say(lines.JOURNAL, self._beginning(run))
        self._say_changed(lines.HEAD, header(run.header, []))
        count = self.recorder.resolve()
        for number, about, place, within, arguments, _, fate in self.reader.entries(self.written, count):
            row = [number, self._about(about), self._place(place), within, *_arguments(arguments, about)]
            self._say(lines.ROW, row)
            if fate is not None:
                self._fate(number, fate, None)
            self.written = number + 1
        version = self.recorder.version(0)
        if version != self._version:
            self._version = version
            self._later()
        if self.recorder.seeds:
            self._say_changed(lines.SEEDS, {encodable(k): value(v) for k, v in self.recorder.seeds.items()})
        out, self._out = self._out, []
        return b"".join(out)

    def surroundings(self, run: LiveRun) -> bytes:
        """What the run runs in, as a line, if it may have changed. That takes time, which rows should not wait for."""
        if run.around is None and self._parent is None and self._around != len(self._known):
            self._around = len(self._known)
            self._say_changed(lines.ENVIRONMENT, environment(run.surroundings()))
        out, self._out = self._out, []
        return b"".join(out)

    def end(self, run: LiveRun) -> bytes:
        """The last lines."""
        return self.news(run) + lines.line(lines.END, {"at": time.time()})

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
        for number in sorted(self.reader.special() - self._done):
            if number < self.written:
                about, arguments, fate = self.reader.fate(number)
                self._fate(number, fate, _arguments(arguments, about))

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
