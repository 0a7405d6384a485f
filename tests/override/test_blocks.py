"""`begat.override`: blocks, threads, tasks, what waits, functions, other classes, and what cannot be changed."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import dataclasses
import functools
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import attrs
import pydantic
import pytest

import begat
from begat.errors import ArgumentWarning, InvalidArgument, OverrideError


@begat.trackable
class Net:
    def __init__(self, dim: int = 8, opts: Any = None, **more: Any) -> None:
        self.dim, self.opts, self.more = dim, opts, more


@begat.trackable
class Wide(Net):
    def __init__(self, dim: int = 8, factor: int = 2, **more: Any) -> None:
        super().__init__(dim * factor, **more)


@begat.trackable
class Other:
    def __init__(self, dim: int = 0, depth: int = 1) -> None:
        self.dim, self.depth = dim, depth


def test_blocks_nest_and_the_inner_wins():
    """An inner block holds over an outer one, and ends with itself."""
    with begat.override({"Net.dim": 1, "Net.opts": "x"}):
        with begat.override({"Net.dim": 2}):
            inner = Net(dim=9)
        outer = Net(dim=9)

    assert (inner.dim, inner.opts, outer.dim, Net(dim=9).dim) == (2, "x", 1, 9)


def test_each_thread_has_its_own():
    """Eight threads, each with another override of the same argument."""
    barrier = threading.Barrier(8)

    def build(number):
        with begat.override({"Net.dim": number}):
            barrier.wait()
            return {Net(dim=99).dim for _ in range(200)}

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(build, range(8)))

    assert found == [{number} for number in range(8)]


def test_threads_started_inside_inherit_it():
    """A thread has the overrides of the block it was started in."""
    found = []
    with begat.override({"Net.dim": 5}):
        thread = threading.Thread(target=lambda: found.append(Net().dim))
        thread.start()
        thread.join()

    assert found == [5]


def test_tasks_do_not_mix():
    """Two tasks, two blocks, one thread."""

    async def build(number):
        with begat.override({"Net.dim": number}):
            await asyncio.sleep(0.001)
            return Net().dim

    async def both():
        return await asyncio.gather(*(build(number) for number in range(5)))

    assert asyncio.run(both()) == list(range(5))


def test_a_block_left_in_another_context():
    """A generator that is closed elsewhere: the block ends all the same."""

    def generate():
        with begat.override({"Net.dim": 5}):
            yield Net().dim

    generator = generate()
    assert contextvars.copy_context().run(next, generator) == 5
    generator.close()
    assert Net().dim == 8


def test_one_node_for_a_chain_of_constructors():
    """`super().__init__` is part of the one construction: overriding the outer argument feeds the inner, which is no node."""
    with begat.capture() as run, begat.override({"Wide.dim": 3}):
        wide = Wide(dim=9)

    assert wide.dim == 6
    assert [(node.target.rpartition(":")[2], node.params["dim"]) for node in run.nodes] == [("Wide", 3)]


def test_keywords_that_are_only_passed_on():
    """What `**kwargs` takes can be overridden by name, and added; a glob adds nothing."""
    with begat.override({"Wide.opts": 7, "Wide.colour": "red"}):
        wide = Wide(1, opts=3)
    assert (wide.opts, wide.more) == (7, {"colour": "red"})
    with begat.override({"*.depth": 4}):
        assert (Net().more, Other().depth) == ({}, 4)


def test_positional_only_and_rest():
    """Names that no caller can write are names all the same."""

    @begat.trackable
    class Odd:
        def __init__(self, a, /, b=2, *rest, c=3):
            self.all = a, b, rest, c

    with begat.override({"Odd.a": 10, "Odd.c": 30, "Odd.rest.1": 50}):
        assert Odd(1, 2, 4, 5).all == (10, 2, (4, 50), 30)


def test_mutable_defaults_are_copied():
    """An item of a default is overridden in a copy: the next call finds the default as it was."""

    @begat.trackable
    class Opts:
        def __init__(self, opts={"beta": [1, 2]}):
            self.opts = opts

    with begat.override({"Opts.opts.beta.1": 5, "Opts.opts.new": 1}):
        assert Opts().opts == {"beta": [1, 5], "new": 1}
    assert Opts().opts == {"beta": [1, 2]}


def test_an_argument_that_is_a_tracked_object():
    """It is changed where it is built; in its place none, or an object given in Python, can stand."""

    @begat.trackable
    class Holder:
        def __init__(self, net):
            self.net = net

    mine = Net(77)
    with begat.override({"holder.net.dim": 3}):
        holder = Holder(Net(1))
    assert holder.net.dim == 3
    with begat.override({"Holder.net": mine}):
        assert Holder(Net(1)).net is mine
    with begat.override({"Holder.net": "none"}):
        assert Holder(Net(1)).net is None
    net = Net(1)
    with (
        pytest.raises(OverrideError, match=r"built already|no items|in an object"),
        begat.override({"Holder.net.dim": 3}),
    ):
        Holder(net)


def test_what_classes_that_generate_their_constructor_take():
    """Dataclasses with factories, attrs, pydantic, NamedTuple."""

    @begat.trackable
    @dataclasses.dataclass
    class Data:
        lr: float = 0.1
        tags: list = dataclasses.field(default_factory=list)

    @begat.trackable
    @attrs.define
    class Attrs:
        lr: float = 0.1
        tags: list = attrs.field(factory=list)

    @begat.trackable
    class Model(pydantic.BaseModel):
        lr: float = 0.1
        tags: list[str] = []

    @begat.trackable
    class Tuple(NamedTuple):
        lr: float = 0.1
        tags: Any = ()

    for cls in (Data, Attrs, Model, Tuple):
        with begat.override({f"{cls.__name__}.lr": "0.5", f"{cls.__name__}.tags": "[a]"}):
            made = cls(lr=0.2)
        assert (made.lr, list(made.tags)) == (0.5, ["a"]), cls


def test_a_constructor_that_somebody_wrapped():
    """`functools.wraps` hides nothing: the parameters that people see are those that are overridden."""

    def logged(init):
        @functools.wraps(init)
        def inner(self, *args, **kwargs):
            return init(self, *args, **kwargs)

        return inner

    @begat.trackable
    class Logged:
        @logged
        def __init__(self, dim, depth=2):
            self.all = dim, depth

    with begat.override({"Logged.dim": 5, "Logged.depth": 7}):
        assert Logged(1).all == (5, 7)
        assert Logged(dim=1, depth=3).all == (5, 7)


def test_functions_and_factories():
    """Functions and class methods that make objects have arguments like any other call."""

    @begat.trackable
    def load(path, limit=10):
        return {"path": path, "limit": limit}

    class Maker:
        @classmethod
        def make(cls, n=1):
            return n

    Maker.make = begat.trackable(Maker.make)
    with begat.override({"load.limit": "20", "data.path": "x", "Maker.make.n": 5}):
        data = load("y")
        assert Maker.make(2) == 5

    assert data == {"path": "x", "limit": 20}


def test_an_override_reaches_what_waits():
    """Until an object is built: also from a block around the touch."""
    with begat.override({"early.dim": 3}):
        early = begat.lazy(Net)(1)
    late = begat.lazy(Net)(1)
    with begat.override({"Net.dim": 4}):
        assert late.dim == 4

    assert early.dim == 3


def test_nothing_recorded_nothing_changed():
    """Inside `begat.paused()` calls are not looked at; then the override has matched nothing."""
    with pytest.raises(OverrideError, match="matched nothing"), begat.override({"Net.dim": 3}), begat.paused():
        assert Net(1).dim == 1


def test_another_class_stands_in():
    """By a class object or a name; what both take is kept, and an override of its own parameters holds."""
    with begat.capture() as run:
        with begat.override({"net": Other}):
            net = Net(dim=4)
        with begat.override({"net": "Other", "net.depth": 9}):
            net = Net(dim=5)

    assert (type(net), net.dim, net.depth) == (Other, 5, 9)
    assert [node.target.rpartition(":")[2] for node in run.nodes] == ["Other", "Other"]


class Slotted:
    __slots__ = ("dim",)

    def __init__(self, dim: int = 1) -> None:
        self.dim = dim


def needs(dim, must): ...


@pytest.mark.parametrize(
    ("value", "why"),
    [(Slotted, "laid out differently"), (needs, "is no class"), (dict, "written in C"), (3, "matched nothing")],
)
def test_what_cannot_stand_in_is_refused_with_the_reason(value, why):
    """Another layout in memory, a function in the place of a class, a class of C."""
    changes = {"net": value}

    def build():
        with begat.override(changes):
            net = Net(dim=4)
        return net

    with pytest.raises(OverrideError, match=why):
        build()


def test_a_refusal_that_the_program_swallows_is_raised_at_the_end():
    """`except ValueError` does not make a mistake go away."""

    def careless():
        with begat.override({"Net.dim": "x"}), contextlib.suppress(ValueError):
            Net()

    with pytest.raises(OverrideError, match="valid integer"):
        careless()


def test_an_error_of_the_block_is_not_replaced():
    """What the program raised matters more than what did not match."""
    with pytest.raises(KeyError), begat.override({"nobody.dim": 1}):
        raise KeyError


def test_a_fork_has_the_overrides():
    """A forked child goes on as the parent would."""
    if not hasattr(os, "fork"):
        pytest.skip("no fork")
    with begat.override({"Net.dim": 6}):
        assert Net().dim == 6
        child = os.fork()
        if child == 0:
            os._exit(Net().dim)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 6


def test_ordinary_calls_can_be_checked():
    """`validate="warn"` says it, `"strict"` raises; off, annotations are only annotations."""

    def make(validate):
        @begat.trackable(validate=validate)
        class Checked:
            def __init__(self, dim: int, name: str | None = None) -> None: ...

        return Checked

    make("off")("x")
    with pytest.warns(ArgumentWarning, match="dim is 'x'") as caught:
        make("warn")("x")
    assert caught[0].filename == __file__
    with pytest.raises(InvalidArgument, match="dim is 'x'"):
        make("strict")("x")
    assert make("strict")(3, name=None) is not None


def test_many_threads_one_block_counts_all():
    """A block entered by one thread holds in the pool it starts."""
    with begat.override({"Net.dim": 3}), ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: Net(1).dim, range(100))) == {3}
