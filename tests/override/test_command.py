"""`begat run` with overrides: the same program, other arguments, exit codes and messages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import begat

ROOT = Path(__file__).parents[2]
TRAIN = """
import enum
from pathlib import Path

class Mode(enum.Enum):
    FAST = 1
    SLOW = "slow"

class Encoder:
    def __init__(self, dim: int, depth: int = 2, dropout: float = 0.1, mode: Mode = Mode.FAST):
        self.dim = dim

class BigEncoder:
    def __init__(self, dim: int, depth: int = 2, wide=True):
        self.dim, self.wide = dim, wide

class Model:
    def __init__(self, enc, opts={"beta": 1}, steps=(("a", 1), ("b", 2)), api_key=None, folder=Path("x"), text="no", **more):
        self.enc, self.opts, self.more = enc, opts, more

class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999)):
        self.lr = lr

model = Model(Encoder(dim=64), api_key="sk-" + "a" * 32, extra=3)
opt = AdamW([model], lr=0.01)
layers = [Encoder(i) for i in range(3)]
print("dim", model.enc.dim, "lr", opt.lr)
"""


@pytest.fixture
def run(tmp_path):
    """Call `begat run` in a folder with train.py; gives what it said, and the record if one was kept."""
    (tmp_path / "train.py").write_text(TRAIN)
    os.utime(tmp_path / "train.py", (1, 1))

    def call(*words, rc=0, script="train.py", save=True, **environment):
        record = tmp_path / "record.json"
        record.unlink(missing_ok=True)
        options = [word for word in words if word.startswith("-")]
        path = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
        command = [sys.executable, "-m", "begat", "run", "--save", str(record), *options, script]
        done = subprocess.run(
            [*command, *(word for word in words if not word.startswith("-"))],
            capture_output=True, text=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": path, **environment},
        )  # fmt: skip
        assert done.returncode == rc, done.stderr
        return done, begat.load(record) if record.exists() else None

    return call


def config(run):
    """Every argument of *run*, as data, and what was used for it."""
    return {f"{node.path}.{name}": value for node in run.nodes for name, value in node.params.items()}


def test_the_record_has_both_values_the_source_and_the_place(run):
    """What was used, what it replaced, from where, and how many calls each override changed."""
    done, record = run(
        "model.enc.dim=128", "AdamW.lr=1e-4", "*.dropout=0.2", "model.opts.beta=3", "model.steps[1][1]=7"
    )

    assert done.stdout == "dim 128 lr 0.0001\n"
    dim = record["model.enc"].arguments["dim"]
    assert (dim.value, dim.was, dim.source) == (128, 64, "override")
    assert record["model"].params["opts"] == {"beta": 3}
    assert record["model"].params["steps"] == (("a", 1), ("b", 7))
    assert [(each.address, each.value, each.place, each.calls) for each in record.header.overrides][:3] == [
        ("model.enc.dim", "128", "command line", 1), ("AdamW.lr", "1e-4", "command line", 1), ("*.dropout", "0.2", "command line", 4)
    ]  # fmt: skip
    assert "5 overrides changed 8 calls" in done.stderr


def test_what_is_printed_is_accepted_back_and_changes_nothing(run, tmp_path):
    """`show --yaml` of a run as `--config`: the same record, and not one override."""
    _, first = run()
    (tmp_path / "same.yaml").write_text(printed(tmp_path))
    _, again = run("--config=same.yaml")

    assert config(again) == config(first)
    assert all(argument.source in ("given", "default") for node in again.nodes for argument in node.arguments.values())


def test_what_an_overridden_run_printed_reproduces_it(run, tmp_path):
    """The configuration of a run with overrides, given to the program as it is, makes that run again."""
    _, first = run(
        "model.enc.dim=128",
        "layers.1.mode=SLOW",
        "model.opts.beta=3",
        "AdamW.lr=1e-4",
        "model.folder=a/b",
        "model.text=yes",
    )
    (tmp_path / "same.yaml").write_text(printed(tmp_path))
    _, again = run("--config=same.yaml")

    assert config(again) == config(first)
    assert again["model.enc"].arguments["dim"].source == "config"


def test_a_changed_line_of_what_is_printed_is_an_override(run, tmp_path):
    """Editing one value of the printed configuration changes that argument alone."""
    _, first = run()
    (tmp_path / "edited.yaml").write_text(printed(tmp_path).replace("dim: 64", "dim: 65"))
    _, again = run("--config=edited.yaml")

    assert config(again) == {**config(first), "model.enc.dim": 65}


def printed(folder):
    return show(folder, "--yaml")


def show(folder, *options):
    done = subprocess.run([sys.executable, "-m", "begat", "show", "last", *options], capture_output=True, text=True, cwd=folder,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])})  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


FILES = {
    "prod.yaml": "model:\n  enc:\n    dim: 3\nmodel.text: no\nAdamW.lr: 1e-4\n",
    "prod.toml": 'model.enc.dim = 3\n"model.text" = "no"\n[AdamW]\nlr = 1e-4\n',
    "prod.json": '{"model.enc": {"dim": 3}, "model": {"text": "no"}, "AdamW.lr": 1e-4}',
}


@pytest.mark.parametrize("name", FILES)
def test_files_are_nested_or_dotted(name, run, tmp_path):
    """YAML, TOML and JSON say the same; a `no` in YAML is a text where a text stands."""
    (tmp_path / name).write_text(FILES[name])
    done, record = run(f"--config={name}")

    assert done.stdout == "dim 3 lr 0.0001\n"
    assert record["model"].params["text"] == "no"
    assert record["model.enc"].arguments["dim"].source == "config"


def test_the_strongest_source_wins(run, tmp_path):
    """File < .env < environment < command line."""
    (tmp_path / "low.json").write_text('{"model.enc.dim": 1, "opt.lr": 1}')
    (tmp_path / ".env").write_text("BEGAT__MODEL__ENC__DIM=2 # two\nexport BEGAT__OPT__LR='0.5'\nOTHER=1\n")

    assert run("--config=low.json")[0].stdout == "dim 2 lr 0.5\n"
    assert run("--config=low.json", BEGAT__MODEL__ENC__DIM="3")[0].stdout == "dim 3 lr 0.5\n"
    done, record = run("--config=low.json", "model.enc.dim=4", BEGAT__MODEL__ENC__DIM="3")
    assert done.stdout == "dim 4 lr 0.5\n"
    assert record["opt"].arguments["lr"].source == "env"


def test_a_module_is_run_with_overrides(tmp_path):
    """`-m pkg.train PATH=VALUE`: by the names of its code, its package's classes, and in what was learnt of its last run."""
    package = tmp_path / "pkg"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "parts.py").write_text(
        "class Encoder:\n    def __init__(self, dim=1): self.dim = dim\ndef made(): return Encoder(2)\n"
    )
    (package / "train.py").write_text(
        "import sys\nfrom pkg.parts import made\nclass Model:\n    def __init__(self, enc, depth=1): self.enc, self.depth = enc, depth\n"
        "enc = made()\nmodel = Model(enc)\nif __name__ == '__main__':\n    print(enc.dim, model.depth, sys.argv[1:])\n"
    )

    def call(*words, rc=0):
        path = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
        command = [sys.executable, "-m", "begat", "run", "-q", "-m", "pkg.train", *words]
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": path}
        )
        assert done.returncode == rc, done.stderr
        return done.stdout + done.stderr

    assert "matched nothing" in call("model.enc.dim=5", rc=2)
    assert call("pkg.parts.Encoder.dim=5", "model.depth=3", "--", "--epochs", "2") == "5 3 ['--epochs', '2']\n"
    assert call() == "2 1 []\n"
    assert call("model.enc.dim=5") == "5 1 []\n"
    assert "did you mean depth" in call("model.dept=5", rc=2)


