"""How long it takes to export a run of 1e5 constructions, in each form; and the page of 2,000.

    python benchmarks/export.py

CPU time of the export alone, the least of two processes, each a fork of one that has loaded the run from its file.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from time import process_time

import begat
from record import COUNT, Net, Part, fill

PAGE = 2_000


def recorded(count: int) -> begat.Run:
    """A run of *count* constructions, as it is read back from its file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.json"
        with begat.capture(save=path):
            fill(count)
        run = begat.load(path)
    assert len(run.nodes) == count
    return run


def once(run: begat.Run, form: str) -> tuple[float, int]:
    """The CPU time of one export, and the bytes of its text: in a fork, so that nothing it caches helps the next."""
    read, write = os.pipe()
    if os.fork() == 0:
        begin = process_time()
        text = begat.export(run, form)
        spent = process_time() - begin
        os.write(write, f"{spent} {len(text.encode())}".encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as said:
        spent, size = said.read().split()
    os.wait()
    return float(spent), int(size)


def main() -> None:
    from begat.render.export import FORMATS

    begat.trackable(Part)
    begat.trackable(Net)
    print(f"CPython {sys.version.split()[0]}: {COUNT:,} nodes, every second one with an edge")
    for count, forms in ((COUNT, FORMATS), (PAGE, ("html",))):
        run = recorded(count)
        for form in forms:
            spent, size = min(once(run, form) for _ in range(2))
            print(f"{form:13}{count:8,}{spent:7.2f} s{size / 1e6:10.1f} MB", flush=True)


if __name__ == "__main__":
    main()
