"""`begat run --again`: the same program, arguments and overrides; what differs is said; what is not known is refused."""

from __future__ import annotations

import json

import pytest

from begat.record.codec import dumps
from begat.record.graph import Run
from begat.record.model import Environment, Header
from zoo_support.tracking import python

SCRIPT = """
import sys

class Net:
    def __init__(self, hidden=8, lr=0.1):
        print("net", hidden, lr, *sys.argv[1:])

model = Net(lr=0.2)
"""


@pytest.fixture
def begat(tmp_path):
    """Call the command in a folder with a script that was run once, with an override and an argument."""
    (tmp_path / "train.py").write_text(SCRIPT)

    def call(*words, cwd=tmp_path):
        return python("-m", "begat", *words, cwd=cwd)

    assert (
        call("run", "--name", "first", "--watch", "json", "train.py", "model.hidden=64", "--", "--x", "a b").returncode
        == 0
    )
    return call


def last(folder):
    return json.loads(max(folder.glob(".begat/runs/*/run.json")).read_text())["run"]


def test_the_same_program_with_the_same_arguments_and_overrides(begat, tmp_path):
    """What it was given then it is given again, and the command is shown."""
    done = begat("run", "--again", "last")

    assert done.stdout == "net 64 0.2 --x a b\n"
    assert "begat run --watch json train.py model.hidden=64 -- --x 'a b'" in done.stderr
    head = last(tmp_path)
    assert (head["name"], head["watch"], [o["value"] for o in head["overrides"]]) == ("first", ["json"], ["64"])


def test_with_one_change(begat):
    """An override that is given now is stronger than the same one of then."""
    done = begat("run", "--again", "last", "model.hidden=5", "model.lr=1")

    assert done.stdout == "net 5 1.0 --x a b\n"
    assert "begat run --watch json train.py model.hidden=5 model.lr=1 -- --x 'a b'" in done.stderr


def test_packages_that_are_installed_are_not_said_to_be_missing(begat, tmp_path):
    """Also those whose module is called otherwise than they are, before the program has imported them."""
    (tmp_path / "other.py").write_text("import dateutil, yaml\n" + SCRIPT)
    begat("run", "other.py")

    done = begat("run", "--again", "other.py")

    assert (done.returncode, "versions" in done.stderr) == (0, False), done.stderr


def test_other_code_is_said(begat, tmp_path):
    """A class whose code has changed since is named."""
    (tmp_path / "train.py").write_text(SCRIPT.replace('"net"', '"new"'))

    done = begat("run", "--again", "last")

    assert done.stdout == "new 64 0.2 --x a b\n"
    assert "other code than in that run: __main__:Net" in done.stderr


def test_other_versions_and_another_commit_are_said(begat, tmp_path):
    """Before the program starts."""
    record = max(tmp_path.glob(".begat/runs/*/run.json"))
    document = json.loads(record.read_text())
    document["environment"] |= {
        "packages": {"pydantic": "1.0", "nosuchthing": "2"},
        "git": {"commit": "0123456789abcdef", "branch": "main", "dirty": False, "root": "/x"},
        "python": "2.7.18",
        "cwd": "/elsewhere",
    }
    record.write_text(json.dumps(document))

    said = begat("run", "--again", "last").stderr

    for words in (
        "pydantic 1.0 then",
        "nosuchthing 2 then, not installed now",
        "git",
        "Python 2.7.18 then",
        "that run was in /elsewhere",
    ):
        assert words in said


@pytest.mark.parametrize("words", [["other.py"], ["--", "x"], ["-m", "module"], ["--config", "x.yaml"]])
def test_program_and_arguments_come_from_the_record(begat, words):
    """Anything but an override beside --again is a mistake."""
    done = begat("run", "--again", "last", *words)

    assert done.returncode == 2
    assert "--again takes the program and its arguments from the record" in done.stderr


def test_a_script_that_is_gone_is_said(begat, tmp_path):
    """As is one that is only there in the folder of that run."""
    (tmp_path / "sub").mkdir()
    assert f"it ran in {tmp_path}" in begat("run", "--again", "last", cwd=tmp_path / "sub").stderr

    (tmp_path / "train.py").unlink()

    done = begat("run", "--again", "last")
    assert (done.returncode, done.stdout) == (2, "")
    assert "is gone" in done.stderr


def test_a_hidden_argument_is_not_guessed(begat):
    """A secret of the command line is not in the record, so nothing is run with stars."""
    begat("run", "train.py", "--", "--api-key", "sk-1234567890abcdef")

    done = begat("run", "--again", "last")

    assert (done.returncode, done.stdout) == (2, "")
    assert "hides a secret" in done.stderr


def test_a_record_from_elsewhere_does_not_choose_what_runs(begat, tmp_path):
    """A file is not run: the command that it stands for is shown."""
    hostile = tmp_path / "hostile.json"
    head = Header("x", script="train.py", argv=("train.py", "--y\x1b[31m"))
    hostile.write_bytes(dumps(Run(head, (), Environment(cwd=str(tmp_path)))))

    done = begat("run", "--again", str(hostile))

    assert (done.returncode, done.stdout) == (2, "")
    assert "does not choose what runs here" in done.stderr
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize("script", [None, "-"])
def test_what_no_file_holds_cannot_be_run(begat, tmp_path, script):
    """A record of a scope in a program, and one of standard input."""
    record = tmp_path / ".begat" / "runs" / "20991122-1" / "run.json"
    record.parent.mkdir()
    record.write_bytes(dumps(Run(Header("20991122-1", script=script))))

    assert begat("run", "--again", "last").returncode == 2
