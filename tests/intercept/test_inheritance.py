"""Which objects are recorded, as what, when classes inherit from each other."""

from __future__ import annotations

import functools
import subprocess
import sys
import threading
from types import SimpleNamespace
from typing import Protocol
from unittest import mock

import pytest

import begat


def family():
    class Base:
        def __init__(self, a, b=2):
            self.a, self.b = a, b

    class Own(Base):
        def __init__(self, z):
            super().__init__(z, b=z)
            self.z = z

    class Heir(Base):
        pass

    return Base, Own, Heir


def test_only_the_outermost_construction_is_a_node(track):
    """A chain of tracked constructors is one node of the object's type, with the arguments of the call."""
    base, own, _ = family()
    track(base)
    track(own)
    with begat.capture() as run:
        own(5)

    (node,) = run.nodes
    assert node.target.endswith("Own")
    assert node.params == {"z": 5}
    assert node.notes == ()


def test_an_untracked_subclass_is_its_own_type(track):
    """It has the arguments that the tracked base saw; a note says so where it has a constructor of its own."""
    base, own, heir = family()
    track(base)
    with begat.capture() as run:
        own(5)
        heir(6)

    mine, inherited = run.nodes
    assert mine.target.endswith("Own")
    assert mine.params == {"a": 5, "b": 5}
    assert any("Base" in note and "saw" in note for note in mine.notes)
    assert inherited.target.endswith("Heir")
    assert inherited.params == {"a": 6, "b": 2}
    assert inherited.notes == ()


def test_tracking_an_heir_leaves_its_base_alone(track):
    """Where only the base has a constructor, tracking the subclass records the subclass and not the base."""
    base, own, heir = family()
    track(heir)
    with begat.capture() as run:
        base(1), own(2), heir(3)

        class Later(heir):
            pass

        Later(4)

    assert [node.target.rpartition(".")[2] for node in run.nodes] == ["Heir", "Later"]
    assert [node.params["a"] for node in run.nodes] == [3, 4]


def test_a_subclass_made_after_tracking_is_recorded(track):
    """Also with a metaclass, ``__init_subclass__``, and when defined inside a scope."""
    base, _, _ = family()
    track(base)
    with begat.capture() as run:

        class Late(base):
            def __init__(self, **more):
                super().__init__(**more)

        Late(a=1)

    assert run.nodes[0].target.endswith("Late")
    assert run.nodes[0].params == {"a": 1, "b": 2}


def test_a_construction_inside_another_hangs_below_it(track):
    """Objects built in a constructor have `within`; the outer one comes first; a sibling built later has none."""

    class Part:
        def __init__(self, a):
            self.a = a

    class Whole:
        def __init__(self, n):
            self.parts = [Part(i) for i in range(n)]

    track(Part)
    track(Whole)
    with begat.capture() as run:
        Whole(2)
        Part(9)

    whole, first, second, alone = run.nodes
    assert [node.id for node in run.nodes] == sorted(node.id for node in run.nodes)
    assert (whole.within, first.within, second.within, alone.within) == (None, whole.id, whole.id, None)


def test_the_stack_is_whole_after_exceptions(track):
    """Whatever is raised and caught on the way, later constructions hang where they belong."""

    class Part:
        def __init__(self, fail=False):
            if fail:
                raise ValueError

    class Whole:
        def __init__(self, fail):
            for bad in (True, False):
                try:
                    Part(bad)
                except ValueError:
                    pass
            if fail:
                raise KeyError

    track(Part)
    track(Whole)
    with begat.capture() as run:
        for fail in (True, False):
            try:
                Whole(fail)
            except KeyError:
                pass
        Part()

    names = [(n.target.rpartition(".")[2], n.outcome) for n in run.nodes]
    whole = run.nodes[0].id
    assert names == [
        ("Whole", "raised"), ("Part", "raised"), ("Part", "returned"),
        ("Whole", "returned"), ("Part", "raised"), ("Part", "returned"), ("Part", "returned"),
    ]  # fmt: skip
    assert [n.within for n in run.nodes] == [None, whole, whole, None, run.nodes[3].id, run.nodes[3].id, None]


def test_only_the_construction_that_raised_is_marked(track):
    """An error that an outer constructor catches belongs to the inner node alone."""

    class Inner:
        def __init__(self):
            raise LookupError

    class Outer:
        def __init__(self):
            try:
                Inner()
            except LookupError as error:
                raise ValueError from error

    track(Inner)
    track(Outer)
    with begat.capture() as run:
        try:
            Outer()
        except ValueError:
            pass

    assert [(n.outcome, n.error) for n in run.nodes] == [
        ("raised", "builtins:ValueError"),
        ("raised", "builtins:LookupError"),
    ]


def test_the_smallest_constructor_that_raises(track):
    """A constructor whose whole body is a ``raise`` has a value stack of one: the woven code must not write beyond it."""

    class Fails:
        def __init__(self):
            raise LookupError

    track(Fails)
    with begat.capture() as run:
        for _ in range(50):
            try:
                Fails()
            except LookupError:
                pass

    assert {(node.outcome, node.error) for node in run.nodes} == {("raised", "builtins:LookupError")}
    assert len(run.nodes) == 50


