"""The YAML we write is read as the same data by readers of both YAML versions."""

from __future__ import annotations

import importlib.util
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from begat.record.plain import plain
from begat.record.views import config
from begat.render.yaml import emit, pretty
from handmade import training

TRICKY = [
    "", " ", "a ", " a", "no", "No", "y", "on", "null", "~", "NaN", "nan", ".nan", ".inf", "-.inf", "1e3", "1_000", "0x1f", "0o7",
    "012", "12:30", "12:30:45", "2026-01-01", "2026-01-01T10:00:00Z", "1.", ".5", "+1", "-", "- a", "a: b", "a:", ":a", "a #b",
    "#a", "a,b", "[a]", "{a}", "*a", "&a", "!a", "!!int", "|", ">", "%a", "@a", "`a", "'a'", '"a"', "\\", "\\n", "a\nb", "a\n",
    "\n", "\t", "a\tb", "\r", "\x00", "\x1b[31m", "\x7f", "\x85", "\u2028", "\ufeff", "\u202e", "é", "模型", "😀", "---", "...",
    "--- a", "<<", "=", "? a", "?", "train:Net", "a.b:c", "a b", "True", "e1", "_", "_1", "@model.enc", "a: ", "a\\u000ab",
]  # fmt: skip
TEXT = st.one_of(st.sampled_from(TRICKY), st.text(st.characters(exclude_categories=["Cs"])))
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXT)
DATA = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXT, inner, max_size=4)),
    max_leaves=15,
)


def by_pyyaml(text):
    import yaml

    return yaml.safe_load(text)


def by_ruamel(text):
    from ruamel.yaml import YAML

    return YAML(typ="safe", pure=True).load(text)


def by_ruamel_as_1_1(text):
    from ruamel.yaml import YAML

    reader = YAML(typ="safe", pure=True)
    reader.version = (1, 1)
    return reader.load(text)


def installed(name):
    return pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f"{name} is not installed")


READERS = pytest.mark.parametrize(
    "read",
    [
        pytest.param(by_pyyaml, marks=installed("yaml")),
        pytest.param(by_ruamel, marks=installed("ruamel")),
        pytest.param(by_ruamel_as_1_1, marks=installed("ruamel")),
    ],
)


def same(one, two):
    """Equal, types included: 1 is not True, and 1.0 is not 1."""
    if type(one) is not type(two):
        return False
    if isinstance(one, dict):
        return list(one) == list(two) and all(same(one[key], two[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(two) and all(map(same, one, two))
    return one == two and repr(one) == repr(two)


@READERS
@given(data=DATA)
@example(data={"k" * 2000: ["x" * 2000], "a\nb": {"": []}})
@example(data=[[[], {}], [[[1]]], {"a": [{"b": [[{}]]}]}])
@example(data=[1e-5, 1e22, -0.0, 1.5e300, 10**30])
def test_yaml_reads_back_as_it_was(read, data):
    """Any data of dicts, lists and scalars survives, whatever its texts look like."""
    assert same(read(emit(data)), data)


@READERS
@pytest.mark.parametrize("text", TRICKY)
def test_texts_that_look_like_something_else_stay_texts(read, text):
    """Every text that some reader could take for another type comes back as text: as value, key, and in a short list."""
    assert same(read(emit({"k": text, text: [text, [text]]})), {"k": text, text: [text, [text]]})


@READERS
def test_special_floats_survive(read):
    """NaN and the infinities have words in YAML."""
    nan, plus, minus = read(emit([float("nan"), float("inf"), float("-inf")]))

    assert nan != nan
    assert (plus, minus) == (float("inf"), float("-inf"))


def test_special_floats_of_a_record_are_floats():
    """`nan` in a run is a text in JSON and a float in YAML; the text "nan" is a text in both."""
    assert emit(plain({"a": float("nan"), "b": [float("inf"), -float("inf")], "c": "nan"})) == (
        'a: .nan\nb: [.inf, -.inf]\nc: "nan"\n'
    )


def test_yaml_looks_as_people_write_it():
    """Blocks, short lists in one line, quotes only where they are needed."""
    assert (
        emit(config(training()))
        == """\
model:
  class: train:Net
  enc:
    class: train:Encoder
    dim: 64
    act: torch:relu
  hidden: 256
  dropout: 0.1
  dropout:Dropout:
    class: torch.nn:Dropout
    p: 0.1
opt:
  class: torch.optim:AdamW
  params: "<generator>"
  lr: 0.001
  betas: [0.9, 0.98]
pipe:
  class: sklearn.pipeline:Pipeline
  steps:
    - - svc
      - class: sklearn.svm:SVC
        C: 0.5
search:
  class: sklearn.search:GridSearchCV
  estimator: "@pipe"
  grid:
    svc__C: [0.1, 1.0]
broken:
  class: train:Broken
  x: "\\u001b[31m<b>"
"""
    )


def test_depth_is_no_trap():
    """Data nested thousands deep is written."""
    data = {}
    for _ in range(3000):
        data = {"a": [data]}

    assert emit(data).endswith("{}\n")


@given(DATA)
def test_pretty_json_is_the_same_data_and_harmless(data):
    """The JSON for a terminal reads back as it was and holds nothing but printable characters and line ends."""
    text = pretty(data)

    assert same(json.loads(text), data)
    assert not set(text) & set("\x1b\x7f\x85\x9b\u2028\u202e\ufeff")
