"""How long two runs of 1e5 constructions take to be compared, and how much memory that takes beyond them.

    python benchmarks/diff.py

Each figure is CPU time, the least of three fresh processes; memory is what the process has grown by at its highest.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import tempfile
from pathlib import Path
from time import process_time

import begat

COUNT = 100_000


@begat.trackable
class Part:
    def __init__(self, size, depth=2): ...


@begat.trackable
class Net:
    def __init__(self, part, rate, name="net", hidden=64): ...


# What is built, from the rate and the sizes of the parts.
CASES = {
    "nothing differs": (0.1, range(COUNT // 2)),
    "one value differs": (0.1, [7_000_000, *range(1, COUNT // 2)]),
    "every second object differs": (0.2, range(COUNT // 2)),
    "every object differs": (0.2, range(1, COUNT // 2 + 1)),
    "one object in front of all": (0.1, [-1, *range(COUNT // 2)]),
    "all in another order": (0.1, range(COUNT // 2 - 1, -1, -1)),
}


def record(path: Path, rate: float, sizes) -> None:
    with begat.capture(save=path):
        nets = [Net(Part(size), rate, hidden=128) for size in sizes]
    del nets


def memory(fact: str) -> float:
    """The memory of this process in MB: ``VmRSS``, what it has now, or ``VmHWM``, the most it had."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(fact)) / 1024


def once(folder: Path, number: str) -> None:
    before, after = begat.load(folder / "0.json"), begat.load(folder / f"{number}.json")
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # Linux: forget the peak that reading has had
    held = memory("VmRSS")
    begin = process_time()
    found = begat.diff(before, after)
    spent = process_time() - begin
    begin = process_time()
    prints = before.fingerprint == after.fingerprint
    assert prints == (number == "0")
    print(spent, memory("VmHWM") - held, len(found), process_time() - begin)


def main() -> None:
    print(f"CPython {sys.version.split()[0]}: two runs of {COUNT:,} nodes, every second one with an edge")
    with tempfile.TemporaryDirectory() as folder:
        for number, (rate, sizes) in enumerate(CASES.values()):
            record(Path(folder) / f"{number}.json", rate, sizes)
        for number, name in enumerate(CASES):
            line = [sys.executable, __file__, "once", folder, str(number)]
            runs = [subprocess.run(line, capture_output=True, text=True, check=True).stdout.split() for _ in range(3)]
            spent, memory, changes, prints = (min(map(float, column)) for column in zip(*runs, strict=True))
            print(
                f"{name:30}{spent:6.2f} s {memory:6.0f} MB {changes:8,.0f} changes; both fingerprints {prints:5.2f} s"
            )


if __name__ == "__main__":
    once(Path(sys.argv[2]), sys.argv[3]) if sys.argv[1:2] == ["once"] else main()
