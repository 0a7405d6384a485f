"""The proxy: what stands for an object that nobody can know before it is made, such as what a factory will return.

It is wrapt's, made to wait once for all threads, to travel as its call, and to be taken by numpy for what it stands for. It stays
in the place of its object for good: ``type(x)`` is the proxy's, C code that wants the exact type says so.
"""

from __future__ import annotations

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
        if thunk.enter():
            try:
                if is_waiting(self):
                    self.__wrapped__ = thunk.build(self)
                    thunk.built = True
            finally:
                thunk.leave()
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

    def __repr__(self) -> str:
        thunk: Thunk = self._self_thunk
        return f"<{thunk.name}(…) at {id(self):#x}, not made yet>" if is_waiting(self) else repr(self.__wrapped__)

    def __reduce_ex__(self, protocol: Any) -> Any:
        if not is_waiting(self):
            return _itself, (self.__wrapped__,)
        args, kwargs = self._self_thunk.arguments()
        return DOOR.again, (self._self_thunk.function(), args, kwargs)

    def __copy__(self) -> Any:
        if not is_waiting(self):
            return copy(self.__wrapped__)
        call, arguments = self.__reduce_ex__(4)
        return call(*arguments)

    def __deepcopy__(self, memo: Any) -> Any:
        if not is_waiting(self):
            return deepcopy(self.__wrapped__, memo)
        call, (function, args, kwargs) = self.__reduce_ex__(4)
        return call(function, deepcopy(args, memo), deepcopy(kwargs, memo))


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
