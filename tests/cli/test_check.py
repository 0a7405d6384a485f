"""`begat check`: a record against the sources as they are, which are read and never run."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

SOURCE = """
import helper
from dataclasses import dataclass
open("was_run", "a").close()

class Net:
    def __init__(self, width, dropout=0.1, *rest, act="relu", **options): pass

class Wide(Net): pass

@dataclass
class Conf:
    lr: float
    steps: int = 10

def make(size, shape=(1, 2)): return size

class Loader:
    @classmethod
    def from_file(cls, path, mode="r"): return cls()

def main():
    class Local:
        def __init__(self, x=1): pass
    local = Local()
    net = Net(64, mode=3)
    wide = Wide(32)
    conf = Conf(0.1)
    part = helper.Part(act=helper.relu)

if __name__ == "__main__":
    main()
"""
HELPER = """
def relu(x): return x

class Part:
    def __init__(self, act, size=3): pass
"""


@pytest.fixture
def checked(tmp_path):
    """Record the program, replace texts in its sources, and check the record: what is told, by place."""
    (tmp_path / "train.py").write_text(SOURCE)
    (tmp_path / "helper.py").write_text(HELPER)
    environment = {name: value for name, value in os.environ.items() if name != "BEGAT_HOME"}

    def begat(*words):
        return subprocess.run(
            [sys.executable, "-m", "begat", *words], cwd=tmp_path, env=environment, capture_output=True, text=True
        )

    done = begat("run", "-q", "train.py")
    assert done.returncode == 0, done.stderr
    (tmp_path / "was_run").unlink()

    def check(*replaced, options=()):
        for old, new in replaced:
            for file in (tmp_path / "train.py", tmp_path / "helper.py"):
                if file.exists():
                    file.write_text(file.read_text().replace(old, new))
        done = begat("check", "last", "--json", *options)
        assert done.returncode in (0, 1), done.stderr
        told = json.loads(done.stdout)
        assert told["same"] is (done.returncode == 0)
        assert "--allow" in options or not (tmp_path / "was_run").exists()
        return {
            ".".join(filter(None, (c["path"], c["argument"]))): (c["kind"], c["cause"], c["why"])
            for c in told["changes"]
        }

    check.folder, check.begat = tmp_path, begat
    return check


def test_nothing_has_changed(checked):
    """The sources as they were: exit code 0, nothing told, nothing run."""
    assert checked() == {}


@pytest.mark.parametrize(
    ("replaced", "place", "kind", "cause"),
    [
        (("dropout=0.1", "dropout=0.2"), "net.dropout", "argument", "code"),
        (('act="relu"', 'act="gelu"'), "net.act", "argument", "code"),
        (("self, width, dropout", "self, breadth, dropout"), "net.breadth", "argument", "signature"),
        ((", **options): pass", "): pass"), "net.mode", "argument", "signature"),
        (("class Conf", "class Config"), "conf", "removed", "missing"),
        (("steps: int = 10", "steps: int = 11"), "conf.steps", "argument", "code"),
        (("lr: float", "rate: float"), "conf.lr", "argument", "signature"),
        (("def relu", "def silu"), "part.act", "removed", "missing"),
        (("act, size=3", "act, size=3, bias=True"), "part.bias", "argument", "signature"),
        (("act, size=3", "act"), "part.size", "argument", "signature"),
        (("size=3", "size"), "part.size", "argument", "signature"),
        (("x=1): pass", "x=2): pass"), "local.x", "argument", "code"),
    ],
)  # fmt: skip
def test_what_has_changed_is_told(checked, replaced, place, kind, cause):
    """Another default, a parameter that came or went, a class or function that is not there."""
    found = checked(replaced)

    assert found[place][:2] == (kind, cause), found


def test_a_module_that_is_gone_is_no_answer(checked):
    """A module that cannot be found without importing is folded, with the reason: it may be found by an import."""
    (checked.folder / "helper.py").unlink()

    assert checked() == {}


def test_a_class_that_went_to_another_module(checked):
    """Where it is now is said, and how to say so; said so, nothing differs."""
    package = checked.folder / "parts"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (checked.folder / "helper.py").rename(package / "new.py")
    (checked.folder / "helper.py").write_text("def relu(x): return x\n")

    assert checked()["part"][:2] == ("removed", "missing")
    assert checked(options=("--moved", "helper.Part=parts.new.Part")) == {}


def test_a_class_that_is_imported_from_elsewhere_now(checked):
    """The old name still leads to it: no difference."""
    (checked.folder / "helper.py").rename(checked.folder / "fresh.py")
    (checked.folder / "helper.py").write_text("from fresh import Part, relu\n")

    assert checked() == {}


ALLOWED = ("--allow", "train.py", "--allow", "helper.*")


@pytest.mark.parametrize(
    ("replaced", "wanted"),
    [
        (("return cls()", "return  cls()"), {}),
        (("**options): pass", "**options): self.width = width"), {"net": ("code", "code")}),
        (
            ("dropout=0.1", "dropout=sum([0.2])"),
            {"net.dropout": ("argument", "code"), "wide.dropout": ("argument", "code")},
        ),
        (("import helper", "import nothing"), dict.fromkeys(("net", "wide", "conf"), ("removed", "missing"))),
    ],
)
def test_code_is_compared_where_it_may_be_imported(checked, replaced, wanted):
    """With --allow bodies, computed defaults and inherited constructors are compared; one thing is told once."""
    found = checked(replaced, options=ALLOWED)

    assert {at: what[:2] for at, what in found.items()} == wanted, found


def test_what_was_not_looked_at_is_said(checked):
    """Without --allow nothing is imported, and what an import would tell is counted."""
    done = checked.begat("check", "last")
    refused = checked.begat("check", "last", "--all", "--allow", "helper:Part")

    assert "classes whose code was not compared" in done.stdout
    assert "the code of Net was not compared" in refused.stdout
    assert "the code of Part" not in refused.stdout
    assert checked.begat("check", "last", "--allow", "*").returncode == 2
    assert not (checked.folder / "was_run").exists()


def test_a_default_that_is_hidden_is_no_change(checked):
    """A record holds no secret to compare a default with, and the default is not shown."""
    (checked.folder / "train.py").write_text(
        "class Client:\n    def __init__(self, url, api_key='sk-123456'): pass\n\nclient = Client('u')\n"
    )
    checked.begat("run", "-q", "train.py")

    for options in ((), ("--allow", "train.py")):
        assert "nothing" not in (shown := checked.begat("check", "last", *options)).stdout
        assert shown.returncode == 0
        assert "sk-123456" not in shown.stdout


def test_the_last_run_of_a_module(checked):
    """``-m`` means the runs of a module, as it does to begat run."""
    checked.begat("run", "-q", "-m", "helper")
    checked.begat("run", "-q", "train.py")

    assert "helper" in checked.begat("check", "-m", "helper").stdout
    assert checked.begat("check", "last", "-m", "helper").returncode == 2


def test_help_and_trouble(begat):
    """A record that is not there is trouble, not a difference."""
    assert begat("check", "nothing.json").exit_code == 2
