"""How often overrides were applied, in this process and in those that it began, which may end without a word.

A child adds eight bytes to a file for each call that it changes: the number of the override in its parent; or the odd number
behind that, for a call that a stronger override has changed. Appends of that size do not mix, and the file is there only if a
child had something to say.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress

from begat.replay.override import Override

Way = tuple[str, int]
"""A file, and what an override is called in it."""
_SIZE = 8


class Tally:
    """
    Counts the calls that overrides have changed.

    *ways* says, by the numbers of overrides that another process handed on, where those are counted too.
    """

    def __init__(self, ways: Mapping[int, tuple[Way, ...]] | None = None) -> None:
        self.ways = ways or {}
        self._pid = os.getpid()
        # `tempfile` would say, but takes milliseconds to import, and a child has to come to the same.
        folder = os.environ.get("TMPDIR") or "/tmp"  # noqa: S108  # nobody can guess the name in it
        self._file = os.path.join(folder, f"begat-overrides-{os.urandom(_SIZE).hex()}")
        self._here: Counter[int] = Counter()

    @property
    def is_child(self) -> bool:
        """Whether this process was forked from the one that counts."""
        return os.getpid() != self._pid

    def count(self, override: Override, *, outdone: bool = False) -> None:
        """*override* has changed a call, or would have, had it not been *outdone*."""
        ways = self.ways.get(override.number, ())
        if self.is_child:
            ways = (*ways, (self._file, override.number))
        else:
            self._here[override.number + outdone] += 1
        for file, number in ways:
            with suppress(OSError):  # the parent is over, and has taken its folder along
                at = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
                try:
                    os.write(at, (number + outdone).to_bytes(_SIZE, "little"))
                finally:
                    os.close(at)

    def ways_of(self, override: Override) -> tuple[Way, ...]:
        """Where a new process, which is handed *override*, counts it."""
        return (*self.ways.get(override.number, ()), (self._file, override.number))

    def calls(self) -> Counter[int]:
        """The calls changed so far, by the numbers of overrides, and at those numbers + 1 the calls for which they were too weak."""
        found = self._here.copy()
        with suppress(OSError), open(self._file, "rb") as file:
            while word := file.read(_SIZE):
                found[int.from_bytes(word, "little")] += 1
        return found

    def forget(self, overrides: Iterable[Override]) -> None:
        """Nobody will ask for *overrides* again."""
        for each in overrides:
            self._here.pop(each.number, None)
            self._here.pop(each.number + 1, None)

    def end(self) -> None:
        """Nobody will ask again."""
        if not self.is_child:
            with suppress(OSError):
                os.unlink(self._file)
