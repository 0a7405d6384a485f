"""A function whose code goes through a gate, and how it becomes again what it was."""

from __future__ import annotations

from types import CodeType, FunctionType
from typing import Any
from weakref import ref

from begat.intercept.constants import Gate
from begat.intercept.constructors import mro, own
from begat.intercept.deferring import taken
from begat.intercept.hooks import make
from begat.intercept.interceptor import failed
from begat.intercept.prologue import weave, written
from begat.intercept.schema import changing_defaults
from begat.introspect.targets import contents

_weak = type.__dict__["__weakrefoffset__"].__get__


def _idle(*_: object) -> None:
    return None


class Woven:
    """*users* are the ids of the tracked classes, or the function itself, that this weaving serves."""

    __slots__ = ("_before", "_woven", "code", "defaults", "function", "gate", "key", "keywords", "users")

    def __init__(self, function: FunctionType, *, result: bool) -> None:
        key = self.key = id(function)
        self.function = ref(function, lambda _: WOVEN.pop(key, None))
        self._before = function.__code__, function.__defaults__, function.__kwdefaults__
        self.code: CodeType = written(function.__code__)
        # A copy of a woven function has its defaults too: the real ones are in them.
        self.defaults = tuple(function.__defaults__) if function.__defaults__ is not None else None
        self.keywords = dict(function.__kwdefaults__) if function.__kwdefaults__ is not None else None
        self.users: set[int] = set()
        gate = Gate(_idle, failed, taken)
        self.gate = ref(gate)  # the code holds the gate, and the gate its class: nothing here may
        self._woven = code, defaults, keywords = weave(function, gate, result=result)
        # The code that understands the placeholders goes first: another thread may call in between.
        function.__code__ = code
        if self.defaults:
            function.__defaults__ = defaults
        if self.keywords:
            function.__kwdefaults__ = keywords

    def hook(self, way: str, subject: type | None, schema: object, which: Any) -> None:
        """Make the gate record: quickly what *subject* itself builds, as *which* says what others do."""
        gate = self.gate()
        if gate is None:
            return
        if way == "init":
            way = "fast" if subject is not None and _weak(subject) else "slow"
        gate.enter = make(
            self.code,
            way=way,
            subject=subject,
            schema=schema,
            which=which,
            between=_between(subject) if subject is not None else (),
            changing=changing_defaults(self.code, self.defaults or (), self.keywords or {}),
        )

    def restore(self) -> None:
        """Put back what was there, unless somebody else has changed it since."""
        function = self.function()
        if function is not None:
            code, defaults, keywords = self._woven
            # The other way round: no call may meet a placeholder that its code does not understand.
            if function.__defaults__ is defaults:
                function.__defaults__ = self._before[1]
            if function.__kwdefaults__ is keywords:
                function.__kwdefaults__ = self._before[2]
            if function.__code__ is code:
                function.__code__ = self._before[0]
        gate = self.gate()
        if gate is not None:
            gate.enter = _idle  # copies of the function may still have the code
        WOVEN.pop(self.key, None)


WOVEN: dict[int, Woven] = {}


def original(function: FunctionType) -> CodeType:
    """The code of *function* as it was written."""
    return written(function.__code__)


def _between(subject: type) -> tuple[CodeType, ...]:
    """
    The codes that stand between a call of *subject* and its constructor: the call was made by whoever called them.

    ``__call__`` in its metaclass, and the standard library's ways to build a user's class: ``Repo[int](url)``, ``replace(config)``.
    """
    found = [own(meta).get("__call__") for meta in mro(type(subject))]
    for mark, module, names in _WAYS:
        if any(mark in own(cls) for cls in mro(subject)):
            space = contents(module)
            found += [space.get(name) for name in names]
    found = [own(f).get("__call__") if isinstance(f, type) else f for f in found]
    return tuple(dict.fromkeys(f.__code__ for f in found if type(f) is FunctionType))


# What marks a class, and what then builds it on somebody's behalf.
_WAYS = (
    ("__orig_bases__", "typing", ("_BaseGenericAlias",)),
    ("__dataclass_fields__", "dataclasses", ("replace", "_replace")),
    ("__attrs_attrs__", "attr", ("evolve",)),
)
