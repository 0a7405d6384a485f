"""The public face: changing it is a decision, taken here first."""

from __future__ import annotations

import inspect
import pickle

import pytest

import begat

FACE = {
    "Argument": "(name, value, source='given', was=ABSENT)",
    "CallSite": "(file, line, function, column=None)",
    "Change": "(kind, path, argument=None, before=ABSENT, after=ABSENT, cause='', why='', target=None, was=None, count=1, site=None,"
    " folded=False, run=1)",
    "Diff": "(runs, changes=(), folded=(), results=(), _table=None)",
    "Environment": "(python='', implementation='', platform='', host='', user='', cwd='', packages=<factory>, git=None,"
    " seeds=<factory>)",
    "Event": "(kind, node, arguments, site=None)",
    "Node": "(id, target, kind, path, arguments, site=None, within=None, outcome='returned', process=None, code=None,"
    " user=True, error=None, annotations=<factory>, starred=(None, None), notes=(), positional=0)",
    "Ref": "(node, run=None)",
    "Run": "(header, nodes=(), environment=None, events=(), children=())",
    "Watch": None,  # made by `watch` only
    "capture": "(name=None, save=None, *, durability='soon')",
    "deferred": "(*things, rng=None)",
    "diff": "(a, b, *more, all=False, moved=None, ignore=())",
    "dump": "(path, *, at_exit=False)",
    "export": "(run, to, path=None, *, all=False, against=None)",
    "graph": "()",
    "is_lazy": "(obj)",
    "lazy": "(thing)",
    "load": "(path)",
    "materialize": "(obj, deep=False)",
    "override": "(changes)",
    "params": "(obj)",
    "paused": "()",
    "provenance": "(obj)",
    "rebuild": "(run, path=None, *, allow=(), overrides=None, supply=None, lazy=False, moved=None)",
    "trackable": "(subject=None, /, *, lazy=False, ignore=(), redact=(), validate='off')",
    "untrack": "(subject)",
    "watch": "(*patterns, lazy=())",
    "worker_setup": "()",
}
RUN = {
    "children",
    "config",
    "downstream",
    "environment",
    "events",
    "fingerprint",
    "flat",
    "header",
    "id",
    "name",
    "nodes",
    "result",
    "save",
    "select",
    "to_dot",
    "to_python",
    "unbuilt",
    "upstream",
}


def test_the_names_are_these():
    """`begat.__all__` is the public face, whole, and every name in it can be had."""
    assert set(begat.__all__) == set(FACE)
    assert set(begat.__all__) <= set(dir(begat))
    assert all(hasattr(begat, name) for name in begat.__all__)


@pytest.mark.parametrize(("name", "signature"), [pair for pair in FACE.items() if pair[1]])
def test_the_signatures_are_these(name, signature):
    """What a public callable takes changes only together with this test."""
    found = inspect.signature(getattr(begat, name))

    bare = [parameter.replace(annotation=parameter.empty) for parameter in found.parameters.values()]

    assert str(found.replace(parameters=bare, return_annotation=found.empty)) == signature


def test_a_run_answers_these():
    """The public attributes of a run are these, loaded or live."""
    assert {name for name in dir(begat.Run) if not name.startswith("_")} == RUN
    with begat.capture() as run:
        pass
    assert {name for name in dir(type(run)) if not name.startswith("_")} >= RUN


@pytest.mark.parametrize("name", begat.__all__)
def test_every_name_says_what_it_does(name):
    """Every public name has a docstring and calls itself by its public name."""
    thing = getattr(begat, name)

    assert thing.__doc__
    assert thing.__doc__.strip()


def test_an_unknown_name_is_an_attribute_error():
    """Asking for what is not there says so, as any module does."""
    with pytest.raises(AttributeError, match="no attribute 'lazzy'"):
        begat.lazzy


@pytest.mark.parametrize("pickler", ["cloudpickle", "dill"])
def test_the_module_travels_by_name(pickler):
    """A function that mentions begat goes by value to workers of joblib and Dask, as one that mentions another module does."""
    dumps = pytest.importorskip(pickler).dumps
    space = {"begat": begat, "__name__": "__main__", "__builtins__": __builtins__}
    exec("def work(): return begat", space)

    assert pickle.loads(dumps(space["work"]))() is begat