def test_what_few_overrides_need_is_not_loaded(run, tmp_path):
    """Neither pydantic nor wrapt, which take as long as the rest of a short run; nor does the record of the last run."""
    (tmp_path / "lean.py").write_text(
        "import sys\nclass Net:\n    def __init__(self, dim: int, rate: float = 1): ...\nnet = Net(3)\nprint({'pydantic', 'wrapt'} & {*sys.modules})\n"
    )

    assert run(script="lean.py")[0].stdout == "set()\n"
    assert run("net.dim=4", "Net.rate=1e-3", script="lean.py")[0].stdout == "set()\n"


def test_one_that_is_outdone_everywhere_has_matched(run, tmp_path):
    """What a file says of one class, and the command line of all: the file was not mistaken."""
    (tmp_path / "low.json").write_text('{"Encoder.dropout": 0.3}')

    _, record = run("--config=low.json", "*.dropout=0.2")

    assert [each.calls for each in record.header.overrides] == [0, 4]


REFUSED = [
    (["model.enc.dmi=3"], ["model.enc takes dim, depth, dropout, mode", "did you mean dim?"]),
    (
        ["model.enc.dim=x"],
        ["dim (int)", f"train.py:{TRAIN[: TRAIN.index('model = ')].count(chr(10)) + 1}", "valid integer"],
    ),
    (["model.enc.dim=1", "model.enc.dim=2"], ["model.enc.dim=1", "model.enc.dim=2", "keep one"]),
    (["model.enc.dim=1", "Encoder.0.dim=2"], ["keep one"]),
    (["model.enc.mode=MEDIUM"], ["FAST, SLOW"]),
    (["model.enc=nothing.Here"], ["nothing.Here"]),
    (["model.enc=collections.OrderedDict"], ["cannot be called in the place", "written in C"]),
    (["nobody.dim=3"], ["matched nothing"]),
]


