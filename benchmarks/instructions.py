"""How many instructions does the processor run for one construction? The same number each time, however busy the machine is.

Needs valgrind. Each way runs N and 2N times in a process of its own under callgrind; the difference, divided by N, is one
call, what the garbage collector does for it included.

    python benchmarks/instructions.py
"""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

CALLS = 20_000
SCOPES = ("plain", "untracked", "paused", "recording", "shim, paused", "shim, recording")


def build():
    class Net:
        def __init__(self, a, b, dropout=0.1, hidden=64):
            self.a = a
            self.b = b
            self.dropout = dropout
            self.hidden = hidden

    return Net


def call(scope: str, count: int) -> None:
    """What is counted."""
    import begat

    Net = build()
    if scope.startswith("shim"):
        from shim import install

        begat.trackable(type("Other", (), {"__init__": lambda self: None}))  # so that somebody listens
        install(Net)
    elif scope != "plain":
        begat.trackable(Net)
    if scope == "untracked":
        begat.untrack(Net)
    how = scope.rpartition(" ")[2]
    with {"paused": begat.paused, "recording": begat.capture}.get(how, nullcontext)() as run:
        for _ in range(count // 10):
            Net(1, 2.0, hidden=128)
            Net(1, 2.0, hidden=128)
            Net(1, 2.0, hidden=128)
            Net(1, 2.0, hidden=128)
            Net(1, 2.0, hidden=128)
            Net(1, 2.0, hidden=128)
            Net(1, 2.0, hidden=128)
            Net(1, 2.0, hidden=128)
            Net(1, 2.0, hidden=128)
            Net(1, 2.0, hidden=128)
        if run is not None:
            run.recorder.settle()


def counted(scope: str, count: int, python: str = sys.executable) -> int:
    """The instructions of a process that makes *count* constructions."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", python, __file__, scope, str(count)]
    path = str(Path(__file__).parent.parent / "src")
    done = subprocess.run(
        command, env={"PYTHONHASHSEED": "0", "PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    found = re.search(r"Collected : (\d+)", done.stderr)
    assert found is not None, done.stderr
    return int(found[1])


def per_call(scope: str) -> float:
    return (counted(scope, 2 * CALLS) - counted(scope, CALLS)) / CALLS


if __name__ == "__main__":
    if len(sys.argv) > 2:
        call(sys.argv[1], int(sys.argv[2]))
    else:
        plain = per_call("plain")
        print(f"CPython {sys.version.split()[0]}: instructions of Net(1, 2.0, hidden=128)")
        for scope in SCOPES:
            spent = per_call(scope)
            print(f"{scope:16} {spent:8.0f} {spent - plain:+8.0f} {spent / plain:6.2f} ×")
