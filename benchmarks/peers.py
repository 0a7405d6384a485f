"""begat beside other ways to know what a constructor was called with: the same constructor, one run, in turn.

    python benchmarks/peers.py

Peers that are not installed are left out. They do different things: validate_call validates and records nothing, gin keeps
the bindings it supplied and not what the caller passed, Hydra and fiddle build from a configuration made beforehand.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import begat
from stopwatch import Way, best

warnings.simplefilter("ignore")
os.environ.setdefault("KERAS_BACKEND", "torch")
CALL = "C(1, 2.0, hidden=128)"
Peer = tuple[str, dict[str, Any]]  # a statement and its names
PEERS: dict[str, Callable[[], Peer]] = {}


def peer(name: str) -> Callable[[Callable[[], Peer]], None]:
    def enter(make: Callable[[], Peer]) -> None:
        PEERS[name] = make

    return enter


def net() -> type:
    class Net:
        def __init__(self, a: int, b: float, dropout: float = 0.1, hidden: int = 64) -> None:
            self.a, self.b, self.dropout, self.hidden = a, b, dropout, hidden

    return Net


@peer("pydantic validate_call")
def _() -> Peer:
    import pydantic

    C = net()
    C.__init__ = pydantic.validate_call(C.__init__)
    return CALL, {"C": C}


@peer("gin configurable")
def _() -> Peer:
    import gin

    return CALL, {"C": gin.configurable("plain_net")(net())}


@peer("gin configurable, one parameter bound")
def _() -> Peer:
    import gin

    C = gin.configurable("bound_net")(net())
    gin.bind_parameter("bound_net.dropout", 0.2)
    return CALL, {"C": C}


def _binding(bind: Callable[[Any], Callable[..., inspect.BoundArguments]]) -> type:
    C = net()
    original, log = C.__init__, []

    @functools.wraps(original)
    def init(self, *args, **kwargs):
        bound = bind(original)(self, *args, **kwargs)
        bound.apply_defaults()
        log[:] = [bound.arguments]
        original(self, *args, **kwargs)

    C.__init__ = init
    return C


@peer("signature.bind, signature cached")
def _() -> Peer:
    return CALL, {"C": _binding(functools.cache(lambda function: inspect.signature(function).bind))}


@peer("signature.bind")
def _() -> Peer:
    return CALL, {"C": _binding(lambda function: inspect.signature(function).bind)}


@peer("chz class")
def _() -> Peer:
    import chz

    @chz.chz
    class C:
        a: int
        b: float
        dropout: float = 0.1
        hidden: int = 64

    return "C(a=1, b=2.0, hidden=128)", {"C": C}


@peer("sacred capture")
def _() -> Peer:
    from sacred import Experiment

    experiment, C = Experiment("bench", save_git_info=False), net()
    experiment.add_config(dropout=0.1)
    make = experiment.capture(lambda a, b, dropout, hidden=64: C(a, b, dropout, hidden))
    make.config = {"dropout": 0.1}
    return "make(1, 2.0, hidden=128)", {"make": make}


@peer("fiddle Config and build")
def _() -> Peer:
    import fiddle

    return "build(Config(C, 1, 2.0, hidden=128))", {"build": fiddle.build, "Config": fiddle.Config, "C": net()}


@peer("fiddle build alone")
def _() -> Peer:
    import fiddle

    return "build(config)", {"build": fiddle.build, "config": fiddle.Config(net(), 1, 2.0, hidden=128)}


@peer("Lightning save_hyperparameters")
def _() -> Peer:
    from lightning.pytorch.core.mixins import HyperparametersMixin

    class C(HyperparametersMixin):
        def __init__(self, a, b, dropout=0.1, hidden=64):
            super().__init__()
            self.save_hyperparameters()

    return CALL, {"C": C}


@peer("Keras layer")
def _() -> Peer:
    import keras

    class C(keras.layers.Layer):
        def __init__(self, a, b, dropout=0.1, hidden=64):
            super().__init__()
            self.a, self.b, self.dropout, self.hidden = a, b, dropout, hidden

    return CALL, {"C": C}


@peer("confingy track")
def _() -> Peer:
    import confingy

    return CALL, {"C": confingy.track(net())}


@peer("hydra instantiate")
def _() -> Peer:
    from hydra.utils import instantiate

    config = {"_target_": "builtins.dict", "a": 1, "b": 2.0, "dropout": 0.1, "hidden": 128}
    return "instantiate(config)", {"instantiate": instantiate, "config": config}


def main() -> None:
    tracked = net()
    begat.trackable(tracked)
    ways = {
        "plain": Way(CALL, {"C": net()}),
        "begat, paused": Way(CALL, {"C": tracked}, begat.paused),
        "begat, recording with call site": Way(CALL, {"C": tracked}, begat.capture),
    }
    for name, make in PEERS.items():
        try:
            statement, names = make()
            way = Way(statement, names, nullcontext)
            way.time(10)
        except ImportError as error:
            print(f"left out: {name} ({error.name} is not installed)")
            continue
        except Exception as error:
            print(f"left out: {name} ({type(error).__name__}: {error})")
            continue
        ways[name] = way
    quick = {name: way for name, way in ways.items() if way.time(20) < 20_000}
    spent = best(quick, 20_000, 11)
    # The plain call and begat again beside the slow ones: they take a thousand times longer.
    slow = {name: way for name, way in ways.items() if name not in quick}
    spent |= best(slow, 200, 7) if slow else {}
    base = spent["plain"]
    ours = spent["begat, recording with call site"] - base
    print(f"CPython {sys.version.split()[0]}: {CALL}, plain {base:.0f} ns")
    for name in list(ways)[1:]:
        added = spent[name] - base
        print(f"{name:40} {added:+12,.0f} ns  {added / ours:8.1f} × begat recording")


if __name__ == "__main__":
    main()
