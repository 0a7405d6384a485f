"""rebuild(record(x)) ≡ x, record(rebuild(record)) ≡ record, record(code(record)) ≡ record: over the zoo and over random programs."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

import begat
import zoo
from begat.record.codec import dumps, loads
from begat.replay.codegen import generate
from replay.told import captured, graph, home
from zoo_support.portrait import portrait
from zoo_support.tracking import settle

# What these show is that they were called otherwise, and they were: from another frame, by keyword, past a cache, with a
# default that an earlier call has changed.
TELLS = {
    "looks_at_its_caller",
    "new_and_init",
    "metaclass_that_caches",
    "metaclass_that_changes_arguments",
    "mutable_defaults",
}
ANIMALS = [animal for animal in zoo.TRACKABLE if animal.name not in TELLS]


def recorded(call: Any, cls: Any) -> tuple[Any, Any]:
    """What the call makes, and its record; None for calls that fail or leave no record."""
    with begat.capture() as run:
        try:
            made = call.on(cls)
        except BaseException:  # every kind is expected of some animal
            return None, None
    return (made, run) if run.nodes and run.nodes[0].outcome == "returned" else (None, None)


@pytest.mark.parametrize("animal", ANIMALS, ids=repr)
def test_a_rebuilt_animal_is_the_animal(animal, track):
    """The same state, and recording it gives the same record."""
    for call in animal.calls:
        cls = settle(animal.make())
        track(cls)
        made, run = recorded(call, cls)
        if run is None:
            continue

        with begat.capture() as again:
            built = begat.rebuild(loads(dumps(run)), run.nodes[0].path)

        assert portrait(built) == portrait(made)
        assert graph(again, paths=False) == graph(run, paths=False)


@pytest.mark.parametrize("animal", ANIMALS, ids=repr)
def test_an_animal_in_code_is_the_animal(animal, track):
    """Executing the code of a record gives the record."""
    for call in animal.calls:
        cls = settle(animal.make())
        track(cls)
        _, run = recorded(call, cls)
        if run is None:
            continue

        code = run.to_python()

        assert graph(captured(code), paths=False) == graph(run, paths=False)


def test_most_of_the_zoo_is_rebuilt(track):
    """The laws above are not about a few animals that happen to be recorded."""
    count = 0
    for animal in ANIMALS:
        for call in animal.calls:
            cls = settle(animal.make())
            track(cls)
            count += recorded(call, cls)[1] is not None
    assert count > 150, count


# --- random programs --------------------------------------------------------------------------------------------------
class Part:
    def __init__(self, *args, **kwargs):
        self.args, self.kwargs = args, kwargs
        self.inner = Leaf(len(args))


class Leaf:
    def __init__(self, a=0, b=None):
        self.a, self.b = a, b


class Pair:
    def __init__(self, one, /, two=(), *more, last=None):
        self.all = one, two, more, last


NUMBERS = st.sampled_from(["0", "-1", "2.5", "'x'", "None", "True", "b'y'", "(1, 2)", "{1}", "float('nan')"])


@st.composite
def expressions(draw: st.DrawFn, known: list[str], depth: int = 2) -> str:
    """A value: data, an object that is known, a new one, or a container of these."""
    kinds = ["data", *(["known"] * 3 if known else []), *(["new", "list", "dict"] if depth else [])]
    kind = draw(st.sampled_from(kinds))
    inner = expressions(known, depth - 1)
    if kind == "data":
        return draw(NUMBERS)
    if kind == "known":
        return draw(st.sampled_from(known))
    if kind == "list":
        return f"[{', '.join(draw(st.lists(inner, max_size=3)))}]"
    if kind == "dict":
        items = draw(st.dictionaries(st.sampled_from(["k", "l", "2", "a-b"]), inner, max_size=2))
        return "{" + ", ".join(f"{key!r}: {value}" for key, value in items.items()) + "}"
    return draw(calls(known, depth - 1))


@st.composite
def calls(draw: st.DrawFn, known: list[str], depth: int = 2) -> str:
    """A construction."""
    value = expressions(known, depth)
    callee = draw(st.sampled_from(["Part", "Leaf", "Pair", "make"]))
    if callee == "Leaf":
        return f"Leaf({', '.join(draw(st.permutations([f'a={draw(value)}', f'b={draw(value)}'])))})"
    if callee == "make":
        return f"make({draw(value)})"
    positional = draw(st.lists(value, min_size=callee == "Pair", max_size=4))
    last = [f"last={draw(value)}"] if draw(st.booleans()) else []
    return f"{callee}({', '.join([*positional, *last])})"


@st.composite
def programs(draw: st.DrawFn) -> str:
    """Statements that build objects, name them in every way, and use them again."""
    lines, known = ["opts = {}", "layers = []"], []
    for number in range(draw(st.integers(1, 6))):
        call = draw(calls(known))
        target = draw(st.sampled_from(["name", "again", "item", "append", "bare", "list", "attribute", "build"]))
        if target == "append":
            lines.append(f"layers.append({call})")
            known.append("layers[-1]")
        elif target == "bare":
            lines.append(call)
        elif target == "list":
            lines.append(f"many{number} = [{call}, {draw(calls(known))}]")
            known += [f"many{number}[0]", f"many{number}[1]"]
        elif target == "attribute" and "it" in known:
            lines.append(f"it.more{number} = {call}")
            known.append(f"it.more{number}")
        elif target == "build":
            lines += [f"def build{number}():", f"    return {call}", f"made{number} = build{number}()"]
            known.append(f"made{number}")
        else:
            name = {"again": "it", "item": f"opts['o{number}']"}.get(target, f"x{number}")
            lines.append(f"{name} = {call}")
            known = [*known, name] if name not in known else known
            if name == "it":
                known = [one for one in known if not one.startswith("it.")]
    return "\n".join(lines) + "\n"


def make(value):
    return Leaf(value)


@pytest.fixture(scope="module")
def names():
    things = {"Part": Part, "Leaf": Leaf, "Pair": Pair, "make": make}
    module = home(**things)
    for thing in things.values():
        begat.trackable(thing)
    yield things
    for thing in things.values():
        begat.untrack(thing)
    del sys.modules[module]


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(program=programs())
def test_a_random_program_is_rebuilt(names, program):
    """Everything that it built, as it was built: the graph of the rebuilt is the graph."""
    run = captured(program, **names)

    with begat.capture() as again:
        begat.rebuild(run)

    assert graph(again, paths=False) == graph(run, paths=False)


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@example(program="it = Part(0, Part())\nit = Part()\n")  # the part of the first is `it.1`, the second `it.2`
@given(program=programs())
def test_a_random_program_in_code_builds_the_same(names, program):
    """The code of its record gives its record, under the names that it gave."""
    run = captured(program, **names)
    assume(_numbered_in_order(run))
    code = generate(run).text

    assert graph(captured(code)) == graph(run), code


def _numbered_in_order(run):
    """Whether the objects that were called `it` one after the other are numbered so: one whose part is built long before it is not."""
    return (paths := [n.path for n in run.nodes if re.fullmatch(r"it\.\d+", n.path)]) == sorted(paths)


@pytest.mark.slow
@settings(
    max_examples=1_000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(program=programs())
def test_a_thousand_random_programs_are_built_again(names, program):
    """Rebuilt, the graph is the same; from code, `begat.diff` finds nothing either."""
    run = captured(program, **names)
    assume(_numbered_in_order(run))
    code = generate(run).text

    with begat.capture() as again:
        begat.rebuild(run)

    assert graph(again, paths=False) == graph(run, paths=False)
    assert not (found := begat.diff(run, captured(code))), f"{found}\n{code}"
