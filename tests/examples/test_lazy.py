"""docs/examples/lazy_*.py: what waits, over a sweep, in other processes, and for a factory."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import begat

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def printed(name: str, folder: Path) -> str:
    """What the example prints."""
    script = [sys.executable, str(EXAMPLES / name)]
    return subprocess.run(script, cwd=folder, capture_output=True, text=True, check=True).stdout


def test_a_sweep_builds_each_model_in_its_turn(tmp_path):
    lines = printed("lazy_sweep.py", tmp_path).splitlines()

    assert lines[0] == "configured: 8 objects, 0 layers built"
    scores = [float(re.match(r"width +\d+: (\d\.\d+), (\d) layers built", line)[1]) for line in lines[1:4]]
    assert scores == sorted(scores)
    assert [line[-14:] for line in lines[1:4]] == [f"{n} layers built" for n in (1, 2, 3)]

    run = begat.load(tmp_path / "sweep.json")
    assert [node.path for node in run.unbuilt] == ["spare.features", "spare"]
    assert [event.kind for event in run.events] == ["built"] * 6


def test_workers_build_what_is_sent_unbuilt(tmp_path):
    lines = printed("lazy_workers.py", tmp_path).splitlines()

    assert int(re.match(r"sent: (\d+) bytes", lines[0])[1]) < 500
    assert lines[1:] == ["found: 3 5 7 11", "built by us: False and still waiting here: True"]


@pytest.mark.heavy
def test_what_a_factory_returns_waits(tmp_path):
    lines = printed("lazy_finetune.py", tmp_path).splitlines()

    assert lines[0] == "composed, nothing loaded: True"
    assert re.fullmatch(r"trained the first: loss \d\.\d+; the second waits: True", lines[1])
