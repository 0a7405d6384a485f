"""The proxy: what stands for an object that nobody can know before it is made, such as what a factory will return.

It is wrapt's, made to wait once for all threads, to travel as its call, and to be taken by numpy for what it stands for. It stays
in the place of its object for good: ``type(x)`` is the proxy's, C code that wants the exact type says so.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from copy import copy, deepcopy
from typing import Any

import wrapt

from begat.errors import LazyError
from begat.lazy.thunk import Thunk


class Proxy(wrapt.ObjectProxy[Any]):
    """Stands for what *thunk* will make. Anything asked of it makes it."""

    def __init__(self, thunk: Thunk) -> None:
        self._self_thunk = thunk
        super().__init__(None)

    def __wrapped_factory__(self) -> None:
        """Its presence tells wrapt that there is nothing yet."""

    def __wrapped_get__(self) -> Any:
        thunk: Thunk = self._self_thunk
        try:
            thunk.once(_make, self, thunk)
        except AttributeError as error:
            # As it is, hasattr would say that there is no such attribute.
            raise LazyError(f"making what {thunk.name} returns failed: {error}") from error
        if is_waiting(self):
            raise LazyError(f"{thunk.name}, called at {thunk.place()}, needs itself to be made, or could not be made")
        return self.__wrapped__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.__wrapped__(*args, **kwargs)

    def __iter__(self) -> Any:
        return iter(self.__wrapped__)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        import numpy as np

        return np.asarray(self.__wrapped__, *args, **kwargs)

    @property  # type: ignore[misc]  # nobody sets it
    def __class__(self) -> Any:
        # cloudpickle asks everything whether it is a function. What waits has to travel unbuilt.
        asks = sys._getframe().f_back
        if is_waiting(self) and asks is not None and "cloudpickle" in f"{asks.f_globals.get('__name__')}":
            return Proxy
        made = self.__wrapped__
        if _is_torch_storage(type(made)):
            raise LazyError(
                f"this proxy stands for a {type(made).__qualname__}, which torch would read memory of that is not there; "
                "begat.materialize gives what it stands for"
            )
        return made.__class__

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Torch asks the type, and takes what it finds on the object for the object's own."""
        return function(*_bare(args), **_bare(kwargs or {}))

    def __repr__(self) -> str:
        thunk: Thunk = self._self_thunk
        return f"<{thunk.name}(…) at {id(self):#x}, not made yet>" if is_waiting(self) else repr(self.__wrapped__)

    def __reduce_ex__(self, protocol: Any) -> Any:
        recipe = self._self_thunk.parcel(protocol) if is_waiting(self) else None
        return (
            (_itself, (self.__wrapped__,)) if recipe is None else (DOOR.again, (self._self_thunk.function(), *recipe))
        )

    def __copy__(self) -> Any:
        recipe = self._recipe()
        return copy(self.__wrapped__) if recipe is None else DOOR.again(self._self_thunk.function(), *recipe)

    def __deepcopy__(self, memo: Any) -> Any:
        recipe = self._recipe()
        if recipe is None:
            return deepcopy(self.__wrapped__, memo)
        return DOOR.again(self._self_thunk.function(), *deepcopy(recipe, memo))

    def _recipe(self) -> Any:
        """What to make the call again with; None where the object itself is to be copied."""
        return self._self_thunk.recipe() if is_waiting(self) else None


def _make(proxy: Proxy, thunk: Thunk, _alone: bool) -> None:
    proxy.__wrapped__ = thunk.build(proxy)
    thunk.built = True


def _is_torch_storage(cls: type) -> bool:
    """Whether torch, when `isinstance` says that something is a *cls*, reads it as the struct that it is in C."""
    return any(each.__module__ in _TORCH and not each.__flags__ & _MADE_BY_CODE for each in cls.__mro__)


_TORCH = ("torch", "torch._C")
_MADE_BY_CODE = 1 << 9  # Py_TPFLAGS_HEAPTYPE


def _bare(value: Any) -> Any:
    """*value*, an argument of a torch function, with what the proxies in it stand for in their place."""
    kind = type(value)
    if kind is Proxy:
        return value.__wrapped__
    if kind is dict:
        return {key: _bare(item) for key, item in value.items()}
    return kind([_bare(item) for item in value]) if kind in (list, tuple) else value


def _in_place(change: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def apply(self: Any, other: Any) -> Any:
        before = self.__wrapped__
        after = change(before, other)
        return self if after is before else after  # wrapt's would be another kind of proxy

    return apply


for _name in (
    "add",
    "sub",
    "mul",
    "matmul",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "lshift",
    "rshift",
    "and",
    "xor",
    "or",
):
    setattr(Proxy, f"__i{_name}__", _in_place(getattr(operator, f"__i{_name}__")))


def _itself(value: Any) -> Any:
    return value


def is_proxy(obj: object) -> bool:
    """Whether *obj* is a proxy of ours, made or not."""
    return type(obj) is Proxy


def is_waiting(obj: Any) -> bool:
    """Whether *obj* is a proxy for what is not made yet."""
    return type(obj) is Proxy and not obj._self_thunk.built


def made(obj: Any) -> Any:
    """What the proxy *obj* stands for, made now if need be."""
    return obj.__wrapped__


class _Door:
    """Where capture, which lives above, puts how a call is deferred again: in a copy, or in another process."""

    again: Callable[..., Any]


DOOR = _Door()
