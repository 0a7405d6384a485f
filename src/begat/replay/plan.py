"""What has to be called, in which order, to have objects of a record again.

What was built inside another construction is left to that: only the outermost calls are steps. An argument that was built
inside one is reached through the object that holds it, by the name that the code gave it there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from begat.record.graph import Run
from begat.record.model import SEEN_BY_BASE, Argument, Event, Node
from begat.record.names import called
from begat.record.paths import normal, segment
from begat.record.plain import text
from begat.record.values import SCALARS, Ref
from begat.record.walk import refs
from begat.replay.forcing import Forced, forced, put_by_overrides
from begat.replay.terms import Absent, Built, Given, Name, Pairs, Reached, Several, Term, below
from begat.replay.translation import Translator


@dataclass(frozen=True, slots=True)
class Passed:
    """
    One argument of a step: under *name*, or ``*name``, or ``**name`` (*stars* 1 or 2).

    *default*: it was left out in that run. *positional*: it cannot be given by name. *value* is what the record has.
    """

    name: str
    term: Term
    default: bool = False
    positional: bool = False
    stars: int = 0
    value: object = None


@dataclass(frozen=True, slots=True)
class Step:
    """One call: of the node's target or, for an *event*, of the constructor again."""

    node: Node
    function: Name
    passed: tuple[Passed, ...]
    event: Event | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """
    The *steps* to build *wanted*, each wanted node by the term that it is; *problems* are those that no term shows.

    *unused* are paths of replacements that stand nowhere in it, *forced* what overrides set inside of the steps.
    """

    run: Run
    wanted: tuple[tuple[Node, Term], ...]
    steps: tuple[Step, ...]
    problems: tuple[tuple[str, str], ...] = ()
    unused: tuple[str, ...] = field(default=())
    forced: tuple[Forced, ...] = ()

    @property
    def said(self) -> tuple[Step | Forced, ...]:
        """Everything that has values."""
        return (*self.steps, *self.forced)


def users(run: Run) -> tuple[Node, ...]:
    """What the user's own code built outside of every other construction."""
    return tuple(node for node in run.nodes if node.user and node.within is None and node.outcome != "raised")


def plan(run: Run, wanted: Iterable[Node], replaced: Mapping[str, object] | None = None) -> Plan:
    """How to build *wanted*, with the objects of *replaced* at their paths in the place of what the record has there."""
    return _Planning(run, tuple(wanted), {normal(path): value for path, value in (replaced or {}).items()}).made()


