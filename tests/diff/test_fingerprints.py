"""Fingerprints are equal exactly when the configuration is."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest

import begat
from begat.record.values import Ref
from handmade import default, given, node, run

SAME = {
    "keywords": ("e = Encoder(width=1, depth=2)", "e = Encoder(depth=2, width=1)"),
    "keys": ("e = Layer({'a': 1, 'b': 2})", "e = Layer({'b': 2, 'a': 1})"),
    "a default that is given": ("e = Layer(1)", "e = Layer(1, 0.1)"),
    "lines": ("e = Layer(1)", "\n\ne = Layer(1)"),
    "order of construction": ("a = Layer(1)\nb = Layer(2)", "b = Layer(2)\na = Layer(1)"),
    "NaN": ("e = Layer(float('nan'))", "e = Layer(-float('nan'))"),
    "aliases, written otherwise": ("x = [1]\ne = Layer({'a': x, 'b': x})", "x = [1]\ne = Layer({'b': x, 'a': x})"),
}
OTHER = {
    "a value": ("e = Layer(1)", "e = Layer(2)"),
    "a default": ("e = Layer(1, 0.1)", "e = Layer(1, 0.2)"),
    "types": ("e = Layer(1)", "e = Layer(1.0)"),
    "truth": ("e = Layer(1)", "e = Layer(True)"),
    "the sign of zero": ("e = Layer(0.0)", "e = Layer(-0.0)"),
    "list and tuple": ("e = Layer([1])", "e = Layer((1,))"),
    "aliases": ("x = [1]\ne = Layer([x, x])", "e = Layer([[1], [1]])"),
    "a shared object": ("x = Layer(1)\ne = Net(x, x)", "e = Net(Layer(1), Layer(1))"),
    "the order of a list": ("e = Layer([1, 2])", "e = Layer([2, 1])"),
    "what is inside": ("e = Net(Encoder(1))", "e = Net(Encoder(2))"),
    "a class": ("e = ReLU()", "e = GELU()"),
    "how many are built inside": ("e = Encoder(1, 2)", "e = Encoder(1, 3)"),
    "an ordered dictionary": ("from collections import OrderedDict as O\ne = Layer(O(a=1, b=2))",
                              "from collections import OrderedDict as O\ne = Layer(O(b=2, a=1))"),
}  # fmt: skip


@pytest.mark.parametrize("case", SAME)
def test_the_same_configuration(program, case):
    """What does not matter does not show, in the run's fingerprint and in the node's."""
    one, other = map(program, SAME[case])

    assert one.fingerprint == other.fingerprint
    if "e" in one:
        assert one["e"].fingerprint == other["e"].fingerprint


@pytest.mark.parametrize("case", OTHER)
def test_another_configuration(program, case):
    """What matters shows, in the run's fingerprint and in the node's."""
    one, other = map(program, OTHER[case])

    assert one.fingerprint != other.fingerprint
    assert one["e"].fingerprint != other["e"].fingerprint


def test_a_node_under_another_name(program):
    """The name of a node is the run's affair."""
    one, other = program("a = Net(Encoder(1))"), program("b = Net(Encoder(1))")

    assert one["a"].fingerprint == other["b"].fingerprint
    assert one.fingerprint != other.fingerprint


def test_another_process_with_another_hash_seed(tmp_path):
    """Two processes with different hash seeds agree, about sets too."""
    code = (
        "import begat\n@begat.trackable\nclass C:\n    def __init__(self, x): pass\n"
        "with begat.capture() as run:\n    c = C({'a', 'b', 'c', (1, 'd'), frozenset('ef')})\n"
        "print(run.fingerprint, run.nodes[0].fingerprint)"
    )
    (tmp_path / "s.py").write_text(code)

    said = {
        subprocess.run([sys.executable, "s.py"], cwd=tmp_path, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True).stdout
        for seed in ("1", "2", "3")
    }  # fmt: skip

    assert len(said) == 1


PROGRAM = """
import enum
class Mode(enum.Enum):
    FAST = 1
def relu(x): return x
class Part:
    def __init__(self, act=relu, mode=Mode.FAST): pass
class Net:
    def __init__(self, part, kind=Part):
        self.head = Part(mode=None)
def main():
    net = Net(Part())
    return net
if __name__ == "__main__":
    net = main()
"""


def test_a_script_that_is_run_and_one_that_is_imported(tmp_path):
    """The same script as `__main__`, as a module, under another name and from a package: one configuration."""
    package = tmp_path / "pkg"
    package.mkdir()
    for file in (tmp_path / "train.py", tmp_path / "copied.py", package / "train.py"):
        file.write_text(PROGRAM)
    for name in ("train", "pkg.train"):
        (tmp_path / f"of_{name.replace('.', '_')}.py").write_text(f"import {name} as it\nnet = it.main()\n")
    (tmp_path / "own.py").write_text("from train import Net, Part\nnet = Net(Part())\n")

    def recorded(*words):
        command = [sys.executable, "-m", "begat", "run", "-q", "--save", "run.json", *words]
        subprocess.run(command, cwd=tmp_path, check=True, env=os.environ | {"BEGAT_HOME": str(tmp_path / "home")})
        return begat.load(tmp_path / "run.json")

    first, *same = [
        recorded(*words.split())
        for words in (
            "train.py",
            "copied.py",
            "-m pkg.train",
            "--watch train of_train.py",
            "--watch pkg of_pkg_train.py",
        )
    ]
    other = recorded("--watch", "train", "own.py")

    assert "train:Net" in {node.target for node in same[2].nodes}
    for other_run in same:
        assert other_run.fingerprint == first.fingerprint
        assert [node.code for node in other_run.nodes] == [node.code for node in first.nodes]
        assert [node.fingerprint for node in other_run.nodes] == [node.fingerprint for node in first.nodes]
    assert other.fingerprint != first.fingerprint


def test_a_live_run_and_its_record_agree(program):
    """What a run says while it grows is what its record says."""
    from begat.record.codec import dumps, loads

    @begat.trackable
    class C:
        def __init__(self, x): ...

    with begat.capture() as live:
        c = C([C(1), {"a": 2.5}])
        grown = live.fingerprint
    again = loads(dumps(live))

    assert grown == live.fingerprint == again.fingerprint
    assert live["c"].fingerprint == again["c"].fingerprint == begat.provenance(c).fingerprint


def test_library_internals_do_not_count():
    """What a library made for itself is not configuration."""
    mine = node(1, "a", arguments=given(x=1))
    clone = node(2, "C", user=False)

    assert run(mine).fingerprint == run(mine, clone).fingerprint


def test_a_node_keeps_its_run():
    """The fingerprint of a node can be had when nobody else holds the run."""

    def made():
        return run(node(1, "e"), node(2, "a", arguments=given(e=Ref(1))))

    assert made()["a"].fingerprint == made().nodes[1].fingerprint


def test_a_node_without_a_run():
    """A node alone has a fingerprint if it refers to nothing; else it is asked for its run."""
    alone = node(1, "a", arguments=default(x=1))
    lost = replace(run(node(1, "e"), node(2, "a", arguments=given(e=Ref(1))))["a"], path="b")

    assert alone.fingerprint == run(node(1, "a", arguments=default(x=1)))["a"].fingerprint
    with pytest.raises(LookupError, match="taken out of its run"):
        _ = lost.fingerprint
