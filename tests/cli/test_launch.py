"""`begat run`: what the program, and who waits for it, sees is what `python` shows; the record is written in every ending."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import zipapp
from pathlib import Path

import pytest

import begat

SOURCE = str(Path(begat.__file__).parents[1])
NET = "class Net:\n    def __init__(self, width): pass\n"


@pytest.fixture
def run(tmp_path):
    """Write ``train.py`` and run it: ``run(text)`` with begat, ``run(text, plain=True)`` with Python alone."""

    def call(text, *words, plain=False, script="train.py", **options):
        path = tmp_path / script
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        before = [] if plain else ["-m", "begat", "run"]
        return command(*before, *(words or [script]), **options)

    def command(*words, **options):
        environment = {name: value for name, value in os.environ.items() if name not in ("BEGAT_HOME", "NO_COLOR")}
        environment["PYTHONPATH"] = os.pathsep.join([SOURCE, environment.get("PYTHONPATH", "")])
        done = [sys.executable, *words]
        return subprocess.run(done, cwd=tmp_path, env=environment, capture_output=True, text=True, **options)

    call.command = command
    call.folder = tmp_path
    return call


def kept(run):
    """The records that stand in the folder."""
    return [begat.load(path) for path in sorted(run.folder.glob(".begat/runs/*/run.json"))]


# --- endings ----------------------------------------------------------------------------------------------------------
INTERRUPTS = {
    "raised": "raise KeyboardInterrupt",
    "signal": "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(9)",
}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to die of")
@pytest.mark.parametrize("interrupt", INTERRUPTS.values(), ids=INTERRUPTS)
def test_an_interrupted_program_ends_in_order(run, interrupt):
    """After Ctrl-C the program's exit handlers run, the record is written, and who waits sees a death by SIGINT."""
    text = f"{NET}import atexit\natexit.register(print, 'saving checkpoint')\nnet = Net(64)\n{interrupt}\n"

    plain, done = run(text, plain=True), run(text)

    assert (done.returncode, done.stdout) == (plain.returncode, plain.stdout) == (-signal.SIGINT, "saving checkpoint\n")
    assert [(found.header.outcome, found.header.error) for found in kept(run)] == [
        ("raised", "builtins:KeyboardInterrupt")
    ]


def test_what_exit_handlers_build_is_recorded(run):
    """The record is written after the program's own exit handlers."""
    run(f"{NET}import atexit\natexit.register(lambda: Net(3))\n")

    assert [node.params for node in kept(run)[0]] == [{"width": 3}]


@pytest.mark.parametrize(
    ("status", "outcome"), [("3", ("raised", 3)), ("'no'", ("raised", 1)), ("0", ("finished", None))]
)
def test_the_exit_code_is_kept(run, status, outcome):
    """`sys.exit` with a status is recorded with it; the process has the same."""
    done = run(f"import sys\nsys.exit({status})\n")

    (found,) = kept(run)
    assert (found.header.outcome, found.header.exit_code) == outcome
    assert done.returncode == (outcome[1] or 0)


# --- what is kept -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("words", [("-m", "nosuch"), ("-m", "package.nosuch"), ("broken.py",), ("empty",)])
def test_what_never_began_is_no_run(run, words):
    """A module that is not there, or a script that does not compile, leaves no record to be `last`."""
    (run.folder / "package").mkdir()
    (run.folder / "package" / "__init__.py").write_text("")
    (run.folder / "broken.py").write_text("def")
    (run.folder / "empty").mkdir()
    run(f"{NET}Net(1)\n")

    done = run.command("-m", "begat", "run", *words)

    assert done.returncode == 1
    assert "begat:" not in done.stderr
    assert len(kept(run)) == 1


@pytest.mark.parametrize("words", [("-q", "--name", "x"), ("--", "-q", "--name", "x")])
def test_options_behind_a_module_are_its_own(run, words):
    """As with `python -m`; with `-m` alone there is still a message."""
    done = run("import sys\nprint(sys.argv[1:])\n", "--name", "mine", "-m", "train", *words)

    (found,) = kept(run)
    assert done.stdout == "['-q', '--name', 'x']\n"
    assert found.name == "mine"
    assert run.command("-m", "begat", "run", "-m").returncode == 2


def test_a_module_that_fails_is_a_run(run):
    """What began and raised is kept, in a module as in a script."""
    done = run("1 / 0\n", "-m", "train")

    (found,) = kept(run)
    assert found.header.error == "builtins:ZeroDivisionError"
    assert done.returncode == 1


def test_a_script_on_standard_input(run):
    """`begat run -` is `python -`: what it sees of itself is the same, and what it builds is recorded."""
    text = NET + (
        "import sys\nnet = Net(5)\nprint(sys.argv, repr(sys.path[0]), '__file__' in globals(), __name__, __spec__, __loader__)\n"
    )

    plain = run.command("-", "a", input=text)
    done = run.command("-m", "begat", "run", "-", "a", input=text)

    assert done.stdout == plain.stdout
    assert [node.params for node in kept(run)[0]] == [{"width": 5}]


