"""Classes that take no arguments: no ``__init__`` and no ``__new__`` of their own, so there is no code to weave.

Such a class gets a descriptor under the name ``__init__``. Whoever looks the name up is shown what he would have found
without it (``object.__init__``, or the next class's: a mixin must not hide its neighbor); only a construction is noticed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from begat.intercept.interceptor import HEAD, LANE, Lane, Pin, arrive, caller, ident, spoiled, token_of
from begat.intercept.protocols import is_protocols
from begat.introspect.targets import dict_of, is_class, mro_of


class Bare:
    """What stands at ``__init__`` of a tracked class that takes no arguments. *which* decides as for woven functions."""

    __slots__ = ("owner", "which")

    def __init__(self, owner: type, which: Callable[[Any, Lane], object]) -> None:
        self.owner = owner
        self.which = which

    @property  # type: ignore[misc]  # nobody sets it
    def __class__(self) -> Any:
        return type(object.__init__)  # `inspect.signature` passes that over, and from Python 3.13 on nothing else

    def __reduce__(self) -> tuple[Any, tuple[type, str]]:
        return getattr, (object, "__init__")  # by value: what the class would find without us

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        behind = _behind(self.owner, owner if owner is not None else type(instance))
        # Static readers pass a class as the instance; to them and to all who look at the class, we are not here.
        if instance is None or is_class(instance):
            if behind is object.__init__ and _asked_by_torchscript():
                raise AttributeError("__init__")  # as a name of the class's own that is C code it could not be compiled
            return behind
        if behind is not object.__init__ and not is_protocols(behind):
            return behind.__get__(instance, owner)
        return _Call(self, instance)


class _Call:
    __slots__ = ("bare", "instance")

    def __init__(self, bare: Bare, instance: object) -> None:
        self.bare = bare
        self.instance = instance

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        kind = type(self.instance)
        if args or kwargs:
            # What object.__init__ and object.__new__ say between them where nothing of ours stands.
            if kind.__new__ is object.__new__:
                raise TypeError(f"{kind.__name__}() takes no arguments")
            return
        try:
            self._record()
        except BaseException as error:
            lane = LANE.get()
            if lane is None or spoiled(error, lane, kind=kind):
                raise

    def _record(self) -> None:
        lane = LANE.get()
        if lane is None:
            return
        if lane.thread != ident():
            lane = arrive(lane)
            if lane is None:
                return
        schema = self.bare.which(self.instance, lane)
        if schema is not None:
            called = caller(2)
            within = lane.stack[-1] if lane.stack else None
            token = token_of(self.instance, lane)
            lane.extend((token, schema, called.f_code, called.f_lasti, within, HEAD))
            if type(token) is Pin and token.brief:
                token.obj = None


def _asked_by_torchscript() -> bool:
    frame: Any = sys._getframe(1).f_back  # none, where C code asks with no Python below it
    if frame is not None and frame.f_code.co_name == "<listcomp>":
        frame = frame.f_back
    return frame is not None and (frame.f_code.co_name, frame.f_globals.get("__name__")) == (
        "can_compile_class",
        "torch._jit_internal",
    )


def _behind(owner: type, kind: Any) -> Any:
    """What *kind* finds at ``__init__`` behind *owner*."""
    order = mro_of(kind)
    start = next((i + 1 for i, cls in enumerate(order) if cls is owner), 0)
    for cls in order[start:]:
        found = dict_of(cls).get("__init__")
        if found is not None and type(found) is not Bare:
            return found
    return object.__init__
