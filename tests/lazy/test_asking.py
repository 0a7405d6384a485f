"""The ways to ask for objects that wait."""

from __future__ import annotations

import contextvars
import copy
import functools
import importlib
import inspect
import multiprocessing
import os
import re
import subprocess
import sys
import textwrap
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import pytest

import begat
from zoo_support.tracking import LIBRARY


class Plain:
    def __init__(self, width: int, more: Any = None) -> None:
        self.width = width


class Narrow(Plain):
    pass


def test_deferred_names_classes_and_holds_in_its_block(track: Any) -> None:
    with begat.deferred(Plain):
        inside, below = Plain(1), Narrow(2)
    outside = Plain(3)
    assert [begat.is_lazy(x) for x in (inside, below, outside)] == [True, True, False]
    begat.untrack(Plain)
    assert (inside.width, below.width) == (1, 2), "what waits is built, tracked or not"


def test_a_class_can_be_declared_lazy() -> None:
    @begat.trackable(lazy=True)
    class Heavy:
        def __init__(self, width: int) -> None:
            self.width = width

    with begat.capture() as run:
        heavy = Heavy(1)
        assert begat.is_lazy(heavy)
        assert run.unbuilt == run.nodes
        assert heavy.width == 1
        assert run.unbuilt == ()
    begat.untrack(Heavy)
    assert not begat.is_lazy(Heavy(1))


