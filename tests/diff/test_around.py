"""Why something differs, where the program's text is the same: versions, code, names of modules, places, seeds."""

from __future__ import annotations

from dataclasses import replace

import pytest

import begat
from begat.record import migrations
from begat.record.codec import dumps, loads
from begat.record.graph import Run
from begat.record.model import Argument, CallSite, Environment, Event, Header
from begat.record.values import Opaque, Ref, Symbol, Typed
from handmade import default, given, node, run, training

from .conftest import told


class Loss:
    def __init__(self, size):
        self.size = size


class Mean(Loss):
    pass


class Most(Loss):
    pass


def env(**more):
    return Environment("3.11.7", "CPython", **more)


def only(diff):
    """The one change of *diff*."""
    (change,) = diff.changes
    return change


def test_a_default_that_a_library_changed():
    """The cause is the library, with both versions; its classes' code is folded."""
    old = run(
        node(1, "svc", "sklearn.svm:SVC", default(gamma="auto"), code="sha256:1"),
        environment=env(packages={"sklearn": "1.8.0"}),
    )
    new = run(
        node(1, "svc", "sklearn.svm:SVC", default(gamma="scale"), code="sha256:2"),
        environment=env(packages={"sklearn": "1.9.0"}),
    )

    found = begat.diff(old, new)

    assert told(found) == [("argument", "svc.gamma"), ("package", "sklearn")]
    assert found.changes[0].cause == "library"
    assert "sklearn 1.8.0 → 1.9.0" in found.changes[0].why
    assert [change.cause for change in found.folded if change.kind == "code"] == ["library"]


def test_a_default_that_the_code_changed():
    """The default's change names the code, and the code needs no line of its own."""
    old = node(1, "net", "train:Net", default(depth=2), code="sha256:1")
    new = node(1, "net", "train:Net", default(depth=3), code="sha256:2")

    found = begat.diff(run(old), run(new))

    assert only(found).cause == "code"
    assert [(change.kind, change.cause) for change in found.folded if change.kind == "code"] == [("code", "follows")]


def test_a_class_that_is_called_otherwise():
    """Another class with the same code may be the same: that is said, with what to do."""
    old, new = (node(1, "net", f"train:{name}", code="sha256:1") for name in ("Net", "TextNet"))

    assert "same code" in only(begat.diff(run(old), run(new))).why
    assert not begat.diff(run(old), run(new), moved={"train.Net": "train.TextNet"})


def test_a_parameter_that_a_library_added_or_dropped():
    """A default that only one of the versions has."""
    old, new = node(1, "a", "lib:A", default(x=1)), node(1, "a", "lib:A", default(x=1, y=2))

    found = begat.diff(
        run(old, environment=env(packages={"lib": "1"})), run(new, environment=env(packages={"lib": "2"}))
    )

    assert (found.changes[0].place, found.changes[0].cause) == ("a.y", "library")
    assert "new parameter" in found.changes[0].why


def test_code_that_changed_is_told_once_for_a_class():
    """Three objects of one class whose code is another: one change that counts them."""
    before = run(*(node(n, f"a{n}", "train:Net", code="sha256:1") for n in range(3)), environment=env())
    after = run(*(node(n, f"a{n}", "train:Net", code="sha256:2") for n in range(3)), environment=env())

    change = only(begat.diff(before, after))

    assert (change.kind, change.target, change.count) == ("code", "train:Net", 3)


def test_code_of_two_pythons_is_not_compared():
    """Fingerprints of code are those of one version of Python."""
    before = run(
        node(1, "a", code="sha256:1", arguments=given(f=Symbol("m:<lambda>", "function", False, "x"))),
        environment=env(),
    )
    after = run(
        node(1, "a", code="sha256:2", arguments=given(f=Symbol("m:<lambda>", "function", False, "y"))),
        environment=replace(env(), python="3.12.1"),
    )

    assert told(begat.diff(before, after)) == [("python", "")]


def test_an_inner_change_of_code_is_told():
    """What is built inside a class whose code changed is told; inside one whose arguments changed it follows."""

    def built(width, inner, code):
        return run(
            node(1, "net", "t:Net", given(width=width), code=code),
            node(2, "net.head", "t:Head", given(n=inner), within=1, code="h"),
        )

    assert told(begat.diff(built(1, 5, "a"), built(1, 6, "b"))) == [("argument", "net.head.n"), ("code", "net")]
    assert told(begat.diff(built(1, 5, "a"), built(2, 6, "a"))) == [("argument", "net.width")]
    assert told(begat.diff(built(1, 5, "a"), built(2, 6, "b"))) == [
        ("argument", "net.head.n"),
        ("argument", "net.width"),
        ("code", "net"),
    ]
    assert told(begat.diff(built(1, 1, "a"), built(2, 2, "b"))) == [("argument", "net.width"), ("code", "net")]


