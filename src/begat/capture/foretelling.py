"""What a construction will be called, before it is built: from the source around the call, and from the calls it stands in.

A record names its nodes when all is known. An override has to know while the call is made: who takes the object comes
later, but mostly stands around the call, in the source. What only the record can know is learnt from an earlier one.
"""

from __future__ import annotations

from types import FrameType, ModuleType
from typing import Any

from begat.intercept.interceptor import Call, is_woven
from begat.intercept.plans import plan_of
from begat.intercept.schema import Schema
from begat.introspect.callsites import Call as SourceCall
from begat.introspect.callsites import Name
from begat.introspect.callsites import name as name_at
from begat.introspect.targets import dict_of, is_class, mro_of
from begat.record.names import class_name
from begat.record.paths import KEPT_AS_ITSELF, below

_MANY = 10_000


class Foreteller:
    """Gives constructions their paths, as they begin; remembers those of the ones that others may be built in."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[object, str]] = {}  # by the id of the token, which is held

    def path(self, frame: FrameType, lasti: int, target: str, stack: list[Any], token: object = None) -> str:
        """The path of what the call at *lasti* of *frame* builds, of class *target*, while *stack* is being built."""
        found = self._named(name_at(frame.f_code, lasti), frame, class_name(target), self._above(stack, frame))
        if token is not None:
            self.remember(token, found)
        return found

    def remember(self, token: object, path: str) -> None:
        """The object of *token* has this *path*."""
        if len(self._known) >= _MANY:
            self._known.clear()
        self._known[id(token)] = token, path

    def _above(self, stack: list[Any], frame: FrameType) -> str:
        """The path of what is being built around a call in *frame*."""
        if not stack:
            return ""
        token = stack[-1]
        known = self._known.get(id(token))
        if known is not None:
            return known[1]
        obj = token()
        entry = _entry(frame, None if type(token) is Call else obj)
        if entry is None or entry.f_back is None:
            return ""
        caller = entry.f_back
        target = entry.f_code.co_name if type(token) is Call else type(obj).__qualname__
        return self.path(caller, caller.f_lasti, target, stack[:-1], token)

    def _named(self, name: Name | None, frame: FrameType, target: str, above: str) -> str:
        while name is not None and name.inline:
            call = name.call
            schema = _called(call, frame) if call is not None else None
            if call is not None and schema is not None:
                taker = self._named(call.name, frame, class_name(schema.target), above)
                return below(taker, *_way(name.segments, schema))
            name = name.otherwise
        if name is None or not name.segments:
            return below(above, target)
        return below(above, *name.segments)


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


def _way(steps: tuple[str, ...], schema: Schema) -> tuple[str, ...]:
    """The *steps* from a call to its argument, a position turned into its parameter."""
    if not steps:
        return ()
    first, rest = steps[0], steps[1:]
    star = schema.starred[0]
    if first.startswith("#"):
        at = int(first[1:])
        ordered = [name for name in schema.names if name not in schema.starred][: schema.positional]
        if at < len(ordered):
            first = ordered[at]
        elif star is not None:
            # *args: what a container was given goes by its index.
            return (str(at - len(ordered)), *rest)
    if first == KEPT_AS_ITSELF.get(class_name(schema.target)):
        return rest
    return (first, *rest)
