"""One text for all values that mean the same: for fingerprints, and to tell whether two values differ.

The order of a dictionary's keys and of a set does not show, nor does where the checkout lies; types do (``1``, ``1.0`` and
``True`` differ, and so do ``0.0`` and ``-0.0``), sharing does, and one NaN is like another.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterator
from typing import Any

from begat.record.encoding import encode, type_name
from begat.record.engine import engine
from begat.record.values import NUMBERS, Alias, Array, Cut, Made, Mapping, Member, Opaque, Redacted, Ref, Symbol, Typed
from begat.record.walk import children

Named = Callable[[Ref], str]
Shortened = Callable[[str], str]

_ORDERED = "collections:OrderedDict"  # the order of its keys is part of what it is


def same_path(text: str) -> str:
    """*text*: where nothing is known of checkouts, a path is itself."""
    return text


def canonical(value: object, named: Named, shortened: Shortened = same_path, codes: bool = True) -> str:
    """
    The text of *value*; *named* gives that of a `Ref`, and *shortened* takes the checkout's folder off a path.

    Without *codes* functions that cannot be imported are told by name alone: their fingerprints are those of one Python.
    """
    kind = type(value)
    if kind in NUMBERS:
        return repr(value) if kind is not int or -_SHORT < value < _SHORT else hex(value)  # type: ignore[operator, arg-type]
    if kind is str:
        return repr(shortened(value))  # type: ignore[arg-type]  # narrowed by type()
    return _Writer(value, named, shortened, codes).text(value, "")


_SHORT = 1 << 64  # above some thousand digits Python refuses to write decimals


class _Writer:
    """Writes one argument: an alias is told by what it stands for, whichever of the two places comes first."""

    def __init__(self, root: object, named: Named, shortened: Shortened, codes: bool) -> None:
        self._named = named
        self._shortened = shortened
        self._codes = codes
        self._shared = dict(_shared(root))
        self._numbers: dict[str, int] = {}

    def text(self, value: Any, at: str) -> str:
        if type(value) is Alias:
            at, value = value.path, self._shared.get(value.path, value)
            if type(value) is Alias:  # it leads nowhere: somebody edited the record
                return f"alias({at!r})"
        if at not in self._shared or type(value) not in _CONTAINERS:
            return self._whole(value, at)
        if at in self._numbers:
            return f"^{self._numbers[at]}"
        self._numbers[at] = number = len(self._numbers)
        return f"{number}={self._whole(value, at)}"

    def _whole(self, value: Any, at: str) -> str:
        kind = type(value)
        if kind is list or kind is tuple:
            inside = ",".join([self.text(item, _join(at, step)) for step, item in children(value)])
            return f"[{inside}]" if kind is list else f"({inside})"
        if kind is dict:
            return f"{{{','.join(self._pairs(value.items(), at, sort=True))}}}"
        if kind is Mapping:
            return f"m{{{','.join(self._pairs(value.items, at, sort=True, numbered=True))}}}"
        if kind is set or kind is frozenset:
            return f"{kind.__name__}{{{','.join(sorted(self._apart(item) for item in value))}}}"
        if kind is Typed:
            if value.type == _ORDERED and type(value.value) is dict:
                return f"<{value.type}>{{{','.join(self._pairs(value.value.items(), at, sort=False))}}}"
            return f"<{value.type}>{self.text(value.value, at)}"
        return self._leaf(value, at)

    def _pairs(self, items: Any, at: str, sort: bool, numbered: bool = False) -> list[str]:
        keyed = [
            (self._apart(key), _join(at, str(step) if numbered else str(key)), item)
            for step, (key, item) in enumerate(items)
        ]
        if sort:
            keyed.sort(key=lambda entry: entry[0])
        return [f"{key}:{self.text(item, where)}" for key, where, item in keyed]

    def _apart(self, value: object) -> str:
        """A key, or a member of a set: nothing that could be an alias, and written alone so that it can be sorted."""
        return canonical(value, self._named, self._shortened, self._codes)

    def _leaf(self, value: Any, at: str) -> str:
        kind = type(value)
        if kind in NUMBERS or kind is str:
            return canonical(value, self._named, self._shortened)
        if kind is Ref:
            return self._named(value)
        if kind is Symbol:
            code = value.code if self._codes and not value.importable else None
            return f"symbol({value.target!r},{value.kind},{value.importable},{code})"
        if kind is Member:
            return f"member({value.type!r},{value.name!r},{self.text(value.value, at)})"
        if kind is Array:
            return f"array({value.type!r},{value.dtype!r},{value.shape!r},{self._apart(value.data)})"
        if kind is Opaque:
            return f"opaque({value.type!r},{self._apart(value.facts)})"
        if kind is Cut:
            return f"cut({value.type!r},{value.length},{self.text(value.head, at)},{value.digest})"
        if kind is Redacted:
            return f"redacted({value.type!r})"
        if kind is Made:
            return f"made({self._apart(value.factory)})"
        if isinstance(value, pathlib.PurePath):
            return f"path({self._shortened(value.as_posix())!r})"
        try:
            return engine().dumps(encode(value)).decode()
        except (TypeError, ValueError):  # no value of a record
            return f"?({type_name(kind)})"


_CONTAINERS = frozenset((list, dict, set, Typed, Mapping, tuple, frozenset))


def _join(at: str, step: str) -> str:
    return f"{at}.{step}" if at else step


def _shared(root: object) -> Iterator[tuple[str, object]]:
    """What the aliases in *root* stand for, by path."""
    if type(root) not in _CONTAINERS and type(root) is not Cut:
        return
    wanted: set[str] = set()
    found: dict[str, object] = {"": root}
    todo: list[tuple[str, object]] = [("", root)]
    while todo:
        at, value = todo.pop()
        if type(value) is Alias:
            wanted.add(value.path)
            continue
        for step, part in children(value):
            where = _join(at, step)
            if type(part) is Alias:
                wanted.add(part.path)
            elif type(part) in _CONTAINERS:
                found.setdefault(where, part)
                todo.append((where, part))
    for at in wanted:
        if at in found:
            yield at, found[at]
