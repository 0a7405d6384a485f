"""One fact for each row of a record, so kept that the garbage collector need not walk over all of them each time.

The collector forgets a tuple of scalars when it first meets it, and then also a tuple of such tuples; a list it walks every
time, from end to end. So what is final is packed into tuples.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any

_BLOCK = 4096


class Column:
    """A list that only grows; items can be renewed until they are packed."""

    __slots__ = ("_packed", "_tail")

    def __init__(self) -> None:
        self._packed: list[tuple[Any, ...]] = []
        self._tail: list[Any] = []

    def __len__(self) -> int:
        return len(self._packed) * _BLOCK + len(self._tail)

    def __iter__(self) -> Iterator[Any]:
        return chain.from_iterable((*self._packed, tuple(self._tail)))

    def since(self, start: int) -> Iterator[Any]:
        """The items from *start* on."""
        block, place = divmod(start, _BLOCK)
        if block >= len(self._packed):
            return iter(self._tail[start - len(self._packed) * _BLOCK :])
        return islice(chain.from_iterable((*self._packed[block:], tuple(self._tail))), place, None)

    def __getitem__(self, number: int) -> Any:
        block, place = divmod(number, _BLOCK)
        return (
            self._packed[block][place] if block < len(self._packed) else self._tail[number - len(self._packed) * _BLOCK]
        )

    def span(self, start: int, stop: int) -> list[Any]:
        """The items from *start* to *stop*."""
        packed = len(self._packed) * _BLOCK
        if start >= packed:
            return self._tail[start - packed : stop - packed]
        return [self[number] for number in range(start, stop)]

    def renew(self, start: int, items: list[Any]) -> None:
        """Put *items* in the place of all from *start* on, none of which is packed yet."""
        self._tail[start - len(self._packed) * _BLOCK :] = items

    def extend(self, items: Iterable[Any]) -> None:
        """Add *items* at the end."""
        self._tail.extend(items)

    def cut(self, count: int) -> None:
        """Keep the first *count* items."""
        packed = len(self._packed) * _BLOCK
        if count < packed:
            raise IndexError("what is packed is final")
        del self._tail[count - packed :]

    def pack(self) -> None:
        """All items so far are final."""
        whole = len(self._tail) - len(self._tail) % _BLOCK
        self._packed += [tuple(self._tail[start : start + _BLOCK]) for start in range(0, whole, _BLOCK)]
        del self._tail[:whole]
