"""`params`: rows, and the patterns that choose them."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from begat.render.table import chosen, lines, rows, table
from handmade import given, node, run, training


def test_every_argument_is_a_row():
    """Objects and arguments have a row each, with source, annotation and call site; nothing is cut."""
    assert list(lines(rows(training())))[:8] == [
        "path\tvalue\tsource\ttype\tsite",
        "model\ttrain:Net\tclass\t\ttrain.py:31",
        "model.hidden\t256 (was 128)\toverride\tint\ttrain.py:31",
        "model.dropout\t0.1\tdefault\t\ttrain.py:31",
        "model.enc\ttrain:Encoder\tclass\t\ttrain.py:31",
        "model.enc.dim\t64\tgiven\t\ttrain.py:31",
        "model.enc.act\trelu\tdefault\t\ttrain.py:31",
        "model.dropout\ttorch.nn:Dropout\tclass\t\ttrain.py:14",
    ]


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        ("model.enc", ["model.enc", "model.enc.dim", "model.enc.act"]),
        ("*.lr", ["opt.lr"]),
        ("lr", ["opt.lr"]),
        ("Encoder.dim", ["model.enc.dim"]),
        ("Enc*.d*", ["model.enc.dim"]),
        ("train.Net.hidden", ["model.hidden"]),
        ("steps[0]", ["pipe.steps.0.1", "pipe.steps.0.1.C"]),
        ("nothing", []),
    ],
)
def test_patterns_choose_rows(pattern, paths):
    """A pattern is a path with all below it, Class.param, or a bare parameter name; with wildcards."""
    if pattern == "steps[0]":
        pattern = "pipe.steps[0]"
    assert [row.path for row in chosen(rows(training()), [pattern])] == paths


def test_no_pattern_chooses_all():
    """Without patterns every row stays; several patterns add up."""
    found = list(rows(training()))

    assert chosen(found, []) == found
    assert [row.path for row in chosen(found, ["opt.lr", "model.hidden"])] == ["model.hidden", "opt.lr"]


def test_a_pattern_that_is_no_path_is_refused():
    """Nonsense is an error that says where."""
    with pytest.raises(ValueError, match="position"):
        chosen(rows(training()), ["a..b"])


def test_rows_are_json():
    """The rows for `--json` hold plain data, and what an override replaced."""
    data = json.loads(json.dumps([row.data_row() for row in rows(training())]))

    assert {
        "path": "model.hidden",
        "value": 256,
        "source": "override",
        "type": "int",
        "site": "train.py:31",
        "was": 128,
    } in data


def test_no_value_breaks_a_line():
    """Tabs, line ends and escapes in values, names and annotations stay inside their field."""
    bad = run(node(1, "a\tb", "m:\tC", given(**{"p\n": "\t\n\x1b"}), annotations={"p\n": "A\tB"}))

    assert all(line.count("\t") == 4 and line.replace("\t", "").isprintable() for line in lines(rows(bad)))


@pytest.mark.parametrize("width", [60, 120])
def test_the_table_fits_the_terminal(width):
    """On a terminal every value is there, in lines no wider than it."""
    out = io.StringIO()
    Console(file=out, width=width).print(table(rows(training()), width))

    assert max(map(len, out.getvalue().splitlines())) <= width
    assert "(0.9, 0.98)" in out.getvalue()
