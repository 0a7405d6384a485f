"""Budgets of the call path, as ratios within one run: the machines are noisy, so the bounds are wide."""

import gc
import inspect
import time
import tracemalloc

import pytest

import begat

pytestmark = pytest.mark.benchmark


def build():
    class C:
        def __init__(self, a, b=2.0, c="x", *, d=None):
            self.a, self.b, self.c, self.d = a, b, c, d

    return C


def fastest(*calls, rounds=15, number=5000):
    """Seconds of each of *calls*, the minimum over interleaved rounds."""
    best = [float("inf")] * len(calls)
    for _ in range(rounds):
        for position, call in enumerate(calls):
            start = time.perf_counter()
            for _ in range(number):
                call()
            best[position] = min(best[position], (time.perf_counter() - start) / number)
    return best


def test_recording_costs_a_fraction_of_binding_the_signature():
    """A recorded construction adds at most a third of what one cached ``Signature.bind`` with defaults costs."""
    plain, tracked = build(), begat.trackable(build())
    signature = inspect.signature(plain)

    with begat.capture():
        bare, recorded, bound = fastest(
            lambda: plain(1, 2.0, "x", d=3),
            lambda: tracked(1, 2.0, "x", d=3),
            lambda: signature.bind(1, 2.0, "x", d=3).apply_defaults(),
        )

    assert recorded - bare < bound / 3 + 1e-6
    assert recorded < 12 * bare


def test_paused_costs_about_a_function_call():
    """Tracked and paused, a construction is at most two and a half times the plain one."""
    plain, tracked = build(), begat.trackable(build())

    with begat.paused():
        bare, idle = fastest(lambda: plain(1, 2.0, "x", d=3), lambda: tracked(1, 2.0, "x", d=3))

    assert idle < 2.5 * bare


def test_a_node_of_four_scalars_takes_at_most_200_bytes():
    """Memory grows by at most 200 bytes for a construction whose object is gone."""
    tracked = begat.trackable(build())
    count = 100_000
    with begat.capture() as run:
        tracked(0)
        tracemalloc.start()
        for i in range(count):
            tracked(i, 2.0, "x", d=3)
        gc.collect()
        run.recorder.settle()
        used, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert used / count < 200
