"""The settled rows of one run, column by column, and flat: what is scalar in them the garbage collector never walks over.

Row *n* is the object's token, its schema, the place of the call, the construction around it, and the values of its arguments,
which stand in one column for all rows, up to ``ends[n]``. Of very many rows those before `base` are not in columns: some stay, one by
one, and the rest is gone.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, chain, islice, repeat
from itertools import count as counting
from operator import sub
from types import CodeType
from typing import Any, NamedTuple

from begat.capture.columns import Column
from begat.capture.living import dead_among
from begat.capture.past import LIVING, Key, Past
from begat.intercept.interceptor import HEAD
from begat.intercept.schema import Schema

_FEW = 8192  # places of objects, most of which may have died, that are no reason to find them again


class Batch(NamedTuple):
    """Rows as they come out of a log, by column: *values* those of all rows, *lengths* how many of them are each row's."""

    tokens: Sequence[Any]
    schemas: Sequence[Schema]
    codes: Sequence[CodeType]
    lastis: Sequence[int]
    within: Sequence[Any]
    values: Sequence[Any]
    lengths: Sequence[int]


def parted(log: list[Any]) -> Batch:
    """The rows of a *log*. The last item of each head says how long its row is."""
    stride = log[HEAD - 1]
    strides = log[HEAD - 1 :: stride]
    count, length = len(strides), stride - HEAD
    # Rows of one length, as in a loop, come apart at C speed. If the first n rows have this length, row n + 1 starts here.
    if count * stride == len(log) and strides.count(stride) == count:
        values: list[Any] = [None] * (count * length)
        for place in range(length):
            values[place::length] = log[HEAD + place :: stride]
        tokens, schemas, codes, lastis, within = (log[place::stride] for place in range(HEAD - 1))
        return Batch(tokens, schemas, codes, lastis, within, values, [length] * count)
    starts = []
    at, end = 0, len(log)
    while at < end:
        starts.append(at)
        at += log[at + HEAD - 1]
    values = [value for at in starts for value in log[at + HEAD : at + log[at + HEAD - 1]]]
    lengths = [log[at + HEAD - 1] - HEAD for at in starts]
    tokens, schemas, codes, lastis, within = ([log[at + place] for at in starts] for place in range(HEAD - 1))
    return Batch(tokens, schemas, codes, lastis, within, values, lengths)


def _alike(items: Sequence[Any]) -> bool:
    return items.count(items[0]) == len(items)


def _ends(lengths: Sequence[int], start: int) -> Iterable[int]:
    if _alike(lengths) and lengths[0]:
        return range(start + lengths[0], start + lengths[0] * len(lengths) + 1, lengths[0])
    return list(accumulate(lengths, initial=start))[1:]


def _rows(values: Iterable[Any], lengths: Iterable[int]) -> Iterator[tuple[Any, ...]]:
    return map(tuple, map(islice, repeat(iter(values)), lengths))


class Row(NamedTuple):
    """One row that stays where others go."""

    values: tuple[Any, ...]
    schema: Schema
    code: CodeType
    lasti: int
    within: Any


