"""How long the record of 1e5 constructions takes: to become a `Run`, to be written, loaded, and asked.

    python benchmarks/record.py
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import begat

COUNT = 100_000


class Part:
    def __init__(self, size, depth=2):
        self.size = size


class Net:
    def __init__(self, part, rate, name="net", hidden=64):
        self.part = part


def fill() -> None:
    """Half of the nodes take the other half as an argument."""
    for number in range(COUNT // 2):
        Net(Part(number), 0.1, hidden=128)


def timed(name: str, work: Callable[[], Any]) -> Any:
    begin = process_time()
    result = work()
    print(f"{name:44}{process_time() - begin:7.2f} s")
    return result


def main() -> None:
    begat.trackable(Part)
    begat.trackable(Net)
    print(f"CPython {sys.version.split()[0]}: {COUNT:,} nodes, every second one with an edge")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.json"
        with begat.capture() as run:
            timed("recording", fill)
            timed("dump, reading the rows included", lambda: begat.dump(path))
            timed("dump again", lambda: begat.dump(path))
        loaded = timed("load", lambda: begat.load(path))
        timed("config of the loaded run", loaded.config)
        timed("flat of the loaded run", loaded.flat)
        timed("downstream of its first node", lambda: loaded.downstream(loaded.nodes[0]))
        assert len(loaded.nodes) == len(run.nodes) == COUNT
        print(f"the file: {path.stat().st_size / COUNT:.0f} bytes a node")


if __name__ == "__main__":
    main()
