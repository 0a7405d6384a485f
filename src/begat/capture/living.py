"""The recorders that are in memory: objects pass from run to run, and an argument may be another's node."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import repeat
from operator import call, is_
from typing import TYPE_CHECKING, Any
from weakref import ref

from begat.record.values import Ref

if TYPE_CHECKING:
    from begat.capture.recorder import Recorder

# Not a WeakSet: it removes what dies in a callback, and an interrupt that falls into a callback is lost.
_KNOWN: list[ref[Recorder]] = []


def join(recorder: Recorder) -> None:
    """*recorder* is one of them, as long as it lives."""
    _KNOWN.append(ref(recorder))


def recorders() -> list[Recorder]:
    """The recorders that are still in memory, the newest first."""
    _KNOWN[:] = [known for known in _KNOWN if known() is not None]
    living = [known() for known in _KNOWN]
    return [recorder for recorder in reversed(living) if recorder is not None]


def others(mine: Recorder) -> Callable[[object], Ref | None]:
    """What tells where the recorders but *mine*, the newest first, saw the object of a token built."""
    known = []
    for outer in recorders():
        if outer is not mine:
            if outer.log:  # of very many, most are closed and have none
                outer.drain()
            rows = outer.rows
            if places := rows.places():
                known.append((outer, rows, places))

    own = mine.journal.file.name if mine.journal is not None else None

    def find(token: object) -> Ref | None:
        for outer, rows, places in known:
            number = places.get(id(token))
            if number is not None and rows.token(number) is token:
                return Ref(outer.again.get(number, ("", number))[1], outer.identity)
        token_there, (journal, row) = ARRIVED.get(id(token), _NOWHERE)
        if token_there is not token or token is None:
            return None
        return Ref(row, None if journal in (own, mine.identity) else journal)

    return find


ARRIVED: dict[int, tuple[Any, tuple[str, int]]] = {}
"""What came from another process, by the ids of the tokens: the token, and the journal and row of its construction."""
_NOWHERE: tuple[Any, tuple[str, int]] = (None, ("", 0))


def without_none(tokens: list[Any]) -> list[Any]:
    """*tokens*, with one of what is gone in the place of None."""
    return tokens if all(tokens) else [_gone if token is None else token for token in tokens]


def dead_among(tokens: list[Any]) -> list[bool]:
    """Whether the object behind each token is gone. By C alone: fast, and no other thread comes in while an object is held here."""
    return list(map(is_, map(call, tokens), repeat(None)))


def _gone() -> None:
    """The token of what is gone."""


def _after_fork() -> None:
    for recorder in recorders():
        recorder.forked()


os.register_at_fork(after_in_child=_after_fork)
