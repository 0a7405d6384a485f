"""What falls between a hook and the body: a signal handler, a finalizer or an interrupt, between any two instructions."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import begat
from begat.errors import OverrideError


class Stop(BaseException):
    """An interrupt."""


class Encoder:
    def __init__(self, dim, layers=[1]):  # noqa: B006  # looked up at each call
        self.dim, self.layers = dim, layers


class Net:
    def __init__(self, a, b=1, c=()):
        self.a, self.b, self.c = a, b, c


CHANGES = {"Net.a": 7, "Encoder.dim": 9}


@pytest.fixture(autouse=True)
def tracked(track):
    track(Encoder)
    track(Net)


def between(call: Callable[[], Any], do: Callable[[], None]) -> Iterator[Any]:
    """What *call* makes when *do* happens before the first, the second, … instruction of the hook and of the constructor."""
    number = 0
    while True:
        left, number = number, number + 1

        def traced(frame: Any, event: str, argument: object) -> Any:
            nonlocal left
            frame.f_trace_opcodes = True
            # What the hook calls is begat's own affair, which its guard is for.
            if event == "opcode" and (frame.f_code.co_filename.startswith("<begat enter") or frame.f_code is code):
                left -= 1
                if left == -1:
                    sys.settrace(None)
                    do()
            return traced

        code = Net.__init__.__code__
        sys._getframe().f_trace_opcodes = True  # Python 3.12 looks whether anybody asks for them when tracing begins
        sys.settrace(traced)
        try:
            made = call()
        except Stop as stop:
            made = stop
        finally:
            sys.settrace(None)
        if left >= 0:
            return
        yield made


def test_a_handler_may_build_anywhere():
    """A signal handler or a finalizer that builds, overridden too, takes no other call's arguments, and leaves its own."""
    handled: list[Any] = []

    with begat.override(CHANGES):
        nets = list(between(lambda: Net(3), lambda: handled.append(Encoder(5))))

    assert len(nets) > 100
    assert {(net.a, net.b, net.c) for net in nets} == {(7, 1, ())}
    assert {encoder.dim for encoder in handled} == {9}


def test_a_handler_may_let_wait_anywhere():
    """What is deferred in the middle of another call waits, and the other call does not."""
    handled: list[Any] = []

    def later() -> None:
        with begat.deferred(Encoder):
            handled.append(Encoder(5))

    with begat.override(CHANGES):
        nets = list(between(lambda: Net(3), later))

        assert all(begat.is_lazy(encoder) for encoder in handled)
        assert {begat.materialize(encoder).dim for encoder in handled} == {9}
    assert {net.a for net in nets} == {7}


def test_an_interrupted_call_leaves_nothing_for_the_next():
    """After an interrupt anywhere in an overridden call the next one, which waits, is built with its own arguments."""

    def stop() -> None:
        raise Stop

    with begat.override(CHANGES):
        for made in between(lambda: Net(3), stop):
            with begat.deferred(Encoder):
                encoder = Encoder(5)

            assert type(made) is Stop
            assert begat.is_lazy(encoder)
            assert begat.materialize(encoder).dim == 9


def test_a_refusal_shows_no_frame_of_begat():
    """What cannot be honoured is raised by the constructor's own line."""
    with pytest.raises(OverrideError) as caught, begat.override({"Net.b": "many"}):
        Net(3)

    trace = caught.tb
    files = []
    while trace is not None:
        files.append(trace.tb_frame.f_code.co_filename)
        trace = trace.tb_next
    assert set(files) == {__file__}
