"""Overrides that hold together: which of them mean a call, and what became of each."""

from __future__ import annotations

import sys
from collections.abc import Container, Iterable
from dataclasses import replace
from typing import Any

from begat.capture.changing import public_of
from begat.capture.foretelling import Foreteller, Foretold
from begat.capture.tally import Tally
from begat.errors import OverrideError
from begat.intercept.identity import described
from begat.intercept.interceptor import Lane
from begat.intercept.schema import Schema
from begat.introspect.callsites import name as name_at
from begat.introspect.secrets import redacted
from begat.record import paths
from begat.record.graph import Run
from begat.record.model import Overridden
from begat.record.names import class_name, names_of
from begat.record.plain import text
from begat.replay.known import family, known_paths, meant, named_by, takes_of
from begat.replay.override import Override, Reading, Target, distinct, unmatched


class Orders:
    """Overrides that hold together, and how often each was applied. *outer* are those around this block."""

    def __init__(self, overrides: Iterable[Override], outer: Orders | None = None, tally: Tally | None = None) -> None:
        self.own = tuple(overrides)
        self.outer = outer
        self.over = False  # the block was left
        self.overrides: tuple[Override, ...] = distinct((*(outer.overrides if outer is not None else ()), *self.own))
        self.tally: Tally = outer.tally if outer is not None else tally or Tally()
        self.refused: list[OverrideError] = outer.refused if outer is not None else []
        # Why one did not change what it may have meant.
        self.near: dict[int, str] = outer.near if outer is not None else {}
        self.met: dict[str, set[str]] = outer.met if outer is not None else {}  # parameters, by what takes them
        segments = [segment for override in self.overrides for segment in override.segments]
        self._segments = frozenset(segment.lower() for segment in segments)
        # One segment alone is a parameter of whatever has it.
        self._wild = any("*" in segment or "?" in segment for segment in segments) or any(
            len(override.segments) == 1 for override in self.overrides
        )
        # `layers.3.dim` means one of many: then all have to be counted. And those around what only an earlier run can name.
        self.counting = any(segment.isdigit() for segment in segments)
        self._readings: dict[int, tuple[Schema, tuple[Reading, ...], tuple[Reading, ...]]] = {}
        self._sites: dict[tuple[int, int, int], tuple[object, bool]] = {}  # the code is held: its id is in the key
        self._followed: set[str] = set()
        self._trusted: list[tuple[Reading, str]] = []  # what was changed because of an earlier run, and its path there
        self.teller = Foreteller(numbering=self.counting)
        # The ids of the tokens of calls that are changed already: they stand in the place of others, or wait.
        self.standing: set[int] = set()
        self.asked: set[int] = set()

    def readings(self, schema: Schema) -> tuple[tuple[Reading, ...], tuple[Reading, ...]]:
        """How the overrides could mean calls of *schema*: those that name its class, and those whose owner is a path."""
        known = self._readings.get(id(schema))
        if known is None:
            target = _target(schema)
            found = target.readings(self.overrides)
            by_class = tuple(reading for reading in found if reading.by_class)
            by_path = tuple(reading for reading in found if not reading.by_class)
            known = self._readings[id(schema)] = schema, by_class, by_path
            for name in target.names:
                self.met.setdefault(name, set()).update(target.parameters)
        return known[1], known[2]

    def concern(self, schema: Schema) -> bool:
        """Whether an override may mean a call of *schema*, here or elsewhere."""
        return self.counting or schema.target in self._followed or any(self.readings(schema))

    def meant(self, token: Any, schema: Schema, lane: Lane, frame: Any) -> list[Reading]:
        """The readings that mean this very call."""
        by_class, by_path = self.readings(schema)
        found = [reading for reading in by_class if reading.ordinal is None]
        numbered = any(reading.ordinal is not None for reading in by_class)
        possible = numbered or schema.target in self._followed or self._site(frame, schema)
        if not possible or not (numbered or by_path or self.counting or schema.target in self._followed):
            return found
        call = self.foretold(token, schema, lane, frame)
        found += [reading for reading in by_class if reading.ordinal == call.number]
        candidates = named_by(call.path) | named_by(call.source)
        return found + [reading for reading in by_path if reading.names(candidates)]

    def meant_at(self, path: str, schema: Schema) -> list[Reading]:
        """The readings that mean a call of *schema* that is known to be called *path*."""
        by_class, by_path = self.readings(schema)
        known = named_by(path)
        return [each for each in by_class if each.ordinal is None] + [each for each in by_path if each.names(known)]

    def meant_instead(self, call: Foretold, schema: Schema, other: Schema) -> list[Reading]:
        """The readings that mean a call of *other* in the place of *call*, which is one of *schema* and may be named so."""
        target = replace(_target(other), names=_target(schema).names)
        named = [
            each for each in target.readings(self.overrides) if each.by_class and each.parameter not in schema.names
        ]
        found = self.meant_at(call.path, other)
        known = {each.override.number for each in found}
        return found + [
            each for each in named if each.ordinal in (None, call.number) and each.override.number not in known
        ]

    def learn(self, run: Run) -> None:
        """What objects were called in an earlier *run* of the same program, where the source around a call does not tell."""
        self.teller.learn(run)
        wanted = {id(node) for _, node, reading in meant(run, self.overrides) if not reading.by_class}
        for each in family(run):
            nodes = {node.id: node for node in each.nodes}
            for node in (node for node in each.nodes if id(node) in wanted):
                around: int | None = node.id
                while around in nodes and nodes[around].target not in self._followed:
                    self._followed.add(nodes[around].target)
                    around = nodes[around].within

    def foretold(self, token: Any, schema: Schema, lane: Lane, frame: Any) -> Foretold:
        """What is known of the call of *token*, made in *frame*."""
        return self.teller.foretold(frame, frame.f_lasti, schema.target, lane.stack, token)

    def _site(self, frame: Any, schema: Schema) -> bool:
        """Whether calls of *schema* from this place could be meant, or be around what is, as far as the place alone tells."""
        code, lasti = frame.f_code, frame.f_lasti
        known = self._sites.get((id(code), lasti, id(schema)))
        if known is None:
            name, kind = name_at(code, lasti), class_name(schema.target)
            last = kind if name is None or not name.segments else paths.segment(name.segments[-1])
            possible = (
                self._wild
                or not self._segments.isdisjoint((last.lower(), kind.lower()))
                or (name is not None and name.inline)
                or code.co_filename.startswith("<")  # a field's default
            )
            known = self._sites[id(code), lasti, id(schema)] = code, possible
        return known[1]

    def passes(self, frame: Any, schema: Schema) -> bool:
        """Whether no override holds for any call of *schema* from this place, and none for what such a call builds."""
        return schema.target not in self._followed and not self.readings(schema)[0] and not self._site(frame, schema)

    def applied(self, readings: Iterable[Reading], token: object) -> None:
        """Count what *readings* have changed of the call of *token*."""
        for reading in readings:
            self.tally.count(reading.override)
            call = self.teller.known(token)
            if call is not None and call.learnt and not reading.by_class and not reading.names(named_by(call.source)):
                self._trusted.append((reading, call.path))

    def outdone(self, readings: Iterable[Reading], by: Iterable[Reading]) -> None:
        """Of *readings*, all of one call, only those *by* which it was changed were strong enough."""
        strong = {each.override.number for each in by}
        for override in {each.override.number: each.override for each in readings}.values():
            if override.number not in strong:
                self.tally.count(override, outdone=True)

    def missed(self) -> list[Override]:
        """This block's own overrides that have changed nothing so far, neither here nor in processes that this one began."""
        if self.tally.is_child:
            return []  # it is the parent who knows, and who complains
        met = {*self.tally.calls(), *self.tally.ways}
        return [each for each in self.own if met.isdisjoint((each.number, each.number + 1))]

    def given(self) -> tuple[Overridden, ...]:
        """The overrides, for a record."""
        calls = self.tally.calls()
        return tuple(
            Overridden(each.address, _shown(each), each.source, each.place, calls[each.number])
            for each in self.overrides
        )

    def check(self, run: Run | None) -> None:
        """Raise OverrideError if an override was refused, and the program went on, or matched nothing in *run*."""
        if self.refused:
            raise self.refused[0]
        if run is not None and self._trusted:  # to read a run takes time
            self._check_trusted(run)
        missed = self.missed()
        if missed:
            late = _late(run, missed, self.near) if run is not None else {}
            known = known_paths(run) if run is not None else []
            takes = {**self.met, **(takes_of(run) if run is not None else {})}
            error = OverrideError(unmatched(missed, known, takes, {**self.near, **late}))
            if children():
                error.add_note("Processes that were begun are still at work: wait for them, they may match.")
            raise error

    def end(self) -> None:
        """The block is over, and was asked for the last time."""
        self.tally.forget(self.own)
        if self.outer is None:
            self.tally.end()

    def _check_trusted(self, run: Run) -> None:
        """Raise OverrideError if something was changed because the last run called it so, and this one calls it otherwise."""
        nodes = {node.path: node for each in family(run) for node in each.nodes}
        for reading, path in self._trusted:
            node = nodes.get(path)
            changed = node is not None and any(each.source not in _AS_WRITTEN for each in node.arguments.values())
            if not changed and not (reading.parameter is None and node is not None):
                raise OverrideError(
                    f"{reading.override.said} changed what the last run of this program called {path}, and this run builds "
                    f"{'something else there' if node is not None else 'none'}: run it once as it is now, or name the class"
                )


