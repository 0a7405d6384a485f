"""Woven code does what the plain code did: random bodies are the oracle test of the weaving."""

from __future__ import annotations

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

import begat
import strategies
from zoo_support.portrait import observe, traced

CALLS = [((1,), {}), ((0, 5, 6), {"c": 1, "k": 2}), ((2, 1), {"b": 3}), ((3,), {"c": 0})]


def lives(source: str, look, *, track: bool, listen: bool) -> list[object]:
    """What *look* sees of each call of the class in *source*."""
    cls, fuel = strategies.compiled(source)
    if track:
        begat.trackable(cls)
    seen = []
    try:
        with begat.capture() if listen else begat.paused():
            for args, kwargs in CALLS:
                fuel[:] = [0]
                seen.append(look(cls, *args, **kwargs))
    finally:
        begat.untrack(cls)
    return seen


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(strategies.bodies())
def test_any_body_runs_the_same(source):
    """Result, final state, exception and traceback of any constructor: plain ≡ woven and idle ≡ woven and recording."""
    plain = lives(source, observe, track=False, listen=True)

    idle = lives(source, observe, track=True, listen=False)
    recording = lives(source, observe, track=True, listen=True)

    event("raises" if any(p.error for p in plain) else "returns")
    assert idle == plain
    assert recording == plain


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(strategies.bodies(), st.booleans())
def test_any_body_is_traced_the_same(source, listen):
    """A trace function is told the same calls, lines, returns and exceptions."""
    assert lives(source, traced, track=True, listen=listen) == lives(source, traced, track=False, listen=listen)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(strategies.bodies())
def test_any_body_leaves_one_node_with_its_outcome(source):
    """One node for each call that reached the constructor, raised exactly where the call raised."""
    cls, fuel = strategies.compiled(source)
    begat.trackable(cls)
    ended = []
    try:
        with begat.capture() as run:
            for args, kwargs in CALLS:
                fuel[:] = [0]
                try:
                    cls(*args, **kwargs)
                except TypeError as refusal:
                    if "__init__() got" not in str(refusal):
                        ended.append(("raised", "builtins:TypeError"))
                except BaseException as problem:
                    ended.append(("raised", f"{type(problem).__module__}:{type(problem).__qualname__}"))
                else:
                    ended.append(("returned", None))
    finally:
        begat.untrack(cls)

    assert [(node.outcome, node.error) for node in run.nodes] == ended
