"""A folder with a program in it, and `begat` as a process in that folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import begat

SOURCE = str(Path(begat.__file__).parents[1])
PROGRAM = """
import json, os, sys, time
import begat

class Net:
    def __init__(self, depth=1, lr=0.1, name="plain", wait=0.0, epochs=0):
        if depth == 13:
            raise ValueError("thirteen")
        self.depth, self.lr, self.name, self.wait, self.epochs = depth, lr, name, wait, epochs

net = Net(depth=2)
open("begun", "a").write(f"{net.depth} ")
print("argv", sys.argv[1:])
for step in range(net.epochs):
    print(json.dumps({"step": step, "loss": net.depth + 1 / (step + 1)}))
    time.sleep(net.wait)
if not net.epochs:
    time.sleep(net.wait)
begat.graph().result(loss=net.depth * net.lr, name=net.name)
"""


class Place:
    """The folder *path* with ``train.py`` in it."""

    def __init__(self, path):
        self.path = path
        (path / "train.py").write_text(PROGRAM, encoding="utf-8")

    def start(self, *words, **options):
        kept = {
            name: value for name, value in os.environ.items() if name not in ("BEGAT_HOME", "NO_COLOR", "FORCE_COLOR")
        }
        kept["PYTHONPATH"] = os.pathsep.join([SOURCE, kept.get("PYTHONPATH", "")])
        command = [sys.executable, "-m", "begat", *words]
        return subprocess.Popen(
            command, cwd=self.path, env=kept, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
        )

    def begat(self, *words):
        process = self.start(*words)
        out, err = process.communicate(timeout=300)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def sweep(self, *words, expect=0):
        """The trials by number, as the command tells of them."""
        done = self.begat("sweep", "--json", *words)
        assert done.returncode == expect, done.stderr
        return {trial["number"]: trial for trial in json.loads(done.stdout)["trials"]}

    def runs(self):
        """The records, the oldest first."""
        return [begat.load(path) for path in sorted(self.path.glob(".begat/runs/*/run.json"))]

    @property
    def begun(self):
        """The depths of the trials that began, in order."""
        file = self.path / "begun"
        return [int(word) for word in file.read_text().split()] if file.exists() else []

    @property
    def folder(self):
        """The folder of the only sweep."""
        (found,) = self.path.glob(".begat/sweeps/*")
        return found

    @property
    def lines(self):
        """How many trials have ended."""
        found = list(self.path.glob(".begat/sweeps/*/trials.jsonl"))
        return len(found[0].read_text().splitlines()) if found else 0

    def wait(self, condition, seconds=60):
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, "it did not come to that"
            time.sleep(0.02)


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)
