"""The objects that woven code refers to: they travel wherever the code does, so each knows how to travel as nothing.

Pickled by value (cloudpickle, dill) they turn into plain empty ones, and code that carries those does what it did before
it was woven, also where begat is not installed.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from types import BuiltinFunctionType, CodeType, FunctionType
from typing import Any, Self


class Flag(set[object]):
    """True as long as it holds anything. One object for all woven code: asking it is one instruction, turning it one call.

    A set whose iteration shows nothing: torch's tracer reads constants of that kind by iterating them, so it sees the
    flag down and compiles the constructor as if it had never been woven.
    """

    __slots__ = ()

    def __hash__(self) -> int:  # type: ignore[override]  # code objects hash their constants
        return id(self)

    def __iter__(self) -> Iterator[object]:
        return iter(())

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return frozenset, ()


LISTENING = Flag()

# Stands in the defaults of woven functions, so that given and default can be told apart even for equal values: told by
# identity. An int, because a tracer or a pickler that meets it must be able to take it for an ordinary constant.
NOT_GIVEN = int.from_bytes(b"begat: not given", "big")
# What *enter* returns when the body is to run later.
WAITING = int.from_bytes(b"begat: waiting", "big")
_GLOBAL = (FunctionType, BuiltinFunctionType, type)


class Late:
    """Attributes that are looked up each time they are asked for."""

    def __init__(self) -> None:
        self._lookups: dict[str, Callable[[], Any]] = {}

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["_lookups"][name]()
        except KeyError:
            raise AttributeError(name) from None


class Gate:
    """What woven code calls: *enter* with the bound arguments, *failed* with what *enter* returned and the exception.

    Defaults that are no literals hang here too. Those that could lead back to the function are looked up in its own
    defaults: the collector does not look into code objects, so a circle through one would never be freed.
    """

    def __init__(
        self,
        enter: Callable[..., Any],
        failed: Callable[[Any, BaseException], None],
        taken: Callable[[], Any] = lambda: None,
    ) -> None:
        self.enter = enter
        self.failed = failed
        self.taken = taken  # what a call that waits returns in the place of its result
        self.code: CodeType | None = None  # what the woven code was made from
        self.late = Late()  # an object of its own: a __getattr__ here would make *enter* slower to find

    def hold(self, name: str, default: Any, lookup: Callable[[], Any]) -> tuple[str, ...]:
        """The attributes by which woven code finds *default*; *lookup* finds it without holding it."""
        if not gc.is_tracked(default) or (type(default) in _GLOBAL and "<locals>" not in default.__qualname__):
            setattr(self, name, default)
            return (name,)
        self.late._lookups[name] = lookup
        return "late", name

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        return type(None), ()


class Defaults(tuple[Any, ...]):  # noqa: SLOT001  # a tuple of any length has no room for slots
    """``__defaults__`` of a woven function: the interpreter, in C, finds `NOT_GIVEN`; Python code finds the real ones."""

    real: tuple[Any, ...]

    def __new__(cls, real: tuple[Any, ...]) -> Self:
        self = tuple.__new__(cls, (NOT_GIVEN,) * len(real))
        self.real = real
        return self

    def __iter__(self) -> Iterator[Any]:
        return iter(self.real)

    def __getitem__(self, index: Any) -> Any:
        return self.real[index]

    def __contains__(self, item: object) -> bool:
        return item in self.real

    def __eq__(self, other: object) -> bool:
        return self.real == (other.real if isinstance(other, Defaults) else other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __add__(self, other: Any) -> Any:
        return self.real + tuple(other)

    def __radd__(self, other: Any) -> Any:
        return tuple(other) + self.real

    def index(self, *args: Any) -> int:
        return self.real.index(*args)

    def count(self, value: object) -> int:
        return self.real.count(value)

    def __repr__(self) -> str:
        return repr(self.real)

    def __hash__(self) -> int:
        return hash(self.real)

    def __reduce__(self) -> tuple[type, tuple[tuple[Any, ...]]]:
        return tuple, (self.real,)


class KeywordDefaults(dict[str, Any]):
    """``__kwdefaults__`` of a woven function, as `Defaults`."""

    def __init__(self, real: dict[str, Any]) -> None:
        super().__init__(dict.fromkeys(real, NOT_GIVEN))
        self.real = real

    def __getitem__(self, name: str) -> Any:
        return self.real[name]

    def __iter__(self) -> Iterator[str]:  # makes ``dict(x)`` and ``{**x}`` ask us instead of copying the storage
        return iter(self.real)

    def get(self, name: str, default: Any = None) -> Any:
        return self.real.get(name, default)

    def items(self) -> Any:
        return self.real.items()

    def values(self) -> Any:
        return self.real.values()

    def copy(self) -> dict[str, Any]:
        return self.real.copy()

    def __or__(self, other: Any) -> Any:
        return self.real | other

    def __eq__(self, other: object) -> bool:
        return self.real == (other.real if isinstance(other, KeywordDefaults) else other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # as a dict

    def __repr__(self) -> str:
        return repr(self.real)

    def __reduce__(self) -> tuple[type, tuple[dict[str, Any]]]:
        return dict, (self.real,)
