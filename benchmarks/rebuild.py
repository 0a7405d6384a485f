"""What a rebuild costs beside the constructors that it calls: for objects that take a while, and for objects that take nothing.

python benchmarks/rebuild.py
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from time import process_time
from typing import Any

import begat

ROUNDS = 9


class Leaf:
    def __init__(self, dim: int, depth: int = 2, act: str = "gelu"):
        self.dim, self.depth, self.act = dim, depth, act


class Pair:
    def __init__(self, one: Any, two: Any, number: int):
        self.all = one, two, number


class Heavy:
    """About a millisecond of work, as a layer of a few hundred thousand weights has."""

    def __init__(self, size: int, inner: Any = None):
        self.weights, self.inner = [i * 0.5 for i in range(size)], inner


def light() -> list[Any]:
    return [Pair(Leaf(i), Leaf(i, depth=3), i) for i in range(3000)]


def heavy() -> list[Any]:
    return [Heavy(20_000, Heavy(20_000)) for _ in range(50)]


def torch_model() -> Any:
    from torch import nn

    return nn.Sequential(*[nn.Sequential(nn.Linear(256, 1024), nn.ReLU(), nn.Linear(1024, 256)) for _ in range(12)])


def compared(name: str, build: Callable[[], Any], *classes: Any) -> None:
    for cls in classes:
        begat.trackable(cls)
    with begat.capture() as run:
        build()
    nodes = len(run.nodes)
    for cls in classes:
        begat.untrack(cls)
    wanted = [node for node in run.nodes if node.within is None]
    ways = {"plain": build, "rebuild": lambda: begat.rebuild(run, wanted, allow=classes)}
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(ROUNDS):
        for way, do in ways.items():
            gc.collect()
            began = process_time()
            do()
            best[way] = min(best[way], process_time() - began)
    extra = (best["rebuild"] - best["plain"]) / nodes * 1e6
    print(f"{name:28} {nodes:6} objects  ×{best['rebuild'] / best['plain']:.2f}  {extra:+.1f} µs an object")


if __name__ == "__main__":
    compared("a millisecond each", heavy, Heavy)
    compared("nothing each", light, Leaf, Pair)
    try:
        from torch import nn
    except ImportError:
        print("torch is not installed")
    else:
        compared("a torch model", torch_model, nn.Sequential, nn.Linear, nn.ReLU)
