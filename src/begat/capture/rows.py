"""The settled rows of one run, column by column, and flat: what is scalar in them the garbage collector never walks over.

Row *n* is the object's token, its schema, the place of the call, the construction around it, and the values of its arguments,
which stand in one column for all rows, up to ``ends[n]``.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain, islice, pairwise, repeat
from types import CodeType
from typing import Any, NamedTuple

from begat.capture.columns import Column
from begat.intercept.interceptor import HEAD
from begat.intercept.schema import Schema


class Batch(NamedTuple):
    """Rows as they come out of a log, by column: *values* those of all rows, *lengths* how many of them are each row's."""

    tokens: Sequence[Any]
    schemas: Sequence[Schema]
    codes: Sequence[CodeType]
    lastis: Sequence[int]
    within: Sequence[Any]
    values: Sequence[Any]
    lengths: Sequence[int]

    def first(self, count: int) -> Batch:
        """The first *count* rows."""
        lengths = self.lengths[:count]
        return Batch(
            self.tokens[:count],
            self.schemas[:count],
            self.codes[:count],
            self.lastis[:count],
            self.within[:count],
            self.values[: sum(lengths)],
            lengths,
        )


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


class Rows:
    """All rows of a run. Those whose tokens have been resolved are packed and final, but for their tokens."""

    def __init__(self) -> None:
        self.tokens: list[Any] = []
        self.within = Column()
        self.known: list[Schema] = []
        self._values = Column()
        self._ends = array("q")  # written last: a row without an end is not there
        self._schemas = array("i")  # their places in *known*
        self._codes = Column()
        self._lastis = array("i")
        self._places: dict[Schema, int] = {}

    def __len__(self) -> int:
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
        for column in (self.tokens, self._schemas, self._lastis):
            del column[count:]
        for packed in (self._codes, self.within):
            packed.cut(count)
        self._values.cut(last)
        return True

    def pack(self) -> None:
        """All rows so far are final."""
        for column in (self._values, self.within, self._codes):
            column.pack()

    def schema(self, number: int) -> Schema:
        """The schema of row *number*."""
        return self.known[self._schemas[number]]

    def site(self, number: int) -> tuple[int, int]:
        """The place of the call in row *number*: the id of its code, and where in it."""
        return id(self._codes[number]), self._lastis[number]

    def place(self, number: int) -> tuple[CodeType, int]:
        """The code of the call in row *number*, and where in it."""
        return self._codes[number], self._lastis[number]

    def values(self, number: int) -> tuple[Any, ...]:
        """The values in row *number*."""
        return tuple(self._values.span(*self._span(number)))

    def renew_within(self, start: int, numbers: dict[int, int]) -> bool:
        """In the rows from *start* on, put the number of the construction around in the place of its token. Whether all are."""
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
        young = self.within.span(start, len(self.within))
        self.within.renew(start, [token if type(token) is int else None for token in young])

    def read(self, count: int, start: int = 0) -> Iterator[tuple[tuple[Any, ...], Schema, CodeType, int, Any]]:
        """The rows from *start* up to *count*, in order: values, schema, the code and position of the call, the row around it."""
        begin = self._ends[start - 1] if start else 0
        ends = self._ends[start:count]
        rows = _rows(self._values.since(begin), (end - first for first, end in pairwise(chain((begin,), ends))))
        schemas = map(self.known.__getitem__, self._schemas[start:count])
        codes, lastis, within = self._codes.since(start), self._lastis[start:count], self.within.since(start)
        # Not strict: while others build there are more rows than these.
        return zip(rows, schemas, codes, lastis, within, strict=False)

    def _span(self, number: int) -> tuple[int, int]:
        return self._ends[number - 1] if number else 0, self._ends[number]
