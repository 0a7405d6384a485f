"""The nodes of a record a piece at a time, where it stands as begat writes it: the tree of a whole document takes several times what it becomes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice, pairwise
from typing import Any

from begat.errors import InvalidRecord
from begat.record.engine import engine
from begat.record.weighing import spare

_BEGIN, _NEXT = b'},"nodes":[{"id":', b'},{"id":'  # behind the environment
# Behind the nodes of a run: its events, its runs, or its end; and behind that the next run, or that of those around it.
_END = re.compile(rb'\}\](?:,"events":\[|,"children":\[|(?:\}\]){0,100}\}(?:,\{"run":|\Z))')
_BEHIND = b'}],"events":[', b'}],"children":['
_LEAD = len(_BEGIN) - len(b'{"id":')
_SIZE = 1 << 17
_TRIES = 16

Parts = dict[int, Iterator[Any]]


def parted(data: bytes) -> tuple[Any, Parts] | None:
    """
    The document in *data* with a number in the place of the nodes of each run, and the nodes, one by one, by that number; None
    if it is written otherwise.

    Nothing is guessed: what is cut out is JSON by itself, and so is what is left. Where it was no run that was cut, but a value,
    its number is in no run.
    """
    first = data.find(_BEGIN) if len(data) >= 2 * _SIZE else -1
    if first < 0:
        return None
    single = data.find(_BEGIN, first + 1) < 0
    spans = _only(data, first) if single else _many(data, first)
    for some in spans:
        kept = [
            data[end:begin] + b"%d" % number for number, ((_, end), (begin, _)) in enumerate(pairwise([(0, 0), *some]))
        ]
        rest = b"".join((*kept, data[some[-1][1] :]))
        spare(rest)
        with suppress(InvalidRecord):
            return engine().loads(rest), {number: _rows(data, *span) for number, span in enumerate(some)}
    return None


def _only(data: bytes, first: int) -> Iterator[list[tuple[int, int]]]:
    """Where the one list of nodes could be; what is left says where it is."""
    begin = first + _LEAD
    for mark in _BEHIND:
        at = begin
        for _ in range(_TRIES):
            if (at := data.find(mark, at) + 1) == 0:
                break
            yield [(begin, at)]
    if data.endswith(b"}]}"):  # last, for what is left would be JSON wherever the list ends
        yield [(begin, len(data) - 2)]


def _many(data: bytes, first: int) -> Iterator[list[tuple[int, int]]]:
    """Where the lists of nodes are, found by reading them."""
    found: list[tuple[int, int]] = []
    tries = _TRIES
    while first >= 0 and tries:
        begin = first + _LEAD
        end = _end(data, begin)
        if end is None:  # it is inside a value
            tries -= 1
        else:
            found.append((begin, end))
        first = data.find(_BEGIN, end or begin)
    if found and first < 0:
        yield found


def _end(data: bytes, begin: int) -> int | None:
    """Where the list ends whose items start at *begin*; None if that cannot be told."""
    size = _SIZE
    while True:
        stop = min(begin + size, len(data))
        cut = data.rfind(_NEXT, begin, stop) + 1
        if cut and _is_list(data, begin, cut):
            begin, size = cut + 1, _SIZE
            continue
        for end in islice(_END.finditer(data, begin, stop), _TRIES):
            if _is_list(data, begin, end.start() + 1):
                return end.start() + 1
        if stop == len(data):
            return None
        size *= 2  # there is no such place, or it is inside a value


def _is_list(data: bytes, begin: int, end: int) -> bool:
    try:
        _items(data, begin, end)
    except InvalidRecord:
        return False
    return True


def _items(data: bytes, begin: int, end: int) -> Any:
    text = b"[%b]" % data[begin:end]
    spare(text)
    return engine().loads(text)


def _rows(data: bytes, begin: int, end: int) -> Iterator[Any]:
    """The items of the list that stands in *data* between *begin* and *end*."""
    size = _SIZE
    while begin < end:
        cut = data.rfind(_NEXT, begin, begin + size) + 1 if begin + size < end else end
        try:
            rows = _items(data, begin, cut) if cut else None
        except InvalidRecord:
            if cut == end:
                raise
            rows = None
        if rows is None:  # as above
            size *= 2
            continue
        yield from rows
        begin, size = cut + 1, _SIZE
