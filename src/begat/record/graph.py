"""`Run`: the nodes of one execution and the questions one asks of them. The edges are the `Ref`s in the arguments."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from begat.record.model import Environment, Event, Header, Node, adopt
from begat.record.names import counted
from begat.record.walk import refs

if TYPE_CHECKING:
    import os


def _not_loaded(*_: object, **__: object) -> str:
    raise RuntimeError("what writes code is not loaded; it is, once a run was had by `begat.load` or `begat.capture`")


class Door:
    """What a run can be asked, and is answered above this floor; who answers puts itself here."""

    to_python: Callable[..., str] = staticmethod(_not_loaded)


DOOR = Door()


class Run:
    """
    One captured execution: `nodes` in order of construction, an `environment`, and what the run says of itself.

    A run is data: loading, comparing or querying one imports and calls nothing. Two runs are equal when their records
    say the same.

    >>> run = begat.load("provenance.json")          # doctest: +SKIP
    >>> run["model"].params["hidden_size"]           # doctest: +SKIP
    128
    """

    __module__ = "begat"
    __slots__ = (
        "_children",
        "_environment",
        "_events",
        "_header",
        "_homes",
        "_index",
        "_inside",
        "_more",
        "_nodes",
        "_numbers",
    )

    def __init__(
        self,
        header: Header,
        nodes: tuple[Node, ...] = (),
        environment: Environment | None = None,
        events: tuple[Event, ...] = (),
        children: tuple[Run, ...] = (),
    ) -> None:
        self._header = header
        self._nodes = nodes
        self._environment = environment or Environment()
        self._events = events
        self._children = children
        self._index: dict[str, Node] | None = None
        self._numbers: dict[int, Node] | None = None
        self._inside: tuple[int, dict[int, list[Node]]] | None = None
        self._more: Callable[[int], Node | None] | None = None
        self._homes: tuple[int, dict[str, str]] | None = None
        adopt(nodes, self)

    # --- what it holds ------------------------------------------------------------------------------------------------
    @property
    def header(self) -> Header:
        """What the run says of itself: id, name, times, outcome, argv, parent, result."""
        return self._header

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Every construction, in the order in which they began."""
        return self._nodes

    @property
    def environment(self) -> Environment:
        """Interpreter, packages, git, host, seeds."""
        return self._environment

    @property
    def events(self) -> tuple[Event, ...]:
        """What happened to objects after their construction, such as ``__init__`` called again."""
        return self._events

    @property
    def children(self) -> tuple[Run, ...]:
        """The runs opened inside this one; their nodes are theirs alone."""
        return self._children

    def _at_once(self) -> tuple[Header, tuple[Node, ...], tuple[Event, ...], tuple[Run, ...]]:
        """Header, nodes, events and children, as they are at one moment."""
        return self.header, self.nodes, self.events, self.children

    @property
    def id(self) -> str:
        """The run's own name, unique: ``20261122-104501-3fa9c2``."""
        return self.header.id

    @property
    def name(self) -> str | None:
        """The name it was given, if any."""
        return self.header.name

    # --- asking -------------------------------------------------------------------------------------------------------
    def __getitem__(self, path: str | int) -> Node:
        """
        The node at *path* (or with that id). KeyError names the nearest paths.

        Of very many nodes some are shown; by its id one of the others is read from the journal of the run, if that is there.
        """
        if isinstance(path, int):
            found = self._by_id().get(path) or self._beyond(path)
            if found is None:
                raise KeyError(f"no node {path}; it has {counted(len(self.nodes), 'node')}")
            return found
        if not isinstance(path, str):
            raise TypeError(f"a run is asked for a path or a node's id, not for {type(path).__name__}")
        from begat.record.paths import normal

        named = self._paths().get(normal(path))
        if named is None:
            raise KeyError(f"no node at {path!r}{self._near(normal(path))}")
        return named

    def __contains__(self, path: object) -> bool:
        from begat.record.paths import normal

        if isinstance(path, Node):
            return self._by_id().get(path.id) == path
        if isinstance(path, int):
            return path in self._by_id()
        return isinstance(path, str) and normal(path) in self._paths()

    def __bool__(self) -> bool:
        return True  # also one without nodes: asking must not read them

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)

    def select(self, pattern: str) -> tuple[Node, ...]:
        """
        Nodes whose class name or full name matches *pattern*, a glob, or whose path does, by the grammar of paths:
        ``"Linear"``, ``"torch.nn.*"``, ``"model.*"``, ``"layers[0]"``.
        """
        from begat.record.paths import is_path, matches

        by_path = is_path(pattern)
        found = []
        for node in self.nodes:
            module, _, qualname = node.target.partition(":")
            names = (node.target, f"{module}.{qualname}", qualname, qualname.rpartition(".")[2])
            if any(fnmatch.fnmatchcase(name, pattern) for name in names) or (by_path and matches(pattern, node.path)):
                found.append(node)
        return tuple(found)

    @property
    def unbuilt(self) -> tuple[Node, ...]:
        """Constructions that were called and have not been built: their objects wait, or were never touched."""
        return tuple(node for node in self.nodes if node.outcome == "deferred")

    def upstream(self, node: Node | str | int) -> tuple[Node, ...]:
        """Everything that went into *node*, directly or not, in order of construction."""
        return self._reach(node, self._sources())

    def downstream(self, node: Node | str | int) -> tuple[Node, ...]:
        """Everything that *node* went into, directly or not, in order of construction."""
        sinks: dict[int, list[int]] = {}
        for sink, sources in self._sources().items():
            for source in sources:
                sinks.setdefault(source, []).append(sink)
        return self._reach(node, sinks)

    def config(self, *, all: bool = False) -> dict[str, Any]:
        """Every argument as a nested, JSON-ready dict, children inside their parents; ``class`` names what was called.

        Without *all*, constructions that libraries made for themselves are left out.
        """
        from begat.record.views import config

        return config(self, everything=all)

    def flat(self, *, all: bool = False) -> dict[str, Any]:
        """Every argument as a dotted, JSON-ready dict: ``{"model": "train:Net", "model.hidden": 128, …}``."""
        from begat.record.views import flat

        return flat(self, everything=all)

    @property
    def fingerprint(self) -> str:
        """
        ``"sha256:…"``, equal exactly when the configuration is: everything that `config` shows, and the sharing in it.

        The order of keywords and of construction, the process, the time, the place of the checkout, seeds, versions and
        results do not count.
        """
        from begat.record.fingerprints import of_run

        return of_run(self)

    def result(self, **values: Any) -> None:
        """Keep what the run achieved: ``run.result(val_loss=0.31)``. Numbers, strings, or lists and dicts of them."""
        from dataclasses import replace

        self._header = replace(self._header, result={**self._header.result, **values})

    # --- out ----------------------------------------------------------------------------------------------------------
    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the record to *path* as JSON, through a temporary file in the same folder: the old file or the new, never half.

        A new file has the mode that the umask gives, as any file of yours.
        """
        from begat.record.codec import dumps
        from begat.record.files import write

        write(path, dumps(self), private=False)

    def to_dot(self, *, all: bool = False) -> str:
        """The graph in Graphviz's language: ``dot -Tsvg``."""
        from begat.record.dot import dot

        return dot(self, everything=all)

    def to_python(self, path: str | None = None, *, defaults: bool = False) -> str:
        """
        Python that builds what this run built, or what is at *path* and all that went into it; nothing is called for that.

        With *defaults*, arguments that were left out are written too. KeyError if nothing is at *path*.
        """
        return DOOR.to_python(self, path, defaults=defaults)

    def _repr_html_(self) -> str:
        from begat.record.picture import html

        return html(self)

    def __repr__(self) -> str:
        name = f" {self.name!r}" if self.name else ""
        return f"<begat.Run {self.id}{name}: {counted(len(self.nodes), 'node')}, {self.header.outcome}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Run):
            return NotImplemented
        if self is other:
            return True
        from begat.record.codec import dumps

        return dumps(self) == dumps(other)

    __hash__ = object.__hash__

    def __reduce__(self) -> tuple[Any, ...]:
        # Through the record: a run that still grows is bound to its process, and arrives as what it was when it left.
        from begat.record.codec import dumps, loads

        return loads, (dumps(self),)

    # --- within -------------------------------------------------------------------------------------------------------
    def _near(self, path: str) -> str:
        """What to ask for in the place of *path*, which is no node's."""
        index = self._paths()
        owner, _, name = path.rpartition(".")
        if owner in index and name in index[owner].arguments:
            return f"; it is a parameter: run[{owner!r}].params[{name!r}]"
        import difflib

        near = difflib.get_close_matches(path, index, n=3, cutoff=0.5)
        return f"; did you mean {', '.join(map(repr, near))}?" if near else f"; it has {counted(len(index), 'path')}"

    def _by_id(self) -> dict[int, Node]:
        nodes = self.nodes
        if self._numbers is None or len(self._numbers) != len(nodes):
            self._numbers = {node.id: node for node in nodes}
        return self._numbers

    def _beyond(self, number: int) -> Node | None:
        """A node that is not among those shown."""
        found = self._more(number) if self._more is not None else None
        if found is not None:
            adopt((found,), self)
        return found

    def _built_inside(self) -> dict[int, list[Node]]:
        """What the user's own code built inside each construction, by its id."""
        nodes = self.nodes
        if self._inside is None or self._inside[0] != len(nodes):
            found: dict[int, list[Node]] = {}
            for node in nodes:
                if node.within is not None and node.user:
                    found.setdefault(node.within, []).append(node)
            self._inside = (len(nodes), found)
        return self._inside[1]

    def _home_names(self) -> dict[str, str]:
        """The program's own module by the name that a script has, looked up once."""
        from begat.record.moved import home_names

        if self._homes is None or self._homes[0] != len(self.nodes):
            self._homes = (len(self.nodes), home_names(self))
        return self._homes[1]

    def _paths(self) -> dict[str, Node]:
        if self._index is None or len(self._index) != len(self.nodes):
            self._index = {node.path: node for node in reversed(self.nodes)}
        return self._index

    def _sources(self) -> dict[int, list[int]]:
        return {
            node.id: [ref.node for a in node.arguments.values() for ref in refs(a.value) if ref.run is None]
            for node in self.nodes
        }

    def _reach(self, start: Node | str | int, steps: dict[int, list[int]]) -> tuple[Node, ...]:
        first = start if isinstance(start, Node) else self[start]
        seen: set[int] = set()
        todo = list(steps.get(first.id, ()))
        while todo:
            at = todo.pop()
            if at not in seen:
                seen.add(at)
                todo.extend(steps.get(at, ()))
        seen.discard(first.id)
        return tuple(node for node in self.nodes if node.id in seen)


def family(run: Run) -> Iterator[Run]:
    """*run*, and all that were opened inside it."""
    yield run
    for child in run.children:
        yield from family(child)
