"""What a construction will be called, before it is built: from the source around the call, and from the calls it stands in.

A record names its nodes when all is known. An override has to know while the call is made: who takes the object comes
later, but mostly stands around the call, in the source. What only the record can know is learnt from an earlier one: there
the n-th call from one place, in one construction, had a name, and has it again.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from types import FrameType, ModuleType
from typing import Any

from begat.capture.fields import fills_fields
from begat.capture.ownership import is_users
from begat.intercept.interceptor import Call, is_woven
from begat.intercept.plans import plan_of
from begat.intercept.schema import Schema
from begat.introspect.callsites import Call as SourceCall
from begat.introspect.callsites import Name, locate
from begat.introspect.callsites import name as name_at
from begat.introspect.factories import field_made
from begat.introspect.targets import dict_of, is_class, mro_of, name_of
from begat.record.graph import Run
from begat.record.names import class_name
from begat.record.paths import KEPT_AS_ITSELF, below, segment
from begat.replay.known import family, undone

_MANY = 10_000


_Place = tuple[str, int | None, int | None, str, str]
"""Where calls stand, what they build, and what is being built around them."""


@dataclass(frozen=True, slots=True)
class Foretold:
    """A call that has begun: what it will be called, which call of its target it is (from 0), whether an earlier run says so."""

    token: object  # held: its id is the key
    path: str
    number: int
    learnt: bool = False
    source: str = ""  # the path as far as the source around the call tells


class Foreteller:
    """Gives constructions their paths, as they begin; remembers those of the ones that others may be built in.

    *numbering*: of many that the source gives one name each has its number, which takes that all of them are seen.
    """

    def __init__(self, *, numbering: bool = False) -> None:
        self._numbering = numbering
        self._known: dict[int, Foretold] = {}  # by the id of the token
        self._learnt: dict[_Place, list[str]] = {}
        self._calls: dict[_Place, int] = {}
        self._numbers: dict[str, int] = {}  # of the calls, by target
        self._next: dict[str, int] = {}  # the next free number, by path

    def learn(self, run: Run) -> None:
        """What objects were called in an earlier *run*. Of files that were changed since nothing is learnt."""
        unchanged: dict[str, bool] = {}
        for each in family(undone(run)):
            paths = {node.id: node.path for node in each.nodes}
            for node in each.nodes:
                file = node.site.file if node.site is not None else ""
                if file not in unchanged:
                    unchanged[file] = is_as_it_was(file, run.header.started)
                if node.site is not None and node.site.line is not None and unchanged[file]:
                    above = paths.get(node.within, "") if node.within is not None else ""
                    key = node.site.file, node.site.line, node.site.column, class_name(node.target), above
                    self._learnt.setdefault(key, []).append(node.path)

    def foretold(self, frame: FrameType, lasti: int, target: str, stack: list[Any], token: object) -> Foretold:
        """What is known of the call at *lasti* of *frame*, that builds what *token* stands for while *stack* is being built."""
        known = self._known.get(id(token))
        if known is not None:
            return known
        above, site_of = self._above(stack, frame)
        number = self._numbers[target] = self._numbers.get(target, -1) + 1
        path = self._from_source(frame, lasti, target, above, number)
        learnt = self._from_record(frame, lasti, target, above, site_of)
        if len(self._known) >= _MANY:
            kept = {id(each) for each in stack}
            self._known = {key: each for key, each in self._known.items() if key in kept}
        found = self._known[id(token)] = Foretold(
            token, learnt or path, number, learnt is not None and learnt != path, path
        )
        return found

    def known(self, token: object) -> Foretold | None:
        """What was foretold of the call of *token*."""
        return self._known.get(id(token))

    def _from_record(
        self, frame: FrameType, lasti: int, target: str, above: str, outer: FrameType | None
    ) -> str | None:
        if not self._learnt:
            return None
        if outer is not None and fills_fields(frame.f_code, users=False):
            frame, lasti = outer, outer.f_lasti  # a field's default: the record says where the whole was built
        site = locate(frame.f_code, lasti)
        key = site.file, site.line, site.column, class_name(target), above
        call = self._calls[key] = self._calls.get(key, -1) + 1
        paths = self._learnt.get(key, ())
        return paths[call] if call < len(paths) else None

    def _from_source(self, frame: FrameType, lasti: int, target: str, above: str, number: int) -> str:
        name, kind = name_at(frame.f_code, lasti), class_name(target)
        field = field_made(frame.f_code, lasti) if name is None else None
        if field is not None and above:
            return below(above, field)
        if not above and name is not None and not name.inline and not is_users(frame.f_code.co_filename):
            name = None  # what a library calls it is nobody's business
        base, counter = self._named(name, frame, kind, above)
        if not self._numbering:
            return base
        if base == segment(kind) and not above:
            return _numbered(base, number)
        return self._free(base, counter, taken=True)

    def _free(self, base: str, counter: str | None, *, taken: bool) -> str:
        """*base* with the next number of *counter*, or with one if it needs it; *taken*: for good."""
        number = self._next.get(counter or base, 0 if counter else None)
        if taken:
            self._next[counter or base] = (number or 0) + 1
        return base if number is None else f"{base}.{number}"

    def _above(self, stack: list[Any], frame: FrameType) -> tuple[str, FrameType | None]:
        """The path of what is being built around a call in *frame*, and the frame that called for it."""
        if not stack:
            return "", None
        token = stack[-1]
        known = self._known.get(id(token))
        if known is not None and not fills_fields(frame.f_code, users=False):
            return known.path, None
        obj = token()
        entry = _entry(frame, None if type(token) is Call else obj)
        caller = entry.f_back if entry is not None else None
        if known is not None or entry is None or caller is None:
            return known.path if known is not None else "", caller
        target = (
            f"{entry.f_globals.get('__name__')}:{entry.f_code.co_qualname}"
            if type(token) is Call
            else name_of(type(obj))
        )
        return self.foretold(caller, caller.f_lasti, target, stack[:-1], token).path, caller

    def _named(self, name: Name | None, frame: FrameType, target: str, above: str) -> tuple[str, str | None]:
        """The path by the *name* in the source, and by what is counted if it is one of many that the source calls so."""
        while name is not None and name.inline:
            call = name.call
            schema = _called(call, frame) if call is not None else None
            if call is not None and schema is not None:
                taker, counter = self._named(call.name, frame, class_name(schema.target), above)
                if self._numbering and not above and taker == segment(class_name(schema.target)):
                    taker = _numbered(taker, self._numbers.get(schema.target, -1) + 1)
                elif self._numbering:
                    taker = self._free(taker, counter, taken=False)
                way, first = _way(name.segments, schema, many=name.counted)
                base = below(taker, *way)
                if not name.counted:
                    return base, None
                # What is in an object has numbers of its own, and is built before the object that may take the path itself.
                self._next.setdefault(f"{base}.", first)
                return base, f"{base}."
            name = name.otherwise
        if name is None or not name.segments:
            return below(above, target), None
        base = below(above, *name.segments)
        return base, base if name.counted else None


def _numbered(path: str, number: int) -> str:
    return f"{path}.{number}" if number else path


def is_as_it_was(file: str, started: str) -> bool:
    """Whether *file* was not changed since a run that *started* at that moment."""
    try:
        return os.stat(file).st_mtime <= datetime.fromisoformat(started).timestamp()
    except (OSError, ValueError):
        return False


def _entry(frame: FrameType | None, obj: object) -> FrameType | None:
    """The outermost of the frames, from *frame* on, in which *obj*, or a tracked function, is being built."""
    found = None
    while frame is not None:
        code = frame.f_code
        if is_woven(code):
            first = frame.f_locals.get(code.co_varnames[0]) if code.co_varnames else None
            if obj is None or first is obj or (type(first) is tuple and first and first[0] is obj):
                found = frame
                if obj is None:
                    return found
            elif found is not None:
                return found
        frame = frame.f_back
    return found


def _called(call: SourceCall, frame: FrameType) -> Schema | None:
    """What is known of the class that *call*, in the source of *frame*, will call; None if it is not recorded."""
    if not call.callee:
        return None
    first, *steps = call.callee
    found: Any = frame.f_locals.get(first, frame.f_globals.get(first))
    for step in steps:  # through modules and classes alone: others could run code of the program
        if isinstance(found, ModuleType):
            found = found.__dict__.get(step)
        elif is_class(found):
            found = next((dict_of(cls)[step] for cls in mro_of(found) if step in dict_of(cls)), None)
        else:
            return None
    schema: Schema | None = plan_of(found).schema if is_class(found) else None
    return schema


def _way(steps: tuple[str, ...], schema: Schema, *, many: bool) -> tuple[tuple[str, ...], int]:
    """The *steps* from a call to its argument, a position turned into its parameter; of *many*, the number of the first."""
    if not steps:
        return (), 0
    first, rest = steps[0], steps[1:]
    star = schema.starred[0]
    if first.startswith("#"):
        at = int(first[1:])
        ordered = [name for name in schema.names if name not in schema.starred][: schema.positional]
        if at < len(ordered):
            first = ordered[at]
        elif star is not None:
            # *args: what a container was given goes by its index, which is the number of what is unpacked.
            return (rest, at - len(ordered)) if many else ((str(at - len(ordered)), *rest), 0)
    if first == KEPT_AS_ITSELF.get(class_name(schema.target)):
        return rest, 0
    return (first, *rest), 0
