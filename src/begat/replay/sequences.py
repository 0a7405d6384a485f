"""Two sequences laid side by side: what stayed, what moved, what stands in the place of what. Knows no runs.

`stayed` finds what is the same in both, in order; `paired` lays the rest, gap by gap, so that likenesses add up to the most.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Sequence

Pair = tuple[int, int]
_CELLS = 40_000  # of a table that is filled in whole: 200 by 200


def stayed(before: Sequence[Hashable], after: Sequence[Hashable]) -> list[Pair]:
    """The positions of what is equal in *before* and *after*, in the same order in both; as many as can be had soon."""
    found: list[Pair] = []
    todo = [(0, len(before), 0, len(after))]
    while todo:
        low, high, left, right = todo.pop()
        while low < high and left < right and before[low] == after[left]:
            found.append((low, left))
            low, left = low + 1, left + 1
        while low < high and left < right and before[high - 1] == after[right - 1]:
            high, right = high - 1, right - 1
            found.append((high, right))
        if low == high or left == right:
            continue
        if (high - low) * (right - left) <= _CELLS:
            found += _common(before, after, low, high, left, right)
            continue
        anchors = _anchors(before, after, low, high, left, right)
        if anchors:
            # The anchors themselves are found again as the beginning of a part.
            starts = [(low, left), *anchors]
            ends = [*anchors, (high, right)]
            todo += [(a, c, b, d) for (a, b), (c, d) in zip(starts, ends, strict=True)]
    return sorted(found)


def _common(
    before: Sequence[Hashable], after: Sequence[Hashable], low: int, high: int, left: int, right: int
) -> list[Pair]:
    """The longest common subsequence of two short parts."""
    rows, columns = high - low, right - left
    table = [[0] * (columns + 1) for _ in range(rows + 1)]
    for row in range(rows - 1, -1, -1):
        here, below, key = table[row], table[row + 1], before[low + row]
        for column in range(columns - 1, -1, -1):
            if key == after[left + column]:
                here[column] = below[column + 1] + 1
            else:
                here[column] = max(below[column], here[column + 1])
    found: list[Pair] = []
    row = column = 0
    while row < rows and column < columns:
        if before[low + row] == after[left + column]:
            found.append((low + row, left + column))
            row, column = row + 1, column + 1
        elif table[row + 1][column] >= table[row][column + 1]:
            row += 1
        else:
            column += 1
    return found


def _anchors(
    before: Sequence[Hashable], after: Sequence[Hashable], low: int, high: int, left: int, right: int
) -> list[Pair]:
    """What occurs once in either part: the longest run of it that is in order in both."""
    once = _once(before, low, high)
    other = _once(after, left, right)
    pairs = [(position, other[key]) for key, position in once.items() if key in other]
    tails: list[int] = []
    ends: list[int] = []
    links: list[int] = []
    for number, (_, position) in enumerate(pairs):
        at = bisect_left(tails, position)
        links.append(ends[at - 1] if at else -1)
        if at == len(tails):
            tails.append(position)
            ends.append(number)
        else:
            tails[at], ends[at] = position, number
    chain: list[Pair] = []
    number = ends[-1] if ends else -1
    while number >= 0:
        chain.append(pairs[number])
        number = links[number]
    return chain[::-1]


def _once(items: Sequence[Hashable], low: int, high: int) -> dict[Hashable, int]:
    """What occurs once between *low* and *high*, with its position, in order."""
    places: dict[Hashable, int] = {}
    again: set[Hashable] = set()
    for position in range(low, high):
        if items[position] in places:
            again.add(items[position])
        else:
            places[items[position]] = position
    return {key: position for key, position in places.items() if key not in again}


def gaps(pairs: Sequence[Pair], rows: int, columns: int) -> list[tuple[range, range]]:
    """What lies between neighboring *pairs*, which are in order, in a sequence of *rows* and one of *columns*."""
    found = []
    row = column = 0
    for end, stop in [*pairs, (rows, columns)]:
        if row < end or column < stop:
            found.append((range(row, end), range(column, stop)))
        row, column = end + 1, stop + 1
    return found


def paired(rows: int, columns: int, likeness: Callable[[int, int], float]) -> list[Pair] | None:
    """
    Pairs of positions, in order, whose *likeness* adds up to the most; of what is not alike (0) none.

    None if there are too many.
    """
    if rows * columns > _CELLS // 10:
        return None
    scores = [[likeness(row, column) for column in range(columns)] for row in range(rows)]
    table = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    for row in range(rows - 1, -1, -1):
        here, below = table[row], table[row + 1]
        for column in range(columns - 1, -1, -1):
            here[column] = max(below[column], here[column + 1], below[column + 1] + scores[row][column])
    found: list[Pair] = []
    row = column = 0
    while row < rows and column < columns:
        score = scores[row][column]
        if score > 0 and table[row][column] == table[row + 1][column + 1] + score:
            found.append((row, column))
            row, column = row + 1, column + 1
        elif table[row + 1][column] >= table[row][column + 1]:
            row += 1
        else:
            column += 1
    return found
