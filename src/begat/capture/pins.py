"""Objects without weak references: to know one again it has to be held, so it is held no longer than anybody else does."""

from __future__ import annotations

from collections import deque
from sys import getrefcount
from weakref import ref

from begat.intercept.interceptor import Pin
from begat.introspect.targets import dict_of, mro_of

_OURS = 2  # references: the pin's, and the argument of getrefcount
_FINALIZERS: dict[int, tuple[ref[type], bool]] = {}


def _has_finalizer(kind: type) -> bool:
    known = _FINALIZERS.get(id(kind))
    if known is None or known[0]() is not kind:
        known = _FINALIZERS[id(kind)] = ref(kind), any("__del__" in dict_of(cls) for cls in mro_of(kind))
    return known[1]


class Pins:
    """The pins of one run. Those of objects that nobody else holds are drawn: the young ones at the next construction."""

    def __init__(self) -> None:
        self._kept: dict[int, Pin] = {}
        self._young: deque[Pin] = deque(maxlen=4)
        self._swept = 256

    def of(self, obj: object) -> Pin:
        """The pin that holds *obj*. One with a finalizer is held only while it is under construction."""
        pin = self._kept.get(id(obj))
        if pin is not None and pin.obj is obj:
            return pin
        for young in self._young:
            if young.obj is not None and getrefcount(young.obj) <= _OURS:
                self._draw(list(self._young))
                break
        if _has_finalizer(type(obj)):
            return Pin(obj, brief=True)
        if len(self._kept) >= self._swept:
            self._draw(list(self._kept.values()))
            self._swept = max(256, 2 * len(self._kept))
        pin = self._kept[id(obj)] = Pin(obj)
        self._young.append(pin)
        return pin

    def known(self, obj: object) -> Pin | None:
        """The pin that holds *obj*, if one does."""
        pin = self._kept.get(id(obj))
        return pin if pin is not None and pin.obj is obj else None

    def clear(self) -> None:
        """Draw all pins."""
        for pin in list(self._kept.values()):
            self._let_go(pin)

    def _draw(self, pins: deque[Pin] | list[Pin]) -> None:
        for pin in list(pins):
            if pin.obj is not None and getrefcount(pin.obj) <= _OURS:
                self._let_go(pin)

    def _let_go(self, pin: Pin) -> None:
        obj = pin.obj
        if self._kept.get(id(obj)) is pin:
            del self._kept[id(obj)]
        pin.obj = None