def test_a_base_that_raises_in_a_chain(track):
    """A super chain that fails below, or is caught and repaired, has the outcome of the whole construction."""

    class Base:
        def __init__(self, a):
            raise ValueError(a)

    class Fails(Base):
        def __init__(self, a):
            super().__init__(a)

    class Repairs(Base):
        def __init__(self, a):
            try:
                super().__init__(a)
            except ValueError:
                self.a = a

    for cls in (Base, Fails, Repairs):
        track(cls)
    with begat.capture() as run:
        try:
            Fails(1)
        except ValueError:
            pass
        Repairs(2)

    assert [(n.target.rpartition(".")[2], n.outcome, n.params) for n in run.nodes] == [
        ("Fails", "raised", {"a": 1}),
        ("Repairs", "returned", {"a": 2}),
    ]


def test_init_called_again_is_an_event(track):
    """``obj.__init__()`` on a finished object leaves its node alone and adds a reinit event with the new arguments."""

    class C:
        def __init__(self, a, b=2):
            self.state = (a, b)

    track(C)
    with begat.capture() as run:
        made = C(1)
        made.__init__(5, b=6)
        C.__init__(made, 7)

    (node,) = run.nodes
    assert node.params == {"a": 1, "b": 2}
    assert [(e.kind, e.node, {k: a.value for k, a in e.arguments.items()}) for e in run.events] == [
        ("reinit", node.id, {"a": 5, "b": 6}),
        ("reinit", node.id, {"a": 7, "b": 2}),
    ]


def test_init_called_again_after_it_raised(track):
    """An object whose first construction failed and whose second succeeded is one node and one event."""

    class C:
        def __init__(self, a):
            if a:
                raise ValueError

    track(C)
    with begat.capture() as run:
        made = C.__new__(C)
        try:
            made.__init__(1)
        except ValueError:
            pass
        made.__init__(0)

    assert [node.outcome for node in run.nodes] == ["raised"]
    assert [event.kind for event in run.events] == ["reinit"]


def test_a_constructor_borrowed_for_a_stranger(track):
    """``C.__init__(other, ...)`` on an object that is no C runs as before and is no construction of C."""

    class C:
        def __init__(self, a):
            self.a = a

    track(C)
    with begat.capture() as run:
        stranger = SimpleNamespace()
        C.__init__(stranger, 1)

    assert stranger.a == 1
    assert run.nodes == ()


def test_two_classes_with_one_function(track):
    """A function that is the constructor of two classes records the tracked one."""

    def build(self, a):
        self.a = a

    first, second = type("First", (), {"__init__": build}), type("Second", (), {"__init__": build})
    track(first)
    with begat.capture() as run:
        first(1), second(2)

    assert [node.target.rpartition(":")[2] for node in run.nodes] == ["First"]


def test_a_patched_base_is_honoured_and_released(track):
    """``mock.patch.object(Base, "__init__")`` after tracking is what runs, and what was there comes back."""
    base, own, heir = family()
    for cls in (base, own, heir):
        track(cls)
    original = base.__init__
    with begat.capture() as run:
        with mock.patch.object(base, "__init__", return_value=None) as patched:
            heir(1)
            own(2)
        heir(3)

    assert patched.call_count == 2
    assert base.__init__ is original
    assert "__init__" not in vars(heir)
    assert run.nodes[-1].params == {"a": 3, "b": 2}


def test_a_patch_under_which_a_class_is_released():
    """untrack while somebody else's patch is in place leaves the patch, and afterwards the original."""
    base, _, _ = family()
    begat.trackable(base)
    with mock.patch.object(base, "__init__", autospec=True, return_value=None) as patched:
        begat.untrack(base)
        base(1)
        assert patched.call_count == 1
    with begat.capture() as run:
        assert base(1).a == 1

    assert run.nodes == ()


def test_a_class_that_is_given_a_new_init(track):
    """Assigning ``C.__init__`` while tracked replaces the constructor, as it always did."""

    class C:
        def __init__(self, a):
            self.a = a

    track(C)
    C.__init__ = lambda self, b: setattr(self, "b", b)  # type: ignore[method-assign]

    assert vars(C(3)) == {"b": 3}


def test_redefined_classes_are_told_apart(track):
    """A class defined again under the same name (a notebook cell run twice) is another class."""
    made = []
    with begat.capture() as run:
        for width in (1, 2):
            space: dict = {"__name__": "notebook"}
            exec(f"class Net:\n    def __init__(self, w{width}):\n        pass\n", space)
            track(space["Net"])
            made.append(space["Net"](width))

    assert [node.params for node in run.nodes] == [{"w1": 1}, {"w2": 2}]
    assert {node.target for node in run.nodes} == {"notebook:Net"}
    assert begat.provenance(made[0]) != begat.provenance(made[1])


