"""Threads inherit the scope in which they were started: `threading.Thread.start` is woven while a scope is open."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from begat.intercept.constants import LISTENING
from begat.intercept.interceptor import trouble
from begat.intercept.woven import WOVEN, Woven

_START: Any = threading.Thread.start


class _Starting:
    """What the woven ``start`` enters; its answer None lets the body run as ever."""

    def __init__(self, notice: Callable[[threading.Thread], None]) -> None:
        self.notice = notice

    def __call__(self, thread: threading.Thread) -> None:
        try:
            self.notice(thread)
        except Exception as error:
            trouble(error, "noting the scope of a new thread")


def watch(notice: Callable[[threading.Thread], None]) -> None:
    """Call *notice* with every thread just before it starts."""
    woven = WOVEN[id(_START)] = Woven(_START, way="init")
    woven.users.add(0)
    gate = woven.gate()
    if gate is not None:
        gate.enter = _Starting(notice)
    LISTENING.add("threads")


def unwatch() -> None:
    """Put `threading.Thread.start` back as it was."""
    LISTENING.discard("threads")
    woven = WOVEN.get(id(_START))
    if woven is not None:
        woven.restore()
