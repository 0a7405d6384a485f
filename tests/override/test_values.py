"""The text of an override as a value of the parameter's own type."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import math
import pathlib
import uuid
import warnings
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, Literal, Optional, Union

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, TypeAdapter

from begat.introspect.imports import named
from begat.replay.literals import UNKNOWN, literal
from begat.replay.validate import _PLAIN, check, fits, read


class Color(enum.Enum):
    RED = 1
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


@dataclasses.dataclass
class Schedule:
    lr: float
    warmup: int = 3


class Nameless:
    def __call__(self) -> None: ...


def resolve(path: str) -> Any:
    return named(path, globals())


def value(text: str, annotation: Any = UNKNOWN, current: Any = UNKNOWN) -> Any:
    return read(text, annotation, current, resolve)


BY_ANNOTATION = [
    # booleans, of which the text is never just true because it is there
    ("False", bool, False), ("false", bool, False), ("no", bool, False), ("0", bool, False), ("off", bool, False),
    ("True", bool, True), ("yes", bool, True), ("on", bool, True), ("1", bool, True), ("yes", bool | None, True),
    ("false", str | bool, False), ("true", bool | str, True), ("falsehood", str | bool, "falsehood"),
    # numbers
    ("1e-3", float, 0.001), ("3", float, 3.0), ("1e3", int, 1000), ("1_000", int, 1000), ("0x10", int, 16), ("007", int, 7),
    ("inf", float, math.inf), ("3", int | float, 3), ("3.5", int | float, 3.5), ("1e-3", int | float, 0.001), ("3", float | int, 3),
    ("1.5", decimal.Decimal, decimal.Decimal("1.5")), ("2", np.float32, np.float32(2)), ("1+2j", complex, 1 + 2j),
    # nothing
    ("none", int | None, None), ("null", Optional[int], None), ("None", str | None, None), ("none", str, "none"),
    ("none", bool | None, None), ("'none'", str | None, "none"),
    # text
    ("123", str, "123"), ("true", str, "true"), ("'x y'", str, "x y"), ("a=b,c", str, "a=b,c"), ("ünï", str, "ünï"), ("a\nb", str, "a\nb"),
    ("", str, ""), ("1e400", str, "1e400"), ('say "no"', str, 'say "no"'), ("x", bytes, b"x"),
    # containers
    ("[1,2]", list[int], [1, 2]), ("1,2", list[int], [1, 2]), ("[1,2]", tuple[int, int], (1, 2)), ("(1,2)", list, [1, 2]),
    ("[a, b]", list[str], ["a", "b"]), ("a,b", list[str], ["a", "b"]), ("[[1,2],[3]]", list[list[int]], [[1, 2], [3]]),
    ("{a: 1, b: x}", dict[str, int | str], {"a": 1, "b": "x"}), ('{"a": [1]}', dict[str, list[int]], {"a": [1]}),
    ("{1:2}", dict[int, int], {1: 2}), ("{a,b}", set[str], {"a", "b"}), ("[3]", Sequence[int], [3]),
    ("[1,2]", Union[int, list[int]], [1, 2]), ("[1,2]", int | tuple[int, int], (1, 2)),
    # one of several
    ("adam", Literal["adam", "sgd"], "adam"), ("1", Literal[1, 2], 1), ("True", Literal[True, "auto"], True),
    ("auto", float | Literal["auto"], "auto"), ("0.1", float | Literal["auto"], 0.1), ("a,b", Literal["a,b"], "a,b"),
    ("RED", Color, Color.RED), ("1", Color, Color.RED), ("blue", Color, Color.BLUE), ("Color.RED", Color | None, Color.RED),
    ("HIGH", Level, Level.HIGH), ("2", Level, Level.HIGH),
    # common kinds
    ("a/b", pathlib.Path, pathlib.Path("a/b")), ("12:30", datetime.time, datetime.time(12, 30)),
    ("2020-01-01", datetime.date, datetime.date(2020, 1, 1)), ("float32", np.dtype, np.dtype("float32")),
    ("{lr: 0.1}", Schedule, Schedule(0.1)), ('{"lr": 0.1, "warmup": 4}', Schedule, Schedule(0.1, 4)),
    ("5", Annotated[int, Field(gt=3)], 5), ("3", Final[int], 3),
    # code
    ("math.sqrt", Callable[[float], float], math.sqrt), ("math:sqrt", Callable, math.sqrt), ("Color", type[enum.Enum], Color),
    ("collections.OrderedDict", type[dict], collections.OrderedDict), ("relu", str | Callable, "relu"),
    ("math.sqrt", str | Callable, math.sqrt),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "annotation", "expected"), BY_ANNOTATION, ids=[str(row[0])[:30] for row in BY_ANNOTATION]
)
def test_the_annotation_says_what_the_text_means(text, annotation, expected):
    """What the parameter is annotated with decides, whatever stands there now."""
    found = value(text, annotation)

    assert found == expected
    assert type(found) is type(expected)


REPLACED = [
    ("False", True, False), ("no", True, False), ("on", False, True),
    ("2", 1, 2), ("0.5", 1, 0.5), ("1.0", 1, 1.0), ("1e3", 1, 1000), ("007", 3, 7), ("1_000", 3, 1000), ("3", 1.0, 3.0), ("1e-3", 1.0, 0.001),
    ("-inf", 1.0, -math.inf), ("inf", 1, math.inf),
    ("123", "x", "123"), ("no", "x", "no"), ("12:30", "x", "12:30"), ("2020-01-01", "x", "2020-01-01"), ("007", "x", "007"), ("1e400", "x", "1e400"),
    ("none", "x", None), ("null", 3, None), ("None", [1], None), ("'none'", "x", "none"), ("'3'", 3, "3"), ("", "x", ""),
    ("[1,2]", (3, 4), (1, 2)), ("(1,2)", [1], [1, 2]), ("[a, b]", ["x"], ["a", "b"]), ("a,b", ("x",), ("a", "b")), ("[1]", {2}, {1}),
    ("[true, null, x]", [1], [True, None, "x"]), ("{a: 1, b: [c]}", {}, {"a": 1, "b": ["c"]}), ("[12:30, x]", [1], ["12:30", "x"]),
    ("RED", Color.BLUE, Color.RED), ("1", Color.BLUE, Color.RED), ("Color.RED", Color.BLUE, Color.RED),
    ("x", pathlib.PurePosixPath("y"), pathlib.PurePosixPath("x")), ("x", b"y", b"x"),
    ("1.5", decimal.Decimal(2), decimal.Decimal("1.5")), ("3", np.float32(2), np.float32(3)), ("float32", np.dtype("float64"), np.dtype("float32")),
    ("2020-01-01", datetime.date(1999, 1, 1), datetime.date(2020, 1, 1)), (str(uuid.UUID(int=1)), uuid.UUID(int=2), uuid.UUID(int=1)),
    ("math.sqrt", math.sin, math.sqrt), ("math.sqrt", np.mean, math.sqrt), ("math.sqrt", np.add, math.sqrt), ("Level", Color, Level),
    ("3", None, 3), ("x", None, "x"), ("none", None, None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "current", "expected"), REPLACED, ids=[str(row[0])[:30] for row in REPLACED])
def test_without_annotation_the_replaced_value_says_it(text, current, expected):
    """scikit-learn annotates nothing: the kind of value that is replaced decides."""
    found = value(text, current=current)

    assert found == expected
    assert type(found) is type(expected)


LITERALS = [
    ("256", 256), ("1e-3", 0.001), ("none", None), ("TRUE", True), ("[1, x]", [1, "x"]), ("1,2", (1, 2)), ("a,b", "a,b"),
    ("no", "no"), ("12:30", "12:30"), ("2020-01-01", "2020-01-01"), ("@file", "@file"), ("${env:HOME}", "${env:HOME}"), ("007", "007"),
    ("!!python/object:os.system", "!!python/object:os.system"), ("__import__('os').getcwd()", "__import__('os').getcwd()"), ("1+1", "1+1"),
    ("lambda: 1", "lambda: 1"), ("_x", "_x"), ("[__import__('os')]", "[__import__('os')]"), ("[" * 90_000, "[" * 90_000), ("{[1]: 2}", "{[1]: 2}"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), LITERALS, ids=[str(row[0])[:30] for row in LITERALS])
def test_with_neither_it_is_a_literal_or_text(text, expected):
    """Python's literals are read, everything else stays the text it is: nothing is ever executed."""
    found = value(text)

    assert found == expected
    assert type(found) is type(expected)


