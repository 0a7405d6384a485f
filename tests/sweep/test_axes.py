"""The grammar of a sweep's values."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from begat.errors import SweepError
from begat.sweep.axes import Interval, Points, parse

LISTS = {
    "depth=2,4,6": ("2", "4", "6"),
    "depth=range(2,6)": ("2", "3", "4", "5"),
    "depth=range(3)": ("0", "1", "2"),
    "depth=range(2, 10, 3)": ("2", "5", "8"),
    "depth=range(3,0,-1)": ("3", "2", "1"),
    "depth=1, range(4,6) ,8": ("1", "4", "5", "8"),
    "p=linear(0,1,5)": ("0.0", "0.25", "0.5", "0.75", "1.0"),
    "p=linear(2,10,5)": ("2", "4", "6", "8", "10"),
    "p=linear(0.1,0.3,3)": ("0.1", "0.2", "0.3"),
    "lr=log(1e-5,1e-2,4)": ("1e-05", "0.0001", "0.001", "0.01"),
    "lr=log(1,1000,4)": ("1", "10", "100", "1000"),
    "opt=choice(adam,sgd)": ("adam", "sgd"),
    "sizes=[1,2],[3,4]": ("[1,2]", "[3,4]"),
    "sizes=[1,2]": ("[1,2]",),
    "betas=(0.9,0.99),(0.8,0.9)": ("(0.9,0.99)", "(0.8,0.9)"),
    "opts={'a': 1, 'b': 2},{}": ("{'a': 1, 'b': 2}", "{}"),
    'name="a,b",c': ('"a,b"', "c"),
    "name='a\\',b',c": ("'a\\',b'", "c"),
    'name=""': ('""',),
    "name=it's,they're": ("it's", "they're"),
    "name=": ("",),
    "name=a b": ("a b",),
    "name=a=b,c=d": ("a=b", "c=d"),
    "smile=:)": (":)",),
    "path=/data/a(1).csv": ("/data/a(1).csv",),
    "unicode=ä,日本": ("ä", "日本"),
    "lines=a\nb,c": ("a\nb", "c"),
    "empty=choice([],[1])": ("[]", "[1]"),
}
INTERVALS = {
    "p=uniform(0,0.5)": Interval(0, 0.5),
    "lr=loguniform(1e-5,1e-1)": Interval(1e-5, 1e-1, log=True),
    "n=randint(1,8)": Interval(1, 8, whole=True),
    "n=int(-1,8)": Interval(-1, 8, whole=True),
}
# Said, where the finger points, and what the message has.
REFUSED = {
    "depth": (5, "PATH=VALUE"),
    "=3": (0, "PATH=VALUE"),
    "a..b=3": (0, "no path"),
    "--lr=3": (0, "no path"),
    "a=1,,2": (4, "expected a value"),
    "a=1,": (4, "expected a value"),
    "a=,": (2, "expected a value"),
    "a=[1,2": (2, "not closed"),
    "a=1],2": (3, "closes nothing"),
    "a=(1],2": (4, "closes nothing"),
    'a="b,c': (2, "quotes are not closed"),
    "a=lgo(1,2,3)": (2, "did you mean log?"),
    "a=f(1)": (2, "there are range, linear"),
    "a=range(1,2,3,4)": (14, "range takes"),
    "a=range(1,5,0)": (12, "step"),
    "a=range(5,1)": (2, "nothing in this range"),
    "a=range()": (8, "expected range"),
    "a=range(0,0.5)": (10, "a whole number"),
    "a=range(0,10000000000000000000000000)": (2, "100,000"),
    "a=log(0,1,3)": (6, "above 0"),
    "a=log(1,0,3)": (8, "above 0"),
    "a=log(1,2)": (2, "log(from,to,count)"),
    "a=linear(0,1,1)": (13, "from 2"),
    "a=linear(x,1,3)": (9, "expected a number"),
    "a=linear(nan,1,3)": (9, "expected a number"),
    "a=linear(0,1e999,3)": (11, "expected a number"),
    "a=uniform(1,1)": (12, "above 1"),
    "a=loguniform(0,1)": (13, "above 0"),
    "a=1,uniform(0,1)": (2, "stand alone"),
}


@pytest.mark.parametrize(("said", "texts"), LISTS.items(), ids=LISTS)
def test_lists_are_read(said, texts):
    """Commas, ranges and choices are values one by one; brackets and quotes keep commas together and stay in the text."""
    assert parse(said).values == Points(texts)


@pytest.mark.parametrize(("said", "interval"), INTERVALS.items(), ids=INTERVALS)
def test_intervals_are_read(said, interval):
    """What random and Optuna draw from."""
    assert parse(said).values == interval


@pytest.mark.parametrize(("said", "expected"), REFUSED.items(), ids=REFUSED)
def test_what_cannot_be_read_is_pointed_at(said, expected):
    """The error says what is accepted, and a finger points at the place."""
    at, problem = expected

    with pytest.raises(SweepError) as caught:
        parse(said)

    assert problem in str(caught.value)
    assert f"at position {at}" in str(caught.value)
    assert caught.value.__notes__ == [f"  {said}", f"  {' ' * at}^"]


def test_every_spelling_of_an_override_has_its_values():
    """``:=`` stays what it is."""
    axis = parse("*.opts[beta]:=1,2")

    assert [axis.word(text) for text in axis.values.texts] == ["*.opts[beta]:=1", "*.opts[beta]:=2"]


@given(
    st.lists(
        st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.lists(st.text("ab,]'\"(", max_size=3)),
        min_size=1,
    )
)
def test_python_literals_survive_a_list(values):
    """Whatever Python writes is one value."""
    texts = tuple(map(repr, values))

    assert parse(f"a={','.join(texts)}").values == Points(texts)


@given(st.text())
def test_any_text_is_read_or_refused(text):
    """Nothing else is raised."""
    try:
        found = parse(f"a={text}").values
    except SweepError:
        return
    assert isinstance(found, Interval) or found.texts


@given(
    st.floats(1e-300, 1e300) | st.integers(1, 10**30),
    st.floats(1e-300, 1e300) | st.integers(1, 10**30),
    st.integers(2, 40),
    st.sampled_from(["log", "linear"]),
)
def test_points_go_from_end_to_end(low, high, count, name):
    """The ends are those typed, and every point lies between them."""
    texts = parse(f"a={name}({low!r},{high!r},{count})").values.texts
    found = list(map(float, texts))

    assert len(texts) == count
    assert (found[0], found[-1]) == (float(low), float(high))
    below, above = sorted((float(low), float(high)))
    assert all(math.isfinite(point) and below * (1 - 1e-11) <= point <= above * (1 + 1e-11) for point in found)
