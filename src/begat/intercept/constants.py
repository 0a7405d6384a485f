"""The objects that woven code refers to: they travel wherever the code does, so each knows how to travel as nothing.

Pickled by value (cloudpickle, dill) they turn into plain empty ones, and code that carries those does what it did before
it was woven, also where begat is not installed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import BuiltinFunctionType, CodeType, FunctionType
from typing import Any, Self
from weakref import ref


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
# What the prologue could not do for want of stack or memory; whoever takes rows out of a log turns it into a mark.
MISSED: list[None] = []
# Not empty once defaults that were woven in may have become others: what waits looks, then, what it is built with.
EXCHANGED: list[None] = []
_GLOBAL = (FunctionType, BuiltinFunctionType, type)
_flags = type.__dict__["__flags__"].__get__
_HOLDS_OTHERS = 1 << 14  # the flag of types whose instances the collector looks into


class Gate:
    """What woven code calls: *enter* with the bound arguments, *failed* with what *enter* returned and the exception.

    Defaults that are no literals hang here too. Those that could lead back to the function are looked up when they are
    needed: the collector does not look into code objects, so a circle through one would never be freed.
    """

    def __init__(
        self,
        enter: Callable[..., Any],
        failed: Callable[[Any, BaseException], None],
    ) -> None:
        self.enter = enter
        self.failed = failed
        self.missed = MISSED
        self.code: CodeType | None = None  # what the woven code was made from

    def hold(self, name: str, default: Any, lookup: Callable[[], Any]) -> bool:
        """Put *default* under *name*, or what has to be called for it: then true. *lookup* finds it without holding it."""
        if not _flags(type(default)) & _HOLDS_OTHERS:
            setattr(self, name, default)
            return False
        setattr(self, name, ref(default) if type(default) in _GLOBAL else lookup)
        return True

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        return type(None), ()


class Held:
    """The defaults as they were, where they can be referred to weakly: a tuple can not."""

    __slots__ = ("__weakref__", "real")

    def __init__(self, real: tuple[Any, ...]) -> None:
        self.real = real


class Defaults(tuple[Any, ...]):  # noqa: SLOT001  # a tuple of any length has no room for slots
    """``__defaults__`` of a woven function: the interpreter, in C, finds `NOT_GIVEN`; Python code finds the real ones."""

    held: Held

    def __new__(cls, real: tuple[Any, ...]) -> Self:
        self = tuple.__new__(cls, (NOT_GIVEN,) * len(real))
        self.held = Held(real)
        return self

    @property
    def real(self) -> tuple[Any, ...]:
        return self.held.real

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
    """``__kwdefaults__`` of a woven function, as `Defaults`. What is changed here is changed in *real*, the dict it stands for."""

    def __init__(self, real: dict[str, Any]) -> None:
        super().__init__(dict.fromkeys(real, NOT_GIVEN))
        self.real = real
        self.changed: Callable[[], None] | None = None  # weaves the function again: its code knows its defaults

    def _follow(self) -> None:
        EXCHANGED[:] = [None]
        for name in [name for name in dict.keys(self) if name not in self.real]:
            dict.__delitem__(self, name)
        woven = self.changed is not None
        if self.changed is not None:
            self.changed()  # before a call can meet a new placeholder
        for name, value in self.real.items():
            dict.__setitem__(self, name, NOT_GIVEN if woven or dict.__contains__(self, name) else value)

    def __setitem__(self, name: str, value: Any) -> None:
        self.real[name] = value
        self._follow()

    def __delitem__(self, name: str) -> None:
        del self.real[name]
        self._follow()

    def pop(self, *args: Any) -> Any:
        value = self.real.pop(*args)
        self._follow()
        return value

    def popitem(self) -> tuple[str, Any]:
        item = self.real.popitem()
        self._follow()
        return item

    def setdefault(self, name: str, default: Any = None, /) -> Any:
        value = self.real.setdefault(name, default)
        self._follow()
        return value

    def update(self, *args: Any, **kwargs: Any) -> None:
        self.real.update(*args, **kwargs)
        self._follow()

    def clear(self) -> None:
        self.real.clear()
        self._follow()

    def __ior__(self, other: Any) -> Self:  # type: ignore[override]  # changes this one, as a dict does
        self.update(other)
        return self

    def __getitem__(self, name: str) -> Any:
        return self.real[name]

    def __iter__(self) -> Iterator[str]:  # makes ``dict(x)`` and ``{**x}`` ask us instead of copying the storage
        return iter(self.real)

    def __reversed__(self) -> Iterator[str]:
        return reversed(self.real)

    def get(self, name: str, default: Any = None) -> Any:
        return self.real.get(name, default)

    def keys(self) -> Any:
        return self.real.keys()

    def items(self) -> Any:
        return self.real.items()

    def values(self) -> Any:
        return self.real.values()

    def copy(self) -> dict[str, Any]:
        return self.real.copy()

    def __or__(self, other: Any) -> Any:
        return self.real | other

    def __ror__(self, other: Any) -> Any:
        return other | self.real

    def __eq__(self, other: object) -> bool:
        return self.real == (other.real if isinstance(other, KeywordDefaults) else other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # as a dict

    def __repr__(self) -> str:
        return repr(self.real)

    def __reduce__(self) -> tuple[type, tuple[dict[str, Any]]]:
        return dict, (self.real,)


def default_at(function: FunctionType, position: int, defaults: Any, keywords: Any) -> Callable[[], Any]:
    """Finds the default of a parameter in *defaults* or *keywords*, which a copy of *function* carries too; holds neither."""
    code, living = function.__code__, ref(function)
    index = position - code.co_argcount
    name = code.co_varnames[position] if index >= 0 else None
    holder: Any = ref(defaults.held if name is None else keywords)

    def found() -> Any:
        held, function = holder(), living()
        if held is not None:
            real = held.real
        elif function is not None:  # another thread has put them back between the call and this
            real = function.__defaults__ if name is None else function.__kwdefaults__
        else:
            raise ReferenceError("the function is gone")
        return real[index if name is None else name]

    return found
