"""`begat export`."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from begat.record.codec import dumps
from begat.render.export import FORMATS, export
from handmade import given, node, run, training

SCRIPT = """
class Enc:
    def __init__(self, dim: int, act="relu", drop: float | None = None): self.dim = dim
class Net:
    def __init__(self, enc, hidden=4, name="it's", opts=None, sizes=(1, 2), trap="no", clock="12:30", number="1e3", flag=True):
        self.enc, self.hidden = enc, hidden
net = Net(Enc(64), hidden=8, opts={"beta": 0.9, "nested": {"x": [1, 2]}}, name="2026-01-01")
print(net.enc.dim, net.hidden)
"""


@pytest.mark.parametrize("form", FORMATS)
def test_a_form_goes_to_standard_output_or_to_a_file(begat, form, tmp_path):
    """The same text either way; with a file nothing but one line on standard error."""
    printed = begat("export", "--to", form)
    written = begat("export", "last", "--to", form, "-o", "out.txt")

    assert printed.exit_code == written.exit_code == 0, printed.output + written.output
    assert printed.stdout == (tmp_path / "out.txt").read_text(encoding="utf-8") == export(training(), form)
    assert (written.stdout, written.stderr) == ("", f"{form} in out.txt\n")


def test_the_name_of_the_file_says_the_form(begat, tmp_path):
    """`-o run.html` is a page; a name that says nothing is a question with the answers in it."""
    assert begat("export", "-o", "run.html").exit_code == 0
    assert (tmp_path / "run.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    refused = begat("export", "-o", "run.bin")
    assert refused.exit_code == 2
    assert "--to html, yaml" in refused.stderr
    assert begat("export").exit_code == 2
    assert not (tmp_path / "run.bin").exists()


def test_the_forms_are_listed(begat):
    """`--list` has every form and what its files are called, also as JSON; it needs no run."""
    listed = begat("export", "--list").stdout

    assert [line.split()[0] for line in listed.splitlines()] == list(FORMATS)
    assert [each["form"] for each in json.loads(begat("export", "--list", "--json").stdout)] == list(FORMATS)


def test_json_is_the_record(begat):
    """`--json` means here what it means everywhere; beside another form it is refused."""
    assert json.loads(begat("export", "--json").stdout) == json.loads(dumps(training()))
    assert begat("export", "--json", "--to", "dot").exit_code == 2


def test_a_page_compares(begat, tmp_path):
    """`--against` another run shows what differs; another form has no place for it."""
    other = tmp_path / "other.json"
    other.write_bytes(dumps(run(node(1, "model", "train:Net", given(hidden=64)))))

    assert begat("export", "--to", "html", "--against", str(other), "-o", "both.html").exit_code == 0
    assert "difference" in (tmp_path / "both.html").read_text(encoding="utf-8")
    refused = begat("export", "--to", "dot", "--against", str(other))
    assert refused.exit_code == 2
    assert "only html compares two" in refused.stderr


def test_all_is_everything(begat):
    """With `--all`, what libraries built is there."""
    assert "search.SVC.239" not in begat("export", "--to", "flat").stdout
    assert "search.SVC.239" in begat("export", "--to", "flat", "--all").stdout


def test_an_unknown_form_or_run_is_one_message(begat):
    """What is wrong, and what there is instead; exit code 2."""
    assert "did you mean 'mermaid'?" in begat("export", "--to", "mermaids").stderr
    assert begat("export", "--to", "mermaids").exit_code == 2
    assert begat("export", "nothing", "--to", "dot").exit_code == 2


def test_a_file_that_cannot_be_written_is_one_message(begat, tmp_path):
    """A folder in the way is exit code 1, or 2 where click sees it, and no traceback."""
    (tmp_path / "there").write_text("a file")
    done = begat("export", "-o", "there/run.html")

    assert done.exit_code == 1
    assert "Traceback" not in done.output


@pytest.mark.parametrize("form", ["yaml", "toml", "env"])
def test_what_is_printed_is_taken_back_and_changes_nothing(form, tmp_path):
    """A script run with its own exported configuration, as a file or as the environment, builds what it built."""
    (tmp_path / "train.py").write_text(SCRIPT)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BEGAT__")}

    def begat(*words, **more):
        return subprocess.run(
            [sys.executable, "-m", "begat", *words], cwd=tmp_path, env={**environment, **more}, check=True,
            capture_output=True, text=True,
        ).stdout  # fmt: skip

    if form == "yaml":
        pytest.importorskip("yaml")
    printed = begat("run", "train.py")
    before = json.loads(begat("export", "--to", "flat"))
    begat("export", "last", "-o", f"run.{form}")
    if form == "env":
        os.rename(tmp_path / "run.env", tmp_path / ".env")
    again = begat("run", *([] if form == "env" else ["--config", f"run.{form}"]), "train.py")

    assert again == printed
    if form != "env":
        sources = [a["source"] for n in json.loads(begat("export", "--json"))["nodes"] for a in n["arguments"]]
        assert "config" not in sources  # what is as the run had it is left to the code
    assert json.loads(begat("export", "--to", "flat")) == before
