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
from begat.introspect.builtin import are_scalars
from begat.introspect.describe import FEW, LIMITS, Link, flat, snapshot
from begat.introspect.targets import is_class
from begat.record.values import Mapping


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


def snap(value: object, schema: object = None, lane: Lane | None = None) -> object:
    """*value* as it is now, as data: what a row of *schema* holds for an argument that is no plain scalar."""
    # Tracked objects, and small containers of them and of scalars, are most of what comes here: the quick way to what
    # `snapshot` would find.
    kind = type(value)
    plan = _PLANS.get(id(kind))
    if plan is not None and plan.key is not None:
        found: object = (lane is not None and _linked_item(value, kind, plan, lane.links)) or _row_link(value)
        if found is not None:
            return found
    elif (kind is dict or kind is tuple or kind is list) and len(value) <= FEW:  # type: ignore[arg-type]  # by its type
        if not value:
            return {} if kind is dict else () if kind is tuple else []
        found = flat(value, FEW, LIMITS)
        if found is not None:
            return found
        links: list[Link] = []
        met: list[Any] = []
        found = _small(value, kind, links, met, _DEEP, [FEW])
        # What is met twice is the slow way's, which says so.
        if found is not None and (len(met) < 2 or len(set(map(id, met))) == len(met)):
            if links and (lane := lane or LANE.get()) is not None:
                lane.links += links
            return found
    sink = lane.sink if lane is not None else None
    return snapshot(value, _row_link, room=sink.room(schema) if sink is not None else None)


def _small(value: Any, kind: type, links: list[Link], met: list[Any], deep: int, room: list[int]) -> Any:
    """
    *value*, a small dict, list or tuple, as data, if all in it are short scalars, tracked objects and, up to *deep* levels, more
    of its kind; None if it needs a closer look. *links* and *met* get the links and the containers in it, of whose items there
    is *room* for so many.
    """
    room[0] -= len(value)
    if room[0] < 0:
        return None  # what is large has its limits elsewhere: not a step more
    found: Any = value.copy() if kind is dict else [*value]  # in one step of C: no other thread comes between
    met.append(value if kind is not tuple else found)  # a tuple may be met twice
    if kind is dict and not are_scalars(found, LIMITS):
        keys = _small([*found], list, links, met, deep, room)
        items = _small([*found.values()], list, links, met, deep, room) if keys is not None else None
        return Mapping(tuple(zip(keys, items, strict=True))) if items is not None else None
    for step, item in found.items() if kind is dict else enumerate(found):  # the keys stay, the items may be replaced
        kind_of_item = type(item)
        if kind_of_item is str:
            if len(item) > _SHORT:
                return None
        elif kind_of_item is int:
            if item.bit_length() > _BITS:
                return None
        elif kind_of_item is not float and kind_of_item is not bool and item is not None:
            if kind_of_item is dict or kind_of_item is tuple or kind_of_item is list:
                if not deep or len(met) > FEW:
                    return None
                if kind_of_item is dict and not item:  # the data of an edge, mostly
                    met.append(item)
                    part: Any = {}
                else:
                    part = _small(item, kind_of_item, links, met, deep - 1, room)
            else:
                part = _linked_item(item, kind_of_item, _PLANS.get(id(kind_of_item)), links)
            if part is None:
                return None
            found[step] = part
    return tuple(found) if kind is tuple else found


def _linked_item(item: object, kind: type, plan: Any, links: list[Link]) -> Link | None:
    if plan is None or plan.key is None or not plan.weak or plan.kind() is not kind:
        return None
    found: Link = _NEW(Link)
    found.node = ref(item)
    found.run = plan.schema
    links.append(found)
    return found


_PLANS = linked.plans
_NEW = object.__new__  # half the time of calling the class
_DEEP, _SHORT, _BITS = 4, 200, 64
