"""`watch`: every class of the packages named, as soon as it exists; imports do what they did."""

from __future__ import annotations

import builtins
import importlib
import importlib.resources
import importlib.util
import inspect
import pkgutil
import runpy
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from typing import Any

import pytest

import begat
from zoo_support.tracking import python, succeeds

MODEL = """
class Net:
    def __init__(self, width, depth=2):
        self.width = width
"""


class Site:
    """A folder on the path with packages in it, and watches that end with the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.watches: list[Any] = []

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        importlib.invalidate_caches()

    def watch(self, *patterns: str) -> Any:
        made = begat.watch(*patterns)
        self.watches.append(made)
        return made


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    site = Site(tmp_path)
    yield site
    for watch in site.watches:
        watch.remove()
    for name in set(sys.modules) - before:
        if name.startswith("pkg_"):
            del sys.modules[name]


def params(run: Any) -> list[dict[str, Any]]:
    return [node.params for node in run.nodes]


def test_a_module_imported_later(site):
    """A class of a watched package is recorded without a word in it."""
    site.write({"pkg_a/__init__.py": "", "pkg_a/model.py": MODEL})
    site.watch("pkg_a")
    with begat.capture() as run:
        import pkg_a.model

        pkg_a.model.Net(3)

    assert params(run) == [{"width": 3, "depth": 2}]
    assert run.nodes[0].target == "pkg_a.model:Net"


def test_a_module_imported_before_and_names_taken_from_it(site):
    """What was imported already is tracked in place, so an earlier ``from m import C`` is covered."""
    site.write({"pkg_b/__init__.py": "", "pkg_b/model.py": MODEL})
    from pkg_b.model import Net

    site.watch("pkg_b")
    with begat.capture() as run:
        Net(1)

    assert params(run) == [{"width": 1, "depth": 2}]


def test_objects_built_while_their_module_is_imported(site):
    """A class is tracked where it is defined: constructions further down the same module are recorded."""
    site.write(
        {
            "pkg_c.py": MODEL
            + "first = Net(7)\n"
            + MODEL.replace("Net", "Other")
            + "second = [Other(i) for i in range(2)]\n"
        }
    )
    site.watch("pkg_c")
    with begat.capture() as run:
        import pkg_c

    assert pkg_c.first.width == 7
    assert [node.params["width"] for node in run.nodes] == [7, 0, 1]


def test_classes_that_decorators_replace(site):
    """``@dataclass(slots=True)`` and attrs make a new class: that one is tracked, at import time too."""
    site.write(
        {
            "pkg_d.py": "import attrs\nfrom dataclasses import dataclass\nfrom typing import NamedTuple\n"
            "@dataclass(slots=True, frozen=True)\nclass A:\n    x: int = 1\n"
            "@attrs.define\nclass B:\n    x: int = 2\n"
            "class T(NamedTuple):\n    x: int = 3\n"
            "made = A(), B(), T()\n"
        }
    )
    site.watch("pkg_d")
    with begat.capture() as run:
        import pkg_d

        pkg_d.A(x=5)

    assert [(node.target, node.params["x"]) for node in run.nodes] == [
        ("pkg_d:A", 1), ("pkg_d:B", 2), ("pkg_d:T", 3), ("pkg_d:A", 5),
    ]  # fmt: skip


def test_classes_made_in_functions(site):
    """A class statement inside a function of a watched module is tracked each time it runs."""
    site.write(
        {
            "pkg_e.py": "def make(k):\n    class Net:\n        def __init__(self, a):\n            self.a = a * k\n    return Net\n"
        }
    )
    site.watch("pkg_e")
    import pkg_e

    with begat.capture() as run:
        assert pkg_e.make(2)(3).a == 6
        assert pkg_e.make(3)(3).a == 9

    assert params(run) == [{"a": 3}, {"a": 3}]


def test_a_name_means_the_package_and_all_below_and_nothing_beside(site):
    """``pkg`` covers ``pkg.sub.mod`` and not ``pkg_other``; a pattern covers what it matches."""
    files = {"pkg_f/__init__.py": MODEL, "pkg_f/sub/__init__.py": "", "pkg_f/sub/mod.py": MODEL, "pkg_fx.py": MODEL}
    site.write({**files, "pkg_g/__init__.py": MODEL, "pkg_g/layers.py": MODEL, "pkg_g/losses.py": MODEL})
    site.watch("pkg_f", "pkg_g.la*")
    with begat.capture() as run:
        for name in ("pkg_f", "pkg_f.sub.mod", "pkg_fx", "pkg_g", "pkg_g.layers", "pkg_g.losses"):
            importlib.import_module(name).Net(1)

    assert [node.target for node in run.nodes] == ["pkg_f:Net", "pkg_f.sub.mod:Net", "pkg_g.layers:Net"]


def test_imported_names_are_not_the_packages_own(site):
    """A class that a watched module merely imports from elsewhere is not tracked."""
    site.write({"pkg_h.py": "from pkg_i import Net\nfrom fractions import Fraction\n", "pkg_i.py": MODEL})
    site.watch("pkg_h")
    with begat.capture() as run:
        import pkg_h

        pkg_h.Net(1)
        pkg_h.Fraction(1, 2)

    assert run.nodes == ()


def test_what_cannot_be_tracked_is_listed_with_the_reason(site):
    """`watch.skipped` maps the full name to why; the import does not notice."""
    site.write(
        {
            "pkg_j.py": "import enum, typing\n" + MODEL + "class Color(enum.Enum):\n    RED = 1\n"
            "class P(typing.Protocol):\n    pass\n"
            "class Odd:\n    __init__ = staticmethod(print)\n"
        }
    )
    watch = site.watch("pkg_j")
    import pkg_j

    assert pkg_j.Color.RED.value == 1
    names = {name.rpartition(":")[2].rpartition(".")[2]: reason for name, reason in watch.skipped.items()}
    assert {"Color", "P", "Odd"} <= set(names)
    assert "Net" not in names
    assert all(len(reason) > 10 for reason in names.values())


def test_remove_leaves_everything_as_it_was(site):
    """After remove: no hook, no changed class, no finder, no builtin of ours; later imports are plain."""
    site.write({"pkg_k/__init__.py": MODEL, "pkg_k/late.py": MODEL})
    before = (
        list(sys.meta_path),
        list(sys.path_hooks),
        builtins.__build_class__,
        builtins.__import__,
        sys.getprofile(),
    )
    import pkg_k

    code, namespace = pkg_k.Net.__init__.__code__, dict(vars(pkg_k.Net))
    watch = begat.watch("pkg_k")
    assert pkg_k.Net.__init__.__code__ is not code
    watch.remove()

    import pkg_k.late

    with begat.capture() as run:
        pkg_k.Net(1), pkg_k.late.Net(2)
    assert (
        list(sys.meta_path),
        list(sys.path_hooks),
        builtins.__build_class__,
        builtins.__import__,
        sys.getprofile(),
    ) == before
    assert pkg_k.Net.__init__.__code__ is code
    assert all(vars(pkg_k.Net)[key] is value for key, value in namespace.items())
    assert vars(pkg_k.Net).keys() == namespace.keys()
    assert run.nodes == ()
    watch.remove()


def test_remove_spares_what_was_tracked_by_hand_and_by_others(site):
    """A watch takes back what it tracked; what another watch or `trackable` holds stays tracked."""
    site.write({"pkg_l.py": MODEL + MODEL.replace("Net", "Hand") + MODEL.replace("Net", "Mine")})
    import pkg_l

    begat.trackable(pkg_l.Hand)
    one, two = begat.watch("pkg_l"), site.watch("pkg_l")
    one.remove()
    with begat.capture() as run:
        pkg_l.Net(1), pkg_l.Hand(2)
    two.remove()
    with begat.capture() as after:
        pkg_l.Net(3), pkg_l.Hand(4)
    begat.untrack(pkg_l.Hand)

    assert [node.params["width"] for node in run.nodes] == [1, 2]
    assert [node.params["width"] for node in after.nodes] == [4]


def facts(name: str) -> dict[str, object]:
    """What a program can ask of a module about how it was imported."""
    module = importlib.import_module(name)
    spec = module.__spec__
    package = name.partition(".")[0]
    return {
        "loader": type(module.__loader__).__name__,
        "same loader": spec.loader is module.__loader__,
        "spec": repr(spec).replace(name, "NAME").partition(" object at")[0],
        "file": module.__file__,
        "cached": module.__cached__ if sys.version_info < (3, 13) else spec.cached,
        "source": inspect.getsource(module),
        "class source": inspect.getsource(module.Net),
        "resource": importlib.resources.files(package).joinpath("data.txt").read_text(),
        "data": pkgutil.get_data(package, "data.txt"),
        "code": spec.loader.get_code(name).co_filename,
        "filename": spec.loader.get_filename(name),
        "names": sorted(vars(module)),
        "builtins": sorted(vars(module).get("__builtins__", {}))[:3]
        if isinstance(vars(module).get("__builtins__"), dict)
        else "",
    }


@pytest.mark.parametrize("zipped", [False, True])
def test_loaders_specs_and_resources_are_the_same(site, zipped):
    """importlib.resources, pkgutil.get_data, getsource, ``__spec__`` and ``__loader__`` answer as without begat."""
    package = "pkg_zip" if zipped else "pkg_dir"
    files = {f"{package}/__init__.py": "", f"{package}/mod.py": MODEL, f"{package}/data.txt": "data"}
    if zipped:
        with zipfile.ZipFile(site.folder / "lib.zip", "w") as archive:
            for name, text in files.items():
                archive.writestr(name, text)
        sys.path.insert(0, str(site.folder / "lib.zip"))
    else:
        site.write(files)
    try:
        expected = facts(f"{package}.mod")
        for name in (package, f"{package}.mod"):
            del sys.modules[name]
        site.watch(package)

        found = facts(f"{package}.mod")
        with begat.capture() as run:
            sys.modules[f"{package}.mod"].Net(1)
    finally:
        sys.path[:] = [entry for entry in sys.path if not entry.endswith("lib.zip")]

    assert found == expected
    assert params(run) == [{"width": 1, "depth": 2}]


def test_namespace_packages(site):
    """A package without ``__init__.py``, in two folders, stays one namespace and is covered."""
    site.write({"one/pkg_n/a.py": MODEL, "two/pkg_n/b.py": MODEL})
    sys.path[:0] = [str(site.folder / "one"), str(site.folder / "two")]
    try:
        site.watch("pkg_n")
        with begat.capture() as run:
            import pkg_n.a
            import pkg_n.b

            pkg_n.a.Net(1), pkg_n.b.Net(2)
    finally:
        del sys.path[:2]

    assert [node.target for node in run.nodes] == ["pkg_n.a:Net", "pkg_n.b:Net"]
    assert pkg_n.__file__ is None
    assert len(pkg_n.__path__) == 2


def test_circular_imports(site):
    """Modules that import each other half way see each other as they did, and are covered."""
    site.write(
        {
            "pkg_o/__init__.py": "",
            "pkg_o/a.py": "from pkg_o import b\nclass A:\n    def __init__(self, x):\n        self.b = b.B(x)\n",
            "pkg_o/b.py": "import sys\nimport pkg_o.a\nhalf = hasattr(sys.modules['pkg_o.a'], 'A')\nclass B:\n    def __init__(self, x):\n        self.x = x\nearly = B(0)\n",
        }
    )
    site.watch("pkg_o")
    with begat.capture() as run:
        from pkg_o.a import A

        A(1)

    assert sys.modules["pkg_o.b"].half is False
    assert [(node.target, node.params) for node in run.nodes] == [
        ("pkg_o.b:B", {"x": 0}), ("pkg_o.a:A", {"x": 1}), ("pkg_o.b:B", {"x": 1}),
    ]  # fmt: skip


def test_an_import_that_fails(site):
    """The exception and its traceback are the same, nothing half-made stays behind, and a second try works."""
    site.write(
        {"pkg_p.py": MODEL + "Net(1)\nimport os\nif not hasattr(os, 'pkg_p_ok'):\n    raise RuntimeError('no')\n"}
    )

    def attempt() -> tuple[str, list[str]]:
        with pytest.raises(RuntimeError) as caught:
            importlib.import_module("pkg_p")
        return str(caught.value), [str(entry.path) for entry in caught.traceback]

    plain = attempt()
    site.watch("pkg_p")
    with begat.capture() as run:
        watched = attempt()
        assert "pkg_p" not in sys.modules
        import os

        os.pkg_p_ok = True
        try:
            importlib.import_module("pkg_p").Net(2)
        finally:
            del os.pkg_p_ok

    assert watched == plain
    assert [node.params["width"] for node in run.nodes] == [1, 1, 2]


def test_an_import_error_is_the_same_error(site):
    """A missing module, also below a watched package, is reported in the same words; ``find_spec`` says None."""
    site.write({"pkg_q/__init__.py": ""})
    site.watch("pkg_q", "pkg_missing")

    with pytest.raises(ModuleNotFoundError, match=r"No module named 'pkg_q\.nothing'") as caught:
        importlib.import_module("pkg_q.nothing")
    assert caught.value.name == "pkg_q.nothing"
    with pytest.raises(ModuleNotFoundError, match="No module named 'pkg_missing'"):
        importlib.import_module("pkg_missing")
    assert importlib.util.find_spec("pkg_missing") is None


def test_a_lazy_module_stays_lazy(site):
    """Watching asks nothing of a module's ``__getattr__`` and loads nothing; what it loads later is covered."""
    site.write(
        {
            "pkg_r/__init__.py": "asked = []\ndef __getattr__(name):\n    asked.append(name)\n"
            "    if name == 'Net':\n        from pkg_r.model import Net\n        return Net\n    raise AttributeError(name)\n"
            "def __dir__():\n    asked.append('dir')\n    return ['Net', 'Huge']\n",
            "pkg_r/model.py": MODEL,
        }
    )
    import pkg_r

    loaded = set(sys.modules)
    site.watch("pkg_r")
    assert pkg_r.asked == []
    assert {name for name in set(sys.modules) - loaded if not name.startswith("begat")} == set()
    with begat.capture() as run:
        pkg_r.Net(4)

    assert [name for name in pkg_r.asked if name in ("Net", "dir")] == ["Net"]
    assert params(run) == [{"width": 4, "depth": 2}]


