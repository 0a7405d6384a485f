"""Who is who: tokens for live objects, and links from an argument to the object that it is.

CPython keeps one weak reference without a callback per object and hands it out again, so the reference itself is the
identity: two tokens are the same object exactly when they stand for the same object. Nothing is looked up by address.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import ref

from begat.intercept.interceptor import LANE, Lane, Pin, token_of, weakrefoffset
from begat.introspect.describe import Link, snapshot


class _Linked:
    """What `link` needs from above it: what tracking says of a type, and the types that tracked functions have returned."""

    plan_of: Callable[[Any], Any]
    results: dict[int, ref[Any]]  # by the id of the reference, which is held here

    def __init__(self) -> None:
        self.results = {}
        self.plans: dict[int, Any] = {}  # those made so far, by the id of the type
        self.count = 0  # the links made so far: who sees it unchanged has no edge to look for
        self.result_types: set[int] = set()
        self.behind: dict[int, Callable[[Any], Any]] = {}  # by the id of a type whose objects stand for others


linked = _Linked()


def link(obj: object) -> Link | None:
    """What stands for *obj* in a row if its class is tracked or a tracked function returned it; None otherwise."""
    kind = type(obj)
    plan = linked.plan_of(kind)
    if plan.key is not None:
        linked.count += 1
        return Link((_token(obj), plan.schema))
    if id(kind) in linked.result_types:
        token = ref(obj)
        if linked.results.get(id(token)) is token:
            linked.count += 1
            return Link((token, None))
    behind = linked.behind.get(id(kind))
    if behind is not None:
        found: Link | None = behind(obj)
        linked.count += found is not None
        return found
    return None


def _token(obj: object) -> object:
    if weakrefoffset(type(obj)):
        return ref(obj)
    lane = LANE.get()
    return lane.sink.pinned(obj) if lane is not None and lane.sink is not None else None


def identity_of(result: object, lane: Lane) -> object | None:
    """The token of what a call returned; None for values, which have no identity worth keeping."""
    if linked.plan_of(type(result)).key is not None:
        return token_of(result, lane)
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


def stands_for(token: object, obj: object) -> bool:
    """Whether *token* is the token of *obj*."""
    if type(token) is ref:
        return token() is obj
    return type(token) is Pin and token.obj is obj


def snap(value: object) -> object:
    """*value* as it is now, as data: what a row holds for an argument that is no plain scalar."""
    plan = linked.plans.get(id(type(value)))
    if (
        plan is not None and plan.key is not None
    ):  # of a tracked class, most likely: the quick way to what `snapshot` would find
        found = link(value)
        if found is not None:
            return found
    return snapshot(value, link)
