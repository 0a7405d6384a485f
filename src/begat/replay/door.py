"""What replay needs from the floors above it, which put it here: it does not know them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any


class Door:
    """
    *tracked* gives the class or function that is tracked in this process under a name, or None; it imports nothing. Where
    nobody has put it here nothing is tracked. *lazy* gives a class or function whose calls wait, *overridden* a block in which
    arguments are changed, by address, to these very values.
    """

    tracked: Callable[[str], Any] = staticmethod(lambda target: None)
    lazy: Callable[[Any], Callable[..., Any]]
    overridden: Callable[[Mapping[str, Any]], AbstractContextManager[Any]]


DOOR = Door()
