"""Terms as Python text."""

from __future__ import annotations

import datetime
import decimal
import keyword
import math
import pathlib
import re
import uuid
from collections.abc import Callable
from typing import Any

from begat.record.plain import elided, escaped
from begat.replay.imports import Imports
from begat.replay.layout import Group, Labeled, Text, called, flat
from begat.replay.terms import (
    Absent,
    Again,
    Apply,
    Built,
    Content,
    Given,
    Literal,
    Member,
    Method,
    Name,
    Pairs,
    Reached,
    Several,
    Term,
)


class Speller:
    """
    Writes terms. *object_at* gives the text for the object of a node, *again* that for a container that is met again.

    What cannot be said is listed in *gaps*, path and text, and written as a call of the function *helper*.
    """

    def __init__(
        self,
        imports: Imports,
        object_at: Callable[[int], Text],
        again: Callable[[str], str | None],
        helper: str = "missing",
    ) -> None:
        self.imports = imports
        self.helper = helper
        self.object_at = object_at
        self.again = again
        self.gaps: list[str] = []

    def missing(self, at: str, what: str) -> str:
        """The text that stands for what cannot be said."""
        gap = elided(escaped(f"{at}: {what}"), 200)
        self.gaps.append(gap)
        return f"{self.helper}({quoted(gap)})"

    def text(self, term: Term) -> Text:
        """The text of *term*."""
        match term:
            case Literal():
                return self.literal(term.value)
            case Given():
                return (
                    self.literal(term.value)
                    if type(term.value) in _PLAIN
                    else self.missing("", f"supplied: {type(term.value).__name__}")
                )
            case Name():
                return self.named(term)
            case Built():
                return self.object_at(term.node)
            case Reached():
                return flat(self.object_at(term.outer)) + "".join(map(_step, term.steps))
            case Several() | Pairs():
                known = self.again(term.key) if term.key is not None else None
                return known or self.container(term)
            case Content():
                return self._content(term)
            case Again():
                return self.again(term.key) or self.missing(
                    term.key.partition("\0")[0], "a container that holds itself"
                )
            case Apply():
                return self._apply(term)
            case Method():
                return f"{flat(self.text(term.of))}.{term.name.target.rpartition('.')[2]}"
            case Member():
                return self._member(term)
            case Absent():
                return self.missing(term.at, term.what)

    def container(self, term: Several | Pairs) -> Text:
        """A new container."""
        if type(term) is Pairs:
            return Group(
                "{", tuple(Labeled(f"{flat(self.text(key))}: ", self.text(item)) for key, item in term.items), "}"
            )
        assert type(term) is Several
        parts = tuple(map(self.text, term.parts))
        if term.kind is list:
            return Group("[", parts, "]")
        if term.kind is tuple:
            return Group("(", parts, ")", lone=True)
        inside = Group("{", parts, "}")
        if term.kind is set:
            return inside if parts else "set()"
        return called("frozenset", (inside,) if parts else ())

    def named(self, term: Name) -> str:
        """The text for a class, function, module or constant by name."""
        module, _, qualname = term.target.partition(":")
        if term.ours and term.kind == "constant":
            return f"{self.imports.module(module)}.{qualname}"
        if term.target == "types:NoneType":
            return "type(None)"
        steps = [*module.split("."), *(qualname.split(".") if qualname else ())]
        if not all(step.isidentifier() and not keyword.iskeyword(step) for step in steps):
            return self.missing(term.at, f"{term.target}, which cannot be imported by that name")
        if not qualname:
            return self.imports.module(module)
        if term.ours and module in _BY_MODULE:
            return f"{self.imports.module(module)}.{qualname}"
        return self.imports.name(term.target)

    def _content(self, term: Content) -> Text:
        inside = term.content
        name = self.named(term.name)
        if type(inside) is Pairs and not term.name.ours and all(_is_keyword(key) for key, _ in inside.items):
            # So it is right for a namedtuple and for a subclass of dict alike.
            return called(name, (Labeled(f"{key.value}=", self.text(item)) for key, item in inside.items))  # type: ignore[union-attr]
        return called(name, (self.text(inside),))

    def _apply(self, term: Apply) -> Text:
        match term.function.target, term.args:
            case "operator:or_", (left, right):
                return f"{flat(self.text(left))} | {flat(self.text(right))}"
            case "types:GenericAlias", (origin, Several() as args):
                return f"{flat(self.text(origin))}[{', '.join(flat(self.text(arg)) for arg in args.parts)}]"
        return called(self.named(term.function), self.arguments(term.args, term.kwargs))

    def arguments(self, args: tuple[Term, ...], kwargs: tuple[tuple[str, Term], ...]) -> list[Text]:
        """The arguments of a call."""
        said: list[Text] = [self.text(arg) for arg in args]
        said += [Labeled(f"{name}=", self.text(value)) for name, value in kwargs if _is_name(name)]
        odd = [(name, value) for name, value in kwargs if not _is_name(name)]
        if odd:
            pairs = (Labeled(f"{quoted(name)}: ", self.text(value)) for name, value in odd)
            said.append(Group("{", tuple(pairs), "}", "**"))
        return said

    def _member(self, term: Member) -> Text:
        name = self.named(term.name)
        if not term.names:
            return called(name, (self.text(term.value),))
        # A member may be called like a keyword, or not at all like a name.
        return " | ".join(f"{name}.{m}" if not keyword.iskeyword(m) else f"{name}[{m!r}]" for m in term.names)

    # --- data -------------------------------------------------------------------------------------------------------------
    def literal(self, value: Any) -> Text:
        """The text for data."""
        match value:
            case bool() | None:
                return repr(value)
            case int():
                return repr(value) if value.bit_length() < 10_000 else hex(value)
            case float():
                return repr(value) if math.isfinite(value) else f'float("{value!r}")'
            case complex():
                return f"complex({flat(self.literal(value.real))}, {flat(self.literal(value.imag))})"
            case str():
                return quoted(value)
            case bytes():
                return f"b{quoted(value)}"
            case range() | slice():
                return repr(value)
            case tuple():
                return Group("(", tuple(map(self.literal, value)), ")", lone=True)
            case _ if value is ...:
                return "..."
            case _:
                return self._exact(value)

    def _exact(self, value: Any) -> Text:
        match value:
            case datetime.datetime() | datetime.date() | datetime.time() | datetime.timedelta() | datetime.timezone():
                self.imports.module("datetime")
                return repr(value).replace("datetime.", f"{self.imports.module('datetime')}.")
            case decimal.Decimal():
                return f'{self.imports.name("decimal:Decimal")}("{value}")'
            case uuid.UUID():
                return f'{self.imports.name("uuid:UUID")}("{value}")'
            case pathlib.Path():
                return f"{self.imports.name('pathlib:Path')}({quoted(str(value))})"
            case pathlib.PurePath():
                return f"{self.imports.name(f'pathlib:{type(value).__name__}')}({quoted(str(value))})"
            case re.Pattern():
                flags = value.flags & ~(re.UNICODE if isinstance(value.pattern, str) else 0)
                pattern = quoted(value.pattern) if isinstance(value.pattern, str) else repr(value.pattern)
                return f"{self.imports.module('re')}.compile({pattern}{f', {flags}' if flags else ''})"
        return self.missing("", f"a {type(value).__name__}")


_PLAIN = (type(None), bool, int, float, complex, str, bytes)
_BY_MODULE = frozenset({"array", "numpy", "torch", "pandas"})  # as people write them: `numpy.float32(1)`


def quoted(value: str | bytes) -> str:
    """*value* as a literal of one line, whatever is in it."""
    # `repr` writes out what does not print; double quotes where none are inside, as formatters have it.
    written = repr(value).removeprefix("b") if type(value) is bytes else repr(value)
    if written[0] == "'" and '"' not in written and "\\'" not in written:
        return f'"{written[1:-1]}"'
    return written


def _step(step: str) -> str:
    return (
        f".{step}"
        if step.isidentifier() and not keyword.iskeyword(step)
        else f"[{step}]"
        if is_index(step)
        else f"[{step!r}]"
    )


def _is_name(name: str) -> bool:
    return name.isidentifier() and not keyword.iskeyword(name)


def _is_keyword(term: Term) -> bool:
    return type(term) is Literal and type(term.value) is str and _is_name(term.value)


def is_index(step: str) -> bool:
    """Whether *step* is a number as code has it."""
    return step.isascii() and step.isdecimal() and (step == "0" or step[0] != "0")
