"""A run that is still growing: the same questions as a loaded one, answered from the recorder as it is now."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from weakref import ref

from begat.capture.living import recorders
from begat.capture.past import missing
from begat.capture.recorder import Recorder
from begat.intercept.interceptor import trouble
from begat.introspect.secrets import redacted, scrubbed, scrubbed_argv
from begat.record.graph import Run
from begat.record.model import Environment, Event, Header, Node, adopt
from begat.record.moments import identity, stamp
from begat.record.values import Ref


class LiveRun(Run):
    """A `Run` read from its recorder. Reading twice without anything built in between gives the same objects."""

    __module__ = "begat"
    __slots__ = ("__weakref__", "_asked", "_found", "_seen", "_version", "around", "file", "recorder", "whole")

    def __init__(self, name: str | None, around: LiveRun | None = None) -> None:
        started = datetime.now(UTC)
        number = identity(started)
        parent = around.id if around is not None else None
        super().__init__(Header(number, _said(name), stamp(started), argv=_argv(), parent=parent))
        self._found: Environment | None = None  # collected when somebody asks
        self._asked: set[str] = set()
        self.file: str | os.PathLike[str] | None = None  # what the scope wrote
        self.around = around
        self.whole: Run | None = None  # once it is over, with what other processes built in it
        self._version: tuple[int, ...] = ()
        self._seen: tuple[tuple[Node, ...], tuple[Event, ...]] = ((), ())
        outer: Recorder | None = around.recorder if around is not None else None
        self.recorder: Recorder = Recorder(outer, identity=number)
        self.recorder.owner = ref(self)
        if around is not None:
            around._children = (*around._children, self)

    @property
    def header(self) -> Header:
        """What the run says of itself, as of now."""
        recorder = self.recorder
        marks = tuple(dict.fromkeys((*recorder.marks, *missing(recorder))))
        if marks != self._header.marks:
            self.change(marks=marks)
        return self._header

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Every construction so far, in the order in which they began."""
        return self._read()[0] if self.whole is None else self.whole.nodes

    @property
    def events(self) -> tuple[Event, ...]:
        """What happened to objects after their construction."""
        return self._read()[1] if self.whole is None else self.whole.events

    @property
    def environment(self) -> Environment:
        """Interpreter, packages, git, host, seeds; looked up when first asked for, and again when other packages came in."""
        from dataclasses import replace

        from begat.introspect.environment import collect, imported, versions

        found = self._found
        if found is None:
            found = collect()
        if self.header.ended is None or self._found is None:
            packages = imported().union(self._built())
            if packages != self._asked:
                found = replace(found, packages=versions(packages))
                self._asked = packages
        if found.seeds != self.recorder.seeds:
            found = replace(found, seeds=dict(self.recorder.seeds))
        self._found = found
        return found

    def surroundings(self) -> Environment:
        """The environment as far as it can be told beside the running program, which notices nothing."""
        from begat.introspect.environment import collect, imported

        return collect(imported(), running=True)

    def _built(self) -> set[str]:
        """The packages whose classes were built. From the schemas: nodes take time."""
        self.recorder.drain()
        return {schema.target.partition(":")[0].partition(".")[0] for schema in self.recorder.rows.known}

    def result(self, **values: Any) -> None:
        """
        Keep what the run achieved: ``run.result(val_loss=0.31)``.

        After the scope, the file that it has written is written again.
        """
        from begat.introspect.describe import snapshot

        super().result(**{name: redacted(name, snapshot(value, self._link)) for name, value in values.items()})
        if self.file is not None:
            try:
                self.save(self.file)
            except Exception as error:
                trouble(error, f"writing {os.fspath(self.file)}")

    def _link(self, value: object) -> Any:
        """The `Ref` to *value*, if it was built in this run or in another that is still in memory."""
        number = self.recorder.number_of_object(value)
        if number is not None:
            return Ref(number)
        for other in recorders():
            number = other.number_of_object(value)
            if number is not None:
                return Ref(number, other.identity)
        return None

    def belong(self, id: str, parent: str | None, **said: Any) -> None:
        """This process goes on with the run *id* of another one."""
        self.recorder.identity = id
        self.change(id=id, parent=parent, **said)

    def join(self, whole: Run) -> None:
        """It is over, and *whole* is what it and the journals of other processes say."""
        self.whole = whole
        adopt(whole.nodes, self)
        self._index = self._numbers = self._inside = self._homes = None
        self._children = whole.children
        for mark in whole.header.marks:
            self.recorder.trouble(mark)
        self.change(journals=whole.header.journals)

    def end(self, error: BaseException | None = None) -> None:
        """The run is over, by *error* or normally: nothing more is recorded."""
        self.recorder.close()
        self.conclude(error)

    def conclude(self, error: BaseException | None = None) -> None:
        """Say that the run is over, by *error* or normally (`SystemExit` with status 0 is normal)."""
        from begat.introspect.targets import name_of

        status = _status(error)
        if error is None or status == 0:
            self.change(ended=stamp(datetime.now(UTC)), outcome="finished", error=None)
        else:
            self.change(ended=stamp(datetime.now(UTC)), outcome="raised", error=name_of(type(error)), exit_code=status)

    def _beyond(self, number: int) -> Node | None:
        journal = self.recorder.journal
        if journal is not None and missing(self.recorder):
            from begat.capture.merging import one

            journal.flush()
            self._more = partial(one, Path(journal.folder), {journal.file.name: 0})
        return super()._beyond(number)

    def _at_once(self) -> tuple[Header, tuple[Node, ...], tuple[Event, ...], tuple[Run, ...]]:
        # What goes meanwhile would be among the nodes, and among those that the header counts.
        while True:
            rows = self.recorder.rows
            found = super()._at_once()
            if self.recorder.rows is rows:
                return found

    def _read(self) -> tuple[tuple[Node, ...], tuple[Event, ...]]:
        recorder = self.recorder
        version = recorder.version(recorder.resolve())
        if version != self._version:
            from begat.capture.reading import Reader

            self._seen = Reader(recorder).read()
            adopt(self._seen[0], self)
            self._version = version
            self._index = self._numbers = self._inside = self._homes = None
        return self._seen

    def change(self, **changes: Any) -> None:
        """Set what the run says of itself: script, name, argv, …"""
        from dataclasses import replace

        self._header = replace(self._header, **changes)
        if self.recorder.journal is not None:
            self.recorder.journal.arm()


def _status(error: BaseException | None) -> int | None:
    """What the interpreter would exit with because of `SystemExit`; None for another exception."""
    if not isinstance(error, SystemExit):
        return None
    code = error.code
    return 0 if code is None else int(code) if isinstance(code, int) else 1


def _said(name: str | None) -> str | None:
    return name if name is None else scrubbed(name)


def _argv() -> tuple[str, ...]:
    return scrubbed_argv(getattr(sys, "argv", []))
