"""Paths for nodes: what the code calls them.

An object that the code names has that name, below the construction that made the call: ``self.head = Linear()`` inside the
``__init__`` of ``model`` is ``model.head``. One without a name, built in the middle of another call, is named by the argument
it becomes: ``model = Net(enc=Encoder())`` gives ``model.enc``. What has neither is called by its class. The first to take a
path keeps it, the next one is ``model.1``; user's constructions choose before those that libraries make for themselves.
"""

from __future__ import annotations

from dataclasses import replace

from begat.introspect.callsites import Name
from begat.record import limits
from begat.record.model import Node
from begat.record.names import class_name
from begat.record.paths import KEPT_AS_ITSELF, below
from begat.record.values import SCALARS, Ref
from begat.record.walk import located


class Namer:
    """Collects nodes in order of construction, then gives each its path."""

    def __init__(self) -> None:
        self._names: dict[int, Name | None] = {}
        self._nodes: dict[int, Node] = {}
        self._consumer: dict[int, tuple[int, tuple[str, ...]]] = {}
        self._paths: dict[int, str] = {}
        self._numbers: dict[int, int] = {}  # which one of its target a node is, counted from 0
        self._calls: dict[str, int] = {}
        self._users: set[int] = set()  # what something of the user's is named after, whoever made it
        self._taken: set[str] = set()
        self._next: dict[str, int] = {}
        self._least: dict[int, int] = {}  # the numbers that paths have at least, where not all nodes are here

    def add(self, node: Node, known: Name | None, alone: bool = False, order: tuple[int, int] | None = None) -> None:
        """
        Note *node*, *known* as this in the source, and the objects it takes as arguments; *alone*: it takes none.

        Where not all nodes are here *order* says the how manieth it is of its place, and of its target.
        """
        self._nodes[node.id] = node
        self._names[node.id] = known
        number = self._calls.get(node.target, -1) + 1
        if order is not None:
            self._least[node.id], number = order[0], max(number, order[1])
        self._calls[node.target] = number
        self._numbers[node.id] = number
        if alone:
            return
        for argument in node.arguments.values():
            if argument.value.__class__ in SCALARS:
                continue
            for steps, ref in located(argument.value):
                if ref.run is None and ref.node not in self._consumer and ref.node in self._nodes:
                    self._consume(node, argument.name, steps, ref)

    def name_of(self, number: int) -> Name | None:
        """What the source calls node *number*."""
        return self._names[number]

    def consume(self, node: Node, parameter: str, other: Node) -> None:
        """*other* was made for *parameter* of *node*, whoever took it later."""
        self._consumer[other.id] = (node.id, (parameter,))

    def _consume(self, node: Node, parameter: str, steps: str, ref: Ref) -> None:
        known = self._names[ref.node]
        if known is not None and not known.inline:
            return  # it has a name of its own
        users = self._nodes[ref.node].user or ref.node in self._users
        if users and not node.user and class_name(node.target).startswith("_"):
            return  # it is not called after what a library keeps to itself: `_Scorer.estimator`
        within = self._nodes[ref.node].within
        if within != node.within:
            if self._inside(node, ref.node):
                return  # built inside the very object it is given
            if within is not None and within != node.id and not self._inside(node, within):
                return  # it belongs to the object it was built in
        way = tuple(filter(None, steps.split(".")))
        if parameter in node.starred:
            # Sequential(OrderedDict(a=A())): no part goes by a number.
            way = way[1:] if len(way) > 1 and class_name(node.target) == "Sequential" else way
        elif parameter != KEPT_AS_ITSELF.get(class_name(node.target)):
            way = (parameter, *way)
        self._consumer[ref.node] = (node.id, way)
        if users:
            self._users.add(node.id)

    def _inside(self, node: Node, outer: int) -> bool:
        within = node.within
        while within is not None:
            if within == outer:
                return True
            within = self._nodes[within].within if within in self._nodes else None
        return False

    def named(self, nodes: list[Node]) -> list[Node]:
        """*nodes* with their paths."""
        paths = self._paths
        for users in (True, False):
            for node in nodes:
                if node.user is users and node.id not in paths:
                    self._name(node.id)
        for node in nodes:
            node.path = paths[node.id]  # type: ignore[misc]  # still a draft
        return nodes

    def _name(self, number: int) -> None:
        # What a path hangs from is named first: an explicit chain, for nesting deeper than Python's stack.
        chain = [number]
        while chain:
            at = chain[-1]
            above = self._above(at)
            path = self._paths.get(above) if above is not None else ""
            if above is not None and path is None and above not in chain:
                chain.append(above)
                continue
            del chain[-1]
            self._paths[at] = self._path(at, path or "")

    def _above(self, number: int) -> int | None:
        consumer = self._consumer.get(number)
        if consumer is not None:
            return consumer[0]
        within = self._nodes[number].within
        return within if within is not None and within in self._nodes else None

    def _path(self, number: int, above: str) -> str:
        """The path of what hangs from *above*; what is too deep for one begins anew."""
        if len(above) > limits.PATH:
            above = ""
        node, known, consumer = self._nodes[number], self._names[number], self._consumer.get(number)
        if consumer is not None:
            return self._free(number, below(above, *consumer[1]))
        inline = known is not None and known.inline
        if known is not None and inline:
            known = self._otherwise(node, known)
        # `setattr(self, f"head{i}", Head())` has no segments: one of many in `self`, but hardly by index.
        if known is None or not (known.segments or inline) or not (node.user or above):
            return self._of_class(number, node, above)
        return self._free(number, below(above, *known.segments), counted=known.counted)

    def _of_class(self, number: int, node: Node, above: str) -> str:
        """The path of what the code gives no name: the third `Layer` of all is ``Layer.2``, as overrides count them."""
        path, count = below(above, class_name(node.target)), self._numbers[number]
        if above or not count or f"{path}.{count}" in self._taken:
            return self._free(number, path)
        self._taken.add(f"{path}.{count}")
        return f"{path}.{count}"

    def _otherwise(self, node: Node, known: Name) -> Name | None:
        """What the source calls *node*, an argument of a call that is no construction of this run, or took it apart."""
        otherwise, outer = known.otherwise, self._names.get(node.within) if node.within is not None else None
        outer = outer.otherwise if outer is not None and outer.inline else outer
        if otherwise is None or outer is None or node.site is None or not node.site.function.endswith("<genexpr>"):
            return otherwise
        # `self.layers = ModuleList(Block() for ...)`: the blocks are made while the list is, and their path begins there.
        length = len(outer.segments)
        if otherwise.segments[:length] != outer.segments:
            return otherwise
        return replace(otherwise, segments=otherwise.segments[length:])

    def _free(self, node: int, path: str, counted: bool = False) -> str:
        path = path if len(path) <= 2 * limits.PATH else "object"
        if not counted and path not in self._taken:
            self._taken.add(path)
            return path
        number = max(self._next.get(path, 0 if counted else 1), self._least.get(node, 0))
        while f"{path}.{number}" in self._taken:
            number += 1
        self._next[path] = number + 1
        self._taken.add(f"{path}.{number}")
        return f"{path}.{number}"
