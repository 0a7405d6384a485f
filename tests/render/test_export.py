"""What holds of every form that a run is exported in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import begat
from begat.record.codec import dumps
from begat.record.graph import Run
from begat.record.model import Header
from begat.render.export import FORMATS, export, form_of
from handmade import given, node, run, training
from odd import odd

EVERY = pytest.mark.parametrize("form", FORMATS)


@EVERY
@pytest.mark.parametrize("make", [training, odd, run], ids=lambda make: make.__name__)
def test_every_run_has_every_form(form, make):
    """Whatever a record says, and if it says nothing, it can be exported: one text that ends with a line."""
    text = export(make(), form)

    assert text.endswith("\n")
    text.encode()


@EVERY
def test_nothing_in_a_form_is_obeyed_by_a_terminal(form):
    """No control character, no mark that reorders text, in any form of any run."""
    text = export(odd(), form).replace("\n", "").replace("\t", "")

    assert not set(text) & {*map(chr, range(32)), *map(chr, range(0x7F, 0xA0)), "\u202e", "\u2028", "\u200b", "\ufeff"}


@EVERY
def test_all_tells_what_libraries_built(form):
    """Without `all` what libraries built is left out, of every form but the record itself; with it, each node is there."""
    short, long = export(training(), form), export(training(), form, all=True)

    assert (short == long) if form == "json" else len(long) > 5 * len(short) or form == "html"
    assert long.count("239") > short.count("239") or form == "json"


@pytest.mark.parametrize("form", ["dot", "mermaid", "prov", "openlineage", "rocrate", "html"])
def test_what_is_left_out_is_counted(form):
    """Where something is folded away the form says how many, of what, and by whom."""
    text = export(training(), form)

    assert "240 × SVC by sklearn.base" in text or "240 \\u00d7 SVC by sklearn.base" in text


@EVERY
def test_a_file_has_the_same_text(form, tmp_path):
    """With a path, the file has what is returned; the form is known by the file's name."""
    path = tmp_path / FORMATS[form].file

    assert begat.export(training(), form, path) == path.read_text(encoding="utf-8")
    assert form_of(path) == form


def test_names_of_files_say_the_form():
    """Also other endings that people use; a name that says nothing is no guess."""
    assert [form_of(name) for name in ("a.yml", "A.HTM", "x/y.gv", "a.json", "my.prov.json", "a.txt", "html")] == [
        "yaml", "html", "dot", "json", "prov", None, None,
    ]  # fmt: skip


def test_an_unknown_form_is_refused_with_the_nearest():
    """The message names what there is."""
    with pytest.raises(ValueError, match=r"no form 'mermiad'; did you mean 'mermaid'\?; there are html, yaml"):
        export(training(), "mermiad")


def test_only_the_page_compares():
    """The other forms have no place for a second run, and say so."""
    with pytest.raises(ValueError, match="only html compares two"):
        export(training(), "prov", against=training())


def test_runs_inside_are_exported_with_theirs():
    """The forms that tell of a whole run tell of the runs inside it."""
    inner = Run(Header("inner", "fold 1", parent="outer"), (node(1, "deep", arguments=given(x=41)),))
    outer = Run(Header("outer"), (node(1, "top", arguments=given(x=40)),), children=(inner,))

    for form in ("prov", "openlineage", "rocrate", "json"):
        text = export(outer, form)
        assert "deep" in text
        assert "fold 1" in text


SCRIPT = """
import sys
import begat
from begat.render.export import FORMATS, export
run = begat.load(sys.argv[1])
for form in FORMATS:
    export(run, form)
    export(run, form, all=True)
export(run, "html", against=run)
seen = []
sys.addaudithook(lambda event, args: seen.append((event, args)))
for form in FORMATS:
    export(run, form)
export(run, "html", against=run)
kinds = {event for event, _ in seen}
files = {str(args[0]) for event, args in seen if event == "open"}
assert not kinds & {"import", "exec", "compile", "marshal.loads", "subprocess.Popen", "os.system", "socket.connect"}, kinds
assert all("begat" in name and "assets" in name for name in files), files
assert not {"antigravity", "this", "evil"} & set(sys.modules)
"""


def test_exporting_runs_nothing_of_the_record(tmp_path):
    """No module that a record names is imported, nothing is compiled or executed, no file but the page's own parts is opened."""
    targets = ["antigravity:fly", "this:s", "os:system", "builtins:exec", "evil:C", "subprocess:Popen"]
    bad = run(*(node(n, f"a{n}", target, given(cmd="touch hacked")) for n, target in enumerate(targets, 1)))
    path = tmp_path / "bad.json"
    path.write_bytes(dumps(bad))
    source = str(Path(__file__).parents[2] / "src")

    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(path)], capture_output=True, text=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": source},
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert sorted(os.listdir(tmp_path)) == ["bad.json"]


def test_json_is_the_record_and_flat_the_view():
    """The two that are JSON read back as what they are."""
    assert json.loads(export(training(), "json")) == json.loads(dumps(training()))
    assert json.loads(export(training(), "flat")) == training().flat()
    assert json.loads(export(odd(), "flat")) == odd().flat()
