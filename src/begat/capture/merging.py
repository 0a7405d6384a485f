"""Runs from their folders: the record, if it was finished, and the journals of all processes, finished or not."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from stat import S_ISREG

from begat.capture import past
from begat.capture.story import Fate, built, homed, tell
from begat.capture.told import Told
from begat.errors import InvalidRecord
from begat.record import codec, limits, lines
from begat.record.collector import resting
from begat.record.decoding import Malformed, measured
from begat.record.graph import Run, family
from begat.record.model import ABSENT, Argument, Environment, Event, Header, Node, Process
from begat.record.names import counted
from begat.record.tree import Owners
from begat.record.values import SCALARS, Ref
from begat.record.walk import replaced

RECORD, JOURNALS = "run.json", "journal"


def load(path: str | os.PathLike[str]) -> Run:
    """
    Read the record at *path*: a file, or the folder of a run. What processes that did not finish, or have not yet, left in
    journals belongs to it: the outcome of such a run is ``"killed"``, or ``"running"``.

    Raises `begat.errors.InvalidRecord` if it is none, `OSError` if it cannot be read.

    >>> import begat, tempfile, os
    >>> file = os.path.join(tempfile.mkdtemp(), "run.json")
    >>> with begat.capture(save=file) as run:
    ...     pass
    >>> begat.load(file) == run
    True
    """
    record, folder = places(path)
    written = _written(record)
    others = folder.is_dir() and any(folder.glob("*.jsonl"))
    run = codec.load(record) if written or not others else None
    if others:
        with resting(), measured():  # a run is very many objects and no cycles
            return _joined(path, run, written)
    assert run is not None
    _open(run, folder)
    return run


def _joined(path: str | os.PathLike[str], run: Run | None, written: tuple[int, int] | None) -> Run:
    """*run*, if its record is *written*, with what its journals say."""
    record, folder = places(path)
    told = journals(folder, held(run) if run is not None else ())
    if _written(record) != written:  # its run has ended meanwhile
        return load(path)
    if run is None and not told:
        raise InvalidRecord(f"{folder}: its journals say nothing yet, or nothing that can be read")
    if told or run is None:
        run = together(run, told, folder)
    for each in family(run):
        _open(each, folder)
    return run


def _written(record: Path) -> tuple[int, int] | None:
    """Which file the record is; None if there is none yet."""
    try:
        status = record.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


def _open(run: Run, folder: Path) -> None:
    """Let *run* find in *folder* what it does not show."""
    if any(mark.startswith(past.SAID) for mark in run.header.marks):
        run._more = partial(one, folder, run.header.journals)


def one(folder: Path, offsets: Mapping[str, int], number: int) -> Node | None:
    """Node *number*, from the journals in *folder*, whose numbers are moved by *offsets*; of its path the end alone is known."""
    for name, offset in offsets.items():
        told = Told(name)
        if os.path.basename(name) != name:
            continue  # no journal of ours is called so, but any file could be
        try:
            told.pick(_blocks(folder / name), number - offset)
        except (OSError, Malformed):
            continue  # it is not there any more
        if number - offset < told.start:
            continue  # its parent's
        move = _Move(told.start, offsets.get(told.parent or "", 0), offset)
        for *_, order in told.entries():
            for node in tell(told.entries(), told.process)[0]:
                nth = f".{order[0]}" if order is not None and order[0] else ""
                return move.node(node, node.path.removesuffix(nth) + nth)
    return None


def held(run: Run) -> set[str]:
    """The journals that *run* and those inside it have taken in."""
    return {name for each in family(run) for name in each.header.journals}


def places(path: str | os.PathLike[str]) -> tuple[Path, Path]:
    """Where the record of the run at *path* is, or would be, and the folder of its journals."""
    place = Path(path)
    if place.is_dir():
        return place / RECORD, place / JOURNALS
    inside = place.parent / JOURNALS
    if place.name == RECORD and inside.is_dir():
        return place, inside
    return place, Path(lines.beside(os.fspath(place)))


def journals(folder: Path, but: Container[str] = (), *, rows: bool = True) -> list[Told]:
    """What the journals in *folder* say, *but* not these, in the order in which they were begun, parents before what they forked; of *rows* too."""
    found: list[Told] = []
    room, size, filled, count = limits.HELD, limits.JOURNALS, limits.FILLED, 0
    for file in sorted(file for file in folder.glob("*.jsonl") if file.name not in but):
        try:
            status = file.stat()
        except FileNotFoundError:  # its run has ended: the record says what it said
            continue
        if not S_ISREG(status.st_mode):
            continue  # who opens a pipe waits for whoever writes into it
        size -= status.st_size
        if size < 0:
            raise InvalidRecord(f"{folder}: journals of more than {limits.JOURNALS:,} bytes")
        told = Told(file.name)
        try:
            if rows:
                told.read(partial(_blocks, file), room, filled)
            else:
                told.hear(_blocks(file))
        except FileNotFoundError:
            continue
        except Malformed as error:
            raise InvalidRecord(f"{file}: {error.what}") from None
        filled -= told.filled
        count += len(told.rows)
        room = max(0, limits.HELD - count)
        if count > limits.NODES:
            raise InvalidRecord(f"{folder}: journals of more than {limits.NODES:,} nodes")
        if told.run:
            found.append(told)
    return _ordered(found)


def _blocks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        yield from lines.blocks(opened)


def _ordered(found: list[Told]) -> list[Told]:
    """Parents first, then by time."""
    names = {told.name: told for told in found}

    def depth(told: Told) -> int:
        count = 0
        while told.parent in names and count < len(names):
            told, count = names[told.parent], count + 1
        return count

    return sorted(found, key=lambda told: (depth(told), told.process.rank or 0, told.at))


def together(record: Run | None, told: list[Told], folder: Path) -> Run:
    """The newest run that *record* or the journals *told* are of."""
    by_run: dict[str, list[Told]] = {}
    for each in told:
        by_run.setdefault(each.run, []).append(each)
    roots = {name: of for name, of in by_run.items() if _header(of).parent not in by_run}
    if record is not None:
        # What is left of an earlier run in the same place stays that run's.
        started = {name: _header(of).started for name, of in roots.items()}
        known = {run.id for run in family(record)}
        others = [
            n
            for n in roots
            if n not in known and _header(roots[n]).parent not in known and started[n] > record.header.started
        ]
        if not others:
            return homed(whole(record, by_run))
        roots = {name: roots[name] for name in others}
    if not roots:
        raise InvalidRecord(f"{folder}: there is neither a record nor a journal that can be read")
    newest = max(roots, key=lambda name: _header(roots[name]).started)
    return homed(whole(None, by_run, newest))


def whole(record: Run | None, by_run: dict[str, list[Told]], name: str = "") -> Run:
    """A run with all that its journals say of it, and of the runs that were opened inside it."""
    told = by_run.pop(record.id if record is not None else name, [])
    if record is not None and not told and not any(_header(of).parent == record.id for of in by_run.values()):
        return record
    run = merged(record, told) if told else record
    assert run is not None
    inside = [child.id for child in run.children]
    inside += [name for name, of in by_run.items() if name not in inside and _header(of).parent == run.id]
    known = {child.id: child for child in run.children}
    children = tuple(whole(known.get(name), by_run, name) for name in inside if name in known or name in by_run)
    return Run(run.header, run.nodes, run.environment, run.events, children)


def merged(run: Run | None, told: list[Told]) -> Run:
    """*run*, if there is one, and what its journals *told*, as one run."""
    nodes: list[Node] = list(run.nodes) if run is not None else []
    events: list[Event] = list(run.events) if run is not None else []
    offsets: dict[str, int] = dict(run.header.journals) if run is not None else {}
    paths = _Paths(node.path for node in nodes)
    end = max((node.id for node in nodes), default=-1) + 1
    ranks = _Ranks(nodes)
    marks: list[str] = []
    late: list[tuple[int, Fate, Process]] = []
    for journal in told:
        move = _Move(journal.start, offsets.get(journal.parent or "", 0), end - journal.start)
        offsets[journal.name] = move.offset
        more, happened = tell(journal.entries(), journal.process)
        late += [(move.number(number), fate, journal.process) for number, fate in journal.late.items()]
        ranks.add(more)
        called = paths.of(more)
        if called is None and not move.offset:
            nodes += more
            events += happened
        else:
            nodes += [move.node(node, called[node.id] if called is not None else node.path) for node in more]
            events += [move.event(event) for event in happened]
        end = max(end, move.offset + max(journal.last, journal.start - 1) + 1)
        marks += [m for m in _header([journal]).marks if m not in marks and not m.startswith(past.SAID)]
        marks += journal.gone()
        if journal.lost:
            marks.append(
                f"{counted(journal.lost, 'line')} of the journal of process {journal.process.pid} could not be read"
            )
    _build_elsewhere(nodes, events, late)
    header = run.header if run is not None else _header(told)
    old = (
        _Ranks.SAID if run is not None else (_Ranks.SAID, past.SAID)
    )  # what is not shown of the journals was said above
    kept = [mark for mark in header.marks if not mark.startswith(old)]
    header = replace(header, marks=tuple(dict.fromkeys((*kept, *marks, *ranks.differing()))), journals=offsets)
    environment = run.environment if run is not None else _environment(told)
    return Run(header, tuple(nodes), environment, tuple(events), run.children if run is not None else ())


def _build_elsewhere(nodes: list[Node], events: list[Event], late: list[tuple[int, Fate, Process]]) -> None:
    """Say of what no process that called for it has built that another one did, which had it by a fork."""
    places = {node.id: at for at, node in enumerate(nodes) if node.outcome == "deferred"} if late else {}
    for number, fate, process in late:
        if fate.built is not None and number in places:
            at = places.pop(number)
            nodes[at] = replace(nodes[at], outcome="raised" if fate.error else "returned", error=fate.error)
            events.append(built(number, fate.built, process.pid))


class _Paths:
    """Which paths are taken: two processes can give their objects the same."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)
        self._next: dict[str, int] = {}

    def of(self, nodes: Iterable[Node]) -> dict[int, str] | None:
        """New paths for the *nodes* of one process, by id: below a `model` that is `model.1` here everything is below `model.1`. None if all keep theirs."""
        if not self._taken:
            self._taken.update(node.path for node in nodes)
            return None
        every = {node.id: node for node in nodes}
        owners = Owners(every.values())
        found: dict[int, str] = {}
        for node in sorted(every.values(), key=lambda node: node.path.count(".")):
            above = owners.above(node.path)
            if above is None:
                found[node.id] = self.free(node.path)
                continue
            owner = every[above]
            rest = node.path[len(owner.path) :]
            kept = found[above] == owner.path and node.path not in self._taken
            second = not kept and rest[1:].isdigit() and not owners.has(owner, node, every)
            found[node.id] = self.free(owner.path if second else found[above] + rest)
        return found

    def free(self, path: str) -> str:
        """*path*, or with the first free number behind it."""
        found, number = path, self._next.get(path, 1)
        while found in self._taken:
            found, number = f"{path}.{number}", number + 1
        self._next[path] = number
        self._taken.add(found)
        return found


