"""Annotations as people write them."""

from __future__ import annotations

import collections.abc
import pathlib
import sys
import types
import typing
from typing import Annotated, Any, Callable, Generic, List, Literal, Optional, TypeVar, Union

import pytest

from begat.introspect.signatures import annotations, short

T = TypeVar("T")


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
