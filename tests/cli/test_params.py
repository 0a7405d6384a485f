"""`begat params`."""

from __future__ import annotations

import json

from begat.render.table import lines, rows
from handmade import training


def test_params_prints_a_line_for_every_argument(begat):
    """Without a terminal: columns separated by tabs, nothing cut."""
    result = begat("params")

    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == list(lines(rows(training())))


def test_patterns_keep_what_matches(begat):
    """Patterns choose rows; several add up."""
    result = begat("params", "last", "*.lr", "Encoder.dim")

    assert [line.split("\t")[0] for line in result.stdout.splitlines()[1:]] == ["model.enc.dim", "opt.lr"]


def test_json_holds_the_rows(begat):
    """`--json` has one object for each row, with data instead of texts."""
    found = json.loads(begat("params", "last", "opt.betas", "--json").stdout)

    assert found == [
        {"path": "opt.betas", "value": [0.9, 0.98], "source": "given", "type": None, "site": "train.py:33"}
    ]


def test_no_match_is_exit_code_one_with_a_hint(begat):
    """As with grep, nothing found is 1; the message suggests what is near."""
    result = begat("params", "last", "opt.betsa")

    assert result.exit_code == 1
    assert "did you mean opt.betas" in result.stderr
    assert begat("params", "last", "nope", "--json").exit_code == 1


def test_a_bad_pattern_is_a_usage_error(begat):
    """What is no path is refused with the place where it goes wrong."""
    result = begat("params", "last", "a..b")

    assert result.exit_code == 2
    assert "position" in result.stderr


def test_a_terminal_gets_a_table(begat):
    """On a terminal the columns are aligned."""
    result = begat("params", FORCE_COLOR="1", NO_COLOR="1", COLUMNS="120", TERM="xterm")

    assert "\t" not in result.stdout
    assert "opt.betas" in result.stdout


def test_a_script_that_was_never_run_is_told_so(begat):
    """`begat params train.py` needs one run of it."""
    result = begat("params", "other.py")

    assert result.exit_code == 2
    assert "begat run other.py" in result.stderr
    assert begat("params", "/home/train.py").exit_code == 0


def test_all_lists_what_libraries_built(begat):
    """With `--all` there are rows for the folded objects too."""
    assert "search.SVC.239.C" in begat("params", "--all").stdout
    assert "search.SVC.239.C" not in begat("params").stdout


def test_a_pattern_in_the_place_of_the_run_is_noticed(begat):
    """The message says how to spell it; a path that is not there gets no such advice."""
    assert "begat params last width" in begat("params", "width").stderr
    assert "begat params last" not in begat("params", "./nowhere/run.json").stderr
