"""Generated code builds what the record says, under the same names, and reads like code."""

from __future__ import annotations

import ast
import keyword
import subprocess
import sys
from pathlib import Path

import pytest

import begat
from begat.record.codec import dumps, loads
from begat.record.values import Opaque, Ref, Symbol
from handmade import default, given, node
from handmade import run as record
from replay.told import captured, graph, home
from zoo_support.tracking import python


class Part:
    def __init__(self, *args, **kwargs):
        self.args = args
        self.kwargs = kwargs


class Encoder:
    def __init__(self, dim, depth=2):
        self.dim = dim


class Net:
    def __init__(self, enc=None, hidden=8, layers=(), callback=None):
        self.enc = enc
        self.head = Encoder(hidden)
        self.blocks = [Encoder(0), Encoder(1)]


def make(n, /, scale=1):
    return Encoder(n * scale)


class Only:
    one = None

    def __new__(cls, *args, **kwargs):
        cls.one = cls.one or object.__new__(cls)
        return cls.one

    def __init__(self, a=1):
        self.a = a


@pytest.fixture(autouse=True)
def names(track):
    things = {"Part": Part, "Encoder": Encoder, "Net": Net, "make": make, "Only": Only}
    module = home(**things)
    for thing in things.values():
        track(thing)
    Only.one = None
    yield {**things, "module": module}
    del sys.modules[module]


STORIES = {
    "an item that is replaced": "xs = [Encoder(i) for i in range(3)]\nold = Part(xs[1])\nxs[1] = Encoder(9)\nnet = Net(layers=xs)\n"
    "xs[1] = Encoder(10)\nxs[0] = Encoder(7)\nend = Part(*xs)\n",
    "an item that is replaced and kept": "xs = [Encoder(i) for i in range(2)]\nfirst = xs[1]\nxs[1] = Encoder(9)\nnet = Net(layers=[first, *xs])\n",
    "names": "enc = Encoder(64)\nmodel = Net(enc=enc)\n",
    "inside": "model = Net(enc=Encoder(64), layers=[Encoder(1), Encoder(2)])\n",
    "keywords in another order": "model = Net(layers=[Encoder(1)], enc=Encoder(2))\n",
    "diamond": "enc = Encoder(1)\na = Net(enc)\nb = Net(enc, layers=[enc, enc])\n",
    "no name": "Net(Encoder(1))\nNet(Encoder(2))\n",
    "returned": "def build():\n    return Encoder(3)\nmodel = Net(build())\nbuild()\n",
    "returned and shared": "def build():\n    return Encoder(3)\nenc = build()\na = Net(enc)\nb = Part(enc, enc)\n",
    "same name again": "for i in range(3):\n    model = Net(Encoder(i))\n",
    "same name, both used": "model = Net()\nfirst = model\nmodel = Net(hidden=9)\npair = Part(first, model)\n",
    "list": "layers = [Encoder(i) for i in range(3)]\nmodel = Part(layers)\n",
    "list of nested": "layers = [Net(Encoder(i)) for i in range(3)]\n",
    "appended": "layers = []\nfor i in range(2):\n    layers.append(Encoder(i))\n    other = Encoder(9)\nlayers.append(Encoder(5))\n",
    "dict": "opts = {'a': Encoder(1), 'b': Net(Encoder(2))}\nopts['c'] = Encoder(3)\nmodel = Part(**opts)\n",
    "dict and list": "opts = {'a': [Encoder(1), Encoder(2)]}\n",
    "attribute": "model = Net()\nmodel.extra = Encoder(3)\nmodel.extra.more = Encoder(4)\n",
    "reached": "model = Net()\nlast = Part(model.head, model.blocks[1])\n",
    "function": "data = make(3, scale=2)\nmodel = Net(data)\n",
    "keyword of odd name": "model = Part(**{'a-b': 1, 'class': Encoder(2)})\n",
    "starred": "layers = [Encoder(1), Encoder(2)]\nmodel = Part(*layers, Encoder(3), last=Encoder(4))\n",
    "again": "model = Net()\nmodel.__init__(Encoder(5), 3)\nlast = Part(model)\n",
    "singleton": "one = Only(1)\ntwo = Only(2)\nlast = Part(one, two)\n",
    "a name that Python has": "filter = Encoder(1)\ninput = Net(filter)\n",
    "a name that the code needs": "shared = Encoder(1)\nmissing = Net(shared)\nset = Part({1})\n",
    "a name that an import has": "Net2 = Net\nmath = Encoder(2)\nPart(math)\n",
    "aliases": "steps = [1]\nmodel = Part(0, [steps, steps])\n",
    "seeds": "import random\nrandom.seed(7)\nmodel = Encoder(1)\n",
    "defaults said": "model = Net(None, 8)\n",
    "deep": "model = " + "Net(" * 30 + "Encoder(1)" + ")" * 30 + "\n",
    "in a function": "def main():\n    enc = Encoder(1)\n    model = Net(enc)\n    return model\nmain()\n",
    "in an object": "class App:\n    def __init__(self):\n        self.enc = Encoder(1)\n        self.model = Net(self.enc)\nApp()\n",
}
RENAMED = {"a name that the code needs"}


