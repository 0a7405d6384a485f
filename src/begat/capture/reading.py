"""Rows into nodes: names, defaults and call sites are found here, when somebody looks, not when the call is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any, NamedTuple

from begat.capture.fields import fills_fields, is_object
from begat.capture.ownership import is_users
from begat.capture.recorder import Recorder
from begat.capture.story import Entry, Fate, Place, tell
from begat.intercept.constants import NOT_GIVEN
from begat.intercept.hooks import Defaulted
from begat.intercept.schema import Options, Schema, exchanged_defaults
from begat.intercept.woven import original
from begat.introspect.callsites import locate
from begat.introspect.callsites import name as name_at
from begat.introspect.describe import LIMITS
from begat.introspect.factories import literal_of
from begat.introspect.secrets import redacted, scrubbed, secret_types
from begat.introspect.signatures import annotations as annotations_of
from begat.introspect.targets import code_fingerprint
from begat.record.collector import resting
from begat.record.model import ABSENT, Argument, ArgumentDraft, Event, Node, Process, Source
from begat.record.values import NUMBERS, SCALARS, Cut, Ref, Symbol
from begat.record.walk import refs


class Alike(NamedTuple):
    """Rows of one class and place: their numbers, the rows around them, and their bare values, in which links may be left."""

    about: Known
    place: Place
    numbers: list[int]
    around: list[int | None]
    rows: list[tuple[Any, ...]]


class Reader:
    """Reads one recorder's rows; what is the same for many rows is found once."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self._places: dict[tuple[int, int], Place] = {}  # the recorder holds the code
        self._schemas: dict[int, Known] = {}

    def read(self) -> tuple[tuple[Node, ...], tuple[Event, ...]]:
        """All nodes and events so far."""
        count = self.recorder.resolve()
        with resting():
            return tell(self.entries(0, count), Process(self.recorder.pid, self.recorder.rank))

    def counted(self) -> tuple[int, int]:
        """How many constructions there are, and how many of them the user's code made; none of them is read."""
        count, again = self.recorder.resolve(), self.recorder.again.keys()
        total = own = 0
        for numbers in self.recorder.rows.alike(count, self.recorder.rows.base).values():
            made = len(numbers) - len(again & numbers if again else ())
            row = self.recorder.rows.row(numbers[0])
            total += made
            own += made * is_users(locate(row.code, row.lasti).file)
        return total, own

    def alike(self, start: int, count: int, special: set[int]) -> tuple[list[Alike], list[int]]:
        """The rows from *start* up to *count*, those together that are alike; and those that are *special*, or not bound so simply."""
        recorder = self.recorder
        rows, start = recorder.rows, max(start, recorder.rows.base)
        values, around = rows.together(count, start)
        if recorder.again:
            around = [recorder.again[n][1] if n is not None and n in recorder.again else n for n in around]
        found, others = [], []
        for numbers in rows.alike(count, start).values():
            _, schema, code, lasti, _ = rows.row(numbers[0])
            known = self._schemas.get(id(schema)) or self._known_of(schema)
            place = self._places.get((id(code), lasti)) or self._place(code, lasti)
            if not known.simple:
                others += numbers
                continue
            if not special.isdisjoint(numbers):
                others += special.intersection(numbers)
                numbers = [number for number in numbers if number not in special]
            whole = len(numbers) == len(values)
            own = values if whole else [values[number - start] for number in numbers]
            found.append(Alike(known, place, numbers, around if whole else [around[n - start] for n in numbers], own))
        return found, sorted(others)

    def entries(self, start: int, count: int, special: set[int] | None = None) -> Iterator[Entry]:
        """The rows from *start* up to *count*, for whoever tells them."""
        recorder = self.recorder
        again, moved, strangers = recorder.again, recorder.moved, recorder.strangers
        special = self.special() if special is None else special
        rows, order = recorder.rows, recorder.rows.past.order
        for number, row, schema, code, lasti, within in rows.read(count, start):
            known = self._schemas.get(id(schema)) or self._known_of(schema)
            if number in moved:
                _, _, code, lasti, _ = rows.row(moved[number])
            place = self._places.get((id(code), lasti)) or self._place(code, lasti)
            arguments = known.bind(recorder.told(row) if strangers else row)
            if within is not None and within in again:
                within = again[within][1]
            fate = None
            if number in special:
                arguments, fate = self._fated(number, schema, arguments)
            alone = known.alone and SCALARS.issuperset(map(type, row))
            yield number, known, place, within, arguments, alone, fate, order.get(number)

    def fate(self, number: int) -> tuple[Known, dict[str, Argument], Fate]:
        """What is known of row *number* now: what was called, its arguments, what became of it."""
        schema = self.recorder.rows.row(number).schema
        return self._known_of(schema), *self._fated(number, schema, self._passed(number))

    def special(self) -> set[int]:
        """The rows whose calls did not simply return."""
        r = self.recorder
        return {*r.again, *r.outcomes, *r.unbuilt, *r.built, *r.changed, *r.instead}

    def _fated(self, number: int, schema: Schema, arguments: dict[str, Argument]) -> tuple[dict[str, Argument], Fate]:
        recorder = self.recorder
        if number in recorder.changed:
            passed = self._passed(recorder.moved[number]) if number in recorder.moved else arguments
            arguments = changed(arguments, recorder.changed[number], passed, schema.options)
        called = None
        other = recorder.instead.get(number)
        if other is not None:
            was = schema
            if number in recorder.moved:
                was = recorder.rows.row(recorder.moved[number]).schema
            else:
                arguments = {name: each for name, each in arguments.items() if name in other.names}
            symbol: Any = other.symbol
            called = symbol, other.source, Symbol(was.target, was.kind)
        built = recorder.built.get(number)
        return arguments, Fate(
            recorder.again.get(number),
            recorder.outcomes.get(number),
            number in recorder.unbuilt,
            (self._place(built.code, built.lasti).site, built.seconds) if built is not None else None,
            called,
        )

    def params(self, number: int) -> dict[str, Any]:
        """The values of one row's arguments: without names for all the others, which take time, unless a factory made one."""
        self.recorder.resolve()
        bound = self._passed(number)
        if number in self.recorder.changed:
            options = self.recorder.rows.row(number).schema.options
            bound = changed(bound, self.recorder.changed[number], bound, options)
        if any(map(is_object, bound.values())):
            bound = next((node.arguments for node in self.read()[0] if node.id == number), bound)
        return {name: argument.value for name, argument in bound.items()}

    def _passed(self, number: int) -> dict[str, Argument]:
        row = self.recorder.rows.row(number)
        return self._known_of(row.schema).bind(self.recorder.told(row.values))

    def _place(self, code: CodeType, lasti: int) -> Place:
        site = locate(code, lasti)
        user = is_users(site.file)
        found = self._places[id(code), lasti] = Place(site, user, fills_fields(code, user), name_at(code, lasti))
        return found

    def _known_of(self, schema: Schema) -> Known:
        known = self._schemas.get(id(schema))
        if known is None:
            known = self._schemas[id(schema)] = Known(schema, self.recorder.settled)
        return known


