"""A run as plain data for other tools: the nested `config` and the dotted `flat`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from begat.record import limits
from begat.record.model import Node
from begat.record.names import short
from begat.record.paths import segment
from begat.record.plain import Named, fresh, keyed, plain, text
from begat.record.tree import Tree, entries, grow, scalars
from begat.record.values import SCALARS, Cut, Mapping, Member, Ref, Typed
from begat.record.walk import refs

if TYPE_CHECKING:
    from begat.record.graph import Run

Told = Callable[[object, Named, str], Any]  # a value, the names of objects, and the value's path

_UNSAFE = re.compile(r"[^A-Za-z0-9_ .:-]")  # what MLflow refuses in a key, and the slash, of which it makes folders
_LONGEST = 240  # MLflow takes 250; a number may come behind it


def config(run: Run, everything: bool = False) -> dict[str, Any]:
    """
    Every argument as nested, JSON-ready data: ``{"model": {"class": "train:Net", "hidden": 128, "enc": {…}}}``.

    An object made for an argument stands in its place; an object that stands elsewhere is the text ``"@path"``. The target
    is under ``class`` (a keyword, so no parameter is called so), or under ``call`` for factories and functions.
    """
    tree = grow(run, everything)
    made: dict[int, dict[str, Any]] = {number: {} for number in tree.nodes}
    placed: set[int] = set()
    for node in tree.nodes.values():
        _fill(made[node.id], node, tree, made, placed)

    whole: dict[str, Any] = {}
    between: dict[tuple[int, str], dict[str, Any]] = {}
    for number in tree.nodes:
        if number not in placed:
            parent = tree.parents[number]
            _hang(
                made[number], tree.below(number), whole if parent is None else made[parent], between, tree.nodes[number]
            )
    return whole


def _fill(into: dict[str, Any], node: Node, tree: Tree, made: dict[int, dict[str, Any]], placed: set[int]) -> None:
    """Write what *node* was called with into its dict, with the dicts of the objects made for it in their places."""

    def build(value: object, at: str) -> Any:
        kind = type(value)
        if kind is Ref:
            assert isinstance(value, Ref)
            if value.run is None and value.node not in placed and tree.parents.get(value.node, -1) == node.id:
                placed.add(value.node)
                return made[value.node]
            return f"@{tree.name(value)}"
        if kind in SCALARS or scalars(value) or next(refs(value), None) is None:
            return plain(value, tree.name, at)
        match value:
            case list() | tuple():
                return [build(item, at) for item in value]
            case dict():
                return keyed(((key, build(item, at)) for key, item in value.items()), tree.name)
            case Mapping():
                return keyed(((key, build(item, at)) for key, item in value.items), tree.name)
            case Typed() | Member():
                return build(value.value, at)
            case _:
                return plain(value, tree.name, at)

    into["class" if node.kind == "class" else "call"] = node.target
    for name, value, _ in entries(node):
        into[fresh(name, into)] = build(value, f"{node.path}.{name}")


def _hang(
    child: dict[str, Any], way: str, top: dict[str, Any], between: dict[tuple[int, str], dict[str, Any]], node: Node
) -> None:
    """
    Put *child* into *top* under its own segments.

    Beside a parameter of the same name: ``dropout`` and ``dropout:Dropout``; beside an object of that name: ``Block`` and ``Block.1``.
    """
    *steps, last = way.split(".") if len(way) <= limits.PATH else (way,)
    at = top
    for position, step in enumerate(steps):
        inner = between.get((id(at), step))
        if inner is None:
            if isinstance(at.get(step), dict):
                last = ".".join((*steps[position:], last))
                break
            key = fresh(f"{step}:{short(node.target)}", at) if step in at else step
            inner = at[key] = between[id(at), step] = {}
        at = inner
    at[fresh(f"{last}:{short(node.target)}", at) if last in at else last] = child


def flat(run: Run, everything: bool = False, told: Told = plain) -> dict[str, Any]:
    """
    Every argument as dotted, JSON-ready data: ``{"model": "train:Net", "model.hidden": 128, "model.enc": "train:Encoder", …}``.

    Made for loggers: MLflow and W&B take it as it is. A key that a node shares with a parameter gets ``.class`` behind it.
    *told* makes of each value what is to be in its place; objects are texts all the same.
    """
    tree = grow(run, everything)
    found: dict[str, Any] = {}
    steps: dict[str, str] = {}
    for _, node in tree.walk():
        path = tree.names[node.id]
        key = _key(path)
        found[key if key not in found else fresh(f"{key}.class", found)] = node.target
        for name, value, _ in entries(node):
            step = steps.get(name) or steps.setdefault(name, segment(name))
            at = f"{path}.{step}"
            if type(value) is Ref and tree.name(value) == at:
                continue  # the object's own entry says it
            if type(value) in SCALARS or scalars(value):
                if path is not key or len(at) > _LONGEST:
                    at = _key(at)
                found[at if at not in found else fresh(at, found)] = told(value, tree.name, at)
            else:
                _descend(found, at, value, tree, told)
    return found


def _descend(found: dict[str, Any], path: str, value: object, tree: Tree, told: Told) -> None:
    """Write *value* under *path*: whole where it is a leaf or a list of leaves, key by key otherwise."""
    todo: list[tuple[str, object]] = [(path, value)]
    while todo:
        at, here = todo.pop()
        match here:
            case Ref():
                name = tree.name(here)
                if name != at:
                    found[fresh(_key(at), found)] = f"@{name}"
                continue
            case dict() if here:
                below = [
                    (f"{at}.{segment(key if type(key) is str else text(key))}", item) for key, item in here.items()
                ]
            case Mapping() if here.items:
                below = [(f"{at}.{segment(text(key, tree.name))}", item) for key, item in here.items]
            case Typed() if _holds(here):
                below = [(at, here.value)]
            case list() | tuple() if _holds(here):
                below = [(f"{at}.{position}", item) for position, item in enumerate(here)]
            case _:
                found[fresh(_key(at), found)] = told(here, tree.name, at)
                continue
        todo.extend(reversed(below))


def _holds(value: object) -> bool:
    """Whether there is a `Ref` or a dictionary anywhere inside *value*."""
    if scalars(value):
        return False
    todo = [value]
    while todo:
        match todo.pop():
            case Ref() | dict() | Mapping():
                return True
            case list() | tuple() | set() | frozenset() as items:
                todo.extend(items)
            case Typed() | Cut() as wrapped:
                todo.append(wrapped.value if isinstance(wrapped, Typed) else wrapped.head)
            case _:
                pass
    return False


def _key(path: str) -> str:
    """*path* as a key that every logger accepts."""
    if _UNSAFE.search(path):
        path = _UNSAFE.sub("_", path)
    if len(path) > _LONGEST:
        import zlib

        path = f"{path[: _LONGEST - 9]}:{zlib.crc32(path.encode()):08x}"
    return path
