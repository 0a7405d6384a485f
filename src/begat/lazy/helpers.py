"""Helpers: threads that a constructor has handed its object to, and waits for. They would wait for each other for ever."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from threading import Thread
from types import FrameType
from typing import Any

from begat.introspect.targets import module_of, mro_of

# Whose functions stand on top of a thread that waits for another one.
_WAITING = frozenset(("threading", "queue", "concurrent.futures._base", "concurrent.futures.thread"))


def waits_for_us(thread: int) -> bool:
    """Whether what *thread* waits for, a thread, a future, a queue, an event, is in the hands of this thread."""
    frames = sys._current_frames()
    wanted: dict[int, object] = {}
    todo = [frames.get(thread)]
    while todo:
        for value in _awaited(todo.pop()):
            if id(value) not in wanted and any(module_of(cls) in _WAITING for cls in mro_of(type(value))):
                wanted[id(value)] = value
                if isinstance(value, Thread) and value.ident is not None:  # it may wait for one in its turn
                    todo.append(frames.get(value.ident))
    return not wanted.keys().isdisjoint(map(id, _held(sys._getframe(1))))


def _awaited(frame: FrameType | None) -> Iterator[object]:
    while frame is not None and frame.f_globals.get("__name__") in _WAITING:
        for value in tuple(frame.f_locals.values()):
            kind = type(value)
            if kind is list or kind is tuple or kind is set:
                yield from tuple(value)
            else:
                yield value
        frame = frame.f_back


def _held(frame: FrameType | None) -> Iterator[object]:
    while frame is not None:
        space: dict[str, Any] = frame.f_locals
        name = f"{frame.f_globals.get('__name__')}"
        if name[:6] != "begat.":  # our own waiting is not what anybody is waited for
            yield from tuple(space.values())
        if name == "concurrent.futures.thread":
            yield getattr(space.get("self"), "future", None)  # what a pool works at
        frame = frame.f_back
