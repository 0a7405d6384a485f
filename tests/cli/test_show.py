"""`begat show`, and what all verbs share."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from begat.cli.find import RunType
from begat.cli.main import VERBS, command
from begat.record.codec import dumps
from begat.record.dot import dot
from begat.record.views import config, flat
from begat.render.tree import lines
from begat.render.yaml import emit
from handmade import training


def test_show_prints_the_tree(begat):
    """Without a terminal, the lines of the tree and nothing else; `last` is the default."""
    result = begat("show")

    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == list(lines(training()))


def test_color_is_forced_and_refused_by_the_environment(begat):
    """FORCE_COLOR makes a terminal of a pipe; NO_COLOR takes the colors from it."""
    assert "\x1b[" in begat("show", FORCE_COLOR="1", TERM="xterm-256color").stdout
    assert "\x1b]8;" in begat("show", FORCE_COLOR="1", TERM="xterm-256color").stdout
    plain = begat("show", FORCE_COLOR="1", NO_COLOR="1", TERM="xterm-256color").stdout
    assert "\x1b[36m" not in plain
    assert "\x1b]8;" not in plain


def test_json_is_the_record(begat):
    """`--json` is the record itself, indented."""
    assert json.loads(begat("show", "last", "--json").stdout) == json.loads(dumps(training()))


def test_flat_yaml_and_dot_are_the_views(begat):
    """The other forms are the views of the same names."""
    assert json.loads(begat("show", "--flat").stdout) == flat(training())
    head, _, body = begat("show", "--yaml").stdout.partition("\n")
    assert head == f"# run: {training().id}"
    assert body.partition("\n")[2] == emit(config(training()))
    assert begat("show", "--dot").stdout == dot(training())


def test_all_opens_every_form(begat):
    """With `--all`, what libraries built is there in every form."""
    assert "search.SVC.239" in begat("show", "--all").stdout
    assert "search.SVC.239" in json.loads(begat("show", "--all", "--flat").stdout)
    assert "n339" in begat("show", "--all", "--dot").stdout


def test_data_is_harmless_on_a_terminal(begat):
    """No form writes an escape sequence that a record holds."""
    for form in ("--json", "--flat", "--yaml", "--dot"):
        assert "\x1b" not in begat("show", form).stdout


@pytest.mark.parametrize("said", ["nothing", "./missing/run.json", "never.py"])
def test_an_unknown_run_is_one_message(begat, said):
    """An error of ours is a message on stderr with its code, exit code 2, and no traceback."""
    result = begat("show", said)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert "UnknownRun [begat-R2]" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_unreadable_record_is_one_message(begat, tmp_path):
    """A file that is no record is refused the same way."""
    (tmp_path / "bad.json").write_text("{\x1b")
    result = begat("show", "bad.json")

    assert result.exit_code == 2
    assert "InvalidRecord" in result.stderr
    assert "\x1b" not in result.stderr


def test_help_has_an_example_for_every_verb(begat):
    """Every verb's help shows how it is used."""
    for verb in VERBS:
        result = begat(verb, "--help")
        assert result.exit_code == 0, result.output
        assert f"begat {verb}" in result.stdout
        assert "Example" in result.stdout


def test_the_command_lists_its_verbs(begat):
    """`begat --help` names them in one order; an unknown verb is refused."""
    listed = begat("--help").stdout

    assert sorted(VERBS, key=lambda verb: listed.index(f"\n  {verb}")) == list(VERBS)
    assert begat("shwo").exit_code == 2
    assert begat("--version").stdout.startswith("begat")


def test_run_ids_are_completed(begat):
    """The shell offers `last` and the ids that begin so, newest first; else files."""
    offered = [item.value for item in RunType().shell_complete(None, None, "")]

    assert offered == ["last", training().id]
    assert [item.value for item in RunType().shell_complete(None, None, "2026")] == [training().id]
    assert [item.type for item in RunType().shell_complete(None, None, "./")] == ["file"]


def test_a_verb_pays_only_for_itself(tmp_path):
    """Asking for a verb imports that verb, and neither pydantic nor rich before it needs them."""
    code = (
        "import sys; from begat.cli.main import command;"
        "assert 'begat.cli.show' not in sys.modules;"
        "command.get_command(None, 'show');"
        "assert 'begat.cli.show' in sys.modules and 'begat.cli.run' not in sys.modules;"
        "assert not {'rich', 'pydantic', 'orjson'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ})


def test_any_encoding_will_do(begat, tmp_path):
    """An output that cannot write an arrow gets its escape instead of a traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "begat", "show"], capture_output=True, check=True, cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip

    assert b"estimator=\\u2192 pipe" in done.stdout


@pytest.mark.skipif(os.name == "nt", reason="there is no `head`")
def test_a_reader_that_leaves_is_no_error(begat, tmp_path):
    """`begat show --all | head -1` ends without a traceback."""
    done = subprocess.run(
        f"'{sys.executable}' -m begat show --all --json | head -1",
        shell=True,
        capture_output=True,
        cwd=tmp_path,
        text=True,
    )

    assert "Traceback" not in done.stderr
    assert done.stdout == "{\n"


def test_the_entry_point_is_the_group():
    """`python -m begat` and the installed command are the same group."""
    verbs = {"run", "params", "show", "runs", "code", "rebuild", "export", "sweep", "diff", "check"}
    assert set(command.list_commands(None)) == verbs


def test_two_forms_at_once_are_refused(begat):
    """Not one of them silently."""
    result = begat("show", "--yaml", "--flat")

    assert result.exit_code == 2
    assert "--yaml or --flat" in result.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no device that is always full")
@pytest.mark.parametrize("words", [["show"], ["params"], ["show", "--json"]], ids=" ".join)
def test_an_output_that_cannot_be_written_is_one_line(begat, words):
    """A full disk is exit code 1 and a message, not a traceback."""
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-m", "begat", *words], stdout=full, stderr=subprocess.PIPE, text=True)

    assert done.returncode == 1
    assert done.stderr == "Error: [Errno 28] No space left on device\n"