def test_tracked_and_released_while_others_construct(track):
    """Tracking and releasing a class in one thread never breaks constructions in others."""

    class C:
        def __init__(self, a, b=2, *, c=3):
            self.state = (a, b, c)

    stop = threading.Event()
    wrong: list[object] = []

    def construct():
        while not stop.is_set():
            for made in (C(1), C(1, 5), C(a=1, c=9)):
                if made.state not in ((1, 2, 3), (1, 5, 3), (1, 2, 9)):
                    wrong.append(made.state)

    def guarded():
        try:
            construct()
        except BaseException as problem:
            wrong.append(problem)

    threads = [threading.Thread(target=guarded) for _ in range(4)]
    with begat.capture():
        for thread in threads:
            thread.start()
        for _ in range(300):
            begat.trackable(C)
            begat.untrack(C)
        stop.set()
        for thread in threads:
            thread.join()

    assert wrong == []


class _Runs(Protocol):
    def run(self): ...


def test_a_protocol_among_the_bases(track):
    """What ``typing`` puts in the place of a Protocol's constructor is passed by: each construction has a node, and its place."""

    class Base:
        def __init__(self, x):
            self.x = x

    class Both(_Runs, Base):
        pass

    class Bare(_Runs):
        pass

    track(Both), track(Bare)
    with begat.capture() as run:
        made = [Both(1), Both(2), Both(3)]
        Bare(), Bare()

    assert [m.x for m in made] == [1, 2, 3]
    assert [n.params for n in run.nodes] == [{"x": 1}, {"x": 2}, {"x": 3}, {}, {}]
    assert {n.site.function for n in run.nodes} == {"test_a_protocol_among_the_bases"}
    assert all(n.notes == () for n in run.nodes)


class Places:
    """Functions alone: a class that takes no arguments."""

    @staticmethod
    def shape(x):
        return x.shape


@pytest.mark.heavy
def test_torchscript_compiles_a_class_that_takes_no_arguments(track):
    """What it looks through are the names in the class, of which none may be C code; and its constructions are recorded."""
    torch = pytest.importorskip("torch")

    class Net(torch.nn.Module):
        def forward(self, x):
            places = Places
            return places.shape(x)

    track(Places)
    with begat.capture() as run:
        scripted = torch.jit.script(Net())
        Places()

    assert list(scripted(torch.ones(2, 3))) == [2, 3]
    assert Places.__init__ is object.__init__
    assert [node.target for node in run.nodes] == [f"{__name__}:Places"]


def test_a_constructor_that_is_given_to_the_class_later(track):
    """A subclass that takes over a woven constructor after its first construction is recorded all the same."""

    class Base:
        def __init__(self, x):
            pass

    class Child(Base):
        def __init__(self):
            pass

    track(Base)
    with begat.capture() as run:
        Child()
        Child.__init__ = Base.__init__
        Child(5)

    assert [n.params for n in run.nodes] == [{"x": 5}]


def test_a_constructor_that_was_replaced_is_marked(track):
    """Where somebody exchanged a tracked constructor for good, the record says that it lacks something."""

    class C:
        def __init__(self, a):
            pass

    track(C)
    with begat.capture() as run:
        C.__init__ = lambda self, a: None
        C(1)
    with begat.capture() as whole:
        del C.__init__

    assert run.nodes == ()
    assert any("C was replaced" in mark for mark in run.header.marks)
    assert any("C was replaced" in mark for mark in whole.header.marks)


def test_a_wrapper_that_adds_an_argument(track):
    """Names that only the wrapped function knows are marked as assumed."""

    def adding(function):
        @functools.wraps(function)
        def wrapper(self, *args, **kwargs):
            return function(self, "context", *args, **kwargs)

        return wrapper

    class C:
        @adding
        def __init__(self, context, a, b=2):
            pass

    track(C)
    with begat.capture() as run:
        C(1, 5)

    assert any("assumed" in note or "as if the wrapper" in note for note in run.nodes[0].notes)


def test_a_constructor_that_is_wrapped_after_it_was_tracked(track):
    """As torch's compiler wraps that of all modules: what the wrapper hands on is recorded, and said to be that; what it keeps is not."""

    class Base:
        def __init__(self, x, y=2):
            self.x = x

    class Plain(Base):
        pass

    for cls in (Base, Plain):
        track(cls)
    plain = Base.__init__

    def wrapper(self, *args, **kwargs):
        plain(self, *args, **kwargs)

    with begat.capture() as run:
        Base.__init__ = wrapper
        wrapped = Plain(1, y=5)
        Base.__init__ = lambda self, *args: None
        Plain(9)
    (node,) = run.nodes

    assert wrapped.x == 1
    assert (node.path, node.params, node.site.function.split(".")[0]) == (
        "wrapped",
        {"x": 1, "y": 5},
        "test_a_constructor_that_is_wrapped_after_it_was_tracked",
    )
    assert any("replaced since it was tracked" in note for note in node.notes)
    assert any("Base (and of 1 more) was replaced" in mark for mark in run.header.marks)


def test_c_code_may_ask_for_a_constructor_where_no_python_runs():
    """``getattr(Empty, "__init__")``, called by the interpreter when the last frame is gone."""
    program = (
        "import atexit, begat\nclass Empty: pass\nbegat.trackable(Empty)\natexit.register(getattr, Empty, '__init__')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
