"""Terms to objects. Only `begat.replay.rebuild` comes here, when everything that a term names has been let through."""

from __future__ import annotations

import inspect
from collections import OrderedDict, deque
from collections.abc import Callable
from types import CodeType, FunctionType, MethodType
from typing import Any, cast

from begat.errors import CannotRebuild
from begat.introspect.targets import dict_of, has_base, mro_of, name_of
from begat.replay.calling import Call
from begat.replay.terms import (
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


class Evaluation:
    """*found* is the object of each `Name`, *now* says what a target is called now; *objects*, by node, grows with the calls."""

    def __init__(self, found: dict[Name, Any], now: Callable[[str], str]) -> None:
        self.found = found
        self.now = now
        self.objects: dict[int, Any] = {}
        self._met: dict[str, Any] = {}

    def call(self, function: Callable[..., Any], call: Call) -> Any:
        """Call *function*, whatever it raises."""
        args = [self.value(term) for term in call.args]
        kwargs = {name: self.value(term) for name, term in call.kwargs}
        if call.spread is not None:
            args += cast("Any", call.spread.value)
        if call.named is not None:
            kwargs |= cast("Any", call.named.value)
        return _called(function, args, kwargs)

    def value(self, term: Term) -> Any:
        """The object that *term* says."""
        kind = type(term)
        if kind is Literal or kind is Given:
            return term.value  # type: ignore[union-attr]  # narrowed by type()
        return _EVALUATE[kind](self, term)

    def _several(self, term: Several) -> Any:
        if term.key is None or term.kind in (tuple, frozenset):
            return term.kind([self.value(part) for part in term.parts])
        made = self._met[term.key] = term.kind()
        for part in term.parts:
            made.append(self.value(part)) if term.kind is list else made.add(self.value(part))
        return made

    def _pairs(self, term: Pairs) -> Any:
        made: dict[Any, Any] = {}
        if term.key is not None:
            self._met[term.key] = made
        for key, item in term.items:
            made[self.value(key)] = self.value(item)
        return made

    def _content(self, term: Content) -> Any:
        cls = self.found[term.name]
        base: Any = next((base for base in _BASES if has_base(cls, base)), None)
        if base is None:
            raise CannotRebuild(f"{term.name.at}: {term.name.target} is no subclass of a builtin type any more")
        if base in _FILLED:
            made = base.__new__(cls)
            if term.key is not None:
                self._met[term.key] = made
            _FILLED[base](made, self.value(term.content))
            return made
        content = self.value(term.content)
        if base is tuple and type(content) is dict:  # a namedtuple, by its fields
            content = content.values()
        return base.__new__(cls, content)

    def _again(self, term: Again) -> Any:
        if term.key not in self._met:
            raise CannotRebuild(f"an alias leads to {term.key.partition(chr(0))[2]!r}, where there is nothing")
        return self._met[term.key]

    def _apply(self, term: Apply) -> Any:
        args = [self.value(part) for part in term.args]
        return self.found[term.function](*args, **{name: self.value(part) for name, part in term.kwargs})

    def _method(self, term: Method) -> Any:
        owner, function = self.value(term.of), self.found[term.name]
        # Only what its class has under that name: nothing of the object is asked.
        name = term.name.target.rpartition(".")[2]
        own = next((dict_of(base)[name] for base in mro_of(type(owner)) if name in dict_of(base)), None)
        if own is not function or type(function) is not FunctionType:
            raise CannotRebuild(f"{term.name.at}: {term.name.target} is no method of {name_of(type(owner))}")
        return MethodType(function, owner)

    def _member(self, term: Member) -> Any:
        import enum

        cls = self.found[term.name]
        if not has_base(type(cls), enum.EnumMeta):
            raise CannotRebuild(f"{term.name.at}: {term.name.target} is no enumeration")
        members = cls.__members__
        if not term.names:
            return cls(self.value(term.value))
        unknown = [name for name in term.names if name not in members]
        if unknown:
            raise CannotRebuild(
                f"{term.name.at}: {term.name.target} has no member {unknown[0]}; it has {', '.join(members)}"
            )
        found = members[term.names[0]]
        for name in term.names[1:]:
            found |= members[name]
        return found

    def _reached(self, term: Reached) -> Any:
        found = self.objects[term.outer]
        for step in term.steps:
            found = _part(found, step, term)
        if name_of(type(found)) not in (term.target, self.now(term.target)):
            raise CannotRebuild(
                f"{term.at}: {'.'.join(term.steps)} of what was built is no {term.target} now, but {name_of(type(found))}; "
                f"supply it"
            )
        return found


_EVALUATE: dict[type, Callable[[Evaluation, Any], Any]] = {
    Name: lambda self, term: self.found[term],
    Built: lambda self, term: self.objects[term.node],
    Several: Evaluation._several,
    Pairs: Evaluation._pairs,
    Content: Evaluation._content,
    Again: Evaluation._again,
    Apply: Evaluation._apply,
    Method: Evaluation._method,
    Member: Evaluation._member,
    Reached: Evaluation._reached,
}

# Nearest first. Made by the builtin's own `__new__`: the record has what such an object holds, not what it was made from.
_FILLED: dict[type, Callable[[Any, Any], Any]] = {
    OrderedDict: OrderedDict.update,
    dict: dict.update,
    list: list.extend,
    set: set.update,
    deque: deque.extend,
    bytearray: bytearray.extend,
}
_BASES = (*_FILLED, tuple, frozenset, str, bytes, float, complex, int)


def _part(holder: Any, step: str, term: Reached) -> Any:
    """What *holder* keeps under *step*: data of its own, or an item; no property is run for it."""
    if step.isdecimal():
        try:
            return holder[int(step)] if not isinstance(holder, dict) or int(step) in holder else holder[step]
        except Exception as error:
            raise _unreachable(step, holder, term) from error
    if isinstance(holder, dict) and step in holder:
        return holder[step]
    static = inspect.getattr_static(type(holder), step, None)
    if isinstance(static, property | FunctionType | classmethod | staticmethod):
        raise _unreachable(step, holder, term)
    try:
        return getattr(holder, step)
    except Exception as error:
        raise _unreachable(step, holder, term) from error


def _unreachable(step: str, holder: Any, term: Reached) -> CannotRebuild:
    return CannotRebuild(f"{term.at}: what was built has nothing called {step!r} ({name_of(type(holder))}); supply it")


def _call(function: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]) -> Any:
    return function(*args, **kwargs)


def _in_no_file(code: CodeType) -> CodeType:
    # A recorder that meets this frame shall not take what is rebuilt for something that a library built for itself.
    return code.replace(co_filename="<rebuilt>")


_called = FunctionType(_in_no_file(_call.__code__), globals())
