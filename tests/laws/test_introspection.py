"""What a tracked class says of itself is what it said before."""

from __future__ import annotations

import inspect
import pydoc
import re
import typing
from typing import Any

import pytest

import zoo
from begat.intercept.woven import original
from begat.introspect.targets import code_fingerprint
from zoo_support.tracking import recording


def says(question: Any, thing: Any) -> object:
    """The answer, or the exception that is the answer; without addresses."""
    try:
        try:
            answer = question(thing)
        except SystemError:  # CPython 3.11 and another syntax tree that is begun meanwhile, in a finalizer or a thread
            answer = question(thing)
    except Exception as problem:  # a refusal to answer must stay the same refusal
        answer = f"{type(problem).__qualname__}: {problem}"
    return re.sub(r"0x[0-9a-f]{6,}", "0x", answer) if isinstance(answer, str) else answer


def constructor(cls: Any) -> Any:
    for name in ("__init__", "__new__"):
        function = getattr(cls, name)
        if hasattr(function, "__code__"):
            return function
    return object


QUESTIONS = {
    "signature": lambda cls: str(inspect.signature(cls)),
    "signature of the constructor": lambda cls: str(inspect.signature(constructor(cls))),
    "full argument specification": lambda cls: inspect.getfullargspec(constructor(cls)),
    "parameters": lambda cls: [
        (p.name, p.kind, id(p.default)) for p in inspect.signature(constructor(cls)).parameters.values()
    ],
    "call arguments": lambda cls: repr(inspect.getcallargs(constructor(cls), None)),
    "help": lambda cls: pydoc.plain(pydoc.render_doc(cls)),
    "documentation": lambda cls: (cls.__doc__, constructor(cls).__doc__, inspect.getdoc(constructor(cls))),
    "source": inspect.getsource,
    "source of the constructor": lambda cls: inspect.getsource(constructor(cls)),
    "file": lambda cls: inspect.getsourcefile(constructor(cls)),
    "type hints": lambda cls: str(typing.get_type_hints(constructor(cls))),
    "names": dir,
    "members": lambda cls: sorted(vars(cls)),
    "defaults": lambda cls: (
        repr(constructor(cls).__defaults__),
        repr(constructor(cls).__kwdefaults__),
        list(constructor(cls).__defaults__ or ()),
        dict(constructor(cls).__kwdefaults__ or {}),
        constructor(cls).__defaults__ == tuple(constructor(cls).__defaults__ or ()),
    ),
    "closure": lambda cls: inspect.getclosurevars(constructor(cls)).nonlocals.keys(),
    "unwrapped": lambda cls: inspect.unwrap(constructor(cls)) is constructor(cls),
    "names of the function": lambda cls: (
        constructor(cls).__name__,
        constructor(cls).__qualname__,
        constructor(cls).__module__,
        sorted(vars(constructor(cls))),
    ),
    "code": lambda cls: [
        getattr(constructor(cls).__code__, part)
        for part in (
            "co_name",
            "co_qualname",
            "co_filename",
            "co_firstlineno",
            "co_flags",
            "co_argcount",
            "co_posonlyargcount",
            "co_kwonlyargcount",
            "co_varnames",
            "co_freevars",
            "co_cellvars",
            "co_nlocals",
        )
    ],
    "lines": lambda cls: sorted({line for *_, line in constructor(cls).__code__.co_lines() if line is not None}),
    "fingerprint": lambda cls: code_fingerprint(cls, original),
    "abstract methods": lambda cls: sorted(getattr(cls, "__abstractmethods__", ())),
    "module and name": lambda cls: (cls.__module__, cls.__qualname__, repr(cls), cls.__mro__),
}


@pytest.mark.parametrize("animal", [a for a in zoo.TRACKABLE if a.name != "empty"], ids=repr)
def test_a_tracked_class_answers_as_before(animal, track):
    """signature, help, source, type hints, documentation, vars: tracking changes no answer, listening or not."""
    cls = animal.make()
    before = {name: says(question, cls) for name, question in QUESTIONS.items()}

    track(cls)
    idle = {name: says(question, cls) for name, question in QUESTIONS.items()}
    with recording():
        listening = {name: says(question, cls) for name, question in QUESTIONS.items()}

    assert idle == before
    assert listening == before


def test_an_empty_class_still_shows_no_signature(track):
    """A class without constructor keeps its documentation and its source when tracked, and what ``C.__init__`` is."""

    class Empty:
        """Nothing."""

    asked = {name: QUESTIONS[name] for name in ("documentation", "source", "module and name")}
    before = {name: says(question, Empty) for name, question in asked.items()}

    track(Empty)

    assert {name: says(question, Empty) for name, question in asked.items()} == before
    assert Empty.__init__ is object.__init__


def test_functions_built_from_a_tracked_one_keep_its_defaults(track):
    """Code that copies a constructor by its parts (as mocks and compilers do) gets a function that works."""
    import types

    class C:
        def __init__(self, a, b=2, *, c=(3,)):
            self.state = (a, b, c)

    track(C)
    f = C.__init__
    exact = types.FunctionType(f.__code__, f.__globals__, f.__name__, f.__defaults__, f.__closure__)
    exact.__kwdefaults__ = f.__kwdefaults__
    plain = types.FunctionType(f.__code__, f.__globals__, f.__name__, tuple(f.__defaults__), f.__closure__)
    plain.__kwdefaults__ = dict(f.__kwdefaults__)

    class D:
        pass

    for copy in (exact, plain):
        thing = D()
        copy(thing, 1)
        assert thing.state == (1, 2, (3,))


def test_defaults_assigned_while_tracked_count(track):
    """Whoever assigns ``__defaults__`` or ``__kwdefaults__`` of a tracked constructor changes its defaults."""
    import begat

    class C:
        def __init__(self, a, b=2, *, c=3):
            self.state = (a, b, c)

    track(C)
    C.__init__.__defaults__ = (20,)
    C.__init__.__kwdefaults__ = {"c": 30}
    with begat.capture() as run:
        made = C(1)

    assert made.state == (1, 20, 30)
    assert run.nodes[0].params == {"a": 1, "b": 20, "c": 30}