REFUSED = [
    ("maybe", bool, UNKNOWN, "boolean"), ("2", bool, UNKNOWN, "boolean"), ("3.5", int, UNKNOWN, "integer"), ("true", int, UNKNOWN, "integer"),
    ("none", int, UNKNOWN, "integer"), ("1e400", float, UNKNOWN, "beyond"), ("1e400", UNKNOWN, 0.5, "beyond"), ("adm", Literal["adam", "sgd"], UNKNOWN, "'adam'"),
    ("3", Literal[1, 2], UNKNOWN, "1 or 2"), ("green", Color, UNKNOWN, "RED, BLUE"), ("2", Annotated[int, Field(gt=3)], UNKNOWN, "greater than 3"),
    ("1", list[int], UNKNOWN, "list"), ("[1, x]", list[int], UNKNOWN, "at 1: "), ("{warmup: 1}", Schedule, UNKNOWN, "lr"), ("nothing.here", Callable, UNKNOWN, "import path"),
    ("int", type[dict], UNKNOWN, "dict"), ("x", Nameless, UNKNOWN, "in Python"), ("x", np.random.Generator, UNKNOWN, "in Python"),
    ("x", UNKNOWN, True, "true or false"), ("3", UNKNOWN, True, "true or false"), ("x", UNKNOWN, 1, "number"), ("true", UNKNOWN, 1, "number"),
    ("1", UNKNOWN, [1], "list"), ("[1", UNKNOWN, [1], "list"), ("[1]", UNKNOWN, {}, "mapping"), ("green", UNKNOWN, Color.RED, "RED, BLUE"),
    ("nothing.here", UNKNOWN, math.sin, "import path"), ("x", UNKNOWN, Nameless(), "in Python"), ("x", UNKNOWN, decimal.Decimal(1), "Decimal"),
    ("abc", UNKNOWN, np.float32(2), "float32"), ("", int, UNKNOWN, "integer"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "annotation", "current", "said"), REFUSED, ids=[str(row[0])[:30] for row in REFUSED])
