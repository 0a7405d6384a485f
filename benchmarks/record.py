"""How long the record of 1e5 constructions takes: to become a `Run`, to be written, loaded, and asked.

    python benchmarks/record.py

Each figure is CPU time, the least of three fresh processes: what is cached in one makes the next time another question.
"""

from __future__ import annotations

import subprocess
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


def fill(count: int = COUNT) -> None:
    """*count* nodes, half of which take the other half as an argument."""
    for number in range(count // 2):
        Net(Part(number), 0.1, hidden=128)


def timed(name: str, work: Callable[[], Any]) -> Any:
    begin = process_time()
    result = work()
    print(f"{name}\t{process_time() - begin}")
    return result


def once() -> None:
    begat.trackable(Part)
    begat.trackable(Net)
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
        print(f"bytes of the file\t{path.stat().st_size}")


def main() -> None:
    print(f"CPython {sys.version.split()[0]}: {COUNT:,} nodes, every second one with an edge")
    runs = [
        subprocess.run(
            [sys.executable, __file__, "once"], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        for _ in range(3)
    ]
    *times, size = (
        min(lines, key=lambda line: float(line.partition("\t")[2])).split("\t") for lines in zip(*runs, strict=True)
    )
    for name, seconds in times:
        print(f"{name:44}{float(seconds):7.2f} s")
    print(f"the file: {int(size[1]) / COUNT:.0f} bytes a node")


if __name__ == "__main__":
    once() if sys.argv[1:] == ["once"] else main()