def test_a_watch_takes_patterns_of_what_waits(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    source = """
        class Model:
            def __init__(self, size): self.size = size
            @classmethod
            def from_folder(cls, folder): return cls(len(folder))
        class Other:
            def __init__(self, size): self.size = size
        """
    (tmp_path / "heavylib.py").write_text(textwrap.dedent(source))
    monkeypatch.syspath_prepend(tmp_path)
    with begat.watch("heavylib", lazy=["heavylib.Model*"]) as watching:
        import heavylib  # type: ignore[import-not-found]

        made = heavylib.Model(1), heavylib.Other(2), heavylib.Model.from_folder("abc")
        assert [begat.is_lazy(x) for x in made] == [True, False, True]
        assert made[2].size == 3
        assert watching.unmatched == ()
    assert not begat.is_lazy(heavylib.Model(1))
    del sys.modules["heavylib"]


def test_lazy_makes_one_call_wait() -> None:
    with begat.capture() as run:
        model = begat.lazy(Plain)(4)
        eager = Plain(5)
    assert [begat.is_lazy(x) for x in (model, eager)] == [True, False]
    assert [node.path for node in run.nodes] == ["model", "eager"]
    assert [node.outcome for node in run.nodes] == ["deferred", "returned"]


def test_wrong_arguments_raise_at_the_call() -> None:
    with pytest.raises(TypeError, match="width"):
        begat.lazy(Plain)()
    with begat.deferred(Plain), pytest.raises(TypeError, match="unexpected"):
        Plain(1, wrong=2)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        begat.lazy(sorted)(1, 2, 3)


def test_the_record_says_when_and_where_it_was_built() -> None:
    with begat.capture() as run:
        model = begat.lazy(Plain)(4)
        never = begat.lazy(Plain)(5)
        assert run.events == ()
        _ = model.width
    (event,) = run.events
    assert (event.kind, event.node) == ("built", run["model"].id)
    assert event.site is not None and event.site.function.endswith("where_it_was_built")
    assert event.arguments["seconds"].value >= 0  # type: ignore[operator]
    assert run.unbuilt == (run["never"],)
    assert begat.is_lazy(never)


@pytest.mark.parametrize("wrong", [(), (3,), ("", 3)])
def test_deferred_refuses_what_it_cannot_mean(wrong: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError), begat.deferred(*wrong):
        pass


def test_deferred_refuses_an_unknown_policy() -> None:
    with pytest.raises(ValueError, match="keyed"):
        begat.deferred(Plain, rng="random")


def test_materialize_builds_all_the_way_down() -> None:
    with begat.deferred(Plain):
        outer = Plain(1, more=None)
        holder = {"a": [outer, Plain(2)]}
    assert begat.materialize(holder, deep=True) is holder
    assert not any(begat.is_lazy(x) for x in holder["a"])


def test_run_takes_patterns_of_what_waits(tmp_path: Any) -> None:
    script = """
        class Encoder:
            def __init__(self, size):
                self.size = size
                print("built", size)
        class Net:
            def __init__(self, encoder): self.encoder = encoder
        encoder, spare = Encoder(3), Encoder(4)
        net = Net(encoder)
        print("configured")
        print(net.encoder.size)
        """
    (tmp_path / "train.py").write_text(textwrap.dedent(script))

    def begat_(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "begat", *words], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        messages.append(done.stderr)
        return done.stdout

    messages: list[str] = []
    assert begat_("run", "train.py").split() == "built 3 built 4 configured 3".split()
    assert begat_("run", "--lazy", "Encoder", "train.py").split() == "configured built 3 3".split()
    assert "3 constructions recorded, 1 of them never built: " in messages[-1]
    shown = begat_("show", "last")
    assert "built at train.py:11 in" in shown
    assert shown.count("not built: nothing has touched it") == 1
    (tmp_path / "pyproject.toml").write_text('[tool.begat]\nlazy = ["Enc*"]\n')
    assert begat_("run", "train.py").split() == "configured built 3 3".split()


def test_a_pattern_that_nothing_matched_is_in_the_record(track: Any) -> None:
    """With what was perhaps meant, by the names that were there; where it matched, or the block failed, it is not."""
    track(Plain)

    with begat.capture() as run:
        with begat.deferred("test_asking.Plane", "nosuch.*", "Plain"):
            Plain(1)
        with pytest.raises(KeyError), begat.deferred("nothing.*"):
            raise KeyError
    with begat.capture() as other, begat.deferred("plane"):
        Plain(1)

    assert [mark.partition(" let ")[0] for mark in run.header.marks] == [
        "begat.deferred('test_asking.Plane')",
        "begat.deferred('nosuch.*')",
    ]
    assert other.header.marks[0].endswith("did you mean 'Plain'?")


@pytest.mark.parametrize("pattern", ["shop.Net", "shop._net.Net", "shop.*Net", "shop"])
def test_a_class_is_named_as_it_is_imported(tmp_path: Any, monkeypatch: Any, pattern: str) -> None:
    """Also where that is not where it is defined; and so are its factories."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("from shop._net import Net\n")
    (tmp_path / "shop" / "_net.py").write_text(
        "class Net:\n    def __init__(self, n): self.n = n\n    @classmethod\n    def from_n(cls, n): return cls(n)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    shop: Any = importlib.import_module("shop")

    try:
        with begat.capture() as run, begat.deferred(pattern):
            inside = shop.Net(1), shop.Net.from_n(2)
        watching = begat.watch(lazy=[pattern])
        outside = shop.Net(3), shop.Net.from_n(4)
        watching.remove()
    finally:
        for name in ("shop", "shop._net"):
            del sys.modules[name]

    assert all(map(begat.is_lazy, (*inside, *outside)))
    assert [each.n for each in (*inside, *outside)] == [1, 2, 3, 4]
    assert not run.header.marks and not watching.unmatched


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: begat.deferred([Plain]), 'one by one: begat.deferred(Net, "transformers.*"), not list'),
        (lambda: begat.lazy("Plain"), "patterns go to begat.deferred"),
        (lambda: begat.lazy(int), "it is an int, whose"),
        (lambda: begat.watch("json", lazy=True), "lazy=['json']"),  # type: ignore[arg-type]
        (lambda: begat.watch("json", lazy="decoder"), "lazy=['decoder']"),
        (lambda: begat.watch("json", lazy=[Plain]), "not the class Plain; classes go to begat.trackable"),  # type: ignore[list-item]
    ],
    ids=["list", "name", "int", "True", "text", "class"],
)
def test_what_is_asked_wrongly_is_told_the_way(ask: Any, said: str) -> None:
    """A TypeError at the call, with what to write instead."""
    with pytest.raises(TypeError, match=re.escape(said)):
        ask()


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("encoder", "encoder: did you mean Encoder?"),
        ("train.Encoder", "train.Encoder: did you mean Encoder?"),
        ("part.*", "part.*: did you mean parts.*?"),
        ("Bundle", "Bundle: did you mean luggage.Bundle?"),
        ("Zebra", "nothing matched Zebra)"),
        ("Never", "run.json; next"),
    ],
)
def test_a_pattern_of_the_command_line_that_nothing_matched_is_told_what_was_meant(tmp_path, pattern, said):
    """By what is tracked, and by what is loaded and could be."""
    (tmp_path / "parts.py").write_text("class Block:\n    def __init__(self, n): self.n = n\n")
    (tmp_path / "train.py").write_text(
        "import luggage, parts\nclass Encoder:\n    def __init__(self, n): self.n = n\nEncoder(3)\n"
        "class Never:\n    def __init__(self, n): self.n = n\n"
    )
    library = tmp_path / "site-packages" / "luggage.py"
    library.parent.mkdir()
    library.write_text("class Bundle:\n    def __init__(self, n): self.n = n\n")
    paths = os.pathsep.join([str(library.parent), *filter(None, [os.environ.get("PYTHONPATH")])])

    words = [sys.executable, "-m", "begat", "run", "--lazy", pattern, "train.py"]
    done = subprocess.run(
        words, cwd=tmp_path, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, check=True
    )

    assert said in done.stderr


def test_everything_means_everything_but_the_interpreter(tmp_path):
    """Importing goes on, and locks are locks: the standard library waits where it is named."""
    script = tmp_path / "script.py"
    script.write_text(
        "import begat, threading\n"
        "class Net:\n"
        "    def __init__(self, n): self.n = n\n"
        "net, event = Net(3), threading.Event()\n"
        "import colorsys, json.decoder\n"
        "print(begat.is_lazy(net), begat.is_lazy(event), begat.is_lazy(json.JSONDecoder()), net.n)\n"
    )
    for pattern, decoder in (("*", False), ("json.*", True)):
        command = [sys.executable, "-m", "begat", "run", "--lazy", pattern, str(script)]
        environment = {**os.environ, "PYTHONPATH": str(LIBRARY)}
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, env=environment)
        assert done.stdout.split() == [str(not decoder), "False", str(decoder), "3"], done.stderr


class Metered(type):
    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return super().__call__(*args, **kwargs)


class OfAnother(metaclass=Metered):
    def __init__(self, width: int, more: Any = None) -> None:
        self.width = width


class MadeByNew:
    width: int

    def __new__(cls, width: int, more: Any = None) -> MadeByNew:
        made = object.__new__(cls)
        made.width = width
        return made


def make_plain(width: int, more: Any = None) -> Plain:
    return Plain(width)


ASKED = [Plain, OfAnother, MadeByNew, make_plain]


@pytest.mark.parametrize("thing", ASKED)
@pytest.mark.parametrize("pickler", ["pickle", "cloudpickle"])
def test_what_lazy_returns_travels(thing: Any, pickler: str) -> None:
    """``pool.map(begat.lazy(Net), sizes)``: what comes out of the copy waits, too."""
    module = pytest.importorskip(pickler)
    asked = begat.lazy(thing)
    for protocol in range(6):
        made = module.loads(module.dumps(asked, protocol=protocol))(3)
        assert begat.is_lazy(made)
        assert made.width == 3
    assert copy.copy(asked)(4).width == copy.deepcopy(asked)(4).width == 4
    part = module.loads(module.dumps(functools.partial(asked, more=[])))
    assert begat.is_lazy(part(3))
    assert repr(asked) in repr(functools.partial(asked, 3))


def test_what_lazy_returns_goes_to_a_pool() -> None:
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        made = list(pool.map(begat.lazy(Plain), [1, 2]))
    assert [begat.is_lazy(each) for each in made] == [True, True]
    assert [each.width for each in made] == [1, 2]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("thing", ASKED)
def test_what_lazy_returns_says_what_it_is(thing: Any) -> None:
    asked = begat.lazy(thing)
    assert repr(asked).startswith("begat.lazy(")
    assert thing.__qualname__ in repr(asked)
    assert inspect.signature(asked) == inspect.signature(thing)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("thing", ASKED)
def test_what_lazy_returns_is_a_method_where_that_is_one(thing: Any) -> None:
    class Holder:
        make = begat.lazy(thing)
        bare = thing

    assert Holder.make(3).width == Holder.bare(3).width == 3
    if thing is not make_plain:
        assert Holder().make(3).width == Holder().bare(3).width == 3
    else:
        holder: Any = Holder()
        assert holder.make().width is holder.bare().width is holder


def test_a_factory_waits_for_its_class_whoever_else_calls_it(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "works.py").write_text(
        "called = []\nclass Model:\n    def __init__(self, n): self.n = n\n"
        "    @classmethod\n    def from_n(cls, n): called.append(n); return cls(n)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with begat.watch("works"):
        works: Any = importlib.import_module("works")
        monkeypatch.delitem(sys.modules, "works")
        with begat.deferred(works.Model):
            for n in range(3):
                assert contextvars.Context().run(works.Model.from_n, n).n == n
            inside = [works.Model.from_n(n) for n in range(3, 6)]
            assert works.called == [0, 1, 2]
    assert [each.n for each in inside] == [3, 4, 5]


class Methods:
    def plain(self, n: int) -> list[Any]:
        return [self, n]

    @staticmethod
    def static(n: int) -> list[Any]:
        return [n]

    def generator(self, n: int) -> Any:
        yield from (self, n)

    builtin = len


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["plain", "static", "generator", "builtin"])
def test_it_binds_as_what_it_stands_for(name: str) -> None:
    asked = type("Asked", (), {name: begat.lazy(vars(Methods)[name])})

    def called(holder: Any) -> list[object]:
        found = begat.materialize(getattr(holder, name)("text" if name == "builtin" else 3))
        return ["itself" if each is holder else each for each in ([found] if name == "builtin" else found)]

    assert called(asked()) == called(Methods())


def test_a_method_that_is_bound_stays_so() -> None:
    class Holder:
        plain = begat.lazy(Methods().plain)

    assert type(Holder().plain(3)[0]) is Methods
