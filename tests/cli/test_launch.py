"""`begat run`: what the program, and who waits for it, sees is what `python` shows; the record is written in every ending."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
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


@pytest.mark.parametrize(("status", "outcome"), [("3", ("raised", 3)), ("'no'", ("raised", 1)), ("0", ("finished", None))])
def test_the_exit_code_is_kept(run, status, outcome):
    """`sys.exit` with a status is recorded with it; the process has the same."""
    done = run(f"import sys\nsys.exit({status})\n")

    (found,) = kept(run)
    assert (found.header.outcome, found.header.exit_code) == outcome
    assert done.returncode == (outcome[1] or 0)
