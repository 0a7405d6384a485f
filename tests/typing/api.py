"""What users write, as type checkers see it. A line that has to be refused says ``# error:`` and why."""

from __future__ import annotations

import dataclasses
from typing import Any, assert_type

import begat


@begat.trackable
class Net:
    def __init__(self, width: int, *, depth: int = 2) -> None:
        self.width = width

    @classmethod
    def small(cls, depth: int) -> Net:
        return cls(8, depth=depth)

    def forward(self, x: float) -> float:
        return x


net = Net(3, depth=4)
assert_type(net, Net)
assert_type(net.width, int)
assert_type(net.forward(0.5), float)
assert_type(Net.small(2), Net)
Net("wide")  # error: a decorated class keeps the types of its constructor
Net(3, 4)  # error: and what is keyword-only
Net()  # error: and what is required
Net(3, width_=4)  # error: and the names
net.wide  # error: and nothing is added to it


@begat.trackable(ignore={"verbose"})
class Quiet(Net):
    def __init__(self, width: int, verbose: bool = False) -> None:
        super().__init__(width)


quiet = Quiet(3, verbose=True)
assert_type(quiet, Quiet)
as_base: Net = quiet
Quiet(3, verbose="yes")  # error: also with options


@begat.trackable
@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    lr: float
    steps: int = 10


assert_type(Settings(0.1), Settings)
assert_type(Settings(0.1).steps, int)
Settings("fast")  # error: also for a dataclass


class Theirs:
    def __init__(self, size: int) -> None:
        self.size = size


assert_type(begat.trackable(Theirs), type[Theirs])
assert_type(begat.trackable(Theirs)(3), Theirs)
begat.trackable(Theirs)("big")  # error: also for a class that is not ours
begat.untrack(Theirs)


@begat.trackable
def load(path: str, limit: int | None = None) -> list[int]:
    return [limit or len(path)]


assert_type(load("data.csv", limit=3), list[int])
load(3)  # error: a function keeps its signature


@begat.trackable(redact={"token"})
def fetch(url: str, token: str) -> bytes:
    return (url + token).encode()


assert_type(fetch("a", token="b"), bytes)
fetch("a")  # error: also with options

with begat.capture("baseline", save="provenance.json") as run:
    Net(3)
    run.result(val_loss=0.31)

assert_type(run, begat.Run)
assert_type(run.nodes, tuple[begat.Node, ...])
assert_type(run["model"], begat.Node)
assert_type(run.select("Linear"), tuple[begat.Node, ...])
assert_type(run.upstream(run["model"]), tuple[begat.Node, ...])
assert_type(run.config(), dict[str, Any])
assert_type(run.flat(), dict[str, Any])
assert_type(run["model"].path, str)
assert_type(run["model"].params, dict[str, Any])
assert_type(run["model"].arguments, dict[str, begat.Argument])
run["model"].path = "other"  # error: a record is frozen


@begat.capture("experiment")
def main(epochs: int) -> float:
    return epochs / 2


assert_type(main(3), float)
main("three")  # error: capture as a decorator keeps the signature

assert_type(begat.load("provenance.json"), begat.Run)
assert_type(begat.graph(), begat.Run)
assert_type(begat.provenance(net), begat.Node | None)
assert_type(begat.params(net), dict[str, Any])
begat.load()  # error: load needs a path

with begat.override({"model.dim": 64, "*.dropout": "0.2"}) as block:
    assert_type(block, begat.override)
begat.override("model.dim=64")  # error: a mapping is asked for

with begat.paused():
    Net(3)

watch = begat.watch("sklearn", "torch.optim")
watch.remove()
begat.watch(3)  # error: patterns are text
begat.dump("provenance.json")