@dataclass(frozen=True, slots=True)
class _Move:
    """Numbers of one journal as those of the whole: up to *start* they are its parent's, moved by *above*, then its own, by *offset*."""

    start: int
    above: int
    offset: int

    def number(self, number: int) -> int:
        return number + (self.above if number < self.start else self.offset)

    def value(self, value: object) -> object:
        if type(value) in SCALARS or value is ABSENT:
            return value

        def leaf(part: object) -> object:
            return Ref(self.number(part.node)) if type(part) is Ref and part.run is None else part

        return replaced(value, leaf)

    def arguments(self, arguments: dict[str, Argument]) -> dict[str, Argument]:
        return {name: self._argument(argument) for name, argument in arguments.items()}

    def _argument(self, argument: Argument) -> Argument:
        value, was = self.value(argument.value), self.value(argument.was)
        if value is argument.value and was is argument.was:
            return argument
        return Argument(argument.name, value, argument.source, was)

    def node(self, node: Node, path: str) -> Node:
        within = self.number(node.within) if node.within is not None else None
        return replace(
            node, id=self.number(node.id), path=path, within=within, arguments=self.arguments(node.arguments)
        )

    def event(self, event: Event) -> Event:
        return replace(event, node=self.number(event.node), arguments=self.arguments(event.arguments))


