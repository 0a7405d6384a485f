"""The one walker over values: everything that looks inside a value, or changes one, goes through here."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from begat.record.values import Array, Cut, Made, Mapping, Member, Ref, Typed


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
    """*value* with every leaf put through *leaf*; containers keep their type, untouched values are returned as they are."""
    kind = type(value)
    if kind is list or kind is tuple:
        return kind([replaced(item, leaf) for item in value])  # type: ignore[attr-defined]
    if kind is set or kind is frozenset:
        return kind([replaced(item, leaf) for item in value])  # type: ignore[attr-defined]
    if kind is dict:
        return {key: replaced(item, leaf) for key, item in value.items()}  # type: ignore[attr-defined]
    if kind is Mapping:
        return Mapping(tuple((replaced(k, leaf), replaced(v, leaf)) for k, v in value.items))  # type: ignore[attr-defined]
    if kind is Typed:
        return Typed(value.type, replaced(value.value, leaf))  # type: ignore[attr-defined]
    if kind is Cut:
        return Cut(value.type, value.length, replaced(value.head, leaf), value.digest)  # type: ignore[attr-defined]
    return leaf(value)


__all__ = ["Array", "Made", "children", "located", "refs", "replaced"]
