"""Grid, zip and random: which trials there are is told by the plan alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from begat.errors import SweepError
from begat.sweep.plan import Plan
from begat.sweep.samplers import assignments, sampler
from begat.sweep.trial import Done, Ending, Trial


def plan(*words, **options):
    return Plan("20261122-000000-aaaaaa", "train.py", False, words, "/", **options)


def rows(made):
    total, found = assignments(made)
    found = [tuple(row.values()) for row in found]
    assert len(found) == total
    return found


def test_a_grid_has_every_combination_once():
    """The last path changes fastest, and what is fixed is in each."""
    assert rows(plan("a=1,2", "b=x", "c=3,4")) == [("1", "x", "3"), ("1", "x", "4"), ("2", "x", "3"), ("2", "x", "4")]
    assert rows(plan("a=1,2", "c=3,4", trials=3)) == [("1", "3"), ("1", "4"), ("2", "3")]


def test_zip_takes_them_side_by_side():
    """One value for a path counts for all."""
    assert rows(plan("a=1,2", "b=x", "c=3,4", sampler="zip")) == [("1", "x", "3"), ("2", "x", "4")]
    with pytest.raises(SweepError, match="a has 2, c has 3"):
        rows(plan("a=1,2", "c=3,4,5", sampler="zip"))


@pytest.mark.parametrize("name", ["grid", "zip"])
def test_an_interval_has_no_grid(name):
    """The error says what to use instead."""
    with pytest.raises(SweepError, match="--sampler random --trials"):
        rows(plan("a=uniform(0,1)", sampler=name))


def test_a_grid_beyond_reason_is_refused_at_once():
    """Nobody waits for a thousand million trials to be counted."""
    with pytest.raises(SweepError, match="1,000,000,000 trials"):
        assignments(plan("a=range(1000)", "b=range(1000)", "c=range(1000)"))


@given(st.integers(0, 2**32), st.integers(1, 30))
def test_random_is_told_by_its_seed(seed, trials):
    """The same seed gives the same values; more trials begin with the same ones; none comes twice."""
    made = plan("a=1,2,3", "b=loguniform(1e-5,1e-1)", "c=randint(1,4)", sampler="random", trials=trials, seed=seed)
    found = rows(made)

    assert found == rows(made)
    assert rows(replace(made, trials=trials + 5))[:trials] == found
    assert len(set(found)) == len(found)
    assert all(a in "123" and 1e-5 <= float(b) <= 1e-1 and 1 <= int(c) <= 4 for a, b, c in found)


def test_random_ends_where_there_are_no_more():
    """A space of six has six trials, whatever was asked for."""
    assert sorted(rows(plan("a=1,2", "b=1,2,3", sampler="random", trials=50))) == sorted(rows(plan("a=1,2", "b=1,2,3")))


def test_random_wants_to_know_how_many():
    """There is no end otherwise."""
    with pytest.raises(SweepError, match="--trials"):
        assignments(plan("a=uniform(0,1)", sampler="random"))


def test_what_is_done_is_not_proposed_again_unless_it_is_to_be():
    """Numbers are those of the whole list."""
    done = [
        Done(Trial(number, {}), Ending(number, state))
        for number, state in ((0, "finished"), (1, "failed"), (3, "finished"))
    ]

    def left(retry=()):
        chosen = sampler(plan("a=range(5)"), "", done, retry)
        return [trial.number for trial in iter(chosen.ask, None)]

    assert left() == [2, 4]
    assert left([done[1]]) == [1, 2, 4]


def test_one_path_twice_is_refused():
    """Instead of one of them winning."""
    with pytest.raises(SweepError, match="a is given twice"):
        assignments(plan("a=1,2", "a=3"))
