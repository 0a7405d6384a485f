"""Blocks of overrides beside and inside each other: threads, orders of leaving, values that answer nothing."""

from __future__ import annotations

import random
import sys
import threading
import time
from typing import Any

import pytest

import begat
from begat.errors import OverrideError


class Encoder:
    def __init__(self, dim, layers=(1,)):
        self.dim, self.layers = dim, layers


class Net:
    def __init__(self, a, *rest, b=1, **more):
        self.a, self.rest, self.b, self.more = a, rest, b, more
        self.encoder = Encoder(a)


@pytest.fixture(autouse=True)
def tracked(track):
    track(Encoder)
    track(Net)


class Silent:
    """Answers nothing."""

    def __getattribute__(self, name):
        raise RuntimeError(name)

    def _raises(self, *_):
        raise RuntimeError

    __repr__ = __eq__ = __bool__ = __len__ = __iter__ = __getitem__ = _raises  # type: ignore[assignment]
    __hash__ = _raises  # type: ignore[assignment]


def test_threads_do_not_switch_each_others_overrides_off():
    """What one thread opens and closes changes nothing of what another one's block does, nor of what it lets wait."""
    wrong: list[Any] = []
    interval = sys.getswitchinterval()

    def work(number: int) -> None:
        for _ in range(30):
            with begat.override({"Net.a": number, "Encoder.layers": (number,)}):
                net = Net(-1)
                with begat.deferred(Encoder):
                    late = Encoder(-1)
                if (net.a, net.encoder.dim, net.encoder.layers) != (number, number, (number,)):
                    wrong.append(vars(net))
                if not begat.is_lazy(late) or late.layers != (number,):
                    wrong.append(late)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)

    assert not wrong


def test_fifty_blocks_left_in_any_order():
    """The innermost that is still open holds; when all are left, none does, also once another block is opened."""
    blocks = [begat.override({"Encoder.dim": number}) for number in range(50)]
    for block in blocks:
        block.__enter__()
    assert Encoder(-1).dim == 49

    left = list(range(50))
    random.Random(1).shuffle(left)
    while left:
        left_now = left.pop()
        try:
            blocks[left_now].__exit__(None, None, None)
        except OverrideError:  # it was never the innermost
            pass
        assert Encoder(-1).dim == max(left, default=-1)

    with begat.override({"Encoder.layers": (2,)}):
        assert Encoder(-1).dim == -1


def test_a_block_that_is_over_holds_in_no_thread():
    """A thread that outlives the block it was started in builds what its code says, also while others override."""
    begun, over = threading.Event(), threading.Event()
    dims: list[int] = []

    def work() -> None:
        dims.append(Encoder(-1).dim)
        begun.set()
        over.wait()
        dims.append(Encoder(-1).dim)

    with begat.override({"Encoder.dim": 7}):
        thread = threading.Thread(target=work)
        thread.start()
        begun.wait()
    with begat.override({"Net.a": 1}):
        Net(-1)
        over.set()
        thread.join()

    assert dims == [7, -1]


@pytest.mark.parametrize("changes", [{"Net.b": Silent()}, {"Net.b": [Silent()]}, {"Net.extra": Silent()}, {"Net.a": 5}])
def test_a_value_that_answers_nothing_is_asked_nothing(changes):
    """Neither what is put in place nor what was there is asked for its class, its text or its equals."""
    silent = Silent()

    with begat.override(changes):
        net = Net(silent, b=silent, other=silent)

    (name, value) = next(iter(changes.items()))
    name = name.partition(".")[2]
    assert (net.more if name == "extra" else vars(net))[name] is value
    assert net.more["other"] is silent


def test_a_complaint_about_a_value_without_a_text():
    """The message names its type."""
    with (
        pytest.raises(OverrideError, match=r"Nothing\.at=<Silent>"),
        begat.override({"Encoder.dim": 1, "Nothing.at": Silent()}),
    ):
        Encoder(-1)


def test_leaving_a_block_takes_no_time_of_what_was_built_before():
    """It does not read the run."""
    with begat.capture():
        for _ in range(20_000):
            Encoder(1)

        before = time.perf_counter()
        with begat.override({"Encoder.dim": 7}):
            Encoder(1)
        taken = time.perf_counter() - before

    assert taken < 0.2


def test_a_block_opened_while_a_call_is_asked_about_is_not_missed(monkeypatch):
    """That nothing holds for a class is remembered of the rules that were looked at, not of those that came meanwhile."""
    from begat.capture import overriding
    from begat.intercept.deferring import RULES

    was = overriding._may_hold

    def meanwhile(rule, schema):
        held = was(rule, schema)
        RULES.now = set()  # what another thread does that opens a block
        return held

    monkeypatch.setattr(overriding, "_may_hold", meanwhile)
    with begat.override({"Net.a": 1}):
        Encoder(-1)
        asked = []
        monkeypatch.setattr(overriding, "_may_hold", lambda rule, schema: asked.append(schema) or was(rule, schema))
        Encoder(-1)
        Net(-1)

    assert asked


def test_what_has_no_name_but_in_kwargs_is_recorded_there(track):
    """The record has the keywords that were used, and those that were passed, as if they had been written so."""

    class Net:
        def __init__(self, dim, **more):
            self.more = more

    track(Net)
    with begat.capture() as run, begat.override({"net.drop": 2, "net.new": 3}):
        net = Net(1, drop=1, kept=0)
    more = run.nodes[0].arguments["more"]

    assert net.more == more.value == {"drop": 2, "kept": 0, "new": 3}
    assert (more.was, more.source) == ({"drop": 1, "kept": 0}, "override")
    assert list(run.nodes[0].arguments) == ["dim", "more"]
