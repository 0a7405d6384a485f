"""`begat diff`: forms, exit codes, trouble."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from begat.record.codec import dumps
from begat.record.graph import Run
from begat.record.model import Environment, Header
from handmade import given, node


@pytest.fixture
def records(tmp_path):
    """Three records: the second and the third differ from the first in one value each."""
    for name, (width, rate) in {"a": (1, 0.1), "b": (2, 0.1), "c": (1, 0.3)}.items():
        run = Run(Header(name, name), (node(1, "enc", "t:Encoder", given(width=width, rate=rate)),))
        run.result(loss=width + rate)
        (tmp_path / f"{name}.json").write_bytes(dumps(run))


def test_what_differs_is_one_line(begat, records):
    """The place, both values, the reason and the call; what does not matter is counted; the exit code is 1."""
    result = begat("diff", "a.json", "b.json")

    assert result.exit_code == 1
    assert "~ enc.width: 1 → 2  (given otherwise by the call)  /home/train.py:1" in result.stdout.splitlines()
    assert "~ loss: 1.1 → 2.1" in result.stdout.splitlines()
    assert "folded:" in result.stdout
    assert "folded:" not in begat("diff", "a.json", "b.json", "--all").stdout


@pytest.mark.parametrize(
    ("packages", "said"),
    [
        ({"lib": "1"}, "1 package imported in one run only"),
        ({"lib": "1", "other": "2"}, "2 packages imported in one run only"),
    ],
)
def test_packages_of_one_run_alone_are_counted_as_that(begat, tmp_path, packages, said):
    """They are no objects, and no library made them."""
    for name, packages in {"a": {}, "b": packages}.items():
        run = Run(Header(name, name), (node(1, "enc", "t:Encoder"),), Environment(packages=packages))
        (tmp_path / f"{name}.json").write_bytes(dumps(run))

    shown = begat("diff", "a.json", "b.json").stdout
    assert f"folded: {said}" in shown and "  1 node\n" in shown


def test_the_same_is_exit_code_0(begat, records):
    """A run and itself: one sentence."""
    result = begat("diff", "a.json", "a.json")

    assert result.exit_code == 0
    assert "the same configuration" in result.stdout


def test_ignoring_is_up_to_the_caller(begat, records):
    """What is left out does not count for the exit code."""
    assert begat("diff", "a.json", "b.json", "--ignore", "enc.width").exit_code == 0
    assert begat("diff", "a.json", "b.json", "--ignore", "Encoder.width").exit_code == 0
    assert begat("diff", "a.json", "b.json", "--ignore", "git").exit_code == 1


def test_json_is_all_of_it(begat, records):
    """Changes, folded ones, rows and results, with fingerprints."""
    told = json.loads(begat("diff", "a.json", "b.json", "--json").stdout)

    assert told["same"] is False
    (change,) = told["changes"]
    assert (change["kind"], change["path"], change["argument"], change["before"], change["after"]) == (
        "argument",
        "enc",
        "width",
        1,
        2,
    )
    assert told["rows"] == [{"path": "enc", "argument": "width", "values": [1, 2]}]
    assert told["results"][0]["values"] == [1.1, 2.1]
    assert told["runs"][0]["fingerprint"] != told["runs"][1]["fingerprint"]


def test_markdown_is_a_table(begat, records):
    """For a pull request."""
    lines = begat("diff", "a.json", "b.json", "--markdown").stdout.splitlines()

    assert "| `enc.width` | `1` | `2` | given otherwise by the call |" in lines


def test_three_runs_are_a_table(begat, records):
    """A row for each parameter that differs, the results below."""
    lines = begat("diff", "a.json", "b.json", "c.json").stdout.splitlines()

    assert "parameter\ta\tb\tc" in lines
    assert "enc.width\t1\t2\t1" in lines
    assert "enc.rate\t0.1\t0.1\t0.3" in lines
    assert "result loss\t1.1\t2.1\t1.3" in lines


def test_color_is_for_terminals(begat, records):
    """In color on a terminal; never where it was not asked for."""
    assert "\x1b[" in begat("diff", "a.json", "b.json", FORCE_COLOR="1").stdout
    assert "\x1b[" not in begat("diff", "a.json", "b.json").stdout
    assert "\x1b[3" not in begat("diff", "a.json", "b.json", FORCE_COLOR="1", NO_COLOR="1").stdout


@pytest.mark.parametrize(
    "words",
    [(), ("a.json", "nothing.json"), ("a.json", "bad.json"), ("a.json", "b.json", "--moved", "x"),
     ("a.json", "b.json", "--json", "--markdown"), ("a.json", "--now", "nothing.py")],
)  # fmt: skip
def test_trouble_is_exit_code_2(begat, records, tmp_path, words):
    """What cannot be compared is neither the same nor different."""
    (tmp_path / "bad.json").write_text("{}")

    result = begat("diff", *words)

    assert result.exit_code == 2
    assert result.stderr
    assert "Traceback" not in result.stderr


def test_what_is_not_named_is_the_newest(begat, records, tmp_path):
    """Without B the newest run, without A the one before it; a run is not compared with itself unless that is said."""
    kept = tmp_path / ".begat" / "runs"
    (newest,) = kept.iterdir()
    for result in (begat("diff"), begat("diff", "last"), begat("diff", newest.name)):
        assert result.exit_code == 2
        assert "there is no other run" in result.stderr
    (kept / f"9{newest.name}").mkdir()
    (tmp_path / "b.json").rename(kept / f"9{newest.name}" / "run.json")

    both = [begat("diff", *words) for words in ((), (newest.name,), (newest.name, "last"))]

    assert {result.exit_code for result in both} == {1}
    assert len({result.stdout for result in both}) == 1
    assert begat("diff", "last").exit_code == 2
    assert begat("diff", "last", "last").exit_code == 0
    assert begat("diff", "--now", "train.py").exit_code == 2


def test_a_failure_of_ours_is_not_a_difference(begat, records, monkeypatch):
    """Exit code 1 says that something differs; a crash says 2."""
    monkeypatch.setattr("begat.render.compare.lines", lambda *_: 1 / 0)

    assert begat("diff", "a.json", "b.json").exit_code == 2


def test_now_runs_the_script_as_it_is(tmp_path):
    """The script, changed since, is run with the words of the record; the store is left alone."""
    script = tmp_path / "train.py"
    script.write_text(
        "import sys\nclass Net:\n    def __init__(self, width, word): pass\nnet = Net(64, sys.argv[1])\nprint('out')\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "BEGAT_HOME"}

    def begat(*words):
        return subprocess.run(
            [sys.executable, "-m", "begat", *words], cwd=tmp_path, env=environment, capture_output=True, text=True
        )

    assert begat("run", "-q", "train.py", "hello").returncode == 0
    same = begat("diff", "last", "--now", "-m train")
    script.write_text(script.read_text().replace("64", "128"))
    other = begat("diff", "last", "--now", "train.py")

    assert same.returncode == 0, same.stdout + same.stderr
    assert other.returncode == 1
    assert "~ net.width: 64 → 128" in other.stdout
    assert "out" not in other.stdout.splitlines()
    assert len(os.listdir(tmp_path / ".begat" / "runs")) == 1
