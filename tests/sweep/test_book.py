"""The folder of a sweep: what a killed process leaves, and who may write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from begat.errors import SweepError
from begat.sweep import plan as plans
from begat.sweep.book import LINES, Book, find, read
from begat.sweep.plan import Plan
from begat.sweep.trial import Done, Ending, Trial


def plan(identity="20261122-104501-aaaaaa", **options):
    return Plan(identity, "train.py", False, ("a=1,2",), "/work", **options)


def done(number, state="finished", retries=None, **ending):
    return Done(Trial(number, {"a": "1"}, retries), Ending(number, state, **ending))


@pytest.fixture
def book(tmp_path):
    opened = Book.new(plan(), str(tmp_path))
    yield opened
    opened.close()


def test_a_book_is_read_as_it_was_written(book):
    """Numbers that JSON cannot say included; the lines are strict JSON."""
    written = [
        done(0, value=0.5, result={"loss": 0.5}),
        done(1, value=float("inf"), result={"loss": "inf"}),
        done(2, "failed", error="ä\n"),
    ]
    for one in written:
        book.write(one)

    assert book.read() == written
    text = (Path(book.folder) / LINES).read_text()
    for line in text.splitlines():
        json.loads(line, parse_constant=pytest.fail)


def test_the_last_word_on_a_trial_counts(book):
    """A trial done again under its own number, or under another, replaces the one that failed."""
    for one in (done(0, "failed"), done(1, "failed"), done(0), done(2, retries=1)):
        book.write(one)

    assert [(one.trial.number, one.ending.state) for one in book.read()] == [(0, "finished"), (2, "finished")]


def test_half_a_line_is_no_trial_and_spoils_none(tmp_path):
    """A full disk or lost power may cut the last line; the next trial is on a line of its own."""
    first = Book.new(plan(), str(tmp_path))
    first.write(done(0))
    first.write(done(1))
    first.close()
    lines = tmp_path / "sweeps" / plan().id / LINES
    lines.write_bytes(lines.read_bytes()[:-9])

    again = Book(first.folder)
    assert [one.trial.number for one in again.read()] == [0]
    again.write(done(2))
    again.close()

    assert [one.trial.number for one in read(first.folder)] == [0, 2]


def test_two_processes_do_not_write_in_one_book(book):
    """The second is told so."""
    with pytest.raises(SweepError, match="under way in another process"):
        Book(book.folder)


def test_plans_survive_writing(tmp_path):
    """All of it."""
    whole = plan(
        name="ä",
        options=("--watch", "x"),
        arguments=("--", "b=c"),
        sampler="optuna:CmaEsSampler",
        trials=3,
        maximize=True,
    )
    plans.save(whole, str(tmp_path))

    assert plans.load(str(tmp_path)) == whole


@pytest.mark.parametrize("text", ["", "[]", '{"format": "begat-sweep/9"}', '{"format": "begat-sweep/1", "colour": 1}'])
def test_what_is_no_plan_is_refused(tmp_path, text):
    """With the file's name."""
    (tmp_path / plans.FILE).write_text(text)

    with pytest.raises(SweepError, match=plans.FILE):
        plans.load(str(tmp_path))


def test_sweeps_are_found_by_what_people_type(tmp_path):
    """An id, the beginning of one, a name, `last`; otherwise the error lists what there is."""
    with pytest.raises(SweepError, match="holds none yet"):
        find(str(tmp_path), "last")
    one, other = "20261122-104501-aaaaaa", "20261123-104501-bbbbbb"
    Book.new(plan(one, name="lr"), str(tmp_path)).close()
    Book.new(plan(other), str(tmp_path)).close()

    for said, meant in ((one, one), ("20261123", other), ("last", other), ("lr", one)):
        assert find(str(tmp_path), said) == str(tmp_path / "sweeps" / meant)
    for said, problem in (("2026", "several sweeps"), ("nothing", "there is no sweep"), ("", "there is no sweep")):
        with pytest.raises(SweepError, match=f"{problem}.*{one}"):
            find(str(tmp_path), said)
