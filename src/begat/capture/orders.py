"""Overrides that hold together: which of them mean a call, and what became of each."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from begat.capture.changing import public_of
from begat.capture.foretelling import Foreteller
from begat.errors import OverrideError
from begat.intercept.identity import described
from begat.intercept.interceptor import Lane
from begat.intercept.schema import Schema
from begat.introspect.callsites import locate
from begat.introspect.callsites import name as name_at
from begat.introspect.secrets import redacted
from begat.record import paths
from begat.record.graph import Run
from begat.record.model import Overridden
from begat.record.names import names_of
from begat.record.plain import text
from begat.replay.known import known_paths, meant, short, variants
from begat.replay.override import Override, Reading, Target, distinct, unmatched


class Orders:
    """Overrides that hold together, and how often each was applied. *outer* are those around this block."""

    def __init__(self, overrides: Iterable[Override], outer: Orders | None = None) -> None:
        self.own = tuple(overrides)
        self.outer = outer
        self.overrides = distinct((*(outer.overrides if outer is not None else ()), *self.own))
        self.hits: dict[int, int] = outer.hits if outer is not None else {}
        self.refused: list[OverrideError] = outer.refused if outer is not None else []
        self.near: dict[int, str] = outer.near if outer is not None else {}  # why one did not change what it may have meant
        self.met: dict[str, set[str]] = outer.met if outer is not None else {}  # parameters, by what takes them
        # `layers.3.dim` means one of many: then all have to be counted.
        self.counting = any(segment.isdigit() for override in self.overrides for segment in override.segments)
        self._readings: dict[int, tuple[Schema, tuple[Reading, ...], tuple[Reading, ...]]] = {}
        self._sites: dict[tuple[int, int, int], _Site] = {}
        self._learnt: dict[tuple[str, int | None, int | None], list[str]] = outer._learnt if outer is not None else {}
        self._calls: dict[str, int] = {}
        self._paths: dict[str, int] = {}
        self.teller = Foreteller()
        self.asked: set[int] = set()  # the ids of tokens whose calls wait, changed by these already

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
        return self.counting or any(self.readings(schema))

    def meant(self, token: Any, schema: Schema, lane: Lane, frame: Any) -> list[Reading]:
        """The readings that mean this very call."""
        by_class, by_path = self.readings(schema)
        found = [reading for reading in by_class if reading.ordinal is None]
        if any(reading.ordinal is not None for reading in by_class):
            number = self._calls[schema.target] = self._calls.get(schema.target, -1) + 1
            found += [reading for reading in by_class if reading.ordinal == number]
        site = self._site(frame, schema, by_path) if by_path else None
        if self.counting or (site is not None and site.readings):
            candidates = self._candidates(self.path(token, schema, lane, frame), site)
            found += [reading for reading in by_path if reading.names(candidates)]
        return found

    def meant_at(self, path: str, schema: Schema) -> list[Reading]:
        """The readings that mean a call of *schema* that is known to be called *path*."""
        by_class, by_path = self.readings(schema)
        known = variants(path) | {short(path)}
        return [each for each in by_class if each.ordinal is None] + [each for each in by_path if each.names(known)]

    def learn(self, run: Run) -> None:
        """What objects were called in an earlier *run* of the same program, where the source around a call does not tell."""
        for node in run.nodes:
            if node.site is not None and node.site.line is not None:
                key = node.site.file, node.site.line, node.site.column
                self._learnt.setdefault(key, []).append(node.path)

    def path(self, token: Any, schema: Schema, lane: Lane, frame: Any) -> str:
        """What the object of *token* will be called, made by a call in *frame*."""
        return self.teller.path(frame, frame.f_lasti, schema.target, lane.stack, token)

    def _site(self, frame: Any, schema: Schema, readings: tuple[Reading, ...]) -> _Site:
        """What can be meant by calls of *schema* from this place, as far as the place alone tells."""
        code, lasti = frame.f_code, frame.f_lasti
        known = self._sites.get((id(code), lasti, id(schema)))
        if known is None:
            name, site = name_at(code, lasti), locate(code, lasti)
            learnt = self._learnt.get((site.file, site.line, site.column), [])
            if name is not None and not name.inline and name.segments:
                last = {paths.segment(name.segments[-1]), *(path.rpartition(".")[2] for path in learnt)}
                readings = tuple(reading for reading in readings if any(_could_end(reading, each) for each in last))
            known = self._sites[id(code), lasti, id(schema)] = _Site(code, readings, learnt)
        return known

    def _candidates(self, path: str, site: _Site | None) -> set[str]:
        """The paths by which people may mean what is called *path*: with its number, and without the 1 of a pair's second."""
        found = {path}
        if site is not None and site.learnt:
            found |= variants(site.learnt[site.calls]) if site.calls < len(site.learnt) else set()
            site.calls += 1
        if self.counting:
            number = self._paths[path] = self._paths.get(path, -1) + 1
            found.add(f"{path}.{number}")
        return found | {short(each) for each in found}

    def applied(self, override: Override) -> None:
        """Count one."""
        self.hits[id(override)] = self.hits.get(id(override), 0) + 1

    def missed(self) -> list[Override]:
        """This block's own overrides that have changed nothing so far."""
        return [override for override in self.own if not self.hits.get(id(override))]

    def given(self) -> tuple[Overridden, ...]:
        """The overrides, for a record."""
        return tuple(
            Overridden(each.address, _shown(each), each.source, each.place, self.hits.get(id(each), 0))
            for each in self.overrides
        )

    def check(self, run: Run | None) -> None:
        """Raise OverrideError if an override was refused, and the program went on, or matched nothing in *run*."""
        if self.refused:
            raise self.refused[0]
        missed = self.missed()
        if missed:
            late = {id(each): _LATE.format(node=node.path) for each, node, _ in meant(run, missed)} if run else {}
            known = known_paths(run) if run is not None else []
            raise OverrideError(unmatched(missed, known, dict(self.met), {**self.near, **late}))


_LATE = (
    "that {node} would be called so was not known when it was built; with a record of this run, `begat run` knows it the next "
    "time, and its class can be named at once"
)


class _Site:
    """One place of calls: the readings that could mean them, and what earlier runs called what they built, in order."""

    __slots__ = ("calls", "code", "learnt", "readings")

    def __init__(self, code: object, readings: tuple[Reading, ...], learnt: list[str]) -> None:
        self.code = code  # held: its id is the key
        self.readings = readings
        self.learnt = learnt
        self.calls = 0


def _shown(override: Override) -> str:
    """The value as text, unless it is a secret's."""
    value = override.value if override.text else text(described(override.value), lambda ref: "an object")
    value = redacted(override.segments[-1], value)
    return value if isinstance(value, str) else "***"


def _could_end(reading: Reading, last: str) -> bool:
    pattern = reading.last
    last = last.lower() if reading.override.folded else last
    return pattern.isdigit() or "*" in pattern or "?" in pattern or pattern == last


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
