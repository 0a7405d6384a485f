"""Whether two values of two runs are the same, and where inside them the difference lies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from begat.record.canonical import canonical
from begat.record.model import ABSENT
from begat.record.tree import scalars
from begat.record.values import SCALARS, Alias, Ref, Typed
from begat.record.walk import children, refs
from begat.replay.align import Alignment
from begat.replay.side import Side

Leaf = tuple[str, object, object]
_MOST = 20  # entries of one argument that are told one by one


@dataclass(frozen=True, slots=True)
class Values:
    """The values of two runs whose nodes are paired."""

    before: Side
    after: Side
    found: Alignment
    codes: bool  # whether fingerprints of code can be compared

    def same(self, one: Any, other: Any) -> bool:
        """Whether *one*, of the earlier run, means what *other* means in the later one."""
        kind = type(one)
        if kind is type(other):
            if kind in SCALARS:
                if one == other:
                    return kind is not float or one != 0 or repr(one) == repr(other)
                if kind is str:
                    return bool(self.before.shortened(one) == self.after.shortened(other))
                return kind is float and one != one and other != other  # noqa: PLR0124  # NaN
            if kind is Ref:
                return self._earlier(one) == self._later(other)
            if (kind is list or kind is tuple) and one == other and scalars(one) and repr(one) == repr(other):
                return True
        return self.text_before(one) == self.text_after(other)

    def text_before(self, value: object) -> str:
        """The canonical text of a value of the earlier run, in the terms of the later one."""
        return canonical(value, self._earlier, self.before.shortened, self.codes)

    def text_after(self, value: object) -> str:
        """The canonical text of a value of the later run."""
        return canonical(value, self._later, self.after.shortened, self.codes)

    def _earlier(self, ref: Ref) -> str:
        if ref.run is not None:
            return "~"  # of a run around this one, which is not compared
        number = self.found.pairs.get(ref.node)
        return f"#{number}" if number is not None else f"#-{ref.node}" if ref.node in self.before.nodes else "?"

    def _later(self, ref: Ref) -> str:
        return "~" if ref.run is not None else f"#{ref.node}" if ref.node in self.after.nodes else "?"

    def alike(self, one: object, other: object) -> bool:
        """Whether two values that differ say the same of what they refer to: only which objects are one has changed."""
        if type(one) in SCALARS or type(other) in SCALARS:
            return False
        if next(refs(one), None) is None:
            return False
        # What has a counterpart counts as that: its own arguments may have changed too, and are told apart from this.
        earlier, later = self._contents(self.before), self._contents(self.after)
        forth, back = self._contents(self.after, self.found.pairs), self._contents(self.before, self.found.back)
        return forth(one, self.before) == later(other, self.after) or earlier(one, self.before) == back(
            other, self.after
        )

    def _contents(self, side: Side, paired: dict[int, int] | None = None) -> Callable[[object, Side], str]:
        """A function that writes a value with the contents, in *side*, of what it refers to."""

        def content(ref: Ref, own: Side) -> str:
            number = ref.node if paired is None else paired.get(ref.node)
            found = own.contents.get(ref.node) if number is None else side.contents.get(number)
            return f"={found}"

        def written(value: object, own: Side) -> str:
            return canonical(value, lambda ref: content(ref, own), own.shortened, self.codes)

        return written

    def leaves(self, one: object, other: object) -> list[Leaf]:
        """Where two values differ: dotted keys, and what is there before and after; the whole, if that tells more."""
        if type(one) in SCALARS or type(other) in SCALARS or has_alias(one) or has_alias(other):
            return [("", one, other)]
        found = []
        for leaf in self._leaves(one, other, ""):
            found.append(leaf)
            if len(found) > _MOST:
                return [("", one, other)]
        return found

    def _leaves(self, one: Any, other: Any, at: str) -> Iterator[Leaf]:
        kind = type(one)
        if kind is not type(other):
            yield at, one, other
        elif kind is dict:
            for key in {**one, **other}:
                mine, theirs = one.get(key, ABSENT), other.get(key, ABSENT)
                where = f"{at}.{key}" if at else str(key)
                if mine is ABSENT or theirs is ABSENT:
                    yield where, mine, theirs
                elif not self.same(mine, theirs):
                    yield from self._leaves(mine, theirs, where)
        elif kind is Typed and one.type == other.type and type(one.value) is type(other.value) is dict:
            yield from self._leaves(one.value, other.value, at)
        elif kind in (list, tuple) and len(one) == len(other) and all(map(_holds_parts, (*one, *other))):
            for position, (mine, theirs) in enumerate(zip(one, other, strict=True)):
                if not self.same(mine, theirs):
                    yield from self._leaves(mine, theirs, f"{at}.{position}" if at else str(position))
        else:
            yield at, one, other


def _holds_parts(value: object) -> bool:
    return type(value) in (dict, list, tuple, Typed)


def has_alias(value: object) -> bool:
    """Whether parts of *value* are one and the same."""
    return any(type(part) is Alias for part in parts(value))


def parts(value: object) -> Iterator[object]:
    """*value* and everything in it."""
    todo = [value]
    while todo:
        here = todo.pop()
        yield here
        todo.extend(part for _, part in children(here))


def refers(value: object, test: Callable[[int], bool]) -> bool:
    """Whether *value* refers to a node of its run that passes *test*."""
    return any(ref.run is None and test(ref.node) for ref in refs(value))