@pytest.mark.parametrize(("words", "built"), [(["train.py"], ["net"]), (["--script"], ["Own", "net"])])
def test_an_installed_launcher_is_not_watched_itself(run, monkeypatch, words, built):
    """`-m torch.distributed.run train.py`: what is asked for is the script's, not the launcher's package."""
    packages = run.folder / "lib" / "site-packages"
    launcher = "import subprocess, sys\nclass Own: pass\nown = Own()\nsubprocess.run([sys.executable, 'train.py'], check=True)\n"
    run(launcher, plain=True, script="lib.py")
    (packages / "launcher").mkdir(parents=True)
    (run.folder / "lib.py").rename(packages / "launcher" / "__main__.py")
    (packages / "launcher" / "__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(packages))
    (run.folder / "train.py").write_text(f"{NET}net = Net(2)\n")

    done = run.command("-m", "begat", "run", "-m", "launcher", *words)

    assert done.returncode == 0, done.stderr
    (record,) = kept(run)
    assert [node.path for node in record.nodes] == built


@pytest.mark.parametrize("program", ["app", "app.pyz", "./app.pyz", "archive"])
def test_a_folder_or_an_archive_with_a_main_module(run, program):
    """As `python app.pyz` runs it; the classes inside are watched, and named by the source inside."""
    text = (
        "import sys\nfrom nets import Net\nprint(__file__, sys.path[0], sys.argv, __spec__.origin)\nclass Own: pass\n"
    )
    run(text + "net, own = Net(2), Own()", plain=True, script="app/__main__.py")
    (run.folder / "app" / "nets.py").write_text(NET)
    for name in ("app.pyz", "archive"):
        zipapp.create_archive(run.folder / "app", run.folder / name)

    plain, done = run.command(program, "--word"), run.command("-m", "begat", "run", program, "--word")

    assert plain.returncode == done.returncode == 0, done.stderr
    assert done.stdout == plain.stdout
    (record,) = kept(run)
    assert [node.path for node in record.nodes if node.user] == ["net", "own"]


def test_nothing_recorded_says_what_to_watch(run):
    """Classes from elsewhere are named, with the option that watches them; Python's own are not."""
    (run.folder / "mylib").mkdir()
    (run.folder / "mylib" / "__init__.py").write_text("")
    (run.folder / "mylib" / "nets.py").write_text(NET)
    text = "import sys, json, argparse\nsys.path.append('.')\nimport mylib.nets\nnet = mylib.nets.Net(1)\n"

    done = run(text, script="scripts/train.py")

    (line,) = done.stderr.splitlines()
    assert "0 constructions recorded" in line
    assert "only what scripts/ defines is watched unasked: try --watch mylib)" in line

    done = run(text, "--watch", "mylib", "scripts/train.py")
    assert "1 construction recorded" in done.stderr
    assert "try" not in done.stderr

    done = run("import begat\nimport mylib.nets\nwith begat.capture('inner'): mylib.nets.Net(1)\n")
    assert "0 constructions recorded, and those of 1 scope inside it: " in done.stderr
    assert "try" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows has other modes")
def test_kept_records_are_private_and_named_files_are_not(run):
    """Files that the user names get the usual mode; those below `.begat` are for the owner alone."""
    old = os.umask(0o022)
    try:
        run(NET, "--save", "out/run.json", "train.py")
    finally:
        os.umask(old)

    (record,) = run.folder.glob(".begat/runs/*/run.json")
    modes = [path.stat().st_mode & 0o777 for path in (record, run.folder / "out/run.json", run.folder / "out")]
    assert modes == [0o600, 0o644, 0o755]


def test_a_folder_that_cannot_hold_the_record_costs_only_that(run):
    """The file of `--save` is written although `.begat` cannot be."""
    (run.folder / ".begat").write_text("in the way")

    run(NET, "--save", "run.json", "train.py")

    assert begat.load(run.folder / "run.json").header.outcome == "finished"


def test_begat_does_not_record_itself(run):
    """A script beside begat's own source, as its developers have it, ends as any other."""
    shutil.copytree(Path(SOURCE) / "begat", run.folder / "src" / "begat", ignore=shutil.ignore_patterns("__pycache__"))
    code = "import sys; sys.path.insert(0, 'src'); from begat.cli.main import main; main(['run', '-q', 'train.py'])"

    done = run(NET + "net = Net(64)\n", "-c", code, plain=True, timeout=60)

    (found,) = kept(run)
    assert done.returncode == 0, done.stderr
    assert [node.target for node in found] == ["__main__:Net"]


# --- overrides that matched nothing -----------------------------------------------------------------------------------
@pytest.mark.parametrize(("ending", "status"), [("raise SystemExit(3)", 3), ("raise ValueError('no')", 1)])
def test_an_override_that_matched_nothing_is_said_of_a_program_that_failed(run, ending, status):
    """The exit code is the program's; the mistake in the command is not kept back."""
    done = run(f"{NET}net = Net(64)\n{ending}\n", "train.py", "net.widht=3")

    assert done.returncode == status
    assert "net.widht=3 (command line) matched nothing; net takes width; did you mean width?" in done.stderr
    assert "The program ended by itself" in done.stderr


def test_a_class_that_nothing_watches_is_named(run):
    """It is there to be overridden, one option away."""
    text = "from click.testing import CliRunner\nprint(CliRunner(charset='utf-8').charset)\n"

    done = run(text, "train.py", "CliRunner.charset=latin-1")
    followed = run(text, "--watch", "click.testing", "train.py", "CliRunner.charset=latin-1")

    assert (done.returncode, followed.returncode, followed.stdout) == (2, 0, "latin-1\n")
    assert "is not watched: begat run --watch click.testing\n" in done.stderr
