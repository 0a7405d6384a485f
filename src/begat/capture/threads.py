"""Threads inherit the scope in which they were started: `threading.Thread.start` is woven while a scope is open."""

from __future__ import annotations

import threading
from collections.abc import Callable

from begat.intercept.constants import LISTENING
from begat.intercept.interceptor import trouble
from begat.intercept.woven import enter_first

_START = threading.Thread.start
_undo: list[Callable[[], None]] = []


def watch(notice: Callable[[threading.Thread], None]) -> None:
    """Call *notice* with every thread just before it starts."""

    def starting(thread: threading.Thread, *_: object) -> None:
        try:
            notice(thread)
        except Exception as error:
            trouble(error, "noting the scope of a new thread")

    undo = enter_first(_START, starting)
    if undo is not None:
        _undo.append(undo)
        LISTENING.add("threads")


def unwatch() -> None:
    """Put `threading.Thread.start` back as it was."""
    LISTENING.discard("threads")
    while _undo:
        _undo.pop()()
