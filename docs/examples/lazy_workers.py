"""Configure here, build there: what waits goes to other processes as its call, a few hundred bytes, and is built where it is used."""

import os
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

import begat


class Index:
    """A table that would take long to send."""

    def __init__(self, size, seed=0):
        self.table = np.random.default_rng(seed).normal(size=(size, 64))
        self.built_by = os.getpid()

    def nearest(self, row):
        return int(np.argmin(((self.table - row) ** 2).sum(axis=1)))


def search(index, number):
    """Runs in a worker: the first touch builds the index there."""
    row = np.random.default_rng(0).normal(size=(number + 1, 64))[number]
    return index.nearest(row), index.built_by


def main():
    index = begat.lazy(Index)(20_000, seed=0)
    print(f"sent: {len(pickle.dumps(index))} bytes instead of {20_000 * 64 * 8:,}")
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        found = list(pool.map(search, [index] * 4, [3, 5, 7, 11]))
    print("found:", *[place for place, _ in found])
    print("built by us:", os.getpid() in {pid for _, pid in found}, "and still waiting here:", begat.is_lazy(index))


if __name__ == "__main__":
    main()
