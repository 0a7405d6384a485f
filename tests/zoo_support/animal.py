"""Animals: a class of one shape, how to call it, and what the record of each call must say."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Call:
    """
    One call of an animal's class, and the node it must leave.

    *seen* False: no node. *outcome* None: the record cannot know it. *params* None: nothing is said of the arguments.
    *inner*: how many more objects of the same class the constructor builds.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    params: dict[str, Any] | None = None
    sources: dict[str, str] | None = None
    seen: bool = True
    outcome: str | None = "returned"
    event: str | None = None
    inner: int = 0

    def on(self, function: Callable[..., Any]) -> Any:
        """Make the call on *function*, with arguments that no other call can have changed."""
        args, kwargs = self.fresh()
        return function(*args, **kwargs)

    def fresh(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments, copied."""
        return copy.deepcopy((self.args, self.kwargs))

    def given(self, /, **params: Any) -> Call:
        """The record says that the caller passed these."""
        return self._with("given", params)

    def default(self, /, **params: Any) -> Call:
        """The record says that these were left to their defaults."""
        return self._with("default", params)

    def bare(self) -> Call:
        """The record has a node without arguments."""
        return self._with("given", {})

    def raises(self) -> Call:
        """The constructor began and raised."""
        return replace(self, outcome="raised")

    def unknown(self) -> Call:
        """The node's outcome is not for the record to know."""
        return replace(self, outcome=None)

    def unseen(self) -> Call:
        """The call leaves no node: it never reached a constructor of the class."""
        return replace(self, seen=False)

    def reinit(self) -> Call:
        """The call runs the constructor again on an object that exists: an event, no node."""
        return replace(self, seen=False, event="reinit")

    def builds(self, inner: int) -> Call:
        """The constructor builds *inner* more objects of its own class."""
        return replace(self, inner=inner)

    def _with(self, source: str, params: dict[str, Any]) -> Call:
        sources = dict.fromkeys(params, source)
        return replace(self, params={**(self.params or {}), **params}, sources={**(self.sources or {}), **sources})


def call(*args: Any, **kwargs: Any) -> Call:
    """The call with these arguments; say with `Call.given` and `Call.default` what the record must hold."""
    return Call(args, kwargs)


@dataclass(frozen=True)
class Animal:
    """
    A shape of class: *make* returns a fresh class each time.

    *tracked* False: `trackable` must refuse. None: it may refuse; whatever it does, the class behaves as before.
    """

    name: str
    make: Callable[[], Any]
    calls: tuple[Call, ...]
    tracked: bool | None = True

    def __repr__(self) -> str:
        return self.name


ANIMALS: list[Animal] = []


def animal(
    *calls: Call, tracked: bool | None = True, needs: tuple[int, int] = (3, 11)
) -> Callable[[Callable[[], Any]], Any]:
    """Put the class that the decorated function makes into the zoo, under the function's name."""

    def enter(make: Callable[[], Any]) -> Callable[[], Any]:
        if sys.version_info >= needs:
            ANIMALS.append(Animal(make.__name__, make, calls, tracked))
        return make

    return enter


def refused(make: Callable[[], Any]) -> Callable[[], Any]:
    """Put a class into the zoo that `trackable` must refuse."""
    ANIMALS.append(Animal(make.__name__, make, (), tracked=False))
    return make
