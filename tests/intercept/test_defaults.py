"""The defaults of tracked constructors: who reads or changes them finds, and leaves, what he would have without begat."""

from __future__ import annotations

import collections
import gc
import sys
import types
import weakref

import pytest

import begat


def made(**given):
    class C:
        def __init__(self, *, a=1, b=2):
            self.state = (a, b)

    return C


CHANGES = {
    "set": lambda d: d.__setitem__("b", 99),
    "update": lambda d: d.update(a=5, b=[6]),
    "setdefault": lambda d: (d.setdefault("b", 7), d.setdefault("a", 8)),
    "or": lambda d: d.__ior__({"b": 3}),
    "twice": lambda d: (d.__setitem__("b", 99), d.__setitem__("b", "x")),
    "removed and set": lambda d: (d.pop("b"), d.__setitem__("b", 4)),
    "emptied and set": lambda d: (d.clear(), d.update(b=1, a=2)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_keyword_defaults_changed_in_place(change, track):
    """A change of ``__kwdefaults__`` counts for the program and for the record, and untrack leaves it in place."""
    plain, tracked = made(), track(made())
    defaults = tracked.__init__.__kwdefaults__
    change(plain.__init__.__kwdefaults__)
    change(defaults)

    with begat.capture() as run:
        found = tracked()

    assert found.state == plain().state
    assert run.nodes[0].params == dict(zip("ab", plain().state, strict=True))
    assert {a.source for a in run.nodes[0].arguments.values()} == {"default"}
    assert dict(defaults) == plain.__init__.__kwdefaults__
    begat.untrack(tracked)
    assert tracked.__init__.__kwdefaults__ == plain.__init__.__kwdefaults__
    assert tracked().state == plain().state


def test_keyword_defaults_taken_away(track):
    """Removed defaults come out as they are, and their parameters have to be given."""
    C = track(made())
    defaults = C.__init__.__kwdefaults__

    assert defaults.pop("b") == 2
    assert (list(defaults.keys()), len(defaults), "b" in defaults) == (["a"], 1, False)
    with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'b'"):
        C()
    assert defaults.popitem() == ("a", 1)
    with pytest.raises(KeyError):
        del defaults["a"]
    assert C(a=1, b=2).state == (1, 2)


def test_a_default_that_was_exchanged_is_a_default(track):
    """A new ``__defaults__`` is what the record calls default, too."""

    class C:
        def __init__(self, a=1):
            self.a = a

    track(C)
    C.__init__.__defaults__ = (5,)
    with begat.capture() as run:
        assert (C().a, C(6).a) == (5, 6)

    assert [(n.params["a"], n.arguments["a"].source) for n in run.nodes] == [(5, "default"), (6, "given")]


def test_a_copy_of_a_woven_function_outlives_it():
    """The copy's own defaults know what the placeholders stand for."""

    class C:
        def __init__(self, f=lambda: 3, *, g=lambda: 4):
            self.f, self.g = f, g

    begat.trackable(C)
    o = C.__init__
    copy = types.FunctionType(o.__code__, o.__globals__, o.__name__, o.__defaults__, o.__closure__)
    copy.__kwdefaults__ = o.__kwdefaults__
    del C, o
    gc.collect()

    class D:
        __init__ = copy

    assert (D().f(), D().g()) == (3, 4)


@pytest.mark.parametrize("default", ["act", "Big", "big.go", "[act]", "{}"])
def test_a_class_that_its_own_default_leads_to_is_freed(default):
    """A default whose module holds the class does not keep it alive."""
    module = types.ModuleType("dynamic_module")
    sys.modules[module.__name__] = module
    source = (
        "class Big:\n    def go(self): pass\nbig = Big()\ndef act(x): return x\nclass Net:\n"
        f"    def __init__(self, act={default}): self.act = act\n        \n"
    )
    exec(source, module.__dict__)
    if default == "{}":
        module.Net.__init__.__defaults__[0]["net"] = module.Net
    begat.trackable(module.Net)
    with begat.capture():
        module.Net()
    gone = weakref.ref(module.big)
    del sys.modules[module.__name__], module
    gc.collect()

    assert gone() is None


@pytest.mark.parametrize(
    ("default", "change", "expected"),
    [
        (([1],), lambda d: d[0].append(2), "([1, 2],)"),
        (collections.OrderedDict(a=1), lambda d: d.update(b=2), "b"),
        (collections.deque([1]), lambda d: d.append(2), "2"),
        (types.SimpleNamespace(a=1), lambda d: setattr(d, "a", 7), "7"),
    ],
    ids=["tuple", "OrderedDict", "deque", "SimpleNamespace"],
)
def test_defaults_that_change(default, change, expected, track):
    """The record says what a default was when the call was made."""

    class C:
        def __init__(self, a=default):
            pass

    track(C)
    with begat.capture() as run:
        C()
        change(default)
        C()

    before, after = (str(node.params["a"]) for node in run.nodes)
    assert expected in after
    assert expected not in before
    assert run.nodes[1].arguments["a"].source == "default"


def test_texts_that_were_computed_stay_themselves(track):
    """A text as a default, and in a tuple, is the object it was: a code object would exchange it for the interned one."""
    text = "".join(["ab", "cdzz"])
    held = (text,)

    class C:
        def __init__(self, s=text, t=held):
            self.same = s is text and t is held and t[0] is text

    assert C().same
    track(C)
    assert C().same
