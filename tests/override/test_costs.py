"""What overrides may cost calls that they do not mean."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

FILE = Path(__file__).parents[2] / "benchmarks" / "override.py"

pytestmark = pytest.mark.benchmark


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("benchmark_of_overrides", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_calls_that_are_not_meant_cost_next_to_nothing(bench):
    """At most a microsecond for a class that could be meant, and nothing for others."""
    found = bench.measured()

    for name in ("by a path that is elsewhere", "by a number that is elsewhere"):
        assert found[name, "Meant"] - found["no overrides", "Meant"] < 1000
    for name in ("of others", "by a path that is elsewhere", "by the class"):
        assert found[name, "Not"] < found["no overrides", "Not"] * 1.15


def test_a_thousand_overrides_are_read_in_no_time(bench):
    """Less than 50 ms."""
    assert bench.parsing() < 50