def test_a_module_that_replaces_itself(site):
    """A module that puts another object into ``sys.modules`` stays replaced; its classes are covered."""
    site.write(
        {
            "pkg_s.py": MODEL + "import sys, types\nclass Lazy(types.ModuleType):\n    def __getattr__(self, name):\n"
            "        raise AttributeError(f'asked for {name}')\nnew = Lazy(__name__)\nnew.Net = Net\nsys.modules[__name__] = new\n"
        }
    )
    site.watch("pkg_s")
    with begat.capture() as run:
        import pkg_s

        pkg_s.Net(1)

    assert type(pkg_s).__name__ == "Lazy"
    assert [node.params for node in run.nodes if node.target.endswith(":Net")] == [{"width": 1, "depth": 2}]


def test_hostile_things_in_sys_modules(site, monkeypatch):
    """Entries of ``sys.modules`` that are no modules, or raise when asked, disturb nobody."""

    class Mean:
        def __getattribute__(self, name):
            raise RuntimeError(name)

    monkeypatch.setitem(sys.modules, "pkg_t", Mean())
    monkeypatch.setitem(sys.modules, "pkg_t.none", None)
    monkeypatch.setitem(sys.modules, "pkg_t.number", 3)

    watch = site.watch("pkg_t")

    assert isinstance(watch.skipped, dict)