@pytest.mark.parametrize(("words", "said"), REFUSED, ids=[" ".join(words) for words, _ in REFUSED])
def test_a_mistake_is_exit_code_two_and_says_the_way_out(words, said, run, tmp_path):
    """Without a record and with one; then, where the mistake is in the address, nothing is run, and no run is left."""
    first, _ = run(*words, rc=2)
    run()
    again, _ = run(*words, rc=2)

    assert all(part in first.stderr and part in again.stderr for part in said), (first.stderr, again.stderr)
    if words == ["nobody.dim=3"]:
        assert "put it behind --: begat run train.py -- nobody.dim=3" in first.stderr
    if "takes" in said[0] or "nothing" in said[0]:
        assert "nothing was run" in again.stderr or "nothing.Here" in again.stderr
    runs = list((tmp_path / ".begat" / "runs").iterdir())
    assert all((folder / "run.json").is_file() for folder in runs)


def test_no_path_leads_into_an_object(run, tmp_path):
    """It is not promised for the next time, as what a record would tell is: its class is what can be named."""
    (tmp_path / "into.py").write_text(
        "import types\nclass Net:\n    def __init__(self, config): self.config = config\n"
        "net = Net(types.SimpleNamespace(dim=3))\n"
    )

    said = run("net.config.dim=4", script="into.py", rc=2)[0].stderr

    assert "'dim' is looked for in an object (SimpleNamespace)" in said
    assert "the next time" not in said


def test_another_class_is_called_with_what_both_take(run):
    """`model.enc=BigEncoder`: its own parameters can be overridden too."""
    _, record = run("model.enc=BigEncoder", "model.enc.wide=no", "BigEncoder.depth=7")

    node = record["model.enc"]
    assert (node.target, node.params) == ("__main__:BigEncoder", {"dim": 64, "depth": 7, "wide": False})


def test_another_class_in_a_list(tmp_path):
    """`trainer.callbacks.0=Dropout` is about the call that builds the item; the list gets what that built."""
    (tmp_path / "train.py").write_text(
        "class Dropout:\n    def __init__(self, p=0.5): self.p = p\n"
        "class Early:\n    def __init__(self, p=3): self.p = p\n"
        "class Trainer:\n    def __init__(self, callbacks): self.callbacks = callbacks\n"
        "trainer = Trainer([Early(), Early(5)])\n"
        "print([(type(each).__name__, each.p) for each in trainer.callbacks])\n"
    )
    path = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])

    for _ in range(2):  # foretold, and learnt
        words = [sys.executable, "-m", "begat", "run", "train.py", "trainer.callbacks.0=Dropout"]
        done = subprocess.run(
            words, capture_output=True, text=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": path}
        )

        assert (done.returncode, done.stdout) == (0, "[('Dropout', 0.5), ('Early', 5)]\n"), done.stderr


