"""What is written when the interpreter ends, by whatever way runs its exit handlers."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable

from begat.intercept.interceptor import trouble

_DEPTH = 1000  # as the interpreter begins


def at_end(action: Callable[[], object]) -> None:
    """
    Do *action* when this process ends; not in its children, which inherit exit handlers with a fork.

    Exit handlers run last in, first out: registered early, this one sees what the handlers of the program still build.
    """
    pid = os.getpid()

    def run() -> None:
        if os.getpid() != pid:
            return
        left = sys.getrecursionlimit()
        try:
            sys.setrecursionlimit(max(left, _DEPTH))  # a program may have left a limit that nothing can be written with
            action()
        except Exception as error:
            trouble(error, "writing the record at exit")
        finally:
            sys.setrecursionlimit(left)

    atexit.register(run)