def test_reload(site):
    """A reloaded module's new classes are recorded; the old ones too, as long as they live."""
    site.write({"pkg_u.py": MODEL})
    site.watch("pkg_u")
    with begat.capture() as run:
        import pkg_u

        old = pkg_u.Net
        old(1)
        importlib.reload(pkg_u)
        assert pkg_u.Net is not old
        pkg_u.Net(2), old(3)

    assert [node.params["width"] for node in run.nodes] == [1, 2, 3]


def test_an_import_in_threads(site):
    """Many threads importing the same watched module get one module, and its class is tracked for all of them."""
    site.write({"pkg_v.py": "import time\n" + MODEL + "time.sleep(0.05)\nmade = Net(0)\n"})
    site.watch("pkg_v")
    got: list[object] = []

    def work():
        import pkg_v

        got.append(pkg_v.Net(1).__class__)

    with begat.capture() as run:
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(set(map(id, got))) == 1
    assert sorted(node.params["width"] for node in run.nodes) == [0] + [1] * 8


def test_runpy(site):
    """``runpy.run_path`` and ``run_module`` give the same globals; what ``run_module`` executes is covered when watched."""
    site.write({"pkg_w/__init__.py": "", "pkg_w/__main__.py": MODEL + "net = Net(5)\nwho = __name__\n"})
    plain = runpy.run_module("pkg_w", run_name="__main__")
    site.watch("__main__", "pkg_w")
    with begat.capture() as run:
        module = runpy.run_module("pkg_w", run_name="__main__")
        path = runpy.run_path(str(site.folder / "pkg_w" / "__main__.py"), run_name="pkg_w.script")

    assert sorted(module) == sorted(plain)
    assert module["who"] == "__main__"
    assert path["net"].width == 5
    assert "__main__:Net" in [node.target for node in run.nodes]


