"""TOML and .env: what is printed reads back as the configuration it was, and what cannot be said stands there as a comment."""

from __future__ import annotations

import ast
import importlib.util
import io
import math
import re
import shutil
import subprocess
import tomllib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from begat.record.model import Argument
from begat.record.plain import plain
from begat.record.values import Opaque, Redacted, Ref, Symbol
from begat.render.env import PREFIX, env, variable
from begat.render.export import export
from begat.render.toml import emit
from handmade import default, node, run, training
from handmade import given as passed
from odd import ODD, odd

TEXT = st.one_of(st.sampled_from(ODD[:-1]), st.text(st.characters(exclude_categories=["Cs"])))
SCALARS = st.one_of(
    st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False), TEXT, st.none(),
    st.just(2**63),
)  # fmt: skip
DATA = st.dictionaries(
    TEXT,
    st.recursive(
        SCALARS,
        lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXT, inner, max_size=4)),
        max_leaves=12,
    ),
    max_size=4,
)


def sayable(value):
    """What TOML can say of *value*: without the entries that hold a null or a number that is too large."""
    if isinstance(value, dict):
        return {
            key: sayable(item)
            for key, item in value.items()
            if isinstance(item, dict) or tables(item) or not lacks(item)
        }
    return [sayable(item) for item in value] if tables(value) else value


def tables(value):
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def lacks(value):
    if isinstance(value, list | dict):
        return any(map(lacks, value if isinstance(value, list) else value.values()))
    return value is None or (type(value) is int and value == 2**63)


@given(data=DATA)
@example(data={"a": [{"b": [{"c": None, "d": 1}]}], "e": [[{"f": 1}]], "g": {}, "h": [], "i": [{}]})
@example(data={"a.b": {"c d": {"": 1}}, "x": [1e-5, 1e22, -0.0, 1.5e300]})
def test_toml_reads_back_without_its_nulls(data):
    """Any configuration survives; only nulls, and integers that TOML has no room for, are left to comments."""
    text = emit(data)

    assert repr_sorted(tomllib.loads(text)) == repr_sorted(sayable(data))
    assert not set(text) & set("\x1b\x7f\x85\x9b\u2028\u202e\ufeff")


def repr_sorted(value):
    """Types count, order of keys does not: TOML wants a table's values before its tables."""
    if isinstance(value, dict):
        return sorted((key, repr_sorted(item)) for key, item in value.items())
    return [repr_sorted(item) for item in value] if isinstance(value, list) else repr(value)


def test_toml_of_a_run_is_its_config():
    """A record's own configuration, traps of its readers included, is read back whole."""
    assert tomllib.loads(export(training(), "toml")) == training().config()
    assert tomllib.loads(export(odd(), "toml")) == sayable(odd().config())


def test_toml_says_what_it_cannot():
    """A null is a comment with its name and value, and the first lines count them."""
    text = emit({"model": {"seed": None, "lr": 0.1, "sizes": [1, None]}})

    assert text.splitlines() == [
        "# 2 of these TOML cannot say; they are comments, and what reads this leaves them alone",
        "", "[model]", "# seed = null", "lr = 0.1", "# sizes = [1, null]",
    ]  # fmt: skip


def test_special_floats_are_floats_in_toml():
    """TOML has words for them, a text that looks the same stays a text."""
    found = tomllib.loads(emit(plain({"a": math.nan, "b": [math.inf, -math.inf], "c": "nan"})))

    assert math.isnan(found["a"])
    assert found["b"] == [math.inf, -math.inf]
    assert found["c"] == "nan"


def test_deep_nesting_is_no_trap():
    """Pipelines in pipelines in pipelines are written."""
    value = [1]
    for _ in range(3000):
        value = ["svc", value]

    assert emit({"a": value}).endswith("]]\n")


# --- .env ---------------------------------------------------------------------------------------------------------------
def by_shell(text, folder):
    (folder / "run.env").write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["env", "-i", "PATH=/usr/bin:/bin", "sh", "-c", "set -a; . ./run.env; env -0"], cwd=folder, capture_output=True,
        check=True, text=True,
    )  # fmt: skip
    found = dict(line.split("=", 1) for line in done.stdout.split("\0") if line)
    return {name: value for name, value in found.items() if name.startswith(PREFIX)}


def by_dotenv(text, folder):
    from dotenv import dotenv_values

    return dict(dotenv_values(stream=io.StringIO(text), interpolate=True))


