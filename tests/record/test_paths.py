"""The path grammar: one canonical form, forgiving input, no surprise in shells or trackers."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from begat.record.graph import Run
from begat.record.model import Header, Node
from begat.record.paths import join, matches, normal, parse, segment

NAMES = st.text(alphabet="abcXYZ019_-é", min_size=1, max_size=5)
ITEMS = st.one_of(
    st.integers(0, 99).map(lambda i: f"[{i}]"),
    NAMES.map(lambda n: f"[{n}]"),
    st.text(max_size=5).filter(lambda t: '"' not in t).map(lambda t: f'["{t}"]'),
    st.text(max_size=5).filter(lambda t: "'" not in t).map(lambda t: f"['{t}']"),
    NAMES.map(lambda n: f".{n}"),
)
PATHS = st.builds(lambda head, rest: head + "".join(rest), NAMES, st.lists(ITEMS, max_size=5))


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("model", ("model",)),
        ("model.enc.dim", ("model", "enc", "dim")),
        ("model.layers.0.dim", ("model", "layers", "0", "dim")),
        ("layers[0]", ("layers", "0")),
        ("layers[0][12].dim", ("layers", "0", "12", "dim")),
        ('opts["beta"].x', ("opts", "beta", "x")),
        ("opts['beta']", ("opts", "beta")),
        ("opts[beta]", ("opts", "beta")),
        ('opts["a.b"]', ("opts", "a_b")),
        ('opts["]"]', ("opts", "_")),
        ('opts[""]', ("opts", "_")),
        ("größe.dim", ("gr__e", "dim")),
        ("a-b._", ("a-b", "_")),
        ("0.lr", ("0", "lr")),
        ("[0].lr", ("0", "lr")),
    ],
)
def test_parse(text, segments):
    """Dots and brackets lead to the same segments, each of them safe."""
    assert parse(text) == segments


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", 0),
        (".a", 0),
        ("a.", 1),
        ("a..b", 1),
        ("a b", 1),
        ("a[0", 1),
        ("a[]", 1),
        ("a[0]b", 4),
        ("a.[0]", 1),
        ('a["b]', 1),
        ("model.*", 5),
        ("a=1", 1),
        ("a\n", 1),
    ],
)
def test_text_that_is_no_path(text, position):
    """Text that is no path is refused with the position where it stops being one, and `normal` leaves it alone."""
    with pytest.raises(ValueError, match=rf"at position {position}$") as error:
        parse(text)

    assert repr(text) in str(error.value)
    assert normal(text) == text


@given(PATHS)
@example("a[0]['x y'].é")
def test_parse_and_join_are_inverse(text):
    """What was parsed and joined parses to the same segments."""
    assert parse(join(*parse(text))) == parse(text)


@given(st.text() | PATHS)
def test_normal_is_idempotent(text):
    """The canonical form is its own canonical form."""
    assert normal(normal(text)) == normal(text)


@given(PATHS)
def test_canonical_paths_suit_everyone(text):
    """A canonical path holds only what shells, MLflow and torch take as they are."""
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", normal(text))


@given(st.text())
def test_segment_is_safe_and_stable(text):
    """Any text makes one safe segment, which parses as itself."""
    made = segment(text)

    assert parse(made) == (made,)
    assert segment(made) == made


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("*.dropout", "model.dropout", True),
        ("*.dropout", "model.enc.layers.0.dropout", True),
        ("*.dropout", "dropout", False),
        ("*.dropout", "model.dropout.p", False),
        ("*.dropout", "model.nodropout", False),
        ("Enc*.dim", "Encoder.dim", True),
        ("Enc*.dim", "MyEncoder.dim", False),
        ("model.layers[*].dim", "model.layers.3.dim", True),
        ("model.layers[0].dim", "model.layers.0.dim", True),
        ("model.layers.0.dim", "model.layers[0].dim", True),
        ("layers.?", "layers.1", True),
        ("layers.?", "layers.12", False),
        ("a?b", "a.b", False),
        ("a*b", "a.b", True),
        ("*", "a.b.c", True),
        ("a.b", "a-b", False),
        ('opts["*"]', "opts.beta", False),
        ("Model.dim", "model.dim", False),
    ],
)
def test_matches(pattern, path, expected):
    """A star crosses dots, a question mark does not, everything else is exact; brackets mean what they mean in a path."""
    assert matches(pattern, path) is expected


@given(PATHS)
def test_a_path_matches_itself(path):
    """Without wildcards a pattern means exactly the path it spells."""
    assert matches(path, normal(path))
    assert matches("*", path)
    assert not matches(path + ".more", path)


def test_pattern_that_is_none():
    """A pattern that could never mean a path is refused rather than never met."""
    with pytest.raises(ValueError, match="position 1"):
        matches("a..b", "a.b")


def test_a_path_selects_what_it_finds():
    """`run.select` reads paths by the one grammar, so whatever `run[…]` finds it finds too; classes go by a glob."""
    nodes = (
        Node(0, "torch.nn:Linear", "class", "layers.0", {}),
        Node(1, "torch.nn:Linear", "class", "layers.1", {}),
        Node(2, "train:Net.Inner", "class", "model", {}),
    )
    run = Run(Header("r"), nodes)

    def ids(pattern: str) -> list[int]:
        return [node.id for node in run.select(pattern)]

    assert ids("layers[0]") == ids("layers.0") == [run["layers[0]"].id] == [0]
    assert ids("layers.*") == ids("layers[*]") == ids("Linear") == ids("torch.*") == ids("torch.nn:Lin*") == [0, 1]
    assert ids("[LI]*") == [*ids("Linear"), 2]
    assert ids("model") == ids("Inner") == ids("Net.Inner") == ids("train.Net.Inner") == ids("train:Net.Inner") == [2]
    assert ids("no path [") == ids("") == []