def test_the_m_switch(site):
    """``python -m pkg`` of a package that watches itself runs as before, and its objects are recorded."""
    site.write(
        {
            "pkg_x/__init__.py": "import begat\nbegat.watch('pkg_x', '__main__')\n",
            "pkg_x/part.py": MODEL,
            "pkg_x/__main__.py": "import sys, begat\nfrom pkg_x.part import Net\nclass Local:\n    def __init__(self, a):\n        pass\n"
            "Net(1); Local(2)\nprint([n.target for n in begat.graph().nodes], __spec__.name, sys.argv[1:])\n",
        }
    )
    from zoo_support.tracking import LIBRARY

    out = succeeds("-m", "pkg_x", "--flag", path=(site.folder, LIBRARY))

    assert out.strip() == "['pkg_x.part:Net', '__main__:Local'] pkg_x.__main__ ['--flag']"


def test_assertion_rewriting_goes_on(site):
    """pytest rewrites the assertions of a watched test module, and the order of the hooks does not matter."""
    site.write(
        {
            "helper_mod.py": MODEL,
            "conftest.py": "import begat\nwatch = begat.watch('helper_mod', 'test_*')\n",
            "test_rewritten.py": "import begat\nimport helper_mod\nclass Mine:\n    def __init__(self, a):\n        self.a = a\n"
            "def test_it():\n    with begat.capture() as run:\n        x = Mine(helper_mod.Net(41).width)\n"
            "    assert len(run.nodes) == 2, run.nodes\n    assert x.a == 42\n",
        }
    )

    done = python("-m", "pytest", "-q", "-p", "no:cacheprovider", "test_rewritten.py", cwd=site.folder)

    assert "assert 41 == 42" in done.stdout, done.stdout


