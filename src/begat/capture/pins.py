"""Objects without weak references: to know one again it has to be held, so it is held no longer than anybody else does."""

from __future__ import annotations

from sys import getrefcount
from weakref import ref

from begat.intercept.interceptor import Pin
from begat.introspect.targets import dict_of, mro_of

_NEW = object.__new__  # half the time of calling the class
_YOUNG = 4
_OURS = 2  # references: the pin's, and the argument of getrefcount
_FINALIZERS: dict[int, tuple[ref[type], bool]] = {}


class Pins:
    """The pins of one run. Those of objects that nobody else holds are drawn: the young ones at the next construction."""

    def __init__(self) -> None:
        self._kept: dict[int, Pin] = {}
        self._young: list[Pin] = []  # another thread may be reading it: it is replaced, and never gets shorter
        self.met = False  # an object was asked for that was pinned already
        self._swept = 256

    def of(self, obj: object) -> Pin:
        """The pin that holds *obj*. One with a finalizer is held only while it is under construction."""
        pin = self._kept.get(id(obj))
        if pin is not None and pin.obj is obj:
            self.met = True
            return pin
        young = self._young
        # Of what was built together the outermost goes first; a drawn pin holds None, to which there are many references.
        if young and (getrefcount(young[-1].obj) <= _OURS or getrefcount(young[0].obj) <= _OURS):
            self._draw(young)
            self._young = young = [each for each in young if each.obj is not None]
        kind = type(obj)
        known = _FINALIZERS.get(id(kind))
        if known is None or known[0]() is not kind:
            known = _FINALIZERS[id(kind)] = ref(kind), any("__del__" in dict_of(cls) for cls in mro_of(kind))
        if known[1]:
            return Pin(obj, brief=True)
        if len(self._kept) >= self._swept:
            self._draw(list(self._kept.values()))
            self._swept = max(256, 2 * len(self._kept))
        pin = _NEW(Pin)
        pin.obj, pin.brief = obj, False
        self._kept[id(obj)] = pin
        if len(young) == _YOUNG:
            self._young = young = young[1:]
        young.append(pin)
        return pin

    def known(self, obj: object) -> Pin | None:
        """The pin that holds *obj*, if one does."""
        pin = self._kept.get(id(obj))
        return pin if pin is not None and pin.obj is obj else None

    def clear(self) -> None:
        """Draw all pins."""
        for pin in list(self._kept.values()):
            self._let_go(pin)

    def _draw(self, pins: list[Pin]) -> None:
        for pin in pins:
            if pin.obj is not None and getrefcount(pin.obj) <= _OURS:
                self._let_go(pin)

    def _let_go(self, pin: Pin) -> None:
        obj = pin.obj
        if self._kept.get(id(obj)) is pin:
            del self._kept[id(obj)]
        pin.obj = None
