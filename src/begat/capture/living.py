"""The recorders that are in memory: objects pass from run to run, and an argument may be another's node.

Those that are closed may be very many: a program that keeps an object of each run keeps the runs. They are found together, by
one table, and what is asked often looks at the open ones alone.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import count, repeat
from operator import call, is_
from typing import TYPE_CHECKING, Any
from weakref import ref

from begat.record.values import Ref

if TYPE_CHECKING:
    from begat.capture.recorder import Recorder

# Not a WeakSet: it removes what dies in a callback, and an interrupt that falls into a callback is lost.
_KNOWN: list[ref[Recorder]] = []
_OPEN: list[ref[Recorder]] = []
_CLOSED: list[ref[Recorder]] = []  # that are not in the table yet: nobody may ever ask
_TABLE: dict[int, tuple[ref[Recorder], int]] = {}
"""What was built in closed ones, by the ids of the tokens: who saw it last, and its row."""
_lock = threading.RLock()
_swept = 4096


COUNT = count()


def join(recorder: Recorder) -> None:
    """*recorder* is one of them, as long as it lives."""
    own = ref(recorder)
    _KNOWN.append(own)
    _OPEN.append(own)


def closed(recorder: Recorder) -> None:
    """No more rows are expected of *recorder*."""
    own = ref(recorder)
    if _CLOSED[-1:] != [own]:
        _CLOSED.append(own)


def recorders() -> list[Recorder]:
    """The recorders that are still in memory, the newest first."""
    _KNOWN[:] = [known for known in _KNOWN if known() is not None]
    living = [known() for known in _KNOWN]
    return [recorder for recorder in reversed(living) if recorder is not None]


def lives(recorder: Recorder) -> bool:
    """Whether an object that was built in it still lives, as of the last look at them all."""
    # The one that did the last time is asked first: of a run that stays they are not all looked at again and again.
    if recorder.survivor() is None:
        recorder.survivor = next((token for _, token in recorder.rows.tokened() if token() is not None), gone)
    return recorder.survivor() is not None


def opened() -> list[Recorder]:
    """Those that are open, the newest first."""
    for own in [own for own in _OPEN if (known := own()) is None or known.closed]:
        with suppress(ValueError):  # another thread was first
            _OPEN.remove(own)
    return [recorder for own in reversed(_OPEN) if (recorder := own()) is not None and not recorder.closed]


def others(mine: Recorder) -> Callable[[object], Ref | None]:
    """What tells where the recorders but *mine*, the newest first, saw the object of a token built."""
    known = []
    for outer in opened():
        if outer is not mine:
            outer.drain()
            rows = outer.rows
            if places := rows.places():
                known.append((outer, rows, places))
    _enter()

    own = mine.journal.file.name if mine.journal is not None else None

    def find(token: object) -> Ref | None:
        seen, number = _in_table(token)
        if seen is mine:
            seen = None
        for outer, rows, places in known:
            if seen is not None and seen.nth > outer.nth:
                break
            at = places.get(id(token))
            if at is not None and rows.token(at) is token:
                seen, number = outer, at
                break
        if seen is not None:
            return Ref(seen.again.get(number, ("", number))[1], seen.identity)
        token_there, (journal, row) = ARRIVED.get(id(token), _NOWHERE)
        if token_there is not token or token is None:
            return None
        return Ref(row, None if journal in (own, mine.identity) else journal)

    return find


def _enter() -> None:
    """Put what was built in recorders that were closed since into the table."""
    global _swept
    with _lock:
        while _CLOSED:
            own = _CLOSED.pop()
            recorder = own()
            if recorder is None:
                continue
            # The newest first: of the rows of one object the first is left.
            for number, token in recorder.rows.tokened():
                seen = _in_table(token)[0]
                if seen is None or seen.nth <= recorder.nth:
                    _TABLE[id(token)] = own, number
        if len(_TABLE) > _swept:
            known = [(key, own(), number) for key, (own, number) in _TABLE.items()]
            tokens = [seen.rows.token(number) if seen is not None else None for _, seen, number in known]
            for (key, _, _), token, dead in zip(known, tokens, dead_among(without_none(tokens)), strict=True):
                if dead or id(token) != key:
                    _TABLE.pop(key, None)
            _swept = max(4096, 2 * len(_TABLE))


def _in_table(token: object) -> tuple[Recorder | None, int]:
    """The closed recorder that saw the object of *token* last, and its row."""
    own, number = _TABLE.get(id(token), (gone, 0))
    seen = own()
    # What dies leaves its address to others.
    return (seen, number) if seen is not None and seen.rows.token(number) is token else (None, 0)


ARRIVED: dict[int, tuple[Any, tuple[str, int]]] = {}
"""What came from another process, by the ids of the tokens: the token, and the journal and row of its construction."""
_NOWHERE: tuple[Any, tuple[str, int]] = (None, ("", 0))


def without_none(tokens: list[Any]) -> list[Any]:
    """*tokens*, with one of what is gone in the place of None."""
    return tokens if all(tokens) else [gone if token is None else token for token in tokens]


def dead_among(tokens: list[Any]) -> list[bool]:
    """Whether the object behind each token is gone. By C alone: fast, and no other thread comes in while an object is held here."""
    return list(map(is_, map(call, tokens), repeat(None)))


def gone() -> None:
    """The token of what is gone."""


def _after_fork() -> None:
    global _lock
    _lock = threading.RLock()
    for recorder in recorders():
        recorder.forked()


os.register_at_fork(after_in_child=_after_fork)
