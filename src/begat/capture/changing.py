"""The arguments of one call, changed: where each parameter's value stands, what it replaces, and what it is to be instead.

Nothing that the program holds is changed: a container is copied along the way to the item.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from inspect import Parameter
from typing import Any, Optional

from begat.errors import OverrideError
from begat.intercept.constants import NOT_GIVEN, Defaults, KeywordDefaults
from begat.intercept.identity import link, snap
from begat.intercept.plans import plan_of
from begat.intercept.schema import Schema
from begat.introspect.annotated import MISSING, annotation_of
from begat.introspect.describe import Link
from begat.introspect.factories import MARKS, factory_of
from begat.introspect.imports import named
from begat.introspect.public import Public, public_signature
from begat.introspect.targets import is_class
from begat.record.model import Source
from begat.record.names import counted
from begat.record.paths import segment
from begat.replay.literals import UNKNOWN, literal
from begat.replay.override import COMMAND, Override, Reading, names_something
from begat.replay.validate import check, read, refusal

Changes = dict[str, tuple[Any, Source]]
"""What was changed, by parameter: the value that is used, and where it came from."""


@dataclass(frozen=True, slots=True)
class Place:
    """A call: its *schema*, where it stands, and the names that the code there knows."""

    schema: Schema
    where: str
    space: Callable[[], Mapping[str, Any]]


@lru_cache(maxsize=4096)
def public_of(schema: Schema) -> Public | None:
    """The signature that people see, where the code's own only passes on what it is given."""
    subject = schema.subject()
    if schema.starred == (None, None) or subject is None:
        return None
    found: Public | None = public_signature(subject, schema.names, schema.starred, schema.kind)
    return found


def changed_values(
    place: Place, values: tuple[Any, ...], readings: Iterable[Reading], missed: dict[int, str]
) -> tuple[tuple[Any, ...], Changes, list[Reading]]:
    """
    *values*, of the call at *place*, as *readings* want them, the weaker ones first; what was changed, and by which of them.

    What leads nowhere is noted in *missed*, by the id of the override: it may still mean another call.
    """
    bound = _Bound(place, values)
    changes: Changes = {}
    applied = []
    for reading in readings:
        assert reading.parameter is not None
        now = bound.get(reading.parameter)
        try:
            value = wanted(place, reading, now)
        except LookupError as error:
            missed.setdefault(id(reading.override), f"in {place.where}, {error}")
            continue
        applied.append(reading)
        if _is_same(now, value):
            value = now  # the very object that was passed, as scikit-learn's `clone` wants it
        bound.set(reading.parameter, value)
        name, shown = bound.recorded(reading.parameter)
        changes[name] = shown, reading.override.source
    return tuple(bound.values), changes, applied


def _is_same(now: Any, value: Any) -> bool:
    """Whether *now* is what *value* is, as far as plain data goes: nothing of the program's is asked."""
    if now is value:
        return True
    if type(now) is not type(value) or type(now) not in _PLAIN:
        return False
    one, other = snap(now), snap(value)
    return repr(one) == repr(other) if type(one) in _PLAIN else False


_PLAIN = (int, float, bool, str, list, tuple, dict)


def wanted(place: Place, reading: Reading, now: Any) -> Any:
    """What the parameter of *reading*, *now* of this value, is to be. Raises LookupError where it cannot be meant."""
    override, parameter = reading.override, str(reading.parameter)
    schema = place.schema
    annotation: Any = UNKNOWN
    if not reading.steps:
        annotation = annotation_of(schema.function(), schema.subject(), parameter)
        if annotation is MISSING:
            annotation = UNKNOWN
        elif default_value(schema, parameter) is None and not isinstance(annotation, str):
            annotation = Optional[annotation]  # noqa: UP045  # `depth: int = None`: anything may stand there, and have no `|`
    steps = ".".join((parameter, *reading.steps))
    inner = _item(now, reading.steps)
    if _is_built(inner) and names_something(override.value):
        raise LookupError(
            f"{steps} is an object that is built already: another class can stand in its place only where it is called"
        )
    try:
        value = value_for(override, annotation, inner, place.space)
    except ValueError as error:
        raise refusal(override.said, steps, annotation, inner, place.where, error) from None
    return _with(now, reading.steps, value) if reading.steps else value


def value_for(override: Override, annotation: Any, current: Any, space: Callable[[], Mapping[str, Any]]) -> Any:
    """What *override* gives in the place of *current*. Raises ValueError if its value does not fit."""
    current = UNKNOWN if current is NOT_GIVEN else current
    if not override.text:
        return check(override.value, annotation, current)
    if override.exactly:
        value = literal(override.value)
        return check(override.value if value is UNKNOWN else value, annotation, current)
    return read(override.value, annotation, current, resolver(override, space))


def resolver(override: Override, space: Callable[[], Mapping[str, Any]]) -> Callable[[str], Any]:
    """What finds the class or function that *override* names. From a file or the environment only what is tracked already."""

    def resolve(path: str) -> Any:
        trusted = override.level >= COMMAND
        found = named(path, space(), load=trusted)
        if not trusted and not _is_tracked(found):
            raise LookupError(
                f"{path} is not tracked here; what files and the environment name has to be: give it on the command line"
            )
        return found

    return resolve


def _is_tracked(found: Any) -> bool:
    return is_class(found) and plan_of(found).key is not None


def _is_built(value: Any) -> bool:
    return value is not None and not is_class(value) and type(link(value)) is Link


