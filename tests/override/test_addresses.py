"""Laws of addresses: how they are read and printed, which of several holds, and what a glob means."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from begat.errors import OverrideError
from begat.record import paths
from begat.replay.override import BLOCK, COMMAND, CONFIG, ENVIRONMENT, FILE, Override, Target, chosen, distinct, parse

names = st.text("ab_c", min_size=1, max_size=4)
segments = names | st.integers(0, 99).map(str)
addresses = st.lists(segments, min_size=1, max_size=5).map(".".join)
values = st.text(max_size=40)
levels = st.sampled_from((CONFIG, FILE, ENVIRONMENT, COMMAND, BLOCK, BLOCK + 1))
few = st.sampled_from(("a", "b", "a.b", "*.b", "C.b", "C.1.b", "a.b.c"))
overrides = st.lists(st.builds(Override, few, st.integers(0, 1), level=levels), max_size=6)


def strongest(given_: list[Override]) -> dict[tuple[str, ...], object] | None:
    try:
        return {each.segments: (each.value, each.level) for each in distinct(given_)}
    except OverrideError:
        return None


@given(addresses, values, st.booleans())
def test_what_is_printed_is_read_as_the_same(address, value, exactly):
    """Whatever stands behind the first `=`, other signs of equality, quotes and new lines too."""
    override = parse(f"{address}{':' if exactly else ''}={value}")

    assert (override.address, override.value, override.exactly) == (address, value, exactly)
    if "*" not in override.said or "*" in value:
        assert parse(override.said) == override


@given(
    st.lists(segments, min_size=1, max_size=5),
    st.lists(st.sampled_from(("{}", ".{}", "[{}]", '["{}"]', "['{}']")), min_size=5),
)
def test_every_spelling_of_a_path_is_the_same_address(steps, forms):
    """Dots, brackets, and brackets with quotes."""
    spelled = steps[0] + "".join(
        form.format(step) for step, form in zip(steps[1:], (f if f != "{}" else ".{}" for f in forms), strict=False)
    )

    assert parse(f"{spelled}=1").segments == tuple(steps)


@given(overrides, st.randoms())
def test_which_of_one_address_holds_is_no_matter_of_order(given_, random):
    """The strongest, whether it stands first or last; what contradicts is refused either way."""
    other = list(given_)
    random.shuffle(other)

    assert strongest(given_) == strongest(other)
    held = strongest(given_)
    if held is not None:
        assert all(held[each.segments][1] >= each.level for each in given_)


@given(overrides, st.randoms())
def test_which_of_those_that_mean_one_argument_holds_is_no_matter_of_order(given_, random):
    """By path, class, number or glob alike: the strongest, and the whole before its parts."""
    target = Target(("C", "m.C"), ("a", "b"))

    def held(each):
        try:
            return {key: (one.override.value, one.override.level) for key, one in chosen(target.readings(each)).items()}
        except OverrideError:
            return None

    other = list(given_)
    random.shuffle(other)
    assert held(given_) == held(other)


@given(st.lists(names, min_size=1, max_size=4).map(".".join), st.data())
def test_a_glob_means_what_the_names_say(path, data):
    """`*` stands for anything, dots and nothing included, `?` for one character of a segment."""
    cut = sorted(data.draw(st.lists(st.integers(0, len(path)), min_size=2, max_size=2)))
    starred = f"{path[: cut[0]]}*{path[cut[1] :]}"
    at = data.draw(st.integers(0, len(path) - 1))
    asked = f"{path[:at]}?{path[at + 1 :]}"
    other = data.draw(st.lists(names, min_size=1, max_size=4).map(".".join))

    for pattern in filter(paths.is_path, (starred, asked)):
        oracle = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "[^.]")
        assert paths.matches(pattern, other) == bool(re.fullmatch(oracle, other))
    if paths.is_path(starred):
        assert paths.matches(starred, path)
    if path[at] != ".":
        assert paths.matches(asked, path)


@given(names, names, st.integers(0, 30))
def test_a_class_is_meant_by_each_of_its_names(kind, parameter, number):
    """Alone, with its module, with a number; by nothing that only begins alike."""
    target = Target((kind, f"pkg.{kind}"), (parameter,))

    def read(address):
        return [(each.parameter, each.ordinal) for each in target.readings([parse(f"{address}=1")]) if each.by_class]

    for name in (kind, f"pkg.{kind}", f"*{kind[-1]}"):
        assert (parameter, None) in read(f"{name}.{parameter}")
    assert (parameter, number) in read(f"{kind}.{number}.{parameter}")
    assert read(f"{kind}x.{parameter}") == []


@pytest.mark.parametrize("word", ["", "=", "a", "a.=1", ".a=1", "a..b=1", "a[=1", "a]=1"])
def test_what_is_no_address_is_refused(word):
    """With a word about how one is written."""
    with pytest.raises(OverrideError, match=r"PATH=VALUE|not a path"):
        parse(word)
