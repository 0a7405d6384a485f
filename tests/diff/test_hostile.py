"""Records that somebody made to do harm: comparing and checking them runs, imports and opens nothing that they name."""

from __future__ import annotations

import subprocess
import sys

import pytest

import begat
from begat.record import limits
from begat.record.codec import dumps, loads
from begat.record.graph import Run
from begat.record.model import Argument, Event, Header, Node
from begat.record.values import Alias, Array, Made, Member, Opaque, Ref, Symbol, Typed
from begat.render import compare
from begat.render.markdown import markdown
from handmade import given, node, run

TARGETS = [
    "os:system", "builtins:eval", "builtins:exec", "subprocess:Popen", "sklearn.os:system", "logging:os.system", "pathlib:Path.write_text",
    "antigravity:x", "this:s", "__main__:__builtins__", "..:x", "../../etc/passwd:x", "a\x00b:c", "\u202ex:y", "", ":", "x", "os.path:",
    "evil_module:Bomb", "evil_package.inner:Bomb", "evil_package:<locals>.Bomb",
]  # fmt: skip


def hostile(twist):
    """A record full of names that do harm when somebody follows them."""
    nodes = [
        Node(
            number, target, "class", f"x{number}",
            {
                "f": Argument("f", Symbol(target, "function")),
                "m": Argument("m", Made(Symbol(target))),
                "t": Argument("t", [Typed(target, {"a": twist}), Member(target, "A", twist), Opaque(target, {"n": twist})]),
                "r": Argument("r", (Ref(number + 1), Ref(999), Ref(3, "another"), Alias("no.where"), Array(target, "f", (1,), [twist]))),
            },
            within=number + 1,
        )
        for number, target in enumerate(TARGETS)
    ]  # fmt: skip
    return Run(
        Header("r", script="/etc/passwd", argv=("a", "$(touch x)")), tuple(nodes), None, (Event("reinit", 77, {}),)
    )


AUDIT = """
import sys, pathlib
import begat
from begat.record.codec import load
from begat.replay.diff import diff
from begat.replay.check import check
from begat.introspect.sources import Sources
from begat.introspect.environment import collect
from begat.render import compare
from begat.render.markdown import markdown
import begat.replay.words, begat.render.yaml, click, rich.text, rich.console, rich.table, orjson, pydantic, begat.cli.diff
folder = pathlib.Path(sys.argv[1])
load(folder / "warm.json")                      # what begat itself imports late
warm = load(folder / "warm.json"), load(folder / "warm2.json")
told = diff(*warm); list(compare.lines(told, True)); list(markdown(told)); compare.data(told); str(told); hash(warm[0].fingerprint)
compare.screen(told, True, 80); check(warm[0], warm[0].environment, Sources([]))
seen = []
watched = ("import", "open", "exec", "compile", "subprocess.Popen", "os.system", "socket.connect", "os.exec", "os.posix_spawn", "ctypes.dlopen")
sys.addaudithook(lambda event, args: seen.append((event, str(args)[:120])) if event in watched else None)
a, b = load(folder / "a.json"), load(folder / "b.json")
told = diff(a, b)
list(compare.lines(told, True)); list(markdown(told)); compare.data(told); compare.screen(told, True, 80); str(told)
a.fingerprint; [node.fingerprint for node in a.nodes]
opened = [entry for entry in seen if not (entry[0] == "open" and ("a.json" in entry[1] or "b.json" in entry[1]))]
print("diff", opened)
seen.clear()
check(a, a.environment, Sources([str(folder)]))
print("check", [entry for entry in seen if entry[0] != "open" and entry[0] != "compile"])
print("opened", sorted(entry[1] for entry in seen if entry[0] == "open" and "evil" not in entry[1]))
"""


def test_nothing_that_a_record_names_is_imported_called_or_opened(tmp_path):
    """An audit hook sees the two records being read, by `check` the source beside it being parsed, and nothing else."""
    (tmp_path / "evil_module.py").write_text("open('harm', 'w')\nclass Bomb:\n    def __init__(self, f): pass\n")
    (tmp_path / "evil_package").mkdir()
    (tmp_path / "evil_package" / "__init__.py").write_text("open('harm', 'w')\n")
    (tmp_path / "evil_package" / "inner.py").write_text("open('harm', 'w')\nclass Bomb: pass\n")
    for name, run_ in (("a", hostile(1)), ("b", hostile(2)), ("warm", run(node(1, "a"))), ("warm2", run(node(1, "b")))):
        (tmp_path / f"{name}.json").write_bytes(dumps(run_))

    done = subprocess.run([sys.executable, "-c", AUDIT, str(tmp_path)], cwd=tmp_path, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["diff []", "check []", "opened []"]
    assert not (tmp_path / "harm").exists()


def test_a_hostile_record_is_the_same_as_itself():
    """References into nothing, circles of constructions and names of nothing are compared like any."""
    assert not begat.diff(hostile(1), loads(dumps(hostile(1))))
    assert begat.diff(hostile(1), hostile(2))


@pytest.mark.parametrize("form", [compare.lines, markdown], ids=["lines", "markdown"])
def test_terminal_commands_are_inert(form):
    """Values, names and classes cannot move the cursor, turn the text round or make a line of their own."""
    bad = "\x1b[31m\r\n\u202e\x07</code>|`<script>"
    before = run(node(1, "a", f"m:{bad}", given(x=bad)), node(2, "b", f"m:{bad}"))
    after = run(node(1, "a", f"m:{bad}", given(x=bad + "!")), node(3, "c", f"m:{bad}", given(y=1)))

    told = begat.diff(before, after)
    text = "\n".join(form(told))

    assert told
    assert all(letter.isprintable() or letter == "\n" for letter in text)
    assert text.count("\n") == len(list(form(told))) - 1


def test_deep_and_wide_values_are_compared():
    """The deepest value that a record can have, and one of very many keys."""
    wide = {str(number): number for number in range(5_000)}

    def nested(inside):
        for _ in range(limits.READ_DEPTH // 2 - 2):
            inside = [{"a": inside}]
        return run(node(1, "a", arguments=given(x=inside)))

    assert begat.diff(
        run(node(1, "a", arguments=given(x=wide))), run(node(1, "a", arguments=given(x={**wide, "7": 0})))
    )
    assert [change.argument for change in begat.diff(nested(1), nested(2))]
    assert not begat.diff(nested(1), nested(1))
    assert nested(1).fingerprint != nested(2).fingerprint


def test_long_chains_of_references():
    """A chain of 20,000 objects, each an argument of the next, is compared and has fingerprints."""

    def chain(first):
        return run(*(node(n, f"x{n}", arguments=given(a=Ref(n - 1) if n else first)) for n in range(20_000)))

    told = begat.diff(chain(1), chain(2))

    assert [(change.place, change.before, change.after) for change in told] == [("x0.a", 1, 2)]
    assert chain(1).nodes[-1].fingerprint == chain(1).nodes[-1].fingerprint != chain(2).nodes[-1].fingerprint


def test_circles_of_references():
    """Two objects that are arguments of each other are compared, and have fingerprints."""

    def circle(width):
        return run(
            node(1, "a", arguments=given(other=Ref(2), width=width)), node(2, "b", arguments=given(other=Ref(1)))
        )

    assert [change.place for change in begat.diff(circle(1), circle(2))] == ["a.width"]
    assert circle(1).fingerprint == circle(1).fingerprint != circle(2).fingerprint
    assert circle(1)["a"].fingerprint == circle(1)["a"].fingerprint != circle(2)["a"].fingerprint
