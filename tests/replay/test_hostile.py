"""A record never runs code by itself: what is not named by the caller is not imported, not called, not opened."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import begat
from begat.errors import CannotRebuild
from begat.record.values import Alias, Array, Member, Symbol, Typed
from handmade import given, node, run
from replay.hostile import HOSTLIB, TARGETS
from zoo_support.tracking import LIBRARY, TESTS, python

POLICIES = ("none", "pattern", "exact", "object")


@pytest.fixture(scope="module")
def attacked(tmp_path_factory):
    """What every hostile target reached, by policy."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "hostlib.py").write_text(HOSTLIB, encoding="utf-8")
    done = python(TESTS / "replay" / "attacked.py", folder / "found.json", path=(LIBRARY, TESTS, folder), timeout=600)
    assert done.returncode == 0, done.stderr
    return json.loads(Path(folder / "found.json").read_text())


def test_the_table_is_whole():
    """There are more than the 91 of the catalogue, each once."""
    assert len(set(TARGETS)) == len(TARGETS) > 91


@pytest.mark.parametrize("policy", POLICIES)
def test_no_hostile_target_is_reached(attacked, policy):
    """Loading, asking, printing, planning and refusing import, open, execute and call nothing."""
    assert attacked[policy] == []


@pytest.mark.parametrize(
    "entry", ["*", "*.Net", "?ylib.*", "my*", "[a-z]*", "os", "os.*", "subprocess.*", "builtins.*", "a b", ""]
)
def test_patterns_that_allow_too_much_are_refused(entry):
    """A pattern names a package, and never Python's own modules."""
    with pytest.raises(ValueError, match=r"pattern|allow"):
        begat.rebuild(run(node(1, "x")), "x", allow=[entry])


@pytest.mark.parametrize("entry", ["mylib:", ":Net", "mylib:*", "mylib:Net.*", "my lib:Net"])
def test_exact_names_are_names(entry):
    """With a colon an entry is one name, to the letter."""
    with pytest.raises(ValueError, match="not a name"):
        begat.rebuild(run(node(1, "x")), "x", allow=[entry])


@pytest.mark.parametrize("allow", ["mylib.*", [3], [object()]])
def test_what_is_no_entry_is_a_type_error(allow):
    """A text is no collection of entries, and an object is no class."""
    with pytest.raises(TypeError):
        begat.rebuild(run(node(1, "x")), "x", allow=allow)


def test_a_pattern_admits_no_function(tmp_path, monkeypatch):
    """Functions and factories are named exactly; a class is found by a pattern."""
    (tmp_path / "patternlib.py").write_text("class Net: pass\ndef make(): return 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    record = run(node(1, "net", "patternlib:Net"), node(2, "made", "patternlib:make", kind="function"))

    assert type(begat.rebuild(record, "net", allow=["patternlib.*"])).__name__ == "Net"
    with pytest.raises(CannotRebuild, match="is a function, which no pattern allows"):
        begat.rebuild(record, "made", allow=["patternlib"])
    assert begat.rebuild(record, "made", allow=["patternlib:make"]) == 3


def test_a_class_is_no_function_and_a_function_no_class(tmp_path, monkeypatch):
    """An exact name lets through what the record says it is."""
    (tmp_path / "kindlib.py").write_text("class Net: pass\ndef make(): return 3\n")
    monkeypatch.syspath_prepend(tmp_path)

    for target, kind in (("kindlib:Net", "function"), ("kindlib:make", "class")):
        with pytest.raises(CannotRebuild, match=f"is no {kind}"):
            begat.rebuild(run(node(1, "x", target, kind=kind)), "x", allow=[target])


def test_everything_that_stands_in_the_way_is_listed_at_once(track):
    """Each with its path, and what to do."""

    class Net:
        def __init__(self, **parts): ...

    track(Net)
    with begat.capture() as record:
        net = Net(callback=lambda: 0, file=sys.stderr, api_key="sk-1", many=[object()])  # noqa: F841

    with pytest.raises(CannotRebuild) as caught:
        begat.rebuild(record, "net")

    assert [problem.path for problem in caught.value.problems] == [
        f"net.parts.{name}" for name in ("callback", "file", "api_key", "many.0")
    ]
    assert "4 things stand in the way" in str(caught.value)
    assert "supply={'net.parts.callback': …}" in str(caught.value)


@pytest.mark.parametrize(
    "value",
    [
        Array("numpy:ndarray", "O", (1,), ["x"]),
        Array("numpy:ndarray", "<U999999999", (1,), ["x"]),
        Array("numpy:ndarray", "float64", (10**9,), []),
        Array("os:system", "float64", (1,), [1.0]),
        Array("array:array", "zz", (1,), [1]),
        Typed("torch:device", "cuda:0; import os"),
        Typed("torch:dtype", "os.system"),
        Typed("zoneinfo:ZoneInfo", "../../etc/passwd"),
        Typed("zoneinfo:ZoneInfo", "/etc/passwd"),
        Typed("numpy:dtype", "i4," * 9),
        Typed("numpy:memmap", "x"),
        Typed("collections:defaultdict", {"a": 1}),
        Typed("builtins:type", ("X", (), {})),
        Typed("functools:partial", {"func": Symbol("os:system", "function"), "args": (), "keywords": {}}),
        Member("os:system", "A", 1),
        Symbol("os", "module"),
        Symbol("posix:system", "function"),
    ],
    ids=repr,
)
def test_data_that_is_more_than_data_is_refused(value, track):
    """The forms of data are a closed set, and each looks at its content."""

    class Net:
        def __init__(self, x): ...

    track(Net)
    with begat.capture() as record:
        net = Net(1)  # noqa: F841
    record = run(node(1, "net", record.nodes[0].target, given(x=value)))

    with pytest.raises(CannotRebuild):
        begat.rebuild(record, "net")


def test_deep_and_wide_values_end(track):
    """Depth is limited; a bomb of aliases stays as small as it was recorded."""

    class Net:
        def __init__(self, x):
            self.x = x

    track(Net)
    with begat.capture() as record:
        net = Net(1)  # noqa: F841
    target = record.nodes[0].target
    deep: object = []
    for _ in range(100_000):
        deep = [deep]
    bomb: list[object] = [["x"]]
    for level in range(60):
        bomb.append([Alias(str(level)), Alias(str(level))])

    with pytest.raises(CannotRebuild, match="nested too deep"):
        begat.rebuild(run(node(1, "net", target, given(x=deep))), "net")
    built = begat.rebuild(run(node(1, "net", target, given(x=bomb))), "net").x

    assert built[60][0] is built[60][1] is built[59]
    while deep:  # without the interpreter's own recursion
        deep = deep.pop()  # type: ignore[union-attr]
