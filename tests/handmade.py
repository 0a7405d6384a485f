"""Runs written by hand, for what reads runs."""

from __future__ import annotations

from begat.record.graph import Run
from begat.record.model import Argument, CallSite, Environment, Header, Node
from begat.record.values import Opaque, Ref, Symbol


def given(**values):
    """Arguments that the caller passed."""
    return {name: Argument(name, value) for name, value in values.items()}


def default(**values):
    """Arguments that the caller left out."""
    return {name: Argument(name, value, "default") for name, value in values.items()}


def node(number, path, target="m:C", arguments=None, line=1, **more):
    """A construction in train.py."""
    more.setdefault("site", CallSite("/home/train.py", line, "main"))
    return Node(number, target, more.pop("kind", "class"), path, arguments or {}, **more)


def run(*nodes, **more):
    """A run of *nodes*."""
    return Run(Header("20261122-104501-3fa9c2"), nodes, **more)


def training():
    """A small training script: nesting, references, things built inside, and a library's own clones."""
    clone = CallSite("/v/lib/python3.11/site-packages/sklearn/base.py", 90, "clone")
    nodes = [
        node(1, "model.enc", "train:Encoder", given(dim=64) | default(act=Symbol("torch:relu", "function")), 31),
        node(
            2,
            "model",
            "train:Net",
            given(enc=Ref(1)) | {"hidden": Argument("hidden", 256, "override", 128)} | default(dropout=0.1),
            31,
            annotations={"hidden": "int"},
        ),
        node(3, "model.dropout", "torch.nn:Dropout", given(p=0.1), 14, within=2),
        node(4, "opt", "torch.optim:AdamW", given(params=Opaque("builtins:generator"), lr=1e-3, betas=(0.9, 0.98)), 33),
        node(5, "pipe.steps.0.1", "sklearn.svm:SVC", given(C=0.5), 40),
        node(6, "pipe", "sklearn.pipeline:Pipeline", given(steps=[("svc", Ref(5))]), 40),
        node(7, "search", "sklearn.search:GridSearchCV", given(estimator=Ref(6), grid={"svc__C": [0.1, 1.0]}), 41),
        node(
            8, "broken", "train:Broken", given(x="\x1b[31m<b>"), 50, outcome="raised", error="builtins:ValueError: no"
        ),
        *(node(100 + i, f"search.SVC.{i}", "sklearn.svm:SVC", given(C=i), site=clone, user=False) for i in range(240)),
    ]
    header = Header(
        "20261122-104501-3fa9c2",
        "baseline",
        "2026-11-22T10:45:01Z",
        "2026-11-22T10:45:13.500Z",
        "finished",
        argv=("train.py",),
        script="/home/train.py",
    )
    git = {"commit": "0123456789abcdef", "branch": "main", "dirty": True, "root": "/home"}
    return Run(header, tuple(nodes), Environment("3.11.7", "CPython", cwd="/home", git=git))
