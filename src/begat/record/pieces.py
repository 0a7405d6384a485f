"""The nodes of a record a piece at a time, where it stands as begat writes it: the tree of a whole document takes several times what it becomes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import Any

from begat.errors import InvalidRecord
from begat.record.engine import engine

_BEGIN, _NEXT = b',"nodes":[{"id":', b'},{"id":'
_ENDS = (b'}],"events":[', b'}],"children":[')
_SIZE = 1 << 17
_REST = 20_000_000  # bytes, which are copied and, where they are not what was looked for, read again
_TRIES = 4


def parted(data: bytes) -> tuple[Any, Iterator[Any]] | None:
    """
    The document in *data* without the nodes of its outermost run, and these, one by one; None if it is written otherwise.

    Nothing is guessed: what is cut out is JSON by itself, and so is what is left. Of no place inside a value or a text both
    are true.
    """
    begin = next(filter(partial(_is_top, data), _found(data, _BEGIN, 0)), None) if len(data) >= 2 * _SIZE else None
    if begin is None:
        return None
    first = begin + len(_BEGIN) - len(b'{"id":')
    for end in islice(_ends(data, first), _TRIES):
        if first + len(data) - end > _REST:
            return None
        try:
            return engine().loads(data[:first] + data[end:]), _rows(data, first, end)
        except InvalidRecord:
            continue
    return None


def _is_top(data: bytes, place: int) -> bool:
    """Whether the object that *place* is in is the document."""
    if place > _REST:
        return False
    try:
        engine().loads(data[:place] + b"}")
    except InvalidRecord:
        return False
    return True


def _ends(data: bytes, begin: int) -> Iterator[int]:
    """Where the list of nodes that starts at *begin* could end."""
    places = sorted(place for mark in _ENDS for place in _found(data, mark, begin))
    yield from (place + 1 for place in places)
    if data.endswith(b"}]}"):
        yield len(data) - 2


def _found(data: bytes, mark: bytes, begin: int) -> Iterator[int]:
    for _ in range(_TRIES):
        begin = data.find(mark, begin)
        if begin < 0:
            return
        yield begin
        begin += 1


def _rows(data: bytes, begin: int, end: int) -> Iterator[Any]:
    """The items of the list that stands in *data* between *begin* and *end*."""
    size = _SIZE
    while begin < end:
        cut = data.rfind(_NEXT, begin, begin + size) + 1 if begin + size < end else end
        try:
            rows = engine().loads(b"[" + data[begin:cut] + b"]") if cut else None
        except InvalidRecord:
            if cut == end:
                raise
            rows = None
        if rows is None:  # there is no such place, or it is inside a value
            size *= 2
            continue
        yield from rows
        begin, size = cut + 1, _SIZE
