"""Values for people: `plain` is JSON, `text` is one harmless line."""

from __future__ import annotations

import datetime
import decimal
import json
import pathlib
import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from begat.record.names import called
from begat.record.plain import escaped, fresh, in_order, plain, text
from begat.record.values import Alias, Array, Cut, Made, Mapping, Member, Opaque, Redacted, Ref, Symbol, Typed

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters()),
    st.binary(max_size=9),
    st.builds(Ref, st.integers(0, 9)),
    st.just(Redacted("str", "name")),
    st.builds(Alias, st.just("a.0")),
    st.builds(Cut, st.just("str"), st.just(99), st.text(st.characters(), max_size=5)),
    st.datetimes(),
    st.decimals(),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(
            st.one_of(st.none(), st.booleans(), st.integers(), st.text(st.characters())), inner, max_size=4
        ),
        st.builds(Typed, st.just("collections:OrderedDict"), inner),
        st.builds(lambda k, v: Mapping(((k, v),)), inner, inner),
    ),
    max_leaves=12,
)

EXAMPLES = [
    ((1, [2, (3,)]), [1, [2, [3]]]),
    ({3, 1, 2}, [1, 2, 3]),
    (frozenset({"b", "a", 2, True}), [True, 2, "a", "b"]),
    ({1: "a", "1": "b", None: 0}, {"1": "a", "1:2": "b", "None": 0}),
    (float("nan"), "nan"),
    (float("-inf"), "-inf"),
    (b"ab", "b'ab'"),
    (1 << 100_000, "<int of 100,001 bits>"),
    (Symbol("torch:relu", "function"), "torch:relu"),
    (Symbol("train:main.<locals>.<lambda>", "function", importable=False), "<lambda train:main.<locals>.<lambda>>"),
    (Symbol("train:main.<locals>.f", "function", importable=False), "<function train:main.<locals>.f>"),
    (Member("m:Color", "RED", 1), "RED"),
    (Typed("torch:dtype", "torch.float32"), "torch.float32"),
    (Typed("torch:dtype", "float32"), "torch.float32"),
    (Typed("numpy:float64", 0.5), 0.5),
    (Typed("collections:OrderedDict", {"a": (1,)}), {"a": [1]}),
    (Array("numpy:ndarray", "float64", (2,), [1.0, float("inf")]), [1.0, "inf"]),
    (Opaque("pandas.core.frame:DataFrame", {"shape": (1797, 65)}), "<pandas DataFrame 1797x65>"),
    (Opaque("torch:Tensor", {"shape": (3,), "dtype": "torch.int8"}), "<torch Tensor 3 torch.int8>"),
    (Opaque("builtins:generator"), "<generator>"),
    (Opaque("mylib:Vocab", {"length": 12}), "<mylib Vocab of 12>"),
    (Cut("str", 5000, "abc"), "abc… (5,000 characters)"),
    (Cut("list", 5000, [1, 2]), [1, 2, "… (5,000 items)"]),
    (Cut("dict", 5000, {"a": 1}), {"a": 1, "…": "(5,000 items)"}),
    (Cut("int", 90_000), "<int of 90,000 bits>"),
    (Redacted("str", "name"), "***"),
    (Alias("a.0"), "@model.a.0"),
    (Alias(""), "@model"),
    (Made(Symbol("builtins:list")), []),
    (Made(Symbol("builtins:dict")), {}),
    (Made(Symbol("m:Optim")), "<factory m:Optim>"),
    (Ref(7), "@#7"),
    (Mapping((((1, 2), "a"), ((3,), "b"))), {"(1, 2)": "a", "(3,)": "b"}),
    (datetime.datetime(2026, 1, 2, 3, 4), "2026-01-02T03:04:00"),
    (datetime.timedelta(seconds=90), "0:01:30"),
    (decimal.Decimal("1.10"), "1.10"),
    (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
    (pathlib.PurePosixPath("/a/b"), "/a/b"),
    (re.compile("a+"), "a+"),
    (range(3), "range(0, 3)"),
    (..., "..."),
    (1 + 2j, "(1+2j)"),
    ("a\udc80", "a\\udc80"),
]


@pytest.mark.parametrize(("value", "expected"), EXAMPLES, ids=lambda value: type(value).__name__)
def test_every_kind_of_value_has_a_plain_form(value, expected):
    """Each kind of value becomes the JSON-ready data that a reader expects."""
    assert plain(value, at="model") == expected


@pytest.mark.parametrize(("kind", "name"), [("numpy:ndarray", "array"), ("torch:Tensor", "tensor"), ("m:Mine", "Mine")])
def test_an_array_does_not_read_like_a_list(kind, name):
    """Who reads a line of code can tell what was passed."""
    assert text(Array(kind, "int64", (2,), [1, 2])) == f"{name}([1, 2])"


@given(VALUES)
def test_plain_is_strict_json(value):
    """Whatever a record holds, its plain form is strict JSON in UTF-8 that reads back as itself."""
    done = plain(value)

    assert json.loads(json.dumps(done, allow_nan=False, ensure_ascii=False).encode()) == done


@given(VALUES, st.integers(2, 60))
def test_text_is_one_harmless_line(value, limit):
    """The text of a value has no character that a terminal obeys, and is never longer than asked."""
    line = text(value, limit=limit)

    assert line.isprintable()
    assert len(line) <= limit


@given(
    st.recursive(st.integers() | st.text() | st.none(), lambda inner: st.lists(inner) | st.tuples(inner), max_leaves=9)
)
def test_text_of_builtins_is_their_repr(value):
    """Ordinary data reads as Python writes it."""
    assert text(value) == repr(value)


LEN, INT = Symbol("builtins:len", "function"), Symbol("builtins:int")


@pytest.mark.parametrize(
    ("value", "spelled"),
    [
        (
            Typed("functools:partial", {"func": LEN, "args": ([1],), "keywords": {"eps": 1e-5}}),
            "partial(len, [1], eps=1e-05)",
        ),
        (Typed("types:GenericAlias", {"origin": Symbol("builtins:dict"), "args": (INT, INT)}), "dict[int, int]"),
        (Typed("types:UnionType", (INT, Symbol("builtins:NoneType", importable=False))), "int | None"),
        (Typed("functools:partial", 3), "3"),
    ],
)
def test_some_values_are_spelled_as_in_code(value, spelled):
    """Partial calls and types read as somebody wrote them."""
    assert text(value) == spelled


def test_text_of_a_long_list_costs_only_its_head():
    """Eliding stops at the limit instead of writing everything first."""

    class Counting(int):
        seen = 0

        def __repr__(self):
            Counting.seen += 1
            return "1"

    assert len(text([Counting()] * 100_000, limit=20)) == 20
    assert Counting.seen < 50


@given(st.sets(st.one_of(st.integers(), st.text(max_size=3), st.booleans(), st.floats(allow_nan=False))))
def test_sets_have_one_order(items):
    """The order of a set's items does not depend on how the set was made."""
    assert in_order(items) == in_order(reversed(list(items)))


def test_a_taken_key_gets_a_number():
    """`fresh` never returns a key that is taken."""
    assert fresh("a", {"a": 1, "a:2": 1}) == "a:3"
    assert fresh("b", {"a": 1}) == "b"


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("m:Net", "Net"),
        ("m:Outer.Net", "Net"),
        ("t:AutoModel.from_pretrained", "AutoModel.from_pretrained"),
        ("m:f.<locals>.g", "g"),
    ],
)
def test_targets_are_called_as_in_code(target, name):
    """A class goes by its own name, a factory method by its class and itself."""
    assert called(target) == name


def test_escaped_keeps_what_can_be_printed():
    """Letters of any language stay; escape sequences and marks that reorder text do not."""
    assert escaped("größe 模型") == "größe 模型"
    assert escaped("\x1b[2J\u202eX\n") == "\\x1b[2J\\u202eX\\n"
