"""Values of a record to terms: the one translation, for the audit, the dry run, generated code and execution alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from begat.record import values
from begat.record.limits import READ_DEPTH
from begat.record.paths import segment
from begat.record.plain import elided, in_order, text
from begat.record.values import EXACT, SCALARS, Alias, Made, Ref, Symbol, Typed
from begat.record.walk import children
from begat.replay.forms import form
from begat.replay.terms import Absent, Again, Given, Literal, Name, Pairs, Several, Term


class Translator:
    """
    Values to terms.

    *replaced* are the objects that stand at paths in the place of what the record has there; those that were used are in
    *used*. *refer* says what a `Ref` is.
    """

    def __init__(self, replaced: Mapping[str, object], refer: Callable[[Ref, str], Term]) -> None:
        self.replaced = replaced
        self.used: set[str] = set()
        self.refer = refer
        self._aliases: frozenset[str] = frozenset()
        self._root = ""

    def argument(self, value: object, at: str) -> Term:
        """The term for *value*, the argument at the path *at*."""
        if type(value) in SCALARS and not self.replaced:
            return Literal(value)
        self._root = at
        self._aliases = (
            frozenset(f"{at}\0{path}" for path in _aliases(value)) if type(value) not in SCALARS else frozenset()
        )
        return self.term(value, at, "", 0)

    def term(self, value: Any, at: str, way: str, depth: int) -> Term:
        """The term for *value*, which stands at the path *at*, *way* from the beginning of its argument."""
        if at in self.replaced:
            self.used.add(at)
            return Given(self.replaced[at])
        kind = type(value)
        if kind in SCALARS:
            return Literal(value)
        if depth > READ_DEPTH:
            return Absent(at, "nested too deep")
        if kind is list or kind is tuple or kind is set or kind is frozenset:
            return self.several(kind, value, at, way, depth)
        if kind is dict or kind is values.Mapping:
            return self._pairs(value, at, way, depth)
        if kind is Ref:
            return self.refer(value, at)
        if kind is Symbol:
            return symbol(value, at)
        if kind is Alias:
            return Again(f"{self._root}\0{value.path}")
        if kind is Typed or kind is values.Array or kind is values.Member:
            return form(value, at, way, depth, self)
        if isinstance(value, EXACT):
            return Literal(value)
        return Absent(at, _described(value))

    def several(self, kind: type, items: Any, at: str, way: str, depth: int) -> Several:
        """The term for a list, tuple or set of *items*."""
        if kind is set or kind is frozenset:
            return Several(
                kind, tuple([self.term(item, at, way, depth + 1) for item in in_order(items)]), self.key(way)
            )
        parts = [self.part(item, str(step), at, way, depth) for step, item in enumerate(items)]
        return Several(kind, tuple(parts), self.key(way))

    def _pairs(self, value: Any, at: str, way: str, depth: int) -> Pairs:
        items: list[tuple[Term, Term]]
        if type(value) is dict:
            items = [(Literal(key), self.part(item, str(key), at, way, depth)) for key, item in value.items()]
        else:
            items = [
                (self.term(key, f"{at}.{step}", way, depth + 1), self.part(item, str(step), at, way, depth))
                for step, (key, item) in enumerate(value.items)
            ]
        return Pairs(tuple(items), self.key(way))

    def part(self, value: object, step: str, at: str, way: str, depth: int) -> Term:
        """The term for the part of a value that *step* leads to."""
        if type(value) in SCALARS and not self.replaced:
            return Literal(value)
        return self.term(value, f"{at}.{segment(step)}", f"{way}.{step}" if way else step, depth + 1)

    def key(self, way: str) -> str | None:
        """The key of the container at *way*, if it is met again."""
        key = f"{self._root}\0{way}"
        return key if key in self._aliases else None


def symbol(value: Symbol, at: str) -> Term:
    """The term for a class, function or module by name."""
    if value.target == "builtins:NoneType":
        return Name("types:NoneType", "class", at, ours=True)
    if value.target in DATA:
        return Name(value.target, "class", at, ours=True)
    if not value.importable and value.kind != "class":
        return Absent(at, _described(value))
    return Name(value.target, value.kind, at)


# What makes data and nothing else may be among the arguments without asking: `dtype=float`. As what is built it may not:
# ``bytes(10**12)`` would be a bomb.
DATA = frozenset(
    f"builtins:{name}"
    for name in [
        "bool",
        "bytearray",
        "bytes",
        "complex",
        "dict",
        "float",
        "frozenset",
        "int",
        "list",
        "object",
        "set",
        "str",
        "tuple",
    ]
)


def _described(value: object) -> str:
    match value:
        case values.Redacted():
            return f"a secret, which was redacted ({value.reason})"
        case values.Cut():
            return f"cut: {text(value, limit=60)}"
        case values.Opaque():
            said, reason = value.facts.get("function"), value.facts.get("reason")
            made = f" by {said}" if type(said) is str else ""
            return f"{value.type}{made}, which is described and not kept" + (
                f" ({text(reason, limit=120)})" if reason else ""
            )
        case Symbol():
            return f"{value.target}, which cannot be had by name"
        case Made():
            return "made by a default factory"
        case _:
            return elided(text(value, limit=80), 80)


def _aliases(value: object) -> Iterator[str]:
    todo = [value]
    while todo:
        here = todo.pop()
        if type(here) is Alias:
            yield here.path
        elif type(here) is Typed:
            todo.append(here.value)  # it may be nothing but an alias
        elif type(here) is not list or not SCALARS.issuperset(map(type, here)):
            todo.extend(part for _, part in children(here))
