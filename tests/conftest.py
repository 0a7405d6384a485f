"""What every test shares: begat's own failures are errors here, never warnings."""

from __future__ import annotations

import os
import signal

# A shell that starts the tests in the background has them ignore Ctrl-C, and every process that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# Before begat is imported, and inherited by every process that a test starts.
os.environ["BEGAT_STRICT"] = "1"
# Tests start hundreds of processes, which read what the first of them compiled.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# The one that `make heavy` installs.
os.environ.setdefault("KERAS_BACKEND", "torch")

from zoo_support.tracking import track  # noqa: E402  # it imports begat

__all__ = ["track"]