def test_the_classes_of_rewritten_tests_under_begat_run(site):
    """pytest comes after begat, and before it in `sys.meta_path`."""
    site.write({"test_mine.py": MODEL + "def test_it():\n    net = Net(1)\n    assert net.width == 1\n"})

    done = python("-m", "begat", "run", "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mine.py", cwd=site.folder)

    assert "1 passed" in done.stdout, done.stdout
    assert "begat: 1 construction recorded" in done.stderr, done.stderr


def test_a_loader_with_a_way_of_its_own(site, monkeypatch):
    """What such a loader has executed is watched as soon as its import is over; a module that fails has its own traceback."""

    class Loader(SourceFileLoader):
        def exec_module(self, module):
            exec(self.get_code(module.__name__), module.__dict__)

    class Finder:
        def find_spec(self, name, path=None, target=None):
            if name.startswith("pkg_own"):
                file = str(site.folder / f"{name}.py")
                return importlib.util.spec_from_file_location(name, file, loader=Loader(name, file))

    site.write({"pkg_own.py": MODEL, "pkg_own_bad.py": MODEL + "1 / 0\n"})
    site.watch("pkg_before")  # begat's own finder stands already
    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
    with pytest.raises(ZeroDivisionError) as plain:
        importlib.import_module("pkg_own_bad")
    site.watch("pkg_own", "pkg_own_bad")
    with begat.capture() as run, pytest.raises(ZeroDivisionError) as watched:  # noqa: PT012  # no other import between
        built = importlib.import_module("pkg_own").Net(1)
        importlib.import_module("pkg_own_bad")

    assert built.width == 1
    assert params(run) == [{"width": 1, "depth": 2}]
    assert type(sys.modules["pkg_own"].__spec__) is ModuleSpec
    assert [e.name for e in watched.traceback] == [e.name for e in plain.traceback]


