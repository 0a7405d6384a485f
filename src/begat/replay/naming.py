"""What the objects of a run are called in generated code: so that the code's own names, read again, give the paths they had."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from begat.record import limits
from begat.record.graph import Run
from begat.record.model import Node
from begat.record.names import class_name, short
from begat.record.paths import segment
from begat.replay.imports import is_variable
from begat.replay.spelling import is_index, quoted


@dataclass(frozen=True, slots=True)
class Place:
    """
    Where a statement puts its object: *target* is empty for an expression that nobody names.

    *before* are lines that have to stand before it, *displaced* is the node whose name it takes, *append* says that it goes
    behind the others of a list, *shared* that it has no name of its own.
    """

    target: str
    before: tuple[str, ...] = ()
    displaced: int | None = None
    append: bool = False
    shared: bool = False


class Names:
    """The names of the objects that *nodes* built; `taken` has every name of the code."""

    def __init__(self, run: Run, nodes: Iterable[Node]) -> None:
        self.run = run
        nodes = list(nodes)
        self.paths = {node.path for node in nodes}
        unnamed = {node.path for node in nodes if _is_unnamed(node)}
        roots = {root for node in nodes if (root := node.path.partition(".")[0]) not in unnamed}
        self.taken = {usable for root in roots if (usable := _usable(root))}
        self._holders: dict[str, int] = {}  # variable → the node it holds now
        self._names: dict[int, str] = {}
        self._counts: dict[str, int] = {}
        self._next: dict[str, int] = {}  # the number of the next variable that is made up
        self._lists: dict[str, int] = {}
        self._spaces: set[str] = set()

    def of(self, number: int) -> str:
        """The text for the object of node *number*."""
        return self._names[number]

    def helper(self, wanted: str) -> str:
        """The name of a function of the code itself: *wanted*, unless the program has a variable called so."""
        found = wanted if wanted not in self.taken else self.fresh(wanted)
        self.taken.add(found)
        return found

    def fresh(self, wanted: str) -> str:
        """A variable that nothing else has."""
        wanted = _usable(_snake(wanted)) or "thing"
        found, number = wanted, self._next.get(wanted, 2)
        while found in self.taken:
            found, number = f"{wanted}_{number}", number + 1
        self._next[wanted] = number
        self.taken.add(found)
        return found

    def alias(self, node: Node) -> str:
        """A variable for *node*, which goes by where it is used."""
        last = node.path.rpartition(".")[2]
        last = last if not last.isdecimal() and "." in node.path else short(node.target)
        self._names[node.id] = self.fresh(last)
        return self._names[node.id]

    def keep(self, number: int, target: str) -> str:
        """Another variable for node *number*, whose own is taken by a later object."""
        self._names[number] = self.fresh(re.sub(r"\W+", "_", f"first_{target}").rstrip("_"))
        return self._names[number]

    # --- lists ------------------------------------------------------------------------------------------------------------
    def is_list(self, base: str) -> bool:
        """Whether ``base.0`` is an item of the list *base*, and no second object of that name."""
        return is_variable(base) and base not in self.paths

    def starts_list(self, base: str) -> bool:
        """Whether the list *base* can begin now."""
        return base not in self._lists and base not in self._spaces

    def list(self, base: str, items: Iterable[int]) -> str:
        """The variable of the list *base*, which holds *items*."""
        for index, number in enumerate(items):
            self._names[number] = f"{base}[{index}]"
            self._holders[f"{base}.{index}"] = number
            self._lists[base] = index + 1
        return base

    # --- statements -------------------------------------------------------------------------------------------------------
    def place(self, node: Node, used: bool, argument: bool) -> Place:
        """Where the statement that builds *node* puts it; *used*: it is used later; *argument*: it is called by that use."""
        if argument:
            return self._shared(node)
        if _is_unnamed(node):
            return self._shared(node) if used else Place("")
        base, _, index = node.path.rpartition(".")
        if not base:
            return self._variable(node, node.path)
        if index.isdecimal() and self._is_next(base, int(index)):
            self._counts[_usable(base)] = int(index)
            return self._variable(node, base)
        if index.isdecimal() and self._lists.get(base) == int(index):
            self._lists[base] += 1
            self._names[node.id] = f"{base}[{index}]"
            self._holders[node.path] = node.id
            return Place(base, append=True)
        if index.isdecimal() and base in self._holders and self._is_item(base):
            return self._item_again(node, base, int(index))
        return self._inside(node)

    def _is_item(self, path: str) -> bool:
        """Whether *path* is an item of a list that is there already."""
        base, _, index = path.rpartition(".")
        return index.isdecimal() and self._lists.get(base, 0) > int(index)

    def _item_again(self, node: Node, path: str, index: int) -> Place:
        """``blocks[1] = Block()``, where the list has something at 1: its second object is called ``blocks.1.1``."""
        if self._counts.get(path, 1) != index:
            return self._shared(node)
        self._counts[path] = index + 1
        displaced, self._holders[path] = self._holders[path], node.id
        base, _, item = path.rpartition(".")
        self._names[node.id] = f"{base}[{item}]"
        return Place(self._names[node.id], displaced=displaced)

    def _is_next(self, base: str, index: int) -> bool:
        """Whether *index* is what another object called *base* gets now: numbers that arguments of the first have are taken."""
        count = self._counts.get(_usable(base))
        return count is not None and count <= index and all(f"{base}.{n}" in self.paths for n in range(count, index))

    def _variable(self, node: Node, name: str) -> Place:
        name = _usable(name)
        if not name:
            return self._shared(node)
        self._counts[name] = self._counts.get(name, 0) + 1
        displaced = self._holders.get(name)
        self._holders[name] = node.id
        self._names[node.id] = name
        return Place(name, displaced=displaced)

    def _inside(self, node: Node) -> Place:
        """``opts["beta"] = Adam()``: into a dict, or an object that is there already."""
        root, *steps = node.path.split(".")
        if not is_variable(root) or root in self._lists or len(node.path) > limits.PATH:
            return self._shared(node)
        before: list[str] = []
        target, at = root, root
        if root not in self._holders and root not in self._spaces:
            self._spaces.add(root)
            before.append(f"{root} = {{}}")
        for step in steps:
            attribute = at in self._holders
            if at not in self._holders and at not in self._spaces:
                self._spaces.add(at)
                before.append(f"{target} = {{}}")
            if attribute and not is_variable(step):
                return self._shared(node)
            at = f"{at}.{step}"
            target = f"{target}.{step}" if attribute else f"{target}[{step if is_index(step) else quoted(step)}]"
        self._holders[at] = node.id
        self._names[node.id] = target
        return Place(target, tuple(before))

    def _shared(self, node: Node) -> Place:
        return Place(self.alias(node), shared=True)


def _usable(name: str) -> str:
    """*name* as a variable; with an underscore behind it where the code itself needs it, empty where it cannot be one."""
    return next((spelled for spelled in (name, f"{name}_") if is_variable(spelled)), "")


def _is_unnamed(node: Node) -> bool:
    """Whether *node* goes by its class, having no name in the code."""
    path, _, index = node.path.rpartition(".")
    name = segment(class_name(node.target))
    return node.path == name or (index.isdecimal() and path == name)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", segment(name).replace("-", "_")).lower()
