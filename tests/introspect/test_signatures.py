"""Signatures as `inspect` gives them, without `inspect`; annotations as people write them."""

from __future__ import annotations

import collections.abc
import inspect
import pathlib
import sys
import types
import typing
from typing import Annotated, Any, Callable, Generic, List, Literal, Optional, TypeVar, Union

import pytest
from hypothesis import given
from hypothesis import strategies as st

from begat.introspect.signatures import Parameters, annotations, parameters, short

T = TypeVar("T")


def of(function):
    return parameters(function, function.__code__)


def test_all_kinds_of_parameters():
    """Every kind of parameter is found in its place, with its default."""

    def f(a, b=1, /, c=2, *rest, d, e=3, **more):
        local = a
        return local

    assert of(f) == Parameters(
        positional=("a", "b", "c"),
        positional_only=2,
        keyword_only=("d", "e"),
        var_positional="rest",
        var_keyword="more",
        defaults={"b": 1, "c": 2, "e": 3},
    )


def test_defaults_are_the_objects_themselves():
    """A default is the live object, not a copy."""
    shared = []

    def f(x=shared): ...

    assert of(f).defaults["x"] is shared


def test_code_may_be_another_than_the_functions_own():
    """Names come from the code given, defaults from the function: the function's own code may have been rewoven."""

    def f(a, b=2): ...

    original = f.__code__
    f.__code__ = (lambda *args, **kwargs: None).__code__

    assert parameters(f, original).positional == ("a", "b")
    assert parameters(f, original).defaults == {"b": 2}


@given(
    only=st.integers(0, 3),
    plain=st.integers(0, 3),
    keyword=st.lists(st.booleans(), max_size=3),
    star=st.booleans(),
    stars=st.booleans(),
    data=st.data(),
)
def test_agrees_with_inspect(only, plain, keyword, star, stars, data):
    """For any signature the answer is that of `inspect.signature`."""
    defaulted = data.draw(st.integers(0, only + plain))
    names = [f"p{i}" for i in range(only + plain)]
    first = len(names) - defaulted
    parts = [name if i < first else f"{name}={i}" for i, name in enumerate(names)]
    parts[only:only] = ["/"] * bool(only)
    parts += ["*args"] if star else ["*"] * bool(keyword)
    parts += [f"k{i}={i}" if has else f"k{i}" for i, has in enumerate(keyword)]
    parts += ["**kwargs"] * stars
    space = {}
    exec(f"def f({', '.join(parts)}):\n    inner = 1", space)

    got = of(space["f"])

    expected = inspect.signature(space["f"]).parameters.values()
    by_kind = {kind: tuple(p.name for p in expected if p.kind is kind) for kind in inspect._ParameterKind}
    K = inspect.Parameter
    assert got.positional == by_kind[K.POSITIONAL_ONLY] + by_kind[K.POSITIONAL_OR_KEYWORD]
    assert got.positional_only == len(by_kind[K.POSITIONAL_ONLY])
    assert got.keyword_only == by_kind[K.KEYWORD_ONLY]
    assert (got.var_positional,) == (by_kind[K.VAR_POSITIONAL] or (None,))
    assert (got.var_keyword,) == (by_kind[K.VAR_KEYWORD] or (None,))
    assert list(got.defaults.items()) == [(p.name, p.default) for p in expected if p.default is not p.empty]


def test_private_names_are_mangled_alike():
    """A private parameter has the name the interpreter binds, in names and defaults."""

    class C:
        def f(self, __a, *, __b=1): ...

    assert of(C.f).positional == ("self", "_C__a")
    assert of(C.f).defaults == {"_C__b": 1}


class Outer:
    class Inner: ...


class Angry(type):
    def __getattribute__(cls, name):
        raise RuntimeError(name)


class Loud:
    def __repr__(self):
        raise RuntimeError("asked")


class Box(Generic[T]): ...


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (int, "int"),
        (None, "None"),
        (type(None), "None"),
        ("torch.Tensor | None", "torch.Tensor | None"),
        (Outer.Inner, f"{__name__}.Outer.Inner"),
        (pathlib.Path, "pathlib.Path"),
        (types.FunctionType, "function"),
        (int | None, "int | None"),
        (pathlib.PurePosixPath | int, None),
        (list[int], "list[int]"),
        (dict[str, list[int]] | None, "dict[str, list[int]] | None"),
        (tuple[int, ...], "tuple[int, ...]"),
        (List[int], "List[int]"),
        (Literal["a", 1], "Literal['a', 1]"),
        (Callable[[int], str], "Callable[[int], str]"),
        (collections.abc.Sequence[int], "collections.abc.Sequence[int]"),
        (Annotated[int, "positive"], "Annotated[int, 'positive']"),
        (List["Net"], "List[Net]"),
        (Box[int], f"{__name__}.Box[int]"),
        (Any, "Any"),
        (T, "T"),
        (3, "3"),
        (..., "..."),
        (Loud(), "<Loud>"),
        (Annotated[int, Loud()], None),
        ("x" * 1000, None),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 30 else type.__name__,
)
def test_short(annotation, text):
    """An annotation reads as one would write it; whatever it is, there is a text of bounded length."""
    got = short(annotation)

    assert 0 < len(got) <= 200
    if text is not None:
        assert got == text


def test_short_asks_no_metaclass():
    """A class whose metaclass refuses every question still has its name."""
    text = short(Angry("A", (), {}))

    assert text == f"{__name__}.A"


@pytest.mark.parametrize("annotation", [Optional[int], Union[int, None]])
def test_short_optional(annotation):
    """Optional is written in one of its two spellings."""
    assert short(annotation) in ("Optional[int]", "int | None")


def test_annotations_are_texts_by_parameter():
    """Annotations come by parameter name; the return annotation is left out."""

    def f(a: int, b: "str" = "", *c: list[int], d: Optional[Nowhere] = None) -> None: ...  # noqa: F821

    found = annotations(f)

    # This file has postponed evaluation: the text is as written.
    assert found == {"a": "int", "b": "'str'", "c": "list[int]", "d": "Optional[Nowhere]"}


def test_annotations_that_are_objects():
    """Evaluated annotations are named readably."""
    space = {"typing": typing}
    exec(compile("def f(a: int, b: 'X', c: typing.Sequence[int] = ()): ...", "f", "exec", dont_inherit=True), space)

    written = "typing.Sequence[int]" if sys.version_info >= (3, 14) else "Sequence[int]"
    assert annotations(space["f"]) == {"a": "int", "b": "X", "c": written}


@pytest.mark.skipif(sys.version_info < (3, 14), reason="annotations are evaluated late from Python 3.14 on")
def test_annotations_are_not_evaluated():
    """Reading annotations does not run them."""
    space = {"ran": []}
    exec(compile("def f(a: ran.append(1), b: missing): ...", "f", "exec", dont_inherit=True), space)

    assert annotations(space["f"]) == {"a": "ran.append(1)", "b": "missing"}
    assert space["ran"] == []


class Trap:
    @property
    def __annotations__(self):
        raise RuntimeError("asked")


@pytest.mark.parametrize("thing", [Trap(), object.__init__, len, None, 3, types.SimpleNamespace(__annotations__=7)])
def test_annotations_never_raise(thing):
    """What has no readable annotations has none."""
    assert annotations(thing) == {}