def test_an_error_in_the_hook_spares_the_import(site):
    """Whatever goes wrong in begat while it looks at a class, the import succeeds."""
    site.write({"pkg_y.py": "class Meta(type):\n    @property\n    def __module__(cls):\n        raise RuntimeError\n"
                "class Odd(metaclass=Meta):\n    def __init__(self, a):\n        object.__setattr__(self, 'a', a)\n" + MODEL})  # fmt: skip
    site.watch("pkg_y")
    with begat.capture() as run:
        import pkg_y

        assert pkg_y.Odd(1).a == 1
        pkg_y.Net(2)

    assert {"width": 2, "depth": 2} in params(run)


def test_watching_by_several_names_at_once_and_twice(site):
    """Overlapping patterns and a second watch of the same package record each object once."""
    site.write({"pkg_z.py": MODEL})
    site.watch("pkg_z", "pkg_*")
    site.watch("pkg_z")
    with begat.capture() as run:
        import pkg_z

        pkg_z.Net(1)

    assert len(run.nodes) == 1


def test_line_numbers_and_bytecode_caches_are_untouched(site, monkeypatch):
    """A watched module is compiled by the same loader: its cached bytecode is the plain one, valid without begat."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    site.write({"pkg_cached.py": MODEL})
    watch = site.watch("pkg_cached")
    import pkg_cached

    cached = Path(pkg_cached.__spec__.cached)
    written = cached.read_bytes()
    watch.remove()
    del sys.modules["pkg_cached"]
    cached.unlink()
    importlib.import_module("pkg_cached")

    assert b"begat" not in written
    assert cached.read_bytes() == written


@pytest.mark.parametrize("library", ["json", "fractions", "argparse", "collections"])
def test_libraries_loaded_already(site, library):
    """The standard library can be watched while it is in use; what it does stays the same."""
    import argparse
    import collections
    import fractions
    import json

    def work() -> Callable[..., Any]:
        parser = argparse.ArgumentParser()
        parser.add_argument("--x", type=int, default=3)
        text = json.JSONEncoder(indent=1).encode({"a": json.loads("[1]")})
        return (text, fractions.Fraction(1, 3) + 1, collections.Counter("aab"), parser.parse_args([]).x)

    plain = work()
    site.watch(library)
    with begat.capture() as run:
        assert work() == plain

    assert len(run.nodes) > 0


@pytest.mark.parametrize("nothing", ["", "  "])
def test_a_pattern_that_names_nothing_is_refused(nothing):
    """An empty text would match nothing, or everything."""
    with pytest.raises(ValueError, match="names nothing"):
        begat.watch("json", nothing)


@pytest.mark.parametrize("folder", ["site-packages", "dist-packages"])
def test_installed_packages_below_a_folder_are_not_the_users(folder, tmp_path):
    """An environment beside the script is not watched with it, whichever way its system calls the folder."""
    watching = begat.Watch(folders=(str(tmp_path),))
    home = str(tmp_path.resolve())

    assert watching.holds_file(f"{home}/pkg/a.py")
    assert not watching.holds_file(f"{home}/.venv/lib/python3/{folder}/pkg/a.py")


def test_a_finder_that_builds_what_is_watched(site):
    """begat imports parts of itself when the first object is built; what the finders of others build for that is no trouble."""
    site.write(
        {
            "main.py": """
import begat, pathlib, sys
class Finder:
    def find_spec(self, name, path=None, target=None): pathlib.PurePath(name)
sys.meta_path.insert(0, Finder())
begat.watch("pathlib")
pathlib.PurePath("a")
print(any(node.params["args"] == ("a",) for node in begat.graph().nodes))
"""
        }
    )

    assert succeeds("main.py", cwd=site.folder).strip() == "True"


def test_a_module_that_is_executed_by_hand_while_others_are_imported(site):
    """Its spec was never told that it is being imported."""
    site.write(
        {
            "main.py": """
import importlib.machinery, importlib.util, sys
import begat
class Loader(importlib.machinery.SourceFileLoader):
    def exec_module(self, module): super().exec_module(module)
begat.watch("byhand")
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "byhand": return importlib.util.spec_from_loader(name, Loader(name, "elsewhere.py"))
sys.meta_path.append(Finder())
spec = importlib.util.find_spec("byhand")
module = sys.modules["byhand"] = importlib.util.module_from_spec(spec)
import other
spec.loader.exec_module(module)
""",
            "other.py": "",
            "elsewhere.py": MODEL,
        }
    )
    succeeds("main.py", cwd=site.folder)
