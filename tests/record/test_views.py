"""Views of a run: what is shown, and as which data."""

from __future__ import annotations

import json
import re
import subprocess
import time
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import given as law
from hypothesis import strategies as st

from begat.record.dot import dot
from begat.record.model import Argument, CallSite
from begat.record.picture import html
from begat.record.tree import folded, grow, place, visible
from begat.record.values import Alias, Mapping, Opaque, Ref, Typed
from begat.record.views import config, flat
from handmade import default, given, node, run, training


# --- what is shown ----------------------------------------------------------------------------------------------------
def test_the_users_own_constructions_are_shown():
    """What a library built for itself stays folded."""
    assert visible(training()) == {1, 2, 3, 4, 5, 6, 7, 8}


def test_what_the_user_passes_on_is_shown_whoever_built_it():
    """An object that a library made and the user's code used is shown, and what that one holds too."""
    made = run(
        node(1, "config", user=False),
        node(2, "model", arguments=given(config=Ref(1)), user=False),
        node(3, "other", user=False),
        node(4, "trainer", arguments=given(models=[Ref(2)])),
    )

    assert visible(made) == {1, 2, 4}


def test_what_a_library_made_of_the_users_objects_is_shown():
    """`make_pipeline(Scaler(), verbose=True)` is called by the user, builds the pipeline, and names the scaler."""
    made = run(
        node(0, "Pipeline.steps.0.1", "m:Scaler"),
        node(1, "Pipeline", "m:Pipeline", given(steps=[("scaler", Ref(0))], verbose=True), user=False),
        node(2, "Pipeline.cache", "m:Cache", user=False),
    )

    assert visible(made) == {0, 1}
    assert flat(made)["Pipeline.verbose"] is True


def test_folded_groups_count_under_their_cause():
    """Library constructions are grouped by target and code under the node whose path or constructor they lie in."""
    groups = folded(training())

    assert {parent: [str(group) for group in found] for parent, found in groups.items()} == {
        7: ["240 × SVC by sklearn.base:clone"]
    }


def test_folding_follows_the_chain_of_constructors():
    """A construction deep inside hidden constructors belongs to the first shown one."""
    site = CallSite("/v/site-packages/lib/nn/__init__.py", 3, "Layer.__init__")
    deep = run(
        node(1, "model"),
        node(2, "x", within=1, user=False, site=site),
        node(3, "y", within=2, user=False, site=site),
        node(4, "alone", user=False, site=None),
    )

    assert {parent: [(str(group), group.nodes) for group in found] for parent, found in folded(deep).items()} == {
        1: [("2 × C by lib.nn:Layer.__init__", (2, 3))],
        None: [("1 × C", (4,))],
    }


def test_a_circle_of_constructors_is_no_trap():
    """A record that somebody edited into a circle is still shown."""
    circle = run(node(1, "a", within=2, user=False), node(2, "b", within=1, user=False), node(3, "c", within=3))

    assert sorted(number for groups in folded(circle).values() for group in groups for number in group.nodes) == [1, 2]
    assert dot(circle)
    assert html(circle, everything=True)


def test_children_hang_below_the_longest_path_that_is_shown():
    """The tree is that of the paths; gaps in it are bridged."""
    tree = grow(run(node(1, "a"), node(2, "a.b.c"), node(3, "ab"), node(4, "a.b.c.d")))

    assert tree.parents == {1: None, 2: 1, 3: None, 4: 2}
    assert [tree.below(number) for number in (1, 2, 3, 4)] == ["a", "b.c", "ab", "d"]
    assert [(depth, found.id) for depth, found in tree.walk()] == [(0, 1), (1, 2), (2, 4), (0, 3)]


