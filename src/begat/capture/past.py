"""What stays in memory of very many constructions: the first of each place, what lives, and what these were made of.

All others are counted. They are in the journal, if there is one; nobody reads ten million nodes, which would take ten gigabytes.

Invariant: what a row that stays refers to, or happened in, stays too, up to `MOST` rows.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from begat.introspect.callsites import locate
from begat.record.model import CallSite
from begat.record.walk import refs

if TYPE_CHECKING:
    from begat.capture.recorder import Recorder

EACH = 1_000  # calls of one place
KEPT = 50_000  # of all places; and so many more of those whose objects live
MOST = 4 * KEPT
LIVING = 500_000  # objects that are known again
SAID = "not shown: "
_PLACES = 20

Key = tuple[int, ...]
"""What was called, by its number, and where."""


class Past:
    """The calls of which not all are in memory: how many there were, and which of them stay. Never changed: there is a further one."""

    __slots__ = ("_calls", "_firsts", "_inner", "_keys", "counts", "marks", "order")

    def __init__(self) -> None:
        self.marks: tuple[str, ...] | None = None  # once somebody asked
        self.counts: dict[Key, int] = {}
        self.order: dict[int, tuple[int, int]] = {}
        """Of the rows that stay the how manieth they are: of their place, in the construction around, and of all that was called."""
        self._keys: dict[int, Key] = {}
        self._firsts: dict[int, int] = {}
        self._inner: dict[tuple[Key, int | None], int] = {}
        self._calls: dict[int, int] = {}

    def further(
        self,
        rows: Callable[[], Iterable[tuple[int, Key, int | None]]],
        needs: Callable[[int], Iterable[int]],
        current: Iterable[int],
        living: Iterable[int],
        other: dict[int, object],
    ) -> Past:
        """
        This, and *rows*: the number, key and surrounding row of each. What *current* rows *need* stays, and of the *living*.

        *other* are rows that are no constructions of their own.
        """
        new = Past()
        counts, firsts = dict(self.counts), dict(self._firsts)
        for number, key, _ in rows():
            nth = counts.get(key, 0)
            counts[key] = nth + 1
            if nth < EACH:
                firsts[number] = nth
        if len(firsts) > KEPT:  # as many of each place as there is room for
            firsts = dict(sorted(firsts.items(), key=itemgetter(1))[:KEPT])
        staying = {*firsts, *current}
        staying.update(islice((number for number in living if number not in staying), KEPT))
        todo = list(staying)
        while todo and len(staying) < MOST:
            more = [number for number in needs(todo.pop()) if number not in staying]
            staying.update(more)
            todo += more
        new.counts, new._firsts = counts, firsts
        new.order = {number: order for number, order in self.order.items() if number in staying}
        new._keys = {number: self._keys[number] for number in new.order}
        new._inner = {at: count for at, count in self._inner.items() if at[1] is None or at[1] in staying}
        new._calls = dict(self._calls)
        new._ordered(rows(), staying, other)
        return new

    def _ordered(
        self, rows: Iterable[tuple[int, Key, int | None]], staying: set[int], other: dict[int, object]
    ) -> None:
        inner, calls = self._inner, self._calls
        for number, key, within in rows:
            nth = inner.get((key, within), 0)
            if number not in other:
                calls[key[0]] = calls.get(key[0], -1) + 1
                if within is None or within in staying:
                    inner[key, within] = nth + 1
            if number in staying:
                self.order[number] = nth, calls.get(key[0], 0)
                self._keys[number] = key

    def gone(self) -> dict[Key, int]:
        """How many calls of each key do not stay."""
        return _gone(self.counts, self._keys)


def let_go(recorder: Recorder, room: int) -> int:
    """Let the rows of *recorder* go that need not stay and are told, if there is a journal; for how many there is room from now on."""
    rows, count = recorder.rows, recorder._resolved
    if recorder.journal is not None and (told := recorder.journal.told) < count:
        if rows.held <= 2 * recorder.limit:
            count = told
        else:  # it cannot be written
            recorder.untold = True
    if count <= rows.base:
        return room
    numbers = recorder._numbers()
    current = [numbers[id(token)] for token in recorder._around() if id(token) in numbers]
    rows = recorder.rows = rows.without(count, partial(_needed, recorder), current, recorder.again)
    recorder.unbuilt = {number for number in recorder.unbuilt if number in rows}
    for facts in ("outcomes", "built", "changed", "instead", "moved", "again"):
        known: dict[int, Any] = getattr(recorder, facts)
        setattr(recorder, facts, {number: fact for number, fact in known.items() if number in rows})
    return recorder.limit // 8


def _needed(recorder: Recorder, number: int) -> Iterator[int]:
    """The rows without which row *number* says nothing."""
    if number not in recorder.rows:
        return
    row = recorder.rows.row(number)
    yield from (ref.node for ref in refs(row.values) if ref.run is None)
    if type(row.within) is int:
        yield row.within
    if number in recorder.again:
        yield recorder.again[number][1]
    if number in recorder.moved:
        yield recorder.moved[number]


def missing(recorder: Recorder) -> tuple[str, ...]:
    """Marks for the rows that *recorder* let go."""
    rows, journal = recorder.rows, recorder.journal
    if rows.past.marks is not None:
        return rows.past.marks
    kept = journal is not None and journal.file.made and not (recorder.untold or journal.file.lost)
    where = f"in the journal {journal.file.name} alone" if journal is not None and kept else "kept nowhere"
    found = [
        (count, rows.known[key[0]].target, locate(rows.codes[key[1]], key[2]))
        for key, count in rows.past.gone().items()
    ]
    marks = said(found, where)
    if rows.unknown:
        marks = (*marks, f"{rows.unknown:,} living objects are not known again: no more than {LIVING:,} are")
    rows.past.marks = marks
    return marks


class Few:
    """The rows of a journal that has too many: the first of each place stay, and those that are *wanted*."""

    __slots__ = ("_calls", "_counts", "_each", "_inner", "_keys", "_nth", "_sorted", "_wanted", "order")

    def __init__(self, wanted: set[int], each: int | None = None) -> None:
        self.order: dict[int, tuple[int, int]] = {}  # as in `Past`
        self._wanted, self._sorted = wanted, sorted(wanted)
        self._each = EACH if each is None else each
        self._counts: dict[Key, int] = {}
        self._calls: dict[int, int] = {}
        self._inner: dict[tuple[Key, int | None], int] = {}
        self._nth: dict[int, int] = {}
        self._keys: dict[int, Key] = {}

    def choose(self, key: Key, numbers: Sequence[int], around: list[int | None], rows: dict[int, Any]) -> list[int]:
        """The positions of those among *numbers* that stay. *around* has the row around each, or all; *rows* are those that did stay."""
        size, before, calls = len(numbers), self._counts.get(key, 0), self._calls.get(key[0], 0)
        self._counts[key], self._calls[key[0]] = before + size, calls + size
        room = max(0, min(size, self._each - before))
        chosen = list(range(room))
        among = self._sorted[bisect_left(self._sorted, numbers[0]) : bisect_right(self._sorted, numbers[-1])]
        chosen += [i for n in among if (i := bisect_left(numbers, n)) >= room and numbers[i] == n]
        picked, inner = set(chosen), self._inner
        for i, within in enumerate(around):
            if within is None or within in rows:
                nth = inner.get((key, within), 0)
                inner[key, within] = nth + (size if len(around) == 1 else 1)
                for at in chosen if len(around) == 1 else (i,) if i in picked else ():
                    self.order[numbers[at]] = nth + at if len(around) == 1 else nth, calls + at
        for at in chosen:
            self._keys[numbers[at]] = key
            self._nth[numbers[at]] = before + at
        if len(rows) > KEPT and self._each > 1:
            self._each //= 2
            for number in [
                n for n, nth in self._nth.items() if nth >= self._each and n in rows and n not in self._wanted
            ]:
                del rows[number], self._nth[number], self._keys[number]
        return chosen

    def gone(self) -> dict[Key, int]:
        """How many calls of each key do not stay."""
        return _gone(self._counts, self._keys)


def _gone(counts: dict[Key, int], keys: dict[int, Key]) -> dict[Key, int]:
    kept = Counter(keys.values())
    return {key: count - kept[key] for key, count in counts.items() if count > kept[key]}


def said(gone: Iterable[tuple[int, str, CallSite]], where: str) -> tuple[str, ...]:
    """Marks for the calls that are *gone*, how many of what and from where; *where* they are."""
    by_site: Counter[tuple[str, str]] = Counter()
    for count, target, site in gone:
        by_site[target, f"{site.file}:{site.line}" if site.line else site.file] += count
    found = by_site.most_common()
    marks = [f"{SAID}{count:,} more calls of {target} at {site}, {where}" for (target, site), count in found[:_PLACES]]
    if others := found[_PLACES:]:
        total = sum(count for _, count in others)
        marks.append(f"{SAID}{total:,} more calls at {len(others):,} other places, {where}")
    return tuple(marks)


def holds_more(marks: Iterable[str], journal: str) -> bool:
    """Whether, by the *marks* of a run, there is more in the *journal* of that name."""
    return any(mark.startswith(SAID) and f" {journal} " in mark for mark in marks)