class _Ranks:
    """Whether ranks built the same thing with the same arguments."""

    SAID = "ranks differ in "

    def __init__(self, nodes: Iterable[Node]) -> None:
        self._built: dict[tuple[str, str], dict[int, Node]] = {}
        self.add(nodes)

    def add(self, nodes: Iterable[Node]) -> None:
        """Note *nodes* by the paths that they have in their own process."""
        for node in nodes:
            if node.process is not None and node.process.rank is not None:
                self._built.setdefault((node.path, node.target), {}).setdefault(node.process.rank, node)

    def differing(self) -> Iterator[str]:
        """Where they differ."""
        for (path, _), ranks in self._built.items():
            first = ranks[min(ranks)]
            for name in first.arguments if len(ranks) > 1 else ():
                values = {rank: node.params.get(name) for rank, node in sorted(ranks.items())}
                if any(_said(value) != _said(first.params[name]) for value in values.values()):
                    yield f"{self.SAID}{path}.{name}: " + ", ".join(f"{r}: {v!r:.60}" for r, v in values.items())


def _said(value: object) -> object:
    """*value* without what differs between processes that build the same."""
    from begat.record.encoding import encode

    return encode(replaced(value, lambda part: None if type(part) is Ref else part))


def _header(told: list[Told]) -> Header:
    """What journals say of their run, whose record was never finished."""
    first = next((journal for journal in told if journal.header), told[0])
    # One rank of many that failed: so did the run.
    first = next((journal for journal in told if journal.header.get("outcome") == "raised"), first)
    try:
        header = codec.header_from(first.header or {"id": first.run})
    except Malformed as error:
        raise InvalidRecord(f"{first.name}: {error.where}: {error.what}") from None
    if header.ended is None:
        header = replace(header, outcome="running" if any(journal.lives() for journal in told) else "killed")
    return header


def _environment(told: list[Told]) -> Environment:
    first = next((journal for journal in told if journal.environment), told[0])
    try:
        return codec.environment_from({**first.environment, "seeds": first.seeds})
    except Malformed as error:
        raise InvalidRecord(f"{first.name}: {error.where}: {error.what}") from None


def brief(folder: Path) -> Run:
    """The run of the journals in *folder* without its nodes: what it says of itself, and where it ran."""
    return together(None, journals(folder, rows=False), folder)
