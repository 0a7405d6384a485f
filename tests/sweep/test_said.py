"""What a trial said."""

from __future__ import annotations

import math

import pytest

from begat.sweep.said import Steps, complaint, last_object, number


@pytest.fixture
def written(tmp_path):
    def write(text, mode="w"):
        with open(tmp_path / "out", mode, encoding="utf-8") as file:
            file.write(text)
        return str(tmp_path / "out")

    return write


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"loss": 0.3}\n', {"loss": 0.3}),
        ('{"loss": 0.5}\n  {"loss": 0.3}  \nbye\n[1]\n{"half": \n', {"loss": 0.3}),
        ('{"loss": NaN, "best": -Infinity}', {"loss": "nan", "best": "-inf"}),
        ("x" * 200_000 + '\n{"loss": 1}', {"loss": 1}),
        ("{" * 100_000, {}),
        ("", {}),
    ],
)
def test_the_last_json_object_counts(written, text, found):
    """Other lines may stand behind it, and half a line is none."""
    assert last_object(written(text)) == found


def test_no_output_says_nothing(tmp_path):
    """A worker that went away left no file."""
    assert last_object(str(tmp_path / "none")) == {}
    assert complaint(str(tmp_path / "none")) is None


def test_the_complaint_is_the_last_line(written):
    """Empty lines do not count."""
    assert complaint(written("Traceback\n  a\nValueError: no\n\n  \n")) == "ValueError: no"
    assert complaint(written("begat: OverrideError [begat-O1] nothing:\n  did you mean b?\n")) == (
        "OverrideError [begat-O1] nothing: did you mean b?"
    )


def test_numbers_are_numbers():
    """True is none, and text is none but for what JSON cannot say otherwise."""
    assert [number(value) for value in (1, 0.5, "inf", True, None, "1", [1])] == [
        1.0,
        0.5,
        math.inf,
        None,
        None,
        None,
        None,
    ]
    assert math.isnan(number("nan"))


def test_steps_are_read_as_they_come(written):
    """Each line once, and only when it is whole."""
    steps = Steps(written('{"step": 0, "loss": 4}\nhello\n{"step": 1, "lo'), "loss")
    assert list(steps.new()) == [(0, 4.0)]
    written('ss": 3}\n{"step": 2}\n{"loss": 1}\n{"step": 3, "loss": NaN}\n{"step": -1, "loss": 1}\n', "a")
    assert list(steps.new()) == [(1, 3.0)]
    assert list(steps.new()) == []
    assert list(Steps("/nowhere/at/all", "loss").new()) == []
