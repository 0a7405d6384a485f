"""From the argument of a record to those of a call today: by position or by name, checked before anything is called."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from begat.introspect.describe import snapshot
from begat.introspect.factories import default_of, literal_of
from begat.record.names import called, counted
from begat.record.values import SCALARS
from begat.replay.plan import Passed, Step
from begat.replay.terms import Absent, Given, Literal, Name, Pairs, Several, Term, below


@dataclass(frozen=True, slots=True)
class Call:
    """The arguments of one call: *args* and *kwargs*; *spread* and *named* are what was given for ``*args`` and ``**kwargs`` whole."""

    args: tuple[Term, ...]
    kwargs: tuple[tuple[str, Term], ...]
    spread: Given | None = None
    named: Given | None = None


@dataclass(slots=True)
class Callee:
    """
    What is known of a class or function that is there now; *parameters* None if it does not tell.

    *only* are those that go by position only; *fits* the shapes of calls that were found to fit.
    """

    thing: Any
    parameters: dict[str, inspect.Parameter] | None = None
    only: frozenset[str] = frozenset()
    defaults: dict[str, object] = field(default_factory=dict)
    fits: set[object] = field(default_factory=set)

    def default(self, name: str) -> object:
        """The default of parameter *name*, as a value of a record."""
        if name not in self.defaults:
            default = self.parameters[name].default if self.parameters else None
            found = default_of(self.thing, name, default, lambda value: snapshot(value, lambda _: None))
            self.defaults[name] = literal_of(self.thing, name, found)
        return self.defaults[name]


def callee(thing: Any, function: Any = None) -> Callee:
    """What is known of *thing*, whose arguments *function* takes, if that is another."""
    try:
        signature = inspect.signature(function or thing)
    except Exception:  # C code that does not tell, or code of the program that fails to
        return Callee(thing)
    parameters = dict(signature.parameters)
    only = frozenset(name for name, parameter in parameters.items() if parameter.kind is parameter.POSITIONAL_ONLY)
    return Callee(thing, parameters, only)


def arranged(passed: tuple[Passed, ...], only: frozenset[str] = frozenset()) -> Call:
    """*passed* as the arguments of a call; parameters of the names *only* are given by position as well."""
    args: list[Term] = []
    kwargs: list[tuple[str, Term]] = []
    spread = named = None
    last = max((i for i, p in enumerate(passed) if (p.positional or p.name in only) and not p.default), default=-1)
    for number, one in enumerate(passed):
        by_position = one.positional or one.name in only
        if one.default and not (by_position and number < last):
            continue
        if one.stars and type(one.term) is Given:
            spread, named = (one.term, named) if one.stars == 1 else (spread, one.term)
        elif one.stars == 1 and type(one.term) is Several:
            args += one.term.parts
        elif one.stars == 2 and type(one.term) is Pairs:
            kwargs += [(str(key.value), item) for key, item in one.term.items if type(key) is Literal]
        elif by_position:
            args.append(one.term)
        else:
            kwargs.append((one.name, one.term))
    return Call(tuple(args), tuple(kwargs), spread, named)


def fitted(step: Step, known: Callee) -> tuple[Call, list[tuple[str, str]]]:
    """The call of *step*, and what is wrong with it for the class or function as it is now: pairs of a path and a text."""
    parameters = known.parameters
    if parameters is None:
        return arranged(step.passed), []
    passed = tuple([_with_old_default(one, known) if one.default else one for one in step.passed])
    call = arranged(passed, known.only)
    shape = (len(call.args), tuple([name for name, _ in call.kwargs]), call.spread is None and call.named is None)
    if shape in known.fits:
        return call, []
    misfits = list(_misfits(step, call, parameters))
    if not misfits:
        known.fits.add(shape)
    return call, misfits


def _with_old_default(one: Passed, known: Callee) -> Passed:
    """An argument that was left out is given where its default is another now: the record says what it was."""
    if known.parameters is None or one.name not in known.parameters:
        return one
    default = known.default(one.name)
    if type(default) is type(one.value) and type(default) in SCALARS and default == one.value:
        return one
    if any(type(term) is Name or type(term) is Absent for term in below(one.term)):
        return one  # no data: nothing was let through for it
    if known.parameters[one.name].default is inspect.Parameter.empty or same(default, one.value):
        return one
    return Passed(one.name, one.term, False, one.positional, one.stars, one.value)


def _misfits(step: Step, call: Call, parameters: dict[str, inspect.Parameter]) -> Iterator[tuple[str, str]]:
    kinds = {parameter.kind for parameter in parameters.values()}
    path, target = step.node.path, called(step.node.target)
    takes = ", ".join(parameters) or "no arguments"
    if inspect.Parameter.VAR_KEYWORD not in kinds:
        # Without looking at positions: a name is either a parameter or it is not.
        for name, _ in call.kwargs:
            if name not in parameters:
                yield f"{path}.{name}", f"{target} takes no argument {name!r} now; it takes {takes}"
    if call.spread is not None or call.named is not None:
        return
    room = [p for p in parameters.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if len(call.args) > len(room) and inspect.Parameter.VAR_POSITIONAL not in kinds:
        yield (
            path,
            f"{target} takes {counted(len(room), 'argument')} by position now, and the record has {len(call.args)}; it takes {takes}",
        )
    given = {name for name, _ in call.kwargs} | {p.name for p in room[: len(call.args)]}
    for parameter in parameters.values():
        if (
            parameter.default is parameter.empty
            and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
            and parameter.name not in given
        ):
            yield (
                f"{path}.{parameter.name}",
                f"{target} needs an argument {parameter.name!r}, which the record does not have",
            )


def same(one: object, other: object) -> bool:
    """Whether two values of a record are the same, ``nan`` and ``nan`` included, 1 and True not."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other) or (one != one and other != other)  # noqa: PLR0124  # it is how a NaN is known
