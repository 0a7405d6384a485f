"""What is written when the interpreter ends, by whatever way runs its exit handlers."""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable

from begat.intercept.interceptor import trouble


def at_end(action: Callable[[], object]) -> None:
    """
    Do *action* when this process ends; not in its children, which inherit exit handlers with a fork.

    Exit handlers run last in, first out: registered early, this one sees what the handlers of the program still build.
    """
    pid = os.getpid()

    def run() -> None:
        if os.getpid() == pid:
            try:
                action()
            except Exception as error:
                trouble(error, "writing the record at exit")

    atexit.register(run)
