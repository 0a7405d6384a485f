"""Who is who: tokens for live objects, and links from an argument to the object that it is.

CPython keeps one weak reference without a callback per object and hands it out again, so the reference itself is the
identity: two tokens are the same object exactly when they stand for the same object. Nothing is looked up by address.
"""

from __future__ import annotations

from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any
from weakref import ref

from begat.intercept.interceptor import LANE, Lane, token_of
from begat.introspect.describe import Link, snapshot
from begat.introspect.targets import is_class


class _Linked:
    """What `link` needs from above it: what tracking says of a type, and the types that tracked functions have returned."""

    plan_of: Callable[[Any], Any]
    results: dict[int, ref[Any]]  # by the id of the reference, which is held here

    def __init__(self) -> None:
        self.results = {}
        self.plans: dict[int, Any] = {}  # those made so far, by the id of the type
        self.result_types: set[int] = set()
        self.behind: dict[int, Callable[[Any], Any]] = {}  # by the id of a type whose objects stand for others


linked = _Linked()


def link(obj: object) -> Link | None:
    """What stands for *obj* in a value if its class is tracked or a tracked function returned it; None otherwise."""
    kind = type(obj)
    plan = linked.plan_of(kind)
    if plan.key is not None:
        return Link(ref(obj) if plan.weak else _pinned(obj), plan.schema)
    if id(kind) in linked.result_types:
        token = ref(obj)
        if linked.results.get(id(token)) is token:
            return Link(token, None)
    behind = linked.behind.get(id(kind))
    if behind is not None:
        found: Link | None = behind(obj)
        return found
    return None


def _pinned(obj: object) -> object | None:
    lane = LANE.get()
    return lane.sink.pinned(obj) if lane is not None and lane.sink is not None else None


def _row_link(obj: object) -> Link | None:
    """The `link` of *obj* for a row that is being written: the run will find its number."""
    found = link(obj)
    if found is not None and (lane := LANE.get()) is not None:
        lane.links.append(found)
    return found


def _has_a_name(value: object) -> bool:
    """Whether *value* is a class, module or function that anybody can import."""
    kind = type(value)
    if kind is FunctionType:
        return "<" not in value.__qualname__  # type: ignore[attr-defined]  # by its type
    return kind is BuiltinFunctionType or kind is ModuleType or is_class(value)


def identity_of(result: object, lane: Lane) -> object | None:
    """The token of what a call returned; None for values, which have no identity worth keeping."""
    if linked.plan_of(type(result)).key is not None:
        return token_of(result, lane)
    if _has_a_name(result):
        return None  # it is known by that, wherever it is passed
    try:
        token = ref(result)
    except TypeError:
        return None
    linked.results[id(token)] = token
    linked.result_types.add(id(type(result)))
    if len(linked.results) % 1024 == 0:
        for key, known in list(linked.results.items()):
            if known() is None:
                del linked.results[key]
    return token


def described(value: object) -> object:
    """*value* as it is now, as data, for no row: its links are nobody's business yet."""
    return snapshot(value, link)


def snap(value: object) -> object:
    """*value* as it is now, as data: what a row holds for an argument that is no plain scalar."""
    # Tracked objects, and flat containers of them and of scalars, are most of what comes here: the quick way to what
    # `snapshot` would find.
    kind = type(value)
    plan = _PLANS.get(id(kind))
    if plan is not None and plan.key is not None:
        found: object = _row_link(value)
        if found is not None:
            return found
    elif kind is tuple or kind is list:
        if not value:
            return () if kind is tuple else []
        if len(value) <= _FEW:  # type: ignore[arg-type]  # by its type
            items = _flat(value[:])  # type: ignore[index]  # as above
            if items is not None:
                return items if kind is list else tuple(items)
    elif kind is dict and not value:
        return {}
    return snapshot(value, _row_link)


def _flat(values: Any) -> list[object] | None:
    """*values* as data if they are short scalars and tracked objects; None if they need a closer look."""
    found: list[object] = []
    links: list[Link] = []
    for value in values:
        kind = type(value)
        if kind is str:
            if len(value) > _SHORT:
                return None
            found.append(value)
        elif kind is float or kind is bool or value is None or (kind is int and value.bit_length() <= _BITS):
            found.append(value)
        else:
            plan = _PLANS.get(id(kind))
            if plan is None or plan.key is None or not plan.weak or plan.kind() is not kind:
                return None
            item: Link = _NEW(Link)
            item.node = ref(value)
            item.run = plan.schema
            links.append(item)
            found.append(item)
    if links and (lane := LANE.get()) is not None:
        lane.links += links
    return found


_PLANS = linked.plans
_NEW = object.__new__  # half the time of calling the class
_FEW, _SHORT, _BITS = 64, 200, 64
