"""Overrides that hold together: which of them mean a call, and what became of each."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import Any

from begat.capture.changing import public_of
from begat.capture.foretelling import Foreteller, class_name
from begat.errors import OverrideError
from begat.intercept.interceptor import Lane
from begat.intercept.schema import Schema
from begat.introspect.callsites import name as name_at
from begat.record import paths
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
        self._sites: dict[tuple[int, int, int], tuple[object, tuple[Reading, ...]]] = {}
        self._calls: dict[str, int] = {}
        self._paths: dict[str, int] = {}
        self.teller = Foreteller()

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
        by_path = self._possible(frame, schema, by_path)
        if by_path or self.counting:
            candidates = self._candidates(self.path(token, schema, lane, frame))
            found += [reading for reading in by_path if reading.names(candidates)]
        return found

    def path(self, token: Any, schema: Schema, lane: Lane, frame: Any) -> str:
        """What the object of *token* will be called, made by a call in *frame*."""
        return self.teller.path(frame, frame.f_lasti, schema.target, lane.stack, token)

    def parameters_at(self, path: str, schema: Schema) -> list[Reading]:
        """The readings that mean parameters of what is built at *path*, if it is built by *schema*."""
        return [each for each in self.readings(schema)[1] if each.parameter is not None and each.names((path,))]

    def _possible(self, frame: Any, schema: Schema, readings: tuple[Reading, ...]) -> tuple[Reading, ...]:
        """Those of *readings* that calls from this place can be meant by, as far as the place alone tells."""
        if not readings:
            return ()
        code, lasti = frame.f_code, frame.f_lasti
        known = self._sites.get((id(code), lasti, id(schema)))
        if known is None:
            name = name_at(code, lasti)
            if name is not None and not name.inline and name.segments:
                last = paths.segment(name.segments[-1])
                readings = tuple(reading for reading in readings if _could_end(reading, last))
            known = self._sites[id(code), lasti, id(schema)] = code, readings
        return known[1]

    def _candidates(self, path: str) -> tuple[str, ...]:
        """The paths by which people may mean what is called *path*: with its number, and without the 1 of a pair's second."""
        found = [path]
        if self.counting:
            number = self._paths[path] = self._paths.get(path, -1) + 1
            found.append(f"{path}.{number}")
        short = _PAIR.sub(r"\1", path)
        return (*found, short) if short != path else tuple(found)

    def applied(self, override: Override) -> None:
        """Count one."""
        self.hits[id(override)] = self.hits.get(id(override), 0) + 1

    def missed(self) -> list[Override]:
        """This block's own overrides that have changed nothing so far."""
        return [override for override in self.own if not self.hits.get(id(override))]

    def check(self, known: Iterable[str], own: bool = True) -> None:
        """Raise OverrideError if an override was refused, and the program went on, or matched nothing."""
        if self.refused:
            raise self.refused[0]
        missed = self.missed()
        if missed:
            raise OverrideError(unmatched(missed, known, dict(self.met), self.near))


_PAIR = re.compile(r"(\.\d+)\.1(?=\.|$)")


def _could_end(reading: Reading, last: str) -> bool:
    pattern = reading.last
    return pattern.isdigit() or "*" in pattern or "?" in pattern or pattern == last


def _target(schema: Schema) -> Target:
    full = schema.target.replace(":", ".").replace(".<locals>", "")
    short = class_name(schema.target)
    public = public_of(schema)
    names = [name for name in schema.names if name not in schema.starred]
    if public is not None:
        names = [name for name in public.parameters if name not in public.starred]
    stars = [name for name in schema.starred if name is not None]
    return Target(_names(full, short, schema.subject()), (*names, *stars), schema.starred[1] is not None)


def _names(full: str, short: str, subject: Any) -> tuple[str, ...]:
    """``pkg._private.Encoder``, ``Encoder``, and the shorter paths under which packages above show it."""
    found = [short, full]
    steps = full.split(".")
    for at in range(1, len(steps) - 1):
        module = sys.modules.get(".".join(steps[:at]))
        if module is not None and subject is not None and module.__dict__.get(short) is subject:
            found.append(".".join((*steps[:at], short)))
    return tuple(dict.fromkeys(found))
