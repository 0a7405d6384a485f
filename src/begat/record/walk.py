"""The one walker over values: everything that looks inside a value, or changes one, goes through here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from begat.record.values import Cut, Mapping, Member, Ref, Typed


def children(value: object) -> Iterator[tuple[str, object]]:
    """The parts of *value* with the path segment that leads to each (``"0"``, ``"lr"``); nothing for a leaf."""
    kind = type(value)
    if kind is list or kind is tuple:
        for position, item in enumerate(value):  # type: ignore[var-annotated, arg-type]  # narrowed by type()
            yield str(position), item
    elif kind is dict:
        for key, item in value.items():  # type: ignore[attr-defined]  # narrowed by type()
            yield str(key), item
    elif kind is set or kind is frozenset:
        for item in value:  # type: ignore[attr-defined]  # narrowed by type()
            yield "", item
    elif kind is Mapping:
        for position, (_, item) in enumerate(value.items):  # type: ignore[attr-defined]  # narrowed by type()
            yield str(position), item
    elif kind is Typed or kind is Member:
        yield from children(value.value)  # type: ignore[attr-defined]  # narrowed by type()
    elif kind is Cut:
        yield from children(value.head)  # type: ignore[attr-defined]  # narrowed by type()


def refs(value: object) -> Iterator[Ref]:
    """Every `Ref` in *value*, in order."""
    for _, ref in located(value):
        yield ref


def located(value: object, at: str = "") -> Iterator[tuple[str, Ref]]:
    """Every `Ref` in *value* with its dotted path inside it (``""`` where the value itself is the `Ref`)."""
    todo = [(at, value)]
    while todo:
        path, here = todo.pop()
        if type(here) is Ref:
            yield path, here
        else:
            below = [(f"{path}.{step}" if path else step, part) for step, part in children(here)]
            todo.extend(reversed(below))


def replaced(value: object, leaf: Callable[[object], object]) -> object:
    """*value* with every leaf put through *leaf*; containers keep their type."""
    if type(value) not in _WITH_PARTS:
        return leaf(value)
    return rebuilt(value, lambda _, part: replaced(part, leaf))


def rebuilt(value: Any, part: Callable[[str | None, object], object]) -> object:
    """*value* with each part put through ``part(key, item)``, *key* None where no text names it; a leaf as it is."""
    kind = type(value)
    if kind is list or kind is tuple or kind is set or kind is frozenset:
        return kind([part(None, item) for item in value])
    if kind is dict:
        return {key: part(_name(key), item) for key, item in value.items()}
    if kind is Mapping:
        return Mapping(tuple((part(None, key), part(_name(key), item)) for key, item in value.items))
    if kind is Typed:
        return Typed(value.type, part(None, value.value))
    if kind is Member:
        return Member(value.type, value.name, part(None, value.value))
    if kind is Cut:
        return Cut(value.type, value.length, part(None, value.head), value.digest)
    return value


def _name(key: object) -> str | None:
    if type(key) is Member:
        return key.name
    if type(key) is bytes:
        return key.decode("ascii", "replace")
    if type(key) is tuple and all(type(part) is str for part in key):
        return ".".join(key)
    return key if type(key) is str else None


_WITH_PARTS = frozenset((list, tuple, set, frozenset, dict, Mapping, Typed, Member, Cut))