READERS = pytest.mark.parametrize(
    "read",
    [
        pytest.param(by_shell, marks=pytest.mark.skipif(not shutil.which("sh"), reason="there is no sh")),
        pytest.param(
            by_dotenv,
            marks=pytest.mark.skipif(
                importlib.util.find_spec("dotenv") is None, reason="python-dotenv is not installed"
            ),
        ),
    ],
)
SAFE = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=8)


@READERS
@settings(max_examples=30, deadline=None)
@given(
    values=st.lists(
        st.one_of(SAFE, st.sampled_from(ODD), st.integers(), st.floats(), st.none(), st.lists(SAFE)), min_size=1
    )
)
def test_each_line_of_env_is_read_as_what_was_passed(read, values, tmp_path_factory):
    """What a shell and python-dotenv find is the value: a text as it is, anything else as its Python literal."""
    arguments = {f"p{number}": Argument(f"p{number}", value) for number, value in enumerate(values)}
    found = read(env(run(node(1, "m", arguments=arguments))), tmp_path_factory.mktemp("env"))

    for name, text in found.items():
        value = values[int(name.removeprefix(f"{PREFIX}M__P"))]
        if isinstance(value, str):
            assert text == value
        elif isinstance(value, float):
            assert repr(float(text)) == repr(value)
        else:
            assert ast.literal_eval(text) == value


@READERS
def test_a_hostile_record_runs_nothing_in_a_shell(read, tmp_path):
    """Sourcing the file of a record that tries sets variables, and nothing else."""
    found = read(env(odd()), tmp_path)

    assert sorted(path.name for path in tmp_path.iterdir()) in ([], ["run.env"])
    assert all(name.startswith(PREFIX) for name in found)


def test_names_are_those_of_the_environment():
    """Upper case, two underscores between segments; a name that would be taken apart differently is none."""
    assert variable("model.hidden_size") == "BEGAT__MODEL__HIDDEN_SIZE"
    assert variable("model._private") == "BEGAT__MODEL___PRIVATE"
    assert [variable(path) for path in ("m.a__b", "m.a_.b", "m.weight-decay", "m:2.x", "m.ü", "a b")] == [None] * 6


@given(st.lists(st.from_regex(r"[A-Za-z0-9_]{1,6}", fullmatch=True), min_size=1, max_size=4))
def test_a_name_is_taken_apart_as_it_was_put_together(steps):
    """Splitting a variable at its double underscores gives the path back, or there is no variable."""
    name = variable(".".join(steps))

    assert name is None or name.removeprefix(PREFIX).split("__") == [step.upper() for step in steps]


def test_env_says_what_it_cannot():
    """Objects are headings; descriptions, secrets and names that clash are comments with the reason."""
    text = env(
        run(
            node(
                1, "m", "train:Net",
                passed(data=Opaque("io:File"), key=Redacted("str", "name"), f=Symbol("m:<lambda>", "function", importable=False),
                       enc=Ref(9), lr=0.1, LR=0.2, a__b=1, act=Symbol("torch:relu", "function"), nothing=None, nan=[math.nan])
                | default(text="a b"),
            )
        )
    )  # fmt: skip

    lines = text.splitlines()
    assert lines[0] == "# run: 20261122-104501-3fa9c2"
    assert lines[1] == "# m is train:Net"
    assert [line for line in lines if not line.startswith("#")] == [
        "BEGAT__M__ACT=torch:relu", "BEGAT__M__NOTHING=None", "BEGAT__M__TEXT='a b'",
    ]  # fmt: skip
    reasons = dict(re.findall(r"^# m\.(\w+) (?:=|is) .*?(?:\((.*)\))?$", text, re.MULTILINE))
    assert reasons == {
        "data": "the record describes it and does not have it",
        "key": "a secret",
        "f": "the record describes it and does not have it",
        "enc": "",
        "lr": "another name differs from it in capitals only",
        "LR": "another name differs from it in capitals only",
        "a__b": "no variable can be called so",
        "nan": "nan and the infinities have no literal",
    }


def test_yaml_of_a_run_begins_with_its_id_and_is_its_config():
    """The first line says which run; YAML's readers find the configuration."""
    yaml = pytest.importorskip("yaml")

    text = export(odd(), "yaml")
    assert text.startswith("# run: ")
    assert yaml.safe_load(text) == odd().config()
