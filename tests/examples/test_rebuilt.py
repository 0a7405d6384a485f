"""The examples of the documentation, built again from their records, as objects and as code."""

from __future__ import annotations

import sys

import pytest

import begat
from begat.errors import CannotRebuild
from examples.recorded import EXAMPLES, ROOT, captured
from zoo_support.tracking import python


@pytest.fixture
def beside(monkeypatch):
    """The examples can be imported by name."""
    monkeypatch.syspath_prepend(EXAMPLES)
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("train_"):
            del sys.modules[name]


def same_but_for_the_script(one: begat.Run, other: begat.Run, script: str) -> list[str]:
    """Where the flat views of two runs differ; `__main__` of one is *script* of the other."""
    left, right = one.flat(), other.flat()
    names = {key: (str(left.get(key)).replace("__main__:", f"{script}:"), str(right.get(key))) for key in left | right}
    return [f"{key}: {a} {b}" for key, (a, b) in names.items() if a != b]


def executed(code: str, *watch: str, cwd) -> begat.Run:
    """The record of the generated *code*, under ``begat run``."""
    (cwd / "built.py").write_text(code, encoding="utf-8")
    options = [word for pattern in watch for word in ("--watch", pattern)]
    done = python(
        "-m",
        "begat",
        "run",
        *options,
        "--save",
        "built.json",
        "built.py",
        cwd=cwd,
        path=(ROOT / "src", EXAMPLES),
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return begat.load(cwd / "built.json")


def test_the_sklearn_pipeline(tmp_path, beside):
    """A search over a pipeline: equal estimators, and code whose record says the same."""
    _, run = captured("train_sklearn.py", "--seed", "3", watch=("sklearn", "train_sklearn"), cwd=tmp_path)

    search = begat.rebuild(
        run, "GridSearchCV", allow=["sklearn", "train_sklearn:Clipper"], overrides={"folds.n_splits": 7}
    )

    import train_sklearn

    expected = train_sklearn.build("logistic", 3)
    assert repr(search.estimator) == repr(expected.estimator)
    assert (search.cv.n_splits, search.param_grid) == (7, expected.param_grid)
    assert (
        same_but_for_the_script(
            run, executed(run.to_python(), "sklearn", "train_sklearn", cwd=tmp_path), "train_sklearn"
        )
        == []
    )


@pytest.mark.heavy
def test_the_torch_model(tmp_path, beside, monkeypatch):
    """Same layers in the same shapes; what is a generator is listed, and can be supplied from the rebuilt model."""
    torch = pytest.importorskip("torch")
    _, run = captured("train_torch.py", "--epochs", "1", watch=("torch",), cwd=tmp_path)
    monkeypatch.setattr(sys, "argv", ["train_torch.py", "--epochs", "0"])
    monkeypatch.setattr(torch, "set_num_threads", lambda n: None)
    allow = ["train_torch.*", "torch"]

    model = begat.rebuild(run, "model", allow=allow)
    with pytest.raises(CannotRebuild) as caught:
        begat.rebuild(run, "scheduler", allow=allow)
    paths = [problem.path for problem in caught.value.problems]
    supply = {path: part.parameters() for path, part in zip(paths, (model.encoder, model.head), strict=True)}
    scheduler = begat.rebuild(run, "scheduler", allow=allow, supply=supply)

    assert paths == ["optimizer.params.0.params", "optimizer.params.1.params"]
    assert repr(model).startswith("Classifier(\n  (encoder): Encoder(")
    assert sum(p.numel() for p in model.parameters()) == sum(
        p.numel() for group in scheduler.optimizer.param_groups for p in group["params"]
    )
    # The script has no guard: importing its classes trains once more, so its code is read here and not run.
    code = run.to_python()
    assert "model = Classifier(encoder=Encoder(inputs=64, width=48, depth=2), width=48)\n" in code
    assert code.count('missing("optimizer.params.') == 2
    compile(code, "code", "exec")
