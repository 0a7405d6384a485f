"""What a recorded construction of four scalars keeps in memory, while its object lives and after it is gone.

python benchmarks/memory.py
"""

from __future__ import annotations

import gc
import sys
import tracemalloc
from time import perf_counter
from weakref import ref

import begat


class Net:
    def __init__(self, a, b, dropout=0.1, hidden=64):
        self.a, self.b, self.dropout, self.hidden = a, b, dropout, hidden


class Plain(Net):
    """Its twin, which is not tracked."""

    def __init__(self, a, b, dropout=0.1, hidden=64):
        self.a, self.b, self.dropout, self.hidden = a, b, dropout, hidden


def resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def traced(cls: type, keep: bool, count: int = 100_000) -> float:
    """Bytes allocated and still held for each of *count* constructions."""
    gc.collect()
    tracemalloc.start()
    with begat.capture() as run:
        kept = [
            cls(number, 0.5, hidden=128) if keep else cls(number, 0.5, hidden=128) and None for number in range(count)
        ]
        run.recorder.resolve()
        gc.collect()
        held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return (held - sys.getsizeof(kept)) / count


def million() -> None:
    """One run of 1e6 constructions: time, resident memory, and that nothing of it is kept alive."""
    gc.collect()
    before, begin = resident(), perf_counter()
    last = None
    with begat.capture() as run:
        for number in range(1_000_000):
            last = Net(number, 0.5, hidden=128)
        token = ref(last)
        last = None
        run.recorder.resolve()
        spent = perf_counter() - begin
        grown = (resident() - before) / 1e6
        alive = sum(type(found) is Net for found in gc.get_objects())
        begin = perf_counter()
        gc.collect()
        collecting = perf_counter() - begin
    assert token() is None
    print(
        f"1e6 constructions: {spent:.2f} s, resident memory +{grown:.0f} bytes each, {alive} objects alive, a full collection {1000 * collecting:.0f} ms"
    )


def main() -> None:
    begat.trackable(Net)
    traced(Net, keep=False, count=1000)
    print(f"CPython {sys.version.split()[0]}: bytes a node, the distinct int in it included")
    print(f"objects dropped at once: {traced(Net, keep=False):.0f}")
    print(
        f"objects kept alive:      {traced(Net, keep=True) - traced(Plain, keep=True):.0f} beyond the objects themselves"
    )
    million()


if __name__ == "__main__":
    main()