class _Planning:
    def __init__(self, run: Run, wanted: tuple[Node, ...], replaced: Mapping[str, object]) -> None:
        self.run = run
        self.wanted = wanted
        self.nodes = {node.id: node for node in run.nodes}
        self.events = _events(run)
        self.translator = Translator(replaced, self._refer)
        self.problems: list[tuple[str, str]] = []
        self.needed, self.inner = self._closure()
        self._at: Node | None = None

    def made(self) -> Plan:
        steps: list[tuple[float, int, Step]] = []
        for number in sorted(self.needed - self.inner.keys()):
            node = self.nodes[number]
            if self._supplied(node):
                continue
            steps.append((number, 0, self._step(node)))
            for order, event in enumerate(self.events.get(number, ()), 1):
                last = max([number, *(ref.node for ref in _refs_of(event.arguments))])
                steps.append((last, order, self._step(node, event)))
        steps.sort(key=lambda item: item[:2])
        self._at = None
        wanted = tuple((node, self._refer(Ref(node.id), node.path)) for node in self.wanted)
        made = (step.node.id for _, _, step in steps)
        inside = tuple(forced(self.nodes, made, put_by_overrides(self.run), self.translator.argument))
        unused = sorted(self.translator.replaced.keys() - self.translator.used)
        return Plan(self.run, wanted, tuple(step for _, _, step in steps), tuple(self.problems), tuple(unused), inside)

    # --- which nodes ------------------------------------------------------------------------------------------------------
    def _closure(self) -> tuple[set[int], dict[int, int]]:
        """The nodes that are needed, and those of them that another one's constructor builds, with the outermost such."""
        inner: dict[int, int] = {}
        while True:
            needed = self._reach(inner)
            found = {number: outer for number in needed if (outer := self._outer(number, needed)) is not None}
            if found.keys() <= inner.keys():
                return needed, {number: found.get(number, inner[number]) for number in inner if number in needed}
            inner |= found

    def _reach(self, inner: Mapping[int, int]) -> set[int]:
        needed: set[int] = set()
        todo = [node.id for node in self.wanted]
        while todo:
            number = todo.pop()
            if number in needed or number not in self.nodes:
                continue
            needed.add(number)
            if number in inner:
                todo.append(inner[number])
            elif not self._supplied(self.nodes[number]):
                todo.extend(ref.node for ref in _refs_of(self.nodes[number].arguments) if ref.run is None)
                for event in self.events.get(number, ()):
                    todo.extend(ref.node for ref in _refs_of(event.arguments) if ref.run is None)
        return needed

    def _outer(self, number: int, needed: set[int]) -> int | None:
        """The outermost construction among *needed* inside which *number* was built."""
        found, within, seen = None, self.nodes[number].within, {number}
        while within is not None and within in self.nodes and within not in seen:
            seen.add(within)
            found = within if within in needed and not self._supplied(self.nodes[within]) else found
            within = self.nodes[within].within
        return found

    def _supplied(self, node: Node) -> bool:
        if node.path not in self.translator.replaced:
            return False
        # `self.dropout = Dropout(dropout)`: the path means the parameter then.
        owner, _, name = node.path.rpartition(".")
        argument = self.run[owner].arguments.get(name) if owner in self.run else None
        return argument is None or argument.value == Ref(node.id)

    # --- terms ------------------------------------------------------------------------------------------------------------
    def _refer(self, ref: Ref, at: str) -> Term:
        node = self.nodes.get(ref.node) if ref.run is None else None
        if node is None:
            return Absent(
                at, "built in another run" if ref.run is not None else f"node {ref.node}, which is not in the record"
            )
        if self._supplied(node):
            self.translator.used.add(node.path)
            return Given(self.translator.replaced[node.path])
        if self._at is not None and node.id >= self._at.id:
            return Absent(at, f"{node.path}, which was built later")
        if node.outcome == "raised":
            return Absent(at, f"{node.path}, whose constructor raised {node.error}")
        if node.id not in self.inner:
            return Built(node.id)
        outer = self.nodes[self.inner[node.id]]
        steps = tuple(node.path[len(outer.path) + 1 :].split(".")) if node.path.startswith(f"{outer.path}.") else ()
        if not steps or any(step.startswith("__") for step in steps):
            return Absent(
                at, f"built inside {outer.path} ({called(outer.target)}), and not kept under a name that is known"
            )
        return Reached(outer.id, steps, node.target, at)

    def _step(self, node: Node, event: Event | None = None) -> Step:
        # A call made again may be given what was built after the object.
        self._at = node if event is None else None
        if event is None and node.outcome == "raised":
            self.problems.append((node.path, f"its constructor raised {node.error}"))
        if any(note.startswith(SEEN_BY_BASE) for note in node.notes):
            self.problems.append((node.path, "the record has the arguments that a base class saw, not its own"))
        arguments = node.arguments if event is None else event.arguments
        function = Name(node.target, node.kind, node.path)
        return Step(node, function, tuple(self._passed(node, arguments)), event)

    def _passed(self, node: Node, arguments: Mapping[str, Argument]) -> Iterator[Passed]:
        star, double = node.starred
        # In front of ``*args`` that are not empty everything was given by position.
        spread = star is not None and star in arguments and arguments[star].value != ()
        positional = list(arguments).index(star) if spread and star is not None else node.positional
        for number, argument in enumerate(arguments.values()):
            at = f"{node.path}.{_segment(argument.name)}"
            stars = 1 if argument.name == star else 2 if argument.name == double else 0
            left_out = (
                argument.source == "default"
                and at not in self.translator.replaced
                and not (spread and number < positional)
            )
            made = left_out and type(argument.value) not in SCALARS and next(refs(argument.value), None) is not None
            term = Absent(at, "made by a default factory") if made else self.translator.argument(argument.value, at)
            if stars and type(term) not in (Several, Pairs, Given):
                term = term if type(term) is Absent else Absent(at, text(argument.value, limit=60))
            yield Passed(argument.name, term, left_out, number < positional and not stars, stars, argument.value)


_segment = lru_cache(maxsize=4096)(segment)


def _refs_of(arguments: Mapping[str, Argument]) -> Iterator[Ref]:
    # What was left to a default factory its own constructor makes again.
    return (
        ref
        for argument in arguments.values()
        if argument.source != "default" and type(argument.value) not in SCALARS
        for ref in refs(argument.value)
    )


def _events(run: Run) -> dict[int, list[Event]]:
    found: dict[int, list[Event]] = {}
    for event in run.events:
        if event.kind in ("reinit", "reused"):
            found.setdefault(event.node, []).append(event)
    return found


def absent(said: Step | Forced) -> Iterator[Absent]:
    """What stands in the way of what is *said*."""
    for term in terms(said):
        yield from (part for part in below(term) if type(part) is Absent)


def terms(said: Step | Forced) -> tuple[Term, ...]:
    """The values in *said* that have to be made."""
    if isinstance(said, Forced):
        return (said.term,)
    return tuple(passed.term for passed in said.passed if not passed.default)
