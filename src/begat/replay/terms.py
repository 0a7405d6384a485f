"""Terms: what must be said to have a value of a record again.

The audit walks them, the dry run and the generated code print them, execution evaluates them. None of this imports or calls
anything; `begat.replay.translation` makes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Literal:
    """Data, as it is."""

    value: object


@dataclass(frozen=True, slots=True)
class Given:
    """What the caller of begat put here: an override, or what the record could not hold."""

    value: object


@dataclass(frozen=True, slots=True)
class Name:
    """
    A class, function or module by its name, for the argument or object *at*.

    *ours* names stand in begat's own code, never in a record: the types of data, such as ``numpy:float64``.
    """

    target: str
    kind: str
    at: str
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Built:
    """The object of a step."""

    node: int


@dataclass(frozen=True, slots=True)
class Reached:
    """What the constructor of node *outer* built, and keeps under *steps*: an object of the class *target*."""

    outer: int
    steps: tuple[str, ...]
    target: str
    at: str


@dataclass(frozen=True, slots=True)
class Several:
    """A new list, tuple, set or frozenset; *key* if it is met again."""

    kind: type
    parts: tuple[Term, ...]
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Pairs:
    """A new dict; *key* if it is met again."""

    items: tuple[tuple[Term, Term], ...]
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """An object of a subclass of a builtin type, with *content*; *key* if it is met again."""

    name: Name
    content: Term
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Again:
    """The container with this *key*, met before."""

    key: str


@dataclass(frozen=True, slots=True)
class Apply:
    """A call."""

    function: Name
    args: tuple[Term, ...] = ()
    kwargs: tuple[tuple[str, Term], ...] = ()


@dataclass(frozen=True, slots=True)
class Method:
    """The function *name*, bound to an object of its class."""

    name: Name
    of: Term


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an enumeration: *names* joined by ``|``, or by *value* where none of them has a name."""

    name: Name
    names: tuple[str, ...]
    value: Term


@dataclass(frozen=True, slots=True)
class Absent:
    """What the record does not hold: it stands *at* a path and was *what*."""

    at: str
    what: str


Term: TypeAlias = (
    Literal | Given | Name | Built | Reached | Several | Pairs | Content | Again | Apply | Method | Member | Absent
)
NONE = Literal(None)


def below(term: Term) -> Iterator[Term]:
    """*term* and every term in it."""
    if type(term) in _LEAVES:
        yield term
        return
    todo: list[Any] = [term]
    while todo:
        here = todo.pop()
        if type(here) is tuple:
            todo.extend(reversed(here))
        elif type(here) in _TERMS:
            yield here
            if type(here) not in _LEAVES:
                todo.extend([getattr(here, name) for name in _PARTS[type(here)]])


_LEAVES = frozenset((Literal, Given, Name, Built, Reached, Again, Absent))
_PARTS = {
    kind: [part.name for part in reversed(fields(kind))] for kind in (Several, Pairs, Content, Apply, Method, Member)
}
_TERMS = _LEAVES | _PARTS.keys()
