"""Paths of what a program builds: what its source calls things."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from typing import Generic, TypeVar

import attrs
import pytest

import begat


class ModuleList(list):
    """What torch's is to names: a class that holds its parts by index."""

    def __init__(self, modules=()):
        super().__init__(modules)


class ModuleDict(dict):
    def __init__(self, modules=None):
        super().__init__(modules or {})


class Sequential(list):
    def __init__(self, *args):
        super().__init__(args)


class Block:
    def __init__(self, width=1):
        self.width = width


class Net:
    def __init__(self, count):
        self.layers = ModuleList([Block(i) for i in range(count)])
        self.lazy = ModuleList(Block(i) for i in range(count))
        self.heads = ModuleDict({"mag": Block(), "phase": Block()})
        self.body = Sequential(Block(10), Sequential(Block(11)))
        self.named = Sequential(OrderedDict([("a", Block()), ("b", Block())]))


BLOCKS = [
    "layers.0",
    "layers.1",
    "lazy.0",
    "lazy.1",
    "heads.mag",
    "heads.phase",
    "body.0",
    "body.1.0",
    "named.a",
    "named.b",
]


@pytest.mark.parametrize("containers", [(), (ModuleList, ModuleDict, Sequential)], ids=["unknown", "tracked"])
def test_parts_of_containers_go_by_index_or_key(track, containers):
    """As torch names them: ``net.layers.0``, whether the container is recorded itself or not."""
    for cls in (Block, Net, *containers):
        track(cls)

    with begat.capture() as run:
        net = Net(2)

    assert net.layers
    assert [node.path for node in run.select("Block")] == [f"net.{path}" for path in BLOCKS]
    assert [node.path for node in run.select("Sequential")] == (
        ["net.body.1", "net.body", "net.named"] if containers else []
    )


def test_attributes_whose_name_is_computed(track):
    """They go by their class: a number would say that they are items."""

    class Heads:
        def __init__(self):
            for i in range(2):
                setattr(self, f"head{i}", Block(i))

    track(Block)
    track(Heads)

    with begat.capture() as run:
        heads = Heads()

    assert heads
    assert [node.path for node in run.nodes] == ["heads", "heads.Block", "heads.Block.1"]


def test_what_a_class_that_nobody_records_was_given(track):
    """It is named by the keyword, from the name of that object."""
    track(Block)

    class Trainer:
        def __init__(self, *args, **kwargs):
            pass

    with begat.capture() as run:
        trainer = Trainer(Block(), callbacks=[Block(), Block()], data=Block())

    assert trainer
    assert [node.path for node in run.nodes] == ["Block", "trainer.callbacks.0", "trainer.callbacks.1", "trainer.data"]


T = TypeVar("T")


class Repo(Generic[T]):
    def __init__(self, url):
        self.url = url


@dataclasses.dataclass
class Config:
    lr: float = 0.1


@attrs.frozen
class Frozen:
    lr: float = 0.1


def test_what_the_standard_library_builds_on_ones_behalf(track):
    """It stands where the user called: a parametrised class, a changed copy."""
    for cls in (Repo, Config, Frozen):
        track(cls)

    with begat.capture() as run:
        repo = Repo[int]("u")
        config = Config()
        warm = dataclasses.replace(config, lr=0.2)
        cold = attrs.evolve(Frozen(), lr=0.3)

    assert [repo.url, warm.lr, cold.lr] == ["u", 0.2, 0.3]
    assert [node.path for node in run.nodes] == ["repo", "config", "warm", "Frozen", "cold"]
    assert all(node.user and node.site.file == __file__ for node in run.nodes)


def test_what_the_user_made_is_not_named_after_what_a_library_keeps_to_itself():
    """`cross_val_score` wraps what it is given in a scorer; `make_pipeline` makes of it what the user goes on with."""
    from sklearn.dummy import DummyClassifier
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def model():
        return make_pipeline(StandardScaler(), DummyClassifier())

    with (
        begat.watch("sklearn.pipeline", "sklearn.dummy", "sklearn.preprocessing", "sklearn.metrics"),
        begat.capture() as run,
    ):
        cross_val_score(DummyClassifier(), [[1], [2], [3]], [0, 1, 1], cv=2)
        cross_val_score(model(), [[1], [2], [3]], [0, 1, 1], cv=2)

    assert run.select("_PassthroughScorer")
    assert [node.path for node in run.nodes if node.user] == [
        "DummyClassifier",
        "Pipeline.steps.0.1",
        "Pipeline.steps.1.1",
    ]
