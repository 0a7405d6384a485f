"""Arguments that wait: what a program changes between the call and the build is told apart, and the build gets the call's.

Only the containers of the language are copied, and compared by the identity of what they hold: no code of the program runs.
"""

from __future__ import annotations

from typing import Any


def copies(values: tuple[Any, ...]) -> dict[int, Any]:
    """A copy of every value that is a container, or holds one, by its position."""
    for value in values:  # most are none of these: this is on the way of every call that waits
        kind = type(value)
        if kind is list or kind is dict or kind is tuple or kind is set or kind is bytearray:
            return {i: copied(value) for i, value in enumerate(values) if _holds_container(value)}
    return _NONE


_NONE: dict[int, Any] = {}  # never written to


def restored(values: tuple[Any, ...], kept: dict[int, Any]) -> tuple[tuple[Any, ...], list[int]]:
    """*values* as they were when *kept* was copied, the very objects where they are unchanged; and which were not."""
    changed = [position for position, copy in kept.items() if not same(values[position], copy)]
    if not changed:
        return values, changed
    return tuple([kept[i] if i in changed else value for i, value in enumerate(values)]), changed


def copied(value: Any) -> Any:
    """*value* with its lists, dicts, sets and bytearrays copied, and those in them; everything else is itself."""
    return _copy(value, {})


def _copy(value: Any, met: dict[int, Any]) -> Any:
    kind = type(value)
    if id(value) in met:
        return met[id(value)]
    if kind is list:
        found: Any = []
        met[id(value)] = found
        found.extend([_copy(item, met) for item in value])
        return found
    if kind is dict:
        found = {}
        met[id(value)] = found
        found.update({key: _copy(item, met) for key, item in value.items()})
        return found
    if kind is set or kind is bytearray:
        return value.copy()
    if kind is tuple:
        items = tuple([_copy(item, met) for item in value])
        met[id(value)] = found = items if any(a is not b for a, b in zip(items, value, strict=True)) else value
        return found
    return value


def same(left: Any, right: Any) -> bool:
    """Whether *left* still holds what *right*, its copy, holds."""
    return _same(left, right, set())


def _same(left: Any, right: Any, met: set[int]) -> bool:
    kind = type(left)
    if left is right or id(left) in met:
        return True
    if kind is not type(right) or not (kind is tuple or _holds_container(left)):
        return False
    if len(left) != len(right):
        return False
    met.add(id(left))
    if kind is list or kind is tuple:
        return all(_same(a, b, met) for a, b in zip(left, right, strict=True))
    if kind is dict:
        pairs = zip(left.items(), right.items(), strict=True)
        return all(a is b and _same(one, other, met) for (a, one), (b, other) in pairs)
    if kind is set:
        return {id(item) for item in left} == {id(item) for item in right}
    return bool(left == right)


def _holds_container(value: Any) -> bool:
    met: set[int] = set()  # tuples may share tuples
    todo = [value]
    while todo:
        here = todo.pop()
        kind = type(here)
        if kind is list or kind is dict or kind is set or kind is bytearray:
            return True
        if kind is tuple and id(here) not in met:
            met.add(id(here))
            todo.extend(here)
    return False
