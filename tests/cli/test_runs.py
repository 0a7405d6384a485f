"""`begat runs`: what has been run."""

from __future__ import annotations

import json

import pytest

from begat.record.codec import dumps
from begat.record.graph import Run
from begat.record.model import Header

RUNS = (
    Header("20261123-1", "base one", "2026-11-23T10:00:00Z", "2026-11-23T10:00:02Z", "finished", script="a/train.py"),
    Header("20261124-1", "base two", outcome="raised", error="builtins:SystemExit", exit_code=3, script="other.py"),
    Header("20261125-1", outcome="raised", error="builtins:ValueError", script="train.py"),
)


@pytest.fixture
def listed(begat, tmp_path):
    for header in RUNS:
        record = tmp_path / ".begat" / "runs" / header.id / "run.json"
        record.parent.mkdir()
        record.write_bytes(dumps(Run(header)))
    broken = tmp_path / ".begat" / "runs" / "20261126-1"
    broken.mkdir()
    (broken / "run.json").write_text('{"run": [')

    def call(*words):
        result = begat("runs", "--json", *words)
        return [run["id"] for run in json.loads(result.stdout)], result.exit_code

    return call


def test_runs_are_listed_newest_first(listed, begat):
    """One line for each; what is no record is passed over."""
    head, *rows = begat("runs").stdout.splitlines()

    assert head.split() == ["run", "outcome", "took", "name", "script"]
    assert [row.split()[0] for row in rows[:3]] == ["20261125-1", "20261124-1", "20261123-1"]
    assert "raised: SystemExit 3" in rows[1]
    assert "2 s" in rows[2]
    assert listed("-n", "2")[0] == ["20261125-1", "20261124-1"]


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (("train.py", "2026112[35]-1"), ["20261125-1", "20261123-1"]),
        (("base*", "raised"), ["20261124-1"]),
        (("ValueError",), ["20261125-1"]),
        (("nothing",), []),
    ],
)
def test_patterns_keep_what_all_of_them_match(listed, patterns, expected):
    """By id, name, script, outcome and error; nothing found is exit code 1."""
    assert listed(*patterns) == (expected, 0 if expected else 1)


def test_no_runs_is_said(begat, tmp_path):
    """With the way to make one."""
    result = begat("runs", BEGAT_HOME=str(tmp_path / "empty"))

    assert result.exit_code == 1
    assert "begat run train.py" in result.stderr