def test_the_second_of_a_name_stands_beside_the_first():
    """`net.Block.1` is the second `Block` of `net`, unless it was built in the first or given to it."""
    siblings = run(
        node(0, "net"),
        node(1, "net.Block", within=0),
        node(2, "net.Block.1", within=0),
        node(3, "net.Block.1.act", within=2),
        node(4, "net.Block.2", within=3),
        node(5, "bag", arguments=given(items=(Ref(6),))),
        node(6, "bag.0"),
        node(7, "bag.1"),
        node(8, "bag.0.1", within=6),
    )

    assert grow(siblings).parents == {0: None, 1: 0, 2: 0, 3: 2, 4: 0, 5: None, 6: 5, 7: None, 8: 6}


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("/v/lib/python3.11/site-packages/sklearn/base.py", "sklearn.base:f"),
        ("/v/lib/python3.11/site-packages/torch/nn/__init__.py", "torch.nn:f"),
        ("/usr/lib/python3/dist-packages/yaml/__init__.py", "yaml:f"),
        ("/usr/lib/python3.11/json/__init__.py", "json:f"),
        ("/usr/lib/python3.13t/typing.py", "typing:f"),
        ("C:\\Python311\\Lib\\json\\encoder.py", "json.encoder:f"),
        ("/home/src/train.py", "train:f"),
        ("/home/pkg/__init__.py", "pkg:f"),
        ("<string>", "<string>:f"),
    ],
)
def test_places_go_by_the_name_of_their_module(file, name):
    """As one would import it, for installed packages and the standard library."""
    assert place(CallSite(file, 1, "f")) == name


# --- nested -----------------------------------------------------------------------------------------------------------
def test_config_nests_objects_where_they_were_made():
    """An object made for an argument stands in its place; others are named by path; the target comes first."""
    assert config(training()) == {
        "model": {
            "class": "train:Net",
            "enc": {"class": "train:Encoder", "dim": 64, "act": "torch:relu"},
            "hidden": 256,
            "dropout": 0.1,
            "dropout:Dropout": {"class": "torch.nn:Dropout", "p": 0.1},
        },
        "opt": {"class": "torch.optim:AdamW", "params": "<generator>", "lr": 1e-3, "betas": [0.9, 0.98]},
        "pipe": {"class": "sklearn.pipeline:Pipeline", "steps": [["svc", {"class": "sklearn.svm:SVC", "C": 0.5}]]},
        "search": {"class": "sklearn.search:GridSearchCV", "estimator": "@pipe", "grid": {"svc__C": [0.1, 1.0]}},
        "broken": {"class": "train:Broken", "x": "\x1b[31m<b>"},
    }
    assert next(iter(config(training())["model"])) == "class"


def test_config_of_everything_holds_every_node():
    """With everything, the clones appear under what caused them."""
    assert len(config(training(), everything=True)["search"]["SVC"]) == 240


def test_config_says_call_for_functions_and_spreads_stars():
    """Factories stand under ``call``; items of ``*args`` go by number, those of ``**kwargs`` by name."""
    call = node(
        1,
        "net",
        "lib:AutoModel.load",
        given(args=(Ref(2), 5), kwargs={"call": 1, "dtype": "half"}),
        kind="factory",
        starred=("args", "kwargs"),
    )

    assert config(run(call, node(2, "net.0", "m:L", given(n=1)))) == {
        "net": {"call": "lib:AutoModel.load", "0": {"class": "m:L", "n": 1}, "1": 5, "call:2": 1, "dtype": "half"}
    }


def test_config_inlines_an_object_once():
    """Of several references to a child, the first is the object and the rest are its path."""
    twice = run(
        node(1, "a.x", "m:B"),
        node(2, "a", arguments=given(x=Ref(1), y=[Ref(1)])),
        node(3, "b", arguments=given(x=Ref(1))),
    )

    assert config(twice) == {
        "a": {"class": "m:C", "x": {"class": "m:B"}, "y": ["@a.x"]},
        "b": {"class": "m:C", "x": "@a.x"},
    }


def test_config_keeps_the_second_of_a_name_beside_the_first():
    """`net.Block.1` is no part of `net.Block`, nor is there a folder for the two."""
    shown = config(run(node(0, "net"), node(1, "net.Block", within=0), node(2, "net.Block.1", within=0)))

    assert shown == {"net": {"class": "m:C", "Block": {"class": "m:C"}, "Block.1": {"class": "m:C"}}}


def test_config_keeps_every_node_when_names_collide():
    """Nodes that share a path, or a path with a parameter's value, all stay, and so do the values."""
    found = config(
        run(
            node(1, "a", arguments=given(layers=2)),
            node(2, "a.layers.0", "m:L"),
            node(3, "a.layers.1", "m:L"),
            node(4, "a"),
        )
    )

    assert found == {
        "a": {"class": "m:C", "layers": 2, "layers:L": {"0": {"class": "m:L"}, "1": {"class": "m:L"}}},
        "a:2": {"class": "m:C"},
    }


