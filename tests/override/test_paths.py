"""The law of paths: what a record calls an argument is the address by which that argument, and no other, is overridden."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
EXAMPLES = ROOT / "docs" / "examples"
ODD = HERE / "programs" / "odd.py"

# What only a record can know: an object that a helper returned, and that is an argument of another call later.
UNFORETOLD = {"Model.1.enc.dim", "Model.1.enc.drop", "Model.1.enc.act.slope"}

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks a process for each path")


def wrong(script: Path, *words: str, cwd: Path) -> dict[str, str]:
    path = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, str(HERE / "law.py"), str(script), *words],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_with_a_record_every_path_means_its_argument(tmp_path):
    """All at once, each with the value that it has: every override changes one call, and no two mean the same."""
    assert wrong(ODD, "learnt", "together", cwd=tmp_path) == {}


def test_without_a_record_the_source_around_the_call_tells(tmp_path):
    """Almost all; for the others the message says how the next run will know."""
    found = wrong(ODD, "alone", "together", cwd=tmp_path)

    assert set(found) - {""} == UNFORETOLD
    assert "with a record of this run" in found[""]


@pytest.mark.slow
def test_each_path_alone_changes_its_argument_alone(tmp_path):
    """One run for each path, with another value: nothing else differs."""
    assert wrong(ODD, "learnt", "each", cwd=tmp_path) == {}


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["learnt", "alone"])
def test_every_path_of_the_sklearn_example(mode, tmp_path):
    """A pipeline, a search over it, and what they are given."""
    assert wrong(EXAMPLES / "train_sklearn.py", mode, "together", "sklearn", cwd=tmp_path) == {}


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("script", "watched"),
    [("train_torch.py", ("torch",)), ("finetune_transformers.py", ("transformers", "torch.optim"))],
)
def test_every_path_of_the_torch_examples(script, watched, tmp_path):
    """Modules, optimizers, data; a model of a config, and one that a factory loads."""
    pytest.importorskip(watched[0])

    assert wrong(EXAMPLES / script, "learnt", "together", *watched, cwd=tmp_path) == {}