def test_a_module_that_was_renamed():
    """Told as a class from elsewhere, and as nothing when the caller says what was renamed; arguments too."""

    def built(module):
        values = given(
            f=Symbol(f"{module}:act", "function"), k=Typed(f"{module}:Conf", {"a": 1}), o=Opaque(f"{module}:Bar")
        )
        return run(node(1, "net", f"{module}:Net", values), node(2, "x", f"{module}.deep:Outer.Inner"))

    old, new = built("old.nets"), built("fresh.models")

    assert {change.kind for change in begat.diff(old, new)} == {"class", "argument"}
    assert not begat.diff(old, new, moved={"old.nets": "fresh.models"})
    assert not begat.diff(new, old, moved={"old.nets": "fresh.models"})


@pytest.mark.parametrize("spelling", ["old:Net", "old.Net"])
def test_a_class_that_was_renamed(spelling):
    """A class by its full name, with a colon or with dots."""
    assert not begat.diff(
        run(node(1, "a", "old:Net")), run(node(1, "a", "new.mod:Network")), moved={spelling: "new.mod:Network"}
    )


def test_a_script_as_a_module():
    """Run as a script, a class is `__main__`'s; imported, it is its module's: that is one class."""
    script = Run(Header("a", script="/w/train.py"), (node(1, "net", "__main__:Net"),))
    module = Run(Header("b", script="/w/other.py"), (node(1, "net", "train:Net"),))

    assert not begat.diff(script, module)
    assert begat.diff(script, Run(Header("b"), (node(1, "net", "third:Net"),)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/tmp/ipykernel_11/123.py", "/tmp/ipykernel_22/456.py"),
        ("<ipython-input-3-abc>", "<ipython-input-7-def>"),
        ("/home/me/repo/train.py", "/data/you/work/train.py"),
        ("/a/lib/python3.11/site-packages/lib/x.py", "/b/lib/python3.12/site-packages/lib/x.py"),
        ("/home/me/repo/before.py", "/data/you/work/after.py"),
    ],
)
def test_places_that_say_nothing(one, other):
    """Cells of notebooks, checkouts, environments and the name of the script are no differences."""
    before = run(node(1, "a", site=CallSite(one, 3, "f")), environment=env(cwd="/home/me/repo"))
    after = run(node(1, "a", site=CallSite(other, 9, "f")), environment=env(cwd="/data/you/work"))

    assert not begat.diff(before, after)


def test_a_comprehension_is_part_of_its_function():
    """Until Python 3.11 a comprehension is a function of its own."""
    before, after = (run(node(1, "a", site=CallSite("/t.py", 1, name))) for name in ("f.<locals>.<listcomp>", "f"))

    assert not begat.diff(before, after)


def test_paths_below_the_checkout():
    """A path below the repository is the same in another checkout; one beyond is not; the fingerprints say so too."""

    def at(folder, path):
        git = {"commit": "c", "branch": "main", "dirty": False, "root": folder}
        return run(node(1, "a", arguments=given(p=path)), environment=env(cwd=f"{folder}/sub", git=git))

    here, there = at("/home/me/repo", "/home/me/repo/data.csv"), at("/data/work", "/data/work/data.csv")
    far, further = at("/home/me/repo", "/mnt/a.csv"), at("/data/work", "/mnt/b.csv")

    assert not begat.diff(here, there)
    assert here.fingerprint == there.fingerprint
    assert here["a"].fingerprint == there["a"].fingerprint
    assert told(begat.diff(far, further)) == [("argument", "a.p")]
    assert far.fingerprint != further.fingerprint


def test_what_surrounds_the_program():
    """Seeds, words of the command line, versions, Python, system and git are told; machine and process are folded."""
    git = {"commit": "1", "branch": "main", "dirty": False, "root": "/r"}
    before = Run(
        Header("a", argv=("t.py", "--epochs", "3"), started="1"), (),
        env(platform="Linux-5.1-x86_64-with-glibc2.35", host="x", user="u", cwd="/a", packages={"torch": "2.1", "old": "1"},
            git=git, seeds={"random.seed": 1}),
    )  # fmt: skip
    after = Run(
        Header("b", argv=("/x/t.py", "--epochs", "5"), started="2"), (),
        env(platform="Linux-6.9-x86_64-with-glibc2.35", host="y", user="v", cwd="/b", packages={"torch": "2.2", "new": "1"},
            git={**git, "commit": "2", "root": "/s"}, seeds={"random.seed": 2}),
    )  # fmt: skip

    found = begat.diff(before, after)

    assert told(found) == [("argv", ""), ("git", "commit"), ("package", "torch"), ("seed", "random.seed")]
    assert {"platform", "package", "run"} <= {change.kind for change in found.folded}