def test_aliases_and_foreign_references_are_named():
    """Shared containers point to the argument they are in; objects of other runs and lost ones are told apart."""
    found = config(run(node(1, "a", arguments=given(x=[[], Alias("0")], y=Ref(9), z=Ref(3, "other")))))

    assert found["a"] == {"class": "m:C", "x": [[], "@a.x.0"], "y": "@#9", "z": "@other/3"}


# --- dotted -----------------------------------------------------------------------------------------------------------
def test_flat_has_an_entry_for_every_object_and_argument():
    """Paths lead to targets and plain values; a node that shares its key with a parameter has ``.class`` behind it."""
    assert flat(training()) == {
        "model": "train:Net",
        "model.hidden": 256,
        "model.dropout": 0.1,
        "model.enc": "train:Encoder",
        "model.enc.dim": 64,
        "model.enc.act": "torch:relu",
        "model.dropout.class": "torch.nn:Dropout",
        "model.dropout.p": 0.1,
        "opt": "torch.optim:AdamW",
        "opt.params": "<generator>",
        "opt.lr": 1e-3,
        "opt.betas": [0.9, 0.98],
        "pipe": "sklearn.pipeline:Pipeline",
        "pipe.steps.0.0": "svc",
        "pipe.steps.0.1": "sklearn.svm:SVC",
        "pipe.steps.0.1.C": 0.5,
        "search": "sklearn.search:GridSearchCV",
        "search.estimator": "@pipe",
        "search.grid.svc__C": [0.1, 1.0],
        "broken": "train:Broken",
        "broken.x": "\x1b[31m<b>",
    }


def test_flat_descends_into_what_has_names_or_objects():
    """Lists of scalars stay whole; dictionaries and lists with objects or dictionaries inside go key by key."""
    arguments = given(
        a=[[1, 2], (3,)],
        b=[{"x": 1}],
        c=Typed("collections:OrderedDict", {"y": [1]}),
        d={},
        e=[],
        f=Mapping((((1, 2), "z"),)),
        g={"p/q": {"r s": 1}},
        h=[1, Opaque("m:T")],
    )

    assert flat(run(node(1, "n", arguments=arguments))) == {
        "n": "m:C", "n.a": [[1, 2], [3]], "n.b.0.x": 1, "n.c.y": [1], "n.d": {}, "n.e": [], "n.f._1__2_": "z",
        "n.g.p_q.r_s": 1, "n.h": [1, "<m T>"],
    }  # fmt: skip


KEYS = st.text(st.characters(), max_size=8)
PATHS = st.lists(KEYS.filter(bool), min_size=1, max_size=3).map(".".join)


@law(st.lists(st.tuples(PATHS, st.dictionaries(KEYS, st.one_of(st.integers(), st.dictionaries(KEYS, st.integers()))))))
def test_flat_keys_are_keys_for_mlflow_whatever_the_paths(made):
    """Keys hold what MLflow takes, are at most 250 long, and nothing is lost to a collision."""
    nodes = [
        node(i, path, arguments=given(**{k: v for k, v in arguments.items() if k}))
        for i, (path, arguments) in enumerate(made)
    ]
    found = flat(run(*nodes))

    assert all(re.fullmatch(r"[A-Za-z0-9_ .:-]{1,250}", key) for key in found)
    leaves = sum(
        1 + sum(len(v) or 1 if isinstance(v, dict) else 1 for k, v in arguments.items() if k) for _, arguments in made
    )
    assert len(found) == leaves


def test_long_keys_are_cut_and_stay_apart():
    """Two keys that differ only in their ends are still two keys."""
    found = flat(run(node(1, "a" * 400 + "b"), node(2, "a" * 400 + "c")))

    assert len(found) == 2
    assert max(map(len, found)) <= 250


# --- size -------------------------------------------------------------------------------------------------------------
def chain(length):
    paths = ["a" + ".a" * (length - i) for i in range(length + 1)]
    return run(
        *(node(i, path, arguments=given(x=1) | (given(a=Ref(i - 1)) if i else {})) for i, path in enumerate(paths))
    )


@pytest.mark.parametrize("view", [config, flat, dot, html, folded, visible])
def test_a_chain_of_thousands_is_no_trap(view):
    """5,000 objects nested in each other meet no recursion limit."""
    assert view(chain(5000)) is not None