def test_what_was_overridden_is_told_by_show(run, tmp_path):
    """In the head, with the place and the number of calls; at the argument, with what was replaced."""
    run("model.enc.dim=128", "layers.dim=7")
    shown = show(tmp_path)

    assert "# override: model.enc.dim=128 (command line, 1 call)" in shown
    assert "# override: layers.dim=7 (command line, 3 calls)" in shown
    assert "dim=128 (override, was 64)" in shown


def test_what_the_code_says_is_not_hidden_by_the_last_runs_overrides(run, tmp_path):
    """`--help-params` and the shell show the code's own values; `params SCRIPT` says that they were overridden."""
    from begat.cli import completing

    run("model.enc.dim=128")
    helped = run("--help-params", save=False)[0].stdout
    words = [sys.executable, "-m", "begat", "params", "train.py", "model.enc.dim"]
    path = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    listed = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": path})

    assert "int = 64\n" in helped
    assert "128 (was 64)" in listed.stdout
    assert "the last run of train.py was overridden: model.enc.dim=128" in listed.stderr
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        [row] = [row for row in completing._rows("train.py") if row.path == "model.enc.dim"]
    assert completing._values(row) == ["64"]


def test_a_secret_is_nowhere(run):
    """Neither in the record nor in what is said of a refusal."""
    done, record = run("model.api_key=hunter2hunter2", "model.enc.api_key=hunter2hunter2", rc=2)

    assert "hunter2" not in done.stderr + done.stdout
    text = Path(begat.dump.__code__.co_filename) and json.dumps([repr(record.header), repr(record.nodes)])
    assert "hunter2" not in text


def test_the_programs_own_words_stay_its_own(run, tmp_path):
    """What is no override is the program's."""
    (tmp_path / "argv.py").write_text(
        "import sys\nclass C:\n    def __init__(self, x=1): ...\nC()\nprint(sys.argv[1:])\n"
    )

    assert run("C.x=2", "plain", script="argv.py")[0].stdout == "['plain']\n"


def test_a_dry_run_builds_nothing_and_says_where_it_stopped(run):
    """The configuration goes to standard output, how far it came to standard error."""
    done, _ = run("--dry-run", "model.enc.dim=3")

    assert "model.enc.dim\t3 (was 64)\toverride" in done.stdout
    for done in (done, run("--dry-run")[0]):
        assert "dim" not in done.stdout.splitlines()[0]
        assert "needs" in done.stderr and "none of them made" in done.stderr
    assert "matched nothing" in run("--dry-run", "model.enc.dmi=3", rc=2)[0].stderr


def test_a_record_of_another_time_does_not_mislead(run, tmp_path):
    """After the program was changed, what its last run called things is forgotten."""
    run()
    (tmp_path / "train.py").write_text(
        "\n" + TRAIN.replace("model = Model", "net = Model").replace("model.", "net.").replace("[model]", "[net]")
    )

    assert run("net.enc.dim=5")[0].stdout == "dim 5 lr 0.01\n"
    assert "matched nothing" in run("model.enc.dim=5", rc=2)[0].stderr


def test_runs_inside_the_run_are_known_too(run, tmp_path):
    """A script that records in `begat.capture` blocks: the second time its paths are not taken for unknown."""
    (tmp_path / "scoped.py").write_text(
        "import begat\nclass C:\n    def __init__(self, x=1): self.x = x\nwith begat.capture():\n    c = C()\nprint(c.x)\n"
    )
    os.utime(tmp_path / "scoped.py", (1, 1))

    assert run("c.x=2", script="scoped.py")[0].stdout == "2\n"
    assert run("c.x=3", script="scoped.py")[0].stdout == "3\n"