def test_built_or_not():
    """An object that was not built this time, and one whose constructor raises now."""
    before, after = (
        run(node(1, "a"), node(2, "b")),
        run(node(1, "a", outcome="deferred"), node(2, "b", outcome="raised", error="E")),
    )

    found = {change.path: (change.kind, change.before, change.after) for change in begat.diff(before, after)}

    assert found == {"a": ("outcome", "built", "not built"), "b": ("outcome", "built", "raised: E")}


def test_a_class_that_an_override_chose_is_that_class(track):
    """An overridden call is the call written so: no constructor ran twice."""
    for cls in (Loss, Mean, Most):
        track(cls)
    with begat.override({"loss": Most}), begat.capture() as one:
        loss = Mean(2)
    with begat.capture() as other:
        loss = Most(2)

    assert not begat.diff(one, other), str(begat.diff(one, other))
    assert type(loss) is Most


def test_another_class_by_an_override_is_said_to_be_that(track):
    """Where the class came from, from both sides; what the override gave it is no default of another class."""
    for cls in (Mean, Loss, Most):
        track(cls)
    with begat.capture() as one:
        loss = Mean(2)
    with begat.override({"loss": Most, "loss.size": 3}), begat.capture() as other:
        loss = Mean(2)

    there, back = begat.diff(one, other), begat.diff(other, one)

    assert [(c.kind, c.cause) for c in there] == [("class", "override"), ("argument", "override")]
    assert there.changes[0].why.startswith("Most in its place, put there by an override")
    assert [(c.kind, c.cause) for c in back] == [("class", "override"), ("argument", "override")]
    assert back.changes[0].why.startswith("Mean in its place, no longer put there by an override")
    assert type(loss) is Most


def test_an_override_and_where_it_came_from():
    """The value that the code has is told beside the override."""
    before = run(node(1, "a", arguments=given(x=128)))
    after = run(node(1, "a", arguments={"x": Argument("x", 256, "override", 128)}))

    change = only(begat.diff(before, after))

    assert (change.cause, change.before, change.after) == ("override", 128, 256)
    assert "the code says 128" in change.why


def test_a_constructor_that_ran_again():
    """Events of an object are counted."""
    nodes = (node(1, "a"),)
    again = Run(Header("r"), nodes, None, (Event("reinit", 1, given(x=1)),))

    assert (only(begat.diff(Run(Header("r"), nodes), again)).kind) == "event"


def test_what_libraries_made_is_counted():
    """240 clones against 239 are one folded line; with *all* they are told one by one."""
    first = training()
    second = Run(first.header, first.nodes[:-1], first.environment)

    found = begat.diff(first, second)
    everything = begat.diff(first, second, all=True)

    assert not found
    assert [(change.kind, change.before, change.after) for change in found.folded] == [("library", 240, 239)]
    assert told(everything) == [("removed", "search.SVC.239")]


def test_a_whole_training_run_against_itself_and_a_copy():
    """The run with everything in it does not differ from what is read back."""
    assert not begat.diff(training(), loads(dumps(training())), all=True)


def test_defaults_of_another_class_follow():
    """Where the class is another, its own defaults are no news; what both calls give is."""
    before = run(node(1, "opt", "t:Adam", given(lr=1) | default(decay=0.01, betas=(0.9, 0.99))))
    after = run(node(1, "opt", "t:SGD", given(lr=2) | default(decay=0, momentum=0)))

    assert told(begat.diff(before, after)) == [("argument", "opt.lr"), ("class", "opt")]


def test_steps_of_a_pipeline():
    """A step that was inserted into a list of pairs is one object more; a step that is called otherwise is one text."""

    def pipe(*names):
        steps = [node(n, f"pipe.steps.{n}.1", f"sk:{name.upper()}") for n, name in enumerate(names)]
        return run(
            *steps, node(9, "pipe", "sk:Pipeline", given(steps=[(name, Ref(n)) for n, name in enumerate(names)]))
        )

    assert told(begat.diff(pipe("scale", "svc"), pipe("fill", "scale", "svc"))) == [("added", "pipe.steps.0.1")]
    assert told(begat.diff(pipe("a"), pipe("a"))) == []


def test_records_of_an_older_format(monkeypatch):
    """A record of an earlier format is brought to the present one, and compared like any."""
    import json

    document = json.loads(dumps(training()))
    document["format"] = "begat/0"
    monkeypatch.setitem(migrations.STEPS, "begat/0", lambda found: {**found, "format": migrations.FORMAT})

    assert not begat.diff(training(), loads(json.dumps(document)))


def test_a_diff_is_frozen_data():
    """Neither a diff nor a change can be altered, and both compare by what they say."""
    before, after = run(node(1, "a", arguments=given(x=1))), run(node(1, "a", arguments=given(x=2)))
    found = begat.diff(before, after)

    with pytest.raises(AttributeError):
        found.changes = ()
    with pytest.raises(AttributeError):
        found.changes[0].path = "b"
    assert found == begat.diff(before, after)
    assert (len(found), list(found)) == (1, list(found.changes))
    assert "a.x: 1 → 2" in str(found)
