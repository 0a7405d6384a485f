"""Runs of small programs, as they are read back from a file."""

from __future__ import annotations

import itertools
import linecache

import pytest

import begat
from begat.record.codec import dumps, loads
from zoo_support.tracking import track

__all__ = ["track"]


class Layer:
    def __init__(self, width, dropout=0.1):
        self.width = width


class ReLU:
    def __init__(self): ...


class GELU:
    def __init__(self, approximate="none"): ...


class Seq:
    def __init__(self, *parts): ...


class Encoder:
    def __init__(self, width=8, depth=2, opts=None):
        self.layers = [Layer(width) for _ in range(depth)]


class Net:
    def __init__(self, enc=None, aux=None, norm=None, **options): ...


class Head:
    def __init__(self, body, bias=True):
        self.out = Layer(body.width) if body.width < 9 else ReLU()


CLASSES = {cls.__name__: cls for cls in (Layer, ReLU, GELU, Seq, Encoder, Net, Head)}
_count = itertools.count()


@pytest.fixture
def program():
    """A function from source text to the record of the run; the classes above are tracked and at hand."""
    for cls in CLASSES.values():
        begat.trackable(cls)

    def record(source, **names):
        file = f"/work/program-{next(_count)}/train.py"
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        with begat.capture() as run:
            exec(compile(source, file, "exec"), {**CLASSES, "__name__": "train", **names})
        return loads(dumps(run))

    yield record
    for cls in CLASSES.values():
        begat.untrack(cls)


def told(diff):
    """The changes of *diff*, in short."""
    return sorted((change.kind, change.place) for change in diff.changes)