_AS_WRITTEN = ("given", "default")


def children() -> list[Any]:
    """The processes of multiprocessing that this one began, that still work, and that it will wait for."""
    module: Any = sys.modules.get("multiprocessing.process")
    return [each for each in module.active_children() if not each.daemon] if module is not None else []


def _late(run: Run, missed: list[Override], tried: Container[int]) -> dict[int, str]:
    """Why overrides changed nothing that mean something in *run*, now that it is over; some were *tried* on a value."""
    found: dict[int, tuple[int, str]] = {}
    for override, node, reading in meant(run, missed):
        if reading.by_class or "*" in reading.owner:
            continue  # that could have been known
        if reading.steps and id(override) in tried:
            continue  # it was known, and no path leads into that value
        known = found.get(id(override), (0, ""))
        if len(reading.owner) > known[0]:
            found[id(override)] = len(reading.owner), node.path
    return {each: _LATE.format(node=path) for each, (_, path) in found.items()}


_LATE = (
    "that {node} would be called so was not known when it was built; with a record of this run, `begat run` knows it the next "
    "time, and its class can be named at once"
)


def _shown(override: Override) -> str:
    """The value as text, unless it is a secret's."""
    value = override.value if override.text else text(described(override.value), lambda ref: "an object")
    value = redacted(override.segments[-1], value)
    return value if isinstance(value, str) else "***"


def _target(schema: Schema) -> Target:
    public = public_of(schema)
    names = [name for name in schema.names if name not in schema.starred]
    if public is not None:
        names = [name for name in public.parameters if name not in public.starred]
    stars = [name for name in schema.starred if name is not None]
    return Target(_names(schema.target, schema.subject()), (*names, *stars), schema.starred[1] is not None)


def _names(target: str, subject: Any) -> tuple[str, ...]:
    """``Encoder``, ``pkg._private.Encoder``, and the shorter paths under which packages above show it."""
    found = list(names_of(target))
    short, full = found[0], found[-1]
    steps = full.split(".")
    for at in range(1, len(steps) - 1):
        module = sys.modules.get(".".join(steps[:at]))
        if module is not None and subject is not None and module.__dict__.get(short) is subject:
            found.append(".".join((*steps[:at], short)))
    return tuple(dict.fromkeys(found))
