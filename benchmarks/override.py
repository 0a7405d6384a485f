"""What do overrides that wait cost the calls that they could mean, and those that they could not?

``python benchmarks/override.py``: each figure is the fastest of many rounds, taken in turn, beside the same call recorded
without any override.
"""

from __future__ import annotations

import time
from itertools import chain

import begat
from begat.capture.orders import Orders
from begat.replay.override import parse


@begat.trackable
class Meant:
    def __init__(self, dim, lr=0.1):
        self.dim = dim


@begat.trackable
class Not:
    def __init__(self, width, depth=0.1):
        self.width = width


BLOCKS = {
    "no overrides": {},
    "of others": {"Elsewhere.gamma": 1},
    "by a path that is elsewhere": {"model.dim": 1},
    "by a number that is elsewhere": {"model.3.dim": 1},
    "by the class": {"Meant.dim": 1},
}


def nanoseconds(cls, count=2000):
    """What one construction takes."""
    started = time.perf_counter_ns()
    for _ in range(count):
        net = cls(3)
    elapsed = time.perf_counter_ns() - started
    del net
    return elapsed / count


def measured(rounds=15):
    """The fastest round for each block and class, in turn."""
    best = {}
    for _ in range(rounds):
        for name, changes in BLOCKS.items():
            for cls in (Meant, Not):
                with begat.capture():
                    block = begat.override(changes)
                    block.__enter__()
                    try:
                        nanoseconds(cls, 50)
                        key = name, cls.__name__
                        best[key] = min(best.get(key, 1e9), nanoseconds(cls))
                    finally:
                        block.__exit__(KeyboardInterrupt, None, None) if not changes else _leave(block)
    return best


def _leave(block):
    error = RuntimeError("not to be asked what matched")
    block.__exit__(type(error), error, None)


def parsing(count=1000):
    """Milliseconds for reading *count* overrides and finding out what they mean for a class."""
    words = list(chain.from_iterable((f"model.layers.{i}.dim={i}", f"Encoder.p{i}=1e-3") for i in range(count // 2)))
    best = 1e9
    for _ in range(5):
        started = time.perf_counter()
        Orders(parse(word) for word in words)
        best = min(best, (time.perf_counter() - started) * 1e3)
    return best


if __name__ == "__main__":
    found = measured()
    for (name, cls), value in sorted(found.items(), key=lambda item: item[0][1]):
        more = value - found["no overrides", cls]
        print(f"{cls:6} {name:32} {value:8.0f} ns  {more:+8.0f} ns")
    print(f"parsing 1,000 overrides: {parsing():.1f} ms")