def test_what_does_not_fit_is_refused_with_what_is_expected(text, annotation, current, said):
    """A text that means nothing for the parameter is a ValueError that says what would."""
    with pytest.raises(ValueError, match=said):
        value(text, annotation, current)


def test_an_annotation_that_the_present_value_contradicts_is_wrong():
    """`dropout: int = 0.1` takes 0.2; what is in Python already stays as it is."""
    assert value("0.2", int, 0.1) == 0.2
    assert value("adamw", Literal["sgd"], "adam") == "adamw"
    assert check(0.2, int, 0.1) == 0.2
    with pytest.raises(ValueError):
        check("x", int, 3)


def test_values_of_python_are_brought_into_the_form_of_the_annotation():
    """What fits is handed on as it is, the very object; a list becomes a tuple, a mapping a dataclass."""
    kept = [1, 2]

    assert check(kept, list[int]) is kept
    assert check(kept, tuple[int, ...]) == (1, 2)
    assert check({"lr": 1}, Schedule) == Schedule(1.0)
    assert check(True, int) is True or check(True, int) == 1
    assert check("anything", "Undefined") == "anything"
    assert fits([1], list[int]) and not fits(["a"], list[int])
    assert fits(object(), Any) and fits(3, "Undefined")


def test_pydantic_does_not_warn_the_program():
    """What pydantic thinks of odd annotations is kept from the user's warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert value("3", dataclasses.InitVar[int]) == 3


def test_torch_says_what_it_has_by_name():
    """`torch.float16` and devices, by annotation and by what they replace."""
    torch = pytest.importorskip("torch")

    assert value("torch.float16", current=torch.float32) is torch.float16
    assert value("bfloat16", torch.dtype | None) is torch.bfloat16
    assert value("meta", torch.device) == torch.device("meta")
    assert value("cpu", torch.device | str) == "cpu"
    assert value("torch.nn.GELU", type[torch.nn.Module]) is torch.nn.GELU
    assert value("torch.nn.GELU", current=torch.nn.ReLU) is torch.nn.GELU
    with pytest.raises(ValueError, match="device"):
        value("x y", torch.device)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=10,
)


@given(PLAIN)
def test_what_python_prints_is_read_back(plain):
    """The repr of a plain value means that value, if nothing else says what the text is."""
    text = repr(plain)

    assert literal(text) == plain


@given(st.text())
def test_any_text_is_a_text(text):
    """For a parameter that takes a text, every text is one; only quotes around it are taken off."""
    found = value(text, str)

    assert found == text or repr(found) == text.strip() or isinstance(literal(text), str)


@given(st.text(alphabet="[]{}(),:'\"ab1. \\", max_size=20))
def test_no_text_breaks_the_reader(text):
    """Whatever stands between brackets is a value or none, and never an error."""
    literal(text)


NUMBERS = (
    st.integers().map(str)
    | st.floats().map(repr)
    | st.from_regex(r"[+-]?[0-9]{0,3}\.?[0-9]{0,3}([eE][+-]?[0-9]{1,3})?", fullmatch=True)
)


@given(NUMBERS, st.sampled_from((int, float)))
def test_plain_numbers_are_read_as_pydantic_reads_them(text, kind):
    """Those that need no pydantic are no exception."""
    adapter = TypeAdapter(kind)
    try:
        expected = repr(adapter.validate_strings(text))
    except ValueError:
        expected = "refused"
    found = [repr(kind(text)) for each, form in _PLAIN if each is kind and form.fullmatch(text)]

    assert found in ([], [expected])
