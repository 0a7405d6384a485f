"""What a program can notice of its own process: printed, so that two runs of it can be compared."""

from __future__ import annotations

import hashlib
import inspect
import logging
import os
import pickle
import random
import signal
import sys
import threading
import warnings


def of_process() -> dict[str, object]:
    """The state that belongs to the program alone."""
    handlers = {s.name: repr(signal.getsignal(s)) for s in signal.Signals if s.name not in ("SIGKILL", "SIGSTOP")}
    root = logging.getLogger()
    found: dict[str, object] = {
        "random": digest(random.getstate()),
        "environ": sorted(os.environ.items()),
        "cwd": os.getcwd(),
        "signals": handlers,
        "threads": sorted((thread.name, thread.daemon) for thread in threading.enumerate()),
        "hooks": [repr(h) for h in (sys.excepthook, sys.unraisablehook, threading.excepthook, sys.displayhook)],
        "logging": (root.level, root.handlers, logging.getLogger("begat").handlers, logging.lastResort is None),
        "warnings": warnings.filters[:],
        "tracing": (sys.gettrace(), sys.getprofile()),
        "recursion": sys.getrecursionlimit(),
        "switching": sys.getswitchinterval(),
        "streams": [(s.encoding, s.errors, s.line_buffering) for s in (sys.stdin, sys.stdout, sys.stderr)],
        "umask": umask(),
        "locale": os.environ.get("LC_ALL"),
        "descriptors": descriptors(),
    }
    if "numpy" in sys.modules:
        import numpy as np

        found["numpy"] = digest(np.random.get_state())  # noqa: NPY002  # the one that programs share
    if "torch" in sys.modules:
        import torch

        found["torch"] = (digest(torch.get_rng_state().numpy().tobytes()), torch.get_num_threads())
    return found


def of_class(cls: type, obj: object) -> dict[str, object]:
    """What can be asked of a class and of an object of it."""
    return {
        "signature": str(inspect.signature(cls)),
        "spec": str(inspect.getfullargspec(cls.__init__)),
        "source": inspect.getsource(cls),
        "line": inspect.getsourcelines(cls.__init__)[1],
        "names": sorted(vars(cls)),
        "own": sorted(vars(obj)) if hasattr(obj, "__dict__") else None,
        "pickle": hashlib.sha256(pickle.dumps(obj)).hexdigest(),
        "by name": pickle.dumps(cls),
        "defaults": (cls.__init__.__defaults__, cls.__init__.__kwdefaults__),
        "members": [name for name, _ in inspect.getmembers(obj)],
    }


def digest(state: object) -> str:
    """A short word for *state*."""
    return hashlib.sha256(pickle.dumps(state)).hexdigest()[:16]


def umask() -> int:
    """The umask, which can only be read by setting it."""
    old = os.umask(0)
    os.umask(old)
    return old


def descriptors() -> list[str] | None:
    """What the process holds open, where the system tells; but for a journal, which is begat's own and said to be there."""
    folder = "/proc/self/fd"
    if not os.path.isdir(folder):
        return None
    found = [f"{folder}/{name}" for name in os.listdir(folder)]
    links = [os.readlink(name) for name in found if os.path.exists(name)]
    return sorted(link for link in links if "/fd" not in link and not link.endswith(".jsonl"))


def show(*described: dict[str, object]) -> None:
    """Print *described*, one fact a line."""
    for each in described:
        for name, fact in each.items():
            print(f"{name}: {fact}")
