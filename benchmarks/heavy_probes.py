"""The strictest witnesses of all: frameworks that walk frames, read signatures, or compile constructors."""

from __future__ import annotations

import contextlib
import dataclasses
import io
from typing import Any

from probes import Track, probe


@probe("Lightning save_hyperparameters over C(B)", heavy=True)
def _(track: Track) -> object:
    from lightning.pytorch.core.mixins import HyperparametersMixin

    class B(HyperparametersMixin):
        def __init__(self, b=1, shared=3):
            super().__init__()
            self.save_hyperparameters()

    class C(B):
        def __init__(self, a, b=2):
            super().__init__(b=b)

    track(B)
    track(C)
    return dict(C(7, b=9).hparams)


@probe("Keras layer: get_config, from_config", heavy=True)
def _(track: Track) -> object:
    import os

    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    class Scale(keras.layers.Layer):
        def __init__(self, factor, offset=1.0, **kwargs):
            super().__init__(**kwargs)
            self.factor, self.offset = factor, offset

        def call(self, x):
            return x * self.factor + self.offset

    track(Scale)
    config = Scale(2.0, name="scale").get_config()
    again = Scale.from_config(config)
    config.pop("dtype", None)
    return config, again.factor


@probe("torch.compile(fullgraph) builds a dataclass: graphs", heavy=True)
def _(track: Track) -> object:
    import torch

    @dataclasses.dataclass
    class Out:
        value: Any
        scale: float = 2.0

    track(Out)
    return _graphs(lambda x: Out(x + 1).value * Out(x).scale, torch.ones(3))


@probe("torch.compile(fullgraph) builds a module: graphs", heavy=True)
def _(track: Track) -> object:
    import torch

    class Act(torch.nn.Module):
        def __init__(self, slope=0.5):
            super().__init__()
            self.slope = slope

        def forward(self, x):
            return x * self.slope

    track(Act)
    return _graphs(lambda x: Act(0.25)(x) + 1, torch.ones(3))


def _graphs(function, example) -> object:
    import torch

    torch._dynamo.reset()
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    with contextlib.redirect_stderr(io.StringIO()):
        value = torch.compile(function, backend=backend, fullgraph=True)(example)
    return len(graphs), value.tolist()


@probe("torch.jit.script of a module", heavy=True)
def _(track: Track) -> object:
    import warnings

    import torch

    class Act(torch.nn.Module):
        def __init__(self, slope: float = 0.5):
            super().__init__()
            self.slope = slope

        def forward(self, x):
            return x * self.slope

    track(Act)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.script(Act(0.25))(torch.ones(2)).tolist()


@probe("sklearn clone, get_params", heavy=True)
def _(track: Track) -> object:
    from sklearn.base import BaseEstimator, clone

    class Model(BaseEstimator):
        def __init__(self, alpha=1.0, *, depth=3):
            self.alpha, self.depth = alpha, depth

    track(Model)
    return clone(Model(2.0)).get_params()