class _Bound:
    """The values of a call, by parameter: also those that stand in ``*args`` and ``**kwargs`` under a public name."""

    def __init__(self, place: Place, values: tuple[Any, ...]) -> None:
        self.schema = place.schema
        self.values = list(values)
        self._offset = len(values) - len(self.schema.names)  # calls of class methods have the class before

    def get(self, parameter: str) -> Any:
        """The value of *parameter* now, its default if the caller left it out; `NOT_GIVEN` if there is none."""
        at = self._at(parameter)
        if at is not None:
            value = self.values[at]
            return default_value(self.schema, parameter) if value is NOT_GIVEN else value
        place, key = self._starred(parameter)
        held = self.values[place] if place is not None else {}
        if isinstance(key, int):
            return held[key]
        public = public_of(self.schema)
        default = (
            public.parameters[parameter].default if public is not None and parameter in public.parameters else NOT_GIVEN
        )
        return held.get(key, NOT_GIVEN if default is Parameter.empty else default)

    def set(self, parameter: str, value: Any) -> None:
        """Let *parameter* be *value*."""
        at = self._at(parameter)
        if at is not None:
            self.values[at] = value
            return
        place, key = self._starred(parameter)
        if place is None:
            raise OverrideError(f"{self.schema.target} takes no {parameter}")
        held = self.values[place]
        if isinstance(key, int):
            self.values[place] = (*held[:key], value, *held[key + 1 :])
        else:
            self.values[place] = {**held, key: value}

    def recorded(self, parameter: str) -> tuple[str, Any]:
        """The argument in which a record shows *parameter*, and its value: what has no name of its own is in ``**kwargs``."""
        public = public_of(self.schema)
        known = public.parameters if public is not None else ()
        if parameter in self.schema.names or parameter in known:
            return parameter, self.get(parameter)
        double = self.schema.starred[1]
        held = self.values[self.schema.names.index(double) + self._offset] if double is not None else {}
        shown = public.shown[1] if public is not None else double
        return shown or parameter, {name: value for name, value in held.items() if name not in known}

    def _at(self, parameter: str) -> int | None:
        return self.schema.names.index(parameter) + self._offset if parameter in self.schema.names else None

    def _starred(self, parameter: str) -> tuple[int | None, int | str]:
        star, double = self.schema.starred
        public = public_of(self.schema)
        if star is not None and public is not None and parameter in public.parameters:
            at = list(public.parameters).index(parameter) - len(
                [n for n in self.schema.names if n not in self.schema.starred]
            )
            place = self._at(star)
            if place is not None and 0 <= at < len(self.values[place]):
                return place, at
        return (self._at(double) if double is not None else None), parameter


def default_value(schema: Schema, parameter: str) -> Any:
    """The default of *parameter*, the very object; of a default factory what it makes; `NOT_GIVEN` if there is none."""
    function, code = schema.function(), schema.code
    if function is None or code is None:
        return NOT_GIVEN
    defaults, keywords = function.__defaults__ or (), function.__kwdefaults__ or {}
    defaults = defaults.real if type(defaults) is Defaults else defaults
    keywords = keywords.real if type(keywords) is KeywordDefaults else keywords
    positional = code.co_varnames[: code.co_argcount]
    found: Any = NOT_GIVEN
    if parameter in positional:
        at = positional.index(parameter) - (len(positional) - len(defaults))
        found = defaults[at] if at >= 0 else NOT_GIVEN
    elif parameter in keywords:
        found = keywords[parameter]
    if type(found).__name__ in MARKS:
        factory = factory_of(schema.subject(), parameter)
        return factory() if factory in _PLAIN_FACTORIES else NOT_GIVEN
    return found


_PLAIN_FACTORIES = (list, dict, set)


# --- items of containers ----------------------------------------------------------------------------------------------------
def _item(value: Any, steps: tuple[str, ...]) -> Any:
    for step in steps:
        value = value[_key(value, step)] if not _is_new_key(value, step) else UNKNOWN
    return value


def _with(value: Any, steps: tuple[str, ...], item: Any) -> Any:
    """A copy of *value* with *item* at the end of *steps*."""
    step, rest = steps[0], steps[1:]
    kind = type(value)
    key: Any = step if _is_new_key(value, step) else _key(value, step)
    inner = _with(value[key], rest, item) if rest else item
    if kind is tuple:
        return (*value[:key], inner, *value[key + 1 :])
    if issubclass(kind, tuple):  # a named one
        return type(value)._make((*value[:key], inner, *value[key + 1 :]))  # checked by `_key`
    copy = value.copy()
    copy[key] = inner
    return copy


def _is_new_key(value: Any, step: str) -> bool:
    return type(value) is dict and step not in {segment(str(key)) for key in value}


def _key(value: Any, step: str) -> Any:
    """The key or index that *step*, a segment of a path, means in *value*. Raises LookupError for what has none."""
    kind: Any = type(value)  # the value itself is not asked for its class
    if issubclass(kind, dict):
        for key in value:
            if key == step or segment(str(key)) == step:
                return key
        raise LookupError(f"there is no {step!r} in {', '.join(map(repr, value)) or 'it'}")
    if issubclass(kind, tuple) and step in getattr(kind, "_fields", ()):
        return kind._fields.index(step)
    if kind is list or issubclass(kind, tuple):
        if not step.isdigit() or int(step) >= len(value):
            raise LookupError(f"it has {counted(len(value), 'item')}, and {step!r} is none of them")
        return int(step)
    name = kind.__name__
    way = "" if kind.__module__ == "builtins" else f": it was built before, and is named by its class, {name}.{step}"
    raise LookupError(f"{step!r} is looked for in an object ({name}), which has no items{way}")
