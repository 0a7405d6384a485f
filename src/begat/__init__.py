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

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from begat.capture.children import worker_setup
    from begat.capture.laziness import deferred, is_lazy, lazy, materialize
    from begat.capture.merging import load
    from begat.capture.overriding import override
    from begat.capture.scopes import capture, dump, graph, params, paused, provenance
    from begat.intercept.tracking import trackable, untrack
    from begat.intercept.watching import Watch, watch
    from begat.record.graph import Run
    from begat.record.model import Argument, CallSite, Environment, Event, Node
    from begat.record.values import Ref
    from begat.render.export import export
    from begat.replay.changes import Change, Diff
    from begat.replay.diff import diff
    from begat.replay.rebuild import rebuild

__version__ = "0.1.0"

__all__ = [
    "Argument",
    "CallSite",
    "Change",
    "Diff",
    "Environment",
    "Event",
    "Node",
    "Ref",
    "Run",
    "Watch",
    "capture",
    "deferred",
    "diff",
    "dump",
    "export",
    "graph",
    "is_lazy",
    "lazy",
    "load",
    "materialize",
    "override",
    "params",
    "paused",
    "provenance",
    "rebuild",
    "trackable",
    "untrack",
    "watch",
    "worker_setup",
]

# Everything is loaded on first use: a program that only imports begat pays next to nothing.
_LATER = {
    **dict.fromkeys(("capture", "dump", "graph", "params", "paused", "provenance"), "begat.capture.scopes"),
    **dict.fromkeys(("deferred", "is_lazy", "lazy", "materialize"), "begat.capture.laziness"),
    "override": "begat.capture.overriding",
    **dict.fromkeys(("trackable", "untrack"), "begat.intercept.tracking"),
    **dict.fromkeys(("watch", "Watch"), "begat.intercept.watching"),
    **dict.fromkeys(("Argument", "CallSite", "Environment", "Event", "Node"), "begat.record.model"),
    "export": "begat.render.export",
    "load": "begat.capture.merging",
    "Run": "begat.record.graph",
    "Ref": "begat.record.values",
    **dict.fromkeys(("Change", "Diff"), "begat.replay.changes"),
    "diff": "begat.replay.diff",
    "rebuild": "begat.replay.rebuild",
    "worker_setup": "begat.capture.children",
}


class _Face(type(sys)):  # type: ignore[misc]  # the type of modules
    """This module: `begat.capture` is the scope, although a package of that name lies below."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _LATER and isinstance(value, type(sys))):
            super().__setattr__(name, value)

    def __reduce__(self) -> tuple[object, ...]:
        return __import__, (self.__name__,)  # cloudpickle knows modules by their very type


sys.modules[__name__].__class__ = _Face


def __getattr__(name: str) -> object:
    module = _LATER.get(name)
    if module is None:
        raise AttributeError(f"module 'begat' has no attribute {name!r}")
    from importlib import import_module

    try:
        # Tracked constructions are recorded by the session: whoever tracks needs it.
        import_module("begat.capture.session")
        value = globals()[name] = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        if "partially initialized module" not in str(error):
            raise
        raise ImportError(
            f"begat.{name} is asked for by a signal handler that came in while begat was being loaded: "
            f"mention begat.{name} once before signals are handled"
        ) from error
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