@pytest.mark.parametrize("view", [config, flat])
def test_time_grows_with_the_size_of_the_run(view):
    """Ten times the nodes take about ten times as long, not a hundred times."""

    def seconds(count):
        large = run(
            *(node(i, f"r{i // 10}" + ".k" * (9 - i % 10), arguments=given(a=i, b=[1, 2], c="x")) for i in range(count))
        )
        start = time.process_time()
        view(large)
        return time.process_time() - start

    assert min(seconds(20_000) for _ in range(3)) < 70 * max(min(seconds(2_000) for _ in range(3)), 1e-3)


# --- pictures ---------------------------------------------------------------------------------------------------------
def test_dot_draws_uses_and_dashes_what_was_built_inside():
    """Every use is an arrow with the parameter's name; what a constructor built itself has a dashed one."""
    text = dot(training())

    assert '  n1 -> n2 [label="enc"];' in text
    assert '  n5 -> n6 [label="steps.0.1"];' in text
    assert "  n3 -> n2 [style=dashed];" in text
    assert "n100" not in text
    assert "n100" in dot(training(), everything=True)


def test_dot_labels_cannot_break_out():
    """Quotes, backslashes and control characters in names and values stay inside their label."""
    text = dot(run(node(1, 'a"b\\', 'm:C"];x', given(s='"]; evil -> x ["', t="\\N\n\x1b"))))

    outside = re.sub(r'"(?:[^"\\]|\\.)*"', "", text)
    assert "evil" not in outside
    assert text.isascii()
    assert "\x1b" not in text


class Page(HTMLParser):
    """Collects what an HTML page contains, and checks that every element is closed."""

    def __init__(self):
        super().__init__()
        self.tags, self.open, self.words, self.attributes = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def page(text):
    found = Page()
    found.feed(text)
    found.close()
    assert found.open == []
    return found


def test_html_is_static_and_whole():
    """The page has a drawing and a tree, no scripts, no handlers and no addresses, and every tag is closed."""
    found = page(html(training()))

    assert {"svg", "details"} <= set(found.tags)
    assert not {"script", "style", "link", "img", "iframe", "a", "foreignobject"} & set(found.tags)
    assert not [name for name, _ in found.attributes if name.startswith("on") or name in ("href", "src", "xlink:href")]
    assert "url(" not in html(training())
    assert "240 × SVC by sklearn.base:clone" in found.words


def test_html_escapes_everything_that_a_record_says():
    """Names, targets, values, errors, sites and headers are text, whatever they contain."""
    evil = "<script>'\"&\x1b"
    bad = run(
        node(1, evil, f"{evil}:{evil}", {evil: Argument(evil, {evil: evil})}, outcome="raised", error=evil,
             site=CallSite(evil, 1, evil)),
        node(2, "b", arguments=given(x=Ref(1))),
        node(3, "c", f"m:{evil}", user=False),
    )  # fmt: skip
    found = page(html(bad))

    assert "script" not in found.tags
    assert "\x1b" not in html(bad)


def test_the_drawing_is_xml_with_one_box_for_each_shown_node():
    """Boxes, arrows and labels of the drawing are those of the run."""
    text = html(training())
    drawing = ElementTree.fromstring(text[text.index("<svg") : text.index("</svg>") + 6])  # noqa: S314  # our own text
    space = "{http://www.w3.org/2000/svg}"

    assert len(drawing.findall(f".//{space}rect")) == 8
    assert len(drawing.findall(f".//{space}path")) == 4
    assert {"model", "model.enc", "broken"} <= {label.text for label in drawing.iter(f"{space}text")}


def test_large_runs_have_a_tree_and_no_drawing():
    """Past sixty boxes a drawing helps nobody, and a notebook does not get megabytes."""
    large = html(run(*(node(i, f"n{i}", arguments=default(x=1)) for i in range(5000))))

    assert "<svg" not in large
    assert "4,500 more nodes" in large
    assert len(large) < 500_000


def test_views_are_json(tmp_path):
    """`config` and `flat` are what the standard encoder takes without a default."""
    assert json.loads(json.dumps([config(training()), flat(training())], allow_nan=False))


def test_graphviz_takes_the_dot():
    """Where Graphviz is installed, it reads what we write."""
    import shutil

    if shutil.which("dot") is None:
        pytest.skip("Graphviz is not installed")
    subprocess.run(["dot", "-Tsvg"], input=dot(training(), everything=True), text=True, check=True, capture_output=True)
