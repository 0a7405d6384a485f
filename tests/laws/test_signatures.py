"""For any signature and any call, the record says what ``inspect.signature(...).bind`` says."""

from __future__ import annotations

import inspect
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

import begat
import strategies


def plain_and_tracked(heading: strategies.Heading) -> tuple[type, type]:
    """Two classes with the same constructor, which notes its arguments."""
    stored = [f"    {heading.first}.__dict__[{name!r}] = {name}" for name in heading.names]
    classes = []
    for _ in range(2):
        space: dict[str, Any] = {"_defaults": heading.defaults}
        exec(heading.source("\n".join(stored) or "    pass"), space)
        classes.append(type("C", (), {"__init__": space["__init__"], "__module__": __name__}))
    return classes[0], classes[1]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_call_of_any_signature(data):
    """Names, order, values and sources are those of the bound call; what cannot be bound is refused in the same words."""
    heading = data.draw(strategies.headings())
    args, kwargs = data.draw(strategies.calls(heading))
    plain, tracked = plain_and_tracked(heading)
    signature = inspect.signature(plain.__init__)
    # bind, unlike the interpreter, refuses a keyword for **kwargs that is also a positional-only name.
    assume(not any(p.name in kwargs for p in signature.parameters.values() if p.kind is p.POSITIONAL_ONLY))
    begat.trackable(tracked)

    try:
        with begat.capture() as run:
            try:
                expected = plain(*args, **kwargs)
            except TypeError as refusal:
                text, expected = str(refusal), None
            try:
                made = tracked(*args, **kwargs)
            except TypeError as refusal:
                assert expected is None
                assert str(refusal) == text
                made = None
    finally:
        begat.untrack(tracked)

    if expected is None:
        assert made is None
        assert run.nodes == ()
        return
    assert made is not None
    assert vars(made) == vars(expected)
    bound = signature.bind(None, *args, **kwargs)
    given_names = set(bound.arguments)
    bound.apply_defaults()
    (_, *wanted) = bound.arguments.items()
    (node,) = run.nodes
    assert list(node.params.items()) == wanted
    stars = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    for name, _ in wanted:
        if name in given_names or signature.parameters[name].kind not in stars:
            assert node.arguments[name].source == ("given" if name in given_names else "default")


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_a_signature_reads_the_same_while_tracked(data):
    """signature, getfullargspec and the defaults themselves are equal, and each default is the identical object."""
    heading = data.draw(strategies.headings())
    _, cls = plain_and_tracked(heading)
    before = inspect.signature(cls.__init__)
    specification = inspect.getfullargspec(cls.__init__)
    defaults, keywords = cls.__init__.__defaults__, cls.__init__.__kwdefaults__

    begat.trackable(cls)
    during = inspect.signature(cls.__init__)
    assert inspect.getfullargspec(cls.__init__) == specification
    assert cls.__init__.__defaults__ == defaults
    assert cls.__init__.__kwdefaults__ == keywords
    begat.untrack(cls)

    assert during == before
    assert all(during.parameters[name].default is p.default for name, p in before.parameters.items())
    assert cls.__init__.__defaults__ is defaults
    assert cls.__init__.__kwdefaults__ is keywords
