"""Links into edges: a link among the values of a row becomes a `Ref`, in its place, when the number of its object is known.

Rows are never searched for links, which every hook hands over in a list, and never written again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from begat.introspect.describe import Link
from begat.record.values import Opaque, Ref
from begat.record.walk import replaced


def find(
    links: list[Any],
    numbers: dict[int, int],
    again: dict[int, tuple[str, int]],
    outside: Callable[[object], Ref | None] | None = None,
    old: Iterable[Any] = (),
) -> bool:
    """
    Make a `Ref` of each of *links* whose token, by its id, is among *numbers* or known *outside*, and keep the others.

    The number of a row that turned out to be another's, by *again*, is that one's. With *outside*, those of the *old* ones that
    are not found lead to nothing that was recorded, and are let go. Returns whether there may be such links.
    """
    todo, left, strangers = links[:], [], False
    ids = set(map(id, old))
    for link in todo:
        token = link.node
        number = numbers.get(id(token))
        if number is not None:
            link.run = None
            link.node = again[number][1] if number in again else number
            link.__class__ = Ref
        elif type(token) is int:  # an interrupt came between these three
            if type(link) is Link:
                link.__class__ = Ref  # type: ignore[assignment]  # its slots are the same
        else:
            outer = outside(token) if outside is not None and token is not None else None
            if outer is not None:
                link.run = outer.run
                link.node = outer.node
                link.__class__ = Ref
            else:
                strangers = outside is not None
                if not strangers or id(link) not in ids:
                    left.append(link)
    links[: len(todo)] = left
    return strangers


def settled(
    value: object,
    numbers: Callable[[], dict[int, int]],
    again: dict[int, tuple[str, int]],
    outside: Callable[[object], Ref | None],
) -> object:
    """*value*, which stands in no row, with a `Ref` in the place of every link to what is known."""
    found: dict[int, int] | None = None

    def leaf(part: object) -> object:
        nonlocal found
        if type(part) is not Link:
            return part
        if found is None:
            found = numbers()
        return known(part, found, again, outside)

    return replaced(value, leaf)


def known(
    link: Link, numbers: dict[int, int], again: dict[int, tuple[str, int]], outside: Callable[[object], Ref | None]
) -> object:
    """What stands for *link* in a record, as in `find`."""
    number = numbers.get(id(link.node))
    if number is None:
        return outside(link.node) or told(link)
    return Ref(again[number][1] if number in again else number)


def told(part: object) -> object:
    """What can be said of a link whose object nobody saw built; anything else as it is."""
    if type(part) is not Link:
        return part
    target = part.run.target if part.run is not None else "?"
    return Opaque(target, {"reason": _NOT_OBSERVED if part.node is not None else _NOT_FOLLOWED})


_NOT_OBSERVED = "its construction was not observed in this run"
_NOT_FOLLOWED = "not followed: objects of its class have no weak references, and this one was not held"
