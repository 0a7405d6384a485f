"""Classes and functions that travel to other processes by name."""

from __future__ import annotations

import os
from typing import Any

import begat

BUILT: list[int] = []


class Net:
    """Says where it was built."""

    def __init__(self, n: Any, *, name: str = "net") -> None:
        BUILT.append(os.getpid())
        self.n, self.name, self.built_in = n, name, os.getpid()

    def double(self) -> Any:
        return 2 * self.n


def make(n: int) -> Net:
    return Net(n)


def look(net: Any) -> tuple[bool, int, int, int, int]:
    """Whether it waits on arrival, what it says, where it was built, how often anything was built here, and where here is."""
    waits, before = begat.is_lazy(net), len(BUILT)
    return waits, net.double(), net.built_in, len(BUILT) - before, os.getpid()


class Numbers:
    """A data set that is built where it is read."""

    def __init__(self, n: int) -> None:
        self.n, self.built_in = n, os.getpid()

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, at: int) -> tuple[int, int]:
        if at >= self.n:
            raise IndexError
        return at, self.built_in