class Rows:
    """All rows of a run. Those whose tokens have been resolved are packed and final, but for their tokens."""

    def __init__(self) -> None:
        self.base = 0
        self.past = Past()
        self.old: dict[int, Any] = {}  # the tokens of the rows before *base* whose objects live
        self.unknown = 0  # objects that live, but not in here
        self.tokens: list[Any] = []  # from *base* on
        self.live = array("q")  # where in *tokens* are those of resolved rows whose objects live
        self.within = Column()
        self.known: list[Schema] = []
        self.codes: dict[int, CodeType] = {}  # by id: places are told apart by it, also when the rows are gone
        self._kept: dict[int, Row] = {}
        self._values = Column()
        self._ends = array("q")  # written last: a row without an end is not there
        self._schemas = array("i")  # their places in *known*
        self._codes = Column()
        self._lastis = array("i")
        self._places: dict[Schema, int] = {}
        self._placed: tuple[dict[int, int], int, int] = ({}, 0, _FEW)  # up to a row; when there are so many, again

    def __len__(self) -> int:
        return self.base + len(self._ends)

    def __contains__(self, number: int) -> bool:
        return number >= self.base or number in self._kept

    @property
    def held(self) -> int:
        """How many are in columns."""
        return len(self._ends)

    def add(self, batch: Batch) -> None:
        """Keep *batch*."""
        self.tokens += batch.tokens
        self._schemas.extend(self._numbered(batch.schemas))
        self._codes.extend(batch.codes)
        self._lastis.extend(array("i", batch.lastis))
        self.within.extend(batch.within)
        end = len(self._values)
        self._values.extend(batch.values)
        self._ends.extend(array("q", _ends(batch.lengths, end)))

    def _numbered(self, schemas: Sequence[Schema]) -> array[int]:
        """The place of each schema in *known*."""
        for schema in {schemas[0]} if _alike(schemas) else set(schemas):
            if schema not in self._places:
                self.known.append(schema)
                self._places[schema] = len(self.known) - 1
        if _alike(schemas):
            return array("i", (self._places[schemas[0]],)) * len(schemas)
        return array("i", [self._places[schema] for schema in schemas])

    def level(self) -> bool:
        """Cut off what an interrupt, or a fork in the middle of `add`, left beyond the whole rows. Whether it had to."""
        count = len(self._ends)
        last = self._ends[-1] if count else 0
        columns = (self.tokens, self._schemas, self._lastis, self._codes, self.within)
        if all(len(column) == count for column in columns) and len(self._values) == last:
            return False
        self._placed = ({}, 0, _FEW)
        for column in (self.tokens, self._schemas, self._lastis):
            del column[count:]
        self.live = array("q", [position for position in self.live if position < count])
        for packed in (self._codes, self.within):
            packed.cut(count)
        self._values.cut(last)
        return True

    def pack(self) -> None:
        """All rows so far are final."""
        for column in (self._values, self.within, self._codes):
            column.pack()

    def row(self, number: int) -> Row:
        """Row *number*; KeyError if it is gone."""
        at = number - self.base
        if at < 0:
            return self._kept[number]
        begin = self._ends[at - 1] if at else 0
        values = tuple(self._values.span(begin, self._ends[at]))
        return Row(values, self.known[self._schemas[at]], self._codes[at], self._lastis[at], self.within[at])

    def schema(self, number: int) -> Schema:
        """That of row *number*; KeyError if it is gone."""
        at = number - self.base
        return self._kept[number].schema if at < 0 else self.known[self._schemas[at]]

    def identify(self, number: int, token: Any) -> None:
        """The object of row *number* is known by *token*."""
        if number >= self.base:
            self.tokens[number - self.base] = token
        else:
            self.old[number] = token
        self._place(self._placed[0], number, token)

    def token(self, number: int) -> Any:
        """The token of row *number*; None if its object is gone."""
        return self.tokens[number - self.base] if number >= self.base else self.old.get(number)

    def places(self) -> dict[int, int]:
        """The first row of each token, by its id: to be checked, for what dies leaves its address to others."""
        first, start, most = self._placed
        again = len(first) > most
        if again:
            first, start = {}, 0
        count = self.base + len(self.tokens)
        for number, token in self._known_since(start):
            self._place(first, number, token)
        # At once: another thread may do the same, and each knows what it has looked at.
        self._placed = first, count, max(_FEW, 2 * len(first)) if again else most
        return first

    def _place(self, first: dict[int, int], number: int, token: Any) -> None:
        known = first.setdefault(id(token), number)
        if known != number and self.token(known) is not token:
            first[id(token)] = number

    def number_of(self, token: Any) -> int | None:
        """The first row whose object *token* stands for."""
        number = self.places().get(id(token))
        return number if number is not None and self.token(number) is token else None

    def tokened(self) -> Iterator[tuple[int, Any]]:
        """The rows whose objects are known, newest first, with their tokens."""
        for at in range(len(self.tokens) - 1, -1, -1):
            if self.tokens[at] is not None:
                yield self.base + at, self.tokens[at]
        yield from ((number, token) for number, token in reversed(self.old.items()) if token is not None)

    def _known_since(self, start: int) -> Iterator[tuple[int, Any]]:
        """The rows from *start* on whose objects are known, oldest first, with their tokens."""
        if start < self.base:
            yield from ((number, token) for number, token in self.old.items() if token is not None)
        for at in range(max(start - self.base, 0), len(self.tokens)):
            if self.tokens[at] is not None:
                yield self.base + at, self.tokens[at]

    def known_from(self, start: int) -> Iterator[tuple[int, Any]]:
        """The resolved rows whose objects live, and those from *start* on, oldest first, with their tokens."""
        yield from ((number, token) for number, token in self.old.items() if token is not None)
        tokens, base = self.tokens, self.base
        for at in chain(self.live, range(start - base, len(tokens))):
            if tokens[at] is not None:
                yield base + at, tokens[at]

    def renew_within(self, start: int, numbers: dict[int, int]) -> bool:
        """In the rows from *start* on, put the number of the construction around in the place of its token. Whether all are."""
        start -= self.base
        young = self.within.span(start, len(self.within))
        known: dict[int, int | None] = {**numbers, id(None): None}
        try:
            self.within.renew(start, list(map(known.__getitem__, map(id, young))))
            return True
        except KeyError:
            found: list[Any] = list(map(numbers.get, map(id, young)))
        left = False
        for place, number in enumerate(found):
            if number is None and (token := young[place]) is not None:
                found[place] = token
                left = left or type(token) is not int
        self.within.renew(start, found)
        return not left

    def end_within(self, start: int) -> None:
        """In the rows from *start* on, what is left of tokens leads nowhere."""
        start -= self.base
        young = self.within.span(start, len(self.within))
        self.within.renew(start, [token if type(token) is int else None for token in young])

    def read(self, count: int, start: int = 0) -> Iterator[tuple[int, tuple[Any, ...], Schema, CodeType, int, Any]]:
        """The rows from *start* up to *count*, in order: number, values, schema, the code and position of the call, the row around it."""
        begin = max(start - self.base, 0)
        # Not strict: while others build there are more rows than these.
        found = zip(counting(self.base + begin), *self._columns(begin, max(count - self.base, 0)), strict=False)
        kept = [(number, *row) for number, row in self._kept.items() if start <= number < count]
        return chain(kept, found) if kept else found

    def alike(self, count: int, start: int) -> dict[tuple[int, int, int, int], list[int]]:
        """The rows in columns from *start* up to *count*, put together by what was called and where, and how many values they have."""
        begin, stop = start - self.base, count - self.base
        ends = self._ends[begin:stop]
        lengths = map(sub, ends, chain((self._ends[begin - 1] if begin else 0,), ends))
        schemas, codes, lastis = self._schemas[begin:stop], map(id, self._codes.since(begin)), self._lastis[begin:stop]
        found: dict[tuple[int, int, int, int], list[int]] = {}
        for number, key in enumerate(zip(schemas, codes, lastis, lengths, strict=False), start):
            if key in found:
                found[key].append(number)
            else:
                found[key] = [number]
        return found

    def together(self, count: int, start: int) -> tuple[list[tuple[Any, ...]], list[Any]]:
        """The values of the rows in columns from *start* up to *count*, and the rows around them."""
        begin, stop = start - self.base, count - self.base
        rows, _, _, _, within = self._columns(begin, stop)
        return list(rows), list(islice(within, stop - begin))

    def _columns(self, begin: int, stop: int) -> tuple[Iterable[Any], ...]:
        first = self._ends[begin - 1] if begin else 0
        ends = self._ends[begin:stop]
        rows = _rows(self._values.since(first), map(sub, ends, chain((first,), ends)))
        schemas = map(self.known.__getitem__, self._schemas[begin:stop])
        return rows, schemas, self._codes.since(begin), self._lastis[begin:stop], self.within.since(begin)

    def without(
        self, count: int, needs: Callable[[int], Iterable[int]], current: Iterable[int], other: dict[int, Any]
    ) -> Rows:
        """
        These, without those of the first *count* that need not stay; see `Past.further`.

        Others, not these changed: an interrupt may come at any moment, and somebody may be reading.
        """
        stop, new = count - self.base, Rows()
        ids = list(map(id, islice(self._codes, stop)))
        new.codes = self.codes | dict(zip(ids, islice(self._codes, stop), strict=True))

        def keyed() -> Iterator[tuple[int, Key, Any]]:
            return zip(
                range(self.base, count), zip(self._schemas, ids, self._lastis, strict=False), self.within, strict=False
            )

        live = {n: token for n, token in self.old.items() if token is not None}
        live.update((self.base + at, self.tokens[at]) for at in self.live if at < stop and self.tokens[at] is not None)
        dead = dead_among(list(live.values()))
        live = {n: live[n] for n, gone in zip(live, dead, strict=True) if not gone and n not in other}
        new.past = self.past.further(keyed, needs, [n for n in current if n < count], live, other)
        new.old = dict(islice(live.items(), LIVING))
        new.unknown = self.unknown + len(live) - len(new.old)
        new._kept = {number: self.row(number) for number in sorted(new.past.order)}
        new.base, new.known, new._places = count, self.known, self._places
        begin = self._ends[stop - 1] if stop else 0
        new._values.extend(self._values.since(begin))
        for column, own in ((new._codes, self._codes), (new.within, self.within)):
            column.extend(own.since(stop))
        new._schemas, new._lastis = self._schemas[stop:], self._lastis[stop:]
        new.tokens, new.live = self.tokens[stop:], array("q", [at - stop for at in self.live if at >= stop])
        new._ends = array("q", [end - begin for end in self._ends[stop:]])
        return new
