"""What this process appends to its journal: every row soon after it was made, so that nothing is lost however the process ends.

No thread runs while nothing happens, and nothing is added to a call. A hook asks the recorder to settle when a lane's log is
longer than its limit; while the journal rests that limit is 0, so the first call after a quiet time starts a thread that
writes a tenth of a second later, and goes on until a tenth of a second has brought nothing new.

Invariant: lines are written whole, with one system call for all that is new, or the file is given up.
"""

from __future__ import annotations

import _thread
import os
import time
import weakref
from typing import TYPE_CHECKING, Any

from begat.capture.story import Fate, Place
from begat.intercept.interceptor import LIMIT, trouble
from begat.introspect.callsites import Name
from begat.record import lines
from begat.record.encoding import encodable, encode
from begat.record.model import ABSENT, Argument

if TYPE_CHECKING:
    from begat.capture.live import LiveRun
    from begat.capture.reading import Reader, _Known

PERIOD = 0.1
"""Seconds until what happened is written."""

_OPEN = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


class Journal:
    """The journal of *run* in this process: a new file in *folder*. *always*: every row is written before its call goes on."""

    def __init__(self, run: LiveRun, folder: str, always: bool = False, parent: tuple[str, int] | None = None) -> None:
        self.run = weakref.ref(run)
        self.recorder = run.recorder
        self.folder = folder
        self.always = always
        self.name = f"{os.getpid()}-{os.urandom(4).hex()}.jsonl"
        self.written = self.recorder.resolve() if parent is not None else 0
        self.handle: int | None = None
        self._file: tuple[int, int] | None = None
        self._parent = parent
        self._reader: Reader | None = None
        self._known: dict[int, int] = {}
        self._places: dict[int, tuple[Place, int]] = {}
        self._said: dict[str, Any] = {}
        self._told: set[int] = set()  # rows of which it was said what became of them
        self._open_ended: set[int] = set()  # those of them of which there may be more to say
        self._state: tuple[int, ...] = ()
        self._writing = _thread.allocate_lock()
        self._armed = False
        self._rest = _thread.allocate_lock()  # free while no thread of ours runs
        self._stop = _thread.allocate_lock()  # held while the thread may sleep
        self._open()

    # --- the file -----------------------------------------------------------------------------------------------------------
    @property
    def path(self) -> str:
        """The file."""
        return os.path.join(self.folder, self.name)

    def _open(self) -> None:
        try:
            os.makedirs(self.folder, 0o700, exist_ok=True)
            self.handle = os.open(self.path, _OPEN, 0o600)
            status = os.fstat(self.handle)
            self._file = status.st_dev, status.st_ino
        except OSError as error:
            self._give_up(error)

    def _write(self, data: bytes) -> None:
        if self.handle is None:
            return
        try:
            status = os.fstat(self.handle)
            if (status.st_dev, status.st_ino) != self._file:
                raise OSError(9, "the program closed the file, and its number is another's now")
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self.handle, rest) :]
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        """The program goes on, and so does the record in memory; what is on the disk stays readable."""
        handle, self.handle = self.handle, None
        self.recorder.trouble(f"the journal could not be written: {error.strerror or error}")
        if handle is not None and error.errno != 9:
            try:
                os.close(handle)
            except OSError:
                self.recorder.trouble("the journal could not be closed")
        trouble(error, "writing the journal")

    # --- when -----------------------------------------------------------------------------------------------------------
    def arm(self) -> None:
        """Something happened: it is written within `PERIOD`."""
        if self.always:
            self.flush()
            return
        if self._armed or self.handle is None or not self._rest.acquire(blocking=False):
            return
        self._armed = True
        self.recorder.limit_log(LIMIT)
        try:
            self._stop.acquire(blocking=False)
            _thread.start_new_thread(self._work, ())
        except RuntimeError:  # no more threads, or the interpreter is ending: the end writes it
            self._armed = False
            self._rest.release()

    def _work(self) -> None:
        try:
            while True:
                stopped = self._stop.acquire(timeout=PERIOD)
                new = self.flush()
                if stopped:
                    self._stop.release()
                    return
                if not new:
                    self._armed = False
                    self.recorder.limit_log(0)
                    if not self.recorder.log and not self.recorder.events:
                        return
                    self._armed = True
                    self.recorder.limit_log(LIMIT)
        finally:
            self._armed = False
            self.recorder.limit_log(0)
            self._rest.release()

    def pause(self) -> None:
        """Write all there is, and let no thread of ours run: this process is about to be forked."""
        if self._armed or self._rest.locked():
            if self._stop.locked():
                self._stop.release()
            self._rest.acquire()
            self._rest.release()
        self.flush()

    # --- what -----------------------------------------------------------------------------------------------------------
    def flush(self) -> bool:
        """Write what is new; whether there was anything."""
        run = self.run()
        if run is None or self.handle is None or not self._writing.acquire(timeout=5):
            return False
        try:
            data = b"".join(self._news(run))
            if data:
                self._write(data)
            return bool(data)
        except Exception as error:
            self.recorder.trouble(f"{type(error).__name__} while writing the journal")
            trouble(error, "writing the journal")
            return False
        finally:
            self._writing.release()

    def end(self) -> None:
        """Nothing more is written."""
        self.flush()
        handle, self.handle = self.handle, None
        if handle is not None:
            status = os.fstat(handle)
            if (status.st_dev, status.st_ino) == self._file:
                os.close(handle)

    def _news(self, run: LiveRun) -> list[bytes]:
        from begat.capture.reading import Reader

        out: list[bytes] = []
        if not self._said:
            out.append(lines.line("journal", self._head()))
        if self._reader is None:
            self._reader = Reader(self.recorder)
        count = self.recorder.resolve()
        for number, about, place, within, arguments, _, fate in self._reader.entries(self.written, count):
            row = [number, self._about(about, out), self._place(place, out), within, *_arguments(arguments, about)]
            out.append(lines.line("n", row))
            if fate is not None:
                self._fate(number, fate, None, out)
        if (state := self.recorder.version(0)) != self._state:
            self._state = state
            self._later(out, self._reader.special())
        self.written = count
        self._say(run, out)
        return out

    def _head(self) -> dict[str, Any]:
        recorder = self.recorder
        return {
            "format": lines.FORMAT,
            "pid": recorder.pid,
            "rank": recorder.rank,
            "start": process_start(recorder.pid),
            "at": time.time(),
            "parent": self._parent,
        }

    def _say(self, run: LiveRun, out: list[bytes]) -> None:
        """What the run says of itself, where it has changed."""
        from begat.record.writing import header

        facts = {"head": header(run.header, []), "seeds": {k: encode(v) for k, v in self.recorder.seeds.items()}}
        for kind, fact in facts.items():
            if self._said.get(kind) != fact:
                self._said[kind] = fact
                out.append(lines.line(kind, fact))

    def _about(self, about: Any, out: list[bytes]) -> int:
        known = self._known.get(id(about))
        if known is None:
            known = self._known[id(about)] = len(self._known)
            schema = [about.target, about.kind, about.code, about.annotations, about.starred, about.positional, about.notes]
            defaults = {name: encode(argument.value) for name, argument in about.defaults.items()}
            out.append(lines.line("s", [known, *schema, _names(about), defaults, about.alone]))
        return known

    def _place(self, place: Place, out: list[bytes]) -> int:
        known = self._places.get(id(place))
        if known is None:
            known = self._places[id(place)] = place, len(self._places)
            site = place.site
            where = [encodable(site.file), site.line, encodable(site.function), site.column]
            out.append(lines.line("p", [known[1], where, place.user, place.fills, _name(place.name)]))
        return known[1]

    def _later(self, out: list[bytes], special: set[int]) -> None:
        """What became of rows that were written before."""
        assert self._reader is not None
        for number in sorted(n for n in special if n < self.written and (n not in self._told or n in self._open_ended)):
            about, arguments, fate = self._reader.fate(number)
            self._fate(number, fate, _arguments(arguments, about), out)

    def _fate(self, number: int, fate: Fate, arguments: Any, out: list[bytes]) -> None:
        self._told.add(number)
        if fate.unbuilt or fate.error is not None:
            self._open_ended.add(number)
        else:
            self._open_ended.discard(number)
        built = None
        if fate.built is not None:
            site, seconds = fate.built
            built = [[encodable(site.file), site.line, encodable(site.function), site.column], seconds]
        called = fate.called and [encode(fate.called[0]), fate.called[1], encode(fate.called[2])]
        said = [number, fate.again, fate.error, fate.unbuilt, built, called, arguments]
        out.append(lines.line("u", said))


def _names(about: _Known) -> list[str]:
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
        given[name] = encode(argument.value)
    else:
        if list(arguments) == _names(about):
            return [given]
    return [None, [_whole(argument) for argument in arguments.values()]]


def _whole(argument: Argument) -> list[Any]:
    found = [encodable(argument.name), encode(argument.value), argument.source]
    return found if argument.was is ABSENT else [*found, encode(argument.was)]


def _name(name: Name | None) -> list[Any] | None:
    """What paths are made from. A name within a name is as deep as the source's calls are, which the parser limits."""
    if name is None:
        return None
    return [
        [encodable(segment) for segment in name.segments],
        name.on_self,
        name.counted,
        name.inline,
        _name(name.otherwise),
    ]


def process_start(pid: int) -> str | None:
    """What tells this process from another that gets its number later."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[19].decode()
    except (OSError, IndexError):
        return None
