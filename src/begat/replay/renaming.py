"""What is called otherwise: one change for a renamed variable or list, however much hangs below it."""

from __future__ import annotations

from begat.replay.align import Alignment
from begat.replay.changes import Change
from begat.replay.side import Side, pattern


def renames(before: Side, after: Side, found: Alignment, taken: set[tuple[int, object, object]]) -> list[Change]:
    """
    The names that differ between paired nodes, those of the same name below them counted together.

    *taken* are renamed parameters, as (the earlier node, the old name, the new name): the objects in them follow.
    """
    changes: dict[tuple[str, str], list[tuple[int, int]]] = {}
    names, others = before.tree.names, after.tree.names
    for one, other in found.pairs.items():
        if names[one] == others[other]:
            continue
        parent, above = before.tree.parents[one], after.tree.parents[other]
        together = parent is above is None or (
            parent is not None and above is not None and found.pairs.get(parent) == above
        )
        if together:
            old, new = before.way(one), after.way(other)
            if old == new or _plain(old) == _plain(new):
                continue
            if before.is_unnamed(one) and after.is_unnamed(other):
                continue  # the class is another, and the name is the class's
            old, new = _apart(old, new)
            if parent is not None and (parent, old, new) in taken:
                continue
            head = others[above] + "." if above is not None else ""
            was = names[parent] + "." if parent is not None else ""
            key = (was + old, head + new)
        else:
            key = (names[one], others[other])
        changes.setdefault(key, []).append((one, other))
    return [
        Change(
            "renamed", new, before=old, after=new, cause="name", why="called otherwise", was=old,
            target=after.nodes[pairs[0][1]].target, count=len(pairs), site=after.nodes[pairs[0][1]].site,
        )
        for (old, new), pairs in changes.items()
    ]  # fmt: skip


def _plain(way: str) -> str:
    """*way* without its numbers: `Linear`, `Linear.1` and `Linear.2` are one list, in which things shift."""
    return pattern(way)[0].removesuffix(".#")


def _apart(old: str, new: str) -> tuple[str, str]:
    """Both without the segments that they end in alike: ``layers.3.attn`` and ``blocks.4.attn`` are ``layers`` and ``blocks``."""
    mine, theirs = old.split("."), new.split(".")
    while (
        len(mine) > 1 and len(theirs) > 1 and (mine[-1] == theirs[-1] or (mine[-1].isdigit() and theirs[-1].isdigit()))
    ):
        mine.pop()
        theirs.pop()
    return ".".join(mine), ".".join(theirs)


def stem(path: str) -> str:
    """The list that *path* is in: ``net.layers`` of ``net.layers.3.attn``."""
    steps = path.split(".")
    last = max((position for position, step in enumerate(steps) if step.isdigit()), default=len(steps))
    return ".".join(steps[:last]) or path