def changed(
    arguments: dict[str, Argument], used: dict[str, tuple[Any, Source]], passed: dict[str, Argument], options: Options
) -> dict[str, Argument]:
    """*arguments*, with what was *used* instead of some of those that were *passed*."""
    found = dict(arguments)
    for name, (value, source) in used.items():
        if name in options.ignore:
            continue
        was = passed[name].value if name in passed else ABSENT
        found[name] = Argument(name, redacted(name, value, options.redact), source, was)
    return found


class Known:
    """What a schema says once its class is looked at: the public parameters, their annotations, the fingerprint of the code."""

    def __init__(self, schema: Schema, settled: Callable[[object], object]) -> None:
        self.schema, self.target, self.kind = schema, schema.target, schema.kind
        subject, function = schema.subject(), schema.function()
        self.annotations = annotations_of(function) if function is not None else {}
        self.annotations = {k: v for k, v in self.annotations.items() if k in schema.names}
        self.code = code_fingerprint(subject, original) if subject is not None else None
        self.public = _public(subject, schema)
        self.starred = schema.starred if self.public is None else self.public.shown
        self.positional = schema.positional_only if self.public is None else self.public.positional
        if self.public is not None:
            self.annotations = {**self.annotations, **self.public.annotations}
        hidden = schema.options.ignore
        self.redact = schema.options.redact | secret_types(self.annotations)
        self.annotations = {name: scrubbed(text) for name, text in self.annotations.items()}
        self.exchanged = exchanged_defaults(function, schema.defaults)
        self.careful = bool(hidden or self.redact or self.exchanged)
        self.order = _order(schema)
        self.simple = self.public is None and not self.careful and self.order is None
        self.defaults = {
            name: Argument(name, redacted(name, settled(literal_of(subject, name, value))), "default")
            for name, value in schema.defaults.items()
        }
        self._recent: dict[
            str, Argument
        ] = {}  # for each name the last one given: most are the same constant of the code again
        self.alone = all(next(refs(default.value), None) is None for default in self.defaults.values())
        self.notes = schema.notes + ((f"not recorded, as asked: {', '.join(sorted(hidden))}",) if hidden else ())

    def bind(self, row: tuple[Any, ...]) -> dict[str, Argument]:
        """The arguments of a row, in the order of the signature."""
        names = self.schema.names
        # Calls of class methods and of __new__ have the class before the values.
        values = row[len(row) - len(names) :]
        if self.public is None and not self.careful:
            found, defaults, recent = {}, self.defaults, self._recent
            for name, value in zip(names, values, strict=True):
                if value is NOT_GIVEN:
                    found[name] = defaults[name]
                    continue
                argument = recent.get(name)
                if argument is None or argument.value is not value:
                    argument = recent[name] = self.argument(name, value)
                found[name] = argument
            return found if self.order is None else {name: found[name] for name in self.order}
        pairs = [self._pair(name, value) for name, value in zip(names, values, strict=True)]
        if self.public is None and self.order is not None:
            pairs.sort(key=lambda pair: self.order.index(pair[0]))  # type: ignore[union-attr]  # not None, above
        if self.public is not None:
            pairs = self.public.bind(pairs, self.schema.positional)
        options = self.schema.options
        return {
            name: Argument(name, redacted(name, value, self.redact), source)
            for name, value, source in pairs
            if name not in options.ignore
        }

    def argument(self, name: str, value: Any) -> Argument:
        """The argument *name*, as *value* says."""
        kind = type(value)
        if kind in _NEVER_SECRET and (kind is not int or value.bit_length() <= LIMITS.bits):
            argument = ArgumentDraft(name, value)
            argument.__class__ = Argument
            return argument
        _, value, source = self._pair(name, value)
        return Argument(name, redacted(name, value), source)

    def _pair(self, name: str, value: Any) -> tuple[str, object, Source]:
        if value is NOT_GIVEN:
            return name, self.defaults[name].value, "default"
        if type(value) is Defaulted:
            return name, value[0], "default"
        if type(value) is int and value.bit_length() > LIMITS.bits:
            return name, Cut("int", value.bit_length()), "given"  # here, for the call path has no time to ask
        if name in self.exchanged and type(value) is type(self.exchanged[name]) and value == self.exchanged[name]:
            return name, value, "default"
        return name, value, "given"


_NEVER_SECRET = NUMBERS | {Ref}


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
