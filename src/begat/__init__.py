"""begat: every argument of every object your program built, from plain Python.

>>> import begat
>>> @begat.trackable
... class Encoder:
...     def __init__(self, dim, depth=2): ...
>>> with begat.capture("baseline") as run:
...     enc = Encoder(64)
>>> run["enc"].params
{'dim': 64, 'depth': 2}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from begat.capture.session import capture, dump, graph, params, paused, provenance
from begat.intercept.tracking import trackable, untrack

if TYPE_CHECKING:
    from begat.intercept.importing import Watch, watch
    from begat.record.codec import load
    from begat.record.graph import Run
    from begat.record.model import Argument, CallSite, Environment, Event, Node
    from begat.record.values import Ref

__version__ = "0.1.0"

__all__ = [
    "Argument",
    "CallSite",
    "Environment",
    "Event",
    "Node",
    "Ref",
    "Run",
    "Watch",
    "capture",
    "dump",
    "graph",
    "load",
    "params",
    "paused",
    "provenance",
    "trackable",
    "untrack",
    "watch",
]

_LATER = {
    "watch": "begat.intercept.importing",
    "Watch": "begat.intercept.importing",
    "load": "begat.record.codec",
    "Run": "begat.record.graph",
    "Argument": "begat.record.model",
    "CallSite": "begat.record.model",
    "Environment": "begat.record.model",
    "Event": "begat.record.model",
    "Node": "begat.record.model",
    "Ref": "begat.record.values",
}


def __getattr__(name: str) -> object:
    module = _LATER.get(name)
    if module is None:
        raise AttributeError(f"module 'begat' has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(module), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
