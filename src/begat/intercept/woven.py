"""A function whose code goes through a gate, and how it becomes again what it was."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any
from weakref import ref

from begat.intercept.constants import EXCHANGED, Defaults, Gate, KeywordDefaults, default_at
from begat.intercept.hooks import make
from begat.intercept.interceptor import failed, weakrefoffset
from begat.intercept.prologue import weave, written
from begat.intercept.schema import changing_defaults
from begat.introspect.targets import contents, dict_of, mro_of


def _idle(*_: object) -> None:
    return None


def when_gone(act: Callable[..., object], *args: object) -> Callable[[object], None]:
    """For a weak reference: *act* then; but not when the interpreter ends, and names of modules are gone."""
    ends = sys.is_finalizing

    def gone(_: object) -> None:
        if not ends():
            act(*args)

    return gone


class Woven:
    """*users* are the ids of the tracked classes, or the function itself, that this weaving serves.

    The function's defaults are not held here: they may lead back to it.
    """

    __slots__ = ("_changed", "_code", "_held", "_keywords", "code", "function", "gate", "key", "users", "way")

    def __init__(self, function: FunctionType, *, way: str, changed: Callable[[Woven], None] | None = None) -> None:
        key = self.key = id(function)
        self.way = way  # of the constructor: "init", "new" or "call"
        self.function = ref(function, when_gone(WOVEN.pop, key, None))
        self._changed = changed
        self.code: CodeType = written(function.__code__)
        self.users: set[int] = set()
        gate = Gate(_idle, failed)
        self.gate = ref(gate)  # the code holds the gate, and the gate its class: nothing here may
        self._code, defaults, keywords = weave(function, gate, result=way != "init")
        self._held: Any = ref(defaults.held) if defaults else _idle
        self._keywords: Any = ref(keywords) if keywords else _idle
        # The code that understands the placeholders goes first: another thread may call in between.
        function.__code__ = self._code
        if defaults:
            function.__defaults__ = defaults
        if keywords:
            keywords.changed = self._again
            function.__kwdefaults__ = keywords

    @property
    def defaults(self) -> tuple[Any, ...]:
        """The defaults of the positional parameters, as they were written."""
        held = self._held()
        return tuple(held.real) if held is not None else ()

    @property
    def keywords(self) -> dict[str, Any]:
        """The defaults of the keyword-only parameters, as they are now."""
        keywords = self._keywords()
        return dict(keywords.real) if keywords is not None else {}

    def hook(self, way: str, subject: type | None, schema: object, which: Any) -> None:
        """Make the gate record: quickly what *subject* itself builds, as *which* says what others do."""
        gate, function = self.gate(), self.function()
        if gate is None or function is None:
            return
        if way == "init":
            way = "fast" if subject is not None and weakrefoffset(subject) else "slow"
        gate.enter = make(
            self.code,
            way=way,
            subject=subject,
            schema=schema,
            which=which,
            between=_between(subject) if subject is not None else (),
            changing=self.changing(function),
        )

    def as_woven(self, function: FunctionType) -> bool:
        """Whether *function* has the code and the defaults that it was given here."""
        defaults, held = function.__defaults__, self._held()
        held_still = defaults is None if held is None else type(defaults) is Defaults and defaults.held is held
        return held_still and function.__code__ is self._code and function.__kwdefaults__ is self._keywords()

    def changing(self, function: FunctionType) -> dict[int, Callable[[], object]]:
        """The parameters of *function*, by position, whose defaults the program may change, and what finds them."""
        positions = changing_defaults(self.code, self.defaults, self.keywords)
        return {i: default_at(function, i, function.__defaults__, function.__kwdefaults__) for i in positions}

    def _again(self) -> None:
        """The program changed the keyword defaults: weave them in."""
        function, gate, keywords = self.function(), self.gate(), self._keywords()
        if function is None or gate is None or function.__code__ is not self._code:
            return
        if keywords is None or function.__kwdefaults__ is not keywords:
            return
        self._code = weave(function, gate, result=self.way != "init", again=True)[0]
        function.__code__ = self._code
        if self._changed is not None:
            self._changed(self)

    def restore(self) -> None:
        """Put back what was there, unless somebody else has changed it since."""
        function = self.function()
        EXCHANGED[:] = [None]
        if function is not None:
            # The other way round: no call may meet a placeholder that its code does not understand.
            defaults, keywords = function.__defaults__, function.__kwdefaults__
            if type(defaults) is Defaults and defaults.held is self._held():
                function.__defaults__ = defaults.real
            if type(keywords) is KeywordDefaults and keywords is self._keywords():
                keywords.changed = None
                function.__kwdefaults__ = keywords.real
            if function.__code__ is self._code:
                function.__code__ = self.code
        gate = self.gate()
        if gate is not None:
            gate.enter = _idle  # copies of the function may still have the code
        WOVEN.pop(self.key, None)


WOVEN: dict[int, Woven] = {}


def enter_first(function: Any, enter: Callable[..., Any]) -> Callable[[], None] | None:
    """
    Let *function* call *enter*, with its arguments, before it runs; what undoes that, or None where it cannot be done.

    *enter* returns None, or by `instead` the arguments that *function* goes on with.
    """
    if type(function) is not FunctionType or id(function) in WOVEN:
        return None
    woven = WOVEN[id(function)] = Woven(function, way="init")
    woven.users.add(0)
    gate = woven.gate()
    if gate is not None:
        gate.enter, gate.failed = enter, _idle
    return woven.restore


def instead(*arguments: Any) -> tuple[tuple[Any, ...], Callable[..., None]]:
    """What `enter_first`'s function returns for the one it stands before to go on with these *arguments*."""
    return arguments, _idle


def original(function: FunctionType) -> CodeType:
    """The code of *function* as it was written."""
    return written(function.__code__)


def _between(subject: type) -> tuple[CodeType, ...]:
    """
    The codes that stand between a call of *subject* and its constructor: the call was made by whoever called them.

    ``__call__`` in its metaclass, and the standard library's ways to build a user's class: ``Repo[int](url)``, ``replace(config)``.
    """
    found = [dict_of(meta).get("__call__") for meta in mro_of(type(subject))]
    for mark, module, names in _WAYS:
        if any(mark in dict_of(cls) for cls in mro_of(subject)):
            space = contents(module)
            found += [space.get(name) for name in names]
    found = [dict_of(f).get("__call__") if isinstance(f, type) else f for f in found]
    return tuple(dict.fromkeys(f.__code__ for f in found if type(f) is FunctionType))


# What marks a class, and what then builds it on somebody's behalf.
_WAYS = (
    ("__orig_bases__", "typing", ("_BaseGenericAlias",)),
    ("__dataclass_fields__", "dataclasses", ("replace", "_replace")),
    ("__attrs_attrs__", "attr", ("evolve",)),
)
