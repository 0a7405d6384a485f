"""`begat code` and `begat rebuild`: what they print, what they refuse, and with which exit code."""

from __future__ import annotations

import json
import sys

import pytest

from begat.record.codec import dumps
from begat.record.values import Ref, Symbol
from handmade import given, node
from handmade import run as record
from zoo_support.tracking import python


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a script's classes, and a record of them."""
    (tmp_path / "nets.py").write_text(
        "class Encoder:\n    def __init__(self, dim, depth=2): self.dim = dim\n\n\n"
        "class Net:\n    def __init__(self, enc, act=None): self.enc = enc\n\n\ndef make(n): return n\n"
    )
    made = record(
        node(1, "enc", "nets:Encoder", given(dim=8)),
        node(2, "net", "nets:Net", given(enc=Ref(1))),
        node(3, "data", "nets:make", given(n=3), kind="function"),
        node(4, "odd", "nets:Net", given(enc=Ref(1), act=Symbol("nets:<lambda>", "function", False))),
    )
    (tmp_path / "r.json").write_bytes(dumps(made))
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "argv", [*sys.argv])
    monkeypatch.delitem(sys.modules, "nets", raising=False)
    yield tmp_path
    sys.modules.pop("nets", None)


def test_code_is_printed_and_gaps_are_said(begat, folder):
    """Code on standard output, what is not in the record on standard error."""
    done = begat("code", "r.json")

    assert done.exit_code == 0
    assert "from nets import Encoder, Net, make" in done.stdout
    assert "net = Net(enc=enc)\ndata = make(n=3)\n" in done.stdout
    assert "odd.act: nets:<lambda>" in done.stderr
    assert "nets" not in sys.modules


def test_code_of_a_path_with_defaults_to_a_file(begat, folder):
    """One path, every argument, another place."""
    done = begat("code", "r.json", "net", "--defaults", "-o", "code.py")

    assert (done.exit_code, done.stdout) == (0, "")
    assert (folder / "code.py").read_text().endswith("enc = Encoder(dim=8)\nnet = Net(enc=enc)\n")


def test_code_as_json(begat, folder):
    """The code, and the gaps as a list."""
    found = json.loads(begat("code", "r.json", "--json").stdout)

    assert found["missing"] == ["odd.act: nets:<lambda>, which cannot be had by name"]
    compile(found["code"], "code", "exec")


def test_code_of_an_unknown_path(begat, folder):
    """The nearest path is named."""
    done = begat("code", "r.json", "nett")

    assert done.exit_code == 2
    assert "did you mean 'net'" in done.stderr


def test_nothing_is_allowed_without_asking(begat, folder):
    """What would have to be allowed is said, once for all, ready to be typed."""
    done = begat("rebuild", "r.json", "net")

    assert done.exit_code == 2
    assert "enc: nets:Encoder is not allowed" in done.stderr
    assert "--allow nets:Encoder --allow nets:Net" in done.stderr
    assert "nets" not in sys.modules


def test_a_dry_run_shows_calls_and_problems(begat, folder):
    """Every call with every argument; exit code 1 if something stands in the way."""
    done = begat("rebuild", "r.json", "net", "data", "--dry-run", "--allow", "nets")

    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "enc = nets:Encoder(dim=8)",
        "net = nets:Net(enc=enc)",
        "data = nets:make(n=3)",
    ]
    assert "data: nets:make is a function, which no pattern allows" in done.stderr
    assert "nets" not in sys.modules
    assert begat("rebuild", "r.json", "net", "--dry-run", "--allow", "nets.*").exit_code == 0


def test_a_dry_run_as_json(begat, folder):
    """Calls and problems as data."""
    found = json.loads(begat("rebuild", "r.json", "odd", "enc.dim=3", "--dry-run", "--json").stdout)

    assert [call["path"] for call in found["calls"]] == ["enc", "odd"]
    assert [(p["path"], p["allow"]) for p in found["problems"]] == [
        ("enc", "nets:Encoder"),
        ("odd", "nets:Net"),
        ("odd.act", None),
    ]


@pytest.mark.parametrize("allow", ["nets.py", "nets.*", "nets"])
def test_what_is_allowed_is_built(begat, folder, allow):
    """By a pattern, or by the script that has the classes."""
    done = begat("rebuild", "r.json", "net", "enc", "--allow", allow)

    assert (done.exit_code, done.stdout) == (0, "net: nets:Net\nenc: nets:Encoder\n")


def test_overrides_and_functions(begat, folder):
    """PATH=VALUE changes an argument; a function is named exactly."""
    done = begat("rebuild", "r.json", "data", "data.n=7", "--allow", "nets:make", "--json")

    assert json.loads(done.stdout) == {"built": {"data": "builtins:int"}}
    assert "data takes n" in begat("rebuild", "r.json", "data", "data.m=7", "--allow", "nets:make").stderr


def test_a_script_that_is_imported_reads_the_arguments_of_its_run(tmp_path):
    """Without a ``__main__`` guard it takes them from ``sys.argv`` when its classes are looked up."""
    (tmp_path / "ask.py").write_text(
        "import sys\nclass Net:\n    def __init__(self, n): self.n = n\nnet = Net(int(sys.argv[1]))\n"
    )
    python("-m", "begat", "run", "ask.py", "--", "3", cwd=tmp_path)

    done = python("-m", "begat", "rebuild", "last", "net", "--allow", "ask.py", cwd=tmp_path)

    assert (done.returncode, done.stdout) == (0, "net: ask:Net\n")


def test_objects_at_a_prompt(folder):
    """-i opens Python with the objects under their names."""
    done = python(
        "-m",
        "begat",
        "rebuild",
        "r.json",
        "enc",
        "enc.dim=32",
        "--allow",
        "nets",
        "-i",
        cwd=folder,
        stdin="print(enc.dim + 1)\n",
    )

    assert "33" in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--allow", "*"), "allows too much"),
        (("--allow", "os.*"), "Python's own modules"),
        (("--allow", "nowhere.py"), "there is no file"),
        (("--moved", "x"), "is not OLD=NEW"),
        (("nett", "--allow", "nets"), "did you mean 'net'"),
    ],
)
def test_mistakes_are_said(begat, folder, words, said):
    """With exit code 2."""
    done = begat("rebuild", "r.json", *words)

    assert done.exit_code == 2
    assert said in done.stderr


def test_names_in_a_record_are_shown_inert(begat, folder):
    """What a terminal could take for a command is written out."""
    (folder / "h.json").write_bytes(dumps(record(node(1, "x", "a\x1b[31m:b\u202e", given(**{"c\x1b]0;": "\x1b[2J"})))))

    for words in (("code", "h.json"), ("rebuild", "h.json", "x"), ("rebuild", "h.json", "--dry-run")):
        done = begat(*words)
        assert "\x1b" not in done.stdout + done.stderr
        assert "\u202e" not in done.stdout + done.stderr
