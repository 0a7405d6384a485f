"""A run as data: what was built, with which arguments, where, by what.

Everything here is frozen and holds nothing of the program it was captured from.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, make_dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

if TYPE_CHECKING:
    from begat.record.graph import Run

Source = Literal["given", "default", "override", "config", "env"]
Outcome = Literal["returned", "raised", "deferred", "unfinished"]
Kind = Literal["class", "factory", "function"]

_T = TypeVar("_T")


class _Absent:
    """The one value that means: this argument replaced nothing."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = _Absent()
SEEN_BY_BASE = "the arguments are those that"  # the beginning of a note: not what the class itself was called with


@dataclass(frozen=True, slots=True)
class CallSite:
    """Where the call stands: *file* as the interpreter names it, *line* from 1, *column* from 0 or None, *function* qualified."""

    file: str
    line: int | None
    function: str
    column: int | None = None


@dataclass(frozen=True, slots=True)
class Process:
    """The process that made the call."""

    pid: int
    rank: int | None = None


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a call: its name, its value (see `begat.record.values`), where the value came from, what it replaced."""

    name: str
    value: object
    source: Source = "given"
    was: object = ABSENT


class _Member:
    """What belongs to a run. No field: it does not count for equality, and a copy or a pickle belongs to none."""

    __slots__ = ("_home",)

    _home: Run


@dataclass(frozen=True, slots=True)
class Node(_Member):
    """One recorded construction.

    *arguments* maps parameter names, in the order of the signature, to `Argument`. ``*args`` and ``**kwargs`` appear under
    their own names, as a tuple and as a dict. *within* is the id of the construction that made this call, or None.
    *user* says that the call was made by the user's own code. *notes* say what the record does not know.
    The first *positional* arguments can be given by position only.
    """

    id: int
    target: str
    kind: Kind
    path: str
    arguments: dict[str, Argument]
    site: CallSite | None = None
    within: int | None = None
    outcome: Outcome = "returned"
    process: Process | None = None
    code: str | None = None
    user: bool = True
    error: str | None = None
    annotations: dict[str, str] = field(default_factory=dict)
    starred: tuple[str | None, str | None] = (None, None)
    notes: tuple[str, ...] = ()
    positional: int = 0

    @property
    def params(self) -> dict[str, Any]:
        """Every argument's value by name, defaults included; a `Ref` where it was a tracked object."""
        return {name: argument.value for name, argument in self.arguments.items()}

    @property
    def fingerprint(self) -> str:
        """
        ``"sha256:…"``, equal exactly when the configuration is: target and arguments, defaults included, those of all objects
        that it refers to, which of these are one and the same object, and what the user's code built inside.

        LookupError for a node that refers to others and is in no run.
        """
        from begat.record.fingerprints import of_node
        from begat.record.graph import Run
        from begat.record.tree import references

        home = getattr(self, "_home", None)
        if home is None:
            if next(references(self), None) is not None:
                raise LookupError(f"{self.path} was taken out of its run, and what it refers to is there")
            home = Run(Header(""))
        return of_node(self, home)


def adopt(nodes: Iterable[Node], run: Run) -> None:
    """Let each of *nodes* know its run, unless it has one: its fingerprint is about what it refers to as well."""
    put = _Member.__dict__["_home"].__set__  # frozen instances are set by their slots alone
    for node in nodes:
        if not hasattr(node, "_home"):
            put(node, run)


def _drafts_of(kind: type[_T]) -> type[_T]:
    """
    The twin of the frozen *kind* whose instances can still be changed; ``draft.__class__ = kind`` ends that.

    To make a frozen instance takes three times as long: each field is set by a call.
    """
    parts = [
        (part.name, part.type, field(default=part.default, default_factory=part.default_factory))
        for part in fields(kind)  # type: ignore[arg-type]  # it is a dataclass
    ]
    bases = tuple(base for base in kind.__bases__ if base is not object)  # whose slots are part of the layout
    return make_dataclass(f"{kind.__name__}Draft", parts, bases=bases, slots=True, eq=False, repr=False)


ArgumentDraft = _drafts_of(Argument)
NodeDraft = _drafts_of(Node)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an object after its construction: *kind* ``"reinit"`` or, by a ``__new__`` that returned it again, ``"reused"``."""

    kind: str
    node: int
    arguments: dict[str, Argument]
    site: CallSite | None = None


@dataclass(frozen=True, slots=True)
class Environment:
    """What the run ran in. *git* is ``{"commit", "branch", "dirty", "root"}`` or None; *seeds* what was passed to seeding functions."""

    python: str = ""
    implementation: str = ""
    platform: str = ""
    host: str = ""
    user: str = ""
    cwd: str = ""
    packages: dict[str, str] = field(default_factory=dict)
    git: dict[str, object] | None = None
    seeds: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Overridden:
    """One override as it was given: *address* and *value* as text, *place* where it was said, and how many *calls* it changed."""

    address: str
    value: str
    source: Source = "override"
    place: str = ""
    calls: int = 0


@dataclass(frozen=True, slots=True)
class Header:
    """What a run says of itself. Times are ISO 8601 in UTC; *error* is ``"module:Type"`` of the exception that ended it.

    *exit_code* is the status that ``sys.exit`` was called with, where it was not 0.
    *parent* is the id of the run it was opened in. *marks* say what this record does not hold, and why.
    *watch* and *lazy* are the patterns that ``begat run`` was given for it.
    *journals* are those of other processes whose nodes are here, each with what its numbers were moved by.
    """

    id: str
    name: str | None = None
    started: str = ""
    ended: str | None = None
    outcome: str = "running"
    error: str | None = None
    argv: tuple[str, ...] = ()
    script: str | None = None
    parent: str | None = None
    result: dict[str, object] = field(default_factory=dict)
    marks: tuple[str, ...] = ()
    exit_code: int | None = None
    watch: tuple[str, ...] = ()
    lazy: tuple[str, ...] = ()
    overrides: tuple[Overridden, ...] = ()
    journals: dict[str, int] = field(default_factory=dict)
