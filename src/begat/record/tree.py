"""Which nodes a view shows first, what hangs below what, and what stays folded away.

The user's own constructions are shown, and whatever their arguments refer to; everything else is folded under what caused
it. Below means: by path, as the path grammar computes it (``model.enc`` hangs below ``model``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from begat.record.installed import in_packages
from begat.record.model import Argument, CallSite, Node
from begat.record.names import called
from begat.record.plain import fresh, nameless
from begat.record.values import SCALARS, Cut, Mapping, Member, Ref, Typed
from begat.record.walk import refs

if TYPE_CHECKING:
    from begat.record.graph import Run

_HOLDERS = (list, tuple, dict, set, frozenset, Mapping, Typed, Member, Cut)


@dataclass(frozen=True, slots=True)
class Folded:
    """Constructions of one *target* made by one piece of code, *by*; *nodes* are their ids."""

    target: str
    by: str
    nodes: tuple[int, ...]

    def __str__(self) -> str:
        return f"{len(self.nodes):,} × {called(self.target)}" + (f" by {self.by}" if self.by else "")


@dataclass(frozen=True, slots=True)
class Tree:
    """
    The shown nodes of a run, by id, and what hangs below what; None stands for the top.

    *names* are the nodes' paths, made distinct: a second node with the path ``model`` is called ``model:2``.
    """

    nodes: dict[int, Node]
    names: dict[int, str]
    parents: dict[int, int | None]
    children: dict[int | None, list[int]]

    def name(self, ref: Ref) -> str:
        """The path of what *ref* refers to."""
        return nameless(ref) if ref.run is not None else self.names.get(ref.node, nameless(ref))

    def below(self, node: int) -> str:
        """The path of *node* from its parent: ``enc`` for ``model.enc``; the whole path at the top."""
        parent = self.parents[node]
        return self.names[node] if parent is None else self.names[node][len(self.nodes[parent].path) + 1 :]

    def walk(self) -> Iterator[tuple[int, Node]]:
        """Every shown node with its depth, parents before children, siblings in order of construction."""
        todo = [(0, node) for node in reversed(self.children.get(None, ()))]
        while todo:
            depth, at = todo.pop()
            yield depth, self.nodes[at]
            todo.extend((depth + 1, node) for node in reversed(self.children.get(at, ())))


def grow(run: Run, everything: bool = False) -> Tree:
    """The tree of *run*: of what is shown first, or of *everything*."""
    shown = None if everything else visible(run)
    every = {node.id: node for node in run.nodes}
    whole = shown is None or len(shown) == len(every)
    nodes = every if whole else {number: node for number, node in every.items() if number in shown}  # type: ignore[operator]
    names: dict[int, str] = {}
    taken: set[str] = set()
    for node in run.nodes:
        name = node.path if node.path not in taken else fresh(node.path, taken)
        names[node.id] = name
        taken.add(name)
    owners = Owners(nodes.values())
    parents: dict[int, int | None] = {}
    children: dict[int | None, list[int]] = {}
    for number, node in nodes.items():
        parents[number] = parent = _parent(node, every, owners)
        if parent in children:
            children[parent].append(number)
        else:
            children[parent] = [number]
    return Tree(nodes, names, parents, children)


class Owners:
    """The nodes that others may hang below, by path; of several with one path, the first."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self._paths = {node.path: node.id for node in reversed(list(nodes))}
        self._lengths = set(map(len, self._paths))
        self._used: dict[int, set[int]] = {}
        self._spans: dict[int, tuple[int, int]] | None = None

    def above(self, path: str) -> int | None:
        """The owner of the longest proper prefix of *path*, by segments, that has one."""
        end = path.rfind(".")
        while end > 0:
            # By length first: to cut out every prefix of a path of very many segments would take for ever.
            owner = self._paths.get(path[:end]) if end in self._lengths else None
            if owner is not None:
                return owner
            end = path.rfind(".", 0, end)
        return None

    def uses(self, owner: Node, number: int) -> bool:
        """Whether *owner* has the object of node *number* among its arguments."""
        if owner.id not in self._used:
            self._used[owner.id] = {ref.node for ref in references(owner)}
        return number in self._used[owner.id]

    def has(self, owner: Node, node: Node, nodes: dict[int, Node]) -> bool:
        """Whether *node* is a part of *owner*: `model.1` is the first thing in `model`, or the second `model`, and only the record tells."""
        if self._spans is None:
            self._spans = _nested(nodes)
        (first, last), (at, _) = self._spans[owner.id], self._spans[node.id]
        return first < at <= last or self.uses(owner, node.id)


def _parent(node: Node, nodes: dict[int, Node], owners: Owners) -> int | None:
    """What *node* hangs below: the owner of the longest prefix of its path that really made or took it."""
    parent = owners.above(node.path)
    if parent is None:
        return None
    head, _, last = node.path.rpartition(".")
    while parent is not None and last.isdigit():
        owner = nodes[parent]
        if head != owner.path:
            break
        if owners.has(owner, node, nodes):
            break
        parent = owners.above(owner.path)
    return parent