@pytest.mark.parametrize("story", STORIES)
def test_executing_the_code_gives_the_record(story, names):
    """Record, code, record: the same constructions, in the same order, under the same names."""
    run = captured(STORIES[story], **names)

    code = loads(dumps(run)).to_python()

    wanted = {"paths": story not in RENAMED, "seeds": story == "seeds"}
    assert graph(captured(code), **wanted) == graph(run, **wanted), code


INSIDE = {
    "a path": ({"model.head.depth": 7}, "model = Net(Encoder(1))\n"),
    "a class": ({"Encoder.depth": 5}, "enc = Encoder(1)\nmodel = Net(enc)\nlast = Part(model.head)\n"),
    "no name": ({"Encoder.depth": 5}, "Net()\nNet()\n"),
    "items": ({"Encoder.2.depth": 5}, "nets = [Net(), Net()]\n"),
    "long": ({"Encoder.depth": 10**40}, "model = Net(Encoder(1), layers=[Encoder(2), Encoder(3)])\n"),
}


@pytest.mark.parametrize("story", INSIDE)
def test_code_reaches_into_constructors_where_overrides_did(story, names):
    """Executed with its classes tracked, it gives the same values; what an override set is not left to the constructor."""
    changes, source = INSIDE[story]
    with begat.override(changes):
        run = captured(source, **names)

    code = loads(dumps(run)).to_python()

    found = captured(code)
    assert [(n.path, n.params) for n in found.nodes] == [(n.path, n.params) for n in run.nodes], code


@pytest.mark.parametrize("story", STORIES)
def test_code_says_only_what_the_user_built(story, names):
    """Fixpoint: the code of the code is the code; nothing that a constructor builds is in it."""
    run = captured(STORIES[story], **names)
    code = run.to_python()

    again = captured(code).to_python()

    assert again.partition("\n")[2] == code.partition("\n")[2]
    assert "Encoder(dim=8)" not in code


@pytest.mark.parametrize("story", STORIES)
def test_code_with_defaults_builds_the_same(story, names):
    """With --defaults every argument is said."""
    run = captured(STORIES[story], **names)
    code = run.to_python(defaults=True)

    found = captured(code)

    assert [n.params for n in found.nodes] == [n.params for n in run.nodes]
    assert "depth=2" in code or "Encoder" not in code


def test_code_reads_like_code(names):
    """Imports on top, names of the program, one call to a line that fits, bare arguments."""
    story = "enc = Encoder(64)\nmodel = Net(enc, layers=[Encoder(1)])\npair = Part(enc, model, key={'a': (1,), 'b': 'text'})\n"
    run = captured(story, **names)

    body = run.to_python().split("\n", 2)[2]

    assert body == (
        f"from {names['module']} import Encoder, Net, Part\n"
        "\n"
        "enc = Encoder(dim=64)\n"
        "model = Net(enc=enc, layers=[Encoder(dim=1)])\n"
        'pair = Part(enc, model, key={"a": (1,), "b": "text"})\n'
    )


