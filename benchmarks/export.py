"""How long it takes to export a run of 1e5 constructions, in each form; and the page of 2,000.

    python benchmarks/export.py

CPU time of the export alone, the least of three fresh processes, the run being loaded from its file before.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from time import process_time

import begat

COUNT = 100_000
PAGE = 2_000


class Part:
    def __init__(self, size, depth=2):
        self.size = size


class Net:
    def __init__(self, part, rate, name="net", hidden=64):
        self.part = part


def recorded(count: int) -> begat.Run:
    """Half of the nodes take the other half as an argument."""
    begat.trackable(Part)
    begat.trackable(Net)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.json"
        with begat.capture(save=path):
            for number in range(count // 2):
                Net(Part(number), 0.1, hidden=128)
        return begat.load(path)


def seconds(form: str, count: int) -> tuple[float, int]:
    """The CPU time of one export, and the bytes of its text."""
    run = recorded(count)
    assert len(run.nodes) == count
    begin = process_time()
    text = begat.export(run, form)
    return process_time() - begin, len(text.encode())


def main() -> None:
    from begat.render.export import FORMATS

    print(f"CPython {sys.version.split()[0]}: {COUNT:,} nodes, every second one with an edge")
    for form in (*FORMATS, f"html of {PAGE:,}"):
        name, count = (form, COUNT) if form in FORMATS else ("html", PAGE)
        command = [sys.executable, __file__, name, str(count)]
        lines = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(3)]
        spent, size = min((tuple(map(float, line.split())) for line in lines), key=lambda pair: pair[0])
        print(f"{form:16}{spent:7.2f} s{size / 1e6:10.1f} MB")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(*seconds(sys.argv[1], int(sys.argv[2])))
    else:
        main()