def _nested(nodes: dict[int, Node]) -> dict[int, tuple[int, int]]:
    """
    For each of *nodes* its number in an order in which what was built inside it, however deep, comes next, and the last of these.

    Going outwards would take the square of the depth.
    """
    inner: dict[int | None, list[int]] = {}
    for number, node in nodes.items():
        # Outwards numbers fall, unless somebody edited the record.
        around = node.within if node.within is not None and node.within < number and node.within in nodes else None
        inner.setdefault(around, []).append(number)
    found: dict[int, tuple[int, int]] = {}
    todo = inner.pop(None, [])
    while todo:
        at = todo[-1]
        if at not in found:
            found[at] = len(found), -1
            todo += inner.get(at, ())
        else:
            todo.pop()
            first, last = found[at]
            found[at] = first, len(found) - 1 if last < 0 else last
    return found


def visible(run: Run) -> set[int]:
    """
    The ids of the nodes shown first: those made by the user's own code, what these refer to, and what took them and named them.

    The second matters for ``from_pretrained``: a library made the object, and the user's `Trainer(model)` says nothing
    without it. The third for ``make_pipeline(Scaler())``: the scaler is ``Pipeline.steps.0.1``.
    """
    nodes = {node.id: node for node in run.nodes}
    shown = {node.id for node in run.nodes if node.user}
    todo: list[int] = []
    if len(shown) < len(nodes):
        shown |= _named_by(run, shown)
        todo = list(shown)
    while todo:
        for ref in references(nodes[todo.pop()]):
            if ref.run is None and ref.node in nodes and ref.node not in shown:
                shown.add(ref.node)
                todo.append(ref.node)
    return shown


def _named_by(run: Run, shown: set[int]) -> set[int]:
    """The nodes not *shown* that took one that is as an argument, and gave it its path."""
    nodes = {node.id: node for node in run.nodes}
    owners = Owners(run.nodes)
    found: set[int] = set()
    todo = list(shown)
    while todo:
        at = todo.pop()
        owner = owners.above(nodes[at].path)
        if owner is None or owner in shown or owner in found:
            continue
        if owners.uses(nodes[owner], at):
            found.add(owner)
            todo.append(owner)
    return found


def folded(run: Run) -> dict[int | None, tuple[Folded, ...]]:
    """What is not shown first, grouped by target and code, under the shown node that caused it (None: the top)."""
    shown = visible(run)
    nodes = {node.id: node for node in run.nodes}
    owners = Owners(node for node in run.nodes if node.id in shown)
    groups: dict[int | None, dict[tuple[str, str], list[int]]] = {}
    causes: dict[int, int | None] = {}
    for node in run.nodes:
        if node.id not in shown:
            group = groups.setdefault(_cause(node, nodes, shown, owners, causes), {})
            group.setdefault((node.target, place(node.site)), []).append(node.id)
    return {
        parent: tuple(Folded(target, by, tuple(ids)) for (target, by), ids in found.items())
        for parent, found in groups.items()
    }


def _cause(
    node: Node, nodes: dict[int, Node], shown: set[int], owners: Owners, known: dict[int, int | None]
) -> int | None:
    """The shown node inside whose construction, or below whose path, *node* was made."""
    chain: list[int] = []
    at = node
    cause: int | None
    while at.id not in known:
        chain.append(at.id)
        known[at.id] = None  # a record that somebody edited may hold a circle
        if at.within in shown:
            cause = at.within
            break
        if at.within is None or at.within not in nodes:
            cause = owners.above(at.path)
            break
        at = nodes[at.within]
    else:
        cause = known[at.id]
    for step in chain:
        known[step] = cause
    return cause


def references(node: Node) -> Iterator[Ref]:
    """Every `Ref` among the arguments of *node*, in order."""
    for argument in node.arguments.values():
        value = argument.value
        if type(value) is Ref:
            yield value
        elif isinstance(value, _HOLDERS) and not scalars(value):
            yield from refs(value)


def scalars(value: object) -> bool:
    """Whether *value* is a list or tuple of plain scalars only: the common case, told fast."""
    return isinstance(value, list | tuple) and all(type(item) in SCALARS for item in value)


def entries(node: Node) -> Iterator[tuple[str, object, Argument]]:
    """The arguments of *node* as a reader addresses them: those of ``*args`` by number, those of ``**kwargs`` by their own name."""
    if node.starred == (None, None):
        for name, argument in node.arguments.items():
            yield name, argument.value, argument
        return
    positional, keyword = node.starred
    taken: set[str] = set()
    for name, argument in node.arguments.items():
        value = argument.value
        if name == positional and isinstance(value, list | tuple):
            items: list[tuple[str, object]] = [(str(position), item) for position, item in enumerate(value)]
        elif name == keyword and type(value) is dict:
            items = [(str(key), item) for key, item in value.items()]
        else:
            items = [(name, value)]
        for key, item in items:
            key = fresh(key, taken)
            taken.add(key)
            yield key, item, argument


def place(site: CallSite | None) -> str:
    """The code at *site* as ``sklearn.base:clone``; for a file outside the libraries, by the file's name."""
    if site is None:
        return ""
    file = site.file.replace("\\", "/").removesuffix(".py").removesuffix("/__init__")
    standard = _STANDARD.match(file)
    file = in_packages(file) or (file[standard.end() :] if standard else file.rpartition("/")[2])
    module = file.replace("/", ".")
    return f"{module}:{site.function}" if site.function else module


_STANDARD = re.compile(r".*/(?:python3\.\d+t?|Lib)/")
