"""Overrides as data: what is to be changed, where it was said, and which calls it means.

An address is a path, a class or a function, and then a parameter: ``model.enc.dim``, ``Encoder.dim``, ``Encoder.1.dim``,
``pkg.mod.Encoder.dim``, ``*.dropout``; what follows the parameter leads into its value (``opts.beta``). Without a parameter it
is the call itself that is meant, and the value is what to call instead. Which part of an address is what can only be
told before a call: a `Target` says for one kind of call how each address could be read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from begat.errors import OverrideError
from begat.introspect.secrets import MASK, redacted
from begat.record import paths
from begat.record.model import Source

CONFIG, FILE, ENVIRONMENT, COMMAND, BLOCK = range(100, 600, 100)
"""Where an override was given, the weakest first: a later one wins. What the run around this one was given is a little weaker."""

_SPLIT = re.compile(r"(?P<address>[^=]+?)(?P<exactly>:)?=(?P<value>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Override:
    """
    One wish: the argument at *address* is to be *value*.

    *text*: the value is text and is read by what it replaces; *exactly*: as a Python literal, whatever that is.
    *folded*: the case of letters in the address does not matter.
    *source* is what the record will say, *place* where it was said, *level* how strong it is.
    """

    address: str
    value: Any
    source: Source = "override"
    place: str = ""
    level: int = COMMAND
    text: bool = False
    exactly: bool = False
    folded: bool = False
    segments: tuple[str, ...] = field(default=(), compare=False, repr=False)
    # What it is called among all, those of other processes too; even.
    number: int = field(default_factory=lambda: int.from_bytes(os.urandom(8), "little") & ~1, compare=False, repr=False)

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "segments", paths.split(self.address))
        except ValueError as error:
            raise OverrideError(f"{self.said}: {error}") from None

    @property
    def manner(self) -> tuple[Any, ...]:
        """How it was said: what stands behind address and value where one like it is made."""
        return self.source, self.place, self.level, self.text, self.exactly, self.folded

    @property
    def said(self) -> str:
        """The override as somebody would find it again."""
        value = self.value if self.text else _shown(self.value)
        if redacted(self.address.rpartition(".")[2], value) != value:
            value = MASK
        value = value if len(value) <= 200 else value[:199] + "…"
        return f"{self.address}{':' if self.exactly else ''}={value}" + (f" ({self.place})" if self.place else "")


def _shown(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # the program's own, in the middle of our message
        return f"<{type(value).__name__}>"


def is_text(value: object) -> bool:
    """Whether *value* is a text; it is not asked for its class."""
    return issubclass(type(value), str)


def parse(word: str, source: Source = "override", place: str = "", level: int = COMMAND) -> Override:
    """
    Read ``PATH=VALUE``, or ``PATH:=LITERAL``, which is read as Python whatever it replaces.

    Raises OverrideError for text that is neither.

    >>> parse("model.hidden_size=256").segments
    ('model', 'hidden_size')
    """
    found = _SPLIT.fullmatch(word)
    if found is None:
        raise OverrideError(f"{word!r} is no override: write PATH=VALUE, as in model.hidden_size=256")
    return Override(
        found["address"].strip(), found["value"], source, place, level, text=True, exactly=found["exactly"] is not None
    )


def is_override(word: str) -> bool:
    """Whether *word* of a command line has the form of an override."""
    found = _SPLIT.fullmatch(word)
    return found is not None and not word.startswith("-") and paths.is_path(found["address"].strip())


def distinct(overrides: Iterable[Override]) -> tuple[Override, ...]:
    """
    *overrides*, the weaker first; of the same address only the strongest is kept.

    Raises OverrideError for two of the same address that are equally strong, and differ.
    """
    found: dict[tuple[tuple[str, ...], int], Override] = {}
    for override in overrides:
        other = found.setdefault((override.segments, override.level), override)
        if other is not override and (other.value, other.exactly) != (override.value, override.exactly):
            raise OverrideError(f"{other.said} and {override.said} are about the same argument: keep one")
    strongest: dict[tuple[str, ...], Override] = {}
    for override in sorted(found.values(), key=lambda each: each.level):
        strongest[override.segments] = override
    return tuple(strongest.values())


@dataclass(frozen=True, slots=True)
class Reading:
    """
    One way to read an address for one kind of call: *owner* is the part that must name the call.

    *by_class*: it does, being the class or function's name, and if *ordinal* is not None, only for the call of that number.
    Otherwise *owner* is a path, and only the call itself can tell. *parameter* is None where the call itself is meant.
    """

    override: Override
    owner: tuple[str, ...]
    parameter: str | None
    steps: tuple[str, ...] = ()
    by_class: bool = False
    ordinal: int | None = None

    def names(self, candidates: Iterable[str]) -> bool:
        """Whether *owner* is one of these paths."""
        pattern = ".".join(self.owner)
        return any(_matches(self.override, pattern, candidate) for candidate in candidates)

    @property
    def last(self) -> str:
        """The last segment of *owner*."""
        return self.owner[-1]


@dataclass(frozen=True, slots=True)
class Target:
    """One kind of call, for those who look for what means it: its *names* (``Encoder``, ``pkg.mod.Encoder``), its parameters.

    *others* says whether it takes keywords beside its *parameters*: those too can be meant, if the call is meant by its name.
    """

    names: tuple[str, ...]
    parameters: tuple[str, ...]
    others: bool = False

    def readings(self, overrides: Sequence[Override]) -> tuple[Reading, ...]:
        """Every way in which one of *overrides* could mean a call of this kind."""
        return tuple(reading for override in overrides for reading in self._of(override))

    def _of(self, override: Override) -> Iterable[Reading]:
        segments = override.segments
        if len(segments) == 1:  # `lr=0.1`: whatever has it
            yield from (
                Reading(override, ("*",), each) for each in self._parameters(override, segments[0], others=False)
            )
        for at in range(1, len(segments) + 1):
            owner, rest = segments[:at], segments[at:]
            if not rest and not names_something(override.value):
                continue
            parameters: Iterable[str | None] = (
                self._parameters(override, rest[0], others=not set("*?") & set("".join(owner))) if rest else (None,)
            )
            for parameter in parameters:
                ordinal = self._called(override, owner)
                if ordinal is not None:
                    yield Reading(override, owner, parameter, rest[1:], True, ordinal if ordinal >= 0 else None)
                else:
                    yield Reading(override, owner, parameter, rest[1:])

    def _parameters(self, override: Override, pattern: str, others: bool = True) -> Iterable[str]:
        known = [name for name in self.parameters if _matches(override, pattern, name)]
        if not known and others and self.others and not set(pattern) & set("*?") and not pattern.isdigit():
            return (pattern,)
        return known

    def _called(self, override: Override, owner: tuple[str, ...]) -> int | None:
        """The number of the call that *owner* means by name, -1 for all of them, None if it is not its name."""
        if self._named(override, owner):
            return -1
        return int(owner[-1]) if owner[-1].isdigit() and self._named(override, owner[:-1]) else None

    def _named(self, override: Override, owner: tuple[str, ...]) -> bool:
        pattern = ".".join(owner)
        # A star alone is for paths: every call has one.
        return pattern.strip("*.") != "" and any(_matches(override, pattern, name) for name in self.names)


def _matches(override: Override, pattern: str, name: str) -> bool:
    return paths.matches(pattern, name.lower() if override.folded else name)


def names_something(value: Any) -> bool:
    """Whether *value* can be what to call instead: a class or function, or the text of an import path."""
    if is_text(value):
        return re.fullmatch(r"[^\W\d]\w*(?:[.:][^\W\d]\w*)+|[A-Z]\w*", value) is not None
    return callable(value)


def chosen(readings: Sequence[Reading]) -> dict[tuple[str | None, tuple[str, ...]], Reading]:
    """
    For each parameter, and each place in its value, the one of *readings* that holds: of several the strongest.

    In the order in which they are to be applied. Raises OverrideError for two that are equally strong and differ.
    """
    found: dict[tuple[str | None, tuple[str, ...]], Reading] = {}
    # Of the same strength the whole comes before its parts: `opts={} opts.beta=1`.
    for reading in sorted(readings, key=lambda each: (each.override.level, len(each.steps))):
        key = reading.parameter, reading.steps
        one, two = found[key].override if key in found else reading.override, reading.override
        if one.level == two.level and (one.value, one.exactly) != (two.value, two.exactly):
            raise OverrideError(f"{one.said} and {two.said} change the same argument: keep one")
        found.pop(key, None)
        found[key] = reading
    return found


def unmatched(
    missed: Sequence[Override],
    known: Iterable[str],
    takes: Mapping[str, Iterable[str]],
    near: Mapping[int, str] = MappingProxyType({}),
) -> str:
    """
    What to say of overrides that changed nothing: the nearest of the *known* paths of arguments, or what a call takes.

    *takes* maps the names of objects to their parameters; *near*, the ids of overrides to why they changed nothing.
    """
    from difflib import get_close_matches

    everything = sorted(set(known))
    lines = []
    for override in missed:
        address = ".".join(override.segments)
        owner, _, parameter = address.rpartition(".")
        accepted = takes.get(owner)
        if accepted is not None and parameter not in (accepted := list(accepted)):
            close = get_close_matches(parameter, accepted, n=1, cutoff=0.5)
            hint = f"{owner} takes {', '.join(accepted) or 'nothing'}" + (
                f"; did you mean {close[0]}?" if close else ""
            )
        elif id(override) in near:
            hint = near[id(override)]
        else:
            close = _near(address, everything)
            hint = f"did you mean {', '.join(close)}?" if close else "`begat params` lists what there is"
        lines.append(f"{override.said} matched nothing; {hint}")
    return "\n".join(lines)


def _near(address: str, known: list[str]) -> list[str]:
    from difflib import get_close_matches

    near = get_close_matches(address, known, n=3, cutoff=0.6)
    if near:
        return near
    last = address.rpartition(".")[2]
    names = {path.rpartition(".")[2] for path in known}
    alike = get_close_matches(last, names, n=1, cutoff=0.7)
    return [path for path in known if path.rpartition(".")[2] in alike][:3]
