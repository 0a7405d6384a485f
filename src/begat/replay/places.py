"""Where calls stand: functions and files are worth a word, lines are not."""

from __future__ import annotations

import re
from collections import Counter

from begat.record.checkout import below, roots
from begat.record.installed import in_packages
from begat.record.model import CallSite, Node
from begat.replay.changes import Change
from begat.replay.side import Side

# A cell of a notebook is a file of its own, called after the process.
_CELL = re.compile(r".*ipykernel_\d+/\d+\.py$|<ipython-input-.*>$")
# Until Python 3.11 a comprehension is a function; later it is a part of the one around it.
_COMPREHENSION = re.compile(r"(?:\.<locals>)?\.?<(?:listcomp|setcomp|dictcomp|genexpr)>")
Place = tuple[str, str]


def scope(function: str) -> str:
    """The function around a call in *function*, which may be a comprehension's."""
    return _COMPREHENSION.sub("", function) or "<module>"


class Places:
    """The call sites of pairs, as they come."""

    def __init__(self, before: Side, after: Side) -> None:
        self._sides = (before, after)
        self._files: tuple[dict[str, str], dict[str, str]] = ({}, {})
        self._roots = (roots(before.run), roots(after.run))
        self._moved: dict[tuple[Place, Place], list[tuple[Node, Node]]] = {}
        self._lines = 0
        self._known: dict[tuple[int, int], tuple[Place, Place, bool]] = {}  # by id: few sites, many calls

    def add(self, one: Node, other: Node) -> None:
        """Note a pair whose sites are not the same."""
        if one.site is None or other.site is None:
            return
        key = (id(one.site), id(other.site))
        known = self._known.get(key)
        if known is None:
            lines = one.site.line != other.site.line
            known = self._known[key] = (self._place(0, one.site), self._place(1, other.site), lines)
        mine, theirs, line = known
        if mine == theirs:
            self._lines += line
        elif one.user and other.user:
            self._moved.setdefault((mine, theirs), []).append((one, other))

    def changes(self) -> list[Change]:
        """Calls that moved to other functions or files; folded, how many moved to other lines, and files called otherwise."""
        renamed = self._renamed()
        programs = self._programs()
        whole: Counter[Place] = Counter()
        for (mine, theirs), pairs in self._moved.items():
            if (mine[0] in programs[0] or theirs[0] in programs[1]) and _base(mine[0]) != _base(theirs[0]):
                whole[mine[0], theirs[0]] += len(pairs)
        renamed |= whole
        found = [
            Change(
                "file",
                "",
                before=old,
                after=new,
                cause="file",
                why="the file is called otherwise",
                count=count,
                folded=True,
            )
            for (old, new), count in renamed.items()
        ]
        after = self._sides[1]
        for (mine, theirs), pairs in self._moved.items():
            files = mine[0], theirs[0]
            if files in whole or (mine[1] == theirs[1] and files in renamed):
                continue
            other = pairs[0][1]
            by_file = (mine[0], theirs[0]) not in renamed and mine[0] != theirs[0]
            old, new = (f"{file}:{function}" if by_file else function for file, function in (mine, theirs))
            found.append(
                Change("call", after.tree.names[other.id], before=old, after=new, cause="call", why="the call stands elsewhere",
                       target=other.target, count=len(pairs), site=other.site)
            )  # fmt: skip
        if self._lines:
            found.append(
                Change("line", "", cause="line", why="the call is on another line", count=self._lines, folded=True)
            )
        return found

    def _place(self, which: int, site: CallSite) -> Place:
        known = self._files[which]
        if site.file not in known:
            file = site.file.replace("\\", "/")
            if _CELL.match(file):
                known[site.file] = "<notebook>"
            else:
                known[site.file] = in_packages(file) or below(file, self._roots[which])
        return known[site.file], scope(site.function)

    def _programs(self) -> tuple[set[str], set[str]]:
        """
        For each run the file in which all of the user's own calls stand, where the other run has no such file.

        If it is called otherwise it is another program: one that was written from the record has no functions to compare.
        """
        if not self._moved:
            return set(), set()
        every: tuple[set[str], set[str]] = (set(), set())
        own: tuple[set[str], set[str]] = (set(), set())
        for which, side in enumerate(self._sides):
            for node in side.nodes.values():
                if node.site is not None:
                    file = self._place(which, node.site)[0]
                    every[which].add(file)
                    if node.user and node.within is None:
                        own[which].add(file)
        mine, theirs = (
            files - other if len(files) == 1 else set() for files, other in zip(own, reversed(every), strict=True)
        )
        return mine, theirs

    def _renamed(self) -> Counter[Place]:
        """Files of one run that are not in the other, whose calls all are in one file there: by both names, how many calls."""
        if not self._moved:
            return Counter()
        mine, theirs = ({self._place(which, node.site)[0] for node in side.nodes.values() if node.site is not None}
                        for which, side in enumerate(self._sides))  # fmt: skip
        steps = Counter((old[0], new[0]) for (old, new), pairs in self._moved.items() for _ in pairs)
        ways_out, ways_in = Counter(old for old, _ in steps), Counter(new for _, new in steps)
        return Counter({
            (old, new): count
            for (old, new), count in steps.items()
            if old != new
            and ways_out[old] == ways_in[new] == 1
            and old not in theirs
            and new not in mine
        })  # fmt: skip


def _base(file: str) -> str:
    return file.rpartition("/")[2]