def test_long_calls_are_broken_as_formatters_do(names, tmp_path):
    """A formatter finds nothing to do."""
    story = (
        f"model = Part({', '.join(['Encoder(12345)'] * 9)}, key={{'a': {list(range(40))}, 'b': [('x', Encoder(1))]}})\n"
    )
    code = captured(story, **names).to_python()
    file = tmp_path / "code.py"
    file.write_text(code)

    ruff = Path(sys.executable).with_name("ruff")
    if not ruff.exists():
        pytest.skip("ruff is not installed")
    done = subprocess.run(
        [ruff, "format", "--isolated", "--line-length", "100", "--diff", file], capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout


def test_what_is_not_in_the_record_raises_when_it_is_needed(names):
    """A placeholder says what it stands for; its path is listed."""
    run = captured("model = Net(callback=lambda: 1, layers=[open])\n", **names)
    code = run.to_python()

    with pytest.raises(NotImplementedError, match=r"not in the record: model.callback: told:<lambda>"):
        captured(code)


def test_a_class_inside_a_function_is_told(track):
    """No import leads to it."""

    class Hidden:
        def __init__(self, a): ...

    track(Hidden)
    run = captured("thing = Hidden(1)\n", Hidden=Hidden)

    with pytest.raises(NotImplementedError, match=r"Hidden, which cannot be imported"):
        captured(run.to_python())


def test_one_path_and_what_went_into_it(names):
    """A path gives less than everything; one that is not there is a KeyError."""
    run = captured("enc = Encoder(1)\nmodel = Net(enc)\nother = Net()\n", **names)

    code = run.to_python("model")

    assert [n.path for n in captured(code).nodes][:2] == ["enc", "model"]
    assert "other" not in code
    with pytest.raises(KeyError, match="did you mean 'model'"):
        run.to_python("modle")


def test_a_script_s_own_classes_come_from_the_script(tmp_path):
    """`__main__` is the script by its name, so that the code runs beside it."""
    (tmp_path / "train.py").write_text(
        "import begat\n\n@begat.trackable\nclass Net:\n    def __init__(self, n): ...\n\n"
        'if __name__ == "__main__":\n    with begat.capture(save="run.json") as run:\n        model = Net(3)\n'
    )
    assert python("train.py", cwd=tmp_path).returncode == 0

    code = begat.load(tmp_path / "run.json").to_python()
    (tmp_path / "build.py").write_text(code + "\nprint(type(model))\n")

    assert "from train import Net" in code
    assert python("build.py", cwd=tmp_path).stdout == "<class 'train.Net'>\n"


@pytest.mark.parametrize(
    "path",
    [
        "class",
        "None",
        "a b",
        "1x",
        "x;y",
        "print",
        "__import__('os')",
        'x"""',
        "x\nimport os",
        "é",
        "_",
        "a.b.c",
        "0",
        "a..b",
        "",
        "import",
    ],
)
@pytest.mark.parametrize(
    "target", ["m:C", "m:class", "m:C'", "m.class:C", "m\nimport os:C", "m:C\nprint(1)", "m:C)#", ":", ""]
)
def test_hostile_names_stay_names(path, target):
    """Whatever stands in the record, the code is Python that only calls what its imports name."""
    odd = {"a": 1, "b\nimport os": 2, "class": 3, '"""': 4}
    made = record(
        node(1, path, target, given(**odd), starred=(None, "kw")),
        node(2, f"{path}.x", target, given(y=Ref(1), z=Symbol(target), w=Opaque(f"{target}\n'''"))),
        node(3, path, target, given(y=[Ref(1), Ref(2)]) | default(d='"""\n\\')),
    )

    code = made.to_python()

    tree = ast.parse(code)
    called = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    imported = {
        a.asname or a.name for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom) for a in n.names
    }
    assert called <= imported | {"missing", "shared", "NotImplementedError"}
    assert {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)} <= {"m"}
    assert not any(keyword.iskeyword(name) for name in imported)


UNGUARDED = """
from dataclasses import dataclass, field
from enum import Enum
class Mode(Enum):
    FAST = 1
@dataclass(kw_only=True)
class Config:
    lr: float
    mode: Mode = Mode.FAST
    tags: list = field(default_factory=list)
class Net:
    def __init__(self, cfg, act=None):
        self.cfg = cfg
def build(lr):
    cfg = Config(lr=lr)
    net = Net(cfg, act=Mode.FAST)
    return net
net = build(0.1)
nets = [Net(net.cfg) for _ in range(2)]
print("built")
"""


def test_a_script_without_a_guard(tmp_path):
    """To import it runs it: what it builds then is not recorded, and what is compared is the same."""
    (tmp_path / "train.py").write_text(UNGUARDED)

    def begat(*words):
        done = subprocess.run([sys.executable, "-m", "begat", *words], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    begat("run", "-q", "--save", "a.json", "train.py")
    begat("code", "a.json", "-o", "build.py")
    begat("run", "-q", "--save", "b.json", "--watch", "train", "build.py")

    assert "nothing differs that matters" in begat("diff", "a.json", "b.json")
    assert "    from train import Config, Mode, Net\n" in (tmp_path / "build.py").read_text()
