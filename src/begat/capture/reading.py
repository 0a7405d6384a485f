"""Rows into nodes: names, defaults and call sites are found here, when somebody looks, not when the call is made."""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType
from typing import Any

from begat.capture.naming import Namer
from begat.capture.ownership import is_users
from begat.capture.recorder import Recorder
from begat.intercept.constants import NOT_GIVEN
from begat.intercept.hooks import Defaulted
from begat.intercept.schema import Schema, exchanged_defaults
from begat.intercept.woven import original
from begat.introspect.callsites import locate
from begat.introspect.secrets import redacted
from begat.introspect.signatures import annotations as annotations_of
from begat.introspect.targets import code_fingerprint
from begat.record.collector import resting
from begat.record.model import Argument, CallSite, Event, Node, Process, Source


class Reader:
    """Reads one recorder's rows; what is the same for many rows is found once."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self._sites: dict[tuple[int, int], tuple[CallSite, bool]] = {}
        self._schemas: dict[int, _Known] = {}

    def read(self) -> tuple[tuple[Node, ...], tuple[Event, ...]]:
        """All nodes and events so far."""
        count = self.recorder.resolve()
        with resting():
            return self._read(count)

    def _read(self, count: int) -> tuple[tuple[Node, ...], tuple[Event, ...]]:
        recorder = self.recorder
        process = Process(recorder.pid, recorder.rank)
        namer = Namer()
        nodes, events = [], []
        for number, (row, schema, code, lasti, within) in enumerate(recorder.rows.read(count)):
            known = self._known(schema)
            site, user = self._site(code, lasti)
            again = recorder.again.get(number)
            if again is not None and again[0] == "continued":
                continue
            if again is not None:
                events.append(Event(again[0], again[1], known.bind(row), site))
                continue
            arguments = known.bind(row)
            within = recorder.again.get(within, ("", within))[1] if within is not None else None
            error = recorder.outcomes.get(number)
            nodes.append(
                Node(
                    number,
                    schema.target,
                    schema.kind,
                    "",
                    arguments,
                    site,
                    within,
                    "raised" if error else "returned",
                    process,
                    known.code,
                    user,
                    error,
                    known.annotations,
                    known.starred,
                    known.notes,
                )
            )
            namer.add(nodes[-1], code, lasti)
        return tuple(namer.named(nodes)), tuple(events)

    def params(self, number: int) -> dict[str, Any]:
        """The values of one row's arguments: without names for all the others, which take time."""
        self.recorder.resolve()
        rows = self.recorder.rows
        bound = self._known(rows.schema(number)).bind(rows.values(number))
        return {name: argument.value for name, argument in bound.items()}

    def _site(self, code: CodeType, lasti: int) -> tuple[CallSite, bool]:
        key = id(code), lasti  # the recorder holds the code
        found = self._sites.get(key)
        if found is None:
            at = locate(code, lasti)
            site = CallSite(at.file, at.line, at.function, at.column)
            found = self._sites[key] = (site, is_users(at.file))
        return found

    def _known(self, schema: Schema) -> _Known:
        known = self._schemas.get(id(schema))
        if known is None:
            known = self._schemas[id(schema)] = _Known(schema, self.recorder.settled)
        return known


class _Known:
    """What a schema says once its class is looked at: the public parameters, their annotations, the fingerprint of the code."""

    def __init__(self, schema: Schema, settled: Callable[[object], object]) -> None:
        self.schema = schema
        subject, function = schema.subject(), schema.function()
        self.annotations = annotations_of(function) if function is not None else {}
        self.annotations = {k: v for k, v in self.annotations.items() if k in schema.names}
        self.code = code_fingerprint(subject, original) if subject is not None else None
        self.public = _public(subject, schema)
        self.starred = schema.starred if self.public is None else self.public.shown
        if self.public is not None:
            self.annotations = {**self.annotations, **self.public.annotations}
        hidden = schema.options.ignore
        self.exchanged = exchanged_defaults(function, schema.defaults)
        self.careful = bool(hidden or schema.options.redact or self.exchanged)
        self.order = _order(schema)
        self.defaults = {
            name: Argument(name, redacted(name, settled(value)), "default") for name, value in schema.defaults.items()
        }
        self.notes = schema.notes + ((f"not recorded, as asked: {', '.join(sorted(hidden))}",) if hidden else ())

    def bind(self, row: tuple[Any, ...]) -> dict[str, Argument]:
        """The arguments of a row, in the order of the signature."""
        names = self.schema.names
        # Calls of class methods and of __new__ have the class before the values.
        values = row[len(row) - len(names) :]
        if self.public is None and not self.careful:
            defaults = self.defaults
            found = {
                name: defaults[name]
                if value is NOT_GIVEN
                else Argument(name, value)
                if type(value) in _NEVER_SECRET
                else self._argument(name, value)
                for name, value in zip(names, values, strict=True)
            }
            return found if self.order is None else {name: found[name] for name in self.order}
        pairs = [self._pair(name, value) for name, value in zip(names, values, strict=True)]
        if self.public is None and self.order is not None:
            pairs.sort(key=lambda pair: self.order.index(pair[0]))  # type: ignore[union-attr]  # not None, above
        if self.public is not None:
            pairs = self.public.bind(pairs, self.schema.positional)
        options = self.schema.options
        return {
            name: Argument(name, redacted(name, value, options.redact), source)
            for name, value, source in pairs
            if name not in options.ignore
        }

    def _argument(self, name: str, value: Any) -> Argument:
        _, value, source = self._pair(name, value)
        return Argument(name, redacted(name, value), source)

    def _pair(self, name: str, value: Any) -> tuple[str, object, Source]:
        if value is NOT_GIVEN:
            return name, self.defaults[name].value, "default"
        if type(value) is Defaulted:
            return name, value[0], "default"
        if name in self.exchanged and type(value) is type(self.exchanged[name]) and value == self.exchanged[name]:
            return name, value, "default"
        return name, value, "given"


_NEVER_SECRET = frozenset((type(None), bool, int, float))


def _order(schema: Schema) -> list[str] | None:
    """The names in the order of a signature, where the code has another: it keeps ``*args`` behind the keyword-only ones."""
    star = schema.starred[0]
    if star is None or schema.names.index(star) == schema.positional:
        return None
    others = [name for name in schema.names if name != star]
    return [*others[: schema.positional], star, *others[schema.positional :]]


def _public(subject: Any, schema: Schema) -> Any:
    """The signature people see, where the code itself only takes ``*args, **kwargs`` and passes them on."""
    if schema.starred == (None, None) or subject is None:
        return None
    from begat.introspect.public import public_signature

    return public_signature(subject, schema.names, schema.starred, schema.kind)
