"""What `diff` finds between two programs whose difference is known, and that it finds nothing else."""

from __future__ import annotations

import pytest

import begat
from begat.record.model import ABSENT

from .conftest import told

# before, after, what is told: (kind, place); each line of a program is one statement.
CASES = {
    "nothing": ("net = Net(Encoder(64))", "net = Net(Encoder(64))", []),
    "a value": ("enc = Encoder(64)", "enc = Encoder(128)", [("argument", "enc.width")]),
    "a line further": ("x = 1\nenc = Encoder(64)", "x = 1\n\n\nenc = Encoder(64)", []),
    "keywords in another order": ("enc = Encoder(width=1, depth=2)", "enc = Encoder(depth=2, width=1)", []),
    "keys in another order": ("enc = Encoder(opts={'a': 1, 'b': 2})", "enc = Encoder(opts={'b': 2, 'a': 1})", []),
    "one key": ("enc = Encoder(opts={'a': 1, 'b': {'c': 2}})", "enc = Encoder(opts={'a': 1, 'b': {'c': 3}})", [("argument", "enc.opts.b.c")]),
    "a default given": ("enc = Layer(64)", "enc = Layer(64, dropout=0.1)", []),
    "given, no longer": ("enc = Layer(64, 0.5)", "enc = Layer(64)", [("argument", "enc.dropout")]),
    "1 and True": ("enc = Layer(1)", "enc = Layer(True)", [("argument", "enc.width")]),
    "1 and 1.0": ("enc = Layer(1)", "enc = Layer(1.0)", [("argument", "enc.width")]),
    "0.0 and -0.0": ("enc = Layer(0.0)", "enc = Layer(-0.0)", [("argument", "enc.width")]),
    "1 and 1.0 in a list": ("enc = Layer([1, 2])", "enc = Layer([1.0, 2])", [("argument", "enc.width")]),
    "NaN": ("enc = Layer(float('nan'))", "enc = Layer(float('nan'))", []),
    "NaN in a list": ("enc = Layer([float('nan'), 1])", "enc = Layer([float('nan'), 1])", []),
    "NaN in a dict": ("enc = Layer({'a': [float('nan')]})", "enc = Layer({'a': [float('nan')]})", []),
    "a set": ("enc = Layer({'a', 'b', 'c'})", "enc = Layer({'c', 'a', 'b'})", []),
    "a member of a set": ("enc = Layer({'a', 'b'})", "enc = Layer({'a', 'c'})", [("argument", "enc.width")]),
    "a list in another order": ("enc = Layer([1, 2])", "enc = Layer([2, 1])", [("argument", "enc.width")]),
    "a renamed variable": ("model = Net(Encoder(64))", "network = Net(Encoder(64))", [("renamed", "network")]),
    "renamed and changed": ("model = Net(Encoder(64, 3))", "network = Net(Encoder(32, 3))",
                            [("argument", "network.enc.width"), ("renamed", "network")]),
    "named, and changed altogether": ("Net(Layer(1), norm=2)", "net = Net(Layer(3), norm=4)",
                                      [("argument", "net.enc.width"), ("argument", "net.norm"), ("renamed", "net")]),
    "a renamed list": ("layers = [Layer(i) for i in range(4)]", "blocks = [Layer(i) for i in range(4)]", [("renamed", "blocks")]),
    "another variable of another class": ("a = Layer(1)", "b = Encoder(opts=3)", [("added", "b"), ("removed", "a")]),
    "an inserted layer": ("net = Seq(Layer(1), Layer(2), Layer(3))", "net = Seq(Layer(1), Layer(9), Layer(2), Layer(3))", [("added", "net.1")]),
    "an inserted layer among equals": ("net = Seq(*[Layer(8) for _ in range(5)])", "net = Seq(*[Layer(8) for _ in range(6)])", [("added", "net.5")]),
    "a layer in front": ("net = Seq(Layer(1), ReLU(), Layer(2))", "net = Seq(GELU(), Layer(1), ReLU(), Layer(2))", [("added", "net.0")]),
    "a layer less": ("net = Seq(Layer(1), ReLU(), Layer(2))", "net = Seq(Layer(1), Layer(2))", [("removed", "net.1")]),
    "inserted, and all widths changed": (
        "net = Seq(Layer(1), ReLU(), Layer(2))", "net = Seq(Layer(10), ReLU(), GELU(), Layer(20))",
        [("added", "net.2"), ("argument", "net.0.width"), ("argument", "net.3.width")]),
    "layers in another order": ("net = Seq(Layer(1), Layer(2), Layer(3))", "net = Seq(Layer(3), Layer(1), Layer(2))", [("moved", "net")]),
    "small layers in another order": ("net = Seq(ReLU(), GELU(), Seq())", "net = Seq(Seq(), ReLU(), GELU())", [("moved", "net")]),
    "-1 and -2 in another order": ("net = Seq(Layer(-1), Layer(-2))", "net = Seq(Layer(-2), Layer(-1))", [("moved", "net")]),
    "-1.0 and -2.0 in another order": ("net = Seq(Layer(-1.0), Layer(-2.0))", "net = Seq(Layer(-2.0), Layer(-1.0))", [("moved", "net")]),
    "a list turned round": ("net = [Layer(i) for i in range(5)]", "net = [Layer(i) for i in reversed(range(5))]", [("moved", "net")]),
    "another class": ("net = Seq(Layer(1), ReLU(), Layer(2))", "net = Seq(Layer(1), GELU(), Layer(2))", [("class", "net.1")]),
    "another class by name": ("act = ReLU()", "act = GELU()", [("class", "act")]),
    "another class, nobody named it": ("Net(ReLU())", "Net(GELU())", [("class", "Net.enc")]),
    "a longer loop": ("xs = [Layer(i) for i in range(3)]", "xs = [Layer(i) for i in range(5)]", [("added", "xs.3"), ("added", "xs.4")]),
    "a shorter loop": ("xs = [Layer(i) for i in range(5)]", "xs = [Layer(i) for i in range(4)]", [("removed", "xs.4")]),
    "a deeper encoder": ("enc = Encoder(8, depth=2)", "enc = Encoder(8, depth=4)", [("argument", "enc.depth")]),
    "handed on inside": ("enc = Encoder(8, depth=3)", "enc = Encoder(9, depth=3)", [("argument", "enc.width")]),
    "inside what was given what differs": ("a = Layer(1)\nhead = Head(a)", "a = Layer(2)\nhead = Head(a)", [("argument", "a.width")]),
    "another class inside what was given what differs": ("a = Layer(1)\nhead = Head(a)", "a = Layer(9)\nhead = Head(a)", [("argument", "a.width")]),
    "an object where none was": ("net = Net(norm=None)", "net = Net(norm=Layer(3))", [("argument", "net.norm")]),
    "a number where an object was": ("ReLU()\nnet = Net(norm=Layer(3))", "ReLU()\nnet = Net(norm=-1)", [("argument", "net.norm")]),
    "an object that went": ("net = Net(norm=Layer(3))", "net = Net()", [("argument", "net.norm")]),
    "a keyword more": ("net = Net(a=1)", "net = Net(a=1, b=2)", [("argument", "net.b")]),
    "a keyword of options": ("net = Net(a=1)", "net = Net(a=2)", [("argument", "net.a")]),
    "no longer shared": ("e = Encoder(1)\nnet = Net(e, e)", "e = Encoder(1)\nnet = Net(e, Encoder(1))", [("shared", "net.aux")]),
    "now shared": ("e = Encoder(1)\nnet = Net(e, Encoder(1))", "e = Encoder(1)\nnet = Net(e, e)", [("shared", "net.aux")]),
    "no longer shared, and changed": ("e = Encoder(1)\nnet = Net(e, e)", "e = Encoder(2)\nnet = Net(e, Encoder(2))",
                                      [("argument", "e.width"), ("shared", "net.aux")]),
    "one list, or two": ("x = [1]\nnet = Layer({'a': x, 'b': x})", "net = Layer({'a': [1], 'b': [1]})", [("argument", "net.width")]),
    "the same alias, written otherwise": ("x = [1]\nnet = Layer({'a': x, 'b': x})", "x = [1]\nnet = Layer({'b': x, 'a': x})", []),
    "a circle of lists": ("x = [1]\nx.append(x)\nnet = Layer(x)", "x = [1]\nx.append(x)\nnet = Layer(x)", []),
    "a diamond": ("e = Layer(1)\na = Net(e)\nb = Net(e)\nc = Net(a, b)", "e = Layer(2)\na = Net(e)\nb = Net(e)\nc = Net(a, b)", [("argument", "e.width")]),
    "wrapped": ("net = Net(Encoder(4), norm=2)", "net = Seq(Net(Encoder(4), norm=2))", [("added", "net"), ("renamed", "net.0")]),
    "swapped names": ("a = Layer(1)\nb = Layer(2)", "a = Layer(2)\nb = Layer(1)", [("argument", "a.width"), ("argument", "b.width")]),
    "another function": ("def f(): return Net(a=1)\nf()", "def g(): return Net(a=1)\ng()", [("call", "Net")]),
    "a lambda": ("f = Layer(lambda x: x)", "f = Layer(lambda x: -x)", [("argument", "f.width")]),
    "the same lambda": ("f = Layer(lambda x: x)", "\nf = Layer(lambda x: x)", []),
    "items of *args": ("s = Seq(1, 2)", "s = Seq(1, 3)", [("argument", "s.1")]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_differs_is_told_and_nothing_else(program, case):
    """Exactly the known difference is told; what follows from it is folded."""
    before, after, wanted = CASES[case]

    found = begat.diff(program(before), program(after))

    assert told(found) == sorted(wanted), str(found)
    assert bool(found) == bool(wanted)


def turned(change):
    """What *change* is, seen from the other run, without the words."""
    kind = {"added": "removed", "removed": "added"}.get(change.kind, change.kind)
    path = change.was if change.was is not None else change.path
    argument = change.before if kind == "renamed" and change.argument else change.argument
    return kind, path, argument


@pytest.mark.parametrize("case", CASES)
def test_the_other_way_round_it_is_the_same(program, case):
    """`diff(b, a)` tells what `diff(a, b)` does, with before and after exchanged."""
    before, after = map(program, CASES[case][:2])

    there, back = begat.diff(before, after), begat.diff(after, before)

    kinds = [{(kind, argument) for kind, _, argument in map(turned, there)}, {(c.kind, c.argument) for c in back}]
    assert kinds[0] == kinds[1]
    assert len(there) == len(back)


def test_the_reason_is_told(program):
    """A given value, a value no longer given, an override: each has its own cause."""
    first = program("a = Layer(1, 0.5)\nb = Layer(1)")
    second = program("a = Layer(1)\nb = Layer(2)")

    found = {change.place: change for change in begat.diff(first, second)}

    assert (found["a.dropout"].before, found["a.dropout"].after, found["a.dropout"].cause) == (0.5, 0.1, "given")
    assert "default" in found["a.dropout"].why
    assert (found["b.width"].before, found["b.width"].after) == (1, 2)


def test_what_is_folded_is_counted(program):
    """Twelve layers that are handed a width are one change and twelve that follow."""
    found = begat.diff(program("enc = Encoder(1, 12)"), program("enc = Encoder(2, 12)"))

    follow = [change for change in found.folded if change.cause == "follows"]

    assert told(found) == [("argument", "enc.width")]
    assert len(follow) == 12
    assert all(change.folded for change in follow)


def test_three_runs_are_a_table(program):
    """A row for each parameter that differs, a value for each run, and the results beside them."""
    runs = [program(f"enc = Layer({width}, {rate})") for width, rate in ((1, 0.1), (2, 0.1), (2, 0.3))]
    for run, loss in zip(runs, (0.5, 0.4, 0.3), strict=True):
        run.result(loss=loss)

    found = begat.diff(*runs)

    assert {row.place: row.values for row in found.rows} == {"enc.width": (1, 2, 2), "enc.dropout": (0.1, 0.1, 0.3)}
    assert [(row.place, row.values) for row in found.results] == [("loss", (0.5, 0.4, 0.3))]


def test_a_table_knows_objects_under_other_names(program):
    """An object that is called otherwise in one run is in its row all the same; one that is not there is ABSENT."""
    runs = [program("model = Net(Encoder(1))"), program("net = Net(Encoder(2))"), program("model = Net()")]

    rows = {row.place: row.values for row in begat.diff(*runs).rows}

    assert rows["model.enc.width"] == (1, 2, ABSENT)


def test_children_are_compared_by_name(program):
    """What a run inside a run built is compared with the run of the same name inside the other."""
    source = "with begat.capture('fold'):\n    Layer({})\nLayer(1)"

    found = begat.diff(program(source.format(1), begat=begat), program(source.format(2), begat=begat))

    assert told(found) == [("argument", "fold/Layer.width")]


def test_a_run_is_asked_for(program):
    """What is no run is refused, and the message says how to get one."""
    with pytest.raises(TypeError, match=r"begat\.load"):
        begat.diff(program(""), "run.json")


def test_left_out_on_request(program):
    """*ignore* takes kinds, places and parameters of classes."""
    runs = program("a = Layer(1, 0.1)\nb = Layer(1)"), program("a = Layer(2, 0.2)\nb = Layer(3)")

    assert told(begat.diff(*runs, ignore=["a.*"])) == [("argument", "b.width")]
    assert told(begat.diff(*runs, ignore=["Layer.width"])) == [("argument", "a.dropout")]
    assert not begat.diff(*runs, ignore=["argument"])
